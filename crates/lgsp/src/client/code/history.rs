//! `lgsp registry history`: who changed what, when and why.

use lgsp_proto::registry::v1::decision_service_client::DecisionServiceClient;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{Change, Edit, Item, ListChangesRequest};

use super::fields::{self, Changed, Fields};
use super::{DEADLINE, tell};
use crate::cli::code::History;
use crate::client::output::{self, Listing, Surface, Tone};
use crate::client::registry::{answered_within, open};
use crate::client::{Error, Lang, words};

/// A page may hold few changes, or none, of a long history.
const MOST_PAGES: usize = 10_000;
const LARGEST_PAGE: u32 = 200;
/// Fields of an edit that are told; `--output json` tells all.
const MOST_FIELDS: usize = 40;
/// Edits of a change that are told with their fields: a whole import is hundreds.
const MOST_EDITS: usize = 20;

/// Runs `lgsp registry history`.
///
/// # Errors
/// Whatever kept the history from being told.
pub(crate) async fn run(args: &History, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let mut client = DecisionServiceClient::new(session.channel.clone())
        .max_decoding_message_size(crate::client::session::LARGEST_MESSAGE);
    let surface = Surface::of_stdout();
    let (mut left, mut page_token) = (args.limit, String::new());
    for _ in 0..MOST_PAGES {
        let page = ListChangesRequest {
            kind: args.kind.clone().unwrap_or_default(),
            id: args.id.clone().unwrap_or_default(),
            page_size: i32::try_from(left.min(LARGEST_PAGE)).unwrap_or_default(),
            page_token,
        };
        let request = session.request(page, Some(DEADLINE))?;
        let page = answered_within(&session, DEADLINE, client.list_changes(request)).await?;
        for change in &page.changes {
            match args.output {
                Some(Listing::Json) => output::line(&output::json_line(change)?)?,
                Some(Listing::Table | Listing::Plain) | None => write(change, &surface, lang)?,
            }
        }
        left = left.saturating_sub(u32::try_from(page.changes.len()).unwrap_or(left));
        page_token = page.next_page_token;
        if page_token.is_empty() || left == 0 {
            break;
        }
    }
    Ok(())
}

fn write(change: &Change, surface: &Surface, lang: Lang) -> Result<(), Error> {
    let by = change.by.clone().unwrap_or_default();
    let who = match by.person.as_str() {
        "" => lang.pick("the registry", "hệ thống danh mục").to_owned(),
        person => format!("{person} ({})", by.agency_code),
    };
    let head =
        format!("{}  {}  {}  {who}", change.sequence, words::moment(change.at.as_ref()), change.action);
    output::line(&surface.paint(Tone::Notice, &head))?;
    let more = [
        (lang.pick("reason", "lý do"), &change.reason),
        (lang.pick("legal basis", "căn cứ"), &change.legal_basis),
        (lang.pick("exchange", "lượt trao đổi"), &change.exchange_id),
    ];
    for (name, text) in more.iter().filter(|(_, text)| !text.is_empty()) {
        output::line(&format!("   {name}: {text}"))?;
    }
    for edit in change.edits.iter().take(MOST_EDITS) {
        let (sign, tone) = tell::sign(edit.before.is_some(), edit.after.is_some());
        output::line(&format!("   {}", surface.paint(tone, &format!("{sign} {} {}", edit.kind, edit.id))))?;
        let changed = changed(edit);
        for field in changed.iter().take(MOST_FIELDS) {
            output::line(&format!("       {}", tell::field(field, surface)))?;
        }
        tell::more(changed.len(), MOST_FIELDS, "       ", lang)?;
    }
    tell::more(change.edits.len(), MOST_EDITS, "   ", lang)
}

/// Of what is new or gone, its being so is told; of what has changed, each field.
fn changed(edit: &Edit) -> Vec<Changed> {
    fields::changed(&of(edit.before.as_ref()), &of(edit.after.as_ref()))
}

fn of(item: Option<&Item>) -> Fields {
    match item.and_then(|item| item.item.as_ref()) {
        None => Fields::new(),
        Some(Of::Agreement(it)) => fields::of("AgreementRecord", it),
        Some(Of::Application(it)) => fields::of("Application", it),
        Some(Of::Service(it)) => fields::of("DataService", it),
        Some(Of::Agency(it)) => fields::of("Agency", it),
        Some(Of::Purpose(it)) => fields::of("Purpose", it),
        Some(Of::Role(it)) => fields::of("Role", it),
        Some(Of::Person(it)) => fields::of("Person", it),
        Some(Of::ServiceRecord(it)) => fields::of("ServiceRecord", it),
        Some(Of::Connection(it)) => fields::of("ConnectionRecord", it),
        Some(Of::System(it)) => fields::of("System", it),
        Some(Of::NationalService(it)) => fields::of("NationalService", it),
        Some(Of::Credential(it)) => fields::of("CredentialRecord", it),
        Some(Of::RoleProposal(it)) => fields::of("RoleProposal", it),
        Some(Of::PersonProposal(it)) => fields::of("PersonProposal", it),
    }
}
