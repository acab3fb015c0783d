//! Whom an issuer's accounts are by the rules.

use std::collections::BTreeMap;

use lgsp_core::{Rules, RulesError};
use lgsp_proto::registry::v1::{Application, ApplicationState, Person, SignIn, Snapshot};

const ISSUER: &str = "https://sso.example.vn/realms/can-tho";

fn account(issuer: &str, subject: &str) -> SignIn {
    SignIn { issuer: issuer.to_owned(), subject: subject.to_owned() }
}

fn compiled(persons: &[(&str, &[SignIn])]) -> Result<Rules, RulesError> {
    let person = |(id, sign_ins): &(&str, &[SignIn])| Person {
        id: (*id).to_owned(),
        agency_code: format!("H13.{id}"),
        sign_ins: sign_ins.to_vec(),
        ..Person::default()
    };
    let snapshot = Snapshot {
        applications: vec![Application {
            id: "dieu-hanh".to_owned(),
            state: ApplicationState::Connected.into(),
            platform: true,
            ..Application::default()
        }],
        persons: persons.iter().map(person).collect(),
        ..Snapshot::default()
    };
    Rules::compile(&snapshot, &BTreeMap::new())
}

#[test]
fn an_account_is_one_persons_and_its_issuer_counts_to_the_letter() {
    let other = "https://sso.example.vn/realms/other";
    let rules =
        compiled(&[("an", &[account(ISSUER, "1"), account(other, "2")]), ("binh", &[account(other, "1")])]);
    let rules = rules.expect("the rules hold together");
    let who = |issuer: &str, subject: &str| {
        let found = rules.sign_in(issuer, subject);
        found.map(|found| (found.person.as_str().to_owned(), found.application.agency.to_string()))
    };
    let told = |id: &str| Some((id.to_owned(), format!("H13.{id}")));
    assert_eq!(who(ISSUER, "1"), told("an"));
    assert_eq!(who(other, "2"), told("an"));
    assert_eq!(who(other, "1"), told("binh"));
    assert_eq!(who(ISSUER, "2"), None);
    assert_eq!(who("https://sso.example.vn/realms/can-tho/", "1"), None);
    assert_eq!(who("HTTPS://sso.example.vn/realms/can-tho", "1"), None);
}

#[test]
fn rules_in_which_an_account_is_twos_or_may_be_a_number_are_refused_without_telling_it() {
    let refused = |persons: &[(&str, &[SignIn])]| {
        compiled(persons).expect_err("the rules do not hold together").to_string()
    };
    let twos = refused(&[("an", &[account(ISSUER, "x-1")]), ("binh", &[account(ISSUER, "x-1")])]);
    assert_eq!(twos, "sign-in `of binh`: is there twice");
    let number = refused(&[("an", &[account(ISSUER, "092085000001")])]);
    assert!(number.contains("of an") && !number.contains("092085000001"), "{number}");
    let clear = refused(&[("an", &[account("http://sso.example.vn", "1")])]);
    assert!(clear.contains("its issuer"), "{clear}");
}
