//! The registry: publishes the rules, and answers what is registered.

use lgsp_bus::Health;

use super::{Host, Role, tell_when_serving};

/// Its domain on the bus.
const DOMAIN: &str = "registry";

/// Starts the registry.
///
/// # Errors
/// The rules do not hold together, or a key cannot be read.
pub async fn start(host: &Host) -> anyhow::Result<Role> {
    let start = host.start("registry");
    let options = host.config.registry.clone();
    let registry = lgsp_registry::start(options, &host.bus, &start.state, &start.shutdown).await?;
    let serving = lgsp_bus::serve(
        &host.bus,
        host.config.serve.clone(),
        DOMAIN,
        start.instance.name(),
        host.mac_key(DOMAIN)?,
        registry.routes(),
        Health::new(),
        &start.shutdown,
    )
    .await?;
    tell_when_serving(serving, start.state.component("requests"), &start.shutdown);
    Ok(start.into_role())
}
