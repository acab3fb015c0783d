//! Which offsets of the topic are in the log: what is missing between them is told, with the time in which it went missing.

use std::collections::BTreeMap;

use lgsp_proto::ledger::v1::MissingOffsets;
use serde::{Deserialize, Serialize};

/// Most runs of one partition that are told apart; beyond them the oldest two are one, and its gap is counted only.
const MOST_RUNS: usize = 1_000;

/// Consecutive offsets of a partition, all of them in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub first: i64,
    /// One more than the last.
    pub next: i64,
    /// When the earliest and the latest of its entries were entered (Unix µs).
    pub from_us: i64,
    pub to_us: i64,
}

/// The runs of all partitions, in one life of the topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Runs {
    partitions: BTreeMap<i32, Vec<Run>>,
    /// Offsets that are missing before the runs that are told apart.
    #[serde(default, skip_serializing_if = "is_zero")]
    untold: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Runs {
    /// Takes in an offset whose entry was entered then, if that is known and believed: else a gap beside it is told whatever the time.
    /// What is there already changes nothing.
    pub fn take_in(&mut self, partition: i32, offset: i64, entered_us: impl Into<Option<i64>>) {
        let (from_us, to_us) = entered_us.into().map_or((i64::MAX, i64::MIN), |us| (us, us));
        let runs = self.partitions.entry(partition).or_default();
        // Nearly always the last one goes on.
        let after = match runs.last() {
            Some(last) if last.first <= offset => runs.len(),
            _ => runs.partition_point(|run| run.first <= offset),
        };
        match after.checked_sub(1).and_then(|at| runs.get_mut(at)) {
            Some(run) if offset < run.next => return,
            Some(run) if offset == run.next => {
                run.next += 1;
                run.from_us = run.from_us.min(from_us);
                run.to_us = run.to_us.max(to_us);
            }
            _ => {
                runs.insert(after, Run { first: offset, next: offset + 1, from_us, to_us });
            }
        }
        join(runs);
        if runs.len() > MOST_RUNS {
            self.untold += (runs[1].first - runs[0].next).cast_unsigned();
            runs[0] = over(runs[0], runs[1]);
            runs.remove(1);
        }
    }

    /// Takes in what was consumed elsewhere in the same life of the topic.
    pub fn take_in_all(&mut self, others: &Self) {
        self.untold += others.untold;
        for (partition, others) in &others.partitions {
            let runs = self.partitions.entry(*partition).or_default();
            let mut all = std::mem::take(runs);
            all.extend(others);
            all.sort_by_key(|run| run.first);
            for run in all {
                match runs.last_mut() {
                    Some(last) if run.first <= last.next => *last = over(*last, run),
                    Some(_) | None => runs.push(run),
                }
            }
            let surplus = runs.len().saturating_sub(MOST_RUNS);
            for _ in 0..surplus {
                self.untold += (runs[1].first - runs[0].next).cast_unsigned();
                runs[0] = over(runs[0], runs[1]);
                runs.remove(1);
            }
        }
    }

    /// The next offset of each partition.
    pub fn next(&self) -> BTreeMap<i32, i64> {
        let next =
            self.partitions.iter().filter_map(|(partition, runs)| Some((*partition, runs.last()?.next)));
        next.collect()
    }

    /// What is missing and may have been entered within a time.
    pub fn missing(&self, since_us: i64, until_us: i64) -> Vec<MissingOffsets> {
        let mut missing = Vec::new();
        for (partition, runs) in &self.partitions {
            for (before, after) in runs.iter().zip(runs.iter().skip(1)) {
                if before.to_us < until_us && after.from_us >= since_us {
                    missing.push(MissingOffsets {
                        partition: *partition,
                        first: before.next,
                        last: after.first - 1,
                    });
                }
            }
        }
        missing
    }

    /// Whether anything is missing.
    pub fn has_gaps(&self) -> bool {
        self.untold > 0 || self.partitions.values().any(|runs| runs.len() > 1)
    }

    /// When the latest of its entries was entered, as far as it is known (Unix µs).
    pub fn latest_us(&self) -> i64 {
        self.partitions.values().flatten().map(|run| run.to_us).max().unwrap_or(i64::MIN)
    }

    /// How many offsets are missing that cannot be told apart any more.
    pub fn untold(&self) -> u64 {
        self.untold
    }
}

/// Joins the last runs that touch.
fn join(runs: &mut Vec<Run>) {
    let touching = runs.iter().zip(runs.iter().skip(1)).rposition(|(run, next)| run.next >= next.first);
    if let Some(at) = touching {
        runs[at] = over(runs[at], runs[at + 1]);
        runs.remove(at + 1);
    }
}

fn over(one: Run, other: Run) -> Run {
    Run {
        first: one.first,
        next: one.next.max(other.next),
        from_us: one.from_us.min(other.from_us),
        to_us: one.to_us.max(other.to_us),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(offsets: impl IntoIterator<Item = i64>) -> Runs {
        let mut runs = Runs::default();
        for offset in offsets {
            runs.take_in(2, offset, offset * 10);
        }
        runs
    }

    fn told(runs: &Runs, since: i64, until: i64) -> Vec<(i64, i64)> {
        runs.missing(since, until).into_iter().map(|missing| (missing.first, missing.last)).collect()
    }

    #[test]
    fn offsets_without_a_gap_are_one_run_in_whatever_order_and_however_often_they_come() {
        for order in [vec![3, 4, 5, 6], vec![6, 5, 4, 3], vec![3, 5, 4, 6], vec![3, 3, 4, 6, 5, 4]] {
            let runs = runs(order);
            assert_eq!(runs.partitions[&2], [Run { first: 3, next: 7, from_us: 30, to_us: 60 }]);
            assert_eq!(runs.next(), [(2, 7)].into());
            assert_eq!(told(&runs, 0, i64::MAX), []);
        }
    }

    #[test]
    fn what_is_missing_is_told_for_a_time_in_which_it_may_have_been_entered() {
        let runs = runs([1, 2, 5, 6, 9]);
        assert_eq!(told(&runs, 0, i64::MAX), [(3, 4), (7, 8)]);
        assert_eq!(told(&runs, 0, 50), [(3, 4)]);
        assert_eq!(told(&runs, 61, 1_000), [(7, 8)]);
        assert_eq!(told(&runs, 91, 1_000), []);
    }

    #[test]
    fn what_comes_late_is_missing_no_more() {
        let mut runs = runs([1, 4]);
        runs.take_in(2, 2, 20);
        assert_eq!(told(&runs, 0, i64::MAX), [(3, 3)]);
        runs.take_in(2, 3, 30);
        assert_eq!(told(&runs, 0, i64::MAX), []);
    }

    #[test]
    fn an_entry_whose_moment_is_not_believed_hides_no_gap_of_any_time() {
        let mut runs = runs([1, 2]);
        runs.take_in(2, 5, None);
        assert_eq!(told(&runs, 1_000, 2_000), [(3, 4)]);
        runs.take_in(2, 6, 60);
        assert_eq!((told(&runs, 0, 50), told(&runs, 61, 1_000)), (vec![(3, 4)], vec![]));
    }

    #[test]
    fn runs_of_two_are_what_one_would_have_taken_in() {
        let (mut one, two) = (runs([1, 2, 3, 7, 20]), runs([4, 5, 6, 9, 21]));
        one.take_in_all(&two);
        assert_eq!(one, runs([1, 2, 3, 4, 5, 6, 7, 9, 20, 21]));
        let (mut many, others) = (runs((0..2_000).map(|at| at * 2)), runs((2_000..4_000).map(|at| at * 2)));
        many.take_in_all(&others);
        assert_eq!(many.partitions[&2].len(), MOST_RUNS);
        assert!(many.untold() > 0);
    }

    #[test]
    fn a_topic_full_of_gaps_stays_bounded_and_its_oldest_are_counted() {
        let runs = runs((0..3_000).map(|offset| offset * 2));
        assert_eq!(runs.partitions[&2].len(), MOST_RUNS);
        assert_eq!(runs.untold() as usize + runs.missing(0, i64::MAX).len(), 2_999);
    }
}
