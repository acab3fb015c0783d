//! What it takes to bring the registry to what files say. Pure: from the files and what the registry holds to differences, each with
//! the steps that are left and whose they are.

mod agreements;
mod applications;
mod credentials;
mod inventory;
mod references;
mod services;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use lgsp_proto::registry::v1::{
    Agency, Agreement, Application, Certificate, Contact, Credential, DataService, NationalService, Person,
    Purpose, Role, Step as Taken, System,
};
use lgsp_registry::rules::Checked;
use prost_reflect::prost_types::Timestamp;

use super::fields::Changed;
use super::known::Known;

/// Who may take a step: whoever has the role, of the agency if one is named, and has not taken an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct By {
    pub role: &'static str,
    pub agency: Option<String>,
    pub never: Vec<String>,
}

impl By {
    pub fn role(role: &'static str) -> Self {
        Self { role, ..Self::default() }
    }

    pub fn of(role: &'static str, agency: &str) -> Self {
        Self { role, agency: Some(agency.to_owned()), never: Vec::new() }
    }

    /// Not by whoever took these steps.
    pub fn but(mut self, taken: &[&Option<Taken>]) -> Self {
        let persons = taken.iter().filter_map(|step| step.as_ref()?.by.as_ref()).map(|by| by.person.clone());
        self.never.extend(persons.filter(|person| !person.is_empty()));
        self
    }

    /// Whether the person may.
    pub fn is(&self, person: &Person) -> bool {
        person.roles.iter().any(|role| role == self.role)
            && self.agency.as_ref().is_none_or(|agency| *agency == person.agency_code)
            && !self.never.contains(&person.id)
    }
}

/// What a step does. The numbers are versions and etags, as they were read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    PutSystem(Box<System>),
    PutNationalService(Box<NationalService>),
    PutAgency(Agency),
    RemoveAgency(String, u64),
    PutPurpose(Purpose),
    RemovePurpose(String, u64),
    ProposeRole(Role),
    PutRole(Role),
    RemoveRole(String, u64),
    Register(DataService, Bytes),
    Offer(String, u32, u64),
    PutInUse(String, u32, u64),
    Withdraw(String, u32, u64),
    Deprecate(String, u32, u64, Timestamp),
    RetireService(String, u32, u64),
    Request(Box<Application>, Vec<Contact>),
    ApproveConnection(String, u64),
    Connect(String, u64),
    SuspendApplication(String, u64),
    ResumeApplication(String, u64),
    RetireApplication(String, u64),
    IssueKey(String, Credential),
    IssueCertificate(String, Certificate),
    RevokeCredential(String, String, u64),
    Propose(Box<Agreement>),
    ApproveAgreement(String, u32, u64),
    Activate(String, u32, u64),
    SuspendAgreement(String, u32, u64),
    RevokeAgreement(String, u32, u64),
    /// Something that is done with another command, or decided by looking: told as it is to be done.
    ByHand(String),
}

impl Act {
    /// Its name, for people and scripts.
    pub fn name(&self) -> &str {
        match self {
            Self::PutSystem(_) => "put-system",
            Self::PutNationalService(_) => "put-national-service",
            Self::PutAgency(_) => "put-agency",
            Self::RemoveAgency(..) => "remove-agency",
            Self::PutPurpose(_) => "put-purpose",
            Self::RemovePurpose(..) => "remove-purpose",
            Self::ProposeRole(_) => "propose-role",
            Self::PutRole(_) => "put-role",
            Self::RemoveRole(..) => "remove-role",
            Self::Register(..) => "register-service",
            Self::Offer(..) => "offer-service",
            Self::PutInUse(..) => "put-service-in-use",
            Self::Withdraw(..) => "withdraw-service",
            Self::Deprecate(..) => "deprecate-service",
            Self::RetireService(..) => "retire-service",
            Self::Request(..) => "request-connection",
            Self::ApproveConnection(..) => "approve-connection",
            Self::Connect(..) => "connect",
            Self::SuspendApplication(..) => "suspend-application",
            Self::ResumeApplication(..) => "resume-application",
            Self::RetireApplication(..) => "retire-application",
            Self::IssueKey(..) | Self::IssueCertificate(..) => "issue-credential",
            Self::RevokeCredential(..) => "revoke-credential",
            Self::Propose(_) => "propose-agreement",
            Self::ApproveAgreement(..) => "approve-agreement",
            Self::Activate(..) => "activate-agreement",
            Self::SuspendAgreement(..) => "suspend-agreement",
            Self::RevokeAgreement(..) => "revoke-agreement",
            Self::ByHand(what) => what,
        }
    }
}

/// A step that is left.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub act: Act,
    pub by: By,
}

impl Step {
    pub fn new(act: Act, by: By) -> Self {
        Self { act, by }
    }

    pub fn by_hand(what: impl Into<String>, by: By) -> Self {
        Self { act: Act::ByHand(what.into()), by }
    }
}

/// What of the files is not so in the registry, or the other way round.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    pub kind: &'static str,
    pub id: String,
    pub is_known: bool,
    pub is_wanted: bool,
    pub fields: Vec<Changed>,
    /// In their order; the first is next. None: no step changes it.
    pub steps: Vec<Step>,
    /// What has to be before the next step can be taken.
    pub waits: Option<String>,
}

impl Difference {
    /// What is not in the registry.
    pub fn added(kind: &'static str, id: &str, fields: Vec<Changed>, steps: Vec<Step>) -> Self {
        Self { kind, id: id.to_owned(), is_known: false, is_wanted: true, fields, steps, waits: None }
    }

    /// What is otherwise in the registry.
    pub fn changed(kind: &'static str, id: &str, fields: Vec<Changed>, steps: Vec<Step>) -> Self {
        Self { is_known: true, ..Self::added(kind, id, fields, steps) }
    }

    /// What is not in the files.
    pub fn removed(kind: &'static str, id: &str, steps: Vec<Step>) -> Self {
        Self { is_known: true, is_wanted: false, ..Self::added(kind, id, Vec::new(), steps) }
    }

    /// Says what the next step waits for, if it does.
    pub fn waiting(mut self, bad: bool, what: &str) -> Self {
        if bad && self.waits.is_none() {
            self.waits = Some(what.to_owned());
        }
        self
    }

    /// The next step, if this person may take it now.
    pub fn step_of(&self, person: &Person) -> Option<&Step> {
        let next = self.steps.first().filter(|_| self.waits.is_none())?;
        next.by.is(person).then_some(next)
    }
}

/// All differences, in an order in which their steps can be taken: what is referred to first, and what refers to it first when it
/// goes.
pub(crate) fn plan(wanted: &Checked, known: &Known, now: i64) -> Vec<Difference> {
    let kinds = [
        references::agencies(wanted, known),
        references::purposes(wanted, known),
        references::roles(wanted, known),
        services::differences(wanted, known),
        applications::differences(wanted, known, now),
        credentials::differences(wanted, known, now),
        agreements::differences(wanted, known, now),
        inventory::systems(wanted, known),
        inventory::national_services(wanted, known),
    ];
    let (mut come, mut go) = (Vec::new(), Vec::new());
    for kind in kinds {
        let (ours, theirs): (Vec<_>, Vec<_>) = kind.into_iter().partition(|it| it.is_wanted);
        come.extend(ours);
        go.push(theirs);
    }
    come.extend(go.into_iter().rev().flatten());
    come
}
