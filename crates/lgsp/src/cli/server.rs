//! Arguments of the commands that are a hub, or make one ready.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::client::Listing;

use super::client::duration;
use crate::sample_data::Target;
use crate::traffic::{self, Hours};

/// More exchanges a minute are load and no sample.
const MOST_SAMPLE_TRAFFIC: u32 = 60_000;

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
    /// Where the console is served, or `off` [default: 127.0.0.1:8080, or a free port if that is taken]
    #[arg(long, value_name = "ADDR", value_parser = super::console::at)]
    pub console: Option<super::console::At>,
    /// Let the 11 applications exchange by scenarios that officers know, RATE exchanges a minute [default RATE: 60]
    #[arg(long, value_name = "RATE", num_args = 0..=1, require_equals = true, default_missing_value = "60", value_parser = rate)]
    pub sample_traffic: Option<NonZeroU32>,
    /// When they do: in `office` hours (and less at other times), `always`, or in days that last so long, such as 10m
    #[arg(long, value_name = "HOURS", default_value = "office", value_parser = hours, requires = "sample_traffic")]
    pub sample_hours: Hours,
    /// What every role accepts.
    #[command(flatten)]
    pub settings: Settings,
}

impl Up {
    /// The sample traffic that was asked for.
    pub fn traffic(&self) -> Option<traffic::Options> {
        let hours = self.sample_hours;
        self.sample_traffic.map(|per_minute| traffic::Options { per_minute, hours })
    }
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
    Health,
    Education,
    Business,
}

impl Domain {
    /// Every domain.
    pub const ALL: [Self; 5] = [Self::Population, Self::Land, Self::Health, Self::Education, Self::Business];

    /// Name of the domain in topics and keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Population => "population",
            Self::Land => "land",
            Self::Health => "health",
            Self::Education => "education",
            Self::Business => "business",
        }
    }

    /// Name of the role that serves the domain.
    pub fn role(self) -> &'static str {
        match self {
            Self::Population => "adapter-population",
            Self::Land => "adapter-land",
            Self::Health => "adapter-health",
            Self::Education => "adapter-education",
            Self::Business => "adapter-business",
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
    /// Create the topics that are missing, set what can be set, and, with kafka.acls, give each role its rights
    Apply(Cluster),
    /// Compare the topics and, with kafka.acls, the rights with what the hub needs; changes nothing
    Check(Cluster),
}

/// `lgsp kafka`.
#[derive(Clone, Debug, Subcommand)]
pub enum Kafka {
    /// Tell of brokers, partitions and replicas, how far each group is behind, who reads replies, and dead letters; changes nothing
    Status(KafkaStatus),
    /// List the last dead letters by their headers: where each stood and why it is dead, and nothing of what it asked
    DeadLetters(DeadLetters),
}

/// `lgsp kafka status`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Exit codes:\n  0  every topic has its partitions, leaders and replicas\n  1  one has not\n\n\
    Example:\n  lgsp kafka status --kafka kafka-1:9092 --output json"
)]
pub struct KafkaStatus {
    /// Data directory with the admin ports and MAC keys of this machine [default: ./lgsp-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// An admin port to ask how far its process is behind; can be given again [default: those that the data directory names]
    #[arg(long, value_name = "HOST:PORT")]
    pub admin: Vec<SocketAddr>,
    /// How to print it; json is one object [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: Cluster,
}

/// `lgsp kafka dead-letters`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  lgsp kafka dead-letters --kafka kafka-1:9092 --limit 50")]
pub struct DeadLetters {
    /// Most to list
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub limit: u16,
    /// How to print them; json is one object a line [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: Cluster,
}

/// `lgsp doctor`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Exit codes:\n  0  all is well\n  1  somebody should look at something\n  2  something is wrong\n\n\
    It changes nothing, and works while the hub is down: what cannot be asked is said to be unknown.\n\n\
    Example:\n  lgsp doctor --config /etc/lgsp/lgsp.toml --role gateway --output json"
)]
pub struct Doctor {
    /// Data directory; relative paths of the configuration are relative to it [default: ./lgsp-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Brokers of Kafka
    #[arg(long, value_name = "HOST:PORT")]
    pub kafka: Option<String>,
    /// A role that this machine is for, such as gateway or adapter-land; can be given again [default: all]
    #[arg(long, value_name = "ROLE", value_parser = crate::doctor::Part::parse)]
    pub role: Vec<crate::doctor::Part>,
    /// An admin port to ask; can be given again [default: those that the data directory and monitor.admin-ports name]
    #[arg(long, value_name = "HOST:PORT")]
    pub admin: Vec<SocketAddr>,
    /// Read sources to their end, as `lgsp source check` does; otherwise one look is taken at each
    #[arg(long)]
    pub read_sources: bool,
    /// How to print it; json is one object a line [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// What every role accepts.
    #[command(flatten)]
    pub settings: Settings,
}

/// `lgsp keys`.
#[derive(Clone, Debug, Args)]
pub struct Keys {
    /// Data directory; relative paths of the configuration are relative to it [default: ./lgsp-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// How to print them; json is one object a line [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// What every role accepts.
    #[command(flatten)]
    pub settings: Settings,
}

/// `lgsp source`.
#[derive(Clone, Debug, Subcommand)]
pub enum Source {
    /// Read a whole source and tell what its adapter would not understand: counts, and nothing personal
    Check(SourceCheck),
}

/// `lgsp source check`.
#[derive(Clone, Debug, Args)]
pub struct SourceCheck {
    /// The domain
    #[arg(value_name = "DOMAIN")]
    pub domain: Domain,
    /// Data directory; relative paths of the configuration are relative to it [default: ./lgsp-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// How to print what was found; a table on a terminal, and otherwise plain
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// Longest time of one query; some read a whole table
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = super::client::duration)]
    pub query_timeout: Duration,
    /// What every role accepts.
    #[command(flatten)]
    pub settings: Settings,
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
    #[arg(long, value_name = "DIR", default_value = "./lgsp-data/sources", conflicts_with = "to")]
    pub out: PathBuf,
    /// Instead of a directory: a database of PostgreSQL, which gets a schema for each domain; or, for the health domain alone,
    /// a FHIR server or a file of FHIR bundles
    #[arg(long, value_name = "postgres://… | fhir+http://… | fhir+file:PATH", value_parser = Target::parse)]
    pub to: Option<Target>,
    /// A file with the password for PostgreSQL and nothing else
    #[arg(long, value_name = "FILE", requires = "to")]
    pub password_file: Option<PathBuf>,
    /// A file with the certificates, in PEM, of the authorities that may vouch for a PostgreSQL server
    #[arg(long, value_name = "FILE", requires = "to")]
    pub root_certificates: Option<PathBuf>,
    /// Number of citizens
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub citizens: u32,
    /// The same seed makes the same city
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

fn rate(text: &str) -> Result<NonZeroU32, String> {
    let rate = text.parse().ok().filter(|rate: &NonZeroU32| rate.get() <= MOST_SAMPLE_TRAFFIC);
    rate.ok_or_else(|| format!("a number of exchanges a minute, from 1 to {MOST_SAMPLE_TRAFFIC}"))
}

fn hours(text: &str) -> Result<Hours, String> {
    match text {
        "office" => return Ok(Hours::Office),
        "always" => return Ok(Hours::Always),
        _ => {}
    }
    let day = duration(text).ok().filter(|day| *day >= Hours::SHORTEST_DAY);
    day.map(Hours::Day)
        .ok_or_else(|| "`office`, `always`, or the length of a day, such as 10m; at least 1m".to_owned())
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err("write it as KEY=VALUE, such as gateway.max-in-flight=64".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser as _;

    use crate::cli::{Cli, Command};
    use crate::traffic::{Hours, Options};

    fn traffic(line: &str) -> Option<Option<Options>> {
        let cli = Cli::try_parse_from(format!("lgsp up {line}").split_whitespace()).ok()?;
        let Command::Up(up) = cli.command else { panic!("`lgsp up`") };
        Some(up.traffic())
    }

    #[test]
    fn sample_traffic_is_off_and_low_unless_asked_for() {
        let options = |rate: u32, hours| Options { per_minute: rate.try_into().expect("not 0"), hours };
        assert_eq!(traffic(""), Some(None));
        assert_eq!(traffic("--sample-traffic"), Some(Some(options(60, Hours::Office))));
        assert_eq!(traffic("--sample-traffic --citizens 100"), Some(Some(options(60, Hours::Office))));
        assert_eq!(
            traffic("--sample-traffic=600 --sample-hours always"),
            Some(Some(options(600, Hours::Always)))
        );
        let day = Hours::Day(Duration::from_secs(600));
        assert_eq!(traffic("--sample-traffic=1 --sample-hours 10m"), Some(Some(options(1, day))));
        for refused in [
            "--sample-traffic=0",
            "--sample-traffic=60001",
            "--sample-hours always",
            "--sample-traffic --sample-hours 5s",
        ] {
            assert_eq!(traffic(refused), None, "{refused}");
        }
    }
}
