//! How parcels near a place are found: by the index that the database has for places.

use geo::{Coord, Rect, coord};
use lgsp_adapter::{Dialect, Tables, Value};

use crate::dataset::{Dataset, Form};
use crate::projection::Projection;

/// Longest side of a parcel's box in degrees, as the native schema bounds it.
const LONGEST_PARCEL: f64 = 0.05;
/// Where no parcel is, in whatever unit.
const NOWHERE: Coord = coord! { x: -1e30, y: -1e30 };
/// Placeholders before those of the boxes: where the list goes on, and how long it may be.
const OF_THE_LIST: usize = 2;

/// Finds the numbers of parcels whose boxes meet a box. It is the inner part of a statement.
///
/// The `+ 0` keeps both databases from walking through all parcels in the order of their numbers: it is the place that is
/// rare.
pub(super) fn near(tables: &Tables, dataset: &Dataset) -> String {
    let arms: Vec<String> = dataset
        .projections
        .iter()
        .enumerate()
        .map(|(position, projection)| arm(tables.dialect(), dataset, position, projection))
        .collect();
    format!(
        "SELECT q.parcel_id FROM parcel q
         WHERE q.status = 1 AND q.parcel_id + 0 > $1 AND ({})
         ORDER BY q.parcel_id + 0 LIMIT $2",
        arms.join(" OR ")
    )
}

/// The condition for the borders of one system.
fn arm(dialect: Dialect, dataset: &Dataset, position: usize, projection: &Projection) -> String {
    let placeholder =
        |number: usize| format!("${}", OF_THE_LIST + values_of(dataset.form) * position + number);
    let [first, second, third, fourth] = [1, 2, 3, 4].map(placeholder);
    let meets = match (dataset.form, dialect) {
        (Form::PostGis, _) => {
            format!(
                "q.geometry && ST_MakeEnvelope({first}, {second}, {third}, {fourth}, {})",
                projection.epsg()
            )
        }
        (Form::Text, dialect) => {
            let columns = format!(
                "q.west BETWEEN {} AND {third} AND q.east >= {first} AND q.south <= {fourth} AND q.north >= {second}",
                placeholder(5)
            );
            match dialect {
                Dialect::Sqlite => columns,
                // PostgreSQL's own boxes have an index for places too: parcel_by_place.
                Dialect::Postgres => format!(
                    "{columns} AND box(point(q.west, q.south), point(q.east, q.north))
                        && box(point({first}, {second}), point({third}, {fourth}))"
                ),
            }
        }
    };
    if dataset.projections.len() == 1 {
        return meets;
    }
    let stated = match dataset.form {
        Form::PostGis => "coalesce(nullif(ST_SRID(q.geometry), 0), q.source_epsg)",
        Form::Text => "q.source_epsg",
    };
    format!("({meets} AND {stated} = {})", projection.epsg())
}

/// How many values a box takes.
fn values_of(form: Form) -> usize {
    match form {
        Form::PostGis => 4,
        Form::Text => 5,
    }
}

/// The values of a search. `None` if no system of the dataset has anything of the area, so that nobody need be asked.
pub(super) fn values(dataset: &Dataset, area: Rect, after: i64, limit: usize) -> Option<Vec<Value<'static>>> {
    let around: Vec<Option<Rect>> =
        dataset.projections.iter().map(|projection| projection.around(area)).collect();
    if around.iter().all(Option::is_none) {
        return None;
    }
    let mut values = vec![Value::from(after), Value::from(limit as i64)];
    for area in around {
        let area = area.unwrap_or(Rect::new(NOWHERE, NOWHERE));
        let sides = [area.min().x, area.min().y, area.max().x, area.max().y];
        values.extend(sides.map(Value::from));
        if dataset.form == Form::Text {
            values.push(westernmost(dataset, area).into());
        }
    }
    Some(values)
}

/// The least west side of a box that can still meet the area. It bounds the range of the index on the columns; an agency's
/// parcels may be of any size.
fn westernmost(dataset: &Dataset, area: Rect) -> f64 {
    if dataset.is_mapped { f64::MIN } else { area.min().x - LONGEST_PARCEL }
}
