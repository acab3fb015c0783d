//! The border of a parcel as PostGIS has it, in the projection of the dataset that the parcel was measured in.

use std::fmt::Write;
use std::sync::LazyLock;

use proj4rs::Proj;
use proj4rs::transform::transform;

use crate::land::geometry::Point;
use crate::load::rows::Border;

/// Adds the column, in whatever projection each parcel has.
pub(super) const COLUMN: &str = "ALTER TABLE parcel ADD COLUMN geom geometry(MultiPolygon)";

/// What finds parcels by it.
pub(super) const INDEX: &str = "CREATE INDEX parcel_by_geom ON parcel USING gist (geom) WHERE status = 1";

/// The name of the column.
pub(super) const NAME: &str = "geom";

/// EWKB's types of geometries, and the flag that an EPSG code follows.
const POLYGON: u32 = 3;
const MULTI_POLYGON: u32 = 6;
const WITH_EPSG: u32 = 0x2000_0000;
const LITTLE_ENDIAN: u8 = 1;

const WGS_84: &str = "+proj=longlat +datum=WGS84 +no_defs";

/// VN-2000 in strips of three degrees, by the transformation EPSG:6960. Its rotations are those of a coordinate frame; here
/// they are those of a position vector, with the opposite sign.
const VN_2000: &str = "+proj=tmerc +lat_0=0 +k=0.9999 +x_0=500000 +y_0=0 +ellps=WGS84 +units=m +no_defs \
     +towgs84=-191.90441429,-39.30318279,-111.45032835,0.00928836,-0.01975479,0.00427372,0.252906278";

static GEOGRAPHIC: LazyLock<Proj> = LazyLock::new(|| defined(WGS_84));
static ZONE_105: LazyLock<Proj> = LazyLock::new(|| defined(&format!("{VN_2000} +lon_0=105")));
static ZONE_105_30: LazyLock<Proj> = LazyLock::new(|| defined(&format!("{VN_2000} +lon_0=105.5")));

fn defined(text: &str) -> Proj {
    Proj::from_proj_string(text).expect("a test uses every definition")
}

/// Appends the border in EWKB, as hexadecimal digits.
pub(super) fn encode(out: &mut String, border: &Border<'_>) {
    byte(out, LITTLE_ENDIAN);
    whole(out, MULTI_POLYGON | WITH_EPSG);
    whole(out, border.epsg.unsigned_abs());
    whole(out, 1);
    byte(out, LITTLE_ENDIAN);
    whole(out, POLYGON);
    whole(out, 1);
    whole(out, border.points.len() as u32);
    for point in border.points {
        let (east, north) = projected(*point, border.epsg);
        real(out, east);
        real(out, north);
    }
}

/// Easting and northing in metres. Borders here lie in the zone that they are said to lie in.
fn projected(point: Point, epsg: i32) -> (f64, f64) {
    let zone = if epsg == 9209 { &*ZONE_105_30 } else { &*ZONE_105 };
    let mut at = (point.longitude.to_radians(), point.latitude.to_radians(), 0.0);
    transform(&GEOGRAPHIC, zone, &mut at).expect("the city lies in its zones");
    (at.0, at.1)
}

fn byte(out: &mut String, value: u8) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{value:02x}");
}

fn whole(out: &mut String, value: u32) {
    let _ = write!(out, "{:08x}", value.swap_bytes());
}

fn real(out: &mut String, value: f64) {
    let _ = write!(out, "{:016x}", value.to_bits().swap_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By PROJ 9.1.1, between the definitions above.
    #[test]
    fn a_place_is_where_proj_puts_it_in_either_zone() {
        let check = |epsg, expect: (f64, f64)| {
            let (east, north) = projected(Point { latitude: 10.03, longitude: 105.78 }, epsg);
            assert!((east - expect.0).hypot(north - expect.1) < 0.001, "{east} {north}");
        };
        check(5897, (585_308.925_61, 1_109_275.197_24));
        check(9209, (530_497.564_12, 1_109_187.177_81));
    }

    #[test]
    fn a_border_is_a_multipolygon_of_one_polygon_with_its_epsg_code() {
        let points = [(105.7, 10.0), (105.8, 10.0), (105.8, 10.1), (105.7, 10.0)]
            .map(|(longitude, latitude)| Point { latitude, longitude });
        let mut out = String::new();
        encode(&mut out, &Border { points: &points, epsg: 5897 });
        // 5897 is 0x1709.
        assert!(out.starts_with("0106000020091700000100000001030000000100000004000000"), "{out}");
        assert_eq!(out.len(), 2 * (1 + 4 + 4 + 4 + 1 + 4 + 4 + 4 + 4 * 16));
    }
}
