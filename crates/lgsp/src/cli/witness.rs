//! Arguments of `lgsp witness`: the role, and the command that reads its folder.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::server::Settings;
use crate::client::Listing;

/// `lgsp witness`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_help_heading = "Commands that read the folder of a witness, whether one runs on it or not"
)]
pub struct Witness {
    /// What to do instead of starting the role.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The role.
    #[command(flatten)]
    pub role: Role,
}

/// The commands below `lgsp witness`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell the witness's key, what it cosigned last of each log, and what it refused
    #[command(after_help = "Example:\n  lgsp witness status --config witness.toml\n\n\
                            Ends with 1 if a log has signed what does not go on what was cosigned.")]
    Status(Status),
}

/// A witness needs no Kafka.
#[derive(Debug, Args)]
pub struct Role {
    /// Address where logs ask
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Address of the admin port
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<SocketAddr>,
    /// Directory that relative paths of the configuration are relative to [default: ./lgsp-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// What every role accepts.
    #[command(flatten)]
    pub settings: Settings,
}

/// `lgsp witness status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Directory that relative paths of the configuration are relative to [default: ./lgsp-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// How to print; json is one object a line [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// What every role accepts.
    #[command(flatten)]
    pub settings: Settings,
}
