//! `lgsp service`: the life of data services.

mod bad;
mod check;
mod compile;
mod decide;
mod list;
mod openapi;
mod register;

use std::time::{Duration, Instant};

use lgsp_proto::registry::v1::catalogue_service_client::CatalogueServiceClient;
use lgsp_proto::registry::v1::{ListServiceVersionsRequest, ServiceRecord, ServiceState};
use tonic::transport::Channel;
use tonic::{Response, Status};

use super::bearer::Bearer;
use super::session::{GRACE, LARGEST_MESSAGE, Session};
use super::{Error, Lang};
use crate::cli::service::{Asker, Service, Version};

pub use compile::{Compiled, compile};

/// Time for one call about data services: a decision waits for the gateways to follow.
const DEADLINE: Duration = Duration::from_secs(10);

/// Pages of this size, and never more than this many of them.
const PAGE_SIZE: i32 = 200;
const MOST_PAGES: usize = 100;

/// Runs `lgsp service`.
///
/// # Errors
/// Whatever kept it from being done.
pub(crate) async fn run(command: &Service, lang: Lang) -> Result<(), Error> {
    match command {
        Service::Register(args) => register::run(args, lang).await,
        Service::Check(args) => check::run(args, lang).await,
        Service::List(args) => list::run(args, lang).await,
        Service::Openapi(args) => openapi::run(args).await,
        Service::Offer(_)
        | Service::Use(_)
        | Service::Refuse(_)
        | Service::Withdraw(_)
        | Service::Deprecate(_)
        | Service::Retire(_) => decide::run(command, lang).await,
    }
}

async fn open(asker: &Asker) -> Result<Session, Error> {
    let Asker { caller, gateway } = asker;
    let bearer = Bearer::open(caller.application.as_ref(), &caller.key, caller.token_file.as_deref())?;
    Session::open(gateway, bearer).await
}

fn client(session: &Session) -> CatalogueServiceClient<Channel> {
    CatalogueServiceClient::new(session.channel.clone()).max_decoding_message_size(LARGEST_MESSAGE)
}

/// Waits for an answer, but not for a gateway that keeps silent.
async fn answered<T>(
    session: &Session,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, Error> {
    let began = Instant::now();
    let patience = DEADLINE + GRACE;
    let answer =
        tokio::time::timeout(patience, call).await.map_err(|_| Error::NoAnswer { waited: patience })?;
    let answer = answer.map_err(|status| session.error(&status, None, began.elapsed()).of_the_hub())?;
    Ok(answer.into_inner())
}

/// All versions of a data service, or of all of them.
async fn versions(session: &Session, name: &str, agency_code: &str) -> Result<Vec<ServiceRecord>, Error> {
    let mut versions = Vec::new();
    let mut page_token = String::new();
    for _ in 0..MOST_PAGES {
        let page = ListServiceVersionsRequest {
            name: name.to_owned(),
            agency_code: agency_code.to_owned(),
            page_size: PAGE_SIZE,
            page_token,
            ..ListServiceVersionsRequest::default()
        };
        let request = session.request(page, Some(DEADLINE))?;
        let page = answered(session, client(session).list_service_versions(request)).await?;
        versions.extend(page.services);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(versions)
}

/// The version that is meant: the one that is named, or the last one at one of these stages.
async fn version(session: &Session, wanted: &Version, at: &[ServiceState]) -> Result<ServiceRecord, Error> {
    let versions = versions(session, &wanted.name, "").await?;
    let is_meant = |record: &&ServiceRecord| match wanted.number {
        Some(version) => record.version == version,
        None => at.contains(&state(record)),
    };
    let found = versions.iter().rev().find(is_meant).cloned();
    found.ok_or_else(|| Error::VersionUnknown {
        service: wanted.name.clone(),
        known: versions
            .iter()
            .map(|record| format!("{} ({})", record.version, word(state(record))))
            .collect(),
    })
}

fn state(record: &ServiceRecord) -> ServiceState {
    record.service.as_ref().map_or(ServiceState::Unspecified, |service| service.state())
}

fn word(state: ServiceState) -> String {
    super::words::service_state(state, Lang::En).text
}
