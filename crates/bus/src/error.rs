use lgsp_runtime::config::SecretError;
use rdkafka::error::KafkaError;

use crate::refusals::is_missing_right;

/// What can go wrong on the bus, apart from an exchange's own [`Fault`](lgsp_core::Fault).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A librdkafka option is one that the hub sets itself.
    #[error("the librdkafka option `{key}` belongs to the hub: {why}")]
    OptionOwned {
        /// The option.
        key: String,
        /// Why the hub owns it.
        why: &'static str,
    },
    /// An option has a value that cannot be used.
    #[error("the option `{key}` {problem}")]
    OptionInvalid {
        /// The option.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A secret that an option names cannot be used.
    #[error("kafka.{key}: {source}")]
    Secret {
        /// The option.
        key: &'static str,
        /// The cause.
        #[source]
        source: SecretError,
    },
    /// Kafka's certificate is not trusted, or it does not trust ours.
    #[error("TLS with Kafka failed; see kafka.security.ca, certificate and key: {reason}")]
    Untrusted {
        /// librdkafka's words: which broker, and why.
        reason: String,
    },
    /// Kafka does not know the user, or the password is another.
    #[error("Kafka refuses kafka.security.user or its password: {reason}")]
    LoginRefused {
        /// librdkafka's words: which broker, and why.
        reason: String,
    },
    /// Our principal on Kafka lacks a right.
    #[error(
        "Kafka denies this process the right to {what} {on} ({source}): lgsp topics check tells which rights are missing"
    )]
    Denied {
        /// The right.
        what: &'static str,
        /// On which topic, group or cluster.
        on: String,
        /// The cause.
        #[source]
        source: KafkaError,
    },
    /// ACLs were asked for, and Kafka keeps none.
    #[error(
        "Kafka has no authorizer (SECURITY_DISABLED), so that ACLs would bind nobody: set authorizer.class.name of its brokers, or \
         kafka.acls = false"
    )]
    NoAuthorizer,
    /// A Kafka client could not be built, usually because of a librdkafka option.
    #[error("the Kafka client for {what} could not be built: {problem}")]
    Client {
        /// What the client is for.
        what: &'static str,
        /// The cause, without the value of an option: it may be a secret under a name that was mistyped.
        problem: String,
    },
    /// The embedded broker could not be started.
    #[error("the embedded broker could not be started: {source}")]
    Embedded {
        /// The cause.
        #[source]
        source: KafkaError,
    },
    /// Kafka did not do what it was asked for.
    #[error("Kafka did not {what}: {source}")]
    Kafka {
        /// What it was asked for.
        what: &'static str,
        /// The cause.
        #[source]
        source: KafkaError,
    },
    /// Kafka did not answer in time.
    #[error("Kafka did not {what} in time")]
    TimedOut {
        /// What it was asked for.
        what: &'static str,
    },
    /// Kafka took a record and did not say where it stands.
    #[error("Kafka took the record and did not say where it stands")]
    PlaceUnknown,
    /// A record is larger than Kafka carries.
    #[error("the record is too large for {topic}")]
    TooLarge {
        /// The topic.
        topic: String,
    },
    /// The queue towards Kafka is full.
    #[error("the queue towards Kafka is full")]
    QueueFull,
    /// A MAC key is not 64 hexadecimal digits.
    #[error("a MAC key is 64 hexadecimal digits")]
    KeyMalformed,
    /// The domain is not one of the hub's.
    #[error("there is no domain `{0}`")]
    DomainUnknown(String),
    /// A part of the bus has ended, usually because the process stops.
    #[error("the bus is closed")]
    Closed,
    /// Something that only the embedded broker can do.
    #[error("only the embedded broker can {0}")]
    NotEmbedded(&'static str),
    /// The system gave no thread.
    #[error("no thread for {what}: {source}")]
    Thread {
        /// What it is for.
        what: &'static str,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// A client that could not be built.
    pub(crate) fn client(what: &'static str, source: &KafkaError) -> Self {
        let problem = match source {
            KafkaError::ClientConfig(_, description, key, value) => {
                let quotes = description.starts_with("Invalid value \"")
                    || (!value.is_empty() && description.contains(value.as_str()));
                let says = if quotes { "its value is not accepted" } else { description };
                format!("kafka.librdkafka `{key}`: {says}")
            }
            other => other.to_string(),
        };
        Self::Client { what, problem }
    }

    /// What became of asking Kafka to do `what` with a topic, a group or the cluster.
    pub(crate) fn of(what: &'static str, right: &'static str, on: &str, source: KafkaError) -> Self {
        if is_missing_right(&source) {
            return Self::Denied { what: right, on: on.to_owned(), source };
        }
        Self::Kafka { what, source }
    }
}
