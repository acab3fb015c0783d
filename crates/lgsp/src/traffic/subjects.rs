//! Who and what one case is about.

use lgsp_identifiers::PersonalNumber;

use super::cast::{Business, Family, Graduate, Holding, Patient, Person};
use super::scenario::Role;

/// One of each, whatever the scenario asks for. A small city lacks some.
pub struct Subjects<'a> {
    pub applicant: &'a Person,
    pub other: &'a Person,
    pub family: Option<&'a Family>,
    pub patient: Option<&'a Patient>,
    pub holding: Option<&'a Holding>,
    pub business: Option<&'a Business>,
    pub graduate: Option<&'a Graduate>,
}

impl Subjects<'_> {
    /// The number of whoever has a role.
    pub fn number(&self, role: Role) -> Option<&PersonalNumber> {
        match role {
            Role::Owner => self.holding?.owner.as_ref(),
            Role::Patient => self.patient.map(|patient| &patient.number),
            Role::Representative => self.business.map(|business| &business.representative),
            Role::Applicant | Role::Other | Role::Child | Role::Mother | Role::Father | Role::Graduate => {
                self.person(role).map(|person| &person.number)
            }
        }
    }

    /// The name of whoever has a role.
    pub fn name(&self, role: Role) -> Option<&str> {
        match role {
            Role::Patient => self.patient.map(|patient| patient.name.as_str()),
            Role::Graduate => self.graduate.map(|graduate| graduate.name.as_str()),
            Role::Applicant
            | Role::Other
            | Role::Child
            | Role::Mother
            | Role::Father
            | Role::Owner
            | Role::Representative => self.person(role).map(|person| person.name.as_str()),
        }
    }

    /// Whoever has a role, if the case knows them as residents.
    pub fn person(&self, role: Role) -> Option<&Person> {
        match role {
            Role::Applicant => Some(self.applicant),
            Role::Other => Some(self.other),
            Role::Child => self.family.map(|family| &family.child),
            Role::Mother => self.family.map(|family| &family.mother),
            Role::Father => self.family?.father.as_ref(),
            Role::Owner | Role::Patient | Role::Representative | Role::Graduate => None,
        }
    }
}
