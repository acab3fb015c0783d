//! The registry: publishes the rules, and answers what is registered.

use std::path::Path;

use lgsp_bus::Health;
use lgsp_registry::Registry;

use super::{Host, Role, facts, links, tell_when_serving};

/// Its domain on the bus.
const DOMAIN: &str = "registry";
/// The store of a data directory, as the guides have it.
const STORE: &str = "sqlite:registry.db";

/// Starts the registry.
///
/// # Errors
/// The rules do not hold together, a store has decided and is not named, or a key cannot be read.
pub async fn start(host: &Host) -> anyhow::Result<(Role, Registry)> {
    not_beside_a_store(&host.config.data, &host.config.registry)?;
    let start = host.start("registry");
    let options = host.config.registry.clone();
    let registry = lgsp_registry::start(options, &host.bus, &start.state, &start.shutdown).await?;
    facts::of_registry(host, registry.clone(), &start.shutdown);
    let (heartbeats, state) = (Health::new(), start.state.clone());
    // Files are read when they change: there is nothing to be connected with.
    if host.config.registry.has_a_store() {
        let trouble = move || lgsp_registry::store_trouble(&state);
        links::of_store(host, (DOMAIN, start.instance.name()), heartbeats.clone(), trouble, &start.shutdown);
    }
    let serving = lgsp_bus::serve(
        &host.bus,
        host.config.serve.clone(),
        DOMAIN,
        start.instance.name(),
        host.mac_key(DOMAIN)?,
        registry.routes(),
        heartbeats,
        &start.shutdown,
    )
    .await?;
    tell_when_serving(serving, start.state.component("requests"), &start.shutdown);
    Ok((start.into_role(), registry))
}

/// A store that lies in the data directory has decided, also if a registry from before did not keep that it does.
fn not_beside_a_store(data: &Path, options: &lgsp_registry::Options) -> Result<(), lgsp_registry::Error> {
    let lies_there = STORE.strip_prefix("sqlite:").is_some_and(|file| data.join(file).exists());
    if options.store.is_empty() && lies_there {
        return Err(lgsp_registry::Error::WithoutStore { store: STORE.to_owned() });
    }
    Ok(())
}
