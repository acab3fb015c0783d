use std::sync::Arc;

use lgsp_bus::{Bus, Start, topics};
use lgsp_proto::registry::v1::registry_service_server::RegistryServiceServer;
use lgsp_runtime::state::Fact;
use lgsp_runtime::{Shutdown, Stage, State};
use tokio::sync::watch;
use tonic::service::Routes;

use crate::changes::Changes;
use crate::kept::Kept;
use crate::next::{Known, OnTopic};
use crate::publisher::{Publisher, on_disk, read};
use crate::rules::check;
use crate::service::{Published, Service};
use crate::sign::SnapshotKey;
use crate::{Error, Options};

/// A running registry. A cheap handle.
#[derive(Clone, Debug)]
pub struct Registry {
    current: watch::Receiver<Option<Arc<Published>>>,
    revision: Fact,
}

/// Reads and checks the rules, and starts to publish them as soon as the broker is there.
///
/// State: `rules` tells of the files, `topic` of what is published, and the number `revision` which that is.
///
/// # Errors
/// The rules cannot be read or do not hold together (every problem is named), or the signing key or the file of the last
/// published snapshot cannot be read.
pub async fn start(
    options: Options,
    bus: &Bus,
    state: &State,
    shutdown: &Shutdown,
) -> Result<Registry, Error> {
    let signing_key = options.signing_key.clone();
    let key = on_disk(move || SnapshotKey::read(&signing_key)).await?;
    let folder = read(options.rules.clone()).await?;
    let checked = check(&folder, &options.environment)?;
    let kept = Kept::new(&options.last_published);
    let last_kept = on_disk({
        let kept = kept.clone();
        move || kept.read()
    });
    let last_kept = last_kept.await?.and_then(|record| Known::open(&key, &record));

    let changes = Changes::of(&options)?;
    let tail = bus.tail(topics::REGISTRY, Start::Beginning)?;
    let (rules, topic, revision) =
        (state.component("rules"), state.component("topic"), state.fact("revision"));
    rules.ready();
    let current = watch::Sender::new(None);
    let registry = Registry { current: current.subscribe(), revision: revision.clone() };
    let publisher = Publisher {
        bus: bus.clone(),
        options,
        key,
        checked,
        looked_at: folder.digest(),
        kept,
        last_kept,
        on_topic: OnTopic::default(),
        current,
        rules,
        topic,
        revision,
    };
    let close = shutdown.begins(Stage::Close);
    shutdown.spawn(Stage::Close, "publisher of the rules", publisher.run(changes, tail, close));
    Ok(registry)
}

impl Registry {
    /// The service, for [`lgsp_bus::serve`] under the domain `registry`.
    pub fn routes(&self) -> Routes {
        Routes::new(RegistryServiceServer::new(Service::new(self.current.clone())))
    }

    /// The revision that is published; 0 before the first.
    pub fn revision(&self) -> u64 {
        u64::try_from(self.revision.get()).unwrap_or(0)
    }
}
