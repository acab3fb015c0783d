//! How each Kafka client is set up. Every value here was measured or has its reason beside it, or in `OWNED` of the options,
//! where an operator who sets the same key is told it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryResult, ProducerContext};
use tracing::{debug, warn};

use crate::lag::{self, Lags, Reading};
use crate::metrics::Meters;
use crate::refusals::Refusals;
use crate::security::Login;
use crate::topics::Lacking;
use crate::{Error, Options};

/// Largest record that any of our producers sends, headers included.
pub(crate) const LARGEST_RECORD: usize = 1_000_000;

/// When the broker answers a fetch: with so many bytes, or after so long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fetch {
    pub(crate) least_bytes: usize,
    pub(crate) hold: Duration,
}

/// The cluster that all clients of a process speak with, and how they prove each other.
pub(crate) struct Cluster {
    pub(crate) options: Options,
    pub(crate) bootstrap: String,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) lags: Arc<Lags>,
    /// Partitions that lack something, as they were seen last; `None`: nobody has looked, or Kafka did not answer.
    pub(crate) lacking: Arc<Mutex<Option<Lacking>>>,
    login: Login,
}

impl Cluster {
    /// Reads the files that prove us.
    pub(crate) fn new(options: Options, bootstrap: String) -> Result<Self, Error> {
        let login = Login::read(&options.security)?;
        Ok(Self {
            options,
            bootstrap,
            refusals: Arc::default(),
            meters: Arc::default(),
            lags: Arc::default(),
            lacking: Arc::default(),
            login,
        })
    }

    /// The context of a client that hears nothing but what goes wrong.
    pub(crate) fn quiet(&self) -> Quiet {
        Quiet(self.refusals.clone())
    }
}

/// What all clients share. The operator's own options come first, so that ours win.
fn common(cluster: &Cluster) -> ClientConfig {
    let Cluster { options, bootstrap, login, .. } = cluster;
    let mut config = ClientConfig::new();
    for (key, value) in &options.librdkafka {
        config.set(key, value);
    }
    if !options.librdkafka.contains_key("client.id") {
        config.set("client.id", "lgsp");
    }
    config
        .set("bootstrap.servers", bootstrap)
        .set("allow.auto.create.topics", "false")
        // Small records: Nagle's algorithm holds each back for tens of milliseconds.
        .set("socket.nagle.disable", "true")
        .set("socket.keepalive.enable", "true")
        .set("socket.connection.setup.timeout.ms", "3000")
        // The default maximum of 10 s makes recovery take 7.5 s; with this it takes 0.4 s.
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "500")
        .set_log_level(RDKafkaLogLevel::Warning);
    login.hand_to(&mut config);
    config
}

/// A client for the topics' administration.
pub(crate) fn admin(cluster: &Cluster) -> ClientConfig {
    common(cluster)
}

/// A producer whose records are acknowledged by all in-sync replicas, and given up after `timeout`.
fn durable(cluster: &Cluster, timeout: Duration) -> ClientConfig {
    let mut config = common(cluster);
    config
        .set("acks", "all")
        // 1 ms doubles the time of an exchange.
        .set("linger.ms", "0")
        .set("sticky.partitioning.linger.ms", "0")
        .set("partitioner", "murmur2_random")
        .set("message.timeout.ms", timeout.as_millis().to_string())
        .set("message.max.bytes", LARGEST_RECORD.to_string())
        .set("retry.backoff.ms", "50")
        .set("retry.backoff.max.ms", "500")
        .set("queue.buffering.max.messages", "50000")
        .set("queue.buffering.max.kbytes", "65536");
    config
}

/// A producer of rules and the like: few records, in order and each once.
pub(crate) fn publisher(cluster: &Cluster, timeout: Duration) -> ClientConfig {
    let mut config = durable(cluster, timeout);
    config.set("enable.idempotence", "true");
    config
}

/// A producer on the path of an exchange: of requests, replies and entries. A repeat of any is known by its exchange, and
/// parts of a stream that a repeated batch put out of order are a gap, which fails it.
///
/// So many batches are under way at most, so that what comes meanwhile becomes the next one. An idempotent producer would
/// send no sixth record of a partition before the first is acknowledged, and poll without a pause until then: see ADR 8.
pub(crate) fn producer(cluster: &Cluster, timeout: Duration) -> ClientConfig {
    let mut config = durable(cluster, timeout);
    config.set("enable.idempotence", "false").set("max.in.flight.requests.per.connection", "5");
    config
}

/// A producer of heartbeats: the next one repairs the loss of one.
pub(crate) fn heartbeat_producer(cluster: &Cluster) -> ClientConfig {
    let mut config = producer(cluster, Duration::from_secs(2));
    config.set("acks", "1").set("queue.buffering.max.messages", "1000");
    config
}

/// The group that a consumer has whose partitions are assigned by us.
pub(crate) fn assigned_group(options: &Options) -> String {
    format!("{}.assigned", options.namespace)
}

/// The group of a domain's providers.
pub(crate) fn group(options: &Options, domain: &str) -> String {
    format!("{}.{domain}", options.namespace)
}

/// A client that asks about a group, and never joins it.
pub(crate) fn looker(cluster: &Cluster, group: &str) -> ClientConfig {
    let mut config = common(cluster);
    config.set("group.id", group).set("enable.auto.commit", "false");
    config
}

/// A consumer whose partitions are assigned by us.
///
/// librdkafka wants a group to assign at all; nobody joins this one and nothing is committed to it.
pub(crate) fn assigned_consumer(cluster: &Cluster, fetch: Fetch) -> ClientConfig {
    let mut config = consumer(cluster, fetch);
    config
        .set("group.id", assigned_group(&cluster.options))
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true");
    config
}

/// The same of a consumer that tells how far it is behind.
pub(crate) fn telling(mut config: ClientConfig) -> ClientConfig {
    config.set("statistics.interval.ms", lag::TOLD_EVERY_MS);
    config
}

/// How long the broker waits for a member of a group that is silent.
pub(crate) fn session(options: &Options) -> Duration {
    // The embedded broker waits for a session's time less a second whenever an instance joins others or is missed.
    Duration::from_millis(if options.brokers.is_some() { 6_000 } else { 4_500 })
}

/// A member of the group that serves a domain.
pub(crate) fn group_consumer(cluster: &Cluster, domain: &str, fetch: Fetch) -> ClientConfig {
    let options = &cluster.options;
    let heartbeat = if options.brokers.is_some() { "1500" } else { "1000" };
    let mut config = consumer(cluster, fetch);
    config
        .set("group.id", group(options, domain))
        // Offsets are stored one by one when their reply is out; what is stored is committed in the background.
        .set("enable.auto.commit", "true")
        .set("auto.commit.interval.ms", "200")
        .set("statistics.interval.ms", lag::TOLD_EVERY_MS)
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", session(options).as_millis().to_string())
        .set("heartbeat.interval.ms", heartbeat)
        .set("max.poll.interval.ms", "60000");
    config
}

fn consumer(cluster: &Cluster, fetch: Fetch) -> ClientConfig {
    let mut config = common(cluster);
    config
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_uncommitted")
        .set("fetch.min.bytes", fetch.least_bytes.to_string())
        .set("fetch.wait.max.ms", fetch.hold.as_millis().to_string())
        .set("fetch.error.backoff.ms", "50")
        // Bounds what is read ahead while we are slow.
        .set("queued.max.messages.kbytes", "32768");
    config
}

/// A context that turns librdkafka's log into ours.
pub(crate) struct Quiet(pub(crate) Arc<Refusals>);

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.hear(&error, reason);
        log_error(&error);
    }
}

impl ConsumerContext for Quiet {}

impl ProducerContext for Quiet {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}

/// The same of a consumer that may tell how far it is behind.
pub(crate) struct Telling {
    pub(crate) quiet: Quiet,
    pub(crate) reading: Option<Arc<Reading>>,
}

impl ClientContext for Telling {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.quiet.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.quiet.error(error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        if let Some(reading) = &self.reading {
            reading.hear(statistics);
        }
    }
}

impl ConsumerContext for Telling {}

/// The end of a partition is no error; rdkafka tells it here all the same.
pub(crate) fn log_error(error: &KafkaError) {
    if error.rdkafka_error_code() != Some(RDKafkaErrorCode::PartitionEOF) {
        debug!(%error, "kafka client error");
    }
}

pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => {
            warn!(facility, message, "librdkafka");
        }
        RDKafkaLogLevel::Warning
        | RDKafkaLogLevel::Notice
        | RDKafkaLogLevel::Info
        | RDKafkaLogLevel::Debug => {
            debug!(facility, message, "librdkafka");
        }
    }
}
