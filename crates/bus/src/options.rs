use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use lgsp_runtime::config::{self, Problems, Row, row, section};
use serde::{Deserialize, Serialize};

use crate::security::{HAS_TLS, Protocol, Security};
use crate::topics::Role;
use crate::{Error, topics};

/// Where Kafka is, and how the hub uses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// Bootstrap brokers, `host:port,host:port`. `None`: the embedded broker.
    pub brokers: Option<String>,
    /// What the names of all topics and groups begin with, so that several hubs can share a cluster.
    pub namespace: String,
    /// How the connections are protected.
    pub security: Security,
    /// Whether `topics apply` and `topics check` look after ACLs.
    pub acls: bool,
    /// The principal of each role that has another one than `User:<namespace>-<role>`.
    pub principals: BTreeMap<String, String>,
    /// Options handed to librdkafka as they are, for every client.
    pub librdkafka: BTreeMap<String, String>,
    /// The domains whose request topics exist.
    pub domains: Vec<String>,
    /// Partitions of each `lgsp.request.<domain>`: the most adapters of a domain that can share its work.
    pub request_partitions: i32,
    /// Partitions of `lgsp.reply`.
    pub reply_partitions: i32,
    /// Partitions of `lgsp.exchange`.
    pub exchange_partitions: i32,
    /// Copies of every partition. 0: three, or as many as there are brokers.
    pub replication: i32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            brokers: None,
            namespace: NAMESPACE.to_owned(),
            security: Security::default(),
            acls: false,
            principals: BTreeMap::new(),
            librdkafka: BTreeMap::new(),
            domains: topics::DOMAINS.iter().map(|domain| (*domain).to_owned()).collect(),
            request_partitions: 16,
            reply_partitions: 16,
            exchange_partitions: 8,
            replication: 0,
        }
    }
}

/// The namespace of the only hub on a cluster; topics are declared with it.
const NAMESPACE: &str = "lgsp";

/// More partitions than this cost memory and gain nothing for a city.
const MOST_PARTITIONS: i32 = 256;

/// The librdkafka options that are not the operator's: those that the hub sets itself, their other names, and those that
/// would bend what it rests on; each with the reason.
const OWNED: &[(&str, &str)] = &[
    ("bootstrap.servers", "set `brokers`"),
    ("metadata.broker.list", "set `brokers`"),
    ("security.protocol", "set `security.protocol`"),
    ("ssl.ca.location", "set `security.ca`"),
    ("ssl.certificate.location", "set `security.certificate`"),
    ("ssl.key.location", "set `security.key`"),
    ("ssl.key.pem", "secrets are read from files: set `security.key`"),
    ("ssl.key.password", "secrets are read from files, each for its owner alone: set `security.key`"),
    ("enable.ssl.certificate.verification", "whoever answers as a broker must prove that it is one"),
    ("ssl.endpoint.identification.algorithm", "whoever answers as a broker must prove that it is one"),
    ("sasl.mechanism", "set `security.mechanism`"),
    ("sasl.mechanisms", "set `security.mechanism`"),
    ("sasl.username", "set `security.user`"),
    ("sasl.password", "secrets are read from files: set `security.password-file`"),
    ("acks", "an entry is durable only when all in-sync replicas have it"),
    ("request.required.acks", "an entry is durable only when all in-sync replicas have it"),
    ("enable.idempotence", "it makes a busy producer poll without a pause"),
    ("max.in.flight", "batches form while others are under way"),
    ("max.in.flight.requests.per.connection", "batches form while others are under way"),
    ("enable.gapless.guarantee", "a late request must not end the producer"),
    ("transactional.id", "nothing in the hub rests on Kafka transactions"),
    ("group.id", "the group decides who serves a domain"),
    ("group.protocol", "the classic protocol is what the hub is measured with"),
    ("partition.assignment.strategy", "instances of one domain must agree on it"),
    ("session.timeout.ms", "routing around a dead instance is timed to it"),
    ("heartbeat.interval.ms", "routing around a dead instance is timed to it"),
    ("enable.auto.commit", "a request is committed after its reply is out"),
    ("enable.auto.offset.store", "a request is committed after its reply is out"),
    ("auto.offset.reset", "a request or a rule must not be skipped"),
    ("statistics.interval.ms", "who reads requests tells by it how far it is behind"),
    ("enable.partition.eof", "a reader must know when it has caught up"),
    ("isolation.level", "nothing in the hub rests on Kafka transactions"),
    ("message.timeout.ms", "the exchange's deadline bounds it"),
    ("delivery.timeout.ms", "the exchange's deadline bounds it"),
    ("message.max.bytes", "the hub's size limits rest on it"),
    ("linger.ms", "every millisecond here doubles the time of an exchange"),
    ("queue.buffering.max.ms", "every millisecond here doubles the time of an exchange"),
    ("sticky.partitioning.linger.ms", "every millisecond here doubles the time of an exchange"),
    ("partitioner", "all producers must choose the same partition for a key"),
    ("queue.buffering.max.messages", "it bounds what waits for the broker"),
    ("queue.buffering.max.kbytes", "it bounds what waits for the broker"),
    ("retry.backoff.ms", "a retry must come before the exchange's deadline"),
    ("retry.backoff.max.ms", "a retry must come before the exchange's deadline"),
    ("reconnect.backoff.ms", "recovery from a lost broker is timed to it"),
    ("reconnect.backoff.max.ms", "recovery from a lost broker is timed to it"),
    ("socket.connection.setup.timeout.ms", "recovery from a lost broker is timed to it"),
    ("socket.keepalive.enable", "a connection that is dead must be noticed"),
    ("socket.nagle.disable", "small records would each wait for tens of milliseconds"),
    ("fetch.min.bytes", "whether somebody waits for a record decides how it is fetched"),
    ("fetch.wait.max.ms", "whether somebody waits for a record decides how it is fetched"),
    ("fetch.error.backoff.ms", "recovery from a lost broker is timed to it"),
    ("queued.max.messages.kbytes", "it bounds what is read ahead of a slow reader"),
    ("auto.commit.interval.ms", "it bounds what a crash repeats"),
    ("max.poll.interval.ms", "an instance that hangs must lose its partitions"),
    ("allow.auto.create.topics", "topics are declared once, and applied"),
    ("test.mock.num.brokers", "leave `brokers` unset for the embedded broker"),
];

/// What the name of an option that holds a secret has in it. Options are shown by `config`, and in errors.
const SECRET: &[&str] = &["password", "secret", "passphrase", "pem", "oauthbearer"];

/// Why an option cannot be handed to librdkafka, if it cannot.
fn refusal(key: &str) -> Option<&'static str> {
    let owned = OWNED.iter().find(|(owned, _)| *owned == key).map(|(_, why)| *why);
    let name = key.to_ascii_lowercase();
    let is_secret = SECRET.iter().any(|part| name.contains(part));
    owned.or(is_secret.then_some("secrets are read from files: see `kafka.security`"))
}

impl Options {
    /// The name on the cluster of a topic as it is declared, `lgsp.…`.
    pub(crate) fn topic<'a>(&self, declared: &'a str) -> Cow<'a, str> {
        match declared.strip_prefix(NAMESPACE) {
            Some(rest) if self.namespace != NAMESPACE && rest.starts_with('.') => {
                Cow::Owned(format!("{}{rest}", self.namespace))
            }
            Some(_) | None => Cow::Borrowed(declared),
        }
    }

    /// Makes relative paths relative to the data directory.
    pub fn resolve(&mut self, data: &Path) {
        self.security.resolve(data);
    }

    /// Finds what is wrong with the options: each key with its problem.
    pub(crate) fn problems(&self) -> Vec<Error> {
        let mut problems = Vec::new();
        for key in self.librdkafka.keys() {
            if let Some(why) = refusal(key) {
                problems.push(Error::OptionOwned { key: key.clone(), why });
            }
        }
        let partitions = [
            ("request-partitions", self.request_partitions),
            ("reply-partitions", self.reply_partitions),
            ("exchange-partitions", self.exchange_partitions),
        ];
        for (key, value) in partitions {
            if !(1..=MOST_PARTITIONS).contains(&value) {
                let problem = format!("is {value}, not between 1 and {MOST_PARTITIONS}");
                problems.push(Error::OptionInvalid { key, problem });
            }
        }
        if !(0..=9).contains(&self.replication) {
            problems.push(invalid("replication", format!("is {}, not between 0 and 9", self.replication)));
        }
        if self.brokers.as_ref().is_some_and(|brokers| brokers.trim().is_empty()) {
            problems.push(invalid("brokers", "is empty: leave it out for the embedded broker".to_owned()));
        }
        if !is_domain(&self.namespace) {
            problems.push(invalid(
                "namespace",
                format!("is `{}`: lower-case letters, digits and `-` only, at most 32", self.namespace),
            ));
        }
        if let Some(domain) = self.domains.iter().find(|domain| !is_domain(domain)) {
            problems
                .push(invalid("domains", format!("has `{domain}`: lower-case letters, digits and `-` only")));
        }
        problems.extend(self.security.problems(HAS_TLS));
        if self.brokers.is_none() && self.security.protocol != Protocol::Plaintext {
            problems.push(invalid(
                "brokers",
                "is not set, and the embedded broker speaks plaintext alone".to_owned(),
            ));
        }
        problems.extend(self.principal_problems());
        problems
    }

    fn principal_problems(&self) -> Vec<Error> {
        let roles: Vec<String> = Role::all(self).iter().map(Role::name).collect();
        let mut problems = Vec::new();
        for (role, principal) in &self.principals {
            if !roles.contains(role) {
                let known = roles.join(", ");
                problems.push(invalid("principals", format!("has `{role}`, which is none of {known}")));
            }
            // A principal of everybody would open the topics to everybody.
            let name = principal.strip_prefix("User:").map(str::trim).unwrap_or_default();
            if name.is_empty() || name == "*" {
                problems.push(invalid(
                    "principals",
                    format!("gives {role} `{principal}`, which is no User:<name>"),
                ));
            }
        }
        problems
    }
}

fn invalid(key: &'static str, problem: String) -> Error {
    Error::OptionInvalid { key, problem }
}

/// A domain is part of a topic's name.
pub(crate) fn is_domain(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

impl config::Options for Options {
    fn reference() -> Vec<Row> {
        let mut rows = vec![
            row(
                "brokers",
                "host:port, several with commas",
                "Kafka's bootstrap brokers. Not set: the embedded broker.",
            ),
            row(
                "namespace",
                "lower-case letters, digits and -, at most 32",
                "What the names of all topics and groups begin with, so that several hubs can share a cluster.",
            ),
            row(
                "librdkafka",
                "a table of librdkafka's options, as text",
                "Handed to every Kafka client as it is, such as \"broker.address.family\" = \"v4\".\n\
                 Options that the hub owns are refused with the reason.",
            ),
            row(
                "domains",
                "a list of names of lower-case letters, digits and -",
                "The domains whose request topics exist.",
            ),
            row(
                "request-partitions",
                "1 to 256",
                "Partitions of each lgsp.request.<domain>: the most adapters of a domain that can share its work.",
            ),
            row(
                "reply-partitions",
                "1 to 256",
                "Partitions of lgsp.reply. Gateways may share one; that costs bandwidth only.",
            ),
            row(
                "exchange-partitions",
                "1 to 256",
                "Partitions of lgsp.exchange. Fixed once the topic exists.",
            ),
            row(
                "replication",
                "0 to 9",
                "Copies of every partition. 0: three, or as many as there are brokers.",
            ),
            row(
                "acls",
                "true or false",
                "Whether topics apply gives each role's principal its rights, and topics check compares them. The brokers need an\n\
                 authorizer.",
            ),
            row(
                "principals",
                "a table of roles (gateway, registry, ledger, adapter-<domain>) and User:<name>",
                "The principals of roles on Kafka. Those not named have User:<namespace>-<role>.",
            ),
        ];
        rows.extend(section::<Security>("security"));
        rows
    }

    fn check(&self, problems: &mut Problems) {
        for problem in self.problems() {
            match problem {
                Error::OptionOwned { key, why } => {
                    problems.add("librdkafka", format!("`{key}` belongs to the hub: {why}"))
                }
                Error::OptionInvalid { key, problem } => problems.add(key, problem),
                other => problems.add("brokers", other.to_string()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients;

    #[test]
    fn an_option_that_the_hub_owns_is_refused_with_the_reason() {
        let options =
            Options { librdkafka: [("acks".to_owned(), "1".to_owned())].into(), ..Options::default() };
        let problem = options.problems().remove(0).to_string();
        assert!(problem.contains("`acks`") && problem.contains("durable"), "{problem}");
    }

    #[test]
    fn a_secret_is_refused_as_an_option_and_told_in_no_error() {
        const VALUE: &str = "hunter2-in-the-clear";
        for key in [
            "ssl.keystore.password",
            "ssl.key.password",
            "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.config",
            "ssl.certificate.pem",
            "some.passphrase",
        ] {
            let librdkafka = [(key.to_owned(), VALUE.to_owned())].into();
            let problems = Options { librdkafka, ..Options::default() }.problems();
            let told = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            assert!(told.contains(key) && told.contains("secrets are read from files"), "{key}: {told}");
            assert!(!told.contains(VALUE), "{told}");
        }
        // Nobody can know all that is mistyped: librdkafka refuses it, and quotes the value.
        for key in ["sasl.pasword", "debug"] {
            let librdkafka = [(key.to_owned(), VALUE.to_owned())].into();
            let error = crate::Bus::open(Options { librdkafka, ..Options::default() }).unwrap_err();
            let told =
                format!("{error} {error:?} {:?}", std::error::Error::source(&error).map(|e| e.to_string()));
            assert!(matches!(error, Error::Client { .. }) && told.contains(key), "{told}");
            assert!(!told.contains(VALUE), "{told}");
        }
    }

    #[test]
    fn every_option_that_a_client_sets_is_owned() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            use std::os::unix::fs::PermissionsExt as _;
            let path = dir.path().join(name);
            std::fs::write(&path, name).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            path
        };
        let security = Security {
            protocol: Protocol::SaslSsl,
            ca: Some(file("ca")),
            certificate: Some(file("certificate")),
            key: Some(config::SecretFile::new(file("key"))),
            user: Some("lgsp-gateway".to_owned()),
            password_file: Some(config::SecretFile::new(file("password"))),
            ..Security::default()
        };
        let brokers = "127.0.0.1:1".to_owned();
        let options = Options { brokers: Some(brokers.clone()), security, ..Options::default() };
        let cluster = clients::Cluster::new(options, brokers).unwrap();
        let second = std::time::Duration::from_secs(1);
        let fetch = clients::Fetch { least_bytes: 1, hold: second };
        let every = [
            clients::admin(&cluster),
            clients::publisher(&cluster, second),
            clients::producer(&cluster, second),
            clients::heartbeat_producer(&cluster),
            clients::assigned_consumer(&cluster, fetch),
            clients::group_consumer(&cluster, "land", fetch),
        ];
        for key in every.iter().flat_map(|config| config.config_map().into_keys()) {
            // Who runs the cluster may want another name for the hub's clients.
            let free = key == "client.id";
            assert!(free || OWNED.iter().any(|(owned, _)| *owned == key), "{key}");
        }
    }

    #[test]
    fn a_principal_of_nobody_or_of_everybody_is_refused() {
        let named = |role: &str, principal: &str| {
            let principals = [(role.to_owned(), principal.to_owned())].into();
            Options { principals, ..Options::default() }.problems().len()
        };
        assert_eq!(named("adapter-land", "User:CN=land"), 0);
        assert_eq!(named("adapter-sea", "User:CN=sea"), 1, "no domain of the hub");
        for principal in ["User:*", "User:", "Group:land", "land"] {
            assert_eq!(named("gateway", principal), 1, "{principal}");
        }
    }

    #[test]
    fn topics_carry_the_namespace_of_their_hub() {
        let options = Options { namespace: "sandbox".to_owned(), ..Options::default() };
        assert_eq!(options.topic(topics::REPLY), "sandbox.reply");
        assert_eq!(Options::default().topic(topics::REPLY), "lgsp.reply");
        let names: Vec<String> = topics::declared(&options).into_iter().map(|topic| topic.name).collect();
        assert!(names.iter().all(|name| name.starts_with("sandbox.")), "{names:?}");
    }

    #[test]
    fn the_defaults_have_no_problem_and_every_key_has_its_row() {
        assert!(Options::default().problems().is_empty());
        assert_eq!(config::drift::<Options>(), Vec::<String>::new());
    }
}
