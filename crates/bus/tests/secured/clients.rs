//! Plain Kafka clients of a principal: what they are let do is what anybody with its password could.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::cluster::Secured;

/// How long a test waits for what should come soon.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Principal {
    config: ClientConfig,
    namespace: String,
}

impl Principal {
    pub fn of(secured: &Secured, user: &str, namespace: &str) -> Self {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", secured.brokers())
            .set("security.protocol", "sasl_ssl")
            .set("ssl.ca.location", secured.file("tls/ca.pem").to_str().expect("UTF-8"))
            .set("sasl.mechanism", "SCRAM-SHA-512")
            .set("sasl.username", user)
            .set("sasl.password", secured.password(user))
            .set("allow.auto.create.topics", "false")
            .set("enable.partition.eof", "true")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest");
        Self { config, namespace: namespace.to_owned() }
    }

    /// The topics that take a record from it.
    pub async fn writable(&self, topics: &[String]) -> Vec<String> {
        let producer: FutureProducer = self.config.create().unwrap();
        let mut writable = Vec::new();
        for topic in topics {
            let record = FutureRecord::to(topic).partition(0).key("key").payload("value");
            match producer.send(record, PATIENCE).await {
                Ok(_) => writable.push(topic.clone()),
                Err((error, _)) => assert!(is_denied(&error, TOPIC), "{topic}: {error}"),
            }
        }
        writable
    }

    /// The topics that it gets something from.
    pub fn readable(&self, topics: &[String]) -> Vec<String> {
        topics.iter().filter(|topic| self.reads(topic)).cloned().collect()
    }

    fn reads(&self, topic: &str) -> bool {
        let consumer = self.consumer("assigned");
        // Of a topic that it may not even see, a consumer is told nothing later.
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).unwrap();
        if let Some(error) = metadata.topics()[0].error() {
            assert_eq!(RDKafkaErrorCode::from(error), TOPIC, "{topic}");
            return false;
        }
        let mut assignment = TopicPartitionList::new();
        assignment.add_partition_offset(topic, 0, Offset::Offset(0)).unwrap();
        consumer.assign(&assignment).unwrap();
        outcome(&consumer, TOPIC)
    }

    /// Whether it is let into the group of a domain, to read the requests of another.
    pub fn joins(&self, group: &str, domain: &str) -> bool {
        let consumer = self.consumer(group);
        consumer.subscribe(&[&format!("{}.request.{domain}", self.namespace)]).unwrap();
        outcome(&consumer, RDKafkaErrorCode::GroupAuthorizationFailed)
    }

    fn consumer(&self, group: &str) -> BaseConsumer {
        self.config.clone().set("group.id", format!("{}.{group}", self.namespace)).create().unwrap()
    }
}

const TOPIC: RDKafkaErrorCode = RDKafkaErrorCode::TopicAuthorizationFailed;

fn is_denied(error: &KafkaError, denial: RDKafkaErrorCode) -> bool {
    error.rdkafka_error_code() == Some(denial)
}

/// Whether there is something to read, be it the end, or a denial.
fn outcome(consumer: &BaseConsumer, denial: RDKafkaErrorCode) -> bool {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < PATIENCE, "neither a record nor a denial");
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(_) | Err(KafkaError::PartitionEOF(_))) => return true,
            Some(Err(error)) if is_denied(&error, denial) => return false,
            // Such as that it may not see who coordinates a group that it does not join.
            Some(Err(_)) | None => {}
        }
    }
}
