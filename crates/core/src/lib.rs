//! The hub's words and rules, without I/O.
//!
//! An exchange passes through this crate in the order of its modules: a [`Snapshot`](lgsp_proto::registry::v1::Snapshot)
//! is compiled into [`Rules`]; [`permit`] decides whether a [`Caller`] may call a [`Method`] for a purpose, and which
//! fields of the answer may leave (a [`Plan`]); [`check::Checks`] hold the request against the contract's field rules;
//! [`entry`] builds what the exchange log keeps. Whatever goes wrong is a [`Fault`] with a [`Reason`] from a closed set.
//!
//! Nothing here opens a file or a socket, spawns a task or reads a clock.

pub mod breaking;
mod certificate;
pub mod check;
pub mod contract;
pub mod entry;
mod environment;
mod fault;
mod ids;
pub mod indicators;
mod permit;
mod plan;
mod procedure;
mod purpose;
mod reason;
mod rules;
pub mod said;
pub mod sign_in;
pub mod snapshot;
pub mod time;
pub mod traffic;

pub use certificate::CertificateName;
pub use check::Checks;
pub use environment::environment;
pub use fault::{Fault, Violation};
pub use ids::{ApplicationId, ExchangeId, PersonId};
pub use permit::{Caller, Permit, SANDBOX, is_callable, is_open_to, permit};
pub use plan::{FieldPlan, Kind, MaskError, Node, Plan};
pub use procedure::is_procedure;
pub use purpose::Purpose;
pub use reason::{Code, Reason, code_name};
pub use rules::{
    Application, Bound, BoundCertificate, Credential, Grant, Method, Pools, Priority, Rules, RulesError,
    SignedIn, descriptor_key,
};

pub use lgsp_proto::ledger::v1::{Hop, Outcome};
pub use lgsp_proto::options::v1::Subject;
