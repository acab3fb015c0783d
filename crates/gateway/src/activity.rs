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
    calls: AtomicUsize,
    last: Mutex<Instant>,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self { called: AtomicBool::new(false), calls: AtomicUsize::new(0), last: Mutex::new(Instant::now()) }
    }

    /// Begins to wait anew.
    pub(crate) fn touch(&self) {
        *self.last.lock() = Instant::now();
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
    pub(crate) fn look_at(&self, bounds: &Connections, closing: bool) -> Instant {
        // A busy connection is looked at again a whole patience later.
        let since = if self.calls.load(Ordering::Relaxed) > 0 { Instant::now() } else { *self.last.lock() };
        since + self.patience(bounds, closing)
    }

    /// Whether it calls, or did so within the time that it may be silent.
    pub(crate) fn is_busy(&self, bounds: &Connections, closing: bool) -> bool {
        self.calls.load(Ordering::Relaxed) > 0 || self.last.lock().elapsed() < self.patience(bounds, closing)
    }

    fn patience(&self, bounds: &Connections, closing: bool) -> Duration {
        match (closing, self.has_called()) {
            (true, _) => FAREWELL,
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
