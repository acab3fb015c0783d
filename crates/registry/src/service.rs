//! Lists applications and data services, out of the rules that are published.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use lgsp_core::time::{micros, unix_micros};
use lgsp_core::{ApplicationId, Fault, Reason, Violation, descriptor_key};
use lgsp_proto::registry::v1::registry_service_server::RegistryService;
use lgsp_proto::registry::v1::{
    Agreement, AgreementState, Application, ApplicationSummary, Change, DataService, ListApplicationsRequest,
    ListApplicationsResponse, ListServicesRequest, ListServicesResponse, ServiceSummary, Snapshot,
};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use crate::catalogue::Catalogue;
use crate::rules::Checked;

const DEFAULT_PAGE: usize = 100;
const LARGEST_PAGE: usize = 500;

/// The rules that are published.
#[derive(Debug)]
pub(crate) struct Published {
    snapshot: Snapshot,
    /// Names of the methods of each service.
    methods: BTreeMap<String, Vec<String>>,
    /// What the files say altogether, where nothing else decides.
    pub filed: Option<Filed>,
}

/// The registry as its files have it. They have no past.
#[derive(Debug)]
pub(crate) struct Filed {
    /// As a store that begins with them would hold it.
    pub catalogue: Catalogue,
    /// When they were published here, Unix µs.
    pub since_us: i64,
}

impl Filed {
    /// Of rules that are published now.
    pub fn of(checked: &Checked, revision: u64, now_us: i64) -> Self {
        let first = Change { sequence: 1, edits: checked.first(), revision, ..Change::default() };
        let mut catalogue = Catalogue::default();
        catalogue.apply(&first).expect("the first change follows none");
        Self { catalogue, since_us: now_us }
    }
}

impl Published {
    /// What gateways get.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Reads the methods out of the contracts that the snapshot was checked with.
    pub fn new(snapshot: Snapshot, descriptors: &BTreeMap<String, Bytes>, filed: Option<Filed>) -> Self {
        let methods_of = |service: &DataService| {
            let set = descriptors.get(&descriptor_key(&service.descriptor_sha256))?;
            let descriptor = lgsp_proto::link(set).ok()?.get_service_by_name(&service.name)?;
            Some(descriptor.methods().map(|method| method.name().to_owned()).collect())
        };
        let named = |service: &DataService| (service.name.clone(), methods_of(service).unwrap_or_default());
        Self { methods: snapshot.services.iter().map(named).collect(), snapshot, filed }
    }
}

/// The registry's service, as the bus serves it.
#[derive(Debug)]
pub(crate) struct Service {
    current: watch::Receiver<Option<Arc<Published>>>,
}

impl Service {
    pub fn new(current: watch::Receiver<Option<Arc<Published>>>) -> Self {
        Self { current }
    }

    fn published(&self) -> Result<Arc<Published>, Fault> {
        let current = self.current.borrow().clone();
        current.ok_or_else(|| Reason::SourceUnavailable.into())
    }

    fn applications(&self, request: &ListApplicationsRequest) -> Result<ListApplicationsResponse, Fault> {
        let published = self.published()?;
        let snapshot = &published.snapshot;
        let after = after(&request.page_token, |token| ApplicationId::parse(token).is_some())?;
        let now = unix_micros(SystemTime::now());
        let rest = snapshot.applications.iter().filter(|application| application.id.as_str() > after);
        let mut page = rest.take(page_size(request.page_size) + 1).collect::<Vec<_>>();
        let next_page_token = cut(&mut page, page_size(request.page_size), |application| &application.id);
        let agencies = agency_names(snapshot);
        let summarise = |application: &Application| ApplicationSummary {
            id: application.id.clone(),
            name_vi: application.name_vi.clone(),
            name_en: application.name_en.clone(),
            agency_code: application.agency_code.clone(),
            agency_name: agencies
                .get(application.agency_code.as_str())
                .copied()
                .unwrap_or_default()
                .to_owned(),
            state: application.state,
            services: open_to(snapshot, &application.id, now),
            roles: application.roles.clone(),
            platform: application.platform,
        };
        Ok(ListApplicationsResponse {
            applications: page.into_iter().map(summarise).collect(),
            next_page_token,
        })
    }

    fn services(&self, request: &ListServicesRequest) -> Result<ListServicesResponse, Fault> {
        let published = self.published()?;
        let snapshot = &published.snapshot;
        let after = after(&request.page_token, is_service_name)?;
        let now = unix_micros(SystemTime::now());
        let rest = snapshot.services.iter().filter(|service| service.name.as_str() > after);
        let mut page = rest.take(page_size(request.page_size) + 1).collect::<Vec<_>>();
        let next_page_token = cut(&mut page, page_size(request.page_size), |service| &service.name);
        let agencies = agency_names(snapshot);
        let summarise = |service: &DataService| ServiceSummary {
            name: service.name.clone(),
            title_vi: service.title_vi.clone(),
            title_en: service.title_en.clone(),
            owner_agency_code: service.owner_agency_code.clone(),
            owner_agency_name: agencies
                .get(service.owner_agency_code.as_str())
                .copied()
                .unwrap_or_default()
                .to_owned(),
            state: service.state,
            platform: service.platform,
            methods: published.methods.get(&service.name).cloned().unwrap_or_default(),
            agreements: agreements_in_force(snapshot, &service.name, now),
            domain: service.domain.clone(),
        };
        Ok(ListServicesResponse { services: page.into_iter().map(summarise).collect(), next_page_token })
    }
}

#[tonic::async_trait]
impl RegistryService for Service {
    async fn list_applications(
        &self,
        request: Request<ListApplicationsRequest>,
    ) -> Result<Response<ListApplicationsResponse>, Status> {
        self.applications(request.get_ref()).map(Response::new).map_err(|fault| lgsp_bus::status(&fault))
    }

    async fn list_services(
        &self,
        request: Request<ListServicesRequest>,
    ) -> Result<Response<ListServicesResponse>, Status> {
        self.services(request.get_ref()).map(Response::new).map_err(|fault| lgsp_bus::status(&fault))
    }
}

/// The name after which a page begins.
fn after(token: &str, is_name: impl Fn(&str) -> bool) -> Result<&str, Fault> {
    if token.is_empty() || is_name(token) {
        return Ok(token);
    }
    let rule = "is no token of a page before".to_owned();
    Err(Fault::invalid(vec![Violation { field: "page_token".to_owned(), rule }]))
}

fn is_service_name(token: &str) -> bool {
    token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'))
}

fn page_size(asked: i32) -> usize {
    match usize::try_from(asked) {
        Ok(0) | Err(_) => DEFAULT_PAGE,
        Ok(asked) => asked.min(LARGEST_PAGE),
    }
}

/// Cuts a page that was read one entry too far, and returns the token of the next one.
fn cut<T>(page: &mut Vec<&T>, size: usize, name: impl Fn(&T) -> &String) -> String {
    if page.len() <= size {
        return String::new();
    }
    page.truncate(size);
    page.last().map(|last| name(last).clone()).unwrap_or_default()
}

fn agency_names(snapshot: &Snapshot) -> BTreeMap<&str, &str> {
    snapshot.agencies.iter().map(|agency| (agency.code.as_str(), agency.name_vi.as_str())).collect()
}

/// The data services that an agreement in force opens to an application.
fn open_to(snapshot: &Snapshot, application: &str, now: i64) -> Vec<String> {
    let in_force = snapshot.agreements.iter().filter(|agreement| is_in_force(agreement, now));
    let ours = in_force.filter(|agreement| agreement.application == application);
    let services: BTreeSet<&str> = ours.map(|agreement| agreement.service.as_str()).collect();
    services.into_iter().map(str::to_owned).collect()
}

fn agreements_in_force(snapshot: &Snapshot, service: &str, now: i64) -> i32 {
    let of_service = snapshot.agreements.iter().filter(|agreement| agreement.service == service);
    i32::try_from(of_service.filter(|agreement| is_in_force(agreement, now)).count()).unwrap_or(i32::MAX)
}

fn is_in_force(agreement: &Agreement, now: i64) -> bool {
    let from = agreement.valid_from.as_ref().map_or(0, micros);
    let to = agreement.valid_to.as_ref().map_or(i64::MAX, micros);
    agreement.state() == AgreementState::Active && from <= now && now < to
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Folder, check};

    fn service() -> Service {
        let checked = check(&Folder::of(crate::shipped().iter().copied()), "sandbox").unwrap();
        let published = Published::new(checked.snapshot, &checked.descriptors, None);
        Service::new(watch::Sender::new(Some(Arc::new(published))).subscribe())
    }

    fn applications(page_size: i32, page_token: &str) -> ListApplicationsResponse {
        let request = ListApplicationsRequest { page_size, page_token: page_token.to_owned() };
        service().applications(&request).unwrap()
    }

    #[test]
    fn pages_hold_every_application_once_in_their_order() {
        let all = applications(0, "").applications;
        assert_eq!(all.len(), 12);
        let (mut paged, mut token) = (Vec::new(), String::new());
        loop {
            let page = applications(5, &token);
            paged.extend(page.applications);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(paged, all);
        assert_eq!(applications(12, "").next_page_token, "");
    }

    #[test]
    fn an_application_is_told_with_its_agency_and_what_is_open_to_it_and_without_its_keys() {
        let all = applications(0, "").applications;
        let tthc = all.iter().find(|application| application.id == "tthc").unwrap();
        assert_eq!(tthc.agency_name, "Văn phòng UBND thành phố");
        let open = ["Business", "Education", "Health", "Land", "Population"];
        let open = open.map(|name| format!("lgsp.{}.v1.{name}Service", name.to_lowercase()));
        assert_eq!(tthc.services, open);
        let expired = all.iter().find(|application| application.id == "ketqua").unwrap();
        assert!(expired.services.is_empty());
    }

    #[test]
    fn a_service_is_told_with_its_owner_and_methods() {
        let services = service().services(&ListServicesRequest::default()).unwrap().services;
        let population = services.iter().find(|service| service.domain == "population").unwrap();
        assert_eq!(population.owner_agency_name, "Công an thành phố Cần Thơ");
        assert_eq!(population.methods, ["GetCitizen", "VerifyCitizen", "GetHousehold", "ListResidents"]);
        assert!(population.agreements > 0);
        assert!(services.iter().any(|service| service.platform && service.domain == "ledger"));
    }

    #[test]
    fn a_made_up_token_is_a_violation_and_no_rules_are_no_empty_list() {
        let request = ListApplicationsRequest { page_token: "Ünknown".to_owned(), ..Default::default() };
        assert_eq!(service().applications(&request).unwrap_err().reason(), Reason::InvalidField);
        let without = Service::new(watch::Sender::new(None).subscribe());
        let fault = without.applications(&ListApplicationsRequest::default()).unwrap_err();
        assert_eq!(fault.reason(), Reason::SourceUnavailable);
    }
}
