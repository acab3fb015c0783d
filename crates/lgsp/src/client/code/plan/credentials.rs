//! Keys and certificates of applications, in the environment of the hub.

use lgsp_core::time::micros;
use lgsp_proto::registry::v1::certificate::KnownBy;
use lgsp_proto::registry::v1::credential_record::Held;
use lgsp_proto::registry::v1::{Application, ApplicationState, Certificate, CredentialRecord, Environment};
use lgsp_registry::rules::Checked;

use super::{Act, By, Difference, Step};
use crate::client::code::fields::{self, Fields, changed};
use crate::client::code::known::Known;

pub(super) fn differences(wanted: &Checked, known: &Known, now: i64) -> Vec<Difference> {
    let here = lgsp_core::environment(&known.environment);
    let applications = &wanted.snapshot().applications;
    let mut differences = Vec::new();
    for application in applications {
        let keys = application.credentials.iter().cloned().map(Held::Credential);
        let certificates = application.certificates.iter().cloned().map(Held::Certificate);
        for held in keys.chain(certificates).map(|held| good_in(held, here)) {
            differences.extend(difference(application, held, known, now));
        }
    }
    for record in known.credentials.iter().filter(|it| lives(it, here, now)) {
        let owner = applications.iter().find(|it| it.id == record.application);
        let is_wanted = owner.is_some_and(|it| ids(it).any(|id| id == record.id));
        // With an application that is retired, its credentials end.
        let Some(owner) = owner.filter(|_| !is_wanted) else { continue };
        let act = Act::RevokeCredential(record.application.clone(), record.id.clone(), record.etag);
        let id = format!("{}/{}", record.application, record.id);
        differences.push(Difference::removed("credential", &id, vec![Step::new(act, holder(owner))]));
    }
    differences
}

fn difference(application: &Application, held: Held, known: &Known, now: i64) -> Option<Difference> {
    let (id, (_, to)) = (id_of(&held), period(&held));
    let name = format!("{}/{id}", application.id);
    let after = told(&held);
    let mut records = known.credentials.iter();
    let record = records.find(|it| it.application == application.id && it.id == id);
    let before = record.and_then(|it| it.held.as_ref()).map(told).unwrap_or_default();
    let fields = changed(&before, &after);
    if let Some(record) = record {
        // One that was replaced ends sooner than it was to.
        if fields.is_empty() || record.rotated.is_some() {
            return None;
        }
        let step = Step::by_hand("issue one under another id: no call changes it", holder(application));
        return Some(Difference::changed("credential", &name, fields, vec![step]));
    }
    if to <= now || application.state() == ApplicationState::Retired {
        return None;
    }
    let act = match held {
        Held::Credential(key) => Act::IssueKey(application.id.clone(), key),
        Held::Certificate(certificate) => Act::IssueCertificate(application.id.clone(), certificate),
    };
    let difference =
        Difference::added("credential", &name, fields, vec![Step::new(act, holder(application))]);
    let mut owners = known.connections.iter().filter_map(|it| it.application.as_ref());
    let is_held = owners.any(|it| {
        let state = it.state();
        let holds = matches!(
            state,
            ApplicationState::Onboarding | ApplicationState::Connected | ApplicationState::Suspended
        );
        it.id == application.id && holds
    });
    Some(difference.waiting(!is_held, "the approval of its application"))
}

/// Those of the hub's own tool are the operator's.
fn holder(application: &Application) -> By {
    if application.platform { By::role("operator") } else { By::of("developer", &application.agency_code) }
}

fn lives(record: &CredentialRecord, here: Environment, now: i64) -> bool {
    let Some(held) = &record.held else { return false };
    record.revoked.is_none() && environment_of(held) == here && now < period(held).1
}

fn good_in(mut held: Held, here: Environment) -> Held {
    match &mut held {
        Held::Credential(it) => it.set_environment(here),
        Held::Certificate(it) => it.set_environment(here),
    }
    held
}

fn environment_of(held: &Held) -> Environment {
    match held {
        Held::Credential(it) => it.environment(),
        Held::Certificate(it) => it.environment(),
    }
}

fn period(held: &Held) -> (i64, i64) {
    let (from, to) = match held {
        Held::Credential(it) => (&it.not_before, &it.not_after),
        Held::Certificate(it) => (&it.not_before, &it.not_after),
    };
    (from.as_ref().map_or(0, micros), to.as_ref().map_or(i64::MAX, micros))
}

fn told(held: &Held) -> Fields {
    match held {
        Held::Credential(it) => fields::of("Credential", it),
        Held::Certificate(it) => fields::of("Certificate", it),
    }
}

fn ids(application: &Application) -> impl Iterator<Item = String> {
    let keys = application.credentials.iter().map(|it| it.key_id.clone());
    keys.chain(application.certificates.iter().map(certificate_id))
}

fn id_of(held: &Held) -> String {
    match held {
        Held::Credential(it) => it.key_id.clone(),
        Held::Certificate(it) => certificate_id(it),
    }
}

/// As the registry has it.
fn certificate_id(certificate: &Certificate) -> String {
    match &certificate.known_by {
        Some(KnownBy::Sha256(digest)) => format!("sha256:{}", hex::encode(digest)),
        Some(KnownBy::DnsName(name)) => format!("dns:{name}"),
        Some(KnownBy::Uri(uri)) => format!("uri:{uri}"),
        None => String::new(),
    }
}
