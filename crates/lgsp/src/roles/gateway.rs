//! The gateway: its listener, its secrets, and its way to the exchange log.

use std::sync::Arc;

use lgsp_bus::{Appender, Fsynced, topics};
use lgsp_core::entry::SubjectKeys;
use lgsp_gateway::{Gateway, Secrets};
use lgsp_runtime::Stage;
use tokio::net::TcpListener;

use super::{Host, Role, facts, links, subject_keys};
use crate::layout::{read_public_keys, read_symmetric_keys};

/// Starts a gateway on a bound listener. With the embedded broker, which forgets, `fsynced` tells how far the ledger has the
/// entries on disk: an entry is durable only then.
///
/// # Errors
/// A key cannot be read, or a client could not be built.
pub async fn start(
    host: &Host,
    fsynced: Option<Fsynced>,
    listener: TcpListener,
) -> anyhow::Result<(Role, Gateway)> {
    let start = host.start("gateway");
    let secrets = secrets(host)?;
    let appender = Appender::new(&host.bus, start.state.instance().name(), fsynced)?;
    let options = host.config.gateway.clone();
    let gateway =
        lgsp_gateway::start(options, listener, &host.bus, appender, secrets, &start.state, &start.shutdown)
            .await?;
    let watching = topics::watch_partitions(host.bus.clone(), start.shutdown.begins(Stage::Close));
    start.shutdown.spawn(Stage::Close, "partitions", watching);
    let stop = start.shutdown.begins(Stage::Close);
    let entering = gateway.clone();
    let instance = start.state.instance().name().to_owned();
    links::of_gateway(host, gateway.clone(), instance, &start.shutdown);
    facts::of_gateway(host, gateway.clone(), &start.shutdown);
    let replace = move |keys| entering.replace_subject_keys(keys);
    let told = start.state.component("subject-key-files");
    let following = subject_keys::follow(replace, host.config.keys.subjects.clone(), told, stop);
    start.shutdown.spawn(Stage::Close, "subject keys", following);
    Ok((start.into_role(), gateway))
}

fn secrets(host: &Host) -> anyhow::Result<Secrets> {
    let keys = &host.config.keys;
    Ok(Secrets {
        environment: host.config.registry.environment.clone(),
        snapshot_keys: read_public_keys(&keys.snapshot_public)?,
        subjects: SubjectKeys::new(read_symmetric_keys(&keys.subjects)?),
        macs: Arc::new(host.mac_keys()?),
    })
}
