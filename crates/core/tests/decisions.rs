//! What the rules decide, over the real contract of the population service.

use std::collections::BTreeMap;

use bytes::Bytes;
use lgsp_core::time::timestamp;
use lgsp_core::{
    Bound, Caller, CertificateName, Kind, Plan, Purpose, Reason, Rules, RulesError, Subject, descriptor_key,
    permit,
};
use lgsp_proto::registry::v1::certificate::KnownBy;
use lgsp_proto::registry::v1::{
    Agreement, AgreementState, Application, ApplicationState, Certificate, Credential, DataService,
    Environment, Grant, Quota, Role, ServiceState, Snapshot,
};

const SERVICE: &str = "lgsp.population.v1.PopulationService";
const LEDGER: &str = "lgsp.ledger.v1.LedgerService";
const NOW: i64 = 1_780_300_000_000_000;
const DAY: i64 = 86_400_000_000;

fn service(name: &str, platform: bool) -> (DataService, (String, Bytes)) {
    let set = Bytes::from_static(lgsp_proto::descriptor_set_of(name).expect("a service of the hub"));
    let digest = lgsp_core::entry::sha256(&set);
    let service = DataService {
        name: name.to_owned(),
        state: ServiceState::InUse.into(),
        descriptor_sha256: Bytes::copy_from_slice(&digest),
        domain: "population".to_owned(),
        platform,
        ..Default::default()
    };
    (service, (descriptor_key(&digest), set))
}

fn snapshot() -> (Snapshot, BTreeMap<String, Bytes>) {
    let (population, population_set) = service(SERVICE, false);
    let (ledger, ledger_set) = service(LEDGER, true);
    let application = |id: &str, state: ApplicationState, roles: &[&str]| Application {
        id: id.to_owned(),
        state: state.into(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ..Default::default()
    };
    let purpose =
        |code: &str| lgsp_proto::registry::v1::Purpose { code: code.to_owned(), ..Default::default() };
    let snapshot = Snapshot {
        revision: 3,
        services: vec![population, ledger],
        purposes: vec![purpose("prefill"), purpose("statistics")],
        applications: vec![
            application("tthc", ApplicationState::Connected, &[]),
            application("dieu-hanh", ApplicationState::Connected, &["operator"]),
            application("cu", ApplicationState::Suspended, &[]),
        ],
        roles: vec![Role {
            name: "operator".to_owned(),
            methods: vec![format!("{LEDGER}/ListExchanges")],
            etag: 0,
        }],
        agreements: vec![agreement(
            "TT-1",
            &["prefill"],
            &["citizen.full_name", "citizen.permanent_address.ward"],
        )],
        ..Default::default()
    };
    (snapshot, [population_set, ledger_set].into())
}

fn agreement(id: &str, purposes: &[&str], fields: &[&str]) -> Agreement {
    Agreement {
        id: id.to_owned(),
        version: 1,
        application: "tthc".to_owned(),
        service: SERVICE.to_owned(),
        grants: vec![Grant {
            method: "GetCitizen".to_owned(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        }],
        purposes: purposes.iter().map(|purpose| (*purpose).to_owned()).collect(),
        valid_from: Some(timestamp(NOW - DAY)),
        valid_to: Some(timestamp(NOW + DAY)),
        legal_basis: "assumed".to_owned(),
        quota: Some(Quota { per_second: 10, per_day: 0 }),
        state: AgreementState::Active.into(),
        ..Default::default()
    }
}

fn compiled(change: impl FnOnce(&mut Snapshot)) -> Rules {
    let (mut snapshot, descriptors) = snapshot();
    change(&mut snapshot);
    Rules::compile(&snapshot, &descriptors).expect("the rules hold together")
}

fn decide(
    rules: &Rules,
    application: &str,
    method: &str,
    purpose: Option<&str>,
    now: i64,
) -> Result<lgsp_core::Permit, Reason> {
    let caller = Caller {
        application: rules.application(application).expect("a known application").clone(),
        credential_sha256: [0; 32],
        person: None,
    };
    let method = rules.method(method).expect("a known method");
    let purpose = purpose.map(|code| Purpose::parse(code).expect("well formed"));
    permit(rules, &caller, method, purpose.as_ref(), now).map_err(|fault| fault.reason())
}

const GET: &str = "/lgsp.population.v1.PopulationService/GetCitizen";
const HOUSEHOLD: &str = "/lgsp.population.v1.PopulationService/GetHousehold";
const LIST: &str = "/lgsp.ledger.v1.LedgerService/ListExchanges";

#[test]
fn what_no_rule_opens_is_refused_with_what_is_missing() {
    let rules = compiled(|_| {});
    let check = |application, method, purpose, now, expected: Reason| {
        assert_eq!(decide(&rules, application, method, purpose, now).err(), Some(expected));
    };
    check("tthc", GET, None, NOW, Reason::PurposeMissing);
    check("tthc", GET, Some("fishing"), NOW, Reason::PurposeUnknown);
    check("tthc", GET, Some("statistics"), NOW, Reason::PurposeNotAgreed);
    check("tthc", HOUSEHOLD, Some("prefill"), NOW, Reason::AgreementMissing);
    check("tthc", GET, Some("prefill"), NOW + DAY, Reason::AgreementExpired);
    check("tthc", GET, Some("prefill"), NOW - DAY - 1, Reason::AgreementNotYetValid);
    check("tthc", LIST, None, NOW, Reason::RoleMissing);
    check("cu", GET, Some("prefill"), NOW, Reason::ApplicationNotConnected);
    check("dieu-hanh", GET, Some("prefill"), NOW, Reason::AgreementMissing);
}

#[test]
fn an_agreement_grants_its_fields_and_a_role_grants_the_whole_answer() {
    let rules = compiled(|_| {});
    let permit = decide(&rules, "tthc", GET, Some("prefill"), NOW).expect("agreed");
    assert_eq!(permit.fields(), ["citizen.full_name", "citizen.permanent_address.ward"]);
    assert_eq!(permit.grant.and_then(|grant| grant.per_second), Some(10));
    let permit = decide(&rules, "dieu-hanh", LIST, None, NOW).expect("the role opens it");
    assert!(permit.grant.is_none());
}

#[test]
fn a_suspended_agreement_says_so_even_beside_an_expired_one() {
    let rules = compiled(|snapshot| {
        let mut suspended = agreement("TT-2", &["prefill"], &["*"]);
        suspended.state = AgreementState::Suspended.into();
        snapshot.agreements[0].valid_to = Some(timestamp(NOW));
        snapshot.agreements.push(suspended);
    });
    assert_eq!(decide(&rules, "tthc", GET, Some("prefill"), NOW).err(), Some(Reason::AgreementSuspended));
}

#[test]
fn of_several_agreements_the_one_in_force_for_the_purpose_decides() {
    let rules =
        compiled(|snapshot| snapshot.agreements.push(agreement("TT-2", &["statistics"], &["citizen.sex"])));
    let permit = decide(&rules, "tthc", GET, Some("statistics"), NOW).expect("agreed");
    assert_eq!(permit.grant.map(|grant| grant.agreement.to_string()), Some("TT-2".to_owned()));
}

#[test]
fn half_a_set_of_rules_is_no_set_of_rules() {
    let refused = |change: fn(&mut Snapshot)| {
        let (mut snapshot, descriptors) = snapshot();
        change(&mut snapshot);
        Rules::compile(&snapshot, &descriptors).expect_err("it does not hold together")
    };
    let error =
        refused(|snapshot| snapshot.agreements[0].grants[0].fields.push("citizen.shoe_size".to_owned()));
    assert!(matches!(error, RulesError::Mask { .. }), "{error}");
    let error = refused(|snapshot| snapshot.agreements[0].purposes.push("fishing".to_owned()));
    assert!(error.to_string().contains("fishing"), "{error}");
    let error = refused(|snapshot| snapshot.services[0].descriptor_sha256 = Bytes::from_static(&[0; 32]));
    assert!(matches!(error, RulesError::DescriptorMissing { .. }), "{error}");
    let error = refused(|snapshot| snapshot.agreements[0].service = LEDGER.to_owned());
    assert!(matches!(error, RulesError::Invalid { .. }), "{error}");
}

fn plan(fields: &[&str]) -> Plan {
    let response =
        lgsp_proto::pool().get_message_by_name("lgsp.population.v1.GetCitizenResponse").expect("known");
    let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
    Plan::compile(&response, &fields).expect("the fields exist")
}

fn below(plan: &Plan, node: usize, number: u32) -> usize {
    match plan.node(node).field(number).expect("granted").kind {
        Kind::Message(index) => index,
        other => panic!("field {number} is {other:?}"),
    }
}

#[test]
fn a_path_grants_all_below_it_and_nothing_beside_it() {
    let plan = plan(&["citizen.permanent_address", "citizen.personal_number"]);
    let citizen = below(&plan, Plan::ROOT, 1);
    assert_eq!(plan.node(citizen).fields().iter().map(|field| field.number).collect::<Vec<_>>(), [1, 13]);
    assert_eq!(plan.node(citizen).field(1).and_then(|field| field.subject), Some(Subject::Person));
    let address = below(&plan, citizen, 13);
    assert_eq!(plan.node(address).fields().len(), 3);
}

#[test]
fn a_star_grants_what_the_contract_knows_and_no_more() {
    let plan = plan(&["*"]);
    let citizen = below(&plan, Plan::ROOT, 1);
    assert!(plan.node(citizen).field(29).is_some());
    assert!(plan.node(citizen).field(30).is_none());
}

#[test]
fn every_violated_field_is_named_and_no_value_is() {
    let rules = compiled(|_| {});
    let verify = rules.method("/lgsp.population.v1.PopulationService/VerifyCitizen").expect("known");
    let request = lgsp_proto::population::v1::VerifyCitizenRequest {
        personal_number: "0920".to_owned(),
        old_identity_number: "12".to_owned(),
        full_name: "x".repeat(101),
        ..Default::default()
    };
    let fault = verify.checks.request(&prost::Message::encode_to_vec(&request)).expect_err("it is invalid");
    let named: Vec<&str> = fault.violations().iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(named, ["personal_number", "full_name", "old_identity_number"]);
    assert!(
        fault.violations().iter().all(|violation| !violation.rule.contains("0920")),
        "{:?}",
        fault.violations()
    );
}

#[test]
fn a_choice_of_fields_needs_one_of_them() {
    let rules = compiled(|_| {});
    let household = rules.method(HOUSEHOLD).expect("known");
    let fault = household.checks.request(&[]).expect_err("no key is given");
    assert_eq!(fault.violations()[0].rule, "one of household_number, personal_number is required");
}

#[test]
fn a_request_tells_whom_it_asks_about() {
    let rules = compiled(|_| {});
    let request =
        lgsp_proto::population::v1::GetCitizenRequest { personal_number: "092088000017".to_owned() };
    let get = rules.method(GET).expect("known");
    let subjects = get.checks.request(&prost::Message::encode_to_vec(&request)).expect("valid");
    assert_eq!(subjects.len(), 1);
    assert!(subjects[0].asked && subjects[0].kind == Subject::Person);
}

#[test]
fn bytes_that_are_no_message_are_malformed() {
    let rules = compiled(|_| {});
    let get = rules.method(GET).expect("known");
    assert_eq!(get.checks.request(&[0x0a, 0xff]).expect_err("cut short").reason(), Reason::Malformed);
}

fn certificate(known_by: KnownBy) -> Certificate {
    Certificate {
        known_by: Some(known_by),
        not_before: Some(timestamp(NOW - DAY)),
        not_after: Some(timestamp(NOW + DAY)),
        ..Certificate::default()
    }
}

#[test]
fn a_certificate_speaks_for_the_one_application_that_its_names_are_bound_to() {
    let names = |texts: &[&str]| -> Vec<CertificateName> {
        texts
            .iter()
            .filter_map(|text| CertificateName::uri(text).or_else(|| CertificateName::dns(text)))
            .collect()
    };
    let rules = compiled(|snapshot| {
        snapshot.applications[0].certificates = vec![
            certificate(KnownBy::Sha256(vec![7; 32].into())),
            certificate(KnownBy::DnsName("tthc.example.vn".to_owned())),
            Certificate {
                not_after: Some(timestamp(NOW)),
                ..certificate(KnownBy::Uri("urn:old:tthc".to_owned()))
            },
        ];
        snapshot.applications[1].certificates = vec![certificate(KnownBy::Uri("urn:other".to_owned()))];
    });
    let owner = |names: &[CertificateName]| match rules.certificate(names, NOW) {
        Bound::ToNobody => "nobody".to_owned(),
        Bound::ToSeveral => "several".to_owned(),
        Bound::To(bound) if bound.is_valid_at(NOW) => bound.application.id.as_str().to_owned(),
        Bound::To(_) => "not now".to_owned(),
    };
    let (first, second) = ("tthc", "dieu-hanh");
    assert_eq!(owner(&[CertificateName::Sha256([7; 32])]), first);
    assert_eq!(owner(&[CertificateName::Sha256([8; 32])]), "nobody");
    assert_eq!(owner(&names(&["unknown.example.vn", "TTHC.example.vn"])), first);
    assert_eq!(owner(&names(&["urn:other"])), second);
    assert_eq!(owner(&names(&["urn:old:tthc"])), "not now");
    assert_eq!(owner(&names(&["urn:old:tthc", "tthc.example.vn"])), first, "one of its names is");
    assert_eq!(owner(&names(&["tthc.example.vn", "urn:other"])), "several");
}

#[test]
fn rules_in_which_a_certificate_is_known_by_nothing_or_twice_are_refused() {
    let (snapshot, descriptors) = snapshot();
    let refused = |change: fn(&mut Snapshot)| {
        let mut snapshot = snapshot.clone();
        change(&mut snapshot);
        Rules::compile(&snapshot, &descriptors).expect_err("the rules do not hold together").to_string()
    };
    let nothing = refused(|rules| rules.applications[0].certificates = vec![Certificate::default()]);
    assert!(nothing.contains("known by no"), "{nothing}");
    for bad in [
        (|rules: &mut Snapshot| {
            rules.applications[0].certificates = vec![certificate(KnownBy::Sha256(vec![7; 31].into()))];
        }) as fn(&mut Snapshot),
        |rules| rules.applications[0].certificates = vec![certificate(KnownBy::DnsName("*.vn".to_owned()))],
    ] {
        assert!(refused(bad).contains("known by no"));
    }
    let twice = refused(|rules| {
        for application in &mut rules.applications[..2] {
            application.certificates = vec![certificate(KnownBy::DnsName("a.vn".to_owned()))];
        }
    });
    assert!(twice.contains("`a.vn`: is there twice"), "{twice}");
}

#[test]
fn an_application_that_is_being_connected_calls_in_the_sandbox_alone() {
    for (environment, stage, connected) in [
        ("sandbox", ApplicationState::Onboarding, true),
        ("production", ApplicationState::Onboarding, false),
        ("production", ApplicationState::Connected, true),
        ("sandbox", ApplicationState::Suspended, false),
        ("sandbox", ApplicationState::Requested, false),
    ] {
        let rules = compiled(|snapshot| {
            snapshot.environment = environment.to_owned();
            snapshot.applications[0].set_state(stage);
        });
        let found = rules.application("tthc").map(|application| application.connected);
        assert_eq!(found, Some(connected), "{stage:?} in {environment}");
    }
}

#[test]
fn rules_with_a_credential_of_another_environment_are_none() {
    let key = Credential {
        key_id: "tthc-1".to_owned(),
        ed25519_public_key: vec![1; 32].into(),
        environment: Environment::Sandbox.into(),
        ..Credential::default()
    };
    let bound = Certificate {
        environment: Environment::Sandbox.into(),
        ..certificate(KnownBy::Uri("urn:tthc".to_owned()))
    };
    for (environment, good) in [("sandbox", true), ("production", false)] {
        let (mut snapshot, descriptors) = snapshot();
        snapshot.environment = environment.to_owned();
        snapshot.applications[0].credentials = vec![key.clone()];
        assert_eq!(Rules::compile(&snapshot, &descriptors).is_ok(), good, "a key in {environment}");
        snapshot.applications[0].credentials.clear();
        snapshot.applications[0].certificates = vec![bound.clone()];
        assert_eq!(Rules::compile(&snapshot, &descriptors).is_ok(), good, "a certificate in {environment}");
    }
}
