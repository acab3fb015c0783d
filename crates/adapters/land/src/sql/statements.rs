//! The adapter's SQL, over its relations. `docs/queries.md` keeps the plans.

use lgsp_adapter::{ByPerson, Part, Statement, Tables};

use super::places::{self, Index};
use crate::Parts;
use crate::dataset::{Dataset, Form};

/// Every statement of the adapter.
#[derive(Clone, Debug)]
pub(super) struct Statements {
    with_borders: Parcels,
    without_borders: Parcels,
    /// With borders, since it is by them that a place is found.
    pub(super) by_place: Statement,
    pub(super) former_keys: Part,
    pub(super) land_uses: Part,
    pub(super) owners: Part,
    pub(super) restrictions: Part,
    pub(super) predecessors: Part,
    pub(super) successors: Part,
    /// All borders, for a check of the source.
    pub(super) borders: Statement,
}

/// The statements that find parcels by what does not need their borders.
#[derive(Clone, Debug)]
pub(super) struct Parcels {
    pub(super) by_id: Statement,
    pub(super) by_key: Statement,
    pub(super) by_person: ByPerson,
    pub(super) by_enterprise: Statement,
    pub(super) by_ward: Statement,
}

impl Statements {
    pub(super) fn new(tables: &Tables, dataset: &Dataset, index: Index) -> Self {
        let (border, system) = (border(dataset.form), system(dataset.form));
        let with_border = format!("SELECT {COLUMNS}, {border} AS geometry{system}");
        let without_border = format!("SELECT {COLUMNS}, CAST(NULL AS TEXT) AS geometry{system}");
        let near = places::near(dataset, index);
        let part = |sql, order, most| tables.part("parcel_id", sql, order, most);
        Self {
            with_borders: Parcels::new(tables, &with_border),
            without_borders: Parcels::new(tables, &without_border),
            by_place: tables.statement(&listed(&with_border, &near)),
            former_keys: part(FORMER_KEYS, "valid_to DESC NULLS LAST", MOST_FORMER_KEYS),
            land_uses: part(LAND_USES, "land_use_id", MOST_LAND_USES),
            owners: part(OWNERS, "owner_id", MOST_OWNERS),
            restrictions: part(RESTRICTIONS, "restriction_id", MOST_RESTRICTIONS),
            predecessors: part(PREDECESSORS, "uuid", MOST_OF_LINEAGE),
            successors: part(SUCCESSORS, "uuid", MOST_OF_LINEAGE),
            borders: tables.statement(&format!(
                "SELECT p.parcel_id, p.ward_code, p.source_epsg, {border} AS geometry{system} FROM parcel p
                 WHERE p.parcel_id > $1 ORDER BY p.parcel_id LIMIT $2"
            )),
        }
    }

    /// Those that read no more than is wanted.
    pub(super) fn parcels(&self, wanted: Parts) -> &Parcels {
        if wanted.border { &self.with_borders } else { &self.without_borders }
    }
}

impl Parcels {
    fn new(tables: &Tables, parcel: &str) -> Self {
        let held_by = |column: &str| {
            format!(
                "{parcel} FROM parcel p WHERE p.status = 1 AND p.parcel_id > $2
                   AND p.parcel_id IN (SELECT o.parcel_id FROM owner o WHERE o.{column} = $1 AND {{in force on $4}})
                 ORDER BY p.parcel_id LIMIT $3"
            )
        };
        Self {
            by_id: tables.statement(&format!("{parcel} FROM parcel p WHERE p.uuid = $1 LIMIT 2")),
            by_key: tables.statement(&format!("{parcel}, k.ended, k.valid_to AS key_valid_to {BY_KEY}")),
            by_person: tables.by_person(&held_by("{person}")),
            by_enterprise: tables.statement(&held_by("enterprise_code")),
            by_ward: tables.statement(&listed(parcel, OF_WARD)),
        }
    }
}

/// Reads the parcels whose numbers a query finds.
fn listed(parcel: &str, numbers: &str) -> String {
    format!("{parcel} FROM parcel p WHERE p.parcel_id IN ({numbers}) ORDER BY p.parcel_id")
}

/// What is read of a parcel, but its border.
const COLUMNS: &str = "p.parcel_id, p.uuid, p.ward_code, p.map_sheet, p.parcel_number, p.former_ward_code, p.address,
    p.area_m2, p.certified_area_m2, p.use_origin, p.certificate_serial, p.certificate_register, p.certificate_issued_on,
    p.certificate_issuer, p.disputed, p.planned_use_code, p.centre_latitude, p.centre_longitude, p.source_epsg, p.map_scale,
    p.measured_on, p.status, p.valid_from, p.valid_to, p.updated_us, p.as_of_us";

/// The border as GeoJSON in its own coordinates. What is neither a polygon nor can become one is told by its kind, which is
/// no GeoJSON: PostGIS would rather fail, for one record, the whole page.
fn border(form: Form) -> &'static str {
    match form {
        Form::Text => "p.geometry",
        Form::PostGis => {
            "CASE WHEN ST_GeometryType(p.geometry) IN ('ST_Polygon', 'ST_MultiPolygon')
                  THEN ST_AsGeoJSON(p.geometry, 9, 0)
                  WHEN ST_GeometryType(p.geometry) IN ('ST_CurvePolygon', 'ST_MultiSurface')
                  THEN ST_AsGeoJSON(ST_CurveToLine(p.geometry), 9, 0)
                  ELSE ST_GeometryType(p.geometry) END"
        }
    }
}

/// The system that a border says to be in, if it can say so: one more column.
fn system(form: Form) -> &'static str {
    match form {
        Form::Text => "",
        Form::PostGis => ", ST_SRID(p.geometry) AS geometry_srid",
    }
}

/// The parcel that has the key now; otherwise the one that had it last. Two are read, so that a contradiction is noticed.
const BY_KEY: &str = "
    FROM (SELECT parcel_id, 0 AS ended, '' AS valid_to FROM parcel
          WHERE ward_code = $1 AND map_sheet = $2 AND parcel_number = $3 AND status = 1
          UNION
          SELECT parcel_id, 1, coalesce(valid_to, '') FROM former_key
          WHERE ward_code = $1 AND map_sheet = $2 AND parcel_number = $3
          UNION
          SELECT parcel_id, 1, coalesce(valid_to, '') FROM parcel
          WHERE ward_code = $1 AND map_sheet = $2 AND parcel_number = $3 AND status <> 1) k
    JOIN parcel p ON p.parcel_id = k.parcel_id
    ORDER BY k.ended, k.valid_to DESC LIMIT 2";

/// One arm per ward, each read in the order of its index and no further than the limit, which stands in each because a plan
/// for any limit would rather sort the whole ward.
const OF_WARD: &str = "
    SELECT w.parcel_id FROM
        (SELECT parcel_id FROM (SELECT parcel_id FROM parcel WHERE status = 1 AND ward_code = $1 AND parcel_id > $3
                                ORDER BY parcel_id LIMIT $4) one
         UNION ALL
         SELECT parcel_id FROM (SELECT parcel_id FROM parcel WHERE status = 1 AND ward_code = $2 AND parcel_id > $3
                                ORDER BY parcel_id LIMIT $4) other) w
    ORDER BY w.parcel_id LIMIT $4";

/// As many as the contract tells of each part of a parcel.
const MOST_FORMER_KEYS: usize = 20;
const MOST_LAND_USES: usize = 20;
const MOST_OWNERS: usize = 100;
const MOST_RESTRICTIONS: usize = 50;
const MOST_OF_LINEAGE: usize = 50;

const FORMER_KEYS: &str = "
    SELECT parcel_id, ward_code, map_sheet, parcel_number, valid_to FROM former_key WHERE parcel_id {of_page}";

const LAND_USES: &str = "
    SELECT parcel_id, land_use_id, code, title_vi, area_m2, until FROM land_use WHERE parcel_id {of_page}";

const OWNERS: &str = "
    SELECT parcel_id, owner_id, kind, personal_number, old_identity_number, enterprise_code, name, share_numerator,
           share_denominator, since, until
    FROM owner WHERE parcel_id {of_page} AND {in force}";

const RESTRICTIONS: &str = "
    SELECT parcel_id, restriction_id, kind, holder, since, until FROM restriction WHERE parcel_id {of_page} AND {in force}";

const PREDECESSORS: &str = "
    SELECT p.parcel_id, l.predecessor_uuid AS uuid FROM parcel p JOIN lineage l ON l.successor_uuid = p.uuid
    WHERE p.parcel_id {of_page}";

const SUCCESSORS: &str = "
    SELECT p.parcel_id, l.successor_uuid AS uuid FROM parcel p JOIN lineage l ON l.predecessor_uuid = p.uuid
    WHERE p.parcel_id {of_page}";
