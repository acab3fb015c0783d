use geo::{Coord, Intersects, Rect};
use lgsp_adapter::{Fault, invalid};
use lgsp_proto::land::v1::{FindParcelsRequest, Geometry};

use crate::geometry;

/// Longest side of a box that may be searched, in degrees: 11 kilometres, more than the widest ward.
const LONGEST_SIDE: f64 = 0.1;
/// What a difference of two degrees may be off: 10.1 − 10.0 is a little more than 0.1.
const ROUNDING: f64 = 1e-9;

/// Where parcels are searched, in degrees of WGS 84.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// A point.
    Point(Coord),
    /// A box along the axes, borders included.
    Box(Rect),
}

impl Place {
    /// Parses what a request asks for.
    ///
    /// # Errors
    /// Neither or both of point and box, degrees that do not exist, or a box that is too large.
    pub fn parse(asked: &FindParcelsRequest) -> Result<Self, Fault> {
        match (&asked.point, &asked.r#box) {
            (None, None) => Err(invalid("point", "one of point, box is required")),
            (Some(_), Some(_)) => Err(invalid("point", "only one of point, box may be set")),
            (Some(point), None) => Ok(Self::Point(Coord {
                x: degrees("point.longitude", point.longitude, 180.0)?,
                y: degrees("point.latitude", point.latitude, 90.0)?,
            })),
            (None, Some(asked)) => {
                let (west, east) =
                    (degrees("box.west", asked.west, 180.0)?, degrees("box.east", asked.east, 180.0)?);
                let (south, north) =
                    (degrees("box.south", asked.south, 90.0)?, degrees("box.north", asked.north, 90.0)?);
                side("box.east", west, east)?;
                side("box.north", south, north)?;
                Ok(Self::Box(Rect::new(Coord { x: west, y: south }, Coord { x: east, y: north })))
            }
        }
    }

    /// The box that a parcel's bounding box must meet.
    pub fn bounds(&self) -> Rect {
        match self {
            Self::Point(point) => Rect::new(*point, *point),
            Self::Box(area) => *area,
        }
    }

    /// Whether a border, or what lies inside it, shares a point with the place.
    pub fn meets(&self, border: &Geometry) -> bool {
        let border = geometry::shape(border);
        match self {
            Self::Point(point) => border.intersects(point),
            Self::Box(area) => border.intersects(area),
        }
    }

    /// The place in one text, the same for the same place.
    pub(crate) fn canonical(&self) -> String {
        let bounds = self.bounds();
        let kind = match self {
            Self::Point(_) => "point",
            Self::Box(_) => "box",
        };
        format!("{kind} {:?} {:?} {:?} {:?}", bounds.min().y, bounds.min().x, bounds.max().y, bounds.max().x)
    }
}

fn degrees(field: &str, value: f64, most: f64) -> Result<f64, Fault> {
    // Not a number is not within any range.
    if value.abs() <= most {
        Ok(value)
    } else {
        Err(invalid(field, format!("is not between -{most} and {most}")))
    }
}

fn side(field: &str, from: f64, to: f64) -> Result<(), Fault> {
    if to < from {
        return Err(invalid(field, "lies before the opposite side"));
    }
    if to - from > LONGEST_SIDE + ROUNDING {
        return Err(invalid(field, format!("lies more than {LONGEST_SIDE} degrees from the opposite side")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projection::{Projection, WGS_84};
    use lgsp_proto::land::v1::Box as Bounds;
    use lgsp_proto::record::v1::Point;

    fn point(latitude: f64, longitude: f64) -> FindParcelsRequest {
        FindParcelsRequest { point: Some(Point { latitude, longitude }), ..Default::default() }
    }

    fn area(south: f64, west: f64, north: f64, east: f64) -> FindParcelsRequest {
        FindParcelsRequest { r#box: Some(Bounds { south, west, north, east }), ..Default::default() }
    }

    fn border(geojson: &str) -> Geometry {
        geometry::read(geojson, &Projection::of(WGS_84).unwrap()).unwrap().geometry
    }

    #[test]
    fn a_place_is_on_the_globe_and_not_too_large() {
        for good in [
            point(10.03, 105.78),
            point(-90.0, 180.0),
            area(10.0, 105.7, 10.1, 105.8),
            area(10.0, 105.0, 10.0, 105.0),
        ] {
            assert!(Place::parse(&good).is_ok(), "{good:?}");
        }
        let both = FindParcelsRequest { r#box: area(10.0, 105.0, 10.0, 105.0).r#box, ..point(10.0, 105.0) };
        let wrong = [
            (FindParcelsRequest::default(), "point"),
            (both, "point"),
            (point(90.1, 0.0), "point.latitude"),
            (point(0.0, f64::NAN), "point.longitude"),
            (point(f64::INFINITY, 0.0), "point.latitude"),
            (area(10.1, 105.0, 10.0, 105.0), "box.north"),
            (area(10.0, 105.1, 10.0, 105.0), "box.east"),
            (area(10.0, 105.0, 10.0, 105.2), "box.east"),
            (area(f64::NAN, 105.0, 10.0, 105.0), "box.south"),
        ];
        for (asked, field) in wrong {
            assert_eq!(Place::parse(&asked).unwrap_err().violations()[0].field, field, "{asked:?}");
        }
    }

    #[test]
    fn a_border_is_tested_exactly_and_a_hole_is_outside() {
        // A square of side 4 with a hole of side 2, and a triangle whose box covers more than itself.
        let ring = border(
            r#"{"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,4],[0,0]],[[1,1],[1,3],[3,3],[3,1],[1,1]]]}"#,
        );
        let triangle = border(r#"{"type":"Polygon","coordinates":[[[0,0],[4,0],[0,4],[0,0]]]}"#);
        let at = |latitude, longitude| Place::parse(&point(latitude, longitude)).unwrap();
        assert!(at(0.5, 0.5).meets(&ring));
        assert!(at(0.0, 2.0).meets(&ring), "on the border");
        assert!(at(1.0, 2.0).meets(&ring), "on the border of the hole");
        assert!(!at(2.0, 2.0).meets(&ring), "in the hole");
        assert!(!at(3.0, 3.0).meets(&triangle), "in its box, and outside");

        let within = |south, west, north, east| Place::parse(&area(south, west, north, east)).unwrap();
        assert!(!within(2.0, 2.0, 2.1, 2.1).meets(&ring), "all of it in the hole");
        assert!(within(0.5, 0.5, 0.6, 0.6).meets(&ring), "all of it inside");
        assert!(within(4.0, 4.0, 4.1, 4.1).meets(&ring), "a corner");
        assert!(!within(3.0, 3.0, 3.1, 3.1).meets(&triangle));
    }
}
