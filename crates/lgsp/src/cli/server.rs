//! Arguments of the commands that are a hub, or make one ready.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `lgsp up`.
#[derive(Clone, Debug, Args)]
pub struct Up {
    /// Data directory: keys, rules, exchange log and the synthetic city; made at the first start [default: ./lgsp-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Address for gRPC [default: 127.0.0.1:50051]
    #[arg(long, value_name = "ADDR")]
    pub grpc: Option<SocketAddr>,
    /// Use a real Kafka instead of the embedded broker
    #[arg(long, value_name = "HOST:PORT")]
    pub kafka: Option<String>,
    /// Size of the synthetic city when it is made
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub citizens: u32,
    /// What every role accepts.
    #[command(flatten)]
    pub settings: Settings,
}

/// Where a configuration comes from, besides defaults and `LGSP__…` variables.
#[derive(Clone, Debug, Default, Args)]
pub struct Settings {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one key of the configuration; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
}

/// `lgsp registry` and `lgsp ledger`.
#[derive(Clone, Debug, Args)]
pub struct Role {
    /// Brokers of Kafka
    #[arg(long, value_name = "HOST:PORT")]
    pub kafka: Option<String>,
    /// Address of the admin port
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<SocketAddr>,
    /// Data directory with keys, rules and the exchange log [default: ./lgsp-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// What every role accepts.
    #[command(flatten)]
    pub settings: Settings,
}

/// `lgsp gateway`.
#[derive(Clone, Debug, Args)]
pub struct Gateway {
    /// Address for gRPC [default: 127.0.0.1:50051]
    #[arg(long, value_name = "ADDR")]
    pub grpc: Option<SocketAddr>,
    /// What the other roles accept too.
    #[command(flatten)]
    pub role: Role,
}

/// `lgsp adapter`.
#[derive(Clone, Debug, Args)]
pub struct Adapter {
    /// The domain
    #[arg(value_name = "DOMAIN")]
    pub domain: Domain,
    /// What the other roles accept too.
    #[command(flatten)]
    pub role: Role,
}

/// A domain that has an adapter in this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Domain {
    Population,
    Land,
}

impl Domain {
    /// Name of the domain in topics and keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Population => "population",
            Self::Land => "land",
        }
    }

    /// Name of the role that serves the domain.
    pub fn role(self) -> &'static str {
        match self {
            Self::Population => "adapter-population",
            Self::Land => "adapter-land",
        }
    }
}

/// `lgsp config`.
#[derive(Clone, Debug, Subcommand)]
pub enum Config {
    /// Report every problem of a configuration, each with its key and what is accepted
    Check(Settings),
    /// Print all keys with their defaults and meaning
    Reference,
}

/// `lgsp topics`.
#[derive(Clone, Debug, Subcommand)]
pub enum Topics {
    /// Create the topics that are missing, and set what can be set
    Apply(Cluster),
    /// Compare the topics with what the hub needs; changes nothing
    Check(Cluster),
}

/// A Kafka cluster.
#[derive(Clone, Debug, Args)]
pub struct Cluster {
    /// Brokers of Kafka
    #[arg(long, value_name = "HOST:PORT")]
    pub kafka: Option<String>,
    /// What every role accepts.
    #[command(flatten)]
    pub settings: Settings,
}

/// `lgsp sample-data`.
#[derive(Clone, Debug, Args)]
pub struct SampleData {
    /// Directory for the databases
    #[arg(long, value_name = "DIR", default_value = "./lgsp-data/sources")]
    pub out: PathBuf,
    /// Number of citizens
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub citizens: u32,
    /// The same seed makes the same city
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err("write it as KEY=VALUE, such as gateway.max-in-flight=64".to_owned()),
    }
}
