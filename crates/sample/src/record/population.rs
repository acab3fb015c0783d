use lgsp_identifiers::{OldIdentityCard, PartialDate, PersonalNumber, WardCode};
use lgsp_proto::population::v1::{LifeStatus, MaritalStatus, Relation};
use lgsp_proto::record::v1::Sex;

/// People registered together at one address.
#[derive(Clone, Debug)]
pub struct Household {
    /// From 1, without gaps.
    pub id: i64,
    /// The household's own number.
    pub number: String,
    /// Id of the head.
    pub head: i64,
    /// House number and street, hamlet or area.
    pub line: String,
    /// In use now.
    pub ward: WardCode,
    /// As the record was written, when that was under a code from before 1 July 2025.
    pub former_ward: Option<WardCode>,
    /// When the household was registered.
    pub registered_on: PartialDate,
    /// Last confirmation, Unix microseconds.
    pub as_of_us: i64,
}

/// One citizen.
#[derive(Clone, Debug)]
pub struct Citizen {
    /// From 1, without gaps.
    pub id: i64,
    /// Unique.
    pub personal_number: PersonalNumber,
    /// Unique, if there is one.
    pub old_identity: Option<OldIdentityCard>,
    /// Family name first, in NFC.
    pub full_name: String,
    /// Another name in use.
    pub other_name: Option<String>,
    /// Month and day may be unknown.
    pub date_of_birth: PartialDate,
    /// Male or female.
    pub sex: Sex,
    /// Name of the ethnic group.
    pub ethnicity: Option<&'static str>,
    /// Name of the faith.
    pub religion: Option<&'static str>,
    /// ISO 3166-1 alpha-2.
    pub nationality_code: &'static str,
    /// Unspecified when not known.
    pub marital_status: MaritalStatus,
    /// Id of the household.
    pub household: i64,
    /// Relation to its head.
    pub relation: Relation,
    /// Father as named in this record.
    pub father: Option<RelatedPerson>,
    /// Mother as named in this record.
    pub mother: Option<RelatedPerson>,
    /// Wife or husband as named in this record.
    pub spouse: Option<RelatedPerson>,
    /// `A`, `B`, `AB` or `O`, with `+` or `-`.
    pub blood_type: Option<&'static str>,
    /// As declared.
    pub occupation: Option<&'static str>,
    /// E.164, under a prefix withdrawn in 2018, so that nobody can be called.
    pub phone_number: Option<String>,
    /// Alive, dead or missing.
    pub life_status: LifeStatus,
    /// Of the dead.
    pub date_of_death: Option<PartialDate>,
    /// The card in use.
    pub card: Option<IdentityCard>,
    /// At most one of a kind.
    pub addresses: Vec<Address>,
    /// Last change, Unix microseconds.
    pub updated_us: i64,
    /// Last confirmation, Unix microseconds.
    pub as_of_us: i64,
}

/// A parent or spouse as a record names them.
#[derive(Clone, Debug)]
pub struct RelatedPerson {
    /// Older records hold only the name.
    pub personal_number: Option<PersonalNumber>,
    /// Full name.
    pub full_name: String,
}

/// An identity card; its number is the personal number.
#[derive(Clone, Debug)]
pub struct IdentityCard {
    /// Date of issue.
    pub issued_on: PartialDate,
    /// `None`: valid for life.
    pub expires_on: Option<PartialDate>,
    /// Authority that issued it.
    pub issuer: &'static str,
}

/// What an address is to a citizen; the numbers are those of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    /// Registered permanent residence.
    Permanent = 1,
    /// Registered temporary residence.
    Temporary = 2,
    /// Where the citizen says to live now.
    Current = 3,
    /// Where the birth was registered.
    BirthRegistration = 4,
    /// The family's place of origin.
    Hometown = 5,
}

/// An address of a citizen.
#[derive(Clone, Debug)]
pub struct Address {
    /// What it is to the citizen.
    pub kind: AddressKind,
    /// House number and street, hamlet or area.
    pub line: Option<String>,
    /// In use now; `None` outside the city.
    pub ward: Option<WardCode>,
    /// As the record was written, when that was under a code from before 1 July 2025.
    pub former_ward: Option<WardCode>,
    /// As registered, when it does not follow from line and ward.
    pub text: Option<String>,
    /// Since when.
    pub since: Option<PartialDate>,
}
