//! Data services: registered and offered by whoever owns them, checked in the sandbox, and put in use by the hub's operator.

use bytes::Bytes;
use lgsp_core::descriptor_key;
use lgsp_proto::registry::v1::{DataService, ServiceRecord, ServiceState};
use lgsp_registry::rules::Checked;

use super::{Act, By, Difference, Step};
use crate::client::code::fields::{self, Changed, changed};
use crate::client::code::known::Known;

const DEVELOPER: &str = "developer";
const OPERATOR: &str = "operator";

pub(super) fn differences(wanted: &Checked, known: &Known) -> Vec<Difference> {
    let ours = &wanted.snapshot().services;
    let mut differences = Vec::new();
    for service in ours.iter().filter(|service| !service.platform) {
        let versions: Vec<&ServiceRecord> =
            known.services.iter().filter(|it| name_of(it) == service.name).collect();
        let set = wanted.descriptors().get(&descriptor_key(&service.descriptor_sha256));
        differences.extend(difference(service, &versions, set));
    }
    // Those of the hub itself come and go with it.
    let mut gone: Vec<&DataService> = known.services.iter().filter_map(|it| it.service.as_ref()).collect();
    gone.retain(|it| {
        let ends = matches!(it.state(), ServiceState::InUse | ServiceState::Draft | ServiceState::Sandbox);
        ends && !it.platform && !ours.iter().any(|service| service.name == it.name)
    });
    gone.dedup_by(|a, b| a.name == b.name);
    for service in gone {
        let what =
            format!("lgsp service deprecate {}: announce from when on it may be retired", service.name);
        let step = Step::by_hand(what, By::role(OPERATOR));
        differences.push(Difference::removed("service", &service.name, vec![step]));
    }
    differences
}

fn difference(wanted: &DataService, versions: &[&ServiceRecord], set: Option<&Bytes>) -> Option<Difference> {
    let is_same = |it: &&&ServiceRecord| {
        it.service.as_ref().is_some_and(|known| known.descriptor_sha256 == wanted.descriptor_sha256)
    };
    let (developer, operator) = (By::of(DEVELOPER, &wanted.owner_agency_code), By::role(OPERATOR));
    let check = || Step::by_hand(format!("lgsp service check {}", wanted.name), developer.clone());
    let last = |states: &[ServiceState]| versions.iter().rev().find(|it| states.contains(&state_of(it)));
    let in_use = last(&[ServiceState::InUse, ServiceState::Deprecated]).filter(is_same);
    let open = last(&[ServiceState::Draft, ServiceState::Sandbox]);

    let mut steps = Vec::new();
    let known = match (in_use, open.filter(is_same)) {
        (Some(known), _) => {
            steps.extend(ending(wanted, known));
            Some(known)
        }
        (None, Some(known)) => {
            let (name, version, etag) = (wanted.name.clone(), known.version, known.etag);
            if state_of(known) == ServiceState::Draft {
                steps.push(Step::new(Act::Offer(name.clone(), version, etag), developer.clone()));
            }
            let passed = known.conformance.as_ref().is_some_and(|it| it.passed);
            if !passed {
                steps.push(check());
            }
            let by = operator.but(&[&known.registered]);
            steps.push(Step::new(Act::PutInUse(name, version, etag), by));
            Some(known)
        }
        (None, None) => {
            let retired = last(&[ServiceState::Retired]).filter(is_same);
            if wanted.state() == ServiceState::Retired || retired.is_some() {
                return (wanted.state() != ServiceState::Retired).then(|| retired_for_good(wanted));
            }
            if let Some(other) = open {
                let act = Act::Withdraw(wanted.name.clone(), other.version, other.etag);
                steps.push(Step::new(act, developer.clone()));
            }
            let register = Act::Register(wanted.clone(), set.cloned().unwrap_or_default());
            steps.push(Step::new(register, developer.clone()));
            let offer = Act::Offer(wanted.name.clone(), 0, 0);
            steps.push(Step::new(offer, developer.clone()));
            steps.push(check());
            steps.push(Step::new(Act::PutInUse(wanted.name.clone(), 0, 0), operator));
            versions.last()
        }
    };
    let steps = as_far_as(wanted.state(), steps);
    let fields = told(known.and_then(|it| it.service.as_ref()), wanted);
    if steps.is_empty() && fields.is_empty() {
        return None;
    }
    Some(match known {
        Some(_) => Difference::changed("service", &wanted.name, fields, steps),
        None => Difference::added("service", &wanted.name, fields, steps),
    })
}

/// Files may want a service no further than the sandbox.
fn as_far_as(state: ServiceState, steps: Vec<Step>) -> Vec<Step> {
    let is_put_off = |step: &Step| {
        matches!(
            (&step.act, state),
            (Act::PutInUse(..) | Act::ByHand(_), ServiceState::Sandbox | ServiceState::Draft)
                | (Act::Offer(..), ServiceState::Draft)
        )
    };
    steps.into_iter().filter(|step| !is_put_off(step)).collect()
}

/// What files say of the end of a version that is in use.
fn ending(wanted: &DataService, known: &ServiceRecord) -> Vec<Step> {
    let (name, version, etag) = (wanted.name.clone(), known.version, known.etag);
    let sunset = known.service.as_ref().and_then(|service| service.sunset_at);
    let operator = || By::role(OPERATOR);
    let deprecate = || match wanted.sunset_at {
        Some(at) if sunset != Some(at) => {
            vec![Step::new(Act::Deprecate(name.clone(), version, etag, at), operator())]
        }
        Some(_) => Vec::new(),
        None if state_of(known) == ServiceState::Deprecated => Vec::new(),
        None => vec![Step::by_hand("name its `sunset-at` in services.toml", operator())],
    };
    match (wanted.state(), state_of(known)) {
        (ServiceState::Retired, ServiceState::Deprecated) => {
            vec![Step::new(Act::RetireService(name, version, etag), operator())]
        }
        (ServiceState::Deprecated | ServiceState::Retired, _) => deprecate(),
        _ => Vec::new(),
    }
}

fn retired_for_good(wanted: &DataService) -> Difference {
    let what = "it was retired for good: register another contract";
    let step = Step::by_hand(what, By::of(DEVELOPER, &wanted.owner_agency_code));
    Difference::changed("service", &wanted.name, Vec::new(), vec![step])
}

/// What callers would see. When it was deprecated is the registry's to say.
fn told(known: Option<&DataService>, wanted: &DataService) -> Vec<Changed> {
    let of = |service: &DataService| {
        fields::of("DataService", &DataService { deprecated_at: None, ..service.clone() })
    };
    changed(&known.map(of).unwrap_or_default(), &of(wanted))
}

fn name_of(record: &ServiceRecord) -> &str {
    record.service.as_ref().map_or("", |service| &service.name)
}

fn state_of(record: &ServiceRecord) -> ServiceState {
    record.service.as_ref().map_or(ServiceState::Unspecified, DataService::state)
}
