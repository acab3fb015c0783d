//! Applications, data services, agreements and credentials; publishes signed snapshots.
//!
//! The path of a rule: a file of the folder ([`rules::Folder`]) is read and checked with all the others at once
//! ([`rules::check`]); what holds together becomes a snapshot, gets the next revision, is kept, signed, and put on
//! `lgsp.registry` behind the contracts that it needs. Every gateway verifies it and follows within a second. A change
//! that does not hold together is refused as a whole: the old rules stay, and `/status` says so.
//!
//! The registry is never asked on the path of an exchange: gateways keep deciding while it is down. It never signs what
//! [`lgsp_core::Rules`] would refuse, and its revisions never go back.

mod problem;
pub mod rules;
mod shipped;

pub use problem::{Problem, Problems};
pub use shipped::shipped;
