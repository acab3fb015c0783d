//! What the adapter reads of a cadastre: the tables of the native schema, `crates/sample/schema/land.sql`.
//!
//! A mapping's `parcel.geometry` is a column of PostGIS, or a text with GeoJSON. Its `format` names the system of its
//! coordinates, such as `["EPSG:5897"]`, and without one it is WGS 84; a source of several datasets names several, and tells
//! by the geometry itself or by `source_epsg` which a record is in. A geometry of PostGIS wants an index of kind GiST; a text
//! wants its bounding box, in its own coordinates, in `west`, `south`, `east` and `north`, with an index on the four.

use lgsp_adapter::{Codes, Column, Kind, Relation};
use lgsp_identifiers::Format;

/// The version of the native schema.
pub(crate) const SCHEMA_VERSION: i64 = 1;

/// Every relation that the adapter reads.
pub const RELATIONS: &[Relation] = &[PARCEL, FORMER_KEY, OWNER, LAND_USE, RESTRICTION, LINEAGE];

const USE_ORIGIN: Codes = &[
    ("unspecified", 0),
    ("allocated-free", 1),
    ("allocated-paid", 2),
    ("leased", 3),
    ("recognised", 4),
    ("transferred", 5),
];
const STATUS: Codes = &[("unspecified", 0), ("in-use", 1), ("divided", 2), ("merged", 3)];
const OWNER_KIND: Codes = &[
    ("unspecified", 0),
    ("person", 1),
    ("household", 2),
    ("enterprise", 3),
    ("public-body", 4),
    ("community", 5),
];
const RESTRICTION_KIND: Codes =
    &[("unspecified", 0), ("mortgage", 1), ("seizure", 2), ("easement", 3), ("recovery-notice", 4)];

/// One record a parcel; lists are paged in the order of `parcel_id`.
pub(crate) const PARCEL: Relation = Relation::new(
    "parcel",
    &[
        Column::new("parcel_id", Kind::Integer).required(),
        Column::new("uuid", Kind::Text).required().holding(Format::Uuid),
        Column::new("ward_code", Kind::Text).required().holding(Format::WardCode),
        Column::new("map_sheet", Kind::Integer).required(),
        Column::new("parcel_number", Kind::Integer).required(),
        Column::new("former_ward_code", Kind::Text).holding(Format::WardCode),
        Column::new("address", Kind::Text),
        Column::new("area_m2", Kind::Real),
        Column::new("certified_area_m2", Kind::Real),
        Column::new("use_origin", Kind::Code(USE_ORIGIN)),
        Column::new("certificate_serial", Kind::Text),
        Column::new("certificate_register", Kind::Text),
        Column::new("certificate_issued_on", Kind::Date),
        Column::new("certificate_issuer", Kind::Text),
        Column::new("disputed", Kind::Flag),
        Column::new("planned_use_code", Kind::Text),
        Column::new("geometry", Kind::Geometry).required(),
        Column::new("centre_latitude", Kind::Real),
        Column::new("centre_longitude", Kind::Real),
        Column::new("south", Kind::Real),
        Column::new("west", Kind::Real),
        Column::new("north", Kind::Real),
        Column::new("east", Kind::Real),
        Column::new("source_epsg", Kind::Integer),
        Column::new("map_scale", Kind::Integer),
        Column::new("measured_on", Kind::Date),
        Column::new("status", Kind::Code(STATUS)).required(),
        Column::new("valid_from", Kind::Date),
        Column::new("valid_to", Kind::Date),
        Column::new("updated_us", Kind::Moment),
        Column::new("as_of_us", Kind::Moment),
    ],
)
.keyed(&[&["parcel_id"], &["uuid"]]);

/// Keys that parcels had before.
pub(crate) const FORMER_KEY: Relation = Relation::new(
    "former_key",
    &[
        Column::new("parcel_id", Kind::Integer).required().referring("parcel", "parcel_id"),
        Column::new("ward_code", Kind::Text).required().holding(Format::WardCode),
        Column::new("map_sheet", Kind::Integer).required(),
        Column::new("parcel_number", Kind::Integer).required(),
        Column::new("valid_to", Kind::Date),
    ],
)
.optional();

/// Who holds the right of use now, and who held it before.
pub(crate) const OWNER: Relation = Relation::new(
    "owner",
    &[
        Column::new("owner_id", Kind::Key),
        Column::new("parcel_id", Kind::Integer).required().referring("parcel", "parcel_id"),
        Column::new("kind", Kind::Code(OWNER_KIND)),
        Column::new("personal_number", Kind::Text).holding(Format::PersonalNumber),
        Column::new("old_identity_number", Kind::Text).holding(Format::OldIdentityCard),
        Column::new("enterprise_code", Kind::Text).holding(Format::EnterpriseCode),
        Column::new("name", Kind::Text).required(),
        Column::new("share_numerator", Kind::Integer),
        Column::new("share_denominator", Kind::Integer),
        Column::new("since", Kind::Date),
        Column::new("until", Kind::Date),
    ],
)
.keyed(&[&["owner_id"]]);

/// What the land may be used for.
pub(crate) const LAND_USE: Relation = Relation::new(
    "land_use",
    &[
        Column::new("land_use_id", Kind::Key),
        Column::new("parcel_id", Kind::Integer).required().referring("parcel", "parcel_id"),
        Column::new("code", Kind::Text).required(),
        Column::new("title_vi", Kind::Text),
        Column::new("area_m2", Kind::Real),
        Column::new("until", Kind::Date),
    ],
)
.optional()
.keyed(&[&["land_use_id"]]);

/// Limits on the right of use.
pub(crate) const RESTRICTION: Relation = Relation::new(
    "restriction",
    &[
        Column::new("restriction_id", Kind::Key),
        Column::new("parcel_id", Kind::Integer).required().referring("parcel", "parcel_id"),
        Column::new("kind", Kind::Code(RESTRICTION_KIND)).required(),
        Column::new("holder", Kind::Text),
        Column::new("since", Kind::Date),
        Column::new("until", Kind::Date),
    ],
)
.optional()
.keyed(&[&["restriction_id"]]);

/// Which parcel became which.
pub(crate) const LINEAGE: Relation = Relation::new(
    "lineage",
    &[
        Column::new("predecessor_uuid", Kind::Text).required().holding(Format::Uuid),
        Column::new("successor_uuid", Kind::Text).required().holding(Format::Uuid),
    ],
)
.optional();

#[cfg(test)]
mod tests {
    use lgsp_adapter::testing::assert_codes;
    use lgsp_proto::land::v1::{OwnerKind, ParcelStatus, RestrictionKind, UseOrigin};

    use super::*;

    #[test]
    fn the_codes_are_those_of_the_contract() {
        assert_codes(USE_ORIGIN, "USE_ORIGIN_", |n| UseOrigin::try_from(n).ok().map(|v| v.as_str_name()));
        assert_codes(STATUS, "PARCEL_STATUS_", |n| ParcelStatus::try_from(n).ok().map(|v| v.as_str_name()));
        assert_codes(OWNER_KIND, "OWNER_KIND_", |n| OwnerKind::try_from(n).ok().map(|v| v.as_str_name()));
        assert_codes(RESTRICTION_KIND, "RESTRICTION_KIND_", |n| {
            RestrictionKind::try_from(n).ok().map(|v| v.as_str_name())
        });
    }
}
