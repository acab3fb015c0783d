//! Plots: lines over time, stacks over time, a histogram, and lines as small as a word.

use super::coordinate;

/// The inside of a plot, without its labels.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 160.0;

/// A label on an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) at: String,
    pub(crate) label: String,
}

/// One line of a plot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) class: &'static str,
    pub(crate) label: String,
    /// The path; empty if there is nothing to draw.
    pub(crate) path: String,
    /// The newest value, as it is written.
    pub(crate) newest: String,
}

/// A plot of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) lines: Vec<Line>,
    pub(crate) levels: Vec<Mark>,
}

/// Lines with one scale: each value is that of a part of the time, `None` where there was nothing.
pub(crate) fn lines(
    given: Vec<(&'static str, String, Vec<Option<f64>>)>,
    write: impl Fn(f64) -> String,
) -> Lines {
    let values = given.iter().flat_map(|(_, _, values)| values.iter().flatten());
    let top = round_up(values.fold(0.0_f64, |top, value| top.max(*value)));
    let line = |(class, label, values): (&'static str, String, Vec<Option<f64>>)| {
        let newest = values.iter().rev().flatten().next().map(|value| write(*value)).unwrap_or_default();
        Line { class, label, path: path(&values, top, WIDTH, HEIGHT), newest }
    };
    Lines { lines: given.into_iter().map(line).collect(), levels: levels(top, write) }
}

fn levels(top: f64, write: impl Fn(f64) -> String) -> Vec<Mark> {
    let level = |part: f64| Mark { at: coordinate(HEIGHT * (1.0 - part)), label: write(top * part) };
    if top > 0.0 { [0.0, 0.5, 1.0].map(level).to_vec() } else { Vec::new() }
}

/// A path through values, with a gap where there is none. A value alone is a short stroke.
fn path(values: &[Option<f64>], top: f64, width: f64, height: f64) -> String {
    let step = width / values.len().max(1) as f64;
    let mut path = String::new();
    let mut is_down = false;
    for (place, value) in values.iter().enumerate() {
        let Some(value) = value.filter(|_| top > 0.0) else {
            is_down = false;
            continue;
        };
        let (x, y) = (place as f64 * step, height * (1.0 - value / top));
        let (x, y, end) = (coordinate(x), coordinate(y), coordinate(x + step));
        path.push_str(&if is_down { format!("L{x} {y}H{end}") } else { format!("M{x} {y}H{end}") });
        is_down = true;
    }
    path
}

/// A column of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) width: String,
    pub(crate) height: String,
    pub(crate) class: &'static str,
}

/// Counts over time, one upon the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stack {
    pub(crate) bars: Vec<Bar>,
    pub(crate) levels: Vec<Mark>,
}

/// Stacks counts: for each part of the time one of each class, the first at the bottom.
pub(crate) fn stack<const N: usize>(
    classes: [&'static str; N],
    parts: &[[u64; N]],
    write: impl Fn(f64) -> String,
) -> Stack {
    let most = parts.iter().map(|part| part.iter().sum::<u64>()).max().unwrap_or(0);
    let (top, step) = (round_up(most as f64), WIDTH / parts.len().max(1) as f64);
    let mut bars = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        let mut below = 0.0;
        for (class, count) in classes.iter().zip(part).filter(|(_, count)| **count > 0) {
            // One alone among thousands is seen all the same.
            let height = (HEIGHT * *count as f64 / top).max(1.5);
            below += height;
            bars.push(Bar {
                x: coordinate(place as f64 * step + 0.5),
                y: coordinate((HEIGHT - below).max(0.0)),
                width: coordinate((step - 1.0).max(0.5)),
                height: coordinate(height),
                class,
            });
        }
    }
    Stack { bars, levels: levels(top, write) }
}

/// A histogram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bars {
    pub(crate) bars: Vec<Bar>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) levels: Vec<Mark>,
}

/// A bar for each count. `marks` are labels between bars, by the number of bars on their left.
pub(crate) fn bars(counts: &[u64], marks: &[(usize, String)], write: impl Fn(f64) -> String) -> Bars {
    let step = WIDTH / counts.len().max(1) as f64;
    let parts: Vec<[u64; 1]> = counts.iter().map(|count| [*count]).collect();
    let Stack { bars, levels } = stack(["bar"], &parts, write);
    let mark = |(place, label): &(usize, String)| Mark {
        at: coordinate(*place as f64 * step),
        label: label.clone(),
    };
    Bars { bars, marks: marks.iter().map(mark).collect(), levels }
}

/// A path through counts in a box of 120 × 20; empty if all are 0.
pub(crate) fn sparkline(counts: &[u64]) -> String {
    let top = counts.iter().copied().max().unwrap_or(0) as f64;
    let values: Vec<Option<f64>> = counts.iter().map(|count| Some(*count as f64)).collect();
    path(&values, top * 1.1, 120.0, 20.0)
}

/// The next of 1, 2, 5, 10, 20, 50 …; 0 of 0.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 0.0;
    }
    let ten = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * ten);
    steps.into_iter().find(|step| *step >= value * 0.999_999).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(value: f64) -> String {
        coordinate(value)
    }

    #[test]
    fn a_line_has_a_gap_where_nothing_was_and_ends_at_a_round_level() {
        let drawn =
            lines(vec![("p99", "p99".to_owned(), vec![Some(1.0), None, Some(4.0), Some(3.0)])], plain);
        assert_eq!(drawn.lines[0].path, "M0 128H160M320 32H480L480 64H640");
        assert_eq!(drawn.lines[0].newest, "3");
        let levels: Vec<&str> = drawn.levels.iter().map(|it| it.label.as_str()).collect();
        assert_eq!(levels, ["0", "2.5", "5"]);
        let nothing = lines(vec![("p99", String::new(), vec![None; 60])], plain);
        assert!(nothing.levels.is_empty() && nothing.lines[0].path.is_empty());
    }

    #[test]
    fn a_stack_stands_on_its_ground_and_one_of_many_is_seen() {
        let Stack { bars, .. } = stack(["served", "failed"], &[[9_999, 1], [0, 0]], plain);
        assert_eq!(bars.len(), 2);
        assert_eq!((bars[0].class, bars[0].height.as_str()), ("served", "160"));
        assert_eq!((bars[1].class, bars[1].height.as_str()), ("failed", "1.5"));
        assert_eq!(stack(["a"], &[], plain).bars, []);
    }

    #[test]
    fn levels_are_round() {
        for (value, level) in
            [(0.0, 0.0), (0.013, 0.02), (1.0, 1.0), (4.2, 5.0), (51.0, 100.0), (100.0, 100.0)]
        {
            assert!((round_up(value) - level).abs() < 1e-9, "{value}: {}", round_up(value));
        }
        assert_eq!(sparkline(&[0, 0]), "");
        assert!(sparkline(&[0, 5]).starts_with("M0 20H60L60 1.8"));
    }
}
