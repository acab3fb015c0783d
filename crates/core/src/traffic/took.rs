//! How long the exchanges of the last minutes took, in steps that each are about a fifth longer than the one before.

use super::{MINUTE_US, MINUTES};

/// Up to 1 ms, and then so many steps a doubling, up to more than a minute.
const A_DOUBLING: f64 = 4.0;
const STEPS: usize = 68;

/// The exchanges of one domain, minute by minute.
#[derive(Clone, Debug)]
pub(super) struct Took {
    minutes: [(i64, [u32; STEPS]); MINUTES],
}

/// What the slowest hundredth took at least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slowest {
    /// Seconds, rounded up by a fifth at most.
    pub seconds: f64,
    /// Of so many exchanges of the last five minutes.
    pub of: u32,
}

impl Default for Took {
    fn default() -> Self {
        Self { minutes: [(0, [0; STEPS]); MINUTES] }
    }
}

impl Took {
    pub(super) fn note(&mut self, took_us: i64, at_us: i64) {
        let number = at_us.div_euclid(MINUTE_US);
        let minute = &mut self.minutes[number.rem_euclid(MINUTES as i64) as usize];
        if minute.0 > number {
            // So late that its minute is over.
            return;
        }
        if minute.0 < number {
            *minute = (number, [0; STEPS]);
        }
        let count = &mut minute.1[step(took_us)];
        *count = count.saturating_add(1);
    }

    pub(super) fn slowest(&self, now_us: i64) -> Option<Slowest> {
        let now = now_us.div_euclid(MINUTE_US);
        let recent = || self.minutes.iter().filter(|minute| now - minute.0 < MINUTES as i64);
        let count = |step: usize| recent().map(|minute| u64::from(minute.1[step])).sum::<u64>();
        let of: u64 = (0..STEPS).map(count).sum();
        // The one above which there are no more than a hundredth.
        let above = of / 100;
        let mut slower = 0;
        let last = (0..STEPS).rev().find(|step| {
            slower += count(*step);
            slower > above
        })?;
        Some(Slowest { seconds: longest_of(last), of: u32::try_from(of).unwrap_or(u32::MAX) })
    }
}

fn step(took_us: i64) -> usize {
    let millis = (took_us as f64 / 1_000.0).max(1.0);
    ((millis.log2() * A_DOUBLING).ceil() as usize).min(STEPS - 1)
}

/// In seconds.
fn longest_of(step: usize) -> f64 {
    (step as f64 / A_DOUBLING).exp2() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON_US: i64 = 1_800_000_000_000_000;

    fn slowest(took_ms: impl IntoIterator<Item = i64>) -> Option<Slowest> {
        let mut took = Took::default();
        took_ms.into_iter().for_each(|millis| took.note(millis * 1_000, NOON_US));
        took.slowest(NOON_US)
    }

    #[test]
    fn a_hundredth_may_be_slower_and_what_is_told_is_a_fifth_too_long_at_most() {
        assert_eq!(slowest([]), None);
        let of = |slow: i64| slowest((0..100).map(|number| if number < slow { 3_000 } else { 20 })).unwrap();
        for (slow, millis) in [(0, 20.0), (1, 20.0), (2, 3_000.0)] {
            let told = of(slow);
            assert_eq!(told.of, 100);
            let exact = millis / 1_000.0;
            assert!((exact..exact * 1.2).contains(&told.seconds), "{slow}: {told:?}");
        }
    }

    #[test]
    fn what_has_no_end_counts_as_the_longest_step_and_what_goes_back_as_the_shortest() {
        assert!(slowest([i64::MAX / 1_000]).unwrap().seconds > 60.0);
        assert_eq!(slowest([-5]).unwrap().seconds, 0.001);
    }

    #[test]
    fn what_is_five_minutes_old_counts_no_more() {
        let mut took = Took::default();
        took.note(7_000, NOON_US);
        assert_eq!(took.slowest(NOON_US + 4 * MINUTE_US).map(|it| it.of), Some(1));
        assert_eq!(took.slowest(NOON_US + 5 * MINUTE_US), None);
        took.note(7_000, NOON_US + 5 * MINUTE_US);
        took.note(7_000, NOON_US);
        assert_eq!(took.slowest(NOON_US + 5 * MINUTE_US).map(|it| it.of), Some(1), "too late to count");
    }
}
