//! Answers calls about data services: takes their contracts in, takes decisions about their versions, and tells of them.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use lgsp_core::contract::{Contract, Problem};
use lgsp_core::time::{micros, unix_micros};
use lgsp_core::{Fault, Reason, descriptor_key, rule};
use lgsp_proto::registry::v1::catalogue_service_server::CatalogueService;
use lgsp_proto::registry::v1::{
    CheckServiceResponse, ContractProblem, DecideServiceRequest, DeprecateServiceRequest, GetContractRequest,
    GetContractResponse, ListServiceVersionsRequest, ListServiceVersionsResponse, RecordConformanceRequest,
    RegisterServiceRequest, ServiceDecision, ServiceRecord,
};
use prost::Message;
use prost_reflect::MethodDescriptor;
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use crate::asked::{Asked, answered, fill, page};
use crate::desk::{Desk, Taken};
use crate::examine::{Examined, described, examine};
use crate::held::key_of;
use crate::lifecycle::{Decision, agreements_of, decide, record_conformance, register};
use crate::occasion::violation;
use crate::register::Held;
use crate::versions::state;

/// Most problems of a contract that are told at once.
const MOST_PROBLEMS: usize = 1_000;

/// The service, as the bus serves it.
#[derive(Debug)]
pub(crate) struct Services {
    desk: Desk,
}

impl Services {
    pub fn new(desk: Desk) -> Self {
        Self { desk }
    }

    /// What is wrong with a contract; the sentences reach the caller, because this is an answer.
    async fn check(
        &self,
        asked: Asked,
        request: RegisterServiceRequest,
    ) -> Result<CheckServiceResponse, Fault> {
        let held = self.desk.register()?.now();
        let agency = asked.person(&held.catalogue)?.agency_code.clone();
        let sha256 = lgsp_proto::contract_sha256(&request.descriptor_set);
        let in_use = self.in_use(&held, &request.name, asked.until).await?;
        let compared_with =
            held.catalogue.services().in_use(&request.name).map_or(0, |record| record.version);
        let Examined { problems, breaks } = match Contract::read(&request.descriptor_set, &request.name) {
            Err(problem) => Examined { problems: vec![problem], breaks: Vec::new() },
            Ok(contract) => {
                let service = described(&contract, &request, &agency);
                examine(&held, &contract, &service, &request, in_use.as_ref())
            }
        };
        Ok(CheckServiceResponse {
            problems: first(problems),
            breaks: first(breaks),
            compared_with,
            descriptor_sha256: sha256.to_vec().into(),
        })
    }

    async fn add(&self, asked: &Asked, request: RegisterServiceRequest) -> Result<ServiceDecision, Fault> {
        let held = self.desk.register()?.now();
        asked.person(&held.catalogue)?;
        let contract = Contract::read(&request.descriptor_set, &request.name).map_err(|problem| {
            Fault::invalid(vec![violation("descriptor_set", rule!("is unfit: CheckService tells why"))])
                .because(problem.found)
        })?;
        let in_use = self.in_use(&held, &request.name, asked.until).await?;
        let compared = in_use.as_ref().map(|contract| contract.sha256.to_vec());
        let set = BTreeMap::from([(descriptor_key(&contract.sha256), request.descriptor_set.clone())]);
        let taken = self.desk.take_with(&set, asked, |held, occasion| {
            let service = described(&contract, &request, &occasion.person.agency_code);
            let known = held.catalogue.services().in_use(&service.name);
            let known = known.and_then(|record| record.service.as_ref());
            if known.map(|known| known.descriptor_sha256.to_vec()) != compared {
                // Another version was put in use meanwhile: what it would break is not known.
                return Err(Reason::Stale.into());
            }
            examine(held, &contract, &service, &request, in_use.as_ref()).accepted()?;
            register(&held.catalogue, service, request.reason.clone(), occasion)
        });
        let taken = taken.await?;
        let last = taken.held.catalogue.services().of(&request.name).next_back().map(|last| last.version);
        decision(taken, &request.name, last.unwrap_or(0))
    }

    async fn decide(
        &self,
        asked: &Asked,
        way: Decision,
        request: DecideServiceRequest,
    ) -> Result<ServiceDecision, Fault> {
        let taken =
            self.desk.take(asked, |held, occasion| decide(&held.catalogue, way, request.clone(), occasion));
        decision(taken.await?, &request.name, request.version)
    }

    async fn record(
        &self,
        asked: &Asked,
        request: RecordConformanceRequest,
    ) -> Result<ServiceDecision, Fault> {
        let (name, version, etag) = (request.name, request.version, request.etag);
        let conformance = request.conformance.unwrap_or_default();
        let held = self.desk.register()?.now();
        asked.person(&held.catalogue)?;
        let contract = self.contract(&held, &name, version, asked.until).await?;
        let contract = Contract::read(&contract, &name).map_err(|_| Reason::NotFound)?;
        let methods: Vec<String> = contract.service.methods().map(method_name).collect();
        let taken = self.desk.take(asked, |held, occasion| {
            let about = (name.as_str(), version, etag);
            record_conformance(&held.catalogue, about, conformance.clone(), &methods, occasion)
        });
        decision(taken.await?, &name, version)
    }

    fn versions(&self, request: &ListServiceVersionsRequest) -> Result<ListServiceVersionsResponse, Fault> {
        let held = self.desk.register()?.now();
        let wanted = |record: &&ServiceRecord| {
            let Some(service) = &record.service else { return false };
            let is = |asked: &str, value: &str| asked.is_empty() || asked == value;
            is(&request.name, &service.name)
                && is(&request.agency_code, &service.owner_agency_code)
                && (request.state == 0 || request.state() == state(record))
                && key(record) > request.page_token
        };
        let found = held.catalogue.services().all().filter(wanted).cloned();
        let (services, next_page_token) = page(found, request.page_size, key);
        Ok(ListServiceVersionsResponse { services, next_page_token })
    }

    async fn told_contract(
        &self,
        asked: &Asked,
        request: &GetContractRequest,
    ) -> Result<GetContractResponse, Fault> {
        let held = self.desk.register()?.now();
        let descriptor_set = self.contract(&held, &request.name, request.version, asked.until).await?;
        let descriptor_sha256 = lgsp_proto::contract_sha256(&descriptor_set).to_vec().into();
        Ok(GetContractResponse { descriptor_set, descriptor_sha256 })
    }

    /// The contract of the version that callers rely on now.
    async fn in_use(&self, held: &Held, name: &str, until: Instant) -> Result<Option<Contract>, Fault> {
        let Some(record) = held.catalogue.services().in_use(name) else { return Ok(None) };
        let set = self.contract(held, name, record.version, until).await?;
        Contract::read(&set, name).map(Some).map_err(|_| Reason::NotFound.into())
    }

    async fn contract(&self, held: &Held, name: &str, version: u32, until: Instant) -> Result<Bytes, Fault> {
        let record = held.catalogue.services().get(name, version).ok_or(Reason::NotFound)?;
        let service = record.service.as_ref().ok_or(Reason::NotFound)?;
        let key = key_of(service);
        if let Some(contract) = held.contracts.get(&key) {
            return Ok(contract.clone());
        }
        let kept = self.desk.register()?.history().contract(&key, until).await;
        let kept = kept.map_err(|error| Fault::new(Reason::SourceUnavailable).because(error))?;
        kept.ok_or_else(|| Reason::NotFound.into())
    }
}

fn decision(taken: Taken, name: &str, version: u32) -> Result<ServiceDecision, Fault> {
    let Taken { held, revision, gateways_behind } = taken;
    let record = held.catalogue.services().get(name, version).ok_or(Reason::NotFound)?;
    let agreements = agreements_of(&held.catalogue, name, unix_micros(SystemTime::now()));
    Ok(ServiceDecision { service: Some(record.clone()), agreements, revision, gateways_behind })
}

fn method_name(method: MethodDescriptor) -> String {
    method.name().to_owned()
}

/// As many as one answer carries; whoever has more mends these first.
fn first(problems: Vec<Problem>) -> Vec<ContractProblem> {
    let told = problems.into_iter().map(|problem| {
        let Problem { place, found, accepted } = problem;
        ContractProblem { place, problem: found, accepted }
    });
    fill(told, MOST_PROBLEMS, ContractProblem::encoded_len).0
}

/// Where a record stands in the order of the list, with its version in as many digits as any has.
fn key(record: &ServiceRecord) -> String {
    let name = record.service.as_ref().map(|service| service.name.as_str());
    format!("{}/{:010}", name.unwrap_or_default(), record.version)
}

#[tonic::async_trait]
impl CatalogueService for Services {
    async fn check_service(
        &self,
        request: Request<RegisterServiceRequest>,
    ) -> Result<Response<CheckServiceResponse>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.check(asked, request.into_inner()).await)
    }

    async fn register_service(
        &self,
        request: Request<RegisterServiceRequest>,
    ) -> Result<Response<ServiceDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.add(&asked, request.into_inner()).await)
    }

    async fn offer_in_sandbox(
        &self,
        request: Request<DecideServiceRequest>,
    ) -> Result<Response<ServiceDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.decide(&asked, Decision::Offer, request.into_inner()).await)
    }

    async fn record_conformance(
        &self,
        request: Request<RecordConformanceRequest>,
    ) -> Result<Response<ServiceDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.record(&asked, request.into_inner()).await)
    }

    async fn put_in_use(
        &self,
        request: Request<DecideServiceRequest>,
    ) -> Result<Response<ServiceDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.decide(&asked, Decision::PutInUse, request.into_inner()).await)
    }

    async fn refuse_service(
        &self,
        request: Request<DecideServiceRequest>,
    ) -> Result<Response<ServiceDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.decide(&asked, Decision::Refuse, request.into_inner()).await)
    }

    async fn withdraw_service(
        &self,
        request: Request<DecideServiceRequest>,
    ) -> Result<Response<ServiceDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.decide(&asked, Decision::Withdraw, request.into_inner()).await)
    }

    async fn deprecate_service(
        &self,
        request: Request<DeprecateServiceRequest>,
    ) -> Result<Response<ServiceDecision>, Status> {
        let asked = Asked::of(request.extensions());
        let DeprecateServiceRequest { name, version, etag, reason, retire_from } = request.into_inner();
        let decision = Decision::Deprecate(retire_from.as_ref().map_or(0, micros));
        answered(self.decide(&asked, decision, DecideServiceRequest { name, version, etag, reason }).await)
    }

    async fn retire_service(
        &self,
        request: Request<DecideServiceRequest>,
    ) -> Result<Response<ServiceDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.decide(&asked, Decision::Retire, request.into_inner()).await)
    }

    async fn list_service_versions(
        &self,
        request: Request<ListServiceVersionsRequest>,
    ) -> Result<Response<ListServiceVersionsResponse>, Status> {
        answered(self.versions(request.get_ref()))
    }

    async fn get_contract(
        &self,
        request: Request<GetContractRequest>,
    ) -> Result<Response<GetContractResponse>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.told_contract(&asked, request.get_ref()).await)
    }
}
