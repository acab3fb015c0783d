//! Secrets are read from files, never from a configuration value, the environment or the command line.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// No secret of the hub is longer than this many bytes.
const LARGEST: u64 = 64 * 1024;

/// The path of a file that holds a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretFile(PathBuf);

/// A secret's bytes. It has no `Debug`, and its memory is wiped when it is dropped.
pub struct Secret(Zeroizing<Vec<u8>>);

/// A secret could not be read. Says which file and why, and nothing of what is in it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be opened or read.
    #[error("the secret file {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Everybody on the machine may read or write the file.
    #[error(
        "the secret file {path} is open to every user of this machine (mode {mode:o}); run: chmod o-rwx {path}"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is larger than any secret.
    #[error("the secret file {path} is larger than {LARGEST} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is empty.
    #[error("the secret file {path} is empty")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl SecretFile {
    /// Names the file; nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Returns the file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Reads the secret. Blocking; for the start of a process.
    ///
    /// # Errors
    /// The file is missing, empty, too large, or open to every user of the machine.
    pub fn read(&self) -> Result<Secret, SecretError> {
        let path = &self.0;
        let unreadable = |source| SecretError::Unreadable { path: path.clone(), source };
        let file = File::open(path).map_err(unreadable)?;
        // Asked of the open file, so that it cannot be exchanged between the check and the reading.
        refuse_exposed(path, &file.metadata().map_err(unreadable)?)?;

        let mut bytes = Zeroizing::new(Vec::new());
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > LARGEST {
            return Err(SecretError::TooLarge { path: path.clone() });
        }
        if bytes.is_empty() {
            return Err(SecretError::Empty { path: path.clone() });
        }
        Ok(Secret(bytes))
    }
}

impl Secret {
    /// Holds bytes that were made, not read.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Returns the bytes, as they are in the file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the secret as text without the white space around it; `None` if it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok().map(str::trim)
    }
}

#[cfg(unix)]
fn refuse_exposed(path: &Path, metadata: &std::fs::Metadata) -> Result<(), SecretError> {
    use std::os::unix::fs::PermissionsExt;
    // The group may read: Kubernetes mounts secrets for the pod's group.
    const OTHERS: u32 = 0o007;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(SecretError::Exposed { path: path.to_owned(), mode });
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_exposed(_path: &Path, _metadata: &std::fs::Metadata) -> Result<(), SecretError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, SecretFile) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (dir, SecretFile::new(path))
    }

    #[test]
    fn a_secret_for_its_owner_or_group_alone_is_read() {
        for mode in [0o600, 0o400, 0o640] {
            let (_dir, secret) = file(b"opensesame\n", mode);
            let secret = secret.read().map_err(|error| error.to_string()).ok().unwrap();
            assert_eq!(secret.bytes(), b"opensesame\n");
            assert_eq!(secret.text(), Some("opensesame"));
        }
    }

    #[test]
    fn a_secret_that_everybody_can_read_is_refused_with_the_remedy() {
        let (_dir, secret) = file(b"opensesame", 0o644);
        let refusal = secret.read().err().unwrap().to_string();
        assert!(refusal.contains("644") && refusal.contains("chmod o-rwx"), "{refusal}");
        assert!(!refusal.contains("opensesame"));
    }

    #[test]
    fn an_empty_a_missing_and_an_endless_secret_are_refused() {
        let (dir, empty) = file(b"", 0o600);
        assert!(matches!(empty.read().err(), Some(SecretError::Empty { .. })));
        let missing = SecretFile::new(dir.path().join("missing"));
        assert!(matches!(missing.read().err(), Some(SecretError::Unreadable { .. })));
        let (_dir, endless) = file(&vec![b'x'; 70_000], 0o600);
        assert!(matches!(endless.read().err(), Some(SecretError::TooLarge { .. })));
    }
}
