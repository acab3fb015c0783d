//! Arguments that every decision about an application or an agreement has.

use clap::Args;

use super::client::Operator;
use crate::client::Listing;

/// A decision about `S`, with what `W` has to be stated with it.
#[derive(Debug, Args)]
pub struct Decide<S: Args, W: Args> {
    /// Who decides, and where.
    #[command(flatten)]
    pub operator: Operator,
    /// About what.
    #[command(flatten)]
    pub subject: S,
    /// Why.
    #[command(flatten)]
    pub why: W,
    /// The record's etag as you saw it: what has changed since is refused [default: as it is now]
    #[arg(long, value_name = "N")]
    pub etag: Option<u64>,
    /// Only show what would be decided
    #[arg(long)]
    pub dry_run: bool,
    /// How to print what came of it; json is one object a line [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// What is stated with a decision.
pub trait Stated {
    /// Why.
    fn reason(&self) -> &str;

    /// The law that it is based on.
    fn legal_basis(&self) -> &str {
        ""
    }
}

/// A decision that needs no reason.
#[derive(Debug, Args)]
pub struct MayReason {
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}

/// A decision that needs a reason.
#[derive(Debug, Args)]
pub struct Reason {
    /// Why, for the history
    #[arg(long, value_name = "TEXT", value_parser = stated)]
    pub reason: String,
}

/// A decision that needs a reason and a legal basis.
#[derive(Debug, Args)]
pub struct Grounds {
    /// Why, for the history and for who asked
    #[arg(long, value_name = "TEXT", value_parser = stated)]
    pub reason: String,
    /// The law that it is based on
    #[arg(long, value_name = "TEXT", value_parser = stated)]
    pub legal_basis: String,
}

impl Stated for MayReason {
    fn reason(&self) -> &str {
        &self.reason
    }
}

impl Stated for Reason {
    fn reason(&self) -> &str {
        &self.reason
    }
}

impl Stated for Grounds {
    fn reason(&self) -> &str {
        &self.reason
    }

    fn legal_basis(&self) -> &str {
        &self.legal_basis
    }
}

/// A blank text states nothing.
pub(super) fn stated(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("it says nothing".to_owned()) } else { Ok(text.to_owned()) }
}
