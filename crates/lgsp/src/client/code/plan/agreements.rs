//! Agreements: proposed by the application's agency, approved by the owner of the data, activated by the hub's operator.

use lgsp_core::time::micros;
use lgsp_proto::registry::v1::{
    Agreement, AgreementRecord, AgreementStage as Stage, AgreementState, ApplicationState, Priority,
    ServiceState,
};
use lgsp_registry::rules::Checked;

use super::{Act, By, Difference, Step};
use crate::client::code::fields::{self, changed};
use crate::client::code::known::Known;

const OPERATOR: &str = "operator";
const REFUSE: &str = "refuse it with a reason and a legal basis, or activate it";

pub(super) fn differences(wanted: &Checked, known: &Known, now: i64) -> Vec<Difference> {
    let ours = &wanted.snapshot().agreements;
    let mut differences = Vec::new();
    for terms in ours {
        differences.extend(difference(terms, wanted, known));
    }
    for record in &known.agreements {
        let Some(terms) = &record.agreement else { continue };
        // One that has ended is not missed.
        let has_ended = terms.valid_to.as_ref().is_some_and(|end| micros(end) <= now);
        if has_ended || ours.iter().any(|it| it.id == terms.id) {
            continue;
        }
        let id = format!("{}/{}", terms.id, terms.version);
        let owner = owner(&terms.service, wanted, known);
        let step = match record.stage() {
            Stage::Active | Stage::Suspended | Stage::Approved => {
                Step::new(revoke(record), By::role(OPERATOR))
            }
            Stage::Proposed => Step::by_hand(REFUSE, By::of("approver", &owner)),
            Stage::Unspecified | Stage::Refused | Stage::Revoked | Stage::Superseded => continue,
        };
        differences.push(Difference::removed("agreement", &id, vec![step]));
    }
    differences
}

fn difference(wanted: &Agreement, files: &Checked, known: &Known) -> Option<Difference> {
    let is_of = |it: &&AgreementRecord| it.agreement.as_ref().is_some_and(|terms| terms.id == wanted.id);
    let versions: Vec<&AgreementRecord> = known.agreements.iter().filter(is_of).collect();
    let last = |stages: &[Stage]| versions.iter().rev().copied().find(|it| stages.contains(&it.stage()));
    let live = last(&[Stage::Active, Stage::Suspended]);
    let open = last(&[Stage::Proposed, Stage::Approved]);
    let is_same = |it: &&AgreementRecord| it.agreement.as_ref().is_some_and(|terms| same(terms, wanted));

    let mut steps = match wanted.state() {
        AgreementState::Revoked | AgreementState::Unspecified => return ended(wanted, live),
        AgreementState::Active | AgreementState::Suspended => Vec::new(),
    };
    let suspends = wanted.state() == AgreementState::Suspended;
    let shown = match (live.filter(is_same), open) {
        (Some(live), _) => {
            let (operator, stage) = (By::role(OPERATOR), live.stage());
            if stage == Stage::Active && suspends {
                steps.push(Step::new(suspend(live), operator));
            } else if stage == Stage::Suspended && !suspends {
                steps.push(Step::new(activate(live), operator.but(&[&live.proposed, &live.approved])));
            }
            Some(live)
        }
        (None, Some(open)) if is_same(&open) => {
            steps.extend(rest(open, &owner(&wanted.service, files, known)));
            live
        }
        (None, Some(_)) => {
            let approver = By::of("approver", &owner(&wanted.service, files, known));
            let what = format!("another version waits for its decision: {REFUSE}");
            steps.push(Step::by_hand(what, approver));
            live
        }
        (None, None) => {
            steps.extend(all(wanted, files, known));
            live
        }
    };
    if suspends && !matches!(shown, Some(live) if is_same(&live)) {
        steps.push(Step::new(Act::SuspendAgreement(wanted.id.clone(), 0, 0), By::role(OPERATOR)));
    }
    if steps.is_empty() {
        return None;
    }
    let bare = |terms: &Agreement| fields::of("Agreement", &normal(terms));
    let before = shown.and_then(|it| it.agreement.as_ref()).map(bare).unwrap_or_default();
    let fields = changed(&before, &bare(wanted));
    let difference = match shown {
        Some(_) => Difference::changed("agreement", &wanted.id, fields, steps),
        None => Difference::added("agreement", &wanted.id, fields, steps),
    };
    let proposes = matches!(difference.steps[0].act, Act::Propose(_));
    let difference = difference.waiting(proposes && !has_application(known, wanted), "its application");
    Some(difference.waiting(proposes && !has_service(known, wanted), "its data service to be offered"))
}

/// What was never agreed need not be revoked.
fn ended(wanted: &Agreement, live: Option<&AgreementRecord>) -> Option<Difference> {
    let steps = vec![Step::new(revoke(live?), By::role(OPERATOR))];
    Some(Difference::changed("agreement", &wanted.id, Vec::new(), steps))
}

/// What is left of a version that waits.
fn rest(open: &AgreementRecord, owner: &str) -> Vec<Step> {
    let (id, version) = name(open);
    let operator = By::role(OPERATOR).but(&[&open.proposed, &open.approved]);
    if open.stage() == Stage::Approved {
        return vec![Step::new(activate(open), operator)];
    }
    let approver = By::of("approver", owner).but(&[&open.proposed]);
    let approve = Act::ApproveAgreement(id.clone(), version, open.etag);
    vec![Step::new(approve, approver), Step::new(Act::Activate(id, version, 0), operator)]
}

fn all(wanted: &Agreement, files: &Checked, known: &Known) -> Vec<Step> {
    let id = || wanted.id.clone();
    let mut applications = files.snapshot().applications.iter();
    let agency = applications.find(|it| it.id == wanted.application).map(|it| it.agency_code.clone());
    let owner = owner(&wanted.service, files, known);
    vec![
        Step::new(Act::Propose(Box::new(wanted.clone())), By::of("developer", &agency.unwrap_or_default())),
        Step::new(Act::ApproveAgreement(id(), 0, 0), By::of("approver", &owner)),
        Step::new(Act::Activate(id(), 0, 0), By::role(OPERATOR)),
    ]
}

/// The agency that owns a data service: as the registry knows it, which is whom it asks.
fn owner(service: &str, files: &Checked, known: &Known) -> String {
    let known = known.services.iter().rev().filter_map(|it| it.service.as_ref());
    let mut all = known.chain(&files.snapshot().services);
    all.find(|it| it.name == service).map(|it| it.owner_agency_code.clone()).unwrap_or_default()
}

fn has_application(known: &Known, terms: &Agreement) -> bool {
    let mut applications = known.connections.iter().filter_map(|it| it.application.as_ref());
    applications.any(|it| it.id == terms.application && it.state() != ApplicationState::Refused)
}

fn has_service(known: &Known, terms: &Agreement) -> bool {
    let mut services = known.services.iter().filter_map(|it| it.service.as_ref());
    services.any(|it| {
        let state = it.state();
        let is_offered =
            matches!(state, ServiceState::Sandbox | ServiceState::InUse | ServiceState::Deprecated);
        it.name == terms.service && is_offered
    })
}

fn same(known: &Agreement, wanted: &Agreement) -> bool {
    normal(known) == normal(wanted)
}

/// The terms alone: the version is the registry's to give, and where it stands is told by its record.
fn normal(terms: &Agreement) -> Agreement {
    let mut terms = Agreement { version: 0, state: 0, ..terms.clone() };
    terms.purposes.sort_unstable();
    terms.grants.sort_by(|a, b| a.method.cmp(&b.method));
    terms.grants.iter_mut().for_each(|grant| grant.fields.sort_unstable());
    terms.quota = terms.quota.filter(|quota| (quota.per_second, quota.per_day) != (0, 0));
    if terms.priority() == Priority::Interactive {
        terms.set_priority(Priority::Unspecified);
    }
    terms
}

fn name(record: &AgreementRecord) -> (String, u32) {
    record.agreement.as_ref().map(|terms| (terms.id.clone(), terms.version)).unwrap_or_default()
}

fn activate(record: &AgreementRecord) -> Act {
    let (id, version) = name(record);
    Act::Activate(id, version, record.etag)
}

fn suspend(record: &AgreementRecord) -> Act {
    let (id, version) = name(record);
    Act::SuspendAgreement(id, version, record.etag)
}

fn revoke(record: &AgreementRecord) -> Act {
    let (id, version) = name(record);
    Act::RevokeAgreement(id, version, record.etag)
}
