//! The snapshot that was published last, in a file, so that revisions never go back when the broker forgets; and beside it the
//! store that has decided, so that nobody goes back to the files unawares, and the topic that it was published on.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::Error;

/// The extensions of what is kept beside it.
const STORE: &str = "store";
const TOPIC: &str = "topic";

/// The file that keeps it; without one, the topic alone does.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    path: Option<PathBuf>,
}

impl Kept {
    pub fn new(path: &Path) -> Self {
        Self { path: (!path.as_os_str().is_empty()).then(|| path.to_owned()) }
    }

    /// Reads the record, if there is one. Blocking.
    pub fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some(path) = &self.path else { return Ok(None) };
        match std::fs::read(path) {
            Ok(record) => Ok(Some(record)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::State { path: path.clone(), source }),
        }
    }

    /// Replaces the record, durably: a crash leaves the old one or the new one. Blocking.
    pub fn write(&self, record: &[u8]) -> Result<(), Error> {
        let Some(path) = &self.path else { return Ok(()) };
        replace(path, record).map_err(|source| Error::State { path: path.clone(), source })
    }

    /// The store that has decided here, if one has. Blocking.
    pub fn read_store(&self) -> Result<Option<String>, Error> {
        self.read_beside(STORE)
    }

    /// Keeps which store decides here. Blocking.
    pub fn write_store(&self, store: &str) -> Result<(), Error> {
        self.write_beside(STORE, store)
    }

    /// The topic on which was published last, if that was kept. Blocking.
    pub fn read_topic(&self) -> Result<Option<String>, Error> {
        self.read_beside(TOPIC)
    }

    /// Keeps on which topic is published. Blocking.
    pub fn write_topic(&self, topic: &str) -> Result<(), Error> {
        self.write_beside(TOPIC, topic)
    }

    fn read_beside(&self, what: &str) -> Result<Option<String>, Error> {
        let Some(path) = self.beside(what) else { return Ok(None) };
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::State { path, source }),
        }
    }

    fn write_beside(&self, what: &str, text: &str) -> Result<(), Error> {
        let Some(path) = self.beside(what) else { return Ok(()) };
        replace(&path, format!("{text}\n").as_bytes()).map_err(|source| Error::State { path, source })
    }

    fn beside(&self, what: &str) -> Option<PathBuf> {
        self.path.as_ref().map(|path| path.with_extension(what))
    }
}

fn replace(path: &Path, record: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(record)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_last_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::new(&dir.path().join("last-published"));
        assert_eq!(kept.read().unwrap(), None);
        kept.write(b"one").unwrap();
        kept.write(b"two").unwrap();
        assert_eq!(kept.read().unwrap().as_deref(), Some(b"two".as_slice()));
    }

    #[test]
    fn the_store_that_decides_is_kept_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::new(&dir.path().join("last-published"));
        assert_eq!(kept.read_store().unwrap(), None);
        kept.write_store("sqlite:/a/registry.db").unwrap();
        assert_eq!(kept.read_store().unwrap().as_deref(), Some("sqlite:/a/registry.db"));
        kept.write_topic("embedded").unwrap();
        assert_eq!(kept.read_topic().unwrap().as_deref(), Some("embedded"));
        assert_eq!(kept.read().unwrap(), None);
    }

    #[test]
    fn without_a_file_nothing_is_kept_and_nothing_fails() {
        let kept = Kept::new(Path::new(""));
        kept.write(b"one").unwrap();
        assert_eq!(kept.read().unwrap(), None);
    }
}
