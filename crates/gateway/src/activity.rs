//! When a connection last did something, so that one that does nothing can be ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::options::Connections;

/// How long a connection may take to close after it was asked to.
const FAREWELL: Duration = Duration::from_secs(5);

/// What one connection does.
pub(crate) struct Activity {
    called: AtomicBool,
    closing: AtomicBool,
    calls: AtomicUsize,
    last: Mutex<Instant>,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self {
            called: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            calls: AtomicUsize::new(0),
            last: Mutex::new(Instant::now()),
        }
    }

    /// It is asked to close, and has its farewell from now on, however long it was silent before.
    pub(crate) fn close(&self) {
        self.touch();
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to close.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Whether it ever called.
    pub(crate) fn has_called(&self) -> bool {
        self.called.load(Ordering::Relaxed)
    }

    /// Whether a call of it has not ended yet.
    pub(crate) fn is_calling(&self) -> bool {
        self.calls.load(Ordering::Relaxed) > 0
    }

    /// When to look whether it still does something.
    pub(crate) fn look_at(&self, bounds: &Connections) -> Instant {
        // A busy connection is looked at again a whole patience later.
        let since = if self.is_calling() { Instant::now() } else { *self.last.lock() };
        since + self.patience(bounds)
    }

    /// Whether it calls, or did so within the time that it may be silent.
    pub(crate) fn is_busy(&self, bounds: &Connections) -> bool {
        self.is_calling() || self.last.lock().elapsed() < self.patience(bounds)
    }

    fn touch(&self) {
        *self.last.lock() = Instant::now();
    }

    fn patience(&self, bounds: &Connections) -> Duration {
        match (self.is_closing(), self.has_called()) {
            (true, true) => FAREWELL,
            // Who never called holds its place no longer for being asked politely.
            (true, false) => FAREWELL.min(bounds.first_call),
            (false, true) => bounds.idle,
            (false, false) => bounds.first_call,
        }
    }
}

/// A call of a connection, until its response was sent or given up.
pub(crate) struct Calling(Arc<Activity>);

impl Calling {
    pub(crate) fn begin(activity: &Arc<Activity>) -> Self {
        activity.called.store(true, Ordering::Relaxed);
        activity.calls.fetch_add(1, Ordering::Relaxed);
        Self(activity.clone())
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        self.0.touch();
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_has_its_whole_farewell_however_long_it_was_silent_before() {
        let (activity, bounds) = (Arc::new(Activity::new()), Connections::default());
        drop(Calling::begin(&activity));
        advance(bounds.idle - Duration::from_millis(1)).await;
        assert!(activity.is_busy(&bounds));
        activity.close();
        assert_eq!(activity.look_at(&bounds), Instant::now() + FAREWELL);
        advance(FAREWELL - Duration::from_millis(1)).await;
        assert!(activity.is_busy(&bounds));
        advance(Duration::from_millis(1)).await;
        assert!(!activity.is_busy(&bounds));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_keeps_its_connection_for_as_long_as_it_lasts() {
        let (activity, bounds) = (Arc::new(Activity::new()), Connections::default());
        let calling = Calling::begin(&activity);
        for _ in 0..2 {
            advance(bounds.idle * 2).await;
            assert!(activity.is_busy(&bounds) && activity.look_at(&bounds) > Instant::now());
            activity.close();
        }
        drop(calling);
        assert_eq!(activity.look_at(&bounds), Instant::now() + FAREWELL);
    }
}
