//! Whether a parcel can be where its border says.

use lgsp_identifiers::{WardCode, units};
use lgsp_proto::record::v1::Point;

/// How far a place of a ward lies from the ward's centre at most, in metres. The widest ward of the city has 150 square
/// kilometres; read in the zone of the neighbouring meridian, half a degree away, a parcel would be 54 kilometres off.
const FARTHEST: f64 = 25_000.0;
/// Metres of a degree of latitude.
const DEGREE: f64 = 110_600.0;

/// Whether a place can be in a ward. Where a ward is that is not of the city is not known, and held against no place.
pub(crate) fn is_near_ward(ward_code: &str, place: Point) -> bool {
    let centre = WardCode::parse(ward_code).ok().and_then(centre_of);
    centre.is_none_or(|centre| metres(centre, place) <= FARTHEST)
}

/// The centre of the ward that has a code, or that had it.
fn centre_of(code: WardCode) -> Option<Point> {
    if let Some(ward) = units::current(code) {
        return Some(Point { latitude: ward.latitude, longitude: ward.longitude });
    }
    let former = units::former(code)?;
    Some(Point { latitude: former.latitude, longitude: former.longitude })
}

fn metres(one: Point, other: Point) -> f64 {
    let east = (one.longitude - other.longitude) * one.latitude.to_radians().cos();
    east.hypot(one.latitude - other.latitude) * DEGREE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_near(code: &str, latitude: f64, longitude: f64) -> bool {
        is_near_ward(code, Point { latitude, longitude })
    }

    #[test]
    fn a_parcel_read_in_the_neighbouring_zone_is_not_in_its_ward() {
        for code in ["31120", "31117"] {
            assert!(is_near(code, 10.04, 105.78), "{code}");
            assert!(!is_near(code, 10.04, 105.28), "{code}, half a degree to the west");
            assert!(!is_near(code, 10.04, 106.28), "{code}, half a degree to the east");
        }
        assert!(is_near("00001", 21.0, 105.8), "a ward of elsewhere is held against no place");
    }

    #[test]
    fn no_ward_of_the_city_is_wider_than_the_bound() {
        for ward in units::wards() {
            let radius = (ward.area_km2 * 1e6 / std::f64::consts::PI).sqrt();
            assert!(radius * 3.0 < FARTHEST, "{}", ward.name);
        }
    }
}
