//! A band of time: how a link was, from left to right. The worse, the higher: it is read without colour.

/// How a link was for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) from_us: i64,
    pub(crate) until_us: i64,
    /// A class of states: `working`, `down` …
    pub(crate) state: &'static str,
    /// What whoever points at it reads.
    pub(crate) title: String,
}

/// A band, in a box of [`Band::WIDTH`] × [`Band::HEIGHT`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Band {
    pub(crate) parts: Vec<Part>,
}

/// A rectangle of a band.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) x: String,
    pub(crate) y: u32,
    pub(crate) width: String,
    pub(crate) height: u32,
    pub(crate) state: &'static str,
    pub(crate) title: String,
}

impl Band {
    const WIDTH: f64 = 1_440.0;
    const HEIGHT: u32 = 24;
    /// What was short is seen all the same.
    const THINNEST: f64 = 4.0;
}

fn height(state: &str) -> u32 {
    match state {
        "down" => Band::HEIGHT,
        "degraded" => 16,
        "maintenance" => 12,
        "working" => 6,
        "silent" => 2,
        _ => 0,
    }
}

/// Lays pieces, oldest first, out between two moments.
pub(crate) fn band(pieces: Vec<Piece>, since_us: i64, until_us: i64) -> Band {
    let scale = Band::WIDTH / (until_us - since_us).max(1) as f64;
    let place = |us: i64| (us.clamp(since_us, until_us) - since_us) as f64 * scale;
    let part = |piece: Piece| {
        let (x, end) = (place(piece.from_us), place(piece.until_us));
        let height = height(piece.state);
        if end <= x || height == 0 {
            return None;
        }
        let width =
            if matches!(piece.state, "down" | "degraded") { (end - x).max(Band::THINNEST) } else { end - x };
        let x = x.min(Band::WIDTH - width);
        Some(Part {
            x: super::coordinate(x),
            y: Band::HEIGHT - height,
            width: super::coordinate(width),
            height,
            state: piece.state,
            title: piece.title,
        })
    };
    // What is worse lies above.
    let mut parts: Vec<Part> = pieces.into_iter().filter_map(part).collect();
    parts.sort_by_key(|part| part.height);
    Band { parts }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(from_us: i64, until_us: i64, state: &'static str) -> Piece {
        Piece { from_us, until_us, state, title: String::new() }
    }

    #[test]
    fn a_band_shows_what_was_when_and_a_short_failure_is_seen() {
        let pieces = vec![piece(-50, 500, "working"), piece(500, 501, "down"), piece(501, 2_000, "silent")];
        let Band { parts } = band(pieces, 0, 1_000);
        let told: Vec<_> =
            parts.iter().map(|part| (part.state, part.x.as_str(), part.width.as_str())).collect();
        assert_eq!(told, [("silent", "721.4", "718.6"), ("working", "0", "720"), ("down", "720", "4")]);
    }

    #[test]
    fn what_just_began_and_what_is_not_known_is_no_rectangle_outside() {
        assert_eq!(band(vec![piece(0, 10, "unknown"), piece(20, 30, "working")], 0, 10).parts, []);
        let parts = band(vec![piece(999, 1_000, "down")], 0, 1_000).parts;
        assert_eq!((parts[0].x.as_str(), parts[0].width.as_str()), ("1436", "4"));
    }
}
