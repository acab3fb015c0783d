//! The adapter of a domain: its service, its source, and its place on the bus.

use anyhow::Context;
use lgsp_adapter::{Adapter, health};
use lgsp_bus::Health;
use lgsp_runtime::Stage;

use super::{Host, Role, tell_when_serving};
use crate::cli::server::Domain;

/// Starts the adapter of a domain.
///
/// # Errors
/// Its source or its key cannot be opened.
pub async fn start(host: &Host, domain: Domain) -> anyhow::Result<Role> {
    let options = match domain {
        Domain::Population => &host.config.population,
        Domain::Land => &host.config.land,
    };
    let start = host.start(domain.role());
    let opened: Adapter = match domain {
        Domain::Population => lgsp_adapter_population::open(options).await,
        Domain::Land => lgsp_adapter_land::open(options).await,
    }
    .with_context(|| format!("the source of the {} adapter cannot be opened", domain.name()))?;

    let (sources, stop) = (Health::new(), start.shutdown.begins(Stage::Close));
    let watching = health::watch(&opened, options.probe_interval, sources.clone(), &start.state, stop);
    start.shutdown.spawn(Stage::Close, "source health", watching);

    let serving = lgsp_bus::serve(
        &host.bus,
        host.config.serve.clone(),
        opened.domain,
        start.instance.name(),
        host.mac_key(opened.domain)?,
        opened.routes,
        sources,
        &start.shutdown,
    )
    .await?;
    tell_when_serving(serving, start.state.component("requests"), &start.shutdown);
    Ok(start.into_role())
}
