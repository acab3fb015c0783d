use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use bytes::Bytes;
use lgsp_bus::MacKey;
use lgsp_core::ExchangeId;
use lgsp_core::entry::{self, SubjectKeys, SubjectRef};
use lgsp_core::time::unix_micros;
use lgsp_proto::ledger::v1::{AttemptCount, Entry, Erasable, Phase, Sealed};
use prost::Message;

/// Numbers and seals the entries of one gateway instance.
pub struct Book {
    gateway: String,
    environment: parking_lot::Mutex<String>,
    last: AtomicU64,
    subjects: ArcSwap<SubjectKeys>,
    /// The key of those who count quotas.
    counting: Option<MacKey>,
}

/// An encoded entry with its key on the topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// The exchange's id.
    pub key: [u8; 16],
    /// The encoded [`Entry`].
    pub value: Bytes,
}

impl Book {
    /// The book of the instance of that name; its first number is 1.
    pub fn new(gateway: &str, subjects: SubjectKeys) -> Self {
        Self {
            gateway: gateway.to_owned(),
            environment: Default::default(),
            last: AtomicU64::new(0),
            subjects: ArcSwap::from_pointee(subjects),
            counting: None,
        }
    }

    /// The same, whose entries are signed and so count under quotas; without a key they are not.
    pub(crate) fn signing(self, counting: Option<MacKey>) -> Self {
        Self { counting, ..self }
    }

    /// Takes the keys as they are now. Those that lack the moment's month (Unix µs) are not taken, because what is under
    /// way is hashed under it; returns whether they were.
    pub(crate) fn replace_subject_keys(&self, keys: SubjectKeys, now: i64) -> bool {
        let takes = keys.covers(now) || !self.covers(now);
        if takes {
            self.subjects.store(keys.into());
        }
        takes
    }

    /// Whether subjects of a moment (Unix µs) can be hashed. Without, no exchange of that moment may be served.
    pub fn covers(&self, at: i64) -> bool {
        self.subjects.load().covers(at)
    }

    /// Takes the next number. Whoever takes one must enter it: a gap means that something was lost.
    pub(super) fn number(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The environment of the rules in force, for counts of attempts.
    pub(crate) fn set_environment(&self, environment: &str) {
        environment.clone_into(&mut self.environment.lock());
    }

    /// Seals an entry under its number. Subjects are hashed under the key of the month of admission, which
    /// [`covers`](Self::covers) has shown to be there.
    pub(super) fn seal(
        &self,
        exchange: ExchangeId,
        number: u64,
        mut sealed: Sealed,
        mut erasable: Erasable,
        subjects: &[SubjectRef],
    ) -> Numbered {
        sealed.gateway.clone_from(&self.gateway);
        sealed.sequence = number;
        sealed.entered_us = unix_micros(SystemTime::now());
        let keys = self.subjects.load();
        let hashed = subjects.iter().filter_map(|subject| keys.hash(subject, sealed.admitted_us));
        erasable.subjects = hashed.collect();
        let mut entry = entry::seal(sealed, erasable);
        entry.sealed = self.signed(entry.sealed);
        Numbered { key: *exchange.as_bytes(), value: entry.encode_to_vec().into() }
    }

    /// The entry of a count of attempts. It is about nobody, so that there is nothing to erase.
    pub(super) fn attempts(&self, count: AttemptCount) -> Numbered {
        let id = ExchangeId::new();
        let sealed = Sealed {
            schema: entry::SCHEMA,
            exchange_id: Bytes::copy_from_slice(id.as_bytes()),
            phase: Phase::Attempts.into(),
            gateway: self.gateway.clone(),
            sequence: self.number(),
            environment: self.environment.lock().clone(),
            entered_us: unix_micros(SystemTime::now()),
            attempts: Some(count),
            ..Sealed::default()
        };
        let entry = Entry { sealed: self.signed(sealed.encode_to_vec().into()), erasable: None };
        Numbered { key: *id.as_bytes(), value: entry.encode_to_vec().into() }
    }

    /// Every entry is signed: a ledger takes no number from one that is not.
    fn signed(&self, sealed: Bytes) -> Bytes {
        match &self.counting {
            Some(key) => lgsp_bus::entry::sign(key, &sealed).into(),
            None => sealed,
        }
    }
}
