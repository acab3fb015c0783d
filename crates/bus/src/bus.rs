use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lgsp_proto::ledger::v1::Position;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::broker::Embedded;
use crate::clients::{self, Cluster, Fetch};
use crate::headers::HeaderList;
use crate::producer::{Outgoing, Producer};
use crate::{Counters, Error, Lags, Options, Start, Stats, Tail, topics};

/// How long [`Bus::publish`] waits for Kafka.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(5);

/// The bus of one process: a Kafka cluster, or the broker inside this process. A cheap handle.
#[derive(Clone)]
pub struct Bus {
    inner: Arc<Inner>,
}

struct Inner {
    cluster: Cluster,
    /// Shared, because delivery reports must not hold a bus: whoever lets go of it last ends the embedded broker.
    counters: Arc<Counters>,
    publisher: Producer,
    beats: Producer,
    /// It ends with the last handle of the bus. The client of a dropped producer lives for a moment longer, and then finds
    /// nobody: whatever it still had is lost with the broker.
    embedded: Option<Embedded>,
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus")
            .field("bootstrap", &self.inner.cluster.bootstrap)
            .field("embedded", &self.is_embedded())
            .finish()
    }
}

impl Bus {
    /// Opens the bus. Without brokers in the options, starts the embedded broker with all topics; with them, builds the
    /// clients, and needs no broker yet.
    ///
    /// # Errors
    /// An option is owned by the hub or has no meaning, a file that it names cannot be used, or a client could not be built.
    pub fn open(options: Options) -> Result<Self, Error> {
        if let Some(problem) = options.problems().into_iter().next() {
            return Err(problem);
        }
        // Before librdkafka does: this way OpenSSL is not torn down at the end of the process, while threads of ours still speak TLS.
        #[cfg(feature = "kafka-tls")]
        openssl_sys::init();
        let embedded = if options.brokers.is_none() { Some(Embedded::start(&options)?) } else { None };
        let bootstrap = match (&options.brokers, &embedded) {
            (Some(brokers), _) => brokers.clone(),
            (None, Some(embedded)) => embedded.bootstrap(),
            (None, None) => String::new(),
        };
        let cluster = Cluster::new(options, bootstrap)?;
        let publisher = Producer::new("publishing", &cluster, clients::publisher(&cluster, PUBLISH_TIMEOUT))?;
        let beats = Producer::new("heartbeats", &cluster, clients::heartbeat_producer(&cluster))?;
        let counters = Arc::new(Counters::default());
        Ok(Self { inner: Arc::new(Inner { cluster, counters, publisher, beats, embedded }) })
    }

    /// Whether the broker runs inside this process.
    pub fn is_embedded(&self) -> bool {
        self.inner.embedded.is_some()
    }

    /// The bootstrap brokers, `host:port,…`.
    pub fn bootstrap(&self) -> String {
        self.inner.cluster.bootstrap.clone()
    }

    /// The options that it was opened with.
    pub fn options(&self) -> &Options {
        &self.inner.cluster.options
    }

    /// What has happened on the bus of this process.
    pub fn stats(&self) -> Stats {
        self.inner.counters.read()
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.inner.cluster
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.inner.counters
    }

    pub(crate) fn beats(&self) -> &Producer {
        &self.inner.beats
    }

    pub(crate) fn publisher(&self) -> &Producer {
        &self.inner.publisher
    }

    /// Publishes a record and waits until all in-sync replicas have it. Without a partition, the key chooses it. An empty
    /// `value` is a tombstone on a compacted topic.
    ///
    /// # Errors
    /// Kafka did not take the record within five seconds, or denies us the right to write the topic.
    pub async fn publish(
        &self,
        topic: &str,
        partition: Option<i32>,
        key: &[u8],
        value: &[u8],
        headers: &[(&str, &[u8])],
    ) -> Result<Position, Error> {
        let (report, reported) = oneshot::channel();
        let native = (!headers.is_empty()).then(|| HeaderList::of(headers).to_native());
        let record = Outgoing {
            topic,
            partition,
            key: Some(key),
            value: (!value.is_empty()).then_some(value),
            headers: native,
        };
        self.publisher().send(record, Box::new(move |delivery| drop(report.send(delivery))))?;
        let what = "take a record";
        let delivery = timeout(PUBLISH_TIMEOUT, reported).await.map_err(|_| Error::TimedOut { what })?;
        let place =
            delivery.map_err(|_| Error::Closed)?.map_err(|source| Error::of(what, "write", topic, source))?;
        Ok(Position { topic: topic.to_owned(), partition: place.partition, offset: place.offset })
    }

    /// Reads all partitions of a topic from `start` on, outside any group.
    ///
    /// # Errors
    /// The consumer could not be built. A broker that is away is no error: the tail waits for it.
    pub fn tail(&self, topic: &str, start: Start) -> Result<Tail, Error> {
        Tail::open(self, topic, start, None)
    }

    /// The same for a domain of which [`crate::metrics::CONSUMER_LAG`] tells how far it is behind.
    ///
    /// # Errors
    /// As those of [`Self::tail`].
    pub fn tail_of(&self, domain: &str, topic: &str, start: Start) -> Result<Tail, Error> {
        Tail::open(self, topic, start, Some(domain))
    }

    /// How far the consumers of this process are behind. It keeps no bus open.
    pub fn lags(&self) -> Arc<Lags> {
        Arc::clone(&self.cluster().lags)
    }

    /// Makes the embedded broker close its connections and take no new ones, for tests of bad days.
    ///
    /// # Errors
    /// The broker is not the embedded one.
    pub fn lose_broker(&self) -> Result<(), Error> {
        self.inner.embedded.as_ref().ok_or(Error::NotEmbedded("be lost"))?.down()
    }

    /// Makes the embedded broker take connections again.
    ///
    /// # Errors
    /// The broker is not the embedded one.
    pub fn restore_broker(&self) -> Result<(), Error> {
        self.inner.embedded.as_ref().ok_or(Error::NotEmbedded("be restored"))?.up()
    }

    /// How a consumer fetches whose records somebody waits for.
    pub(crate) fn fetch_at_once(&self) -> Fetch {
        // The embedded broker does not wake a fetch when something is produced, so there the hold is the latency.
        let hold = if self.is_embedded() { Duration::from_millis(1) } else { Duration::from_millis(500) };
        Fetch { least_bytes: 1, hold }
    }

    /// How the requests of a domain are fetched. Nobody fills a form from the platform's own services: there some milliseconds
    /// do no harm, and the embedded broker idles at less.
    pub(crate) fn fetch_requests(&self, domain: &str) -> Fetch {
        if self.is_embedded() && topics::is_of_the_platform(domain) {
            return Fetch { least_bytes: 1, hold: Duration::from_millis(5) };
        }
        self.fetch_at_once()
    }

    /// How a consumer fetches that may follow a moment later. On Kafka it waits for much at once: a fetch for each record
    /// costs the broker and the reader as much as the record's own exchange.
    pub(crate) fn fetch_in_batches(&self) -> Fetch {
        if self.is_embedded() {
            return Fetch { least_bytes: 1, hold: Duration::from_millis(50) };
        }
        Fetch { least_bytes: 256 << 10, hold: Duration::from_millis(100) }
    }
}
