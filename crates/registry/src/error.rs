use std::io;
use std::path::PathBuf;

use crate::Problems;

/// Why the registry cannot start, or cannot publish.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder of the rules cannot be read.
    #[error("the rules in {path} cannot be read: {source}")]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The rules do not hold together.
    #[error(transparent)]
    Rules(#[from] Problems),
    /// The signing key cannot be used.
    #[error(
        "the signing key cannot be read: it is not an Ed25519 private key in PEM (openssl genpkey -algorithm ed25519)"
    )]
    Key,
    /// The keys that signed before cannot be used.
    #[error("registry.former-keys {0}")]
    FormerKeys(String),
    /// The file of the signing key cannot be read.
    #[error(transparent)]
    Secret(#[from] lgsp_runtime::config::SecretError),
    /// What was published last cannot be kept or read.
    #[error("{path}, which keeps what was published last, cannot be used: {source}")]
    State {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The keys of the first administrators cannot be kept.
    #[error(
        "the keys of the first administrators cannot be kept in {path}: {source}; what lies there already is not written over"
    )]
    Administrators {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder cannot be watched, or a signal cannot be heard.
    #[error("changes of the rules cannot be noticed")]
    Watch(#[source] io::Error),
    /// A store has decided before, and none is named.
    #[error(
        "the rules have been decided in {store}, and registry.store is not set: the files would grant again what was revoked since. \
         Name the store (--set registry.store={store}), or go back to the files on purpose (--set registry.store=files)"
    )]
    WithoutStore {
        /// The store that has decided.
        store: String,
    },
    /// The store cannot be opened.
    #[error("the store of the registry, {store}, cannot be used: {source}")]
    Store {
        /// Its URL, which holds no password.
        store: String,
        /// What it said.
        source: crate::HistoryError,
    },
    /// The history cannot be used.
    #[error(transparent)]
    History(#[from] crate::HistoryError),
    /// The bus did not do it.
    #[error(transparent)]
    Bus(#[from] lgsp_bus::Error),
}
