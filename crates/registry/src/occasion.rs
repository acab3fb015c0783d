//! What every decision has, whatever it is about: who decides and when, the step that it is, and what it changes.

use lgsp_core::said::Rule;
use lgsp_core::sign_in::may_hold_a_person;
use lgsp_core::time::timestamp;
use lgsp_core::{Fault, Reason, Violation, rule};
use lgsp_proto::registry::v1::{Actor, Edit, Person, Step};

/// The role of those who operate the hub.
const OPERATOR: &str = "operator";

/// Who decides, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occasion<'a> {
    pub person: &'a Person,
    /// Unix µs.
    pub now: i64,
    /// The exchange by which it is done.
    pub exchange: &'a str,
}

/// What a decision changes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    pub action: &'static str,
    pub reason: String,
    pub legal_basis: String,
    pub edits: Vec<Edit>,
}

/// A step as the record keeps it.
pub(crate) fn step(occasion: Occasion<'_>, reason: &str, legal_basis: &str) -> Step {
    Step {
        by: Some(actor(occasion.person)),
        at: Some(timestamp(occasion.now)),
        exchange_id: occasion.exchange.to_owned(),
        reason: reason.to_owned(),
        legal_basis: legal_basis.to_owned(),
    }
}

/// A person as the history names them.
pub(crate) fn actor(person: &Person) -> Actor {
    Actor { person: person.id.clone(), agency_code: person.agency_code.clone() }
}

/// Who took a step.
pub(crate) fn person_of(step: &Option<Step>) -> Option<&str> {
    step.as_ref()?.by.as_ref().map(|by| by.person.as_str())
}

/// Whether the person is one of the hub's operators.
pub(crate) fn operates(person: &Person) -> bool {
    person.roles.iter().any(|role| role == OPERATOR)
}

/// Whether what has to be stated is.
///
/// # Errors
/// Every field that has to be there and is blank is named.
pub(crate) fn stated(required: &[(&str, &str)]) -> Result<(), Fault> {
    let blank = required.iter().filter(|(_, value)| value.trim().is_empty());
    let missing: Vec<Violation> = blank.map(|(field, _)| violation(field, rule!("is required"))).collect();
    if missing.is_empty() { Ok(()) } else { Err(Fault::invalid(missing)) }
}

/// Whether what is decided about is as it was seen. What is new, or came from files, has no etag.
///
/// # Errors
/// It has changed since; or nobody has looked, and the field is named.
pub(crate) fn is_as_seen(field: &str, etag: u64, seen: u64) -> Result<(), Fault> {
    if etag == seen {
        return Ok(());
    }
    if seen == 0 { stated(&[(field, "")]) } else { Err(Reason::Stale.into()) }
}

/// Whether texts that stay in the history for ever hold no number of a person.
///
/// # Errors
/// Every field that may hold one is named.
pub(crate) fn names_nobody(texts: &[(&str, &str)]) -> Result<(), Fault> {
    let naming: Vec<Violation> = naming_somebody(texts).collect();
    if naming.is_empty() { Ok(()) } else { Err(Fault::invalid(naming)) }
}

/// The fields whose texts may hold the number of a person.
pub(crate) fn naming_somebody(texts: &[(&str, &str)]) -> impl Iterator<Item = Violation> {
    let naming = texts.iter().filter(|(_, text)| may_hold_a_person(text));
    naming.map(|(field, _)| violation(field, rule!("may hold the number of a person")))
}

/// Whether the person has taken none of the earlier steps.
///
/// # Errors
/// They have taken one.
pub(crate) fn for_the_first_time(person: &Person, earlier: &[&Option<Step>]) -> Result<(), Fault> {
    let again = earlier.iter().any(|step| person_of(step) == Some(person.id.as_str()));
    if again { Err(same_person("person", rule!("has taken an earlier step"))) } else { Ok(()) }
}

/// Somebody else has to take this step: tells why.
pub(crate) fn same_person(what: &str, why: Rule) -> Fault {
    Fault::new(Reason::SamePerson).naming(vec![violation(what, why)])
}

/// It is not at a stage that a decision could follow: tells at which it is, and at which it has to be.
pub(crate) fn wrong_stage<S: Copy + TryFrom<i32>>(
    is: S,
    could_follow: impl Fn(S) -> bool,
    name: fn(&S) -> &'static str,
) -> Fault {
    stands_wrong("stage", stage_of(is, could_follow, name))
}

/// The same for something else that a decision is about, by its field.
pub(crate) fn stage_of<S: Copy + TryFrom<i32>>(
    is: S,
    could_follow: impl Fn(S) -> bool,
    name: fn(&S) -> &'static str,
) -> Rule {
    // The stages of a contract are numbered without gaps.
    let stages = (0..).map_while(|number| S::try_from(number).ok());
    let has_to_be: Vec<String> =
        stages.filter(|stage| could_follow(*stage)).map(|stage| word(name(&stage))).collect();
    Rule::stage(&word(name(&is)), &has_to_be)
}

/// The same for what does not follow from a stage alone.
pub(crate) fn stands_wrong(what: &str, why: Rule) -> Fault {
    Fault::new(Reason::WrongStage).naming(vec![violation(what, why)])
}

/// It is not for the person's agency: tells for whom it is.
pub(crate) fn not_yours(what: &str, whose: Rule) -> Fault {
    Fault::new(Reason::NotYourAgency).naming(vec![violation(what, whose)])
}

/// `in-use` of `SERVICE_STATE_IN_USE`.
fn word(name: &str) -> String {
    let parts = name.split_once("_STAGE_").or_else(|| name.split_once("_STATE_"));
    parts.map_or(name, |(_, stage)| stage).to_lowercase().replace('_', "-")
}

/// A field of the request and the rule that it breaks.
pub(crate) fn violation(field: &str, rule: Rule) -> Violation {
    Violation { field: field.to_owned(), rule: rule.into() }
}

#[cfg(test)]
mod tests {
    use lgsp_proto::registry::v1::{AgreementStage, ApplicationState, ServiceState};

    use super::*;
    use crate::office::told;

    fn check<S: Copy + TryFrom<i32>>(name: fn(&S) -> &'static str) {
        for stage in (0..).map_while(|number| S::try_from(number).ok()) {
            let told = told(&wrong_stage(stage, |_| true, name));
            assert!(told[0].starts_with("stage: is "), "{told:?} of {}", name(&stage));
        }
    }

    #[test]
    fn every_stage_at_which_something_stands_is_told() {
        check(AgreementStage::as_str_name);
        check(ApplicationState::as_str_name);
        check(ServiceState::as_str_name);
    }
}
