//! The sample traffic of `lgsp up`.

use std::net::SocketAddr;

use anyhow::{Context, bail};

use super::{Host, Role};
use crate::layout::Layout;
use crate::traffic;

/// Starts the traffic of the synthetic city in a data directory, towards a gateway that is ready.
///
/// # Errors
/// The hub is none for trying, callers need TLS, or there is no synthetic city that this version can tell again.
pub async fn start(
    host: &Host,
    gateway: SocketAddr,
    data: &Layout,
    options: traffic::Options,
) -> anyhow::Result<Role> {
    let environment = &host.config.registry.environment;
    if environment != traffic::ENVIRONMENT {
        bail!("sample traffic runs in a sandbox only, and registry.environment is {environment}");
    }
    if host.config.gateway.tls.is_some() {
        bail!("sample traffic calls a gateway without TLS only: leave out gateway.tls");
    }
    let sources = data.sources();
    let made = lgsp_sample::existing(&sources).await?;
    let made = made.filter(|made| made.generation == lgsp_sample::GENERATION).with_context(|| {
        let dir = sources.display();
        format!("{dir} holds no synthetic city of this version: make one with lgsp sample-data --out {dir}")
    })?;

    let start = host.start("sample-traffic");
    let address = gateway.to_string();
    traffic::start(options, made.config, &address, data.root(), &start.state, &start.shutdown).await?;
    Ok(start.into_role())
}
