//! Signs snapshots, and knows its own signature again.

use ed25519_dalek::pkcs8::DecodePrivateKey;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use lgsp_proto::registry::v1::{SignedSnapshot, Snapshot};
use lgsp_runtime::config::SecretFile;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::Error;

/// What stands before the snapshot's bytes when they are signed, so that no other signature of the key fits.
const CONTEXT: &[u8] = b"lgsp-snapshot-v1\n";

/// The key that signs snapshots. It has no `Debug`.
pub struct SnapshotKey {
    key: SigningKey,
    key_id: String,
}

impl SnapshotKey {
    /// Reads the private key from its file. Blocking.
    ///
    /// # Errors
    /// The file cannot be read, is open to everybody, or holds no Ed25519 private key.
    pub fn read(file: &SecretFile) -> Result<Self, Error> {
        Self::from_pem(file.read()?.text().unwrap_or_default())
    }

    /// Reads the private key: Ed25519, PKCS#8 in PEM.
    ///
    /// # Errors
    /// The text is no such key; nothing of it is told.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        let key = SigningKey::from_pkcs8_pem(pem.trim()).map_err(|_| Error::Key)?;
        Ok(Self { key_id: key_id(&key.verifying_key()), key })
    }

    /// The public half.
    pub fn public(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    /// Signs a snapshot.
    pub(crate) fn sign(&self, snapshot: &Snapshot) -> SignedSnapshot {
        let bytes = snapshot.encode_to_vec();
        let signature = self.key.sign(&[CONTEXT, &bytes].concat());
        SignedSnapshot {
            snapshot: bytes.into(),
            key_id: self.key_id.clone(),
            signature: signature.to_bytes().to_vec().into(),
        }
    }

    /// The snapshot of a record, if it was signed with this key.
    pub(crate) fn open(&self, record: &[u8]) -> Option<Snapshot> {
        let signed = SignedSnapshot::decode(record).ok()?;
        let signature = Signature::from_slice(&signed.signature).ok()?;
        self.public().verify_strict(&[CONTEXT, &signed.snapshot].concat(), &signature).ok()?;
        Snapshot::decode(signed.snapshot).ok()
    }
}

/// First 16 hex digits of the SHA-256 of a public key.
fn key_id(key: &VerifyingKey) -> String {
    let digest = hex::encode(Sha256::digest(key.as_bytes()));
    digest[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::pkcs8::EncodePrivateKey;

    use super::*;

    fn key(seed: u8) -> SnapshotKey {
        let pem = SigningKey::from_bytes(&[seed; 32]).to_pkcs8_pem(Default::default()).unwrap();
        SnapshotKey::from_pem(&pem).ok().unwrap()
    }

    #[test]
    fn a_snapshot_opens_under_its_own_key_only() {
        let snapshot = Snapshot { revision: 7, ..Default::default() };
        let record = key(1).sign(&snapshot).encode_to_vec();
        assert_eq!(key(1).open(&record), Some(snapshot));
        assert_eq!(key(2).open(&record), None);
    }

    #[test]
    fn a_changed_snapshot_does_not_open() {
        let mut signed = key(1).sign(&Snapshot { revision: 7, ..Default::default() });
        signed.snapshot = Snapshot { revision: 8, ..Default::default() }.encode_to_vec().into();
        assert_eq!(key(1).open(&signed.encode_to_vec()), None);
        assert_eq!(key(1).open(b"no protobuf"), None);
    }

    #[test]
    fn what_is_no_private_key_is_refused_without_telling_it() {
        let error = SnapshotKey::from_pem("opensesame").err().unwrap();
        assert!(!error.to_string().contains("opensesame"));
    }
}
