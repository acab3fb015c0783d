//! How parcels near a place are found: by the index that the database has for places.

use geo::{Coord, Rect, coord};
use lgsp_adapter::{Dialect, Value};

use crate::dataset::{Dataset, Form};
use crate::projection::Projection;

/// Longest side of a parcel's box in degrees, as the native schema bounds it.
const LONGEST_PARCEL: f64 = 0.05;
/// Where no parcel is, in whatever unit.
const NOWHERE: Coord = coord! { x: -1e30, y: -1e30 };
/// Placeholders before those of the boxes: where the list goes on, and how long it may be.
const OF_THE_LIST: usize = 2;

/// What knows where parcels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Index {
    /// One of PostGIS, on the borders.
    Borders,
    /// One of PostgreSQL's own, on boxes: `parcel_by_place` of the native schema. On such a server an index on columns would
    /// read a twentieth of the city for a point.
    Boxes,
    /// One on the four columns of a box.
    Columns,
}

impl Index {
    /// The one that a source has.
    pub(super) fn of(dataset: &Dataset, dialect: Dialect) -> Self {
        match (dataset.form, dialect) {
            (Form::PostGis, _) => Self::Borders,
            (Form::Text, Dialect::Postgres) if !dataset.is_mapped => Self::Boxes,
            (Form::Text, Dialect::Postgres | Dialect::Sqlite) => Self::Columns,
        }
    }

    /// How many values a searched box takes.
    fn values(self) -> usize {
        match self {
            Self::Borders | Self::Boxes => 4,
            Self::Columns => 5,
        }
    }
}

/// Finds the numbers of parcels whose boxes meet a box. It is the inner part of a statement.
///
/// The `+ 0` keeps both databases from walking through all parcels in the order of their numbers: it is the place that is
/// rare.
pub(super) fn near(dataset: &Dataset, index: Index) -> String {
    let arms: Vec<String> = dataset
        .projections
        .iter()
        .enumerate()
        .map(|(position, projection)| arm(dataset, index, position, projection))
        .collect();
    format!(
        "SELECT q.parcel_id FROM parcel q
         WHERE q.status = 1 AND q.parcel_id + 0 > $1 AND ({})
         ORDER BY q.parcel_id + 0 LIMIT $2",
        arms.join(" OR ")
    )
}

/// The condition for the borders of one system.
fn arm(dataset: &Dataset, index: Index, position: usize, projection: &Projection) -> String {
    let placeholder = |number: usize| format!("${}", OF_THE_LIST + index.values() * position + number);
    let [west, south, east, north] = [1, 2, 3, 4].map(placeholder);
    let epsg = projection.epsg();
    let meets = match index {
        Index::Borders => format!("q.geometry && ST_MakeEnvelope({west}, {south}, {east}, {north}, {epsg})"),
        Index::Boxes => format!(
            "box(point(q.west, q.south), point(q.east, q.north)) && box(point({west}, {south}), point({east}, {north}))"
        ),
        Index::Columns => format!(
            "q.west BETWEEN {} AND {east} AND q.east >= {west} AND q.south <= {north} AND q.north >= {south}",
            placeholder(5)
        ),
    };
    if dataset.projections.len() == 1 {
        return meets;
    }
    let stated = match dataset.form {
        Form::PostGis => "coalesce(nullif(ST_SRID(q.geometry), 0), q.source_epsg)",
        Form::Text => "q.source_epsg",
    };
    format!("({meets} AND {stated} = {epsg})")
}

/// The values of a search. `None` if no system of the dataset has anything of the area, so that nobody need be asked.
pub(super) fn values(
    dataset: &Dataset,
    index: Index,
    area: Rect,
    after: i64,
    limit: usize,
) -> Option<Vec<Value<'static>>> {
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
        if index == Index::Columns {
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
