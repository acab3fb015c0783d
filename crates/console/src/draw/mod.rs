//! Geometry of what is drawn: templates turn it into SVG. Pure; no texts but those handed in, and no colours.

mod band;
mod diagram;
mod plot;

pub(crate) use band::{Band, Piece, band};
pub(crate) use diagram::{Diagram, Node, Nodes, diagram};
pub(crate) use plot::{Bars, Lines, Stack, bars, lines, sparkline, stack};

/// A coordinate, as short as it can be written without being off by a visible amount.
pub(crate) fn coordinate(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    if rounded.fract() == 0.0 { format!("{rounded:.0}") } else { format!("{rounded:.1}") }
}
