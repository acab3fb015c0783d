//! Arguments of `lgsp ledger`: the role, and the commands that read its folder.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::server::{Role, Settings};
use crate::client::Listing;

/// `lgsp ledger`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_help_heading = "Commands on the folder of a ledger"
)]
pub struct Ledger {
    /// What to do instead of starting the role.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The role.
    #[command(flatten)]
    pub role: Role,
}

/// The commands below `lgsp ledger`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell how much of the log is sealed and signed, and what is missing of the topic
    Status(Folder),
    /// Read the whole log, and hold records, leaves, hashes, head and checkpoint against each other
    #[command(
        after_help = "Example:\n  lgsp ledger check --data lgsp-data --log-key \"$(cat log.vkey)\"\n\n\
                            Ends with 1 if something does not hold, and names the file and what is wrong with it."
    )]
    Check(Check),
    /// Build the index anew from the log and the erasable parts, and tell what differs; the ledger must be stopped
    #[command(after_help = "Example:\n  lgsp ledger reindex --data lgsp-data --compare\n\n\
                            With --compare it ends with 1 if the two differ, and changes nothing.")]
    Reindex(Reindex),
    /// Move old months of the log out of the ledger into archives; the ledger must be stopped
    #[command(
        after_help = "Example:\n  lgsp ledger archive --data lgsp-data --before 2025-01 --to /srv/archive"
    )]
    Archive(Archive),
    /// Bring an archived month back into the ledger; the ledger must be stopped
    #[command(
        after_help = "Example:\n  lgsp ledger restore --data lgsp-data --archive /srv/archive/2024-11.000000000001"
    )]
    Restore(Restore),
    /// Carry out on archives what was erased and what has expired since; the ledger may run
    #[command(after_help = "Example:\n  lgsp ledger erase --data lgsp-data --archive /srv/archive")]
    Erase(Erase),
}

/// Which ledger, by its configuration.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// Data directory; relative paths of the configuration are relative to it [default: ./lgsp-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The ledger's folder, if not that of the configuration
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// How to print; json is one object a line [default: plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// What every role accepts.
    #[command(flatten)]
    pub settings: Settings,
}

/// `lgsp ledger reindex`.
#[derive(Clone, Debug, Args)]
pub struct Reindex {
    /// Which ledger.
    #[command(flatten)]
    pub place: Place,
    /// Only tell what differs
    #[arg(long)]
    pub compare: bool,
}

/// `lgsp ledger archive`.
#[derive(Clone, Debug, Args)]
pub struct Archive {
    /// Which ledger.
    #[command(flatten)]
    pub place: Place,
    /// The month before whose first day entries are archived [default: as `ledger.retention` keeps them online]
    #[arg(long, value_name = "YYYY-MM", value_parser = month)]
    pub before: Option<i64>,
    /// The folder that gets the archives, one a month
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
}

/// `lgsp ledger restore`.
#[derive(Clone, Debug, Args)]
pub struct Restore {
    /// Which ledger.
    #[command(flatten)]
    pub place: Place,
    /// The archive
    #[arg(long, value_name = "DIR")]
    pub archive: PathBuf,
    /// The key that the log's checkpoints are signed with: NAME+ID+KEY; several while it is replaced
    #[arg(long, value_name = "KEY")]
    pub log_key: Vec<String>,
}

/// `lgsp ledger erase`.
#[derive(Clone, Debug, Args)]
pub struct Erase {
    /// Which ledger.
    #[command(flatten)]
    pub place: Place,
    /// The archive, or the folder of all of them
    #[arg(long, value_name = "DIR")]
    pub archive: PathBuf,
}

/// The first moment of a month in Viet Nam (Unix µs).
fn month(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text} is no month: write it as 2025-01");
    let (year, month) = text.split_once('-').filter(|_| text.len() == 7).ok_or_else(wrong)?;
    let month = month.parse::<u8>().ok().and_then(|month| time::Month::try_from(month).ok());
    let date = year.parse().ok().zip(month);
    let date = date.and_then(|(year, month)| time::Date::from_calendar_date(year, month, 1).ok());
    let offset = time::UtcOffset::from_hms(7, 0, 0).map_err(|_| wrong())?;
    let first = date.ok_or_else(wrong)?.midnight().assume_offset(offset);
    Ok(first.unix_timestamp() * 1_000_000)
}

/// `lgsp ledger status`, and what the other commands need too.
#[derive(Debug, Args)]
pub struct Folder {
    /// Data directory: the ledger's folder is `ledger` in it [default: ./lgsp-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The ledger's folder, if it is elsewhere
    #[arg(long, value_name = "DIR", conflicts_with = "data")]
    pub dir: Option<PathBuf>,
    /// How to print; json is one object a line [default: plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

impl Folder {
    /// The ledger's folder.
    pub fn folder(&self) -> PathBuf {
        let data = self.data.as_deref().unwrap_or(Path::new("lgsp-data"));
        self.dir.clone().unwrap_or_else(|| data.join("ledger"))
    }
}

/// `lgsp ledger check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Which ledger.
    #[command(flatten)]
    pub folder: Folder,
    /// The key that the log's checkpoints are signed with, as an auditor has kept it: NAME+ID+KEY; several while it is replaced
    #[arg(long, value_name = "KEY")]
    pub log_key: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_at_midnight_in_viet_nam() {
        let first = month("2025-01").expect("a month");
        assert_eq!(lgsp_core::time::month(first), "2025-01");
        assert_eq!(lgsp_core::time::month(first - 1), "2024-12");
        for wrong in ["2025", "2025-13", "2025-1", "2025-01-01", "now"] {
            assert!(month(wrong).is_err(), "{wrong}");
        }
    }
}
