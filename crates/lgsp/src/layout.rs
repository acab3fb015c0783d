//! The data directory of `lgsp up`: what lies where, and the keys that are made at the first start.
//!
//! ```text
//! lgsp-data/
//!   lock                          held by the running hub
//!   keys/applications/<id>.pem    each application's own key; a city's applications keep theirs at home
//!   keys/snapshot.pem, .pub.pem   signs the registry's snapshots
//!   keys/log.pem                  signs the checkpoints of the exchange log
//!   keys/mac/<domain>.key         authenticates requests and replies of a domain
//!   keys/subjects/YYYY-MM.key     hashes the subjects of a month
//!   registry/*.toml               the rules
//!   ledger/                       the exchange log
//!   sources/*.db                  the synthetic city
//!   spool/                        refusals that wait for the broker
//! ```
//!
//! Secrets are files of mode 0600 and are never printed.

mod keys;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use lgsp_core::time::month;

use keys::{make_signing_key, make_symmetric_key, write_public_key};

pub use keys::{
    key_files, make_new_signing_key, read_kept_key, read_mac_key, read_mac_keys, read_public_keys,
    read_signing_key, read_symmetric_key, read_symmetric_keys,
};

/// How far ahead subject keys are made: the current month and the next.
const MONTHS_AHEAD_DAYS: [i64; 2] = [0, 31];
const DAY_US: i64 = 86_400_000_000;

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another hub runs on it.
    #[error("{path} is in use by another hub: stop that one, or name another directory with --data")]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A key file holds no key.
    #[error("{path} holds no {what}: restore it from a copy, or move it away to have a new one made")]
    BadKey {
        /// The kind of key.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
}

/// A data directory, locked for this process until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    layout: Layout,
    _lock: File,
}

/// Where things lie in a data directory.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl std::ops::Deref for DataDir {
    type Target = Layout;

    fn deref(&self) -> &Layout {
        &self.layout
    }
}

impl DataDir {
    /// Opens a data directory for this process alone; makes it if it is not there.
    ///
    /// # Errors
    /// Another hub holds it, or it cannot be written.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let layout = Layout::new(root);
        make_private_dir(&layout.root)?;
        let path = layout.root.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(io_error("open", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { layout, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse { path: layout.root }),
            Err(TryLockError::Error(source)) => Err(Error::Io { what: "lock", path, source }),
        }
    }
}

impl Layout {
    /// The layout of a directory; nothing is read or made.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The rules.
    pub fn registry(&self) -> PathBuf {
        self.root.join("registry")
    }

    /// The exchange log.
    pub fn ledger(&self) -> PathBuf {
        self.root.join("ledger")
    }

    /// The databases of the synthetic city.
    pub fn sources(&self) -> PathBuf {
        self.root.join("sources")
    }

    /// Where refusals wait for the broker.
    pub fn spool(&self) -> PathBuf {
        self.root.join("spool")
    }

    /// An application's private key.
    pub fn application_key(&self, application: &str) -> PathBuf {
        self.root.join("keys/applications").join(format!("{application}.pem"))
    }

    /// The key that signs snapshots.
    pub fn snapshot_key(&self) -> PathBuf {
        self.root.join("keys/snapshot.pem")
    }

    /// The public half of the key that signs snapshots.
    pub fn snapshot_public_key(&self) -> PathBuf {
        self.root.join("keys/snapshot.pub.pem")
    }

    /// The key that signs the checkpoints of the exchange log.
    pub fn log_key(&self) -> PathBuf {
        self.root.join("keys/log.pem")
    }

    /// The key that signs decisions about the exchange log.
    pub fn decisions_key(&self) -> PathBuf {
        self.root.join("keys/decisions.key")
    }

    /// The directory of the MAC keys, one file a domain.
    pub fn mac_keys(&self) -> PathBuf {
        self.root.join("keys/mac")
    }

    /// The directory of the subject keys, one file a month.
    pub fn subject_keys(&self) -> PathBuf {
        self.root.join("keys/subjects")
    }

    /// Makes what is missing: the MAC keys of the domains, the snapshot key, the log's key, that of decisions, the subject keys of this month and the
    /// next. `now` is Unix µs.
    ///
    /// # Errors
    /// A file cannot be written, or an existing one holds no key.
    pub fn make_keys(&self, domains: &[&str], now: i64) -> Result<(), Error> {
        for domain in domains {
            make_symmetric_key(&self.mac_keys().join(format!("{domain}.key")))?;
        }
        self.make_subject_keys(now)?;
        make_signing_key(&self.log_key())?;
        if self.decisions_key().exists() {
            read_kept_key(&self.decisions_key())?;
        } else {
            make_symmetric_key(&self.decisions_key())?;
        }
        let snapshot = make_signing_key(&self.snapshot_key())?;
        write_public_key(&self.snapshot_public_key(), &snapshot)
    }

    /// Makes what is missing of the subject keys of this month and the next. `now` is Unix µs.
    ///
    /// # Errors
    /// A file cannot be written, or an existing one holds no key.
    pub fn make_subject_keys(&self, now: i64) -> Result<(), Error> {
        for days in MONTHS_AHEAD_DAYS {
            let name = format!("{}.key", month(now + days * DAY_US));
            make_symmetric_key(&self.subject_keys().join(name))?;
        }
        Ok(())
    }

    /// An application's own key; made if it is missing. Returns the public half.
    ///
    /// # Errors
    /// The file cannot be written, or holds no key.
    pub fn make_application_key(&self, application: &str) -> Result<[u8; 32], Error> {
        Ok(make_signing_key(&self.application_key(application))?.verifying_key().to_bytes())
    }
}

fn make_private_dir(dir: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(io_error("make", dir))
}

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Io { what, path, source }
}

#[cfg(test)]
mod tests {
    use super::keys::write_private;
    use super::*;

    #[test]
    fn a_second_hub_on_the_same_directory_is_refused() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let first = DataDir::open(dir.path()).expect("free");
        assert!(matches!(DataDir::open(dir.path()), Err(Error::InUse { .. })));
        drop(first);
        DataDir::open(dir.path()).expect("free again");
    }

    #[test]
    fn keys_are_made_once_and_are_for_their_owner_alone() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let layout = Layout::new(dir.path());
        layout.make_keys(&["land"], 1_780_300_000_000_000).expect("made");
        let before = read_symmetric_keys(&layout.subject_keys()).expect("readable");
        layout.make_keys(&["land"], 1_780_300_000_000_000).expect("kept");
        assert_eq!(before, read_symmetric_keys(&layout.subject_keys()).expect("readable"));
        assert_eq!(before.keys().collect::<Vec<_>>(), ["2026-06", "2026-07"]);
        let public = layout.make_application_key("tthc").expect("made");
        assert_eq!(public, layout.make_application_key("tthc").expect("kept"));
    }

    #[test]
    fn libraries_of_other_languages_can_read_an_applications_key() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let layout = Layout::new(dir.path());
        layout.make_application_key("tthc").expect("made");
        let pem = fs::read_to_string(layout.application_key("tthc")).expect("readable");
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        // A PKCS#8 key of the first version is 48 bytes; one with its public half is longer, and not every library takes it.
        assert_eq!(body.len(), 64);
    }

    #[test]
    fn a_damaged_key_is_named_and_never_replaced() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let layout = Layout::new(dir.path());
        let path = layout.mac_keys().join("land.key");
        write_private(&path, b"not a key").expect("written");
        let error = layout.make_keys(&["land"], 0).expect_err("damaged");
        assert!(error.to_string().contains("land.key"), "{error}");
    }
}
