use std::sync::Arc;

use lgsp_proto::registry::v1::{AgreementState, ServiceState};

use crate::{Application, Fault, Grant, Method, PersonId, Plan, Priority, Purpose, Reason, Rules};

/// The environment where data services are tried before they are in use.
pub const SANDBOX: &str = "sandbox";

/// Who calls, as proved by a credential.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The application.
    pub application: Arc<Application>,
    /// SHA-256 of the public key that it proved to hold, of its client certificate if that alone speaks for it, or of the
    /// issuer's key that vouches for a person.
    pub credential_sha256: [u8; 32],
    /// The person who has signed in, if it is one.
    pub person: Option<PersonId>,
}

/// The decision to let an exchange through.
#[derive(Clone, Debug)]
pub struct Permit {
    /// The agreement that grants it; `None` for a platform method, which a role grants.
    pub grant: Option<Arc<Grant>>,
    /// What of the answer may leave.
    pub plan: Arc<Plan>,
    /// Revision of the rules that decided.
    pub revision: u64,
}

impl Permit {
    /// What goes first: a platform method is interactive.
    pub fn priority(&self) -> Priority {
        self.grant.as_ref().map_or_else(Priority::default, |grant| grant.priority)
    }

    /// The field paths that may leave, as the agreement writes them; `*` for a platform method.
    pub fn fields(&self) -> Vec<String> {
        self.grant.as_ref().map_or_else(|| vec!["*".to_owned()], |grant| grant.fields.to_vec())
    }
}

/// Decides whether a caller may call a method for a purpose at a moment (Unix µs). Whatever no rule opens is refused.
///
/// Data services are opened by agreement and need a purpose; platform methods are opened by role and need none.
///
/// # Errors
/// A [`Fault`] whose reason says what is missing: of several agreements, the one that came closest.
pub fn permit(
    rules: &Rules,
    caller: &Caller,
    method: &Method,
    purpose: Option<&Purpose>,
    now: i64,
) -> Result<Permit, Fault> {
    if !caller.application.connected {
        return Err(Reason::ApplicationNotConnected.into());
    }
    if !is_callable(method.state, rules.environment()) {
        return Err(Reason::ServiceNotInUse.into());
    }
    if method.platform {
        return permit_by_role(rules, caller, method);
    }
    let Some(purpose) = purpose else {
        return Err(Reason::PurposeMissing.into());
    };
    if !rules.knows_purpose(purpose) {
        return Err(Reason::PurposeUnknown.into());
    }
    permit_by_agreement(rules, caller, method, purpose, now)
}

/// Whether calls of a data service at this stage are carried: in the sandbox also of what is only offered there.
pub fn is_callable(state: ServiceState, environment: &str) -> bool {
    match state {
        ServiceState::InUse | ServiceState::Deprecated => true,
        ServiceState::Sandbox => environment == SANDBOX,
        ServiceState::Unspecified
        | ServiceState::Draft
        | ServiceState::Retired
        | ServiceState::Superseded
        | ServiceState::Refused
        | ServiceState::Withdrawn => false,
    }
}

/// Whether a caller may call a method at a moment (Unix µs), for one purpose or another.
pub fn is_open_to(rules: &Rules, caller: &Caller, method: &Method, now: i64) -> bool {
    if !caller.application.connected || !is_callable(method.state, rules.environment()) {
        return false;
    }
    if method.platform {
        return caller.application.platform_methods.contains(&*method.path);
    }
    let mut grants = rules.grants(&caller.application.id, method).iter();
    grants.any(|grant| grant.purposes.iter().any(|purpose| refusal_of(grant, purpose, now).is_none()))
}

fn permit_by_role(rules: &Rules, caller: &Caller, method: &Method) -> Result<Permit, Fault> {
    if !caller.application.platform_methods.contains(&*method.path) {
        return Err(Reason::RoleMissing.into());
    }
    Ok(Permit { grant: None, plan: method.whole.clone(), revision: rules.revision() })
}

fn permit_by_agreement(
    rules: &Rules,
    caller: &Caller,
    method: &Method,
    purpose: &Purpose,
    now: i64,
) -> Result<Permit, Fault> {
    let mut closest = Reason::AgreementMissing;
    let grants = rules.grants(&caller.application.id, method);
    for grant in grants {
        let Some(refusal) = refusal_of(grant, purpose, now) else {
            let plan = grant.plan.clone();
            return Ok(Permit { grant: Some(grant.clone()), plan, revision: rules.revision() });
        };
        if closeness(refusal) > closeness(closest) {
            closest = refusal;
        }
    }
    Err(Fault::new(closest).saying(what_is_missing(closest, method, grants)))
}

/// What is missing and whom to ask: of the caller's own agreements, never of what others may.
fn what_is_missing(reason: Reason, method: &Method, grants: &[Arc<Grant>]) -> String {
    let owner = &method.owner;
    if reason != Reason::PurposeNotAgreed {
        return format!("{owner} decides");
    }
    let mut agreed: Vec<&str> =
        grants.iter().flat_map(|grant| &grant.purposes).map(Purpose::as_str).collect();
    agreed.sort_unstable();
    agreed.dedup();
    format!("agreed are {}; {owner} decides", agreed.join(", "))
}

fn refusal_of(grant: &Grant, purpose: &Purpose, now: i64) -> Option<Reason> {
    if !grant.purposes.contains(purpose) {
        return Some(Reason::PurposeNotAgreed);
    }
    match grant.state {
        AgreementState::Active => {}
        AgreementState::Unspecified | AgreementState::Suspended | AgreementState::Revoked => {
            return Some(Reason::AgreementSuspended);
        }
    }
    if now < grant.valid_from {
        return Some(Reason::AgreementNotYetValid);
    }
    (now >= grant.valid_to).then_some(Reason::AgreementExpired)
}

/// An agreement for the right purpose that is not in force came closer than one for another purpose.
fn closeness(reason: Reason) -> u8 {
    const ORDER: [Reason; 5] = [
        Reason::AgreementMissing,
        Reason::PurposeNotAgreed,
        Reason::AgreementExpired,
        Reason::AgreementSuspended,
        Reason::AgreementNotYetValid,
    ];
    ORDER.iter().position(|known| *known == reason).map_or(0, |position| position as u8)
}
