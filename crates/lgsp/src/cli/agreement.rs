//! Arguments of `lgsp agreement`: sharing agreements, from the proposal to their end.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use lgsp_core::ApplicationId;
use lgsp_proto::registry::v1::{AgreementStage, Grant, Priority};
use prost_reflect::prost_types::Timestamp;
use time::format_description::well_known::Rfc3339;
use time::macros::{format_description, offset};
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};

use super::client::{Operator, application};
use super::decide::{Decide, Grounds, MayReason, Reason, stated};
use crate::client::Listing;

/// `lgsp agreement`.
#[derive(Debug, Subcommand)]
pub enum Agreement {
    /// Propose an agreement for an application of your agency
    Propose(Box<Propose>),
    /// Propose the next version of an agreement: the terms in force (if none are, the last ones), but for what is named here
    Amend(Box<Amend>),
    /// Approve a proposal about data of your agency
    #[command(
        after_help = "Example:\n  lgsp agreement approve tt-gpxd-dancu --as chi-congan --key chi-congan.pem"
    )]
    Approve(Box<Decide<Version, MayReason>>),
    /// Refuse a proposal about data of your agency
    #[command(
        after_help = "Example:\n  lgsp agreement refuse tt-gpxd-dancu --reason 'asks for more than the form needs' \\\n    \
        --legal-basis 'Nghị định 278/2025/NĐ-CP' --as chi-congan --key chi-congan.pem"
    )]
    Refuse(Box<Decide<Version, Grounds>>),
    /// Put an approved version in force, in the place of the one before
    #[command(
        after_help = "Example:\n  lgsp agreement activate tt-gpxd-dancu --as dung-vanhanh --key dung-vanhanh.pem"
    )]
    Activate(Box<Decide<Version, MayReason>>),
    /// Suspend an agreement at once
    #[command(
        after_help = "Example:\n  lgsp agreement suspend tt-gpxd-dancu --reason 'nghi lộ khoá' \\\n    --as chi-congan --key chi-congan.pem"
    )]
    Suspend(Box<Decide<Version, Reason>>),
    /// Put a suspended agreement in force again
    #[command(
        after_help = "Example:\n  lgsp agreement resume tt-gpxd-dancu --as dung-vanhanh --key dung-vanhanh.pem"
    )]
    Resume(Box<Decide<Version, MayReason>>),
    /// Revoke an agreement for good
    #[command(
        after_help = "Example:\n  lgsp agreement revoke tt-gpxd-dancu --reason 'not needed any more' \\\n    --as chi-congan --key chi-congan.pem"
    )]
    Revoke(Box<Decide<Version, Reason>>),
    /// List agreements, every version
    List(Box<List>),
    /// Show a version with its terms, all that was decided about it, and its etag
    #[command(
        after_help = "Example:\n  lgsp agreement show tt-gpxd-dancu --as chi-congan --key chi-congan.pem"
    )]
    Show(Box<Show>),
    /// Tell whether an application may call a method for a purpose, which fields it would get, and who decides
    #[command(
        after_help = "Ends with 0 if it may, and with 3 if it may not.\n\nExample:\n  lgsp agreement check gpxd lgsp.population.v1.PopulationService/GetCitizen \\\n    \
        --purpose verify --as an-xaydung --key an-xaydung.pem"
    )]
    Check(Box<Check>),
}

/// The version that it is about.
#[derive(Debug, Args)]
pub struct Version {
    /// The agreement
    #[arg(value_name = "AGREEMENT", value_parser = stated)]
    pub id: String,
    /// The version [default: the last one at a stage for this]
    #[arg(long, value_name = "N")]
    pub number: Option<u32>,
}

/// Terms of an agreement.
#[derive(Debug, Args)]
pub struct Terms {
    /// A file with the terms, in the shape of the `agreements.toml` of `lgsp registry plan` (the version is the registry's to give)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["purposes", "grants", "from", "to", "legal_basis", "per_second", "per_day", "priority"])]
    pub file: Option<PathBuf>,
    /// A purpose that it is for; may be repeated
    #[arg(long = "purpose", value_name = "CODE")]
    pub purposes: Vec<String>,
    /// A method with the fields of its answer that may leave, `*` for all that the contract knows; may be repeated
    #[arg(long = "grant", value_name = "METHOD=FIELD,…", value_parser = grant)]
    pub grants: Vec<Grant>,
    /// From when on: a day such as 2026-11-01, or 2026-11-01T08:00:00+07:00 [default: today]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub from: Option<Timestamp>,
    /// Until when: it ends just before
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub to: Option<Timestamp>,
    /// The law that it is based on
    #[arg(long, value_name = "TEXT", value_parser = stated)]
    pub legal_basis: Option<String>,
    /// Most calls a second; 0: no bound of its own
    #[arg(long, value_name = "N")]
    pub per_second: Option<u32>,
    /// Most calls a day; 0: no bound of its own
    #[arg(long, value_name = "N")]
    pub per_day: Option<u64>,
    /// What goes first when there is more to do than can be done: bulk is for what nobody waits for
    #[arg(long, value_name = "PRIORITY")]
    pub priority: Option<PriorityName>,
}

/// What every proposal has.
#[derive(Debug, Args)]
pub struct Proposal {
    /// Who proposes, and where.
    #[command(flatten)]
    pub operator: Operator,
    /// What is proposed.
    #[command(flatten)]
    pub terms: Terms,
    /// Why, for the history and for who approves
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// Only show what would be proposed
    #[arg(long)]
    pub dry_run: bool,
    /// How to print what came of it; json is one object a line [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// The agreement: an id with lower-case letters, digits and `-`
    #[arg(value_name = "AGREEMENT", value_parser = stated)]
    pub id: String,
}

/// `lgsp agreement propose`.
#[derive(Debug, Args)]
#[command(
    mut_arg("purposes", |arg| arg.required_unless_present("file")),
    mut_arg("grants", |arg| arg.required_unless_present("file")),
    mut_arg("to", |arg| arg.required_unless_present("file")),
    mut_arg("legal_basis", |arg| arg.required_unless_present("file")),
    after_help = "Examples:\n  lgsp agreement propose tt-gpxd-dancu --application gpxd \\\n    \
    --service lgsp.population.v1.PopulationService --purpose verify \\\n    \
    --grant GetCitizen=citizen.full_name,citizen.permanent_address --to 2031-01-01 \\\n    \
    --per-second 5 --per-day 2000 --legal-basis 'Luật Xây dựng' \\\n    \
    --as an-xaydung --key an-xaydung.pem\n  \
    lgsp agreement propose tt-gpxd-dancu --file agreement.toml \\\n    --as an-xaydung --key an-xaydung.pem"
)]
pub struct Propose {
    /// What is proposed, and by whom.
    #[command(flatten)]
    pub proposal: Proposal,
    /// The application that will call
    #[arg(long, value_name = "APP", value_parser = application, required_unless_present = "file", conflicts_with = "file")]
    pub application: Option<ApplicationId>,
    /// Full name of the data service that it will call
    #[arg(long, value_name = "NAME", required_unless_present = "file", conflicts_with = "file")]
    pub service: Option<String>,
}

/// `lgsp agreement amend`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  lgsp agreement amend tt-gpxd-dancu --per-day 5000 \\\n    \
    --reason 'more permits than expected' --as an-xaydung --key an-xaydung.pem")]
pub struct Amend {
    /// What is proposed, and by whom.
    #[command(flatten)]
    pub proposal: Proposal,
}

/// `lgsp agreement list`.
#[derive(Debug, Args)]
pub struct List {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// Only those of this application
    #[arg(long, value_name = "APP", default_value = "")]
    pub application: String,
    /// Only those of this data service (its full name)
    #[arg(long, value_name = "NAME", default_value = "")]
    pub service: String,
    /// Only those at this stage
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<StageName>,
    /// How to print; json is one object a line [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// `lgsp agreement show`.
#[derive(Debug, Args)]
pub struct Show {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// What is shown.
    #[command(flatten)]
    pub version: Version,
    /// How to print; json is one object a line
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// `lgsp agreement check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// The purpose of the call
    #[arg(long, value_name = "CODE", default_value = "")]
    pub purpose: String,
    /// When: a day, or a date and time with its offset [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<Timestamp>,
    /// How to print; json is one object a line
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// The application that would call
    #[arg(value_name = "APPLICATION", value_parser = application)]
    pub application: ApplicationId,
    /// The method that it would call: SERVICE/METHOD
    #[arg(value_name = "SERVICE/METHOD")]
    pub method: String,
}

/// A stage as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum StageName {
    Proposed,
    Approved,
    Refused,
    Active,
    Suspended,
    Revoked,
    Superseded,
}

impl From<StageName> for AgreementStage {
    fn from(name: StageName) -> Self {
        match name {
            StageName::Proposed => Self::Proposed,
            StageName::Approved => Self::Approved,
            StageName::Refused => Self::Refused,
            StageName::Active => Self::Active,
            StageName::Suspended => Self::Suspended,
            StageName::Revoked => Self::Revoked,
            StageName::Superseded => Self::Superseded,
        }
    }
}

/// A priority as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum PriorityName {
    Interactive,
    Bulk,
}

impl From<PriorityName> for Priority {
    fn from(name: PriorityName) -> Self {
        match name {
            PriorityName::Interactive => Self::Interactive,
            PriorityName::Bulk => Self::Bulk,
        }
    }
}

fn grant(text: &str) -> Result<Grant, String> {
    let (method, fields) = text.split_once('=').unwrap_or((text, ""));
    let fields: Vec<String> =
        fields.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect();
    if method.trim().is_empty() || method.contains('/') || fields.is_empty() {
        return Err("name a method of the data service and fields of its answer, such as \
                    GetCitizen=citizen.full_name,citizen.permanent_address"
            .to_owned());
    }
    Ok(Grant { method: method.trim().to_owned(), fields })
}

/// A day begins at midnight in Viet Nam.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    let day = Date::parse(text, format_description!("[year]-[month]-[day]"))
        .map(|day| PrimitiveDateTime::new(day, Time::MIDNIGHT).assume_offset(offset!(+7)));
    let at = day.or_else(|_| OffsetDateTime::parse(text, &Rfc3339)).map_err(|_| {
        "a day such as 2026-11-01, or a date and time with its offset, such as 2026-11-01T08:00:00+07:00"
            .to_owned()
    })?;
    Ok(Timestamp { seconds: at.unix_timestamp(), nanos: i32::try_from(at.nanosecond()).unwrap_or(0) })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    const TERMS: [&str; 11] = [
        "propose",
        "tt-x",
        "--application=x",
        "--service=a.v1.B",
        "--purpose=verify",
        "--grant=Get=a.b,c",
        "--to=2031-01-01",
        "--legal-basis=a law",
        "--per-day=5",
        "--as=an",
        "--key=an.pem",
    ];

    fn parse(words: &[&str]) -> Result<Agreement, clap::Error> {
        let line = [&["lgsp", "agreement"], words].concat();
        let Command::Agreement(agreement) = Cli::try_parse_from(line)?.command else { panic!("agreement") };
        Ok(agreement)
    }

    #[test]
    fn a_proposal_has_all_its_terms_or_a_file() {
        let Ok(Agreement::Propose(propose)) = parse(&TERMS) else { panic!("it is whole") };
        let terms = &propose.proposal.terms;
        let fields = ["a.b", "c"].map(str::to_owned).to_vec();
        assert_eq!(terms.grants, [Grant { method: "Get".to_owned(), fields }]);
        assert_eq!(terms.to, Some(Timestamp { seconds: 1_924_966_800, nanos: 0 }));
        for missing in 2..8 {
            let mut words = TERMS.to_vec();
            let name = words.remove(missing).split('=').next().unwrap();
            let told = parse(&words).expect_err(name).to_string();
            assert!(told.contains(name), "{told}");
        }
        assert!(parse(&["propose", "tt-x", "--file=a.toml"]).is_ok());
        assert!(parse(&["propose", "tt-x", "--file=a.toml", "--per-day=5"]).is_err(), "which holds?");
        assert!(parse(&["amend", "tt-x", "--per-day=5"]).is_ok(), "the rest is as it was");
    }

    #[test]
    fn what_has_to_be_stated_is_asked_for_before_any_call() {
        for decision in ["suspend", "revoke"] {
            let told = parse(&[decision, "tt-x"]).expect_err("no reason").to_string();
            assert!(told.contains("--reason <TEXT>"), "{told}");
        }
        let told = parse(&["refuse", "tt-x", "--reason=r"]).expect_err("no law").to_string();
        assert!(told.contains("--legal-basis <TEXT>"), "{told}");
        for decision in ["approve", "activate", "resume"] {
            assert!(parse(&[decision, "tt-x", "--number=2", "--etag=9"]).is_ok(), "{decision}");
        }
    }

    #[test]
    fn a_day_begins_at_midnight_in_viet_nam() {
        assert_eq!(moment("2026-06-01").map(|at| at.seconds), Ok(1_780_246_800));
        assert_eq!(moment("2026-05-31T17:00:00Z").map(|at| at.seconds), Ok(1_780_246_800));
        assert!(moment("2026-06-01T00:00:00").is_err());
    }
}
