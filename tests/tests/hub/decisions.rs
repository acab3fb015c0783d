//! Agreements at run time: who proposes, approves and activates, and what gateways make of it.

use std::time::SystemTime;

use lgsp_core::Reason;
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_proto::business::v1::VerifyEnterpriseRequest;
use lgsp_proto::registry::v1::{
    Agreement, AgreementDecision, AgreementStage, CheckPermissionRequest, Credential, DecideAgreementRequest,
    Grant, ListAgreementsRequest, ListAllowedMethodsRequest, ListChangesRequest, Person,
    ProposeAgreementRequest,
};

use crate::caller::{Refusal, refused};
use crate::fixture::{City, DAY_US, PERSON, hub, key_of, propose};

const ID: &str = "tt-hotich-xacminh";
const PURPOSE: &str = "verify";
const METHOD: &str = "lgsp.population.v1.PopulationService/GetCitizen";

impl City {
    async fn propose(&self) -> AgreementDecision {
        let person = self.person("an.tuphap");
        let request = ProposeAgreementRequest { agreement: Some(terms()), reason: "births".to_owned() };
        person.decisions().propose_agreement(person.request(request)).await.expect("proposed").into_inner()
    }
}

/// Civil status, which justice owns, asks the police for a person: to verify.
fn terms() -> Agreement {
    let now = unix_micros(SystemTime::now());
    Agreement {
        id: ID.to_owned(),
        application: "hotich".to_owned(),
        service: "lgsp.population.v1.PopulationService".to_owned(),
        grants: vec![Grant {
            method: "GetCitizen".to_owned(),
            fields: vec!["citizen.full_name".to_owned(), "citizen.religion".to_owned()],
        }],
        purposes: vec![PURPOSE.to_owned()],
        valid_from: Some(timestamp(now - DAY_US)),
        valid_to: Some(timestamp(now + DAY_US)),
        legal_basis: "Luật Hộ tịch (giả định)".to_owned(),
        ..Agreement::default()
    }
}

fn about(decision: &AgreementDecision) -> DecideAgreementRequest {
    let record = decision.agreement.as_ref().unwrap();
    let terms = record.agreement.as_ref().unwrap();
    DecideAgreementRequest {
        id: terms.id.clone(),
        version: terms.version,
        etag: record.etag,
        reason: "as asked".to_owned(),
        legal_basis: "Nghị định 278/2025".to_owned(),
    }
}

fn fields(refusal: &Refusal) -> Vec<&str> {
    refusal.violations.iter().map(|(field, _)| field.as_str()).collect()
}

fn stage(decision: &AgreementDecision) -> AgreementStage {
    decision.agreement.as_ref().unwrap().stage()
}

#[tokio::test]
async fn three_persons_open_a_method_and_one_closes_it() {
    let city = Box::pin(City::start()).await;
    let app = city.hub.app("hotich").purpose(PURPOSE);
    refused(app.get_citizen(PERSON).await, Reason::PurposeNotAgreed);

    let proposed = city.propose().await;
    assert_eq!(stage(&proposed), AgreementStage::Proposed);
    assert!(proposed.warnings.iter().any(|warning| warning.contains("citizen.religion")), "{proposed:?}");
    let police = city.person("chi.congan");
    let approved = police.decisions().approve_agreement(police.request(about(&proposed))).await;
    let approved = approved.expect("approved").into_inner();
    refused(app.get_citizen(PERSON).await, Reason::PurposeNotAgreed);

    let operator = city.person("dung.vanhanh");
    let active = operator.decisions().activate_agreement(operator.request(about(&approved))).await;
    let active = active.expect("activated").into_inner();
    assert_eq!((stage(&active), active.gateways_behind.len()), (AgreementStage::Active, 0));
    let served = app.get_citizen(PERSON).await.expect("every gateway has it").into_inner();
    let citizen = served.citizen.unwrap();
    assert!(!citizen.full_name.is_empty());
    assert!(citizen.personal_number.is_empty(), "what was not agreed does not leave");

    let revoked = police.decisions().revoke_agreement(police.request(about(&active))).await;
    let revoked = revoked.expect("revoked").into_inner();
    assert!(revoked.gateways_behind.is_empty());
    refused(app.get_citizen(PERSON).await, Reason::AgreementSuspended);
}

#[tokio::test]
async fn a_denied_caller_learns_what_is_missing_and_whom_to_ask() {
    let app = hub().await.app("hotich");
    let denied = app.clone().purpose(PURPOSE).get_citizen(PERSON).await.unwrap_err();
    let told = "agreed are civil-status; Công an thành phố Cần Thơ (G01.30.92) decides";
    assert!(denied.message().ends_with(told), "{denied:?}");
    let request = VerifyEnterpriseRequest { enterprise_code: "1800000000".to_owned(), ..Default::default() };
    let missing = app.purpose(PURPOSE);
    let missing = missing.business().verify_enterprise(missing.request(request)).await.unwrap_err();
    assert!(missing.message().ends_with("(H13.05) decides"), "{missing:?}");
}

#[tokio::test]
async fn who_has_changed_what_and_why_is_told() {
    let city = Box::pin(City::start()).await;
    city.propose().await;
    let auditor = city.person("giam.sat");
    let request =
        ListChangesRequest { kind: "agreement".to_owned(), id: format!("{ID}/1"), ..Default::default() };
    let changes = auditor.decisions().list_changes(auditor.request(request)).await;
    let changes = changes.expect("told").into_inner().changes;
    assert_eq!(changes.len(), 1);
    let by = changes[0].by.as_ref().unwrap();
    assert_eq!((by.person.as_str(), by.agency_code.as_str()), ("an.tuphap", "H13.03"));
    assert_eq!((changes[0].action.as_str(), changes[0].reason.as_str()), ("propose-agreement", "births"));
    let exchange = lgsp_core::ExchangeId::parse(&changes[0].exchange_id);
    let entry = city.hub.final_entry(exchange).await;
    assert_eq!(entry.method, "ProposeAgreement", "what was decided is an exchange like any other");

    let all = auditor.decisions().list_changes(auditor.request(ListChangesRequest::default())).await;
    let all = all.expect("told").into_inner().changes;
    assert_eq!(all.last().map(|first| first.action.as_str()), Some("import"));
}

#[tokio::test]
async fn nobody_decides_for_another_office_nor_without_having_looked() {
    let city = Box::pin(City::start()).await;
    let proposed = city.propose().await;
    let justice = city.person("an.tuphap");
    let own = justice.decisions().approve_agreement(justice.request(about(&proposed))).await;
    refused(own, Reason::RoleMissing);
    city.put("ba.tuphap", "H13.03", "approver").await;
    let other = city.person("ba.tuphap");
    let wrong = other.decisions().approve_agreement(other.request(about(&proposed))).await;
    refused(wrong, Reason::NotYourAgency);
    let police = city.person("chi.congan");
    let stale = DecideAgreementRequest { etag: 1, ..about(&proposed) };
    refused(police.decisions().approve_agreement(police.request(stale)).await, Reason::Stale);
    // The tool alone is nobody.
    let tool = city.hub.app("dieu-hanh");
    let nobody = tool.decisions().activate_agreement(tool.request(about(&proposed))).await;
    refused(nobody, Reason::PersonMissing);
}

#[tokio::test]
async fn nobody_is_two_persons_and_the_last_administrator_stays() {
    let city = Box::pin(City::start()).await;
    let administrator = city.hub.administrator("admin-1");
    let put = async |person: Person| propose(&administrator, person).await;
    let twin = Credential {
        key_id: "twin-1".to_owned(),
        ed25519_public_key: key_of("an.tuphap").verifying_key().as_bytes().to_vec().into(),
        not_after: Some(timestamp(unix_micros(SystemTime::now()) + DAY_US)),
        ..Default::default()
    };
    let person = |id: &str, credentials| Person {
        id: id.to_owned(),
        agency_code: "H13.02".to_owned(),
        credentials,
        ..Default::default()
    };
    let twin = refused(put(person("twin", vec![twin])).await, Reason::InvalidField);
    assert_eq!(fields(&twin), ["person.credentials"]);
    let waits = put(person("admin-2", Vec::new())).await.expect("another administrator is there");
    assert_eq!(waits, None, "what takes something away is so at once");
    let last = refused(put(person("admin-1", Vec::new())).await, Reason::InvalidField);
    assert_eq!(fields(&last), ["person.roles"]);
}

#[tokio::test]
async fn where_the_files_are_the_rules_nothing_is_decided() {
    let app = hub().await.app("hotich");
    let asked = app.decisions().list_allowed_methods(app.request(ListAllowedMethodsRequest {})).await;
    refused(asked, Reason::FilesDecide);
}

#[tokio::test]
async fn what_would_be_decided_is_told_by_its_rule_and_office() {
    let city = Box::pin(City::start()).await;
    let operator = city.person("dung.vanhanh");
    let check = async |purpose: &str| {
        let request = CheckPermissionRequest {
            application: "hotich".to_owned(),
            method: METHOD.to_owned(),
            purpose: purpose.to_owned(),
            at: None,
        };
        operator.decisions().check_permission(operator.request(request)).await.expect("told").into_inner()
    };
    let granted = check("civil-status").await;
    assert!(granted.granted && granted.rule.starts_with("agreement tt-hotich-dancu"), "{granted:?}");
    let denied = check(PURPOSE).await;
    assert_eq!((denied.granted, denied.rule.as_str()), (false, "PURPOSE_NOT_AGREED"));
    assert_eq!(denied.decided_by_agency_code, "G01.30.92");
    let unknown = check("no-such-purpose").await;
    assert_eq!((unknown.granted, unknown.rule.as_str()), (false, "PURPOSE_UNKNOWN"));
    assert_eq!(unknown.decided_by_agency_code, "H13.02", "the operator keeps the list of purposes");

    let app = city.hub.app("hotich");
    let allowed = app.decisions().list_allowed_methods(app.request(ListAllowedMethodsRequest {})).await;
    let allowed = allowed.expect("told").into_inner().methods;
    assert!(allowed.iter().any(|method| method.method == METHOD), "{allowed:?}");
    assert!(allowed.iter().all(|method| method.agreement.starts_with("tt-hotich-")), "only its own");
}

#[tokio::test]
async fn terms_that_name_nothing_that_is_there_are_refused_field_by_field() {
    let city = Box::pin(City::start()).await;
    let person = city.person("an.tuphap");
    let unknown = Grant { method: "GetCitizen".to_owned(), fields: vec!["citizen.shoe_size".to_owned()] };
    let terms = Agreement { grants: vec![unknown], ..terms() };
    let request = ProposeAgreementRequest { agreement: Some(terms), reason: String::new() };
    let refusal =
        refused(person.decisions().propose_agreement(person.request(request)).await, Reason::InvalidField);
    assert_eq!(fields(&refusal), ["agreement.grants.fields.citizen.shoe_size"]);
    let request = ListAgreementsRequest { application: "hotich".to_owned(), ..Default::default() };
    let listed = person.decisions().list_agreements(person.request(request)).await.expect("told");
    let listed = listed.into_inner().agreements;
    assert!(listed.iter().all(|record| record.agreement.as_ref().unwrap().id != ID), "nothing was added");
    let by_id = async |id: &str| {
        let request = ListAgreementsRequest { id: id.to_owned(), ..Default::default() };
        let listed = person.decisions().list_agreements(person.request(request)).await.expect("told");
        let listed = listed.into_inner().agreements.into_iter();
        listed.map(|record| record.agreement.unwrap().id).collect::<Vec<_>>()
    };
    assert_eq!(by_id("tt-hotich-dancu").await, ["tt-hotich-dancu"]);
    assert!(by_id(ID).await.is_empty());
}
