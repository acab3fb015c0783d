//! What a catalogue amounts to: rules that hold together, in every environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use lgsp_core::contract::Contract;
use lgsp_core::{Plan, Pools, Rules, RulesError, SANDBOX, descriptor_key};
use lgsp_proto::registry::v1::{DataService, Grant, Snapshot};
use prost::Message;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::Instant;

use crate::catalogue::Catalogue;
use crate::history::{History, HistoryError};
use crate::rules::{Checked, content_digest};

/// One history has the rules of both.
pub(crate) const ENVIRONMENTS: [&str; 2] = ["production", SANDBOX];

/// The catalogue as of its last change, with the rules that it makes.
#[derive(Debug)]
pub(crate) struct Held {
    pub catalogue: Catalogue,
    pub checked: Checked,
    /// The same, as a gateway has them: to say what it would decide.
    pub rules: Rules,
    /// The contracts of every environment, by their key on the topic.
    pub contracts: BTreeMap<String, Bytes>,
    /// The same, linked.
    pub pools: Arc<Pools>,
    /// Digest of the rules of every environment: they have their revisions together.
    pub content: [[u8; 32]; 2],
    /// Encoded bytes of the rules of every environment.
    pub sizes: [usize; 2],
}

/// Why a catalogue makes no rules.
#[derive(Debug)]
pub(crate) enum NotHeld {
    Rules(Box<RulesError>),
    History(HistoryError),
}

impl From<NotHeld> for HistoryError {
    fn from(not_held: NotHeld) -> Self {
        match not_held {
            NotHeld::Rules(_) => Self::Rules,
            NotHeld::History(error) => error,
        }
    }
}

/// The rules that a catalogue makes; the core has the last word on whether they hold together. Contracts that are not `known` yet
/// are read: another registry may have kept them, or nobody needed them before.
pub(crate) async fn hold(
    history: &History,
    catalogue: Catalogue,
    environment: &str,
    (known, pools): (&BTreeMap<String, Bytes>, &Arc<Pools>),
    until: Instant,
) -> Result<Held, NotHeld> {
    let snapshots = ENVIRONMENTS.map(|environment| catalogue.snapshot(environment));
    let contracts = contracts_of(history, &snapshots, known, until).await.map_err(NotHeld::History)?;
    let (environment, pools) = (environment.to_owned(), pools.clone());
    // Compiling takes its time, which calls and heartbeats do not have.
    let compiled = spawn_blocking(move || compiled(catalogue, snapshots, contracts, &environment, pools));
    match compiled.await.map_err(JoinError::try_into_panic) {
        Ok(held) => held,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // The process ends, and nobody waits for this any more.
        Err(Err(_)) => std::future::pending().await,
    }
}

fn compiled(
    catalogue: Catalogue,
    mut snapshots: [Snapshot; 2],
    contracts: BTreeMap<String, Bytes>,
    environment: &str,
    pools: Arc<Pools>,
) -> Result<Held, NotHeld> {
    fit_both(&mut snapshots, &contracts);
    let content = [&snapshots[0], &snapshots[1]].map(content_digest);
    let sizes = [&snapshots[0], &snapshots[1]].map(Message::encoded_len);
    let mut held = None;
    for (name, snapshot) in ENVIRONMENTS.into_iter().zip(snapshots) {
        let rules = Rules::compile_with(&snapshot, &contracts, &pools);
        let rules = rules.map_err(|error| NotHeld::Rules(Box::new(error)))?;
        if name == environment || held.is_none() {
            held = Some((snapshot, rules));
        }
    }
    pools.retain(&contracts);
    // There are two environments, so that there are rules of one.
    let (snapshot, rules) = held.expect("one of two");
    let needed = snapshot.services.iter().map(key_of);
    let descriptors = needed.filter_map(|key| Some((key.clone(), contracts.get(&key)?.clone()))).collect();
    Ok(Held {
        catalogue,
        checked: Checked { snapshot, descriptors, contacts: BTreeMap::new(), inventory: Vec::new() },
        rules,
        contracts,
        pools,
        content,
        sizes,
    })
}

/// What gateways of every environment get of a catalogue, and the contracts of that.
pub(crate) async fn snapshots(
    history: &History,
    catalogue: &Catalogue,
    known: &BTreeMap<String, Bytes>,
    until: Instant,
) -> Result<([Snapshot; 2], BTreeMap<String, Bytes>), HistoryError> {
    let mut snapshots = ENVIRONMENTS.map(|environment| catalogue.snapshot(environment));
    let contracts = contracts_of(history, &snapshots, known, until).await?;
    fit_both(&mut snapshots, &contracts);
    Ok((snapshots, contracts))
}

async fn contracts_of(
    history: &History,
    snapshots: &[Snapshot; 2],
    known: &BTreeMap<String, Bytes>,
    until: Instant,
) -> Result<BTreeMap<String, Bytes>, HistoryError> {
    let mut contracts = BTreeMap::new();
    for key in snapshots.iter().flat_map(|snapshot| &snapshot.services).map(key_of) {
        let contract = match known.get(&key) {
            Some(contract) => Some(contract.clone()),
            None => history.contract(&key, until).await?,
        };
        contracts.extend(contract.map(|contract| (key, contract)));
    }
    Ok(contracts)
}

fn fit_both(snapshots: &mut [Snapshot; 2], contracts: &BTreeMap<String, Bytes>) {
    let [production, sandbox] = snapshots;
    fit(production, sandbox, contracts);
    fit(sandbox, production, contracts);
}

/// Leaves out what agreements grant of a version that only the other environment has: it is tried in the sandbox before it is in use.
/// What fits neither stays, and is refused.
fn fit(snapshot: &mut Snapshot, other: &Snapshot, contracts: &BTreeMap<String, Bytes>) {
    let contract =
        |service: &DataService| Contract::read(contracts.get(&key_of(service))?, &service.name).ok();
    for service in &snapshot.services {
        let differs = |known: &&DataService| {
            known.name == service.name && known.descriptor_sha256 != service.descriptor_sha256
        };
        let Some(theirs) = other.services.iter().find(differs) else { continue };
        let (Some(ours), Some(theirs)) = (contract(service), contract(theirs)) else { continue };
        let of_service = snapshot.agreements.iter_mut().filter(|agreement| agreement.service == service.name);
        for agreement in of_service {
            agreement.grants.retain(|grant| fits(grant, &ours) || !fits(grant, &theirs));
        }
    }
}

fn fits(grant: &Grant, contract: &Contract) -> bool {
    let method = contract.method(&grant.method);
    method.is_some_and(|method| Plan::compile(&method.output(), &grant.fields).is_ok())
}

/// The key of a service's contract on the topic.
pub(crate) fn key_of(service: &DataService) -> String {
    descriptor_key(&service.descriptor_sha256)
}
