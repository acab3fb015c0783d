//! The files of keys: how each is read, and how those of a new hub are made.
//!
//! What is secret is in a file for its owner alone, and is never printed.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
};
use ed25519_dalek::{SigningKey, VerifyingKey};
use lgsp_bus::MacKey;

use super::{Error, io_error, make_private_dir};

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

pub(super) fn make_symmetric_key(path: &Path) -> Result<(), Error> {
    if path.exists() {
        // One that is being replaced is two.
        return read_mac_key(path).map(drop);
    }
    let key: [u8; 32] = rand::random();
    write_private(path, format!("{}\n", hex::encode(key)).as_bytes())
}

pub(super) fn make_signing_key(path: &Path) -> Result<SigningKey, Error> {
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

pub(super) fn write_public_key(path: &Path, key: &SigningKey) -> Result<(), Error> {
    let pem = key.verifying_key().to_public_key_pem(LineEnding::LF);
    let pem = pem.map_err(|error| Error::Io {
        what: "write",
        path: path.to_owned(),
        source: io::Error::other(error),
    })?;
    fs::write(path, pem).map_err(io_error("write", path))
}

/// Writes a file for its owner alone, whole or not at all.
pub(super) fn write_private(path: &Path, content: &[u8]) -> Result<(), Error> {
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
