//! gRPC over Kafka.
//!
//! The path of an exchange through this crate:
//!
//! ```text
//!  gateway                                 Kafka                              adapter
//!  Caller::call ── waiter, partition ──► lgsp.request.<domain> ──► serve: MAC, deadline, in-process tonic call
//!  Reply::next ◄── replies (assigned) ◄── lgsp.reply (partition n) ◄── answer: messages and trailers as records
//!  Appender::append_durably ───────────► lgsp.exchange
//!  providers ◄── Tail ◄───────────────── lgsp.heartbeat ◄── heartbeat, every second
//! ```
//!
//! 1. [`Bus::open`] builds the clients, or starts the embedded broker; [`topics`] declares every topic once.
//! 2. [`Caller::call`] registers a waiter *before* it produces the request, to the partition of a live owner.
//!    Owners are heard in heartbeats, signed under the key of the domain that they claim.
//! 3. [`serve`] checks MAC and deadline, and calls an ordinary tonic service; reply first, commit after.
//! 4. The caller's reply partition is assigned, never subscribed; foreign epochs are skipped, a forged reply is refused, the
//!    first reply wins, and a gap fails the exchange at once.
//!
//! Delivery is at least once, and a provider does not deduplicate: the hub carries reads only, and these may be repeated.
//! The gateway drops whatever comes twice.
//!
//! No other crate knows rdkafka. Nothing here may rest on a Kafka transaction, keep an unbounded queue, or write a value into
//! a log, an error or a dead letter.

mod appender;
mod broker;
mod bus;
mod caller;
mod clients;
pub mod entry;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod headers;
mod heartbeat;
pub mod heartbeats;
mod lag;
mod mac;
pub mod metrics;
mod options;
mod producer;
mod pulse;
mod refusals;
mod request;
mod security;
mod serve;
mod stats;
mod status;
mod tail;
pub mod topics;
pub mod usage;
mod watermarks;

pub use appender::{Appender, Fsynced, LONGEST_APPEND};
pub use bus::Bus;
pub use caller::{Asked, Caller, CallerOptions, Provider, Reply, ReplyPart, ReplyTrace};
pub use error::Error;
pub use heartbeat::{Health, MOST_DEMANDS};
pub use lag::Lags;
pub use lgsp_proto::ledger::v1::Position;
pub use mac::{MacKey, MacKeys};
pub use options::Options;
pub use request::RequestHead;
pub use security::{Mechanism, Protocol, Security};
pub use serve::{Inbound, ServeOptions, Serving, serve};
pub use stats::{Counters, Stats};
pub use status::{status, status_of_exchange};
pub use tail::{Record, Start, Tail, Tailed};
pub use watermarks::Watermarks;
