//! Answers who asks to be connected, takes decisions about it, and tells what is not connected yet.

use std::cmp::Reverse;
use std::time::SystemTime;

use lgsp_core::time::{micros, unix_micros};
use lgsp_core::{Fault, Reason, rule};
use lgsp_proto::registry::v1::connection_service_server::ConnectionService;
use lgsp_proto::registry::v1::{
    AgreementStage, ConnectionDecision, ConnectionRecord, DecideConnectionRequest, ListConnectionsRequest,
    ListConnectionsResponse, ListSystemsRequest, ListSystemsResponse, PutNationalServiceRequest,
    PutNationalServiceResponse, PutSystemRequest, PutSystemResponse, RequestConnectionRequest, Step, System,
};
use tonic::{Request, Response, Status};

use crate::asked::{Asked, answered, invalid, page};
use crate::catalogue::Catalogue;
use crate::connection::{Decision, decide, is_overdue, request};
use crate::desk::{Desk, Taken};
use crate::national::put_national_service;
use crate::system::put_system;
use crate::working_days::Holidays;

/// How many working days a request may wait for its answer.
const WORKING_DAYS: u32 = 2;

/// The service, as the bus serves it.
#[derive(Debug)]
pub(crate) struct Connections {
    desk: Desk,
    holidays: Holidays,
}

impl Connections {
    pub fn new(desk: Desk, holidays: Holidays) -> Self {
        Self { desk, holidays }
    }

    async fn request(
        &self,
        asked: Asked,
        wanted: RequestConnectionRequest,
    ) -> Result<ConnectionDecision, Fault> {
        let taken = self.desk.take(&asked, |held, occasion| {
            let due = self.holidays.due(occasion.now, WORKING_DAYS);
            request(&held.catalogue, wanted.clone(), due, occasion)
        });
        decision(taken.await?, &wanted.id, &asked.exchange)
    }

    async fn decide(
        &self,
        asked: Asked,
        about: Decision,
        wanted: DecideConnectionRequest,
    ) -> Result<ConnectionDecision, Fault> {
        let taken =
            self.desk.take(&asked, |held, occasion| decide(&held.catalogue, about, wanted.clone(), occasion));
        decision(taken.await?, &wanted.id, &asked.exchange)
    }

    fn connections(&self, wanted: &ListConnectionsRequest) -> Result<ListConnectionsResponse, Fault> {
        let held = self.desk.register()?.now();
        let now = unix_micros(SystemTime::now());
        let is_wanted = |record: &&ConnectionRecord| {
            let Some(application) = &record.application else { return false };
            (wanted.stage == 0 || wanted.stage == application.state)
                && (wanted.id.is_empty() || wanted.id == application.id)
                && (wanted.agency_code.is_empty() || wanted.agency_code == application.agency_code)
                && (!wanted.overdue || is_overdue(record, now))
        };
        let mut found: Vec<&ConnectionRecord> =
            held.catalogue.holders().connections().filter(is_wanted).collect();
        // Stable: what was asked for at once, or never, stays in the order of ids.
        found.sort_by_key(|record| Reverse((is_overdue(record, now), asked_at(record))));
        let after = match wanted.page_token.as_str() {
            "" => 0,
            last => found.iter().position(|record| id(record) == last).ok_or_else(bad_token)? + 1,
        };
        let rest = found.into_iter().skip(after).map(|record| told(record, now));
        let (connections, next_page_token) = page(rest, wanted.page_size, |record| id(record).to_owned());
        Ok(ListConnectionsResponse { connections, next_page_token })
    }

    async fn put_system(&self, asked: Asked, wanted: PutSystemRequest) -> Result<PutSystemResponse, Fault> {
        let system = wanted.system.unwrap_or_default();
        let taken = self.desk.take(&asked, |held, occasion| {
            put_system(&held.catalogue, system.clone(), wanted.reason.clone(), occasion)
        });
        Ok(PutSystemResponse { system: taken.await?.held.catalogue.system(&system.id).cloned() })
    }

    async fn put_national_service(
        &self,
        asked: Asked,
        wanted: PutNationalServiceRequest,
    ) -> Result<PutNationalServiceResponse, Fault> {
        let service = wanted.service.unwrap_or_default();
        let taken = self.desk.take(&asked, |held, occasion| {
            put_national_service(&held.catalogue, service.clone(), wanted.reason.clone(), occasion)
        });
        let taken = taken.await?;
        Ok(PutNationalServiceResponse {
            service: taken.held.catalogue.national_service(&service.id).cloned(),
        })
    }

    fn systems(&self, wanted: &ListSystemsRequest) -> Result<ListSystemsResponse, Fault> {
        let held = self.desk.register()?.now();
        let is_wanted = |system: &&System| {
            (wanted.agency_code.is_empty() || wanted.agency_code == system.agency_code)
                && (wanted.include_connected || system.application.is_empty())
                && system.id > wanted.page_token
        };
        let found = held.catalogue.systems().filter(is_wanted).cloned();
        let (systems, next_page_token) = page(found, wanted.page_size, |system| system.id.clone());
        Ok(ListSystemsResponse { systems, next_page_token })
    }
}

fn decision(taken: Taken, application: &str, exchange: &str) -> Result<ConnectionDecision, Fault> {
    let record = taken.held.catalogue.holders().connection(application).ok_or(Reason::NotFound)?;
    Ok(ConnectionDecision {
        connection: Some(told(record, unix_micros(SystemTime::now()))),
        warnings: ended_by(&taken.held.catalogue, exchange),
        revision: taken.revision,
        gateways_behind: taken.gateways_behind,
    })
}

/// The agreements and credentials that ended with the decision of an exchange.
fn ended_by(catalogue: &Catalogue, exchange: &str) -> Vec<String> {
    let by_it = |step: &Option<Step>| step.as_ref().is_some_and(|step| step.exchange_id == exchange);
    let agreements = catalogue.agreements().filter(|record| by_it(&record.ended)).filter_map(|record| {
        let terms = record.agreement.as_ref()?;
        let what = if record.stage() == AgreementStage::Refused { "refused" } else { "revoked" };
        Some(format!("agreement {} version {} is {what}", terms.id, terms.version))
    });
    let credentials = catalogue.holders().credentials().filter(|record| by_it(&record.revoked));
    agreements.chain(credentials.map(|record| format!("credential {} is revoked", record.id))).collect()
}

fn told(record: &ConnectionRecord, now: i64) -> ConnectionRecord {
    ConnectionRecord { overdue: is_overdue(record, now), ..record.clone() }
}

fn asked_at(record: &ConnectionRecord) -> i64 {
    record.requested.as_ref().and_then(|step| step.at.as_ref()).map_or(0, micros)
}

fn id(record: &ConnectionRecord) -> &str {
    record.application.as_ref().map(|application| application.id.as_str()).unwrap_or_default()
}

fn bad_token() -> Fault {
    invalid("page_token", rule!("is no token of a page before"))
}

/// How many requests wait for their answer at a moment (Unix µs) when they are due.
pub(crate) fn overdue(catalogue: &Catalogue, now: i64) -> usize {
    catalogue.holders().connections().filter(|record| is_overdue(record, now)).count()
}

#[tonic::async_trait]
impl ConnectionService for Connections {
    async fn request_connection(
        &self,
        request: Request<RequestConnectionRequest>,
    ) -> Result<Response<ConnectionDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.request(asked, request.into_inner()).await)
    }

    async fn approve_connection(
        &self,
        request: Request<DecideConnectionRequest>,
    ) -> Result<Response<ConnectionDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.decide(asked, Decision::Approve, request.into_inner()).await)
    }

    async fn refuse_connection(
        &self,
        request: Request<DecideConnectionRequest>,
    ) -> Result<Response<ConnectionDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.decide(asked, Decision::Refuse, request.into_inner()).await)
    }

    async fn connect(
        &self,
        request: Request<DecideConnectionRequest>,
    ) -> Result<Response<ConnectionDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.decide(asked, Decision::Connect, request.into_inner()).await)
    }

    async fn suspend_application(
        &self,
        request: Request<DecideConnectionRequest>,
    ) -> Result<Response<ConnectionDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.decide(asked, Decision::Suspend, request.into_inner()).await)
    }

    async fn resume_application(
        &self,
        request: Request<DecideConnectionRequest>,
    ) -> Result<Response<ConnectionDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.decide(asked, Decision::Resume, request.into_inner()).await)
    }

    async fn retire_application(
        &self,
        request: Request<DecideConnectionRequest>,
    ) -> Result<Response<ConnectionDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.decide(asked, Decision::Retire, request.into_inner()).await)
    }

    async fn list_connections(
        &self,
        request: Request<ListConnectionsRequest>,
    ) -> Result<Response<ListConnectionsResponse>, Status> {
        answered(self.connections(request.get_ref()))
    }

    async fn put_system(
        &self,
        request: Request<PutSystemRequest>,
    ) -> Result<Response<PutSystemResponse>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.put_system(asked, request.into_inner()).await)
    }

    async fn list_systems(
        &self,
        request: Request<ListSystemsRequest>,
    ) -> Result<Response<ListSystemsResponse>, Status> {
        answered(self.systems(request.get_ref()))
    }

    async fn put_national_service(
        &self,
        request: Request<PutNationalServiceRequest>,
    ) -> Result<Response<PutNationalServiceResponse>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.put_national_service(asked, request.into_inner()).await)
    }
}
