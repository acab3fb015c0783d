//! Sums of counts, whatever they are taken together by.

use std::collections::BTreeMap;

use lgsp_core::Outcome;
use lgsp_core::indicators::Histogram;
use lgsp_proto::ledger::v1::TrafficCount;

/// What became of exchanges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub exchanges: u64,
    outcomes: BTreeMap<i32, u64>,
    pub with_dossier: u64,
    /// How long those took that were answered.
    pub answered: Histogram,
}

impl Sum {
    pub fn add(&mut self, count: &TrafficCount) {
        self.exchanges += count.exchanges;
        *self.outcomes.entry(count.outcome).or_default() += count.exchanges;
        self.with_dossier += count.with_dossier;
        if matches!(count.outcome(), Outcome::Served | Outcome::NotFound) {
            for (bucket, exchanges) in count.buckets.iter().zip(&count.in_buckets) {
                self.answered.add(*bucket, *exchanges);
            }
        }
    }

    pub fn of(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&i32::from(outcome)).copied().unwrap_or_default()
    }
}

/// Sums by what a count is of.
pub(super) fn by<'a, K: Ord>(
    counts: impl Iterator<Item = &'a TrafficCount>,
    key: impl Fn(&'a TrafficCount) -> K,
) -> BTreeMap<K, Sum> {
    let mut sums: BTreeMap<K, Sum> = BTreeMap::new();
    counts.for_each(|count| sums.entry(key(count)).or_default().add(count));
    sums
}
