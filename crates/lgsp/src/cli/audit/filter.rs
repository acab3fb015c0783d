//! Which exchanges are meant.

use clap::Args;
use lgsp_proto::ledger::v1::KeyedSubject;
use lgsp_proto::options::v1;
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
    /// Only exchanges that named no dossier
    #[arg(long, conflicts_with = "dossier")]
    pub without_dossier: bool,
    /// Only exchanges of this environment, such as production
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// Only what is about the subject of this keyed hash, as `lgsp audit anomalies` tells it: person:HEX, parcel:HEX or enterprise:HEX
    #[arg(long, value_name = "KIND:HEX", value_parser = keyed_subject, conflicts_with = "whom")]
    pub keyed_subject: Option<KeyedSubject>,
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

/// Bytes of a keyed hash, and how many of them are enough.
const HASH: usize = 32;
const ENOUGH: usize = 16;

/// Reads `person:HEX`.
fn keyed_subject(text: &str) -> Result<KeyedSubject, String> {
    const ACCEPTED: &str = "person:, parcel: or enterprise:, and 32 to 64 hexadecimal digits";
    let (kind, digits) = text.split_once(':').ok_or(ACCEPTED)?;
    let kind = match kind {
        "person" => v1::Subject::Person,
        "parcel" => v1::Subject::Parcel,
        "enterprise" => v1::Subject::Enterprise,
        _ => return Err(ACCEPTED.to_owned()),
    };
    let hash = hex::decode(digits).map_err(|_| ACCEPTED)?;
    if !(ENOUGH..=HASH).contains(&hash.len()) {
        return Err(ACCEPTED.to_owned());
    }
    Ok(KeyedSubject { kind: kind.into(), hash: hash.into() })
}
