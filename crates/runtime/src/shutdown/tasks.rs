//! Tasks under a name, so that whoever does not end can be told, and a panic is noticed.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::error;

use super::{Inner, Stage};

/// What one stage waits for.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) begun: CancellationToken,
    pub(super) tracker: TaskTracker,
    running: Mutex<BTreeMap<&'static str, Arc<AtomicUsize>>>,
}

impl Work {
    /// Names the tasks that have not ended, with their number.
    pub(super) fn unfinished(&self) -> Vec<(String, usize)> {
        let running = self.running.lock();
        let running = running.iter().map(|(name, tasks)| ((*name).to_owned(), tasks.load(Ordering::Relaxed)));
        running.filter(|(_, tasks)| *tasks > 0).collect()
    }
}

/// Tasks of one name that end at one stage. A cheap handle.
#[derive(Clone, Debug)]
pub struct Group {
    inner: Arc<Inner>,
    stage: Stage,
    name: &'static str,
    running: Arc<AtomicUsize>,
}

/// Counts as unfinished work until it is dropped.
#[derive(Debug)]
pub struct Hold {
    running: Arc<AtomicUsize>,
    _tracked: TaskTrackerToken,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Group {
    pub(super) fn new(inner: Arc<Inner>, stage: Stage, name: &'static str) -> Self {
        let running = Arc::clone(inner.work(stage).running.lock().entry(name).or_default());
        Self { inner, stage, name, running }
    }

    /// Returns how many tasks of the group have not ended.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// Spawns a task of the group. It yields `None` if it panicked or was abandoned.
    ///
    /// Its panic is logged, without the payload; the process stays live, so that no caller can end it.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_watched(task, |_| ())
    }

    pub(super) fn spawn_vital<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.spawn_watched(task, |group| group.inner.state.task_panicked(group.name));
    }

    pub(super) fn hold(&self) -> Hold {
        self.running.fetch_add(1, Ordering::Relaxed);
        Hold { running: Arc::clone(&self.running), _tracked: self.inner.work(self.stage).tracker.token() }
    }

    fn spawn_watched<F>(&self, task: F, on_panic: fn(&Self)) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (group, hold) = (self.clone(), self.hold());
        // Every layer around a task would copy it, and some are kilobytes.
        let task = Box::pin(task);
        tokio::spawn(async move {
            let _hold = hold;
            let watched = AssertUnwindSafe(task).catch_unwind();
            // First, or a task could do one thing more after the kill: it is woken by the beginning of its stage, too.
            let ended = tokio::select! {
                biased;
                () = group.inner.abandoned.cancelled() => None,
                ended = watched => Some(ended),
            };
            match ended {
                Some(Ok(output)) => Some(output),
                Some(Err(_payload)) => {
                    // The payload may hold a piece of the exchange: it is neither logged nor kept.
                    error!(task = group.name, "task panicked");
                    on_panic(&group);
                    None
                }
                None => None,
            }
        })
    }
}
