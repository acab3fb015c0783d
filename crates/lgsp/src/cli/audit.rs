//! Arguments of `lgsp audit`: what auditors ask of the exchange log, and decide about it.

mod anomalies;
mod ask;
mod decide;
mod filter;
mod reports;

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub use anomalies::{Annotate, Anomalies, ListAnomalies, RuleName, ShowAnomaly, StatusName};
pub use ask::{Checkpoint, Completeness, KnownKeys, Prove, Search, Show};
pub use decide::{About, DestroyKey, Erase, Withhold};
pub use filter::{Filter, Period, Subject};
pub use reports::{Export, ExportFormat, Exposure, Report, ReportFormat};

/// `lgsp audit`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Verify a proof that an exchange is in the log: needs the file and the log's key, and no hub
    #[command(after_help = "Examples:\n  \
        lgsp audit verify proof.txt --log-key \"$(cat log.vkey)\"\n  \
        lgsp audit verify proof.txt --log-key \"$(cat log.vkey)\" \\\n    --witness-key \"$(cat witness.vkey)\" --witnesses 1\n\n\
        Ends with 0 if the proof holds, and with 1 if it does not, saying what of it.")]
    Verify(Verify),
    /// What is asked of a hub.
    #[command(flatten)]
    Ask(Ask),
}

/// The commands that ask a hub, as an auditor.
#[derive(Debug, Subcommand)]
pub enum Ask {
    /// Find exchanges by any of what the log knows of them, newest first; count or follow them
    #[command(after_help = "Examples:\n  \
        lgsp audit search --since 7d --outcome denied --as gi-thanhtra --key gi-thanhtra.pem\n  \
        lgsp audit search --person - --since 2026-01-01 --as gi-thanhtra --key gi-thanhtra.pem")]
    Search(Box<Search>),
    /// Tell all that the log holds of one exchange
    #[command(after_help = "Example:\n  \
        lgsp audit show 019e8cf0-7c00-7000-8000-00000000002a \\\n    --as gi-thanhtra --key gi-thanhtra.pem")]
    Show(Box<Show>),
    /// Get the proof that an exchange is in the log, for others too, and verify it at once
    #[command(after_help = "Example:\n  \
        lgsp audit prove 019e8cf0-7c00-7000-8000-00000000002a --out exchange.proof \\\n    \
        --log-key \"$(cat log.vkey)\" --as gi-thanhtra --key gi-thanhtra.pem")]
    Prove(Box<Prove>),
    /// Write what a search finds into a file, with a signed manifest; goes on where it broke off
    #[command(after_help = "Examples:\n  \
        lgsp audit export --since 2026-10-01 --until 2026-11-01 --out october/ \\\n    --as gi-thanhtra --key gi-thanhtra.pem\n  \
        lgsp audit export --check october/")]
    Export(Box<Export>),
    /// Tell a citizen who received data about a person, a parcel or an enterprise, when and what for
    #[command(after_help = "Example:\n  \
        lgsp audit report --person - --lang vi --format html --as gi-thanhtra --key gi-thanhtra.pem \\\n    > report.html")]
    Report(Box<Report>),
    /// Tell what somebody received between two moments: what a breach may have let out
    #[command(after_help = "Example:\n  \
        lgsp audit exposure --application gpxd --since 2026-11-01 --until 2026-11-04 \\\n    --as gi-thanhtra --key gi-thanhtra.pem")]
    Exposure(Box<Exposure>),
    /// Look at what is unusual in the log by rules, and say what you make of it
    #[command(
        subcommand,
        after_help = "Examples:\n  \
        lgsp audit anomalies list --since 7d --open --as gi-thanhtra --key gi-thanhtra.pem\n  \
        lgsp audit anomalies show 5b8e8c52-1a0f-8d3c-9a51-0e4b7f3c2d10 \\\n    --as gi-thanhtra --key gi-thanhtra.pem\n\n\
        An anomaly is a hint by a rule, and no proof of anything: docs/audit.md tells what each counts."
    )]
    Anomalies(Anomalies),
    /// Tell whether the log holds everything of a period, or exactly what is missing
    #[command(after_help = "Example:\n  \
        lgsp audit completeness --since 2026-10-01 --until 2026-11-01 \\\n    --as gi-thanhtra --key gi-thanhtra.pem\n\n\
        Ends with 0 if nothing is missing, and with 1 if something is, or may still come.")]
    Completeness(Box<Completeness>),
    /// Get the newest checkpoint, and hold it against one that you have kept
    #[command(after_help = "Example:\n  \
        lgsp audit checkpoint --kept checkpoint.old --log-key \"$(cat log.vkey)\" \\\n    \
        --as gi-thanhtra --key gi-thanhtra.pem > checkpoint.new")]
    Checkpoint(Box<Checkpoint>),
    /// Keep exchanges from being erased and from leaving the online log
    #[command(after_help = "Example:\n  \
        lgsp audit hold 019e8cf0-7c00-7000-8000-00000000002a --legal-basis 'Quyết định 17/QĐ-TTr' \\\n    \
        --as gi-thanhtra --key gi-thanhtra.pem")]
    Hold(Box<About>),
    /// Let exchanges go again that were held
    #[command(after_help = "Example:\n  \
        lgsp audit release 019e8cf0-7c00-7000-8000-00000000002a --legal-basis 'Quyết định 18/QĐ-TTr' \\\n    \
        --as gi-thanhtra --key gi-thanhtra.pem")]
    Release(Box<About>),
    /// Leave exchanges out of reports to their subjects until a moment
    #[command(after_help = "Example:\n  \
        lgsp audit withhold 019e8cf0-7c00-7000-8000-00000000002a --until 2027-03-01 \\\n    \
        --legal-basis 'Quyết định 17/QĐ-CAT' --as gi-thanhtra --key gi-thanhtra.pem")]
    Withhold(Box<Withhold>),
    /// Erase what can be erased of exchanges, for good: who asked, for which dossier, about whom
    #[command(after_help = "Example:\n  \
        lgsp audit erase 019e8cf0-7c00-7000-8000-00000000002a --dry-run \\\n    \
        --legal-basis 'Quyết định 19/QĐ-UBND' --as dung-vanhanh --key dung-vanhanh.pem")]
    Erase(Box<Erase>),
    /// Destroy the subject key of a month, for good: nobody finds a person among its exchanges any more
    #[command(after_help = "Example:\n  \
        lgsp audit destroy-key 2024-05 --dry-run --legal-basis 'Quyết định 20/QĐ-UBND' \\\n    \
        --reason 'hết thời hạn tra cứu' --as dung-vanhanh --key dung-vanhanh.pem\n\n\
        The ledger deletes its own file of the key. What it prints are the gateways on whose machines\n\
        the file is still to be deleted.")]
    DestroyKey(Box<DestroyKey>),
}

/// `lgsp audit verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The proof: a file of C2SP tlog-proof, with the entry in it
    pub file: PathBuf,
    /// Whom you count on.
    #[command(flatten)]
    pub keys: Keys,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Whom whoever verifies counts on.
#[derive(Debug, Args)]
pub struct Keys {
    /// The key of the log: NAME+ID+KEY, as you have kept it, and not as the proof's bearer gives it to you; several while it is replaced
    #[arg(long, value_name = "KEY", required = true)]
    pub log_key: Vec<String>,
    /// The log's name [default: the name in the first --log-key]
    #[arg(long, value_name = "ORIGIN")]
    pub origin: Option<String>,
    /// The key of a witness: NAME+ID+KEY; may be given again
    #[arg(long, value_name = "KEY")]
    pub witness_key: Vec<String>,
    /// How many witnesses must have seen the log's checkpoint [default: all of --witness-key]
    #[arg(long, value_name = "N")]
    pub witnesses: Option<usize>,
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Cli::try_parse_from(line.split_whitespace()).map(|cli| cli.command)
    }

    #[test]
    fn a_subject_is_one_of_three_and_a_report_has_one() {
        assert!(parse("lgsp audit search --person 1 --parcel 2").is_err());
        assert!(parse("lgsp audit report").is_err(), "about whom is not said");
        assert!(parse("lgsp audit report --person 1 --enterprise 2").is_err());
        let Ok(Command::Audit(Audit::Ask(Ask::Report(report)))) = parse("lgsp audit report --parcel 2")
        else {
            panic!("a report")
        };
        assert_eq!(report.subject.parcel.as_deref(), Some("2"));
    }

    #[test]
    fn a_period_begins_with_a_day_a_moment_or_some_time_ago() {
        for since in ["7d", "2026-11-01", "2026-11-01T08:00:00+07:00"] {
            assert!(parse(&format!("lgsp audit search --since {since}")).is_ok(), "{since}");
        }
        assert!(parse("lgsp audit search --since yesterday").is_err());
        assert!(parse("lgsp audit search --follow --since 7d").is_err(), "what follows has no past");
        assert!(parse("lgsp audit search --count --follow").is_err());
        let who = "lgsp audit exposure --since 2026-11-01 --until 2026-11-04";
        assert!(parse(who).is_err(), "who is not said");
        assert!(parse(&format!("{who} --officer an")).is_ok());
        assert!(parse("lgsp audit exposure --officer an --since 72h").is_ok(), "until now");
        assert!(parse(&format!("{who} --credential abc")).is_err(), "no digest");
    }

    #[test]
    fn only_what_is_withheld_has_an_end_and_all_have_a_basis() {
        assert!(parse("lgsp audit hold a --legal-basis x").is_ok());
        assert!(parse("lgsp audit hold a").is_err());
        assert!(parse("lgsp audit hold --legal-basis x").is_err());
        assert!(parse("lgsp audit withhold a --legal-basis x").is_err());
        assert!(parse("lgsp audit withhold a --legal-basis x --until 2099-01-01").is_ok());
        assert!(parse("lgsp audit erase a --legal-basis x --until 2099-01-01").is_err());
    }
}
