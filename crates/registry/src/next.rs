//! What to publish next: decided from what is on the topic, what was kept, and what the files say.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use bytes::Bytes;
use lgsp_core::descriptor_key;
use lgsp_proto::contract_sha256;
use lgsp_proto::registry::v1::Snapshot;

use crate::rules::content_digest;
use crate::sign::{SignedBy, SnapshotKey};

/// A snapshot that this registry's key has signed, or one before it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// The signed record, as it is published.
    pub record: Bytes,
    pub snapshot: Snapshot,
    signed_by: SignedBy,
    digest: [u8; 32],
}

impl Known {
    /// Opens a record; `None` if another key or nobody signed it.
    pub fn open(key: &SnapshotKey, record: &[u8]) -> Option<Self> {
        let (snapshot, signed_by) = key.open(record)?;
        let digest = content_digest(&snapshot);
        Some(Self { record: Bytes::copy_from_slice(record), snapshot, signed_by, digest })
    }

    pub fn revision(&self) -> u64 {
        self.snapshot.revision
    }

    /// Whether it says this, under the key that signs now: then there is nothing to sign.
    fn says(&self, content: [u8; 32]) -> bool {
        self.signed_by == SignedBy::Current && self.digest == content
    }
}

/// Most contracts of the topic that are known to be there. Any other is published once more, which harms nobody.
const MOST_CONTRACTS: usize = 10_000;

/// What is on the topic, as far as it was read.
#[derive(Debug, Default)]
pub(crate) struct OnTopic {
    /// The highest revision that was signed with our key.
    pub latest: Option<Known>,
    /// Something else was written over it: a gateway that starts now would not find it.
    pub displaced: bool,
    /// The keys of the contracts that are there, each with the contract of its name.
    contracts: BTreeSet<String>,
}

impl OnTopic {
    /// Takes in a record of the key `snapshot`. Returns false if it displaces a better one, or is not ours at all: of another
    /// key, or of another environment.
    pub fn take_in(&mut self, key: &SnapshotKey, environment: &str, record: &[u8]) -> bool {
        let known = Known::open(key, record).filter(|known| known.snapshot.environment == environment);
        let highest = self.latest.as_ref().map_or(0, Known::revision);
        match known.filter(|known| known.revision() >= highest) {
            Some(known) => self.holds(known),
            None => self.displaced = true,
        }
        !self.displaced
    }

    /// The snapshot is there now.
    pub fn holds(&mut self, known: Known) {
        (self.latest, self.displaced) = (Some(known), false);
    }

    /// Takes in a record of any other key. Returns false if it displaces the contract of that name.
    pub fn take_in_contract(&mut self, key: &str, descriptor_set: &[u8]) -> bool {
        let names_it = descriptor_key(&contract_sha256(descriptor_set)) == key;
        if names_it {
            self.holds_contract(key);
        }
        names_it || !self.contracts.remove(key)
    }

    /// The contract is there now.
    pub fn holds_contract(&mut self, key: &str) {
        if self.contracts.len() < MOST_CONTRACTS {
            self.contracts.insert(key.to_owned());
        }
    }

    /// Whether a contract has to be published before a snapshot can name it.
    pub fn lacks_contract(&self, key: &str) -> bool {
        !self.contracts.contains(key)
    }
}

/// What to do so that the topic holds the rules of the files.
#[derive(Debug)]
pub(crate) enum Next {
    /// Nothing: it does.
    Stands(Known),
    /// Publish the same record once more.
    Repeat(Known),
    /// Publish the rules with this revision.
    New(u64),
    /// Nothing yet: something else stands under this revision, and ours needs a later one.
    Lift(u64),
}

/// Decides. `content` is the digest of what the files say; the revision grows if and only if that has changed, or the key.
pub(crate) fn next(content: [u8; 32], on_topic: &OnTopic, kept: Option<&Known>) -> Next {
    let Some(newest) = newest(on_topic, kept) else { return Next::New(1) };
    if !newest.says(content) {
        return Next::New(newest.revision() + 1);
    }
    unchanged(newest, on_topic)
}

/// The same for rules whose revision is given with them: several registries publish one history. What gateways may have had is
/// told by what was kept, too: with the store restored from a backup, the broker may have forgotten.
pub(crate) fn next_of(revision: u64, content: [u8; 32], on_topic: &OnTopic, kept: Option<&Known>) -> Next {
    let Some(newest) = newest(on_topic, kept) else { return Next::New(revision) };
    match newest.revision().cmp(&revision) {
        Ordering::Less => Next::New(revision),
        Ordering::Equal if newest.says(content) => unchanged(newest, on_topic),
        Ordering::Equal | Ordering::Greater => Next::Lift(newest.revision()),
    }
}

/// The newer one of what is on the topic and what was kept.
fn newest<'a>(on_topic: &'a OnTopic, kept: Option<&'a Known>) -> Option<&'a Known> {
    match (&on_topic.latest, kept) {
        (Some(latest), Some(kept)) if kept.revision() > latest.revision() => Some(kept),
        (Some(latest), _) => Some(latest),
        (None, kept) => kept,
    }
}

fn unchanged(newest: &Known, on_topic: &OnTopic) -> Next {
    let is_on_topic = on_topic.latest.as_ref().is_some_and(|latest| latest.revision() == newest.revision());
    if is_on_topic && !on_topic.displaced {
        Next::Stands(newest.clone())
    } else {
        Next::Repeat(newest.clone())
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use ed25519_dalek::pkcs8::{EncodePrivateKey, EncodePublicKey};
    use prost::Message;

    use super::*;

    fn key(seed: u8) -> SnapshotKey {
        let pem = SigningKey::from_bytes(&[seed; 32]).to_pkcs8_pem(Default::default()).unwrap();
        SnapshotKey::from_pem(&pem).ok().unwrap()
    }

    fn rules(environment: &str, revision: u64) -> Snapshot {
        Snapshot { environment: environment.to_owned(), revision, ..Default::default() }
    }

    fn known(environment: &str, revision: u64) -> Known {
        let record = key(1).sign(&rules(environment, revision)).encode_to_vec();
        Known::open(&key(1), &record).unwrap()
    }

    fn check(files: &str, topic: Option<Known>, kept: Option<Known>, expect: &str) {
        let on_topic = OnTopic { latest: topic, ..OnTopic::default() };
        let next = next(content_digest(&rules(files, 0)), &on_topic, kept.as_ref());
        assert_eq!(said(&next), expect);
    }

    /// The same for the rules of a history.
    fn check_of(revision: u64, topic: Option<Known>, kept: Option<Known>, expect: &str) {
        let on_topic = OnTopic { latest: topic, ..OnTopic::default() };
        let next = next_of(revision, content_digest(&rules("a", 0)), &on_topic, kept.as_ref());
        assert_eq!(said(&next), expect);
    }

    fn said(next: &Next) -> String {
        match next {
            Next::Stands(known) => format!("stands {}", known.revision()),
            Next::Repeat(known) => format!("repeat {}", known.revision()),
            Next::New(revision) => format!("new {revision}"),
            Next::Lift(revision) => format!("lift {revision}"),
        }
    }

    #[test]
    fn the_revision_grows_if_and_only_if_the_rules_have_changed() {
        check("a", None, None, "new 1");
        check("a", Some(known("a", 7)), None, "stands 7");
        check("b", Some(known("a", 7)), None, "new 8");
    }

    #[test]
    fn a_broker_that_forgot_gets_the_same_revision_again() {
        check("a", None, Some(known("a", 7)), "repeat 7");
        check("b", None, Some(known("a", 7)), "new 8");
        check("a", Some(known("a", 5)), Some(known("a", 7)), "repeat 7");
    }

    #[test]
    fn the_topic_is_ahead_of_a_file_that_was_restored_from_a_backup() {
        check("a", Some(known("b", 9)), Some(known("a", 7)), "new 10");
        check("b", Some(known("b", 9)), Some(known("a", 7)), "stands 9");
    }

    #[test]
    fn a_history_that_was_restored_goes_on_after_what_was_kept_though_the_broker_forgot_it() {
        check_of(5, None, None, "new 5");
        check_of(5, None, Some(known("a", 7)), "lift 7");
        check_of(5, Some(known("a", 5)), Some(known("a", 7)), "lift 7");
        check_of(7, None, Some(known("a", 7)), "repeat 7");
        check_of(7, None, Some(known("b", 7)), "lift 7");
        check_of(7, Some(known("a", 7)), Some(known("a", 5)), "stands 7");
        check_of(8, None, Some(known("a", 7)), "new 8");
    }

    #[test]
    fn the_topic_lacks_a_contract_until_it_holds_the_very_one_and_whoever_displaces_it_is_told() {
        let mut on_topic = OnTopic::default();
        let key = descriptor_key(&contract_sha256(b"a contract"));
        assert!(on_topic.take_in_contract(&key, b"another"), "it displaces nothing");
        assert!(on_topic.lacks_contract(&key));
        assert!(on_topic.take_in_contract(&key, b"a contract"));
        assert!(!on_topic.lacks_contract(&key));
        assert!(!on_topic.take_in_contract(&key, b""), "a tombstone");
        assert!(on_topic.lacks_contract(&key));
    }

    #[test]
    fn a_strangers_snapshot_is_never_believed_and_is_written_over() {
        let mut on_topic = OnTopic::default();
        assert!(on_topic.take_in(&key(1), "a", &known("a", 7).record));
        let foreign = key(2).sign(&rules("evil", u64::MAX)).encode_to_vec();
        assert!(!on_topic.take_in(&key(1), "a", &foreign));
        let next = next(content_digest(&rules("a", 0)), &on_topic, None);
        assert!(matches!(next, Next::Repeat(known) if known.revision() == 7));
    }

    #[test]
    fn what_a_former_key_signed_is_signed_anew_under_a_later_revision() {
        let former = key(1).public().to_public_key_pem(Default::default()).unwrap();
        let new = key(2).after(&former).ok().unwrap();
        let mut on_topic = OnTopic::default();
        assert!(on_topic.take_in(&new, "a", &known("a", 7).record), "nobody has written over ours");
        let content = content_digest(&rules("a", 0));
        assert!(matches!(next(content, &on_topic, None), Next::New(8)));
        assert!(matches!(next_of(7, content, &on_topic, None), Next::Lift(7)));
        assert!(matches!(next_of(8, content, &on_topic, None), Next::New(8)));
    }

    #[test]
    fn rules_of_another_environment_are_a_strangers_though_the_key_is_ours() {
        let mut on_topic = OnTopic::default();
        assert!(on_topic.take_in(&key(1), "a", &known("a", 7).record));
        assert!(!on_topic.take_in(&key(1), "a", &known("b", 7).record));
        let next = next_of(7, content_digest(&rules("a", 0)), &on_topic, None);
        assert!(matches!(next, Next::Repeat(known) if known.snapshot.environment == "a"));
    }

    #[test]
    fn an_older_revision_does_not_stay_over_a_newer_one() {
        let mut on_topic = OnTopic::default();
        assert!(on_topic.take_in(&key(1), "a", &known("a", 7).record));
        assert!(!on_topic.take_in(&key(1), "a", &known("a", 6).record));
        assert!(on_topic.take_in(&key(1), "a", &known("a", 7).record));
    }
}
