//! Kafka as an operator sees it from outside: brokers, partitions, and how far each group is behind. Changes nothing, joins no group.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::metadata::MetadataTopic;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::task::spawn_blocking;

use super::admin::until_answered;
use super::{Topic, declared, partition_of, request};
use crate::clients::{self, Quiet};
use crate::refusals::is_missing_right;
use crate::{Bus, Error};

/// How long Kafka may take for each answer.
const ASK: Duration = Duration::from_secs(5);

/// What was seen.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The brokers that are there, `host:port` each.
    pub brokers: Vec<String>,
    /// Every topic of the hub, in the order of their declaration.
    pub topics: Vec<TopicSeen>,
    /// The group of every domain.
    pub groups: Vec<GroupSeen>,
}

/// A topic as it is on the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSeen {
    /// Its name.
    pub name: String,
    /// Its partitions; none: it is not there, or we may not see it.
    pub partitions: usize,
    /// The fewest replicas of a partition.
    pub replicas: usize,
    /// Partitions of which some replica is not in sync.
    pub lacking_replica: Vec<i32>,
    /// Partitions without a leader.
    pub lacking_leader: Vec<i32>,
    /// Records that it keeps now; what compaction took away counts. `None`: Kafka does not tell us.
    pub records: Option<i64>,
}

/// The group of a domain's providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSeen {
    /// The domain.
    pub domain: String,
    /// The group's name.
    pub group: String,
    /// Kafka's word for its state, such as `Stable` or `Empty`, and how many members it has. `None`: Kafka does not tell us.
    pub members: Option<(String, usize)>,
    /// Requests that have no answer yet, and those of the partition with the most. `None`: Kafka does not tell us.
    pub lag: Option<Lag>,
}

/// How far a group is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Records of all partitions that are not committed.
    pub records: i64,
    /// The partition with the most…
    pub partition: i32,
    /// …and how many it has.
    pub most: i64,
}

/// Looks at the cluster. What we have no right to see is left out, and is no error.
///
/// # Errors
/// The cluster does not answer, or does not trust us; or the broker is the embedded one, which nobody else can ask.
pub async fn survey(bus: &Bus) -> Result<Survey, Error> {
    until_answered(bus).await?;
    let asked = bus.clone();
    spawn_blocking(move || look(&asked)).await.map_err(|_| Error::Closed)?
}

/// The reply partition that a gateway reads: of its own, unless another's name comes to the same one.
pub fn reply_partition(bus: &Bus, gateway: &str) -> i32 {
    partition_of(gateway, bus.options().reply_partitions)
}

fn look(bus: &Bus) -> Result<Survey, Error> {
    let what = "tell its partitions";
    let metadata = bus.publisher().metadata(ASK).map_err(|source| Error::Kafka { what, source })?;
    let brokers = metadata.brokers().iter().map(|broker| format!("{}:{}", broker.host(), broker.port()));
    let found: BTreeMap<&str, &MetadataTopic> = metadata
        .topics()
        .iter()
        .filter(|topic| topic.error().is_none())
        .map(|topic| (topic.name(), topic))
        .collect();
    let (mut topics, mut highs) = (Vec::new(), BTreeMap::new());
    for Topic { name, .. } in declared(bus.options()) {
        let partitions = found.get(name.as_str()).map(|topic| topic.partitions()).unwrap_or_default();
        let marks = marks(bus, &name, partitions.len())?;
        topics.push(TopicSeen {
            partitions: partitions.len(),
            replicas: partitions.iter().map(|it| it.replicas().len()).min().unwrap_or(0),
            lacking_replica: numbers(partitions, |it| it.isr().len() < it.replicas().len()),
            lacking_leader: numbers(partitions, |it| it.leader() < 0),
            records: marks.as_ref().map(|marks| marks.iter().map(|(low, high)| high - low).sum()),
            name: name.clone(),
        });
        highs.insert(name, marks);
    }
    let group = |domain: &String| {
        let topic = bus.options().topic(&request(domain)).into_owned();
        let marks = highs.get(&topic).and_then(Option::as_deref).unwrap_or_default();
        group(bus, domain, &topic, marks)
    };
    let groups = bus.options().domains.iter().map(group).collect::<Result<_, _>>()?;
    Ok(Survey { brokers: brokers.collect(), topics, groups })
}

fn numbers(
    partitions: &[rdkafka::metadata::MetadataPartition],
    lacks: impl Fn(&rdkafka::metadata::MetadataPartition) -> bool,
) -> Vec<i32> {
    partitions.iter().filter(|it| lacks(it)).map(|it| it.id()).collect()
}

/// The watermarks of a topic's partitions; `None` if we may not see them, or one has no leader to tell.
fn marks(bus: &Bus, topic: &str, partitions: usize) -> Result<Option<Vec<(i64, i64)>>, Error> {
    if partitions == 0 {
        return Ok(None);
    }
    let number = |partition| i32::try_from(partition).unwrap_or(i32::MAX);
    let asked: Result<Vec<_>, _> =
        (0..partitions).map(|at| bus.publisher().watermarks(topic, number(at), ASK)).collect();
    Ok(asked.ok())
}

fn group(bus: &Bus, domain: &str, topic: &str, marks: &[(i64, i64)]) -> Result<GroupSeen, Error> {
    let name = clients::group(bus.options(), domain);
    let client = clients::looker(bus.cluster(), &name).create_with_context(bus.cluster().quiet());
    let client: BaseConsumer<Quiet> = client.map_err(|source| Error::client("groups", &source))?;
    let lag = if marks.is_empty() { None } else { seen(lag(&client, topic, marks))? };
    Ok(GroupSeen { domain: domain.to_owned(), members: seen(members(&client, &name))?, group: name, lag })
}

/// What we may not see is not told.
fn seen<T>(asked: Result<T, KafkaError>) -> Result<Option<T>, Error> {
    match asked {
        Ok(seen) => Ok(Some(seen)),
        Err(error) if is_missing_right(&error) => Ok(None),
        Err(source) => Err(Error::Kafka { what: "tell of a group", source }),
    }
}

fn members(client: &BaseConsumer<Quiet>, name: &str) -> Result<(String, usize), KafkaError> {
    let groups = client.fetch_group_list(Some(name), ASK)?;
    let found = groups.groups().iter().find(|group| group.name() == name);
    // A group that nobody has joined yet is not listed.
    Ok(found
        .map_or_else(|| ("Dead".to_owned(), 0), |group| (group.state().to_owned(), group.members().len())))
}

fn lag(client: &BaseConsumer<Quiet>, topic: &str, marks: &[(i64, i64)]) -> Result<Lag, KafkaError> {
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range(topic, 0, i32::try_from(marks.len()).unwrap_or(i32::MAX) - 1);
    let committed = client.committed_offsets(asked, ASK)?;
    let committed: BTreeMap<i32, i64> = committed
        .elements()
        .iter()
        .filter_map(|it| match it.offset() {
            Offset::Offset(offset) => Some((it.partition(), offset)),
            _ => None,
        })
        .collect();
    Ok(behind(&committed, marks))
}

/// What expired is not waited for, and where nothing is committed all that is kept is.
fn behind(committed: &BTreeMap<i32, i64>, marks: &[(i64, i64)]) -> Lag {
    let mut lag = Lag { records: 0, partition: 0, most: 0 };
    for ((low, high), partition) in marks.iter().zip(0..) {
        let done = committed.get(&partition).copied().unwrap_or(*low).max(*low);
        let behind = (high - done).max(0);
        lag.records += behind;
        if behind > lag.most {
            (lag.partition, lag.most) = (partition, behind);
        }
    }
    lag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_behind_by_what_is_kept_and_not_committed() {
        let committed = [(0, 90), (1, 3), (3, 20)].into();
        // The second has lost to retention what the group never read; of the third nothing is committed.
        let marks = [(0, 100), (5, 6), (1, 31), (0, 20)];
        assert_eq!(behind(&committed, &marks), Lag { records: 41, partition: 2, most: 30 });
        assert_eq!(behind(&BTreeMap::new(), &[(7, 7)]).records, 0);
    }
}
