//! What a report is made of: the registry as it was when the period ended, the counts of the period, and a checkpoint of the log.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use lgsp_core::Reason;
use lgsp_core::time::{micros, timestamp, unix_micros};
use lgsp_proto::ledger::v1::audit_service_client::AuditServiceClient;
use lgsp_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use lgsp_proto::ledger::v1::{
    ArchivedPeriod, CountTrafficRequest, DossierCount, FilledCount, FormCount, GetCheckpointRequest,
    TrafficCount,
};
use lgsp_proto::monitor::v1::monitor_service_client::MonitorServiceClient;
use lgsp_proto::monitor::v1::{LinkAvailability, ReportAvailabilityRequest};
use lgsp_proto::registry::v1::{Moment, moment};
use lgsp_tlog::{Checkpoint, Note};

use crate::cli::report;
use crate::client::code::known::Known;
use crate::client::registry::answered_within;
use crate::client::session::{GRACE, LARGEST_MESSAGE, Session};
use crate::client::{Error, Lang, output};

/// Distinct dossiers of a year are counted from its entries.
const DEADLINE: Duration = Duration::from_secs(60);

/// Days whose counts are asked for at once: a week, in µs.
const AT_ONCE_US: usize = 7 * 24 * 3_600 * 1_000_000;

/// Everything that a report tells.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered {
    pub known: Known,
    /// Day by day.
    pub counts: Vec<TrafficCount>,
    /// Of each day, then of the whole period.
    pub dossiers: Vec<DossierCount>,
    pub forms: Vec<FormCount>,
    pub filled: Vec<FilledCount>,
    pub archived: Vec<ArchivedPeriod>,
    /// None if the monitor did not tell.
    pub links: Option<Links>,
    /// Size and root of the log; none if it is not sealed.
    pub checkpoint: Option<(u64, String)>,
    /// The period is not over, so its figures still change.
    pub goes_on: bool,
}

/// How links were.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    pub links: Vec<LinkAvailability>,
    /// What was before is kept no longer, Unix µs.
    pub kept_since_us: i64,
}

impl Gathered {
    pub async fn of(session: &Session, args: &report::Report, lang: Lang) -> Result<Self, Error> {
        let (since, until) = (args.period.since_us(), args.period.until_us());
        // What was changed at the very end is of the next period.
        let at = moment::Moment::At(timestamp(until - 1));
        let known = match Known::read(session, Some(Moment { moment: Some(at) })).await {
            // Files have no past: what the registry held then is not measured.
            Err(Error::Refused(failure)) if failure.reason() == Some(Reason::FilesDecide.name()) => {
                output::note(lang.pick(
                    "note: the rules of this hub are files, which keep no history, and were published after this period: without the figures of the registry (docs/decisions.md)",
                    "lưu ý: quy tắc của trục này là các tệp, không lưu lịch sử và được công bố sau kỳ này: không có số liệu của danh mục (docs/decisions.md)",
                ));
                Known::default()
            }
            known => known?,
        };
        let mut gathered = Self { known, ..Self::default() };
        gathered.goes_on = unix_micros(std::time::SystemTime::now()) < until;
        let request = CountTrafficRequest {
            since: Some(timestamp(since)),
            until: Some(timestamp(until)),
            by_day: true,
            dossiers: true,
            forms: false,
        };
        // Of a busy year there are more counts of days than one answer tells.
        for from in (since..until).step_by(AT_ONCE_US) {
            let to = until.min(from + AT_ONCE_US as i64);
            let (from, to) = (Some(timestamp(from)), Some(timestamp(to)));
            gathered.count(session, CountTrafficRequest { since: from, until: to, ..request }).await?;
        }
        let counted = std::mem::take(&mut gathered.counts);
        let whole = CountTrafficRequest { by_day: false, ..request };
        gathered.count(session, whole).await?;
        // Each is read from the entries of the whole period: one answer after the other, with the time of one.
        gathered.count(session, CountTrafficRequest { dossiers: false, forms: true, ..whole }).await?;
        // The counts of the period are the sum of those of its days; its dossiers are not.
        gathered.counts = counted;
        gathered.checkpoint = checkpoint(session, args, lang).await?;
        gathered.links = match links(session, (since, until)).await {
            Ok(links) => Some(links),
            Err(error) => {
                let without = lang.pick(
                    "note: without the availability of links",
                    "lưu ý: không có mức sẵn sàng của kết nối",
                );
                output::note(&format!("{without}: {error}"));
                None
            }
        };
        Ok(gathered)
    }

    async fn count(&mut self, session: &Session, request: CountTrafficRequest) -> Result<(), Error> {
        let mut client =
            LedgerServiceClient::new(session.channel.clone()).max_decoding_message_size(LARGEST_MESSAGE);
        let request = session.request(request, Some(DEADLINE))?;
        let mut messages = answered_within(session, DEADLINE, client.count_traffic(request)).await?;
        let patience = DEADLINE + GRACE;
        let told = async {
            while let Some(message) = messages.message().await? {
                self.counts.extend(message.counts);
                self.dossiers.extend(message.dossiers);
                self.forms.extend(message.forms);
                self.filled.extend(message.filled);
                if !message.archived.is_empty() {
                    self.archived = message.archived;
                }
            }
            Ok::<_, tonic::Status>(())
        };
        let told = tokio::time::timeout(patience, told).await;
        let told = told.map_err(|_| Error::NoAnswer { waited: patience })?;
        told.map_err(|status| session.error(&status, None, patience).of_the_hub())
    }

    /// Names of agencies, by their codes.
    pub fn agencies(&self, lang: Lang) -> BTreeMap<&str, &str> {
        self.known.agencies.iter().map(|it| (it.code.as_str(), lang.pick(&it.name_en, &it.name_vi))).collect()
    }
}

/// What the monitor tells of a period (Unix µs).
async fn links(session: &Session, (since, until): (i64, i64)) -> Result<Links, Error> {
    let request = ReportAvailabilityRequest { since: Some(timestamp(since)), until: Some(timestamp(until)) };
    let mut client =
        MonitorServiceClient::new(session.channel.clone()).max_decoding_message_size(LARGEST_MESSAGE);
    let request = session.request(request, Some(DEADLINE))?;
    let mut messages = answered_within(session, DEADLINE, client.report_availability(request)).await?;
    let patience = DEADLINE + GRACE;
    let told = async {
        let mut links = Links::default();
        while let Some(message) = messages.message().await? {
            links.links.extend(message.links);
            links.kept_since_us = message.kept_since.as_ref().map_or(links.kept_since_us, micros);
        }
        Ok::<_, tonic::Status>(links)
    };
    let told = tokio::time::timeout(patience, told).await;
    let told = told.map_err(|_| Error::NoAnswer { waited: patience })?;
    told.map_err(|status| session.error(&status, None, patience).of_the_hub())
}

/// The checkpoint that was kept, or the newest one.
async fn checkpoint(
    session: &Session,
    args: &report::Report,
    lang: Lang,
) -> Result<Option<(u64, String)>, Error> {
    let bytes = match &args.checkpoint {
        Some(file) => fs::read(file).map_err(|source| Error::Folder { path: file.clone(), source })?,
        None => {
            let request = session.request(GetCheckpointRequest::default(), Some(DEADLINE))?;
            let mut client = AuditServiceClient::new(session.channel.clone());
            match answered_within(session, DEADLINE, client.get_checkpoint(request)).await {
                Ok(told) => told.checkpoint.into_bytes(),
                Err(error) => {
                    let without = lang.pick("note: without a checkpoint", "lưu ý: không có điểm chốt");
                    output::note(&format!("{without}: {error}"));
                    return Ok(None);
                }
            }
        }
    };
    let failed = |error: &dyn std::fmt::Display| Error::NotProven { problem: error.to_string() };
    let note = Note::parse(&bytes).map_err(|error| failed(&error))?;
    let checkpoint = Checkpoint::parse(note.text()).map_err(|error| failed(&error))?;
    Ok(Some((checkpoint.size(), checkpoint.root().to_string())))
}
