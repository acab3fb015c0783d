//! `lgsp exchanges`: the exchange log.

use std::time::{Duration, Instant};

use lgsp_core::Outcome;
use lgsp_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use lgsp_proto::ledger::v1::{Exchange, ExchangeFilter, ListExchangesRequest, Signed};

use super::follow::Wanted;
use super::output::{self, Listing, Surface, Tone};
use super::registry::note_unknown_application;
use super::session::{GRACE, LARGEST_MESSAGE, Session};
use super::table::{Cell, Shrink, Table};
use super::{Error, Lang, follow, words};
use crate::cli::client::Exchanges;

/// Time for one page.
const DEADLINE: Duration = Duration::from_secs(10);

/// Largest page that the ledger gives.
const LARGEST_PAGE: usize = 1_000;

const HEADER: [&str; 10] = [
    "admitted (+07:00)",
    "application",
    "method",
    "purpose",
    "outcome",
    "reason",
    "hop",
    "records",
    "ms",
    "exchange",
];
const HEADER_VI: [&str; 10] = [
    "tiếp nhận (+07:00)",
    "ứng dụng",
    "phương thức",
    "mục đích",
    "kết quả",
    "lý do",
    "nơi lỗi",
    "bản ghi",
    "ms",
    "mã lượt",
];

/// Runs `lgsp exchanges`.
///
/// # Errors
/// Whatever kept the exchanges from being read.
pub(crate) async fn run(args: &Exchanges, lang: Lang) -> Result<(), Error> {
    let session = Session::open(&args.operator.gateway, args.operator.bearer()?).await?;
    let surface = Surface::of_stdout();
    let listing = surface.listing(args.output);
    if args.follow {
        return follow::run(&session, Wanted::Exchanges(filter(args)), listing, lang).await;
    }
    let limit = args.limit as usize;
    // One more than is told: whether there is more is part of the answer.
    let mut exchanges = list(&session, filter(args), limit + 1).await?;
    if exchanges.len() > limit {
        exchanges.truncate(limit);
        output::note(&cut(limit, lang));
    }
    if listing == Listing::Json {
        return exchanges.iter().try_for_each(|exchange| output::line(&output::json_line(exchange)?));
    }
    if exchanges.is_empty() {
        output::note(&nothing(args, lang));
        note_unknown_application(&session, args.application.as_deref().unwrap_or_default(), lang).await;
        // A person has read it; a script wants its header.
        if listing == Listing::Table {
            return Ok(());
        }
    }
    table(&exchanges, lang).write(listing, &surface)
}

fn cut(limit: usize, lang: Lang) -> String {
    match lang {
        Lang::En => format!("note: these are the newest {limit}; there are more: --limit N"),
        Lang::Vi => format!("lưu ý: đây là {limit} lượt mới nhất và còn nữa: --limit N"),
    }
}

/// Why a list is empty, as far as that can be told.
fn nothing(args: &Exchanges, lang: Lang) -> String {
    let none = lang.pick("no exchange matches", "không có lượt trao đổi nào phù hợp");
    let is_short = args.service.as_ref().is_some_and(|service| !service.contains('.'));
    let hint = lang.pick(
        "; a service is named in full, such as lgsp.population.v1.PopulationService",
        "; nêu tên đầy đủ của dịch vụ, ví dụ lgsp.population.v1.PopulationService",
    );
    format!("{none}{}", if is_short { hint } else { "" })
}

/// What the options ask for.
fn filter(args: &Exchanges) -> ExchangeFilter {
    ExchangeFilter {
        application: args.application.clone().unwrap_or_default(),
        service: args.service.clone().unwrap_or_default(),
        method: args.method.clone().unwrap_or_default(),
        outcome: args.outcome.map_or(Outcome::Unspecified, Outcome::from).into(),
        since: args.since,
        exchange_id: args.exchange.clone().unwrap_or_default(),
        // Who names one exchange wants it whatever it is.
        include_platform: args.platform || args.exchange.is_some(),
        ..Default::default()
    }
}

/// The newest exchanges, newest first.
async fn list(session: &Session, filter: ExchangeFilter, limit: usize) -> Result<Vec<Exchange>, Error> {
    let mut client =
        LedgerServiceClient::new(session.channel.clone()).max_decoding_message_size(LARGEST_MESSAGE);
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut page_token = String::new();
    while exchanges.len() < limit {
        let page_size = (limit - exchanges.len()).min(LARGEST_PAGE);
        let page = ListExchangesRequest {
            filter: Some(filter.clone()),
            page_size: i32::try_from(page_size).unwrap_or(i32::MAX),
            page_token,
        };
        let request = session.request(page, Some(DEADLINE))?;
        let began = Instant::now();
        let answer = tokio::time::timeout(DEADLINE + GRACE, client.list_exchanges(request)).await;
        let answer = answer.map_err(|_| Error::NoAnswer { waited: DEADLINE + GRACE })?;
        let answer = answer.map_err(|status| session.error(&status, None, began.elapsed()).of_the_hub())?;
        let answer = answer.into_inner();
        // A page may be empty and still have a next one; one without both would repeat for ever.
        let is_last = answer.next_page_token.is_empty();
        exchanges.extend(answer.exchanges);
        page_token = answer.next_page_token;
        if is_last {
            break;
        }
    }
    exchanges.truncate(limit);
    Ok(exchanges)
}

pub(crate) fn table(exchanges: &[Exchange], lang: Lang) -> Table {
    let header = match lang {
        Lang::En => HEADER,
        Lang::Vi => HEADER_VI,
    };
    let [_, _, _, purpose, _, reason, hop, records, took, id] = header;
    // The exchange goes last: by its id one asks on.
    let steps = [hop, records, took].map(Shrink::Drop).into_iter().chain([Shrink::Shorten]);
    let steps = steps.chain([purpose, reason, id].map(Shrink::Drop));
    let mut table = Table::new(header.to_vec()).shrinking(steps.collect());
    for exchange in exchanges {
        table.row(vec![
            moment(exchange),
            exchange.application.as_str().into(),
            Cell::from(method_of(exchange)).or_short(exchange.method.as_str()),
            exchange.purpose.as_str().into(),
            outcome_of(exchange, lang),
            exchange.reason.as_str().into(),
            words::hop(exchange.failed_hop(), lang).into(),
            exchange.record_count.to_string().into(),
            words::milliseconds(exchange.duration_us).into(),
            exchange.exchange_id.as_str().into(),
        ]);
    }
    table
}

/// How the exchange ended; marked if no gateway has signed that.
pub(crate) fn outcome_of(exchange: &Exchange, lang: Lang) -> Cell {
    let outcome = words::outcome(exchange.outcome(), lang);
    match exchange.signed() {
        Signed::Unspecified | Signed::Yes => outcome,
        Signed::No => Cell::new(format!("{}, {}", outcome.text, words::unsigned(lang)), Tone::Bad),
    }
}

/// When the exchange was admitted; in short without its year and milliseconds.
fn moment(exchange: &Exchange) -> Cell {
    let moment = words::moment(exchange.admitted.as_ref());
    let short = moment.get(5..19).unwrap_or(&moment).to_owned();
    Cell::from(moment).or_short(short)
}

/// `PopulationService/GetCitizen`.
pub(crate) fn method_of(exchange: &Exchange) -> String {
    format!("{}/{}", words::last_word(&exchange.service), exchange.method)
}
