//! Which exchanges are meant.

use clap::Args;
use prost_reflect::prost_types::Timestamp;

use crate::cli::client::{OutcomeName, since};

/// Between which moments.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Period {
    /// Only what was admitted since: a day such as 2026-11-01, 2026-11-01T08:00:00+07:00, or some time ago, such as 7d
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Option<Timestamp>,
    /// Only what was admitted before
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub until: Option<Timestamp>,
}

/// About whom or what.
#[derive(Clone, Debug, Default, Args)]
#[group(id = "whom", multiple = false)]
pub struct Subject {
    /// Only what is about this person, by the number; `-` reads it from standard input, where no other user sees it
    #[arg(long, value_name = "NUMBER")]
    pub person: Option<String>,
    /// Only what is about this parcel, as WARD/SHEET/PARCEL
    #[arg(long, value_name = "PARCEL")]
    pub parcel: Option<String>,
    /// Only what is about this enterprise, by its code
    #[arg(long, value_name = "CODE")]
    pub enterprise: Option<String>,
}

/// Every set field must hold.
#[derive(Clone, Debug, Default, Args)]
pub struct Filter {
    /// When.
    #[command(flatten)]
    pub period: Period,
    /// Only exchanges of this application
    #[arg(long, value_name = "APP")]
    pub application: Option<String>,
    /// Only exchanges of this agency's applications
    #[arg(long, value_name = "CODE")]
    pub agency: Option<String>,
    /// Only exchanges of this service (its full name)
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// Only exchanges of this method
    #[arg(long, value_name = "METHOD")]
    pub method: Option<String>,
    /// Only exchanges that ended so
    #[arg(long, value_name = "OUTCOME")]
    pub outcome: Option<OutcomeName>,
    /// Only exchanges for this purpose
    #[arg(long, value_name = "CODE")]
    pub purpose: Option<String>,
    /// Only exchanges for this administrative procedure
    #[arg(long, value_name = "CODE")]
    pub procedure: Option<String>,
    /// Only exchanges under this agreement
    #[arg(long, value_name = "ID")]
    pub agreement: Option<String>,
    /// Only exchanges of this officer, as the application named them; `-` reads it from standard input
    #[arg(long, value_name = "ID")]
    pub officer: Option<String>,
    /// Only exchanges for this dossier; `-` reads it from standard input
    #[arg(long, value_name = "CODE")]
    pub dossier: Option<String>,
    /// Only exchanges with this id of the application's own
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,
    /// About whom.
    #[command(flatten)]
    pub subject: Subject,
    /// Only exchanges by the credential of this SHA-256
    #[arg(long, value_name = "HEX", value_parser = digest)]
    pub credential: Option<Digest>,
    /// Platform exchanges too, such as those of auditors
    #[arg(long)]
    pub platform: bool,
}

/// A SHA-256.
pub type Digest = [u8; 32];

pub(super) fn digest(text: &str) -> Result<Digest, String> {
    let mut digest = Digest::default();
    let read = hex::decode_to_slice(text.trim(), &mut digest);
    read.map(|()| digest).map_err(|_| "a SHA-256 has 64 hexadecimal digits".to_owned())
}
