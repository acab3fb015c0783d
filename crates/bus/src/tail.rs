use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::mpsc;
use tracing::debug;

use crate::clients::Telling;
use crate::headers::Incoming;
use crate::lag::Done;
use crate::mac::Kind;
use crate::producer::partitions_of;
use crate::{Bus, Error, MacKey, clients, topics};

/// Records that wait between the consumer and whoever reads the tail.
const BUFFERED: usize = 256;
/// How long one look at the consumer lasts; also how soon a dropped tail ends.
const LOOK: Duration = Duration::from_millis(100);
/// How long the broker may take to tell partitions and watermarks.
const ASK: Duration = Duration::from_secs(2);
/// How long to wait before a broker that did not answer is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// Where a tail begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the oldest record that there is.
    Beginning,
    /// After the newest record that there is now.
    End,
    /// At these offsets by partition; other partitions at their beginning.
    At(BTreeMap<i32, i64>),
}

/// A record as it stands in a topic.
#[derive(Clone, Debug)]
pub struct Record {
    /// The topic, as it is declared.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// When it was produced, Unix µs; 0 if unknown.
    pub timestamp_us: i64,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its headers; none if they could not be read.
    pub headers: Vec<(String, Bytes)>,
    /// Its value; `None` is a tombstone.
    pub value: Option<Bytes>,
}

impl Record {
    /// Whether it is a request that a holder of its domain's key made: it carries the MAC of its headers and value.
    #[must_use]
    pub fn is_request_under(&self, key: &MacKey) -> bool {
        let value = self.value.as_deref().unwrap_or_default();
        Incoming::kept(&self.headers).is_signed(key, Kind::Request, value)
    }
}

/// What a tail yields.
#[derive(Clone, Debug)]
pub enum Tailed {
    /// A record.
    Record(Record),
    /// Once: everything that was there when the tail began has been yielded.
    CaughtUp,
}

/// Reads all partitions of a topic, outside any group, and survives the loss of the broker. Its buffer is bounded: a slow
/// reader makes it read more slowly.
#[derive(Debug)]
pub struct Tail {
    records: mpsc::Receiver<Tailed>,
}

impl Tail {
    /// Opens a tail; `domain`: for whom it is told how far it is behind.
    pub(crate) fn open(bus: &Bus, topic: &str, start: Start, domain: Option<&str>) -> Result<Self, Error> {
        // Embedded, an answer waits for its entry to be read and fsynced; else nobody waits for what is tailed.
        let is_awaited = bus.is_embedded() && topic == topics::EXCHANGE;
        let fetch = if is_awaited { bus.fetch_at_once() } else { bus.fetch_in_batches() };
        let mut config = clients::assigned_consumer(bus.cluster(), fetch);
        let name = bus.options().topic(topic);
        let reading = domain.map(|domain| bus.cluster().lags.begin(domain, (topic, &name), Done::Read));
        if reading.is_some() {
            config = clients::telling(config);
        }
        let consumer = config.create_with_context(Telling { quiet: bus.cluster().quiet(), reading });
        let consumer = consumer.map_err(|source| Error::client("reading a topic", &source))?;
        let (yielded, records) = mpsc::channel(BUFFERED);
        let reader =
            Reader { bus: bus.clone(), name: name.into(), topic: topic.into(), start, consumer, yielded };
        let named = std::thread::Builder::new().name("lgsp-bus-tail".to_owned());
        named
            .spawn(move || reader.run())
            .map_err(|source| Error::Thread { what: "reading a topic", source })?;
        Ok(Self { records })
    }

    /// A tail of what the other end sends.
    #[cfg(test)]
    pub(crate) fn of(records: mpsc::Receiver<Tailed>) -> Self {
        Self { records }
    }

    /// Waits for the next record. It may be dropped between two records and called again.
    ///
    /// # Errors
    /// The tail has ended: its consumer failed for good.
    pub async fn next(&mut self) -> Result<Tailed, Error> {
        self.records.recv().await.ok_or(Error::Closed)
    }
}

/// The thread behind a tail. It ends when the tail is dropped.
struct Reader {
    topic: Arc<str>,
    /// The topic's name on the cluster.
    name: String,
    start: Start,
    consumer: BaseConsumer<Telling>,
    yielded: mpsc::Sender<Tailed>,
    /// After the consumer, so that an embedded broker outlives it.
    bus: Bus,
}

impl Reader {
    fn run(self) {
        let Some(mut behind) = self.assign() else { return };
        if behind.is_empty() && self.yielded.blocking_send(Tailed::CaughtUp).is_err() {
            return;
        }
        while !self.yielded.is_closed() {
            let was_behind = !behind.is_empty();
            match self.consumer.poll(LOOK) {
                None => continue,
                Some(Ok(message)) => {
                    if behind.get(&message.partition()).is_some_and(|high| message.offset() + 1 >= *high) {
                        behind.remove(&message.partition());
                    }
                    let record = record(&self.topic, &message);
                    if self.yielded.blocking_send(Tailed::Record(record)).is_err() {
                        return;
                    }
                }
                // What compaction took away is never read: the end of the partition tells.
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    behind.remove(&partition);
                }
                Some(Err(KafkaError::MessageConsumptionFatal(_))) => return,
                Some(Err(error)) => self.waits(&error),
            }
            if was_behind && behind.is_empty() && self.yielded.blocking_send(Tailed::CaughtUp).is_err() {
                return;
            }
        }
    }

    /// Assigns every partition, as soon as the broker tells them. Returns how far each must be read to have caught up;
    /// `None` if the tail was dropped meanwhile.
    fn assign(&self) -> Option<BTreeMap<i32, i64>> {
        loop {
            match self.try_assign() {
                Ok(behind) => return Some(behind),
                Err(error) => self.waits(&error),
            }
            if self.yielded.is_closed() {
                return None;
            }
            // Nothing is assigned yet: this only waits, and serves the client's events.
            let _ = self.consumer.poll(ASK_AGAIN);
        }
    }

    fn waits(&self, error: &KafkaError) {
        debug!(%error, topic = %self.topic, "tail waits for kafka");
        self.bus.cluster().refusals.tell(error, "read", &self.name);
    }

    fn try_assign(&self) -> Result<BTreeMap<i32, i64>, KafkaError> {
        let metadata = self.consumer.fetch_metadata(Some(&self.name), ASK)?;
        let mut assignment = TopicPartitionList::new();
        let mut behind = BTreeMap::new();
        for partition in 0..partitions_of(&metadata)? {
            let (low, high) = self.consumer.fetch_watermarks(&self.name, partition, ASK)?;
            // Never `Offset::End`: what is produced before it is resolved would be lost.
            let from = match &self.start {
                Start::Beginning => low,
                Start::End => high,
                // An offset that the topic has not reached is of another topic of that name: this one is read whole.
                Start::At(offsets) => {
                    offsets.get(&partition).copied().filter(|at| (low..=high).contains(at)).unwrap_or(low)
                }
            };
            assignment.add_partition_offset(&self.name, partition, Offset::Offset(from))?;
            if from < high {
                behind.insert(partition, high);
            }
        }
        self.consumer.assign(&assignment)?;
        Ok(behind)
    }
}

fn record(topic: &Arc<str>, message: &BorrowedMessage<'_>) -> Record {
    let headers = Incoming::read(message).map(|incoming| {
        let owned = incoming.iter().map(|(name, value)| (name.to_owned(), Bytes::copy_from_slice(value)));
        owned.collect()
    });
    Record {
        topic: topic.clone(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp_us: message.timestamp().to_millis().unwrap_or(0).saturating_mul(1_000),
        key: message.key().map(Bytes::copy_from_slice),
        headers: headers.unwrap_or_default(),
        value: message.payload().map(Bytes::copy_from_slice),
    }
}
