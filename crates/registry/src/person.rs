//! Who may be known to the hub as a person, and who says so. Pure, as [`decide`](crate::decide).
//!
//! What gives a person more than they have is proposed by one administrator and confirmed by another one, so that nobody is two
//! persons by their own word. What takes something away one administrator says, and it is so at once.

use std::collections::BTreeSet;

use lgsp_core::said::Rule;
use lgsp_core::sign_in::{is_issuer, is_subject};
use lgsp_core::time::{micros, timestamp};
use lgsp_core::{Fault, PersonId, Reason, Violation, rule};
use lgsp_proto::registry::v1::credential_record::Held;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{ConfirmPersonRequest, Credential, Person, PersonProposal, SignIn, Step};

use crate::catalogue::{Catalogue, put, take_away};
use crate::credential::{problems_of_key, problems_of_period};
use crate::occasion::{
    Draft, Occasion, for_the_first_time, is_as_seen, person_of, same_person, step, violation,
};

/// The role of those who say who is who.
pub(crate) const ADMINISTRATOR: &str = "administrator";

/// Changes what is known of a person, or proposes it if it gives them more. What was proposed before falls.
///
/// # Errors
/// Every field that breaks a rule is named; or the person is not as the administrator has seen them.
pub(crate) fn put_person(
    catalogue: &Catalogue,
    mut person: Person,
    reason: String,
    occasion: Occasion<'_>,
) -> Result<Draft, Fault> {
    let known = catalogue.person(&person.id);
    is_as_told(known, &person)?;
    complete(&mut person, known, occasion.now);
    check(catalogue, &person, occasion.now)?;
    let (id, legal_basis) = (person.id.clone(), String::new());
    let waiting = catalogue.person_proposal(&id).cloned().map(Of::PersonProposal);
    if gives_more(known, &person) {
        let proposed = Some(step(occasion, &reason, ""));
        let proposal = PersonProposal { person: Some(person), proposed, etag: 0 };
        let edits = vec![put(waiting, Of::PersonProposal(proposal), id)];
        return Ok(Draft { action: "propose-person", reason, legal_basis, edits });
    }
    // What was proposed before was about the person as they were.
    let mut edits = vec![put(known.cloned().map(Of::Person), Of::Person(person), id.clone())];
    edits.extend(waiting.map(|waiting| take_away(waiting, id)));
    Ok(Draft { action: "put-person", reason, legal_basis, edits })
}

/// Puts a person as another administrator has proposed.
///
/// # Errors
/// Nothing waits, or it is not what the administrator has seen; they have a part in it already; or it breaks a rule by now.
pub(crate) fn confirm_person(
    catalogue: &Catalogue,
    request: ConfirmPersonRequest,
    occasion: Occasion<'_>,
) -> Result<Draft, Fault> {
    let ConfirmPersonRequest { id, etag, reason } = request;
    let waiting = catalogue.person_proposal(&id).ok_or(Reason::NotFound)?;
    is_as_seen("etag", waiting.etag, etag)?;
    if occasion.person.id == id {
        return Err(same_person("id", rule!("is about who would confirm it")));
    }
    confirms(catalogue, occasion.person, &waiting.proposed)?;
    let person = waiting.person.clone().unwrap_or_default();
    let known = catalogue.person(&id);
    is_as_told(known, &person)?;
    check(catalogue, &person, occasion.now)?;
    let edits = vec![
        put(known.cloned().map(Of::Person), Of::Person(person), id.clone()),
        take_away(Of::PersonProposal(waiting.clone()), id),
    ];
    Ok(Draft { action: "confirm-person", reason, legal_basis: String::new(), edits })
}

/// Whether an administrator may confirm what was proposed: they are two persons, and not by the word of one of them.
///
/// # Errors
/// They are one, or may be.
pub(crate) fn confirms(catalogue: &Catalogue, person: &Person, proposed: &Option<Step>) -> Result<(), Fault> {
    for_the_first_time(person, &[proposed])?;
    let proposer = person_of(proposed).unwrap_or_default();
    let made_by_proposer = catalogue.remembered().makers_of(&person.id).any(|maker| maker == proposer);
    // Histories from before persons were confirmed have some whom one administrator made known alone.
    let made_alone = catalogue.remembered().makers_of(proposer).eq([person.id.as_str()]);
    if made_by_proposer || made_alone {
        let why =
            rule!("is confirmed by nobody whom the proposer made known, or who made the proposer known");
        return Err(same_person("proposal", why));
    }
    Ok(())
}

/// What was not said of a key: of one that is there it stays, a new one is good from now on.
fn complete(person: &mut Person, known: Option<&Person>, now: i64) {
    for key in &mut person.credentials {
        let had = known.and_then(|known| same_key(known, key));
        let from = had.map_or_else(|| Some(timestamp(now)), |had| had.not_before);
        key.not_before = key.not_before.or(from);
        key.not_after = key.not_after.or(had.and_then(|had| had.not_after));
    }
}

fn same_key<'a>(known: &'a Person, key: &Credential) -> Option<&'a Credential> {
    let is_it =
        |had: &&Credential| had.key_id == key.key_id && had.ed25519_public_key == key.ed25519_public_key;
    known.credentials.iter().find(is_it)
}

fn is_as_told(known: Option<&Person>, person: &Person) -> Result<(), Fault> {
    is_as_seen("person.etag", known.map_or(0, |known| known.etag), person.etag)
}

fn gives_more(known: Option<&Person>, person: &Person) -> bool {
    let Some(known) = known else { return true };
    let is_new = |key: &Credential| !same_key(known, key).is_some_and(|had| is_within(key, had));
    (known.left && !person.left)
        || known.agency_code != person.agency_code
        || person.roles.iter().any(|role| !known.roles.contains(role))
        || person.credentials.iter().any(is_new)
        || person.sign_ins.iter().any(|sign_in| !known.sign_ins.contains(sign_in))
}

/// Whether a key is good at no time and place at which it was not before.
fn is_within(key: &Credential, had: &Credential) -> bool {
    let from = |key: &Credential| key.not_before.as_ref().map_or(i64::MIN, micros);
    let to = |key: &Credential| key.not_after.as_ref().map_or(i64::MAX, micros);
    key.environment == had.environment && from(key) >= from(had) && to(key) <= to(had)
}

fn check(catalogue: &Catalogue, person: &Person, now: i64) -> Result<(), Fault> {
    let mut violations = Vec::new();
    let mut note = |bad: bool, field: &str, rule: Rule| {
        if bad {
            violations.push(violation(field, rule));
        }
    };
    note(PersonId::parse(&person.id).is_none(), "person.id", rule!("is not well formed"));
    note(catalogue.agency(&person.agency_code).is_none(), "person.agency_code", rule!("names no agency"));
    let unknown = person.roles.iter().any(|role| !catalogue.has_role(role));
    note(unknown, "person.roles", rule!("names a role that is not there"));
    note(
        has_one_twice(&person.credentials),
        "person.credentials",
        rule!("has a key, or the id of a key, twice"),
    );
    let is_good = |sign_in: &SignIn| is_issuer(&sign_in.issuer) && is_subject(&sign_in.subject);
    note(
        !person.sign_ins.iter().all(is_good),
        "person.sign_ins",
        rule!("names no issuer by its URL, or by a subject that may be the number of a person"),
    );
    note(shares_a_sign_in(catalogue, person), "person.sign_ins", rule!("is somebody else's, or there twice"));
    note(
        !keeps_an_administrator(catalogue, person),
        "person.roles",
        rule!("would leave the hub without an administrator"),
    );
    violations.extend(problems_of_keys(catalogue, person, now));
    if violations.is_empty() { Ok(()) } else { Err(Fault::invalid(violations)) }
}

fn has_one_twice(keys: &[Credential]) -> bool {
    let mut seen = BTreeSet::new();
    let named = |key: &Credential| [key.ed25519_public_key.to_vec(), key.key_id.clone().into_bytes()];
    !keys.iter().flat_map(named).all(|name| seen.insert(name))
}

/// The rules of keys hold for those of persons, too: for what is new of them. What is there may be older than its rule.
fn problems_of_keys(catalogue: &Catalogue, person: &Person, now: i64) -> Vec<Violation> {
    let known = catalogue.person(&person.id);
    let mut violations = Vec::new();
    for key in &person.credentials {
        let had = known.and_then(|known| same_key(known, key));
        if had.is_some_and(|had| is_within(key, had)) {
            continue;
        }
        if had.is_none() {
            violations.extend(problems_of_key(catalogue, key));
        }
        violations.extend(problems_of_period(&Held::Credential(key.clone()), now));
    }
    // They are named as of an application: the field of a person is another.
    for violation in &mut violations {
        violation.field = violation.field.replacen("credential", "person.credentials", 1);
    }
    violations
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

#[cfg(test)]
mod tests;
