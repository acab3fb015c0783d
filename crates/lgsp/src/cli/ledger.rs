//! Arguments of `lgsp ledger`: the role, and the commands that read its folder.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::server::Role;
use crate::client::Listing;

/// `lgsp ledger`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_help_heading = "Commands that read the folder of a ledger, whether one runs on it or not"
)]
pub struct Ledger {
    /// What to do instead of starting the role.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The role.
    #[command(flatten)]
    pub role: Role,
}

/// The commands below `lgsp ledger`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell how much of the log is sealed and signed, and what is missing of the topic
    Status(Folder),
    /// Read the whole log, and hold records, leaves, hashes, head and checkpoint against each other
    #[command(
        after_help = "Example:\n  lgsp ledger check --dir lgsp-data/ledger --log-key \"$(cat log.vkey)\"\n\n\
                            Ends with 1 if something does not hold, and names the file and what is wrong with it."
    )]
    Check(Check),
}

/// `lgsp ledger status`, and what the other commands need too.
#[derive(Debug, Args)]
pub struct Folder {
    /// The ledger's folder
    #[arg(long, value_name = "DIR", default_value = "lgsp-data/ledger")]
    pub dir: PathBuf,
    /// How to print; json is one object a line [default: plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// `lgsp ledger check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Which ledger.
    #[command(flatten)]
    pub folder: Folder,
    /// The key that the log's checkpoints are signed with, as an auditor has kept it: NAME+ID+KEY; several while it is replaced
    #[arg(long, value_name = "KEY")]
    pub log_key: Vec<String>,
}
