//! Arguments of `lgsp audit anomalies`.

use clap::{Args, Subcommand, ValueEnum};
use lgsp_proto::ledger::v1::{AnomalyRule, AnomalyStatus};

use super::filter::Period;
use crate::cli::client::Operator;
use crate::cli::decide::stated;
use crate::client::Listing;

/// `lgsp audit anomalies`.
#[derive(Debug, Subcommand)]
pub enum Anomalies {
    /// List what the rules have found, those of the newest day first
    #[command(after_help = "Example:\n  \
        lgsp audit anomalies list --since 7d --open --as gi-thanhtra --key gi-thanhtra.pem")]
    List(Box<ListAnomalies>),
    /// Tell one anomaly: what was counted, how its entries are listed, and what auditors made of it
    #[command(after_help = "Example:\n  \
        lgsp audit anomalies show 5b8e8c52-1a0f-8d3c-9a51-0e4b7f3c2d10 \\\n    --as gi-thanhtra --key gi-thanhtra.pem")]
    Show(Box<ShowAnomaly>),
    /// Say what you make of an anomaly: an entry of the log
    #[command(after_help = "Example:\n  \
        lgsp audit anomalies annotate 5b8e8c52-1a0f-8d3c-9a51-0e4b7f3c2d10 --status explained \\\n    \
        --note 'đợt đối soát theo kế hoạch' --as gi-thanhtra --key gi-thanhtra.pem")]
    Annotate(Box<Annotate>),
}

/// `lgsp audit anomalies list`.
#[derive(Debug, Args)]
pub struct ListAnomalies {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// When: days that begin then.
    #[command(flatten)]
    pub period: Period,
    /// Only those of this rule
    #[arg(long, value_name = "RULE")]
    pub rule: Option<RuleName>,
    /// Only those of this application
    #[arg(long, value_name = "APP")]
    pub application: Option<String>,
    /// Only those of this environment, such as production
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// Only those of which this was said last
    #[arg(long, value_name = "STATUS", conflicts_with = "open")]
    pub status: Option<StatusName>,
    /// Only those of which nothing was said yet, or that were reopened
    #[arg(long)]
    pub open: bool,
    /// Most anomalies to list
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
    /// How to print; json is one object a line [default: table in a terminal, as far as it fits, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// `lgsp audit anomalies show`.
#[derive(Debug, Args)]
pub struct ShowAnomaly {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// How to print; json is one object a line
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// The anomaly
    #[arg(value_name = "ANOMALY")]
    pub id: String,
}

/// `lgsp audit anomalies annotate`.
#[derive(Debug, Args)]
pub struct Annotate {
    /// Who says it, and where.
    #[command(flatten)]
    pub operator: Operator,
    /// What you make of it
    #[arg(long, value_name = "STATUS")]
    pub status: StatusName,
    /// Why, in at most 500 characters; needed unless it is only acknowledged. Name no person, and no number of one
    #[arg(long, value_name = "TEXT", value_parser = stated, required_if_eq_any = [
        ("status", "explained"), ("status", "confirmed"), ("status", "reopened"),
    ])]
    pub note: Option<String>,
    /// How to print what came of it; json is one object a line
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// The anomaly
    #[arg(value_name = "ANOMALY")]
    pub id: String,
}

/// A rule, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum RuleName {
    MassLookups,
    OffHours,
    NoDossier,
    ManySubjects,
    SoughtPerson,
    Change,
}

impl From<RuleName> for AnomalyRule {
    fn from(name: RuleName) -> Self {
        match name {
            RuleName::MassLookups => Self::MassLookups,
            RuleName::OffHours => Self::OffHours,
            RuleName::NoDossier => Self::NoDossier,
            RuleName::ManySubjects => Self::ManySubjects,
            RuleName::SoughtPerson => Self::SoughtPerson,
            RuleName::Change => Self::Change,
        }
    }
}

/// What auditors make of an anomaly, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum StatusName {
    Acknowledged,
    Explained,
    Confirmed,
    Reopened,
}

impl From<StatusName> for AnomalyStatus {
    fn from(name: StatusName) -> Self {
        match name {
            StatusName::Acknowledged => Self::Acknowledged,
            StatusName::Explained => Self::Explained,
            StatusName::Confirmed => Self::Confirmed,
            StatusName::Reopened => Self::Reopened,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::cli::Cli;

    #[test]
    fn whatever_is_more_than_acknowledged_has_a_note() {
        let parse = |line: &str| Cli::try_parse_from(line.split_whitespace()).map(drop);
        let annotate = "lgsp audit anomalies annotate a --status";
        assert!(parse(&format!("{annotate} acknowledged")).is_ok());
        for status in ["explained", "confirmed", "reopened"] {
            assert!(parse(&format!("{annotate} {status}")).is_err(), "{status}");
            assert!(parse(&format!("{annotate} {status} --note x")).is_ok(), "{status}");
        }
        assert!(parse(&format!("{annotate} seen --note x")).is_err());
        assert!(parse("lgsp audit anomalies list --rule off-hours --open").is_ok());
        assert!(parse("lgsp audit anomalies list --status confirmed --open").is_err());
    }

    #[test]
    fn a_subject_is_searched_by_its_keyed_hash_in_its_own_form() {
        let parse = |keyed: &str| {
            let line = format!("lgsp audit search --keyed-subject {keyed}");
            Cli::try_parse_from(line.split_whitespace()).map(drop)
        };
        let hash = "0f".repeat(16);
        for good in [format!("person:{hash}"), format!("parcel:{hash}{hash}")] {
            assert!(parse(&good).is_ok(), "{good}");
        }
        for bad in [hash.clone(), format!("child:{hash}"), "person:0f".to_owned(), "person:xy".to_owned()] {
            assert!(parse(&bad).is_err(), "{bad}");
        }
    }
}
