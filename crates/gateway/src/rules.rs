//! Follows the rules of the hub: snapshots of the registry, each believed only under a signature that is known here.
//!
//! A snapshot that is older, not signed by a known key, or does not hold together changes nothing but the gateway's state:
//! the rules in force stay. A gateway without any rules is not ready.

mod floor;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use ed25519_dalek::{Signature, VerifyingKey};
use futures::stream::Fuse;
use futures::{Stream, StreamExt};
use lgsp_bus::{Record, Tailed};
use lgsp_core::entry::sha256;
use lgsp_core::snapshot::{key_id, signed_bytes};
use lgsp_core::{Rules, RulesError, contract, descriptor_key};
use lgsp_proto::registry::v1::{SignedSnapshot, Snapshot};
use lgsp_runtime::Component;
use prost::Message;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::stats::Stats;
use crate::surface::{Surface, open_services};

pub(crate) use floor::Floor;

const SNAPSHOT: &[u8] = b"snapshot";
/// Descriptor sets that are kept; those that no service needs go first.
const MOST_DESCRIPTORS: usize = 512;
/// Largest descriptor set that is kept: all that a registry publishes are smaller.
const LARGEST_DESCRIPTOR: usize = 1 << 20;
const _: () = assert!(contract::LARGEST <= LARGEST_DESCRIPTOR);
/// How long to wait before the topic is read again when reading it has ended.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// What is told while newer rules are known and cannot be in force: a key that they revoke is still accepted.
const WAITS: &str = "snapshot-waits-for-descriptors";
const TOPIC_LOST: &str = "registry-topic-lost";

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
    #[error("the snapshot is of another environment")]
    OtherEnvironment,
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
            Self::OtherEnvironment => "snapshot-environment-other",
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
    /// The only one whose rules are taken: those of another may be signed with the same key, under the same revisions.
    environment: String,
    descriptors: BTreeMap<String, Bytes>,
    /// A verified snapshot that waits for a descriptor set.
    waiting: Option<Snapshot>,
    /// The revision of the last one for which the topic was read again.
    read_again: Option<u64>,
    floor: Floor,
    /// The topic was read to its end once. Before, the newest rules so far are `first`: those that follow them may take something back.
    begun: bool,
    first: Option<New>,
    /// What was on the topic at the start has been read. Before, older snapshots are its history and no attempt to go back.
    caught_up: bool,
    /// The newest revision that this reading of the topic has shown.
    newest: u64,
    topic_lost: bool,
    /// What is wrong since rules last came into force.
    alarm: Option<&'static str>,
    current: Arc<Current>,
    component: Component,
    stats: Arc<Stats>,
}

impl Follower {
    pub(crate) fn new(
        keys: &[VerifyingKey],
        environment: &str,
        floor: Floor,
        current: Arc<Current>,
        component: Component,
        stats: Arc<Stats>,
    ) -> Self {
        let follower = Self {
            keys: keys.iter().map(|key| (key_id(key.as_bytes()), *key)).collect(),
            environment: environment.to_owned(),
            descriptors: BTreeMap::new(),
            waiting: None,
            read_again: None,
            floor,
            begun: false,
            first: None,
            caught_up: false,
            newest: 0,
            topic_lost: false,
            alarm: None,
            current,
            component,
            stats,
        };
        follower.tell();
        follower
    }

    /// Follows the topic until `stop`, and reads it `again` from its beginning whenever reading it has ended; `tell` hears of
    /// every new set of rules, and `surface` shows its services.
    pub(crate) async fn run<S>(
        mut self,
        first: S,
        again: impl Fn() -> Result<S, lgsp_bus::Error>,
        stop: CancellationToken,
        surface: Arc<Surface>,
        tell: impl Fn(&Rules),
    ) where
        S: Stream<Item = Tailed> + Unpin,
    {
        let mut records = first.fuse();
        while let Some(tailed) = stop.run_until_cancelled(records.next()).await {
            match tailed {
                Some(Tailed::Record(record)) => {
                    let Some((follower, new)) = self.take_beside(record).await else { return };
                    self = follower;
                    if let Some(New { rules, descriptors }) = new {
                        tell(&rules);
                        surface.show(open_services(&rules), rules.pools().to_vec(), descriptors).await;
                        // Not before: whoever waited for a gateway that is ready may ask it for its services next.
                        self.tell();
                    }
                }
                Some(Tailed::CaughtUp) => {
                    if let Some(New { rules, descriptors }) = self.begin() {
                        tell(&rules);
                        surface.show(open_services(&rules), rules.pools().to_vec(), descriptors).await;
                    }
                    self.catch_up();
                }
                None => {
                    self.lose_topic();
                    let _ = stop.run_until_cancelled(sleep(READ_AGAIN)).await;
                    let Some(opened) = opened(&again, &stop).await else { return };
                    records = opened;
                }
            }
            if self.shall_read_again() {
                let Some(opened) = opened(&again, &stop).await else { return };
                records = opened;
            }
        }
    }

    /// Takes a record where no exchange waits for it: rules take their time to be compiled, and their floor until it is on disk.
    /// `None`: the process ends.
    async fn take_beside(mut self, record: Record) -> Option<(Self, Option<New>)> {
        let taken = spawn_blocking(move || {
            let new = self.take(record);
            (self, new)
        });
        match taken.await.map_err(JoinError::try_into_panic) {
            Ok(taken) => Some(taken),
            Err(Ok(panic)) => resume_unwind(panic),
            Err(Err(_cancelled)) => None,
        }
    }

    /// Takes a record; returns the rules if there are new ones.
    fn take(&mut self, record: Record) -> Option<New> {
        let (key, value) = (record.key?, record.value?);
        let taken = if key == SNAPSHOT { self.snapshot(&value) } else { self.descriptor(&key, value) };
        match taken {
            Ok(rules) => rules,
            Err(Refusal::RolledBack) if !self.caught_up => None,
            Err(refusal) => {
                self.refuse(&refusal);
                None
            }
        }
    }

    /// The topic has been read to its end for the first time: what is the newest on it comes into force.
    fn begin(&mut self) -> Option<New> {
        self.begun = true;
        let first = self.first.take()?;
        self.put_in_force(&first);
        Some(first)
    }

    fn put_in_force(&self, new: &New) {
        info!(revision = new.rules.revision(), "rules in force");
        self.current.store(Some(new.rules.clone()));
    }

    /// The topic has been read to its end. If it holds only rules older than those that were in force here, somebody took
    /// the newer ones away.
    fn catch_up(&mut self) {
        (self.caught_up, self.topic_lost) = (true, false);
        if (1..self.floor.revision()).contains(&self.newest) {
            self.refuse(&Refusal::RolledBack);
        }
        self.tell();
    }

    /// The rules in force stay. Whatever is on the topic is read again.
    fn lose_topic(&mut self) {
        error!("rules cannot be followed for now: reading their topic has ended");
        (self.caught_up, self.topic_lost, self.newest) = (false, true, 0);
        self.tell();
    }

    /// Whether a snapshot waits for descriptor sets that may be on the topic: they may have come before anybody knew that they
    /// are needed, and have gone for others. Once for each snapshot; what it needs is kept from then on.
    fn shall_read_again(&mut self) -> bool {
        let waits = self.waiting.as_ref().map(|snapshot| snapshot.revision);
        if !self.caught_up || waits.is_none() || waits == self.read_again {
            return false;
        }
        warn!("the topic of the rules is read again for descriptor sets that a snapshot waits for");
        (self.read_again, self.caught_up, self.newest) = (waits, false, 0);
        true
    }

    fn refuse(&mut self, refusal: &Refusal) {
        Stats::count(&self.stats.snapshots_refused);
        error!(%refusal, "snapshot refused; the rules in force stay");
        self.alarm = Some(refusal.cause());
        self.tell();
    }

    /// Without any rules the gateway is not ready; with old ones it is, and somebody should look at it.
    fn tell(&self) {
        let cause = if self.topic_lost { Some(TOPIC_LOST) } else { self.alarm };
        match (self.current.load().is_some(), cause) {
            (true, None) => self.component.ready(),
            (true, Some(cause)) => self.component.degraded(cause),
            (false, None) => self.component.starting("no-rules"),
            (false, Some(cause)) => self.component.failed(cause),
        }
    }

    fn snapshot(&mut self, value: &[u8]) -> Result<Option<New>, Refusal> {
        let snapshot = self.verify(value)?;
        self.newest = self.newest.max(snapshot.revision);
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
        let signed_bytes = signed_bytes(&signed.snapshot);
        key.verify_strict(&signed_bytes, &signature).map_err(|_| Refusal::BadSignature)?;
        let snapshot = Snapshot::decode(signed.snapshot).map_err(|_| Refusal::Malformed)?;
        if snapshot.environment == self.environment { Ok(snapshot) } else { Err(Refusal::OtherEnvironment) }
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
        match self.waiting.take_if(|snapshot| has_all(&self.descriptors, snapshot)) {
            Some(snapshot) => self.compile(snapshot),
            None => Ok(None),
        }
    }

    fn compile(&mut self, snapshot: Snapshot) -> Result<Option<New>, Refusal> {
        let rules = match Rules::compile(&snapshot, &self.descriptors) {
            Ok(rules) => Arc::new(rules),
            Err(RulesError::DescriptorMissing { .. }) => {
                self.wait(snapshot);
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        if let Err(error) = self.floor.raise(rules.revision()) {
            // The rules hold all the same: refusing them would keep a revoked key in force.
            error!(%error, "the revision of the rules could not be kept");
        }
        (self.waiting, self.alarm) = (None, None);
        let needed = rules.methods().map(|method| descriptor_key(&method.contract_sha256));
        let needed: BTreeSet<String> = needed.collect();
        let descriptors = needed.iter().filter_map(|key| self.descriptors.get(key).cloned()).collect();
        let new = New { rules, descriptors };
        if !self.begun {
            self.first = Some(new);
            return Ok(None);
        }
        self.put_in_force(&new);
        Ok(Some(new))
    }

    /// The rules in force stay until the descriptor sets are there that the snapshot names.
    fn wait(&mut self, snapshot: Snapshot) {
        if self.alarm != Some(WAITS) {
            warn!(
                revision = snapshot.revision,
                "snapshot waits for descriptor sets; the rules in force stay"
            );
        }
        (self.waiting, self.alarm) = (Some(snapshot), Some(WAITS));
        self.tell();
    }

    fn revision(&self) -> u64 {
        let in_force = self.current.load().as_ref().map_or(0, |rules| rules.revision());
        let in_force = self.first.as_ref().map_or(in_force, |first| first.rules.revision().max(in_force));
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

/// The topic from its beginning, as soon as it can be opened; `None`: it was stopped.
async fn opened<S: Stream>(
    again: &impl Fn() -> Result<S, lgsp_bus::Error>,
    stop: &CancellationToken,
) -> Option<Fuse<S>> {
    loop {
        match again() {
            Ok(opened) => return Some(opened.fuse()),
            Err(error) => warn!(%error, "the topic of the rules cannot be opened"),
        }
        stop.run_until_cancelled(sleep(READ_AGAIN)).await?;
    }
}

fn has_all(descriptors: &BTreeMap<String, Bytes>, snapshot: &Snapshot) -> bool {
    let mut services = snapshot.services.iter();
    services.all(|service| descriptors.contains_key(&descriptor_key(&service.descriptor_sha256)))
}
