//! What came of the exchanges of the last minutes, by who asked and by who answered. Pure, and bounded.

mod took;

use std::collections::BTreeMap;

use crate::{Hop, Outcome, Reason};
use took::Took;

pub use took::Slowest;

/// How many minutes are looked back on.
const MINUTES: usize = 5;
/// Most applications, and most domains, that are counted apart.
const MOST: usize = 1_024;
const MINUTE_US: i64 = 60_000_000;
/// From so few exchanges nothing follows for how slow a domain is.
const FEW: u32 = 20;

/// An exchange that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// Who asked.
    pub application: &'a str,
    /// Whose request it was; `None` if it was refused before that was known.
    pub domain: Option<&'a str>,
    /// What came of it.
    pub outcome: Outcome,
    /// Where it failed.
    pub hop: Hop,
    /// Why it failed.
    pub reason: Option<Reason>,
    /// When it ended, Unix µs.
    pub at_us: i64,
    /// How long it took, in µs; `None` where that tells nothing of a provider.
    pub took_us: Option<i64>,
}

impl Ended<'_> {
    /// Whether it was refused for what the application has sent or may do.
    fn was_refused(&self) -> bool {
        matches!(self.outcome, Outcome::Denied | Outcome::Invalid)
    }

    /// Whether whoever should have answered did not.
    fn was_not_answered(&self) -> bool {
        let failed = matches!(self.outcome, Outcome::Failed | Outcome::TimedOut | Outcome::Abandoned);
        failed && matches!(self.hop, Hop::Broker | Hop::Adapter | Hop::Source)
    }
}

/// Counts of the last minutes.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    applications: BTreeMap<String, Window>,
    domains: BTreeMap<String, Window>,
    took: BTreeMap<String, Took>,
}

impl Traffic {
    /// Counts an exchange, for the application that asked and for the domain that answered, or should have.
    pub fn note(&mut self, ended: &Ended<'_>) {
        let failure = |failed: bool| failed.then_some((ended.reason, ended.hop));
        if ended.outcome != Outcome::Cancelled {
            note(&mut self.applications, ended.application, failure(ended.was_refused()), ended.at_us);
        }
        let was_answered = matches!(ended.outcome, Outcome::Served | Outcome::NotFound);
        if let Some(domain) = ended.domain.filter(|_| was_answered || ended.was_not_answered()) {
            note(&mut self.domains, domain, failure(ended.was_not_answered()), ended.at_us);
            if let Some(took_us) = ended.took_us {
                self.note_took(domain, took_us, ended.at_us);
            }
        }
    }

    fn note_took(&mut self, domain: &str, took_us: i64, at_us: i64) {
        if let Some(took) = self.took.get_mut(domain) {
            took.note(took_us, at_us);
        } else if self.took.len() < MOST {
            self.took.entry(domain.to_owned()).or_default().note(took_us, at_us);
        }
    }

    /// How long the slowest hundredth of what each domain was asked for took, of those that were asked of late and often enough.
    pub fn slowest(&self, now_us: i64) -> impl Iterator<Item = (&str, Slowest)> {
        let slowest =
            self.took.iter().filter_map(move |(domain, took)| Some((domain, took.slowest(now_us)?)));
        slowest.filter(|(_, slowest)| slowest.of >= FEW).map(|(domain, slowest)| (domain.as_str(), slowest))
    }

    /// What an application asked for; `failed` was refused for its own sake.
    pub fn of_application(&self, id: &str, now_us: i64) -> Count {
        self.applications.get(id).map(|window| window.count(now_us)).unwrap_or_default()
    }

    /// What a domain was asked for; `failed` was not answered.
    pub fn of_domain(&self, name: &str, now_us: i64) -> Count {
        self.domains.get(name).map(|window| window.count(now_us)).unwrap_or_default()
    }

    /// The applications that have asked for something since this was made.
    pub fn applications(&self) -> impl Iterator<Item = &str> {
        self.applications.keys().map(String::as_str)
    }
}

fn note(windows: &mut BTreeMap<String, Window>, name: &str, failure: Option<Failure>, at_us: i64) {
    if let Some(window) = windows.get_mut(name) {
        window.note(failure, at_us);
    } else if windows.len() < MOST {
        windows.entry(name.to_owned()).or_default().note(failure, at_us);
    }
}

type Failure = (Option<Reason>, Hop);

/// The exchanges of one name, minute by minute.
#[derive(Clone, Debug, Default)]
struct Window {
    minutes: [Minute; MINUTES],
    last_us: i64,
    failure: Option<Failure>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    number: i64,
    of: u32,
    failed: u32,
}

/// How many of how many exchanges of the last five minutes failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Those that failed.
    pub failed: u32,
    /// All.
    pub of: u32,
    /// When the last of all ended, also if that is longer ago; Unix µs, 0: never.
    pub last_us: i64,
    /// Why and where the last one failed that did.
    pub failure: Option<(Option<Reason>, Hop)>,
}

impl Window {
    fn note(&mut self, failure: Option<Failure>, at_us: i64) {
        let number = at_us.div_euclid(MINUTE_US);
        let minute = &mut self.minutes[number.rem_euclid(MINUTES as i64) as usize];
        if minute.number > number {
            // So late that its minute is over.
            return;
        }
        if minute.number < number {
            *minute = Minute { number, ..Minute::default() };
        }
        minute.of = minute.of.saturating_add(1);
        minute.failed = minute.failed.saturating_add(failure.is_some().into());
        self.last_us = self.last_us.max(at_us);
        self.failure = failure.or(self.failure);
    }

    fn count(&self, now_us: i64) -> Count {
        let now = now_us.div_euclid(MINUTE_US);
        let recent = self.minutes.iter().filter(|minute| now - minute.number < MINUTES as i64);
        let (failed, of) = recent.fold((0_u32, 0_u32), |(failed, of), minute| {
            (failed.saturating_add(minute.failed), of.saturating_add(minute.of))
        });
        let failure = self.failure.filter(|_| failed > 0);
        Count { failed, of, last_us: self.last_us, failure }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON_US: i64 = 1_800_000_000_000_000;

    fn ended(outcome: Outcome, hop: Hop, at_us: i64) -> Ended<'static> {
        Ended { application: "tthc", domain: Some("land"), outcome, hop, reason: None, at_us, took_us: None }
    }

    /// Failed and all: of the application, and of the domain.
    fn check(outcome: Outcome, hop: Hop, expected: [(u32, u32); 2]) {
        let mut traffic = Traffic::default();
        traffic.note(&ended(outcome, hop, NOON_US));
        let (asked, answered) = (traffic.of_application("tthc", NOON_US), traffic.of_domain("land", NOON_US));
        assert_eq!([(asked.failed, asked.of), (answered.failed, answered.of)], expected, "{outcome:?}");
    }

    #[test]
    fn a_failure_counts_for_whoever_can_mend_it() {
        check(Outcome::Served, Hop::Unspecified, [(0, 1), (0, 1)]);
        check(Outcome::NotFound, Hop::Source, [(0, 1), (0, 1)]);
        check(Outcome::Denied, Hop::Gateway, [(1, 1), (0, 0)]);
        check(Outcome::Invalid, Hop::Client, [(1, 1), (0, 0)]);
        check(Outcome::Failed, Hop::Source, [(0, 1), (1, 1)]);
        check(Outcome::TimedOut, Hop::Adapter, [(0, 1), (1, 1)]);
        check(Outcome::Failed, Hop::Gateway, [(0, 1), (0, 0)]);
        check(Outcome::Cancelled, Hop::Client, [(0, 0), (0, 0)]);
    }

    #[test]
    fn what_is_five_minutes_old_counts_no_more_and_when_it_was_is_kept() {
        let mut traffic = Traffic::default();
        for minute in 0..3 {
            traffic.note(&ended(Outcome::Failed, Hop::Source, NOON_US + minute * MINUTE_US));
        }
        let at = |minutes: i64| traffic.of_domain("land", NOON_US + minutes * MINUTE_US);
        assert_eq!([at(2).of, at(4).of, at(5).of, at(6).of, at(7).of], [3, 3, 2, 1, 0]);
        assert_eq!((at(7).last_us, at(7).failure), (NOON_US + 2 * MINUTE_US, None));
        assert_eq!(at(4).failure, Some((None, Hop::Source)));
    }

    #[test]
    fn how_slow_a_domain_is_is_told_from_twenty_exchanges_on() {
        let mut traffic = Traffic::default();
        let slow = Ended { took_us: Some(3_000_000), ..ended(Outcome::Served, Hop::Unspecified, NOON_US) };
        (1..FEW).for_each(|_| traffic.note(&slow));
        assert_eq!(traffic.slowest(NOON_US).count(), 0);
        traffic.note(&slow);
        let told: Vec<_> = traffic.slowest(NOON_US).map(|(domain, slowest)| (domain, slowest.of)).collect();
        assert_eq!(told, [("land", FEW)]);
    }

    #[test]
    fn names_are_bounded_and_those_that_are_known_go_on() {
        let mut traffic = Traffic::default();
        let names: Vec<String> = (0..2 * MOST).map(|number| format!("{number:05}")).collect();
        for name in &names {
            traffic.note(&Ended { application: name, ..ended(Outcome::Served, Hop::Unspecified, NOON_US) });
        }
        assert_eq!(traffic.applications().count(), MOST);
        traffic.note(&Ended { application: &names[0], ..ended(Outcome::Served, Hop::Unspecified, NOON_US) });
        assert_eq!(traffic.of_application(&names[0], NOON_US).of, 2);
    }
}
