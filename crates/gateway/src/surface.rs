//! What the gateway answers itself, to anyone: health, reflection, and what describes its JSON face.
//!
//! Who shows a credential gets a list of the services that it opens; contracts are told to anyone, since they say what may be
//! agreed on and hold no data. Lists are made when they are asked for, and kept for all who may call the same.
//!
//! Reflection is built from the descriptor sets of the rules as they are encoded, because custom options would be lost
//! with every decoding, and built anew with every snapshot, because it cannot be changed. It also tells of health and of the
//! details of errors, which generic clients look up here.

use std::convert::Infallible;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response};
use lgsp_core::{Caller, Fault, Reason, Rules, is_callable, is_open_to};
use moka::sync::Cache;
use prost_reflect::{DescriptorPool, ServiceDescriptor};
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
/// Lists that are kept beside that of all services, until the rules change.
const MOST_LISTS: u64 = 64;
/// Most calls at a time of one connection: without a credential, nobody may take the room of all others.
const MOST_OF_ONE: usize = 16;

/// Health and reflection.
pub(crate) struct Surface {
    pub(crate) health: Health,
    health_routes: Routes,
    shown: ArcSwap<Shown>,
    room: Arc<Semaphore>,
}

/// What the rules in force have to show.
struct Shown {
    open: Vec<String>,
    contracts: Vec<DescriptorPool>,
    descriptors: Vec<Bytes>,
    /// With all services.
    routes: Routes,
    /// With some of them, by their names.
    narrowed: Cache<Vec<String>, Routes>,
    /// What describes services of the JSON face, by their names.
    described: Cache<Vec<String>, Bytes>,
}

impl Shown {
    fn new(routes: Routes) -> Self {
        Self {
            open: Vec::new(),
            contracts: Vec::new(),
            descriptors: Vec::new(),
            routes,
            narrowed: Cache::new(MOST_LISTS),
            described: Cache::new(MOST_LISTS),
        }
    }

    fn describe(&self, services: &[String]) -> Bytes {
        let find = |name: &String| self.contracts.iter().find_map(|pool| pool.get_service_by_name(name));
        let services: Vec<ServiceDescriptor> = services.iter().filter_map(find).collect();
        lgsp_face::openapi::document(&services, env!("CARGO_PKG_VERSION")).to_string().into()
    }
}

/// A call that is answered here, counted until its answer was sent or given up, and no list is made for it any more.
pub(crate) struct Looking {
    _room: OwnedSemaphorePermit,
    _connection: Counted,
}

impl Surface {
    /// Without rules: not serving, and no services. Answers so many calls at a time.
    pub(crate) async fn new(most: usize) -> Self {
        let (reporter, server) = tonic_health::server::health_reporter();
        let health_routes = Routes::new(server);
        let shown = ArcSwap::from_pointee(Shown::new(health_routes.clone()));
        let room = Arc::new(Semaphore::new(most));
        Self { health: Health::new(reporter).await, health_routes, shown, room }
    }

    /// Whether the path is one of those answered here. Paths match exactly.
    pub(crate) fn answers(path: &str) -> bool {
        PATHS.contains(&path)
    }

    /// Whether the path is one that lists services.
    pub(crate) fn lists(path: &str) -> bool {
        path.starts_with("/grpc.reflection.")
    }

    /// Lets a call in, whoever calls: some of these calls last for minutes.
    pub(crate) fn enter(&self, connection: &Connection) -> Result<Looking, Fault> {
        let of_one = Counted::within(&connection.looking, 1, MOST_OF_ONE);
        match (of_one, self.room.clone().try_acquire_owned()) {
            (Some(of_one), Ok(room)) => Ok(Looking { _room: room, _connection: of_one }),
            (None, _) | (_, Err(_)) => Err(Reason::Overloaded.into()),
        }
    }

    /// Answers a call, with these services alone if some are given. What never ends by itself ends with the farewell.
    pub(crate) async fn answer(
        &self,
        request: Request<hyper::body::Incoming>,
        looking: Looking,
        farewell: Farewell,
        services: Option<Vec<String>>,
    ) -> Result<Response<Body>, Fault> {
        let shown = self.shown.load_full();
        let (routes, looking) = match services {
            None => (shown.routes.clone(), looking),
            Some(services) => self.narrowed(&shown, services, looking).await?,
        };
        let answered: Result<_, Infallible> = routes.oneshot(request).await;
        let Ok(response) = answered;
        Ok(response.map(|body| Body::foreign(body, farewell, looking)))
    }

    /// Describes the JSON face of these services, or of all that there are. A description counts as a list does, and is kept like one.
    pub(crate) async fn description(
        &self,
        services: Option<Vec<String>>,
        looking: Looking,
    ) -> Result<(Bytes, Looking), Fault> {
        let shown = self.shown.load_full();
        let services = services.unwrap_or_else(|| shown.open.clone());
        if let Some(document) = shown.described.get(&services) {
            return Ok((document, looking));
        }
        let made = tokio::task::spawn_blocking(move || {
            let document = shown.described.get_with(services.clone(), || shown.describe(&services));
            (document, looking)
        });
        made.await.map_err(|_| Reason::Internal.into())
    }

    /// Shows the services of new rules.
    pub(crate) async fn show(
        &self,
        open: Vec<String>,
        contracts: Vec<DescriptorPool>,
        descriptors: Vec<Bytes>,
    ) {
        match routes(&self.health_routes, &open, &descriptors) {
            Ok(routes) => {
                let shown = Shown { open: open.clone(), contracts, descriptors, ..Shown::new(routes) };
                self.shown.store(shown.into());
            }
            // The rules are in force all the same: reflection is a convenience.
            Err(error) => error!(%error, "reflection could not be built"),
        }
        self.health.open(open).await;
    }

    /// The same for whoever may call only some of the services.
    ///
    /// A list that is being made is made to its end, and its call counts until then: who leaves and calls again would have ever more
    /// of them made at once. Who wants the same one waits for it.
    async fn narrowed(
        &self,
        shown: &Arc<Shown>,
        services: Vec<String>,
        looking: Looking,
    ) -> Result<(Routes, Looking), Fault> {
        if let Some(routes) = shown.narrowed.get(&services) {
            return Ok((routes, looking));
        }
        let (health, of) = (self.health_routes.clone(), shown.clone());
        let made = tokio::task::spawn_blocking(move || {
            let make = || routes(&health, &services, &of.descriptors).ok();
            let made = of.narrowed.optionally_get_with(services.clone(), make);
            // It was built with all services: it can be with some. Without a list there is none to show too much.
            (made.unwrap_or(health), looking)
        });
        made.await.map_err(|_| Reason::Internal.into())
    }
}

fn routes(
    health: &Routes,
    listed: &[String],
    descriptors: &[Bytes],
) -> Result<Routes, tonic_reflection::server::Error> {
    let builder = || {
        let mut builder = tonic_reflection::server::Builder::configure();
        let ours = [tonic_health::pb::FILE_DESCRIPTOR_SET, lgsp_proto::ERROR_DETAILS];
        for set in descriptors.iter().map(Bytes::as_ref).chain(ours) {
            builder = builder.register_encoded_file_descriptor_set(set);
        }
        builder = builder.with_service_name(HEALTH);
        listed.iter().fold(builder, |builder, service| builder.with_service_name(service))
    };
    let routes = health.clone();
    let routes = routes.add_service(builder().build_v1()?).add_service(builder().build_v1alpha()?);
    Ok(routes.prepare())
}

/// Services that callers may see.
pub(crate) fn open_services(rules: &Rules) -> Vec<String> {
    let open = rules.methods().filter(|method| is_callable(method.state, rules.environment()));
    names(open.map(|method| method.service.to_string()))
}

/// Services of which a caller may call a method now.
pub(crate) fn services_open_to(rules: &Rules, caller: &Caller, now: i64) -> Vec<String> {
    let open = rules.methods().filter(|method| is_open_to(rules, caller, method, now));
    names(open.map(|method| method.service.to_string()))
}

/// Each once, and in order.
fn names(services: impl Iterator<Item = String>) -> Vec<String> {
    services.collect::<std::collections::BTreeSet<String>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use futures::FutureExt;

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

    #[tokio::test(flavor = "multi_thread")]
    async fn a_list_is_made_once_and_counts_until_it_is_made_whoever_has_left() {
        let surface = Surface::new(2).await;
        let connection = Connection::new(IpAddr::from([127, 0, 0, 1]), 0);
        let shown = surface.shown.load_full();
        let services = vec![HEALTH.to_owned()];
        // Somebody is at it.
        let (made, makes) = std::sync::mpsc::sync_channel::<()>(1);
        let (of, key, health) = (shown.clone(), services.clone(), surface.health_routes.clone());
        let (begun, begins) = tokio::sync::oneshot::channel();
        let first = std::thread::spawn(move || {
            of.narrowed.optionally_get_with(key, || {
                let _ = begun.send(());
                let _ = makes.recv();
                Some(health)
            })
        });
        begins.await.unwrap();
        for _ in 0..2 {
            let looking = surface.enter(&connection).unwrap();
            let left = surface.narrowed(&shown, services.clone(), looking).now_or_never();
            assert!(left.is_none(), "it waits for the list");
        }
        assert!(surface.enter(&connection).is_err(), "who has left still counts");
        made.send(()).unwrap();
        first.join().unwrap();
        let all_over = async {
            while surface.room.available_permits() < 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), all_over).await.expect("nothing is left");
        assert_eq!(shown.narrowed.iter().count(), 1);
    }
}
