//! One link: from readings to a state that does not flap. Pure.
//!
//! A reading is what the signals of one moment say. A worse one must hold for a second before it is the state, a better one for three;
//! a link that has changed often of late must be steady for a minute before it is better.

mod names;
mod reading;

use std::collections::VecDeque;

pub use names::{Cause, Id, Kind, Level};
pub use reading::{Evidence, Reading};

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
}
