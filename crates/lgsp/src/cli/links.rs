//! Arguments of `lgsp status`, `lgsp top` and `lgsp link`: how the links are, their past, and maintenance.

use std::net::SocketAddr;

use clap::{Args, Subcommand};
use prost_reflect::prost_types::Timestamp;

use super::agreement::moment;
use super::client::{Operator, since};
use super::until::Until;
use crate::client::Listing;

/// `lgsp status`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes, for scripts:\n  \
    0  every link works, is silent or is under announced maintenance\n  \
    1  a link is degraded\n  \
    2  a link is down, or nobody answers at all\n  \
    3  the hub refuses to tell: the key, the token or the role\n\n\
    While the gateway or Kafka is away, the admin ports of the roles are asked instead: those of --admin,\n\
    else those that the data directory names.\n\n\
    Example:\n  lgsp status --output json")]
pub struct Status {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// An admin port to ask if the hub does not answer; can be given again
    #[arg(long, value_name = "HOST:PORT")]
    pub admin: Vec<SocketAddr>,
    /// How to print; json is one link a line [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// `lgsp top`.
#[derive(Debug, Args)]
#[command(
    after_help = "On a terminal: q quits, ? tells the other keys. Into a pipe it prints one look and ends.\n\n\
    While the gateway or Kafka is away, the admin ports of the roles are asked instead: those of --admin,\n\
    else those that the data directory names. Rates, times and what waits are told by these ports alone.\n\n\
    Example:\n  lgsp top --lang vi"
)]
pub struct Top {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// An admin port to ask; can be given again
    #[arg(long, value_name = "HOST:PORT")]
    pub admin: Vec<SocketAddr>,
    /// Print one look and end, on a terminal too
    #[arg(long)]
    pub once: bool,
}

/// `lgsp link`.
#[derive(Debug, Subcommand)]
pub enum Link {
    /// Show a link: its state, its changes, and how long it was down, announced and not
    #[command(after_help = "Example:\n  lgsp link show provider/land --since 7d")]
    Show(Box<Show>),
    /// Announce, list and cancel maintenance
    #[command(subcommand)]
    Maintenance(Maintenance),
}

/// `lgsp link show`.
#[derive(Debug, Args)]
pub struct Show {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// From when on: a time back such as 7d, or a moment [default: 30d]
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Option<Timestamp>,
    /// Until when [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Timestamp>,
    /// How to print its changes; json is one object a line, the link first
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// The link, as `lgsp status` names it
    #[arg(value_name = "LINK")]
    pub link: String,
}

/// `lgsp link maintenance`.
#[derive(Debug, Subcommand)]
pub enum Maintenance {
    /// Announce that links will be under maintenance
    #[command(
        after_help = "Example:\n  lgsp link maintenance announce --link provider/land --for 2h --reason 'thay đĩa'"
    )]
    Announce(Box<Announce>),
    /// List what runs, what is to come, and what ended in the last 30 days
    #[command(after_help = "Example:\n  lgsp link maintenance list")]
    List(Box<List>),
    /// Take an announcement back
    #[command(after_help = "Example:\n  lgsp link maintenance cancel 0197f0d4-5b7e-7c3a-9f52-0a1b2c3d4e5f")]
    Cancel(Box<Cancel>),
}

/// `lgsp link maintenance announce`.
#[derive(Debug, Args)]
pub struct Announce {
    /// Who announces, and where.
    #[command(flatten)]
    pub operator: Operator,
    /// A link, as `lgsp status` names it; can be given again
    #[arg(long, value_name = "LINK", required_unless_present = "service")]
    pub link: Vec<String>,
    /// A data service, in the place of the link to its provider; can be given again
    #[arg(long, value_name = "SERVICE")]
    pub service: Vec<String>,
    /// When it begins [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub from: Option<Timestamp>,
    /// When it ends.
    #[command(flatten)]
    pub ends: Until,
    /// Why; everybody who is connected reads it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// How to print what is announced
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// `lgsp link maintenance list`.
#[derive(Debug, Args)]
pub struct List {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// How to print; json is one object a line
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// `lgsp link maintenance cancel`.
#[derive(Debug, Args)]
pub struct Cancel {
    /// Who cancels, and where.
    #[command(flatten)]
    pub operator: Operator,
    /// How to print what is cancelled
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// The announcement's id
    #[arg(value_name = "ID")]
    pub id: String,
}
