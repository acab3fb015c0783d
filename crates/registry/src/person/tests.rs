use lgsp_proto::registry::v1::{Actor, Change, Environment};

use super::*;
use crate::catalogue::stamped;
use crate::credential::DAY_US;
use crate::office::{NOW, Office, YEAR, fields, person, told};

const ISSUER: &str = "https://sso.example.vn";

/// The office with two administrators, with whom the registry began.
fn office() -> Office {
    let mut office = Office::new();
    for (number, id) in [(1, "admin-1"), (2, "admin-2")] {
        let credentials = vec![key(id, number)];
        office.put_person(Person { credentials, ..person(id, "H13.02", &[ADMINISTRATOR]) });
    }
    office
}

fn key(id: &str, number: u8) -> Credential {
    let signing = ed25519_dalek::SigningKey::from_bytes(&[number; 32]);
    Credential {
        key_id: format!("{id}-{number}"),
        ed25519_public_key: signing.verifying_key().as_bytes().to_vec().into(),
        not_before: Some(timestamp(NOW)),
        not_after: Some(timestamp(NOW + YEAR)),
        environment: Environment::Sandbox.into(),
    }
}

/// Takes a decision, and the history says by whom.
fn take(
    office: &mut Office,
    by: &str,
    draft: impl FnOnce(&Catalogue, Occasion<'_>) -> Result<Draft, Fault>,
) -> Result<(), Fault> {
    let who = office.catalogue.person(by).unwrap().clone();
    let draft = draft(&office.catalogue, Occasion { person: &who, now: NOW, exchange: "an-exchange" })?;
    let sequence = office.catalogue.sequence + 1;
    let by = Some(Actor { person: who.id, agency_code: who.agency_code });
    let edits = stamped(draft.edits, sequence);
    office.catalogue.apply(&Change { sequence, by, edits, ..Change::default() }).unwrap();
    Ok(())
}

fn say(office: &mut Office, by: &str, person: &Person) -> Result<(), Fault> {
    take(office, by, |catalogue, occasion| put_person(catalogue, person.clone(), String::new(), occasion))
}

fn confirm(office: &mut Office, by: &str, id: &str) -> Result<(), Fault> {
    let etag = office.catalogue.person_proposal(id).map_or(0, |waiting| waiting.etag);
    let request = ConfirmPersonRequest { id: id.to_owned(), etag, reason: String::new() };
    take(office, by, |catalogue, occasion| confirm_person(catalogue, request, occasion))
}

/// Proposed by the one and confirmed by the other.
fn make(office: &mut Office, proposer: &str, confirmer: &str, person: &Person) {
    say(office, proposer, person).unwrap();
    confirm(office, confirmer, &person.id).unwrap();
}

fn now(office: &Office, id: &str) -> Person {
    office.catalogue.person(id).unwrap().clone()
}

fn refused(result: Result<(), Fault>) -> Reason {
    result.unwrap_err().reason()
}

#[test]
fn what_gives_a_person_more_waits_for_another_administrator() {
    let known = {
        let mut office = office();
        let someone =
            Person { credentials: vec![key("gi.hub", 9)], ..person("gi.hub", "H13.02", &["auditor"]) };
        make(&mut office, "admin-1", "admin-2", &someone);
        now(&office, "gi.hub")
    };
    let longer = Credential { not_after: Some(timestamp(NOW + YEAR + DAY_US)), ..key("gi.hub", 9) };
    let elsewhere = Credential { environment: Environment::Production.into(), ..key("gi.hub", 9) };
    let account = SignIn { issuer: ISSUER.to_owned(), subject: "gi".to_owned() };
    let with_keys = |credentials| Person { credentials, ..known.clone() };
    let more = [
        Person { etag: 0, ..person("moi.hub", "H13.02", &[]) },
        Person { roles: vec!["auditor".to_owned(), "operator".to_owned()], ..known.clone() },
        Person { agency_code: "H13.03".to_owned(), ..known.clone() },
        with_keys(vec![key("gi.hub", 9), key("gi.hub", 10)]),
        with_keys(vec![longer]),
        with_keys(vec![elsewhere]),
        Person { sign_ins: vec![account], ..known.clone() },
    ];
    for wanted in more {
        let mut office = office();
        let someone = Person { etag: 0, ..known.clone() };
        make(&mut office, "admin-1", "admin-2", &someone);
        let before = office.catalogue.person(&wanted.id).cloned();
        say(&mut office, "admin-1", &wanted).unwrap();
        assert_eq!(office.catalogue.person(&wanted.id), before.as_ref(), "nothing is given yet: {wanted:?}");
        assert_eq!(refused(confirm(&mut office, "admin-1", &wanted.id)), Reason::SamePerson);
        confirm(&mut office, "admin-2", &wanted.id).unwrap();
        let after = now(&office, &wanted.id);
        assert_eq!(Person { etag: wanted.etag, ..after }, wanted);
        assert!(office.catalogue.person_proposal(&wanted.id).is_none());
    }
}

#[test]
fn what_takes_something_away_one_administrator_says_and_what_was_proposed_before_falls() {
    let mut office = office();
    let someone = Person {
        credentials: vec![key("gi.hub", 9), key("gi.hub", 10)],
        ..person("gi.hub", "H13.02", &["auditor", "operator"])
    };
    make(&mut office, "admin-1", "admin-2", &someone);
    let wider = Person { roles: vec!["developer".to_owned()], ..now(&office, "gi.hub") };
    say(&mut office, "admin-1", &wider).unwrap();
    let shorter = Credential { not_after: Some(timestamp(NOW + DAY_US)), ..key("gi.hub", 9) };
    let less =
        Person { roles: vec!["auditor".to_owned()], credentials: vec![shorter], ..now(&office, "gi.hub") };
    say(&mut office, "admin-2", &less).unwrap();
    assert_eq!(Person { etag: less.etag, ..now(&office, "gi.hub") }, less);
    assert_eq!(refused(confirm(&mut office, "admin-2", "gi.hub")), Reason::NotFound);
    let left = Person { left: true, ..now(&office, "gi.hub") };
    say(&mut office, "admin-1", &left).unwrap();
    assert!(now(&office, "gi.hub").left);
    let back = Person { left: false, ..now(&office, "gi.hub") };
    say(&mut office, "admin-1", &back).unwrap();
    assert!(now(&office, "gi.hub").left, "who is taken back waits");
}

#[test]
fn one_administrator_alone_is_never_two_persons() {
    let mut office = office();
    // Their own role: proposed by them, and not confirmed by them.
    let operator = [ADMINISTRATOR, "operator"].map(str::to_owned).to_vec();
    let more = Person { roles: operator, ..now(&office, "admin-1") };
    say(&mut office, "admin-1", &more).unwrap();
    assert_eq!(refused(confirm(&mut office, "admin-1", "admin-1")), Reason::SamePerson);
    // The person concerned confirms nothing about themselves, whoever proposed it.
    let mine = Person { credentials: vec![key("admin-2", 2), key("admin-2", 12)], ..now(&office, "admin-2") };
    say(&mut office, "admin-1", &mine).unwrap();
    assert_eq!(refused(confirm(&mut office, "admin-2", "admin-2")), Reason::SamePerson);
    // Whom they made known, they or another may not use against the others.
    let third =
        Person { credentials: vec![key("admin-3", 3)], ..person("admin-3", "H13.02", &[ADMINISTRATOR]) };
    make(&mut office, "admin-1", "admin-2", &third);
    for maker in ["admin-1", "admin-2"] {
        say(&mut office, maker, &person("moi.hub", "H13.02", &[])).unwrap();
        let fault = confirm(&mut office, "admin-3", "moi.hub").unwrap_err();
        let why = "is confirmed by nobody whom the proposer made known, or who made the proposer known";
        assert_eq!((fault.reason(), told(&fault)), (Reason::SamePerson, vec![format!("proposal: {why}")]));
    }
    say(&mut office, "admin-3", &person("moi.hub", "H13.02", &[])).unwrap();
    confirm(&mut office, "admin-1", "moi.hub").unwrap();
}

#[test]
fn whom_an_older_history_has_by_the_word_of_one_confirms_and_proposes_nothing_with_that_one() {
    let mut office = office();
    let edits =
        vec![put(None, Of::Person(person("admin-3", "H13.02", &[ADMINISTRATOR])), "admin-3".to_owned())];
    let sequence = office.catalogue.sequence + 1;
    let by = Some(Actor { person: "admin-1".to_owned(), agency_code: "H13.02".to_owned() });
    office.catalogue.apply(&Change { sequence, by, edits, ..Change::default() }).unwrap();
    for (proposer, confirmer) in [("admin-1", "admin-3"), ("admin-3", "admin-1")] {
        say(&mut office, proposer, &person("moi.hub", "H13.02", &[])).unwrap();
        assert_eq!(refused(confirm(&mut office, confirmer, "moi.hub")), Reason::SamePerson);
    }
    confirm(&mut office, "admin-2", "moi.hub").unwrap();
}

#[test]
fn nobody_confirms_what_they_have_not_seen_or_undoes_what_they_do_not_know_of() {
    let mut office = office();
    let someone = Person {
        credentials: vec![key("gi.hub", 9), key("gi.hub", 10)],
        ..person("gi.hub", "H13.02", &["auditor"])
    };
    say(&mut office, "admin-1", &someone).unwrap();
    let seen = office.catalogue.person_proposal("gi.hub").unwrap().etag;
    say(&mut office, "admin-1", &Person { roles: vec!["operator".to_owned()], ..someone.clone() }).unwrap();
    let request = ConfirmPersonRequest { id: "gi.hub".to_owned(), etag: seen, reason: String::new() };
    let unseen =
        take(&mut office, "admin-2", |catalogue, occasion| confirm_person(catalogue, request, occasion));
    assert_eq!(refused(unseen), Reason::Stale);
    confirm(&mut office, "admin-2", "gi.hub").unwrap();

    let old_copy = now(&office, "gi.hub");
    say(&mut office, "admin-1", &Person { credentials: vec![key("gi.hub", 9)], ..old_copy.clone() }).unwrap();
    assert_eq!(refused(say(&mut office, "admin-2", &old_copy)), Reason::Stale);
    let unseen = say(&mut office, "admin-2", &Person { etag: 0, ..old_copy });
    assert_eq!(refused(unseen), Reason::InvalidField, "it says that the etag is required");
    assert_eq!(now(&office, "gi.hub").credentials.len(), 1, "the key that was taken away stays away");
}

#[test]
fn a_key_of_a_person_keeps_the_rules_of_keys() {
    let mut office = office();
    let with = |key: Credential| Person { credentials: vec![key], ..person("gi.hub", "H13.02", &[]) };
    let good = key("gi.hub", 9);
    let weak = Credential { ed25519_public_key: [[1].as_slice(), &[0; 31]].concat().into(), ..good.clone() };
    let number = Credential { key_id: "gi-092085000011".to_owned(), ..good.clone() };
    let endless = Credential { not_after: None, ..good.clone() };
    let longer = Credential { not_after: Some(timestamp(NOW + 3 * YEAR)), ..good.clone() };
    let past = Credential {
        not_before: Some(timestamp(NOW - YEAR)),
        not_after: Some(timestamp(NOW - DAY_US)),
        ..good.clone()
    };
    for (bad, field) in [
        (weak, "person.credentials"),
        (number, "person.credentials.key_id"),
        (endless, "person.credentials.not_after"),
        (longer, "person.credentials.not_after"),
        (past, "person.credentials.not_after"),
    ] {
        let fault = say(&mut office, "admin-1", &with(bad)).unwrap_err();
        assert_eq!(fields(&fault), [field]);
        assert!(!format!("{fault:?}").contains("092085000011"));
    }
    let twice = Person { credentials: vec![good.clone(), good.clone()], ..with(good) };
    assert_eq!(fields(&say(&mut office, "admin-1", &twice).unwrap_err()), ["person.credentials"]);
}

#[test]
fn a_key_that_anybody_ever_had_is_never_given_again() {
    let mut office = office();
    let someone = Person { credentials: vec![key("gi.hub", 9)], ..person("gi.hub", "H13.02", &[]) };
    make(&mut office, "admin-1", "admin-2", &someone);
    let without = Person { credentials: Vec::new(), ..now(&office, "gi.hub") };
    say(&mut office, "admin-1", &without).unwrap();
    for id in ["gi.hub", "moi.hub"] {
        let etag = office.catalogue.person(id).map_or(0, |known| known.etag);
        let again = Person { etag, credentials: vec![key("gi.hub", 9)], ..person(id, "H13.02", &[]) };
        let fault = say(&mut office, "admin-1", &again).unwrap_err();
        assert_eq!(fields(&fault), ["person.credentials", "person.credentials.key_id"], "{id}");
    }
    // What two others propose at the same time, only one of them gets.
    for id in ["moi.hub", "nua.hub"] {
        let credentials = vec![key("shared", 11)];
        say(&mut office, "admin-1", &Person { credentials, ..person(id, "H13.02", &[]) }).unwrap();
    }
    confirm(&mut office, "admin-2", "moi.hub").unwrap();
    assert_eq!(refused(confirm(&mut office, "admin-2", "nua.hub")), Reason::InvalidField);
}

#[test]
fn a_key_that_is_there_need_not_be_said_again_and_may_be_older_than_its_rule() {
    let mut office = office();
    let endless = Credential { not_before: None, not_after: None, ..key("cu.hub", 9) };
    office.put_person(Person {
        credentials: vec![endless.clone()],
        ..person("cu.hub", "H13.02", &["auditor"])
    });
    let less = Person { roles: Vec::new(), ..now(&office, "cu.hub") };
    say(&mut office, "admin-1", &less).unwrap();
    assert_eq!(now(&office, "cu.hub").credentials, [endless]);
    assert!(office.catalogue.person_proposal("cu.hub").is_none());
}
