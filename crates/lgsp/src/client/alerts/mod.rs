//! `lgsp alert`: what somebody should look at, who looks after it, and what is silenced.

mod list;
mod show;
mod silences;
mod words;

use std::time::Duration;

use lgsp_proto::monitor::v1::alert_service_client::AlertServiceClient;
use lgsp_proto::monitor::v1::{AlertState, ListAlertsRequest};
use tonic::transport::Channel;

use super::registry::answered_within;
use super::session::Session;
use super::{Error, Lang};
use crate::cli::alerts::Alert;

const DEADLINE: Duration = Duration::from_secs(10);

/// Runs `lgsp alert`.
///
/// # Errors
/// Whatever kept it from being done.
pub(crate) async fn run(command: &Alert, lang: Lang) -> Result<(), Error> {
    match command {
        Alert::List(args) => list::run(args, lang).await,
        Alert::Show(args) => show::run(args, lang).await,
        Alert::Acknowledge(args) => show::acknowledge(args, lang).await,
        Alert::Silence(args) => silences::silence(args, lang).await,
        Alert::Silences(args) => silences::list(args, lang).await,
        Alert::EndSilence(args) => silences::end(args, lang).await,
    }
}

/// How many alerts fire that somebody was told of, or should have been; `None` if the monitor does not tell.
pub(crate) async fn firing(session: &Session, deadline: Duration) -> Option<usize> {
    let request = session.request(ListAlertsRequest::default(), Some(deadline)).ok()?;
    let mut client = client(session);
    let told = answered_within(session, deadline, client.list_alerts(request)).await.ok()?;
    let fires = |state| matches!(state, AlertState::Firing | AlertState::Acknowledged);
    Some(told.alerts.iter().filter(|alert| fires(alert.state())).count())
}

/// So many alerts, in words; empty for none.
pub(crate) fn firing_in_words(count: usize, lang: Lang) -> String {
    match (count, lang) {
        (0, _) => String::new(),
        (1, Lang::En) => "1 alert fires".to_owned(),
        (_, Lang::En) => format!("{count} alerts fire"),
        (_, Lang::Vi) => format!("{count} cảnh báo"),
    }
}

fn client(session: &Session) -> AlertServiceClient<Channel> {
    AlertServiceClient::new(session.channel.clone())
}
