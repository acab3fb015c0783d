//! Proofs as files: that a leaf is in a log, and that witnesses saw the log with it, as
//! [tlog-proof](https://c2sp.org/tlog-proof), section "Format", writes them. Who has the keys needs nothing else.
//!
//! ```
//! use std::collections::BTreeMap;
//! use lgsp_tlog::{Checkpoint, Edge, Kind, Policy, Proof, SignerKey, cosignature, leaf_hash, merkle};
//!
//! let log = SignerKey::from_seed("example.com/log", Kind::Log, &[1; 32])?;
//! let witness = SignerKey::from_seed("witness.example/w1", Kind::Witness, &[2; 32])?;
//!
//! let growth = Edge::new().grow(["one", "two", "three"].map(|leaf| leaf_hash(leaf.as_bytes())));
//! let tiles = BTreeMap::from_iter(growth.tiles);
//! let mut note = Checkpoint::new("example.com/log", growth.size, growth.root)?.sign(&[&log])?;
//! note.add(cosignature::cosign(note.text(), &witness, 1679315147)?)?;
//! let path = merkle::prove_inclusion(&tiles, 1, growth.size)?;
//! let file = Proof { extra: Some(b"two".to_vec()), index: 1, path, note }.to_string();
//! assert!(file.starts_with("c2sp.org/tlog-proof@v1\nextra dHdv\nindex 1\n"));
//!
//! // Whoever verifies knows the keys, and how many witnesses are enough.
//! let keys = (vec![log.verifier().clone()], vec![witness.verifier().clone()]);
//! let policy = Policy::new("example.com/log", keys.0, keys.1, 1)?;
//! let proof = Proof::parse(file.as_bytes())?;
//! let leaf = proof.extra.clone().expect("the leaf comes with it");
//! let holds = proof.verify(&leaf, &policy)?;
//! assert_eq!((holds.checkpoint.size(), holds.cosigned.len()), (3, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeSet;
use std::fmt;

use crate::key::{Kind, VerifierKey};
use crate::note::{self, Note};
use crate::{Checkpoint, Hash, checkpoint, encoding, leaf_hash, merkle};

/// The longest file that is read: the longest leaf in base64, the longest note and the hashes between them.
pub const MAX_LEN: usize = note::MAX_LEN + 96 * 1024;

const HEADER: &str = "c2sp.org/tlog-proof@v1\n";

/// A proof as it stands in its file. Nothing of it is to be believed before it is [verified](Self::verify).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Bytes that come along and are not proved by standing here. Ours are the leaf: what is proved of it is what
    /// [`Self::verify`] is given.
    pub extra: Option<Vec<u8>>,
    /// The index of the leaf.
    pub index: u64,
    /// The proof that it is in the tree, as [`merkle::prove_inclusion`] makes it.
    pub path: Vec<Hash>,
    /// The checkpoint with the signatures of the log and of witnesses.
    pub note: Note,
}

/// Why bytes are no proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Nobody makes such long ones.
    #[error("a proof has at most {MAX_LEN} bytes")]
    TooLong,
    /// It is another file, or another version.
    #[error("a proof begins with the line: c2sp.org/tlog-proof@v1")]
    Header,
    /// The line is not written as it must be.
    #[error("a proof's second line is the base64 of what comes along, after: extra")]
    Extra,
    /// The line is missing or not written as it must be.
    #[error("a proof has a line with the leaf's index, after: index")]
    Index,
    /// A line is no hash, there are too many, or the empty line is missing.
    #[error("a proof has at most 64 hashes, one base64 hash a line, and an empty line after them")]
    Path,
    /// What follows is no note.
    #[error(transparent)]
    Note(#[from] note::Error),
}

/// What of a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// What the log signed is no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] checkpoint::Error),
    /// It is another log's.
    #[error("the checkpoint is of the log {found}, and not of {expected}")]
    Origin {
        /// The log whose keys are known.
        expected: String,
        /// The log that the checkpoint says that it is of.
        found: String,
    },
    /// The log did not sign the checkpoint.
    #[error("the log's signature: {0}")]
    Log(#[source] note::Error),
    /// A cosignature that should be of a known witness is not.
    #[error("a witness's cosignature: {0}")]
    Witness(#[source] note::Error),
    /// Too few of the known witnesses saw the checkpoint.
    #[error("{found} of the known witnesses cosigned the checkpoint, and {needed} are needed")]
    TooFewWitnesses {
        /// How many must have.
        needed: usize,
        /// How many have.
        found: usize,
    },
    /// The leaf is not at its place in the tree.
    #[error("the leaf is not in the log's tree: {0}")]
    Leaf(#[source] merkle::Error),
}

/// What whoever verifies counts on.
#[derive(Clone, Debug)]
pub struct Policy {
    origin: String,
    log: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    needed: usize,
}

/// Why keys make no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Nothing could be verified.
    #[error("there is no key of the log")]
    NoKey,
    /// A key of a log cosigns nothing, and a witness's signs no checkpoint of its own.
    #[error("the key of {0} is of the other kind")]
    Kind(String),
    /// One witness under two names would count twice.
    #[error("the key of {0} is that of another name, too")]
    SharedKey(String),
    /// Nothing would ever be enough.
    #[error("{needed} witnesses are needed, and {known} are known")]
    TooFew {
        /// How many are needed.
        needed: usize,
        /// How many names the keys have.
        known: usize,
    },
}

/// What a proof proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holds {
    /// The checkpoint whose tree has the leaf.
    pub checkpoint: Checkpoint,
    /// The witnesses that cosigned it, by name, and when in seconds since 1970.
    pub cosigned: Vec<(String, u64)>,
}

impl Policy {
    /// Counts on a log by its origin and any of its keys, and on so many of the witnesses. Keys of one name are one witness.
    ///
    /// # Errors
    /// There is no key of the log, one is of the wrong kind, two witnesses share one, or more are needed than there are.
    pub fn new(
        origin: &str,
        log: Vec<VerifierKey>,
        witnesses: Vec<VerifierKey>,
        needed: usize,
    ) -> Result<Self, PolicyError> {
        if log.is_empty() {
            return Err(PolicyError::NoKey);
        }
        let other_kind = log.iter().find(|key| key.kind() != Kind::Log);
        let other_kind = other_kind.or_else(|| witnesses.iter().find(|key| key.kind() != Kind::Witness));
        if let Some(key) = other_kind {
            return Err(PolicyError::Kind(key.name().to_owned()));
        }
        let is_shared = |key: &&VerifierKey| {
            witnesses.iter().any(|other| other.as_bytes() == key.as_bytes() && other.name() != key.name())
        };
        if let Some(key) = witnesses.iter().find(is_shared) {
            return Err(PolicyError::SharedKey(key.name().to_owned()));
        }
        let known = witnesses.iter().map(VerifierKey::name).collect::<BTreeSet<_>>().len();
        if needed > known {
            return Err(PolicyError::TooFew { needed, known });
        }
        Ok(Self { origin: origin.to_owned(), log, witnesses, needed })
    }

    /// Verifies a checkpoint: that it is the log's, and that enough witnesses cosigned it.
    ///
    /// # Errors
    /// What of it does not hold.
    pub fn verify(&self, note: &Note) -> Result<Holds, Error> {
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin() != self.origin {
            let (expected, found) = (self.origin.clone(), checkpoint.origin().to_owned());
            return Err(Error::Origin { expected, found });
        }
        note.verify(&self.log).map_err(Error::Log)?;
        let cosigned = self.cosigned(note)?;
        if cosigned.len() < self.needed {
            return Err(Error::TooFewWitnesses { needed: self.needed, found: cosigned.len() });
        }
        Ok(Holds { checkpoint, cosigned })
    }

    /// The known witnesses that cosigned a checkpoint, each name once, and when.
    fn cosigned(&self, note: &Note) -> Result<Vec<(String, u64)>, Error> {
        let mut cosigned: Vec<(String, u64)> = Vec::new();
        for known in note.verify_any(&self.witnesses).map_err(Error::Witness)? {
            let is_new = cosigned.iter().all(|(name, _)| name != known.key.name());
            if let Some(time) = known.time.filter(|_| is_new) {
                cosigned.push((known.key.name().to_owned(), time));
            }
        }
        Ok(cosigned)
    }
}

impl Proof {
    /// Reads a proof's file. It is not verified by that.
    ///
    /// # Errors
    /// It is longer than [`MAX_LEN`], or malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX_LEN {
            return Err(ParseError::TooLong);
        }
        let file = str::from_utf8(bytes).map_err(|_| ParseError::Header)?;
        let rest = file.strip_prefix(HEADER).ok_or(ParseError::Header)?;
        let (extra, rest) = match rest.strip_prefix("extra ") {
            Some(rest) => {
                let (extra, rest) = rest.split_once('\n').ok_or(ParseError::Extra)?;
                (Some(encoding::from_base64(extra).ok_or(ParseError::Extra)?), rest)
            }
            None => (None, rest),
        };
        let (index, rest) = rest.split_once('\n').ok_or(ParseError::Index)?;
        let index = index.strip_prefix("index ").and_then(encoding::decimal).ok_or(ParseError::Index)?;
        let (path, note) = encoding::hashes(rest).ok_or(ParseError::Path)?;
        Ok(Self { extra, index, path, note: Note::parse(note.as_bytes())? })
    }

    /// Verifies that a leaf is in the log that is counted on, and was seen there by enough witnesses.
    ///
    /// # Errors
    /// What of the proof does not hold.
    pub fn verify(&self, leaf: &[u8], policy: &Policy) -> Result<Holds, Error> {
        let holds = policy.verify(&self.note)?;
        let (size, root) = (holds.checkpoint.size(), holds.checkpoint.root());
        merkle::verify_inclusion(&self.path, self.index, &leaf_hash(leaf), size, &root)
            .map_err(Error::Leaf)?;
        Ok(holds)
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", encoding::base64(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.note)
    }
}

#[cfg(test)]
mod tests;
