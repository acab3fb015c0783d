use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Message as _, OwnedHeaders};
use rdkafka::metadata::Metadata;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use tracing::{debug, warn};

use crate::clients::Cluster;
use crate::metrics::{Meters, Topic};
use crate::refusals::Refusals;
use crate::{Error, Options, clients};

/// How long one look for delivery reports lasts; also how long a dropped producer still lives.
///
/// rdkafka rounds what is left of it down to milliseconds and so spins through the last one. Its own `ThreadedProducer` looks
/// for 100 ms: a hundredth of a core for each idle producer, a tenth for a hub.
const LOOK: Duration = Duration::from_secs(1);

/// What Kafka says of a record: where it stands, or why not.
pub(crate) type Delivery = Result<Place, KafkaError>;

/// Called once with the delivery report, on the producer's own thread: it must not block.
pub(crate) type Receipt = Box<dyn FnOnce(Delivery) + Send + Sync>;

/// Where a record stands in its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
}

/// A record that Kafka has, until its delivery report.
struct Handed {
    receipt: Receipt,
    meter: Arc<Topic>,
    when: Instant,
}

/// A record on its way out.
pub(crate) struct Outgoing<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: Option<i32>,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: Option<OwnedHeaders>,
}

/// A producer with its delivery reports wired to whoever sent the record.
pub(crate) struct Producer {
    what: &'static str,
    options: Options,
    config: ClientConfig,
    refusals: Arc<Refusals>,
    meters: Arc<Meters>,
    native: ArcSwap<Polled>,
}

impl Producer {
    pub(crate) fn new(what: &'static str, cluster: &Cluster, config: ClientConfig) -> Result<Self, Error> {
        let refusals = cluster.refusals.clone();
        let native = ArcSwap::from_pointee(build(what, &config, refusals.clone())?);
        let (options, meters) = (cluster.options.clone(), cluster.meters.clone());
        Ok(Self { what, options, config, refusals, meters, native })
    }

    /// Hands a record to Kafka, without waiting. After an error the receipt is not called.
    pub(crate) fn send(&self, record: Outgoing<'_>, receipt: Receipt) -> Result<(), Error> {
        let topic = self.options.topic(record.topic);
        let meter = self.meters.of_topic(record.topic);
        let handed = Handed { receipt, meter: meter.clone(), when: Instant::now() };
        let mut base = BaseRecord::<[u8], [u8], _>::with_opaque_to(&topic, Box::new(handed));
        base.partition = record.partition;
        base.key = record.key;
        base.payload = record.value;
        base.headers = record.headers;
        let native = self.native.load();
        let Err((error, _)) = native.client.send(base) else { return Ok(()) };
        meter.refused();
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
                Err(Error::TooLarge { topic: record.topic.to_owned() })
            }
            Some(RDKafkaErrorCode::QueueFull) => Err(Error::QueueFull),
            Some(RDKafkaErrorCode::Fatal) => {
                self.replace(&native);
                Err(Error::Kafka { what: "take a record", source: error })
            }
            _ => Err(Error::Kafka { what: "take a record", source: error }),
        }
    }

    /// How many partitions a topic has. Blocks.
    pub(crate) fn partitions(&self, topic: &str, patience: Duration) -> Result<i32, KafkaError> {
        let metadata = self.native.load().client.client().fetch_metadata(Some(topic), patience)?;
        partitions_of(&metadata)
    }

    /// What the cluster says of all topics that we may see. Blocks.
    pub(crate) fn metadata(&self, patience: Duration) -> Result<Metadata, KafkaError> {
        self.native.load().client.client().fetch_metadata(None, patience)
    }

    /// The oldest offset of a partition, and the next one. Blocks.
    pub(crate) fn watermarks(
        &self,
        topic: &str,
        partition: i32,
        patience: Duration,
    ) -> Result<(i64, i64), KafkaError> {
        self.native.load().client.client().fetch_watermarks(topic, partition, patience)
    }

    /// Waits, blocking, until everything that was sent has its report.
    pub(crate) fn flush(&self, patience: Duration) {
        if self.native.load().client.flush(patience).is_err() {
            debug!(producer = self.what, "records were left without a report");
        }
    }

    /// After a fatal error librdkafka's producer takes nothing more, ever.
    fn replace(&self, broken: &Arc<Polled>) {
        warn!(producer = self.what, "kafka producer failed for good and is replaced");
        let Ok(fresh) = build(self.what, &self.config, self.refusals.clone()) else { return };
        self.native.compare_and_swap(broken, Arc::new(fresh));
    }
}

/// How many partitions the one topic has that was asked for.
pub(crate) fn partitions_of(metadata: &Metadata) -> Result<i32, KafkaError> {
    let unknown = KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition);
    let Some(topic) = metadata.topics().first() else { return Err(unknown) };
    // Such as that we may not see it.
    if let Some(error) = topic.error() {
        return Err(KafkaError::MetadataFetch(error.into()));
    }
    match i32::try_from(topic.partitions().len()) {
        Ok(0) => Err(unknown),
        found => Ok(found.unwrap_or(i32::MAX)),
    }
}

fn build(what: &'static str, config: &ClientConfig, refusals: Arc<Refusals>) -> Result<Polled, Error> {
    let reports = Reports { dropped: AtomicBool::default(), refusals };
    let client = config.create_with_context(reports).map_err(|source| Error::client(what, &source))?;
    Polled::start(what, client)
}

/// A client with the thread that hands out its delivery reports.
///
/// The last to let go of a client blocks: that is always the thread, at most a [`LOOK`] after this was dropped.
struct Polled {
    client: Arc<BaseProducer<Reports>>,
}

impl Polled {
    fn start(what: &'static str, client: BaseProducer<Reports>) -> Result<Self, Error> {
        let polled = Self { client: Arc::new(client) };
        let client = polled.client.clone();
        let named = std::thread::Builder::new().name("lgsp-bus-report".to_owned());
        let looks = move || {
            // Nobody clones it: who is alone with it stays so.
            while Arc::strong_count(&client) > 1 {
                client.poll(LOOK);
            }
        };
        named.spawn(looks).map_err(|source| Error::Thread { what, source })?;
        Ok(polled)
    }
}

/// What becomes of a broker that the client of a dropped producer still knows, such as the embedded one that ends after it,
/// is nobody's concern.
impl Drop for Polled {
    fn drop(&mut self) {
        self.client.context().dropped.store(true, Ordering::Relaxed);
    }
}

struct Reports {
    dropped: AtomicBool,
    refusals: Arc<Refusals>,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if !self.dropped.load(Ordering::Relaxed) {
            clients::log(level, facility, message);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.refusals.hear(&error, reason);
        debug!(%error, "kafka producer error");
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Handed>;

    fn delivery(&self, result: &DeliveryResult<'_>, handed: Self::DeliveryOpaque) {
        handed.meter.delivered(handed.when, result.is_ok());
        let delivery = match result {
            Ok(record) => Ok(Place { partition: record.partition(), offset: record.offset() }),
            Err((error, record)) => {
                self.refusals.tell(error, "write", record.topic());
                Err(error.clone())
            }
        };
        (handed.receipt)(delivery);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bus;

    #[test]
    fn a_dropped_producer_blocks_nobody_and_its_client_ends_with_what_it_still_had() {
        let bus = Bus::open(Options::default()).unwrap();
        bus.lose_broker().unwrap();
        let config = clients::producer(bus.cluster(), Duration::from_secs(60));
        let producer = Producer::new("entries", bus.cluster(), config).unwrap();
        let client = Arc::downgrade(&producer.native.load().client);
        let (report, reported) = std::sync::mpsc::sync_channel(1);
        let record = Outgoing {
            topic: crate::topics::EXCHANGE,
            partition: Some(0),
            key: None,
            value: Some(b"entry"),
            headers: None,
        };
        producer.send(record, Box::new(move |delivery| report.send(delivery).unwrap())).unwrap();

        let begun = Instant::now();
        drop(producer);
        assert!(begun.elapsed() < Duration::from_millis(100), "it blocked for {:?}", begun.elapsed());
        let delivery = reported.recv_timeout(10 * LOOK).expect("nobody waits for ever");
        assert!(delivery.is_err(), "{delivery:?}");
        while client.strong_count() > 0 {
            assert!(begun.elapsed() < 10 * LOOK, "the thread still has it");
            std::thread::yield_now();
        }
    }
}
