use rdkafka::error::KafkaError;

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
    /// A Kafka client could not be built, usually because of a librdkafka option.
    #[error("the Kafka client for {what} could not be built: {source}")]
    Client {
        /// What the client is for.
        what: &'static str,
        /// The cause.
        #[source]
        source: KafkaError,
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
