//! The head of the log: how much of it is sealed, and what was consumed for that, in one write.
//!
//! Whoever seals takes the head over first, under the next generation. It advances only from the generation that its writer holds, so
//! that a sealer which was paused meanwhile, and wakes up beside another one, cannot seal a second continuation.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lgsp_tlog::Hash;
use serde::{Deserialize, Serialize};

use super::runs::Runs;
use crate::files::journal::Incarnation;
use crate::files::log::Place;
use crate::files::segment;

/// Lives of the embedded broker that are remembered.
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
    /// What was consumed in earlier lives of the broker, latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<Runs>,
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
    fn first() -> Self {
        Self {
            generation: 0,
            tree: Sealed::default(),
            synced: Sealed::default(),
            incarnation: String::new(),
            runs: Runs::default(),
            former: Vec::new(),
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
            if former != Runs::default() {
                self.former.push(former);
                self.former.drain(..self.former.len().saturating_sub(MOST_FORMER));
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
    /// Another ledger took the head over.
    #[error("another ledger has taken this log over: only one may run on its folder")]
    TakenOver,
}

/// The head in a file. The ledger's lock keeps other processes of this machine out; the generation keeps out whoever came
/// around it.
#[derive(Debug)]
pub(crate) struct Heads {
    path: PathBuf,
    generation: u64,
}

impl Heads {
    /// Reads the head of a folder, to look at.
    pub fn read(folder: &Path) -> Result<Head, Error> {
        read(&path(folder)).map(|head| head.unwrap_or_else(Head::first))
    }

    /// Takes the head over.
    pub fn take_over(folder: &Path) -> Result<(Self, Head), Error> {
        let path = path(folder);
        let mut head = read(&path)?.unwrap_or_else(Head::first);
        head.generation += 1;
        write(&path, &head)?;
        Ok((Self { path, generation: head.generation }, head))
    }

    /// Puts a head in the place of the last one, if nobody took it over.
    pub fn advance(&self, head: &Head) -> Result<(), Error> {
        self.check()?;
        write(&self.path, head)
    }

    /// Whether the head is still ours.
    pub fn check(&self) -> Result<(), Error> {
        let found = read(&self.path)?.map(|head| head.generation);
        if found == Some(self.generation) { Ok(()) } else { Err(Error::TakenOver) }
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("head")
}

/// The JSON, and behind it its checksum on a line of its own.
fn read(path: &Path) -> Result<Option<Head>, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => String::new(),
        Err(source) => return Err(Error::File { path: path.to_owned(), source }),
    };
    let head = text.split_once('\n').and_then(|(json, checksum)| {
        let is_whole = checksum.trim_end() == format!("{:08x}", crc32c::crc32c(json.as_bytes()));
        is_whole.then(|| serde_json::from_str(json).ok()).flatten()
    });
    head.map(Some).ok_or_else(|| Error::Damaged { path: path.to_owned() })
}

fn write(path: &Path, head: &Head) -> Result<(), Error> {
    let json = serde_json::to_string(head).expect("a head has a JSON form");
    let text = format!("{json}\n{:08x}\n", crc32c::crc32c(json.as_bytes()));
    replace(path, text.as_bytes()).map_err(|source| Error::File { path: path.to_owned(), source })
}

/// Puts a file in the place of another, whole or not at all, and waits until it is on disk.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let mut file = File::create(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), segment::sync_folder)
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
    use super::*;

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
    fn another_life_of_the_broker_begins_with_no_offsets() {
        let mut head = grown(&Head::first(), 5);
        head.live_in([1; 16]);
        assert_eq!(head.runs, Runs::default());
        let first = head.clone();
        head.live_in([1; 16]);
        assert_eq!(head, first);
        head.runs.take_in(0, 0, 1);
        head.live_in([2; 16]);
        assert_eq!(head.former.len(), 2);
    }
}
