//! What the gateway answers itself, to anyone: health and reflection.
//!
//! Reflection is built from the descriptor sets of the rules as they are encoded, because custom options would be lost
//! with every decoding, and built anew with every snapshot, because it cannot be changed. It also tells of health and of the
//! details of errors, which generic clients look up here.

use std::convert::Infallible;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response};
use lgsp_core::{Fault, Reason, Rules};
use lgsp_proto::registry::v1::ServiceState;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::service::Routes;
use tower::ServiceExt;
use tracing::error;

use crate::body::{Body, Farewell};
use crate::health::Health;
use crate::in_flight::{Connection, Counted};

const PATHS: [&str; 4] = [
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// The service that reflection lists besides those of the rules.
const HEALTH: &str = "grpc.health.v1.Health";
/// Most calls at a time of one connection: without a credential, nobody may take the room of all others.
const MOST_OF_ONE: usize = 16;

/// Health and reflection.
pub(crate) struct Surface {
    pub(crate) health: Health,
    health_routes: Routes,
    routes: ArcSwap<Routes>,
    room: Arc<Semaphore>,
}

/// A call that is answered here, counted until its answer was sent or given up.
pub(crate) struct Looking {
    _room: OwnedSemaphorePermit,
    _connection: Counted,
}

impl Surface {
    /// Without rules: not serving, and no services. Answers so many calls at a time.
    pub(crate) async fn new(most: usize) -> Self {
        let (reporter, server) = tonic_health::server::health_reporter();
        let health_routes = Routes::new(server);
        let routes = ArcSwap::from_pointee(health_routes.clone());
        let room = Arc::new(Semaphore::new(most));
        Self { health: Health::new(reporter).await, health_routes, routes, room }
    }

    /// Whether the path is one of those answered here. Paths match exactly.
    pub(crate) fn answers(path: &str) -> bool {
        PATHS.contains(&path)
    }

    /// Lets a call in, whoever calls: some of these calls last for minutes.
    pub(crate) fn enter(&self, connection: &Connection) -> Result<Looking, Fault> {
        let of_one = Counted::within(&connection.looking, 1, MOST_OF_ONE);
        match (of_one, self.room.clone().try_acquire_owned()) {
            (Some(of_one), Ok(room)) => Ok(Looking { _room: room, _connection: of_one }),
            (None, _) | (_, Err(_)) => Err(Reason::Overloaded.into()),
        }
    }

    /// Answers a call. What never ends by itself ends with the farewell.
    pub(crate) async fn answer(
        &self,
        request: Request<hyper::body::Incoming>,
        looking: Looking,
        farewell: Farewell,
    ) -> Response<Body> {
        let routes = Routes::clone(&self.routes.load());
        let answered: Result<_, Infallible> = routes.oneshot(request).await;
        let Ok(response) = answered;
        response.map(|body| Body::foreign(body, farewell, looking))
    }

    /// Shows the services of new rules.
    pub(crate) async fn show(&self, open: Vec<String>, descriptors: Vec<Bytes>) {
        match self.routes(&open, &descriptors) {
            Ok(routes) => self.routes.store(routes.into()),
            // The rules are in force all the same: reflection is a convenience.
            Err(error) => error!(%error, "reflection could not be built"),
        }
        self.health.open(open).await;
    }

    fn routes(
        &self,
        open: &[String],
        descriptors: &[Bytes],
    ) -> Result<Routes, tonic_reflection::server::Error> {
        let builder = || {
            let mut builder = tonic_reflection::server::Builder::configure();
            let ours = [tonic_health::pb::FILE_DESCRIPTOR_SET, lgsp_proto::ERROR_DETAILS];
            for set in descriptors.iter().map(Bytes::as_ref).chain(ours) {
                builder = builder.register_encoded_file_descriptor_set(set);
            }
            builder = builder.with_service_name(HEALTH);
            open.iter().fold(builder, |builder, service| builder.with_service_name(service))
        };
        let routes = self.health_routes.clone();
        let routes = routes.add_service(builder().build_v1()?).add_service(builder().build_v1alpha()?);
        Ok(routes.prepare())
    }
}

/// Services that callers may see.
pub(crate) fn open_services(rules: &Rules) -> Vec<String> {
    let open = rules
        .methods()
        .filter(|method| matches!(method.state, ServiceState::InUse | ServiceState::Deprecated));
    let names: std::collections::BTreeSet<String> = open.map(|method| method.service.to_string()).collect();
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[tokio::test]
    async fn one_connection_cannot_take_the_room_of_all_and_all_together_no_more_than_there_is() {
        let surface = Surface::new(MOST_OF_ONE + 1).await;
        let connection = || Connection::new(IpAddr::from([127, 0, 0, 1]), 0);
        let (one, other) = (connection(), connection());
        let held: Vec<Looking> = (0..MOST_OF_ONE).map(|_| surface.enter(&one).unwrap()).collect();
        assert_eq!(surface.enter(&one).err().map(|fault| fault.reason()), Some(Reason::Overloaded));
        let last = surface.enter(&other).unwrap();
        assert_eq!(surface.enter(&other).err().map(|fault| fault.reason()), Some(Reason::Overloaded));
        drop((held, last));
        assert!(surface.enter(&one).is_ok());
    }
}
