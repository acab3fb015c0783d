//! The parts of the page of a link that are sent again: how it is, and what came of what was asked in the last hour.

use askama::Template;
use lgsp_proto::monitor::v1::{Link, LinkState};

use super::DAY_US;
use crate::board::{From, Picture};
use crate::draw::{self, Band, Bars, Lines, Stack};
use crate::meter::{self, BOUNDS, Came, Counts, KEPT_US};
use crate::pages::overview::Freshness;
use crate::pages::words::{self, Figures, Marked};
use crate::pages::{Part, part};
use crate::text::Say;

/// The hour of a plot in parts of two minutes.
const PARTS: usize = 30;
/// Labels of the histogram: the bounds that people know.
const MARKS: [usize; 5] = [0, 3, 7, 11, 15];

/// How the link is now.
#[derive(Template)]
#[template(path = "parts/state.html")]
struct State {
    say: Say,
    is_known: bool,
    state: &'static str,
    word: String,
    since: String,
    cause: String,
    cause_name: String,
    advice: Marked,
    evidence: Vec<String>,
    figures: Figures,
    p99_is_of_today: bool,
    /// The band of the last day.
    band: Band,
    is_limited: bool,
}

impl State {
    fn of(say: Say, picture: &Picture, id: &str, now_us: i64) -> Self {
        let unknown = Link { id: id.to_owned(), ..Link::default() };
        let known = picture.link(id);
        let link = known.unwrap_or(&unknown);
        let shown_cause = if link.state() == LinkState::Working { "" } else { &link.cause };
        Self {
            say,
            is_known: known.is_some(),
            state: words::class(link.state()),
            word: words::word(say, link.state()),
            since: words::since(say, link, now_us),
            cause: words::cause(say, shown_cause),
            cause_name: shown_cause.to_owned(),
            advice: words::advice(say, shown_cause),
            evidence: words::evidence(say, link, now_us),
            figures: Figures::of(say, picture, id),
            p99_is_of_today: words::split(id).0 == "application",
            band: words::day(say, link, picture.past(id), (now_us - DAY_US, now_us)),
            is_limited: picture.from != From::Monitor,
        }
    }
}

/// What came of what was asked in the last hour, and how long it took.
#[derive(Template)]
#[template(path = "parts/plots.html")]
struct Plots {
    say: Say,
    latency: Option<Lines>,
    outcomes: Stack,
    came: Vec<CameRow>,
    durations: Option<Bars>,
    all: String,
    is_measured: bool,
    is_empty: bool,
    begins: String,
    ends: String,
}

struct CameRow {
    class: &'static str,
    word: String,
    number: String,
    part: String,
}

impl Plots {
    fn of(say: Say, picture: &Picture, id: &str) -> Self {
        let name = meter::name_of(id);
        let parts = picture.meter.parts(name, PARTS);
        let (hour, _) = picture.meter.last(name, KEPT_US);
        let quantile = |part: f64| parts.iter().map(|counts| counts.quantile(part)).collect::<Vec<_>>();
        let latency = (hour.timed() > 0).then(|| {
            let of = |class, id: &str, part| (class, say.known(id).unwrap_or_default(), quantile(part));
            let given =
                vec![of("p50", "plot-p50", 0.5), of("p95", "plot-p95", 0.95), of("p99", "plot-p99", 0.99)];
            draw::lines(given, |seconds| say.latency(seconds))
        });
        // There is no half of an exchange.
        let whole = |count: f64| if count.fract() == 0.0 { say.number(count, 0) } else { String::new() };
        let durations = (hour.timed() > 0).then(|| {
            let marks = MARKS.map(|place| (place + 1, say.latency(BOUNDS[place])));
            draw::bars(&hour.buckets(), &marks, whole)
        });
        let came = Came::ALL.map(|came| {
            let number = hour.came[came as usize];
            CameRow {
                class: came.name(),
                word: say.known(&format!("came-{}", came.name())).unwrap_or_default(),
                number: say.number(number as f64, 0),
                part: say.percent(number as f64 / hour.all().max(1) as f64),
            }
        });
        let counts: Vec<[u64; 4]> = parts.iter().map(|counts: &Counts| counts.came).collect();
        let newest_us = picture.meter.newest_us();
        Self {
            say,
            latency,
            outcomes: draw::stack(Came::ALL.map(Came::name), &counts, whole),
            came: came.into(),
            durations,
            all: say.number(hour.all() as f64, 0),
            is_measured: newest_us > 0,
            is_empty: hour.all() == 0,
            begins: say.minute(newest_us - KEPT_US),
            ends: say.minute(newest_us),
        }
    }
}

/// All parts of the page of a link that are sent again.
pub(crate) fn parts(say: Say, picture: &Picture, id: &str, now_us: i64) -> Vec<Part> {
    vec![
        part("freshness", &Freshness::of(say, picture, now_us)),
        part("state", &State::of(say, picture, id, now_us)),
        part("plots", &Plots::of(say, picture, id)),
    ]
}
