//! The sealer: puts under a head what the filing has appended, at once when it has rested, and every second under load.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lgsp_runtime::Component;
use lgsp_runtime::state::Fact;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::error;

use super::{Error, HeadError, Publisher, Tree};
use crate::files::log::Place;

/// How long to wait after an error.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// How often one that rests looks whether the log is still its own.
const LOOK: Duration = Duration::from_secs(2);

/// What the filing has appended.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The number of the first leaf.
    pub first: u64,
    /// The sealed parts, where they stand in the log, in its order.
    pub leaves: Vec<(Bytes, Place)>,
    /// Where the log goes on after them.
    pub end: Place,
    /// What was consumed for them: partition, offset, and when it was entered (Unix µs).
    pub arrived: Vec<(i32, i64, i64)>,
}

/// The sealer, before it runs.
pub(crate) struct Sealer {
    pub tree: Arc<Mutex<Tree>>,
    pub publisher: Arc<Publisher>,
    pub batches: mpsc::Receiver<Batch>,
    /// How often a head advances under load.
    pub every: Duration,
    pub component: Component,
    pub sealed: Fact,
}

impl Sealer {
    /// Seals until the filing has ended and everything is sealed, or until another ledger has taken over.
    pub async fn run(mut self) {
        let mut arrived = Vec::new();
        let mut due = Instant::now();
        // What a ledger before this one appended and did not seal.
        let mut more = self.seal(&mut arrived).await;
        while more {
            match timeout(LOOK, self.batches.recv()).await {
                Ok(Some(batch)) => more = self.grow(batch, &mut arrived).await,
                Ok(None) => break,
                Err(_) => {
                    more = self.until_done(|tree, _| tree.check()).await;
                    continue;
                }
            }
            while let (true, Ok(Some(batch))) = (more, timeout_at(due, self.batches.recv()).await) {
                more = self.grow(batch, &mut arrived).await;
            }
            more = more && self.seal(&mut arrived).await;
            due = Instant::now() + self.every;
        }
        if more {
            let closed = self.blocking(|tree, _| tree.close()).await;
            closed.unwrap_or_else(|error| error!(%error, "the hashes of the log will be made again"));
        }
    }

    async fn grow(&mut self, batch: Batch, arrived: &mut Vec<(i32, i64, i64)>) -> bool {
        arrived.extend(&batch.arrived);
        let batch = Arc::new(batch);
        self.until_done(move |tree, _| tree.grow(batch.first, &batch.leaves, batch.end)).await
    }

    async fn seal(&mut self, arrived: &mut Vec<(i32, i64, i64)>) -> bool {
        let consumed = Arc::new(std::mem::take(arrived));
        let sealed = self.until_done(move |tree, publisher| {
            // Once it is under the head, nothing of it is consumed again.
            if !consumed.is_empty() || tree.is_unsealed() {
                tree.seal(&consumed)?;
            }
            publisher.publish(tree.head())
        });
        sealed.await
    }

    /// Tries until it is done. False: another ledger has taken over, and this one must not go on.
    async fn until_done(
        &self,
        work: impl Fn(&mut Tree, &Publisher) -> Result<(), Error> + Clone + Send + 'static,
    ) -> bool {
        loop {
            match self.blocking(work.clone()).await {
                Ok(()) => {
                    if self.publisher.signs() {
                        self.component.ready();
                    } else {
                        self.component.degraded("there is no key of the log: its checkpoints are not signed");
                    }
                    let size = self.tree.lock().head().tree.size;
                    self.sealed.set(i64::try_from(size).unwrap_or(i64::MAX));
                    return true;
                }
                Err(error) => {
                    error!(%error, "the log cannot be sealed");
                    self.component.failed(error.cause());
                    if matches!(error, Error::Head(HeadError::TakenOver)) {
                        return false;
                    }
                }
            }
            sleep(TRY_AGAIN).await;
        }
    }

    async fn blocking(
        &self,
        work: impl FnOnce(&mut Tree, &Publisher) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let (tree, publisher) = (Arc::clone(&self.tree), Arc::clone(&self.publisher));
        let worked = spawn_blocking(move || work(&mut tree.lock(), &publisher)).await;
        worked.unwrap_or_else(|_| Err(std::io::Error::other("the process is ending").into()))
    }
}
