//! The Merkle tree of a transparency log: tiles, checkpoints, cosignatures and proofs, without I/O.
//!
//! The path of a leaf: its bytes → [`leaf_hash`] → [`Edge::grow`], which tells the new [tiles](Tile) and the root → a
//! [`Checkpoint`] of that root, which the log [signs](Checkpoint::sign) → a [`witness`] that holds it against the one it saw
//! last and [cosigns](cosignature::cosign) it → a [`Proof`], one text file that anybody can verify without asking anybody.
//!
//! ```
//! use lgsp_tlog::{Checkpoint, Edge, Kind, SignerKey, VerifierKey, leaf_hash};
//!
//! let mut edge = Edge::new();
//! let growth = edge.grow(["one", "two", "three"].map(|leaf| leaf_hash(leaf.as_bytes())));
//! assert_eq!(growth.tiles.len(), 1);
//! assert_eq!(growth.tiles[0].0.path(), "tile/0/000.p/3");
//!
//! let key = SignerKey::from_seed("example.com/log", Kind::Log, &[7; 32])?;
//! let note = Checkpoint::new("example.com/log", growth.size, growth.root)?.sign(&[&key])?;
//!
//! // Whoever has the public half reads it from the text.
//! let known: VerifierKey = key.verifier().to_string().parse()?;
//! let read = lgsp_tlog::Note::parse(note.to_string().as_bytes())?;
//! read.verify(&[known])?;
//! assert_eq!(Checkpoint::parse(read.text())?.size(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What the bytes are is not decided here: tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature, tlog-witness and
//! tlog-proof of C2SP (`c2sp.org/NAME`) say it, and RFC 6962, section 2.1, how the tree is hashed. Every module names its
//! own. Whoever knows these can read the log with programs that have nothing of ours.
//!
//! What this crate must never do: read or write a file, ask for the time, draw a random number, print a secret, or
//! accept what its specification calls malformed.

pub mod bundle;
pub mod checkpoint;
pub mod cosignature;
pub mod edge;
mod encoding;
pub mod hash;
pub mod key;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod tile;
pub mod witness;

pub use bundle::Bundle;
pub use checkpoint::Checkpoint;
pub use edge::{Edge, Growth};
pub use hash::{Hash, leaf_hash, node_hash};
pub use key::{Kind, SignerKey, VerifierKey};
pub use note::{Note, Signature};
pub use proof::{Policy, Proof};
pub use tile::{Tile, Tiles};
