//! `lgsp audit`: what auditors ask of the exchange log, and decide about it.

mod anomalies;
mod application;
mod completeness;
mod decide;
mod destroy;
mod export;
mod exposure;
mod filter;
mod prove;
mod report;
mod search;
mod show;
mod spreadsheet;
mod titles;

use std::time::{Duration, Instant};

use lgsp_core::time::{day, micros};
use lgsp_proto::ledger::v1::audit_service_client::AuditServiceClient;
use lgsp_proto::ledger::v1::{ArchivedPeriod, GetExchangeRequest, GetExchangeResponse};
use prost_reflect::prost_types::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tonic::transport::Channel;
use tonic::{Response, Status, Streaming};

use self::decide::Decision;
use super::registry::answered_within;
use super::session::{GRACE, LARGEST_MESSAGE, Session};
use super::{Error, Exit, Lang, output, words};
use crate::cli::audit::Ask;

/// Time for one answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// The same for what reads much of the log.
const LONG: Duration = Duration::from_secs(60);
/// How long the hub may take to begin a stream.
const OPEN_PATIENCE: Duration = Duration::from_secs(30);
/// How long a stream may pause.
const PAUSE_PATIENCE: Duration = Duration::from_secs(60);

/// Runs a command of `lgsp audit` that asks a hub.
///
/// # Errors
/// Whatever kept it from being done; or that something does not hold, or is missing.
pub(crate) async fn run(command: &Ask, lang: Lang) -> Result<(), Error> {
    match command {
        Ask::Search(args) => search::run(args, lang).await,
        Ask::Show(args) => show::run(args, lang).await,
        Ask::Prove(args) => prove::run(args, lang).await,
        Ask::Export(args) => export::run(args, lang).await,
        Ask::Report(args) => report::run(args, lang).await,
        Ask::Exposure(args) => exposure::run(args, lang).await,
        Ask::Anomalies(command) => anomalies::run(command, lang).await,
        Ask::Completeness(args) => completeness::run(args, lang).await,
        Ask::Checkpoint(args) => completeness::checkpoint(args, lang).await,
        Ask::Hold(args) => decide::run(Decision::Hold, args, lang).await,
        Ask::Release(args) => decide::run(Decision::Release, args, lang).await,
        Ask::Withhold(args) => decide::run(Decision::Withhold(args.until), &args.about, lang).await,
        Ask::Erase(args) => decide::run(Decision::Erase { is_confirmed: args.yes }, &args.about, lang).await,
        Ask::DestroyKey(args) => destroy::run(args, lang).await,
    }
}

fn client(session: &Session) -> AuditServiceClient<Channel> {
    AuditServiceClient::new(session.channel.clone()).max_decoding_message_size(LARGEST_MESSAGE)
}

/// All entries of an exchange, with the decisions about it.
async fn exchange(session: &Session, id: &str, prove: bool) -> Result<GetExchangeResponse, Error> {
    let mut all = GetExchangeResponse::default();
    let mut from_leaf = 0;
    loop {
        let page = GetExchangeRequest { exchange_id: id.to_owned(), prove, from_leaf };
        let request = session.request(page, Some(DEADLINE))?;
        let page = answered_within(session, DEADLINE, client(session).get_exchange(request)).await;
        let page = page.map_err(|error| match error {
            Error::Refused(failure) if failure.exit() == Exit::NotFound => {
                let id = id.to_owned();
                // What is not there at all breaks no rule.
                if failure.violations().is_empty() { Error::NotInLog { id } } else { Error::InArchive { id } }
            }
            other => other,
        })?;
        all.entries.extend(page.entries);
        all.decisions.extend(page.decisions);
        // One that goes back would repeat for ever.
        if page.next_leaf <= from_leaf {
            return Ok(all);
        }
        from_leaf = page.next_leaf;
    }
}

/// A stream that tells something again and again, or is given up.
struct Told<'a, T> {
    session: &'a Session,
    began: Instant,
    stream: Streaming<T>,
}

impl<'a, T> Told<'a, T> {
    async fn open(
        session: &'a Session,
        call: impl Future<Output = Result<Response<Streaming<T>>, Status>>,
    ) -> Result<Self, Error> {
        let began = Instant::now();
        let patience = OPEN_PATIENCE + GRACE;
        let opened = tokio::time::timeout(patience, call).await;
        let opened = opened.map_err(|_| Error::NoAnswer { waited: patience })?;
        let stream = opened.map_err(|status| session.error(&status, None, began.elapsed()))?.into_inner();
        Ok(Self { session, began, stream })
    }

    async fn next(&mut self) -> Result<Option<T>, Error> {
        let told = tokio::time::timeout(PAUSE_PATIENCE, self.stream.message()).await;
        let told = told.map_err(|_| Error::NoAnswer { waited: PAUSE_PATIENCE })?;
        told.map_err(|status| self.session.error(&status, None, self.began.elapsed()))
    }
}

/// Tells months in which a subject cannot be found any more.
fn tell_unlinked(months: &[String], lang: Lang) {
    if !months.is_empty() {
        let told = lang.pick(
            "not searched: the key of these months is gone, so nobody finds a subject in them",
            "không tìm được: khoá của các tháng này không còn, không ai tìm được chủ thể trong đó",
        );
        output::note(&format!("{told}: {}", months.join(", ")));
    }
}

/// Tells what is archived and was not looked at.
fn tell_archived(archived: &[ArchivedPeriod], lang: Lang) {
    for of in archived_periods(archived) {
        let told = lang.pick(
            "archived, and not looked at; `lgsp ledger restore --archive …` brings it back",
            "đã lưu trữ, không được tra cứu; `lgsp ledger restore --archive …` đưa trở lại",
        );
        output::note(&format!("{of}: {told}"));
    }
}

/// Each archive by its name, with its days.
fn archived_periods(archived: &[ArchivedPeriod]) -> impl Iterator<Item = String> {
    let at = |at: &Option<Timestamp>| at.as_ref().map(|at| day(micros(at))).unwrap_or_default();
    archived.iter().map(move |of| format!("{}, {} – {}", of.name, at(&of.since), at(&of.until)))
}

/// A moment for other programs too, in Vietnamese time with its offset.
fn rfc3339(at: Option<&Timestamp>) -> String {
    let nanos = |at: &Timestamp| i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanos);
    let at = at.and_then(|at| OffsetDateTime::from_unix_timestamp_nanos(nanos(at)).ok());
    at.and_then(|at| at.to_offset(words::LOCAL).format(&Rfc3339).ok()).unwrap_or_default()
}
