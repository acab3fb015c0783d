//! The gateway, as one of its callers: every question goes with the token of who asks.

use std::time::Duration;

use lgsp_proto::google::rpc;
use lgsp_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use lgsp_proto::ledger::v1::{
    CountTrafficRequest, Exchange, ExchangeFilter, ListExchangesRequest, TrafficCount,
};
use lgsp_proto::monitor::v1::monitor_service_client::MonitorServiceClient;
use lgsp_proto::monitor::v1::{
    AnnounceMaintenanceRequest, CancelMaintenanceRequest, FollowLinksRequest, GetLinkRequest,
    GetLinkResponse, Link, LinkChange, ListLinksRequest, ListMaintenanceRequest, Maintenance,
};
use lgsp_proto::registry::v1::credential_service_client::CredentialServiceClient;
use lgsp_proto::registry::v1::decision_service_client::DecisionServiceClient;
use lgsp_proto::registry::v1::registry_service_client::RegistryServiceClient;
use lgsp_proto::registry::v1::{
    AgreementRecord, ApplicationSummary, CredentialRecord, ListAgreementsRequest, ListApplicationsRequest,
    ListCredentialsRequest, ListServicesRequest, ServiceSummary,
};
use prost::Message;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::Bearer;

/// How long a question may take.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long the counts of a day may take.
const COUNT_PATIENCE: Duration = Duration::from_secs(20);
/// Most pages of a list that are read.
const MOST_PAGES: usize = 4;
/// Largest page of what is listed.
const PAGE: i32 = 200;
/// Longest text of the hub's that is shown.
const LONGEST_SHOWN: usize = 400;

/// A question that was not answered.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) kind: Refused,
    /// The method that was called: `MonitorService/ListLinks`.
    pub(crate) method: &'static str,
    /// The reason, as docs/errors.md has it; empty if the hub named none.
    pub(crate) reason: String,
    /// What the hub says of it, in both languages; empty if it says nothing.
    pub(crate) vi: String,
    pub(crate) en: String,
    /// The fields that are not as they have to be, each with its rule.
    pub(crate) fields: Vec<(String, String)>,
}

/// What kept it from being answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The hub does not know who asks, or not any more.
    Stranger,
    /// Their role does not open it.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// What was sent is not as it has to be.
    Invalid,
    /// The hub, or what is asked, cannot be reached now.
    Away,
}

impl Refusal {
    fn of(status: &Status, method: &'static str) -> Self {
        let details = rpc::Status::decode(status.details()).unwrap_or_default().details;
        let find = |name: &str| {
            let any = details.iter().find(|any| any.type_url.rsplit('/').next() == Some(name));
            any.map(|any| any.value.clone()).unwrap_or_default()
        };
        let error = rpc::ErrorInfo::decode(&*find("google.rpc.ErrorInfo")).unwrap_or_default();
        let vi = rpc::LocalizedMessage::decode(&*find("google.rpc.LocalizedMessage")).unwrap_or_default();
        let bad = rpc::BadRequest::decode(&*find("google.rpc.BadRequest")).unwrap_or_default();
        let kind = match status.code() {
            Code::Unauthenticated => Refused::Stranger,
            Code::PermissionDenied => Refused::Forbidden,
            Code::NotFound => Refused::NotFound,
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange | Code::AlreadyExists => {
                Refused::Invalid
            }
            _ => Refused::Away,
        };
        // What the hub did not say itself is a library's text, and tells nobody anything.
        let en = if error.reason.is_empty() { "" } else { status.message() };
        Self {
            kind,
            method,
            reason: error.reason,
            vi: short(&vi.message),
            en: short(en),
            fields: bad
                .field_violations
                .into_iter()
                .take(8)
                .map(|it| (short(&it.field), short(&it.description)))
                .collect(),
        }
    }

    fn unsigned(method: &'static str) -> Self {
        let empty = String::new;
        Self {
            kind: Refused::Stranger,
            method,
            reason: empty(),
            vi: empty(),
            en: empty(),
            fields: Vec::new(),
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST_SHOWN).collect()
}

/// The gateway. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    channel: Channel,
}

/// Makes a call of a client: its answer, or why there is none.
macro_rules! ask {
    ($self:ident, $client:ident, $method:ident, $bearer:expr, $name:literal, $message:expr) => {{
        let request = request($message, $bearer, PATIENCE).ok_or_else(|| Refusal::unsigned($name))?;
        let mut client = $client::new($self.channel.clone());
        answered($name, PATIENCE, client.$method(request)).await
    }};
}

impl Hub {
    pub(crate) fn new(channel: Channel) -> Self {
        Self { channel }
    }

    pub(crate) async fn links(&self, bearer: &dyn Bearer) -> Result<Vec<Link>, Refusal> {
        let told = ask!(
            self,
            MonitorServiceClient,
            list_links,
            bearer,
            "MonitorService/ListLinks",
            ListLinksRequest {}
        );
        Ok(told?.links)
    }

    /// A link with its changes since a moment.
    pub(crate) async fn link(
        &self,
        bearer: &dyn Bearer,
        id: &str,
        since_us: i64,
    ) -> Result<GetLinkResponse, Refusal> {
        let since = Some(lgsp_core::time::timestamp(since_us));
        let wanted = GetLinkRequest { id: id.to_owned(), since, until: None };
        ask!(self, MonitorServiceClient, get_link, bearer, "MonitorService/GetLink", wanted)
    }

    /// Changes of links from now on.
    pub(crate) async fn follow(
        &self,
        bearer: &dyn Bearer,
        longest: Duration,
    ) -> Result<Streaming<LinkChange>, Refusal> {
        const METHOD: &str = "MonitorService/FollowLinks";
        let request =
            request(FollowLinksRequest {}, bearer, longest).ok_or_else(|| Refusal::unsigned(METHOD))?;
        let mut client = MonitorServiceClient::new(self.channel.clone());
        answered(METHOD, PATIENCE, client.follow_links(request)).await
    }

    pub(crate) async fn maintenance(&self, bearer: &dyn Bearer) -> Result<Vec<Maintenance>, Refusal> {
        let wanted = ListMaintenanceRequest {};
        let told = ask!(
            self,
            MonitorServiceClient,
            list_maintenance,
            bearer,
            "MonitorService/ListMaintenance",
            wanted
        );
        Ok(told?.maintenance)
    }

    pub(crate) async fn announce(
        &self,
        bearer: &dyn Bearer,
        wanted: AnnounceMaintenanceRequest,
    ) -> Result<Maintenance, Refusal> {
        ask!(
            self,
            MonitorServiceClient,
            announce_maintenance,
            bearer,
            "MonitorService/AnnounceMaintenance",
            wanted
        )
    }

    pub(crate) async fn cancel(&self, bearer: &dyn Bearer, id: &str) -> Result<Maintenance, Refusal> {
        let wanted = CancelMaintenanceRequest { id: id.to_owned() };
        ask!(
            self,
            MonitorServiceClient,
            cancel_maintenance,
            bearer,
            "MonitorService/CancelMaintenance",
            wanted
        )
    }

    pub(crate) async fn applications(&self, bearer: &dyn Bearer) -> Result<Vec<ApplicationSummary>, Refusal> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        for _ in 0..MOST_PAGES {
            let wanted = ListApplicationsRequest { page_size: PAGE, page_token };
            let told = ask!(
                self,
                RegistryServiceClient,
                list_applications,
                bearer,
                "RegistryService/ListApplications",
                wanted
            )?;
            all.extend(told.applications);
            page_token = told.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        Ok(all)
    }

    pub(crate) async fn services(&self, bearer: &dyn Bearer) -> Result<Vec<ServiceSummary>, Refusal> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        for _ in 0..MOST_PAGES {
            let wanted = ListServicesRequest { page_size: PAGE, page_token };
            let told = ask!(
                self,
                RegistryServiceClient,
                list_services,
                bearer,
                "RegistryService/ListServices",
                wanted
            )?;
            all.extend(told.services);
            page_token = told.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        Ok(all)
    }

    pub(crate) async fn exchanges(
        &self,
        bearer: &dyn Bearer,
        filter: ExchangeFilter,
        most: i32,
    ) -> Result<Vec<Exchange>, Refusal> {
        let wanted =
            ListExchangesRequest { filter: Some(filter), page_size: most, page_token: String::new() };
        let told =
            ask!(self, LedgerServiceClient, list_exchanges, bearer, "LedgerService/ListExchanges", wanted);
        Ok(told?.exchanges)
    }

    pub(crate) async fn agreements(
        &self,
        bearer: &dyn Bearer,
        wanted: ListAgreementsRequest,
    ) -> Result<Vec<AgreementRecord>, Refusal> {
        let told = ask!(
            self,
            DecisionServiceClient,
            list_agreements,
            bearer,
            "DecisionService/ListAgreements",
            wanted
        );
        Ok(told?.agreements)
    }

    pub(crate) async fn credentials(
        &self,
        bearer: &dyn Bearer,
        application: &str,
    ) -> Result<Vec<CredentialRecord>, Refusal> {
        let wanted = ListCredentialsRequest {
            application: application.to_owned(),
            page_size: PAGE,
            ..ListCredentialsRequest::default()
        };
        let told = ask!(
            self,
            CredentialServiceClient,
            list_credentials,
            bearer,
            "CredentialService/ListCredentials",
            wanted
        );
        Ok(told?.credentials)
    }

    /// What came of the exchanges of a period, which begins and ends at a midnight.
    pub(crate) async fn traffic(
        &self,
        bearer: &dyn Bearer,
        (since_us, until_us): (i64, i64),
    ) -> Result<Vec<TrafficCount>, Refusal> {
        const METHOD: &str = "LedgerService/CountTraffic";
        let moment = |us| Some(lgsp_core::time::timestamp(us));
        let wanted = CountTrafficRequest {
            since: moment(since_us),
            until: moment(until_us),
            by_day: false,
            dossiers: false,
            forms: false,
        };
        let request = request(wanted, bearer, COUNT_PATIENCE).ok_or_else(|| Refusal::unsigned(METHOD))?;
        let mut client = LedgerServiceClient::new(self.channel.clone());
        let mut told = answered(METHOD, COUNT_PATIENCE, client.count_traffic(request)).await?;
        let mut counts = Vec::new();
        let read = async {
            while let Some(part) = told.message().await? {
                counts.extend(part.counts);
            }
            Ok(())
        };
        let late = |_| Err(Status::deadline_exceeded(""));
        let read = tokio::time::timeout(COUNT_PATIENCE, read).await.unwrap_or_else(late);
        read.map_err(|status| Refusal::of(&status, METHOD))?;
        Ok(counts)
    }
}

fn request<T>(message: T, bearer: &dyn Bearer, patience: Duration) -> Option<Request<T>> {
    let mut request = Request::new(message);
    let token: MetadataValue<Ascii> = format!("Bearer {}", bearer.token()?).parse().ok()?;
    request.metadata_mut().insert("authorization", token);
    request.set_timeout(patience);
    Some(request)
}

async fn answered<T>(
    method: &'static str,
    patience: Duration,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, Refusal> {
    // A gateway that hangs says nothing of its deadline.
    let late = |_| Err(Status::deadline_exceeded(""));
    let answer = tokio::time::timeout(patience + Duration::from_secs(1), call).await.unwrap_or_else(late);
    answer.map(Response::into_inner).map_err(|status| Refusal::of(&status, method))
}
