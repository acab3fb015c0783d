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
mod gate;
mod handoff;
mod hashes;
mod head;
mod head_file;
mod head_table;
mod mend;
mod pages;
mod publish;
mod runs;
mod sealer;
mod tree;
mod witness;
mod witnesses;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lgsp_runtime::{Shutdown, Stage, State};
use lgsp_tlog::{SignerKey, VerifierKey};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tracing::error;

use crate::Options;
use crate::files::journal::Incarnation;
use crate::files::log::End;
use crate::recovery::Site;

use handoff::hand_off;
pub(crate) use handoff::{Arrived, Batch, HandOn};
pub(crate) use hashes::Hashes;
pub(crate) use head::{Head, HeadStore, Heads};
pub(crate) use head_file::replace;
pub(crate) use head_table::HeadTable;
use mend::Mender;
use pages::Pages;
pub(crate) use publish::{Missing, Prover, Publisher};
use runs::Runs;
use sealer::Sealer;
pub(crate) use tree::Tree;

/// The seal of a log, before it goes on. None, with its cause, if the log is not the one that was sealed: then it is still
/// written and read, and nothing is signed.
#[derive(Debug)]
pub(crate) struct Seal(Result<Opened, Error>);

#[derive(Debug)]
struct Opened {
    tree: Arc<Mutex<Tree>>,
    publisher: Publisher,
    /// Wakes who mends the stored hashes.
    mend: Arc<Notify>,
}

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
        let witnesses: Vec<VerifierKey> =
            options.witnesses.iter().map(|witness| witness.vkey.clone()).collect();
        let opened =
            spawn_blocking(move || open((&dir, &log), &origin, (head, end), (keys, &witnesses), incarnation));
        let opened = opened.await;
        match opened.unwrap_or_else(|_| Err(std::io::Error::other("the process is ending").into())) {
            Err(
                error @ (Error::File(_)
                | Error::Head(HeadError::File { .. } | HeadError::Store(_) | HeadError::Behind { .. })
                | Error::Origin(_)),
            ) => Err(error),
            opened => Ok(Self(opened.map(|(tree, publisher)| Opened {
                tree: Arc::new(Mutex::new(tree)),
                publisher,
                mend: Arc::default(),
            }))),
        }
    }

    /// Who proves what is in the log, if that can be done.
    pub fn prover(&self) -> Option<Prover> {
        let Opened { tree, publisher, mend } = self.0.as_ref().ok()?;
        Some(Prover {
            tree: Arc::clone(tree),
            hashes: tree.lock().hashes(),
            newest: publisher.newest(),
            signs: publisher.signs(),
            mend: Arc::clone(mend),
        })
    }

    /// Goes on sealing. Returns where the filing hands its leaves on.
    pub fn start(self, options: &Options, site: &Site, state: &State, shutdown: &Shutdown) -> Option<HandOn> {
        let component = state.component("sealing");
        let Opened { tree, publisher, mend } = match self.0 {
            Ok(opened) => opened,
            Err(error) => {
                error!(%error, "the log is not sealed any more");
                component.failed(error.cause());
                return None;
            }
        };
        let (hand_on, handed) = hand_off();
        let hashes = tree.lock().hashes();
        state.show(Arc::new(Pages::new(&site.log, hashes.clone(), publisher.newest())));
        let publisher = Arc::new(publisher);
        witnesses::follow(&options.witnesses, &publisher, hashes, state, shutdown);
        let mender = Mender {
            tree: Arc::clone(&tree),
            log: site.log.clone(),
            component: state.component("tree"),
            met: mend,
            stop: shutdown.begins(Stage::Drain),
        };
        shutdown.spawn(Stage::Drain, "mending of the tree", mender.run());
        let sealer = Sealer {
            tree,
            publisher,
            handed,
            log: site.log.clone(),
            every: options.seal_every,
            component,
            sealed: state.fact("sealed"),
            arrived: Runs::default(),
            unsigned: None,
        };
        shutdown.spawn(Stage::Close, "sealing of the log", sealer.run());
        Some(hand_on)
    }
}

fn open(
    (dir, log): (&Path, &Path),
    origin: &str,
    (head, end): (Result<(Heads, Head), HeadError>, End),
    keys: (Vec<SignerKey>, &[VerifierKey]),
    incarnation: Incarnation,
) -> Result<(Tree, Publisher), Error> {
    let mut tree = Tree::open(dir, log, head?, end)?;
    tree.live_in(incarnation);
    let publisher = Publisher::open(dir, origin, keys, &mut tree)?;
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
    /// What was signed last is gone.
    #[error(
        "the checkpoint is missing, and {size} leaves are sealed: whether the log was put back behind what it has signed cannot be told; \
         put the checkpoint back from a backup's, a witness's or a monitor's copy"
    )]
    CheckpointMissing {
        /// How many leaves are sealed.
        size: u64,
    },
    /// A witness has seen another log.
    #[error("a witness has seen another log than this one: it was put back or rewritten")]
    AnotherLog,
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
