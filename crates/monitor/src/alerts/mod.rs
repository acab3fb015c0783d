//! Alerts: what somebody should look at, told to those who should, once, and together.
//!
//! ```text
//!  Board (links) ───────────────┐
//!  Picture: facts of processes, ├─► assess ─► Roll ─► views ─┬─► Receiver: Grouping ─► webhook, mail, Alertmanager
//!  clocks, traffic              ┘  (verdicts) (states,       ├─► Receiver: …            (a task each)
//!                                       silences, causes)    └─► ListAlerts, GetAlert
//!                                          ▲    │
//!    AcknowledgeAlert, SilenceAlerts ──────┘    └─► Kept: the monitor's store
//! ```
//!
//! 1. `assess` says what is bad, what is good, and by that of what nothing is known; `alert` when that is believed. Neither reads a
//!    clock.
//! 2. `roll` holds all alerts: one that another is the cause of (`roots`), and what is silenced or under maintenance, is told to nobody.
//! 3. `group` decides for one receiver what it is told and when; `deliver` tells it, and again until it was.
//! 4. `store` keeps what fired and who was told of it, so that a restart tells nobody twice.
//!
//! Nothing here stands on the path of an exchange, or names a person in a message: who has acknowledged an alert is told to operators
//! alone. What a receiver answers is not repeated anywhere.

mod alert;
mod assess;
mod deliver;
mod group;
pub mod metrics;
mod options;
mod pattern;
mod receivers;
mod reference;
mod roll;
mod roots;
mod rule;
mod service;
mod signals;
mod silence;
mod store;
mod watch;
mod words;

pub use options::{Language, OfLinks, Options, Rules, Threshold};
pub use receivers::{Alertmanager, Mail, Security, Webhook};
pub use rule::{Rule, Severity};

pub(crate) use assess::Known;
pub(crate) use service::Service;
pub(crate) use signals::{Signals, Way};
pub(crate) use store::{Kept, TABLES};
pub(crate) use watch::{Alerts, start};
