//! All links at once: what needs attention, the diagram, and the last day of each.

use askama::Template;
use lgsp_proto::monitor::v1::{Link, LinkState};

use super::frame::Frame;
use super::words::{self, Figures, KINDS, Marked};
use super::{Part, part};
use crate::board::{From, PAST_US, Picture};
use crate::draw::{self, Band, Diagram, Node, Nodes};
use crate::meter::GATEWAY;
use crate::text::Say;

/// Parts of the sparkline.
const SPARKS: usize = 30;
/// Most links that are told of as needing attention; the rest is counted.
const MOST_TOLD: usize = 8;

/// The page.
#[derive(Template)]
#[template(path = "overview.html")]
pub(crate) struct Page<'a> {
    pub(crate) frame: Frame,
    pub(crate) parts: &'a [Part],
}

impl Page<'_> {
    fn part(&self, name: &str) -> &str {
        self.parts.iter().find(|part| part.name == name).map_or("", |part| &part.html)
    }
}

/// The same for a big screen.
#[derive(Template)]
#[template(path = "wall.html")]
pub(crate) struct Wall<'a> {
    pub(crate) frame: Frame,
    pub(crate) parts: &'a [Part],
}

impl Wall<'_> {
    fn part(&self, name: &str) -> &str {
        self.parts.iter().find(|part| part.name == name).map_or("", |part| &part.html)
    }
}

/// How fresh the picture is, and what it cannot show.
#[derive(Template)]
#[template(path = "parts/freshness.html")]
pub(crate) struct Freshness {
    class: &'static str,
    text: String,
    lacks: String,
}

impl Freshness {
    pub(crate) fn of(say: Say, picture: &Picture, now_us: i64) -> Self {
        let since = say.at(picture.from_since_us, now_us);
        let (class, text, lacks) = match picture.from {
            From::Monitor => {
                ("live", say.with("fresh-monitor", "at", &say.clock(picture.at_us)), String::new())
            }
            From::Ports => ("limited", say.with("fresh-ports", "at", &since), say.of("fresh-ports-lacks")),
            From::Nobody if picture.at_us == 0 => {
                ("lost", say.of("fresh-never"), say.of("fresh-nobody-lacks"))
            }
            From::Nobody => {
                let gaps = [("since", since.as_str()), ("at", &say.at(picture.at_us, now_us))];
                ("lost", say.all("fresh-nobody", &gaps), say.of("fresh-nobody-lacks"))
            }
        };
        Self { class, text, lacks }
    }
}

/// How many links are how.
#[derive(Template)]
#[template(path = "parts/summary.html")]
struct Summary {
    say: Say,
    counts: Vec<Count>,
    /// The same in a sentence, for who hears the page.
    said: String,
    rate: String,
    p99: String,
    failed: String,
}

struct Count {
    state: &'static str,
    word: String,
    number: usize,
}

const STATES: [LinkState; 6] = [
    LinkState::Down,
    LinkState::Degraded,
    LinkState::Maintenance,
    LinkState::Unspecified,
    LinkState::Silent,
    LinkState::Working,
];

impl Summary {
    fn of(say: Say, picture: &Picture) -> Self {
        let count = |state: LinkState| Count {
            state: words::class(state),
            word: words::word(say, state),
            number: picture.links.iter().filter(|link| link.state() == state).count(),
        };
        let is_always_told = |state: &str| matches!(state, "down" | "degraded" | "working");
        let counts: Vec<Count> = STATES
            .into_iter()
            .map(count)
            .filter(|count| count.number > 0 || is_always_told(count.state))
            .collect();
        let said = counts.iter().filter(|count| count.number > 0);
        let said: Vec<String> = said.map(|count| format!("{} {}", count.number, count.word)).collect();
        let Figures { rate, p99, failed, .. } = Figures::measured(say, &picture.meter, GATEWAY);
        Self { say, counts, said: said.join(", "), rate, p99, failed }
    }
}

/// What needs attention first.
#[derive(Template)]
#[template(path = "parts/attention.html")]
struct Attention {
    say: Say,
    items: Vec<Item>,
    more: String,
    is_known: bool,
}

struct Item {
    state: &'static str,
    word: String,
    href: String,
    name: String,
    kind: String,
    since: String,
    cause: String,
    advice: Marked,
    evidence: Vec<String>,
}

/// How urgent a link is; `None`: it needs nobody.
fn urgency(link: &Link) -> Option<u8> {
    let is_application = words::split(&link.id).0 == "application";
    match link.state() {
        LinkState::Down => Some(0),
        LinkState::Degraded => Some(1),
        _ if link.unknown_since.is_some() && !is_application => Some(2),
        LinkState::Maintenance => Some(3),
        LinkState::Unspecified | LinkState::Working | LinkState::Silent => None,
    }
}

fn rank(id: &str) -> usize {
    let kind = words::split(id).0;
    KINDS.iter().position(|known| *known == kind).unwrap_or(KINDS.len())
}

impl Attention {
    fn of(say: Say, picture: &Picture, now_us: i64) -> Self {
        let mut urgent: Vec<(u8, &Link)> =
            picture.links.iter().filter_map(|link| Some((urgency(link)?, link))).collect();
        urgent.sort_by_key(|(urgency, link)| (*urgency, rank(&link.id), link.id.as_str()));
        let left = urgent.len().saturating_sub(MOST_TOLD);
        let item = |(_, link): (u8, &Link)| Item {
            state: words::class(link.state()),
            word: words::word(say, link.state()),
            href: words::href(&link.id),
            name: words::name(say, picture, &link.id),
            kind: words::kind(say, &link.id),
            since: words::since(say, link, now_us),
            cause: words::cause(say, &link.cause),
            advice: words::advice(say, &link.cause),
            evidence: words::evidence(say, link, now_us),
        };
        let more = if left > 0 { say.with("attention-more", "n", &left.to_string()) } else { String::new() };
        let items = urgent.into_iter().take(MOST_TOLD).map(item).collect();
        Self { say, items, more, is_known: picture.at_us > 0 }
    }
}

#[derive(Template)]
#[template(path = "parts/diagram.html")]
struct Drawn {
    say: Say,
    diagram: Diagram,
}

impl Drawn {
    fn of(say: Say, picture: &Picture) -> Self {
        let node = |link: &Link| {
            let figures = Figures::of(say, picture, &link.id);
            Node {
                id: link.id.clone(),
                href: words::href(&link.id),
                name: words::name(say, picture, &link.id),
                state: words::class(link.state()),
                word: words::word(say, link.state()),
                figures: figures.both(say),
                flows: figures.flows,
                of: String::new(),
            }
        };
        let mut nodes = Nodes::default();
        for link in &picture.links {
            match words::split(&link.id) {
                // The operator's own tool is no application of the city's.
                ("application", name) if picture.application(name).is_some_and(|it| it.platform) => {}
                ("application", _) => nodes.applications.push(node(link)),
                ("broker", _) => nodes.broker = node(link),
                ("provider", _) => nodes.providers.push(node(link)),
                ("source", name) => {
                    let (domain, source) = words::split(name);
                    let (of, name) = (format!("provider/{domain}"), words::source(say, source));
                    nodes.sources.push(Node { of, name, ..node(link) });
                }
                ("witness", name) => {
                    let (of, name) = ("provider/ledger".to_owned(), say.with("witness-name", "name", name));
                    nodes.sources.push(Node { of, name, ..node(link) });
                }
                _ => {}
            }
        }
        nodes.providers.sort_by(|one, other| words::place_of(&one.id).cmp(&words::place_of(&other.id)));
        let figures = Figures::measured(say, &picture.meter, GATEWAY);
        nodes.gateway =
            Node { name: say.of("gateways"), state: "plain", figures: figures.both(say), ..Node::default() };
        if nodes.broker.id.is_empty() {
            let (name, word) = (say.of("broker-kafka"), say.of("state-unknown"));
            nodes.broker = Node { name, word, state: "unknown", ..Node::default() };
        }
        Self { say, diagram: draw::diagram(nodes) }
    }
}

/// Every link with its last day.
#[derive(Template)]
#[template(path = "parts/links.html")]
struct Links {
    say: Say,
    groups: Vec<Group>,
    begins: String,
    ends: String,
    has_past: bool,
}

struct Group {
    name: String,
    rows: Vec<Row>,
}

struct Row {
    href: String,
    id: String,
    name: String,
    state: &'static str,
    word: String,
    since: String,
    band: Band,
    spark: String,
    figures: Figures,
}

impl Links {
    fn of(say: Say, picture: &Picture, now_us: i64) -> Self {
        let since_us = now_us - PAST_US;
        let row = |link: &Link| {
            let counts = picture.meter.parts(crate::meter::name_of(&link.id), SPARKS);
            let counts: Vec<u64> = counts.iter().map(|part| part.all()).collect();
            Row {
                href: words::href(&link.id),
                id: link.id.clone(),
                name: words::name(say, picture, &link.id),
                state: words::class(link.state()),
                word: words::word(say, link.state()),
                since: words::since(say, link, now_us),
                band: words::day(say, link, picture.past(&link.id), (since_us, now_us)),
                spark: draw::sparkline(&counts),
                figures: Figures::of(say, picture, &link.id),
            }
        };
        let group = |kind: &&str| {
            let mut links: Vec<&Link> =
                picture.links.iter().filter(|link| words::split(&link.id).0 == *kind).collect();
            links.sort_by_key(|link| words::place_of(&link.id));
            let name = say.known(&format!("group-{kind}")).unwrap_or_default();
            Group { name, rows: links.into_iter().map(row).collect() }
        };
        let groups = KINDS.iter().map(group).filter(|group| !group.rows.is_empty()).collect();
        let (begins, ends) = (say.at(since_us, now_us), say.minute(now_us));
        Self { say, groups, begins, ends, has_past: picture.from == From::Monitor }
    }
}

/// All parts of the overview.
pub(crate) fn parts(say: Say, picture: &Picture, now_us: i64) -> Vec<Part> {
    vec![
        part("freshness", &Freshness::of(say, picture, now_us)),
        part("summary", &Summary::of(say, picture)),
        part("attention", &Attention::of(say, picture, now_us)),
        part("diagram", &Drawn::of(say, picture)),
        part("links", &Links::of(say, picture, now_us)),
    ]
}
