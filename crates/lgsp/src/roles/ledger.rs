//! The ledger: takes entries in, and answers what happened.

use std::path::PathBuf;

use anyhow::Context as _;
use lgsp_bus::{Fsynced, Health, MacKey};
use lgsp_ledger::Keys;
use lgsp_runtime::Stage;
use lgsp_tlog::{Kind, SignerKey};
use tracing::warn;
use zeroize::Zeroizing;

use super::{Host, Role, destroyed_keys, facts, links, subject_keys, tell_when_serving};
use crate::config::Config;
use crate::layout::{read_kept_key, read_signing_key};

/// Its domain on the bus.
const DOMAIN: &str = "ledger";

/// Starts the ledger. Returns also how far it has the entries on disk, which the embedded gateway waits for.
///
/// # Errors
/// The log is damaged, or the directory or a key cannot be used.
pub async fn start(host: &Host) -> anyhow::Result<(Role, Fsynced)> {
    let start = host.start("ledger");
    let options = host.config.ledger.clone();
    let keys = Keys {
        macs: host.mac_keys()?,
        log: log_keys(&host.config)?,
        decisions: decisions_key(&host.config)?,
        former_entries: host.config.keys.entries_former.as_deref().map(read_kept_key).transpose()?,
    };
    // Boxed: what it does at a start would lie in every future that starts a hub.
    let ledger =
        Box::pin(lgsp_ledger::start(options, keys, &host.bus, &start.state, &start.shutdown)).await?;
    let fsynced = ledger.fsynced();
    let instance = start.instance.name().to_owned();
    links::of_ledger(host, &host.config.ledger, start.state.clone(), instance, &start.shutdown);
    facts::of_ledger(host, start.state.clone(), &start.shutdown);
    let (heartbeats, state) = (Health::new(), start.state.clone());
    let trouble = move || lgsp_ledger::store_trouble(&state);
    links::of_store(host, (DOMAIN, start.instance.name()), heartbeats.clone(), trouble, &start.shutdown);
    let (subjects, searched) = (host.config.keys.subjects.clone(), ledger.clone());
    let replace = move |keys| {
        searched.replace_subject_keys(keys);
        true
    };
    let told = start.state.component("subject-key-files");
    let following = subject_keys::follow(replace, subjects, told, start.shutdown.begins(Stage::Close));
    start.shutdown.spawn(Stage::Close, "subject keys", following);
    let folders = (host.config.keys.subjects.clone(), host.config.ledger.dir.clone());
    let told = start.state.component("subject-keys");
    let deleting = destroyed_keys::delete(
        ledger.destroyed_subject_keys(),
        folders,
        told,
        start.shutdown.begins(Stage::Close),
    );
    start.shutdown.spawn(Stage::Close, "destroyed subject keys", deleting);
    let serving = lgsp_bus::serve(
        &host.bus,
        host.config.serve.clone(),
        DOMAIN,
        start.instance.name(),
        host.mac_key(DOMAIN)?,
        ledger.routes(),
        heartbeats,
        &start.shutdown,
    )
    .await?;
    tell_when_serving(serving, start.state.component("requests"), &start.shutdown);
    Ok((start.into_role(), fsynced))
}

/// The key that signs decisions about the log; none if there is no such file.
fn decisions_key(config: &Config) -> anyhow::Result<Option<MacKey>> {
    let path = &config.keys.decisions;
    if !path.exists() {
        warn!(file = %path.display(), "there is no key of decisions: nothing can be decided about the log");
        return Ok(None);
    }
    Ok(Some(read_kept_key(path)?))
}

/// The keys that sign checkpoints, under the name of the log, the former one last; none if there is no such file.
fn log_keys(config: &Config) -> anyhow::Result<Vec<SignerKey>> {
    let path = &config.keys.log;
    if !path.exists() {
        warn!(file = %path.display(), "there is no key of the log: its checkpoints are not signed");
        return Ok(Vec::new());
    }
    let read = |path: &PathBuf| {
        let seed = Zeroizing::new(read_signing_key(path)?.to_bytes());
        let key = SignerKey::from_seed(&config.ledger.origin, Kind::Log, &seed);
        key.context("ledger.origin cannot name a key")
    };
    [Some(path), config.keys.log_former.as_ref()].into_iter().flatten().map(read).collect()
}
