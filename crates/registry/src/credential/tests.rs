use ed25519_dalek::SigningKey;

use super::*;
use crate::office::{NOW, Office, YEAR, fields, person, told};

const APPLICATION: &str = "hotich";

fn key(number: u8) -> Credential {
    Credential {
        key_id: format!("hotich-k{number}"),
        ed25519_public_key: SigningKey::from_bytes(&[number; 32]).verifying_key().as_bytes().to_vec().into(),
        not_before: None,
        not_after: Some(timestamp(NOW + YEAR)),
        environment: Environment::Production.into(),
    }
}

fn certificate(known_by: KnownBy) -> Held {
    Held::Certificate(Certificate {
        known_by: Some(known_by),
        not_before: None,
        not_after: Some(timestamp(NOW + YEAR)),
        environment: Environment::Production.into(),
    })
}

impl Office {
    fn issue(&mut self, by: &str, held: Held) -> Result<(), Fault> {
        self.issue_to(by, APPLICATION, held)
    }

    fn issue_to(&mut self, by: &str, application: &str, held: Held) -> Result<(), Fault> {
        self.take(by, NOW, |catalogue, occasion| {
            issue(catalogue, application, Some(held), "a reason".to_owned(), occasion)
        })
    }

    fn held(&self, id: &str) -> &CredentialRecord {
        self.catalogue.holders().credential(APPLICATION, id).unwrap()
    }

    fn rotate(&mut self, id: &str, to: Credential, overlap_days: u32) -> Result<(), Fault> {
        let rotation = Rotation {
            application: APPLICATION.to_owned(),
            id: id.to_owned(),
            etag: self.held(id).etag,
            held: Some(Held::Credential(to)),
            overlap_days,
            reason: "a reason".to_owned(),
        };
        self.take("an.justice", NOW, |catalogue, occasion| rotate(catalogue, rotation, occasion))
    }

    fn revoke(&mut self, by: &str, id: &str) -> Result<(), Fault> {
        let request = RevokeCredentialRequest {
            application: APPLICATION.to_owned(),
            id: id.to_owned(),
            etag: self.held(id).etag,
            reason: "lost".to_owned(),
        };
        self.take(by, NOW, |catalogue, occasion| revoke(catalogue, request, occasion))
    }

    fn keys_in(&self, environment: &str) -> Vec<String> {
        let snapshot = self.catalogue.snapshot(environment);
        let ours = snapshot.applications.iter().find(|application| application.id == APPLICATION).unwrap();
        ours.credentials.iter().map(|credential| credential.key_id.clone()).collect()
    }
}

fn reason(result: Result<(), Fault>) -> Reason {
    result.unwrap_err().reason()
}

fn named(result: Result<(), Fault>) -> Vec<String> {
    fields(&result.unwrap_err()).into_iter().map(str::to_owned).collect()
}

#[test]
fn the_agency_issues_a_key_and_it_is_good_where_it_says() {
    let mut office = Office::new();
    office.issue("an.justice", Held::Credential(key(1))).unwrap();
    assert_eq!(office.keys_in("production"), ["hotich-k1"]);
    assert_eq!(office.keys_in("sandbox"), Vec::<String>::new());
    let record = office.held("hotich-k1");
    assert!(is_good(record, Environment::Production, NOW) && !is_good(record, Environment::Sandbox, NOW));
    assert_eq!(state(record, NOW + YEAR), CredentialState::Expired);
}

#[test]
fn nobody_issues_for_another_agency_and_the_tools_are_the_operators() {
    let mut office = Office::new();
    assert_eq!(reason(office.issue("chi.police", Held::Credential(key(1)))), Reason::NotYourAgency);
    assert_eq!(reason(office.issue("dung.hub", Held::Credential(key(1)))), Reason::NotYourAgency);
    office.put_person(person("gi.hub", "H13.02", &["developer"]));
    let tool = |office: &mut Office, by: &str| office.issue_to(by, "dieu-hanh", Held::Credential(key(2)));
    assert_eq!(reason(tool(&mut office, "gi.hub")), Reason::NotYourAgency, "its role is an operator's");
    tool(&mut office, "dung.hub").unwrap();
}

#[test]
fn a_key_or_its_id_that_anybody_has_or_had_is_refused() {
    let mut office = Office::new();
    office.put_person(Person { credentials: vec![key(1)], ..person("em.police", "G01.30.92", &[]) });
    let both = ["credential", "credential.key_id"];
    assert_eq!(named(office.issue("an.justice", Held::Credential(key(1)))), both);
    office.issue("an.justice", Held::Credential(key(2))).unwrap();
    office.revoke("an.justice", "hotich-k2").unwrap();
    let elsewhere = Credential { environment: Environment::Sandbox.into(), ..key(2) };
    assert_eq!(
        named(office.issue("an.justice", Held::Credential(elsewhere))),
        both,
        "even when it has ended"
    );
}

#[test]
fn what_is_valid_for_too_long_or_nowhere_or_is_no_key_is_refused() {
    let mut office = Office::new();
    let long = Credential { not_after: Some(timestamp(NOW + 2 * YEAR + 2 * DAY_US)), ..key(1) };
    assert_eq!(named(office.issue("an.justice", Held::Credential(long))), ["credential.not_after"]);
    let two_years = Credential { not_after: Some(timestamp(NOW + 2 * YEAR)), ..key(1) };
    office.issue("an.justice", Held::Credential(two_years)).unwrap();
    let past = Credential { not_after: Some(timestamp(NOW)), ..key(2) };
    assert_eq!(named(office.issue("an.justice", Held::Credential(past))), ["credential.not_after"]);
    let nothing = named(office.issue("an.justice", Held::Credential(Credential::default())));
    let all = ["credential.key_id", "credential", "credential.environment", "credential.not_after"];
    assert_eq!(nothing, all);
    let weak = Credential { ed25519_public_key: vec![0; 32].into(), ..key(2) };
    let weak = named(office.issue("an.justice", Held::Credential(weak)));
    assert_eq!(weak, ["credential"]);
}

#[test]
fn a_rotated_key_is_good_until_its_overlap_ends() {
    let mut office = Office::new();
    office.issue("an.justice", Held::Credential(key(1))).unwrap();
    office.rotate("hotich-k1", Credential { environment: 0, ..key(2) }, 0).unwrap();
    assert_eq!(office.keys_in("production"), ["hotich-k1", "hotich-k2"], "the environment is the old one's");
    let old = office.held("hotich-k1");
    assert_eq!(period(old).1, NOW + 7 * DAY_US);
    assert_eq!((state(old, NOW), &*old.rotated_to), (CredentialState::Rotated, "hotich-k2"));
    assert_eq!(state(old, NOW + 7 * DAY_US), CredentialState::Expired);
    let again = office.rotate("hotich-k1", key(3), 0).unwrap_err();
    assert_eq!(told(&again), ["credential: has ended, or was replaced already"]);
    assert_eq!(named(office.rotate("hotich-k2", key(3), 31)), ["overlap_days"]);
    let elsewhere = Credential { environment: Environment::Sandbox.into(), ..key(3) };
    assert_eq!(named(office.rotate("hotich-k2", elsewhere, 30)), ["credential.environment"]);
    office.rotate("hotich-k2", key(3), 30).unwrap();
}

#[test]
fn an_overlap_makes_nothing_good_for_longer() {
    let mut office = Office::new();
    let short = Credential { not_after: Some(timestamp(NOW + DAY_US)), ..key(1) };
    office.issue("an.justice", Held::Credential(short)).unwrap();
    office.rotate("hotich-k1", key(2), 30).unwrap();
    assert_eq!(period(office.held("hotich-k1")).1, NOW + DAY_US);
}

#[test]
fn the_agency_and_the_operator_revoke_at_once_and_for_good() {
    let mut office = Office::new();
    for number in [1, 2] {
        office.issue("an.justice", Held::Credential(key(number))).unwrap();
    }
    assert_eq!(reason(office.revoke("chi.police", "hotich-k1")), Reason::NotYourAgency);
    office.revoke("ba.justice", "hotich-k1").unwrap();
    assert_eq!(office.keys_in("production"), ["hotich-k2"]);
    let again = office.revoke("dung.hub", "hotich-k1").unwrap_err();
    assert_eq!(
        (again.reason(), told(&again)),
        (Reason::WrongStage, vec!["credential: is revoked already".to_owned()])
    );
    office.revoke("dung.hub", "hotich-k2").unwrap();
    assert_eq!(office.keys_in("production"), Vec::<String>::new());
}

#[test]
fn a_certificate_is_one_holders_and_its_name_may_be_bound_again_when_it_has_ended() {
    let mut office = Office::new();
    let name = |text: &str| certificate(KnownBy::DnsName(text.to_owned()));
    office.issue("an.justice", name("HoTich.example.vn")).unwrap();
    let id = "dns:hotich.example.vn";
    assert_eq!(office.held(id).id, id, "in the form that gateways compare");
    assert_eq!(named(office.issue("an.justice", name("hotich.example.vn"))), ["certificate"]);
    office.revoke("an.justice", id).unwrap();
    office.issue("an.justice", name("hotich.example.vn")).unwrap();
    assert!(office.held(id).revoked.is_none());
    let print = || certificate(KnownBy::Sha256(vec![7; 32].into()));
    office.issue("an.justice", print()).unwrap();
    let id = format!("sha256:{}", "07".repeat(32));
    office.revoke("an.justice", &id).unwrap();
    assert_eq!(named(office.issue("an.justice", print())), ["certificate"], "it is the same certificate");
    assert_eq!(named(office.issue("an.justice", name("*.example.vn"))), ["certificate"]);
}

#[test]
fn an_application_has_no_more_credentials_than_anybody_can_look_after() {
    let mut office = Office::new();
    for number in 1..=16 {
        office.issue("an.justice", Held::Credential(key(number))).unwrap();
    }
    assert_eq!(named(office.issue("an.justice", Held::Credential(key(17)))), ["application"]);
    office.revoke("an.justice", "hotich-k1").unwrap();
    office.issue("an.justice", Held::Credential(key(17))).unwrap();
}
