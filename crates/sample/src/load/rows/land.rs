use super::{Border, Ids, Rows, Table, Value, next};
use crate::land::geometry::geojson;
use crate::record::{Home, Owner, Parcel};

static PARCEL: Table = Table {
    name: "parcel",
    columns: &[
        "parcel_id",
        "uuid",
        "ward_code",
        "map_sheet",
        "parcel_number",
        "former_ward_code",
        "address",
        "area_m2",
        "certified_area_m2",
        "use_origin",
        "certificate_serial",
        "certificate_register",
        "certificate_issued_on",
        "certificate_issuer",
        "disputed",
        "planned_use_code",
        "geometry",
        "centre_latitude",
        "centre_longitude",
        "south",
        "west",
        "north",
        "east",
        "source_epsg",
        "map_scale",
        "measured_on",
        "status",
        "valid_from",
        "valid_to",
        "updated_us",
        "as_of_us",
    ],
};

static FORMER_KEY: Table = Table {
    name: "former_key",
    columns: &["parcel_id", "ward_code", "map_sheet", "parcel_number", "valid_to"],
};

static OWNER: Table = Table {
    name: "owner",
    columns: &[
        "owner_id",
        "parcel_id",
        "kind",
        "personal_number",
        "old_identity_number",
        "enterprise_code",
        "name",
        "share_numerator",
        "share_denominator",
        "since",
        "until",
    ],
};

static LAND_USE: Table = Table {
    name: "land_use",
    columns: &["land_use_id", "parcel_id", "code", "title_vi", "area_m2", "until"],
};

static RESTRICTION: Table = Table {
    name: "restriction",
    columns: &["restriction_id", "parcel_id", "kind", "holder", "since", "until"],
};

static LINEAGE: Table = Table { name: "lineage", columns: &["predecessor_uuid", "successor_uuid"] };

/// Parcels and all that hangs on them.
pub(crate) fn rows<'a>(homes: &'a [Home], ids: &mut Ids) -> Vec<Rows<'a>> {
    let parcels = || homes.iter().flat_map(|home| &home.parcels);
    let mut records = Rows::of(&PARCEL);
    for record in parcels() {
        records.push(parcel(record));
        records.borders.push(Border { points: &record.border, epsg: record.source_epsg });
    }
    vec![
        records,
        former_keys(parcels()),
        owners(parcels(), ids),
        land_uses(parcels(), ids),
        restrictions(parcels(), ids),
        lineage(parcels()),
    ]
}

fn parcel(parcel: &Parcel) -> [Value<'_>; 31] {
    let certificate = parcel.certificate.as_ref();
    [
        parcel.id.into(),
        parcel.uuid.hyphenated().to_string().into(),
        parcel.key.ward().into(),
        parcel.key.sheet().into(),
        parcel.key.number().into(),
        parcel.former_ward.into(),
        (&parcel.address).into(),
        parcel.area_m2.into(),
        parcel.certified_area_m2.into(),
        (parcel.use_origin as i32).into(),
        certificate.map(|certificate| &certificate.serial).into(),
        certificate.map(|certificate| &certificate.register).into(),
        certificate.map(|certificate| certificate.issued_on).into(),
        certificate.map(|certificate| certificate.issuer).into(),
        parcel.disputed.into(),
        parcel.planned_use_code.into(),
        geojson(&parcel.border).into(),
        parcel.centre.latitude.into(),
        parcel.centre.longitude.into(),
        parcel.bounds.south.into(),
        parcel.bounds.west.into(),
        parcel.bounds.north.into(),
        parcel.bounds.east.into(),
        parcel.source_epsg.into(),
        parcel.map_scale.into(),
        parcel.measured_on.into(),
        (parcel.status as i32).into(),
        parcel.valid_from.into(),
        parcel.valid_to.into(),
        parcel.updated_us.into(),
        parcel.as_of_us.into(),
    ]
}

fn former_keys<'a>(parcels: impl Iterator<Item = &'a Parcel>) -> Rows<'a> {
    let mut rows = Rows::of(&FORMER_KEY);
    for parcel in parcels {
        for former in &parcel.former_keys {
            rows.push([
                parcel.id.into(),
                former.key.ward().into(),
                former.key.sheet().into(),
                former.key.number().into(),
                former.valid_to.into(),
            ]);
        }
    }
    rows
}

fn owners<'a>(parcels: impl Iterator<Item = &'a Parcel>, ids: &mut Ids) -> Rows<'a> {
    let id = ids.of(&OWNER);
    let mut rows = Rows::of(&OWNER);
    for parcel in parcels {
        for owner in &parcel.owners {
            rows.push(row_of_owner(next(id), parcel, owner));
        }
    }
    rows
}

fn row_of_owner<'a>(id: Value<'a>, parcel: &'a Parcel, owner: &'a Owner) -> [Value<'a>; 11] {
    [
        id,
        parcel.id.into(),
        (owner.kind as i32).into(),
        (&owner.personal_number).into(),
        (&owner.old_identity).into(),
        (&owner.enterprise_code).into(),
        (&owner.name).into(),
        owner.share.0.into(),
        owner.share.1.into(),
        owner.since.into(),
        owner.until.into(),
    ]
}

fn land_uses<'a>(parcels: impl Iterator<Item = &'a Parcel>, ids: &mut Ids) -> Rows<'a> {
    let id = ids.of(&LAND_USE);
    let mut rows = Rows::of(&LAND_USE);
    for parcel in parcels {
        for land_use in &parcel.land_uses {
            rows.push([
                next(id),
                parcel.id.into(),
                land_use.code.into(),
                land_use.title_vi.into(),
                land_use.area_m2.into(),
                land_use.until.into(),
            ]);
        }
    }
    rows
}

fn restrictions<'a>(parcels: impl Iterator<Item = &'a Parcel>, ids: &mut Ids) -> Rows<'a> {
    let id = ids.of(&RESTRICTION);
    let mut rows = Rows::of(&RESTRICTION);
    for parcel in parcels {
        for restriction in &parcel.restrictions {
            rows.push([
                next(id),
                parcel.id.into(),
                (restriction.kind as i32).into(),
                restriction.holder.into(),
                restriction.since.into(),
                restriction.until.into(),
            ]);
        }
    }
    rows
}

fn lineage<'a>(parcels: impl Iterator<Item = &'a Parcel>) -> Rows<'a> {
    let mut rows = Rows::of(&LINEAGE);
    for parcel in parcels {
        if let Some(predecessor) = parcel.predecessor {
            rows.push([
                predecessor.hyphenated().to_string().into(),
                parcel.uuid.hyphenated().to_string().into(),
            ]);
        }
    }
    rows
}
