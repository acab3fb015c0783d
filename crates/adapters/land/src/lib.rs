//! The land domain's language.
//!
//! [`open`] → [`Land`], an ordinary tonic service, parses what it is asked → a [`Source`] finds records → the service
//! tests borders, pages and answers. [`Cadastre`] is the source on a database, over the relations of [`RELATIONS`].
//!
//! A search by place is made in two steps: the source finds the parcels whose bounding boxes meet the place, and
//! [`Place`] tests their borders exactly. Borders come out in WGS 84 whatever their dataset was measured in: that is a
//! property of the dataset, and [`projection`] knows the ways.
//!
//! It must never tell a wrong place: a border that is none, that lies outside of its zone or far from its ward, is left out
//! and counted.
//!
//! It must never translate a parcel's key by its ward code: merged wards numbered their map sheets anew, so that only
//! the keys on record are known to mean the parcel.

mod dataset;
mod geometry;
mod place;
pub mod projection;
mod relations;
mod service;
mod source;
mod sql;
mod whereabouts;

use std::sync::Arc;
use std::time::Duration;

use lgsp_adapter::{Adapter, OpenError, Options};
use lgsp_proto::land::v1::land_service_server::LandServiceServer;
use tonic::service::Routes;

pub use place::Place;
pub use relations::RELATIONS;
pub use service::Land;
pub use source::{OwnerKey, ParcelRef, Parts, Source};
pub use sql::Cadastre;

/// The domain, which names the topic of its requests.
pub const DOMAIN: &str = "land";

/// Makes the tonic service over a source.
pub fn service<S: Source>(source: Arc<S>, query_timeout: Duration) -> LandServiceServer<Land<S>> {
    LandServiceServer::new(Land::new(source, query_timeout))
}

/// Opens the adapter on its database.
///
/// # Errors
/// The source cannot be opened or is not what the adapter reads.
pub async fn open(options: &Options) -> Result<Adapter, OpenError> {
    let source = Arc::new(Cadastre::open(options).await?);
    Ok(Adapter {
        domain: DOMAIN,
        routes: Routes::new(service(Arc::clone(&source), options.query_timeout)),
        source: source.name().into(),
        probe: source,
    })
}
