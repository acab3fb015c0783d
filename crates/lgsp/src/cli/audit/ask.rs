//! Arguments of the commands that look.

use std::path::PathBuf;

use clap::Args;

use super::filter::{Filter, Period};
use crate::cli::client::Operator;
use crate::client::Listing;

/// `lgsp audit search`.
#[derive(Debug, Args)]
pub struct Search {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// What is looked for.
    #[command(flatten)]
    pub filter: Filter,
    /// Only tell how many there are, by their outcome
    #[arg(long)]
    pub count: bool,
    /// Follow exchanges as they are entered, until Ctrl-C
    #[arg(long, conflicts_with_all = ["since", "until", "limit", "count"])]
    pub follow: bool,
    /// Most exchanges to list, newest first
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
    /// How to print; json is one object a line [default: table in a terminal, as far as it fits, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// `lgsp audit show`.
#[derive(Debug, Args)]
pub struct Show {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// How to print; json is one object a line
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// The exchange
    #[arg(value_name = "EXCHANGE")]
    pub exchange: String,
}

/// `lgsp audit prove`.
#[derive(Debug, Args)]
pub struct Prove {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// File for the proof [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The entry, by its number in the log [default: the one that ends the exchange]
    #[arg(long, value_name = "N")]
    pub entry: Option<u64>,
    /// Whom you count on: what was told is verified at once then.
    #[command(flatten)]
    pub keys: KnownKeys,
    /// The exchange
    #[arg(value_name = "EXCHANGE")]
    pub exchange: String,
}

/// Keys that an auditor may have at hand.
#[derive(Debug, Args)]
pub struct KnownKeys {
    /// The log's key, as you have kept it: NAME+ID+KEY; several while it is replaced
    #[arg(long, value_name = "KEY")]
    pub log_key: Vec<String>,
    /// The key of a witness that must have seen it: NAME+ID+KEY; may be given again
    #[arg(long, value_name = "KEY", requires = "log_key")]
    pub witness_key: Vec<String>,
}

/// `lgsp audit completeness`.
#[derive(Debug, Args)]
pub struct Completeness {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// When.
    #[command(flatten)]
    pub period: Period,
    /// How to print; json is one object a line
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// `lgsp audit checkpoint`.
#[derive(Debug, Args)]
pub struct Checkpoint {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// Size of an older checkpoint: prints the hashes by which the new one follows from it, too
    #[arg(long, value_name = "N", conflicts_with = "kept")]
    pub since_size: Option<u64>,
    /// File of an older checkpoint of this log: verifies that the new one follows from it
    #[arg(long, value_name = "FILE")]
    pub kept: Option<PathBuf>,
    /// Whom you count on.
    #[command(flatten)]
    pub keys: KnownKeys,
    /// How to print; json is one object a line [default: the signed note]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}
