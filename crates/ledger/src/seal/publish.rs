//! The checkpoint: what the ledger signs of its head, and what is proven under it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lgsp_core::{Fault, Reason};
use lgsp_proto::ledger::v1::MissingOffsets;
use lgsp_tlog::{Checkpoint, Hash, Note, Proof, Signature, SignerKey, merkle};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::check::read_checkpoint;
use super::head::Head;
use super::head_file::replace;
use super::{Error, Hashes, Tree};
use crate::disk;

/// A checkpoint that was signed.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub size: u64,
    pub root: Hash,
    pub note: Note,
    /// The newest one that witnesses have cosigned, and when they did.
    pub cosigned: Option<(Arc<Published>, Instant)>,
}

/// So long what witnesses have cosigned is shown in the place of what is newer and waits for them.
const WAITS_FOR_WITNESSES: Duration = Duration::from_secs(10);

impl Published {
    /// What is shown: under load there is a newer checkpoint each second, and witnesses cosign one of some.
    pub fn shown(&self) -> &Note {
        match &self.cosigned {
            Some((cosigned, when)) if when.elapsed() < WAITS_FOR_WITNESSES => &cosigned.note,
            Some(_) | None => &self.note,
        }
    }

    /// What a tree of so many leaves is proven under: the one that witnesses have cosigned, if it has them.
    fn to_prove(self: Arc<Self>, size: u64) -> Arc<Self> {
        match &self.cosigned {
            Some((cosigned, _)) if cosigned.size >= size => Arc::clone(cosigned),
            Some(_) | None => self,
        }
    }
}

/// The newest checkpoint; none before the first, and without a key.
pub(crate) type Newest = watch::Receiver<Option<Arc<Published>>>;

/// Signs checkpoints and puts them where others find them.
#[derive(Debug)]
pub(crate) struct Publisher {
    path: PathBuf,
    origin: String,
    keys: Vec<SignerKey>,
    newest: watch::Sender<Option<Arc<Published>>>,
    /// Who puts the next one in its place.
    writing: Mutex<()>,
}

impl Publisher {
    /// Without a key the log is sealed, and nothing is signed.
    ///
    /// # Errors
    /// The log has signed more than it has, or something else: it was put back or replaced. Or what it has signed cannot be read.
    pub fn open(dir: &Path, origin: &str, keys: Vec<SignerKey>, tree: &Tree) -> Result<Self, Error> {
        let path = dir.join("checkpoint");
        Checkpoint::new(origin, 0, Hash::EMPTY_TREE)?;
        if let Some(signed) = signed_before(dir)?.filter(|signed| signed.origin() == origin) {
            hold_against(&signed, tree.size(), &tree.hashes())?;
        }
        if let Some(key) = keys.first() {
            replace(&dir.join("checkpoint.vkey"), format!("{}\n", key.verifier()).as_bytes())?;
        }
        Ok(Self {
            path,
            origin: origin.to_owned(),
            keys,
            newest: watch::Sender::new(None),
            writing: Mutex::new(()),
        })
    }

    pub fn signs(&self) -> bool {
        !self.keys.is_empty()
    }

    pub fn newest(&self) -> Newest {
        self.newest.subscribe()
    }

    /// Signs what a head seals, unless that is signed already.
    ///
    /// # Errors
    /// The checkpoint cannot be written; the last one stays.
    pub fn publish(&self, head: &Head) -> Result<(), Error> {
        if !self.signs() {
            return Ok(());
        }
        let (size, root) = (head.tree.size, head.tree.root);
        let _writing = self.writing.lock();
        if self.newest.borrow().as_ref().is_some_and(|newest| newest.size == size) {
            return Ok(());
        }
        let note = Checkpoint::new(&self.origin, size, root)?.sign(&self.keys.iter().collect::<Vec<_>>())?;
        replace(&self.path, note.to_string().as_bytes())?;
        let cosigned = self.newest.borrow().as_ref().and_then(|newest| newest.cosigned.clone());
        self.newest.send_replace(Some(Arc::new(Published { size, root, note, cosigned })));
        Ok(())
    }

    /// Adds what witnesses have signed of a checkpoint, and publishes it again.
    ///
    /// # Errors
    /// It cannot be written; it stays as it was.
    pub fn add(&self, to: &Published, cosignatures: &[Signature]) -> Result<(), Error> {
        let _writing = self.writing.lock();
        let Some(newest) = self.newest.borrow().clone() else { return Ok(()) };
        let mut note = to.note.clone();
        cosignatures.iter().try_for_each(|cosignature| note.add(cosignature.clone()))?;
        let is_newest = newest.note.text() == note.text();
        if is_newest {
            replace(&self.path, note.to_string().as_bytes())?;
        }
        let cosigned = Published { note: note.clone(), cosigned: None, ..to.clone() };
        let cosigned = Some((Arc::new(cosigned), Instant::now()));
        let note = if is_newest { note } else { newest.note.clone() };
        self.newest.send_replace(Some(Arc::new(Published { note, cosigned, ..(*newest).clone() })));
        Ok(())
    }
}

/// What was signed last. It is put in its place whole: one that cannot be read was damaged, and with it what must not be gone back behind.
fn signed_before(dir: &Path) -> Result<Option<Checkpoint>, Error> {
    match read_checkpoint(dir) {
        Ok(read) => Ok(read.map(|(_, checkpoint)| checkpoint)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(Error::Checkpoint { path: dir.join("checkpoint") })
        }
        Err(error) => Err(error.into()),
    }
}

/// A log that has signed more than there is was put back, and one that has signed something else was replaced.
fn hold_against(signed: &Checkpoint, size: u64, hashes: &Hashes) -> Result<(), Error> {
    if signed.size() > size {
        return Err(Error::Rewound { signed: signed.size(), there: size });
    }
    let found = merkle::root(hashes, signed.size()).map_err(|error| io::Error::other(error.to_string()))?;
    if found == signed.root() {
        return Ok(());
    }
    Err(Error::Altered { size: signed.size(), expected: signed.root(), found })
}

/// Proves what is in the log. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Prover {
    pub tree: Arc<Mutex<Tree>>,
    pub hashes: Hashes,
    pub newest: Newest,
    /// Whether there is a key: without one there will never be a checkpoint.
    pub signs: bool,
}

/// What the log has no record of.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    pub offsets: Vec<MissingOffsets>,
    /// Offsets that cannot be told apart any more.
    pub untold: u64,
    /// Earlier lives of the broker in which something went missing that cannot be told any more.
    pub untold_lives: u64,
}

impl Prover {
    /// Makes the proof that a leaf is in the log (C2SP tlog-proof), once it is under a checkpoint. The leaf goes along.
    pub async fn prove(&self, leaf: u64, sealed: Bytes, deadline: Instant) -> Result<String, Fault> {
        let published = self.covering(leaf + 1, deadline).await?;
        let (hashes, size) = (self.hashes.clone(), published.size);
        let path = disk(hashes.folder().to_owned(), move || {
            merkle::prove_inclusion(&hashes, leaf, size).map_err(|error| io::Error::other(error.to_string()))
        });
        let path = path.await.map_err(|error| Fault::new(Reason::SourceUnavailable).because(error))?;
        let proof = Proof { extra: Some(sealed.to_vec()), index: leaf, path, note: published.note.clone() };
        Ok(proof.to_string())
    }

    /// The newest checkpoint, and the proof that it goes on from a tree of so many leaves.
    pub async fn checkpoint(&self, since: u64, deadline: Instant) -> Result<(Note, Vec<Hash>), Fault> {
        let published = self.covering(since, deadline).await?;
        let (hashes, size) = (self.hashes.clone(), published.size);
        let proof = disk(hashes.folder().to_owned(), move || {
            merkle::prove_consistency(&hashes, since, size)
                .map_err(|error| io::Error::other(error.to_string()))
        });
        let proof = proof.await.map_err(|error| Fault::new(Reason::SourceUnavailable).because(error))?;
        Ok((published.note.clone(), proof))
    }

    /// Which offsets of the topic the log has no record of, though it has later ones, and that may have been entered within a time
    /// (Unix µs); and how many more, and lives of the broker, cannot be told apart.
    pub async fn missing(&self, since_us: i64, until_us: i64) -> Result<Missing, Fault> {
        let tree = Arc::clone(&self.tree);
        // The sealer holds it while it waits for the disk.
        let missing = spawn_blocking(move || {
            let tree = tree.lock();
            let forgotten = tree.head().forgotten;
            let mut missing = Missing::default();
            if forgotten.until_us >= since_us {
                missing.untold_lives = forgotten.lives;
            }
            for runs in tree.head().former.iter().chain([&tree.head().runs]) {
                missing.offsets.extend(runs.missing(since_us, until_us));
                missing.untold += runs.untold();
            }
            missing
        });
        missing.await.map_err(|error| Fault::new(Reason::SourceUnavailable).because(error))
    }

    /// The newest checkpoint of at least so many leaves.
    async fn covering(&self, size: u64, deadline: Instant) -> Result<Arc<Published>, Fault> {
        if !self.signs {
            return Err(Reason::NotSealed.into());
        }
        let mut newest = self.newest.clone();
        let covers =
            |newest: &Option<Arc<Published>>| newest.as_ref().is_some_and(|newest| newest.size >= size);
        let found = timeout_at(deadline, newest.wait_for(covers)).await;
        let found = found.ok().and_then(Result::ok).and_then(|newest| newest.clone());
        let found = found.map(|newest| newest.to_prove(size));
        found.ok_or_else(|| Fault::new(Reason::SourceUnavailable))
    }
}
