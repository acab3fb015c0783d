//! `lgsp connections`: which applications are connected, and who waits for an answer.

use lgsp_proto::registry::v1::connection_service_client::ConnectionServiceClient;
use lgsp_proto::registry::v1::{ApplicationState, ConnectionRecord, ListConnectionsRequest};

use super::output::{self, Listing, Surface, Tone};
use super::registry::{DEADLINE, answered, open};
use super::session::Session;
use super::table::{Cell, Shrink, Table};
use super::{Error, Lang, pages, words};
use crate::cli::registry::Connections;

/// The largest page of the registry's.
const PAGE_SIZE: i32 = 200;

/// Runs `lgsp connections`.
///
/// # Errors
/// Whatever kept the list from being made.
pub(crate) async fn run(args: &Connections, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let wanted = ListConnectionsRequest {
        stage: args.stage.map_or(ApplicationState::Unspecified, ApplicationState::from).into(),
        agency_code: args.agency.clone().unwrap_or_default(),
        overdue: args.overdue,
        ..ListConnectionsRequest::default()
    };
    let connections = every(&session, wanted, lang).await?;
    let surface = Surface::of_stdout();
    write(&connections, surface.listing(args.output), &surface, lang)
}

/// Writes records as a list.
pub(super) fn write(
    connections: &[ConnectionRecord],
    listing: Listing,
    surface: &Surface,
    lang: Lang,
) -> Result<(), Error> {
    if listing == Listing::Json {
        return connections.iter().try_for_each(|record| output::line(&output::json_line(record)?));
    }
    table(connections, lang).write(listing, surface)
}

/// All records that are wanted.
pub(super) async fn every(
    session: &Session,
    wanted: ListConnectionsRequest,
    lang: Lang,
) -> Result<Vec<ConnectionRecord>, Error> {
    let page = async |page_token| {
        let page = ListConnectionsRequest { page_size: PAGE_SIZE, page_token, ..wanted.clone() };
        let request = session.request(page, Some(DEADLINE))?;
        let mut client = ConnectionServiceClient::new(session.channel.clone());
        let page = answered(session, client.list_connections(request)).await?;
        Ok((page.connections, page.next_page_token))
    };
    pages::all(lang, page).await
}

fn table(connections: &[ConnectionRecord], lang: Lang) -> Table {
    let header = match lang {
        Lang::En => [
            "application",
            "name",
            "agency",
            "stage",
            "requested (+07:00)",
            "due before (+07:00)",
            "answer",
            "etag",
        ],
        Lang::Vi => [
            "ứng dụng",
            "tên",
            "cơ quan",
            "trạng thái",
            "đề nghị (+07:00)",
            "trả lời trước (+07:00)",
            "trả lời",
            "etag",
        ],
    };
    let [_, name, agency, _, requested, due, _, etag] = header;
    let mut table = Table::new(header.to_vec())
        .wrapping(vec![name])
        .shrinking([etag, requested, name, agency, due].map(Shrink::Drop).to_vec());
    for record in connections {
        let Some(application) = &record.application else { continue };
        let requested = record.requested.as_ref().and_then(|step| step.at.as_ref());
        table.row(vec![
            application.id.as_str().into(),
            lang.pick(&application.name_en, &application.name_vi).into(),
            application.agency_code.as_str().into(),
            words::application_state(application.state(), lang),
            words::minute(requested).into(),
            words::minute(record.due.as_ref()).into(),
            answer(record, application.state(), lang),
            record.etag.to_string().into(),
        ]);
    }
    table
}

fn answer(record: &ConnectionRecord, state: ApplicationState, lang: Lang) -> Cell {
    match (record.overdue, state) {
        (true, _) => Cell::new(lang.pick("overdue", "quá hạn"), Tone::Bad),
        (false, ApplicationState::Requested) => Cell::new(lang.pick("awaited", "đang chờ"), Tone::Notice),
        (false, _) => "".into(),
    }
}
