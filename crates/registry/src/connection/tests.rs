use lgsp_core::time::micros;
use lgsp_proto::registry::v1::credential_record::Held;
use lgsp_proto::registry::v1::{
    Agreement, AgreementRecord, AgreementStage, Credential, CredentialRecord, Grant, ServiceState,
};

use super::*;
use crate::credential::{DAY_US, issue};
use crate::decide::propose;
use crate::occasion::person_of;
use crate::office::{NOW, Office, YEAR, fields, person, told};
use crate::system::put_system;

const ID: &str = "luutru";

/// The archive of justice wants to be connected.
fn asked() -> RequestConnectionRequest {
    RequestConnectionRequest {
        id: ID.to_owned(),
        name_vi: "Lưu trữ hồ sơ hộ tịch".to_owned(),
        name_en: "Archive of civil status".to_owned(),
        agency_code: "000.00.03.H13".to_owned(),
        contacts: vec![Contact {
            office: "Phòng Hành chính tư pháp".to_owned(),
            email: "hotich@tuphap.example.vn".to_owned(),
            phone: "0292 382 0000".to_owned(),
        }],
        reason: "its records are asked for".to_owned(),
        ..RequestConnectionRequest::default()
    }
}

impl Office {
    fn ask(&mut self, by: &str, asked: RequestConnectionRequest) -> Result<(), Fault> {
        self.take(by, NOW, |catalogue, occasion| request(catalogue, asked, NOW + 2 * DAY_US, occasion))
    }

    fn about(&self) -> DecideConnectionRequest {
        DecideConnectionRequest {
            id: ID.to_owned(),
            etag: self.connection().etag,
            reason: "a reason".to_owned(),
            legal_basis: "a law".to_owned(),
        }
    }

    fn decide_about(&mut self, by: &str, decision: Decision) -> Result<ApplicationState, Reason> {
        let about = self.about();
        let taken = self.take(by, NOW, |catalogue, occasion| decide(catalogue, decision, about, occasion));
        taken.map_err(|fault| fault.reason())?;
        Ok(state(self.connection()))
    }

    fn connection(&self) -> &ConnectionRecord {
        self.catalogue.holders().connection(ID).unwrap()
    }

    fn give_a_key(&mut self, environment: Environment) {
        let seed = [environment as u8; 32];
        let key = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
        let held = Held::Credential(Credential {
            key_id: format!("{ID}-{}", environment as u8),
            ed25519_public_key: key.as_bytes().to_vec().into(),
            not_after: Some(timestamp(NOW + YEAR)),
            environment: environment.into(),
            ..Credential::default()
        });
        self.take("an.justice", NOW, |catalogue, occasion| {
            issue(catalogue, ID, Some(held), String::new(), occasion)
        })
        .unwrap();
    }

    /// The application as gateways of an environment get it: where it stands, and its keys.
    fn known_in(&self, environment: &str) -> Option<(ApplicationState, Vec<String>)> {
        let snapshot = self.catalogue.snapshot(environment);
        let ours = snapshot.applications.iter().find(|application| application.id == ID)?;
        let keys = ours.credentials.iter().map(|credential| credential.key_id.clone());
        Some((ours.state(), keys.collect()))
    }

    fn onboarding(&mut self) {
        self.ask("an.justice", asked()).unwrap();
        self.decide_about("dung.hub", Decision::Approve).unwrap();
    }

    fn connected(&mut self) {
        self.onboarding();
        self.give_a_key(Environment::Production);
        self.decide_about("dung.hub", Decision::Connect).unwrap();
    }
}

fn reason<T: std::fmt::Debug>(result: Result<T, Fault>) -> Reason {
    result.unwrap_err().reason()
}

#[test]
fn an_application_is_requested_approved_and_connected_with_a_key_for_production() {
    let mut office = Office::new();
    office.ask("an.justice", asked()).unwrap();
    let record = office.connection().clone();
    assert_eq!(state(&record), ApplicationState::Requested);
    let application = record.application.as_ref().unwrap();
    assert_eq!((&*application.agency_code, &*record.agency_code_older), ("H13.03", "000.00.03.H13"));
    assert_eq!(record.due.as_ref().map(micros), Some(NOW + 2 * DAY_US));
    assert_eq!(office.known_in("sandbox"), None, "what is only requested is no rule");

    assert_eq!(office.decide_about("dung.hub", Decision::Approve), Ok(ApplicationState::Onboarding));
    office.give_a_key(Environment::Sandbox);
    let told = |office: &mut Office, decision| {
        let about = office.about();
        let taken =
            office.take("dung.hub", NOW, |catalogue, occasion| decide(catalogue, decision, about, occasion));
        told(&taken.unwrap_err())
    };
    assert_eq!(told(&mut office, Decision::Connect), ["credential: none for production is good now"]);
    let stage = "stage: is onboarding, and has to be requested";
    assert_eq!(told(&mut office, Decision::Approve), [stage]);
    let stage = "stage: is onboarding, and has to be suspended";
    assert_eq!(told(&mut office, Decision::Resume), [stage]);
    office.give_a_key(Environment::Production);
    assert_eq!(office.decide_about("dung.hub", Decision::Connect), Ok(ApplicationState::Connected));
    let persons = [&office.connection().requested, &office.connection().connected].map(person_of);
    assert_eq!(persons, [Some("an.justice"), Some("dung.hub")]);
}

#[test]
fn every_environment_gets_its_own_keys_alone() {
    let mut office = Office::new();
    office.onboarding();
    office.give_a_key(Environment::Sandbox);
    office.give_a_key(Environment::Production);
    let stage = ApplicationState::Onboarding;
    assert_eq!(office.known_in("sandbox"), Some((stage, vec!["luutru-2".to_owned()])));
    assert_eq!(office.known_in("production"), Some((stage, vec!["luutru-1".to_owned()])));
}

#[test]
fn nobody_asks_for_another_agency_nor_answers_what_they_asked() {
    let mut office = Office::new();
    assert_eq!(reason(office.ask("chi.police", asked())), Reason::NotYourAgency);
    office.put_person(person("em.justice", "H13.03", &["developer", "operator"]));
    office.ask("em.justice", asked()).unwrap();
    for decision in [Decision::Approve, Decision::Refuse] {
        assert_eq!(office.decide_about("em.justice", decision), Err(Reason::SamePerson));
        assert_eq!(office.decide_about("ba.justice", decision), Err(Reason::NotYourAgency));
    }
    office.decide_about("dung.hub", Decision::Approve).unwrap();
    office.give_a_key(Environment::Production);
    assert_eq!(office.decide_about("em.justice", Decision::Connect), Err(Reason::SamePerson));
}

#[test]
fn a_refusal_has_its_reason_and_legal_basis_and_may_be_asked_again() {
    let mut office = Office::new();
    office.ask("an.justice", asked()).unwrap();
    let bare =
        DecideConnectionRequest { legal_basis: " ".to_owned(), reason: String::new(), ..office.about() };
    let refused = office
        .take("dung.hub", NOW, |catalogue, occasion| decide(catalogue, Decision::Refuse, bare, occasion));
    assert_eq!(told(&refused.unwrap_err()), ["reason: is required", "legal_basis: is required"]);
    assert_eq!(office.decide_about("dung.hub", Decision::Refuse), Ok(ApplicationState::Refused));
    assert_eq!(office.connection().ended.as_ref().unwrap().legal_basis, "a law");
    assert_eq!(office.decide_about("dung.hub", Decision::Approve), Err(Reason::WrongStage));
    office.ask("an.justice", asked()).unwrap();
    assert_eq!(state(office.connection()), ApplicationState::Requested);
}

#[test]
fn a_decision_about_what_has_changed_meanwhile_is_refused() {
    let mut office = Office::new();
    office.ask("an.justice", asked()).unwrap();
    let stale = DecideConnectionRequest { etag: office.connection().etag - 1, ..office.about() };
    let decided = office
        .take("dung.hub", NOW, |catalogue, occasion| decide(catalogue, Decision::Approve, stale, occasion));
    assert_eq!(reason(decided), Reason::Stale);
}

#[test]
fn every_field_that_is_wrong_is_named() {
    let mut office = Office::new();
    let contact = Contact { office: "001099000001".to_owned(), email: "@".to_owned(), phone: "1".to_owned() };
    let wrong = RequestConnectionRequest {
        id: "Luu Tru".to_owned(),
        agency_code: "H13.77".to_owned(),
        contacts: vec![contact],
        system: "khongco".to_owned(),
        ..RequestConnectionRequest::default()
    };
    let fault = office.ask("an.justice", wrong).unwrap_err();
    let named = [
        "id",
        "name_vi",
        "name_en",
        "contacts.office",
        "contacts.email",
        "contacts.phone",
        "agency_code",
        "system",
    ];
    assert_eq!(fields(&fault), named);
    let taken = RequestConnectionRequest { id: "hotich".to_owned(), ..asked() };
    assert_eq!(fields(&office.ask("an.justice", taken).unwrap_err()), ["id"]);
    let nobody = RequestConnectionRequest { contacts: Vec::new(), ..asked() };
    assert_eq!(fields(&office.ask("an.justice", nobody).unwrap_err()), ["contacts"]);
}

#[test]
fn the_agency_suspends_and_the_operator_resumes() {
    let mut office = Office::new();
    office.connected();
    assert_eq!(office.decide_about("chi.police", Decision::Suspend), Err(Reason::NotYourAgency));
    assert_eq!(office.decide_about("ba.justice", Decision::Suspend), Ok(ApplicationState::Suspended));
    let known = office.known_in("production").map(|(stage, _)| stage);
    assert_eq!(known, Some(ApplicationState::Suspended), "gateways can say why");
    assert_eq!(office.decide_about("ba.justice", Decision::Resume), Err(Reason::NotYourAgency));
    assert_eq!(office.decide_about("dung.hub", Decision::Resume), Ok(ApplicationState::Connected));
}

/// The archive asks the police for a person.
fn terms() -> Agreement {
    Agreement {
        id: "luutru-dancu".to_owned(),
        application: ID.to_owned(),
        service: "lgsp.population.v1.PopulationService".to_owned(),
        grants: vec![Grant { method: "GetCitizen".to_owned(), fields: vec!["citizen".to_owned()] }],
        purposes: vec!["verify".to_owned()],
        valid_from: Some(timestamp(NOW)),
        valid_to: Some(timestamp(NOW + YEAR)),
        legal_basis: "a law".to_owned(),
        ..Agreement::default()
    }
}

#[test]
fn with_an_application_end_its_agreements_and_credentials_for_good() {
    let mut office = Office::new();
    office.connected();
    let terms = terms();
    office
        .take("an.justice", NOW, |catalogue, occasion| propose(catalogue, terms, String::new(), occasion))
        .unwrap();
    assert_eq!(office.decide_about("ba.justice", Decision::Retire), Err(Reason::NotYourAgency));
    assert_eq!(office.decide_about("dung.hub", Decision::Retire), Ok(ApplicationState::Retired));
    let agreement = office.catalogue.agreement("luutru-dancu", 1).map(AgreementRecord::stage);
    assert_eq!(agreement, Some(AgreementStage::Refused), "it waited for its decision");
    let is_revoked = |record: &CredentialRecord| record.revoked.is_some();
    assert!(office.catalogue.holders().credentials_of(ID).all(is_revoked));
    assert_eq!(office.known_in("production"), Some((ApplicationState::Retired, Vec::new())));
    for decision in [Decision::Resume, Decision::Connect, Decision::Retire] {
        assert_eq!(office.decide_about("dung.hub", decision), Err(Reason::WrongStage));
    }
    assert_eq!(fields(&office.ask("an.justice", asked()).unwrap_err()), ["id"], "its id stays its own");
}

#[test]
fn nothing_is_proposed_approved_or_activated_for_an_application_that_has_ended() {
    let mut office = Office::new();
    office.connected();
    let terms = terms();
    let id = terms.id.clone();
    let propose_again = |office: &mut Office| {
        let terms = terms.clone();
        office
            .take("an.justice", NOW, |catalogue, occasion| propose(catalogue, terms, String::new(), occasion))
    };
    propose_again(&mut office).unwrap();
    let waiting = office.catalogue.agreement(&id, 1).unwrap().clone();
    office.decide_about("dung.hub", Decision::Retire).unwrap();
    let why = "application: is retired, and has to be requested or onboarding or connected or suspended";
    assert_eq!(told(&propose_again(&mut office).unwrap_err()), [why]);

    // As in a history from before agreements ended with their application.
    for (by, decision, stage) in [
        ("chi.police", crate::decide::Decision::Approve, AgreementStage::Proposed),
        ("dung.hub", crate::decide::Decision::Activate, AgreementStage::Approved),
    ] {
        let before = office.catalogue.agreement(&id, 1).unwrap().clone();
        let left = AgreementRecord { stage: stage.into(), ended: None, ..waiting.clone() };
        let place = format!("{id}/1");
        office.take_in(vec![put(Some(Of::Agreement(before)), Of::Agreement(left), place)]);
        let etag = office.catalogue.agreement(&id, 1).unwrap().etag;
        let request = lgsp_proto::registry::v1::DecideAgreementRequest {
            id: id.clone(),
            version: 1,
            etag,
            ..Default::default()
        };
        let decided = office.take(by, NOW, |catalogue, occasion| {
            crate::decide::decide(catalogue, decision, request, occasion)
        });
        assert_eq!(told(&decided.unwrap_err()), [why], "{decision:?}");
    }
}

#[test]
fn of_two_applications_for_one_system_the_first_connects_it() {
    let mut office = Office::new();
    let system = System {
        id: "khoso".to_owned(),
        name_vi: "Kho số hoá".to_owned(),
        agency_code: "H13.03".to_owned(),
        ..System::default()
    };
    office
        .take("an.justice", NOW, |catalogue, occasion| put_system(catalogue, system, String::new(), occasion))
        .unwrap();
    let of_it =
        |id: &str| RequestConnectionRequest { id: id.to_owned(), system: "khoso".to_owned(), ..asked() };
    for id in ["luutru2", ID] {
        office.ask("an.justice", of_it(id)).unwrap();
    }
    office.decide_about("dung.hub", Decision::Approve).unwrap();
    office.give_a_key(Environment::Production);
    let mut marked = office.catalogue.system("khoso").unwrap().clone();
    marked.application = "luutru2".to_owned();
    office.take_in(vec![put(None, Of::System(marked), "khoso".to_owned())]);
    let about = office.about();
    let second = office
        .take("dung.hub", NOW, |catalogue, occasion| decide(catalogue, Decision::Connect, about, occasion));
    assert_eq!(told(&second.unwrap_err()), ["system: is connected by another application"]);
    assert_eq!(office.catalogue.system("khoso").unwrap().application, "luutru2");
}

#[test]
fn a_request_that_is_repeated_is_told_from_one_for_anothers_id() {
    let mut office = Office::new();
    office.ask("an.justice", asked()).unwrap();
    assert_eq!(told(&office.ask("an.justice", asked()).unwrap_err()), ["id: is known already"]);
    let theirs = RequestConnectionRequest { agency_code: "H13.02".to_owned(), ..asked() };
    let fault = office.ask("dung.hub", theirs).unwrap_err();
    assert_eq!(told(&fault), ["id: is that of another application"]);
}

#[test]
fn a_name_that_may_hold_the_number_of_a_person_is_refused() {
    let named = RequestConnectionRequest { name_vi: "Của 092085000011".to_owned(), ..asked() };
    let fault = Office::new().ask("an.justice", named).unwrap_err();
    assert_eq!(told(&fault), ["name_vi: may hold the number of a person"]);
}

#[test]
fn the_agreements_of_an_imported_application_are_revoked_with_it() {
    let mut office = Office::new();
    let etag = office.catalogue.holders().connection("hotich").unwrap().etag;
    assert_eq!(etag, 1, "what the files brought can be decided about");
    let about = DecideConnectionRequest {
        id: "hotich".to_owned(),
        etag,
        reason: "replaced".to_owned(),
        ..DecideConnectionRequest::default()
    };
    office
        .take("dung.hub", NOW, |catalogue, occasion| decide(catalogue, Decision::Retire, about, occasion))
        .unwrap();
    let snapshot = office.catalogue.snapshot("sandbox");
    let theirs: Vec<_> =
        snapshot.agreements.iter().filter(|agreement| agreement.application == "hotich").collect();
    assert!(!theirs.is_empty());
    assert!(theirs.iter().all(|agreement| agreement.state == 3), "revoked: {theirs:?}");
    assert!(snapshot.services.iter().any(|service| service.state() == ServiceState::InUse));
}

#[test]
fn the_hubs_own_tool_is_not_decided_about() {
    let mut office = Office::new();
    let about = DecideConnectionRequest {
        id: "dieu-hanh".to_owned(),
        etag: 1,
        reason: "a mistake".to_owned(),
        ..DecideConnectionRequest::default()
    };
    let decided = office
        .take("dung.hub", NOW, |catalogue, occasion| decide(catalogue, Decision::Suspend, about, occasion));
    assert_eq!(reason(decided), Reason::WrongStage);
}

#[test]
fn a_request_is_overdue_until_it_is_answered() {
    let mut office = Office::new();
    office.ask("an.justice", asked()).unwrap();
    assert!(!is_overdue(office.connection(), NOW + 2 * DAY_US - 1));
    assert!(is_overdue(office.connection(), NOW + 2 * DAY_US));
    office.decide_about("dung.hub", Decision::Approve).unwrap();
    assert!(!is_overdue(office.connection(), NOW + 2 * DAY_US));
}

#[test]
fn connecting_an_application_marks_its_system_and_its_end_takes_the_mark_away() {
    let mut office = Office::new();
    let system = System {
        id: ID.to_owned(),
        name_vi: "Lưu trữ".to_owned(),
        agency_code: "H13.03".to_owned(),
        why_not: "no interface yet".to_owned(),
        planned: "2027-06-30".to_owned(),
        ..System::default()
    };
    office
        .take("an.justice", NOW, |catalogue, occasion| put_system(catalogue, system, String::new(), occasion))
        .unwrap();
    let of = |office: &Office| office.catalogue.system(ID).unwrap().application.clone();
    office.onboarding();
    assert_eq!(of(&office), "");
    office.give_a_key(Environment::Production);
    office.decide_about("dung.hub", Decision::Connect).unwrap();
    assert_eq!(of(&office), ID);
    office.decide_about("dung.hub", Decision::Retire).unwrap();
    assert_eq!(of(&office), "");
}
