//! What the adapter reads of a vehicle register: the tables of the native schema, `schema.sql`.

use lgsp_adapter::{Codes, Column, Kind, Relation};
use lgsp_identifiers::Format;

/// The version of the native schema.
pub(crate) const SCHEMA_VERSION: i64 = 1;

/// Every relation that the adapter reads.
pub const RELATIONS: &[Relation] = &[VEHICLE];

/// The numbers of the contract's `VehicleKind`, by the names that a mapping uses.
const KIND: Codes = &[("unspecified", 0), ("car", 1), ("motorcycle", 2), ("lorry", 3)];

/// One record a vehicle.
pub(crate) const VEHICLE: Relation = Relation::new(
    "vehicle",
    &[
        Column::new("plate", Kind::Text).required(),
        Column::new("kind", Kind::Code(KIND)),
        Column::new("make", Kind::Text),
        Column::new("registered_on", Kind::Date),
        Column::new("owner_number", Kind::Text).holding(Format::PersonalNumber),
        Column::new("owner_name", Kind::Text),
        Column::new("as_of_us", Kind::Moment),
    ],
)
.keyed(&[&["plate"]]);
