//! Arguments of `lgsp report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lgsp_core::indicators::Period;

use super::client::Operator;

/// `lgsp report`.
#[derive(Debug, Args)]
pub struct Report {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// The period, in Vietnamese time: a year, half-year, quarter, month or day
    #[arg(long, value_name = "2026-H1")]
    pub period: Period,
    /// How to lay it out
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Write it to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The agency that reports [default: the one that operates the hub]
    #[arg(long, value_name = "NAME")]
    pub agency: Option<String>,
    /// The body above the agency, for the head of the letter
    #[arg(long, value_name = "NAME")]
    pub superior: Option<String>,
    /// Where it is signed, for the head of the letter
    #[arg(long, value_name = "NAME")]
    pub place: Option<String>,
    /// When it was made, as it shall be printed; without it two reports of a period are the same, byte for byte
    #[arg(long, value_name = "TEXT")]
    pub made_at: Option<String>,
    /// Name this checkpoint of the log, which was kept, and not the newest
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
}

/// How a report is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for a terminal.
    Table,
    /// Comma-separated values with all tables, for a spreadsheet.
    Csv,
    /// A workbook of Excel.
    Xlsx,
    /// A page for a browser and for print, with charts.
    Html,
}
