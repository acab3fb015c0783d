use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::error::Error;
use crate::land::geometry::geojson;
use crate::record::{FormerKey, Home, LandUse, Owner, Parcel, Restriction};

/// Rows of one statement: far below SQLite's 32,766 values.
const ROWS: usize = 250;

/// Writes the parcels of a batch.
pub(super) async fn write(connection: &mut SqliteConnection, homes: &[Home]) -> Result<(), Error> {
    let parcels: Vec<&Parcel> = homes.iter().flat_map(|home| &home.parcels).collect();
    for rows in parcels.chunks(ROWS) {
        insert_parcels(rows).build().persistent(false).execute(&mut *connection).await?;
    }
    for rows in of_all(&parcels, |parcel| &parcel.former_keys).chunks(ROWS) {
        insert_former_keys(rows).build().persistent(false).execute(&mut *connection).await?;
    }
    for rows in of_all(&parcels, |parcel| &parcel.owners).chunks(ROWS) {
        insert_owners(rows).build().persistent(false).execute(&mut *connection).await?;
    }
    for rows in of_all(&parcels, |parcel| &parcel.land_uses).chunks(ROWS) {
        insert_land_uses(rows).build().persistent(false).execute(&mut *connection).await?;
    }
    for rows in of_all(&parcels, |parcel| &parcel.restrictions).chunks(ROWS) {
        insert_restrictions(rows).build().persistent(false).execute(&mut *connection).await?;
    }
    let successors: Vec<&Parcel> =
        parcels.into_iter().filter(|parcel| parcel.predecessor.is_some()).collect();
    for rows in successors.chunks(ROWS) {
        insert_lineage(rows).build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

/// What hangs on parcels, each with the id of its parcel.
fn of_all<'a, T>(parcels: &[&'a Parcel], parts: fn(&'a Parcel) -> &'a [T]) -> Vec<(i64, &'a T)> {
    parcels.iter().flat_map(|parcel| parts(parcel).iter().map(|part| (parcel.id, part))).collect()
}

fn insert_parcels(rows: &[&Parcel]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "INSERT INTO parcel (parcel_id, uuid, ward_code, map_sheet, parcel_number, former_ward_code, address, area_m2, \
         certified_area_m2, use_origin, certificate_serial, certificate_register, certificate_issued_on, certificate_issuer, \
         disputed, planned_use_code, geometry, centre_latitude, centre_longitude, south, west, north, east, source_epsg, \
         map_scale, measured_on, status, valid_from, valid_to, updated_us, as_of_us) ",
    );
    query.push_values(rows, |mut row, parcel| {
        let certificate = parcel.certificate.as_ref();
        row.push_bind(parcel.id)
            .push_bind(parcel.uuid.hyphenated().to_string())
            .push_bind(parcel.key.ward().to_string())
            .push_bind(parcel.key.sheet())
            .push_bind(parcel.key.number())
            .push_bind(parcel.former_ward.map(|ward| ward.to_string()))
            .push_bind(parcel.address.clone())
            .push_bind(parcel.area_m2)
            .push_bind(parcel.certified_area_m2)
            .push_bind(parcel.use_origin as i32)
            .push_bind(certificate.map(|certificate| certificate.serial.clone()))
            .push_bind(certificate.map(|certificate| certificate.register.clone()))
            .push_bind(certificate.map(|certificate| certificate.issued_on.to_string()))
            .push_bind(certificate.map(|certificate| certificate.issuer))
            .push_bind(parcel.disputed)
            .push_bind(parcel.planned_use_code)
            .push_bind(geojson(&parcel.border))
            .push_bind(parcel.centre.latitude)
            .push_bind(parcel.centre.longitude)
            .push_bind(parcel.bounds.south)
            .push_bind(parcel.bounds.west)
            .push_bind(parcel.bounds.north)
            .push_bind(parcel.bounds.east)
            .push_bind(parcel.source_epsg)
            .push_bind(parcel.map_scale)
            .push_bind(parcel.measured_on.map(|date| date.to_string()))
            .push_bind(parcel.status as i32)
            .push_bind(parcel.valid_from.to_string())
            .push_bind(parcel.valid_to.map(|date| date.to_string()))
            .push_bind(parcel.updated_us)
            .push_bind(parcel.as_of_us);
    });
    query
}

fn insert_former_keys(rows: &[(i64, &FormerKey)]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "INSERT INTO former_key (parcel_id, ward_code, map_sheet, parcel_number, valid_to) ",
    );
    query.push_values(rows, |mut row, (parcel, former)| {
        row.push_bind(*parcel)
            .push_bind(former.key.ward().to_string())
            .push_bind(former.key.sheet())
            .push_bind(former.key.number())
            .push_bind(former.valid_to.to_string());
    });
    query
}

fn insert_owners(rows: &[(i64, &Owner)]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "INSERT INTO owner (parcel_id, kind, personal_number, old_identity_number, enterprise_code, name, share_numerator, \
         share_denominator, since, until) ",
    );
    query.push_values(rows, |mut row, (parcel, owner)| {
        row.push_bind(*parcel)
            .push_bind(owner.kind as i32)
            .push_bind(owner.personal_number.as_ref().map(|number| number.as_str().to_owned()))
            .push_bind(owner.old_identity.as_ref().map(|old| old.as_str().to_owned()))
            .push_bind(owner.enterprise_code.as_ref().map(|code| code.as_str().to_owned()))
            .push_bind(owner.name.clone())
            .push_bind(owner.share.0)
            .push_bind(owner.share.1)
            .push_bind(owner.since.to_string())
            .push_bind(owner.until.map(|date| date.to_string()));
    });
    query
}

fn insert_land_uses(rows: &[(i64, &LandUse)]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("INSERT INTO land_use (parcel_id, code, title_vi, area_m2, until) ");
    query.push_values(rows, |mut row, (parcel, land_use)| {
        row.push_bind(*parcel)
            .push_bind(land_use.code)
            .push_bind(land_use.title_vi)
            .push_bind(land_use.area_m2)
            .push_bind(land_use.until.map(|date| date.to_string()));
    });
    query
}

fn insert_restrictions(rows: &[(i64, &Restriction)]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("INSERT INTO restriction (parcel_id, kind, holder, since, until) ");
    query.push_values(rows, |mut row, (parcel, restriction)| {
        row.push_bind(*parcel)
            .push_bind(restriction.kind as i32)
            .push_bind(restriction.holder)
            .push_bind(restriction.since.to_string())
            .push_bind(restriction.until.map(|date| date.to_string()));
    });
    query
}

fn insert_lineage(rows: &[&Parcel]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("INSERT INTO lineage (predecessor_uuid, successor_uuid) ");
    query.push_values(rows, |mut row, parcel| {
        row.push_bind(parcel.predecessor.map(|uuid| uuid.hyphenated().to_string()))
            .push_bind(parcel.uuid.hyphenated().to_string());
    });
    query
}
