//! The serving side: records become calls of an ordinary tonic service, and its answers become records.

mod answer;
mod dead_letters;
#[cfg(test)]
mod documented;
mod intake;
mod offsets;
mod spans;
mod work;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lgsp_runtime::Shutdown;
use lgsp_runtime::config::{self, Problems, Row, row, units};
use rdkafka::consumer::BaseConsumer;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tonic::service::Routes;

use crate::heartbeat::{Beats, Facts, Sender};
use crate::lag::Done;
use crate::metrics::Work;
use crate::producer::Producer;
use crate::pulse::Pulse;
use crate::{Bus, Error, Health, MacKey, RequestHead, clients, topics};
use dead_letters::DeadLetters;
use intake::{Intake, Membership};
use offsets::Offsets;

/// How long Kafka may take to acknowledge a reply.
const GIVE_UP: Duration = Duration::from_secs(5);

/// Bounds of the serving side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServeOptions {
    /// Most requests worked on at once.
    pub max_in_flight: usize,
    /// How long reading pauses when all are busy, before further requests are refused as overload.
    #[serde(with = "units::duration")]
    pub pause: Duration,
    /// Most messages of a stream whose contract sets no limit.
    pub max_stream_messages: u64,
    /// Most bytes of a stream whose contract sets no limit.
    #[serde(with = "units::size")]
    pub max_stream_bytes: usize,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            max_in_flight: 256,
            pause: Duration::from_millis(100),
            max_stream_messages: 10_000,
            max_stream_bytes: 64 << 20,
        }
    }
}

impl config::Options for ServeOptions {
    fn reference() -> Vec<Row> {
        vec![
            row("max-in-flight", "1 to 100000", "Most requests worked on at once."),
            row(
                "pause",
                units::duration::ACCEPTS,
                "How long reading pauses when all are busy, before further requests are refused as overload.",
            ),
            row(
                "max-stream-messages",
                "1 or more",
                "Most messages of a stream whose contract sets no limit.",
            ),
            row(
                "max-stream-bytes",
                units::size::ACCEPTS,
                "Most bytes of a stream whose contract sets no limit.",
            ),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        problems.range("max-in-flight", self.max_in_flight, 1..=100_000);
        problems.range("max-stream-messages", self.max_stream_messages, 1..=u64::MAX);
        if self.pause > Duration::from_secs(5) {
            problems.add("pause", "is longer than 5s");
        }
    }
}

/// What came with a request, in the extensions of the tonic request: who calls, what for, until when.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// The request's head.
    pub head: RequestHead,
}

/// A domain that is being served. A cheap handle; dropping it ends nothing, the shutdown does.
#[derive(Clone)]
pub struct Serving {
    shared: Arc<Shared>,
    beats: Beats,
}

/// What the serving side's thread and tasks share.
struct Shared {
    options: ServeOptions,
    domain: Arc<str>,
    instance: String,
    key: MacKey,
    routes: Routes,
    permits: Arc<Semaphore>,
    largest_message: usize,
    offsets: Arc<Offsets>,
    dead_letters: DeadLetters,
    membership: Arc<Membership>,
    /// Whether the broker acknowledges what we send.
    acknowledged: Pulse,
    meter: Arc<Work>,
    producer: Producer,
    bus: Bus,
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").field("domain", &self.shared.domain).finish_non_exhaustive()
    }
}

impl Serving {
    /// The partitions of the domain's requests that this instance owns now.
    pub fn partitions(&self) -> Vec<i32> {
        self.shared.membership.partitions()
    }

    /// Whether this instance takes requests: it owns partitions, and the broker has acknowledged a heartbeat or a
    /// reply of it just now.
    pub fn ready(&self) -> bool {
        !self.partitions().is_empty() && *self.beats.acknowledged().borrow()
    }

    /// Waits until this instance takes requests.
    pub async fn until_ready(&self) {
        self.until(true).await;
    }

    /// Waits until this instance takes no requests: it owns no partition, or the broker is away.
    pub async fn until_lost(&self) {
        self.until(false).await;
    }

    async fn until(&self, ready: bool) {
        let (mut owned, mut acknowledged) = (self.shared.membership.watch(), self.beats.acknowledged());
        while self.ready() != ready {
            let changed = tokio::select! {
                changed = owned.changed() => changed,
                changed = acknowledged.changed() => changed,
            };
            changed.expect("whoever tells of changes lives as long as this handle");
        }
    }

    /// How many requests are being worked on.
    pub fn in_flight(&self) -> usize {
        self.shared.in_flight()
    }
}

impl Shared {
    fn in_flight(&self) -> usize {
        self.options.max_in_flight.saturating_sub(self.permits.available_permits())
    }
}

/// Serves a domain: joins its group, checks each request's MAC and deadline, and calls `routes` in process. Reply first,
/// commit after: a crash repeats requests, and the gateways drop what comes twice. Services are not told of repeats.
///
/// Returns at once; [`Serving::ready`] tells when partitions are owned. Heartbeats with the partitions and `health` are sent
/// every second. It ends with `shutdown`: says that it leaves, takes no more, drains, commits, leaves the group.
///
/// # Errors
/// The domain is unknown, or a client could not be built.
#[allow(clippy::too_many_arguments)]
pub async fn serve(
    bus: &Bus,
    options: ServeOptions,
    domain: &str,
    instance: &str,
    key: MacKey,
    routes: Routes,
    health: Health,
    shutdown: &Shutdown,
) -> Result<Serving, Error> {
    if !bus.options().domains.iter().any(|known| known == domain) {
        return Err(Error::DomainUnknown(domain.to_owned()));
    }
    let membership = Arc::new(Membership::default());
    let consumer = consumer(bus, domain, membership.clone())?;
    let producer = Producer::new("replies", bus.cluster(), clients::producer(bus.cluster(), GIVE_UP))?;
    let shared = Arc::new(Shared {
        domain: domain.into(),
        instance: instance.to_owned(),
        dead_letters: DeadLetters::new(bus, instance, key.clone()),
        key,
        routes: routes.prepare(),
        permits: Arc::new(Semaphore::new(options.max_in_flight)),
        largest_message: crate::caller::largest_answer(bus),
        offsets: membership.offsets(bus, domain, &consumer),
        membership: membership.clone(),
        acknowledged: Pulse::new(),
        meter: bus.cluster().meters.of_domain(domain),
        producer,
        options,
        bus: bus.clone(),
    });
    let sender = Sender::provider(instance, domain, shared.key.clone());
    let beats = Beats::start(bus, sender, shared.acknowledged.clone(), facts(&shared, health), shutdown);
    membership.tell(beats.clone());
    Intake::start(shared.clone(), consumer, shutdown)?;
    Ok(Serving { shared, beats })
}

fn consumer(
    bus: &Bus,
    domain: &str,
    membership: Arc<Membership>,
) -> Result<Arc<BaseConsumer<intake::Member>>, Error> {
    let config = clients::group_consumer(bus.cluster(), domain, bus.fetch_requests(domain));
    let (topic, cluster) = (topics::request(domain), bus.cluster());
    let reading = cluster.lags.begin(domain, (&topic, &bus.options().topic(&topic)), Done::Committed);
    let member = intake::Member { membership, refusals: cluster.refusals.clone(), reading };
    let consumer = config.create_with_context(member);
    consumer.map(Arc::new).map_err(|source| Error::client("requests", &source))
}

fn facts(shared: &Arc<Shared>, health: Health) -> impl Fn() -> Facts + Send + Sync + 'static {
    let shared = Arc::downgrade(shared);
    move || match shared.upgrade() {
        Some(shared) => Facts {
            partitions: shared.membership.partitions(),
            registry_revision: 0,
            sources: health.sources(),
            in_flight: u32::try_from(shared.in_flight()).unwrap_or(u32::MAX),
            capacity: u32::try_from(shared.options.max_in_flight).unwrap_or(u32::MAX),
            demands: Vec::new(),
            windows: health.windows(),
        },
        None => Facts::default(),
    }
}
