//! The files of the ledger: the journal, into which everything goes first, and the log, which keeps the sealed parts.

pub(crate) mod group;
pub(crate) mod journal;
pub(crate) mod log;
mod reader;
pub(crate) mod segment;

use std::fmt;
use std::path::PathBuf;

/// A place in a file that does not hold what was written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// Where the broken record begins.
    pub byte: u64,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is damaged at byte {}", self.file.display(), self.byte)
    }
}
