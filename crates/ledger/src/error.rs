use std::io;
use std::path::PathBuf;

use lgsp_runtime::State;

use crate::seal::HeadError;

/// Why the ledger cannot start, or did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the ledger cannot be read or written.
    #[error("the ledger's {path} cannot be used: {source}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process uses the folder.
    #[error("another ledger uses {path}; each needs its own ledger.dir")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A store of the ledger did not do it.
    #[error("the ledger's {what}: {source}")]
    Store {
        /// Which store.
        what: &'static str,
        /// The cause.
        source: lgsp_store::Error,
    },
    /// The system gave no thread.
    #[error("no thread for the intake: {source}")]
    Thread {
        /// What the system said.
        source: io::Error,
    },
    /// Requests of a domain cannot be told from forged ones.
    #[error("there is no MAC key of the domain {domain}, whose requests are to be watched")]
    KeyMissing {
        /// The domain.
        domain: String,
    },
    /// The bus did not do it.
    #[error(transparent)]
    Bus(#[from] lgsp_bus::Error),
    /// The log cannot be sealed.
    #[error("the ledger cannot seal its log: {0}")]
    Seal(#[from] crate::seal::Error),
    /// There is no key under which decisions are signed.
    #[error("there is no key to sign decisions about the log with")]
    Unsigned,
    /// Another ledger has taken the log over.
    #[error("another ledger has taken this log over: only one may run on its folder or its store")]
    TakenOver,
    /// The process is ending.
    #[error("the ledger is ending")]
    Ending,
}

impl Error {
    /// The cause in constant words, for the state of the process.
    pub(crate) fn cause(&self) -> &'static str {
        match self {
            Self::File { source, .. } => cause_of(source),
            Self::InUse { .. } => "another ledger uses the folder",
            Self::Store { what: INDEX, source } if cause_in(source).is_none() => INDEX_FAILED,
            Self::Store { source, .. } => cause_in(source).unwrap_or(ERASABLE_FAILED),
            Self::Thread { .. } => "the system gives no thread",
            Self::KeyMissing { .. } => "a MAC key is missing",
            Self::Bus(_) => "the bus failed",
            Self::Seal(error) => error.cause(),
            Self::Unsigned => "there is no key to sign decisions with",
            Self::TakenOver => TAKEN_OVER,
            Self::Ending => "the ledger is ending",
        }
    }
}

impl crate::seal::Error {
    /// The cause in constant words, for the state of the process.
    pub(crate) fn cause(&self) -> &'static str {
        match self {
            Self::Head(HeadError::File { source, .. }) | Self::File(source) => cause_of(source),
            Self::Head(HeadError::Store(error)) => cause_in(error).unwrap_or(HEAD_FAILED),
            Self::Head(HeadError::Damaged { .. }) => "the head of the log is damaged",
            Self::Head(HeadError::NotHere { .. }) => "the head of the log is missing",
            Self::Head(HeadError::Behind { .. }) => "the ledger's folder is behind the head",
            Self::Head(HeadError::TakenOver) => TAKEN_OVER,
            Self::Altered { .. } => "the log is not the one that was sealed",
            Self::Checkpoint { .. } => "the checkpoint is damaged",
            Self::CheckpointMissing { .. } => "the checkpoint is missing",
            Self::AnotherLog => "a witness has seen another log",
            Self::Rewound { .. } => "the log was put back behind what it has signed",
            Self::Lost { .. } => "a leaf was lost before it was sealed",
            Self::Origin(_) | Self::Sign(_) => "the checkpoint cannot be signed",
        }
    }
}

/// The cause of what is wrong with a whole store on a server.
fn cause_in(error: &lgsp_store::Error) -> Option<&'static str> {
    match error {
        lgsp_store::Error::Unreachable { .. } => Some(UNREACHABLE),
        lgsp_store::Error::Denied { .. } => Some(DENIED),
        lgsp_store::Error::TimedOut => Some(LATE),
        lgsp_store::Error::Options { .. }
        | lgsp_store::Error::Busy { .. }
        | lgsp_store::Error::Schema { .. }
        | lgsp_store::Error::Value { .. }
        | lgsp_store::Error::Damaged { .. }
        | lgsp_store::Error::Newer { .. }
        | lgsp_store::Error::Failed { .. } => None,
    }
}

const INDEX_FAILED: &str = "the index cannot be written";
const ERASABLE_FAILED: &str = "the store of erasable parts cannot be written";
const HEAD_FAILED: &str = "the head cannot be written";
const UNREACHABLE: &str = "the ledger's store cannot be reached";
const DENIED: &str = "the ledger's store refuses our user or its password";
const LATE: &str = "the ledger's store does not answer in time";
const DISK_FULL: &str = "the disk is full";
const DISK_QUOTA: &str = "the disk's quota is used up";
const DISK_READ_ONLY: &str = "the disk can only be read";
const FOLDER_FORBIDDEN: &str = "the ledger's folder may not be written";
const FOLDER_GONE: &str = "the ledger's folder is gone";
const DISK_FAILED: &str = "the disk failed";
const TAKEN_OVER: &str = "another ledger has taken the log over";
/// How [`Error::Store`] names the index.
pub(crate) const INDEX: &str = "index";
/// How [`Error::Store`] names the store of erasable parts.
pub(crate) const ERASABLE: &str = "store of erasable parts";

/// Why a disk did not do it, in constant words.
pub(crate) fn cause_of(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull => DISK_FULL,
        io::ErrorKind::QuotaExceeded => DISK_QUOTA,
        io::ErrorKind::ReadOnlyFilesystem => DISK_READ_ONLY,
        io::ErrorKind::PermissionDenied => FOLDER_FORBIDDEN,
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FOLDER_GONE,
        _ => DISK_FAILED,
    }
}

/// The components of the state that write to the disk or to a store.
const WRITERS: [&str; 4] = ["intake", "filing", "sealing", "retention"];

/// What is wrong with the ledger's disk or its store, as its state tells it: `disk-full` or `store-failed`. `None`: nothing.
pub fn store_trouble(state: &State) -> Option<&'static str> {
    WRITERS.into_iter().filter_map(|writer| of_the_store(state.cause(writer)?)).min()
}

/// In the order of the alphabet, so that a full disk is told before what it makes fail.
fn of_the_store(cause: &str) -> Option<&'static str> {
    match cause {
        DISK_FULL | DISK_QUOTA => Some("disk-full"),
        DISK_READ_ONLY | FOLDER_FORBIDDEN | FOLDER_GONE | DISK_FAILED => Some("store-failed"),
        INDEX_FAILED | ERASABLE_FAILED | HEAD_FAILED => Some("store-failed"),
        UNREACHABLE | DENIED | LATE => Some("store-failed"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use lgsp_runtime::Instance;

    use super::*;

    #[test]
    fn a_full_disk_is_told_before_what_it_makes_fail_and_a_lost_broker_is_no_trouble_of_the_store() {
        let state = State::new(Instance::new("ledger", "0"));
        let [intake, filing] = ["intake", "filing"].map(|name| state.component(name));
        assert_eq!(store_trouble(&state), None);
        intake.failed("the topic of the entries cannot be read");
        assert_eq!(store_trouble(&state), None);
        filing.failed(cause_of(&io::ErrorKind::ReadOnlyFilesystem.into()));
        assert_eq!(store_trouble(&state), Some("store-failed"));
        intake.failed(cause_of(&io::ErrorKind::StorageFull.into()));
        assert_eq!(store_trouble(&state), Some("disk-full"));
        intake.ready();
        filing.ready();
        assert_eq!(store_trouble(&state), None);
    }
}
