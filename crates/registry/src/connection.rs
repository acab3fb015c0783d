//! What may be decided about an application, by whom, and what comes of it. Pure, as [`decide`](crate::decide) is.
//!
//! ```text
//!  request ──► requested ──approve──► onboarding ──connect──► connected ◄──resume── suspended
//!                  └──refuse──► refused    │                      ├──suspend──►─────────┤
//!                                          └──retire──►──────────►┴──retire──► retired ◄┘
//! ```
//!
//! Requested by a developer of the application's agency; answered and connected by the hub's operator, who is somebody else. The
//! agency, too, may suspend. With an application end its agreements and its credentials.

use lgsp_core::said::Rule;
use lgsp_core::sign_in::may_hold_a_person;
use lgsp_core::time::timestamp;
use lgsp_core::{ApplicationId, Fault, Reason, Violation, rule};
use lgsp_identifiers::AgencyCode;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{
    Application, ApplicationState, ConnectionRecord, Contact, DecideConnectionRequest, Edit, Environment,
    Person, RequestConnectionRequest, Step, System,
};

use crate::catalogue::{Catalogue, put};
use crate::occasion::{
    Draft, Occasion, for_the_first_time, is_as_seen, not_yours, operates, stands_wrong, stated, step,
    violation, wrong_stage,
};
use crate::{credential, decide};

/// What a connected application may ask the hub itself.
const CONNECTED: &str = "connected";

/// What can be decided about an application that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Approve,
    Refuse,
    Connect,
    Suspend,
    Resume,
    Retire,
}

impl Decision {
    fn action(self) -> &'static str {
        match self {
            Self::Approve => "approve-connection",
            Self::Refuse => "refuse-connection",
            Self::Connect => "connect",
            Self::Suspend => "suspend-application",
            Self::Resume => "resume-application",
            Self::Retire => "retire-application",
        }
    }

    /// The stage that it leads to, from those that it can follow.
    fn leads(self, from: ApplicationState) -> Option<ApplicationState> {
        use ApplicationState as Stage;
        match (self, from) {
            (Self::Approve, Stage::Requested) => Some(Stage::Onboarding),
            (Self::Refuse, Stage::Requested) => Some(Stage::Refused),
            (Self::Connect, Stage::Onboarding) => Some(Stage::Connected),
            (Self::Suspend, Stage::Connected) => Some(Stage::Suspended),
            (Self::Resume, Stage::Suspended) => Some(Stage::Connected),
            (Self::Retire, Stage::Onboarding | Stage::Connected | Stage::Suspended) => Some(Stage::Retired),
            _ => None,
        }
    }

    /// What has to be stated with it.
    fn wants<'a>(self, reason: &'a str, legal_basis: &'a str) -> Vec<(&'static str, &'a str)> {
        match self {
            Self::Approve | Self::Connect | Self::Resume => Vec::new(),
            Self::Refuse => vec![("reason", reason), ("legal_basis", legal_basis)],
            Self::Suspend | Self::Retire => vec![("reason", reason)],
        }
    }
}

/// Asks for an application to be connected; to be answered before `due` (Unix µs). What was refused may be asked for again.
///
/// # Errors
/// Every field that breaks a rule is named; or the person is of another agency.
pub(crate) fn request(
    catalogue: &Catalogue,
    request: RequestConnectionRequest,
    due: i64,
    occasion: Occasion<'_>,
) -> Result<Draft, Fault> {
    let agency = agency_of(catalogue, &request)?;
    if agency.as_str() != occasion.person.agency_code {
        return Err(not_yours("application", rule!("is requested by its own agency")));
    }
    let system = system_for(catalogue, &request, Some(&agency));
    let record = ConnectionRecord {
        agency_code_older: agency.older_form(),
        due: Some(timestamp(due)),
        requested: Some(step(occasion, &request.reason, "")),
        system: system.map(|system| system.id.clone()).unwrap_or_default(),
        contacts: request.contacts,
        application: Some(Application {
            name_vi: request.name_vi.trim().to_owned(),
            name_en: request.name_en.trim().to_owned(),
            agency_code: agency.as_str().to_owned(),
            state: ApplicationState::Requested.into(),
            roles: catalogue.has_role(CONNECTED).then(|| CONNECTED.to_owned()).into_iter().collect(),
            id: request.id.clone(),
            ..Application::default()
        }),
        ..ConnectionRecord::default()
    };
    let edits = vec![edit(catalogue.holders().connection(&request.id), record)];
    Ok(Draft { action: "request-connection", reason: request.reason, legal_basis: String::new(), edits })
}

/// The agency that a request names, if nothing in it breaks a rule.
fn agency_of(catalogue: &Catalogue, request: &RequestConnectionRequest) -> Result<AgencyCode, Fault> {
    let mut violations = violations_of(request);
    let agency = AgencyCode::parse(&request.agency_code).ok();
    let agency = agency.filter(|agency| catalogue.agency(agency.as_str()).is_some());
    if agency.is_none() {
        violations.push(violation("agency_code", rule!("names no agency")));
    }
    let known = catalogue.holders().connection(&request.id);
    if let Some(known) = known.filter(|known| !may_ask_again(known, agency.as_ref())) {
        let is_its_own = agency_code(known) == agency.as_ref().map(AgencyCode::as_str);
        violations.push(violation(
            "id",
            if is_its_own { rule!("is known already") } else { rule!("is that of another application") },
        ));
    }
    if !request.system.is_empty() && system_for(catalogue, request, agency.as_ref()).is_none() {
        violations.push(violation("system", rule!("names no system of the agency that is not connected")));
    }
    agency.filter(|_| violations.is_empty()).ok_or_else(|| Fault::invalid(violations))
}

/// Decides about an application.
///
/// # Errors
/// There is none, it is not at a stage for this, the person may not, or has not seen it as it is.
pub(crate) fn decide(
    catalogue: &Catalogue,
    decision: Decision,
    request: DecideConnectionRequest,
    occasion: Occasion<'_>,
) -> Result<Draft, Fault> {
    let record = catalogue.holders().connection(&request.id).ok_or(Reason::NotFound)?;
    let application = record.application.as_ref().ok_or(Reason::NotFound)?;
    stated(&decision.wants(&request.reason, &request.legal_basis))?;
    may(decision, record, application, occasion.person)?;
    is_as_seen("etag", record.etag, request.etag)?;
    let stage = decision.leads(application.state()).ok_or_else(|| {
        let could_follow = |stage| decision.leads(stage).is_some();
        wrong_stage(application.state(), could_follow, ApplicationState::as_str_name)
    })?;
    if decision == Decision::Connect && !has_a_credential(catalogue, &application.id, occasion.now) {
        return Err(stands_wrong("credential", rule!("none for production is good now")));
    }
    if decision == Decision::Connect && is_connected_by_another(catalogue, record, &application.id) {
        return Err(stands_wrong("system", rule!("is connected by another application")));
    }

    let taken = step(occasion, &request.reason, &request.legal_basis);
    let mut after = record.clone();
    after.application = Some(Application { state: stage.into(), ..application.clone() });
    let place = match decision {
        Decision::Approve => &mut after.approved,
        Decision::Connect | Decision::Resume => &mut after.connected,
        Decision::Refuse | Decision::Suspend | Decision::Retire => &mut after.ended,
    };
    *place = Some(taken.clone());
    let mut edits = vec![edit(Some(record), after)];
    edits.extend(what_follows(catalogue, decision, record, &application.id, &taken));
    Ok(Draft { action: decision.action(), reason: request.reason, legal_basis: request.legal_basis, edits })
}

/// What a decision about an application changes of other things.
fn what_follows(
    catalogue: &Catalogue,
    decision: Decision,
    record: &ConnectionRecord,
    application: &str,
    taken: &Step,
) -> Vec<Edit> {
    match decision {
        Decision::Connect => connected_system(catalogue, record, taken).into_iter().collect(),
        Decision::Retire => {
            let mut edits = decide::ended_with(catalogue, application, taken);
            edits.extend(credential::ended_with(catalogue, application, taken));
            edits.extend(disconnected_systems(catalogue, application));
            edits
        }
        Decision::Approve | Decision::Refuse | Decision::Suspend | Decision::Resume => Vec::new(),
    }
}

/// Whether the person may decide this.
fn may(
    decision: Decision,
    record: &ConnectionRecord,
    application: &Application,
    person: &Person,
) -> Result<(), Fault> {
    if application.platform {
        // Whoever calls through it could not call any more.
        return Err(stands_wrong("id", rule!("is the hub's own tool, which is not decided about")));
    }
    let (allowed, whose) = match decision {
        Decision::Approve | Decision::Refuse | Decision::Connect | Decision::Resume | Decision::Retire => {
            (operates(person), rule!("is decided about by the hub's operator"))
        }
        Decision::Suspend => (
            operates(person) || application.agency_code == person.agency_code,
            rule!("is suspended by its agency or the hub's operator"),
        ),
    };
    if !allowed {
        return Err(not_yours("application", whose));
    }
    match decision {
        Decision::Approve | Decision::Refuse | Decision::Connect => {
            for_the_first_time(person, &[&record.requested])
        }
        Decision::Suspend | Decision::Resume | Decision::Retire => Ok(()),
    }
}

/// Whether a request waits for its answer at a moment (Unix µs) when it is due.
pub(crate) fn is_overdue(record: &ConnectionRecord, now: i64) -> bool {
    let waits = state(record) == ApplicationState::Requested;
    waits && record.due.as_ref().is_some_and(|due| lgsp_core::time::micros(due) <= now)
}

/// Where an application stands.
pub(crate) fn state(record: &ConnectionRecord) -> ApplicationState {
    record.application.as_ref().map_or(ApplicationState::Unspecified, Application::state)
}

fn has_a_credential(catalogue: &Catalogue, application: &str, now: i64) -> bool {
    let mut credentials = catalogue.holders().credentials_of(application);
    credentials.any(|record| credential::is_good(record, Environment::Production, now))
}

fn may_ask_again(known: &ConnectionRecord, agency: Option<&AgencyCode>) -> bool {
    state(known) == ApplicationState::Refused && agency_code(known) == agency.map(AgencyCode::as_str)
}

fn agency_code(known: &ConnectionRecord) -> Option<&str> {
    known.application.as_ref().map(|application| application.agency_code.as_str())
}

/// The system of the inventory that an application connects: the one that is named, else the one of the same id.
fn system_for<'a>(
    catalogue: &'a Catalogue,
    request: &RequestConnectionRequest,
    agency: Option<&AgencyCode>,
) -> Option<&'a System> {
    let id = if request.system.is_empty() { &request.id } else { &request.system };
    let system = catalogue.system(id)?;
    let is_theirs = agency.is_some_and(|agency| agency.as_str() == system.agency_code);
    (is_theirs && system.application.is_empty()).then_some(system)
}

/// Two applications may have asked for one system before either was connected.
fn is_connected_by_another(catalogue: &Catalogue, record: &ConnectionRecord, application: &str) -> bool {
    let system = catalogue.system(&record.system);
    system.is_some_and(|system| !system.application.is_empty() && system.application != application)
}

/// The inventory says of a system that it is connected.
fn connected_system(catalogue: &Catalogue, record: &ConnectionRecord, taken: &Step) -> Option<Edit> {
    let system = catalogue.system(&record.system)?;
    let application = record.application.as_ref()?.id.clone();
    let after = System { application, connected: Some(taken.clone()), ..system.clone() };
    Some(put(Some(Of::System(system.clone())), Of::System(after), system.id.clone()))
}

/// And that it is not any more.
fn disconnected_systems(catalogue: &Catalogue, application: &str) -> Vec<Edit> {
    let theirs = catalogue.systems().filter(|system| system.application == application);
    let edit = |system: &System| {
        let after = System { application: String::new(), connected: None, ..system.clone() };
        put(Some(Of::System(system.clone())), Of::System(after), system.id.clone())
    };
    theirs.map(edit).collect()
}

fn edit(before: Option<&ConnectionRecord>, after: ConnectionRecord) -> Edit {
    let id = after.application.as_ref().map(|application| application.id.clone()).unwrap_or_default();
    put(before.cloned().map(Of::Connection), Of::Connection(after), id)
}

/// What can be said of the request alone.
fn violations_of(request: &RequestConnectionRequest) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut check = |bad: bool, field: &str, rule: Rule| {
        if bad {
            violations.push(violation(field, rule));
        }
    };
    check(ApplicationId::parse(&request.id).is_none(), "id", rule!("is not well formed"));
    check(request.name_vi.trim().is_empty(), "name_vi", rule!("is required"));
    check(request.name_en.trim().is_empty(), "name_en", rule!("is required"));
    for (name, field) in [(&request.name_vi, "name_vi"), (&request.name_en, "name_en")] {
        check(may_hold_a_person(name), field, rule!("may hold the number of a person"));
    }
    check(request.contacts.is_empty(), "contacts", rule!("names no office"));
    let contacts = &request.contacts;
    check(contacts.iter().any(|contact| !is_an_office(contact)), "contacts.office", rule!("names no office"));
    check(
        contacts.iter().any(|contact| !is_email(&contact.email)),
        "contacts.email",
        rule!("is no e-mail address"),
    );
    check(
        contacts.iter().any(|contact| !is_phone(&contact.phone)),
        "contacts.phone",
        rule!("is no phone number"),
    );
    let unreachable = |contact: &Contact| contact.email.is_empty() && contact.phone.is_empty();
    check(contacts.iter().any(unreachable), "contacts", rule!("has neither e-mail nor phone"));
    violations
}

/// That it is no person cannot be told of a name; the number of one has no place in it at least.
fn is_an_office(contact: &Contact) -> bool {
    !contact.office.trim().is_empty() && !may_hold_a_person(&contact.office)
}

fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    let is_good =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
    let good = parts.is_some_and(|(of, at)| is_good(of) && is_good(at) && at.contains('.'));
    text.is_empty() || (good && !may_hold_a_person(text))
}

/// 8 to 11 digits, grouped or not, or as many after `+84`: a personal number has 12.
fn is_phone(text: &str) -> bool {
    let local = text.strip_prefix("+84").unwrap_or(text);
    let digits = local.bytes().filter(u8::is_ascii_digit).count();
    let only = local.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'.' | b'-'));
    text.is_empty() || (only && (8..=11).contains(&digits))
}

#[cfg(test)]
mod tests;
