//! The business domain's language.
//!
//! [`open`] → [`Business`], an ordinary tonic service, parses what it is asked → a [`Source`] finds records → the service
//! compares, pages and answers. [`Register`] is the source on a database, over the relations of [`RELATIONS`].
//!
//! It must never disclose a field of a record that it was only asked to compare.

mod relations;
mod service;
mod source;
mod sql;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use lgsp_adapter::{Adapter, OpenError, Options};
use lgsp_proto::business::v1::business_service_server::BusinessServiceServer;
use tonic::service::Routes;

pub use relations::RELATIONS;
pub use service::Business;
pub use source::{Parts, Source};
pub use sql::Register;

/// The domain, which names the topic of its requests.
pub const DOMAIN: &str = "business";

/// Makes the tonic service over a source.
pub fn service<S: Source>(source: Arc<S>, query_timeout: Duration) -> BusinessServiceServer<Business<S>> {
    BusinessServiceServer::new(Business::new(source, query_timeout))
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
