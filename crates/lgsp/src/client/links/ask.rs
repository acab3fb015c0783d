//! Asks how the links are: the monitor through a gateway, or the roles themselves on their admin ports.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use lgsp_monitor::picture::Picture;
use lgsp_monitor::ports;
use lgsp_proto::monitor::v1::{Link, LinkKind, LinkState, ListLinksRequest};

use super::{client, words};
use crate::client::registry::answered_within;
use crate::client::session::Session;
use crate::client::{Error, Lang};

/// An application without traffic for so long is silent, as monitors have it by default.
pub(super) const SILENT_AFTER_US: i64 = 900_000_000;

/// Every link, as the monitor has it.
pub(super) async fn list(session: &Session, deadline: Duration) -> Result<Vec<Link>, Error> {
    let request = session.request(ListLinksRequest {}, Some(deadline))?;
    let mut client = client(session);
    Ok(answered_within(session, deadline, client.list_links(request)).await?.links)
}

/// Takes what the roles tell on their admin ports into a picture. Returns those that tell nothing.
pub(super) async fn into_picture(
    picture: &mut Picture,
    ports: &[SocketAddr],
    now_us: i64,
) -> Vec<(SocketAddr, ports::Unread)> {
    let mut silent = Vec::new();
    for (port, read) in ports.iter().zip(join_all(ports.iter().map(|port| ports::read(*port))).await) {
        match read {
            Ok(telling) => picture.take(telling, now_us),
            Err(error) => silent.push((*port, error)),
        }
    }
    silent
}

/// What is to be known of links that no monitor tells.
pub(super) fn without_monitor(lang: Lang) -> &'static str {
    lang.pick(
        "the monitor does not answer: this is what the roles tell on their admin ports, without a past",
        "hệ thống giám sát không trả lời: dưới đây là trạng thái do các tiến trình tự báo, không có lịch sử",
    )
}

/// States from bad to good, as a night's duty looks at them.
pub(super) const WORST_FIRST: [LinkState; 6] = [
    LinkState::Down,
    LinkState::Degraded,
    LinkState::Maintenance,
    LinkState::Unspecified,
    LinkState::Silent,
    LinkState::Working,
];

/// The place of a kind of links in a list: what most others depend on first.
pub(super) fn group(kind: LinkKind) -> u8 {
    match kind {
        LinkKind::Broker => 0,
        LinkKind::Provider => 1,
        LinkKind::Source => 2,
        LinkKind::Witness => 3,
        LinkKind::Application => 4,
        LinkKind::Unspecified => 5,
    }
}

/// How many links are how, the worst first.
pub(super) fn summary(links: &[Link], lang: Lang) -> String {
    let count = |state: LinkState| links.iter().filter(|link| link.state() == state).count();
    let counts = WORST_FIRST.into_iter().map(|state| (count(state), words::state(state, lang).text));
    let told: Vec<String> =
        counts.filter(|(count, _)| *count > 0).map(|(count, state)| format!("{count} {state}")).collect();
    if told.is_empty() { lang.pick("no links", "không có kết nối").to_owned() } else { told.join(", ") }
}
