//! How far the consumers of this process are behind, by what librdkafka tells of itself every few seconds.
//!
//! The thread that reads requests only keeps that text. It is looked into when somebody asks, and once.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::Deserialize;

/// How often librdkafka tells, in milliseconds.
pub(crate) const TOLD_EVERY_MS: &str = "5000";
/// What was told longer ago is not claimed any more.
const FRESH: Duration = Duration::from_secs(20);

/// The consumers of a process that tell how far they are behind.
#[derive(Debug, Default)]
pub struct Lags {
    reading: Mutex<Vec<Weak<Reading>>>,
}

/// One consumer: who reads what. Its context holds it, and with that it goes.
pub(crate) struct Reading {
    domain: String,
    /// The topic as it is declared.
    topic: String,
    /// The topic's name on the cluster.
    name: String,
    done: Done,
    told: Mutex<Option<Told>>,
}

/// What librdkafka told last.
struct Told {
    at: Instant,
    text: Vec<u8>,
    /// What follows from it, once somebody has asked.
    lag: OnceCell<Option<i64>>,
}

/// When a consumer has done with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// When it is committed.
    Committed,
    /// When it has been read: nothing is committed.
    Read,
}

impl Lags {
    /// Somebody of a domain begins to read a topic, which the cluster knows by `name`.
    pub(crate) fn begin(&self, domain: &str, (topic, name): (&str, &str), done: Done) -> Arc<Reading> {
        let reading = Arc::new(Reading {
            domain: domain.to_owned(),
            topic: topic.to_owned(),
            name: name.to_owned(),
            done,
            told: Mutex::default(),
        });
        let mut all = self.reading.lock();
        all.retain(|known| known.strong_count() > 0);
        all.push(Arc::downgrade(&reading));
        reading
    }

    /// Records that each domain has not done with yet, of all that this process reads for it. Of whoever does not know how far it is
    /// behind, nothing is told.
    pub fn by_domain(&self) -> BTreeMap<String, i64> {
        let mut domains = BTreeMap::new();
        for ((domain, _), lag) in self.read() {
            *domains.entry(domain).or_default() += lag;
        }
        domains
    }

    /// Records that nobody has done with yet, by domain and topic. Whoever does not know how far it is behind is not in it.
    pub(crate) fn read(&self) -> BTreeMap<(String, String), i64> {
        let all: Vec<Arc<Reading>> = self.reading.lock().iter().filter_map(Weak::upgrade).collect();
        let mut lags = BTreeMap::new();
        for reading in all {
            let Some(lag) = reading.lag() else { continue };
            *lags.entry((reading.domain.clone(), reading.topic.clone())).or_default() += lag;
        }
        lags
    }
}

impl Reading {
    /// Keeps what librdkafka tells.
    pub(crate) fn hear(&self, statistics: &[u8]) {
        let mut told = self.told.lock();
        // The buffer is as large as the text before: most are.
        let mut text = told.take().map(|told| told.text).unwrap_or_default();
        text.clear();
        text.extend_from_slice(statistics);
        *told = Some(Told { at: Instant::now(), text, lag: OnceCell::new() });
    }

    fn lag(&self) -> Option<i64> {
        let told = self.told.lock();
        let told = told.as_ref().filter(|told| told.at.elapsed() < FRESH)?;
        *told.lag.get_or_init(|| lag(&told.text, &self.name, self.done))
    }
}

/// What is needed of librdkafka's statistics: <https://github.com/confluentinc/librdkafka/blob/master/STATISTICS.md>.
#[derive(Deserialize)]
struct Statistics {
    #[serde(default)]
    brokers: BTreeMap<String, Broker>,
    #[serde(default)]
    topics: BTreeMap<String, Topic>,
}

#[derive(Deserialize)]
struct Broker {
    state: String,
}

#[derive(Deserialize)]
struct Topic {
    partitions: BTreeMap<i32, Partition>,
}

#[derive(Deserialize)]
struct Partition {
    fetch_state: String,
    next_offset: i64,
    app_offset: i64,
    stored_offset: i64,
    committed_offset: i64,
    lo_offset: i64,
    hi_offset: i64,
}

/// The sum over the partitions that are read; `None` while no broker is there to tell how far they go, or if none is read.
fn lag(statistics: &[u8], topic: &str, done: Done) -> Option<i64> {
    let told: Statistics = serde_json::from_slice(statistics).ok()?;
    told.brokers.values().find(|broker| broker.state == "UP")?;
    let read = told.topics.get(topic)?.partitions.iter();
    let read: Vec<i64> = read
        .filter(|(number, partition)| **number >= 0 && partition.fetch_state == "active")
        .map(|(_, partition)| partition.lag(done))
        .collect::<Option<_>>()?;
    (!read.is_empty()).then(|| read.iter().sum())
}

impl Partition {
    /// Offsets below 0 stand for what is not known.
    fn lag(&self, done: Done) -> Option<i64> {
        let done = match done {
            // A group that has committed nothing begins with the oldest record.
            Done::Committed => [self.committed_offset, self.stored_offset, self.lo_offset],
            Done::Read => [self.app_offset, self.next_offset, self.lo_offset],
        };
        let done = done.into_iter().find(|offset| *offset >= 0)?;
        // What has expired is done with.
        (self.hi_offset >= 0).then(|| (self.hi_offset - done.max(self.lo_offset)).max(0))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn partition(committed: i64, app: i64, low: i64, high: i64) -> Value {
        json!({
            "partition": 0, "fetch_state": "active", "next_offset": 7, "app_offset": app, "stored_offset": -1001,
            "committed_offset": committed, "lo_offset": low, "hi_offset": high, "consumer_lag": -1,
        })
    }

    fn told(broker: &str, partitions: Value) -> Option<i64> {
        of(broker, partitions, Done::Committed)
    }

    fn of(broker: &str, partitions: Value, done: Done) -> Option<i64> {
        let statistics = json!({
            "name": "lgsp#consumer-1",
            "brokers": { "b:9092/1": { "state": broker, "rtt": {} }, "GroupCoordinator": { "state": "INIT" } },
            "topics": { "lgsp.request.land": { "topic": "lgsp.request.land", "partitions": partitions } },
        });
        lag(statistics.to_string().as_bytes(), "lgsp.request.land", done)
    }

    #[test]
    fn what_is_not_committed_is_behind_and_the_partitions_are_summed() {
        let partitions = json!({ "0": partition(3, 5, 0, 10), "1": partition(8, 8, 0, 8) });
        assert_eq!(told("UP", partitions), Some(7));
    }

    #[test]
    fn a_group_that_has_committed_nothing_has_done_with_nothing_and_what_expired_is_not_waited_for() {
        assert_eq!(told("UP", json!({ "0": partition(-1001, 6, 2, 10) })), Some(8));
        assert_eq!(told("UP", json!({ "0": partition(2, 2, 9, 10) })), Some(1));
    }

    #[test]
    fn who_commits_nothing_ever_is_as_far_as_it_has_read() {
        let read = |partition| of("UP", json!({ "0": partition }), Done::Read);
        assert_eq!(read(partition(-1001, 6, 0, 10)), Some(4));
        assert_eq!(read(partition(-1001, -1001, 0, 10)), Some(3), "it begins at 7");
    }

    #[test]
    fn what_nobody_can_know_is_not_told() {
        assert_eq!(told("DOWN", json!({ "0": partition(3, 5, 0, 10) })), None, "no broker is there");
        assert_eq!(told("UP", json!({ "0": partition(3, 5, 0, -1001) })), None, "how far it goes is unknown");
        let mut left = partition(3, 5, 0, 10);
        left["fetch_state"] = "none".into();
        assert_eq!(told("UP", json!({ "0": left, "-1": partition(0, 0, 0, 9) })), None, "others read it");
    }

    #[test]
    fn a_domain_is_behind_on_all_that_is_read_for_it() {
        let lags = Lags::default();
        let (requests, entries) = ("lgsp.request.ledger", "lgsp.exchange");
        let read = [(requests, Done::Committed), (entries, Done::Read)].map(|(topic, done)| {
            let reading = lags.begin("ledger", (topic, topic), done);
            let partitions = json!({ "0": partition(3, 5, 0, 10) });
            let statistics = json!({
                "brokers": { "b": { "state": "UP" } },
                "topics": { topic: { "partitions": partitions } },
            });
            reading.hear(statistics.to_string().as_bytes());
            reading
        });
        assert_eq!(lags.by_domain(), [("ledger".to_owned(), 7 + 5)].into());
        drop(read);
    }

    #[test]
    fn a_consumer_that_is_gone_tells_nothing() {
        let lags = Lags::default();
        let reading = lags.begin("land", ("lgsp.request.land", "test.request.land"), Done::Committed);
        assert_eq!(lags.read().len(), 0, "nothing was told yet");
        let statistics = |committed| {
            json!({
                "brokers": { "b": { "state": "UP" } },
                "topics": { "test.request.land": { "partitions": { "0": partition(committed, 9, 0, 10) } } },
            })
        };
        let key = ("land".to_owned(), "lgsp.request.land".to_owned());
        for (committed, lag) in [(3, 7), (8, 2)] {
            reading.hear(statistics(committed).to_string().as_bytes());
            assert_eq!(lags.read().get(&key), Some(&lag));
        }
        drop(reading);
        assert_eq!(lags.read().len(), 0);
    }
}
