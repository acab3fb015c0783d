//! What every domain adapter shares: sources, paging, deadlines, and how it is served.
//!
//! The path of a request through an adapter:
//!
//! ```text
//!  bus ──► tonic service ──► Deadline::of ──► Source (a trait of the domain) ──► Tables: Statement ──► lgsp-store
//!  bus ◄── tonic service ◄── page::cut, stream::records ◄── Record: codes, dates, provenance ◄── rows
//! ```
//!
//! An adapter declares the [`Relation`]s that it reads and writes its SQL against them. [`Tables`] opens a database of either
//! kind and holds it against them; an agency's own tables become these relations by a [`Mapping`] in the configuration, of which
//! the adapter's SQL and its reading know nothing. What a source holds and nobody understands is left out, counted, and
//! never invented.
//!
//! An adapter is an ordinary tonic service, written as if no Kafka were there. It parses what it is asked again, because
//! it must not rely on who calls it; its failures are [`Fault`]s, which [`status`] renders. Its source is watched by
//! [`health::watch`], apart from the exchanges.
//!
//! Nothing here knows a domain. What an adapter answers is not filtered here: the gateway does that.

mod adapter;
pub mod check;
pub mod compare;
mod deadline;
mod fault;
mod fields;
pub mod health;
mod mapping;
pub mod metrics;
mod options;
mod origin;
pub mod page;
pub mod parse;
pub mod records;
mod relation;
mod source;
pub mod stream;
mod tables;
#[cfg(feature = "testing")]
pub mod testing;

pub use adapter::{Adapter, Mismatch, OpenError};
pub use deadline::Deadline;
pub use fault::{invalid, status};
pub use fields::Fields;
pub use lgsp_core::{Fault, Reason};
pub use lgsp_runtime::config;
pub use lgsp_store::{Dialect, Options as StoreOptions, Query, Row, Store, Value};
pub use mapping::check::Problem;
pub use mapping::{MappedColumn, MappedRelation, Mapping};
pub use options::{Options, SourceOptions};
pub use origin::Origin;
pub use relation::{Codes, Column, FLAGS, Kind, Relation, Rule, SEX};
pub use source::SourceError;
pub use tables::{
    Add, ByPerson, Counts, METRIC, NotUnderstood, Numbered, OfPage, Part, Reader, Record, Statement, Tables,
};
