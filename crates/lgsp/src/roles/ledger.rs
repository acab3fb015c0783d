//! The ledger: takes entries in, and answers what happened.

use lgsp_bus::{Fsynced, Health};

use super::{Host, Role, tell_when_serving};

/// Its domain on the bus.
const DOMAIN: &str = "ledger";

/// Starts the ledger. Returns also how far it has the entries on disk, which the embedded gateway waits for.
///
/// # Errors
/// The log is damaged, or the directory or a key cannot be used.
pub async fn start(host: &Host) -> anyhow::Result<(Role, Fsynced)> {
    let start = host.start("ledger");
    let options = host.config.ledger.clone();
    let ledger =
        lgsp_ledger::start(options, &host.mac_keys()?, &host.bus, &start.state, &start.shutdown).await?;
    let fsynced = ledger.fsynced();
    let serving = lgsp_bus::serve(
        &host.bus,
        host.config.serve.clone(),
        DOMAIN,
        start.instance.name(),
        host.mac_key(DOMAIN)?,
        ledger.routes(),
        Health::new(),
        &start.shutdown,
    )
    .await?;
    tell_when_serving(serving, start.state.component("requests"), &start.shutdown);
    Ok((start.into_role(), fsynced))
}
