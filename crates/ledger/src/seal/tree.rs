//! The tree over the log, as far as it has grown, and the head under which it is sealed.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lgsp_tlog::{Edge, Hash, leaf_hash};

use super::hashes::BUNDLE;
use super::head::{Head, Heads, Sealed};
use super::runs::Runs;
use super::{Error, Hashes, HeadError};
use crate::files::journal::Incarnation;
use crate::files::log::{self, End, Leaf, Place};
use crate::files::segment;

/// How long the hashes of leaves may be missing on disk: a crash costs hashing so many again.
const SYNC: Duration = Duration::from_secs(10);
/// Leaves that are hashed again at once.
const AGAIN: usize = 50_000;

/// The tree of a log. It blocks on the disk.
#[derive(Debug)]
pub(crate) struct Tree {
    heads: Heads,
    /// The head as it was last written.
    head: Head,
    /// The tree, with what is not under the head yet.
    edge: Edge,
    hashes: Hashes,
    /// Where the log goes on after the tree.
    place: Place,
    synced: Instant,
}

impl Tree {
    /// Opens the tree of a log under a head that was taken over, and grows it up to the log's end.
    ///
    /// # Errors
    /// The log does not make the root that was sealed, or a file cannot be read or written.
    pub fn open(dir: &Path, log: &Path, (heads, head): (Heads, Head), end: End) -> Result<Self, Error> {
        let hashes = Hashes::open(&dir.join("tree"))?;
        let synced = head.synced;
        let (edge, place) = match Edge::open(synced.size, synced.root, &hashes) {
            Ok(edge) => (edge, synced.place),
            // They follow from the log.
            Err(_) => (Edge::new(), Place::default()),
        };
        let mut tree = Self { heads, head, edge, hashes, place, synced: Instant::now() };
        tree.grow_up_to(log, end)?;
        Ok(tree)
    }

    pub fn hashes(&self) -> Hashes {
        self.hashes.clone()
    }

    /// How many leaves there are, with those that are not under the head yet.
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Takes in what was consumed under a life of the broker; offsets of another one mean nothing.
    pub fn live_in(&mut self, incarnation: Incarnation) {
        self.head.live_in(incarnation);
    }

    /// Adds leaves that stand in the log, from their first number on, up to `end`.
    ///
    /// # Errors
    /// They are not the next ones, or a file cannot be written; then nothing was added.
    pub fn grow(&mut self, first: u64, leaves: &[(Bytes, Place)], end: Place) -> Result<(), Error> {
        if !leaves.is_empty() && first != self.edge.size() {
            return Err(Error::Lost { leaf: self.edge.size() });
        }
        let hashes = leaves.iter().map(|(leaf, place)| (leaf_hash(leaf), place.segment));
        self.add(&hashes.collect::<Vec<_>>())?;
        self.place = end;
        Ok(())
    }

    /// Adds the leaves up to `end` as they stand in the log.
    ///
    /// # Errors
    /// They do not stand there, or a file cannot be read or written; then some may have been added, and the next attempt goes on.
    pub fn catch_up(&mut self, log: &Path, end: End) -> Result<(), Error> {
        let place = if self.place == Place::default() { log::beginning(log)? } else { Some(self.place) };
        let mut from = place.map(|place| End { place, leaves: self.edge.size() });
        while let Some(begin) = from.filter(|_| self.edge.size() < end.leaves) {
            let segment = log::recover(log, begin)?;
            let missing = self.edge.size()..end.leaves;
            let leaves: Vec<&Leaf> =
                segment.leaves.iter().filter(|leaf| missing.contains(&leaf.number)).collect();
            let is_next = (missing.start..).zip(&leaves).all(|(next, leaf)| leaf.number == next);
            if !is_next {
                return Err(Error::Lost { leaf: missing.start });
            }
            for leaves in leaves.chunks(AGAIN) {
                let hashes = leaves.iter().map(|leaf| (leaf_hash(&leaf.sealed), leaf.place.segment));
                self.add(&hashes.collect::<Vec<_>>())?;
            }
            from = (segment.end.place.segment != begin.place.segment).then_some(segment.end);
        }
        if self.edge.size() != end.leaves {
            return Err(Error::Lost { leaf: self.edge.size() });
        }
        self.place = end.place;
        Ok(())
    }

    /// Remembers with the next head that a checkpoint was signed.
    pub fn note_signed(&mut self) {
        self.head.signed = true;
    }

    fn add(&mut self, leaves: &[(Hash, u64)]) -> Result<(), Error> {
        for (leaf, (_, segment)) in (self.edge.size()..).zip(leaves) {
            self.hashes.note_segment(leaf, *segment)?;
        }
        let mut edge = self.edge.clone();
        let growth = edge.grow(leaves.iter().map(|(hash, _)| *hash));
        self.hashes.write(&growth.tiles)?;
        self.edge = edge;
        Ok(())
    }

    /// Whether something has grown that is not under the head.
    pub fn is_unsealed(&self) -> bool {
        self.edge.size() != self.head.tree.size
    }

    /// Puts what has grown under the head, with the offsets that were consumed for it. Returns how many leaves are sealed now.
    ///
    /// # Errors
    /// Somebody took the head over, or it cannot be written; then nothing more is sealed than before.
    pub fn seal(&mut self, arrived: &Runs) -> Result<u64, Error> {
        let mut head = self.head.clone();
        head.runs.take_in_all(arrived);
        head.tree = Sealed { size: self.edge.size(), root: self.edge.root(), place: self.place };
        if self.synced.elapsed() >= SYNC {
            self.hashes.sync()?;
            self.synced = Instant::now();
            head.synced = head.tree;
        }
        self.heads.advance(&head)?;
        self.head = head;
        Ok(self.head.tree.size)
    }

    /// Whether the log is still ours.
    ///
    /// # Errors
    /// Somebody took its head over.
    pub fn check(&self) -> Result<(), Error> {
        Ok(self.heads.check()?)
    }

    /// Makes the hashes durable, so that the next start need not make them again.
    pub fn close(&mut self) -> Result<(), Error> {
        self.hashes.sync()?;
        let head = Head { synced: self.head.tree, ..self.head.clone() };
        self.heads.advance(&head)?;
        self.head = head;
        Ok(())
    }

    /// Whether a folder has neither the records nor the hashes of the last leaves under the head. A log that lost some of its records still has
    /// their hashes, and a tree that was lost follows from the log.
    pub fn is_behind(dir: &Path, head: &Head) -> io::Result<bool> {
        let Some(last) = head.tree.size.checked_sub(1) else { return Ok(false) };
        let Place { segment, byte } = head.tree.place;
        let has_records = match segment::path(&dir.join("log"), segment).metadata() {
            Ok(file) => file.len() >= byte,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        let has_hash =
            || Hashes::open_to_read(&dir.join("tree")).and_then(|hashes| hashes.leaf(last)).is_ok();
        Ok(!has_records && !has_hash())
    }

    /// Hashes again what the log has beyond the tree, and holds the sealed part of it against the head.
    fn grow_up_to(&mut self, log: &Path, end: End) -> Result<(), Error> {
        let place = if self.place == Place::default() { log::beginning(log)? } else { Some(self.place) };
        let mut from = place.map(|place| End { place, leaves: self.edge.size() });
        while let Some(begin) = from {
            let segment = log::recover(log, begin)?;
            for leaves in segment.leaves.chunks(AGAIN) {
                self.grow_again(leaves)?;
            }
            from = (segment.end.place.segment != begin.place.segment).then_some(segment.end);
        }
        self.fill_up_to(self.head.tree.size)?;
        self.hold_against_head()?;
        if self.edge.size() != end.leaves {
            return Err(Error::Lost { leaf: self.edge.size() });
        }
        self.place = end.place;
        Ok(())
    }

    fn grow_again(&mut self, leaves: &[Leaf]) -> Result<(), Error> {
        let mut grown = Vec::with_capacity(leaves.len());
        let size = self.edge.size();
        for leaf in leaves.iter().filter(|leaf| leaf.number >= size) {
            let next = self.edge.size() + grown.len() as u64;
            if leaf.number != next || next == self.head.tree.size {
                self.add(&std::mem::take(&mut grown))?;
                self.fill_up_to(leaf.number)?;
                self.hold_against_head()?;
            }
            grown.push((leaf_hash(&leaf.sealed), leaf.place.segment));
        }
        self.add(&grown)?;
        self.hold_against_head()
    }

    /// There is neither the record of a leaf nor its hash.
    fn behind(&self) -> Error {
        let tree = self.hashes.folder();
        let path = tree.parent().unwrap_or(tree).to_owned();
        HeadError::Behind { path, sealed: self.head.tree.size }.into()
    }

    /// What was lost from the log keeps the hash under which it was sealed.
    fn fill_up_to(&mut self, number: u64) -> Result<(), Error> {
        if number > self.head.tree.size.max(self.edge.size()) {
            return Err(Error::Lost { leaf: self.head.tree.size.max(self.edge.size()) });
        }
        let lost = (self.edge.size()..number).map(|leaf| {
            let segment = self.hashes.segment(leaf / BUNDLE)?;
            Ok((self.hashes.leaf(leaf)?, segment))
        });
        let lost = lost.collect::<io::Result<Vec<_>>>().map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.behind(),
            _ => error.into(),
        })?;
        self.add(&lost)
    }

    /// When the tree is as large as the head's, it is the head's.
    fn hold_against_head(&self) -> Result<(), Error> {
        let sealed = self.head.tree;
        if self.edge.size() != sealed.size || self.edge.root() == sealed.root {
            return Ok(());
        }
        Err(Error::Altered { size: sealed.size, expected: sealed.root, found: self.edge.root() })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::files::log::Log;
    use crate::files::segment;
    use crate::seal::mend::mend;

    struct Site {
        dir: tempfile::TempDir,
        end: End,
    }

    impl Site {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join("log")).unwrap();
            Self { dir, end: End::default() }
        }

        fn log(&self) -> std::path::PathBuf {
            self.dir.path().join("log")
        }

        /// Appends leaves to the log, in segments of a few.
        fn append(&mut self, count: u64) -> Vec<(Bytes, Place)> {
            let mut log = Log::open(&self.log(), 20_000, 1, self.end);
            let leaves: Vec<Bytes> = (self.end.leaves..self.end.leaves + count)
                .map(|leaf| format!("leaf {leaf}").repeat(10).into())
                .collect();
            let mut places = Vec::new();
            for leaves in leaves.chunks(40) {
                places.extend(log.append(leaves).unwrap());
            }
            self.end = log.end();
            leaves.into_iter().zip(places).collect()
        }

        fn open(&self) -> Result<Tree, Error> {
            let head = Heads::take_over(self.dir.path()).unwrap();
            Tree::open(self.dir.path(), &self.log(), head, self.end)
        }

        fn root(&self, size: u64) -> Hash {
            let mut edge = Edge::new();
            edge.grow((0..size).map(|leaf| leaf_hash(format!("leaf {leaf}").repeat(10).as_bytes())));
            edge.root()
        }
    }

    #[test]
    fn the_tree_is_that_of_the_logs_leaves_whenever_it_is_opened() {
        let mut site = Site::new();
        let mut tree = site.open().unwrap();
        for count in [300, 1, 700] {
            let leaves = site.append(count);
            tree.grow(tree.edge.size(), &leaves, site.end.place).unwrap();
            let mut arrived = Runs::default();
            arrived.take_in(0, site.end.leaves.cast_signed(), 1);
            tree.seal(&arrived).unwrap();
            assert_eq!(tree.head().tree.root, site.root(site.end.leaves));
        }
        // Grown, and not under the head when it ended.
        let leaves = site.append(5);
        tree.grow(tree.edge.size(), &leaves, site.end.place).unwrap();
        drop(tree);
        site.append(50);
        let mut tree = site.open().unwrap();
        assert_eq!(tree.head().tree.size, 1_001);
        assert_eq!(tree.seal(&Runs::default()).unwrap(), 1_056);
        assert_eq!(tree.head().tree.root, site.root(1_056));
        tree.close().unwrap();
        assert_eq!(site.open().unwrap().head().synced.size, 1_056);
    }

    #[test]
    fn hashes_that_are_lost_or_damaged_are_made_again_from_the_log() {
        let mut site = Site::new();
        let mut tree = site.open().unwrap();
        let leaves = site.append(600);
        tree.grow(tree.edge.size(), &leaves, site.end.place).unwrap();
        tree.seal(&Runs::default()).unwrap();
        tree.close().unwrap();
        let level = site.dir.path().join("tree/0");
        let mut bytes = fs::read(&level).unwrap();
        bytes[599 * 32] ^= 1;
        fs::write(&level, bytes).unwrap();
        let tree = site.open().unwrap();
        assert_eq!(Edge::open(600, site.root(600), &tree.hashes()).unwrap().size(), 600);
        fs::remove_dir_all(site.dir.path().join("tree")).unwrap();
        let tree = site.open().unwrap();
        assert_eq!(Edge::open(600, site.root(600), &tree.hashes()).unwrap().size(), 600);
        assert!(tree.hashes().segment(2).unwrap() > 1);
    }

    #[test]
    fn a_leaf_that_was_replaced_is_not_the_one_that_was_sealed() {
        let mut site = Site::new();
        let mut tree = site.open().unwrap();
        let leaves = site.append(10);
        tree.grow(tree.edge.size(), &leaves, site.end.place).unwrap();
        tree.seal(&Runs::default()).unwrap();
        drop(tree);
        // Whoever edits an entry mends the checksums too.
        let mut forged = Site::new();
        forged.append(10);
        let other: Vec<Bytes> = (0..10).map(|leaf| format!("LEAF {leaf}").repeat(10).into()).collect();
        let mut log = Log::open(&forged.log(), 20_000, 1, End::default());
        log.append(&other).unwrap();
        let newest = *segment::numbers(&forged.log()).unwrap().last().unwrap();
        let bytes = fs::read(segment::path(&forged.log(), newest)).unwrap();
        let mut first = bytes;
        first[8..16].copy_from_slice(&1_u64.to_le_bytes());
        let crc = crc32c::crc32c(&first[..60]).to_le_bytes();
        first[60..64].copy_from_slice(&crc);
        fs::write(segment::path(&site.log(), 1), first).unwrap();
        assert!(matches!(site.open(), Err(Error::Altered { size: 10, .. })));
    }

    #[test]
    fn leaves_that_were_cut_off_the_log_stay_in_the_tree() {
        let mut site = Site::new();
        let mut tree = site.open().unwrap();
        let leaves = site.append(500);
        tree.grow(tree.edge.size(), &leaves, site.end.place).unwrap();
        tree.seal(&Runs::default()).unwrap();
        drop(tree);
        for number in segment::numbers(&site.log()).unwrap().into_iter().skip(1) {
            fs::remove_file(segment::path(&site.log(), number)).unwrap();
        }
        let tree = site.open().unwrap();
        assert_eq!((tree.head().tree.size, tree.head().tree.root), (500, site.root(500)));
    }

    #[test]
    fn a_tree_that_was_left_behind_catches_up_from_the_log_while_that_grows() {
        let mut site = Site::new();
        let mut tree = site.open().unwrap();
        site.append(300);
        let end = site.end;
        site.append(200);
        tree.catch_up(&site.log(), end).unwrap();
        tree.seal(&Runs::default()).unwrap();
        assert_eq!((tree.head().tree.root, tree.head().tree.place), (site.root(300), end.place));
        tree.catch_up(&site.log(), site.end).unwrap();
        tree.seal(&Runs::default()).unwrap();
        assert_eq!(tree.head().tree.root, site.root(500));
        let beyond = End { leaves: 501, ..site.end };
        assert!(matches!(tree.catch_up(&site.log(), beyond), Err(Error::Lost { leaf: 500 })));
    }

    #[test]
    fn damaged_hashes_anywhere_are_made_again_and_none_for_a_log_that_was_altered() {
        let mut site = Site::new();
        let mut tree = site.open().unwrap();
        let leaves = site.append(1_500);
        tree.grow(0, &leaves, site.end.place).unwrap();
        tree.seal(&Runs::default()).unwrap();
        let (hashes, sealed) = (tree.hashes(), tree.head().tree);
        let mend = |sealed| mend(&hashes, &site.log(), sealed, &CancellationToken::new());
        assert_eq!(mend(sealed).unwrap(), 0);
        for (level, byte) in [("0", 0), ("0", 300 * 32), ("0", 1_499 * 32), ("1", 40)] {
            let path = site.dir.path().join("tree").join(level);
            let whole = fs::read(&path).unwrap();
            let mut damaged = whole.clone();
            damaged[byte] ^= 1;
            fs::write(&path, damaged).unwrap();
            assert_eq!(mend(sealed).unwrap(), 1, "level {level}, byte {byte}");
            assert_eq!(fs::read(&path).unwrap(), whole);
            fs::write(&path, &whole[..byte]).unwrap();
            assert!(mend(sealed).unwrap() >= 1, "level {level}, cut at {byte}");
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
        let path = site.dir.path().join("tree/0");
        let mut damaged = fs::read(&path).unwrap();
        damaged[70] ^= 1;
        fs::write(&path, &damaged).unwrap();
        let other = Sealed { root: Hash::EMPTY_TREE, ..sealed };
        assert!(matches!(mend(other), Err(Error::Altered { .. })));
        assert_eq!(fs::read(&path).unwrap(), damaged, "nothing is written for a root that was not sealed");
    }

    #[test]
    fn a_paused_sealer_that_wakes_up_seals_nothing() {
        let mut site = Site::new();
        let mut paused = site.open().unwrap();
        let leaves = site.append(10);
        paused.grow(0, &leaves, site.end.place).unwrap();
        let mut other = site.open().unwrap();
        other.seal(&Runs::default()).unwrap();
        let refused = paused.seal(&Runs::default()).unwrap_err();
        assert!(matches!(refused, Error::Head(crate::seal::HeadError::TakenOver)));
    }
}
