//! What processes tell besides their links, and how far their clocks are from each other. Bounded, and without I/O.

use std::collections::{BTreeMap, VecDeque};

use super::assess::Known;
use crate::tell::Fact;

const SECOND_US: i64 = 1_000_000;
/// What was told is believed for so long.
const TOLD_US: i64 = 4 * SECOND_US;
/// A clock that was not heard for so long is not compared.
const HEARD_US: i64 = 10 * SECOND_US;
/// Of so many signs of a clock, the one that was on its way for the shortest time counts.
const SIGNS: usize = 10;
/// Most processes, and most clocks.
const MOST_PROCESSES: usize = 256;
const MOST_CLOCKS: usize = 2_048;

/// How a clock was heard: one way takes longer than the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Heartbeats,
    AdminPort,
}

/// The signals.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// By the process that told them, with the moment.
    facts: BTreeMap<String, (i64, Vec<Fact>)>,
    clocks: BTreeMap<(Way, String), Clock>,
}

#[derive(Debug, Default)]
struct Clock {
    at_us: i64,
    /// How long after a clock's own moment it was heard.
    delays: VecDeque<i64>,
}

impl Signals {
    pub fn take(&mut self, process: &str, facts: Vec<Fact>, now_us: i64) {
        self.facts.retain(|_, (at_us, _)| now_us - *at_us < TOLD_US);
        if self.facts.len() < MOST_PROCESSES || self.facts.contains_key(process) {
            self.facts.insert(process.to_owned(), (now_us, facts));
        }
    }

    /// A clock said `sent_us` when it was `heard_us` here.
    pub fn clock(&mut self, way: Way, name: &str, (sent_us, heard_us): (i64, i64)) {
        self.clocks.retain(|_, clock| heard_us - clock.at_us < HEARD_US);
        let key = (way, name.to_owned());
        if self.clocks.len() >= MOST_CLOCKS && !self.clocks.contains_key(&key) {
            return;
        }
        let clock = self.clocks.entry(key).or_default();
        clock.at_us = heard_us;
        if clock.delays.len() >= SIGNS {
            clock.delays.pop_front();
        }
        clock.delays.push_back(heard_us.saturating_sub(sent_us));
    }

    pub fn known(&self, now_us: i64) -> Known {
        let fresh = self.facts.iter().filter(|(_, (at_us, _))| now_us - at_us < TOLD_US);
        let facts =
            fresh.flat_map(|(process, (_, facts))| facts.iter().map(|fact| (process.clone(), fact.clone())));
        let ways = [Way::Heartbeats, Way::AdminPort];
        let clocks = ways.into_iter().flat_map(|way| self.apart(way, now_us));
        Known { facts: facts.collect(), clocks: clocks.collect() }
    }

    /// How far each clock is from the one in the middle, in seconds. Of a single one nothing can be said.
    fn apart(&self, way: Way, now_us: i64) -> Vec<(String, f64)> {
        let heard =
            self.clocks.iter().filter(|((of, _), clock)| *of == way && now_us - clock.at_us < HEARD_US);
        let mut delays: Vec<(i64, &str)> = heard
            .filter_map(|((_, name), clock)| Some((*clock.delays.iter().min()?, name.as_str())))
            .collect();
        delays.sort_unstable();
        let Some((middle, _)) = delays.get(delays.len().saturating_sub(1) / 2).copied() else {
            return Vec::new();
        };
        delays.into_iter().map(|(delay, name)| (name.to_owned(), seconds(middle - delay))).collect()
    }
}

fn seconds(us: i64) -> f64 {
    us as f64 / 1_000_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tell::Measure;

    const NOW: i64 = 1_800_000_000_000_000;

    fn apart(signals: &Signals, now_us: i64) -> Vec<(String, f64)> {
        signals.known(now_us).clocks
    }

    #[test]
    fn the_clock_that_differs_from_the_others_is_named_and_not_how_long_kafka_takes() {
        let mut signals = Signals::default();
        for (name, ahead_us, way_us) in [("a", 0, 300_000), ("b", 0, 310_000), ("c", 2_000_000, 305_000)] {
            for beat in 0..SIGNS as i64 {
                let sent_us = NOW + beat + ahead_us;
                signals.clock(Way::Heartbeats, name, (sent_us, NOW + beat + way_us));
            }
        }
        let told: Vec<(String, i64)> =
            apart(&signals, NOW).into_iter().map(|(name, off)| (name, (off * 10.0).round() as i64)).collect();
        assert_eq!(told, [("c".to_owned(), 20), ("a".to_owned(), 0), ("b".to_owned(), 0)]);
    }

    #[test]
    fn a_single_late_sign_says_nothing_of_a_clock() {
        let mut signals = Signals::default();
        for name in ["a", "b", "c"] {
            signals.clock(Way::Heartbeats, name, (NOW, NOW + 5_000));
        }
        signals.clock(Way::Heartbeats, "c", (NOW, NOW + 3_000_000));
        assert!(apart(&signals, NOW).iter().all(|(_, off)| *off == 0.0));
    }

    #[test]
    fn who_is_not_heard_any_more_is_not_compared_and_one_alone_is_not_off() {
        let mut signals = Signals::default();
        signals.clock(Way::Heartbeats, "a", (NOW, NOW));
        signals.clock(Way::Heartbeats, "b", (NOW - 5_000_000, NOW));
        assert_eq!(apart(&signals, NOW).len(), 2);
        signals.clock(Way::Heartbeats, "b", (NOW, NOW + 9_000_000));
        assert_eq!(apart(&signals, NOW + HEARD_US), [("b".to_owned(), 0.0)]);
        signals.clock(Way::AdminPort, "p", (NOW - 5_000_000, NOW + HEARD_US));
        assert!(apart(&signals, NOW + HEARD_US).iter().all(|(_, off)| *off == 0.0), "ways are kept apart");
    }

    #[test]
    fn facts_are_believed_for_four_seconds_and_bounded_in_who_tells_them() {
        let mut signals = Signals::default();
        for number in 0..2 * MOST_PROCESSES {
            let fact = Fact::new(Measure::DiskFree, "disk/hub-1/data", 0.5);
            signals.take(&number.to_string(), vec![fact], NOW);
        }
        assert_eq!(signals.known(NOW).facts.len(), MOST_PROCESSES);
        assert_eq!(signals.known(NOW + TOLD_US).facts.len(), 0);
    }
}
