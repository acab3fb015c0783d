//! Borders: from GeoJSON in a dataset's coordinates to the contract's shape, and from there to what can be computed with.

use geo::orient::{Direction, Orient};
use geo::{Coord, InteriorPoint, LineString, MapCoords, MultiPolygon};
use lgsp_proto::land::v1::{Geometry, Polygon, Ring};
use lgsp_proto::record::v1::Point;
use serde::Deserialize;
use serde_json::json;

use crate::projection::{OutsideZone, Projection, WGS_84};

mod crossing;

/// Degrees are rounded to nine decimals, a tenth of a millimetre: more would claim what no survey measured.
const DECIMALS: f64 = 1e9;

/// A GeoJSON geometry (RFC 7946). A position may have more than two numbers; only the first two count.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum GeoJson {
    Polygon { coordinates: Vec<Vec<Vec<f64>>> },
    MultiPolygon { coordinates: Vec<Vec<Vec<Vec<f64>>>> },
}

/// A parcel's border as the contract tells it.
#[derive(Debug, PartialEq)]
pub(crate) struct Border {
    /// In degrees of WGS 84; outer borders anticlockwise and holes clockwise.
    pub(crate) geometry: Geometry,
    /// The same as GeoJSON.
    pub(crate) geojson: String,
}

/// Why a border on record is not told. Whatever it is, nothing is told in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unusable {
    /// It is no polygon of at least three corners.
    NoPolygon,
    /// It crosses itself, so that what lies inside cannot be told.
    Crossed,
    /// Which system its coordinates are in cannot be told.
    NoSystem,
    /// It lies where its dataset has no land.
    OutsideZone,
    /// It lies where its ward is not.
    FarFromWard,
}

impl Unusable {
    /// What is so, for whoever keeps the source.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::NoPolygon => "a border that is no polygon",
            Self::Crossed => "a border that crosses itself",
            Self::NoSystem => "a border whose system of coordinates cannot be told",
            Self::OutsideZone => "a border outside of its zone",
            Self::FarFromWard => "a border far from its ward",
        }
    }
}

impl From<OutsideZone> for Unusable {
    fn from(_: OutsideZone) -> Self {
        Self::OutsideZone
    }
}

/// Reads a border on record.
pub(crate) fn read(geojson: &str, projection: &Projection) -> Result<Border, Unusable> {
    let on_record = parse(geojson)?;
    if crossing::crosses_itself(&on_record) {
        return Err(Unusable::Crossed);
    }
    let border = on_record.try_map_coords(|at| projection.to_wgs84(at))?;
    let is_as_told = projection.epsg() == WGS_84;
    let border = if is_as_told { border } else { border.map_coords(rounded) }.orient(Direction::Default);
    Ok(Border {
        geojson: if is_as_told { geojson.to_owned() } else { written(&border) },
        geometry: Geometry { polygons: border.iter().map(contract_polygon).collect() },
    })
}

/// A point inside a border.
pub(crate) fn inside(geometry: &Geometry) -> Option<Point> {
    shape(geometry).interior_point().map(|at| point(&at.0))
}

/// The border as `geo` computes with it.
pub(crate) fn shape(geometry: &Geometry) -> MultiPolygon {
    let polygons = geometry.polygons.iter().map(|polygon| {
        let exterior = polygon.exterior.as_ref().map(line).unwrap_or_else(LineString::empty);
        geo::Polygon::new(exterior, polygon.interiors.iter().map(line).collect())
    });
    polygons.collect()
}

fn parse(geojson: &str) -> Result<MultiPolygon, Unusable> {
    let polygons = match serde_json::from_str(geojson).map_err(|_| Unusable::NoPolygon)? {
        GeoJson::Polygon { coordinates } => vec![polygon(&coordinates)?],
        GeoJson::MultiPolygon { coordinates } => {
            coordinates.iter().map(|rings| polygon(rings)).collect::<Result<_, _>>()?
        }
    };
    if polygons.is_empty() {
        return Err(Unusable::NoPolygon);
    }
    Ok(MultiPolygon::new(polygons))
}

fn polygon(rings: &[Vec<Vec<f64>>]) -> Result<geo::Polygon, Unusable> {
    let mut rings = rings.iter().map(|ring| {
        let points: Result<Vec<Coord>, Unusable> = ring.iter().map(|position| coord(position)).collect();
        points.map(LineString::new)
    });
    let exterior = rings.next().ok_or(Unusable::NoPolygon)??;
    if exterior.0.len() < 4 {
        return Err(Unusable::NoPolygon);
    }
    Ok(geo::Polygon::new(exterior, rings.collect::<Result<_, _>>()?))
}

fn coord(position: &[f64]) -> Result<Coord, Unusable> {
    match position {
        [x, y, ..] => Ok(Coord { x: *x, y: *y }),
        [] | [_] => Err(Unusable::NoPolygon),
    }
}

fn rounded(at: Coord) -> Coord {
    let rounded = |degrees: f64| (degrees * DECIMALS).round() / DECIMALS;
    Coord { x: rounded(at.x), y: rounded(at.y) }
}

/// The border as a GeoJSON geometry.
fn written(border: &MultiPolygon) -> String {
    let ring = |ring: &LineString| ring.coords().map(|at| [at.x, at.y]).collect::<Vec<_>>();
    let rings = |polygon: &geo::Polygon| {
        std::iter::once(polygon.exterior()).chain(polygon.interiors()).map(ring).collect::<Vec<_>>()
    };
    let (kind, coordinates) = match border.0.as_slice() {
        [one] => ("Polygon", json!(rings(one))),
        several => ("MultiPolygon", json!(several.iter().map(rings).collect::<Vec<_>>())),
    };
    format!(r#"{{"type":"{kind}","coordinates":{coordinates}}}"#)
}

fn contract_polygon(polygon: &geo::Polygon) -> Polygon {
    Polygon {
        exterior: Some(ring(polygon.exterior())),
        interiors: polygon.interiors().iter().map(ring).collect(),
    }
}

fn ring(line: &LineString) -> Ring {
    Ring { points: line.coords().map(point).collect() }
}

fn point(at: &Coord) -> Point {
    Point { latitude: at.y, longitude: at.x }
}

fn line(ring: &Ring) -> LineString {
    ring.points.iter().map(|point| Coord { x: point.longitude, y: point.latitude }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_wgs84(geojson: &str) -> Result<Border, Unusable> {
        read(geojson, &Projection::of(WGS_84).unwrap())
    }

    fn in_zone_482(coordinates: &str) -> Result<Border, Unusable> {
        let kind = if coordinates.starts_with("[[[[") { "MultiPolygon" } else { "Polygon" };
        let geojson = format!(r#"{{"type":"{kind}","coordinates":{coordinates}}}"#);
        read(&geojson, &Projection::of(5897).unwrap())
    }

    #[test]
    fn a_border_comes_out_anticlockwise_and_closed_however_it_was_written() {
        let anticlockwise =
            in_wgs84(r#"{"type":"Polygon","coordinates":[[[0,0],[2,0],[2,1],[0,1],[0,0]]]}"#).unwrap();
        let clockwise_and_high = r#"{"type":"MultiPolygon","coordinates":[[[[0,0,7],[0,1,7],[2,1,7],[2,0,7],[0,0,7]]]],"crs":null}"#;
        let turned = in_wgs84(clockwise_and_high).unwrap();
        let points = &turned.geometry.polygons[0].exterior.as_ref().unwrap().points;
        assert_eq!((points[0], points.len()), (Point { latitude: 0.0, longitude: 0.0 }, 5));
        assert_eq!(points[1], Point { latitude: 0.0, longitude: 2.0 });
        assert_eq!(anticlockwise.geometry, turned.geometry);
        assert_eq!(turned.geojson, clockwise_and_high, "what is in WGS 84 is passed on as it is");
        assert_eq!(inside(&turned.geometry), Some(Point { latitude: 0.5, longitude: 1.0 }));
    }

    #[test]
    fn a_border_in_vn2000_comes_out_in_wgs84_with_its_parts_and_holes() {
        let border = in_zone_482(
            "[[[[585000,1110000],[585040,1110000],[585040,1110040],[585000,1110040],[585000,1110000]],
               [[585010,1110010],[585010,1110020],[585020,1110020],[585020,1110010],[585010,1110010]]],
              [[[585100,1110000],[585110,1110000],[585100,1110010],[585100,1110000]]]]",
        )
        .unwrap();
        let [first, second] = border.geometry.polygons.as_slice() else { panic!("two parts") };
        let corner = first.exterior.as_ref().unwrap().points[0];
        assert_eq!(corner, Point { latitude: 10.036559565, longitude: 105.777197694 });
        assert_eq!((first.interiors.len(), second.interiors.len()), (1, 0));

        let again = in_wgs84(&border.geojson).unwrap();
        assert_eq!(again.geometry, border.geometry, "the GeoJSON is the same border");
        assert!(
            border
                .geojson
                .starts_with(r#"{"type":"MultiPolygon","coordinates":[[[[105.777197694,10.036559565],"#)
        );
    }

    #[test]
    fn what_is_no_polygon_is_not_used() {
        for text in [
            "",
            "null",
            r#"{"type":"Point","coordinates":[0,0]}"#,
            r#"{"type":"Polygon","coordinates":[]}"#,
            r#"{"type":"MultiPolygon","coordinates":[]}"#,
            r#"{"type":"Polygon","coordinates":[[[0,0],[1,1]]]}"#,
            r#"{"type":"Polygon","coordinates":[[[0],[1,1],[1,0],[0,0]]]}"#,
            r#"{"type":"Polygon","coordinates":[[[0,"1"],[1,1],[1,0],[0,0]]]}"#,
            r#"{"type":"GeometryCollection","geometries":[]}"#,
        ] {
            assert_eq!(in_wgs84(text), Err(Unusable::NoPolygon), "{text}");
        }
    }

    #[test]
    fn one_corner_outside_of_the_zone_spoils_the_border() {
        let spoilt = "[[[585000,1110000],[585040,1110000],[40,1110040],[585000,1110000]]]";
        assert_eq!(in_zone_482(spoilt), Err(Unusable::OutsideZone));
        let swapped = "[[[1110000,585000],[1110000,585040],[1110040,585040],[1110000,585000]]]";
        assert_eq!(in_zone_482(swapped), Err(Unusable::OutsideZone));
    }

    #[test]
    fn a_border_that_crosses_itself_is_not_used() {
        let bow_tie =
            "[[[585000,1110000],[585040,1110040],[585040,1110000],[585000,1110040],[585000,1110000]]]";
        assert_eq!(in_zone_482(bow_tie), Err(Unusable::Crossed));
    }
}
