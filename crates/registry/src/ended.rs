//! What has ended long ago stays in the history, and gateways need not know of it any more: a snapshot would only ever grow.
//!
//! It is left out by the moment of the rules themselves, and not by a clock: so every registry over a history makes the same of a
//! revision, and one without decisions stays as it is.

use lgsp_core::time::micros;
use lgsp_proto::registry::v1::{
    AgreementRecord, AgreementStage, ApplicationState, Certificate, ConnectionRecord, Credential,
};
use prost_reflect::prost_types::Timestamp;

/// For so long after its end a refusal says what has ended, µs: 90 days.
const TOLD: i64 = 90 * 86_400 * 1_000_000;

/// Whether an agreement ended so long before the rules were made (Unix µs) that no refusal names it.
pub(crate) fn is_past(record: &AgreementRecord, made: i64) -> bool {
    let valid_to = record.agreement.as_ref().and_then(|terms| terms.valid_to.as_ref());
    let revoked = record.ended.as_ref().filter(|_| record.stage() == AgreementStage::Revoked);
    let revoked = revoked.and_then(|step| step.at.as_ref());
    long_before(valid_to, made) || long_before(revoked, made)
}

/// The same for an application, which ends when it is retired.
pub(crate) fn is_gone(record: &ConnectionRecord, made: i64) -> bool {
    let state = record.application.as_ref().map(|application| application.state());
    let retired = record.ended.as_ref().filter(|_| state == Some(ApplicationState::Retired));
    long_before(retired.and_then(|step| step.at.as_ref()), made)
}

/// The same for a key.
pub(crate) fn is_over(credential: &Credential, made: i64) -> bool {
    long_before(credential.not_after.as_ref(), made)
}

/// The same for a certificate.
pub(crate) fn is_unbound(certificate: &Certificate, made: i64) -> bool {
    long_before(certificate.not_after.as_ref(), made)
}

/// What has no end, or none that is known, has not ended.
fn long_before(end: Option<&Timestamp>, made: i64) -> bool {
    end.is_some_and(|end| micros(end).saturating_add(TOLD) <= made)
}

#[cfg(test)]
mod tests;
