//! The head of the log: how much of it is sealed, and what was consumed for that, in one write.
//!
//! Whoever seals takes the head over first, under the next generation. It advances only from the generation that its writer holds, so
//! that a sealer which was paused meanwhile, and wakes up beside another one, cannot seal a second continuation.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

use lgsp_tlog::Hash;
use serde::{Deserialize, Serialize};

use super::head_file::HeadFile;
use super::runs::Runs;
use crate::files::journal::Incarnation;
use crate::files::log::Place;
use crate::files::segment;

/// Lives of the embedded broker, with gaps, that are remembered.
const MOST_FORMER: usize = 100;

/// The head of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Who may advance it: each start of a sealer is one.
    pub generation: u64,
    pub tree: Sealed,
    /// The tree whose hashes are on disk for certain; the leaves since are hashed again after a crash.
    pub synced: Sealed,
    /// Whose offsets they are, in hexadecimal digits.
    pub incarnation: String,
    pub runs: Runs,
    /// What was consumed in earlier lives of the broker in which something went missing, latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<Runs>,
    #[serde(default)]
    pub forgotten: Forgotten,
    /// Whether a checkpoint of the log was signed before: then there is one.
    #[serde(default)]
    pub signed: bool,
}

/// Lives of the broker in which something went missing, and of which no more is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Forgotten {
    pub lives: u64,
    /// When the latest of their entries was entered (Unix µs).
    pub until_us: i64,
}

/// A tree of leaves of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    pub size: u64,
    #[serde(with = "base64")]
    pub root: Hash,
    /// Where the log goes on after it.
    pub place: Place,
}

impl Default for Sealed {
    fn default() -> Self {
        Self { size: 0, root: Hash::EMPTY_TREE, place: Place::default() }
    }
}

impl Head {
    pub fn first() -> Self {
        Self {
            generation: 0,
            tree: Sealed::default(),
            synced: Sealed::default(),
            incarnation: String::new(),
            runs: Runs::default(),
            former: Vec::new(),
            forgotten: Forgotten::default(),
            signed: false,
        }
    }

    /// The next offset of each partition; `None` if nothing was sealed in this life of the broker.
    pub fn next_offsets(&self, incarnation: Incarnation) -> Option<BTreeMap<i32, i64>> {
        let next = self.runs.next();
        (self.incarnation == name(incarnation) && !next.is_empty()).then_some(next)
    }

    /// Goes on under another life of the broker, if it is one.
    pub fn live_in(&mut self, incarnation: Incarnation) {
        let incarnation = name(incarnation);
        if self.incarnation != incarnation {
            let former = std::mem::take(&mut self.runs);
            // Of one in which nothing went missing there is nothing to tell.
            if former.has_gaps() {
                self.former.push(former);
            }
            for forgotten in self.former.drain(..self.former.len().saturating_sub(MOST_FORMER)) {
                self.forgotten.lives += 1;
                self.forgotten.until_us = self.forgotten.until_us.max(forgotten.latest_us());
            }
            self.incarnation = incarnation;
        }
    }
}

fn name(incarnation: Incarnation) -> String {
    uuid::Uuid::from_bytes(incarnation).simple().to_string()
}

/// Why the head was not read or did not advance.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("{path}: {source}")]
    File {
        /// The head's file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The head's checksum does not hold.
    #[error("{path} is damaged: restore it from a copy")]
    Damaged {
        /// The head's file.
        path: PathBuf,
    },
    /// There is a log, and no head of it in the folder.
    #[error(
        "{path} has a log and no head: where ledger.store is on PostgreSQL the head is there, in lgsp_ledger.head; otherwise it was lost: \
         restore it from a backup"
    )]
    NotHere {
        /// The folder.
        path: PathBuf,
    },
    /// The folder has less than was sealed.
    #[error(
        "{path} is behind the head: {sealed} leaves are sealed, and neither its log nor its tree has the last of them; start the ledger on \
         the folder that it ran on last, or on a copy that was made of it after it had stopped"
    )]
    Behind {
        /// The folder.
        path: PathBuf,
        /// How many leaves are sealed.
        sealed: u64,
    },
    /// The store on PostgreSQL does not do it.
    #[error("the head of the log: {0}")]
    Store(#[from] lgsp_store::Error),
    /// Another ledger took the head over.
    #[error("another ledger has taken this log over: only one may run on its folder or its store")]
    TakenOver,
}

/// Where the head is kept: in a file ([`HeadFile`]), or wherever else one step can compare and write.
pub(crate) trait HeadStore: Debug + Send + Sync {
    /// The head; none before the first one. It may block.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    fn read(&self) -> Result<Option<Head>, Error>;

    /// Puts `next` in the place of the head of the generation `from`, or of none if that is 0: comparing and writing are one step, and it is
    /// durable when this returns. It may block.
    ///
    /// # Errors
    /// [`Error::TakenOver`] if the head is of another generation; nothing is written then.
    fn advance(&self, from: u64, next: &Head) -> Result<(), Error>;
}

/// The head, for whoever holds its generation.
#[derive(Debug)]
pub(crate) struct Heads {
    store: Box<dyn HeadStore>,
    generation: u64,
}

impl Heads {
    /// Reads the head of a folder, to look at.
    pub fn read(folder: &Path) -> Result<Head, Error> {
        match HeadFile::of(folder).read()? {
            Some(head) => Ok(head),
            // A ledger in files puts its head there before it writes anything.
            None if has_log(folder) => Err(Error::NotHere { path: folder.to_owned() }),
            None => Ok(Head::first()),
        }
    }

    /// Takes the head of a folder over.
    pub fn take_over(folder: &Path) -> Result<(Self, Head), Error> {
        Self::take_over_in(Box::new(HeadFile::of(folder)))
    }

    /// Takes the head of a store over.
    pub fn take_over_in(store: Box<dyn HeadStore>) -> Result<(Self, Head), Error> {
        let mut head = store.read()?.unwrap_or_else(Head::first);
        let from = head.generation;
        head.generation += 1;
        store.advance(from, &head)?;
        Ok((Self { store, generation: head.generation }, head))
    }

    /// Puts a head in the place of the last one, if nobody took it over.
    pub fn advance(&self, head: &Head) -> Result<(), Error> {
        self.store.advance(self.generation, head)
    }

    /// Whether the head is still ours.
    pub fn check(&self) -> Result<(), Error> {
        let found = self.store.read()?.map(|head| head.generation);
        if found == Some(self.generation) { Ok(()) } else { Err(Error::TakenOver) }
    }
}

fn has_log(folder: &Path) -> bool {
    segment::numbers(&folder.join("log")).is_ok_and(|segments| !segments.is_empty())
}

/// Hashes as people and other tools write them.
mod base64 {
    use lgsp_tlog::Hash;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(hash)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| D::Error::custom("not a hash"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn path(folder: &Path) -> PathBuf {
        HeadFile::of(folder).path()
    }

    fn grown(head: &Head, size: u64) -> Head {
        let tree = Sealed { size, root: lgsp_tlog::leaf_hash(b"x"), place: Place { segment: 1, byte: 64 } };
        let mut head = Head { tree, ..head.clone() };
        head.runs.take_in(3, size.cast_signed(), 7);
        head
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let (heads, head) = Heads::take_over(dir.path()).unwrap();
        assert_eq!((head.generation, head.tree.size), (1, 0));
        let head = grown(&head, 5);
        heads.advance(&head).unwrap();
        assert_eq!(Heads::read(dir.path()).unwrap(), head);
    }

    #[test]
    fn who_was_paused_while_another_took_over_advances_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (paused, old) = Heads::take_over(dir.path()).unwrap();
        let (heads, head) = Heads::take_over(dir.path()).unwrap();
        assert_eq!(head.generation, 2);
        let refused = paused.advance(&grown(&old, 9)).unwrap_err();
        assert!(matches!(refused, Error::TakenOver));
        assert_eq!(Heads::read(dir.path()).unwrap(), head);
        heads.advance(&grown(&head, 4)).unwrap();
    }

    #[test]
    fn a_flipped_or_missing_byte_is_damage_and_no_head() {
        let dir = tempfile::tempdir().unwrap();
        let (_, head) = Heads::take_over(dir.path()).unwrap();
        let whole = fs::read(path(dir.path())).unwrap();
        for byte in 0..whole.len() - 1 {
            let mut damaged = whole.clone();
            damaged[byte] ^= 1;
            fs::write(path(dir.path()), &damaged).unwrap();
            assert!(matches!(Heads::read(dir.path()), Err(Error::Damaged { .. })), "byte {byte}");
        }
        fs::write(path(dir.path()), &whole[..whole.len() - 4]).unwrap();
        assert!(matches!(Heads::read(dir.path()), Err(Error::Damaged { .. })));
        fs::write(path(dir.path()), &whole).unwrap();
        assert_eq!(Heads::read(dir.path()).unwrap(), head);
    }

    #[test]
    fn a_log_whose_head_is_elsewhere_is_not_told_as_empty() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        fs::create_dir(&log).unwrap();
        assert_eq!(Heads::read(dir.path()).unwrap(), Head::first());
        fs::write(segment::path(&log, 1), []).unwrap();
        assert!(matches!(Heads::read(dir.path()), Err(Error::NotHere { .. })));
    }

    #[test]
    fn another_life_of_the_broker_begins_with_no_offsets() {
        let mut head = grown(&Head::first(), 5);
        head.live_in([1; 16]);
        assert_eq!(head.runs, Runs::default());
        let first = head.clone();
        head.live_in([1; 16]);
        assert_eq!(head, first);
        head.live_in([2; 16]);
        assert_eq!(head.former, [], "nothing went missing");
    }

    #[test]
    fn lives_with_gaps_are_remembered_and_beyond_a_bound_counted() {
        let mut head = Head::first();
        for life in 1..=MOST_FORMER as u8 + 3 {
            head.live_in([life; 16]);
            head.runs.take_in(0, 0, i64::from(life));
            if life != 2 {
                head.runs.take_in(0, 2, i64::from(life));
            }
        }
        head.live_in([0; 16]);
        assert_eq!(head.former.len(), MOST_FORMER);
        assert_eq!(head.forgotten, Forgotten { lives: 2, until_us: 3 });
        assert_eq!(head.former[0].missing(0, 10).len(), 1);
    }
}
