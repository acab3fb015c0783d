//! VN-2000, in which Vietnamese cadastres are measured, and WGS 84, in which the contract speaks.
//!
//! A projection is a property of a dataset, never of the city: a city that was made of several provinces has several.
//! Coordinates are easting before northing and longitude before latitude, as PostGIS and GeoJSON have them, in metres or
//! degrees. A coordinate that cannot lie in its zone is refused, since wherever it were put would be wrong; one whose
//! axes were swapped, or that is in another unit, is refused by the same rule.

use std::sync::LazyLock;

use geo::{Coord, Rect, coord};
use proj4rs::Proj;
use proj4rs::transform::transform;

/// EPSG code of WGS 84 in degrees.
pub const WGS_84: i32 = 4326;

/// EPSG code of VN-2000 in degrees.
const VN_2000: i32 = 4756;

/// From VN-2000 to WGS 84 by EPSG:6960, good to 1 m: shifts in metres, rotations in seconds of arc *of the coordinate
/// frame*, and a scale in parts per million.
const COORDINATE_FRAME: [f64; 7] =
    [-191.90441429, -39.30318279, -111.45032835, -0.00928836, 0.01975479, -0.00427372, 0.252906278];

/// The strips of three degrees with their central meridians: scale 0.9999, false easting 500 km.
const STRIPS: &[(i32, f64)] = &[
    (5896, 102.0),
    (9205, 103.0),
    (9206, 104.0),
    (9207, 104.5),
    (9208, 104.75),
    (5897, 105.0),
    (9209, 105.5),
    (9210, 105.75),
    (9211, 106.0),
    (9212, 106.25),
    (9213, 106.5),
    (9214, 107.0),
    (9215, 107.25),
    (9216, 107.5),
    (5899, 107.75),
    (5898, 108.0),
    (9217, 108.25),
    (9218, 108.5),
];

/// The zones of small-scale maps with their central meridians: scale 0.9996, false easting 500 km.
const UTM_ZONES: &[(i32, f64)] = &[(3405, 105.0), (3406, 111.0)];

/// Least and greatest latitude of the country, degrees.
const LATITUDES: (f64, f64) = (8.0, 23.5);
/// Least and greatest longitude of the country, degrees.
const LONGITUDES: (f64, f64) = (102.0, 118.0);
/// No place is farther from the central meridian of the zone that it is measured in, degrees. Of the areas that EPSG
/// gives for the strips, the farthest point is 2.05 degrees away.
const HALF_ZONE: f64 = 3.0;
/// Coordinates beyond this are not even tried, metres: no zone has them.
const FARTHEST: f64 = 1e7;
/// Added to every side of a searched box, metres. A straight side of one, drawn in another projection, bends by about a
/// metre: the test has the longest.
const MARGIN: f64 = 5.0;
/// Metres of a degree of latitude, at least.
const DEGREE: f64 = 110_000.0;

static GEOGRAPHIC: LazyLock<Proj> = LazyLock::new(|| defined("+proj=longlat +datum=WGS84 +no_defs"));

/// Turns the coordinates of a dataset into WGS 84 and back.
#[derive(Clone, Debug)]
pub struct Projection {
    epsg: i32,
    /// `None`: the coordinates are in WGS 84 as they are.
    zone: Option<Zone>,
}

#[derive(Clone, Debug)]
struct Zone {
    system: Proj,
    /// The part of the country that it is for, degrees of WGS 84.
    area: Rect,
    /// [`MARGIN`] in the unit of the coordinates.
    margin: f64,
}

/// A coordinate that no place of its zone has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a coordinate lies outside of its zone")]
pub struct OutsideZone;

impl Projection {
    /// The projection of an EPSG code: WGS 84, VN-2000 in degrees, its strips of three degrees, and its UTM zones.
    /// `None` for any other.
    pub fn of(epsg: i32) -> Option<Self> {
        let zone = match epsg {
            WGS_84 => None,
            VN_2000 => Some(Zone::in_degrees()),
            _ => Some(Zone::on_meridian(epsg)?),
        };
        Some(Self { epsg, zone })
    }

    /// The codes that [`Projection::of`] knows.
    pub fn known() -> impl Iterator<Item = i32> {
        let zones = STRIPS.iter().chain(UTM_ZONES).map(|(epsg, _)| *epsg);
        [WGS_84, VN_2000].into_iter().chain(zones)
    }

    /// Its EPSG code.
    pub fn epsg(&self) -> i32 {
        self.epsg
    }

    /// Where a coordinate of the dataset lies, in degrees of WGS 84.
    ///
    /// # Errors
    /// No place of the zone has this coordinate.
    pub fn to_wgs84(&self, at: Coord) -> Result<Coord, OutsideZone> {
        let Some(zone) = &self.zone else { return on_the_globe(at) };
        if !(at.x.abs() <= FARTHEST && at.y.abs() <= FARTHEST) {
            return Err(OutsideZone);
        }
        let place = zone.to_wgs84(at).ok_or(OutsideZone)?;
        if zone.has(place) { Ok(place) } else { Err(OutsideZone) }
    }

    /// The coordinate that the dataset has for a place in degrees of WGS 84.
    ///
    /// # Errors
    /// The place is not in the zone.
    pub fn to_dataset(&self, place: Coord) -> Result<Coord, OutsideZone> {
        let Some(zone) = &self.zone else { return on_the_globe(place) };
        if zone.has(place) { zone.to_dataset(place).ok_or(OutsideZone) } else { Err(OutsideZone) }
    }

    /// A box of the dataset's coordinates that holds everything of a box in degrees of WGS 84 and a few metres more.
    /// `None` if the zone has nothing of it.
    pub fn around(&self, area: Rect) -> Option<Rect> {
        let Some(zone) = &self.zone else { return Some(area) };
        let (least, greatest) = (zone.area.min(), zone.area.max());
        let (west, south) = (area.min().x.max(least.x), area.min().y.max(least.y));
        let (east, north) = (area.max().x.min(greatest.x), area.max().y.min(greatest.y));
        if east < west || north < south {
            return None;
        }
        let corners = [(west, south), (west, north), (east, south), (east, north)];
        let corners: Option<Vec<Coord>> =
            corners.into_iter().map(|(x, y)| zone.to_dataset(coord! { x: x, y: y })).collect();
        Some(around(&corners?, zone.margin))
    }
}

impl Zone {
    fn in_degrees() -> Self {
        let area = Rect::new((LONGITUDES.0, LATITUDES.0), (LONGITUDES.1, LATITUDES.1));
        Self { system: vn2000("+proj=longlat"), area, margin: MARGIN / DEGREE }
    }

    fn on_meridian(epsg: i32) -> Option<Self> {
        let meridian = |zones: &[(i32, f64)]| zones.iter().find(|zone| zone.0 == epsg).map(|zone| zone.1);
        let (meridian, scale) =
            meridian(STRIPS).map(|at| (at, 0.9999)).or_else(|| meridian(UTM_ZONES).map(|at| (at, 0.9996)))?;
        let projection = format!("+proj=tmerc +lat_0=0 +lon_0={meridian} +k={scale} +x_0=500000 +y_0=0");
        let area = Rect::new((meridian - HALF_ZONE, LATITUDES.0), (meridian + HALF_ZONE, LATITUDES.1));
        Some(Self { system: vn2000(&projection), area, margin: MARGIN })
    }

    fn has(&self, place: Coord) -> bool {
        let (least, greatest) = (self.area.min(), self.area.max());
        (least.x..=greatest.x).contains(&place.x) && (least.y..=greatest.y).contains(&place.y)
    }

    fn to_wgs84(&self, at: Coord) -> Option<Coord> {
        let mut point = if self.is_in_degrees() { radians(at) } else { (at.x, at.y) };
        transform(&self.system, &GEOGRAPHIC, &mut point).ok()?;
        finite(coord! { x: point.0.to_degrees(), y: point.1.to_degrees() })
    }

    fn to_dataset(&self, place: Coord) -> Option<Coord> {
        let mut point = radians(place);
        transform(&GEOGRAPHIC, &self.system, &mut point).ok()?;
        let (x, y) = point;
        finite(if self.is_in_degrees() {
            coord! { x: x.to_degrees(), y: y.to_degrees() }
        } else {
            coord! { x: x, y: y }
        })
    }

    fn is_in_degrees(&self) -> bool {
        self.system.is_latlong()
    }
}

/// A system on VN-2000. PROJ's `towgs84` takes the rotations of a position vector, which are those of the coordinate frame
/// the other way round.
fn vn2000(projection: &str) -> Proj {
    let [x, y, z, about_x, about_y, about_z, scale] = COORDINATE_FRAME;
    let shift = format!("{x},{y},{z},{},{},{},{scale}", -about_x, -about_y, -about_z);
    defined(&format!("{projection} +ellps=WGS84 +towgs84={shift} +no_defs"))
}

fn defined(definition: &str) -> Proj {
    Proj::from_proj_string(definition)
        .expect("the definitions are constants of this file, and a test makes all")
}

fn radians(at: Coord) -> (f64, f64) {
    (at.x.to_radians(), at.y.to_radians())
}

fn finite(at: Coord) -> Option<Coord> {
    (at.x.is_finite() && at.y.is_finite()).then_some(at)
}

fn on_the_globe(at: Coord) -> Result<Coord, OutsideZone> {
    if at.x.abs() <= 180.0 && at.y.abs() <= 90.0 { Ok(at) } else { Err(OutsideZone) }
}

fn around(corners: &[Coord], margin: f64) -> Rect {
    let least = |of: fn(&Coord) -> f64| corners.iter().map(of).fold(f64::INFINITY, f64::min) - margin;
    let greatest = |of: fn(&Coord) -> f64| corners.iter().map(of).fold(f64::NEG_INFINITY, f64::max) + margin;
    Rect::new((least(|at| at.x), least(|at| at.y)), (greatest(|at| at.x), greatest(|at| at.y)))
}

#[cfg(test)]
mod tests {
    use geo::Intersects;
    use proptest::prelude::*;

    use super::*;

    /// A metre, in degrees.
    const METRE: f64 = 1.0 / DEGREE;

    /// EPSG code, easting and northing, longitude and latitude.
    type ControlPoint = (i32, (f64, f64), (f64, f64));

    /// Computed by PROJ 9.5.1 from the published parameters, in the published convention: `proj=pipeline step inv
    /// proj=tmerc lat_0=0 lon_0=<meridian> k=<scale> x_0=500000 y_0=0 ellps=WGS84 step proj=push v_3 step proj=cart
    /// ellps=WGS84 step proj=helmert x=-191.90441429 y=-39.30318279 z=-111.45032835 rx=-0.00928836 ry=0.01975479
    /// rz=-0.00427372 s=0.252906278 convention=coordinate_frame step inv proj=cart ellps=WGS84 step proj=pop v_3 step
    /// proj=unitconvert xy_in=rad xy_out=deg`.
    const CONTROL_POINTS: &[ControlPoint] = &[
        (5897, (585_000.0, 1_110_000.0), (105.7771976940, 10.0365595649)),
        (5897, (500_000.0, 1_100_000.0), (105.0017854046, 9.9470515353)),
        (5897, (660_123.45, 1_035_678.9), (106.4594831574, 9.3624521856)),
        (9209, (552_000.0, 1_062_000.0), (105.9755438072, 9.6031264151)),
        (9209, (445_000.0, 1_040_000.0), (105.0009777060, 9.4041737537)),
        (5896, (520_000.0, 2_450_000.0), (102.1958057367, 22.1474552557)),
        (5899, (545_678.9, 1_776_543.2), (108.1787644263, 16.0625099473)),
        (9218, (470_000.0, 1_350_000.0), (108.2260751000, 12.2072047151)),
        (3405, (584_970.0, 1_109_670.0), (105.7771567218, 10.0365870934)),
    ];

    fn of(epsg: i32) -> Projection {
        Projection::of(epsg).unwrap()
    }

    fn metres(one: Coord, other: Coord) -> f64 {
        let east = (one.x - other.x) * one.y.to_radians().cos();
        east.hypot(one.y - other.y) / METRE
    }

    /// From VN-2000 to WGS 84 as EPSG's guidance note 7-2 writes out the method 9607, on the ellipsoid's surface.
    fn by_hand(longitude: f64, latitude: f64) -> Coord {
        const A: f64 = 6_378_137.0;
        const E2: f64 = 0.006_694_379_990_141_316;
        let (lam, phi) = (longitude.to_radians(), latitude.to_radians());
        let normal = A / (1.0 - E2 * phi.sin().powi(2)).sqrt();
        let (x, y) = (normal * phi.cos() * lam.cos(), normal * phi.cos() * lam.sin());
        let z = normal * (1.0 - E2) * phi.sin();

        let seconds = |angle: f64| (angle / 3600.0).to_radians();
        let (rx, ry, rz) = (seconds(-0.00928836), seconds(0.01975479), seconds(-0.00427372));
        let scale = 1.0 + 0.252906278e-6;
        let shifted = (
            scale * (x + rz * y - ry * z) - 191.90441429,
            scale * (-rz * x + y + rx * z) - 39.30318279,
            scale * (ry * x - rx * y + z) - 111.45032835,
        );

        let from_axis = shifted.0.hypot(shifted.1);
        let mut phi = shifted.2.atan2(from_axis * (1.0 - E2));
        for _ in 0..10 {
            let normal = A / (1.0 - E2 * phi.sin().powi(2)).sqrt();
            phi = (shifted.2 + E2 * normal * phi.sin()).atan2(from_axis);
        }
        coord! { x: shifted.1.atan2(shifted.0).to_degrees(), y: phi.to_degrees() }
    }

    #[test]
    fn control_points_come_out_to_a_millimetre() {
        for (epsg, at, place) in CONTROL_POINTS {
            let (at, place) = (Coord::from(*at), Coord::from(*place));
            let off = metres(of(*epsg).to_wgs84(at).unwrap(), place);
            assert!(off < 0.001, "{epsg}: {off} m");
            let back = of(*epsg).to_dataset(place).unwrap();
            assert!((back.x - at.x).hypot(back.y - at.y) < 0.002, "{epsg}");
        }
    }

    #[test]
    fn the_rotations_are_those_of_the_coordinate_frame() {
        for (longitude, latitude) in [(105.78, 10.04), (105.97, 9.6), (104.3, 21.0)] {
            let at = coord! { x: longitude, y: latitude };
            let off = metres(of(VN_2000).to_wgs84(at).unwrap(), by_hand(longitude, latitude));
            assert!(off < 0.001, "{off} m; the other convention is more than a metre off");
        }
    }

    #[test]
    fn every_known_code_makes_a_projection_and_no_other_does() {
        for epsg in Projection::known() {
            assert_eq!(of(epsg).epsg(), epsg);
        }
        for epsg in [0, -1, 5895, 9204, 9219, 32648, 3857] {
            assert!(Projection::of(epsg).is_none(), "{epsg}");
        }
    }

    #[test]
    fn a_parcel_of_the_former_soc_trang_in_the_wrong_zone_would_be_tens_of_kilometres_off() {
        let at = coord! { x: 552_000.0, y: 1_062_000.0 };
        let (right, wrong) = (of(9209).to_wgs84(at).unwrap(), of(5897).to_wgs84(at).unwrap());
        let off = metres(right, wrong);
        assert!((50_000.0..60_000.0).contains(&off), "{off} m");
    }

    #[test]
    fn what_no_place_of_the_zone_has_is_refused() {
        let tm3 = of(5897);
        let wrong = [
            ("axes swapped", 1_110_000.0, 585_000.0),
            ("degrees", 105.78, 10.04),
            ("kilometres", 585.0, 1_110.0),
            ("no false easting", 85_000.0, 1_110_000.0),
            ("the zone's number before the easting", 48_585_000.0, 1_110_000.0),
            ("south of the country", 585_000.0, 800_000.0),
            ("no number", f64::NAN, 1_110_000.0),
            ("no end", 585_000.0, f64::INFINITY),
            ("the null island of this zone", 0.0, 0.0),
        ];
        for (what, x, y) in wrong {
            assert_eq!(tm3.to_wgs84(coord! { x: x, y: y }), Err(OutsideZone), "{what}");
        }
        assert_eq!(of(VN_2000).to_wgs84(coord! { x: 10.04, y: 105.78 }), Err(OutsideZone));
        assert_eq!(of(WGS_84).to_wgs84(coord! { x: 10.04, y: 105.78 }), Err(OutsideZone));
        assert_eq!(of(WGS_84).to_wgs84(coord! { x: f64::NAN, y: 10.0 }), Err(OutsideZone));
    }

    #[test]
    fn a_search_outside_of_the_zone_finds_nothing_and_asks_nobody() {
        let far = Rect::new((2.3, 48.8), (2.4, 48.9));
        assert_eq!(of(5897).around(far), None);
        assert_eq!(of(WGS_84).around(far), Some(far));
    }

    fn vietnamese() -> impl Strategy<Value = (Projection, Coord)> {
        let zones: Vec<i32> = Projection::known().collect();
        (proptest::sample::select(zones), -1.5..1.5, 8.4..23.4).prop_map(|(epsg, away, latitude)| {
            let meridian =
                STRIPS.iter().chain(UTM_ZONES).find(|zone| zone.0 == epsg).map_or(105.0, |zone| zone.1);
            (of(epsg), coord! { x: meridian + away, y: latitude })
        })
    }

    proptest! {
        #[test]
        fn there_and_back_is_less_than_a_millimetre_in_the_city(x in 105.0..106.6, y in 9.2..10.4) {
            for epsg in [5897, 9209] {
                let place = coord! { x: x, y: y };
                let there = of(epsg).to_dataset(place).unwrap();
                prop_assert!(metres(of(epsg).to_wgs84(there).unwrap(), place) < 0.001);
            }
        }

        /// The height that the datums differ by is left out, in the north 40 metres: that is the second millimetre.
        #[test]
        fn there_and_back_is_less_than_two_millimetres_in_the_country((projection, place) in vietnamese()) {
            let there = projection.to_dataset(place).unwrap();
            prop_assert!(metres(projection.to_wgs84(there).unwrap(), place) < 0.002);
        }

        #[test]
        fn nothing_on_the_edge_of_a_search_is_lost(
            (projection, place) in vietnamese(), side in 0.0..=0.1, along in 0.0..=1.0
        ) {
            let area = Rect::new(place, coord! { x: place.x + side, y: place.y + side });
            let around = projection.around(area).unwrap();
            let at = |x: f64, y: f64| coord! { x: place.x + side * x, y: place.y + side * y };
            for edge in [at(along, 0.0), at(along, 1.0), at(0.0, along), at(1.0, along)] {
                if let Ok(at) = projection.to_dataset(edge) {
                    prop_assert!(around.intersects(&at));
                }
            }
        }
    }
}
