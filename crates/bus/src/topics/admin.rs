//! Makes the declared topics, and checks what is there.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigSource, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::Client;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use tokio::time::{sleep, timeout};

use super::settings::{Difference, differences};
use super::{Role, Topic, declared};
use crate::clients::{self, Quiet};
use crate::refusals::Refusals;
use crate::{Bus, Error};

/// How long the cluster may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long one look at the cluster lasts.
const LOOK: Duration = Duration::from_secs(2);

/// How often to look whether new topics are there.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What was done to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The topic.
    pub topic: String,
    /// What was done.
    pub change: Change,
}

/// A change to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was made.
    Created,
    /// These keys of its configuration were set.
    Configured(Vec<String>),
    /// It was as declared.
    Unchanged,
}

/// A topic that is not as the hub needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The topic.
    pub topic: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.change {
            Change::Created => write!(f, "{}: created", self.topic),
            Change::Configured(keys) => write!(f, "{}: set {}", self.topic, keys.join(", ")),
            Change::Unchanged => write!(f, "{}: unchanged", self.topic),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.topic, self.problem)
    }
}

/// Makes every declared topic that is missing, and restores what the hub needs in the configuration of those that are there.
/// What an operator has set beside that, or beyond it, stays. Partitions and copies of a topic that exists are left alone:
/// [`check`] tells of them. On the embedded broker there is nothing to do.
///
/// # Errors
/// The cluster does not answer, or refuses a change.
pub async fn apply(bus: &Bus) -> Result<Vec<Applied>, Error> {
    let topics = declared(bus.options());
    if bus.is_embedded() {
        let unchanged = |topic: Topic| Applied { topic: topic.name, change: Change::Unchanged };
        return Ok(topics.into_iter().map(unchanged).collect());
    }
    let admin = Admin::open(bus)?;
    let cluster = admin.look().await?;
    let mut applied = Vec::new();
    for topic in &topics {
        let change = match cluster.topics.get(&topic.name) {
            Some(found) => admin.configure(topic, found.copies).await?,
            None => {
                admin.create(topic, topic.replication(bus.options().replication, cluster.brokers)).await?
            }
        };
        applied.push(Applied { topic: topic.name.clone(), change });
    }
    let made = applied.iter().filter(|applied| applied.change == Change::Created);
    admin.await_shown(&made.map(|applied| applied.topic.as_str()).collect::<Vec<_>>()).await?;
    Ok(applied)
}

/// Compares the topics with their declaration. Empty when all is well.
///
/// # Errors
/// The cluster does not answer.
pub async fn check(bus: &Bus) -> Result<Vec<Problem>, Error> {
    check_all(bus, declared(bus.options())).await
}

/// Compares the topics that a role writes and reads with their declaration; it may see no others. Empty when all is well.
///
/// # Errors
/// The cluster does not answer.
pub async fn check_of(bus: &Bus, role: &Role) -> Result<Vec<Problem>, Error> {
    let own = |topic: &Topic| role.writes(topic) || role.reads(topic);
    check_all(bus, declared(bus.options()).into_iter().filter(own).collect()).await
}

async fn check_all(bus: &Bus, topics: Vec<Topic>) -> Result<Vec<Problem>, Error> {
    if bus.is_embedded() {
        return Ok(Vec::new());
    }
    let admin = Admin::open(bus)?;
    let cluster = admin.look().await?;
    let mut problems = Vec::new();
    for topic in topics {
        let mut problem = |problem: String| problems.push(Problem { topic: topic.name.clone(), problem });
        let Some(found) = cluster.topics.get(&topic.name) else {
            // Of a topic that we may not see, Kafka tells this alone.
            problem("is missing, or may not be seen by this principal: run topics apply".to_owned());
            continue;
        };
        if found.partitions != topic.partitions {
            problem(format!("has {} partitions instead of {}", found.partitions, topic.partitions));
        }
        let wanted = topic.replication(bus.options().replication, cluster.brokers);
        if found.copies < wanted {
            problem(format!("has {} copies instead of {wanted}", found.copies));
        }
        let described = match admin.describe(&topic).await {
            Err(Error::Denied { .. }) => {
                problem("does not let this principal see its configuration: run topics apply".to_owned());
                continue;
            }
            described => described?,
        };
        for Difference { key, found, wanted } in described.differences(&topic, found.copies) {
            problem(format!("{key} is {found} instead of {wanted}"));
        }
    }
    Ok(problems)
}

/// Waits until the cluster answers us.
pub(super) async fn until_answered(bus: &Bus) -> Result<(), Error> {
    Admin::open(bus)?.look().await.map(drop)
}

/// What the cluster says of itself.
struct Cluster {
    brokers: usize,
    topics: BTreeMap<String, Found>,
}

struct Found {
    partitions: i32,
    copies: i32,
}

/// A topic's configuration, by key.
#[derive(Default)]
struct Described {
    in_force: BTreeMap<String, String>,
    /// What is set on the topic itself.
    own: BTreeMap<String, String>,
}

impl Described {
    fn differences(&self, topic: &Topic, copies: i32) -> Vec<Difference> {
        differences(topic.settings(copies), &self.in_force)
    }
}

struct Admin {
    client: Arc<AdminClient<Quiet>>,
    refusals: Arc<Refusals>,
    options: AdminOptions,
}

impl Admin {
    fn open(bus: &Bus) -> Result<Self, Error> {
        let client = clients::admin(bus.cluster()).create_with_context(bus.cluster().quiet());
        let client = client.map_err(|source| Error::client("topics", &source))?;
        let options = AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE));
        Ok(Self { client: Arc::new(client), refusals: bus.cluster().refusals.clone(), options })
    }

    async fn look(&self) -> Result<Cluster, Error> {
        let what = "tell its topics";
        let (client, refusals) = (self.client.clone(), self.refusals.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            loop {
                let source = match look(client.inner()) {
                    Ok(cluster) => {
                        refusals.answered();
                        return Ok(cluster);
                    }
                    Err(source) => source,
                };
                // Who is not trusted waits in vain: the cause is told instead.
                if let Some(distrust) = refusals.distrust() {
                    return Err(distrust);
                }
                if begun.elapsed() >= PATIENCE {
                    return Err(Error::Kafka { what, source });
                }
            }
        });
        let looked = timeout(PATIENCE + LOOK, asked).await.map_err(|_| Error::TimedOut { what })?;
        looked.map_err(|_| Error::Closed)?
    }

    async fn create(&self, topic: &Topic, copies: i32) -> Result<Change, Error> {
        let what = "make a topic";
        let settings: Vec<_> =
            topic.settings(copies).into_iter().map(|(key, setting)| (key, setting.value())).collect();
        let new = NewTopic::new(&topic.name, topic.partitions, TopicReplication::Fixed(copies));
        let new = settings.iter().fold(new, |new, (key, value)| new.set(key, value));
        let created = self.client.create_topics([&new], &self.options).await;
        for result in created.map_err(|source| Error::Kafka { what, source })? {
            match result {
                Ok(_) => {}
                // Somebody else was quicker.
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => return Ok(Change::Unchanged),
                Err((name, code)) => return Err(Error::of(what, "create", &name, KafkaError::AdminOp(code))),
            }
        }
        Ok(Change::Created)
    }

    /// A broker hears of a new topic a moment after it was made. Until then it tells whoever asks that there is none.
    async fn await_shown(&self, made: &[&str]) -> Result<(), Error> {
        let shown = async {
            while !made.is_empty() {
                let cluster = self.look().await?;
                if made.iter().all(|topic| cluster.topics.contains_key(*topic)) {
                    break;
                }
                sleep(LOOK_AGAIN).await;
            }
            Ok(())
        };
        timeout(PATIENCE, shown).await.unwrap_or(Err(Error::TimedOut { what: "show its new topics" }))
    }

    /// Kafka replaces a topic's whole configuration, so what an operator has set is set again.
    async fn configure(&self, topic: &Topic, copies: i32) -> Result<Change, Error> {
        let described = self.describe(topic).await?;
        let differences = described.differences(topic, copies);
        if differences.is_empty() {
            return Ok(Change::Unchanged);
        }
        let what = "configure a topic";
        let mut wanted = described.own;
        wanted.extend(
            differences.iter().map(|difference| (difference.key.to_owned(), difference.wanted.value())),
        );
        let alter = AlterConfig::new(ResourceSpecifier::Topic(&topic.name));
        let alter = wanted.iter().fold(alter, |alter, (key, value)| alter.set(key, value));
        let altered = self.client.alter_configs([&alter], &self.options).await;
        for result in altered.map_err(|source| Error::Kafka { what, source })? {
            result.map_err(|(_, code)| {
                Error::of(what, "alter the configuration of", &topic.name, KafkaError::AdminOp(code))
            })?;
        }
        let keys = differences.into_iter().map(|difference| difference.key.to_owned());
        Ok(Change::Configured(keys.collect()))
    }

    async fn describe(&self, topic: &Topic) -> Result<Described, Error> {
        let what = "tell a topic's configuration";
        let resources =
            self.client.describe_configs([&ResourceSpecifier::Topic(&topic.name)], &self.options).await;
        let mut described = Described::default();
        for resource in resources.map_err(|source| Error::Kafka { what, source })? {
            let right = "see the configuration of";
            let resource =
                resource.map_err(|code| Error::of(what, right, &topic.name, KafkaError::AdminOp(code)))?;
            for entry in resource.entries {
                let value = entry.value.unwrap_or_default();
                if entry.source == ConfigSource::DynamicTopic {
                    described.own.insert(entry.name.clone(), value.clone());
                }
                described.in_force.insert(entry.name, value);
            }
        }
        Ok(described)
    }
}

fn look(client: &Client<Quiet>) -> Result<Cluster, KafkaError> {
    let metadata = client.fetch_metadata(None, LOOK)?;
    let found = metadata.topics().iter().filter(|topic| topic.error().is_none()).map(|topic| {
        let copies = topic.partitions().iter().map(|partition| partition.replicas().len()).min().unwrap_or(0);
        let partitions = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
        (topic.name().to_owned(), Found { partitions, copies: i32::try_from(copies).unwrap_or(i32::MAX) })
    });
    Ok(Cluster { brokers: metadata.brokers().len(), topics: found.collect() })
}
