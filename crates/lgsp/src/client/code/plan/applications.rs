//! Applications: requested by their agency, answered and connected by the hub's operator.

use lgsp_core::time::micros;
use lgsp_proto::registry::v1::credential_record::Held;
use lgsp_proto::registry::v1::{
    Application, ApplicationState as State, ConnectionRecord, CredentialRecord, Environment,
};
use lgsp_registry::rules::Checked;

use super::{Act, By, Difference, Step};
use crate::client::code::fields::{self, Changed, changed};
use crate::client::code::known::Known;

const OPERATOR: &str = "operator";
const NO_CALL: &str = "no call changes it: request another application";

pub(super) fn differences(wanted: &Checked, known: &Known, now: i64) -> Vec<Difference> {
    let ours = &wanted.snapshot().applications;
    let mut differences = Vec::new();
    for application in ours {
        let of = |it: &&ConnectionRecord| it.application.as_ref().is_some_and(|it| it.id == application.id);
        let record = known.connections.iter().find(of);
        let contacts = wanted.contacts().get(&application.id).cloned().unwrap_or_default();
        let has_credential = known
            .credentials
            .iter()
            .any(|it| it.application == application.id && is_good_in_production(it, now));
        let found = difference(application, record, contacts);
        differences.extend(found.map(|found| {
            let connects = matches!(found.steps.first().map(|it| &it.act), Some(Act::Connect(..)));
            found.waiting(connects && !has_credential, "a credential for production that is good now")
        }));
    }
    for record in &known.connections {
        let Some(application) = &record.application else { continue };
        let lives = matches!(application.state(), State::Onboarding | State::Connected | State::Suspended);
        if lives && !application.platform && !ours.iter().any(|it| it.id == application.id) {
            let act = Act::RetireApplication(application.id.clone(), record.etag);
            let steps = vec![Step::new(act, By::role(OPERATOR))];
            differences.push(Difference::removed("application", &application.id, steps));
        }
    }
    differences
}

fn difference(
    wanted: &Application,
    record: Option<&ConnectionRecord>,
    contacts: Vec<lgsp_proto::registry::v1::Contact>,
) -> Option<Difference> {
    let known = record.and_then(|record| record.application.as_ref());
    let etag = record.map_or(0, |record| record.etag);
    let id = || wanted.id.clone();
    let operator = || By::role(OPERATOR);
    let another = || record.map_or_else(operator, |record| operator().but(&[&record.requested]));
    let approve = || Step::new(Act::ApproveConnection(id(), etag), another());
    let connect = || Step::new(Act::Connect(id(), etag), another());
    let suspend = || Step::new(Act::SuspendApplication(id(), etag), operator());
    let retire = || Step::new(Act::RetireApplication(id(), etag), operator());
    let developer = || By::of("developer", &wanted.agency_code);
    let request = || match contacts.is_empty() {
        true => {
            Step::by_hand("name an office under [[application.contact]] in applications.toml", developer())
        }
        false => Step::new(Act::Request(Box::new(wanted.clone()), contacts.clone()), developer()),
    };
    let state = known.map_or(State::Unspecified, Application::state);
    let mut steps = match (wanted.state(), state) {
        (_, _) if wanted.platform && state == wanted.state() => Vec::new(),
        (_, _) if wanted.platform => vec![Step::by_hand("the hub's own tool comes with it", operator())],
        (State::Requested, State::Unspecified | State::Refused) => vec![request()],
        (State::Onboarding, State::Unspecified | State::Refused) => vec![request(), approve()],
        (State::Onboarding, State::Requested) => vec![approve()],
        (State::Connected, State::Unspecified | State::Refused) => vec![request(), approve(), connect()],
        (State::Connected, State::Requested) => vec![approve(), connect()],
        (State::Connected, State::Onboarding) => vec![connect()],
        (State::Connected, State::Suspended) => {
            vec![Step::new(Act::ResumeApplication(id(), etag), operator())]
        }
        (State::Suspended, State::Unspecified | State::Refused) => {
            vec![request(), approve(), connect(), suspend()]
        }
        (State::Suspended, State::Requested) => vec![approve(), connect(), suspend()],
        (State::Suspended, State::Onboarding) => vec![connect(), suspend()],
        (State::Suspended, State::Connected) => vec![suspend()],
        (State::Retired, State::Onboarding | State::Connected | State::Suspended) => vec![retire()],
        (State::Connected | State::Suspended | State::Onboarding | State::Requested, State::Retired) => {
            vec![Step::by_hand("it was retired for good: request another application", developer())]
        }
        // It is as far as it shall be, or further; or what shall be gone was never there.
        _ => Vec::new(),
    };
    let is_there = !matches!(state, State::Unspecified | State::Refused | State::Retired);
    let fields = told(known, wanted, !steps.is_empty());
    if steps.is_empty() && is_there && !fields.is_empty() {
        steps.push(Step::by_hand(NO_CALL, operator()));
    }
    if steps.is_empty() {
        return None;
    }
    Some(match known {
        Some(_) => Difference::changed("application", &wanted.id, fields, steps),
        None => Difference::added("application", &wanted.id, fields, steps),
    })
}

/// What is said of it; its credentials are differences of their own. Where it stands is one only if something leads further.
fn told(known: Option<&Application>, wanted: &Application, with_state: bool) -> Vec<Changed> {
    let of = |application: &Application| {
        let mut bare =
            Application { credentials: Vec::new(), certificates: Vec::new(), ..application.clone() };
        if !with_state {
            bare.state = 0;
        }
        fields::of("Application", &bare)
    };
    changed(&known.map(of).unwrap_or_default(), &of(wanted))
}

fn is_good_in_production(record: &CredentialRecord, now: i64) -> bool {
    let (environment, from, to) = match &record.held {
        Some(Held::Credential(it)) => (it.environment(), it.not_before, it.not_after),
        Some(Held::Certificate(it)) => (it.environment(), it.not_before, it.not_after),
        None => return false,
    };
    environment == Environment::Production
        && record.revoked.is_none()
        && from.is_none_or(|from| micros(&from) <= now)
        && to.is_none_or(|to| now < micros(&to))
}
