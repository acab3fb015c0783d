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

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
};
use ed25519_dalek::{SigningKey, VerifyingKey};
use lgsp_bus::MacKey;
use lgsp_core::time::month;

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

/// Reads every `<name>.key` of a directory: 64 hexadecimal digits each.
///
/// # Errors
/// The directory or a file cannot be read, or a file holds something else.
pub fn read_symmetric_keys(dir: &Path) -> Result<BTreeMap<String, [u8; 32]>, Error> {
    read_keys(dir, read_symmetric_key)
}

/// Reads every `<domain>.key` of a directory.
///
/// # Errors
/// As [`read_mac_key`].
pub fn read_mac_keys(dir: &Path) -> Result<BTreeMap<String, MacKey>, Error> {
    read_keys(dir, read_mac_key)
}

fn read_keys<K>(dir: &Path, read: impl Fn(&Path) -> Result<K, Error>) -> Result<BTreeMap<String, K>, Error> {
    let mut keys = BTreeMap::new();
    for (name, path) in key_files(dir)? {
        keys.insert(name, read(&path)?);
    }
    Ok(keys)
}

/// The files `<name>.key` of a directory, by name.
///
/// # Errors
/// The directory cannot be read.
pub fn key_files(dir: &Path) -> Result<BTreeMap<String, PathBuf>, Error> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).map_err(io_error("list", dir))? {
        let path = entry.map_err(io_error("list", dir))?.path();
        let is_key = path.extension().is_some_and(|extension| extension == "key");
        if let Some(name) = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| is_key) {
            files.insert(name.to_owned(), path);
        }
    }
    Ok(files)
}

/// Reads a key of 64 hexadecimal digits.
///
/// # Errors
/// The file cannot be read, is open to every user of the machine, or holds something else.
pub fn read_symmetric_key(path: &Path) -> Result<[u8; 32], Error> {
    let bad = || Error::BadKey { what: "key of 64 hexadecimal digits", path: path.to_owned() };
    let secret = read_secret(path)?;
    let mut key = [0; 32];
    hex::decode_to_slice(secret.text().ok_or_else(bad)?, &mut key).map_err(|_| bad())?;
    Ok(key)
}

/// Reads the MAC key of a domain: 64 hexadecimal digits; twice, while one key is replaced by another.
///
/// # Errors
/// The file cannot be read, is open to every user of the machine, or holds something else.
pub fn read_mac_key(path: &Path) -> Result<MacKey, Error> {
    let bad =
        || Error::BadKey { what: "key of 64 hexadecimal digits, or two of them", path: path.to_owned() };
    MacKey::from_hex(read_secret(path)?.text().ok_or_else(bad)?).map_err(|_| bad())
}

/// Reads the key of what is kept for ever: 64 hexadecimal digits, and after it those that it took the place of.
///
/// # Errors
/// The file cannot be read, is open to every user of the machine, or holds something else.
pub fn read_kept_key(path: &Path) -> Result<MacKey, Error> {
    let bad = || Error::BadKey { what: "keys of 64 hexadecimal digits, one a line", path: path.to_owned() };
    MacKey::from_hex_with_former(read_secret(path)?.text().ok_or_else(bad)?).map_err(|_| bad())
}

/// Reads Ed25519 public keys in PEM: one, or several one after the other.
///
/// # Errors
/// The file cannot be read, or holds something else, or nothing.
pub fn read_public_keys(path: &Path) -> Result<Vec<VerifyingKey>, Error> {
    const END: &str = "-----END PUBLIC KEY-----";
    let bad = || Error::BadKey { what: "Ed25519 public key in PEM", path: path.to_owned() };
    let text = fs::read_to_string(path).map_err(io_error("read", path))?;
    let blocks = text.split_inclusive(END).map(str::trim).filter(|block| !block.is_empty());
    let keys: Vec<_> = blocks
        .map(|block| VerifyingKey::from_public_key_pem(block).map_err(|_| bad()))
        .collect::<Result<_, _>>()?;
    if keys.is_empty() { Err(bad()) } else { Ok(keys) }
}

/// Reads an Ed25519 private key in PKCS#8 PEM.
///
/// # Errors
/// The file cannot be read, is open to every user of the machine, or holds something else.
pub fn read_signing_key(path: &Path) -> Result<SigningKey, Error> {
    let bad = || Error::BadKey { what: "Ed25519 private key in PEM", path: path.to_owned() };
    let secret = read_secret(path)?;
    SigningKey::from_pkcs8_pem(secret.text().ok_or_else(bad)?).map_err(|_| bad())
}

fn read_secret(path: &Path) -> Result<lgsp_runtime::config::Secret, Error> {
    let unreadable =
        |error| Error::Io { what: "read", path: path.to_owned(), source: io::Error::other(error) };
    lgsp_runtime::config::SecretFile::new(path).read().map_err(unreadable)
}

fn make_symmetric_key(path: &Path) -> Result<(), Error> {
    if path.exists() {
        // One that is being replaced is two.
        return read_mac_key(path).map(drop);
    }
    let key: [u8; 32] = rand::random();
    write_private(path, format!("{}\n", hex::encode(key)).as_bytes())
}

fn make_signing_key(path: &Path) -> Result<SigningKey, Error> {
    if path.exists() {
        return read_signing_key(path);
    }
    let (key, pem) = new_signing_key(path)?;
    write_private(path, pem.as_bytes())?;
    Ok(key)
}

/// Makes an Ed25519 private key in a file of its own, for its owner alone. What is there already is not written over.
///
/// # Errors
/// There is such a file, or it cannot be written.
pub fn make_new_signing_key(path: &Path) -> Result<SigningKey, Error> {
    let (key, pem) = new_signing_key(path)?;
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(io_error("make", path))?;
    file.write_all(pem.as_bytes()).map_err(io_error("write", path))?;
    file.sync_all().map_err(io_error("write", path))?;
    Ok(key)
}

/// A new key, as the file at a path holds it.
fn new_signing_key(
    path: &Path,
) -> Result<(SigningKey, impl std::ops::Deref<Target = String> + use<>), Error> {
    let key = SigningKey::from_bytes(&rand::random());
    // Without its public half, which many libraries of other languages cannot read beside it.
    let pem = KeypairBytes { secret_key: key.to_bytes(), public_key: None }.to_pkcs8_pem(LineEnding::LF);
    let pem = pem.map_err(|error| Error::Io {
        what: "write",
        path: path.to_owned(),
        source: io::Error::other(error),
    })?;
    Ok((key, pem))
}

fn write_public_key(path: &Path, key: &SigningKey) -> Result<(), Error> {
    let pem = key.verifying_key().to_public_key_pem(LineEnding::LF);
    let pem = pem.map_err(|error| Error::Io {
        what: "write",
        path: path.to_owned(),
        source: io::Error::other(error),
    })?;
    fs::write(path, pem).map_err(io_error("write", path))
}

/// Writes a file for its owner alone, whole or not at all.
fn write_private(path: &Path, content: &[u8]) -> Result<(), Error> {
    if let Some(dir) = path.parent() {
        make_private_dir(dir)?;
    }
    let part = path.with_extension("part");
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&part).map_err(io_error("write", &part))?;
    file.write_all(content).map_err(io_error("write", &part))?;
    file.sync_all().map_err(io_error("write", &part))?;
    fs::rename(&part, path).map_err(io_error("write", path))?;
    // A key that is lost with its name takes with it what was hashed or signed under it.
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io_error("write", dir))
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
