//! Signs snapshots, and knows its own signature again.

use std::path::Path;

use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use lgsp_core::snapshot::{key_id, signed_bytes};
use lgsp_proto::registry::v1::{SignedSnapshot, Snapshot};
use lgsp_runtime::config::SecretFile;
use prost::Message;

use crate::Error;

/// The key that signs snapshots. It has no `Debug`.
pub struct SnapshotKey {
    key: SigningKey,
    key_id: String,
    /// Public halves of keys that signed before it.
    former: Vec<VerifyingKey>,
}

/// Which of a registry's keys has signed a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignedBy {
    Current,
    /// One that signs no more: what it has signed is ours, and is signed anew.
    Former,
}

impl SnapshotKey {
    /// Reads the private key from its file, and the public halves of those that signed before it from theirs, if there is
    /// one. Blocking.
    ///
    /// # Errors
    /// A file cannot be read, the private key is open to everybody, or they hold something else.
    pub fn read(file: &SecretFile, former: &Path) -> Result<Self, Error> {
        let key = Self::from_pem(file.read()?.text().unwrap_or_default())?;
        if former.as_os_str().is_empty() {
            return Ok(key);
        }
        let unreadable = |error| Error::FormerKeys(format!("{} cannot be read: {error}", former.display()));
        key.after(&std::fs::read_to_string(former).map_err(unreadable)?)
    }

    /// Reads the private key: Ed25519, PKCS#8 in PEM.
    ///
    /// # Errors
    /// The text is no such key; nothing of it is told.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        let key = SigningKey::from_pkcs8_pem(pem.trim()).map_err(|_| Error::Key)?;
        Ok(Self { key_id: key_id(key.verifying_key().as_bytes()), key, former: Vec::new() })
    }

    /// The same, knowing the public halves of keys that signed before it: in PEM, one after the other.
    ///
    /// # Errors
    /// The text holds something else.
    pub fn after(self, former: &str) -> Result<Self, Error> {
        const END: &str = "-----END PUBLIC KEY-----";
        let blocks = former.split_inclusive(END).map(str::trim).filter(|block| !block.is_empty());
        let holds_another =
            || Error::FormerKeys("holds something else than Ed25519 public keys in PEM".to_owned());
        let read = |block| VerifyingKey::from_public_key_pem(block).map_err(|_| holds_another());
        Ok(Self { former: blocks.map(read).collect::<Result<_, _>>()?, ..self })
    }

    /// The public half.
    pub fn public(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    /// Signs a snapshot.
    pub(crate) fn sign(&self, snapshot: &Snapshot) -> SignedSnapshot {
        let bytes = snapshot.encode_to_vec();
        let signature = self.key.sign(&signed_bytes(&bytes));
        SignedSnapshot {
            snapshot: bytes.into(),
            key_id: self.key_id.clone(),
            signature: signature.to_bytes().to_vec().into(),
        }
    }

    /// The snapshot of a record, if it was signed with this key or one before it.
    pub(crate) fn open(&self, record: &[u8]) -> Option<(Snapshot, SignedBy)> {
        let signed = SignedSnapshot::decode(record).ok()?;
        let signature = Signature::from_slice(&signed.signature).ok()?;
        let signed_bytes = signed_bytes(&signed.snapshot);
        let has_signed = |key: &VerifyingKey| key.verify_strict(&signed_bytes, &signature).is_ok();
        let by = match has_signed(&self.public()) {
            true => SignedBy::Current,
            false => self.former.iter().any(has_signed).then_some(SignedBy::Former)?,
        };
        Some((Snapshot::decode(signed.snapshot).ok()?, by))
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::pkcs8::{EncodePrivateKey, EncodePublicKey};

    use super::*;

    fn key(seed: u8) -> SnapshotKey {
        let pem = SigningKey::from_bytes(&[seed; 32]).to_pkcs8_pem(Default::default()).unwrap();
        SnapshotKey::from_pem(&pem).ok().unwrap()
    }

    #[test]
    fn a_snapshot_opens_under_its_own_key_only() {
        let snapshot = Snapshot { revision: 7, ..Default::default() };
        let record = key(1).sign(&snapshot).encode_to_vec();
        assert_eq!(key(1).open(&record), Some((snapshot, SignedBy::Current)));
        assert_eq!(key(2).open(&record), None);
    }

    #[test]
    fn what_a_key_before_it_signed_is_ours_and_told_apart() {
        let snapshot = Snapshot { revision: 7, ..Default::default() };
        let record = key(1).sign(&snapshot).encode_to_vec();
        let pem = |seed| key(seed).public().to_public_key_pem(Default::default()).unwrap();
        let new = key(2).after(&format!("{}\n{}", pem(3), pem(1))).ok().unwrap();
        assert_eq!(new.open(&record), Some((snapshot, SignedBy::Former)));
        assert!(key(2).after(&pem(3)).ok().unwrap().open(&record).is_none());
        assert!(key(2).after("no key").is_err());
        assert!(key(2).after("").is_ok(), "there was none before it");
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
