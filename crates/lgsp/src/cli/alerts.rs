//! Arguments of `lgsp alert`: what somebody should look at, who looks after it, and what is silenced.

use clap::{Args, Subcommand};
use prost_reflect::prost_types::Timestamp;

use super::client::{Operator, since};
use super::until::Until;
use crate::client::Listing;

/// `lgsp alert`.
#[derive(Debug, Subcommand)]
pub enum Alert {
    /// List what fires, the worst first
    #[command(after_help = "Example:\n  lgsp alert list --resolved 1d")]
    List(Box<List>),
    /// Show an alert: its cause and evidence, who looks after it, and earlier ones
    #[command(after_help = "Example:\n  lgsp alert show 0197f0d4-5b7e-7c3a-9f52-0a1b2c3d4e5f")]
    Show(Box<Show>),
    /// Say that you look after an alert: it is told no more until it is resolved
    #[command(
        after_help = "Example:\n  lgsp alert acknowledge 0197f0d4-5b7e-7c3a-9f52-0a1b2c3d4e5f --note 'đang thay đĩa'"
    )]
    Acknowledge(Box<Acknowledge>),
    /// Tell nobody of alerts that match, for a while
    #[command(
        after_help = "Example:\n  lgsp alert silence --subject 'source/land/*' --for 2h --reason 'thay đĩa'"
    )]
    Silence(Box<Silence>),
    /// List silences that hold, and what ended in the last 30 days
    #[command(after_help = "Example:\n  lgsp alert silences")]
    Silences(Box<Silences>),
    /// End a silence before its time
    #[command(after_help = "Example:\n  lgsp alert end-silence 0197f0d4-5b7e-7c3a-9f52-0a1b2c3d4e5f")]
    EndSilence(Box<EndSilence>),
}

/// `lgsp alert list`.
#[derive(Debug, Args)]
pub struct List {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// Also those that were resolved since then: a time back such as 1d, or a moment
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub resolved: Option<Timestamp>,
    /// How to print; json is one alert a line
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// `lgsp alert show`.
#[derive(Debug, Args)]
pub struct Show {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// How to print
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// The alert's id
    #[arg(value_name = "ID")]
    pub id: String,
}

/// `lgsp alert acknowledge`.
#[derive(Debug, Args)]
pub struct Acknowledge {
    /// Who looks after it, and where.
    #[command(flatten)]
    pub operator: Operator,
    /// What is being done; operators read it
    #[arg(long, value_name = "TEXT")]
    pub note: String,
    /// How to print what is acknowledged
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// The alert's id
    #[arg(value_name = "ID")]
    pub id: String,
}

/// `lgsp alert silence`.
#[derive(Debug, Args)]
pub struct Silence {
    /// Who silences, and where.
    #[command(flatten)]
    pub operator: Operator,
    /// Alerts of this rule, such as link-down
    #[arg(long, value_name = "RULE", required_unless_present_any = ["subject", "owner"])]
    pub rule: Option<String>,
    /// Alerts about this, such as provider/land; a * stands for anything
    #[arg(long, value_name = "PATTERN")]
    pub subject: Option<String>,
    /// Alerts of this owner
    #[arg(long, value_name = "OWNER")]
    pub owner: Option<String>,
    /// When it ends.
    #[command(flatten)]
    pub ends: Until,
    /// Why; operators read it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// How to print the silence
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// `lgsp alert silences`.
#[derive(Debug, Args)]
pub struct Silences {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// How to print; json is one silence a line
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// `lgsp alert end-silence`.
#[derive(Debug, Args)]
pub struct EndSilence {
    /// Who ends it, and where.
    #[command(flatten)]
    pub operator: Operator,
    /// How to print what is ended
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// The silence's id
    #[arg(value_name = "ID")]
    pub id: String,
}
