//! What operators do with the files of a ledger that is stopped: the index anew, old leaves into an archive and back, and a copy of
//! all of it.
//!
//! ```text
//!  reindex   log + erasable parts ──► index.db.new ──► compared ──► index.db
//!  archive   segments, parts, tiles ──► NAME.new ──► read back, held against the tree ──► NAME ──► archived/NAME.json ──► gone online
//!  restore   NAME ──► held against the tree ──► segments, parts, index ──► archived/NAME.json gone
//!  erase     NAME's parts without what was erased since ──► the manifest ──► the old parts gone
//! ```
//!
//! Each step may be the last before a power cut. What is on the shelf (`archived/`) is archived: what then still lies online is taken
//! away at the next start. What is not, is online, whole. The hashes of the tree stay, so that every proof and checkpoint still holds.

mod archive;
mod copy;
mod erase;
mod finish;
mod parts;
mod reindex;
mod restore;
mod set;
mod shelf;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use archive::{Archived, Kept, Online, archive};
pub use copy::{Copied, check_store, copy, copy_store, verify_copy};
pub use erase::{Erased, erase};
pub(crate) use finish::finish_at_start;
pub use reindex::{Difference, Miscounted, Reindexed, compare, reindex};
pub use restore::{Restored, restore};
pub use set::{Manifest, Part, Segment, copy_file, names, part_of, verify};
pub(crate) use shelf::Shelf;

use crate::entry::Signers;
use crate::erasable::Erasables;
use crate::index::Index;
use crate::recovery::Site;
use crate::seal::{Head, HeadError, Heads};
use crate::{Keys, Options};

/// Why something was not done with the files of a ledger.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no ledger in the folder.
    #[error("{path} is no folder of a ledger: there is no head in it")]
    NoLedger {
        /// The folder.
        path: PathBuf,
    },
    /// A ledger runs on the folder.
    #[error(
        "a ledger runs on {path}: stop it first; on Kafka, gateways serve on meanwhile, and it takes in afterwards what waits on the topic (7 days)"
    )]
    Running {
        /// The folder.
        path: PathBuf,
    },
    /// Something is not as it was written.
    #[error("{path}: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// It is not to be done.
    #[error("{0}")]
    Refused(String),
    /// The head of the log.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// A store or file of the ledger.
    #[error(transparent)]
    Ledger(#[from] crate::Error),
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::File { path, source }
}

fn damaged(path: &Path, what: impl Into<String>) -> Error {
    Error::Damaged { path: path.to_owned(), what: what.into() }
}

/// How far something has come, for whoever waits. Between any two of them a crash leaves the old state or the new one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "their words say it")]
pub enum Step {
    Reading { done: u64, of: u64 },
    Writing { name: String },
    Verifying { name: String },
    Named { name: String },
    OnTheShelf { name: String },
    IndexDone { name: String },
    PartsDone { name: String },
    SegmentsDone { name: String },
    InPlace { name: String },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reading { done, of } => write!(f, "{done} of {of} entries"),
            Self::Writing { name } => write!(f, "{name}: writing"),
            Self::Verifying { name } => write!(f, "{name}: reading back, and holding against the tree"),
            Self::Named { name } => write!(f, "{name}: written"),
            Self::OnTheShelf { name } => write!(f, "{name}: noted in the ledger"),
            Self::IndexDone { name } => write!(f, "{name}: index done"),
            Self::PartsDone { name } => write!(f, "{name}: erasable parts done"),
            Self::SegmentsDone { name } => write!(f, "{name}: segments done"),
            Self::InPlace { name } => write!(f, "{name}: in its place"),
        }
    }
}

/// Hears the steps.
pub type Tell<'a> = &'a mut (dyn FnMut(Step) + Send);

/// What works on the ledger's files has nothing to work on if they are on a server.
fn in_files(options: &Options) -> Result<(), Error> {
    if options.store.is_empty() {
        return Ok(());
    }
    let what = "ledger.store is on PostgreSQL: this command is for ledgers in files. Back the database up with pg_dump";
    Err(Error::Refused(what.to_owned()))
}

/// The files of a ledger that is stopped.
struct Stopped {
    site: Site,
    head: Head,
}

impl Stopped {
    /// Keeps every ledger out of a folder that is one's.
    async fn open(options: &Options) -> Result<Self, Error> {
        let dir = &*options.dir;
        if !dir.join("head").exists() {
            return Err(Error::NoLedger { path: dir.to_owned() });
        }
        let site = Site::open(dir).await.map_err(|error| match error {
            crate::Error::InUse { path } => Error::Running { path },
            error => error.into(),
        })?;
        let head = Heads::read(dir)?;
        Ok(Self { site, head })
    }

    /// The stores, brought up to the log.
    async fn stores(&self, keys: &Keys) -> Result<(Index, Erasables), Error> {
        let erasables = Erasables::open(&self.site.erasable).await?;
        self.needs_decisions(keys, &erasables).await?;
        let index = crate::recovery::bring_up(&self.site, &keys.signers(), &erasables).await?;
        Ok((index, erasables))
    }
}

impl Stopped {
    /// Without their key, decisions that stand in the log would be none to whoever builds the index from it.
    async fn needs_decisions(&self, keys: &Keys, erasables: &Erasables) -> Result<(), Error> {
        if keys.decisions.is_some() {
            return Ok(());
        }
        let shelf = Shelf::read(&self.site.dir).map_err(file(&self.site.dir))?;
        if erasables.carried_out().await? == 0 && shelf.acts().is_empty() {
            return Ok(());
        }
        let what = "decisions stand in the log, and the key of `keys.decisions` is missing: without it they would count for nothing; \
                    name the data directory with --data, or the key's file";
        Err(Error::Refused(what.to_owned()))
    }
}

impl Keys {
    /// Those by which it is told what is signed.
    fn signers(&self) -> Signers {
        Signers {
            entries: self.macs.counting().cloned(),
            former_entries: self.former_entries.clone(),
            decisions: self.decisions.clone(),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
