//! Queries for parcels, their rows, and what the rows mean in the domain's language.

use lgsp_adapter::records::{date, timestamp, ward};
use lgsp_adapter::{Origin, SourceError};
use lgsp_proto::land::v1::{Certificate, Parcel};
use lgsp_proto::record::v1::Point;
use sqlx::FromRow;

use crate::geometry;

pub(super) const BY_ID: &str = "SELECT * FROM parcel WHERE uuid = ?";

/// The parcel that has the key now; otherwise the one that had it last.
pub(super) const BY_KEY: &str = "
    SELECT * FROM parcel WHERE parcel_id = (
        SELECT parcel_id FROM (
            SELECT parcel_id, 0 AS ended, '' AS valid_to FROM parcel
            WHERE ward_code = ?1 AND map_sheet = ?2 AND parcel_number = ?3 AND status = 1
            UNION ALL
            SELECT parcel_id, 1, valid_to FROM former_key
            WHERE ward_code = ?1 AND map_sheet = ?2 AND parcel_number = ?3
            UNION ALL
            SELECT parcel_id, 1, coalesce(valid_to, '') FROM parcel
            WHERE ward_code = ?1 AND map_sheet = ?2 AND parcel_number = ?3 AND status <> 1)
        ORDER BY ended, valid_to DESC LIMIT 1)";

macro_rules! held_by {
    ($column:literal) => {
        concat!(
            "SELECT * FROM parcel
             WHERE status = 1 AND parcel_id > ?2
               AND parcel_id IN (SELECT parcel_id FROM owner WHERE until IS NULL AND ",
            $column,
            " = ?1) ORDER BY parcel_id LIMIT ?3"
        )
    };
}

pub(super) const BY_PERSON: &str = held_by!("personal_number");
pub(super) const BY_OLD_CARD: &str = held_by!("old_identity_number");
pub(super) const BY_ENTERPRISE: &str = held_by!("enterprise_code");

/// The inner query needs nothing but its index; only the parcels of the page are read.
pub(super) const BY_BOUNDS: &str = "
    SELECT * FROM parcel WHERE parcel_id IN (
        SELECT parcel_id FROM parcel
        WHERE status = 1 AND west BETWEEN ?1 AND ?2 AND east >= ?3 AND south <= ?4 AND north >= ?5 AND parcel_id > ?6
        ORDER BY parcel_id LIMIT ?7)
    ORDER BY parcel_id";

/// One arm per ward, so that each is read in the order of its index, and no further than the limit.
pub(super) const BY_WARD: &str = "
    SELECT * FROM parcel WHERE status = 1 AND ward_code = ?1 AND parcel_id > ?3
    UNION ALL
    SELECT * FROM parcel WHERE status = 1 AND ward_code = ?2 AND parcel_id > ?3
    ORDER BY parcel_id LIMIT ?4";

#[derive(FromRow)]
pub(super) struct ParcelRow {
    pub(super) parcel_id: i64,
    uuid: String,
    ward_code: String,
    map_sheet: i64,
    parcel_number: i64,
    former_ward_code: Option<String>,
    address: Option<String>,
    area_m2: f64,
    certified_area_m2: Option<f64>,
    use_origin: i32,
    certificate_serial: Option<String>,
    certificate_register: Option<String>,
    certificate_issued_on: Option<String>,
    certificate_issuer: Option<String>,
    disputed: bool,
    planned_use_code: Option<String>,
    geometry: String,
    centre_latitude: f64,
    centre_longitude: f64,
    source_epsg: i32,
    map_scale: Option<i32>,
    measured_on: Option<String>,
    status: i32,
    valid_from: Option<String>,
    valid_to: Option<String>,
    updated_us: i64,
    as_of_us: i64,
}

impl ParcelRow {
    /// The parcel without what hangs on it.
    pub(super) fn into_parcel(self, origin: &Origin) -> Result<Parcel, SourceError> {
        let border = geometry::read(&self.geometry).map_err(|error| SourceError::Unexpected(error.into()))?;
        let certificate = self.certificate_serial.map(|serial_number| Certificate {
            serial_number,
            register_number: self.certificate_register.unwrap_or_default(),
            issued_on: date(self.certificate_issued_on.as_deref()),
            issuer: self.certificate_issuer.unwrap_or_default(),
        });
        Ok(Parcel {
            parcel_id: self.uuid,
            parcel_key: format!("{}/{}/{}", self.ward_code, self.map_sheet, self.parcel_number),
            ward: Some(ward(&self.ward_code, self.former_ward_code.as_deref())),
            map_sheet: self.map_sheet.to_string(),
            parcel_number: self.parcel_number.to_string(),
            address: self.address.unwrap_or_default(),
            area_m2: self.area_m2,
            certified_area_m2: self.certified_area_m2.unwrap_or_default(),
            use_origin: self.use_origin,
            certificate,
            disputed: self.disputed,
            planned_use_code: self.planned_use_code.unwrap_or_default(),
            geometry: Some(border),
            geometry_geojson: self.geometry,
            centre: Some(Point { latitude: self.centre_latitude, longitude: self.centre_longitude }),
            source_epsg: self.source_epsg,
            map_scale: self.map_scale.unwrap_or_default(),
            measured_on: date(self.measured_on.as_deref()),
            status: self.status,
            valid_from: date(self.valid_from.as_deref()),
            valid_to: date(self.valid_to.as_deref()),
            updated: Some(timestamp(self.updated_us)),
            provenance: origin.provenance(self.as_of_us),
            ..Parcel::default()
        })
    }
}
