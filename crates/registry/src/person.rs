//! Who may be known to the hub as a person. Pure, as [`decide`](crate::decide).

use std::collections::BTreeSet;

use lgsp_core::{Fault, PersonId};
use lgsp_proto::registry::v1::Person;
use lgsp_proto::registry::v1::item::Item as Of;

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
    note(shares_a_key(catalogue, person), "person.credentials", "has a key that is somebody else's");
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
    let applications = catalogue.applications().flat_map(|application| &application.credentials);
    let taken: BTreeSet<&[u8]> =
        others.chain(applications).map(|credential| credential.ed25519_public_key.as_ref()).collect();
    person.credentials.iter().any(|credential| taken.contains(credential.ed25519_public_key.as_ref()))
}

/// Whether somebody with a key may say who is who after the person is put. A hub that had nobody before needs nobody.
fn keeps_an_administrator(catalogue: &Catalogue, person: &Person) -> bool {
    let administers = |person: &Person| {
        !person.left
            && !person.credentials.is_empty()
            && person.roles.iter().any(|role| role == ADMINISTRATOR)
    };
    let mut others = catalogue.persons().filter(|other| other.id != person.id);
    administers(person) || others.any(administers) || !catalogue.persons().any(administers)
}
