//! The health domain's language.
//!
//! [`Health`], an ordinary tonic service, parses what it is asked → a [`Source`] finds records → the service picks the
//! card that matters, compares, pages and answers.
//!
//! It must never disclose a field of a record that it was only asked to compare.

pub mod fhir;
mod service;
mod source;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use lgsp_proto::health::v1::health_service_server::HealthServiceServer;

pub use service::Health;
pub use source::{Card, MOST_CARDS, Parts, PatientKey, Source, Suspension};

/// The domain, which names the topic of its requests.
pub const DOMAIN: &str = "health";

/// Makes the tonic service over a source.
pub fn service<S: Source>(source: Arc<S>, query_timeout: Duration) -> HealthServiceServer<Health<S>> {
    HealthServiceServer::new(Health::new(source, query_timeout))
}
