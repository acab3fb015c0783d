use lgsp_core::time::timestamp;
use lgsp_proto::registry::v1::credential_record::Held;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{Application, Change, CredentialRecord, Environment, Person, Snapshot, Step};

use super::*;
use crate::catalogue::{Catalogue, put};
use crate::office::{NOW, Office, YEAR, person};

const ID: &str = "tt-hotich-dancu";

fn agreement(office: &Office) -> AgreementRecord {
    office.catalogue.versions(ID).next().unwrap().clone()
}

/// One that is good until a moment, where something was decided about it now.
fn at_stage(stage: AgreementStage, valid_to: i64) -> Office {
    let mut office = Office::new();
    let mut record = agreement(&office);
    record.set_stage(stage);
    record.ended = Some(Step { at: Some(timestamp(NOW)), ..Step::default() });
    record.agreement.as_mut().unwrap().valid_to = Some(timestamp(valid_to));
    office.take_in(vec![put(None, Of::Agreement(record), format!("{ID}/1"))]);
    office
}

/// The rules that are made at a moment, if anything is decided then.
fn rules_of(catalogue: &Catalogue, at: i64, revision: u64) -> Snapshot {
    later(catalogue, at, revision).snapshot("sandbox")
}

fn later(catalogue: &Catalogue, at: i64, revision: u64) -> Catalogue {
    let mut catalogue = catalogue.clone();
    let sequence = catalogue.sequence + 1;
    let change = Change { sequence, at: Some(timestamp(at)), revision, ..Change::default() };
    catalogue.apply(&change).unwrap();
    catalogue
}

fn names(office: &Office, at: i64) -> bool {
    let rules = rules_of(&office.catalogue, at, office.catalogue.revision + 1);
    rules.agreements.iter().any(|terms| terms.id == ID)
}

#[test]
fn an_agreement_that_has_ended_is_told_of_for_90_days_and_then_only_by_the_history() {
    for (stage, valid_to, end) in [
        (AgreementStage::Active, NOW + YEAR, NOW + YEAR),
        (AgreementStage::Suspended, NOW + YEAR, NOW + YEAR),
        (AgreementStage::Revoked, NOW + YEAR, NOW),
        (AgreementStage::Revoked, NOW - 1, NOW - 1),
    ] {
        let office = at_stage(stage, valid_to);
        assert!(names(&office, end + TOLD - 1), "{stage:?}");
        assert!(!names(&office, end + TOLD), "{stage:?}");
        let whole = later(&office.catalogue, end + TOLD, 9).with_all_that_has_ended();
        let is_it = |terms: &lgsp_proto::registry::v1::Agreement| terms.id == ID;
        assert!(whole.snapshot("sandbox").agreements.iter().any(is_it), "it is held, and exported");
    }
}

#[test]
fn rules_that_keep_their_revision_stay_as_they_are_whatever_the_time() {
    let office = at_stage(AgreementStage::Revoked, NOW + YEAR);
    let revision = office.catalogue.revision;
    assert_eq!(rules_of(&office.catalogue, NOW + 9 * YEAR, revision), office.catalogue.snapshot("sandbox"));
}

#[test]
fn an_application_that_was_retired_long_ago_goes_with_all_that_is_agreed_for_it() {
    let mut office = Office::new();
    let mut record = office.catalogue.holders().connection("hotich").unwrap().clone();
    record.application.as_mut().unwrap().set_state(ApplicationState::Retired);
    record.ended = Some(Step { at: Some(timestamp(NOW)), ..Step::default() });
    office.take_in(vec![put(None, Of::Connection(record), "hotich".to_owned())]);
    for (at, is_there) in [(NOW + TOLD - 1, true), (NOW + TOLD, false)] {
        let rules = rules_of(&office.catalogue, at, 9);
        assert_eq!(rules.applications.iter().any(|it| it.id == "hotich"), is_there);
        assert_eq!(rules.agreements.iter().any(|it| it.application == "hotich"), is_there);
    }
    assert!(office.catalogue.application("hotich").is_some());
}

#[test]
fn keys_and_certificates_that_ended_long_ago_are_left_out_and_their_holders_stay() {
    let mut office = Office::new();
    let not_after = Some(timestamp(NOW));
    let environment = Environment::Sandbox.into();
    let key =
        |id: &str| Credential { key_id: id.to_owned(), not_after, environment, ..Credential::default() };
    let certificate = Certificate { not_after, environment, ..Certificate::default() };
    for (id, held) in [("cu-1", Held::Credential(key("cu-1"))), ("cu-2", Held::Certificate(certificate))] {
        let record = CredentialRecord {
            application: "cu".to_owned(),
            id: id.to_owned(),
            held: Some(held),
            ..CredentialRecord::default()
        };
        office.take_in(vec![put(None, Of::Credential(record), id.to_owned())]);
    }
    let state = ApplicationState::Connected.into();
    let application = Application { id: "cu".to_owned(), state, ..Application::default() };
    let record = ConnectionRecord { application: Some(application), ..ConnectionRecord::default() };
    office.take_in(vec![put(None, Of::Connection(record), "cu".to_owned())]);
    office.put_person(Person {
        credentials: vec![key("cu.police-1")],
        ..person("cu.police", "G01.30.92", &[])
    });
    for (at, there) in [(NOW + TOLD - 1, 1), (NOW + TOLD, 0)] {
        let rules = rules_of(&office.catalogue, at, 9);
        let ours = rules.applications.iter().find(|it| it.id == "cu").unwrap();
        let theirs = rules.persons.iter().find(|it| it.id == "cu.police").unwrap();
        let counts = [ours.credentials.len(), ours.certificates.len(), theirs.credentials.len()];
        assert_eq!(counts, [there; 3]);
    }
}
