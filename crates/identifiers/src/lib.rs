//! Vietnamese public identifiers: parse, validate, normalise, mask.
//!
//! The path of a value: text from outside → `parse` (trims, upper-cases, checks, brings every accepted written form to
//! one canonical form) → a type that cannot hold anything wrong → [`as_str`](Code::as_str) where the full value is
//! needed, for example before it is hashed or looked up.
//!
//! ```
//! use lgsp_identifiers::{AgencyCode, PersonalNumber};
//!
//! let number: PersonalNumber = " 092099000034 ".parse()?;
//! assert_eq!(number.to_string(), "092*******34");
//! assert_eq!(number.as_str(), "092099000034");
//! assert_eq!(AgencyCode::parse("000.00.05.H13")?.as_str(), "H13.05");
//! # Ok::<(), lgsp_identifiers::Error>(())
//! ```
//!
//! Besides identifiers of a single value, [`units`] knows the administrative units before and since 1 July 2025,
//! [`names`] compares Vietnamese names, and [`format`](mod@format) is the single entry for rules that name a format.
//!
//! What this crate must never do: print a personal identifier in full (`Display` and `Debug` mask), repeat the input
//! in an error, or do I/O.

mod agency;
mod cards;
mod code;
mod date;
mod enterprise;
mod error;
pub mod format;
pub mod names;
mod parcel;
mod person;
pub mod units;
mod ward;

pub use agency::{AgencyCode, DossierCode};
pub use cards::{HealthInsuranceCard, SocialInsuranceNumber, StudentCode};
pub use code::{Code, Kind, mask};
pub use date::PartialDate;
pub use enterprise::EnterpriseCode;
pub use error::Error;
pub use format::Format;
pub use parcel::ParcelKey;
pub use person::{OldIdentityCard, PersonKey, PersonalNumber, Sex};
pub use ward::{ProvinceCode, WardCode};

/// The kinds of [`Code`], one per identifier; named only where a type is written out.
pub mod kind {
    pub use crate::agency::{Agency, Dossier};
    pub use crate::cards::{HealthInsurance, SocialInsurance, Student};
    pub use crate::enterprise::Enterprise;
    pub use crate::person::{OldCard, Personal};
}

/// The README's examples are tests too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
