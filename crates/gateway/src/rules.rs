//! Follows the rules of the hub: snapshots of the registry, each believed only under a signature that is known here.
//!
//! A snapshot that is older, not signed by a known key, or does not hold together changes nothing but the gateway's state:
//! the rules in force stay. A gateway without any rules is not ready.

mod floor;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use ed25519_dalek::{Signature, VerifyingKey};
use lgsp_bus::{Record, Tail, Tailed};
use lgsp_core::entry::sha256;
use lgsp_core::{Rules, RulesError, descriptor_key};
use lgsp_proto::registry::v1::{SignedSnapshot, Snapshot};
use lgsp_runtime::Component;
use prost::Message;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::stats::Stats;
use crate::surface::{Surface, open_services};

pub(crate) use floor::Floor;

/// Stands before the snapshot's bytes when they are signed.
const CONTEXT: &[u8] = b"lgsp-snapshot-v1\n";
const SNAPSHOT: &[u8] = b"snapshot";
/// Descriptor sets that are kept; those that no service needs go first.
const MOST_DESCRIPTORS: usize = 512;
/// Largest descriptor set that is kept.
const LARGEST_DESCRIPTOR: usize = 4 << 20;

/// The rules in force; none until the first snapshot was verified.
pub(crate) type Current = ArcSwapOption<Rules>;

/// Why a snapshot is kept out.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the record is no signed snapshot")]
    Malformed,
    #[error("the snapshot is signed with an unknown key")]
    UnknownKey,
    #[error("the signature does not fit the snapshot")]
    BadSignature,
    #[error("the snapshot is older than one that was in force here")]
    RolledBack,
    #[error(transparent)]
    Rules(#[from] RulesError),
}

impl Refusal {
    fn cause(&self) -> &'static str {
        match self {
            Self::Malformed => "snapshot-malformed",
            Self::UnknownKey => "snapshot-key-unknown",
            Self::BadSignature => "snapshot-signature-bad",
            Self::RolledBack => "snapshot-rolled-back",
            Self::Rules(_) => "snapshot-inconsistent",
        }
    }
}

/// Rules that have just come into force, with the descriptor sets of their services.
struct New {
    rules: Arc<Rules>,
    descriptors: Vec<Bytes>,
}

/// Takes the records of `lgsp.registry` and swaps the rules.
pub(crate) struct Follower {
    keys: BTreeMap<String, VerifyingKey>,
    descriptors: BTreeMap<String, Bytes>,
    /// A verified snapshot that waits for a descriptor set.
    waiting: Option<Snapshot>,
    floor: Floor,
    /// What was on the topic at the start has been read. Before, older snapshots are its history and no attempt to go back.
    caught_up: bool,
    has_older: bool,
    current: Arc<Current>,
    component: Component,
    stats: Arc<Stats>,
}

impl Follower {
    pub(crate) fn new(
        keys: &[VerifyingKey],
        floor: Floor,
        current: Arc<Current>,
        component: Component,
        stats: Arc<Stats>,
    ) -> Self {
        component.starting("no-rules");
        let keys = keys.iter().map(|key| (key_id(key), *key)).collect();
        let (descriptors, waiting) = (BTreeMap::new(), None);
        let (caught_up, has_older) = (false, false);
        Self { keys, descriptors, waiting, floor, caught_up, has_older, current, component, stats }
    }

    /// Reads the topic until `stop`; `tell` hears of every new set of rules, and `surface` shows its services.
    pub(crate) async fn run<F>(
        mut self,
        mut tail: Tail,
        stop: CancellationToken,
        surface: Arc<Surface>,
        tell: F,
    ) where
        F: Fn(&Rules),
    {
        while let Some(tailed) = stop.run_until_cancelled(tail.next()).await {
            let record = match tailed {
                Ok(Tailed::Record(record)) => record,
                Ok(Tailed::CaughtUp) => {
                    self.catch_up();
                    continue;
                }
                Err(error) => {
                    error!(%error, "rules can no longer be followed");
                    return self.component.degraded("registry-topic-lost");
                }
            };
            if let Some(New { rules, descriptors }) = self.take(record) {
                tell(&rules);
                surface.show(open_services(&rules), descriptors).await;
            }
        }
    }

    /// Takes a record; returns the rules if there are new ones.
    fn take(&mut self, record: Record) -> Option<New> {
        let (key, value) = (record.key?, record.value?);
        let taken = if key == SNAPSHOT { self.snapshot(&value) } else { self.descriptor(&key, value) };
        match taken {
            Ok(rules) => rules,
            Err(Refusal::RolledBack) if !self.caught_up => {
                self.has_older = true;
                None
            }
            Err(refusal) => {
                self.alarm(&refusal);
                None
            }
        }
    }

    /// The topic has been read to its end. If it holds only rules older than those that were in force here, somebody took
    /// the newer ones away.
    fn catch_up(&mut self) {
        self.caught_up = true;
        if self.revision() == 0 && self.has_older {
            self.alarm(&Refusal::RolledBack);
        }
    }

    fn alarm(&self, refusal: &Refusal) {
        Stats::count(&self.stats.snapshots_refused);
        error!(%refusal, "snapshot refused; the rules in force stay");
        // Without any rules the gateway was not ready, and is not now.
        if self.current.load().is_some() {
            self.component.degraded(refusal.cause());
        } else {
            self.component.failed(refusal.cause());
        }
    }

    fn snapshot(&mut self, value: &[u8]) -> Result<Option<New>, Refusal> {
        let snapshot = self.verify(value)?;
        if snapshot.revision < self.floor.revision() {
            return Err(Refusal::RolledBack);
        }
        if snapshot.revision <= self.revision() {
            return Ok(None);
        }
        self.compile(snapshot)
    }

    fn verify(&self, value: &[u8]) -> Result<Snapshot, Refusal> {
        let signed = SignedSnapshot::decode(value).map_err(|_| Refusal::Malformed)?;
        let key = self.keys.get(&signed.key_id).ok_or(Refusal::UnknownKey)?;
        let signature = Signature::from_slice(&signed.signature).map_err(|_| Refusal::BadSignature)?;
        let signed_bytes = [CONTEXT, &signed.snapshot].concat();
        key.verify_strict(&signed_bytes, &signature).map_err(|_| Refusal::BadSignature)?;
        Snapshot::decode(signed.snapshot).map_err(|_| Refusal::Malformed)
    }

    /// A descriptor set needs no signature: the signed snapshot names it by its content.
    fn descriptor(&mut self, key: &[u8], value: Bytes) -> Result<Option<New>, Refusal> {
        let name = descriptor_key(&sha256(&value));
        if key != name.as_bytes() || value.len() > LARGEST_DESCRIPTOR {
            return Err(Refusal::Malformed);
        }
        if self.descriptors.len() >= MOST_DESCRIPTORS {
            self.forget_unneeded();
        }
        if self.descriptors.len() < MOST_DESCRIPTORS {
            self.descriptors.insert(name, value);
        }
        match self.waiting.take() {
            Some(snapshot) => self.compile(snapshot),
            None => Ok(None),
        }
    }

    fn compile(&mut self, snapshot: Snapshot) -> Result<Option<New>, Refusal> {
        let rules = match Rules::compile(&snapshot, &self.descriptors) {
            Ok(rules) => Arc::new(rules),
            Err(RulesError::DescriptorMissing { .. }) => {
                self.waiting = Some(snapshot);
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        if let Err(error) = self.floor.raise(rules.revision()) {
            // The rules hold all the same: refusing them would keep a revoked key in force.
            error!(%error, "the revision of the rules could not be kept");
        }
        info!(revision = rules.revision(), "rules in force");
        self.waiting = None;
        self.current.store(Some(rules.clone()));
        self.component.ready();
        let needed = rules.methods().map(|method| descriptor_key(&method.contract_sha256));
        let needed: BTreeSet<String> = needed.collect();
        let descriptors = needed.iter().filter_map(|key| self.descriptors.get(key).cloned()).collect();
        Ok(Some(New { rules, descriptors }))
    }

    fn revision(&self) -> u64 {
        let in_force = self.current.load().as_ref().map_or(0, |rules| rules.revision());
        self.waiting.as_ref().map_or(in_force, |snapshot| snapshot.revision.max(in_force))
    }

    fn forget_unneeded(&mut self) {
        let mut needed = BTreeSet::new();
        if let Some(rules) = self.current.load().as_ref() {
            needed.extend(rules.methods().map(|method| descriptor_key(&method.contract_sha256)));
        }
        if let Some(snapshot) = &self.waiting {
            needed.extend(snapshot.services.iter().map(|service| descriptor_key(&service.descriptor_sha256)));
        }
        self.descriptors.retain(|key, _| needed.contains(key));
    }
}

/// First 16 hex digits of the SHA-256 of a public key.
fn key_id(key: &VerifyingKey) -> String {
    sha256(key.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};
    use lgsp_runtime::{Instance, State};

    use super::*;
    use crate::fixture;

    struct Bench {
        follower: Follower,
        state: State,
        dir: tempfile::TempDir,
    }

    impl Bench {
        fn new() -> Self {
            Self::restarted(tempfile::tempdir().unwrap())
        }

        fn restarted(dir: tempfile::TempDir) -> Self {
            let state = State::new(Instance::new("gateway", "1.2.3"));
            let floor = Floor::open(dir.path()).unwrap();
            let keys = [registry_key().verifying_key()];
            let component = state.component("rules");
            let follower = Follower::new(&keys, floor, Arc::default(), component, Arc::default());
            Self { follower, state, dir }
        }

        fn take(&mut self, key: &str, value: Bytes) -> Option<u64> {
            let key = Some(Bytes::copy_from_slice(key.as_bytes()));
            let (topic, value) = ("lgsp.registry".into(), Some(value));
            let record =
                Record { topic, partition: 0, offset: 0, timestamp_us: 0, key, headers: Vec::new(), value };
            self.follower.take(record).map(|new| new.rules.revision())
        }

        fn take_descriptors(&mut self) -> Option<u64> {
            let mut revision = None;
            for (key, set) in fixture::descriptors() {
                revision = self.take(&key, set).or(revision);
            }
            revision
        }

        fn snapshot(&mut self, revision: u64, key: &SigningKey) -> Option<u64> {
            self.take("snapshot", signed(revision, key))
        }

        fn cause(&self) -> String {
            self.state.status()["components"]["rules"]["cause"].as_str().unwrap_or_default().to_owned()
        }
    }

    fn registry_key() -> SigningKey {
        SigningKey::from_bytes(&[3; 32])
    }

    fn signed(revision: u64, key: &SigningKey) -> Bytes {
        let snapshot = Bytes::from(Snapshot { revision, ..fixture::snapshot() }.encode_to_vec());
        let signature = key.sign(&[CONTEXT, &snapshot].concat()).to_bytes().to_vec();
        SignedSnapshot { snapshot, key_id: key_id(&key.verifying_key()), signature: signature.into() }
            .encode_to_vec()
            .into()
    }

    #[test]
    fn a_gateway_is_ready_with_its_first_snapshot_and_follows_the_next() {
        let mut bench = Bench::new();
        bench.take_descriptors();
        assert!(!bench.state.is_ready());
        assert_eq!(bench.snapshot(1, &registry_key()), Some(1));
        assert!(bench.state.is_ready());
        assert_eq!(bench.snapshot(2, &registry_key()), Some(2));
    }

    #[test]
    fn a_gateway_never_goes_back() {
        let mut bench = Bench::new();
        bench.take_descriptors();
        bench.snapshot(7, &registry_key());
        assert_eq!(bench.snapshot(6, &registry_key()), None);
        assert_eq!(bench.follower.revision(), 7);
        assert!(bench.state.is_ready());
    }

    #[test]
    fn the_history_of_the_topic_is_no_attempt_to_go_back() {
        let mut bench = Bench::new();
        bench.take_descriptors();
        bench.snapshot(7, &registry_key());
        let mut bench = Bench::restarted(bench.dir);
        bench.take_descriptors();
        assert_eq!(bench.snapshot(6, &registry_key()), None);
        assert_eq!(bench.cause(), "no-rules");
        assert_eq!(bench.snapshot(7, &registry_key()), Some(7));
        bench.follower.catch_up();
        assert_eq!(bench.cause(), "");
        assert_eq!(bench.snapshot(6, &registry_key()), None);
        assert_eq!(bench.cause(), "snapshot-rolled-back", "from now on it is one");
    }

    #[test]
    fn a_restarted_gateway_does_not_go_back_either() {
        let mut bench = Bench::new();
        bench.take_descriptors();
        bench.snapshot(7, &registry_key());
        let mut bench = Bench::restarted(bench.dir);
        bench.take_descriptors();
        assert_eq!(bench.snapshot(6, &registry_key()), None);
        bench.follower.catch_up();
        assert_eq!(bench.cause(), "snapshot-rolled-back");
        assert_eq!(bench.snapshot(7, &registry_key()), Some(7));
    }

    #[test]
    fn a_snapshot_with_a_bad_signature_is_kept_out_with_an_alarm() {
        let mut bench = Bench::new();
        bench.take_descriptors();
        bench.snapshot(1, &registry_key());
        assert_eq!(bench.snapshot(2, &SigningKey::from_bytes(&[4; 32])), None);
        assert_eq!(bench.cause(), "snapshot-key-unknown");

        let mut forged = SignedSnapshot::decode(signed(2, &SigningKey::from_bytes(&[4; 32]))).unwrap();
        forged.key_id = key_id(&registry_key().verifying_key());
        assert_eq!(bench.take("snapshot", forged.encode_to_vec().into()), None);
        assert_eq!(bench.cause(), "snapshot-signature-bad");
        assert_eq!(bench.take("snapshot", Bytes::from_static(b"\xff")), None);
        assert_eq!(bench.follower.revision(), 1);
        assert!(bench.state.is_ready(), "the rules in force stay");

        assert_eq!(bench.snapshot(2, &registry_key()), Some(2));
        assert_eq!(bench.cause(), "", "a good snapshot ends the alarm");
    }

    #[test]
    fn a_snapshot_waits_for_its_descriptor_sets() {
        let mut bench = Bench::new();
        assert_eq!(bench.snapshot(1, &registry_key()), None);
        assert_eq!(bench.take_descriptors(), Some(1));
    }

    #[test]
    fn a_descriptor_set_under_a_false_name_is_refused() {
        let mut bench = Bench::new();
        let name = descriptor_key(&[0; 32]);
        assert_eq!(bench.take(&name, Bytes::from_static(b"something else")), None);
        assert_eq!(bench.cause(), "snapshot-malformed");
    }
}
