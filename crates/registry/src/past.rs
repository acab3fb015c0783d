//! Tells what the registry held at a moment, and what gateways got of it.

use std::ops::Deref;
use std::sync::Arc;

use lgsp_core::time::micros;
use lgsp_core::{Fault, Reason, rule};
use lgsp_proto::registry::v1::history_service_server::HistoryService;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::moment::Moment as At;
use lgsp_proto::registry::v1::{
    Environment, GetRegistryRequest, GetRegistryResponse, GetSnapshotRequest, GetSnapshotResponse, Item,
    Moment, Person, Snapshot,
};
use prost::Message;
use tokio::sync::{Mutex, watch};
use tonic::{Request, Response, Status};

use crate::as_of::as_of;
use crate::asked::{Asked, answered, fill, invalid, page_size};
use crate::catalogue::Catalogue;
use crate::desk::Desk;
use crate::held::{ENVIRONMENTS, snapshots};
use crate::history::HistoryError;
use crate::occasion::not_yours;
use crate::person::ADMINISTRATOR;
use crate::register::Held;
use crate::service::Published;

/// Whoever is none of these is told of now, and of no person.
const OVERSEERS: [&str; 3] = ["operator", "auditor", ADMINISTRATOR];

/// What is held now, or was at another moment.
enum Told {
    Now(Arc<Held>),
    Then(Arc<Catalogue>),
}

impl Deref for Told {
    type Target = Catalogue;

    fn deref(&self) -> &Catalogue {
        match self {
            Self::Now(held) => &held.catalogue,
            Self::Then(catalogue) => catalogue,
        }
    }
}

/// The service, as the bus serves it.
#[derive(Debug)]
pub(crate) struct Past {
    desk: Desk,
    /// What is published: where files are the rules, all that there is.
    current: watch::Receiver<Option<Arc<Published>>>,
    environment: String,
    /// The past that was asked for last, for its next page. Whoever else asks waits: one past is held at a time.
    last: Mutex<Option<Arc<Catalogue>>>,
}

impl Past {
    pub fn new(desk: Desk, current: watch::Receiver<Option<Arc<Published>>>, environment: &str) -> Self {
        Self { desk, current, environment: environment.to_owned(), last: Mutex::default() }
    }

    async fn registry(
        &self,
        asked: Asked,
        request: GetRegistryRequest,
    ) -> Result<GetRegistryResponse, Fault> {
        let Ok(register) = self.desk.register() else { return self.of_files(&request) };
        let now = register.now();
        let caller = asked.person(&now.catalogue)?;
        let moment = request.as_of.unwrap_or_default();
        may_ask(caller, &moment)?;
        let (moment, after) = match page_of(&request.page_token)? {
            None => (moment, ""),
            Some((sequence, after)) => (Moment { moment: Some(At::Sequence(sequence)) }, after),
        };
        let catalogue = self.catalogue(&moment, &asked).await?;
        let page = self.page(&catalogue, catalogue.sequence, after, request.page_size, oversees(caller));
        Ok(GetRegistryResponse { caller: Some(caller.clone()), ..page })
    }

    /// What the files say, to whoever the rules let ask: no person decides here. Of what was before them nobody knows.
    fn of_files(&self, request: &GetRegistryRequest) -> Result<GetRegistryResponse, Fault> {
        let published = self.current.borrow().clone().ok_or(Reason::SourceUnavailable)?;
        let filed = published.filed.as_ref().ok_or(Reason::FilesDecide)?;
        let is_known = match request.as_of.as_ref().and_then(|as_of| as_of.moment.as_ref()) {
            None => true,
            Some(At::At(at)) => micros(at) >= filed.since_us,
            Some(At::Sequence(_) | At::Revision(_)) => false,
        };
        if !is_known {
            return Err(Reason::FilesDecide.into());
        }
        let after = match page_of(&request.page_token)? {
            None => "",
            // The files have changed since the page before.
            Some((revision, _)) if revision != filed.catalogue.revision => return Err(bad_token()),
            Some((_, after)) => after,
        };
        Ok(self.page(&filed.catalogue, filed.catalogue.revision, after, request.page_size, false))
    }

    /// The records after one, as many as an answer holds. The token of the next page names the catalogue by its `number`.
    fn page(
        &self,
        catalogue: &Catalogue,
        number: u64,
        after: &str,
        size: i32,
        with_persons: bool,
    ) -> GetRegistryResponse {
        let is_person = |item: &Of| matches!(item, Of::Person(_) | Of::PersonProposal(_));
        let told = |item: &Of| with_persons || !is_person(item);
        let rest = catalogue.items().filter(|(key, item)| key.as_str() > after && told(item));
        let rest = rest.map(|(key, of)| (key, Item { item: Some(of) }));
        let (found, more) = fill(rest, page_size(size), |(_, item)| item.encoded_len());
        let last = found.last().filter(|_| more).map(|(key, _)| format!("{number}:{key}"));
        GetRegistryResponse {
            items: found.into_iter().map(|(_, item)| item).collect(),
            next_page_token: last.unwrap_or_default(),
            sequence: catalogue.sequence,
            revision: catalogue.revision,
            environment: self.environment.clone(),
            caller: None,
        }
    }

    async fn snapshot(
        &self,
        asked: Asked,
        request: GetSnapshotRequest,
    ) -> Result<GetSnapshotResponse, Fault> {
        let now = self.desk.register()?.now();
        asked.person(&now.catalogue)?;
        let environment = match request.environment() {
            Environment::Unspecified => self.environment.as_str(),
            Environment::Production => "production",
            Environment::Sandbox => lgsp_core::SANDBOX,
        };
        let as_of = request.as_of.unwrap_or_default();
        let catalogue = self.catalogue(&as_of, &asked).await?;
        // A revision is what gateways had; else it is all that the registry holds.
        let catalogue = match as_of.moment {
            Some(At::Revision(_)) => catalogue.clone(),
            Some(At::At(_) | At::Sequence(_)) | None => catalogue.with_all_that_has_ended(),
        };
        let history = self.desk.register()?.history();
        let (snapshots, _) =
            snapshots(history, &catalogue, &now.contracts, asked.until).await.map_err(unavailable)?;
        let its = ENVIRONMENTS.into_iter().zip(snapshots).find(|(name, _)| *name == environment);
        let snapshot = its.map(|(_, snapshot)| Snapshot { revision: catalogue.revision, ..snapshot });
        Ok(GetSnapshotResponse { snapshot, sequence: catalogue.sequence })
    }

    /// What was held at a moment.
    async fn catalogue(&self, moment: &Moment, asked: &Asked) -> Result<Told, Fault> {
        let register = self.desk.register()?;
        let now = register.now();
        let wanted = match moment.moment {
            None => return Ok(Told::Now(now)),
            Some(At::Sequence(sequence)) if sequence == now.catalogue.sequence => return Ok(Told::Now(now)),
            Some(At::Sequence(sequence)) if sequence > now.catalogue.sequence => {
                return Err(invalid("as_of.sequence", rule!("is that of no change yet")));
            }
            Some(At::Sequence(sequence)) => Some(sequence),
            Some(At::At(_) | At::Revision(_)) => None,
        };
        let mut last = self.last.lock().await;
        if let Some(last) = last.as_ref().filter(|last| Some(last.sequence) == wanted) {
            return Ok(Told::Then(last.clone()));
        }
        let past = Arc::new(as_of(register.history(), moment, asked.until).await.map_err(unavailable)?);
        if matches!(moment.moment, Some(At::Revision(revision)) if revision != past.revision) {
            return Err(Reason::NotFound.into());
        }
        *last = Some(past.clone());
        Ok(Told::Then(past))
    }
}

/// The change or the revision of a page before, and its last key; `None`: there was none.
fn page_of(token: &str) -> Result<Option<(u64, &str)>, Fault> {
    if token.is_empty() {
        return Ok(None);
    }
    let (number, after) = token.split_once(':').ok_or_else(bad_token)?;
    Ok(Some((number.parse().map_err(|_| bad_token())?, after)))
}

fn bad_token() -> Fault {
    invalid("page_token", rule!("is no token of a page before"))
}

fn oversees(person: &Person) -> bool {
    person.roles.iter().any(|role| OVERSEERS.contains(&role.as_str()))
}

fn may_ask(person: &Person, moment: &Moment) -> Result<(), Fault> {
    if moment.moment.is_none() || oversees(person) {
        return Ok(());
    }
    Err(not_yours("as_of", rule!("of the past is told to operators, auditors and administrators")))
}

fn unavailable(error: HistoryError) -> Fault {
    Fault::new(Reason::SourceUnavailable).because(error)
}

#[tonic::async_trait]
impl HistoryService for Past {
    async fn get_registry(
        &self,
        request: Request<GetRegistryRequest>,
    ) -> Result<Response<GetRegistryResponse>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.registry(asked, request.into_inner()).await)
    }

    async fn get_snapshot(
        &self,
        request: Request<GetSnapshotRequest>,
    ) -> Result<Response<GetSnapshotResponse>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.snapshot(asked, request.into_inner()).await)
    }
}
