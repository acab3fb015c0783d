use lgsp_identifiers::{EnterpriseCode, OldIdentityCard, ParcelKey, PartialDate, PersonalNumber, WardCode};
use lgsp_proto::land::v1::{OwnerKind, ParcelStatus, RestrictionKind, UseOrigin};
use uuid::Uuid;

use crate::land::geometry::{Bounds, Point};

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
