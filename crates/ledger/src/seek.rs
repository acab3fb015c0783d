//! What an entry is found by that does not stand in its sealed part, or not in the index in clear: keyed hashes, so that the index tells
//! nobody who asked about whom. The key lies with the erasable parts, and those of subjects with gateways and ledgers.

use std::collections::BTreeMap;

use lgsp_core::{ExchangeId, Subject};
use lgsp_proto::ledger::v1::{Erasable, Salted};
use prost::Message;

use crate::entry::{Read, Signed};
use crate::erasable::SeekKey;

/// Bytes of a value.
const LENGTH: usize = 16;
/// Subjects have the kinds from here on.
pub(crate) const SUBJECTS: i64 = 16;

/// What a text is that an entry is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub(crate) enum Text {
    Officer = 1,
    Dossier = 2,
    RequestId = 3,
    Procedure = 4,
}

/// The kind of a decision, which is found by the exchanges that it is about and by the one in which it was taken.
const DECISION: i64 = 5;

/// One thing that entries are found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Seek {
    pub kind: i64,
    pub value: [u8; LENGTH],
}

impl Seek {
    pub fn text(key: &SeekKey, kind: Text, text: &str) -> Self {
        Self { kind: kind as i64, value: first(&key.digest(text.as_bytes())) }
    }

    /// A subject by its keyed hash; `None` for what is none.
    pub fn subject(kind: Subject, hash: &[u8]) -> Option<Self> {
        let value = hash.first_chunk::<LENGTH>()?;
        Some(Self { kind: SUBJECTS + kind as i64, value: *value })
    }

    pub fn decisions_of(exchange: &ExchangeId) -> Self {
        Self { kind: DECISION, value: *exchange.as_bytes() }
    }
}

/// What the sealed part of an entry is found by. What no ledger signed is no decision.
pub(crate) fn of_sealed(key: &SeekKey, read: &Read) -> Vec<Seek> {
    let sealed = &read.sealed;
    let mut seeks = Vec::new();
    if !sealed.procedure.is_empty() {
        seeks.push(Seek::text(key, Text::Procedure, &sealed.procedure));
    }
    if let Some(act) = sealed.act.as_ref().filter(|_| read.signed == Signed::Yes) {
        let named = act.exchange_ids.iter().chain([&act.asked_in]);
        seeks.extend(named.filter_map(|id| ExchangeId::from_bytes(id)).map(|id| Seek::decisions_of(&id)));
    }
    seeks
}

/// What the erasable part of an entry is found by, and whether it is somebody or something that was asked about.
pub(crate) fn of_erasable(key: &SeekKey, value: &[u8]) -> BTreeMap<Seek, bool> {
    // It was encoded here: what does not decode was damaged, and is found by nothing.
    let erasable = Erasable::decode(value).unwrap_or_default();
    let text = |kind, value: &Option<Salted>| Some((Seek::text(key, kind, &value.as_ref()?.value), false));
    let texts = [
        text(Text::Officer, &erasable.officer),
        text(Text::Dossier, &erasable.dossier),
        text(Text::RequestId, &erasable.request_id),
    ];
    let mut seeks: BTreeMap<Seek, bool> = texts.into_iter().flatten().collect();
    for subject in &erasable.subjects {
        if let Some(seek) = Seek::subject(subject.kind(), &subject.hash) {
            *seeks.entry(seek).or_default() |= subject.asked;
        }
    }
    seeks
}

fn first(digest: &[u8; 32]) -> [u8; LENGTH] {
    let mut value = [0; LENGTH];
    value.copy_from_slice(&digest[..LENGTH]);
    value
}

#[cfg(test)]
mod tests {
    use lgsp_core::entry::salted;
    use lgsp_proto::ledger::v1::SubjectHash;

    use super::*;

    #[test]
    fn an_entry_is_found_by_a_subject_once_and_as_asked_about_if_it_was() {
        let subject = |asked| SubjectHash {
            kind: Subject::Person.into(),
            hash: vec![7; 32].into(),
            asked,
            ..SubjectHash::default()
        };
        let erasable = Erasable {
            officer: salted("officer-17"),
            subjects: vec![subject(true), subject(false)],
            ..Erasable::default()
        };
        let key = SeekKey::new(&[7; 32]);
        let seeks = of_erasable(&key, &erasable.encode_to_vec());
        let person = Seek::subject(Subject::Person, &[7; 32]).unwrap();
        assert_eq!(seeks, [(Seek::text(&key, Text::Officer, "officer-17"), false), (person, true)].into());
        assert_ne!(
            Seek::text(&key, Text::Officer, "1"),
            Seek::text(&key, Text::Dossier, "1"),
            "each kind is apart"
        );
    }
}
