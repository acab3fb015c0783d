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
    /// Takes in a number, in any order. A number that was there already changes nothing.
    pub fn take_in(&mut self, number: u64) {
        if number > self.last {
            if number > self.last + 1 {
                self.note_gap(self.last + 1, number - 1);
            }
            self.last = number;
        } else if !self.fill(number) {
            return;
        }
        self.first = if self.received == 0 { number } else { self.first.min(number) };
        self.received += 1;
    }

    /// Takes a number out of its gap. False if it is in none.
    fn fill(&mut self, number: u64) -> bool {
        let Some((&first, &last)) = self.gaps.range(..=number).next_back() else { return false };
        if number > last {
            return false;
        }
        self.gaps.remove(&first);
        if first < number {
            self.gaps.insert(first, number - 1);
        }
        if number < last {
            self.note_gap(number + 1, last);
        }
        true
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

/// A gateway's sequence, and when it last entered something.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub sequence: Sequence,
    pub last_entered_us: i64,
    pub changed: bool,
}

/// Most gateway instances that are remembered in memory; every start of a gateway is one.
const MOST_GATEWAYS: usize = 4_096;

impl Sequences {
    pub fn insert(&mut self, gateway: String, sequence: Sequence, last_entered_us: i64) {
        self.known.insert(gateway, Told { sequence, last_entered_us, changed: false });
    }

    /// Of these gateways, those that are not remembered here: the index may know them.
    pub fn unknown<'a>(&self, gateways: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
        let unknown = gateways.filter(|gateway| !gateway.is_empty() && !self.known.contains_key(*gateway));
        unknown.map(str::to_owned).collect()
    }

    /// Takes in the number of an entry, if it is believed. What the index knows of its gateway must be here.
    pub fn take_in(&mut self, read: &Read) {
        if let Some((gateway, number)) = number_of(read) {
            self.take_in_number(gateway, number, read.sealed.entered_us);
        }
    }

    /// The same of a number whose entry is not at hand.
    pub fn take_in_number(&mut self, gateway: &str, number: u64, entered_us: i64) {
        let told = self.known.entry(gateway.to_owned()).or_default();
        told.sequence.take_in(number);
        told.last_entered_us = told.last_entered_us.max(entered_us);
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
            let oldest = self.known.iter().min_by_key(|(_, told)| told.last_entered_us);
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
            sequence.take_in(number);
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
        (0..10_000).for_each(|number| sequence.take_in(number * 2 + 1));
        assert_eq!(sequence.gaps.len(), MOST_GAPS);
        assert_eq!(sequence.received, 10_000);
    }
}
