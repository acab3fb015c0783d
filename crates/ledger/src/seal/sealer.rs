//! The sealer: puts under a head what the filing has appended, at once when it has rested, and every second under load.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lgsp_runtime::Component;
use lgsp_runtime::state::Fact;
use parking_lot::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::error;

use super::handoff::{Handed, Work};
use super::runs::Runs;
use super::{Error, HeadError, Publisher, Tree};

/// How long to wait after an error.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// How often one that rests looks whether the log is still its own, and whether it may sign.
const LOOK: Duration = Duration::from_secs(1);

/// The sealer, before it runs.
pub(crate) struct Sealer {
    pub tree: Arc<Mutex<Tree>>,
    pub publisher: Arc<Publisher>,
    pub handed: Handed,
    /// Where leaves are read that were not kept for it.
    pub log: PathBuf,
    /// How often a head advances under load.
    pub every: Duration,
    pub component: Component,
    pub sealed: Fact,
    /// What was consumed for the leaves of the tree that are not under the head.
    pub arrived: Runs,
    /// Why what is sealed is not signed.
    pub unsigned: Option<Error>,
}

impl Sealer {
    /// Seals until the filing has ended and everything is sealed, or until another ledger has taken over.
    pub async fn run(mut self) {
        let mut due = Instant::now();
        // What a ledger before this one appended and did not seal.
        let mut more = self.seal().await;
        while more {
            match timeout(LOOK, self.handed.next()).await {
                Ok(Some(work)) => more = self.grow(work).await,
                Ok(None) => break,
                Err(_) => {
                    more = self.until_done(|tree| tree.check()).await;
                    if more {
                        self.sign().await;
                    }
                    continue;
                }
            }
            while let (true, Ok(Some(work))) = (more, timeout_at(due, self.handed.next()).await) {
                more = self.grow(work).await;
            }
            more = more && self.seal().await;
            due = Instant::now() + self.every;
        }
        if more {
            let closed = self.blocking(|tree, _| tree.close()).await;
            closed.unwrap_or_else(|error| error!(%error, "the hashes of the log will be made again"));
        }
    }

    async fn grow(&mut self, work: Work) -> bool {
        match work {
            Work::Batch(batch) => {
                for (partition, offset, entered_us) in &batch.arrived {
                    self.arrived.take_in(*partition, *offset, *entered_us);
                }
                let batch = Arc::new(batch);
                self.until_done(move |tree| tree.grow(batch.first, &batch.leaves, batch.end.place)).await
            }
            Work::Behind(behind) => {
                self.arrived.take_in_all(&behind.arrived);
                let log = self.log.clone();
                self.until_done(move |tree| tree.catch_up(&log, behind.end)).await
            }
        }
    }

    /// What cannot be signed is sealed all the same.
    async fn seal(&mut self) -> bool {
        let consumed = Arc::new(std::mem::take(&mut self.arrived));
        let sealed = self.until_done(move |tree| {
            // Once it is under the head, nothing of it is consumed again.
            if *consumed != Runs::default() || tree.is_unsealed() {
                tree.seal(&consumed)?;
            }
            Ok(())
        });
        let sealed = sealed.await;
        if sealed {
            self.sign().await;
        }
        sealed
    }

    async fn sign(&mut self) {
        let signed = self.blocking(|tree, publisher| publisher.publish(tree.head())).await;
        if let Err(error) = &signed
            && self.unsigned.as_ref().map(Error::cause) != Some(error.cause())
        {
            error!(%error, "what is sealed is not signed");
        }
        self.unsigned = signed.err();
        self.tell();
    }

    fn tell(&self) {
        let size = self.tree.lock().head().tree.size;
        self.sealed.set(i64::try_from(size).unwrap_or(i64::MAX));
        match (&self.unsigned, self.publisher.began_anew()) {
            (Some(Error::CheckpointMissing { size }), _) => {
                let sealed = format!("{size} leaves are sealed");
                self.component.failed_by("the checkpoint is missing", &[sealed]);
            }
            (Some(error), _) => self.component.failed(error.cause()),
            (None, Some(size)) => {
                let from = format!("from {size} leaves on");
                self.component.degraded_by("the checkpoint was missing and is signed anew", &[from]);
            }
            (None, None) if self.publisher.signs() => self.component.ready(),
            (None, None) => {
                self.component.degraded("there is no key of the log: its checkpoints are not signed");
            }
        }
    }

    /// Tries until it is done. False: another ledger has taken over, and this one must not go on.
    async fn until_done(
        &self,
        work: impl Fn(&mut Tree) -> Result<(), Error> + Clone + Send + 'static,
    ) -> bool {
        loop {
            let work = work.clone();
            match self.blocking(move |tree, _| work(tree)).await {
                Ok(()) => {
                    self.tell();
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
