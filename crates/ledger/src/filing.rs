//! The filing: takes what is durable in the journal, appends what is new to the log, and brings stores, index and followers
//! up to it. Nobody's exchange waits for it.
//!
//! Sealed parts are in the log and fsynced before the index tells of them; erasable parts are stored before the index says
//! that their entries are filed; only then is the journal's segment deleted. A crash between any two steps repeats steps,
//! and repeats fold.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lgsp_core::ExchangeId;
use lgsp_proto::ledger::v1::{Exchange, Phase};
use lgsp_runtime::Component;
use lgsp_runtime::state::Fact;
use parking_lot::Mutex;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{error, warn};

use crate::abandon::Open;
use crate::acts::Acts;
use crate::damage::Damages;
use crate::displace::make_way;
use crate::entry::{self, Key, Read, Signers, ends};
use crate::erasable::Erasables;
use crate::files::journal::{self, Incarnation, Place};
use crate::files::log::{self, Log};
use crate::files::{Damage, segment};
use crate::index::{Index, Progress, Row};
use crate::intake::Durable;
use crate::seal::{Arrived, Batch, HandOn};
use crate::sequences::Sequences;
use crate::usage::Changed;
use crate::{Error, disk};

/// Most entries that are filed at once, but for the last group.
const MOST_ENTRIES: usize = 2_000;
/// Entries are filed together, so that the filing's fsyncs don't stand in the way of the intake's.
const PACE: Duration = Duration::from_millis(100);
/// How long to wait after an error.
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// The filing, before it runs.
pub(crate) struct Filing {
    pub journal: PathBuf,
    pub journal_size: u64,
    /// How long filed entries may stay there.
    pub journal_for: Duration,
    pub log: Arc<Mutex<Log>>,
    pub erasables: Erasables,
    pub acts: Acts,
    pub index: Index,
    pub sequences: Sequences,
    pub incarnation: Incarnation,
    pub offsets: BTreeMap<i32, i64>,
    /// Up to where the journal is filed.
    pub at: Place,
    pub durable: watch::Receiver<Durable>,
    pub filed: watch::Sender<Place>,
    pub hurry: Arc<Notify>,
    pub roll: Arc<Notify>,
    pub followers: broadcast::Sender<Arc<Exchange>>,
    pub open: Arc<Open>,
    pub usage: Arc<Changed>,
    /// Where appended leaves are sealed; none if the log is not the one that was sealed.
    pub sealing: Option<HandOn>,
    pub signers: Signers,
    pub damages: Damages,
    pub component: Component,
    pub leaves: Fact,
    pub unreadable: Fact,
    /// Records whose erasable part was not what they are sealed with.
    pub bereft: Fact,
    pub pending: Option<Pending>,
}

/// A batch on its way.
pub(crate) struct Pending {
    /// Where the next batch begins.
    next: Place,
    /// All entries of the batch whose parts may be kept: repeats too, but for those that are not signed of one that is.
    entries: Vec<Read>,
    has_repeats: bool,
    /// Those that are new.
    new: Arc<Vec<Read>>,
    /// What was consumed for it: partition, offset, and when it was entered, if that is believed.
    arrived: Vec<Arrived>,
    /// The new ones with their places, once they are in the log.
    rows: Option<Vec<Row>>,
}

impl Pending {
    /// Gives the new entries their erasable parts as they are kept, and returns the repeats with theirs: those may be kept only now.
    async fn as_kept(&mut self, erasables: &Erasables) -> Result<Vec<Read>, Error> {
        let rows = self.rows.as_deref_mut().unwrap_or_default();
        erasables.fill(rows.iter_mut().map(|row| &mut row.read)).await?;
        let new: HashSet<Key> = rows.iter().map(|row| row.read.key).collect();
        let repeats = self.entries.iter().filter(|read| !new.contains(&read.key));
        let mut again: Vec<Read> = repeats.cloned().collect();
        erasables.fill(again.iter_mut()).await?;
        // What is another's of the same key is not told of this one.
        again.retain(|read| read.erasable.is_some());
        Ok(again)
    }
}

impl Filing {
    /// Files until the intake has ended and everything is filed.
    pub async fn run(mut self) {
        let mut in_journal_since = Instant::now();
        loop {
            if !self.is_behind() {
                self.component.ready();
                let due = in_journal_since + self.journal_for;
                if !self.wait(due).await {
                    break;
                }
            }
            let segment = self.at.segment;
            match self.file().await {
                Ok(()) => self.component.ready(),
                Err(error) => {
                    error!(%error, "entries cannot be filed");
                    self.component.failed(error.cause());
                    if self.durable.has_changed().is_err() {
                        return;
                    }
                    sleep(TRY_AGAIN).await;
                }
            }
            if self.at.segment != segment {
                in_journal_since = Instant::now();
            }
        }
        // Everything is filed: the journal need not be read at the next start.
        let folder = self.journal.clone();
        if let Err(error) = disk(folder.clone(), move || journal::delete_before(&folder, u64::MAX)).await {
            warn!(%error, "the journal could not be deleted");
        }
    }

    fn is_behind(&self) -> bool {
        self.pending.is_some() || self.at < self.durable.borrow().place
    }

    /// Waits until there is something to file. False: the intake has ended, and there never will be.
    async fn wait(&mut self, due: Instant) -> bool {
        let at = self.at;
        let begun = at.byte > segment::HEADER as u64;
        if begun {
            let more = self.durable.wait_for(|durable| durable.place > at);
            if timeout_at(due, more).await.is_err() {
                self.roll.notify_one();
            }
        }
        let more = self.durable.wait_for(|durable| durable.place > at).await.is_ok();
        if more {
            // Whoever hurries wants to read what is durable now.
            let _ = tokio::time::timeout(PACE, self.hurry.notified()).await;
        }
        more
    }

    async fn file(&mut self) -> Result<(), Error> {
        if self.sealing.as_ref().is_some_and(HandOn::is_closed) {
            return Err(Error::TakenOver);
        }
        if self.pending.is_none() {
            self.pending = Some(self.take_batch().await?);
        }
        let Some(pending) = &mut self.pending else { return Ok(()) };
        if pending.rows.is_none() {
            let gateways = pending.new.iter().map(|read| &*read.sealed.gateway);
            self.index.recall(&mut self.sequences, gateways).await?;
            let rows = append(&self.log, &pending.new).await?;
            rows.iter().for_each(|row| self.sequences.take_in(&row.read));
            pending.rows = Some(rows);
        }
        let rows = pending.rows.as_deref().unwrap_or_default();
        make_way(rows, (&self.index, &self.erasables), &self.acts.log, &self.signers).await?;
        let is_as_it_came = self.erasables.put(&pending.entries).await?;
        let again = if is_as_it_came && !pending.has_repeats {
            Vec::new()
        } else {
            pending.as_kept(&self.erasables).await?
        };
        let rows = pending.rows.as_deref().unwrap_or_default();
        let progress = Progress { end: self.log.lock().end(), incarnation: self.incarnation };
        self.index.put(rows, &again, &self.sequences, &progress, &self.offsets).await?;
        if rows.iter().any(|row| row.read.key.phase == Phase::Act) {
            self.acts.catch_up().await?;
        }
        self.usage.note(rows);
        self.leaves.set(i64::try_from(progress.end.leaves).unwrap_or(i64::MAX));
        self.sequences.written();
        self.hand_on_to_sealing(progress.end);
        self.done().await
    }

    /// Reads the next batch, and tells what of it is new.
    async fn take_batch(&mut self) -> Result<Pending, Error> {
        let (folder, from, durable) = (self.journal.clone(), self.at, self.durable.borrow().place);
        let size = self.journal_size;
        let batch = disk(self.journal.clone(), move || {
            if let Err(error) = journal::prepare_spare(&folder, size) {
                warn!(%error, "no spare segment for the journal");
            }
            journal::read(&folder, from, durable, MOST_ENTRIES)
        });
        let batch = batch.await?;
        self.tell_damage(&batch.damage);
        if batch.incarnation == self.incarnation {
            for kept in &batch.records {
                self.offsets.insert(kept.partition, kept.offset + 1);
            }
        }
        let next = batch.next;
        let (mut entries, arrived) = self.entries_of(batch);
        let keys: Vec<Key> = entries.iter().map(|read| read.key).collect();
        let mut standing = self.index.known(&keys).await?;
        let is_new: Vec<bool> = entries
            .iter()
            .map(|read| {
                let is_new = standing.get(&read.key).is_none_or(|standing| read.signed.displaces(*standing));
                if is_new {
                    standing.insert(read.key, read.signed);
                }
                is_new
            })
            .collect();
        let has_repeats = is_new.contains(&false);
        // The part of one that is not signed must not come to one that is.
        let is_out_of_place = |read: &Read| {
            !read.signed.counts() && standing.get(&read.key).is_some_and(|other| other.counts())
        };
        entries.iter_mut().filter(|read| is_out_of_place(read)).for_each(|read| read.erasable = None);
        let new = entries.iter().zip(is_new).filter(|(_, is_new)| *is_new).map(|(read, _)| read.clone());
        let new = Arc::new(new.collect());
        entries.retain(|read| !is_out_of_place(read));
        Ok(Pending { next, entries, has_repeats, new, arrived, rows: None })
    }

    /// Reads the entries of a batch, and tells what was consumed with it.
    fn entries_of(&self, batch: journal::Batch) -> (Vec<Read>, Vec<Arrived>) {
        let mut entries = Vec::with_capacity(batch.records.len());
        let mut arrived = Vec::with_capacity(batch.records.len());
        let is_of_now = batch.incarnation == self.incarnation;
        for kept in batch.records {
            let mut entered_us = None;
            match entry::read(kept.value, &self.signers) {
                Ok(entry::Arrived { read, is_bereft }) => {
                    if is_bereft {
                        self.bereft.add(1);
                        warn!(
                            kept.partition,
                            kept.offset, "an erasable part is not what its entry is sealed with"
                        );
                    }
                    entered_us = read.signed.counts().then_some(read.sealed.entered_us);
                    entries.push(read);
                }
                Err(error) => {
                    self.unreadable.add(1);
                    error!(%error, kept.partition, kept.offset, "a record of the exchange log is left out");
                }
            }
            if is_of_now {
                arrived.push((kept.partition, kept.offset, entered_us));
            }
        }
        (entries, arrived)
    }

    fn tell_damage(&self, damage: &[Damage]) {
        damage.iter().for_each(|damage| self.damages.note(damage.clone()));
    }

    /// A sealer that is behind holds nobody up: it reads in the log what is not kept for it.
    fn hand_on_to_sealing(&self, end: log::End) {
        let (Some(sealing), Some(pending)) = (&self.sealing, &self.pending) else { return };
        let rows = pending.rows.as_deref().unwrap_or_default();
        let first = rows.first().map_or(0, |row| row.leaf);
        let leaves = rows.iter().map(|row| (row.read.bytes.clone(), row.place)).collect();
        sealing.hand_on(Batch { first, leaves, end, arrived: pending.arrived.clone() });
    }

    /// Everything of the batch is durable in its place: tells whoever waits for it.
    async fn done(&mut self) -> Result<(), Error> {
        let Some(Pending { next, rows, .. }) = self.pending.take() else { return Ok(()) };
        let ended = rows.unwrap_or_default().into_iter().filter(|row| ends(row.read.key.phase));
        let mut exchanges: HashSet<ExchangeId> = HashSet::new();
        for row in ended {
            if row.read.signed.counts() {
                exchanges.insert(row.read.key.exchange);
            }
            // Without followers nobody gets it, which is no error.
            let _ = self.followers.send(Arc::new(entry::exchange(row.read.sealed, row.read.signed)));
        }
        self.open.ended(exchanges);
        let rolled = next.segment != self.at.segment;
        self.at = next;
        self.filed.send_replace(next);
        if rolled {
            let folder = self.journal.clone();
            disk(folder.clone(), move || journal::delete_before(&folder, next.segment)).await?;
        }
        Ok(())
    }
}

/// Appends to the log.
async fn append(log: &Arc<Mutex<Log>>, new: &Arc<Vec<Read>>) -> Result<Vec<Row>, Error> {
    let (log, sealed) = (Arc::clone(log), Arc::clone(new));
    let folder = log.lock().folder().to_owned();
    let appended = disk(folder, move || {
        let sealed: Vec<_> = sealed.iter().map(|read| read.bytes.clone()).collect();
        let mut log = log.lock();
        let first = log.end().leaves;
        Ok((first, log.append(&sealed)?))
    });
    let (first, places) = appended.await?;
    let rows = new.iter().cloned().zip(places).zip(first..);
    Ok(rows.map(|((read, place), leaf)| Row { leaf, place, read }).collect())
}

/// Tells whoever reads how far the filing is.
#[derive(Clone, Debug)]
pub(crate) struct Filed {
    pub durable: watch::Receiver<Durable>,
    pub filed: watch::Receiver<Place>,
    pub hurry: Arc<Notify>,
}

impl Filed {
    /// Waits until everything is filed that is durable now. False if it is not before the deadline.
    pub async fn catch_up(&self, deadline: Instant) -> bool {
        let target = self.durable.borrow().place;
        let mut filed = self.filed.clone();
        if *filed.borrow() >= target {
            return true;
        }
        self.hurry.notify_one();
        matches!(timeout_at(deadline, filed.wait_for(|place| *place >= target)).await, Ok(Ok(_)))
    }

    /// Whether everything that was on the topic at the start has been read.
    pub fn has_caught_up(&self) -> bool {
        self.durable.borrow().caught_up
    }
}
