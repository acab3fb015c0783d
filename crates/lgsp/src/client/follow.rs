//! `lgsp exchanges --follow` and `lgsp audit search --follow`: one server stream, opened again whenever it ends.

use std::time::{Duration, Instant};

use lgsp_proto::ledger::v1::audit_service_client::AuditServiceClient;
use lgsp_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use lgsp_proto::ledger::v1::{
    AuditFilter, Exchange, ExchangeFilter, FollowAuditRequest, FollowExchangesRequest,
};
use tonic::metadata::MetadataMap;
use tonic::{Response, Status, Streaming};

use super::exchanges::{method_of, outcome_of};
use super::failure::EXCHANGE_ID;
use super::output::{self, Listing, Surface};
use super::session::{LARGEST_MESSAGE, Session};
use super::table::{self, GAP};
use super::{Error, Lang, words};

/// How long the gateway may take to open the stream.
const OPEN_PATIENCE: Duration = Duration::from_secs(10);

/// A stream without any end is cut after this and opened again; the ledger ends it sooner.
const LONGEST_STREAM: Duration = Duration::from_secs(2 * 3_600);

/// Streams are opened at most once in this time.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// Columns of a line, by their place.
const METHOD: usize = 2;
const OUTCOME: usize = 3;
const MILLISECONDS: usize = 4;
const REASON: usize = 5;
const EXCHANGE: usize = 6;

/// Widths of the columns; the rows before a line are not known, nor those after.
const WIDTHS: [usize; 7] = [23, 12, 32, 10, 8, 24, 36];

/// Width of the method without its service.
const SHORT_METHOD: usize = 20;

/// Which columns the lines have, and how wide.
struct Shape {
    listing: Listing,
    columns: Vec<usize>,
    widths: [usize; WIDTHS.len()],
}

impl Shape {
    /// Everything for a pipe; what fits for a terminal of this width.
    fn new(listing: Listing, width: u16) -> Self {
        let mut shape = Self { listing, columns: (0..WIDTHS.len()).collect(), widths: WIDTHS };
        if listing != Listing::Table {
            return shape;
        }
        for expendable in [EXCHANGE, MILLISECONDS] {
            if shape.fits(width) {
                return shape;
            }
            shape.columns.retain(|column| *column != expendable);
        }
        if !shape.fits(width) {
            shape.widths[METHOD] = SHORT_METHOD;
        }
        if !shape.fits(width) {
            shape.columns.retain(|column| *column != REASON);
        }
        shape
    }

    fn fits(&self, width: u16) -> bool {
        self.columns.iter().map(|column| self.widths[*column] + GAP).sum::<usize>()
            <= usize::from(width) + GAP
    }

    fn line(&self, cells: [&str; WIDTHS.len()]) -> String {
        let widths: Vec<usize> = self.columns.iter().map(|column| self.widths[*column]).collect();
        table::aligned(self.columns.iter().map(|column| cells[*column]), &widths)
    }
}

/// What is followed, and by which service.
pub(crate) enum Wanted {
    Exchanges(ExchangeFilter),
    Audit(Box<AuditFilter>),
}

impl Wanted {
    async fn open(&self, session: &Session) -> Result<Result<Response<Streaming<Exchange>>, Status>, Error> {
        let channel = session.channel.clone();
        match self {
            Self::Exchanges(filter) => {
                let mut client = LedgerServiceClient::new(channel).max_decoding_message_size(LARGEST_MESSAGE);
                let request = FollowExchangesRequest { filter: Some(filter.clone()) };
                Ok(client.follow_exchanges(session.request(request, None)?).await)
            }
            Self::Audit(filter) => {
                let mut client = AuditServiceClient::new(channel).max_decoding_message_size(LARGEST_MESSAGE);
                let request = FollowAuditRequest { filter: Some(AuditFilter::clone(filter)) };
                Ok(client.follow_audit(session.request(request, None)?).await)
            }
        }
    }
}

/// Follows until Ctrl-C.
pub(crate) async fn run(
    session: &Session,
    wanted: Wanted,
    listing: Listing,
    lang: Lang,
) -> Result<(), Error> {
    tokio::select! {
        ended = follow(session, wanted, listing, lang) => ended,
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Error::Output),
    }
}

async fn follow(session: &Session, wanted: Wanted, listing: Listing, lang: Lang) -> Result<(), Error> {
    let shape = Shape::new(listing, Surface::of_stdout().width());
    if listing != Listing::Json {
        output::line(&header(&shape, lang))?;
    }
    let mut has_opened = false;
    let mut told = None;
    loop {
        let began = Instant::now();
        let ended = stream(session, &wanted, &shape, lang, &mut has_opened, &mut told).await;
        let wait = match &ended {
            Ok(()) => Duration::ZERO,
            // What fails at the first attempt is told at once; later the hub is expected to come back.
            Err(error) => match error.retry() {
                Some(wait) if has_opened => wait,
                Some(_) | None => return ended,
            },
        };
        let note = reopened(&wanted, ended.err().as_ref(), lang);
        // A hub that stays away is told of once, and not with every attempt.
        if told.as_ref() != Some(&note) {
            output::note(&note);
        }
        told = Some(note);
        tokio::time::sleep(wait.max(SHORTEST_PAUSE.saturating_sub(began.elapsed()))).await;
    }
}

/// Writes the exchanges of one stream until it ends.
async fn stream(
    session: &Session,
    wanted: &Wanted,
    shape: &Shape,
    lang: Lang,
    has_opened: &mut bool,
    told: &mut Option<String>,
) -> Result<(), Error> {
    let began = Instant::now();
    let opened = tokio::time::timeout(OPEN_PATIENCE, wanted.open(session)).await;
    let opened = opened.map_err(|_| Error::NoAnswer { waited: OPEN_PATIENCE })??;
    let opened = opened.map_err(|status| session.error(&status, None, began.elapsed()))?;
    *has_opened = true;
    if told.take().is_some() {
        output::note(lang.pick("-- following again", "-- đang theo dõi trở lại"));
    }

    let exchange = exchange_id(opened.metadata());
    let mut exchanges = opened.into_inner();
    let writing = async {
        loop {
            match exchanges.message().await {
                Ok(Some(exchange)) => output::line(&line(&exchange, shape, lang)?)?,
                Ok(None) => return Ok(()),
                // The deadline of the method ends every stream sooner or later.
                Err(status) if status.code() == tonic::Code::DeadlineExceeded => return Ok(()),
                Err(status) => return Err(session.error(&status, exchange.as_deref(), began.elapsed())),
            }
        }
    };
    tokio::time::timeout(LONGEST_STREAM, writing).await.unwrap_or(Ok(()))
}

fn exchange_id(metadata: &MetadataMap) -> Option<String> {
    metadata.get(EXCHANGE_ID).and_then(|id| id.to_str().ok()).map(str::to_owned)
}

fn header(shape: &Shape, lang: Lang) -> String {
    shape.line(match lang {
        Lang::En => ["admitted (+07:00)", "application", "method", "outcome", "ms", "reason", "exchange"],
        Lang::Vi => ["tiếp nhận (+07:00)", "ứng dụng", "phương thức", "kết quả", "ms", "lý do", "mã lượt"],
    })
}

fn line(exchange: &Exchange, shape: &Shape, lang: Lang) -> Result<String, Error> {
    let painted = match shape.listing {
        Listing::Json => return output::json_line(exchange),
        Listing::Table => true,
        Listing::Plain => false,
    };
    let outcome = outcome_of(exchange, lang);
    let at = words::moment(exchange.admitted.as_ref());
    let is_short = shape.widths[METHOD] == SHORT_METHOD;
    let method = if is_short { exchange.method.clone() } else { method_of(exchange) };
    let took = words::milliseconds(exchange.duration_us);
    let reason = if exchange.reason.is_empty() { "-" } else { &exchange.reason };
    let id = &exchange.exchange_id;
    let cells =
        [&at, &exchange.application, &method, &outcome.text, &took, reason, id].map(super::report::clean);
    let text = shape.line(cells.each_ref().map(String::as_str));
    if !painted {
        return Ok(text);
    }
    // Paint in place: padding was counted without the terminal's codes.
    let padded = format!("{:<width$}", outcome.text, width = shape.widths[OUTCOME]);
    Ok(text.replacen(padded.trim_end(), &outcome.tone.paint(padded.trim_end()), 1))
}

fn reopened(wanted: &Wanted, error: Option<&Error>, lang: Lang) -> String {
    let why = match error {
        None => lang.pick("the stream ended", "luồng đã kết thúc").to_owned(),
        Some(error) => error.report(lang).headline().to_owned(),
    };
    let list = match wanted {
        Wanted::Exchanges(_) => "lgsp exchanges --since 5m",
        Wanted::Audit(_) => "lgsp audit search --since 5m",
    };
    match lang {
        Lang::En => format!("-- {why}; opening another; exchanges in between are in `{list}`"),
        Lang::Vi => format!("-- {why}; đang mở luồng khác; các lượt ở giữa xem bằng `{list}`"),
    }
}

#[cfg(test)]
mod tests {
    use lgsp_core::Outcome;
    use lgsp_core::time::timestamp;

    use super::*;

    fn exchange() -> Exchange {
        Exchange {
            exchange_id: "019e8cf0-7c00-7000-8000-00000000002a".to_owned(),
            admitted: Some(timestamp(1_780_246_800_123_000)),
            application: "tthc".to_owned(),
            service: "lgsp.population.v1.PopulationService".to_owned(),
            method: "GetCitizen".to_owned(),
            outcome: Outcome::Denied.into(),
            reason: "AGREEMENT_MISSING".to_owned(),
            duration_us: 3_456,
            ..Default::default()
        }
    }

    #[test]
    fn a_line_stands_under_its_header() {
        let shape = Shape::new(Listing::Plain, 80);
        let header = header(&shape, Lang::En);
        let line = line(&exchange(), &shape, Lang::En).expect("plain text");
        assert_eq!(
            line,
            "2026-06-01 00:00:00.123  tthc          PopulationService/GetCitizen      denied      3.5       \
             AGREEMENT_MISSING         019e8cf0-7c00-7000-8000-00000000002a"
        );
        assert_eq!(header.find("outcome"), line.find("denied"));
        assert_eq!(header.find("exchange"), line.find("019e8cf0"));
    }

    #[test]
    fn colours_do_not_move_the_columns() {
        let plain = line(&exchange(), &Shape::new(Listing::Plain, 80), Lang::Vi).expect("plain text");
        let painted = line(&exchange(), &Shape::new(Listing::Table, 200), Lang::Vi).expect("coloured text");
        assert_eq!(painted.replace("\u{1b}[33m", "").replace("\u{1b}[0m", ""), plain);
        assert!(painted.contains("\u{1b}[33mtừ chối"), "{painted}");
    }

    #[test]
    fn a_line_is_no_wider_than_the_terminal() {
        for (width, last) in [(200, "0000002a"), (120, "MISSING"), (100, "MISSING"), (80, "denied\u{1b}[0m")]
        {
            let shape = Shape::new(Listing::Table, width);
            let line = line(&exchange(), &shape, Lang::En).expect("coloured text");
            let shown = line.replace("\u{1b}[33m", "").replace("\u{1b}[0m", "");
            assert!(shown.chars().count() <= usize::from(width), "{line}");
            assert!(line.ends_with(last), "{width}: {line}");
        }
    }
}
