//! What may be decided about the keys and certificates of applications, by whom, and what comes of it. Pure, as
//! [`decide`](crate::decide) is.
//!
//! A developer of the application's agency issues and rotates; the agency and the hub's operator revoke. Those of the hub's own
//! tool are the operator's. A key is one holder's, in one environment, for two years at most, and never twice.

use ed25519_dalek::VerifyingKey;
use lgsp_core::said::Rule;
use lgsp_core::sign_in::may_hold_a_person;
use lgsp_core::time::{micros, timestamp};
use lgsp_core::{CertificateName, Fault, Reason, Violation, rule};
use lgsp_proto::registry::v1::certificate::KnownBy;
use lgsp_proto::registry::v1::credential_record::Held;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{
    Application, ApplicationState, Certificate, Credential, CredentialRecord, CredentialState, Edit,
    Environment, Person, RevokeCredentialRequest, Step,
};
use sha2::{Digest, Sha256};

use crate::catalogue::{Catalogue, put};
use crate::holders::{environment_of, id_of};
use crate::occasion::{
    Draft, Occasion, is_as_seen, not_yours, operates, stage_of, stands_wrong, stated, step, violation,
};

pub(crate) const DAY_US: i64 = 86_400_000_000;
/// Two years, with the day more that one of them may have.
const LONGEST_US: i64 = 731 * DAY_US;
const DEFAULT_OVERLAP_DAYS: u32 = 7;
const LONGEST_OVERLAP_DAYS: u32 = 30;
/// Most credentials of an application that have not ended.
const MOST: usize = 16;
const LONGEST_KEY_ID: usize = 64;
/// How a key itself is named: of its own name in the contract, which has digits, no caller would hear.
const KEY: &str = "credential";

/// A credential that takes the place of another.
#[derive(Clone, Debug)]
pub(crate) struct Rotation {
    pub application: String,
    pub id: String,
    pub etag: u64,
    pub held: Option<Held>,
    /// 0: the default.
    pub overlap_days: u32,
    pub reason: String,
}

/// Issues a credential.
///
/// # Errors
/// Every field that breaks a rule is named; or the person may not.
pub(crate) fn issue(
    catalogue: &Catalogue,
    application: &str,
    held: Option<Held>,
    reason: String,
    occasion: Occasion<'_>,
) -> Result<Draft, Fault> {
    let application = holder(catalogue, application, occasion.person)?;
    let held = checked(catalogue, application, held, occasion.now)?;
    let edits = vec![issued(catalogue, application, held, step(occasion, &reason, ""))];
    Ok(Draft { action: "issue-credential", reason, legal_basis: String::new(), edits })
}

/// Puts a credential in the place of another one, which stays good until the overlap ends.
///
/// # Errors
/// As [`issue`]; or the other one has ended, or was replaced already, or is not as the person has seen it.
pub(crate) fn rotate(
    catalogue: &Catalogue,
    rotation: Rotation,
    occasion: Occasion<'_>,
) -> Result<Draft, Fault> {
    let application = holder(catalogue, &rotation.application, occasion.person)?;
    let old = catalogue.holders().credential(&application.id, &rotation.id).ok_or(Reason::NotFound)?;
    is_as_seen("etag", old.etag, rotation.etag)?;
    if !matches!(state(old, occasion.now), CredentialState::Valid | CredentialState::NotYetValid) {
        return Err(stands_wrong("credential", rule!("has ended, or was replaced already")));
    }
    if rotation.overlap_days > LONGEST_OVERLAP_DAYS {
        return Err(Fault::invalid(vec![violation("overlap_days", rule!("is more than 30"))]));
    }
    let held = rotation.held.map(|held| for_the_same_environment(held, environment_of(old)));
    let held = checked(catalogue, application, held.transpose()?, occasion.now)?;

    let days = if rotation.overlap_days == 0 { DEFAULT_OVERLAP_DAYS } else { rotation.overlap_days };
    let until = (occasion.now + i64::from(days) * DAY_US).min(period(old).1);
    let taken = step(occasion, &rotation.reason, "");
    let mut ending = ending_at(old.clone(), until);
    ending.rotated = Some(taken.clone());
    ending.rotated_to = id_of(&held);
    let edits = vec![edit(Some(old), ending), issued(catalogue, application, held, taken)];
    Ok(Draft { action: "rotate-credential", reason: rotation.reason, legal_basis: String::new(), edits })
}

/// Ends a credential at once.
///
/// # Errors
/// There is none, it has been revoked, the person may not, or has not seen it as it is.
pub(crate) fn revoke(
    catalogue: &Catalogue,
    request: RevokeCredentialRequest,
    occasion: Occasion<'_>,
) -> Result<Draft, Fault> {
    let application = catalogue.application(&request.application).ok_or(Reason::NotFound)?;
    let record = catalogue.holders().credential(&application.id, &request.id).ok_or(Reason::NotFound)?;
    stated(&[("reason", &request.reason)])?;
    let owns = !application.platform && application.agency_code == occasion.person.agency_code;
    if !owns && !operates(occasion.person) {
        let whose = rule!("is revoked by the application's agency or the hub's operator");
        return Err(not_yours("credential", whose));
    }
    is_as_seen("etag", record.etag, request.etag)?;
    if record.revoked.is_some() {
        return Err(stands_wrong("credential", rule!("is revoked already")));
    }
    let revoked = Some(step(occasion, &request.reason, ""));
    let edits = vec![edit(Some(record), CredentialRecord { revoked, ..record.clone() })];
    Ok(Draft { action: "revoke-credential", reason: request.reason, legal_basis: String::new(), edits })
}

/// What becomes of the credentials of an application that ends.
pub(crate) fn ended_with(catalogue: &Catalogue, application: &str, taken: &Step) -> Vec<Edit> {
    let live = catalogue.holders().credentials_of(application).filter(|record| record.revoked.is_none());
    let revoked = Some(taken.clone());
    live.map(|record| edit(Some(record), CredentialRecord { revoked: revoked.clone(), ..record.clone() }))
        .collect()
}

/// Whether a credential is good in an environment at a moment (Unix µs).
pub(crate) fn is_good(record: &CredentialRecord, environment: Environment, now: i64) -> bool {
    let valid = matches!(state(record, now), CredentialState::Valid | CredentialState::Rotated);
    valid && environment_of(record) == environment
}

/// Where a credential stands at a moment (Unix µs).
pub(crate) fn state(record: &CredentialRecord, now: i64) -> CredentialState {
    let (from, to) = period(record);
    if record.revoked.is_some() {
        CredentialState::Revoked
    } else if now >= to {
        CredentialState::Expired
    } else if now < from {
        CredentialState::NotYetValid
    } else if record.rotated.is_some() {
        CredentialState::Rotated
    } else {
        CredentialState::Valid
    }
}

/// From when until just before when a credential is good, Unix µs.
pub(crate) fn period(record: &CredentialRecord) -> (i64, i64) {
    let (from, to) = match &record.held {
        Some(Held::Credential(credential)) => (&credential.not_before, &credential.not_after),
        Some(Held::Certificate(certificate)) => (&certificate.not_before, &certificate.not_after),
        None => (&None, &None),
    };
    (from.as_ref().map_or(0, micros), to.as_ref().map_or(i64::MAX, micros))
}

/// SHA-256 of the public key or of the certificate, in hexadecimal digits; empty for a certificate that is known by a name.
pub(crate) fn fingerprint(record: &CredentialRecord) -> String {
    match &record.held {
        Some(Held::Credential(credential)) => hex::encode(Sha256::digest(&credential.ed25519_public_key)),
        Some(Held::Certificate(Certificate { known_by: Some(KnownBy::Sha256(digest)), .. })) => {
            hex::encode(digest)
        }
        Some(Held::Certificate(_)) | None => String::new(),
    }
}

/// The application whose credentials the person issues.
fn holder<'a>(catalogue: &'a Catalogue, id: &str, person: &Person) -> Result<&'a Application, Fault> {
    let application = catalogue.application(id).ok_or(Reason::NotFound)?;
    let (allowed, whose) = if application.platform {
        (operates(person), rule!("of the hub's own tool is issued by the hub's operator"))
    } else {
        (application.agency_code == person.agency_code, rule!("is issued by the application's agency"))
    };
    if !allowed {
        return Err(not_yours("credential", whose));
    }
    use ApplicationState as Stage;
    let has_keys = |stage| matches!(stage, Stage::Onboarding | Stage::Connected | Stage::Suspended);
    if has_keys(application.state()) {
        return Ok(application);
    }
    Err(stands_wrong("application", stage_of(application.state(), has_keys, Stage::as_str_name)))
}

fn for_the_same_environment(mut held: Held, environment: Environment) -> Result<Held, Fault> {
    let (field, its) = match &mut held {
        Held::Credential(credential) => ("credential.environment", &mut credential.environment),
        Held::Certificate(certificate) => ("certificate.environment", &mut certificate.environment),
    };
    if *its == i32::from(Environment::Unspecified) {
        *its = environment.into();
    }
    if *its == i32::from(environment) {
        return Ok(held);
    }
    Err(Fault::invalid(vec![violation(field, rule!("is not that of the credential which it replaces"))]))
}

/// What is to be held, in its normal form, if it breaks no rule.
fn checked(
    catalogue: &Catalogue,
    application: &Application,
    held: Option<Held>,
    now: i64,
) -> Result<Held, Fault> {
    let mut violations = Vec::new();
    let held = match held {
        None => {
            violations.push(violation("credential", rule!("is required")));
            None
        }
        Some(Held::Credential(mut credential)) => {
            violations.extend(problems_of_key(catalogue, &credential));
            credential.not_before.get_or_insert_with(|| timestamp(now));
            Some(Held::Credential(credential))
        }
        Some(Held::Certificate(mut certificate)) => {
            certificate.known_by = normal(certificate.known_by);
            violations.extend(problem_of_name(catalogue, &certificate, now));
            certificate.not_before.get_or_insert_with(|| timestamp(now));
            Some(Held::Certificate(certificate))
        }
    };
    let live = catalogue.holders().credentials_of(&application.id);
    let live = live.filter(|record| record.revoked.is_none() && now < period(record).1);
    if live.count() >= MOST {
        violations
            .push(violation("application", rule!("has 16 credentials that have not ended: revoke one")));
    }
    if let Some(held) = &held {
        violations.extend(problems_of_period(held, now));
    }
    held.filter(|_| violations.is_empty()).ok_or_else(|| Fault::invalid(violations))
}

pub(crate) fn problems_of_period(held: &Held, now: i64) -> Vec<Violation> {
    let (what, environment, from, to) = match held {
        Held::Credential(key) => ("credential", key.environment(), &key.not_before, &key.not_after),
        Held::Certificate(certificate) => {
            let Certificate { not_before, not_after, .. } = certificate;
            ("certificate", certificate.environment(), not_before, not_after)
        }
    };
    let mut violations = Vec::new();
    let mut check = |bad: bool, field: &str, rule: Rule| {
        if bad {
            violations.push(violation(&format!("{what}.{field}"), rule));
        }
    };
    check(environment == Environment::Unspecified, "environment", rule!("is required"));
    let from = from.as_ref().map_or(0, micros);
    let to = to.as_ref().map(micros);
    check(to.is_none(), "not_after", rule!("is required"));
    check(to.is_some_and(|to| to <= from.max(now)), "not_after", rule!("is past, or before the beginning"));
    check(
        to.is_some_and(|to| to.saturating_sub(from) > LONGEST_US),
        "not_after",
        rule!("is more than two years after the beginning"),
    );
    violations
}

/// A key that anybody ever had, and its id, are not given again. An id stands in tokens and lists: no number of a person may be in it.
pub(crate) fn problems_of_key(catalogue: &Catalogue, credential: &Credential) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut check = |bad: bool, field: &str, rule: Rule| {
        if bad {
            violations.push(violation(field, rule));
        }
    };
    let is_good = is_key_id(&credential.key_id) && !may_hold_a_person(&credential.key_id);
    check(!is_good, "credential.key_id", rule!("is not well formed, or may be the number of a person"));
    let key = credential.ed25519_public_key.as_ref();
    check(!is_public_key(key), KEY, rule!("is no Ed25519 public key of 32 bytes"));
    check(catalogue.remembered().has_key(key), KEY, rule!("is known already"));
    check(catalogue.remembered().has_key_id(&credential.key_id), "credential.key_id", rule!("is taken"));
    violations
}

fn is_key_id(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (1..=LONGEST_KEY_ID).contains(&text.len()) && text.bytes().all(good)
}

fn is_public_key(key: &[u8]) -> bool {
    let key = key.try_into().ok().and_then(|key| VerifyingKey::from_bytes(key).ok());
    key.is_some_and(|key| !key.is_weak())
}

/// What a certificate is known by, as the gateways compare it.
fn normal(known_by: Option<KnownBy>) -> Option<KnownBy> {
    match known_by? {
        KnownBy::DnsName(name) => match CertificateName::dns(&name)? {
            CertificateName::Dns(name) => Some(KnownBy::DnsName(name.into())),
            CertificateName::Sha256(_) | CertificateName::Uri(_) => None,
        },
        KnownBy::Uri(uri) => CertificateName::uri(&uri).map(|_| KnownBy::Uri(uri)),
        KnownBy::Sha256(digest) => (digest.len() == 32).then_some(KnownBy::Sha256(digest)),
    }
}

/// A name may be bound again when its last binding has ended: it is another certificate then.
fn problem_of_name(catalogue: &Catalogue, certificate: &Certificate, now: i64) -> Option<Violation> {
    let known_by = certificate.known_by.as_ref();
    let Some(known_by) = known_by else {
        return Some(violation("certificate", rule!("is known by nothing")));
    };
    let may_come_again = !matches!(known_by, KnownBy::Sha256(_));
    let bound = catalogue.holders().credentials().any(|record| {
        let is_it = matches!(&record.held, Some(Held::Certificate(other)) if other.known_by.as_ref() == Some(known_by));
        let has_ended = record.revoked.is_some() || now >= period(record).1;
        is_it && !(has_ended && may_come_again)
    });
    bound.then(|| violation("certificate", rule!("is known already")))
}

fn issued(catalogue: &Catalogue, application: &Application, held: Held, taken: Step) -> Edit {
    let record = CredentialRecord {
        application: application.id.clone(),
        id: id_of(&held),
        held: Some(held),
        issued: Some(taken),
        ..CredentialRecord::default()
    };
    edit(catalogue.holders().credential(&application.id, &record.id), record)
}

fn ending_at(mut record: CredentialRecord, until: i64) -> CredentialRecord {
    let until = Some(timestamp(until));
    match &mut record.held {
        Some(Held::Credential(credential)) => credential.not_after = until,
        Some(Held::Certificate(certificate)) => certificate.not_after = until,
        None => {}
    }
    record
}

pub(crate) fn edit(before: Option<&CredentialRecord>, after: CredentialRecord) -> Edit {
    let id = format!("{}/{}", after.application, after.id);
    put(before.cloned().map(Of::Credential), Of::Credential(after), id)
}

#[cfg(test)]
mod tests;
