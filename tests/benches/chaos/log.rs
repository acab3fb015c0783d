//! The log as a stranger reads it: checkpoints, leaves and tiles from the pages on the ledger's admin port.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lgsp_core::ExchangeId;
use lgsp_proto::ledger::v1::{Outcome, Phase, Sealed};
use lgsp_tlog::{Bundle, Checkpoint, Edge, Hash, Note, Tile, Tiles, VerifierKey, bundle, leaf_hash, merkle};
use parking_lot::Mutex;
use prost::Message as _;
use tokio::task::block_in_place;
use tokio::time::sleep;

use crate::hub::Reached;
use crate::process::get;

const WATCHED_EVERY: Duration = Duration::from_millis(500);

/// What makes an entry the same entry: the exchange, the phase and the part.
pub type Key = (ExchangeId, Phase, u32);

pub fn key_of(sealed: &Sealed) -> Option<Key> {
    Some((ExchangeId::from_bytes(&sealed.exchange_id)?, sealed.phase(), sealed.part))
}

/// Every checkpoint that was seen: verified under the log's key, by size and root.
pub struct Checkpoints {
    key: VerifierKey,
    pub seen: Mutex<BTreeSet<(u64, Hash)>>,
    pub violations: Mutex<Vec<String>>,
}

impl Checkpoints {
    pub fn new(key: VerifierKey) -> Arc<Self> {
        Arc::new(Self { key, seen: Mutex::default(), violations: Mutex::default() })
    }

    /// The newest one.
    pub fn ask(&self, admin: &str) -> Result<Checkpoint> {
        let (status, note) = block_in_place(|| get(admin, "/checkpoint"))?;
        ensure!(status == 200, "the checkpoint is answered by {status}");
        let noted = self.verify(&note);
        if let Err(error) = &noted {
            self.violations.lock().push(format!("a checkpoint does not hold: {error:#}"));
        }
        noted
    }

    fn verify(&self, note: &[u8]) -> Result<Checkpoint> {
        let note = Note::parse(note)?;
        note.verify(std::slice::from_ref(&self.key))?;
        let checkpoint = Checkpoint::parse(note.text())?;
        let mut seen = self.seen.lock();
        if let Some((largest, _)) = seen.last() {
            ensure!(
                checkpoint.size() >= *largest,
                "{} leaves after {largest} were signed",
                checkpoint.size()
            );
        }
        seen.insert((checkpoint.size(), checkpoint.root()));
        Ok(checkpoint)
    }

    /// Asks again and again, until this is dropped. While the ledger is away nothing is seen.
    pub async fn watch(self: Arc<Self>, reached: Arc<Reached>) {
        loop {
            let _ = self.ask(&reached.ledger());
            sleep(WATCHED_EVERY).await;
        }
    }

    /// Whether each one that was seen goes on in the leaves that were read, and in the tiles that are served.
    pub fn hold(&self, log: &Log, admin: &str) -> Vec<String> {
        let seen = self.seen.lock();
        let Some(&(size, root)) = seen.last() else { return vec!["no checkpoint was seen".to_owned()] };
        let (mut edge, mut violations, served) = (Edge::new(), Vec::new(), Served::new(admin));
        for &(old, old_root) in &*seen {
            let leaves = log.hashes.get(edge.size() as usize..old as usize).unwrap_or_default();
            if edge.grow(leaves.iter().copied()).root != old_root || edge.size() != old {
                violations.push(format!("the leaves that are served do not make the checkpoint of {old}"));
            }
            let goes_on = block_in_place(|| merkle::prove_consistency(&served, old, size))
                .map_err(anyhow::Error::from)
                .and_then(|proof| Ok(merkle::verify_consistency(&proof, old, &old_root, size, &root)?));
            if let Err(error) = goes_on {
                violations.push(format!("the checkpoint of {size} does not go on that of {old}: {error:#}"));
            }
        }
        violations
    }
}

/// The tiles that a ledger serves; each is asked for once.
struct Served<'a> {
    admin: &'a str,
    known: RefCell<HashMap<Tile, Vec<u8>>>,
}

impl<'a> Served<'a> {
    fn new(admin: &'a str) -> Self {
        Self { admin, known: RefCell::default() }
    }
}

impl Tiles for Served<'_> {
    fn tile(&self, tile: Tile) -> io::Result<Vec<u8>> {
        if let Some(known) = self.known.borrow().get(&tile) {
            return Ok(known.clone());
        }
        let (status, bytes) = get(self.admin, &format!("/{tile}"))?;
        if status != 200 {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("answered by {status}")));
        }
        self.known.borrow_mut().insert(tile, bytes.clone());
        Ok(bytes)
    }
}

/// How the log says that an exchange ended.
#[derive(Clone, Copy, Default)]
pub struct End {
    pub finally: Option<Outcome>,
    pub abandoned: bool,
}

/// What was read of the log.
#[derive(Default)]
pub struct Log {
    pub hashes: Vec<Hash>,
    pub keys: HashSet<Key>,
    pub ends: HashMap<ExchangeId, End>,
    /// The numbers of each gateway's entries, in the order of the log.
    pub sequences: BTreeMap<String, Vec<u64>>,
    pub violations: Vec<String>,
}

impl Log {
    /// Reads on, up to a checkpoint.
    pub fn read(&mut self, admin: &str, to: &Checkpoint) -> Result<()> {
        let first = self.hashes.len() / usize::from(lgsp_tlog::tile::WIDTH);
        for part in Bundle::of_tree(to.size()).skip(first) {
            let (status, bytes) = block_in_place(|| get(admin, &format!("/{part}")))?;
            ensure!(status == 200, "{part} is answered by {status}");
            let begin = part.index() as usize * usize::from(lgsp_tlog::tile::WIDTH);
            let leaves = bundle::decode(&bytes, part.width()).with_context(|| part.to_string())?;
            for (number, leaf) in (begin..).zip(leaves) {
                match self.hashes.get(number) {
                    None => self.take(leaf),
                    Some(known) if *known == leaf_hash(leaf) => {}
                    Some(_) => self.violations.push(format!("leaf {number} has become another")),
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, leaf: &[u8]) {
        let number = self.hashes.len();
        self.hashes.push(leaf_hash(leaf));
        let sealed = Sealed::decode(leaf).ok().and_then(|sealed| Some((key_of(&sealed)?, sealed)));
        let Some((key, sealed)) = sealed else {
            return self.violations.push(format!("leaf {number} is no entry"));
        };
        if !self.keys.insert(key) {
            self.violations.push(format!("leaf {number}: {} has this entry twice", key.0));
        }
        match key.1 {
            Phase::Final => self.ends.entry(key.0).or_default().finally = Some(sealed.outcome()),
            Phase::Abandoned => self.ends.entry(key.0).or_default().abandoned = true,
            Phase::Unspecified | Phase::Opening | Phase::Part | Phase::Attempts | Phase::Act => {}
        }
        if !sealed.gateway.is_empty() {
            self.sequences.entry(sealed.gateway).or_default().push(sealed.sequence);
        }
    }
}
