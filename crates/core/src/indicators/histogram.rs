//! How long exchanges took, in fixed buckets, so that the histogram of a month is the sum of those of its days.
//!
//! A percentile is read from merged histograms, and never averaged. It is told as the upper bound of the bucket that it falls into:
//! not below the true one, and less than one eighth above it.

use std::collections::BTreeMap;

/// Buckets of each doubling.
const STEPS: u32 = 8;
/// Below this, in µs, each number is a bucket of its own.
const EXACT: u64 = 2 * STEPS as u64;
const STEP_BITS: u32 = STEPS.ilog2();
const EXACT_BITS: u32 = STEP_BITS + 1;

/// The bucket of a time in µs. It is stored, so it never changes.
pub fn bucket(us: u64) -> u32 {
    if us < EXACT {
        return us as u32;
    }
    let doublings = us.ilog2();
    let step = (us >> (doublings - STEP_BITS)) as u32 & (STEPS - 1);
    EXACT as u32 + (doublings - EXACT_BITS) * STEPS + step
}

/// The longest time of a bucket, in µs; saturates.
pub fn upper_us(bucket: u32) -> u64 {
    let Some(above) = bucket.checked_sub(EXACT as u32) else { return bucket.into() };
    let (doublings, step) = (above / STEPS + EXACT_BITS, u128::from(above % STEPS + STEPS));
    if doublings >= u64::BITS {
        return u64::MAX;
    }
    u64::try_from(((step + 1) << (doublings - STEP_BITS)) - 1).unwrap_or(u64::MAX)
}

/// Counts by bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram(BTreeMap<u32, u64>);

impl Histogram {
    /// Adds so many of a bucket.
    pub fn add(&mut self, bucket: u32, count: u64) {
        if count > 0 {
            let sum = self.0.entry(bucket).or_default();
            *sum = sum.saturating_add(count);
        }
    }

    /// Adds all of another one.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(bucket, count)| self.add(*bucket, *count));
    }

    /// How many it counts.
    pub fn count(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The time that so many of a hundred did not exceed (nearest rank), in µs; `None` of nothing.
    pub fn percentile_us(&self, percent: u32) -> Option<u64> {
        let rank = (u128::from(self.count()) * u128::from(percent)).div_ceil(100).max(1);
        let mut below = 0_u128;
        self.0.iter().find_map(|(bucket, count)| {
            below += u128::from(*count);
            (below >= rank).then(|| upper_us(*bucket))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(times: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        times.iter().for_each(|us| histogram.add(bucket(*us), 1));
        histogram
    }

    #[test]
    fn buckets_are_stored_and_stay_what_they_are() {
        let buckets = [0, 15, 16, 17, 18, 1_000, 3_500, 1_000_000, u64::MAX].map(bucket);
        assert_eq!(buckets, [0, 15, 16, 16, 17, 63, 77, 143, 495]);
        assert_eq!(of(&[]).percentile_us(50), None);
    }

    proptest! {
        #[test]
        fn a_bucket_is_less_than_an_eighth_wide_and_holds_its_times(us: u64) {
            let upper = upper_us(bucket(us));
            prop_assert!(upper >= us && u128::from(upper) * 8 < u128::from(us) * 9 + 8);
            prop_assert_eq!(bucket(upper), bucket(us));
            prop_assert!(upper == u64::MAX || bucket(upper + 1) == bucket(us) + 1);
        }

        #[test]
        fn merged_histograms_say_what_the_histogram_of_all_says(
            days in prop::collection::vec(prop::collection::vec(0_u64..10_000_000, 0..40), 1..6),
            percent in 0_u32..=100,
        ) {
            let mut merged = Histogram::default();
            days.iter().for_each(|day| merged.merge(&of(day)));
            let mut all = days.concat();
            prop_assert_eq!(&merged, &of(&all));
            prop_assert_eq!(merged.count(), all.len() as u64);
            all.sort_unstable();
            let rank = (all.len() * percent as usize).div_ceil(100).max(1);
            let told = all.get(rank - 1).map(|us| upper_us(bucket(*us)));
            prop_assert_eq!(merged.percentile_us(percent), told);
        }
    }
}
