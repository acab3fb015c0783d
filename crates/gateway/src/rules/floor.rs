//! The lowest revision that this gateway still accepts, kept over restarts.
//!
//! Whoever may write the topic can put back an older snapshot, which is validly signed and may know a key that has been
//! revoked since. A running gateway never goes back; a restarted one knows by a file beside its spool.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file's name.
const FILE: &str = "last-revision";

/// The lowest revision that is still accepted.
#[derive(Debug)]
pub(crate) struct Floor {
    path: PathBuf,
    revision: u64,
}

impl Floor {
    /// Reads the floor of a folder; 0 where there is none yet.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        let revision = match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map_err(|_| io::Error::other("it holds no revision"))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        Ok(Self { path, revision })
    }

    /// The revision.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Raises it, durably. Blocking: a few milliseconds, once for each new set of rules.
    pub(crate) fn raise(&mut self, revision: u64) -> io::Result<()> {
        if revision <= self.revision {
            return Ok(());
        }
        let part = self.path.with_extension("part");
        let mut file = File::create(&part)?;
        file.write_all(revision.to_string().as_bytes())?;
        file.sync_all()?;
        fs::rename(&part, &self.path)?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.revision = revision;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_outlives_its_process_and_never_sinks() {
        let dir = tempfile::tempdir().unwrap();
        let mut floor = Floor::open(dir.path()).unwrap();
        assert_eq!(floor.revision(), 0);
        floor.raise(7).unwrap();
        floor.raise(3).unwrap();
        assert_eq!(Floor::open(dir.path()).unwrap().revision(), 7);
    }

    #[test]
    fn a_damaged_floor_is_an_error_and_not_zero() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "seven").unwrap();
        assert!(Floor::open(dir.path()).is_err());
    }
}
