//! What was cosigned last of each log: one file, replaced as a whole and on disk before anybody hears of it.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use lgsp_tlog::witness::Last;
use lgsp_tlog::{Checkpoint, Note};
use serde::{Deserialize, Serialize};

/// The file of the state in a witness's folder.
const STATE: &str = "cosigned";
/// The file that a running witness holds. It has a line once there is a state.
const LOCK: &str = "lock";
const USED: &[u8] = b"this witness has a state\n";

/// What a witness cosigned last of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// It with the signatures of the log, and the cosignature.
    pub note: Note,
    /// When it was cosigned first, in seconds since 1970.
    pub cosigned_at: u64,
}

/// Why a state cannot be used. A witness never begins anew by itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("the witness's {path} cannot be used: {source}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process uses the folder.
    #[error("another witness uses {path}: each needs its own witness.dir, and its own key")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The checksum does not hold, or the content has no meaning.
    #[error(
        "{path} is damaged, and without it the witness would not know what it has cosigned. Do not remove it: \
         take this key out of use, and begin with a new key in a new folder"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The folder was in use, and its state is not there.
    #[error(
        "{path} is gone, and without it the witness would not know what it has cosigned: take this key out of use, \
         and begin with a new key in a new folder"
    )]
    Gone {
        /// The file.
        path: PathBuf,
    },
}

impl Error {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    logs: Vec<Written>,
}

/// The note says everything else.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    cosigned_at: u64,
    note: String,
}

/// The state of a witness. It blocks on the disk.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    logs: BTreeMap<String, Seen>,
    _lock: File,
}

impl Store {
    /// Opens the state in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// Another witness uses the folder, or its state is damaged, gone or cannot be read.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        make(dir).map_err(Error::file(dir))?;
        let (lock_path, path) = (dir.join(LOCK), dir.join(STATE));
        let lock = File::options().create(true).truncate(false).read(true).write(true).open(&lock_path);
        let mut lock = lock.map_err(Error::file(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { path: dir.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(Error::file(&lock_path)(error)),
        }
        let mut used = Vec::new();
        lock.read_to_end(&mut used).map_err(Error::file(&lock_path))?;
        let logs = match read(&path)? {
            Some(logs) => logs,
            None if !used.is_empty() => return Err(Error::Gone { path }),
            None => BTreeMap::new(),
        };
        let store = Self { path, logs, _lock: lock };
        if used.is_empty() {
            store.write(&store.logs)?;
            let mut lock = &store._lock;
            let marked = lock.write_all(USED).and_then(|()| lock.sync_all());
            marked.map_err(Error::file(&lock_path))?;
        }
        Ok(store)
    }

    /// What was cosigned last of a log, if anything was.
    pub fn seen(&self, origin: &str) -> Option<&Seen> {
        self.logs.get(origin)
    }

    /// The same, as those who decide want it.
    pub fn last(&self, origin: &str) -> Last {
        let last = |seen: &Seen| Last { size: seen.checkpoint.size(), root: seen.checkpoint.root() };
        self.seen(origin).map(last).unwrap_or_default()
    }

    /// Puts it in the place of what was cosigned before. It is on disk when this returns.
    ///
    /// # Errors
    /// It cannot be written. Then the last one counts, and nothing may be answered.
    pub fn keep(&mut self, seen: Seen) -> Result<(), Error> {
        let mut logs = self.logs.clone();
        logs.insert(seen.checkpoint.origin().to_owned(), seen);
        self.write(&logs)?;
        self.logs = logs;
        Ok(())
    }

    fn write(&self, logs: &BTreeMap<String, Seen>) -> Result<(), Error> {
        let written = |seen: &Seen| Written { cosigned_at: seen.cosigned_at, note: seen.note.to_string() };
        let content = Content { logs: logs.values().map(written).collect() };
        let json = serde_json::to_string(&content).expect("texts and numbers have a JSON form");
        let text = format!("{json}\n{:08x}\n", crc32c::crc32c(json.as_bytes()));
        replace(&self.path, text.as_bytes()).map_err(Error::file(&self.path))
    }
}

/// Reads the state of a folder, to look at; empty if there is none.
pub(crate) fn look(dir: &Path) -> Result<Vec<Seen>, Error> {
    Ok(read(&dir.join(STATE))?.unwrap_or_default().into_values().collect())
}

fn read(path: &Path) -> Result<Option<BTreeMap<String, Seen>>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file(path)(error)),
    };
    parse(&bytes).map(Some).ok_or_else(|| Error::Damaged { path: path.to_owned() })
}

fn parse(bytes: &[u8]) -> Option<BTreeMap<String, Seen>> {
    let (json, checksum) = str::from_utf8(bytes).ok()?.split_once('\n')?;
    if checksum != format!("{:08x}\n", crc32c::crc32c(json.as_bytes())) {
        return None;
    }
    let content: Content = serde_json::from_str(json).ok()?;
    let seen = content.logs.into_iter().map(|Written { cosigned_at, note }| {
        let note = Note::parse(note.as_bytes()).ok()?;
        let checkpoint = Checkpoint::parse(note.text()).ok()?;
        Some((checkpoint.origin().to_owned(), Seen { checkpoint, note, cosigned_at }))
    });
    seen.collect()
}

/// Puts a file in the place of another, whole or not at all, and waits until it is on disk.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes a folder, with its name on disk: a witness whose folder is gone after a crash is one that forgot.
pub(crate) fn make(dir: &Path) -> io::Result<()> {
    let mut above = dir.ancestors().filter(|above| !above.as_os_str().is_empty());
    let missing = above.by_ref().take_while(|above| !above.exists()).count();
    fs::create_dir_all(dir)?;
    // The name of each folder stands in the one above it. That of one that is there already may not be on disk yet either.
    for folder in dir.ancestors().skip(1).take(missing.max(1)) {
        sync_folder(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?;
    }
    Ok(())
}

pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use lgsp_tlog::{Kind, SignerKey, leaf_hash};

    use super::*;

    fn seen(origin: &str, size: u64) -> Seen {
        let key = SignerKey::from_seed(origin, Kind::Log, &[1; 32]).unwrap();
        let checkpoint = Checkpoint::new(origin, size, leaf_hash(&size.to_be_bytes())).unwrap();
        let note = checkpoint.sign(&[&key]).unwrap();
        Seen { checkpoint, note, cosigned_at: 1_800_000_000 + size }
    }

    #[test]
    fn what_was_kept_is_there_after_a_restart_and_a_restart_alone_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        assert_eq!(store.last("example.com/a"), Last::default());
        store.keep(seen("example.com/a", 3)).unwrap();
        store.keep(seen("example.com/b", 5)).unwrap();
        store.keep(seen("example.com/a", 7)).unwrap();
        assert!(matches!(Store::open(dir.path()), Err(Error::InUse { .. })));
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(store.seen("example.com/a"), Some(&seen("example.com/a", 7)));
        assert_eq!(look(dir.path()).unwrap(), [seen("example.com/a", 7), seen("example.com/b", 5)]);
    }

    #[test]
    fn a_flipped_or_missing_byte_is_an_error_and_never_a_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        store.keep(seen("example.com/a", 3)).unwrap();
        drop(store);
        let path = dir.path().join(STATE);
        let whole = fs::read(&path).unwrap();
        for byte in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[byte] ^= 1;
            fs::write(&path, &damaged).unwrap();
            assert!(matches!(Store::open(dir.path()), Err(Error::Damaged { .. })), "byte {byte}");
            fs::write(&path, &whole[..byte]).unwrap();
            assert!(matches!(Store::open(dir.path()), Err(Error::Damaged { .. })), "{byte} bytes");
        }
        fs::remove_file(&path).unwrap();
        let gone = Store::open(dir.path()).unwrap_err();
        assert!(matches!(gone, Error::Gone { .. }));
        assert!(gone.to_string().contains("begin with a new key in a new folder"), "{gone}");
        fs::write(&path, &whole).unwrap();
        assert_eq!(Store::open(dir.path()).unwrap().last("example.com/a").size, 3);
    }

    #[test]
    fn a_state_that_cannot_be_written_is_the_last_one() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        store.keep(seen("example.com/a", 3)).unwrap();
        // In the place of the file that is written first.
        fs::create_dir(dir.path().join("cosigned.new")).unwrap();
        assert!(matches!(store.keep(seen("example.com/a", 4)), Err(Error::File { .. })));
        assert_eq!(store.last("example.com/a").size, 3);
        drop(store);
        assert_eq!(Store::open(dir.path()).unwrap().last("example.com/a").size, 3);
    }

    #[test]
    fn a_witness_that_was_killed_at_its_very_first_start_starts() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(LOCK), b"").unwrap();
        drop(Store::open(dir.path()).unwrap());
        let state = fs::read(dir.path().join(STATE)).unwrap();
        fs::write(dir.path().join(LOCK), b"").unwrap();
        drop(Store::open(dir.path()).unwrap());
        assert_eq!(fs::read(dir.path().join(STATE)).unwrap(), state);
    }
}
