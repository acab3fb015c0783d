//! What may be decided about an agreement, by whom, and what comes of it. Pure: the same decision twice is the same change.
//!
//! ```text
//!  propose ──► proposed ──approve──► approved ──activate──► active ◄──activate── suspended
//!                  └──refuse──► refused                       ├──suspend──►──────────┘
//!                                                             └──revoke──► revoked      (a later version: superseded)
//! ```
//!
//! Proposed by the consumer's agency, approved or refused by the agency that owns the data service, activated by the hub's
//! operator: three persons, never one twice. Either agency and the operator may suspend and revoke.

use lgsp_core::said::Rule;
use lgsp_core::sign_in::may_hold_a_person;
use lgsp_core::time::micros;
use lgsp_core::{Fault, Reason, Violation, rule};
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{
    Agreement, AgreementRecord, AgreementStage, Application, ApplicationState, DecideAgreementRequest, Edit,
    Person, Step,
};

use crate::catalogue::{Catalogue, put};
pub(crate) use crate::occasion::{Draft, Occasion, actor, violation};
use crate::occasion::{
    for_the_first_time, is_as_seen, not_yours, operates, stage_of, stands_wrong, stated, step, wrong_stage,
};

/// What can be decided about a version of an agreement that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Approve,
    Refuse,
    Activate,
    Suspend,
    Revoke,
}

impl Decision {
    fn action(self) -> &'static str {
        match self {
            Self::Approve => "approve-agreement",
            Self::Refuse => "refuse-agreement",
            Self::Activate => "activate-agreement",
            Self::Suspend => "suspend-agreement",
            Self::Revoke => "revoke-agreement",
        }
    }

    /// The stage that it leads to, from those that it can follow.
    fn leads(self, from: AgreementStage) -> Option<AgreementStage> {
        use AgreementStage as Stage;
        match (self, from) {
            (Self::Approve, Stage::Proposed) => Some(Stage::Approved),
            (Self::Refuse, Stage::Proposed) => Some(Stage::Refused),
            (Self::Activate, Stage::Approved | Stage::Suspended) => Some(Stage::Active),
            (Self::Suspend, Stage::Active) => Some(Stage::Suspended),
            (Self::Revoke, Stage::Approved | Stage::Active | Stage::Suspended) => Some(Stage::Revoked),
            _ => None,
        }
    }

    /// What has to be stated with it.
    fn wants<'a>(self, reason: &'a str, legal_basis: &'a str) -> Vec<(&'static str, &'a str)> {
        match self {
            Self::Approve | Self::Activate => Vec::new(),
            Self::Refuse => vec![("reason", reason), ("legal_basis", legal_basis)],
            Self::Suspend | Self::Revoke => vec![("reason", reason)],
        }
    }
}

/// Proposes the terms of an agreement: its first version, or the next one.
///
/// # Errors
/// The person's agency does not own the application, a term names nothing that is there, or an earlier version still waits.
pub(crate) fn propose(
    catalogue: &Catalogue,
    terms: Agreement,
    reason: String,
    occasion: Occasion<'_>,
) -> Result<Draft, Fault> {
    let mut violations = violations_of(&terms);
    let application = catalogue.application(&terms.application);
    if application.is_none() {
        violations.push(violation("agreement.application", rule!("names no application")));
    }
    if catalogue.service(&terms.service).is_none() {
        violations.push(violation("agreement.service", rule!("names no data service")));
    }
    if terms.purposes.iter().any(|purpose| !catalogue.has_purpose(purpose)) {
        violations.push(violation("agreement.purposes", rule!("names a purpose that the hub does not know")));
    }
    let last = catalogue.versions(&terms.id).last();
    let earlier = last.and_then(|record| record.agreement.as_ref());
    if earlier.is_some_and(|earlier| {
        (&earlier.application, &earlier.service) != (&terms.application, &terms.service)
    }) {
        violations.push(violation("agreement.id", rule!("is that of an agreement between others")));
    }
    if !violations.is_empty() {
        return Err(Fault::invalid(violations));
    }
    if application.is_some_and(|application| application.agency_code != occasion.person.agency_code) {
        return Err(not_yours("agreement", rule!("is proposed by the application's agency")));
    }
    application.map_or(Ok(()), lives)?;
    if last.is_some_and(|record| is_open(record.stage())) {
        return Err(stands_wrong("agreement.version", rule!("an earlier one waits for its decision")));
    }
    let version = earlier.map_or(1, |earlier| earlier.version + 1);
    let mut terms = terms;
    terms.version = version;
    normalise(&mut terms);
    let id = format!("{}/{version}", terms.id);
    let record = AgreementRecord {
        agreement: Some(terms),
        stage: AgreementStage::Proposed.into(),
        proposed: Some(step(occasion, &reason, "")),
        ..AgreementRecord::default()
    };
    let edits = vec![put(None, Of::Agreement(record), id)];
    Ok(Draft { action: "propose-agreement", reason, legal_basis: String::new(), edits })
}

/// Decides about a version of an agreement.
///
/// # Errors
/// There is none, it is not at a stage for this, the person may not, or has not seen it as it is.
pub(crate) fn decide(
    catalogue: &Catalogue,
    decision: Decision,
    request: DecideAgreementRequest,
    occasion: Occasion<'_>,
) -> Result<Draft, Fault> {
    let record = catalogue.agreement(&request.id, request.version).ok_or(Reason::NotFound)?;
    stated(&decision.wants(&request.reason, &request.legal_basis))?;
    may(catalogue, decision, record, occasion.person)?;
    is_as_seen("etag", record.etag, request.etag)?;
    let stage = decision.leads(record.stage()).ok_or_else(|| {
        let could_follow = |stage| decision.leads(stage).is_some();
        wrong_stage(record.stage(), could_follow, AgreementStage::as_str_name)
    })?;
    if matches!(decision, Decision::Approve | Decision::Activate) {
        let terms = record.agreement.as_ref().ok_or(Reason::NotFound)?;
        lives(catalogue.application(&terms.application).ok_or(Reason::NotFound)?)?;
    }
    if decision == Decision::Activate {
        leaves_no_gap(catalogue, record, occasion.now)?;
    }

    let step = Some(step(occasion, &request.reason, &request.legal_basis));
    let mut after = AgreementRecord { stage: stage.into(), ..record.clone() };
    match decision {
        Decision::Approve => after.approved = step,
        Decision::Activate => after.activated = step,
        Decision::Refuse | Decision::Suspend | Decision::Revoke => after.ended = step,
    }
    let mut edits = vec![edit(record, after)];
    if decision == Decision::Activate {
        edits.extend(superseded(catalogue, record));
    }
    Ok(Draft { action: decision.action(), reason: request.reason, legal_basis: request.legal_basis, edits })
}

/// Whether the person may decide this.
fn may(
    catalogue: &Catalogue,
    decision: Decision,
    record: &AgreementRecord,
    person: &Person,
) -> Result<(), Fault> {
    let terms = record.agreement.as_ref().ok_or(Reason::NotFound)?;
    let owns = catalogue
        .service(&terms.service)
        .is_some_and(|service| service.owner_agency_code == person.agency_code);
    let consumes = catalogue
        .application(&terms.application)
        .is_some_and(|application| application.agency_code == person.agency_code);
    let operates = operates(person);
    let (allowed, whose) = match decision {
        Decision::Approve | Decision::Refuse => {
            (owns, rule!("is decided about by the agency that owns the data service"))
        }
        Decision::Activate => (operates, rule!("is activated by the hub's operator")),
        Decision::Suspend | Decision::Revoke => {
            (owns || consumes || operates, rule!("is ended by either agency or the hub's operator"))
        }
    };
    if !allowed {
        return Err(not_yours("agreement", whose));
    }
    let earlier: &[&Option<Step>] = match decision {
        Decision::Approve | Decision::Refuse => &[&record.proposed],
        Decision::Activate => &[&record.proposed, &record.approved],
        Decision::Suspend | Decision::Revoke => &[],
    };
    for_the_first_time(person, earlier)
}

/// Whether the application may call at some time yet.
fn lives(application: &Application) -> Result<(), Fault> {
    use ApplicationState as Stage;
    let has_not_ended =
        |stage| matches!(stage, Stage::Requested | Stage::Onboarding | Stage::Connected | Stage::Suspended);
    if has_not_ended(application.state()) {
        return Ok(());
    }
    Err(stands_wrong("application", stage_of(application.state(), has_not_ended, Stage::as_str_name)))
}

/// Whether the version in force is not ended before the next one begins: the application would be refused in between.
fn leaves_no_gap(catalogue: &Catalogue, next: &AgreementRecord, now: i64) -> Result<(), Fault> {
    let Some(terms) = &next.agreement else { return Ok(()) };
    let in_force = |record: &AgreementRecord| {
        let (from, to) = record.agreement.as_ref().map_or((0, 0), period);
        record.stage() == AgreementStage::Active && from <= now && now < to
    };
    let begins_later = now < period(terms).0;
    if begins_later && catalogue.versions(&terms.id).any(in_force) {
        return Err(stands_wrong(
            "agreement.valid_from",
            rule!("is still to come, and would end the version in force now"),
        ));
    }
    Ok(())
}

/// From when until just before when terms are valid, Unix µs.
fn period(terms: &Agreement) -> (i64, i64) {
    (terms.valid_from.as_ref().map_or(0, micros), terms.valid_to.as_ref().map_or(i64::MAX, micros))
}

/// What becomes of the agreements of an application that ends: what waits is refused, what is agreed is revoked.
pub(crate) fn ended_with(catalogue: &Catalogue, application: &str, step: &Step) -> Vec<Edit> {
    let ours = catalogue
        .agreements()
        .filter(|record| record.agreement.as_ref().is_some_and(|terms| terms.application == application));
    let ended = ours.filter_map(|record| {
        let stage = match record.stage() {
            AgreementStage::Proposed => AgreementStage::Refused,
            AgreementStage::Approved | AgreementStage::Active | AgreementStage::Suspended => {
                AgreementStage::Revoked
            }
            AgreementStage::Unspecified
            | AgreementStage::Refused
            | AgreementStage::Revoked
            | AgreementStage::Superseded => return None,
        };
        let ended = Some(step.clone());
        Some(edit(record, AgreementRecord { stage: stage.into(), ended, ..record.clone() }))
    });
    ended.collect()
}

/// The version that was in force until now.
fn superseded(catalogue: &Catalogue, by: &AgreementRecord) -> Option<Edit> {
    let terms = by.agreement.as_ref()?;
    let mut versions = catalogue.versions(&terms.id);
    let earlier = versions.find(|record| {
        matches!(record.stage(), AgreementStage::Active | AgreementStage::Suspended) && record != &by
    })?;
    Some(edit(earlier, AgreementRecord { stage: AgreementStage::Superseded.into(), ..earlier.clone() }))
}

fn edit(before: &AgreementRecord, after: AgreementRecord) -> Edit {
    let id = before.agreement.as_ref().map(|terms| format!("{}/{}", terms.id, terms.version));
    put(Some(Of::Agreement(before.clone())), Of::Agreement(after), id.unwrap_or_default())
}

fn is_open(stage: AgreementStage) -> bool {
    matches!(stage, AgreementStage::Proposed | AgreementStage::Approved)
}

/// What can be said of the terms alone. That the mask fits the contract is seen when they become rules.
fn violations_of(terms: &Agreement) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut check = |bad: bool, field: &str, rule: Rule| {
        if bad {
            violations.push(violation(field, rule));
        }
    };
    check(lgsp_core::ApplicationId::parse(&terms.id).is_none(), "agreement.id", rule!("is not well formed"));
    check(terms.purposes.is_empty(), "agreement.purposes", rule!("names no purpose"));
    check(terms.grants.is_empty(), "agreement.grants", rule!("grants no method"));
    check(
        terms.grants.iter().any(|grant| grant.fields.is_empty()),
        "agreement.grants",
        rule!("grants no field"),
    );
    check(terms.legal_basis.trim().is_empty(), "agreement.legal_basis", rule!("is required"));
    check(
        may_hold_a_person(&terms.legal_basis),
        "agreement.legal_basis",
        rule!("may hold the number of a person"),
    );
    let (from, to) = (terms.valid_from.as_ref().map(micros), terms.valid_to.as_ref().map(micros));
    check(from.is_none(), "agreement.valid_from", rule!("is required"));
    check(to.is_none(), "agreement.valid_to", rule!("is required"));
    check(
        from.zip(to).is_some_and(|(from, to)| from >= to),
        "agreement.valid_to",
        rule!("is not after the beginning"),
    );
    violations
}

/// Lists in order and each name once, so that equal terms are equal bytes.
fn normalise(terms: &mut Agreement) {
    terms.purposes.sort_unstable();
    terms.purposes.dedup();
    terms.grants.sort_by(|a, b| a.method.cmp(&b.method));
    for grant in &mut terms.grants {
        grant.fields.sort_unstable();
        grant.fields.dedup();
    }
    terms.state = 0;
    terms.legal_basis = terms.legal_basis.trim().to_owned();
}

#[cfg(test)]
mod tests;
