//! Arguments of `lgsp backup` and `lgsp restore`.

use std::path::PathBuf;

use clap::Args;

use super::server::Settings;
use crate::client::Listing;

/// `lgsp backup`.
#[derive(Clone, Debug, Args)]
pub struct Backup {
    /// The folder that gets the backup; it must not be there yet
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Data directory; relative paths of the configuration are relative to it [default: ./lgsp-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// How to print; json is one object a line [default: plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// What every role accepts; the file of --config is part of the backup.
    #[command(flatten)]
    pub settings: Settings,
}

/// `lgsp restore`.
#[derive(Clone, Debug, Args)]
pub struct Restore {
    /// The backup
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// The data directory to make of it; it must not be there yet, or be empty
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The newest checkpoint that somebody else has of the log: a witness, an auditor
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// The key that the log's checkpoints are signed with, as an auditor has kept it: NAME+ID+KEY; several while it is replaced
    #[arg(long, value_name = "KEY")]
    pub log_key: Vec<String>,
    /// Restore though the log has signed more than the backup holds: only to read it, or to go on under a new `ledger.origin`
    #[arg(long)]
    pub rewound: bool,
    /// How to print; json is one object a line [default: plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}
