//! What each role may do on Kafka, from who writes and reads the topics. Pure.

use std::collections::BTreeSet;
use std::fmt;

use super::{Topic, declared};
use crate::{Options, clients};

/// Whoever has a principal of its own on Kafka.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Every gateway.
    Gateway,
    /// Every registry.
    Registry,
    /// Every ledger.
    Ledger,
    /// The monitor.
    Monitor,
    /// Every adapter of a domain.
    Adapter(String),
}

impl Role {
    /// The roles of a hub: the gateway, and who serves each domain.
    pub fn all(options: &Options) -> Vec<Self> {
        let serving = options.domains.iter().map(|domain| Self::serving(domain));
        std::iter::once(Self::Gateway).chain(serving).collect()
    }

    /// The role that serves a domain.
    pub fn serving(domain: &str) -> Self {
        match domain {
            "registry" => Self::Registry,
            "ledger" => Self::Ledger,
            "monitor" => Self::Monitor,
            _ => Self::Adapter(domain.to_owned()),
        }
    }

    /// Its name, such as `adapter-land`.
    pub fn name(&self) -> String {
        match self {
            Self::Adapter(domain) => format!("adapter-{domain}"),
            Self::Gateway | Self::Registry | Self::Ledger | Self::Monitor => self.kind().to_owned(),
        }
    }

    /// Its name in the declarations of topics.
    fn kind(&self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Registry => "registry",
            Self::Ledger => "ledger",
            Self::Monitor => "monitor",
            Self::Adapter(_) => "adapter",
        }
    }

    /// The domain that it serves.
    fn domain(&self) -> Option<&str> {
        match self {
            Self::Gateway => None,
            Self::Registry | Self::Ledger | Self::Monitor => Some(self.kind()),
            Self::Adapter(domain) => Some(domain),
        }
    }

    /// Whether it keeps up with topics outside any group.
    fn tails(&self) -> bool {
        match self {
            Self::Gateway | Self::Registry | Self::Ledger | Self::Monitor => true,
            Self::Adapter(_) => false,
        }
    }

    /// Its principal on Kafka.
    pub fn principal(&self, options: &Options) -> String {
        let name = self.name();
        let own = options.principals.get(&name).cloned();
        own.unwrap_or_else(|| format!("User:{}-{name}", options.namespace))
    }

    pub(super) fn writes(&self, topic: &Topic) -> bool {
        topic.writers.iter().any(|writer| [self.kind(), "all"].contains(writer))
    }

    pub(super) fn reads(&self, topic: &Topic) -> bool {
        // Of requests, the declaration's adapter is whoever serves that domain.
        let serves = topic.domain.as_deref().map(|domain| self.domain() == Some(domain));
        topic.readers.iter().any(|reader| match (*reader, serves) {
            ("adapter", Some(serves)) => serves,
            (reader, _) => [self.kind(), "all"].contains(&reader),
        })
    }
}

/// What an ACL is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// A topic.
    Topic(String),
    /// A consumer group.
    Group(String),
    /// The cluster itself.
    Cluster(String),
    /// Another kind of thing, which the hub has nothing to do with.
    Other(String),
}

/// Which resources of that name an ACL is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    /// The one of that name; `*`: all.
    Literal,
    /// Those whose names begin so.
    Prefixed,
    /// What this version does not know.
    Other,
}

/// What is done with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are Kafka's")]
pub enum Operation {
    All,
    Read,
    Write,
    Create,
    Delete,
    Alter,
    Describe,
    ClusterAction,
    DescribeConfigs,
    AlterConfigs,
    IdempotentWrite,
    Other,
}

/// An ACL of Kafka.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Acl {
    /// Who, such as `User:lgsp-gateway`.
    pub principal: String,
    /// Does what.
    pub operation: Operation,
    /// With what.
    pub resource: Resource,
    /// Which of that name.
    pub pattern: Pattern,
    /// From which host; `*`: any.
    pub host: String,
    /// Whether it is allowed, and not denied.
    pub allowed: bool,
}

impl Operation {
    /// Kafka's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::Create => "CREATE",
            Self::Delete => "DELETE",
            Self::Alter => "ALTER",
            Self::Describe => "DESCRIBE",
            Self::ClusterAction => "CLUSTER_ACTION",
            Self::DescribeConfigs => "DESCRIBE_CONFIGS",
            Self::AlterConfigs => "ALTER_CONFIGS",
            Self::IdempotentWrite => "IDEMPOTENT_WRITE",
            Self::Other => "an unknown operation",
        }
    }
}

impl Resource {
    fn name(&self) -> &str {
        match self {
            Self::Topic(name) | Self::Group(name) | Self::Cluster(name) | Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.resource {
            Resource::Topic(_) => "topic",
            Resource::Group(_) => "group",
            Resource::Cluster(_) => "cluster",
            Resource::Other(_) => "resource",
        };
        let (what, name) = (self.operation.name(), self.resource.name());
        write!(f, "{}: {what} {kind} {name}", self.principal)?;
        match self.pattern {
            Pattern::Literal => {}
            Pattern::Prefixed => f.write_str(" (as a prefix)")?,
            Pattern::Other => f.write_str(" (of an unknown pattern)")?,
        }
        if self.host != ANY {
            write!(f, " from {}", self.host)?;
        }
        if self.allowed { Ok(()) } else { f.write_str(" denied") }
    }
}

/// Every host, and every name of a literal pattern.
const ANY: &str = "*";

/// Every ACL that the hub needs, and no other.
///
/// READ and WRITE include DESCRIBE. DESCRIBE_CONFIGS is for the look at its own topics that each role takes at its start. Nobody
/// needs the cluster: since Kafka 3.0, whoever may write a topic may do so idempotently.
pub(super) fn declared_acls(options: &Options) -> BTreeSet<Acl> {
    let topics = declared(options);
    let mut acls = BTreeSet::new();
    for role in Role::all(options) {
        let mut allow = |operation, resource| {
            acls.insert(Acl {
                principal: role.principal(options),
                operation,
                resource,
                pattern: Pattern::Literal,
                host: ANY.to_owned(),
                allowed: true,
            });
        };
        for topic in &topics {
            let (writes, reads) = (role.writes(topic), role.reads(topic));
            let on_topic = || Resource::Topic(topic.name.clone());
            if writes {
                allow(Operation::Write, on_topic());
            }
            if reads {
                allow(Operation::Read, on_topic());
            }
            if writes || reads {
                allow(Operation::DescribeConfigs, on_topic());
            }
        }
        if let Some(domain) = role.domain() {
            allow(Operation::Read, Resource::Group(clients::group(options, domain)));
        }
        if role.tails() {
            // Nobody joins it and nothing is committed to it; librdkafka asks all the same who coordinates it.
            allow(Operation::Describe, Resource::Group(clients::assigned_group(options)));
        }
    }
    acls
}

/// Where the ACLs of a cluster differ from those that the hub needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AclDifferences {
    /// Those that are needed and not there.
    pub missing: Vec<Acl>,
    /// Those that nobody declared: on topics and groups of the hub, of one of its principals anywhere, or of whoever may do with
    /// the cluster what makes every other right worthless.
    pub superfluous: Vec<Acl>,
}

impl AclDifferences {
    pub(super) fn between(options: &Options, found: &BTreeSet<Acl>) -> Self {
        let needed = declared_acls(options);
        let principals: BTreeSet<String> =
            Role::all(options).iter().map(|role| role.principal(options)).collect();
        let concerns = |acl: &&Acl| {
            principals.contains(&acl.principal) || reaches_ours(options, acl) || rules_cluster(acl)
        };
        Self {
            missing: needed.difference(found).cloned().collect(),
            superfluous: found.difference(&needed).filter(concerns).cloned().collect(),
        }
    }
}

/// Whether an ACL is about a topic or a group of this hub, also one that it had once.
fn reaches_ours(options: &Options, acl: &Acl) -> bool {
    let (Resource::Topic(name) | Resource::Group(name)) = &acl.resource else { return false };
    let ours = format!("{}.", options.namespace);
    match acl.pattern {
        Pattern::Literal => name == ANY || name.starts_with(&ours),
        Pattern::Prefixed | Pattern::Other => name.starts_with(&ours) || ours.starts_with(name.as_str()),
    }
}

/// Whether an ACL is about the whole cluster, and lets its holder give itself rights, change what the authorizer is told, or speak as
/// a broker.
fn rules_cluster(acl: &Acl) -> bool {
    let rules = match acl.operation {
        Operation::All | Operation::Alter | Operation::AlterConfigs | Operation::ClusterAction => true,
        Operation::Read
        | Operation::Write
        | Operation::Create
        | Operation::Delete
        | Operation::Describe
        | Operation::DescribeConfigs
        | Operation::IdempotentWrite
        | Operation::Other => false,
    };
    rules && acl.allowed && matches!(acl.resource, Resource::Cluster(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(role: &Role) -> Vec<String> {
        let options = Options::default();
        let principal = role.principal(&options);
        let own = declared_acls(&options).into_iter().filter(|acl| acl.principal == principal);
        own.filter(|acl| acl.operation != Operation::DescribeConfigs)
            .map(|acl| acl.to_string().split_once(": ").unwrap().1.to_owned())
            .collect()
    }

    #[test]
    fn an_adapter_may_do_what_its_domain_needs_and_nothing_else() {
        assert_eq!(
            of(&Role::serving("population")),
            [
                "READ topic lgsp.request.population",
                "READ group lgsp.population",
                "WRITE topic lgsp.dead-letter",
                "WRITE topic lgsp.heartbeat",
                "WRITE topic lgsp.reply",
            ]
        );
    }

    #[test]
    fn the_registry_alone_writes_the_rules_and_gateways_write_no_replies() {
        let options = Options::default();
        let may = |operation, topic: &str| -> Vec<String> {
            let is =
                |acl: &Acl| acl.operation == operation && acl.resource == Resource::Topic(topic.to_owned());
            declared_acls(&options).into_iter().filter(is).map(|acl| acl.principal).collect()
        };
        assert_eq!(may(Operation::Write, "lgsp.registry"), ["User:lgsp-registry"]);
        assert_eq!(may(Operation::Read, "lgsp.reply"), ["User:lgsp-gateway"]);
        assert_eq!(may(Operation::Read, "lgsp.request.land"), ["User:lgsp-adapter-land", "User:lgsp-ledger"]);
        assert_eq!(may(Operation::Write, "lgsp.request.land"), ["User:lgsp-gateway"]);
        assert!(!may(Operation::Write, "lgsp.reply").contains(&"User:lgsp-gateway".to_owned()));
        assert_eq!(may(Operation::Write, "lgsp.exchange"), ["User:lgsp-gateway", "User:lgsp-ledger"]);
    }

    #[test]
    fn principals_carry_the_namespace_unless_they_are_named() {
        let principals = [("adapter-land".to_owned(), "User:CN=land".to_owned())].into();
        let options = Options { namespace: "sandbox".to_owned(), principals, ..Options::default() };
        assert_eq!(Role::Gateway.principal(&options), "User:sandbox-gateway");
        assert_eq!(Role::serving("land").principal(&options), "User:CN=land");
    }

    #[test]
    fn what_nobody_declared_is_named_on_our_topics_and_of_our_principals_alone() {
        let options = Options::default();
        let needed = declared_acls(&options);
        let acl = |principal: &str, resource, pattern| Acl {
            principal: principal.to_owned(),
            operation: Operation::Read,
            resource,
            pattern,
            host: ANY.to_owned(),
            allowed: true,
        };
        let topic = |name: &str| Resource::Topic(name.to_owned());
        let on_cluster = |principal: &str, operation| Acl {
            operation,
            ..acl(principal, Resource::Cluster("kafka-cluster".to_owned()), Pattern::Literal)
        };
        let superfluous = [
            acl("User:curious", topic("lgsp.reply"), Pattern::Literal),
            acl("User:curious", topic("*"), Pattern::Literal),
            acl("User:curious", topic("lgsp.request."), Pattern::Prefixed),
            acl("User:curious", topic("lg"), Pattern::Prefixed),
            acl("User:curious", Resource::Group("lgsp.land".to_owned()), Pattern::Literal),
            acl("User:lgsp-gateway", topic("payroll"), Pattern::Literal),
            Acl { allowed: false, ..acl("User:lgsp-gateway", topic("lgsp.reply"), Pattern::Literal) },
            on_cluster("User:curious", Operation::All),
            on_cluster("User:curious", Operation::Alter),
            on_cluster("User:curious", Operation::AlterConfigs),
            on_cluster("User:curious", Operation::ClusterAction),
            on_cluster("User:lgsp-gateway", Operation::Describe),
        ];
        let of_others = [
            acl("User:other", topic("payroll"), Pattern::Literal),
            acl("User:other", topic("lgsp-sandbox.reply"), Pattern::Literal),
            acl("User:other", topic("lgsp-"), Pattern::Prefixed),
            on_cluster("User:other", Operation::Describe),
            Acl { allowed: false, ..on_cluster("User:other", Operation::Alter) },
        ];
        let found = needed.iter().chain(&superfluous).chain(&of_others).cloned().collect();
        let differences = AclDifferences::between(&options, &found);
        assert_eq!(differences.missing, []);
        assert_eq!(differences.superfluous.iter().collect::<BTreeSet<_>>(), superfluous.iter().collect());

        let without: BTreeSet<Acl> = needed.iter().skip(1).cloned().collect();
        assert_eq!(AclDifferences::between(&options, &without).missing, [needed.first().unwrap().clone()]);
    }
}
