//! The sealing: a Merkle tree over the log's leaves, and what is signed of it. Nobody's exchange waits for it.
//!
//! ```text
//!  filing ──► tree (hashes.rs) ──► head, from its generation only (head.rs) ──► signed checkpoint (publish.rs) ◄──► witnesses (witnesses.rs)
//!                                   └─ with the offsets that were consumed (runs.rs)      └──► proofs, tiles (pages.rs)
//! ```
//!
//! The tree is that of RFC 6962 over the sealed parts, byte for byte, and is told as the open specification tlog-tiles has it, so
//! that whoever doubts the ledger needs nothing of it. A leaf that is under a head is never taken back: a log that is shorter
//! than its head, or makes another root, is named, and nothing is signed any more.

mod check;
mod hashes;
mod head;
mod head_file;
mod pages;
mod publish;
mod runs;
mod sealer;
mod tree;
mod witness;
mod witnesses;

use std::path::PathBuf;
use std::sync::Arc;

use lgsp_runtime::{Shutdown, Stage, State};
use lgsp_tlog::SignerKey;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tracing::error;

use crate::Options;
use crate::files::journal::Incarnation;
use crate::files::log::End;
use crate::recovery::Site;

pub(crate) use hashes::Hashes;
pub(crate) use head::{Head, Heads};
pub(crate) use head_file::replace;
use pages::Pages;
pub(crate) use publish::Prover;
pub(crate) use publish::Publisher;
pub(crate) use sealer::Batch;
use sealer::Sealer;
pub(crate) use tree::Tree;

/// Batches that wait to be sealed.
const MOST_BATCHES: usize = 16;

/// The seal of a log, before it goes on. None, with its cause, if the log is not the one that was sealed: then it is still
/// written and read, and nothing is signed.
#[derive(Debug)]
pub(crate) struct Seal(Result<(Arc<Mutex<Tree>>, Publisher), Error>);

impl Seal {
    /// Opens the seal of a log whose head was taken over.
    ///
    /// # Errors
    /// A file cannot be read or written. A log that is not the one that was sealed is none.
    pub async fn open(
        options: &Options,
        site: &Site,
        (head, end): (Result<(Heads, Head), HeadError>, End),
        keys: Vec<SignerKey>,
        incarnation: Incarnation,
    ) -> Result<Self, Error> {
        let (dir, log, origin) = (site.dir.clone(), site.log.clone(), options.origin.clone());
        let opened = spawn_blocking(move || open(dir, log, &origin, (head, end), keys, incarnation)).await;
        match opened.unwrap_or_else(|_| Err(std::io::Error::other("the process is ending").into())) {
            Err(error @ (Error::File(_) | Error::Head(HeadError::File { .. }) | Error::Origin(_))) => {
                Err(error)
            }
            opened => Ok(Self(opened.map(|(tree, publisher)| (Arc::new(Mutex::new(tree)), publisher)))),
        }
    }

    /// Who proves what is in the log, if that can be done.
    pub fn prover(&self) -> Option<Prover> {
        let (tree, publisher) = self.0.as_ref().ok()?;
        Some(Prover {
            tree: Arc::clone(tree),
            hashes: tree.lock().hashes(),
            newest: publisher.newest(),
            signs: publisher.signs(),
        })
    }

    /// Goes on sealing. Returns where the filing hands its leaves on.
    pub fn start(
        self,
        options: &Options,
        site: &Site,
        state: &State,
        shutdown: &Shutdown,
    ) -> Option<mpsc::Sender<Batch>> {
        let component = state.component("sealing");
        let (tree, publisher) = match self.0 {
            Ok(opened) => opened,
            Err(error) => {
                error!(%error, "the log is not sealed any more");
                component.failed(error.cause());
                return None;
            }
        };
        let (sender, batches) = mpsc::channel(MOST_BATCHES);
        let hashes = tree.lock().hashes();
        state.show(Arc::new(Pages::new(&site.log, hashes.clone(), publisher.newest())));
        let publisher = Arc::new(publisher);
        witnesses::follow(&options.witnesses, &publisher, hashes, state, shutdown);
        let sealer = Sealer {
            tree,
            publisher,
            batches,
            every: options.seal_every,
            component,
            sealed: state.fact("sealed"),
        };
        shutdown.spawn(Stage::Close, "sealing of the log", sealer.run());
        Some(sender)
    }
}

fn open(
    dir: PathBuf,
    log: PathBuf,
    origin: &str,
    (head, end): (Result<(Heads, Head), HeadError>, End),
    keys: Vec<SignerKey>,
    incarnation: Incarnation,
) -> Result<(Tree, Publisher), Error> {
    let mut tree = Tree::open(&dir, &log, head?, end)?;
    tree.live_in(incarnation);
    let publisher = Publisher::open(&dir, origin, keys, &tree)?;
    Ok((tree, publisher))
}

/// Why nothing is sealed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The head could not be read or did not advance.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// A file could not be read or written.
    #[error("the tree of the log: {0}")]
    File(#[from] std::io::Error),
    /// The log is not the one that was sealed.
    #[error(
        "the log is not the one that was sealed: its first {size} leaves make the root {found}, and {expected} was sealed"
    )]
    Altered {
        /// How many leaves were sealed.
        size: u64,
        /// The root that was sealed.
        expected: lgsp_tlog::Hash,
        /// The root that they make.
        found: lgsp_tlog::Hash,
    },
    /// The log was put back behind what it has signed.
    #[error("the log was put back: it has signed a checkpoint of {signed} leaves, and has {there}")]
    Rewound {
        /// Leaves of the checkpoint.
        signed: u64,
        /// Leaves that are there.
        there: u64,
    },
    /// What was signed last cannot be read.
    #[error(
        "{path} is damaged: whether the log was put back behind it cannot be told; restore it from a witness's or a monitor's copy"
    )]
    Checkpoint {
        /// The checkpoint's file.
        path: PathBuf,
    },
    /// A leaf was lost before it was sealed.
    #[error("leaf {leaf} was lost before it was sealed: restore the log's last segment from a copy")]
    Lost {
        /// Its number.
        leaf: u64,
    },
    /// The checkpoint cannot be written.
    #[error("the origin of the log: {0}")]
    Origin(#[from] lgsp_tlog::checkpoint::Error),
    /// The checkpoint cannot be signed.
    #[error("the checkpoint cannot be signed: {0}")]
    Sign(#[from] lgsp_tlog::note::Error),
}

pub use check::{Checked, Problem, Status, check, status};
pub use head::Error as HeadError;
