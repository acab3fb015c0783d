//! Answers who may ask what, takes decisions about it, and tells who decided.

use std::time::SystemTime;

use lgsp_core::time::{micros, timestamp, unix_micros};
use lgsp_core::{Caller, Fault, Grant, Purpose, Reason, Rules, permit, rule};
use lgsp_proto::registry::v1::decision_service_server::DecisionService;
use lgsp_proto::registry::v1::{
    Agreement, AgreementDecision, AgreementRecord, AgreementState, AllowedMethod, Application,
    CheckPermissionRequest, CheckPermissionResponse, ConfirmPersonRequest, DecideAgreementRequest,
    ListAgreementsRequest, ListAgreementsResponse, ListAllowedMethodsRequest, ListAllowedMethodsResponse,
    ListChangesRequest, ListChangesResponse, ListPersonsRequest, ListPersonsResponse,
    ProposeAgreementRequest, PutPersonRequest, PutPersonResponse, Quota,
};
use tonic::{Request, Response, Status};

use crate::as_of::changes_before;
use crate::asked::{Asked, answered, invalid, page};
use crate::decide::{Decision, Draft, Occasion, decide, propose};
use crate::desk::{Desk, Taken};
use crate::held::ENVIRONMENTS;
use crate::person::{confirm_person, put_person};
use crate::register::{Held, terms_do_not_hold};
use crate::sensitive;
use crate::settle::settle;

/// A service of the hub's own, whose owner operates it.
const OWN: &str = "lgsp.registry.v1.DecisionService";
/// An agreement that is valid for longer is told as long.
const LONG_VALIDITY_US: i64 = 5 * 366 * 86_400 * 1_000_000;

/// The service, as the bus serves it.
#[derive(Debug)]
pub(crate) struct Decisions {
    desk: Desk,
}

impl Decisions {
    pub fn new(desk: Desk) -> Self {
        Self { desk }
    }

    async fn propose(
        &self,
        asked: Asked,
        request: ProposeAgreementRequest,
    ) -> Result<AgreementDecision, Fault> {
        let terms = request.agreement.unwrap_or_default();
        let taken = self.desk.take(&asked, |held, occasion| {
            let draft = propose(&held.catalogue, terms.clone(), request.reason.clone(), occasion)?;
            // What could never come into force is refused here, and not when it is activated.
            would_hold(held, &terms)?;
            Ok(draft)
        });
        let taken = taken.await?;
        let last = taken.held.catalogue.versions(&terms.id).last();
        let version = last.and_then(|record| record.agreement.as_ref()).map_or(0, |terms| terms.version);
        decision(taken, &terms.id, version)
    }

    async fn decide(
        &self,
        asked: Asked,
        what: Decision,
        request: DecideAgreementRequest,
    ) -> Result<AgreementDecision, Fault> {
        let taken =
            self.desk.take(&asked, |held, occasion| decide(&held.catalogue, what, request.clone(), occasion));
        decision(taken.await?, &request.id, request.version)
    }

    fn agreements(&self, request: &ListAgreementsRequest) -> Result<ListAgreementsResponse, Fault> {
        let held = self.desk.register()?.now();
        let wanted = |record: &&AgreementRecord| {
            let Some(terms) = &record.agreement else { return false };
            let is = |asked: &str, value: &str| asked.is_empty() || asked == value;
            is(&request.id, &terms.id)
                && is(&request.application, &terms.application)
                && is(&request.service, &terms.service)
                && (request.stage == 0 || request.stage == record.stage)
                && key(record) > request.page_token
        };
        let found = held.catalogue.agreements().filter(wanted).map(|record| told(record, &held.rules));
        let (agreements, next_page_token) = page(found, request.page_size, key);
        Ok(ListAgreementsResponse { agreements, next_page_token })
    }

    async fn put_person(&self, asked: Asked, request: PutPersonRequest) -> Result<PutPersonResponse, Fault> {
        let mut person = request.person.unwrap_or_default();
        settle(&mut person.credentials, self.desk.register()?.environment());
        let put = |held: &Held, occasion: Occasion<'_>| {
            put_person(&held.catalogue, person.clone(), request.reason.clone(), occasion)
        };
        self.say_who(&asked, &person.id, put).await
    }

    async fn confirm_person(
        &self,
        asked: Asked,
        request: ConfirmPersonRequest,
    ) -> Result<PutPersonResponse, Fault> {
        let confirm =
            |held: &Held, occasion: Occasion<'_>| confirm_person(&held.catalogue, request.clone(), occasion);
        self.say_who(&asked, &request.id, confirm).await
    }

    async fn say_who(
        &self,
        asked: &Asked,
        id: &str,
        draft: impl Fn(&Held, Occasion<'_>) -> Result<Draft, Fault>,
    ) -> Result<PutPersonResponse, Fault> {
        let Taken { held, gateways_behind, .. } = self.desk.take(asked, draft).await?;
        let revision = held.catalogue.revision;
        let person = held.catalogue.person(id).cloned();
        let proposal = held.catalogue.person_proposal(id).cloned();
        Ok(PutPersonResponse { person, revision, gateways_behind, proposal })
    }

    fn persons(&self, request: &ListPersonsRequest) -> Result<ListPersonsResponse, Fault> {
        let held = self.desk.register()?.now();
        let is_wanted = |agency: &str| request.agency_code.is_empty() || request.agency_code == agency;
        let persons = held.catalogue.persons().filter(|person| is_wanted(&person.agency_code));
        let proposals = held
            .catalogue
            .person_proposals()
            .filter(|proposal| proposal.person.as_ref().is_some_and(|person| is_wanted(&person.agency_code)));
        Ok(ListPersonsResponse {
            persons: persons.cloned().collect(),
            proposals: proposals.cloned().collect(),
        })
    }

    fn check_permission(&self, request: &CheckPermissionRequest) -> Result<CheckPermissionResponse, Fault> {
        let held = self.desk.register()?.now();
        let application = held.rules.application(&request.application);
        let application = application.ok_or_else(|| invalid("application", rule!("names no application")))?;
        let method = held.rules.method(&format!("/{}", request.method));
        let method =
            method.ok_or_else(|| invalid("method", rule!("names no method of a service of the hub")))?;
        let purpose = match request.purpose.as_str() {
            "" => None,
            purpose => {
                Some(Purpose::parse(purpose).ok_or_else(|| invalid("purpose", rule!("is not well formed")))?)
            }
        };
        let at = request.at.as_ref().map_or_else(|| unix_micros(SystemTime::now()), micros);
        let caller = Caller { application: application.clone(), credential_sha256: [0; 32], person: None };
        let owner = |service: &str| {
            let service = held.catalogue.service(service);
            service.map(|service| service.owner_agency_code.as_str()).unwrap_or_default()
        };
        let permitted = permit(&held.rules, &caller, method, purpose.as_ref(), at);
        let is_the_hubs = permitted.as_ref().is_err_and(|fault| is_for_the_hub(fault.reason()));
        let agency = owner(if is_the_hubs { OWN } else { &method.service });
        let answer = CheckPermissionResponse {
            decided_by_agency_code: agency.to_owned(),
            decided_by_agency_name: held
                .catalogue
                .agency(agency)
                .map(|agency| agency.name_vi.clone())
                .unwrap_or_default(),
            ..CheckPermissionResponse::default()
        };
        Ok(match permitted {
            Ok(permit) => CheckPermissionResponse {
                granted: true,
                rule: rule_of(permit.grant.as_deref()),
                fields: permit.fields(),
                legal_basis: permit
                    .grant
                    .as_ref()
                    .map(|grant| grant.legal_basis.to_string())
                    .unwrap_or_default(),
                ..answer
            },
            Err(fault) => CheckPermissionResponse { rule: fault.reason().name().to_owned(), ..answer },
        })
    }

    /// What the caller itself may call; nothing of what others may.
    fn allowed(&self, application: &str) -> Result<ListAllowedMethodsResponse, Fault> {
        let held = self.desk.register()?.now();
        let now = unix_micros(SystemTime::now());
        let Some(application) = held.rules.application(application) else {
            return Ok(ListAllowedMethodsResponse::default());
        };
        let mut methods = Vec::new();
        for method in held.rules.methods() {
            let grants = held.rules.grants(&application.id, method).iter();
            let name = method.path.trim_start_matches('/');
            methods.extend(grants.filter(|grant| is_in_force(grant, now)).map(|grant| allowed(name, grant)));
        }
        methods.sort_by(|a, b| (&a.method, &a.agreement).cmp(&(&b.method, &b.agreement)));
        Ok(ListAllowedMethodsResponse { methods })
    }

    async fn changes(
        &self,
        asked: &Asked,
        request: &ListChangesRequest,
    ) -> Result<ListChangesResponse, Fault> {
        let before = match request.page_token.as_str() {
            "" => u64::MAX,
            token => {
                token.parse().map_err(|_| invalid("page_token", rule!("is no token of a page before")))?
            }
        };
        let changes = changes_before(self.desk.register()?.history(), before, request, asked.until).await;
        changes.map_err(|error| Fault::new(Reason::SourceUnavailable).because(error))
    }
}

fn decision(taken: Taken, id: &str, version: u32) -> Result<AgreementDecision, Fault> {
    let Taken { held, revision, gateways_behind } = taken;
    let record = held.catalogue.agreement(id, version).ok_or(Reason::NotFound)?;
    let record = told(record, &held.rules);
    let warnings = warnings(&record);
    Ok(AgreementDecision { agreement: Some(record), warnings, revision, gateways_behind })
}

/// Whether the terms would be rules if they were in force. What is only offered in the sandbox may be agreed on before it is in use,
/// and so may an application that is not connected yet.
fn would_hold(held: &Held, terms: &Agreement) -> Result<(), Fault> {
    let fits = |environment: &str| {
        let mut snapshot = held.catalogue.snapshot(environment);
        let is_it = |application: &Application| application.id == terms.application;
        // What it is not about holds already: to compile all of it would keep others waiting.
        snapshot.services.retain(|service| service.name == terms.service);
        snapshot.applications.retain(is_it);
        snapshot.persons.clear();
        if snapshot.applications.is_empty() {
            snapshot.applications.extend(held.catalogue.application(&terms.application).cloned());
        }
        snapshot.agreements = vec![Agreement { state: AgreementState::Active.into(), ..terms.clone() }];
        Rules::compile_with(&snapshot, &held.contracts, &held.pools).map(drop)
    };
    let [production, sandbox] = ENVIRONMENTS.map(fits);
    production.or(sandbox).map_err(|error| terms_do_not_hold(&error))
}

fn told(record: &AgreementRecord, rules: &Rules) -> AgreementRecord {
    let sensitive_fields =
        record.agreement.as_ref().map(|terms| sensitive::granted(terms, rules)).unwrap_or_default();
    AgreementRecord { sensitive_fields, ..record.clone() }
}

fn warnings(record: &AgreementRecord) -> Vec<String> {
    let mut warnings = Vec::new();
    if !record.sensitive_fields.is_empty() {
        warnings.push(format!("grants sensitive fields: {}", record.sensitive_fields.join(", ")));
    }
    let Some(terms) = &record.agreement else { return warnings };
    if terms.quota.as_ref().is_none_or(|quota| quota.per_second == 0 && quota.per_day == 0) {
        warnings.push("has no quota".to_owned());
    }
    let (from, to) = (terms.valid_from.as_ref().map_or(0, micros), terms.valid_to.as_ref().map_or(0, micros));
    if to.saturating_sub(from) > LONG_VALIDITY_US {
        warnings.push("is valid for more than five years".to_owned());
    }
    warnings
}

/// Whether it is the hub's operator who helps out of a refusal, and not the agency that owns the data.
fn is_for_the_hub(reason: Reason) -> bool {
    matches!(reason, Reason::ApplicationNotConnected | Reason::PurposeUnknown | Reason::RoleMissing)
}

fn rule_of(grant: Option<&Grant>) -> String {
    match grant {
        Some(grant) => format!("agreement {} version {}", grant.agreement, grant.version),
        None => "role".to_owned(),
    }
}

fn allowed(method: &str, grant: &Grant) -> AllowedMethod {
    let mut purposes: Vec<String> = grant.purposes.iter().map(ToString::to_string).collect();
    purposes.sort_unstable();
    AllowedMethod {
        method: method.to_owned(),
        purposes,
        fields: grant.fields.to_vec(),
        agreement: grant.agreement.to_string(),
        valid_to: Some(timestamp(grant.valid_to)),
        quota: Some(Quota { per_second: grant.per_second.unwrap_or(0), per_day: grant.per_day.unwrap_or(0) }),
    }
}

fn is_in_force(grant: &Grant, now: i64) -> bool {
    grant.state == AgreementState::Active && grant.valid_from <= now && now < grant.valid_to
}

/// Where a record stands in the order of the list, with its version in as many digits as any has.
fn key(record: &AgreementRecord) -> String {
    record.agreement.as_ref().map(|terms| format!("{}/{:010}", terms.id, terms.version)).unwrap_or_default()
}

#[tonic::async_trait]
impl DecisionService for Decisions {
    async fn propose_agreement(
        &self,
        request: Request<ProposeAgreementRequest>,
    ) -> Result<Response<AgreementDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.propose(asked, request.into_inner()).await)
    }

    async fn list_agreements(
        &self,
        request: Request<ListAgreementsRequest>,
    ) -> Result<Response<ListAgreementsResponse>, Status> {
        answered(self.agreements(request.get_ref()))
    }

    async fn put_person(
        &self,
        request: Request<PutPersonRequest>,
    ) -> Result<Response<PutPersonResponse>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.put_person(asked, request.into_inner()).await)
    }

    async fn confirm_person(
        &self,
        request: Request<ConfirmPersonRequest>,
    ) -> Result<Response<PutPersonResponse>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.confirm_person(asked, request.into_inner()).await)
    }

    async fn list_persons(
        &self,
        request: Request<ListPersonsRequest>,
    ) -> Result<Response<ListPersonsResponse>, Status> {
        answered(self.persons(request.get_ref()))
    }

    async fn check_permission(
        &self,
        request: Request<CheckPermissionRequest>,
    ) -> Result<Response<CheckPermissionResponse>, Status> {
        answered(self.check_permission(request.get_ref()))
    }

    async fn list_allowed_methods(
        &self,
        request: Request<ListAllowedMethodsRequest>,
    ) -> Result<Response<ListAllowedMethodsResponse>, Status> {
        answered(self.allowed(&Asked::of(request.extensions()).application))
    }

    async fn list_changes(
        &self,
        request: Request<ListChangesRequest>,
    ) -> Result<Response<ListChangesResponse>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.changes(&asked, request.get_ref()).await)
    }

    async fn approve_agreement(
        &self,
        request: Request<DecideAgreementRequest>,
    ) -> Result<Response<AgreementDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.decide(asked, Decision::Approve, request.into_inner()).await)
    }

    async fn refuse_agreement(
        &self,
        request: Request<DecideAgreementRequest>,
    ) -> Result<Response<AgreementDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.decide(asked, Decision::Refuse, request.into_inner()).await)
    }

    async fn activate_agreement(
        &self,
        request: Request<DecideAgreementRequest>,
    ) -> Result<Response<AgreementDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.decide(asked, Decision::Activate, request.into_inner()).await)
    }

    async fn suspend_agreement(
        &self,
        request: Request<DecideAgreementRequest>,
    ) -> Result<Response<AgreementDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.decide(asked, Decision::Suspend, request.into_inner()).await)
    }

    async fn revoke_agreement(
        &self,
        request: Request<DecideAgreementRequest>,
    ) -> Result<Response<AgreementDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.decide(asked, Decision::Revoke, request.into_inner()).await)
    }
}
