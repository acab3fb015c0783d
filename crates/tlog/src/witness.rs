//! Witnesses: who cosigns a log's checkpoints, as [tlog-witness](https://c2sp.org/tlog-witness), section "add-checkpoint",
//! speaks with them. The bodies of request and answer, and what is answered; not the HTTP around them.
//!
//! The path of a request: its body → [`Request::parse`] → the [`Last`] that was cosigned of its origin → [`Witness::answer`]
//! → [`Cosigned::next`] is made durable → the body of the answer. The witness reads the last and writes the next one in one
//! transaction: of two requests at once the later would otherwise take back what the earlier was told.
//!
//! ```
//! use lgsp_tlog::witness::{self, Last, Log, Request, Witness};
//! use lgsp_tlog::{Checkpoint, Edge, Kind, SignerKey, leaf_hash};
//!
//! let log = SignerKey::from_seed("example.com/log", Kind::Log, &[1; 32])?;
//! let key = SignerKey::from_seed("witness.example/w1", Kind::Witness, &[2; 32])?;
//! let known = [key.verifier().clone()];
//! let logs = vec![Log { origin: "example.com/log".to_owned(), keys: vec![log.verifier().clone()] }];
//! let witness = Witness::new(key, logs)?;
//!
//! // The log asks about its first checkpoint.
//! let growth = Edge::new().grow([leaf_hash(b"leaf")]);
//! let mut note = Checkpoint::new("example.com/log", growth.size, growth.root)?.sign(&[&log])?;
//! let body = Request::new(0, vec![], note.clone())?.to_string();
//!
//! // The witness, which knows nothing of it yet, cosigns.
//! let request = Request::parse(body.as_bytes())?;
//! let cosigned = witness.answer(&request, &Last::default(), 1679315147).expect("it may");
//! assert_eq!(cosigned.next.size, 1);
//!
//! // The log adds the cosignature to its checkpoint.
//! let added = witness::take(cosigned.body().as_bytes(), &mut note, &known)?;
//! assert_eq!(added, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;

use crate::key::{Kind, SignerKey, VerifierKey};
use crate::note::{self, Note, Signature, parse_signatures};
use crate::{Checkpoint, Hash, checkpoint, cosignature, encoding, merkle};

/// The most hashes that a request may have.
pub const MAX_PROOF: usize = 63;

/// The longest request that is read: the old size, the proof and a note.
pub const MAX_LEN: usize = note::MAX_LEN + 4096;

/// The content type of the size that is answered with 409.
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// The content type of everything else.
pub const TEXT_TYPE: &str = "text/plain; charset=utf-8";

/// What a log asks: to cosign a checkpoint, and the proof that it goes on the one of an old size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    old: u64,
    proof: Vec<Hash>,
    note: Note,
    checkpoint: Checkpoint,
}

/// Why a body is no request, or no answer to one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nobody makes such long ones.
    #[error("a request has at most {MAX_LEN} bytes and {MAX_PROOF} hashes")]
    TooLong,
    /// The first line is another.
    #[error("a request begins with the line: old SIZE")]
    Old,
    /// A line of the proof is no hash, or the empty line after it is missing.
    #[error("a request's proof is a base64 hash a line, and an empty line follows")]
    Proof,
    /// What follows is no note.
    #[error(transparent)]
    Note(#[from] note::Error),
    /// The note's text is no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] checkpoint::Error),
    /// The body of a 409 is no size.
    #[error("the size is a decimal number on a line of its own")]
    Size,
}

impl Request {
    /// Asks to cosign a note, whose text goes on the tree of the old size by that proof.
    ///
    /// # Errors
    /// The proof is longer than [`MAX_PROOF`], or the note's text is no checkpoint.
    pub fn new(old: u64, proof: Vec<Hash>, note: Note) -> Result<Self, Error> {
        if proof.len() > MAX_PROOF {
            return Err(Error::TooLong);
        }
        let checkpoint = Checkpoint::parse(note.text())?;
        Ok(Self { old, proof, note, checkpoint })
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    /// It is malformed or too long: the answer is [`Refusal::Malformed`].
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        if body.len() > MAX_LEN {
            return Err(Error::TooLong);
        }
        let body = str::from_utf8(body).map_err(|_| Error::Old)?;
        let (old, rest) = body.split_once('\n').ok_or(Error::Old)?;
        let old = old.strip_prefix("old ").and_then(encoding::decimal).ok_or(Error::Old)?;
        let (proof, note) = encoding::hashes(rest).ok_or(Error::Proof)?;
        Self::new(old, proof, Note::parse(note.as_bytes())?)
    }

    /// The size of the tree that the proof begins with.
    pub fn old(&self) -> u64 {
        self.old
    }

    /// The checkpoint; whether the log made it is not known before the [answer](Witness::answer).
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The checkpoint with its signatures.
    pub fn note(&self) -> &Note {
        &self.note
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.note)
    }
}

/// What a witness cosigned last of an origin, and must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    /// How many leaves the tree had.
    pub size: u64,
    /// The root of that tree.
    pub root: Hash,
}

/// Nothing was cosigned yet.
impl Default for Last {
    fn default() -> Self {
        Self { size: 0, root: Hash::EMPTY_TREE }
    }
}

/// A log that a witness looks after.
#[derive(Clone, Debug)]
pub struct Log {
    /// What its checkpoints begin with.
    pub origin: String,
    /// Its keys: more than one while one takes another's place.
    pub keys: Vec<VerifierKey>,
}

/// Why keys make no witness.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The witness's own key, or a log's, is of the other kind.
    #[error("the key of {0} is of the other kind")]
    Kind(String),
    /// Nothing of the log could be verified.
    #[error("the log {0} has no key")]
    NoKey(String),
    /// An origin is one log.
    #[error("the log {0} is named twice")]
    Twice(String),
}

/// A witness: its key, and the logs that it looks after.
#[derive(Debug)]
pub struct Witness {
    key: SignerKey,
    logs: BTreeMap<String, Vec<VerifierKey>>,
}

/// A witness's yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// What is to be made durable before the answer leaves.
    pub next: Last,
    /// The cosignature.
    pub signature: Signature,
}

impl Cosigned {
    /// The body of the answer, whose status is 200.
    pub fn body(&self) -> String {
        self.signature.to_string()
    }
}

/// A witness's no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400: the body is no request.
    #[error(transparent)]
    Malformed(#[from] Error),
    /// 404: the witness does not look after this log.
    #[error("the origin is not known")]
    UnknownOrigin,
    /// 403: none of the log's keys signed, or what should be of one of them is not.
    #[error("the checkpoint is not signed with a key of its log")]
    NotSigned,
    /// 400: the old size is greater than the checkpoint's.
    #[error("the old size is greater than the checkpoint's")]
    Shrinks,
    /// 409: this is the size of the last checkpoint that was cosigned, and the request says another.
    #[error("the last checkpoint had {size} leaves")]
    OldSize {
        /// The size, which is the body of the answer.
        size: u64,
    },
    /// 409: a checkpoint of the same size had another root. The log has said two things.
    #[error("the last checkpoint of this size had another root")]
    OtherRoot,
    /// 422: the checkpoint does not go on the last one by that proof.
    #[error("the checkpoint does not go on the last one: {0}")]
    Inconsistent(merkle::Error),
}

impl Refusal {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::Shrinks => 400,
            Self::NotSigned => 403,
            Self::UnknownOrigin => 404,
            Self::OldSize { .. } | Self::OtherRoot => 409,
            Self::Inconsistent(_) => 422,
        }
    }

    /// The content type of the answer.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::OldSize { .. } => SIZE_TYPE,
            Self::Malformed(_)
            | Self::UnknownOrigin
            | Self::NotSigned
            | Self::Shrinks
            | Self::OtherRoot
            | Self::Inconsistent(_) => TEXT_TYPE,
        }
    }

    /// The body of the answer: the size for [`Self::OldSize`], otherwise a sentence.
    pub fn body(&self) -> String {
        match self {
            Self::OldSize { size } => format!("{size}\n"),
            Self::Malformed(_)
            | Self::UnknownOrigin
            | Self::NotSigned
            | Self::Shrinks
            | Self::OtherRoot
            | Self::Inconsistent(_) => format!("{self}\n"),
        }
    }
}

impl Witness {
    /// A witness with a key of its own.
    ///
    /// # Errors
    /// Its key is not a witness's, or a log is named twice, has no key, or one that is not a log's.
    pub fn new(key: SignerKey, logs: Vec<Log>) -> Result<Self, SetupError> {
        if key.kind() != Kind::Witness {
            return Err(SetupError::Kind(key.name().to_owned()));
        }
        let mut known = BTreeMap::new();
        for Log { origin, keys } in logs {
            if keys.is_empty() {
                return Err(SetupError::NoKey(origin));
            }
            if let Some(key) = keys.iter().find(|key| key.kind() != Kind::Log) {
                return Err(SetupError::Kind(key.name().to_owned()));
            }
            if known.insert(origin.clone(), keys).is_some() {
                return Err(SetupError::Twice(origin));
            }
        }
        Ok(Self { key, logs: known })
    }

    /// The public half of its key, for those who count on it.
    pub fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// Decides about a request, given what was cosigned last of its origin, at a time in seconds since 1970.
    ///
    /// # Errors
    /// The witness does not cosign, and why; nothing is to be kept.
    pub fn answer(&self, request: &Request, last: &Last, time: u64) -> Result<Cosigned, Refusal> {
        let Request { old, proof, note, checkpoint } = request;
        let keys = self.logs.get(checkpoint.origin()).ok_or(Refusal::UnknownOrigin)?;
        note.verify(keys).map_err(|_| Refusal::NotSigned)?;

        let next = Last { size: checkpoint.size(), root: checkpoint.root() };
        if *old > next.size {
            return Err(Refusal::Shrinks);
        }
        if *old != last.size {
            return Err(Refusal::OldSize { size: last.size });
        }
        if *old == next.size && last.root != next.root {
            return Err(Refusal::OtherRoot);
        }
        merkle::verify_consistency(proof, last.size, &last.root, next.size, &next.root)
            .map_err(Refusal::Inconsistent)?;
        Ok(Cosigned { next, signature: cosignature::sign(note.text(), &self.key, time) })
    }
}

/// Takes the body of a witness's yes: adds the cosignatures of known witnesses to the note, and tells how many they are.
/// Those of others are passed over, as the specification asks for.
///
/// # Errors
/// The body is malformed, one of a known witness does not hold, or there is none of them; the note is as it was.
pub fn take(body: &[u8], note: &mut Note, witnesses: &[VerifierKey]) -> Result<usize, note::Error> {
    if body.len() > note::MAX_LEN {
        return Err(note::Error::TooLong);
    }
    let lines = str::from_utf8(body).map_err(|_| note::Error::SignatureForm)?;
    let mut taken = note.clone();
    let is_known = |signature: &Signature| witnesses.iter().any(|key| signature.is_of(key));
    for signature in parse_signatures(lines)?.into_iter().filter(is_known) {
        taken.add(signature)?;
    }
    let added = taken.verify(witnesses)?.len();
    *note = taken;
    Ok(added)
}

/// Reads the body of a 409 of the type [`SIZE_TYPE`]: the size from which the witness wants the proof.
///
/// # Errors
/// It is anything else.
pub fn parse_size(body: &[u8]) -> Result<u64, Error> {
    let line = str::from_utf8(body).ok().and_then(|body| body.strip_suffix('\n'));
    line.and_then(encoding::decimal).ok_or(Error::Size)
}

#[cfg(test)]
mod tests;
