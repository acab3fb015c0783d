//! Signs that the broker is alive.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::heartbeat::LIVES;

/// When the last sign of life came. Noted on the path of every record, so that it takes no lock.
#[derive(Debug)]
pub(crate) struct LastSign {
    began: Instant,
    /// Microseconds since it began, plus one; 0 when nothing has come yet.
    last: AtomicU64,
}

impl LastSign {
    /// Nothing has come yet.
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), last: AtomicU64::new(0) }
    }

    /// Notes that a sign has come. Of two at once either may be the last.
    pub(crate) fn note(&self, now: Instant) {
        let since = now.saturating_duration_since(self.began).as_micros();
        let since = u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1);
        self.last.store(since, Ordering::Relaxed);
    }

    /// How long nothing has come.
    pub(crate) fn silence(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last().unwrap_or(self.began))
    }

    fn last(&self) -> Option<Instant> {
        let since = self.last.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.began + Duration::from_micros(since))
    }
}

/// Whether a sign of life has come just now, as told to those who wait for a change. A cheap handle.
#[derive(Clone)]
pub(crate) struct Pulse {
    inner: Arc<Inner>,
}

struct Inner {
    last: LastSign,
    felt: watch::Sender<bool>,
}

impl Pulse {
    /// Nothing has come yet.
    pub(crate) fn new() -> Self {
        Self { inner: Arc::new(Inner { last: LastSign::new(), felt: watch::Sender::new(false) }) }
    }

    /// Notes that a sign has come. The next look tells.
    pub(crate) fn note(&self, now: Instant) {
        self.inner.last.note(now);
    }

    /// Notes that a sign has come, and tells it at once.
    pub(crate) fn beat(&self, now: Instant) {
        self.note(now);
        self.look(now);
    }

    /// Tells whether the last sign has come just now.
    pub(crate) fn look(&self, now: Instant) {
        let inner = &self.inner;
        inner.felt.send_if_modified(|told| {
            // Under the lock of what is told: whoever tells last has seen the sign of whoever told before.
            let felt = inner.last.last().is_some_and(|last| now.saturating_duration_since(last) < LIVES);
            std::mem::replace(told, felt) != felt
        });
    }

    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.inner.felt.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn a_pulse_is_felt_until_it_stays_away() {
        let (pulse, begun) = (Pulse::new(), Instant::now());
        let felt_at = |at: Instant| {
            pulse.look(at);
            *pulse.watch().borrow()
        };
        assert!(!felt_at(begun), "nothing has come yet");
        pulse.beat(begun);
        assert!(felt_at(begun + LIVES / 2));
        assert!(!felt_at(begun + LIVES));
        pulse.beat(begun + 2 * LIVES);
        assert!(felt_at(begun + 2 * LIVES));
        pulse.note(begun + 3 * LIVES);
        assert!(felt_at(begun + 3 * LIVES), "a sign that was only noted");
    }

    #[test]
    fn a_look_never_takes_back_a_beat_that_came_meanwhile() {
        const ROUNDS: u32 = 10_000;
        let (pulse, begun) = (Pulse::new(), Instant::now());
        let at = |round: u32| begun + round * 2 * LIVES;
        let (begins, looked) = (AtomicU32::new(0), AtomicU32::new(0));
        let until = |count: &AtomicU32, round| {
            let mut spins = 0_u32;
            while count.load(Ordering::SeqCst) < round {
                spins += 1;
                if spins.is_multiple_of(1_000) { std::thread::yield_now() } else { std::hint::spin_loop() }
            }
        };
        let looks = || {
            for round in 1..=ROUNDS {
                until(&begins, round);
                pulse.look(at(round));
                looked.store(round, Ordering::SeqCst);
            }
        };
        let taken_back = std::thread::scope(|scope| {
            scope.spawn(looks);
            let is_taken_back = |round: &u32| {
                begins.store(*round, Ordering::SeqCst);
                // Sooner or later, so that some of the beats come in the middle of a look.
                (0..*round % 64).for_each(|_| std::hint::spin_loop());
                pulse.beat(at(*round));
                until(&looked, *round);
                !*pulse.watch().borrow()
            };
            (1..=ROUNDS).filter(is_taken_back).count()
        });
        assert_eq!(taken_back, 0);
    }

    #[test]
    fn a_silence_lasts_since_the_last_sign() {
        let (sign, begun) = (LastSign::new(), Instant::now());
        let later = |millis| begun + Duration::from_millis(millis);
        assert!(sign.silence(later(4_000)) >= Duration::from_secs(4), "nothing has come at all");
        sign.note(later(3_000));
        assert!(sign.silence(later(4_000)) <= Duration::from_millis(1_001));
        assert_eq!(sign.silence(later(2_000)), Duration::ZERO);
    }
}
