use lgsp_identifiers::{EnterpriseCode, OldIdentityCard, ParcelKey, PartialDate, PersonalNumber, WardCode};
use lgsp_proto::land::v1::{OwnerKind, ParcelStatus, RestrictionKind, UseOrigin};
use lgsp_proto::population::v1::{LifeStatus, MaritalStatus, Relation};
use lgsp_proto::record::v1::Sex;
use uuid::Uuid;

use crate::land::geometry::{Bounds, Point};

/// A household with its people and the parcels that they hold; now and then also a parcel of an enterprise or a public
/// body nearby.
#[derive(Clone, Debug)]
pub struct Home {
    /// The household.
    pub household: Household,
    /// Its members, the head first, the dead included.
    pub citizens: Vec<Citizen>,
    /// Parcels that came into being with this home.
    pub parcels: Vec<Parcel>,
}

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

/// One parcel.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// From 1, without gaps.
    pub id: i64,
    /// The stable id.
    pub uuid: Uuid,
    /// In use now, or at the end of the parcel's life. Under the ward in use for all.
    pub key: ParcelKey,
    /// Keys that the parcel had before.
    pub former_keys: Vec<FormerKey>,
    /// The former ward that it lies in, where the record still names it.
    pub former_ward: Option<WardCode>,
    /// Address on one line.
    pub address: String,
    /// Measured area.
    pub area_m2: f64,
    /// Area on the certificate.
    pub certified_area_m2: Option<f64>,
    /// How the right of use came about.
    pub use_origin: UseOrigin,
    /// The certificate, if one was issued.
    pub certificate: Option<Certificate>,
    /// A dispute is on file.
    pub disputed: bool,
    /// Land use code in the approved plan.
    pub planned_use_code: Option<&'static str>,
    /// The border in WGS 84: anticlockwise, the last point repeats the first.
    pub border: Vec<Point>,
    /// A point inside.
    pub centre: Point,
    /// The bounding box of the border.
    pub bounds: Bounds,
    /// EPSG code of the dataset that it was measured in.
    pub source_epsg: i32,
    /// Denominator of the map's scale.
    pub map_scale: i32,
    /// When it was surveyed.
    pub measured_on: Option<PartialDate>,
    /// In use or divided.
    pub status: ParcelStatus,
    /// Since when it exists in this form.
    pub valid_from: PartialDate,
    /// Until when, if it was divided.
    pub valid_to: Option<PartialDate>,
    /// What it may be used for.
    pub land_uses: Vec<LandUse>,
    /// Who holds the right of use, and who held it before.
    pub owners: Vec<Owner>,
    /// Limits in force.
    pub restrictions: Vec<Restriction>,
    /// The parcel that it was divided from.
    pub predecessor: Option<Uuid>,
    /// Last change, Unix microseconds.
    pub updated_us: i64,
    /// Last confirmation, Unix microseconds.
    pub as_of_us: i64,
}

/// A key that a parcel had before.
#[derive(Clone, Debug)]
pub struct FormerKey {
    /// Under a former ward code.
    pub key: ParcelKey,
    /// The last day it was in use.
    pub valid_to: PartialDate,
}

/// The certificate of a right of use.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Printed on the paper.
    pub serial: String,
    /// In the register of certificates.
    pub register: String,
    /// Date of issue.
    pub issued_on: PartialDate,
    /// Who issued it.
    pub issuer: &'static str,
}

/// One permitted use.
#[derive(Clone, Debug)]
pub struct LandUse {
    /// For example `ODT`.
    pub code: &'static str,
    /// Its name.
    pub title_vi: &'static str,
    /// Area for this use.
    pub area_m2: f64,
    /// `None`: lasting.
    pub until: Option<PartialDate>,
}

/// Who holds a right of use, or held it.
#[derive(Clone, Debug)]
pub struct Owner {
    /// Person, household, enterprise, public body or community.
    pub kind: OwnerKind,
    /// Of a person or a household's head.
    pub personal_number: Option<PersonalNumber>,
    /// As older certificates have it.
    pub old_identity: Option<OldIdentityCard>,
    /// Of an enterprise.
    pub enterprise_code: Option<EnterpriseCode>,
    /// Name as on the certificate.
    pub name: String,
    /// Numerator and denominator; 0 of 0 when held in common without shares.
    pub share: (u32, u32),
    /// Since when.
    pub since: PartialDate,
    /// Until when; `None` for those who hold it now.
    pub until: Option<PartialDate>,
}

/// A limit on what the owner may do.
#[derive(Clone, Debug)]
pub struct Restriction {
    /// What kind.
    pub kind: RestrictionKind,
    /// In whose favour.
    pub holder: &'static str,
    /// Since when.
    pub since: PartialDate,
    /// `None`: open.
    pub until: Option<PartialDate>,
}
