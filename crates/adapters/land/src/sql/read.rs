//! From rows to the domain's language.

use lgsp_adapter::records::ward;
use lgsp_adapter::{Record, Row, SourceError, Tables};
use lgsp_proto::land::v1::{Certificate, FormerKey, LandUse, Owner, Parcel, Restriction};
use lgsp_proto::record::v1::Point;

use crate::dataset::Dataset;
use crate::geometry::{self, Border, Unusable};
use crate::projection::Projection;
use crate::relations::{FORMER_KEY, LAND_USE, LINEAGE, OWNER, PARCEL, RESTRICTION};
use crate::whereabouts::is_near_ward;

/// The parcel without what hangs on it, with its number in the order of lists.
pub(super) fn parcel(tables: &Tables, dataset: &Dataset, row: &Row) -> Result<(i64, Parcel), SourceError> {
    let of = tables.record(&PARCEL, row);
    let ward_code = of.text("ward_code")?;
    let (map_sheet, parcel_number) = (of.maybe_integer("map_sheet")?, of.maybe_integer("parcel_number")?);
    let mut parcel = Parcel {
        parcel_id: of.text("uuid")?,
        parcel_key: key(&ward_code, map_sheet, parcel_number).unwrap_or_default(),
        ward: Some(ward(&ward_code, of.maybe_text("former_ward_code")?.as_deref())),
        map_sheet: map_sheet.map(|number| number.to_string()).unwrap_or_default(),
        parcel_number: parcel_number.map(|number| number.to_string()).unwrap_or_default(),
        address: of.text("address")?,
        area_m2: of.maybe_real("area_m2")?.unwrap_or_default(),
        certified_area_m2: of.maybe_real("certified_area_m2")?.unwrap_or_default(),
        use_origin: of.code("use_origin")?,
        certificate: certificate(of)?,
        disputed: of.flag("disputed")?,
        planned_use_code: of.text("planned_use_code")?,
        map_scale: of.small("map_scale")?,
        measured_on: of.date("measured_on")?,
        status: of.code("status")?,
        valid_from: of.date("valid_from")?,
        valid_to: of.date("valid_to")?,
        updated: of.moment("updated_us")?,
        provenance: of.provenance()?,
        ..Parcel::default()
    };
    put_border(tables, dataset, row, &mut parcel)?;
    Ok((of.integer("parcel_id")?, parcel))
}

/// The key of a parcel, if its sheet and its number are known.
fn key(ward_code: &str, map_sheet: Option<i64>, parcel_number: Option<i64>) -> Option<String> {
    Some(format!("{ward_code}/{}/{}", map_sheet?, parcel_number?))
}

fn certificate(of: Record<'_>) -> Result<Option<Certificate>, SourceError> {
    let Some(serial_number) = of.maybe_text("certificate_serial")? else { return Ok(None) };
    Ok(Some(Certificate {
        serial_number,
        register_number: of.text("certificate_register")?,
        issued_on: of.date("certificate_issued_on")?,
        issuer: of.text("certificate_issuer")?,
    }))
}

/// Gives a parcel its border and centre. A border that cannot be used is counted, and nothing is told in its place.
fn put_border(tables: &Tables, dataset: &Dataset, row: &Row, parcel: &mut Parcel) -> Result<(), SourceError> {
    let of = tables.record(&PARCEL, row);
    let (by_postgis, measured) = (dataset.by_postgis(row)?, of.maybe_integer("source_epsg")?);
    let projection = dataset.projection(by_postgis, measured);
    let epsg = measured.or(by_postgis).or(projection.map(|projection| projection.epsg().into()));
    parcel.source_epsg = epsg.and_then(|epsg| i32::try_from(epsg).ok()).unwrap_or_default();

    let ward_code = of.text("ward_code")?;
    parcel.centre = centre(of)?.filter(|centre| is_near_ward(&ward_code, *centre));
    let Some(on_record) = of.maybe_text("geometry")? else { return Ok(()) };
    let Ok(Border { geometry, geojson }) = usable(&on_record, projection, &ward_code) else {
        of.not_understood("geometry");
        return Ok(());
    };
    parcel.centre = parcel.centre.or_else(|| geometry::inside(&geometry));
    parcel.geometry = Some(geometry);
    parcel.geometry_geojson = geojson;
    Ok(())
}

/// Why the border in a row cannot be told, if it cannot.
pub(super) fn unusable(
    tables: &Tables,
    dataset: &Dataset,
    row: &Row,
) -> Result<Option<Unusable>, SourceError> {
    let of = tables.record(&PARCEL, row);
    let Some(on_record) = of.maybe_text("geometry")? else { return Ok(None) };
    let projection = dataset.projection(dataset.by_postgis(row)?, of.maybe_integer("source_epsg")?);
    Ok(usable(&on_record, projection, &of.text("ward_code")?).err())
}

/// A corner of a border is as good as any place inside: parcels are small.
fn usable(on_record: &str, projection: Option<&Projection>, ward_code: &str) -> Result<Border, Unusable> {
    let border = geometry::read(on_record, projection.ok_or(Unusable::NoSystem)?)?;
    let first = border.geometry.polygons.first();
    let corner = first.and_then(|polygon| polygon.exterior.as_ref()?.points.first());
    match corner {
        Some(corner) if !is_near_ward(ward_code, *corner) => Err(Unusable::FarFromWard),
        Some(_) | None => Ok(border),
    }
}

/// The centre as the source has it, in degrees of WGS 84.
fn centre(of: Record<'_>) -> Result<Option<Point>, SourceError> {
    let (latitude, longitude) = (of.maybe_real("centre_latitude")?, of.maybe_real("centre_longitude")?);
    Ok(latitude.zip(longitude).map(|(latitude, longitude)| Point { latitude, longitude }))
}

pub(super) fn former_key(tables: &Tables, row: &Row, parcel: &mut Parcel) -> Result<(), SourceError> {
    let of = tables.record(&FORMER_KEY, row);
    let (sheet, number) = (of.maybe_integer("map_sheet")?, of.maybe_integer("parcel_number")?);
    if let Some(parcel_key) = key(&of.text("ward_code")?, sheet, number) {
        parcel.former_keys.push(FormerKey { parcel_key, valid_to: of.date("valid_to")? });
    }
    Ok(())
}

pub(super) fn land_use(tables: &Tables, row: &Row, parcel: &mut Parcel) -> Result<(), SourceError> {
    let of = tables.record(&LAND_USE, row);
    parcel.land_uses.push(LandUse {
        code: of.text("code")?,
        title_vi: of.text("title_vi")?,
        area_m2: of.maybe_real("area_m2")?.unwrap_or_default(),
        until: of.date("until")?,
    });
    Ok(())
}

pub(super) fn owner(tables: &Tables, row: &Row, parcel: &mut Parcel) -> Result<(), SourceError> {
    let of = tables.record(&OWNER, row);
    // Who holds it to a day that nobody understands is told, and the day counted.
    of.date("until")?;
    parcel.owners.push(Owner {
        kind: of.code("kind")?,
        personal_number: of.text("personal_number")?,
        enterprise_code: of.text("enterprise_code")?,
        name: of.name("name")?,
        share_numerator: of.small("share_numerator")?,
        share_denominator: of.small("share_denominator")?,
        since: of.date("since")?,
        old_identity_number: of.text("old_identity_number")?,
    });
    Ok(())
}

pub(super) fn restriction(tables: &Tables, row: &Row, parcel: &mut Parcel) -> Result<(), SourceError> {
    let of = tables.record(&RESTRICTION, row);
    parcel.restrictions.push(Restriction {
        kind: of.code("kind")?,
        holder: of.text("holder")?,
        since: of.date("since")?,
        until: of.date("until")?,
    });
    Ok(())
}

pub(super) fn predecessor(tables: &Tables, row: &Row, parcel: &mut Parcel) -> Result<(), SourceError> {
    let of = tables.record(&LINEAGE, row);
    parcel.predecessor_ids.extend(of.maybe_text_as("predecessor_uuid", "uuid")?);
    Ok(())
}

pub(super) fn successor(tables: &Tables, row: &Row, parcel: &mut Parcel) -> Result<(), SourceError> {
    let of = tables.record(&LINEAGE, row);
    parcel.successor_ids.extend(of.maybe_text_as("successor_uuid", "uuid")?);
    Ok(())
}
