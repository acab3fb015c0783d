//! Request and reply over Kafka, as one would write it with rdkafka alone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer as _, StreamConsumer};
use rdkafka::message::{Header, Headers as _, Message as _, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::broker::{Broker, Topics};

const PATIENCE: Duration = Duration::from_secs(5);
const CORRELATION: &str = "correlation-id";
const REPLY_TO: &str = "reply-to";

type Pending = Arc<Mutex<HashMap<u64, oneshot::Sender<Bytes>>>>;

/// Asks, and keeps records.
#[derive(Clone)]
pub struct Requester {
    requests: FutureProducer,
    /// Apart, because a broker answers the produce requests of one connection one after the other, and a record waits there
    /// for the disk.
    records: FutureProducer,
    topics: Topics,
    pending: Pending,
    reply_to: i32,
    last: Arc<AtomicU64>,
}

impl Requester {
    /// Takes a place at the end of the reply partition before it returns.
    pub async fn start(broker: &Broker) -> Result<Self> {
        let consumer: BaseConsumer = consumer(broker).set("group.id", &broker.topics.replies).create()?;
        let reply_to = 0;
        let pending = Pending::default();
        let waiting = pending.clone();
        let replies = broker.topics.replies.clone();
        let (positioned, is_positioned) = oneshot::channel();
        std::thread::Builder::new().name("replies".to_owned()).spawn(move || {
            let assigned = assign(&consumer, &replies, reply_to);
            let failed = assigned.is_err();
            if positioned.send(assigned).is_err() || failed {
                return;
            }
            listen(&consumer, &waiting);
        })?;
        is_positioned.await??;
        // A correlation is a number that no earlier run has used.
        let last = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_micros() as u64;
        Ok(Self {
            requests: producer(broker).create()?,
            records: record_producer(broker).create()?,
            topics: broker.topics.clone(),
            pending,
            reply_to,
            last: Arc::new(AtomicU64::new(last)),
        })
    }

    /// Sends a request and waits for its reply.
    pub async fn ask(&self, request: &[u8]) -> Result<Bytes> {
        let correlation = self.last.fetch_add(1, Ordering::Relaxed);
        let (reply, replied) = oneshot::channel();
        self.pending.lock().unwrap().insert(correlation, reply);
        let headers = OwnedHeaders::new()
            .insert(Header { key: CORRELATION, value: Some(&correlation.to_be_bytes()) })
            .insert(Header { key: REPLY_TO, value: Some(&self.reply_to.to_be_bytes()) });
        let record = FutureRecord::<[u8], [u8]>::to(&self.topics.requests).payload(request).headers(headers);
        let answered = match self.requests.send_result(record) {
            // The reply says that it arrived.
            Ok(_delivery) => timeout(PATIENCE, replied).await,
            Err((error, _)) => {
                self.pending.lock().unwrap().remove(&correlation);
                return Err(error.into());
            }
        };
        if answered.is_err() {
            self.pending.lock().unwrap().remove(&correlation);
        }
        Ok(answered.context("no reply came in time")??)
    }

    /// Keeps a record; returns when it is acknowledged.
    pub async fn keep(&self, key: &[u8], record: &[u8]) -> Result<()> {
        let record = FutureRecord::<[u8], [u8]>::to(&self.topics.records).key(key).payload(record);
        let kept = self.records.send_result(record).map_err(|(error, _)| error)?;
        timeout(PATIENCE, kept).await??.map_err(|(error, _)| error)?;
        Ok(())
    }
}

/// `Offset::End` would lose what comes before it is resolved.
fn assign(consumer: &BaseConsumer, topic: &str, partition: i32) -> Result<()> {
    let (_, high) = consumer.fetch_watermarks(topic, partition, PATIENCE)?;
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(topic, partition, Offset::Offset(high))?;
    Ok(consumer.assign(&assignment)?)
}

fn listen(consumer: &BaseConsumer, pending: &Pending) {
    loop {
        let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) else { continue };
        let Some(correlation) = header(&message, CORRELATION) else { continue };
        let waiting = pending.lock().unwrap().remove(&u64::from_be_bytes(correlation));
        if let (Some(waiting), Some(value)) = (waiting, message.payload()) {
            // Whoever asked may have given up.
            let _ = waiting.send(Bytes::copy_from_slice(value));
        }
    }
}

fn header<const N: usize>(message: &impl rdkafka::Message, key: &str) -> Option<[u8; N]> {
    let mut headers = message.headers()?.iter();
    headers.find(|header| header.key == key)?.value?.try_into().ok()
}

/// Answers requests from a consumer group until the process ends.
pub async fn respond(broker: &Broker, answer: fn(&[u8]) -> Vec<u8>) -> Result<()> {
    let consumer: StreamConsumer = consumer(broker)
        .set("group.id", &broker.topics.requests)
        .set("session.timeout.ms", "6000")
        .set("heartbeat.interval.ms", "1500")
        .create()?;
    consumer.subscribe(&[&broker.topics.requests])?;
    let replies: Arc<str> = broker.topics.replies.as_str().into();
    let producer: FutureProducer = producer(broker).create()?;
    tokio::spawn(async move {
        loop {
            let Ok(message) = consumer.recv().await else { continue };
            let (Some(correlation), Some(reply_to)) =
                (header::<8>(&message, CORRELATION), header(&message, REPLY_TO))
            else {
                continue;
            };
            let request = message.payload().unwrap_or_default().to_vec();
            let (producer, replies) = (producer.clone(), replies.clone());
            tokio::spawn(async move {
                let value = answer(&request);
                let headers =
                    OwnedHeaders::new().insert(Header { key: CORRELATION, value: Some(&correlation) });
                let record = FutureRecord::<[u8], [u8]>::to(&replies)
                    .partition(i32::from_be_bytes(reply_to))
                    .payload(&value)
                    .headers(headers);
                if let Err((error, _)) = producer.send(record, PATIENCE).await {
                    eprintln!("a reply was not delivered: {error}");
                }
            });
        }
    });
    Ok(())
}

/// Waits until an answer comes, so that groups have joined.
pub async fn until_answered(requester: &Requester, request: &[u8]) -> Result<()> {
    for _ in 0..10 {
        if requester.ask(request).await.is_ok() {
            return Ok(());
        }
    }
    Err(anyhow!("nobody answers"))
}

fn producer(broker: &Broker) -> ClientConfig {
    let mut config = common(broker);
    config.set("acks", "all").set("linger.ms", "0").set("sticky.partitioning.linger.ms", "0");
    config
}

/// A record must not be there twice. Idempotence also bounds the requests under way, so that what waits for the disk becomes
/// a batch: without it each record is flushed alone, and a fifth of the throughput is left.
fn record_producer(broker: &Broker) -> ClientConfig {
    let mut config = producer(broker);
    config.set("enable.idempotence", "true");
    config
}

fn consumer(broker: &Broker) -> ClientConfig {
    let mut config = common(broker);
    config.set("auto.offset.reset", "latest").set("fetch.wait.max.ms", broker.fetch_wait_ms());
    config
}

fn common(broker: &Broker) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &broker.bootstrap).set("socket.nagle.disable", "true");
    config
}
