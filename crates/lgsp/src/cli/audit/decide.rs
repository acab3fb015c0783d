//! Arguments of decisions about exchanges.

use clap::Args;
use prost_reflect::prost_types::Timestamp;

use crate::cli::agreement::moment;
use crate::cli::client::Operator;
use crate::cli::decide::stated;
use crate::client::Listing;

/// `lgsp audit withhold`.
#[derive(Debug, Args)]
pub struct Withhold {
    /// About what, and why.
    #[command(flatten)]
    pub about: About,
    /// When the subjects may be told: a day such as 2027-03-01, or 2027-03-01T08:00:00+07:00
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Timestamp,
}

/// `lgsp audit erase`.
#[derive(Debug, Args)]
pub struct Erase {
    /// About what, and why.
    #[command(flatten)]
    pub about: About,
    /// Do not ask before it is erased for good; where there is no terminal to ask on, it has to be said
    #[arg(long)]
    pub yes: bool,
}

/// `lgsp audit hold` and `release`, and what every decision about exchanges has.
#[derive(Debug, Args)]
pub struct About {
    /// Who decides, and where.
    #[command(flatten)]
    pub operator: Operator,
    /// The article of law, or the decision, on which it rests; it stays in the log for ever, so no personal data
    #[arg(long, value_name = "TEXT", value_parser = stated)]
    pub legal_basis: String,
    /// Only show what would be decided
    #[arg(long)]
    pub dry_run: bool,
    /// How to print what came of it; json is one object a line
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// The exchanges, at most 500
    #[arg(value_name = "EXCHANGE", required = true, num_args = 1..=500)]
    pub exchanges: Vec<String>,
}

/// `lgsp audit destroy-key`.
#[derive(Debug, Args)]
pub struct DestroyKey {
    /// Who decides, and where.
    #[command(flatten)]
    pub operator: Operator,
    /// The article of law, or the decision, on which it rests; it stays in the log for ever, so no personal data
    #[arg(long, value_name = "TEXT", value_parser = stated)]
    pub legal_basis: String,
    /// Why; it stays in the log for ever, so no personal data
    #[arg(long, value_name = "TEXT", value_parser = stated)]
    pub reason: String,
    /// Only show what would be decided, and whether it could be
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask before it is destroyed for good; where there is no terminal to ask on, it has to be said
    #[arg(long)]
    pub yes: bool,
    /// How to print what came of it; json is one object a line
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// The month, such as 2024-05; it must be over for a day
    #[arg(value_name = "MONTH")]
    pub month: String,
}
