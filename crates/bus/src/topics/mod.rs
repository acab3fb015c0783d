//! Every topic of the hub, declared once.

mod acls;
mod admin;
mod dead;
mod lacking;
mod native;
mod rights;
mod settings;
mod survey;

use crate::Options;
use settings::Setting;

pub use acls::{compare_acls, grant, keeps_acls};
pub use admin::{Applied, Change, Problem, apply, check, check_of};
pub use dead::{DeadLetter, dead_letters};
pub(crate) use lacking::Lacking;
pub use lacking::watch_partitions;
pub use rights::{Acl, AclDifferences, Operation, Pattern, Resource, Role};
pub use survey::{GroupSeen, Lag, Survey, TopicSeen, reply_partition, survey};

/// Replies, to the partition of the gateway that asked.
pub const REPLY: &str = "lgsp.reply";
/// Entries of the exchange log, keyed by exchange.
pub const EXCHANGE: &str = "lgsp.exchange";
/// The signed rules and the descriptor sets.
pub const REGISTRY: &str = "lgsp.registry";
/// Counts of the day, for daily quotas.
pub const USAGE: &str = "lgsp.usage";
/// What every role tells of itself, every second.
pub const HEARTBEAT: &str = "lgsp.heartbeat";
/// What could not be processed.
pub const DEAD_LETTER: &str = "lgsp.dead-letter";

/// The domains that the hub has contracts for.
pub const DOMAINS: &[&str] =
    &["population", "land", "health", "education", "business", "registry", "ledger", "monitor"];

/// Whether a domain is one of the platform's own, and no adapter's.
pub(crate) fn is_of_the_platform(domain: &str) -> bool {
    ["registry", "ledger", "monitor"].contains(&domain)
}

/// The topic of a domain's requests.
pub fn request(domain: &str) -> String {
    format!("lgsp.request.{domain}")
}

/// The partition that an instance uses of those that it could as well use any of. FNV-1a, the same for every build.
pub(crate) fn partition_of(instance: &str, partitions: i32) -> i32 {
    let hash = instance.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash % partitions.max(1) as u64) as i32
}

/// A topic as the hub wants it.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// How many partitions.
    pub partitions: i32,
    /// What its records are keyed by; `-`: by nothing.
    pub key: &'static str,
    /// What it carries.
    pub carries: &'static str,
    /// Roles that write it.
    pub writers: &'static [&'static str],
    /// Roles that read it. Of requests, `adapter` is whoever serves their domain.
    pub readers: &'static [&'static str],
    /// The domain whose requests it carries.
    domain: Option<String>,
    kept: Kept,
    /// Whether its records must survive the loss of a broker.
    durable: bool,
}

/// How long a topic keeps its records.
#[derive(Clone, Copy, Debug)]
enum Kept {
    Minutes(i64),
    Days(i64),
    /// The last of each key.
    Compacted,
    /// The last of each key, and that only for an hour.
    CompactedForAnHour,
}

/// What [`EXCHANGE`] carries, in any namespace.
const ENTRIES: &str = "entries";

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

impl Topic {
    /// Copies of each partition on a cluster of so many brokers; `wanted` 0: three, or as many as there are brokers.
    pub fn replication(&self, wanted: i32, brokers: usize) -> i32 {
        let most = i32::try_from(brokers).unwrap_or(i32::MAX).max(1);
        if wanted == 0 { most.min(3) } else { wanted }
    }

    /// What the topic's configuration must be with so many copies of each partition. The copies count, not the brokers: one
    /// that is down for an hour must not weaken what stands on three.
    fn settings(&self, copies: i32) -> Vec<(&'static str, Setting)> {
        let mut settings = match self.kept {
            Kept::Minutes(minutes) => vec![
                ("cleanup.policy", Setting::Words("delete")),
                ("retention.ms", Setting::Exactly(minutes * MINUTE_MS)),
                ("segment.ms", Setting::Exactly(minutes * MINUTE_MS / 2)),
            ],
            Kept::Days(days) => vec![
                ("cleanup.policy", Setting::Words("delete")),
                ("retention.ms", Setting::AtLeastMillis(days * DAY_MS)),
            ],
            Kept::Compacted => vec![("cleanup.policy", Setting::Words("compact"))],
            Kept::CompactedForAnHour => vec![
                ("cleanup.policy", Setting::Words("compact,delete")),
                ("retention.ms", Setting::Exactly(60 * MINUTE_MS)),
                ("segment.ms", Setting::Exactly(10 * MINUTE_MS)),
            ],
        };
        let least = if self.durable && copies >= 3 { 2 } else { 1 };
        settings.push(("min.insync.replicas", Setting::AtLeastReplicas(least)));
        // One broker's acknowledgement is only its page cache, so there every entry is flushed.
        if self.carries == ENTRIES && copies < 3 {
            settings.push(("flush.messages", Setting::Exactly(1)));
        }
        settings
    }
}

/// Every topic of the hub.
pub fn declared(options: &Options) -> Vec<Topic> {
    let mut topics: Vec<Topic> =
        options.domains.iter().map(|domain| request_topic(domain, options)).collect();
    topics.extend([
        Topic {
            name: REPLY.to_owned(),
            partitions: options.reply_partitions,
            key: "-",
            carries: "replies",
            writers: &["adapter", "registry", "ledger", "monitor"],
            readers: &["gateway"],
            domain: None,
            kept: Kept::Minutes(10),
            durable: false,
        },
        Topic {
            name: EXCHANGE.to_owned(),
            partitions: options.exchange_partitions,
            key: "exchange id",
            carries: ENTRIES,
            writers: &["gateway", "ledger"],
            readers: &["ledger", "monitor"],
            domain: None,
            kept: Kept::Days(7),
            durable: true,
        },
        keyed(
            REGISTRY,
            "snapshot, descriptors/<sha256>",
            "the rules, signed",
            &["registry"],
            &["gateway", "registry"],
            Kept::Compacted,
        ),
        keyed(USAGE, "agreement", "served counts of the day", &["ledger"], &["gateway"], Kept::Compacted),
        keyed(
            HEARTBEAT,
            "instance",
            "liveness and owned partitions",
            &["all"],
            &["gateway", "registry", "monitor"],
            Kept::CompactedForAnHour,
        ),
        keyed(
            DEAD_LETTER,
            "-",
            "headers, digest and cause of what could not be processed",
            &["adapter", "registry", "ledger", "monitor"],
            &["monitor"],
            Kept::Days(14),
        ),
    ]);
    for topic in &mut topics {
        topic.name = options.topic(&topic.name).into_owned();
    }
    topics
}

fn request_topic(domain: &str, options: &Options) -> Topic {
    Topic {
        name: request(domain),
        partitions: options.request_partitions,
        key: "-",
        carries: "requests",
        writers: &["gateway"],
        readers: &["adapter", "ledger"],
        domain: Some(domain.to_owned()),
        kept: Kept::Minutes(10),
        durable: false,
    }
}

fn keyed(
    name: &str,
    key: &'static str,
    carries: &'static str,
    writers: &'static [&'static str],
    readers: &'static [&'static str],
    kept: Kept,
) -> Topic {
    let (name, domain) = (name.to_owned(), None);
    Topic { name, partitions: 1, key, carries, writers, readers, domain, kept, durable: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings_of(name: &str, copies: i32) -> Vec<(&'static str, Setting)> {
        let topics = declared(&Options::default());
        topics.iter().find(|topic| topic.name == name).unwrap().settings(copies)
    }

    #[test]
    fn an_entry_is_flushed_where_fewer_than_three_brokers_hold_it() {
        assert!(settings_of(EXCHANGE, 1).contains(&("flush.messages", Setting::Exactly(1))));
        assert!(settings_of(EXCHANGE, 3).iter().all(|(key, _)| *key != "flush.messages"));
    }

    #[test]
    fn requests_and_replies_are_kept_for_ten_minutes() {
        for name in [REPLY.to_owned(), request("land")] {
            let settings = settings_of(&name, 3);
            assert!(settings.contains(&("retention.ms", Setting::Exactly(600_000))), "{name}");
            assert!(settings.contains(&("segment.ms", Setting::Exactly(300_000))), "{name}");
        }
    }
}
