//! What every domain adapter shares: sources, paging, deadlines, and how it is served.
//!
//! The path of a request through an adapter:
//!
//! ```text
//!  bus ──► tonic service ──► Deadline::of ──► Source (a trait of the domain) ──► lgsp-store
//!  bus ◄── tonic service ◄── page::cut, stream::records, Origin::provenance ◄── rows
//! ```
//!
//! An adapter is an ordinary tonic service, written as if no Kafka were there. It parses what it is asked again, because
//! it must not rely on who calls it; its failures are [`Fault`]s, which [`status`] renders. Its source is watched by
//! [`health::watch`], apart from the exchanges.
//!
//! Nothing here knows a domain. What an adapter answers is not filtered here: the gateway does that.

mod adapter;
pub mod compare;
mod deadline;
mod fault;
mod fields;
pub mod health;
mod options;
mod origin;
pub mod page;
pub mod parse;
pub mod records;
mod source;
pub mod stream;

pub use adapter::{Adapter, OpenError};
pub use deadline::Deadline;
pub use fault::{invalid, status};
pub use fields::Fields;
pub use lgsp_core::{Fault, Reason};
pub use lgsp_store::{Options as StoreOptions, Reader, Store, until};
pub use options::Options;
pub use origin::Origin;
pub use source::SourceError;
