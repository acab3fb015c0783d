//! The broker of a slice: the embedded one, fresh for each slice, or a real Kafka.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use lgsp_bus::Bus;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{FutureProducer, FutureRecord};

pub const REQUESTS: &str = "bench.requests";
pub const REPLIES: &str = "bench.replies";
pub const RECORDS: &str = "bench.records";

/// As many as the embedded broker gives to a topic that it makes by itself.
const PARTITIONS: i32 = 4;
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the broker is. Ends the embedded one when dropped.
pub struct Broker {
    pub bootstrap: String,
    pub embedded: Option<Bus>,
}

impl Broker {
    pub fn open(kafka: Option<&str>) -> Result<Self> {
        match kafka {
            Some(kafka) => Ok(Self { bootstrap: kafka.to_owned(), embedded: None }),
            None => {
                let bus = Bus::open(lgsp_bus::Options::default())?;
                Ok(Self { bootstrap: bus.bootstrap(), embedded: Some(bus) })
            }
        }
    }

    /// How long a fetch may be held that has nothing to give. The embedded broker wakes none when something comes.
    pub fn fetch_wait_ms(&self) -> &'static str {
        if self.embedded.is_some() { "1" } else { "500" }
    }

    /// Makes the topics of the systems without a hub; their records are as durable as the hub's entries.
    pub async fn make_topics(&self) -> Result<()> {
        if self.embedded.is_some() {
            return self.touch_topics().await;
        }
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", &self.bootstrap).create()?;
        let topic =
            |name| NewTopic::new(name, PARTITIONS, TopicReplication::Fixed(-1)).set("retention.ms", "600000");
        let topics = [topic(REQUESTS), topic(REPLIES), topic(RECORDS).set("flush.messages", "1")];
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        for made in admin.create_topics(&topics, &options).await? {
            match made {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => return Err(anyhow!("topic {name}: {code}")),
            }
        }
        Ok(())
    }

    /// The embedded broker makes a topic when somebody produces to it.
    async fn touch_topics(&self) -> Result<()> {
        let producer: FutureProducer =
            ClientConfig::new().set("bootstrap.servers", &self.bootstrap).create()?;
        for topic in [REQUESTS, REPLIES, RECORDS] {
            let record = FutureRecord::<str, str>::to(topic).partition(0);
            let sent = producer.send(record, PATIENCE).await;
            sent.map_err(|(error, _)| error).with_context(|| format!("topic {topic}"))?;
        }
        Ok(())
    }
}
