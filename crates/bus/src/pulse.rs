use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::heartbeat::LIVES;

/// Whether what comes every second has come just now. A cheap handle.
#[derive(Clone)]
pub(crate) struct Pulse {
    inner: Arc<Inner>,
}

struct Inner {
    last: Mutex<Option<Instant>>,
    felt: watch::Sender<bool>,
}

impl Pulse {
    /// Nothing has come yet.
    pub(crate) fn new() -> Self {
        Self { inner: Arc::new(Inner { last: Mutex::default(), felt: watch::Sender::new(false) }) }
    }

    /// Notes that it has come.
    pub(crate) fn beat(&self, now: Instant) {
        *self.inner.last.lock() = Some(now);
        self.tell(true);
    }

    /// Looks whether it has stayed away for too long.
    pub(crate) fn look(&self, now: Instant) {
        let last = *self.inner.last.lock();
        if last.is_some_and(|last| now.saturating_duration_since(last) >= LIVES) {
            self.tell(false);
        }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.inner.felt.subscribe()
    }

    fn tell(&self, felt: bool) {
        self.inner.felt.send_if_modified(|told| std::mem::replace(told, felt) != felt);
    }
}

#[cfg(test)]
mod tests {
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
    }
}
