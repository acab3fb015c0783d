//! How long a link was up and down in a period, from what was written down of it. Pure.
//!
//! Nothing is claimed of a time that nobody watched, of one in which no signal told anything of the link, or of one before its first
//! state that is known: none of these is up.

use std::collections::BTreeMap;

use lgsp_proto::monitor::v1::LinkState;

use crate::board::Change;
use crate::link::Level;

type Span = (i64, i64);

/// What is known of a link in a period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    /// Its changes, oldest first, and the one before the period.
    pub changes: &'a [Change],
    /// When somebody watched.
    pub watched: &'a [Span],
    /// When no signal told anything of it. What has no end lasts until it changes.
    pub doubted: &'a [Span],
}

/// How a link was in a period, in µs. All together are the period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    /// It worked, also where somebody should have looked at it.
    pub up_us: i64,
    /// Nothing was asked of it: neither up nor down.
    pub silent_us: i64,
    pub announced_us: i64,
    pub unannounced_us: i64,
    pub unobserved_us: i64,
}

/// Sums up a period.
pub(crate) fn times(known: Known<'_>, (from_us, until_us): Span) -> Times {
    let watched = joined(known.watched, (from_us, until_us));
    let mut sums = Times::default();
    let ends = known.changes.iter().skip(1).map(|next| next.at_us).chain([until_us]);
    for (change, end) in known.changes.iter().zip(ends) {
        let span = (change.at_us.max(from_us), end.min(until_us));
        let began_here = |from: i64| (change.at_us..end).contains(&from);
        let is_within = |from: i64, until: i64| match until {
            i64::MAX => began_here(from),
            _ => from < span.1 && until > span.0,
        };
        let doubted = known.doubted.iter().filter(|(from, until)| is_within(*from, *until));
        let doubted: Vec<Span> = doubted.copied().collect();
        let took = known_within(&watched, &joined(&doubted, span), span);
        match (change.measured, change.to) {
            (Level::Working | Level::Degraded, _) => sums.up_us += took,
            (Level::Silent, _) => sums.silent_us += took,
            (Level::Down, LinkState::Maintenance) => sums.announced_us += took,
            (Level::Down, _) => sums.unannounced_us += took,
        }
    }
    let claimed = sums.up_us + sums.silent_us + sums.announced_us + sums.unannounced_us;
    sums.unobserved_us = (until_us - from_us).max(0) - claimed;
    sums
}

/// How long of a span was watched and not in doubt.
fn known_within(watched: &[Span], doubted: &[Span], span: Span) -> i64 {
    let common = |one: Span, other: Span| (one.0.max(other.0), one.1.min(other.1));
    let length = |(from, until): Span| (until - from).max(0);
    let of_one = |watched: Span| {
        let seen = common(watched, span);
        let doubts: i64 = doubted.iter().map(|doubt| length(common(*doubt, seen))).sum();
        length(seen) - doubts
    };
    watched.iter().map(|watched| of_one(*watched)).sum()
}

/// The times that overlap as one, cut to a period.
fn joined(times: &[Span], (from_us, until_us): Span) -> Vec<Span> {
    let mut ends: BTreeMap<i64, i64> = BTreeMap::new();
    for (begin, end) in times {
        let (begin, end) = ((*begin).max(from_us), (*end).min(until_us));
        let known = ends.entry(begin).or_insert(end);
        *known = end.max(*known);
    }
    let mut joined: Vec<Span> = Vec::new();
    for (begin, end) in ends.into_iter().filter(|(begin, end)| begin < end) {
        match joined.last_mut() {
            Some(last) if begin <= last.1 => last.1 = last.1.max(end),
            Some(_) | None => joined.push((begin, end)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::link::{Evidence, Id};

    fn change(at_us: i64, to: LinkState, measured: Level) -> Change {
        let link = Id::parse("provider/land").unwrap();
        let (from, evidence) = (LinkState::Unspecified, Evidence::default());
        Change { link, from, to, measured, cause: None, at_us, evidence }
    }

    fn changes() -> [Change; 6] {
        use LinkState::{Down, Maintenance, Silent, Working};
        [
            change(0, Working, Level::Working),
            change(10, Down, Level::Down),
            change(20, Maintenance, Level::Down),
            change(30, Maintenance, Level::Working),
            change(40, Down, Level::Down),
            change(50, Silent, Level::Silent),
        ]
    }

    fn told(watched: &[Span], doubted: &[Span], period: Span) -> [i64; 5] {
        let sums = times(Known { changes: &changes(), watched, doubted }, period);
        [sums.up_us, sums.silent_us, sums.announced_us, sums.unannounced_us, sums.unobserved_us]
    }

    #[test]
    fn downtime_is_announced_or_not_and_what_nobody_watched_is_neither_nor_is_it_up() {
        assert_eq!(told(&[(0, 60)], &[], (0, 60)), [20, 10, 10, 20, 0]);
        assert_eq!(told(&[(0, 60)], &[], (15, 45)), [10, 0, 10, 10, 0]);
        assert_eq!(told(&[(0, 60)], &[], (0, 10)), [10, 0, 0, 0, 0]);
        assert_eq!(told(&[(0, 12), (42, 50), (45, 60)], &[], (0, 60)), [10, 10, 0, 10, 30]);
        assert_eq!(told(&[], &[], (0, 60)), [0, 0, 0, 0, 60]);
        assert_eq!(told(&[(-50, 60)], &[], (-20, 60)), [20, 10, 10, 20, 20], "before its first state");
    }

    #[test]
    fn a_link_of_which_no_signal_told_anything_was_neither_up_nor_down() {
        assert_eq!(told(&[(0, 60)], &[(5, 15), (12, 18)], (0, 60)), [15, 10, 10, 12, 13]);
        assert_eq!(told(&[(0, 60)], &[(55, i64::MAX)], (0, 60)), [20, 5, 10, 20, 5], "it is gone for good");
        assert_eq!(told(&[(0, 60)], &[(35, i64::MAX)], (0, 60)), [15, 10, 10, 20, 5], "and it came again");
    }

    proptest! {
        #[test]
        fn all_times_together_are_the_period(
            watched in prop::collection::vec((-20_i64..70, 0_i64..40), 0..5),
            doubted in prop::collection::vec((-20_i64..70, 0_i64..40), 0..5),
            from in -30_i64..40,
            length in 0_i64..50,
        ) {
            let spans = |of: Vec<(i64, i64)>| of.into_iter().map(|(from, length)| (from, from + length)).collect::<Vec<_>>();
            let sums = told(&spans(watched), &spans(doubted), (from, from + length));
            prop_assert!(sums.iter().all(|time| *time >= 0), "{sums:?}");
            prop_assert_eq!(sums.iter().sum::<i64>(), length);
        }
    }
}
