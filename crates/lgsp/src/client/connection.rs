//! `lgsp connection`: the life of applications.

use std::time::Duration;

use lgsp_proto::registry::v1::connection_service_client::ConnectionServiceClient;
use lgsp_proto::registry::v1::{
    Application, ConnectionDecision, ConnectionRecord, DecideConnectionRequest, ListConnectionsRequest,
    RequestConnectionRequest,
};
use tonic::transport::Channel;

use super::output::{self, Listing, Surface, Tone};
use super::registry::{answered_within, open};
use super::session::Session;
use super::sheet::{Sheet, aftermath, headline};
use super::{Error, Held, Lang, connections, words};
use crate::cli::connection::{Application as Named, Connection, Request, Show};
use crate::cli::decide::{Decide, Stated};

/// Time for one decision: it waits for the gateways to follow.
const DEADLINE: Duration = Duration::from_secs(10);

/// What can be decided about an application that is there.
#[derive(Clone, Copy, Debug)]
enum Decision {
    Approve,
    Refuse,
    Connect,
    Suspend,
    Resume,
    Retire,
}

/// Runs `lgsp connection`.
///
/// # Errors
/// Whatever kept it from being done.
pub(crate) async fn run(command: &Connection, lang: Lang) -> Result<(), Error> {
    match command {
        Connection::Request(args) => request(args, lang).await,
        Connection::Approve(args) => decide(Decision::Approve, args, lang).await,
        Connection::Refuse(args) => decide(Decision::Refuse, args, lang).await,
        Connection::Connect(args) => decide(Decision::Connect, args, lang).await,
        Connection::Suspend(args) => decide(Decision::Suspend, args, lang).await,
        Connection::Resume(args) => decide(Decision::Resume, args, lang).await,
        Connection::Retire(args) => decide(Decision::Retire, args, lang).await,
        Connection::List(args) => connections::run(args, lang).await,
        Connection::Show(args) => show(args, lang).await,
    }
}

async fn request(args: &Request, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let wanted = RequestConnectionRequest {
        id: args.id.to_string(),
        name_vi: args.name_vi.clone(),
        name_en: args.name_en.clone(),
        agency_code: args.agency.clone(),
        contacts: args.contacts.clone(),
        system: args.system.clone(),
        reason: args.reason.clone(),
    };
    let wanted = session.request(wanted, Some(DEADLINE))?;
    let decision = answered_within(&session, DEADLINE, client(&session).request_connection(wanted)).await?;
    tell(decision, args.output, lang)
}

/// Shows what is decided about, and decides it as it was shown.
async fn decide<W: Stated + clap::Args>(
    decision: Decision,
    args: &Decide<Named, W>,
    lang: Lang,
) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let record = find(&session, args.subject.id.as_str(), lang).await?;
    sheet(&record, lang).note(&headline(name(decision, lang), args.dry_run, lang));
    if args.dry_run {
        return Ok(());
    }
    let request = DecideConnectionRequest {
        id: args.subject.id.to_string(),
        etag: args.etag.unwrap_or(record.etag),
        reason: args.why.reason().to_owned(),
        legal_basis: args.why.legal_basis().to_owned(),
    };
    let request = session.request(request, Some(DEADLINE))?;
    let mut client = client(&session);
    let answer = match decision {
        Decision::Approve => answered_within(&session, DEADLINE, client.approve_connection(request)).await,
        Decision::Refuse => answered_within(&session, DEADLINE, client.refuse_connection(request)).await,
        Decision::Connect => answered_within(&session, DEADLINE, client.connect(request)).await,
        Decision::Suspend => answered_within(&session, DEADLINE, client.suspend_application(request)).await,
        Decision::Resume => answered_within(&session, DEADLINE, client.resume_application(request)).await,
        Decision::Retire => answered_within(&session, DEADLINE, client.retire_application(request)).await,
    };
    tell(answer?, args.output, lang)
}

async fn show(args: &Show, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let record = find(&session, args.id.as_str(), lang).await?;
    if args.output == Some(Listing::Json) {
        return output::line(&output::json_line(&record)?);
    }
    sheet(&record, lang).write()
}

fn client(session: &Session) -> ConnectionServiceClient<Channel> {
    ConnectionServiceClient::new(session.channel.clone())
}

async fn find(session: &Session, id: &str, lang: Lang) -> Result<ConnectionRecord, Error> {
    let wanted = ListConnectionsRequest { id: id.to_owned(), ..ListConnectionsRequest::default() };
    let mut records = connections::every(session, wanted, lang).await?;
    // An older registry tells them all.
    let place = records.iter().position(|it| it.application.as_ref().is_some_and(|it| it.id == id));
    let found = place.map(|place| records.swap_remove(place));
    let unknown = || Error::NotHeld { kind: Held::Application, id: id.to_owned(), known: Vec::new() };
    found.ok_or_else(unknown)
}

fn tell(decision: ConnectionDecision, form: Option<Listing>, lang: Lang) -> Result<(), Error> {
    aftermath(&decision.warnings, &decision.gateways_behind, lang);
    let surface = Surface::of_stdout();
    connections::write(decision.connection.as_slice(), surface.listing(form), &surface, lang)
}

fn name(decision: Decision, lang: Lang) -> &'static str {
    match decision {
        Decision::Approve => lang.pick("approve the connection", "chấp thuận kết nối"),
        Decision::Refuse => lang.pick("refuse the connection", "từ chối kết nối"),
        Decision::Connect => lang.pick("connect the application", "kết nối ứng dụng"),
        Decision::Suspend => lang.pick("suspend the application", "tạm dừng ứng dụng"),
        Decision::Resume => lang.pick("resume the application", "cho ứng dụng hoạt động trở lại"),
        Decision::Retire => lang.pick("retire the application for good", "dừng hẳn ứng dụng"),
    }
}

fn sheet(record: &ConnectionRecord, lang: Lang) -> Sheet {
    let application: Application = record.application.clone().unwrap_or_default();
    let state = words::application_state(application.state(), lang);
    let mut sheet = Sheet::default();
    let name = lang.pick(&application.name_en, &application.name_vi);
    sheet.line(lang.pick("application", "ứng dụng"), format!("{} ({name})", application.id));
    let older = &record.agency_code_older;
    sheet.line(
        lang.pick("agency", "cơ quan"),
        format!("{} {older}", application.agency_code).trim().to_owned(),
    );
    sheet.toned(lang.pick("stage", "trạng thái"), state.text, state.tone);
    for contact in &record.contacts {
        let told = [&*contact.office, &*contact.email, &*contact.phone];
        let told: Vec<&str> = told.into_iter().filter(|text| !text.is_empty()).collect();
        sheet.line(lang.pick("contact", "đầu mối"), told.join(", "));
    }
    sheet.line(lang.pick("system", "hệ thống"), &*record.system);
    sheet.line(lang.pick("roles", "vai trò"), application.roles.join(", "));
    if let Some(due) = &record.due {
        sheet.line(lang.pick("due before", "trả lời trước"), words::minute(Some(due)));
    }
    if record.overdue {
        sheet.toned(lang.pick("answer", "trả lời"), lang.pick("overdue", "quá hạn"), Tone::Bad);
    }
    sheet.step(lang.pick("requested", "đề nghị"), record.requested.as_ref());
    sheet.step(lang.pick("approved", "chấp thuận"), record.approved.as_ref());
    sheet.step(lang.pick("connected", "kết nối"), record.connected.as_ref());
    sheet.step(lang.pick("ended", "dừng"), record.ended.as_ref());
    sheet.line("etag", record.etag.to_string());
    sheet
}
