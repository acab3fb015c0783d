//! What a start finds: files that a crash may have left at any step.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use lgsp_runtime::{Instance, State};
use tokio::task::spawn_blocking;
use tracing::{error, info, warn};

use crate::acts::erased_by;
use crate::damage::Damages;
use crate::displace::make_way;
use crate::entry::{Read, Signers, read_sealed};
use crate::erasable::Erasables;
use crate::fence::Fence;
use crate::files::journal::Incarnation;
use crate::files::log::{self, End, Recovered as Segment};
use crate::files::{Damage, segment};
use crate::index::{Index, Progress, Row};
use crate::intake::offsets_in_journal;
use crate::keep::Shelf;
use crate::seal::{Head, HeadError, HeadStore as _, HeadTable, Heads, Tree};
use crate::sequences::Sequences;
use crate::{Error, disk};

/// The folders and files of a ledger.
#[derive(Debug)]
pub(crate) struct Site {
    pub dir: PathBuf,
    pub journal: PathBuf,
    pub log: PathBuf,
    pub index: PathBuf,
    pub erasable: PathBuf,
    /// Where index, erasable parts and head are instead, if that is on PostgreSQL.
    pub server: Option<lgsp_store::Options>,
    /// Held until nobody writes any more.
    pub lock: File,
}

impl Site {
    /// Makes what is missing, and keeps every other ledger out.
    pub async fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.to_owned();
        let opened = disk(dir.to_owned(), move || Self::make(&path)).await?;
        opened.ok_or_else(|| Error::InUse { path: dir.to_owned() })
    }

    fn make(dir: &Path) -> io::Result<Option<Self>> {
        let (journal, log) = (dir.join("intake"), dir.join("log"));
        fs::create_dir_all(&journal)?;
        fs::create_dir_all(&log)?;
        let lock = File::create(dir.join("lock"))?;
        // What is fsynced below must not be lost with the names above it.
        segment::sync_folder(dir)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let (index, erasable) = (dir.join("index.db"), dir.join("erasable.db"));
        Ok(Some(Self { dir: dir.to_owned(), journal, log, index, erasable, server: None, lock }))
    }
}

impl Site {
    /// Takes the log's head over, before anything of the log is read.
    pub async fn take_over(&self) -> Result<(Heads, Head), HeadError> {
        let dir = self.dir.clone();
        let table = match &self.server {
            Some(server) => Some(HeadTable::open(server).await?),
            None => None,
        };
        let taken = spawn_blocking(move || match table {
            Some(table) => {
                // Before anything is taken over: the ledger that has the rest may be running.
                let sealed = table.read()?;
                let is_behind = |head| Tree::is_behind(&dir, head);
                let is_behind = sealed.as_ref().map_or(Ok(false), is_behind);
                if is_behind.map_err(|source| HeadError::File { path: dir.clone(), source })? {
                    let sealed = sealed.map_or(0, |head| head.tree.size);
                    return Err(HeadError::Behind { path: dir, sealed });
                }
                Heads::take_over_in(Box::new(table))
            }
            None => Heads::take_over(&dir),
        });
        let taken = taken.await;
        taken.unwrap_or_else(|_| {
            Err(HeadError::File { path: self.dir.clone(), source: io::ErrorKind::Interrupted.into() })
        })
    }
}

impl Site {
    /// Opens the store of erasable parts, for whoever has the head of this generation.
    pub async fn open_erasables(&self, generation: Option<u64>) -> Result<Erasables, Error> {
        match &self.server {
            Some(server) => Erasables::open_in(server, fence(generation)).await,
            None => Erasables::open(&self.erasable).await,
        }
    }
}

fn fence(generation: Option<u64>) -> Fence {
    generation.map(Fence::of).unwrap_or_default()
}

/// The ledger as its files tell it.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub index: Index,
    pub sequences: Sequences,
    /// Where the log goes on.
    pub end: End,
    incarnation: Incarnation,
}

/// Opens the index and brings it up to the log: by a few entries after a crash, by all if it was lost.
///
/// What is under the head is never numbered anew: the log goes on behind it, however much of it was lost.
pub(crate) async fn recover(
    site: &Site,
    head: Option<&(Heads, Head)>,
    (signers, erasables): (&Signers, &Erasables),
    damages: &Damages,
) -> Result<Recovered, Error> {
    let index = match &site.server {
        Some(server) => {
            open_index_on(server, erasables, fence(head.map(|(_, head)| head.generation))).await?
        }
        None => open_index(&site.index, erasables).await?,
    };
    let Progress { mut end, incarnation } = index.progress().await?;
    let mut sequences = index.sequences().await?;
    let sealed = head.map_or(0, |(_, head)| head.tree.size);
    let parts = Parts {
        signers,
        log: log::Reader::new(&site.log),
        erasables,
        // An index that begins anew finds nothing by what was erased.
        erased_before: if end.leaves == 0 { 0 } else { erasables.carried_out().await? },
    };
    if end.place.segment == 0 {
        let dir = site.dir.clone();
        disk(site.dir.clone(), move || Shelf::read(&dir)).await?.count(&mut sequences);
        let folder = site.log.clone();
        match disk(site.log.clone(), move || log::beginning(&folder)).await? {
            Some(place) => end.place = place,
            None => {
                end.leaves = sealed;
                return Ok(Recovered { index, sequences, end, incarnation });
            }
        }
    }
    loop {
        let (folder, from) = (site.log.clone(), end);
        let segment = disk(site.log.clone(), move || log::recover(&folder, from)).await?;
        end = segment.end;
        take_in(&index, &mut sequences, (segment, &parts), incarnation, damages).await?;
        if end.place.segment == from.place.segment {
            if end.leaves < sealed {
                let file = segment::path(&site.log, end.place.segment);
                damages.note(Damage { file, byte: end.place.byte });
                end.leaves = sealed;
            }
            return Ok(Recovered { index, sequences, end, incarnation });
        }
    }
}

/// The same of a ledger that is stopped.
pub(crate) async fn bring_up(site: &Site, signers: &Signers, erasables: &Erasables) -> Result<Index, Error> {
    let state = State::new(Instance::new("ledger", env!("CARGO_PKG_VERSION")));
    let damages = Damages::new(state.component("files"));
    Ok(recover(site, None, (signers, erasables), &damages).await?.index)
}

/// What the index is built from besides the log.
struct Parts<'a> {
    signers: &'a Signers,
    log: log::Reader,
    erasables: &'a Erasables,
    /// Up to which leaf erasures may have been carried out when the index was as it is now, and older than they are.
    erased_before: u64,
}

async fn take_in(
    index: &Index,
    sequences: &mut Sequences,
    (segment, parts): (Segment, &Parts<'_>),
    incarnation: Incarnation,
    damages: &Damages,
) -> Result<(), Error> {
    if segment.torn > 0 {
        warn!(
            bytes = segment.torn,
            "a torn write at the end of the log is left out; the journal has its entries"
        );
    }
    segment.damage.into_iter().for_each(|damage| damages.note(damage));
    let mut rows = Vec::with_capacity(segment.leaves.len());
    for leaf in segment.leaves {
        let Ok(read) = read_sealed(leaf.sealed, parts.signers) else {
            error!(leaf = leaf.number, "a leaf is no sealed part");
            continue;
        };
        rows.push(Row { leaf: leaf.number, place: leaf.place, read });
    }
    if !rows.is_empty() {
        info!(leaves = rows.len(), "leaves are indexed from the log");
    }
    index.recall(sequences, rows.iter().map(|row| &*row.read.sealed.gateway)).await?;
    rows.iter().for_each(|row| sequences.take_in(&row.read));
    make_way(&rows, (index, parts.erasables), &parts.log, parts.signers).await?;
    // What stands may have been kept under the key of one that did not.
    let counting: Vec<&Read> = rows.iter().map(|row| &row.read).filter(|read| read.signed.counts()).collect();
    parts.erasables.make_room_for(&counting).await?;
    parts.erasables.fill(rows.iter_mut().map(|row| &mut row.read)).await?;
    index.put(&rows, &[], sequences, &Progress { end: segment.end, incarnation }, &BTreeMap::new()).await?;
    sequences.written();
    let before = rows.iter().filter(|row| row.leaf < parts.erased_before);
    let gone = parts.erasables.erased(before.flat_map(|row| erased_by(&row.read)).collect()).await?;
    if gone.is_empty() { Ok(()) } else { index.forget_all_of(&gone).await }
}

/// An index that cannot be read is built again from the log, and so is one that is not of this store of erasable parts or was restored
/// from before. Nothing of it is kept: what was erased may still be found by it.
async fn open_index(path: &Path, erasables: &Erasables) -> Result<Index, Error> {
    match try_open_index(path, erasables).await {
        Ok(Some(index)) => return Ok(index),
        Ok(None) => warn!("the index is not of the store of erasable parts, and is built again from the log"),
        Err(
            error @ Error::Store {
                source: lgsp_store::Error::Damaged { .. } | lgsp_store::Error::Schema { .. },
                ..
            },
        ) => warn!(%error, "the index cannot be read, and is built again from the log"),
        Err(error) => return Err(error),
    }
    let old = path.to_owned();
    disk(path.to_owned(), move || remove(&old)).await?;
    let index = Index::open(path, &erasables.seek_key).await?;
    index.is_of_store(&erasables.expired().await?).await?;
    Ok(index)
}

/// The index on PostgreSQL. One that cannot be read there is not ours to remove.
async fn open_index_on(
    server: &lgsp_store::Options,
    erasables: &Erasables,
    fence: Fence,
) -> Result<Index, Error> {
    let index = Index::open_in(server, &erasables.seek_key, fence).await?;
    let expired = erasables.expired().await?;
    if !index.is_of_store(&expired).await? {
        warn!("the index is not of the store of erasable parts, and is built again from the log");
        index.begin_anew().await?;
        index.is_of_store(&expired).await?;
    }
    Ok(index)
}

/// The index, if it is of this store.
async fn try_open_index(path: &Path, erasables: &Erasables) -> Result<Option<Index>, Error> {
    let index = Index::open(path, &erasables.seek_key).await?;
    let expired = erasables.expired().await?;
    match index.is_of_store(&expired).await {
        Ok(true) => return Ok(Some(index)),
        Ok(false) => index.store().close().await,
        Err(error) => {
            index.store().close().await;
            return Err(error);
        }
    }
    Ok(None)
}

/// Removes the index with SQLite's own files beside it, and one that an earlier version put aside.
fn remove(index: &Path) -> io::Result<()> {
    for extension in ["db", "db-wal", "db-shm", "db.damaged"] {
        match fs::remove_file(index.with_extension(extension)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// The next offset of each partition: as sealed with the head, so that what was filed and not sealed is read again and folds. Without
/// a head of this life of the broker: as the index stored it, and beyond that as the journal tells. Offsets of another life of the broker
/// mean nothing.
pub(crate) async fn stored_offsets(
    site: &Site,
    recovered: &Recovered,
    head: Option<&Head>,
    incarnation: Incarnation,
) -> Result<BTreeMap<i32, i64>, Error> {
    if let Some(sealed) = head.and_then(|head| head.next_offsets(incarnation)) {
        return Ok(sealed);
    }
    let mut offsets = BTreeMap::new();
    if recovered.incarnation == incarnation {
        offsets = recovered.index.offsets().await?;
    }
    let folder = site.journal.clone();
    disk(site.journal.clone(), move || {
        offsets_in_journal(&folder, incarnation, &mut offsets)?;
        Ok(offsets)
    })
    .await
}
