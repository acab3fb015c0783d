//! Admits, decides, forwards, filters, enters, releases.
//!
//! The path of an exchange through this crate:
//!
//! ```text
//!  listener ─ tls (callers' certificates), HTTP/2, bounds of connections, a leash on every call
//!     ▼
//!  service ── POST, and the faces of lgsp_face; surface: health, reflection, and what describes the JSON
//!     ▼
//!  exchange ─ the specification: a task of its own, until its end
//!     ├─ admit    caller (token, certificate; oidc: persons), metadata, deadline, in_flight
//!     ├─ permit   lgsp_core::permit, frame and spoken (the request), field rules, quota
//!     ├─ forward  lgsp_bus::Caller
//!     ├─ filter   answer, filter: on the wire bytes, by the agreement's mask
//!     ├─ enter    entry: account → book → writer (durable), or its backlog and spool
//!     └─ release  spoken, outlet → body; streams: stream, in parts, each after its entry
//! ```
//!
//! [`start`] puts it together; rules follow the topic `lgsp.registry`. Whatever is refused passes [`error`], so that every
//! caller gets a gRPC status with details.
//!
//! The gateway knows no domain. It must never release a byte whose entry is not durable, or after the deadline; let a
//! caller's metadata become a header of ours; write a value of a request or an answer into a log, an error or an entry; or
//! keep a queue, a map or a wait without a bound.

mod activity;
mod answer;
mod body;
mod broker;
mod call;
pub mod caller;
mod deadline;
mod deprecation;
pub mod entry;
pub mod error;
mod exchange;
pub mod filter;
#[cfg(test)]
mod fixture;
mod frame;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod health;
mod hub;
mod in_flight;
mod leash;
mod listener;
mod metadata;
pub mod metrics;
mod numbers;
mod oidc;
mod options;
mod outlet;
mod quota;
mod rules;
mod service;
mod spans;
mod spoken;
mod start;
mod stats;
mod stream;
mod surface;
mod tls;

pub use error::Error;
pub use options::{ClientCertificates, Connections, Entries, Exchanges, Oidc, Options, Tls};
pub use start::{Gateway, Secrets, bind, start};
pub use stats::Stats;
