//! What is unusual in the exchange log, by rules, for auditors. An anomaly is a hint, and no proof of anything.
//!
//! ```text
//!  filing ──► index: entries, counts of days, days that have changed ──► watch ──► rules ──► findings ──► audit/anomalies
//!  annotation: an entry of the log ──► filing ──► index ───────────────────────────────────────────────────────┘
//! ```
//!
//! A finding is of a rule, of whom or what it is about, and of a day in Asia/Ho_Chi_Minh; these three give it its id. What the rules find
//! follows from the entries that are online and from the options alone, so that looking again, or at an index that was built again, finds
//! the same. No exchange waits for it, and nothing of it is ever in clear here: officers and subjects are known by hashes.

mod calendar;
mod change;
mod options;
mod rules;
mod watch;

pub use calendar::{Calendar, Holiday, Time, Weekday};
pub use options::{Anomalies, Change, ManySubjects, MassLookups, NoDossier, OffHours, SoughtPerson};
pub(crate) use watch::{Watch, today};
