use geo::line_intersection::{LineIntersection, line_intersection};
use geo::{BoundingRect, Line, LinesIter, MultiPolygon};

/// Whether two sides of a border cross. Sides may touch: neighbouring parts and holes often do.
///
/// Only sides that overlap along the border's longer axis are compared, so that a river's thousands of sides cost little.
pub(super) fn crosses_itself(border: &MultiPolygon) -> bool {
    let Some(bounds) = border.bounding_rect() else { return false };
    let along: fn(&Line) -> (f64, f64) = if bounds.width() > bounds.height() {
        |side| in_order(side.start.x, side.end.x)
    } else {
        |side| in_order(side.start.y, side.end.y)
    };
    let mut sides: Vec<(f64, f64, Line)> = border
        .lines_iter()
        .map(|side| {
            let (from, to) = along(&side);
            (from, to, side)
        })
        .collect();
    sides.sort_by(|one, other| one.0.total_cmp(&other.0));
    sides.iter().enumerate().any(|(position, (_, to, side))| {
        let overlapping = sides[position + 1..].iter().take_while(|(from, _, _)| from <= to);
        overlapping.into_iter().any(|(_, _, other)| cross(*side, *other))
    })
}

fn in_order(one: f64, other: f64) -> (f64, f64) {
    if one <= other { (one, other) } else { (other, one) }
}

fn cross(one: Line, other: Line) -> bool {
    matches!(line_intersection(one, other), Some(LineIntersection::SinglePoint { is_proper: true, .. }))
}

#[cfg(test)]
mod tests {
    use geo::wkt;

    use super::*;

    #[test]
    fn sides_that_cross_are_found_wherever_they_are() {
        let bow_tie = wkt!(MULTIPOLYGON(((0. 0., 2. 2., 2. 0., 0. 2., 0. 0.))));
        let hole_over_the_border =
            wkt!(MULTIPOLYGON(((0. 0., 4. 0., 4. 9., 0. 9., 0. 0.), (3. 3., 3. 5., 6. 5., 6. 3., 3. 3.))));
        let parts_over_each_other =
            wkt!(MULTIPOLYGON(((0. 0., 4. 0., 4. 4., 0. 4., 0. 0.)), ((2. 2., 6. 2., 6. 6., 2. 6., 2. 2.))));
        for border in [bow_tie, hole_over_the_border, parts_over_each_other] {
            assert!(crosses_itself(&border), "{border:?}");
        }
    }

    #[test]
    fn sides_may_touch() {
        let hole_in_a_corner =
            wkt!(MULTIPOLYGON(((0. 0., 4. 0., 4. 4., 0. 4., 0. 0.), (0. 2., 1. 3., 2. 2., 0. 2.))));
        let neighbours =
            wkt!(MULTIPOLYGON(((0. 0., 2. 0., 2. 2., 0. 2., 0. 0.)), ((2. 0., 4. 0., 4. 2., 2. 2., 2. 0.))));
        let twice_the_same_corner = wkt!(MULTIPOLYGON(((0. 0., 2. 0., 2. 0., 2. 2., 0. 2., 0. 0.))));
        for border in [hole_in_a_corner, neighbours, twice_the_same_corner] {
            assert!(!crosses_itself(&border), "{border:?}");
        }
    }
}
