//! The head in a file of the ledger's folder.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::head::{Error, Head, HeadStore};
use crate::files::segment;

/// How long somebody else may take to write the head.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often one that waits for that looks again.
const LOOK: Duration = Duration::from_millis(5);

/// The head in a file.
///
/// Whoever advances it holds the lock of the *folder* from reading to renaming, so that the comparison and the write are one step for all
/// processes that keep to it; unlike a file, a folder in use cannot be removed and made anew by somebody who believes its holder dead.
/// This holds on a file system of this machine. It does not against one who writes the file with an editor.
#[derive(Debug)]
pub(crate) struct HeadFile {
    folder: PathBuf,
}

impl HeadFile {
    pub fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.join("head")
    }

    fn failed(&self) -> impl FnOnce(io::Error) -> Error + use<> {
        let path = self.path();
        move |source| Error::File { path, source }
    }

    /// The lock is held until the file is closed.
    #[expect(clippy::disallowed_methods, reason = "it blocks on the disk anyway, and the wait has a bound")]
    fn lock(&self) -> io::Result<File> {
        let (folder, begun) = (File::open(&self.folder)?, Instant::now());
        loop {
            match folder.try_lock() {
                Ok(()) => return Ok(folder),
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => sleep(LOOK),
                Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::TimedOut.into()),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

impl HeadStore for HeadFile {
    /// The JSON, and behind it its checksum on a line of its own.
    fn read(&self) -> Result<Option<Head>, Error> {
        let text = match fs::read_to_string(self.path()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => String::new(),
            Err(source) => return Err(Error::File { path: self.path(), source }),
        };
        let head = text.split_once('\n').and_then(|(json, checksum)| {
            let is_whole = checksum.trim_end() == format!("{:08x}", crc32c::crc32c(json.as_bytes()));
            is_whole.then(|| serde_json::from_str(json).ok()).flatten()
        });
        head.map(Some).ok_or_else(|| Error::Damaged { path: self.path() })
    }

    fn advance(&self, from: u64, next: &Head) -> Result<(), Error> {
        let _locked = self.lock().map_err(self.failed())?;
        if self.read()?.map_or(0, |head| head.generation) != from {
            return Err(Error::TakenOver);
        }
        let json = serde_json::to_string(next).expect("a head has a JSON form");
        let text = format!("{json}\n{:08x}\n", crc32c::crc32c(json.as_bytes()));
        replace(&self.path(), text.as_bytes()).map_err(self.failed())
    }
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

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn of_all_who_advance_from_one_generation_at_once_one_does() {
        let dir = tempfile::tempdir().unwrap();
        let store = HeadFile::of(dir.path());
        for from in 0..20 {
            let barrier = Barrier::new(4);
            let next = Head { generation: from + 1, ..Head::first() };
            let advanced = thread::scope(|scope| {
                let advance = || {
                    barrier.wait();
                    store.advance(from, &next).is_ok()
                };
                let all: Vec<_> = (0..4).map(|_| scope.spawn(advance)).collect();
                all.into_iter().map(|one| u64::from(one.join().unwrap())).sum::<u64>()
            });
            assert_eq!(advanced, 1, "from generation {from}");
        }
    }
}
