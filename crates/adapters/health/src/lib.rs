//! The health domain's language.
//!
//! [`open`] → [`Health`], an ordinary tonic service, parses what it is asked → a [`Source`] finds records → the service
//! picks the card that matters, compares, pages and answers. [`Records`] is the source on a database, over the relations
//! of [`RELATIONS`].
//!
//! It must never disclose a field of a record that it was only asked to compare.

pub mod fhir;
mod relations;
mod service;
mod source;
mod sql;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use lgsp_adapter::{Adapter, OpenError, Options};
use lgsp_proto::health::v1::health_service_server::HealthServiceServer;
use tonic::service::Routes;

pub use relations::RELATIONS;
pub use service::Health;
pub use source::{Card, MOST_CARDS, Parts, PatientKey, Source, Suspension};
pub use sql::Records;

/// The domain, which names the topic of its requests.
pub const DOMAIN: &str = "health";

/// Makes the tonic service over a source.
pub fn service<S: Source>(source: Arc<S>, query_timeout: Duration) -> HealthServiceServer<Health<S>> {
    HealthServiceServer::new(Health::new(source, query_timeout))
}

/// Opens the adapter on its database.
///
/// # Errors
/// The source cannot be opened or is not what the adapter reads.
pub async fn open(options: &Options) -> Result<Adapter, OpenError> {
    let source = Arc::new(Records::open(options).await?);
    let routes = Routes::new(service(Arc::clone(&source), options.query_timeout));
    Ok(Adapter::over(source.tables(), DOMAIN, routes))
}
