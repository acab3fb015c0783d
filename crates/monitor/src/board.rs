//! Every link with its state and the maintenance over it. Bounded, and without I/O.

use std::collections::BTreeMap;

use lgsp_core::time::timestamp;
use lgsp_proto::monitor::v1::{self as contract, LinkKind, LinkState};

use crate::link::{Cause, Evidence, Id, Kind, Level, Link, Reading};
use crate::window::Window;

/// Most links.
const MOST: usize = 4_096;
/// Most times of doubt that wait for a store that is away.
const MOST_DOUBTS: usize = 4 * MOST;
/// A link of which nothing was told for so long is forgotten; its history stays.
const FORGOTTEN_US: i64 = 30 * 24 * 3_600 * 1_000_000;

/// A change of a link: in what is shown of it, or in why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub link: Id,
    pub from: LinkState,
    pub to: LinkState,
    pub measured: Level,
    pub cause: Option<Cause>,
    pub at_us: i64,
    pub evidence: Evidence,
}

/// Since when and until when no signal told anything of a link. `i64::MAX`: until it changes.
pub(crate) type Doubts = BTreeMap<(Id, i64), i64>;

/// The links.
#[derive(Debug, Default)]
pub(crate) struct Board {
    links: BTreeMap<Id, Placed>,
    pub windows: Vec<Window>,
    /// What is not written down yet.
    pub doubts: Doubts,
}

#[derive(Debug)]
struct Placed {
    link: Link,
    shown: LinkState,
    shown_cause: Option<Cause>,
    since_us: i64,
}

/// A link as it is shown; the cause is empty for one that works.
#[derive(Debug)]
pub(crate) struct Shown<'a> {
    pub id: &'a Id,
    pub shown: LinkState,
    pub cause: &'static str,
}

/// A link as its signals say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub id: &'a Id,
    pub level: Level,
    pub cause: Option<Cause>,
    pub evidence: &'a Evidence,
    pub is_maintained: bool,
    /// No signal tells anything of it.
    pub is_unknown: bool,
}

impl Board {
    /// The state that a link had when a monitor last wrote it down. It is unknown until a signal tells more.
    pub fn remember(&mut self, last: Change, now_us: i64) {
        let reading = Reading { level: last.measured, cause: last.cause, evidence: last.evidence };
        let mut link = Link::new(reading, last.at_us);
        link.unknown_since_us = now_us;
        let placed = Placed { link, shown: last.to, shown_cause: last.cause, since_us: last.at_us };
        self.links.insert(last.link, placed);
    }

    pub fn ids(&self) -> impl Iterator<Item = &Id> {
        self.links.keys()
    }

    /// Every link as it is shown. Applications come last: of them there may be more than anybody counts.
    pub fn states(&self) -> impl Iterator<Item = Shown<'_>> {
        let is_application = |id: &Id| id.kind == Kind::Application;
        let others = self.links.iter().filter(move |(id, _)| !is_application(id));
        let all = others.chain(self.links.iter().filter(move |(id, _)| is_application(id)));
        all.map(|(id, placed)| Shown {
            id,
            shown: placed.shown,
            cause: placed.shown_cause.map(Cause::name).unwrap_or_default(),
        })
    }

    /// Every link as its signals say, for alerts.
    pub fn seen(&self, now_us: i64) -> impl Iterator<Item = Seen<'_>> {
        let running: Vec<&Window> = self.windows.iter().filter(|window| window.runs(now_us)).collect();
        self.links.iter().map(move |(id, Placed { link, .. })| Seen {
            id,
            level: link.reading.level,
            cause: link.reading.cause,
            evidence: &link.reading.evidence,
            is_maintained: running.iter().any(|window| window.covers(id)),
            is_unknown: link.unknown_since_us != 0,
        })
    }

    pub fn levels(&self) -> Vec<Level> {
        self.links.values().map(|placed| placed.link.reading.level).collect()
    }

    /// Takes in what the signals say, and returns what has changed by that, or by maintenance that has begun or ended.
    pub fn take(&mut self, readings: BTreeMap<Id, Option<Reading>>, now_us: i64) -> Vec<Change> {
        for (id, reading) in readings {
            if let Some(placed) = self.links.get_mut(&id) {
                let before_us = placed.link.unknown_since_us;
                placed.link.observe(reading, now_us);
                let since_us = if before_us != 0 { before_us } else { placed.link.unknown_since_us };
                if since_us != 0 {
                    self.doubts.insert((id, since_us), now_us);
                }
            } else if let Some(reading) = reading.filter(|_| self.links.len() < MOST) {
                let link = Link::new(reading, now_us);
                let (shown, shown_cause) = (LinkState::Unspecified, None);
                self.links.insert(id, Placed { link, shown, shown_cause, since_us: now_us });
            }
        }
        let is_kept =
            |link: &Link| link.unknown_since_us == 0 || now_us - link.unknown_since_us < FORGOTTEN_US;
        let (links, doubts) = (&mut self.links, &mut self.doubts);
        links.retain(|id, placed| {
            let is_kept = is_kept(&placed.link);
            if !is_kept {
                doubts.insert((id.clone(), now_us), i64::MAX);
            }
            is_kept
        });
        while self.doubts.len() > MOST_DOUBTS {
            self.doubts.pop_first();
        }
        let windows = &self.windows;
        let changed = self.links.iter_mut().filter_map(|(id, placed)| {
            let Reading { level, cause, evidence } = placed.link.reading.clone();
            let is_maintained = windows.iter().any(|window| window.runs(now_us) && window.covers(id));
            let shown = if is_maintained { LinkState::Maintenance } else { state(level) };
            let is_other = shown != placed.shown || cause != placed.shown_cause;
            let from = std::mem::replace(&mut placed.shown, shown);
            placed.shown_cause = cause;
            is_other.then(|| {
                placed.since_us = now_us;
                Change { link: id.clone(), from, to: shown, measured: level, cause, at_us: now_us, evidence }
            })
        });
        changed.collect()
    }

    /// All links as they are told.
    pub fn shown(&self, now_us: i64) -> Vec<contract::Link> {
        self.links.iter().map(|(id, placed)| self.show(id, placed, now_us)).collect()
    }

    pub fn shown_of(&self, id: &Id, now_us: i64) -> Option<contract::Link> {
        self.links.get(id).map(|placed| self.show(id, placed, now_us))
    }

    fn show(&self, id: &Id, placed: &Placed, now_us: i64) -> contract::Link {
        let running = self.windows.iter().filter(|window| window.runs(now_us) && window.covers(id));
        let until = running.map(Window::end_us).max();
        let unknown_since_us = placed.link.unknown_since_us;
        contract::Link {
            id: id.to_string(),
            kind: kind(id.kind).into(),
            state: placed.shown.into(),
            cause: placed.link.reading.cause.map(Cause::name).unwrap_or_default().to_owned(),
            since: Some(timestamp(placed.since_us)),
            evidence: Some(evidence(&placed.link.reading.evidence)),
            measured: state(placed.link.reading.level).into(),
            unknown_since: (unknown_since_us != 0).then(|| timestamp(unknown_since_us)),
            maintenance_until: until.map(timestamp),
        }
    }
}

impl Change {
    pub fn told(&self) -> contract::LinkChange {
        contract::LinkChange {
            link: self.link.to_string(),
            from: self.from.into(),
            to: self.to.into(),
            measured: state(self.measured).into(),
            cause: self.cause.map(Cause::name).unwrap_or_default().to_owned(),
            at: Some(timestamp(self.at_us)),
            evidence: Some(evidence(&self.evidence)),
        }
    }
}

pub(crate) fn kind(kind: Kind) -> LinkKind {
    match kind {
        Kind::Application => LinkKind::Application,
        Kind::Broker => LinkKind::Broker,
        Kind::Provider => LinkKind::Provider,
        Kind::Source => LinkKind::Source,
        Kind::Witness => LinkKind::Witness,
    }
}

/// A state as labels have it.
pub(crate) fn state_name(state: LinkState) -> &'static str {
    match state {
        LinkState::Unspecified => "",
        LinkState::Working => "working",
        LinkState::Degraded => "degraded",
        LinkState::Down => "down",
        LinkState::Silent => "silent",
        LinkState::Maintenance => "maintenance",
    }
}

pub(crate) fn state(level: Level) -> LinkState {
    match level {
        Level::Working => LinkState::Working,
        Level::Silent => LinkState::Silent,
        Level::Degraded => LinkState::Degraded,
        Level::Down => LinkState::Down,
    }
}

pub(crate) fn evidence(evidence: &Evidence) -> contract::LinkEvidence {
    contract::LinkEvidence {
        last_sign: (evidence.last_sign_us != 0).then(|| timestamp(evidence.last_sign_us)),
        failed: evidence.failed,
        of: evidence.of,
        reason: evidence.reason.clone(),
        hop: evidence.hop.clone(),
        instances: evidence.instances.clone(),
        clock_ms: evidence.clock_us / 1_000,
    }
}

/// Links as a single look at the signals shows them, without a past: for whoever asks admin ports alone.
pub fn at_a_glance(readings: BTreeMap<Id, Option<Reading>>, now_us: i64) -> Vec<contract::Link> {
    let mut board = Board::default();
    board.take(readings, now_us);
    let mut links = board.shown(now_us);
    for link in &mut links {
        link.since = None;
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: i64 = 1_000_000;

    fn readings(level: Level) -> BTreeMap<Id, Option<Reading>> {
        let cause = (level == Level::Down).then_some(Cause::InstanceNotHeard);
        let reading = Reading { level, cause, evidence: Evidence::default() };
        BTreeMap::from([(Id::new(Kind::Provider, "land"), Some(reading))])
    }

    fn window(from_us: i64, until_us: i64) -> Window {
        Window {
            id: String::new(),
            links: vec![Id::new(Kind::Provider, "land")],
            from_us,
            until_us,
            reason: String::new(),
            announced_by: String::new(),
            announced_us: 0,
            cancelled_us: 0,
            cancelled_by: String::new(),
        }
    }

    /// The states after each look, one a second.
    fn shown(board: &mut Board, levels: &[Level]) -> Vec<(i64, LinkState, Level)> {
        let mut changes = Vec::new();
        for (second, level) in levels.iter().enumerate() {
            let at = second as i64 * SECOND_US;
            let changed = board.take(readings(*level), at);
            changes.extend(changed.into_iter().map(|it| (it.at_us / SECOND_US, it.to, it.measured)));
        }
        changes
    }

    #[test]
    fn maintenance_is_shown_and_what_the_signals_say_is_kept_beside_it() {
        let mut board = Board { windows: vec![window(2 * SECOND_US, 5 * SECOND_US)], ..Board::default() };
        use Level::{Down, Working};
        let changes = shown(&mut board, &[Working, Working, Working, Down, Down, Down, Down]);
        assert_eq!(
            changes,
            [
                (0, LinkState::Working, Working),
                (2, LinkState::Maintenance, Working),
                (4, LinkState::Maintenance, Down),
                (5, LinkState::Down, Down),
            ]
        );
    }

    #[test]
    fn a_remembered_link_goes_on_and_is_unknown_until_a_signal_tells_more() {
        let id = Id::new(Kind::Provider, "land");
        let last = Change {
            link: id.clone(),
            from: LinkState::Working,
            to: LinkState::Down,
            measured: Level::Down,
            cause: Some(Cause::InstanceNotHeard),
            at_us: 7,
            evidence: Evidence::default(),
        };
        let mut board = Board::default();
        board.remember(last, 100);
        let told = board.shown_of(&id, 100).unwrap();
        assert_eq!((told.since, told.unknown_since), (Some(timestamp(7)), Some(timestamp(100))));
        assert_eq!(board.take(readings(Level::Down), 200), []);
        let told = board.shown_of(&id, 200).unwrap();
        assert_eq!((told.since, told.unknown_since), (Some(timestamp(7)), None));
    }

    #[test]
    fn what_no_signal_tells_of_is_in_doubt_until_one_does_and_for_good_once_it_is_forgotten() {
        let id = Id::new(Kind::Provider, "land");
        let nothing = || BTreeMap::from([(id.clone(), None)]);
        let mut board = Board::default();
        board.take(readings(Level::Working), 10);
        assert_eq!(board.doubts, Doubts::default());
        for (readings, at_us) in [(nothing(), 20), (nothing(), 30), (readings(Level::Working), 40)] {
            board.take(readings, at_us);
        }
        board.take(readings(Level::Working), 50);
        assert_eq!(board.doubts, [((id.clone(), 20), 40)].into());
        board.take(nothing(), 60);
        let gone = 60 + FORGOTTEN_US;
        board.take(nothing(), gone);
        let expected = [((id.clone(), 20), 40), ((id.clone(), 60), gone), ((id.clone(), gone), i64::MAX)];
        assert_eq!(board.doubts, expected.into());
        assert_eq!(board.shown(gone).len(), 0);
    }

    #[test]
    fn links_are_bounded() {
        let reading = || Some(Reading::working(Evidence::default()));
        let many = (0..2 * MOST).map(|number| (Id::new(Kind::Application, number.to_string()), reading()));
        let mut board = Board::default();
        board.take(many.collect(), 0);
        assert_eq!(board.shown(0).len(), MOST);
    }
}
