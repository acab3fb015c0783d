//! Borders: from GeoJSON to the contract's shape, and from there to what can be computed with.

use geo::orient::{Direction, Orient};
use geo::{Coord, LineString, MultiPolygon};
use lgsp_proto::land::v1::{Geometry, Polygon, Ring};
use lgsp_proto::record::v1::Point;
use serde::Deserialize;

/// A GeoJSON geometry (RFC 7946). A position may have more than two numbers; only longitude and latitude count.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum GeoJson {
    Polygon { coordinates: Vec<Vec<Vec<f64>>> },
    MultiPolygon { coordinates: Vec<Vec<Vec<Vec<f64>>>> },
}

/// Why a border on record is not one.
#[derive(Debug, PartialEq)]
pub(crate) struct Malformed;

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a border on record is no GeoJSON polygon")
    }
}

impl std::error::Error for Malformed {}

/// Reads a border of record; outer borders come out anticlockwise and holes clockwise, as the contract has them.
pub(crate) fn read(geojson: &str) -> Result<Geometry, Malformed> {
    let polygons = match serde_json::from_str(geojson).map_err(|_| Malformed)? {
        GeoJson::Polygon { coordinates } => vec![polygon(&coordinates)?],
        GeoJson::MultiPolygon { coordinates } => {
            coordinates.iter().map(|rings| polygon(rings)).collect::<Result<_, _>>()?
        }
    };
    let oriented = MultiPolygon::new(polygons).orient(Direction::Default);
    Ok(Geometry { polygons: oriented.iter().map(contract_polygon).collect() })
}

/// The border as `geo` computes with it.
pub(crate) fn shape(geometry: &Geometry) -> MultiPolygon {
    let polygons = geometry.polygons.iter().map(|polygon| {
        let exterior = polygon.exterior.as_ref().map(line).unwrap_or_else(LineString::empty);
        geo::Polygon::new(exterior, polygon.interiors.iter().map(line).collect())
    });
    polygons.collect()
}

fn polygon(rings: &[Vec<Vec<f64>>]) -> Result<geo::Polygon, Malformed> {
    let mut rings = rings.iter().map(|ring| {
        let points: Result<Vec<Coord>, Malformed> = ring.iter().map(|position| coord(position)).collect();
        points.map(LineString::new)
    });
    let exterior = rings.next().ok_or(Malformed)??;
    if exterior.0.len() < 4 {
        return Err(Malformed);
    }
    Ok(geo::Polygon::new(exterior, rings.collect::<Result<_, _>>()?))
}

fn coord(position: &[f64]) -> Result<Coord, Malformed> {
    match position {
        [longitude, latitude, ..] => Ok(Coord { x: *longitude, y: *latitude }),
        [] | [_] => Err(Malformed),
    }
}

fn contract_polygon(polygon: &geo::Polygon) -> Polygon {
    Polygon {
        exterior: Some(ring(polygon.exterior())),
        interiors: polygon.interiors().iter().map(ring).collect(),
    }
}

fn ring(line: &LineString) -> Ring {
    Ring { points: line.coords().map(|at| Point { latitude: at.y, longitude: at.x }).collect() }
}

fn line(ring: &Ring) -> LineString {
    ring.points.iter().map(|point| Coord { x: point.longitude, y: point.latitude }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_border_comes_out_anticlockwise_and_closed_however_it_was_written() {
        let anticlockwise =
            read(r#"{"type":"Polygon","coordinates":[[[0,0],[2,0],[2,1],[0,1],[0,0]]]}"#).unwrap();
        let clockwise_and_high = r#"{"type":"MultiPolygon","coordinates":[[[[0,0,7],[0,1,7],[2,1,7],[2,0,7],[0,0,7]]]],"crs":null}"#;
        let turned = read(clockwise_and_high).unwrap();
        let points = &turned.polygons[0].exterior.as_ref().unwrap().points;
        assert_eq!((points[0], points.len()), (Point { latitude: 0.0, longitude: 0.0 }, 5));
        assert_eq!(points[1], Point { latitude: 0.0, longitude: 2.0 });
        assert_eq!(anticlockwise, turned);
        assert_eq!(shape(&anticlockwise), shape(&turned));
    }

    #[test]
    fn what_is_no_polygon_is_malformed() {
        for text in [
            "",
            "null",
            r#"{"type":"Point","coordinates":[0,0]}"#,
            r#"{"type":"Polygon","coordinates":[]}"#,
            r#"{"type":"Polygon","coordinates":[[[0,0],[1,1]]]}"#,
            r#"{"type":"Polygon","coordinates":[[[0],[1,1],[1,0],[0]]]}"#,
            r#"{"type":"Polygon","coordinates":[[[0,"1"],[1,1],[1,0],[0,0]]]}"#,
        ] {
            assert_eq!(read(text), Err(Malformed), "{text}");
        }
    }
}
