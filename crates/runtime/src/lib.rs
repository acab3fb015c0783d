//! How a process starts, tells its state and stops.
//!
//! Every role of the hub walks the same path through this crate:
//!
//! 1. [`config::load`] composes the role's options from defaults, one TOML file, the environment and the command line,
//!    and reports *all* problems at once. A process with a bad configuration ends with [`config::EXIT_CODE`].
//! 2. [`telemetry::start`] opens the log and, when an endpoint is configured, the export of traces, metrics and the log.
//! 3. [`Instance::new`] names this start of the process; [`State::new`] holds what it tells about itself, and
//!    [`admin::bind`] serves it as `/livez`, `/readyz`, `/status` and `/metrics`, without the bus.
//! 4. The role spawns its tasks through [`Shutdown`], each under a name and a [`Stage`].
//! 5. [`shutdown::Signals`] waits for Ctrl-C or SIGTERM; [`Shutdown::run`] then ends the stages in order, each under its
//!    bound, and names whoever did not finish.
//!
//! This crate must never know a topic, a message or a rule of the hub, and it never writes personal data: a panic's
//! payload is not logged, and secrets have no `Debug`.

pub mod admin;
pub mod config;
pub mod instance;
pub mod metrics;
pub mod pages;
pub mod shutdown;
pub mod state;
pub mod telemetry;

pub use instance::Instance;
pub use shutdown::{Shutdown, Stage};
pub use state::{Component, State};
