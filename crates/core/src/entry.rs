//! What the exchange log keeps of an exchange, in its two parts.
//!
//! [`Sealed`] becomes a leaf of the ledger byte for byte and holds no personal data; [`Erasable`] holds what can be
//! forgotten: who asked, about whom (as keyed hashes), and the salts without which the digests in the sealed part
//! say nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use lgsp_proto::ledger::v1::{Entry, Erasable, ErasableDigests, Salted, Sealed, SubjectHash};
use lgsp_proto::options::v1::Subject;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::time::month;

/// Version of [`Sealed`].
pub const SCHEMA: u32 = 1;

/// SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Random bytes that keep a digest from being guessed.
#[derive(Clone, Copy)]
pub struct Salt([u8; 16]);

impl Salt {
    /// A fresh salt.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// The 16 bytes.
    pub fn bytes(self) -> Bytes {
        Bytes::copy_from_slice(&self.0)
    }

    /// SHA-256(salt ‖ value).
    pub fn digest(self, value: &[u8]) -> Bytes {
        let mut hasher = self.hasher();
        hasher.update(value);
        hasher.finish()
    }

    /// The same over a value that comes in pieces.
    pub fn hasher(self) -> Hasher {
        let mut digest = Sha256::new();
        digest.update(self.0);
        Hasher(digest)
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

/// SHA-256(salt ‖ pieces).
#[derive(Clone, Debug)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Adds a piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest.
    pub fn finish(self) -> Bytes {
        Bytes::copy_from_slice(&self.0.finalize())
    }
}

/// A subject, before its number is hashed. It never leaves the process.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectRef {
    /// What kind of subject.
    pub kind: Subject,
    /// The identifier in its canonical form.
    pub value: String,
    /// Asked about, rather than found in the answer.
    pub asked: bool,
}

impl fmt::Debug for SubjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectRef")
            .field("kind", &self.kind)
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

/// The monthly secret keys under which subjects are hashed. Gateways and ledger hold them; nobody else.
#[derive(Clone)]
pub struct SubjectKeys {
    months: BTreeMap<String, [u8; 32]>,
}

impl fmt::Debug for SubjectKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.months.keys()).finish()
    }
}

impl SubjectKeys {
    /// Keys by month (`YYYY-MM`).
    pub fn new(months: BTreeMap<String, [u8; 32]>) -> Self {
        Self { months }
    }

    /// The same without those of these months.
    #[must_use]
    pub fn without(mut self, months: &BTreeSet<String>) -> Self {
        self.months.retain(|month, _| !months.contains(month));
        self
    }

    /// Whether a month has its key. Without it no exchange of that month can be entered.
    pub fn covers(&self, at: i64) -> bool {
        self.months.contains_key(&month(at))
    }

    /// The months that have a key, the earliest first.
    pub fn months(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.months.keys().map(String::as_str)
    }

    /// Hashes a subject under the key of the month of a moment (Unix µs); `None` if that month has no key.
    pub fn hash(&self, subject: &SubjectRef, at: i64) -> Option<SubjectHash> {
        let key_id = month(at);
        let hash = Bytes::copy_from_slice(&self.lookup(subject.kind, &subject.value, &key_id)?);
        let salt = Salt::random().bytes();
        Some(SubjectHash { kind: subject.kind.into(), key_id, hash, salt, asked: subject.asked })
    }

    /// What [`hash`](Self::hash) makes of an identifier in canonical form in a month (`YYYY-MM`), to look for it; `None` if the month
    /// has no key.
    pub fn lookup(&self, kind: Subject, value: &str, month: &str) -> Option<[u8; 32]> {
        let key = self.months.get(month)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
        mac.update(&[kind as u8]);
        mac.update(value.as_bytes());
        Some(mac.finalize().into_bytes().into())
    }
}

/// A value with a fresh salt; `None` for an empty one.
pub fn salted(value: &str) -> Option<Salted> {
    (!value.is_empty()).then(|| Salted { value: value.to_owned(), salt: Salt::random().bytes() })
}

/// SHA-256(salt ‖ value) of every value of an erasable part, for its sealed part.
pub fn digests(erasable: &Erasable) -> ErasableDigests {
    let of = |value: &Option<Salted>| value.as_ref().map(salted_digest).unwrap_or_default();
    ErasableDigests {
        officer: of(&erasable.officer),
        unit: of(&erasable.unit),
        dossier: of(&erasable.dossier),
        request_id: of(&erasable.request_id),
        subjects: erasable.subjects.iter().map(subject_digest).collect(),
        note: of(&erasable.note),
    }
}

fn salted_digest(value: &Salted) -> Bytes {
    let mut hasher = Sha256::new();
    hasher.update(&value.salt);
    hasher.update(value.value.as_bytes());
    Bytes::copy_from_slice(&hasher.finalize())
}

fn subject_digest(subject: &SubjectHash) -> Bytes {
    let mut hasher = Sha256::new();
    hasher.update(&subject.salt);
    hasher.update(&subject.hash);
    Bytes::copy_from_slice(&hasher.finalize())
}

/// Puts the two parts together: the digests of the erasable part go into the sealed one, which is then encoded.
pub fn seal(mut sealed: Sealed, erasable: Erasable) -> Entry {
    sealed.schema = SCHEMA;
    sealed.erasable_digests = Some(digests(&erasable));
    Entry { sealed: sealed.encode_to_vec().into(), erasable: Some(erasable) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> SubjectKeys {
        SubjectKeys::new([("2026-06".to_owned(), [7; 32])].into())
    }

    fn subject() -> SubjectRef {
        SubjectRef { kind: Subject::Person, value: "092000000000".to_owned(), asked: true }
    }

    const JUNE: i64 = 1_780_300_000_000_000;

    #[test]
    fn the_same_subject_has_the_same_hash_within_a_month() {
        let (one, two) = (keys().hash(&subject(), JUNE), keys().hash(&subject(), JUNE + 1));
        assert_eq!(one.map(|h| h.hash), two.map(|h| h.hash));
    }

    #[test]
    fn a_subject_is_looked_for_by_the_hash_that_its_entry_has() {
        let hashed = keys().hash(&subject(), JUNE).unwrap();
        let look = |kind, month| keys().lookup(kind, "092000000000", month);
        assert_eq!(look(Subject::Person, "2026-06").as_ref().map(|hash| &hash[..]), Some(&*hashed.hash));
        assert_ne!(look(Subject::Enterprise, "2026-06"), look(Subject::Person, "2026-06"));
        assert_eq!(look(Subject::Person, "2026-07"), None);
    }

    #[test]
    fn without_the_months_key_nothing_is_hashed() {
        assert!(keys().hash(&subject(), 0).is_none());
        assert!(!keys().covers(0));
    }

    #[test]
    fn a_sealed_part_holds_no_erasable_value() {
        let erasable = Erasable {
            officer: salted("officer-17"),
            dossier: salted("H13.01-260601-0001"),
            ..Default::default()
        };
        let entry = seal(Sealed::default(), erasable);
        let sealed = String::from_utf8_lossy(&entry.sealed).into_owned();
        assert!(!sealed.contains("officer-17") && !sealed.contains("H13.01"));
    }

    #[test]
    fn debug_of_a_subject_hides_its_number() {
        assert!(!format!("{:?}", subject()).contains("092"));
    }
}
