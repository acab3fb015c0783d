//! What may be decided about a version of a data service, by whom, and what comes of it. Pure, as [`decide`](crate::decide).
//!
//! ```text
//!  register ──► draft ──offer──► sandbox ──put in use──► in use ──deprecate──► deprecated ──retire──► retired
//!                 └──────withdraw, refuse──────┘              └── a later version is put in use: superseded ──┘
//! ```
//!
//! Registered, offered and withdrawn by the agency that owns the data service; put in use and refused by the hub's operator, who is
//! not the person who registered it or recorded its check, and only after every method of this very contract was called in the sandbox
//! as it should be. Deprecated and retired by either, and retired no sooner than was announced.

use lgsp_core::time::{micros, timestamp};
use lgsp_core::{Fault, Reason, rule};
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{
    Agreement, AgreementStage, Conformance, DataService, DecideServiceRequest, Edit, Person, ServiceRecord,
    ServiceState,
};

use crate::asked::invalid;
use crate::catalogue::{Catalogue, put};
use crate::occasion::{
    Draft, Occasion, for_the_first_time, is_as_seen, not_yours, operates, stands_wrong, stated, step,
    violation, wrong_stage,
};
use crate::versions::{is_in_use, state};

/// Notice that a service which agreements use is given, µs: a month, for their agencies to change what they run. An hour less than
/// that, for clocks that differ and for the way here.
const LEAST_NOTICE: i64 = (30 * 24 - 1) * 3_600_000_000;
/// Most problems, and most exchanges as evidence, that are kept of a method.
const MOST_KEPT: usize = 32;

/// What can be decided about a version that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Offer,
    PutInUse,
    Refuse,
    Withdraw,
    /// From this moment on, Unix µs, it may be retired.
    Deprecate(i64),
    Retire,
}

impl Decision {
    fn action(self) -> &'static str {
        match self {
            Self::Offer => "offer-service",
            Self::PutInUse => "put-service-in-use",
            Self::Refuse => "refuse-service",
            Self::Withdraw => "withdraw-service",
            Self::Deprecate(_) => "deprecate-service",
            Self::Retire => "retire-service",
        }
    }

    /// The stage that it leads to, from those that it can follow.
    fn leads(self, from: ServiceState) -> Option<ServiceState> {
        use ServiceState as Stage;
        match (self, from) {
            (Self::Offer, Stage::Draft) => Some(Stage::Sandbox),
            (Self::PutInUse, Stage::Sandbox) => Some(Stage::InUse),
            (Self::Refuse, Stage::Draft | Stage::Sandbox) => Some(Stage::Refused),
            (Self::Withdraw, Stage::Draft | Stage::Sandbox) => Some(Stage::Withdrawn),
            // The date may be put off.
            (Self::Deprecate(_), Stage::InUse | Stage::Deprecated) => Some(Stage::Deprecated),
            (Self::Retire, Stage::Deprecated) => Some(Stage::Retired),
            _ => None,
        }
    }

    fn wants_reason(self) -> bool {
        match self {
            Self::Offer | Self::PutInUse => false,
            Self::Refuse | Self::Withdraw | Self::Deprecate(_) | Self::Retire => true,
        }
    }

    fn may(self, owns: bool, operates: bool) -> Result<(), Fault> {
        let (allowed, whose) = match self {
            Self::Offer | Self::Withdraw => {
                (owns, rule!("is offered and withdrawn by the agency that owns it"))
            }
            Self::PutInUse | Self::Refuse => (operates, rule!("is decided about by the hub's operator")),
            Self::Deprecate(_) | Self::Retire => {
                (owns || operates, rule!("is ended by the agency that owns it or the hub's operator"))
            }
        };
        if allowed { Ok(()) } else { Err(not_yours("service", whose)) }
    }
}

/// Makes a contract that was examined a version of its service.
///
/// # Errors
/// An earlier version waits for its decision, or it is the very contract that is in use.
pub(crate) fn register(
    catalogue: &Catalogue,
    service: DataService,
    reason: String,
    occasion: Occasion<'_>,
) -> Result<Draft, Fault> {
    let versions = catalogue.services();
    if versions.of(&service.name).any(|record| is_open(state(record))) {
        return Err(stands_wrong("version", rule!("an earlier one waits for its decision")));
    }
    let in_use = versions.in_use(&service.name).and_then(|record| record.service.as_ref());
    if in_use.is_some_and(|known| known.descriptor_sha256 == service.descriptor_sha256) {
        return Err(Fault::invalid(vec![violation(
            "descriptor_set",
            rule!("is the contract that is in use"),
        )]));
    }
    let version = versions.of(&service.name).next_back().map_or(1, |last| last.version + 1);
    let id = format!("{}/{version}", service.name);
    let record = ServiceRecord {
        service: Some(DataService { state: ServiceState::Draft.into(), ..service }),
        version,
        registered: Some(step(occasion, &reason, "")),
        ..ServiceRecord::default()
    };
    let edits = vec![put(None, Of::ServiceRecord(record), id)];
    Ok(Draft { action: "register-service", reason, legal_basis: String::new(), edits })
}

/// Decides about a version of a data service.
///
/// # Errors
/// There is none, it is not at a stage for this, the person may not, or has not seen it as it is.
pub(crate) fn decide(
    catalogue: &Catalogue,
    decision: Decision,
    request: DecideServiceRequest,
    occasion: Occasion<'_>,
) -> Result<Draft, Fault> {
    let record = seen(catalogue, &request.name, request.version)?;
    if decision.wants_reason() {
        stated(&[("reason", &request.reason)])?;
    }
    decision.may(owns(record, occasion.person), operates(occasion.person))?;
    is_as_seen("etag", record.etag, request.etag)?;
    let stage = decision.leads(state(record)).ok_or_else(|| {
        let could_follow = |stage| decision.leads(stage).is_some();
        wrong_stage(state(record), could_follow, ServiceState::as_str_name)
    })?;
    let is_used = !agreements_of(catalogue, &request.name, occasion.now).is_empty();
    in_time(decision, record, is_used, occasion.now)?;

    let step = Some(step(occasion, &request.reason, ""));
    let mut after = record.clone();
    let service = after.service.get_or_insert_default();
    service.set_state(stage);
    match decision {
        Decision::Offer => after.offered = step,
        Decision::PutInUse => {
            let checked = record.conformance.as_ref().and_then(|conformance| conformance.recorded.clone());
            for_the_first_time(occasion.person, &[&record.registered, &checked])?;
            conforms(record)?;
            after.put_in_use = step;
        }
        Decision::Deprecate(sunset) => {
            service.deprecated_at.get_or_insert(timestamp(occasion.now));
            service.sunset_at = Some(timestamp(sunset));
            after.deprecated = step;
        }
        Decision::Refuse | Decision::Withdraw | Decision::Retire => after.ended = step,
    }
    let mut edits = vec![edit(record, after)];
    if decision == Decision::PutInUse {
        edits.extend(superseded(catalogue, record, occasion));
    }
    let (action, legal_basis) = (decision.action(), String::new());
    Ok(Draft { action, reason: request.reason, legal_basis, edits })
}

/// Keeps what the person says came of calling every method, with the exchanges that anybody may look up. Whether it passed is said
/// here: of every method that the contract has.
///
/// # Errors
/// There is no such version, it is not offered, the check was of another contract, or the person may not.
pub(crate) fn record_conformance(
    catalogue: &Catalogue,
    (name, version, etag): (&str, u32, u64),
    conformance: Conformance,
    methods: &[String],
    occasion: Occasion<'_>,
) -> Result<Draft, Fault> {
    let record = seen(catalogue, name, version)?;
    if !owns(record, occasion.person) && !operates(occasion.person) {
        let whose = rule!("is checked by the agency that owns it or the hub's operator");
        return Err(not_yours("service", whose));
    }
    is_as_seen("etag", record.etag, etag)?;
    if state(record) != ServiceState::Sandbox {
        let could_follow = |stage| stage == ServiceState::Sandbox;
        return Err(wrong_stage(state(record), could_follow, ServiceState::as_str_name));
    }
    let service = record.service.as_ref().ok_or(Reason::NotFound)?;
    let mut violations = Vec::new();
    if conformance.descriptor_sha256 != service.descriptor_sha256 {
        violations.push(violation("conformance.descriptor_sha256", rule!("is that of another contract")));
    }
    let unknown = conformance.methods.iter().any(|told| !methods.contains(&told.method));
    if unknown {
        violations
            .push(violation("conformance.methods", rule!("names a method that the contract does not have")));
    }
    let problems = conformance.methods.iter().flat_map(|told| &told.problems);
    if problems.clone().any(|problem| lgsp_core::sign_in::may_hold_a_person(problem)) {
        violations.push(violation("conformance.methods.problems", rule!("may hold the number of a person")));
    }
    if !violations.is_empty() {
        return Err(Fault::invalid(violations));
    }
    let passed = |method: &String| {
        let mut told = conformance.methods.iter().filter(|told| told.method == *method).peekable();
        told.peek().is_some() && told.all(|told| told.problems.is_empty() && !told.exchange_ids.is_empty())
    };
    let passed = methods.iter().all(passed);
    let mut kept = conformance;
    for method in &mut kept.methods {
        method.problems.truncate(MOST_KEPT);
        method.exchange_ids.truncate(MOST_KEPT);
    }
    let after = ServiceRecord {
        conformance: Some(Conformance { passed, recorded: Some(step(occasion, "", "")), ..kept }),
        ..record.clone()
    };
    let edits = vec![edit(record, after)];
    Ok(Draft { action: "record-conformance", reason: String::new(), legal_basis: String::new(), edits })
}

/// The agreements in force that use a service at a moment (Unix µs) or later: `tt-tthc-dancu version 2`.
pub(crate) fn agreements_of(catalogue: &Catalogue, service: &str, now: i64) -> Vec<String> {
    let in_force = catalogue.agreements().filter(|record| record.stage() == AgreementStage::Active);
    let terms = in_force.filter_map(|record| record.agreement.as_ref());
    let has_ended = |terms: &Agreement| terms.valid_to.as_ref().is_some_and(|to| micros(to) <= now);
    let ours = terms.filter(|terms| terms.service == service && !has_ended(terms));
    ours.map(|terms| format!("{} version {}", terms.id, terms.version)).collect()
}

/// Whether a version waits to be put in use.
pub(crate) fn is_open(state: ServiceState) -> bool {
    matches!(state, ServiceState::Draft | ServiceState::Sandbox)
}

fn seen<'a>(catalogue: &'a Catalogue, name: &str, version: u32) -> Result<&'a ServiceRecord, Fault> {
    let record = catalogue.services().get(name, version).ok_or(Reason::NotFound)?;
    if record.service.as_ref().is_some_and(|service| service.platform) {
        return Err(not_yours("service", rule!("comes and goes with the hub")));
    }
    Ok(record)
}

fn owns(record: &ServiceRecord, person: &Person) -> bool {
    record.service.as_ref().is_some_and(|service| service.owner_agency_code == person.agency_code)
}

/// What was announced is kept to, and nothing is announced for the past.
fn in_time(decision: Decision, record: &ServiceRecord, is_used: bool, now: i64) -> Result<(), Fault> {
    let announced = record.service.as_ref().and_then(|service| service.sunset_at.as_ref()).map(micros);
    match decision {
        Decision::Deprecate(from) => {
            let rule = match announced {
                _ if from < now => rule!("is in the past"),
                Some(announced) if from < announced => rule!("is earlier than was announced"),
                None if is_used && from < now + LEAST_NOTICE => {
                    rule!("is less than 30 days away, and agreements use it")
                }
                Some(_) | None => return Ok(()),
            };
            Err(invalid("retire_from", rule))
        }
        Decision::Retire if announced.is_some_and(|announced| now < announced) => {
            Err(invalid("service.sunset_at", rule!("is still to come")))
        }
        Decision::Offer | Decision::PutInUse | Decision::Refuse | Decision::Withdraw | Decision::Retire => {
            Ok(())
        }
    }
}

/// What came from the files was put there by whoever operates the hub.
fn conforms(record: &ServiceRecord) -> Result<(), Fault> {
    let sha256 = record.service.as_ref().map(|service| &service.descriptor_sha256);
    let passed = record
        .conformance
        .as_ref()
        .is_some_and(|conformance| conformance.passed && Some(&conformance.descriptor_sha256) == sha256);
    if passed || record.registered.is_none() { Ok(()) } else { Err(Reason::NotConformant.into()) }
}

/// The version that was in use until now.
fn superseded(catalogue: &Catalogue, by: &ServiceRecord, occasion: Occasion<'_>) -> Option<Edit> {
    let name = &by.service.as_ref()?.name;
    let earlier = catalogue.services().of(name).find(|record| is_in_use(state(record)))?;
    let mut after = earlier.clone();
    after.service.as_mut()?.set_state(ServiceState::Superseded);
    after.ended = Some(step(occasion, &format!("version {} is in use", by.version), ""));
    Some(edit(earlier, after))
}

fn edit(before: &ServiceRecord, after: ServiceRecord) -> Edit {
    let name = before.service.as_ref().map(|service| service.name.clone()).unwrap_or_default();
    let id = format!("{name}/{}", before.version);
    put(Some(Of::ServiceRecord(before.clone())), Of::ServiceRecord(after), id)
}

#[cfg(test)]
mod tests;
