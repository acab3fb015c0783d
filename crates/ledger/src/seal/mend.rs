//! Mends the stored hashes: holds all of them against the root that was sealed, and makes again what does not go with it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lgsp_runtime::Component;
use lgsp_tlog::{Edge, Hash, Tile, Tiles as _, leaf_hash};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::hashes::BUNDLE;
use super::head::Sealed;
use super::{Error, Hashes, Tree};
use crate::files::log::{self, End};

/// Leaves that are taken at once: a whole number of tiles.
const PIECE: u64 = 256 * BUNDLE;
/// Most hashes of leaves that are made again; where more are wrong the whole folder is better made again.
const MOST: usize = 1_000_000;

/// Who mends, before it runs.
pub(crate) struct Mender {
    pub tree: Arc<Mutex<Tree>>,
    pub log: PathBuf,
    pub component: Component,
    /// Told by whoever met a proof that does not hold.
    pub met: Arc<Notify>,
    pub stop: CancellationToken,
}

impl Mender {
    /// Holds all hashes against the head once, and again whenever somebody met a damaged one.
    pub async fn run(self) {
        loop {
            self.look().await;
            if self.stop.run_until_cancelled(self.met.notified()).await.is_none() {
                return;
            }
        }
    }

    async fn look(&self) {
        let (tree, log, stop) = (Arc::clone(&self.tree), self.log.clone(), self.stop.clone());
        let mended = spawn_blocking(move || {
            let (hashes, sealed) = {
                let tree = tree.lock();
                (tree.hashes(), tree.head().tree)
            };
            mend(&hashes, &log, sealed, &stop)
        });
        match mended.await {
            Ok(Ok(0)) => self.component.ready(),
            Ok(Ok(tiles)) => {
                warn!(tiles, folder = %self.log.with_file_name("tree").display(), "damaged hashes of the log were made again");
                self.component.ready();
            }
            Ok(Err(error)) => {
                error!(%error, "damaged hashes of the log cannot be made again");
                self.component.failed("the stored hashes of the log are damaged");
            }
            // The process is ending.
            Err(_) => {}
        }
    }
}

/// Writes every tile of a sealed tree anew that is not what it was. Returns how many there were. What is right is not written, so that
/// a sealer may go on meanwhile.
///
/// # Errors
/// Neither the stored hashes of the leaves nor the leaves in the log make the root that was sealed; then nothing is written.
pub(crate) fn mend(
    hashes: &Hashes,
    log: &Path,
    sealed: Sealed,
    stop: &CancellationToken,
) -> Result<u64, Error> {
    let mut wrong = 0;
    let stored = BTreeMap::new();
    let count = |tile: Tile, bytes: &[u8]| {
        wrong += u64::from(!is_stored(hashes, tile, bytes));
        Ok(())
    };
    let Some(root) = root(hashes, &stored, sealed.size, stop, count)? else { return Ok(0) };
    if root == sealed.root && wrong == 0 {
        return Ok(0);
    }
    let found = if root == sealed.root { stored } else { differences(hashes, log, sealed.size, stop)? };
    let Some(root_found) = self::root(hashes, &found, sealed.size, stop, |_, _| Ok(()))? else {
        return Ok(0);
    };
    if root_found != sealed.root {
        return Err(Error::Altered { size: sealed.size, expected: sealed.root, found: root_found });
    }
    let mut mended = 0;
    let write = |tile: Tile, bytes: &[u8]| {
        if !is_stored(hashes, tile, bytes) {
            hashes.write(&[(tile, bytes.to_vec())])?;
            mended += 1;
        }
        Ok(())
    };
    self::root(hashes, &found, sealed.size, stop, write)?;
    hashes.sync()?;
    Ok(mended)
}

fn is_stored(hashes: &Hashes, tile: Tile, bytes: &[u8]) -> bool {
    hashes.tile(tile).is_ok_and(|stored| stored == bytes)
}

/// The root that the stored hashes of leaves make, with others in the place of some; `None` if the process ends. `each` sees the tiles.
fn root(
    hashes: &Hashes,
    others: &BTreeMap<u64, Hash>,
    size: u64,
    stop: &CancellationToken,
    mut each: impl FnMut(Tile, &[u8]) -> io::Result<()>,
) -> io::Result<Option<Hash>> {
    let mut edge = Edge::new();
    while edge.size() < size {
        if stop.is_cancelled() {
            return Ok(None);
        }
        let (first, end) = (edge.size(), size.min(edge.size() + PIECE));
        let mut leaves = hashes.leaves(first, end)?;
        for (leaf, hash) in others.range(first..end) {
            leaves[(leaf - first) as usize] = *hash;
        }
        for (tile, bytes) in edge.grow(leaves).tiles {
            each(tile, &bytes)?;
        }
    }
    Ok(Some(edge.root()))
}

/// The hashes of those leaves in the log that are not the stored ones. In which segment a bundle begins is mended along.
fn differences(
    hashes: &Hashes,
    log: &Path,
    size: u64,
    stop: &CancellationToken,
) -> Result<BTreeMap<u64, Hash>, Error> {
    let mut different = BTreeMap::new();
    let mut from = log::beginning(log)?.map(|place| End { place, leaves: 0 });
    while let Some(begin) = from.filter(|begin| begin.leaves < size && !stop.is_cancelled()) {
        let read = log::recover(log, begin)?;
        for leaf in read.leaves.iter().filter(|leaf| leaf.number < size) {
            let hash = leaf_hash(&leaf.sealed);
            if hashes.leaf(leaf.number).ok() != Some(hash) {
                different.insert(leaf.number, hash);
            }
            if leaf.number.is_multiple_of(BUNDLE)
                && hashes.segment(leaf.number / BUNDLE).ok() != Some(leaf.place.segment)
            {
                hashes.note_segment(leaf.number, leaf.place.segment)?;
            }
        }
        if different.len() > MOST {
            return Err(io::Error::other("more hashes are damaged than are made again one by one").into());
        }
        from = (read.end.place.segment != begin.place.segment).then_some(read.end);
    }
    Ok(different)
}
