//! The adapter of a domain: its service, its source, and its place on the bus.

use std::time::Duration;

use anyhow::Context;
use lgsp_adapter::{Adapter, Relation, health};
use lgsp_bus::Health;
use lgsp_runtime::Stage;

use super::{Host, Role, links, tell_when_serving};
use crate::cli::server::Domain;
use crate::config::Config;

/// Starts the adapter of a domain.
///
/// # Errors
/// Its source or its key cannot be opened.
pub async fn start(host: &Host, domain: Domain) -> anyhow::Result<Role> {
    let opened = open(&host.config, domain).await?;
    serve(host, domain.role(), opened, host.config.adapter(domain).probe_interval).await
}

/// Opens the adapter of a domain on its source, without a bus.
///
/// # Errors
/// Its source cannot be opened.
pub async fn open(config: &Config, domain: Domain) -> anyhow::Result<Adapter> {
    let options = config.adapter(domain);
    let failed = || format!("the source of the {} adapter cannot be opened", domain.name());
    match domain {
        Domain::Population => lgsp_adapter_population::open(options).await,
        Domain::Land => lgsp_adapter_land::open(options).await,
        Domain::Health if config.fhir.is_set() => {
            return lgsp_adapter_health::fhir::open(options, &config.fhir).with_context(failed);
        }
        Domain::Health => lgsp_adapter_health::open(options).await,
        Domain::Education => lgsp_adapter_education::open(options).await,
        Domain::Business => lgsp_adapter_business::open(options).await,
    }
    .with_context(failed)
}

/// What the adapter of a domain reads.
pub fn relations(domain: Domain) -> &'static [Relation] {
    match domain {
        Domain::Population => lgsp_adapter_population::RELATIONS,
        Domain::Land => lgsp_adapter_land::RELATIONS,
        Domain::Health => lgsp_adapter_health::RELATIONS,
        Domain::Education => lgsp_adapter_education::RELATIONS,
        Domain::Business => lgsp_adapter_business::RELATIONS,
    }
}

/// Serves an opened adapter, of this program or of another crate, and watches its source.
///
/// # Errors
/// Its key cannot be read, or a client could not be built.
pub async fn serve(
    host: &Host,
    role: &'static str,
    opened: Adapter,
    probe_interval: Duration,
) -> anyhow::Result<Role> {
    let start = host.start(role);
    let (sources, stop) = (Health::new(), start.shutdown.begins(Stage::Close));
    let watching = health::watch(&opened, probe_interval, sources.clone(), &start.state, stop);
    start.shutdown.spawn(Stage::Close, "source health", watching);
    let instance = start.instance.name().to_owned();
    links::of_adapter(host, opened.domain, sources.clone(), instance, &start.shutdown);

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
