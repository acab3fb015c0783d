//! Arguments of exports and reports.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use prost_reflect::prost_types::Timestamp;

use super::filter::{Digest, Filter, Period, Subject, digest};
use crate::cli::client::{Operator, since};
use crate::client::Listing;

/// `lgsp audit export`.
#[derive(Debug, Args)]
pub struct Export {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// What is exported.
    #[command(flatten)]
    pub filter: Filter,
    /// File for the exchanges, or a folder (which is there, or ends with `/`); the manifest lies beside it
    #[arg(long, value_name = "DIR|FILE", required_unless_present = "check")]
    pub out: Option<PathBuf>,
    /// How to write: csv (RFC 4180), or jsonl, one JSON object a line
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    pub format: ExportFormat,
    /// Begin the CSV with a byte order mark, which some spreadsheets need to read Vietnamese
    #[arg(long)]
    pub bom: bool,
    /// Instead: hold a finished export against its manifest; needs no hub
    #[arg(long, value_name = "DIR|FILE", conflicts_with_all = ["out", "bom"])]
    pub check: Option<PathBuf>,
    /// The key of who exported, as you know it: NAME+ID+KEY [default: the one that the manifest names]
    #[arg(long, value_name = "KEY", requires = "check")]
    pub signer_key: Option<String>,
}

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// RFC 4180.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// `lgsp audit report`.
#[derive(Debug, Args)]
#[command(mut_group("whom", |group| group.required(true)))]
pub struct Report {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// About whom.
    #[command(flatten)]
    pub subject: Subject,
    /// When.
    #[command(flatten)]
    pub period: Period,
    /// With what the subject is not to be told of yet: for auditors only, and never to be handed out
    #[arg(long)]
    pub with_withheld: bool,
    /// How to write: text, html (one file, for print) or json, one object a line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ReportFormat,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum ReportFormat {
    Text,
    Html,
    Json,
}

/// `lgsp audit exposure`.
#[derive(Debug, Args)]
#[group(id = "who", required = true, multiple = true, args = ["application", "officer", "credential"])]
pub struct Exposure {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// The application that may have leaked
    #[arg(long, value_name = "APP")]
    pub application: Option<String>,
    /// The officer, as applications name them; `-` reads it from standard input
    #[arg(long, value_name = "ID")]
    pub officer: Option<String>,
    /// The SHA-256 of the credential, as `lgsp credential list` tells it
    #[arg(long, value_name = "HEX", value_parser = digest)]
    pub credential: Option<Digest>,
    /// From when on
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Timestamp,
    /// Until when [default: now]
    #[arg(long, value_name = "TIME", value_parser = since, default_value = "0s", hide_default_value = true)]
    pub until: Timestamp,
    /// How to print; json is one object [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}
