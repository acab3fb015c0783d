//! `lgsp status`: every link on one screen, also while the hub cannot be called.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use lgsp_core::time::unix_micros;
use lgsp_monitor::picture::Picture;
use lgsp_monitor::{at_a_glance, ports};
use lgsp_proto::monitor::v1::{Link, LinkKind, LinkState, ListLinksRequest};

use super::{client, words};
use crate::admin_ports;
use crate::cli::links::Status;
use crate::client::output::{self, Listing, Surface};
use crate::client::registry::{answered_within, open};
use crate::client::table::{Shrink, Table};
use crate::client::{Error, Exit, Lang};

/// Longest time for the monitor to answer, before admin ports are asked.
const DEADLINE: Duration = Duration::from_secs(3);
/// An application without traffic for so long is silent, as monitors have it by default.
const SILENT_AFTER_US: i64 = 900_000_000;
/// The hub refuses to tell.
const REFUSED: u8 = 3;

/// Runs `lgsp status`, and tells in its exit code how the worst link is.
pub(crate) async fn run(args: &Status, lang: Lang) -> ExitCode {
    let told = match of_the_monitor(args).await {
        Ok(links) => Ok(links),
        Err(error) => match of_admin_ports(args, &error, lang).await {
            Some(links) => Ok(links),
            None => Err(error),
        },
    };
    let links = match told {
        Ok(links) => links,
        Err(error) => {
            output::failure(&error.report(lang));
            let is_refused = matches!(error.exit(), Some(Exit::Refused | Exit::Usage));
            return ExitCode::from(if is_refused { REFUSED } else { 2 });
        }
    };
    let surface = Surface::of_stdout();
    match write(&links, surface.listing(args.output), &surface, lang) {
        Ok(()) => ExitCode::from(worst(&links)),
        Err(error) => {
            output::failure(&error.report(lang));
            ExitCode::FAILURE
        }
    }
}

async fn of_the_monitor(args: &Status) -> Result<Vec<Link>, Error> {
    let session = open(&args.operator).await?;
    let request = session.request(ListLinksRequest {}, Some(DEADLINE))?;
    let mut client = client(&session);
    Ok(answered_within(&session, DEADLINE, client.list_links(request)).await?.links)
}

/// What the roles say themselves; `None` if none of them answers.
async fn of_admin_ports(args: &Status, error: &Error, lang: Lang) -> Option<Vec<Link>> {
    let is_refused = matches!(error.exit(), Some(Exit::Refused | Exit::Usage));
    let found =
        if args.admin.is_empty() { admin_ports::found(&args.operator.key.data) } else { args.admin.clone() };
    if (is_refused && args.admin.is_empty()) || found.is_empty() {
        return None;
    }
    let now_us = unix_micros(SystemTime::now());
    let mut picture = Picture::default();
    let mut answered = 0;
    for (port, read) in
        found.iter().zip(futures::future::join_all(found.iter().map(|at| ports::read(*at))).await)
    {
        match read {
            Ok(telling) => {
                picture.take(telling, now_us);
                answered += 1;
            }
            Err(error) => output::note(&format!("{port}: {error}")),
        }
    }
    if answered == 0 {
        return None;
    }
    output::note(lang.pick(
        "the monitor does not answer: this is what the roles tell on their admin ports, without a past",
        "hệ thống giám sát không trả lời: dưới đây là trạng thái do các tiến trình tự báo, không có lịch sử",
    ));
    Some(at_a_glance(picture.readings([].into_iter(), SILENT_AFTER_US, now_us), now_us))
}

fn worst(links: &[Link]) -> u8 {
    let code = |link: &Link| match link.state() {
        LinkState::Unspecified | LinkState::Working | LinkState::Silent | LinkState::Maintenance => 0,
        LinkState::Degraded => 1,
        LinkState::Down => 2,
    };
    links.iter().map(code).max().unwrap_or(0)
}

fn write(links: &[Link], listing: Listing, surface: &Surface, lang: Lang) -> Result<(), Error> {
    if listing == Listing::Json {
        return links.iter().try_for_each(|link| output::line(&output::json_line(link)?));
    }
    output::line(&summary(links, lang))?;
    table(links, lang).write(listing, surface)
}

/// How many links are how, the worst first.
fn summary(links: &[Link], lang: Lang) -> String {
    const ORDER: [LinkState; 5] =
        [LinkState::Down, LinkState::Degraded, LinkState::Maintenance, LinkState::Silent, LinkState::Working];
    let count = |state: LinkState| links.iter().filter(|link| link.state() == state).count();
    let counts = ORDER.into_iter().map(|state| (count(state), words::state(state, lang).text));
    let told: Vec<String> =
        counts.filter(|(count, _)| *count > 0).map(|(count, state)| format!("{count} {state}")).collect();
    if told.is_empty() { lang.pick("no links", "không có kết nối").to_owned() } else { told.join(", ") }
}

/// Grouped by what they connect, in the order in which a night's duty looks at them.
fn table(links: &[Link], lang: Lang) -> Table {
    let header = match lang {
        Lang::En => ["link", "state", "since (+07:00)", "cause", "evidence"],
        Lang::Vi => ["kết nối", "trạng thái", "từ (+07:00)", "nguyên nhân", "căn cứ"],
    };
    let [_, _, since, cause, evidence] = header;
    let mut table = Table::new(header.to_vec())
        .wrapping(vec![cause, evidence])
        .shrinking([evidence, since].map(Shrink::Drop).to_vec());
    let group = |link: &Link| match link.kind() {
        LinkKind::Broker => 0,
        LinkKind::Provider => 1,
        LinkKind::Source => 2,
        LinkKind::Witness => 3,
        LinkKind::Application => 4,
        LinkKind::Unspecified => 5,
    };
    let mut ordered: Vec<&Link> = links.iter().collect();
    ordered.sort_by_key(|link| (group(link), link.id.as_str()));
    for link in ordered {
        table.row(vec![
            link.id.as_str().into(),
            words::state(link.state(), lang),
            crate::client::words::minute(link.since.as_ref()).into(),
            words::cause(&link.cause, lang).into(),
            words::signs(link, lang).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(id: &str, kind: LinkKind, state: LinkState) -> Link {
        Link { id: id.to_owned(), kind: kind.into(), state: state.into(), ..Link::default() }
    }

    #[test]
    fn the_worst_link_decides_and_maintenance_and_silence_are_no_trouble() {
        let check = |states: &[LinkState], expected| {
            let links: Vec<Link> =
                states.iter().map(|state| link("x/y", LinkKind::Provider, *state)).collect();
            assert_eq!(worst(&links), expected, "{states:?}");
        };
        check(&[], 0);
        check(&[LinkState::Working, LinkState::Silent, LinkState::Maintenance], 0);
        check(&[LinkState::Working, LinkState::Degraded], 1);
        check(&[LinkState::Down, LinkState::Degraded], 2);
    }

    #[test]
    fn the_screen_begins_with_a_sum_and_is_grouped() {
        let links = [
            link("application/tthc", LinkKind::Application, LinkState::Silent),
            link("provider/land", LinkKind::Provider, LinkState::Down),
            link("broker/kafka", LinkKind::Broker, LinkState::Working),
        ];
        assert_eq!(summary(&links, Lang::En), "1 down, 1 silent, 1 working");
        let plain = table(&links, Lang::Vi).plain();
        let firsts: Vec<&str> =
            plain.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(firsts, ["broker/kafka", "provider/land", "application/tthc"]);
    }
}
