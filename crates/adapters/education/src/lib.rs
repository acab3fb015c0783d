//! The education domain's language.
//!
//! [`open`] → [`Education`], an ordinary tonic service, parses what it is asked → a [`Source`] finds records → the service
//! compares and answers. [`Register`] is the source on a database, over the relations of [`RELATIONS`].
//!
//! It must never disclose a field of a record that it was only asked to compare.

mod relations;
mod service;
mod source;
mod sql;
mod verify;
mod year;

use std::sync::Arc;
use std::time::Duration;

use lgsp_adapter::{Adapter, OpenError, Options};
use lgsp_proto::education::v1::education_service_server::EducationServiceServer;
use tonic::service::Routes;

pub use relations::RELATIONS;
pub use service::Education;
pub use source::{Parts, Registered, Source, StudentKey, Year};
pub use sql::Register;
pub use year::SchoolYear;

/// The domain, which names the topic of its requests.
pub const DOMAIN: &str = "education";

/// Makes the tonic service over a source.
pub fn service<S: Source>(source: Arc<S>, query_timeout: Duration) -> EducationServiceServer<Education<S>> {
    EducationServiceServer::new(Education::new(source, query_timeout))
}

/// Opens the adapter on its database.
///
/// # Errors
/// The source cannot be opened or is not what the adapter reads.
pub async fn open(options: &Options) -> Result<Adapter, OpenError> {
    let source = Arc::new(Register::open(options).await?);
    let routes = Routes::new(service(Arc::clone(&source), options.query_timeout));
    Ok(Adapter::over(source.tables(), DOMAIN, routes))
}
