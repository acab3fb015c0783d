//! Makes entries durable: those that release data while their exchange waits, all others behind it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use lgsp_bus::Appender;
use lgsp_core::{Fault, Hop, Reason};
use lgsp_runtime::Component;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::attempts::Attempts;
use super::spool::Spool;
use super::{Book, Numbered};
use crate::stats::Stats;

/// Entries that are appended together.
const BATCH: usize = 256;
/// How long a batch may take before it goes to the spool.
const BATCH_PATIENCE: Duration = Duration::from_secs(2);
/// How often the oldest entry of the spool is tried again, and how long that may take.
const RETRY: Duration = Duration::from_millis(500);

/// Where an exchange hands its entries. A cheap handle.
#[derive(Clone)]
pub(crate) struct Writer {
    appender: Appender,
    patience: Duration,
    backlog: mpsc::Sender<Numbered>,
    stats: Arc<Stats>,
}

impl Writer {
    /// Makes the writer, and the entries that it leaves to [`Backlog`].
    pub(crate) fn new(
        appender: Appender,
        patience: Duration,
        buffer: usize,
        stats: Arc<Stats>,
    ) -> (Self, Entries) {
        let (backlog, entries) = mpsc::channel(buffer);
        (Self { appender, patience, backlog, stats }, entries)
    }

    /// Makes an entry durable before its exchange goes on. Fails closed: what is not known to be durable releases nothing.
    pub(crate) async fn append_durably(&self, entry: &Numbered, deadline: Instant) -> Result<(), Fault> {
        let until = deadline.min(Instant::now() + self.patience);
        let appended = self.appender.append_durably(&entry.key, entry.value.clone(), until).await;
        let Err(error) = appended else { return Ok(()) };
        Stats::count(&self.stats.entries_not_durable);
        if Instant::now() >= deadline {
            return Err(Fault::new(Reason::DeadlineExceeded).at(Hop::Broker).because(error));
        }
        Err(Fault::new(Reason::EntryNotDurable).because(error))
    }

    /// The same for an entry that no other takes the place of: should it fail, it is left to the backlog, because its
    /// number must not be missing.
    pub(crate) async fn append_or_leave(&self, entry: Numbered, deadline: Instant) -> Result<(), Fault> {
        let mut unentered = Unentered { writer: self, entry: Some(entry) };
        if let Some(entry) = &unentered.entry {
            self.append_durably(entry, deadline).await?;
        }
        unentered.entry = None;
        Ok(())
    }

    /// Enters what releases no data, without waiting.
    pub(crate) fn put(&self, entry: Numbered) {
        if self.backlog.try_send(entry).is_err() {
            Stats::count(&self.stats.entries_lost);
        }
    }
}

/// An entry that goes to the backlog unless it was taken out: also when its exchange is dropped at its deadline.
struct Unentered<'a> {
    writer: &'a Writer,
    entry: Option<Numbered>,
}

impl Drop for Unentered<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.writer.put(entry);
        }
    }
}

/// The entries that nobody waits for.
pub(crate) type Entries = mpsc::Receiver<Numbered>;

/// Appends the entries that nobody waits for, and keeps them on disk while the broker is away.
pub(crate) struct Backlog {
    pub(crate) entries: Entries,
    pub(crate) appender: Appender,
    /// `None` only while it is in the hands of a blocking task.
    pub(crate) spool: Option<Spool>,
    pub(crate) attempts: Arc<Attempts>,
    pub(crate) attempts_every: Duration,
    pub(crate) book: Arc<Book>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) component: Component,
}

impl Backlog {
    /// Runs until `stop`, and then until everything is on the topic or in the spool.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        self.component.ready();
        let mut retry = interval(RETRY);
        retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut count = interval(self.attempts_every);
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                received = self.entries.recv_many(&mut batch, BATCH) => {
                    if received == 0 {
                        break;
                    }
                }
                _ = count.tick() => batch = self.attempts.take(&self.book),
                _ = retry.tick(), if self.spools() => {
                    self.drain_spool().await;
                    continue;
                }
                () = stop.cancelled(), if !self.entries.is_closed() => {
                    // Nothing comes after this: the exchanges have ended.
                    self.entries.close();
                    batch = self.attempts.take(&self.book);
                }
            }
            self.enter(std::mem::take(&mut batch)).await;
        }
        if self.spools() {
            self.drain_spool().await;
        }
    }

    fn spools(&self) -> bool {
        self.spool.as_ref().is_some_and(|spool| !spool.is_empty())
    }

    /// What comes while the spool holds something goes behind it, so that the order stays.
    async fn enter(&mut self, batch: Vec<Numbered>) {
        if batch.is_empty() {
            return;
        }
        let left = if self.spools() { batch } else { self.append(batch).await };
        if !left.is_empty() {
            self.keep(left).await;
        }
    }

    /// Appends entries; returns those that are not known to be durable.
    async fn append(&self, batch: Vec<Numbered>) -> Vec<Numbered> {
        let until = Instant::now() + BATCH_PATIENCE;
        let appended =
            batch.iter().map(|entry| self.appender.append_durably(&entry.key, entry.value.clone(), until));
        let appended = join_all(appended).await;
        batch
            .into_iter()
            .zip(appended)
            .filter(|(_, appended)| appended.is_err())
            .map(|(entry, _)| entry)
            .collect()
    }

    async fn keep(&mut self, entries: Vec<Numbered>) {
        if !self.spools() {
            self.component.degraded("entries-spooled");
            warn!(entries = entries.len(), "entries of refusals go to the spool");
        }
        let count = entries.len();
        let lost = self.with_spool(move |spool| spool.push(&entries)).await.unwrap_or(count);
        Stats::add(&self.stats.entries_spooled, (count - lost) as u64);
        Stats::add(&self.stats.entries_lost, lost as u64);
    }

    /// Tries the oldest entry alone, and if the broker takes it, the others after it.
    async fn drain_spool(&mut self) {
        let mut most = 1;
        while self.spools() {
            let Ok((oldest, end)) = self.with_spool(move |spool| spool.oldest(most)).await else { return };
            if !self.append(oldest).await.is_empty() {
                return;
            }
            if self.with_spool(move |spool| spool.forget(end)).await.is_err() {
                return;
            }
            most = BATCH;
        }
        self.component.ready();
    }

    /// Works on the spool where blocking does no harm.
    async fn with_spool<T, F>(&mut self, work: F) -> io::Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Spool) -> io::Result<T> + Send + 'static,
    {
        let lost = || io::Error::other("the spool was lost to a panic");
        let mut spool = self.spool.take().ok_or_else(lost)?;
        let worked = tokio::task::spawn_blocking(move || {
            let done = work(&mut spool);
            (spool, done)
        });
        let (spool, done) = worked.await.map_err(|_| lost())?;
        self.spool = Some(spool);
        if let Err(error) = &done {
            self.component.degraded("spool-failed");
            error!(%error, "spool failed");
        }
        done
    }
}
