//! The monitor: watches every link, and tells which is not healthy.

use lgsp_bus::Health;

use super::{Host, Role, links, tell_when_serving};

/// Its domain on the bus.
const DOMAIN: &str = "monitor";

/// Starts the monitor.
///
/// # Errors
/// Its store or a key cannot be used, or a client could not be built.
pub async fn start(host: &Host) -> anyhow::Result<Role> {
    let start = host.start("monitor");
    let (options, heartbeats) = (host.config.monitor.clone(), Health::new());
    let signals = (&host.bus, &heartbeats, host.links.clone());
    let monitor =
        lgsp_monitor::start(options, host.mac_keys()?, signals, &start.state, &start.shutdown).await?;
    let state = start.state.clone();
    let trouble = move || lgsp_monitor::store_trouble(&state);
    links::of_store(host, (DOMAIN, start.instance.name()), heartbeats.clone(), trouble, &start.shutdown);
    let serving = lgsp_bus::serve(
        &host.bus,
        host.config.serve.clone(),
        DOMAIN,
        start.instance.name(),
        host.mac_key(DOMAIN)?,
        monitor.routes(),
        heartbeats,
        &start.shutdown,
    )
    .await?;
    tell_when_serving(serving, start.state.component("requests"), &start.shutdown);
    Ok(start.into_role())
}
