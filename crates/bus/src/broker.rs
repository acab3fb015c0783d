use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::bindings::{rd_kafka_handle_mock_cluster, rd_kafka_mock_group_initial_rebalance_delay_ms};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{Producer as _, ThreadedProducer};

use crate::clients::Quiet;
use crate::topics::Topic;
use crate::{Error, Options, topics};

/// The broker that runs inside this process: librdkafka's own mock of Kafka.
///
/// It is in memory; a partition keeps 5 MiB or 100,000 message sets, then the oldest go silently. Topics are made through its
/// API only, and it ends with this value.
pub(crate) struct Embedded {
    owner: ThreadedProducer<Quiet>,
}

impl Embedded {
    /// Starts the broker and makes every declared topic.
    pub(crate) fn start(options: &Options) -> Result<Self, Error> {
        let mut config = ClientConfig::new();
        config.set("test.mock.num.brokers", "1");
        let embedded = |source| Error::Embedded { source };
        let owner: ThreadedProducer<Quiet> =
            config.create_with_context(Quiet(Arc::default())).map_err(embedded)?;
        let broker = Self { owner };
        broker.join_groups_at_once();
        broker.create_all(options)?;
        Ok(broker)
    }

    /// The broker may overlook a command until something happens on its socket or a second has passed, so that two dozen
    /// topics would take seconds: meanwhile, connections wake it.
    fn create_all(&self, options: &Options) -> Result<(), Error> {
        let (address, done) = (self.bootstrap(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    // A connection that fails wakes nobody; then the broker is only slower.
                    let _ = TcpStream::connect(&address);
                    std::thread::park_timeout(WAKE_EVERY);
                }
            });
            let created = topics::declared(options).iter().try_for_each(|topic| self.create(topic));
            done.store(true, Ordering::Relaxed);
            created
        })
    }

    pub(crate) fn bootstrap(&self) -> String {
        self.cluster().map(|cluster| cluster.bootstrap_servers()).unwrap_or_default()
    }

    /// Closes every connection and takes no new one.
    pub(crate) fn down(&self) -> Result<(), Error> {
        self.cluster()?.broker_down(ALL).map_err(|source| Error::Embedded { source })
    }

    pub(crate) fn up(&self) -> Result<(), Error> {
        self.cluster()?.broker_up(ALL).map_err(|source| Error::Embedded { source })
    }

    fn create(&self, topic: &Topic) -> Result<(), Error> {
        let created = self.cluster()?.create_topic(&topic.name, topic.partitions, 1);
        created.map_err(|source| Error::Embedded { source })
    }

    fn cluster(&self) -> Result<MockCluster<'_, Quiet>, Error> {
        self.owner.client().mock_cluster().ok_or(Error::NotEmbedded("be used so"))
    }

    /// A fresh group waits three seconds for more members, unless told not to.
    #[allow(unsafe_code)]
    fn join_groups_at_once(&self) {
        // SAFETY: the client lives as long as `self`, owns the cluster, and was built with `test.mock.num.brokers`, so that its
        // handle is not null; the call only sets a number under the cluster's own lock.
        unsafe {
            let cluster = rd_kafka_handle_mock_cluster(self.owner.client().native_ptr());
            if !cluster.is_null() {
                rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0);
            }
        }
    }
}

/// How often the broker is woken while topics are made.
const WAKE_EVERY: Duration = Duration::from_millis(5);
/// All brokers of the cluster.
const ALL: i32 = -1;
