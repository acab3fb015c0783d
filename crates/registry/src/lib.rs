//! Applications, data services, agreements and credentials; publishes signed snapshots.
//!
//! The path of a rule:
//!
//! ```text
//!  registry/*.toml ──► rules::check ──► next revision ──► kept ──► signed ──► lgsp.registry ──► every gateway
//!      ▲ changed file, SIGHUP, a look a second                              contracts first, then `snapshot`
//! ```
//!
//! A file of the folder ([`rules::Folder`]) is read and checked with all the others at once ([`rules::check`]); what holds
//! together becomes a snapshot and gets the next revision if it says something new. Every gateway verifies it and follows
//! within a second. A change that does not hold together is refused as a whole: the old rules stay, and `/status` says so.
//!
//! The registry is never asked on the path of an exchange: gateways keep deciding while it is down. It never signs what
//! [`lgsp_core::Rules`] would refuse, its revisions never go back, and it never believes a snapshot that its own key has
//! not signed.

mod asked;
mod catalogue;
mod changes;
mod decide;
mod decisions;
mod error;
mod first;
mod followers;
mod history;
mod kept;
mod next;
mod occasion;
mod options;
mod origin;
mod person;
mod problem;
mod publisher;
mod register;
mod registry;
pub mod rules;
mod sensitive;
mod service;
mod shipped;
mod sign;
mod versions;

pub use error::Error;
pub use history::HistoryError;
pub use options::Options;
pub use problem::{Problem, Problems};
pub use registry::{Registry, start};
pub use shipped::shipped;
pub use sign::SnapshotKey;
