//! Cosignatures: a witness's word that a checkpoint is the greatest one that it saw of a log, and goes on all before, as
//! [tlog-cosignature](https://c2sp.org/tlog-cosignature), section "Ed25519 signed message", has it.
//!
//! ```
//! use lgsp_tlog::{Checkpoint, Hash, Kind, SignerKey, cosignature};
//!
//! let log = SignerKey::from_seed("example.com/log", Kind::Log, &[1; 32])?;
//! let witness = SignerKey::from_seed("witness.example/w1", Kind::Witness, &[2; 32])?;
//!
//! let mut note = Checkpoint::new("example.com/log", 0, Hash::EMPTY_TREE)?.sign(&[&log])?;
//! note.add(cosignature::cosign(note.text(), &witness, 1679315147)?)?;
//!
//! let known = [witness.verifier().clone()];
//! assert_eq!(note.verify(&known)?[0].time, Some(1679315147));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::key::{Kind, SignerKey, VerifierKey};
use crate::note::Signature;
use crate::{Checkpoint, checkpoint};

/// The latest time that a cosignature may tell.
pub const MAX_TIME: u64 = i64::MAX as u64;

const TIME: usize = 8;

/// Why a text is not cosigned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The key is a log's.
    #[error("the key of {0} is not a witness's")]
    Kind(String),
    /// Only checkpoints are cosigned.
    #[error("only a checkpoint is cosigned")]
    Text(#[from] checkpoint::Error),
}

/// Cosigns the text of a checkpoint at a time in seconds since 1970; what is later than [`MAX_TIME`] is taken for that.
///
/// Whether the checkpoint goes on what was cosigned before is for the [`witness`](crate::witness) to see.
///
/// # Errors
/// The key is none of a witness, or the text is no checkpoint.
pub fn cosign(text: &str, key: &SignerKey, time: u64) -> Result<Signature, Error> {
    if key.kind() != Kind::Witness {
        return Err(Error::Kind(key.name().to_owned()));
    }
    Checkpoint::parse(text)?;
    Ok(sign(text, key, time))
}

/// As [`cosign`], of what is a checkpoint, with a key that is a witness's.
pub(crate) fn sign(text: &str, key: &SignerKey, time: u64) -> Signature {
    let time = time.min(MAX_TIME);
    let signature = key.signature(message(time, text).as_bytes());
    Signature::new(key, [&time.to_be_bytes(), signature.as_slice()].concat())
}

/// The time of a cosignature, if a witness's key made it.
pub(crate) fn verify(text: &str, key: &VerifierKey, bytes: &[u8]) -> Option<u64> {
    let (time, signature) = bytes.split_first_chunk::<TIME>()?;
    let time = u64::from_be_bytes(*time);
    let signature = signature.try_into().ok()?;
    Checkpoint::parse(text).ok()?;
    let holds = time <= MAX_TIME && key.made(signature, message(time, text).as_bytes());
    holds.then_some(time)
}

fn message(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}
