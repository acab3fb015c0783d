//! How an application calls: with its own key and connection, through the gateway, as any agency's system would.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use http::uri::PathAndQuery;
use lgsp_core::{ApplicationId, Outcome, Reason};
use lgsp_proto::registry::v1::registry_service_client::RegistryServiceClient;
use lgsp_proto::registry::v1::{ListServicesRequest, ServiceState};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Request, Status};
use tracing::warn;

use super::plan::{Case, Exchange};
use super::scenario::Expect;
use super::table::SCENARIOS;
use crate::cli::client::{Gateway, Key};
use crate::client::bearer::Bearer;
use crate::client::session::{GRACE, Session};
use crate::client::{Error, Failure, token::Signer};

/// How long an application waits for an answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// The applications of the table that have a key here.
pub struct Applications {
    sessions: BTreeMap<&'static str, Session>,
}

/// How an exchange ended.
pub struct End {
    /// As the exchange log has it.
    pub outcome: Outcome,
    /// Why it was not served, if the hub said so.
    pub reason: Option<Reason>,
}

impl Applications {
    /// Connects every application of the table. One without a key here, or without a connection, is left out.
    pub async fn connect(address: &str, data: &Path) -> Self {
        let mut sessions = BTreeMap::new();
        for application in of_table() {
            match session(application, address, data).await {
                Ok(session) => {
                    sessions.insert(application, session);
                }
                Err(error) => warn!(application, %error, "application left out of the sample traffic"),
            }
        }
        Self { sessions }
    }

    /// The services that the hub offers now, as any of the applications may ask.
    pub async fn offered(&self) -> Option<BTreeSet<String>> {
        let session = self.sessions.values().next()?;
        let request = session.request(ListServicesRequest::default(), Some(DEADLINE)).ok()?;
        let mut registry = RegistryServiceClient::new(session.channel.clone());
        let listed = tokio::time::timeout(DEADLINE + GRACE, registry.list_services(request)).await;
        let services = listed.ok()?.ok()?.into_inner().services;
        let in_use = |state| matches!(state, ServiceState::InUse | ServiceState::Deprecated);
        Some(services.into_iter().filter(|known| in_use(known.state())).map(|known| known.name).collect())
    }

    /// Makes an exchange of a case; `None` if its application is left out.
    pub async fn call(&self, case: &Case, exchange: &Exchange) -> Option<End> {
        let session = self.sessions.get(exchange.step.application)?;
        let served = tokio::time::timeout(DEADLINE + GRACE, call(session, case, exchange)).await;
        Some(match served {
            Ok(Ok(())) => End { outcome: Outcome::Served, reason: None },
            Ok(Err(status)) => End::of(&status),
            Err(_) => End { outcome: Outcome::TimedOut, reason: None },
        })
    }
}

impl End {
    fn of(status: &Status) -> Self {
        let reason = Failure::new(status, None).known_reason();
        // What the hub did not say itself is a connection that broke.
        Self { outcome: reason.map_or(Outcome::Failed, Reason::outcome), reason }
    }

    /// Whether it is how the table expects it.
    pub fn is_as(&self, expected: Expect) -> bool {
        match expected {
            Expect::Answer => matches!(self.outcome, Outcome::Served | Outcome::NotFound),
            Expect::Denied(reason) => self.reason == Some(reason),
            Expect::Invalid => self.outcome == Outcome::Invalid,
        }
    }
}

/// The applications of the table, each once.
pub fn of_table() -> BTreeSet<&'static str> {
    SCENARIOS.iter().flat_map(|scenario| scenario.steps).map(|step| step.application).collect()
}

async fn session(application: &str, address: &str, data: &Path) -> Result<Session, Error> {
    let id = ApplicationId::parse(application).expect("a test holds the table against the shipped rules");
    let key = Key { data: data.to_owned(), key: None, key_id: None };
    let gateway = Gateway { grpc: address.to_owned(), ca: None, cert: None, cert_key: None };
    Session::open(&gateway, Bearer::Signed(Signer::open(&id, &key)?)).await
}

/// Reads the answer to its end, and forgets it.
async fn call(session: &Session, case: &Case, exchange: &Exchange) -> Result<(), Status> {
    let path = PathAndQuery::try_from(format!("/{}", exchange.step.method));
    let path = path.map_err(|_| Status::internal("the method's name is no path"))?;
    let request = request(session, case, exchange)?;
    let mut answer = session.begin(path, exchange.method.output(), request).await?.into_inner();
    while answer.message().await?.is_some() {}
    Ok(())
}

fn request(
    session: &Session,
    case: &Case,
    exchange: &Exchange,
) -> Result<Request<prost_reflect::DynamicMessage>, Status> {
    let signed = session.request(exchange.request.clone(), Some(DEADLINE));
    let mut request = signed.map_err(|_| Status::internal("the token could not be signed"))?;
    let said = [("lgsp-purpose", exchange.step.purpose), ("lgsp-request-id", &exchange.request_id)];
    let of_case = case.metadata.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in of_case.chain(said) {
        let value = MetadataValue::<Ascii>::try_from(value);
        let value = value.map_err(|_| Status::internal("the plan wrote what is no metadata"))?;
        request.metadata_mut().insert(name, value);
    }
    Ok(request)
}
