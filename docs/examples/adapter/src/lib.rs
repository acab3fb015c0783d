//! A sixth domain, as `docs/writing-an-adapter.md` makes it: vehicles and who owns them.
//!
//! [`open`] → [`Vehicles`], an ordinary tonic service, parses what it is asked → a [`Source`] finds records. [`Register`] is the
//! source on a database, over the relations of [`RELATIONS`].
//!
//! It must never guess which of two records of one plate is right.

mod plate;
mod relations;
mod service;
mod source;
mod sql;

use std::sync::Arc;

use lgsp_adapter::{Adapter, OpenError, Options};
use tonic::service::Routes;

pub use plate::Plate;
pub use relations::RELATIONS;
pub use service::Vehicles;
pub use source::Source;
pub use sql::Register;

/// Package `example.vehicle.v1`.
#[allow(missing_docs, clippy::all, rust_2018_idioms)]
pub mod v1 {
    tonic::include_proto!("example.vehicle.v1");
}

use v1::vehicle_service_server::VehicleServiceServer;

/// The domain, which names the topic of its requests.
pub const DOMAIN: &str = "vehicle";
/// Its encoded descriptor set, with the hub's options: what the rules name as `vehicle.binpb`.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/vehicle.binpb"));

/// Opens the adapter on its database.
///
/// # Errors
/// The source cannot be opened or is not what the adapter reads.
pub async fn open(options: &Options) -> Result<Adapter, OpenError> {
    let source = Arc::new(Register::open(options).await?);
    let service = Vehicles::new(Arc::clone(&source), options.query_timeout);
    Ok(Adapter::over(source.tables(), DOMAIN, Routes::new(VehicleServiceServer::new(service))))
}
