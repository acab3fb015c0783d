//! `lgsp audit search`: exchanges by what the log knows of them.

use lgsp_proto::ledger::v1::{
    ArchivedPeriod, AuditFilter, CountExchangesRequest, CountExchangesResponse, Exchange,
    SearchExchangesRequest,
};
use serde_json::json;

use super::{DEADLINE, LONG, application, client, filter, tell_archived, tell_unlinked};
use crate::cli::audit::Search;
use crate::client::follow::{self, Wanted};
use crate::client::output::{self, Listing, Surface};
use crate::client::registry::{answered_within, open};
use crate::client::session::Session;
use crate::client::table::Table;
use crate::client::{Error, Lang, exchanges, words};

/// Largest page that the ledger gives.
const LARGEST_PAGE: usize = 1_000;

/// Runs `lgsp audit search`.
pub(super) async fn run(args: &Search, lang: Lang) -> Result<(), Error> {
    let wanted = filter::of(&args.filter)?;
    let session = open(&args.operator).await?;
    let surface = Surface::of_stdout();
    let listing = surface.listing(args.output);
    if args.follow {
        application::must_be_known(&session, args.filter.application.as_deref(), lang).await?;
        return follow::run(&session, Wanted::Audit(Box::new(wanted)), listing, lang).await;
    }
    if args.count {
        let counted = count(&session, wanted).await?;
        tell_unlinked(&counted.unlinked_months, lang);
        tell_archived(&counted.archived, lang);
        if counted.total == 0 {
            application::must_be_known(&session, args.filter.application.as_deref(), lang).await?;
        }
        return tell_count(&counted, listing, &surface, lang);
    }
    let Found { exchanges: found, has_more, unlinked_months, archived } =
        find(&session, wanted, args.limit as usize).await?;
    tell_unlinked(&unlinked_months, lang);
    tell_archived(&archived, lang);
    if found.is_empty() {
        application::must_be_known(&session, args.filter.application.as_deref(), lang).await?;
    }
    if has_more {
        let newest =
            lang.pick("these are the newest, and there are more", "đây là các lượt mới nhất, và còn nữa");
        output::note(&format!("{newest}: --limit N, --count"));
    }
    if listing == Listing::Json {
        return found.iter().try_for_each(|exchange| output::line(&output::json_line(exchange)?));
    }
    if found.is_empty() {
        output::note(lang.pick("no exchange matches", "không có lượt trao đổi nào phù hợp"));
        // A person has read it; a script wants its header.
        if listing == Listing::Table {
            return Ok(());
        }
    }
    exchanges::table(&found, lang).write(listing, &surface)
}

/// How many exchanges there are.
pub(super) async fn count(session: &Session, filter: AuditFilter) -> Result<CountExchangesResponse, Error> {
    let request = session.request(CountExchangesRequest { filter: Some(filter) }, Some(LONG))?;
    answered_within(session, LONG, client(session).count_exchanges(request)).await
}

/// What is not among what a search finds: it depends on the period and the subject alone.
pub(super) async fn beside(session: &Session, filter: &AuditFilter) -> Result<Found, Error> {
    let AuditFilter { since, until, subject, .. } = filter.clone();
    // However rare what is looked for may be, the newest exchange of the period is there at once.
    let newest = AuditFilter { since, until, subject, include_platform: true, ..AuditFilter::default() };
    find(session, newest, 1).await
}

/// What a search found, as far as it was asked for.
#[derive(Default)]
pub(super) struct Found {
    pub exchanges: Vec<Exchange>,
    pub has_more: bool,
    pub unlinked_months: Vec<String>,
    pub archived: Vec<ArchivedPeriod>,
}

pub(super) async fn find(session: &Session, filter: AuditFilter, limit: usize) -> Result<Found, Error> {
    let mut found = Found::default();
    let mut page_token = String::new();
    while found.exchanges.len() < limit {
        let page_size = i32::try_from((limit - found.exchanges.len()).min(LARGEST_PAGE)).unwrap_or(i32::MAX);
        let page = SearchExchangesRequest { filter: Some(filter.clone()), page_size, page_token };
        let request = session.request(page, Some(DEADLINE))?;
        let page = answered_within(session, DEADLINE, client(session).search_exchanges(request)).await?;
        found.exchanges.extend(page.exchanges);
        found.unlinked_months = page.unlinked_months;
        found.archived = page.archived;
        page_token = page.next_page_token;
        found.has_more = !page_token.is_empty();
        if !found.has_more {
            break;
        }
    }
    Ok(found)
}

fn tell_count(
    counted: &CountExchangesResponse,
    listing: Listing,
    surface: &Surface,
    lang: Lang,
) -> Result<(), Error> {
    if listing == Listing::Json {
        let outcomes = counted.outcomes.iter();
        let outcomes = outcomes.map(|it| (it.outcome().as_str_name().to_owned(), json!(it.count)));
        let outcomes: serde_json::Map<_, _> = outcomes.collect();
        let told = json!({
            "total": counted.total,
            "outcomes": outcomes,
            "unlinkedMonths": counted.unlinked_months,
        });
        return output::line(&told.to_string());
    }
    let mut table = Table::new(vec![lang.pick("outcome", "kết quả"), lang.pick("exchanges", "số lượt")]);
    for it in &counted.outcomes {
        table.row(vec![words::outcome(it.outcome(), lang), it.count.to_string().into()]);
    }
    table.row(vec![lang.pick("all", "tổng").into(), counted.total.to_string().into()]);
    table.write(listing, surface)
}
