//! What links, their levels and their causes are called, everywhere and for ever.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a link connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An application with the gateways.
    Application,
    /// The gateways with Kafka.
    Broker,
    /// A domain with those who serve it.
    Provider,
    /// An adapter with its source.
    Source,
    /// The ledger with its witnesses.
    Witness,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Application, Self::Broker, Self::Provider, Self::Source, Self::Witness];

    /// Its name, which ids begin with.
    pub fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Broker => "broker",
            Self::Provider => "provider",
            Self::Source => "source",
            Self::Witness => "witness",
        }
    }
}

/// Names a link for ever: instances come and go, the link stays.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    /// What it connects.
    pub kind: Kind,
    /// Which of the kind: an application, a domain, or a domain and a source.
    pub name: String,
}

impl Id {
    /// The link of this kind and name.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }

    /// The gateways' link with Kafka.
    pub fn broker() -> Self {
        Self::new(Kind::Broker, "kafka")
    }

    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('/')?;
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
        (!name.is_empty()).then(|| Self::new(kind, name))
    }

    /// The domain of a provider or of a source.
    pub fn domain(&self) -> Option<&str> {
        match self.kind {
            Kind::Provider => Some(&self.name),
            Kind::Source => self.name.split('/').next(),
            Kind::Application | Kind::Broker | Kind::Witness => None,
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.name(), self.name)
    }
}

/// How a link is, by its signals. From good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It works.
    Working,
    /// Nothing was asked of it.
    Silent,
    /// It works, and somebody should look at it.
    Degraded,
    /// It does not work.
    Down,
}

/// Why a link does not simply work: a closed set, told in docs/operations.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Gateways hear nothing from Kafka, and it acknowledges nothing.
    BrokerNotHeard,
    /// No gateway is heard.
    GatewayNotHeard,
    /// No instance of a provider is heard any more, and none said that it leaves.
    InstanceNotHeard,
    /// Every instance of a provider has said that it leaves.
    InstancesLeft,
    /// Instances are heard, and none owns a partition.
    NoPartition,
    /// Instances are heard, and their clocks are so far off that nobody believes them.
    ClockSkew,
    /// Most exchanges fail at the provider or behind it.
    ExchangesFail,
    /// Most calls of an application are refused for what it sends or may do.
    CallsRefused,
    /// Nothing was asked for a while.
    NoTraffic,
    /// The source took too long.
    SourceTimedOut,
    /// The source refused, or could not be reached.
    SourceUnavailable,
    /// The source answered what nobody expects.
    SourceUnexpected,
    /// The source contradicts itself.
    SourceContradictory,
    /// The store of one of the hub's own services does not take or give what it must.
    StoreFailed,
    /// The disk of one of the hub's own services is full.
    DiskFull,
    /// The newest checkpoint lacks the witness's cosignature.
    WitnessSilent,
    /// A witness has seen another log: what was signed has been rewritten, or put back.
    WitnessSawAnotherLog,
}

impl Cause {
    /// All causes.
    pub const ALL: [Self; 17] = [
        Self::BrokerNotHeard,
        Self::GatewayNotHeard,
        Self::InstanceNotHeard,
        Self::InstancesLeft,
        Self::NoPartition,
        Self::ClockSkew,
        Self::ExchangesFail,
        Self::CallsRefused,
        Self::NoTraffic,
        Self::SourceTimedOut,
        Self::SourceUnavailable,
        Self::SourceUnexpected,
        Self::SourceContradictory,
        Self::StoreFailed,
        Self::DiskFull,
        Self::WitnessSilent,
        Self::WitnessSawAnotherLog,
    ];

    /// Its name, as docs, JSON and screens have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BrokerNotHeard => "broker-not-heard",
            Self::GatewayNotHeard => "gateway-not-heard",
            Self::InstanceNotHeard => "instance-not-heard",
            Self::InstancesLeft => "instances-left",
            Self::NoPartition => "no-partition",
            Self::ClockSkew => "clock-skew",
            Self::ExchangesFail => "exchanges-fail",
            Self::CallsRefused => "calls-refused",
            Self::NoTraffic => "no-traffic",
            Self::SourceTimedOut => "source-timed-out",
            Self::SourceUnavailable => "source-unavailable",
            Self::SourceUnexpected => "source-unexpected",
            Self::SourceContradictory => "source-contradictory",
            Self::StoreFailed => "store-failed",
            Self::DiskFull => "disk-full",
            Self::WitnessSilent => "witness-silent",
            Self::WitnessSawAnotherLog => "witness-saw-another-log",
        }
    }

    /// The cause of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_causes_are_read_as_they_are_written() {
        for id in [Id::broker(), Id::new(Kind::Source, "land/office"), Id::new(Kind::Witness, "a.vn/w")] {
            assert_eq!(Id::parse(&id.to_string()), Some(id));
        }
        for bad in ["", "provider", "provider/", "role/x"] {
            assert_eq!(Id::parse(bad), None, "{bad}");
        }
        for cause in Cause::ALL {
            assert_eq!(Cause::from_name(cause.name()), Some(cause));
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.name());
        }
    }
}
