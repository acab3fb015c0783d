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

mod administration;
mod administrators;
mod as_of;
mod asked;
mod catalogue;
mod changes;
mod connection;
mod connections;
mod credential;
mod credentials;
mod decide;
mod decisions;
mod desk;
mod ended;
mod error;
mod examine;
mod first;
mod followers;
mod held;
mod history;
mod holders;
mod kept;
mod lifecycle;
mod national;
mod next;
mod occasion;
#[cfg(test)]
mod office;
mod options;
mod origin;
mod own;
mod past;
mod person;
mod problem;
mod publisher;
mod recover;
mod register;
mod registry;
mod remembered;
mod reminders;
pub mod rules;
mod sandbox;
mod sensitive;
mod service;
mod services;
mod settle;
mod shipped;
mod sign;
mod system;
mod versions;
mod working_days;

pub use error::Error;
pub use history::HistoryError;
pub use options::{BeginWith, Options};
pub use problem::{Problem, Problems};
pub use recover::{RecoverError, Recovered, Recovery, recover_administrator};
pub use registry::{Registry, start, store_trouble};
pub use reminders::Ending;
pub use shipped::shipped;
pub use sign::SnapshotKey;
