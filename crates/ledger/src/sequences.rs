//! What arrived of each gateway's numbered entries, and what is missing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lgsp_proto::ledger::v1::{GatewaySequence, Sealed, SequenceGap};

use crate::entry::Read;

/// Most gaps that are told apart of one gateway. Beyond them, a missing number is counted and not named.
const MOST_GAPS: usize = 1_000;

/// The numbers that arrived of one gateway instance. It counts from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sequence {
    pub first: u64,
    pub last: u64,
    pub received: u64,
    /// Missing numbers: first to last, both included.
    gaps: BTreeMap<u64, u64>,
}

impl Sequence {
    /// Takes in all numbers from the first to the last, in any order. A number that was there already changes nothing.
    pub fn take_in_run(&mut self, first: u64, last: u64) {
        let mut new = self.fill(first, last.min(self.last));
        if last > self.last {
            let from = first.max(self.last + 1);
            if from > self.last + 1 {
                self.note_gap(self.last + 1, from - 1);
            }
            new += last - from + 1;
            self.last = last;
        }
        if new == 0 {
            return;
        }
        self.first = if self.received == 0 { first } else { self.first.min(first) };
        self.received += new;
    }

    /// Takes numbers out of their gaps. Returns how many were in one.
    fn fill(&mut self, first: u64, last: u64) -> u64 {
        let before_last = self.gaps.range(..=last).rev();
        let gaps: Vec<(u64, u64)> =
            before_last.map(|(from, to)| (*from, *to)).take_while(|(_, to)| *to >= first).collect();
        let mut filled = 0;
        for (gap_first, gap_last) in gaps {
            let (from, to) = (gap_first.max(first), gap_last.min(last));
            self.gaps.remove(&gap_first);
            if gap_first < from {
                self.gaps.insert(gap_first, from - 1);
            }
            if to < gap_last {
                self.note_gap(to + 1, gap_last);
            }
            filled += to - from + 1;
        }
        filled
    }

    fn note_gap(&mut self, first: u64, last: u64) {
        if self.gaps.len() < MOST_GAPS {
            self.gaps.insert(first, last);
        }
    }

    fn named(&self) -> u64 {
        self.gaps.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// The gaps as bytes, for the index.
    pub fn gaps_to_bytes(&self) -> Vec<u8> {
        let numbers = self.gaps.iter().flat_map(|(first, last)| [*first, *last]);
        numbers.flat_map(u64::to_le_bytes).collect()
    }

    /// Reads what the index keeps.
    pub fn from_parts(first: u64, last: u64, received: u64, gaps: &[u8]) -> Self {
        let (numbers, _) = gaps.as_chunks::<8>();
        let (pairs, _) = numbers.as_chunks::<2>();
        let gaps = pairs.iter().map(|[first, last]| (u64::from_le_bytes(*first), u64::from_le_bytes(*last)));
        Self { first, last, received, gaps: gaps.collect() }
    }

    /// How many numbers are missing, told apart or not: it counts from 1.
    pub fn missing(&self) -> u64 {
        self.last.saturating_sub(self.received)
    }

    pub fn to_message(&self, gateway: &str, last_entered_us: i64) -> GatewaySequence {
        GatewaySequence {
            gateway: gateway.to_owned(),
            first: self.first,
            last: self.last,
            received: self.received,
            gaps: self.gaps.iter().map(|(first, last)| SequenceGap { first: *first, last: *last }).collect(),
            last_entered: Some(lgsp_core::time::timestamp(last_entered_us)),
            untold: self.missing().saturating_sub(self.named()),
        }
    }
}

/// The sequences of all gateways, with those that changed since they were last written.
#[derive(Debug, Default)]
pub(crate) struct Sequences {
    known: HashMap<String, Told>,
}

/// When a gateway entered something first, and last (Unix µs).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entered {
    /// 0: long ago. It was archived before that was noted.
    pub first_us: i64,
    pub last_us: i64,
}

impl Entered {
    pub fn at(us: i64) -> Self {
        Self { first_us: us, last_us: us }
    }

    fn and(self, other: Self) -> Self {
        Self { first_us: self.first_us.min(other.first_us), last_us: self.last_us.max(other.last_us) }
    }
}

/// A gateway's sequence, and when it entered something.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub sequence: Sequence,
    pub entered: Entered,
    pub changed: bool,
}

/// Most gateway instances that are remembered in memory; every start of a gateway is one.
const MOST_GATEWAYS: usize = 4_096;

impl Sequences {
    pub fn insert(&mut self, gateway: String, sequence: Sequence, entered: Entered) {
        self.known.insert(gateway, Told { sequence, entered, changed: false });
    }

    /// Of these gateways, those that are not remembered here: the index may know them.
    pub fn unknown<'a>(&self, gateways: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
        let unknown = gateways.filter(|gateway| !gateway.is_empty() && !self.known.contains_key(*gateway));
        unknown.map(str::to_owned).collect()
    }

    /// Takes in the number of an entry, if it is believed. What the index knows of its gateway must be here.
    pub fn take_in(&mut self, read: &Read) {
        if let Some((gateway, number)) = number_of(read) {
            self.take_in_run(gateway, (number, number), Entered::at(read.sealed.entered_us));
        }
    }

    /// The same of numbers whose entries are not at hand, from the first to the last.
    pub fn take_in_run(&mut self, gateway: &str, (first, last): (u64, u64), entered: Entered) {
        let new = || Told { sequence: Sequence::default(), entered, changed: true };
        let told = self.known.entry(gateway.to_owned()).or_insert_with(new);
        told.sequence.take_in_run(first, last);
        told.entered = told.entered.and(entered);
        told.changed = true;
    }

    /// Those that changed since they were last written.
    pub fn changed(&self) -> impl Iterator<Item = (&String, &Told)> {
        self.known.iter().filter(|(_, told)| told.changed)
    }

    /// Notes that all are written. The index keeps what is forgotten here.
    pub fn written(&mut self) {
        self.known.values_mut().for_each(|told| told.changed = false);
        while self.known.len() > MOST_GATEWAYS {
            let oldest = self.known.iter().min_by_key(|(_, told)| told.entered.last_us);
            let Some(oldest) = oldest.map(|(gateway, _)| gateway.clone()) else { return };
            self.known.remove(&oldest);
        }
    }
}

/// The gateway of an entry and the number that it gave it, if they are believed.
pub(crate) fn number_of(read: &Read) -> Option<(&str, u64)> {
    let Sealed { gateway, sequence, .. } = &read.sealed;
    (read.signed.counts() && !gateway.is_empty() && *sequence > 0).then_some((gateway, *sequence))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(numbers: impl IntoIterator<Item = u64>, expect: &str) {
        let mut sequence = Sequence::default();
        for number in numbers {
            sequence.take_in_run(number, number);
        }
        let gaps = sequence.gaps.iter().map(|(first, last)| format!("{first}-{last}")).collect::<Vec<_>>();
        let Sequence { first, last, received, .. } = sequence;
        assert_eq!(format!("{first} to {last}, {received} received, missing {}", gaps.join(" ")), expect);
        let kept = Sequence::from_parts(first, last, received, &sequence.gaps_to_bytes());
        assert_eq!(kept, sequence);
    }

    #[test]
    fn missing_numbers_are_gaps_until_they_arrive() {
        check([1, 2, 3], "1 to 3, 3 received, missing ");
        check([1, 5], "1 to 5, 2 received, missing 2-4");
        check([1, 5, 3], "1 to 5, 3 received, missing 2-2 4-4");
        check([1, 5, 3, 2, 4], "1 to 5, 5 received, missing ");
        check([3, 1, 2], "1 to 3, 3 received, missing ");
    }

    #[test]
    fn a_run_is_taken_in_at_once_and_is_all_of_its_numbers() {
        let runs = [(1, 3), (7, 9), (20, 20), (5, 8), (12, 30), (2, 40)];
        let (mut by_runs, mut by_numbers) = (Sequence::default(), Sequence::default());
        for (first, last) in runs {
            by_runs.take_in_run(first, last);
            (first..=last).for_each(|number| by_numbers.take_in_run(number, number));
            assert_eq!(by_runs, by_numbers, "{first} to {last}");
        }
        by_runs.take_in_run(100, u64::MAX - 1);
        assert_eq!((by_runs.missing(), by_runs.received), (59, u64::MAX - 1 - 59));
    }

    #[test]
    fn numbers_before_the_first_that_arrived_are_missing_too() {
        check([4], "4 to 4, 1 received, missing 1-3");
    }

    #[test]
    fn a_number_that_comes_twice_counts_once() {
        check([1, 2, 2, 1, 5, 5, 3, 3], "1 to 5, 4 received, missing 4-4");
    }

    #[test]
    fn the_gaps_of_a_wild_sequence_stay_bounded() {
        let mut sequence = Sequence::default();
        (0..10_000).for_each(|number| sequence.take_in_run(number * 2 + 1, number * 2 + 1));
        assert_eq!(sequence.gaps.len(), MOST_GAPS);
        assert_eq!(sequence.received, 10_000);
    }
}
