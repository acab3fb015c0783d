//! Arguments of `lgsp console`: the role, and the command that lets somebody in.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::client::DATA;
use super::server::Settings;

/// `lgsp console`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_help_heading = "Commands")]
pub struct Console {
    /// What to do instead of starting the role.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The role.
    #[command(flatten)]
    pub role: Role,
}

/// The commands below `lgsp console`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a link to the console of `lgsp up` that lets its reader in as the operator's tool: once, within 10 minutes
    #[command(after_help = "Example:\n  lgsp console link --data lgsp-data")]
    Link(Link),
}

/// A console needs no Kafka.
#[derive(Debug, Args)]
pub struct Role {
    /// Address of the pages
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

/// `lgsp console link`.
#[derive(Debug, Args)]
pub struct Link {
    /// Data directory of `lgsp up`
    #[arg(long, value_name = "DIR", default_value = DATA)]
    pub data: PathBuf,
}

/// Where `lgsp up` serves the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Nowhere.
    Off,
    /// There, and nowhere else.
    Address(SocketAddr),
}

/// An address, or `off`.
pub(super) fn at(text: &str) -> Result<At, String> {
    match text {
        "off" => Ok(At::Off),
        _ => {
            text.parse().map(At::Address).map_err(|_| "an address such as 127.0.0.1:8080, or off".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_console_is_somewhere_or_off() {
        assert_eq!(at("off"), Ok(At::Off));
        assert_eq!(at("127.0.0.1:0"), Ok(At::Address(([127, 0, 0, 1], 0).into())));
        assert!(at("8080").is_err());
    }
}
