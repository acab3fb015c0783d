//! Points, borders and their sizes.

use std::fmt::Write;

/// A point in degrees of WGS 84.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// A box along the axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Least latitude.
    pub south: f64,
    /// Least longitude.
    pub west: f64,
    /// Greatest latitude.
    pub north: f64,
    /// Greatest longitude.
    pub east: f64,
}

/// Metres per degree of latitude and longitude around a latitude.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub north: f64,
    pub east: f64,
}

impl Scale {
    /// The scale at a latitude, by the series for the WGS 84 ellipsoid.
    pub(crate) fn at(latitude: f64) -> Self {
        let angle = latitude.to_radians();
        Self {
            north: 111_132.92 - 559.82 * (2.0 * angle).cos() + 1.175 * (4.0 * angle).cos(),
            east: 111_412.84 * angle.cos() - 93.5 * (3.0 * angle).cos() + 0.118 * (5.0 * angle).cos(),
        }
    }
}

impl Bounds {
    /// The box around a border.
    pub(crate) fn around(border: &[Point]) -> Self {
        let nothing = Self { south: f64::MAX, west: f64::MAX, north: f64::MIN, east: f64::MIN };
        border.iter().fold(nothing, |bounds, point| Self {
            south: bounds.south.min(point.latitude),
            west: bounds.west.min(point.longitude),
            north: bounds.north.max(point.latitude),
            east: bounds.east.max(point.longitude),
        })
    }
}

/// The area of a closed anticlockwise border, in square metres, on the plane that touches its first point.
pub(crate) fn area_m2(border: &[Point]) -> f64 {
    let Some(origin) = border.first() else { return 0.0 };
    let scale = Scale::at(origin.latitude);
    let east = |point: &Point| (point.longitude - origin.longitude) * scale.east;
    let north = |point: &Point| (point.latitude - origin.latitude) * scale.north;
    border
        .windows(2)
        .map(|side| east(&side[0]) * north(&side[1]) - east(&side[1]) * north(&side[0]))
        .sum::<f64>()
        / 2.0
}

/// The mean of the corners of a closed border: inside, because the borders here are nearly convex.
pub(crate) fn middle(border: &[Point]) -> Point {
    let corners = &border[..border.len() - 1];
    let mean = |of: fn(&Point) -> f64| rounded(corners.iter().map(of).sum::<f64>() / corners.len() as f64);
    Point { latitude: mean(|point| point.latitude), longitude: mean(|point| point.longitude) }
}

/// Degrees to eight decimals: about a millimetre.
pub(crate) fn rounded(degrees: f64) -> f64 {
    (degrees * 1e8).round() / 1e8
}

/// The border as a GeoJSON geometry.
pub(crate) fn geojson(border: &[Point]) -> String {
    let mut text = String::with_capacity(48 + 28 * border.len());
    text.push_str(r#"{"type":"Polygon","coordinates":[["#);
    for (position, point) in border.iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}[{},{}]", point.longitude, point.latitude);
    }
    text.push_str("]]}");
    text
}
