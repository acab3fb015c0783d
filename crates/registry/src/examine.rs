//! What is wrong with a contract that somebody wants to register, and what it would break. Pure.

use std::collections::BTreeSet;

use lgsp_core::breaking::breaks;
use lgsp_core::contract::{Contract, Problem, is_domain};
use lgsp_core::said::Rule;
use lgsp_core::sign_in::may_hold_a_person;
use lgsp_core::{Fault, Reason, Violation, rule};
use lgsp_proto::registry::v1::{DataService, RegisterServiceRequest, ServiceState};

use crate::held::key_of;
use crate::occasion::violation;
use crate::register::Held;
use crate::versions::state;

/// Most violations that a caller is told; the check tells as many as an answer carries.
const MOST: usize = 32;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Examined {
    /// What the hub does not carry or take.
    pub problems: Vec<Problem>,
    /// What callers of the version in use would lose.
    pub breaks: Vec<Problem>,
}

impl Examined {
    /// Refuses what is unfit or breaks something, and names the places.
    pub fn accepted(&self) -> Result<(), Fault> {
        if !self.problems.is_empty() {
            return Err(Fault::invalid(violations(
                &self.problems,
                &rule!("is unfit: CheckService tells why"),
            )));
        }
        if !self.breaks.is_empty() {
            return Err(Fault::new(Reason::BreakingChange)
                .naming(violations(&self.breaks, &rule!("breaks callers: CheckService tells why"))));
        }
        Ok(())
    }
}

/// The service that a contract describes, for the agency that registers it.
pub(crate) fn described(contract: &Contract, request: &RegisterServiceRequest, agency: &str) -> DataService {
    let or = |named: &str, else_: &str| if named.is_empty() { else_.to_owned() } else { named.to_owned() };
    let rules = &contract.rules;
    DataService {
        name: request.name.clone(),
        owner_agency_code: agency.to_owned(),
        state: ServiceState::Draft.into(),
        descriptor_sha256: contract.sha256.to_vec().into(),
        domain: or(&rules.domain, &request.domain),
        title_vi: or(&rules.title_vi, &request.title_vi),
        title_en: or(&rules.title_en, &request.title_en),
        ..DataService::default()
    }
}

/// Examines a contract. `in_use` is that of the version which callers rely on now.
pub(crate) fn examine(
    held: &Held,
    contract: &Contract,
    service: &DataService,
    request: &RegisterServiceRequest,
    in_use: Option<&Contract>,
) -> Examined {
    let mut problems = contract.unfit();
    // What is unfit may be too large to be compared.
    let in_use = in_use.filter(|_| problems.is_empty());
    problems.extend(problems_of_names(held, service, request));
    problems.extend(foreign_files(held, contract, service));
    problems.sort();
    let known = held.catalogue.services().in_use(&service.name).and_then(|record| record.service.as_ref());
    let mut breaks = in_use.map(|old| breaks(&old.service, &contract.service)).unwrap_or_default();
    if let Some(known) = known.filter(|known| known.domain != service.domain) {
        breaks.push(problem(&service.name, &format!("its domain was `{}`", known.domain), ""));
    }
    Examined { problems, breaks }
}

/// Names are given once, and not to two.
fn problems_of_names(held: &Held, service: &DataService, request: &RegisterServiceRequest) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut note = |found: &str, accepted: &str| problems.push(problem(&service.name, found, accepted));
    if !is_domain(&service.domain) {
        let accepted = "option (lgsp.options.v1.service).domain: lower-case letters, digits and `-`";
        note("names no domain, or one that is not well formed", accepted);
    }
    if !request.domain.is_empty() && request.domain != service.domain {
        note("is registered under another domain than its contract names", &service.domain);
    }
    if service.title_vi.trim().is_empty() {
        note("has no Vietnamese title", "option (lgsp.options.v1.service).title_vi");
    }
    if [&service.title_vi, &service.title_en].into_iter().any(|title| may_hold_a_person(title)) {
        note("has a title that may hold the number of a person", "");
    }
    let alive = held
        .catalogue
        .services()
        .all()
        .filter(|record| !matches!(state(record), ServiceState::Refused | ServiceState::Withdrawn));
    let others = alive.filter_map(|record| record.service.as_ref());
    let is_foreign =
        |other: &&DataService| other.platform || other.owner_agency_code != service.owner_agency_code;
    let foreign: Vec<&DataService> = others.filter(is_foreign).collect();
    if foreign.iter().any(|other| other.name == service.name) {
        note("is a data service of another agency", "a name of the agency's own");
    }
    if foreign.iter().any(|other| other.domain == service.domain) {
        note("is in a domain of another agency", "a domain of the agency's own");
    }
    problems
}

/// Files of another agency's contract under the same name: whoever looks contracts up would find one for the other.
fn foreign_files(held: &Held, contract: &Contract, service: &DataService) -> Vec<Problem> {
    let snapshot = held.checked.snapshot();
    let foreign = snapshot
        .services
        .iter()
        .filter(|other| !other.platform && other.owner_agency_code != service.owner_agency_code);
    let keys: BTreeSet<String> = foreign.map(key_of).collect();
    let mut problems = Vec::new();
    for set in keys.iter().filter_map(|key| held.contracts.get(key)) {
        let Ok(pool) = lgsp_proto::link(set) else { continue };
        for file in contract.service.parent_pool().files() {
            let theirs = pool.get_file_by_name(file.name()).filter(|_| !is_shared(file.package_name()));
            if theirs.is_some_and(|theirs| theirs.file_descriptor_proto() != file.file_descriptor_proto()) {
                problems.push(problem(file.name(), "is another file in a contract of another agency", ""));
            }
        }
    }
    problems
}

/// Files that many contracts hold: what they mean is held against the hub's own.
fn is_shared(package: &str) -> bool {
    ["google.", "lgsp.options.", "lgsp.record."].iter().any(|shared| package.starts_with(shared))
}

/// Problems as violations. Of what a provider says only field paths and listed sentences reach the caller, so that a place becomes
/// one, and what was found is told by the answer of a check.
fn violations(problems: &[Problem], rule: &Rule) -> Vec<Violation> {
    let places = problems.iter().take(MOST).map(|problem| path_of(&problem.place));
    places.map(|place| violation(&place, rule.clone())).collect()
}

/// `descriptor_set.get_book_request.isbn` of `example.v1.GetBookRequest.isbn`.
fn path_of(place: &str) -> String {
    let segments: Vec<&str> = place.split('.').collect();
    let last = &segments[segments.len().saturating_sub(2)..];
    let words = last.iter().map(|segment| snake_case(segment)).filter(|word| !word.is_empty());
    std::iter::once("descriptor_set".to_owned()).chain(words).collect::<Vec<_>>().join(".")
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let mut after_lower = false;
    for letter in name.chars().filter(|letter| letter.is_ascii_alphabetic() || *letter == '_') {
        if letter.is_ascii_uppercase() && after_lower {
            snake.push('_');
        }
        after_lower = letter.is_ascii_lowercase();
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn problem(place: &str, found: &str, accepted: &str) -> Problem {
    Problem { place: place.to_owned(), found: found.to_owned(), accepted: accepted.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_contract_is_told_as_a_path_that_reaches_the_caller() {
        for (place, path) in [
            ("example.v1.GetBookRequest.isbn", "descriptor_set.get_book_request.isbn"),
            ("example.v1.Kind.KIND_NOVEL", "descriptor_set.kind.kind_novel"),
            ("example.v1.Shelf", "descriptor_set.v.shelf"),
            ("shelf.proto", "descriptor_set.shelf.proto"),
            ("", "descriptor_set"),
        ] {
            assert_eq!(path_of(place), path);
        }
    }
}
