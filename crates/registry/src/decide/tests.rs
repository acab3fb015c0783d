use lgsp_core::time::timestamp;
use lgsp_proto::registry::v1::Grant;

use super::*;
use crate::occasion::person_of;
use crate::office::{NOW, Office, YEAR, fields, person, told};

impl Office {
    fn propose(&mut self, by: &str, terms: Agreement) -> Result<u32, Reason> {
        let person = self.catalogue.person(by).unwrap().clone();
        let occasion = Occasion { person: &person, now: NOW, exchange: "an-exchange" };
        let proposed = propose(&self.catalogue, terms, "births".to_owned(), occasion);
        self.take_in(proposed.map_err(|fault| fault.reason())?.edits);
        Ok(self.catalogue.versions(ID).count() as u32)
    }

    fn decide(&mut self, by: &str, decision: Decision, version: u32) -> Result<AgreementStage, Reason> {
        let etag = self.record(version).etag;
        self.decide_seeing(by, decision, version, etag)
    }

    fn decide_seeing(
        &mut self,
        by: &str,
        decision: Decision,
        version: u32,
        etag: u64,
    ) -> Result<AgreementStage, Reason> {
        let person = self.catalogue.person(by).unwrap().clone();
        let occasion = Occasion { person: &person, now: NOW, exchange: "an-exchange" };
        let request = DecideAgreementRequest {
            id: ID.to_owned(),
            version,
            etag,
            reason: "a reason".to_owned(),
            legal_basis: "a law".to_owned(),
        };
        let draft = decide(&self.catalogue, decision, request, occasion).map_err(|fault| fault.reason())?;
        self.take_in(draft.edits);
        Ok(self.record(version).stage())
    }

    fn record(&self, version: u32) -> &AgreementRecord {
        self.catalogue.agreement(ID, version).unwrap()
    }

    /// How many versions of the agreement are rules.
    fn in_rules(&self) -> Vec<(u32, i32)> {
        let snapshot = self.catalogue.snapshot("sandbox");
        let ours = snapshot.agreements.iter().filter(|agreement| agreement.id == ID);
        ours.map(|agreement| (agreement.version, agreement.state)).collect()
    }
}

const ID: &str = "hotich-dancu-khaisinh";

/// Civil status, which justice owns, asks the police for a person: for registering births.
fn terms() -> Agreement {
    Agreement {
        id: ID.to_owned(),
        application: "hotich".to_owned(),
        service: "lgsp.population.v1.PopulationService".to_owned(),
        grants: vec![Grant { method: "GetCitizen".to_owned(), fields: vec!["citizen.full_name".to_owned()] }],
        purposes: vec!["verify".to_owned()],
        valid_from: Some(timestamp(NOW)),
        valid_to: Some(timestamp(NOW + YEAR)),
        legal_basis: "a law".to_owned(),
        ..Agreement::default()
    }
}

#[test]
fn three_persons_of_the_right_offices_put_an_agreement_in_force() {
    let mut office = Office::new();
    assert_eq!(office.propose("an.justice", terms()), Ok(1));
    assert_eq!(office.in_rules(), [], "what is only proposed opens nothing");
    assert_eq!(office.decide("chi.police", Decision::Approve, 1), Ok(AgreementStage::Approved));
    assert_eq!(office.in_rules(), []);
    assert_eq!(office.decide("dung.hub", Decision::Activate, 1), Ok(AgreementStage::Active));
    assert_eq!(office.in_rules(), [(1, 1)]);
    let record = office.record(1);
    let persons = [&record.proposed, &record.approved, &record.activated].map(person_of);
    assert_eq!(persons, [Some("an.justice"), Some("chi.police"), Some("dung.hub")]);
}

#[test]
fn an_agency_that_does_not_own_the_service_approves_nothing() {
    let mut office = Office::new();
    office.propose("an.justice", terms()).unwrap();
    assert_eq!(office.decide("ba.justice", Decision::Approve, 1), Err(Reason::NotYourAgency));
    assert_eq!(office.decide("ba.justice", Decision::Refuse, 1), Err(Reason::NotYourAgency));
    assert_eq!(office.decide("dung.hub", Decision::Approve, 1), Err(Reason::NotYourAgency));
}

#[test]
fn nobody_proposes_for_an_application_of_another_agency() {
    assert_eq!(Office::new().propose("chi.police", terms()), Err(Reason::NotYourAgency));
}

#[test]
fn nobody_decides_twice_about_one_agreement() {
    let mut office = Office::new();
    // The police's own application asks the police: still two persons.
    let own = person("em.police", "G01.30.92", &["approver", "operator"]);
    office.put_person(own);
    let mut application = office.catalogue.application("hotich").unwrap().clone();
    application.agency_code = "G01.30.92".to_owned();
    office.take_in(vec![put(None, Of::Application(application), "hotich".to_owned())]);
    office.propose("em.police", terms()).unwrap();
    assert_eq!(office.decide("em.police", Decision::Approve, 1), Err(Reason::SamePerson));
    office.decide("chi.police", Decision::Approve, 1).unwrap();
    assert_eq!(office.decide("em.police", Decision::Activate, 1), Err(Reason::SamePerson));
    assert_eq!(office.decide("dung.hub", Decision::Activate, 1), Ok(AgreementStage::Active));
}

#[test]
fn a_decision_about_what_has_changed_meanwhile_is_refused() {
    let mut office = Office::new();
    office.propose("an.justice", terms()).unwrap();
    let seen = office.record(1).etag;
    office.decide("chi.police", Decision::Approve, 1).unwrap();
    let stale = office.decide_seeing("dung.hub", Decision::Activate, 1, seen);
    assert_eq!(stale, Err(Reason::Stale));
}

#[test]
fn a_stage_is_never_skipped_and_an_end_is_final() {
    let mut office = Office::new();
    office.propose("an.justice", terms()).unwrap();
    assert_eq!(office.decide("dung.hub", Decision::Activate, 1), Err(Reason::WrongStage));
    office.decide("chi.police", Decision::Refuse, 1).unwrap();
    assert_eq!(office.decide("chi.police", Decision::Approve, 1), Err(Reason::WrongStage));
    assert_eq!(office.decide("dung.hub", Decision::Revoke, 1), Err(Reason::WrongStage));
}

#[test]
fn a_new_version_takes_the_place_of_the_old_one_when_it_comes_into_force() {
    let mut office = Office::new();
    for version in [1, 2] {
        assert_eq!(office.propose("an.justice", terms()), Ok(version));
        assert_eq!(office.propose("an.justice", terms()), Err(Reason::WrongStage), "one waits already");
        office.decide("chi.police", Decision::Approve, version).unwrap();
        office.decide("dung.hub", Decision::Activate, version).unwrap();
        assert_eq!(office.in_rules(), [(version, 1)]);
    }
    assert_eq!(office.record(1).stage(), AgreementStage::Superseded);
}

#[test]
fn a_version_that_begins_later_does_not_end_the_one_in_force_before() {
    let mut office = Office::new();
    let month = YEAR / 12;
    let later = Agreement { valid_from: Some(timestamp(NOW + month)), ..terms() };
    for (version, terms) in [(1, terms()), (2, later)] {
        office.propose("an.justice", terms).unwrap();
        office.decide("chi.police", Decision::Approve, version).unwrap();
        let activated = office.decide("dung.hub", Decision::Activate, version);
        assert_eq!(activated.is_ok(), version == 1, "{activated:?}");
    }
    assert_eq!(office.in_rules(), [(1, 1)], "it stays in force");
    let about = |office: &Office| DecideAgreementRequest {
        id: ID.to_owned(),
        version: 2,
        etag: office.record(2).etag,
        ..DecideAgreementRequest::default()
    };
    let request = about(&office);
    let early = office.take("dung.hub", NOW + month - 1, |catalogue, occasion| {
        decide(catalogue, Decision::Activate, request, occasion)
    });
    let why = "agreement.valid_from: is still to come, and would end the version in force now";
    assert_eq!(told(&early.unwrap_err()), [why]);
    let request = about(&office);
    let then = office.take("dung.hub", NOW + month, |catalogue, occasion| {
        decide(catalogue, Decision::Activate, request, occasion)
    });
    then.unwrap();
    assert_eq!(office.in_rules(), [(2, 1)]);
}

#[test]
fn who_does_not_decide_is_told_who_does_and_nobody_takes_two_steps() {
    let mut office = Office::new();
    let proposed = office
        .take("chi.police", NOW, |catalogue, occasion| propose(catalogue, terms(), String::new(), occasion));
    assert_eq!(told(&proposed.unwrap_err()), ["agreement: is proposed by the application's agency"]);
    office.propose("an.justice", terms()).unwrap();
    for (decision, whose) in [
        (Decision::Approve, "is decided about by the agency that owns the data service"),
        (Decision::Activate, "is activated by the hub's operator"),
    ] {
        let etag = office.record(1).etag;
        let request = DecideAgreementRequest {
            id: ID.to_owned(),
            version: 1,
            etag,
            ..DecideAgreementRequest::default()
        };
        let decided = office
            .take("ba.justice", NOW, |catalogue, occasion| decide(catalogue, decision, request, occasion));
        assert_eq!(told(&decided.unwrap_err()), [format!("agreement: {whose}")]);
    }
}

#[test]
fn a_legal_basis_that_may_hold_the_number_of_a_person_is_refused() {
    let named = Agreement { legal_basis: "request of 092085000011".to_owned(), ..terms() };
    let proposed = Office::new()
        .take("an.justice", NOW, |catalogue, occasion| propose(catalogue, named, String::new(), occasion));
    assert_eq!(told(&proposed.unwrap_err()), ["agreement.legal_basis: may hold the number of a person"]);
}

#[test]
fn what_is_suspended_comes_back_and_what_is_revoked_does_not() {
    let mut office = Office::new();
    office.propose("an.justice", terms()).unwrap();
    office.decide("chi.police", Decision::Approve, 1).unwrap();
    office.decide("dung.hub", Decision::Activate, 1).unwrap();
    office.decide("ba.justice", Decision::Suspend, 1).unwrap();
    assert_eq!(office.in_rules(), [(1, 2)]);
    office.decide("dung.hub", Decision::Activate, 1).unwrap();
    office.decide("chi.police", Decision::Revoke, 1).unwrap();
    assert_eq!(office.in_rules(), [(1, 3)]);
    assert_eq!(office.decide("dung.hub", Decision::Activate, 1), Err(Reason::WrongStage));
}

#[test]
fn every_term_that_is_missing_is_named() {
    let person = person("an.justice", "H13.03", &["developer"]);
    let occasion = Occasion { person: &person, now: NOW, exchange: "an-exchange" };
    let fault = propose(&Office::new().catalogue, Agreement::default(), String::new(), occasion).unwrap_err();
    let terms =
        ["id", "purposes", "grants", "legal_basis", "valid_from", "valid_to", "application", "service"];
    assert_eq!(fields(&fault), terms.map(|term| format!("agreement.{term}")));
    let told = told(&fault);
    assert!(!told.iter().any(|told| told.contains("provider")), "each with its rule: {told:?}");
}
