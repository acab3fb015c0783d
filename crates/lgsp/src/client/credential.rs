//! `lgsp credential`: keys and certificates of applications. A private key is made here and never leaves this machine.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ed25519_dalek::SigningKey;
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_proto::registry::v1::credential_record::Held;
use lgsp_proto::registry::v1::credential_service_client::CredentialServiceClient;
use lgsp_proto::registry::v1::{
    Certificate, Credential, CredentialDecision, CredentialRecord, CredentialState, Environment,
    IssueCredentialRequest, ListCredentialsRequest, RevokeCredentialRequest, RotateCredentialRequest,
    issue_credential_request, rotate_credential_request,
};
use prost_reflect::prost_types::Timestamp;
use tonic::transport::Channel;

use super::Held as Sought;
use super::output::{self, Listing, Surface, Tone};
use super::registry::{DEADLINE, answered, open};
use super::session::Session;
use super::table::{Cell, Shrink, Table};
use super::{Error, Exit, Lang, pages, words};
use crate::cli::registry::{self as cli, New};
use crate::layout;

const DAY_US: i64 = 86_400_000_000;
/// The largest page of the registry's.
const PAGE_SIZE: i32 = 200;
/// Digits of a fingerprint that a table shows.
const SHORT_PRINT: usize = 16;

/// Runs `lgsp credential`.
///
/// # Errors
/// Whatever kept it from being done.
pub(crate) async fn run(command: &cli::Credential, lang: Lang) -> Result<(), Error> {
    match command {
        cli::Credential::Issue(args) => issue(args, lang).await,
        cli::Credential::Rotate(args) => rotate(args, lang).await,
        cli::Credential::Revoke(args) => revoke(args, lang).await,
        cli::Credential::List(args) => list(args, lang).await,
    }
}

async fn issue(args: &cli::Issue, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let made = Made::new(&args.new, Environment::from(args.environment))?;
    let held = match made.held.clone() {
        Held::Credential(credential) => issue_credential_request::Held::Credential(credential),
        Held::Certificate(certificate) => issue_credential_request::Held::Certificate(certificate),
    };
    let request = IssueCredentialRequest {
        application: args.to.to_string(),
        held: Some(held),
        reason: args.new.reason.clone(),
    };
    let request = session.request(request, Some(DEADLINE))?;
    let decision =
        made.kept_if(answered(&session, client(&session).issue_credential(request)).await, lang)?;
    if args.environment == cli::EnvironmentName::Sandbox {
        output::note(lang.pick(
            "note: the gateways of the sandbox know it within two seconds; until then they say TOKEN_INVALID",
            "lưu ý: các cổng thử nghiệm biết khoá này trong vòng hai giây; trước đó chúng trả lời TOKEN_INVALID",
        ));
    }
    tell(decision, args.new.output, lang)
}

async fn rotate(args: &cli::Rotate, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let old = find(&session, args.of.as_str(), &args.id, lang).await?;
    // That of the one which it replaces.
    let made = Made::new(&args.new, Environment::Unspecified)?;
    let held = match made.held.clone() {
        Held::Credential(credential) => rotate_credential_request::Held::Credential(credential),
        Held::Certificate(certificate) => rotate_credential_request::Held::Certificate(certificate),
    };
    let request = RotateCredentialRequest {
        application: args.of.to_string(),
        id: args.id.clone(),
        etag: old,
        held: Some(held),
        overlap_days: args.overlap.unwrap_or(0),
        reason: args.new.reason.clone(),
    };
    let request = session.request(request, Some(DEADLINE))?;
    let decision =
        made.kept_if(answered(&session, client(&session).rotate_credential(request)).await, lang)?;
    tell(decision, args.new.output, lang)
}

async fn revoke(args: &cli::Revoke, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let request = RevokeCredentialRequest {
        application: args.of.to_string(),
        id: args.id.clone(),
        etag: find(&session, args.of.as_str(), &args.id, lang).await?,
        reason: args.reason.clone(),
    };
    let request = session.request(request, Some(DEADLINE))?;
    let decision = answered(&session, client(&session).revoke_credential(request)).await?;
    tell(decision, args.output, lang)
}

async fn list(args: &cli::ListCredentials, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let wanted = ListCredentialsRequest {
        application: args.application.clone().unwrap_or_default(),
        agency_code: args.agency.clone().unwrap_or_default(),
        environment: args.environment.map_or(Environment::Unspecified, Environment::from).into(),
        ending_within_days: args.ending.unwrap_or(0),
        include_ended: args.all,
        page_size: PAGE_SIZE,
        page_token: String::new(),
    };
    let records = every(&session, wanted, lang).await?;
    show(&records, args.output, lang)
}

fn client(session: &Session) -> CredentialServiceClient<Channel> {
    CredentialServiceClient::new(session.channel.clone())
}

async fn every(
    session: &Session,
    wanted: ListCredentialsRequest,
    lang: Lang,
) -> Result<Vec<CredentialRecord>, Error> {
    let page = async |page_token| {
        let page = ListCredentialsRequest { page_token, ..wanted.clone() };
        let request = session.request(page, Some(DEADLINE))?;
        let page = answered(session, client(session).list_credentials(request)).await?;
        Ok((page.credentials, page.next_page_token))
    };
    pages::all(lang, page).await
}

/// The etag of a credential as it is now.
async fn find(session: &Session, application: &str, id: &str, lang: Lang) -> Result<u64, Error> {
    let application = application.to_owned();
    let wanted = ListCredentialsRequest {
        application,
        include_ended: true,
        page_size: PAGE_SIZE,
        ..ListCredentialsRequest::default()
    };
    let records = every(session, wanted, lang).await?;
    let etag = records.iter().find(|record| record.id == id).map(|record| record.etag);
    let known = || records.iter().map(|record| record.id.clone()).collect();
    etag.ok_or_else(|| Error::NotHeld { kind: Sought::Credential, id: id.to_owned(), known: known() })
}

/// What was made for the hub to know: the file of a key, and its public half.
struct Made {
    held: Held,
    file: Option<PathBuf>,
}

impl Made {
    fn new(new: &New, environment: Environment) -> Result<Self, Error> {
        let now = unix_micros(SystemTime::now());
        let not_after = Some(timestamp(now + i64::from(new.days) * DAY_US));
        let environment = environment.into();
        if let Some(known_by) = new.certificate.clone() {
            let known_by = Some(known_by);
            let held = Held::Certificate(Certificate { known_by, not_before: None, not_after, environment });
            return Ok(Self { held, file: None });
        }
        let file = new.out.clone().unwrap_or_default();
        let stem = || file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        let key_id = new.new_key_id.clone().unwrap_or_else(stem);
        let key: SigningKey = layout::make_new_signing_key(&file)?;
        let ed25519_public_key = key.verifying_key().as_bytes().to_vec().into();
        let credential = Credential { key_id, ed25519_public_key, not_before: None, not_after, environment };
        Ok(Self { held: Held::Credential(credential), file: Some(file) })
    }

    /// What the hub has refused is nobody's key: its file goes. When it is not known whether the hub took it, it stays.
    fn kept_if<T>(&self, answer: Result<T, Error>, lang: Lang) -> Result<T, Error> {
        let Some(file) = &self.file else { return answer };
        if let Err(error) = &answer {
            match error.exit() {
                Some(Exit::Usage | Exit::Refused | Exit::NotFound | Exit::Invalid) => remove(file),
                Some(Exit::Other | Exit::Unavailable | Exit::Deadline | Exit::Differs) | None => {
                    let stays = lang.pick(
                        "stays: the hub may have taken the key",
                        "được giữ lại: có thể khoá đã được ghi nhận",
                    );
                    output::note(&format!("{} {stays}", file.display()));
                }
            }
        }
        answer
    }
}

fn remove(file: &Path) {
    if let Err(error) = std::fs::remove_file(file) {
        output::note(&format!("{}: {error}", file.display()));
    }
}

/// Tells what came of a decision, and which gateways do not know it yet.
fn tell(decision: CredentialDecision, form: Option<Listing>, lang: Lang) -> Result<(), Error> {
    if !decision.gateways_behind.is_empty() {
        let behind = lang.pick("not known yet to gateways", "các cổng chưa cập nhật");
        output::note(&format!("{behind}: {}", decision.gateways_behind.join(", ")));
    }
    let records: Vec<CredentialRecord> = decision.replaced.into_iter().chain(decision.credential).collect();
    show(&records, form, lang)
}

fn show(records: &[CredentialRecord], form: Option<Listing>, lang: Lang) -> Result<(), Error> {
    let surface = Surface::of_stdout();
    let listing = surface.listing(form);
    if listing == Listing::Json {
        return records.iter().try_for_each(|record| output::line(&output::json_line(record)?));
    }
    table(records, lang).write(listing, &surface)
}

fn table(records: &[CredentialRecord], lang: Lang) -> Table {
    let header = match lang {
        Lang::En => {
            ["holder", "agency", "credential", "environment", "state", "until (+07:00)", "days", "SHA-256"]
        }
        Lang::Vi => {
            ["chủ thể", "cơ quan", "khoá", "môi trường", "trạng thái", "đến (+07:00)", "ngày", "SHA-256"]
        }
    };
    let [_, agency, _, _, _, until, _, print] = header;
    let mut table = Table::new(header.to_vec()).shrinking([print, agency, until].map(Shrink::Drop).to_vec());
    for record in records {
        let (environment, until) = where_and_until(record);
        table.row(vec![
            format!("{}{}", record.application, record.person).into(),
            record.agency_code.as_str().into(),
            record.id.as_str().into(),
            words::environment(environment, lang).into(),
            words::credential_state(record.state(), lang),
            until_when(record, until).into(),
            days(record),
            record.sha256.get(..SHORT_PRINT).unwrap_or_default().into(),
        ]);
    }
    table
}

fn where_and_until(record: &CredentialRecord) -> (Environment, Option<&Timestamp>) {
    match &record.held {
        Some(Held::Credential(key)) => (key.environment(), key.not_after.as_ref()),
        Some(Held::Certificate(certificate)) => (certificate.environment(), certificate.not_after.as_ref()),
        None => (Environment::Unspecified, None),
    }
}

/// Until when it is good; of what was revoked, the day that it once had says nothing any more.
fn until_when(record: &CredentialRecord, until: Option<&Timestamp>) -> String {
    if record.state() == CredentialState::Revoked { String::new() } else { words::minute(until) }
}

/// Days that are left, as urgent as the registry's own reminders have them.
fn days(record: &CredentialRecord) -> Cell {
    if record.state() == CredentialState::Revoked {
        return Cell::new("", Tone::Dim);
    }
    let tone = match (record.state(), record.days_left) {
        (CredentialState::Valid, ..7) => Tone::Bad,
        (CredentialState::Valid, ..60) => Tone::Warning,
        (CredentialState::Valid | CredentialState::NotYetValid, _) => Tone::Plain,
        (
            CredentialState::Rotated
            | CredentialState::Expired
            | CredentialState::Revoked
            | CredentialState::Unspecified,
            _,
        ) => Tone::Dim,
    };
    Cell::new(record.days_left.to_string(), tone)
}
