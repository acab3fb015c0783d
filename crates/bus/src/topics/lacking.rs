//! What partitions lack on Kafka: replicas in sync, or a leader. Looked at now and then, off every path.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::metadata::Metadata;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::declared;
use crate::{Bus, Options};

/// How often somebody looks.
const LOOK: Duration = Duration::from_secs(30);
/// How long Kafka may take to answer.
const ASK: Duration = Duration::from_secs(5);

/// What the partitions of each topic lack, by the topic's declared name.
pub(crate) type Lacking = BTreeMap<String, Lacks>;

/// How many partitions of a topic lack what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lacks {
    /// Some replica is not in sync.
    pub(crate) replica: usize,
    /// Nobody takes or gives records.
    pub(crate) leader: usize,
}

/// Looks now and then at the partitions that this process may see, for [`crate::metrics::PARTITIONS_LACKING`], until `stop`. The embedded
/// broker has no replicas: of it nothing is claimed.
pub async fn watch_partitions(bus: Bus, stop: CancellationToken) {
    if bus.is_embedded() {
        return;
    }
    let mut every = interval(LOOK);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let looking = async {
        loop {
            every.tick().await;
            let asked = bus.clone();
            let seen = spawn_blocking(move || asked.publisher().metadata(ASK)).await;
            let lacking = match seen {
                Ok(Ok(seen)) => Some(lacking(&seen, bus.options())),
                Ok(Err(error)) => {
                    debug!(%error, "partitions are not seen");
                    None
                }
                Err(_) => None,
            };
            *bus.cluster().lacking.lock() = lacking;
        }
    };
    stop.run_until_cancelled(looking).await;
}

fn lacking(seen: &Metadata, options: &Options) -> Lacking {
    let names: BTreeMap<String, String> =
        declared(&Options { namespace: "lgsp".to_owned(), ..options.clone() })
            .into_iter()
            .map(|topic| (options.topic(&topic.name).into_owned(), topic.name))
            .collect();
    let ours = seen.topics().iter().filter_map(|topic| Some((names.get(topic.name())?, topic)));
    let ours = ours.filter(|(_, topic)| topic.error().is_none());
    let of = |(name, topic): (&String, &rdkafka::metadata::MetadataTopic)| {
        let mut lacks = Lacks::default();
        for partition in topic.partitions() {
            lacks.replica += usize::from(partition.isr().len() < partition.replicas().len());
            lacks.leader += usize::from(partition.leader() < 0);
        }
        (name.clone(), lacks)
    };
    ours.map(of).collect()
}
