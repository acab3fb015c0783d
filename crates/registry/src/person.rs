//! Who may be known to the hub as a person. Pure, as [`decide`](crate::decide).

use std::collections::BTreeSet;

use lgsp_core::sign_in::{is_issuer, is_subject};
use lgsp_core::{Fault, PersonId};
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{Credential, Person, SignIn};

use crate::catalogue::{Catalogue, put};
use crate::decide::{Draft, violation};

/// The role of those who say who is who.
pub(crate) const ADMINISTRATOR: &str = "administrator";

/// Makes a person known, or changes what is known of one.
///
/// # Errors
/// Every field that breaks a rule is named.
pub(crate) fn put_person(catalogue: &Catalogue, person: Person, reason: String) -> Result<Draft, Fault> {
    check(catalogue, &person)?;
    let (before, id) = (catalogue.person(&person.id).cloned().map(Of::Person), person.id.clone());
    let edits = vec![put(before, Of::Person(person), id)];
    Ok(Draft { action: "put-person", reason, legal_basis: String::new(), edits })
}

fn check(catalogue: &Catalogue, person: &Person) -> Result<(), Fault> {
    let mut violations = Vec::new();
    let mut note = |bad: bool, field: &str, rule: &str| {
        if bad {
            violations.push(violation(field, rule));
        }
    };
    note(PersonId::parse(&person.id).is_none(), "person.id", "is not well formed");
    note(catalogue.agency(&person.agency_code).is_none(), "person.agency_code", "names no agency");
    let unknown = person.roles.iter().any(|role| !catalogue.has_role(role));
    note(unknown, "person.roles", "names a role that is not there");
    note(
        shares_a_key(catalogue, person),
        "person.credentials",
        "has a key, or the id of a key, that is somebody else's",
    );
    let is_good = |sign_in: &SignIn| is_issuer(&sign_in.issuer) && is_subject(&sign_in.subject);
    note(
        !person.sign_ins.iter().all(is_good),
        "person.sign_ins",
        "names no issuer by its URL, or by a subject that may be the number of a person",
    );
    note(shares_a_sign_in(catalogue, person), "person.sign_ins", "is somebody else's, or there twice");
    note(
        !keeps_an_administrator(catalogue, person),
        "person.roles",
        "would leave the hub without an administrator",
    );
    if violations.is_empty() { Ok(()) } else { Err(Fault::invalid(violations)) }
}

/// Whoever holds the key of two holders is two persons to the rules, and decides twice.
fn shares_a_key(catalogue: &Catalogue, person: &Person) -> bool {
    let others =
        catalogue.persons().filter(|other| other.id != person.id).flat_map(|other| &other.credentials);
    let applications = catalogue.holders().keys();
    let taken: BTreeSet<&[u8]> =
        others.chain(applications).flat_map(|known| [key(known), known.key_id.as_bytes()]).collect();
    let is_taken = |ours: &Credential| taken.contains(key(ours)) || taken.contains(ours.key_id.as_bytes());
    person.credentials.iter().any(is_taken)
}

fn key(credential: &Credential) -> &[u8] {
    &credential.ed25519_public_key
}

/// An account of two persons would be either of them.
fn shares_a_sign_in(catalogue: &Catalogue, person: &Person) -> bool {
    let others = catalogue.persons().filter(|other| other.id != person.id).flat_map(|other| &other.sign_ins);
    let mut taken: BTreeSet<(&str, &str)> = others.map(account).collect();
    !person.sign_ins.iter().map(account).all(|account| taken.insert(account))
}

fn account(sign_in: &SignIn) -> (&str, &str) {
    (&sign_in.issuer, &sign_in.subject)
}

/// Whether somebody with a key may say who is who after the person is put: an issuer may be away. A hub that had nobody before
/// needs nobody.
fn keeps_an_administrator(catalogue: &Catalogue, person: &Person) -> bool {
    let administers = |person: &Person| {
        !person.left
            && !person.credentials.is_empty()
            && person.roles.iter().any(|role| role == ADMINISTRATOR)
    };
    let mut others = catalogue.persons().filter(|other| other.id != person.id);
    administers(person) || others.any(administers) || !catalogue.persons().any(administers)
}
