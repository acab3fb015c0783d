//! The broker of a slice: the embedded one, fresh for each slice, or a real Kafka.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use lgsp_bus::Bus;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{FutureProducer, FutureRecord};

use crate::slice::Place;

/// As many as the embedded broker gives to a topic that it makes by itself.
const PARTITIONS: i32 = 4;
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the broker is. Ends the embedded one when dropped.
pub struct Broker {
    pub bootstrap: String,
    pub topics: Topics,
    pub embedded: Option<Bus>,
}

/// The topics of a system without a hub.
#[derive(Clone)]
pub struct Topics {
    pub requests: String,
    pub replies: String,
    pub records: String,
}

impl Broker {
    pub fn open(place: &Place) -> Result<Self> {
        let topic = |name: &str| format!("{}.{name}", place.namespace);
        let topics =
            Topics { requests: topic("requests"), replies: topic("replies"), records: topic("records") };
        if let Some(kafka) = &place.kafka {
            return Ok(Self { bootstrap: kafka.clone(), topics, embedded: None });
        }
        let bus = Bus::open(lgsp_bus::Options::default())?;
        Ok(Self { bootstrap: bus.bootstrap(), topics, embedded: Some(bus) })
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
        let Topics { requests, replies, records } = &self.topics;
        let topic =
            |name| NewTopic::new(name, PARTITIONS, TopicReplication::Fixed(-1)).set("retention.ms", "600000");
        let topics = [topic(requests), topic(replies), topic(records).set("flush.messages", "1")];
        for made in admin(&self.bootstrap)?.create_topics(&topics, &options()).await? {
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
        let Topics { requests, replies, records } = &self.topics;
        for topic in [requests, replies, records] {
            let record = FutureRecord::<str, str>::to(topic).partition(0);
            let sent = producer.send(record, PATIENCE).await;
            sent.map_err(|(error, _)| error).with_context(|| format!("topic {topic}"))?;
        }
        Ok(())
    }
}

/// Deletes the topics of a slice from Kafka.
pub async fn forget(kafka: &str, namespace: &str) -> Result<()> {
    let admin = admin(kafka)?;
    let metadata = admin.inner().fetch_metadata(None, PATIENCE)?;
    let all = metadata.topics().iter().map(|topic| topic.name());
    let topics: Vec<&str> = all.filter(|name| name.starts_with(&format!("{namespace}."))).collect();
    if !topics.is_empty() {
        admin.delete_topics(&topics, &options()).await?;
    }
    Ok(())
}

fn admin(bootstrap: &str) -> Result<AdminClient<DefaultClientContext>> {
    Ok(ClientConfig::new().set("bootstrap.servers", bootstrap).create()?)
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(PATIENCE))
}
