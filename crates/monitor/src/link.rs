//! One link: from readings to a state that does not flap. Pure.
//!
//! A reading is what the signals of one moment say. A worse one must hold for a second before it is the state, a better one for three;
//! a link that has changed often of late must be steady for a minute before it is better.

use std::collections::VecDeque;
use std::fmt;

use lgsp_core::{Hop, Reason};
use serde::{Deserialize, Serialize};

const SECOND_US: i64 = 1_000_000;
/// How long a worse reading holds before it is believed.
const WORSE_AFTER_US: i64 = SECOND_US;
/// How long a better reading holds before it is believed.
const BETTER_AFTER_US: i64 = 3 * SECOND_US;
/// The same of a link that changes often.
const STEADY_AFTER_US: i64 = 60 * SECOND_US;
/// A link that changed so many times within [`OFTEN_WITHIN_US`] changes often.
const OFTEN: usize = 6;
const OFTEN_WITHIN_US: i64 = 10 * 60 * SECOND_US;
/// Most instances that a piece of evidence names.
pub(crate) const MOST_NAMED: usize = 8;

/// What a link connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An application with the gateways.
    Application,
    /// The gateways with Kafka.
    Broker,
    /// A domain with those who serve it.
    Provider,
    /// An adapter with its source.
    Source,
    /// The ledger with its witnesses.
    Witness,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Application, Self::Broker, Self::Provider, Self::Source, Self::Witness];

    /// Its name, which ids begin with.
    pub fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Broker => "broker",
            Self::Provider => "provider",
            Self::Source => "source",
            Self::Witness => "witness",
        }
    }
}

/// Names a link for ever: instances come and go, the link stays.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    /// What it connects.
    pub kind: Kind,
    /// Which of the kind: an application, a domain, or a domain and a source.
    pub name: String,
}

impl Id {
    /// The link of this kind and name.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }

    /// The gateways' link with Kafka.
    pub fn broker() -> Self {
        Self::new(Kind::Broker, "kafka")
    }

    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('/')?;
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
        (!name.is_empty()).then(|| Self::new(kind, name))
    }

    /// The domain of a provider or of a source.
    pub fn domain(&self) -> Option<&str> {
        match self.kind {
            Kind::Provider => Some(&self.name),
            Kind::Source => self.name.split('/').next(),
            Kind::Application | Kind::Broker | Kind::Witness => None,
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.name(), self.name)
    }
}

/// How a link is, by its signals. From good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It works.
    Working,
    /// Nothing was asked of it.
    Silent,
    /// It works, and somebody should look at it.
    Degraded,
    /// It does not work.
    Down,
}

/// Why a link does not simply work: a closed set, told in docs/operations.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Gateways hear nothing from Kafka, and it acknowledges nothing.
    BrokerNotHeard,
    /// No gateway is heard.
    GatewayNotHeard,
    /// No instance of a provider is heard any more, and none said that it leaves.
    InstanceNotHeard,
    /// Every instance of a provider has said that it leaves.
    InstancesLeft,
    /// Instances are heard, and none owns a partition.
    NoPartition,
    /// Instances are heard, and their clocks are so far off that nobody believes them.
    ClockSkew,
    /// Most exchanges fail at the provider or behind it.
    ExchangesFail,
    /// Most calls of an application are refused for what it sends or may do.
    CallsRefused,
    /// Nothing was asked for a while.
    NoTraffic,
    /// The source took too long.
    SourceTimedOut,
    /// The source refused, or could not be reached.
    SourceUnavailable,
    /// The source answered what nobody expects.
    SourceUnexpected,
    /// The source contradicts itself.
    SourceContradictory,
    /// The store of one of the hub's own services does not take or give what it must.
    StoreFailed,
    /// The disk of one of the hub's own services is full.
    DiskFull,
    /// The newest checkpoint lacks the witness's cosignature.
    WitnessSilent,
    /// A witness has seen another log: what was signed has been rewritten, or put back.
    WitnessSawAnotherLog,
}

impl Cause {
    /// All causes.
    pub const ALL: [Self; 17] = [
        Self::BrokerNotHeard,
        Self::GatewayNotHeard,
        Self::InstanceNotHeard,
        Self::InstancesLeft,
        Self::NoPartition,
        Self::ClockSkew,
        Self::ExchangesFail,
        Self::CallsRefused,
        Self::NoTraffic,
        Self::SourceTimedOut,
        Self::SourceUnavailable,
        Self::SourceUnexpected,
        Self::SourceContradictory,
        Self::StoreFailed,
        Self::DiskFull,
        Self::WitnessSilent,
        Self::WitnessSawAnotherLog,
    ];

    /// Its name, as docs, JSON and screens have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BrokerNotHeard => "broker-not-heard",
            Self::GatewayNotHeard => "gateway-not-heard",
            Self::InstanceNotHeard => "instance-not-heard",
            Self::InstancesLeft => "instances-left",
            Self::NoPartition => "no-partition",
            Self::ClockSkew => "clock-skew",
            Self::ExchangesFail => "exchanges-fail",
            Self::CallsRefused => "calls-refused",
            Self::NoTraffic => "no-traffic",
            Self::SourceTimedOut => "source-timed-out",
            Self::SourceUnavailable => "source-unavailable",
            Self::SourceUnexpected => "source-unexpected",
            Self::SourceContradictory => "source-contradictory",
            Self::StoreFailed => "store-failed",
            Self::DiskFull => "disk-full",
            Self::WitnessSilent => "witness-silent",
            Self::WitnessSawAnotherLog => "witness-saw-another-log",
        }
    }

    /// The cause of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }
}

/// The signals behind a reading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Evidence {
    /// When the last good sign came, Unix µs; 0: none is known.
    pub last_sign_us: i64,
    /// So many failed…
    pub failed: u32,
    /// …of so many exchanges of the last five minutes.
    pub of: u32,
    /// Why the last one failed: a name of docs/errors.md, or empty.
    pub reason: String,
    /// Where the last one failed, or empty.
    pub hop: String,
    /// Instances that it is about.
    pub instances: Vec<String>,
    /// How far the clock of the first of them is ahead of the monitor's, in µs; negative: behind. 0 unless that is the trouble.
    pub clock_us: i64,
}

impl Evidence {
    /// Names instances, as many as evidence holds.
    #[must_use]
    pub(crate) fn of<'a>(mut self, instances: impl IntoIterator<Item = &'a str>) -> Self {
        for instance in instances {
            // A gateway may be heard and tell of itself, too.
            let is_named = self.instances.iter().any(|named| named == instance);
            if !is_named && self.instances.len() < MOST_NAMED {
                self.instances.push(instance.to_owned());
            }
        }
        self
    }

    /// Counts of exchanges.
    pub fn counted(count: &lgsp_core::traffic::Count) -> Self {
        let (reason, hop) = count.failure.unzip();
        Self {
            last_sign_us: count.last_us,
            failed: count.failed,
            of: count.of,
            reason: reason.flatten().map(Reason::name).unwrap_or_default().to_owned(),
            hop: hop.map(hop_name).unwrap_or_default().to_owned(),
            ..Self::default()
        }
    }
}

fn hop_name(hop: Hop) -> &'static str {
    match hop {
        Hop::Unspecified => "",
        Hop::Client => "client",
        Hop::Gateway => "gateway",
        Hop::Broker => "broker",
        Hop::Adapter => "adapter",
        Hop::Source => "source",
    }
}

/// What the signals of one moment say of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// How it is.
    pub level: Level,
    /// Why; `None` for one that works.
    pub cause: Option<Cause>,
    /// By what.
    pub evidence: Evidence,
}

impl Reading {
    pub(crate) fn working(evidence: Evidence) -> Self {
        Self { level: Level::Working, cause: None, evidence }
    }

    pub(crate) fn of(level: Level, cause: Cause, evidence: Evidence) -> Self {
        Self { level, cause: Some(cause), evidence }
    }

    fn says(&self) -> (Level, Option<Cause>) {
        (self.level, self.cause)
    }
}

/// A link with its state.
#[derive(Clone, Debug)]
pub struct Link {
    /// The state.
    pub reading: Reading,
    /// Since when, Unix µs.
    pub since_us: i64,
    /// Since when no signal tells anything; 0: they do.
    pub unknown_since_us: i64,
    /// What is not believed yet, and since when it is said.
    waiting: Option<((Level, Option<Cause>), i64)>,
    /// When it changed of late.
    changed_us: VecDeque<i64>,
}

impl Link {
    /// A link of which only one reading is known.
    pub fn new(reading: Reading, now_us: i64) -> Self {
        Self { reading, since_us: now_us, unknown_since_us: 0, waiting: None, changed_us: VecDeque::new() }
    }

    /// Takes a reading in; `None`: the signals say nothing of it. Tells whether the state is another now.
    pub fn observe(&mut self, reading: Option<Reading>, now_us: i64) -> bool {
        let Some(reading) = reading else {
            self.waiting = None;
            if self.unknown_since_us == 0 {
                self.unknown_since_us = now_us;
            }
            return false;
        };
        self.unknown_since_us = 0;
        if reading.says() == self.reading.says() {
            self.waiting = None;
            self.reading.evidence = reading.evidence;
            return false;
        }
        let (says, said_since) = match self.waiting {
            // What becomes worse while it waits has waited; another cause of the same level too.
            Some((waiting, since)) if reading.level >= waiting.0 && waiting.0 > self.reading.level => {
                (reading.says(), since)
            }
            Some((waiting, since)) if waiting == reading.says() => (waiting, since),
            Some(_) | None => (reading.says(), now_us),
        };
        self.waiting = Some((says, said_since));
        if now_us - said_since < self.patience(reading.level, now_us) {
            return false;
        }
        self.waiting = None;
        self.reading = reading;
        self.since_us = now_us;
        self.changed_us.push_back(now_us);
        if self.changed_us.len() > OFTEN {
            self.changed_us.pop_front();
        }
        true
    }

    fn patience(&self, level: Level, now_us: i64) -> i64 {
        let lately = self.changed_us.iter().filter(|changed| now_us - **changed < OFTEN_WITHIN_US).count();
        match level >= self.reading.level {
            true => WORSE_AFTER_US,
            false if lately >= OFTEN => STEADY_AFTER_US,
            false => BETTER_AFTER_US,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Level::{Degraded, Down, Working};

    fn reading(level: Level) -> Reading {
        let cause = (level != Working).then_some(Cause::InstanceNotHeard);
        Reading { level, cause, evidence: Evidence::default() }
    }

    /// Readings at moments in tenths of a second, from a link that works; and the states with the moment of their change.
    fn check(readings: &[(i64, Option<Level>)], expected: &[(i64, Level)]) {
        const TENTH_US: i64 = SECOND_US / 10;
        let mut link = Link::new(reading(Working), 0);
        let mut changes = Vec::new();
        for (at, level) in readings {
            if link.observe(level.map(reading), at * TENTH_US) {
                changes.push((link.since_us / TENTH_US, link.reading.level));
            }
        }
        assert_eq!(changes, expected, "{readings:?}");
    }

    #[test]
    fn a_worse_reading_holds_for_a_second_and_a_better_one_for_three() {
        check(&[(0, Some(Down)), (9, Some(Down))], &[]);
        check(&[(0, Some(Down)), (10, Some(Down))], &[(10, Down)]);
        let down = [(0, Some(Down)), (10, Some(Down))];
        let then = |rest: &[(i64, Option<Level>)]| [&down[..], rest].concat();
        check(&then(&[(20, Some(Working)), (49, Some(Working))]), &[(10, Down)]);
        check(&then(&[(20, Some(Working)), (50, Some(Working))]), &[(10, Down), (50, Working)]);
    }

    #[test]
    fn a_reading_that_does_not_hold_changes_nothing() {
        check(&[(0, Some(Down)), (5, Some(Working)), (10, Some(Down)), (19, Some(Down))], &[]);
    }

    #[test]
    fn what_becomes_worse_while_it_waits_has_waited() {
        check(&[(0, Some(Degraded)), (5, Some(Down)), (10, Some(Down))], &[(10, Down)]);
        check(&[(0, Some(Down)), (5, Some(Degraded)), (10, Some(Degraded))], &[]);
    }

    #[test]
    fn without_signals_the_state_stays_and_its_age_is_told() {
        check(&[(0, Some(Down)), (10, None), (20, Some(Down)), (29, Some(Down))], &[]);
        let mut link = Link::new(reading(Down), 0);
        link.observe(None, 7);
        link.observe(None, 9);
        assert_eq!((link.reading.level, link.unknown_since_us), (Down, 7));
        link.observe(Some(reading(Down)), 11);
        assert_eq!(link.unknown_since_us, 0);
    }

    #[test]
    fn a_link_that_changes_often_is_better_only_when_it_was_steady_for_a_minute() {
        let mut readings = Vec::new();
        let mut expected = Vec::new();
        for round in 0..3 {
            let begin = round * 100;
            readings.extend([
                (begin, Some(Down)),
                (begin + 10, Some(Down)),
                (begin + 20, Some(Working)),
                (begin + 50, Some(Working)),
            ]);
            expected.extend([(begin + 10, Down), (begin + 50, Working)]);
        }
        readings.extend([(300, Some(Down)), (310, Some(Down)), (320, Some(Working)), (919, Some(Working))]);
        expected.push((310, Down));
        check(&readings, &expected);
        readings.push((920, Some(Working)));
        expected.push((920, Working));
        check(&readings, &expected);
    }

    #[test]
    fn another_cause_is_another_state() {
        let mut link = Link::new(reading(Down), 0);
        let other = Reading::of(Down, Cause::InstancesLeft, Evidence::default());
        assert!(!link.observe(Some(other.clone()), SECOND_US));
        assert!(link.observe(Some(other), 2 * SECOND_US));
        assert_eq!(link.reading.cause, Some(Cause::InstancesLeft));
    }

    #[test]
    fn ids_and_causes_are_read_as_they_are_written() {
        for id in [Id::broker(), Id::new(Kind::Source, "land/office"), Id::new(Kind::Witness, "a.vn/w")] {
            assert_eq!(Id::parse(&id.to_string()), Some(id));
        }
        for bad in ["", "provider", "provider/", "role/x"] {
            assert_eq!(Id::parse(bad), None, "{bad}");
        }
        for cause in Cause::ALL {
            assert_eq!(Cause::from_name(cause.name()), Some(cause));
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.name());
        }
    }
}
