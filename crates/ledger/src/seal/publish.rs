//! The checkpoint: what the ledger signs of its head, and what is proven under it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lgsp_core::{Fault, Reason};
use lgsp_proto::ledger::v1::MissingOffsets;
use lgsp_tlog::{Checkpoint, Hash, Note, Proof, Signature, SignerKey, VerifierKey, leaf_hash, merkle};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};
use tracing::error;

use super::check::read_checkpoint;
use super::gate::Gate;
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
    /// What is shown: under load there is a newer checkpoint each second, and witnesses cosign one of some. Never one that is smaller than
    /// what was shown before: for whoever looks, the log would have gone back.
    pub fn shown(&self, before: u64) -> &Self {
        match &self.cosigned {
            Some((cosigned, when)) if cosigned.size >= before && when.elapsed() < WAITS_FOR_WITNESSES => {
                cosigned
            }
            Some(_) | None => self,
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
    dir: PathBuf,
    origin: String,
    keys: Vec<SignerKey>,
    newest: watch::Sender<Option<Arc<Published>>>,
    /// Held by who puts the next one in its place.
    gate: Mutex<Gate>,
    /// The size from which the log was signed anew in this life, after its checkpoint was lost.
    began_anew: Option<u64>,
}

/// The newest checkpoint.
const NEWEST: &str = "checkpoint";
/// The newest one that witnesses have cosigned.
const COSIGNED: &str = "checkpoint.cosigned";
/// With this file the operator lets the ledger sign a log anew whose checkpoint is gone.
const BEGIN_ANEW: &str = "checkpoint.begin-anew";

impl Publisher {
    /// Without a key the log is sealed, and nothing is signed. What was signed last is shown again, with the cosignatures of witnesses that
    /// are known; if there are any, nothing more is signed before they were asked.
    ///
    /// # Errors
    /// The log has signed more than it has, or something else: it was put back or replaced. Or what it has signed cannot be read.
    pub fn open(
        dir: &Path,
        origin: &str,
        (keys, witnesses): (Vec<SignerKey>, &[VerifierKey]),
        tree: &mut Tree,
    ) -> Result<Self, Error> {
        Checkpoint::new(origin, 0, Hash::EMPTY_TREE)?;
        let before = signed_before(dir)?;
        let is_none = before.is_none();
        let before = before.filter(|(_, signed)| signed.origin() == origin);
        if let Some((_, signed)) = &before {
            hold_against(signed, tree.size(), &tree.hashes())?;
        }
        let mut publisher = Self {
            dir: dir.to_owned(),
            origin: origin.to_owned(),
            keys,
            newest: watch::Sender::new(None),
            gate: Mutex::new(Gate { asking: !witnesses.is_empty(), ..Gate::default() }),
            began_anew: None,
        };
        let Some(key) = publisher.keys.first() else { return Ok(publisher) };
        let verifier = format!("{}\n", key.verifier());
        let sealed = tree.head().tree;
        let was_signed = tree.head().signed || dir.join("checkpoint.vkey").try_exists()?;
        let first = match &before {
            Some((note, signed)) => {
                let cosignatures = cosignatures(note, witnesses);
                publisher.sign(signed.size(), signed.root(), &cosignatures)?
            }
            None => publisher.sign(sealed.size, sealed.root, &[])?,
        };
        if is_none && sealed.size > 0 && was_signed {
            if !dir.join(BEGIN_ANEW).try_exists()? {
                publisher.gate.get_mut().unconfirmed = Some(Arc::new(first));
                return Ok(publisher);
            }
            publisher.began_anew = Some(sealed.size);
        }
        let cosigned = publisher.cosigned_before(&first, witnesses, tree)?;
        publisher.put(Published { cosigned, ..first })?;
        tree.note_signed();
        replace(&dir.join("checkpoint.vkey"), verifier.as_bytes())?;
        match fs::remove_file(dir.join(BEGIN_ANEW)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
        Ok(publisher)
    }

    pub fn signs(&self) -> bool {
        !self.keys.is_empty()
    }

    pub fn newest(&self) -> Newest {
        self.newest.subscribe()
    }

    /// The size from which the log was signed anew in this life, because its checkpoint was gone and the operator said so.
    pub fn began_anew(&self) -> Option<u64> {
        self.began_anew
    }

    /// Signs what a head seals, unless that is signed already or the witnesses are still to be asked.
    ///
    /// # Errors
    /// It must not be signed, or cannot be written; the last one stays.
    pub fn publish(&self, head: &Head) -> Result<(), Error> {
        if !self.signs() {
            return Ok(());
        }
        let (size, root) = (head.tree.size, head.tree.root);
        let gate = self.gate.lock();
        let is_open = gate.is_open()?;
        if !is_open || self.newest.borrow().as_ref().is_some_and(|newest| newest.size >= size) {
            return Ok(());
        }
        let cosigned = self.newest.borrow().as_ref().and_then(|newest| newest.cosigned.clone());
        self.put(Published { cosigned, ..self.sign(size, root, &[])? })
    }

    /// The checkpoint of an empty log: a witness says to it how far it has cosigned, and it can be held against nobody.
    pub fn of_nothing(&self) -> Result<Published, Error> {
        self.sign(0, Hash::EMPTY_TREE, &[])
    }

    /// What is signed only if all witnesses say that the log goes on what they have seen.
    pub fn unconfirmed(&self) -> Option<Arc<Published>> {
        self.gate.lock().unconfirmed.clone()
    }

    /// Nothing more is signed while a witness has seen another log. Once the witnesses were asked, nothing else stands in the way.
    pub fn witnesses_said(&self, is_another_log: bool) {
        let mut gate = self.gate.lock();
        gate.asking = false;
        gate.is_another_log = is_another_log;
    }

    /// All witnesses have said that the log goes on what they have seen.
    ///
    /// # Errors
    /// It cannot be written, and is as it was.
    pub fn confirm(&self) -> Result<(), Error> {
        let mut gate = self.gate.lock();
        if let Some(unconfirmed) = &gate.unconfirmed {
            self.put((**unconfirmed).clone())?;
        }
        *gate = Gate::default();
        Ok(())
    }

    /// Adds what witnesses have signed of a checkpoint, and publishes it again.
    ///
    /// # Errors
    /// It cannot be written; it stays as it was.
    pub fn add(&self, to: &Published, cosignatures: &[Signature]) -> Result<(), Error> {
        let _gate = self.gate.lock();
        let Some(newest) = self.newest.borrow().clone() else { return Ok(()) };
        let (mut note, mut newer) = (to.note.clone(), (*newest).clone());
        cosignatures.iter().try_for_each(|cosignature| note.add(cosignature.clone()))?;
        // Two rounds may end in another order than they began.
        if newest.cosigned.as_ref().is_some_and(|(cosigned, _)| cosigned.size > to.size) {
            return Ok(());
        }
        replace(&self.dir.join(COSIGNED), note.to_string().as_bytes())?;
        if newest.note.text() == note.text() {
            replace(&self.dir.join(NEWEST), note.to_string().as_bytes())?;
            newer.note = note.clone();
        }
        let cosigned = Published { note, cosigned: None, ..to.clone() };
        newer.cosigned = Some((Arc::new(cosigned), Instant::now()));
        self.newest.send_replace(Some(Arc::new(newer)));
        Ok(())
    }

    fn sign(&self, size: u64, root: Hash, cosignatures: &[Signature]) -> Result<Published, Error> {
        let keys: Vec<&SignerKey> = self.keys.iter().collect();
        let mut note = Checkpoint::new(&self.origin, size, root)?.sign(&keys)?;
        cosignatures.iter().try_for_each(|cosignature| note.add(cosignature.clone()))?;
        Ok(Published { size, root, note, cosigned: None })
    }

    fn put(&self, published: Published) -> Result<(), Error> {
        replace(&self.dir.join(NEWEST), published.note.to_string().as_bytes())?;
        self.newest.send_replace(Some(Arc::new(published)));
        Ok(())
    }

    /// What witnesses have cosigned in an earlier life. It is only shown: what cannot be used of it is passed over.
    fn cosigned_before(
        &self,
        first: &Published,
        witnesses: &[VerifierKey],
        tree: &Tree,
    ) -> Result<Option<(Arc<Published>, Instant)>, Error> {
        let Ok(Some((note, checkpoint))) = read_checkpoint(self.dir.join(COSIGNED)) else { return Ok(None) };
        let cosignatures = cosignatures(&note, witnesses);
        let is_ours = checkpoint.origin() == self.origin && checkpoint.size() <= first.size;
        if cosignatures.is_empty()
            || !is_ours
            || hold_against(&checkpoint, tree.size(), &tree.hashes()).is_err()
        {
            return Ok(None);
        }
        let cosigned = self.sign(checkpoint.size(), checkpoint.root(), &cosignatures)?;
        Ok(Some((Arc::new(cosigned), Instant::now())))
    }
}

/// The signatures of known witnesses.
fn cosignatures(note: &Note, witnesses: &[VerifierKey]) -> Vec<Signature> {
    if note.verify(witnesses).is_err() {
        return Vec::new();
    }
    let is_known = |signature: &&Signature| {
        witnesses.iter().any(|key| (key.name(), key.id()) == (signature.name(), signature.id()))
    };
    note.signatures().iter().filter(is_known).cloned().collect()
}

/// What was signed last. It is put in its place whole: one that cannot be read was damaged, and with it what must not be gone back behind.
fn signed_before(dir: &Path) -> Result<Option<(Note, Checkpoint)>, Error> {
    match read_checkpoint(dir.join(NEWEST)) {
        Ok(read) => Ok(read),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(Error::Checkpoint { path: dir.join(NEWEST) })
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

/// Makes the proof that a tree goes on from its first leaves, and holds it against the root that was signed. Blocking.
///
/// # Errors
/// `InvalidData` if it does not hold: the stored hashes are damaged.
pub(crate) fn prove_consistency(
    hashes: &Hashes,
    old: u64,
    (size, root): (u64, Hash),
) -> io::Result<Vec<Hash>> {
    let proof = merkle::prove_consistency(hashes, old, size).map_err(damaged)?;
    let old_root = merkle::root(hashes, old).map_err(damaged)?;
    merkle::verify_consistency(&proof, old, &old_root, size, &root).map_err(damaged)?;
    Ok(proof)
}

fn damaged(error: impl std::error::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the stored hashes are damaged: {error}"))
}

/// Proves what is in the log. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Prover {
    pub tree: Arc<Mutex<Tree>>,
    pub hashes: Hashes,
    pub newest: Newest,
    /// Whether there is a key: without one there will never be a checkpoint.
    pub signs: bool,
    /// Wakes who mends the stored hashes.
    pub mend: Arc<Notify>,
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
        let (hashes, size, root) = (self.hashes.clone(), published.size, published.root);
        let hash = leaf_hash(&sealed);
        let path = disk(hashes.folder().to_owned(), move || {
            let path = merkle::prove_inclusion(&hashes, leaf, size).map_err(damaged)?;
            merkle::verify_inclusion(&path, leaf, &hash, size, &root).map_err(damaged)?;
            Ok(path)
        });
        let path = path.await.map_err(|error| self.unproven(error))?;
        let proof = Proof { extra: Some(sealed.to_vec()), index: leaf, path, note: published.note.clone() };
        Ok(proof.to_string())
    }

    /// The newest checkpoint, and the proof that it goes on from a tree of so many leaves.
    pub async fn checkpoint(&self, since: u64, deadline: Instant) -> Result<(Note, Vec<Hash>), Fault> {
        let published = self.covering(since, deadline).await?;
        let (hashes, of) = (self.hashes.clone(), Arc::clone(&published));
        let proof =
            disk(hashes.folder().to_owned(), move || prove_consistency(&hashes, since, (of.size, of.root)));
        let proof = proof.await.map_err(|error| self.unproven(error))?;
        Ok((published.note.clone(), proof))
    }

    /// How many leaves are sealed.
    pub async fn sealed(&self) -> Result<u64, Fault> {
        let tree = Arc::clone(&self.tree);
        // The sealer holds it while it waits for the disk.
        let sealed = spawn_blocking(move || tree.lock().size());
        sealed.await.map_err(|error| Fault::new(Reason::SourceUnavailable).because(error))
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

    /// A proof that does not hold is never sent: stored hashes are damaged, and are made again.
    fn unproven(&self, error: crate::Error) -> Fault {
        error!(%error, "a proof does not hold against the checkpoint and is not sent");
        self.mend.notify_one();
        Fault::new(Reason::SourceUnavailable).because(error)
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

#[cfg(test)]
mod tests {
    use lgsp_tlog::Kind;

    use super::*;

    fn published(size: u64, cosigned: Option<u64>) -> Published {
        let key = SignerKey::from_seed("example.com/log", Kind::Log, &[1; 32]).unwrap();
        let root = leaf_hash(&size.to_be_bytes());
        let note = Checkpoint::new("example.com/log", size, root).unwrap().sign(&[&key]).unwrap();
        let cosigned = cosigned.map(|size| (Arc::new(published(size, None)), Instant::now()));
        Published { size, root, note, cosigned }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_cosigned_is_shown_for_a_while_and_nothing_smaller_than_what_was_shown() {
        let newest = published(9, Some(5));
        assert_eq!((newest.shown(0).size, newest.shown(5).size, newest.shown(6).size), (5, 5, 9));
        tokio::time::advance(WAITS_FOR_WITNESSES).await;
        assert_eq!(newest.shown(0).size, 9);
    }

    #[test]
    fn a_consistency_proof_of_damaged_hashes_is_no_proof() {
        let dir = tempfile::tempdir().unwrap();
        let hashes = Hashes::open(dir.path()).unwrap();
        let mut edge = lgsp_tlog::Edge::new();
        let growth = edge.grow((0_u64..600).map(|leaf| leaf_hash(&leaf.to_be_bytes())));
        hashes.write(&growth.tiles).unwrap();
        assert!(prove_consistency(&hashes, 300, (600, growth.root)).is_ok());
        let level = dir.path().join("0");
        let mut bytes = fs::read(&level).unwrap();
        bytes[310 * 32] ^= 1;
        fs::write(&level, bytes).unwrap();
        let refused = prove_consistency(&hashes, 300, (600, growth.root)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
    }
}
