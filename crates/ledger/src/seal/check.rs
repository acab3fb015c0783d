//! Reads a whole log beside or without its ledger, and holds everything against everything: `status` and `check`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use lgsp_tlog::{Checkpoint, Edge, Hash, Note, Tile, Tiles, VerifierKey, leaf_hash, merkle};

use super::HeadError;
use super::hashes::Hashes;
use super::head::{Head, Heads};
use crate::files::log::{self, End, Leaf, Place};
use crate::files::segment;
use crate::keep::Shelf;

/// Leaves between two tellings of how far a check has come.
const TELL: usize = 10_000;

/// What the files of a ledger say of its log.
#[derive(Clone, Debug)]
pub struct Status {
    /// The folder.
    pub dir: PathBuf,
    /// How many leaves are sealed, and the root of their tree.
    pub sealed: u64,
    /// The root.
    pub root: Hash,
    /// How often the log was taken over.
    pub generation: u64,
    /// The newest checkpoint, if one was signed.
    pub checkpoint: Option<Checkpoint>,
    /// The key that signed it, as verifiers take it.
    pub verifier: Option<String>,
    /// Segments of the log, and their bytes.
    pub segments: usize,
    /// Bytes of the log.
    pub bytes: u64,
    /// The next offset of each partition of the topic.
    pub offsets: Vec<(i32, i64)>,
    /// Offsets that the log has no record of, though it has later ones: partition, first and last.
    pub missing: Vec<(i32, i64, i64)>,
}

/// Reads what the files of a ledger say of its log. A running ledger is not disturbed.
///
/// # Errors
/// A file cannot be read, or the head is damaged.
pub fn status(dir: &Path) -> Result<Status, HeadError> {
    let failed = |source| HeadError::File { path: dir.to_owned(), source };
    let head = Heads::read(dir)?;
    let (segments, bytes) = sizes(&dir.join("log")).map_err(failed)?;
    let missing = head.runs.missing(i64::MIN, i64::MAX);
    Ok(Status {
        dir: dir.to_owned(),
        sealed: head.tree.size,
        root: head.tree.root,
        generation: head.generation,
        checkpoint: read_checkpoint(dir.join("checkpoint"))
            .map_err(failed)?
            .map(|(_, checkpoint)| checkpoint),
        verifier: read_verifier(dir).map_err(failed)?,
        segments,
        bytes,
        offsets: head.runs.next().into_iter().collect(),
        missing: missing.into_iter().map(|gap| (gap.partition, gap.first, gap.last)).collect(),
    })
}

fn sizes(log: &Path) -> io::Result<(usize, u64)> {
    let numbers = segment::numbers(log)?;
    let bytes = numbers.iter().map(|number| Ok(segment::path(log, *number).metadata()?.len()));
    Ok((numbers.len(), bytes.sum::<io::Result<u64>>()?))
}

/// Reads the checkpoint in a file; `InvalidData` if it is none.
pub(super) fn read_checkpoint(file: PathBuf) -> io::Result<Option<(Note, Checkpoint)>> {
    match std::fs::read(file) {
        Ok(bytes) => {
            let note = Note::parse(&bytes).map_err(invalid)?;
            let checkpoint = Checkpoint::parse(note.text()).map_err(invalid)?;
            Ok(Some((note, checkpoint)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn read_verifier(dir: &Path) -> io::Result<Option<String>> {
    match std::fs::read_to_string(dir.join("checkpoint.vkey")) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a check found.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Leaves that were read and are the ones that were sealed.
    pub good: u64,
    /// Leaves that are sealed.
    pub sealed: u64,
    /// Of them, those that are archived: their hashes are here, and they themselves in the archives.
    pub archived: u64,
    /// Leaves that cannot be read or are not the ones that were sealed: the first and the last of each run, in their order.
    pub bad: Vec<(u64, u64)>,
    /// What does not hold, with the file that it is in.
    pub problems: Vec<Problem>,
}

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub what: String,
}

/// Reads the whole log: every record's checksum, every leaf against the tree, the tree against the head, the checkpoint against
/// both and against `keys`, if any are given. `tell` hears how many leaves are done, of how many.
///
/// # Errors
/// The head cannot be read: then nothing can be said.
pub fn check(dir: &Path, keys: &[VerifierKey], mut tell: impl FnMut(u64, u64)) -> Result<Checked, HeadError> {
    let head = Heads::read(dir)?;
    let shelf = Shelf::read(dir).map_err(|source| HeadError::File { path: dir.join("archived"), source })?;
    let mut check = Check { dir, head, shelf, checked: Checked::default() };
    check.checked.sealed = check.head.tree.size;
    check.checked.archived = check.shelf.leaves_in(0, check.head.tree.size);
    match Hashes::open_to_read(&dir.join("tree")) {
        Ok(hashes) => {
            check.leaves(&hashes, &mut tell);
            check.checkpoint(&hashes, keys);
        }
        Err(error) => check.problem(&dir.join("tree"), error.to_string()),
    }
    Ok(check.checked)
}

struct Check<'a> {
    dir: &'a Path,
    head: Head,
    shelf: Shelf,
    checked: Checked,
}

/// Puts numbers that follow each other into runs: the first and the last of each.
fn runs(numbers: impl IntoIterator<Item = u64>) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            Some(_) | None => runs.push((number, number)),
        }
    }
    runs
}

/// What does not go together, before it is known which side is wrong.
#[derive(Default)]
struct Differences {
    /// Leaves that are not those of the stored hashes: their numbers and places.
    leaves: Vec<(u64, Place)>,
    /// Leaves that are in no record that can be read.
    lost: BTreeSet<u64>,
    /// The first stored tile of each level that is not that of the log's leaves.
    tiles: BTreeMap<u8, Tile>,
}

impl Check<'_> {
    fn problem(&mut self, file: &Path, what: impl Into<String>) {
        self.checked.problems.push(Problem { file: file.to_owned(), what: what.into() });
    }

    /// Every leaf under the head is in the log and is the one that was sealed, and every stored hash is theirs.
    fn leaves(&mut self, hashes: &Hashes, tell: &mut impl FnMut(u64, u64)) {
        let (log, sealed) = (self.dir.join("log"), self.head.tree);
        let (mut edge, mut different) = (Edge::new(), Differences::default());
        let mut from = match log::beginning(&log) {
            Ok(place) => place.map(|place| End { place, leaves: 0 }),
            Err(error) => return self.problem(&log, error.to_string()),
        };
        let mut last = log.clone();
        let mut is_damaged = false;
        while let Some(begin) = from {
            last = segment::path(&log, begin.place.segment);
            let read = match log::recover(&log, begin) {
                Ok(read) => read,
                Err(error) => return self.problem(&last, error.to_string()),
            };
            for damage in &read.damage {
                self.problem(
                    &damage.file,
                    format!("the record that begins at byte {} is damaged", damage.byte),
                );
            }
            // What a damage took with it is named by it, and what is gone without one by its numbers.
            let was_damaged = std::mem::replace(&mut is_damaged, !read.damage.is_empty());
            if let Some(first) = read.leaves.first().filter(|_| !was_damaged && !is_damaged) {
                self.gone(edge.size(), first.number.min(sealed.size), &last);
            }
            for leaves in read.leaves.chunks(TELL) {
                self.grow(hashes, &mut edge, leaves, &mut different);
                tell(edge.size(), sealed.size);
            }
            from = (read.end.place.segment != begin.place.segment).then_some(read.end);
        }
        if edge.size() < sealed.size {
            self.problem(&last, format!("leaves {} to {} are missing", edge.size(), sealed.size - 1));
            different.lost.extend(self.unarchived(edge.size(), sealed.size));
        }
        let log_is_whole = edge.size() == sealed.size && edge.root() == sealed.root;
        let mut bad = std::mem::take(&mut different.lost);
        if !log_is_whole {
            bad.extend(different.leaves.iter().map(|(leaf, _)| *leaf));
        }
        self.checked.good = sealed.size.saturating_sub(bad.len() as u64);
        self.checked.bad = runs(bad);
        if log_is_whole {
            for (level, tile) in different.tiles {
                let file = self.dir.join(format!("tree/{level}"));
                self.problem(
                    &file,
                    format!("{tile} is not that of the log's leaves; a restart makes it anew"),
                );
            }
            return;
        }
        for (leaf, place) in different.leaves {
            let file = segment::path(&log, place.segment);
            self.problem(&file, format!("leaf {leaf} at byte {} is not the one that was sealed", place.byte));
        }
        self.stored_tree(hashes);
    }

    /// Names leaves that are neither in the log nor archived.
    fn gone(&mut self, first: u64, end: u64, file: &Path) {
        let gone = end.saturating_sub(first) - self.shelf.leaves_in(first, end.max(first));
        if gone > 0 {
            self.problem(file, format!("{gone} of the leaves {first} to {} before it are missing", end - 1));
        }
    }

    /// Of the leaves `first..end`, those that are not archived.
    fn unarchived(&self, first: u64, end: u64) -> Vec<u64> {
        if self.shelf.leaves_in(first, end) == end.saturating_sub(first) {
            return Vec::new();
        }
        (first..end).filter(|leaf| self.shelf.leaves_in(*leaf, leaf + 1) == 0).collect()
    }

    fn grow(&mut self, hashes: &Hashes, edge: &mut Edge, leaves: &[Leaf], different: &mut Differences) {
        let size = self.head.tree.size;
        let mut grown = Vec::with_capacity(leaves.len());
        for leaf in leaves.iter().filter(|leaf| leaf.number < size) {
            let next = edge.size() + grown.len() as u64;
            // What is lost is named with its file; its hash is still there.
            different.lost.extend(self.unarchived(next, leaf.number.max(next)));
            grown.extend((next..leaf.number).map(|lost| hashes.leaf(lost).unwrap_or(Hash::EMPTY_TREE)));
            let hash = leaf_hash(&leaf.sealed);
            if hashes.leaf(leaf.number).ok() != Some(hash) {
                different.leaves.push((leaf.number, leaf.place));
            }
            grown.push(hash);
        }
        for (tile, bytes) in edge.grow(grown).tiles {
            if hashes.tile(tile).ok() != Some(bytes) {
                different.tiles.entry(tile.level()).or_insert(tile);
            }
        }
    }

    /// The stored hashes alone still make the head's root, or they are damaged too.
    fn stored_tree(&mut self, hashes: &Hashes) {
        let sealed = self.head.tree;
        match merkle::root(hashes, sealed.size) {
            Ok(root) if root == sealed.root => {}
            Ok(root) => {
                let what = format!("the stored hashes make the root {root}, and {} was sealed", sealed.root);
                self.problem(&self.dir.join("tree"), what);
            }
            Err(error) => self.problem(&self.dir.join("tree"), error.to_string()),
        }
    }

    fn checkpoint(&mut self, hashes: &Hashes, keys: &[VerifierKey]) {
        let file = self.dir.join("checkpoint");
        let (note, checkpoint) = match read_checkpoint(file.clone()) {
            Ok(Some(read)) => read,
            Ok(None) if self.head.signed => return self.problem(&file, "it was signed and is gone"),
            Ok(None) => return,
            Err(error) => return self.problem(&file, error.to_string()),
        };
        if !keys.is_empty()
            && let Err(error) = note.verify(keys)
        {
            self.problem(&file, error.to_string());
        }
        if checkpoint.size() > self.head.tree.size {
            let what = format!(
                "{} leaves were signed, and {} are sealed: the log was put back",
                checkpoint.size(),
                self.head.tree.size
            );
            return self.problem(&file, what);
        }
        match merkle::root(hashes, checkpoint.size()) {
            Ok(root) if root == checkpoint.root() => {}
            Ok(root) => {
                let what = format!("{} was signed, and the leaves make {root}", checkpoint.root());
                self.problem(&file, what);
            }
            Err(error) => self.problem(&file, error.to_string()),
        }
    }
}
