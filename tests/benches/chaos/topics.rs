//! What stands on Kafka, read all the while beside the ledger: requests that gateways sent, and entries that they made.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use anyhow::Result;
use lgsp_bus::{Bus, Record, Start, Tailed, topics};
use lgsp_core::ExchangeId;
use lgsp_proto::ledger::v1::{Entry, Phase, Sealed};
use parking_lot::Mutex;
use prost::Message as _;
use tokio::task::JoinSet;

use crate::hub::DOMAINS;
use crate::load::REQUEST_ID;
use crate::log::{Key, Log, key_of};

/// What was read of the topics.
#[derive(Default)]
pub struct Followed {
    /// Exchanges whose request is on Kafka.
    pub requests: HashSet<ExchangeId>,
    pub entries: HashSet<Key>,
    /// The exchange of each call whose request id is in an entry.
    pub exchanges: HashMap<u64, ExchangeId>,
    /// The next offset by topic and partition.
    next: BTreeMap<(Arc<str>, i32), i64>,
    pub violations: Vec<String>,
}

pub type Shared = Arc<Mutex<Followed>>;

fn all() -> impl Iterator<Item = String> {
    let requests = DOMAINS.iter().map(|domain| topics::request(domain.name()));
    requests.chain([topics::EXCHANGE.to_owned()])
}

/// Reads the topics until the tasks are dropped.
pub fn follow(bus: &Bus) -> Result<(Shared, JoinSet<()>)> {
    let (followed, mut followers) = (Shared::default(), JoinSet::new());
    for topic in all() {
        let (mut tail, followed) = (bus.tail(&topic, Start::Beginning)?, followed.clone());
        followers.spawn(async move {
            loop {
                match tail.next().await {
                    Ok(Tailed::Record(record)) => followed.lock().take(&record),
                    Ok(Tailed::CaughtUp) => {}
                    Err(error) => {
                        followed.lock().violations.push(format!("{topic} cannot be read any more: {error}"));
                        return;
                    }
                }
            }
        });
    }
    Ok((followed, followers))
}

/// Whether everything that stands on the topics was read.
pub async fn is_caught_up(bus: &Bus, followed: &Shared) -> Result<bool> {
    for topic in all() {
        let held = bus.watermarks(&topic).await?;
        let followed = followed.lock();
        let topic: Arc<str> = topic.into();
        let next = |partition| followed.next.get(&(topic.clone(), partition)).copied().unwrap_or(0);
        if (0..).zip(&held).any(|(partition, held)| next(partition) < held.high) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Followed {
    /// Whether the log has every entry, and an end of every exchange that was asked for.
    pub fn is_in(&self, log: &Log) -> bool {
        self.entries.iter().all(|key| log.keys.contains(key))
            && self.requests.iter().all(|exchange| log.ends.contains_key(exchange))
    }

    fn take(&mut self, record: &Record) {
        let next = self.next.entry((record.topic.clone(), record.partition)).or_insert(0);
        if record.offset != *next {
            let (topic, partition) = (&record.topic, record.partition);
            self.violations.push(format!("{topic} {partition} has {} instead of {next}", record.offset));
        }
        *next = record.offset + 1;
        if record.topic.as_ref() == topics::EXCHANGE {
            return self.take_entry(record);
        }
        let id = record.headers.iter().find(|(name, _)| name == "lgsp-exchange-id");
        let id = id.and_then(|(_, id)| ExchangeId::parse(std::str::from_utf8(id).ok()?));
        match id {
            Some(id) => drop(self.requests.insert(id)),
            None => self.violations.push(format!("{} has a request without its exchange", record.topic)),
        }
    }

    fn take_entry(&mut self, record: &Record) {
        let entry = Entry::decode(record.value.clone().unwrap_or_default()).unwrap_or_default();
        let key = Sealed::decode(entry.sealed).ok().and_then(|sealed| key_of(&sealed));
        let Some(key) = key.filter(|(_, phase, _)| *phase != Phase::Unspecified) else {
            let Record { partition, offset, .. } = record;
            return self.violations.push(format!("the record {partition}:{offset} is no entry"));
        };
        self.entries.insert(key);
        let request = entry.erasable.and_then(|erasable| erasable.request_id).map(|id| id.value);
        let number = request.and_then(|id| id.strip_prefix(REQUEST_ID)?.parse().ok());
        if let Some(number) = number
            && let Some(other) = self.exchanges.insert(number, key.0).filter(|other| *other != key.0)
        {
            self.violations.push(format!("one call was two exchanges: {other} and {}", key.0));
        }
    }
}
