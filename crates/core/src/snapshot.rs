//! How a snapshot is signed: what registry and gateways have to agree on.

use crate::entry::sha256;

/// What stands before the snapshot's bytes when they are signed, so that no other signature of the key fits.
const CONTEXT: &[u8] = b"lgsp-snapshot-v1\n";

/// The bytes that the signature of an encoded snapshot is over.
pub fn signed_bytes(snapshot: &[u8]) -> Vec<u8> {
    [CONTEXT, snapshot].concat()
}

/// What a signing key is known by: the first 16 hex digits of the SHA-256 of its public half.
pub fn key_id(public_key: &[u8; 32]) -> String {
    hex::encode(&sha256(public_key)[..8])
}
