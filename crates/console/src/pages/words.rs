//! How links, states and causes are called.

use lgsp_core::time::micros;
use lgsp_proto::monitor::v1::{Link, LinkEvidence, LinkState};
use prost_types::Timestamp;

use crate::board::{Past, Picture};
use crate::draw::{Band, Piece, band};
use crate::meter::{self, KEPT_US, Meter};
use crate::text::Say;

/// How long a latency is looked back for.
const LATELY_US: i64 = 300_000_000;

/// Kinds of links, in the order of screens: what most others depend on first.
pub(crate) const KINDS: [&str; 5] = ["broker", "provider", "source", "application", "witness"];

/// The kind and the name of an id.
pub(crate) fn split(id: &str) -> (&str, &str) {
    id.split_once('/').unwrap_or((id, ""))
}

/// Where the page of a link is.
pub(crate) fn href(id: &str) -> String {
    let encode =
        |part: &str| form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>().replace('+', "%20");
    let parts: Vec<String> = id.split('/').map(encode).collect();
    format!("/links/{}", parts.join("/"))
}

/// The class of a state, which its mark, its colour and its height go by.
pub(crate) fn class(state: LinkState) -> &'static str {
    match state {
        LinkState::Unspecified => "unknown",
        LinkState::Working => "working",
        LinkState::Degraded => "degraded",
        LinkState::Down => "down",
        LinkState::Silent => "silent",
        LinkState::Maintenance => "maintenance",
    }
}

pub(crate) fn word(say: Say, state: LinkState) -> String {
    say.of(match state {
        LinkState::Unspecified => "state-unknown",
        LinkState::Working => "state-working",
        LinkState::Degraded => "state-degraded",
        LinkState::Down => "state-down",
        LinkState::Silent => "state-silent",
        LinkState::Maintenance => "state-maintenance",
    })
}

pub(crate) fn kind(say: Say, id: &str) -> String {
    say.known(&format!("kind-{}", split(id).0)).unwrap_or_else(|| split(id).0.to_owned())
}

/// What a link is called.
pub(crate) fn name(say: Say, picture: &Picture, id: &str) -> String {
    let (kind, name) = split(id);
    match kind {
        "application" => match picture.application(name) {
            Some(it) => say.0.pick(&it.name_vi, &it.name_en).to_owned(),
            None => name.to_owned(),
        },
        "broker" => say.known(&format!("broker-{name}")).unwrap_or_else(|| name.to_owned()),
        "provider" => domain(say, name),
        "source" => {
            let (of, name) = split(name);
            say.all("source-of", &[("domain", &domain(say, of)), ("source", &source(say, name))])
        }
        _ => name.to_owned(),
    }
}

pub(crate) fn domain(say: Say, name: &str) -> String {
    say.known(&format!("domain-{name}")).unwrap_or_else(|| name.to_owned())
}

/// What a source of a domain is called.
pub(crate) fn source(say: Say, name: &str) -> String {
    // Every service of the hub's own calls its store so.
    if name == "store" { say.of("source-store") } else { name.to_owned() }
}

/// The place of a domain on screens: the data of persons first, and what the hub keeps itself last.
pub(crate) fn place_of(id: &str) -> (usize, &str) {
    const ORDER: [&str; 8] =
        ["population", "land", "health", "education", "business", "registry", "ledger", "monitor"];
    const OWN: usize = 5;
    let (kind, name) = split(id);
    let domain = if matches!(kind, "provider" | "source") { split(name).0 } else { "" };
    // Domains that nobody has heard of stand between the two.
    let place = ORDER.iter().position(|known| *known == domain);
    (place.map_or(2 * OWN, |place| if place < OWN { place } else { 3 * OWN + place }), id)
}

/// Why a link is as it is; a cause of a newer hub by its name.
pub(crate) fn cause(say: Say, name: &str) -> String {
    if name.is_empty() {
        return String::new();
    }
    say.known(&format!("cause-{name}")).unwrap_or_else(|| name.to_owned())
}

/// Pieces of a sentence, each with whether it is something to type.
pub(crate) type Marked = Vec<(bool, String)>;

/// What to do about a cause; commands stand between backticks.
pub(crate) fn advice(say: Say, name: &str) -> Marked {
    let text = say.known(&format!("advice-{name}")).unwrap_or_default();
    let pieces = text.split('`').enumerate().map(|(place, piece)| (place % 2 == 1, piece.to_owned()));
    pieces.filter(|(_, piece)| !piece.is_empty()).collect()
}

pub(crate) fn us(at: Option<&Timestamp>) -> Option<i64> {
    at.map(micros).filter(|us| *us > 0)
}

/// Since when a link is as it is.
pub(crate) fn since(say: Say, link: &Link, now_us: i64) -> String {
    let Some(since_us) = us(link.since.as_ref()) else { return String::new() };
    let (at, lasts) = (say.at(since_us, now_us), say.lasts(now_us - since_us));
    say.all("since", &[("at", &at), ("lasts", &lasts)])
}

/// The signals behind a state, one after the other.
pub(crate) fn evidence(say: Say, link: &Link, now_us: i64) -> Vec<String> {
    let mut told = Vec::new();
    if let Some(until_us) = us(link.maintenance_until.as_ref()) {
        told.push(say.with("evidence-maintenance", "at", &say.at(until_us, now_us)));
        if link.measured() == LinkState::Down {
            told.push(say.of("evidence-down-meanwhile"));
        }
    }
    if let Some(since_us) = us(link.unknown_since.as_ref()) {
        told.push(say.with("evidence-unknown", "at", &say.at(since_us, now_us)));
    }
    told.extend(link.evidence.iter().flat_map(|evidence| signs(say, evidence, now_us)));
    told
}

pub(crate) fn signs(say: Say, evidence: &LinkEvidence, now_us: i64) -> Vec<String> {
    let mut told = Vec::new();
    let (failed, of) = (evidence.failed.to_string(), evidence.of.to_string());
    if evidence.failed > 0 {
        told.push(say.all("evidence-failed", &[("failed", &failed), ("of", &of)]));
        if !evidence.reason.is_empty() {
            let hop = hop(say, &evidence.hop);
            told.push(say.all("evidence-last", &[("reason", &evidence.reason), ("hop", &hop)]));
        }
    }
    if let Some(last_us) = us(evidence.last_sign.as_ref()).filter(|_| evidence.of == 0) {
        told.push(say.with("evidence-sign", "at", &say.at(last_us, now_us)));
    }
    if evidence.clock_ms != 0 {
        let seconds = evidence.clock_ms.unsigned_abs().div_ceil(1_000).to_string();
        let id = if evidence.clock_ms > 0 { "evidence-clock-ahead" } else { "evidence-clock-behind" };
        told.push(say.with(id, "n", &seconds));
    }
    if !evidence.instances.is_empty() {
        told.push(say.with("evidence-instances", "names", &evidence.instances.join(", ")));
    }
    told
}

/// Where something failed.
pub(crate) fn hop(say: Say, name: &str) -> String {
    let name = name.to_ascii_lowercase();
    say.known(&format!("hop-{name}")).unwrap_or(name)
}

/// Rate and latency of a link, as far as they are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) rate: String,
    pub(crate) p99: String,
    pub(crate) failed: String,
    /// Whether something goes over it now.
    pub(crate) flows: bool,
}

impl Figures {
    pub(crate) fn of(say: Say, picture: &Picture, id: &str) -> Self {
        let name = meter::name_of(id);
        let mut figures = Self::measured(say, &picture.meter, name);
        if let ("application", application) = split(id) {
            figures.p99 = picture.p99_today(application).map(|p99| say.latency(p99)).unwrap_or_default();
        }
        figures
    }

    pub(crate) fn measured(say: Say, meter: &Meter, name: &str) -> Self {
        let (lately, _) = meter.last(name, LATELY_US);
        let (hour, _) = meter.last(name, KEPT_US);
        let per_minute = meter.per_minute(name);
        let is_measured = hour.all() > 0;
        let part = lately.failed() as f64 / lately.all().max(1) as f64;
        Self {
            rate: per_minute.filter(|_| is_measured).map(|rate| say.rate(rate)).unwrap_or_default(),
            p99: lately.quantile(0.99).map(|p99| say.latency(p99)).unwrap_or_default(),
            failed: if lately.failed() > 0 { say.percent(part) } else { String::new() },
            flows: per_minute.is_some_and(|rate| rate > 0.0),
        }
    }

    /// Those that are known.
    pub(crate) fn both(&self, say: Say) -> Vec<String> {
        let p99 = if self.p99.is_empty() { String::new() } else { say.with("p99", "n", &self.p99) };
        [self.rate.clone(), p99].into_iter().filter(|figure| !figure.is_empty()).collect()
    }
}

/// The last day of a link, or as much as is known of it.
pub(crate) fn day(say: Say, link: &Link, past: Option<&Past>, (since_us, now_us): (i64, i64)) -> Band {
    band(pieces(say, link, past, since_us, now_us), since_us, now_us)
}

/// How a link was, piece by piece.
fn pieces(say: Say, link: &Link, past: Option<&Past>, since_us: i64, now_us: i64) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut until_us = now_us;
    let mut state = link.state();
    let mut why = link.cause.clone();
    let changes = past.map(|past| past.changes.iter().collect::<Vec<_>>()).unwrap_or_default();
    for change in changes {
        let at_us = us(change.at.as_ref()).unwrap_or(since_us);
        pieces.push(piece(say, state, &why, (at_us, until_us), now_us));
        (until_us, state) = (at_us, change.from());
        // Of what was before, the change that began it tells why.
        why = String::new();
        if at_us <= since_us {
            break;
        }
    }
    let begins_us = match pieces.is_empty() {
        // Nothing changed: it is as it was since it is so.
        true => us(link.since.as_ref()).unwrap_or(since_us).max(since_us),
        false => since_us,
    };
    if until_us > since_us {
        pieces.push(piece(say, state, &why, (begins_us, until_us), now_us));
    }
    pieces.reverse();
    pieces
}

fn piece(say: Say, state: LinkState, why: &str, (from_us, until_us): (i64, i64), now_us: i64) -> Piece {
    let (from, until) = (say.at(from_us, now_us), say.at(until_us, now_us));
    let lasts = say.lasts(until_us - from_us);
    let mut title = say.all(
        "band-piece",
        &[("state", &word(say, state)), ("from", &from), ("until", &until), ("lasts", &lasts)],
    );
    if !why.is_empty() {
        title = format!("{title}: {}", cause(say, why));
    }
    Piece { from_us, until_us, state: class(state), title }
}

#[cfg(test)]
mod tests {
    use lgsp_core::time::timestamp;
    use lgsp_proto::monitor::v1::LinkChange;

    use super::*;
    use crate::text::Lang;

    const HOUR_US: i64 = 3_600_000_000;
    const NOW_US: i64 = 1_795_855_445_000_000;

    #[test]
    fn an_address_holds_whatever_a_link_is_called() {
        assert_eq!(href("source/land/land-office"), "/links/source/land/land-office");
        assert_eq!(href("application/<script>?#%"), "/links/application/%3Cscript%3E%3F%23%25");
        assert_eq!(href("application/a b"), "/links/application/a%20b");
    }

    #[test]
    fn every_cause_that_operators_read_of_has_a_text_and_an_advice_in_both_languages() {
        const OPERATIONS: &str = include_str!("../../../../docs/operations.md");
        let table =
            OPERATIONS.split("## Causes").nth(1).expect("the table").split("\n## ").next().expect("it");
        let causes: Vec<&str> =
            table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        assert!(causes.len() > 12, "{causes:?}");
        for lang in Lang::ALL {
            for name in &causes {
                for id in [format!("cause-{name}"), format!("advice-{name}")] {
                    assert!(Say(lang).known(&id).is_some(), "{lang:?}: {id}");
                }
            }
        }
    }

    #[test]
    fn a_day_is_told_from_its_changes_and_before_them_by_what_they_changed() {
        let change = |from: LinkState, to: LinkState, ago_us: i64| LinkChange {
            from: from.into(),
            to: to.into(),
            at: Some(timestamp(NOW_US - ago_us)),
            ..LinkChange::default()
        };
        let link = Link {
            state: LinkState::Working.into(),
            since: Some(timestamp(NOW_US - HOUR_US)),
            ..Link::default()
        };
        let changes = [
            change(LinkState::Down, LinkState::Working, HOUR_US),
            change(LinkState::Working, LinkState::Down, 2 * HOUR_US),
        ];
        let past = Past::of(changes.into());
        let told = |past: Option<&Past>| -> Vec<(&str, i64)> {
            let pieces = pieces(Say(Lang::En), &link, past, NOW_US - 24 * HOUR_US, NOW_US);
            pieces.iter().map(|it| (it.state, (it.until_us - it.from_us) / HOUR_US)).collect()
        };
        assert_eq!(told(Some(&past)), [("working", 22), ("down", 1), ("working", 1)]);
        assert_eq!(told(None), [("working", 1)], "of before nothing is claimed");
    }
}
