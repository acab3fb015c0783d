//! What the sources hold, as it is made: a home with the records of every domain about its people.

mod business;
mod education;
mod health;
mod land;
mod population;

use lgsp_identifiers::WardCode;

pub use business::{BusinessLine, Enterprise, FormerAddress, FormerName, Member, Representative};
pub use education::{Diploma, Enrolment, Guardian, School, Student};
pub use health::{
    Allergy, Condition, Contact, Encounter, Facility, Immunization, InsuranceCard, Medication, Patient,
    Vaccine,
};
pub use land::{Certificate, FormerKey, LandUse, Owner, Parcel, Restriction};
pub use population::{Address, AddressKind, Citizen, Household, IdentityCard, RelatedPerson};

/// A household with its people, and what the other domains hold about them: the parcels that they own, their cards and
/// patient records, their schooling, and the enterprises that they represent. Now and then also a parcel of an
/// enterprise or a public body nearby.
#[derive(Clone, Debug)]
pub struct Home {
    /// The household.
    pub household: Household,
    /// Its members, the head first, the dead included.
    pub citizens: Vec<Citizen>,
    /// Parcels that came into being with this home.
    pub parcels: Vec<Parcel>,
    /// Health-insurance cards of its members, older ones first.
    pub cards: Vec<InsuranceCard>,
    /// Patient records of its members.
    pub patients: Vec<Patient>,
    /// Records of its members in schools, some of long ago.
    pub students: Vec<Student>,
    /// Diplomas of its members.
    pub diplomas: Vec<Diploma>,
    /// Enterprises, their branches included, that its members represent.
    pub enterprises: Vec<Enterprise>,
}

/// An address as a source other than the register of residents has it.
#[derive(Clone, Debug)]
pub struct PostalAddress {
    /// House number and street, hamlet or area.
    pub line: Option<String>,
    /// In use now; `None` outside the city.
    pub ward: Option<WardCode>,
    /// As the record was written, when that was under a code from before 1 July 2025.
    pub former_ward: Option<WardCode>,
    /// As given, when it does not follow from line and ward.
    pub text: Option<String>,
}

impl From<&Address> for PostalAddress {
    fn from(address: &Address) -> Self {
        Self {
            line: address.line.clone(),
            ward: address.ward,
            former_ward: address.former_ward,
            text: address.text.clone(),
        }
    }
}
