//! Arguments of `lgsp registry`: the role, and the commands that look into the registry or change it.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use lgsp_proto::registry::v1::Moment;
use lgsp_proto::registry::v1::moment::Moment as Of;
use prost_reflect::prost_types::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::client::Operator;
use super::server::Role;
use crate::client::Listing;

/// `lgsp registry`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_help_heading = "Commands that need no role to be started"
)]
pub struct Registry {
    /// What to do instead of starting the role.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The role.
    #[command(flatten)]
    pub role: Role,
}

/// The commands below `lgsp registry`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell who changed what, when and why, newest first
    History(History),
    /// Tell what the registry holds, now or as of a moment
    Show(Show),
    /// Write the registry, now or as of a moment, as the files of `registry/`
    Export(Export),
    /// Compare files with the registry, and tell whose step each difference is; changes nothing
    Plan(Plan),
    /// Take those steps towards the files that are yours
    Apply(Apply),
    /// Make somebody an administrator again on the store itself, when no administrator has a key any more
    RecoverAdmin(RecoverAdmin),
}

/// The kinds of things that the history tells of.
const KINDS: [&str; 11] = [
    "agreement",
    "application",
    "credential",
    "service",
    "system",
    "agency",
    "purpose",
    "role",
    "role-proposal",
    "person",
    "person-proposal",
];

/// `lgsp registry history`.
#[derive(Debug, Args)]
pub struct History {
    /// Only changes of one kind: agreement, application, credential, service, system, agency, purpose, role, person
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(KINDS), hide_possible_values = true)]
    pub kind: Option<String>,
    /// Only changes of one thing of that kind: tt-hotich-dancu (every version), or tt-hotich-dancu/2
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Most changes to tell
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// How to print; json is one change a line
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
}

/// A moment of the history.
#[derive(Clone, Debug, Default, Args)]
#[group(multiple = false)]
pub struct AsOf {
    /// As of a moment, such as 2026-11-01T00:00:00+07:00
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<Timestamp>,
    /// As of a change, by its number
    #[arg(long, value_name = "N")]
    pub sequence: Option<u64>,
    /// As of the rules of this revision
    #[arg(long, value_name = "N")]
    pub revision: Option<u64>,
}

impl AsOf {
    /// As the registry is asked for it.
    pub fn moment(&self) -> Option<Moment> {
        let at = self.at.map(Of::At).or(self.sequence.map(Of::Sequence)).or(self.revision.map(Of::Revision));
        at.map(|moment| Moment { moment: Some(moment) })
    }
}

/// `lgsp registry show`.
#[derive(Debug, Args)]
pub struct Show {
    /// When.
    #[command(flatten)]
    pub as_of: AsOf,
    /// How to print; json is one record a line
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
}

/// `lgsp registry export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The folder; it is made if it is not there
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Write into a folder that is not empty: files of the same names are replaced, and others stay
    #[arg(long)]
    pub force: bool,
    /// When.
    #[command(flatten)]
    pub as_of: AsOf,
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
}

/// `lgsp registry plan`.
#[derive(Debug, Args)]
#[command(after_help = "Ends with 0 if there is nothing to do, and with 8 if there is.")]
pub struct Plan {
    /// The folder of the files
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// How to print
    #[arg(long, value_name = "FORM")]
    pub output: Option<PlanForm>,
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
}

/// How a plan is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanForm {
    /// For people; with colours in a terminal.
    Text,
    /// One JSON object for each difference, one a line.
    Json,
}

/// `lgsp registry apply`.
#[derive(Debug, Args)]
#[command(
    after_help = "Ends with 0 if nothing is left to do, and with 8 if there is: by others, or by hand."
)]
pub struct Apply {
    /// The folder of the files
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "as the files of the registry say")]
    pub reason: String,
    /// Do not ask before anything is changed
    #[arg(long)]
    pub yes: bool,
    /// Who calls, and whom.
    #[command(flatten)]
    pub operator: Operator,
}

/// `lgsp registry recover-admin`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The hub need not run, and may. The key is good for 7 days: put one of your own in its place by then."
)]
pub struct RecoverAdmin {
    /// The store of the registry
    #[arg(long, value_name = "sqlite:PATH | postgres://…")]
    pub store: String,
    /// A file with the password for PostgreSQL and nothing else
    #[arg(long, value_name = "FILE")]
    pub store_password_file: Option<PathBuf>,
    /// A file with the certificates, in PEM, of the authorities that may vouch for a PostgreSQL server
    #[arg(long, value_name = "FILE")]
    pub store_root_certificates: Option<PathBuf>,
    /// Where the key shall be good: the environment of the hub that is called with it
    #[arg(long, value_name = "ENVIRONMENT")]
    pub environment: Environment,
    /// An administrator, or the id of a new one
    #[arg(long, value_name = "ID")]
    pub id: String,
    /// The file for the private key; what is there already is not written over
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Why: it stands in the history for ever
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// An environment as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Environment {
    Production,
    Sandbox,
}

impl Environment {
    /// As the configuration names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Sandbox => "sandbox",
        }
    }
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let at = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| "a date and time with its offset, such as 2026-11-01T00:00:00+07:00".to_owned())?;
    let nanos = i32::try_from(at.nanosecond()).unwrap_or(0);
    Ok(Timestamp { seconds: at.unix_timestamp(), nanos })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command as Lgsp};

    fn registry(line: &str) -> Option<Registry> {
        let cli = Cli::try_parse_from(format!("lgsp registry {line}").split_whitespace()).ok()?;
        let Lgsp::Registry(registry) = cli.command else { panic!("`lgsp registry`") };
        Some(*registry)
    }

    #[test]
    fn without_a_command_the_role_is_started() {
        let started = registry("--data d --set registry.store=sqlite:r.db").expect("as before");
        assert!(started.command.is_none());
        assert_eq!(started.role.data, Some("d".into()));
        assert!(registry("--kafka k:1 plan d").is_none(), "a plan starts nothing");
    }

    #[test]
    fn a_kind_of_the_history_is_one_that_there_is() {
        assert!(registry("history --kind agreement").is_some());
        assert!(registry("history --kind agremeent").is_none());
    }

    #[test]
    fn a_moment_is_one_of_three() {
        let Some(Command::Show(show)) = registry("show --at 2026-11-01T00:00:00+07:00").unwrap().command
        else {
            panic!("show")
        };
        let at = Timestamp { seconds: 1_793_466_000, nanos: 0 };
        assert_eq!(show.as_of.moment(), Some(Moment { moment: Some(Of::At(at)) }));
        assert!(registry("show --at 2026-11-01").is_none());
        assert!(registry("show --sequence 1 --revision 1").is_none());
    }
}
