//! Tables: as wide as the terminal, or in plain columns for a pipe.

use comfy_table::ColumnConstraint::{ContentWidth, LowerBoundary};
use comfy_table::{Attribute, Cell as ComfyCell, ContentArrangement, LineStyle, TableStyle, Width};

use super::Error;
use super::output::{Listing, Surface, Tone, line};
use super::report::clean;

/// One line under the header: rows that need no wrapping read best without lines between them.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Spaces between two columns: one belongs to the first, and one is the line that is not drawn.
pub(crate) const GAP: usize = 2;

/// Narrowest column whose text goes over several lines.
const NARROWEST: usize = 16;

/// A cell of a table.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) text: String,
    short: Option<String>,
    pub(crate) tone: Tone,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: clean(&text.into()), short: None, tone }
    }

    /// What to show where there is no room for the whole text.
    #[must_use]
    pub(crate) fn or_short(self, short: impl Into<String>) -> Self {
        Self { short: Some(clean(&short.into())), ..self }
    }

    fn text(&self, length: Length) -> &str {
        match (length, &self.short) {
            (Length::Short, Some(short)) => short,
            (Length::Short, None) | (Length::Whole, _) => &self.text,
        }
    }
}

/// How much of its texts a table shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Whole,
    Short,
}

/// What a table gives up in a narrow terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shrink {
    /// A column.
    Drop(&'static str),
    /// The whole texts of those cells that have a short one.
    Shorten,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// Rows under a header.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    wrapping: Vec<&'static str>,
    shrinking: Vec<Shrink>,
}

impl Table {
    pub(crate) fn new(header: Vec<&'static str>) -> Self {
        Self { header, rows: Vec::new(), wrapping: Vec::new(), shrinking: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Names the columns whose texts may go over several lines.
    #[must_use]
    pub(crate) fn wrapping(self, columns: Vec<&'static str>) -> Self {
        Self { wrapping: columns, ..self }
    }

    /// Tells what a narrow terminal can do without, in the order in which it goes.
    #[must_use]
    pub(crate) fn shrinking(self, steps: Vec<Shrink>) -> Self {
        Self { shrinking: steps, ..self }
    }

    /// Writes the table for a person or for a pipe.
    pub(crate) fn write(&self, listing: Listing, surface: &Surface) -> Result<(), Error> {
        match listing {
            Listing::Table => line(&self.boxed(surface.width(), surface.colours())),
            Listing::Plain | Listing::Json => line(&self.plain()),
        }
    }

    /// Which columns to show at which length, so that no word has to be torn over lines, as far as that can be had.
    fn layout(&self, width: u16) -> (Vec<usize>, Length) {
        let mut columns: Vec<usize> = (0..self.header.len()).collect();
        let mut length = Length::Whole;
        for step in &self.shrinking {
            if self.needs(&columns, length) <= usize::from(width) {
                break;
            }
            match step {
                Shrink::Drop(name) => columns.retain(|column| self.header[*column] != *name),
                Shrink::Shorten => length = Length::Short,
            }
        }
        (columns, length)
    }

    /// The width that the columns cannot do without.
    fn needs(&self, columns: &[usize], length: Length) -> usize {
        let widths = self.widths(length);
        let needed = |column: &usize| match self.wraps(*column) {
            true => self.longest_word(*column).max(NARROWEST).min(widths[*column]),
            false => widths[*column],
        };
        columns.iter().map(|column| needed(column) + GAP).sum()
    }

    fn wraps(&self, column: usize) -> bool {
        self.wrapping.contains(&self.header[column])
    }

    fn longest_word(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let words = cells.flat_map(|cell| cell.text.split_whitespace());
        words.map(|word| word.chars().count()).max().unwrap_or_default()
    }

    fn boxed(&self, width: u16, colours: bool) -> String {
        let (columns, length) = self.layout(width);
        let has_room = self.needs(&columns, length) <= usize::from(width);
        let mut table = comfy_table::Table::new();
        table.load_style(STYLE);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        if colours {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let header = columns.iter().map(|column| self.header[*column]);
        let header = header.map(|name| ComfyCell::new(name).add_attribute(Attribute::Bold));
        table.set_header(header.collect::<Vec<_>>());
        for row in &self.rows {
            table.add_row(columns.iter().filter_map(|column| row.get(*column)).map(|cell| {
                let shown = ComfyCell::new(cell.text(length));
                cell.tone.colour().map_or(shown.clone(), |(colour, _)| shown.fg(colour))
            }));
        }
        for (index, column) in columns.iter().enumerate() {
            let Some(shown) = table.column_mut(index) else { continue };
            shown.set_padding((0, 1));
            // Without these, it tears words in one column to save lines in another.
            let word = u16::try_from(self.longest_word(*column)).unwrap_or(width);
            match (has_room, self.wraps(*column)) {
                (true, true) => shown.set_constraint(LowerBoundary(Width::Fixed(word.saturating_add(1)))),
                (true, false) => shown.set_constraint(ContentWidth),
                (false, _) => shown,
            };
        }
        table.to_string()
    }

    /// The widest text of each column.
    fn widths(&self, length: Length) -> Vec<usize> {
        let mut widths: Vec<usize> = self.header.iter().map(|name| name.chars().count()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(shown(cell.text(length)).chars().count());
            }
        }
        widths
    }

    pub(crate) fn plain(&self) -> String {
        let widths = self.widths(Length::Whole);
        let mut lines = vec![aligned(self.header.iter().copied(), &widths)];
        lines.extend(self.rows.iter().map(|row| aligned(row.iter().map(|cell| shown(&cell.text)), &widths)));
        lines.join("\n")
    }
}

/// An empty cell would make the columns of a line uncountable.
fn shown(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

/// One line of columns, at least two spaces apart.
pub(crate) fn aligned<'a>(cells: impl Iterator<Item = &'a str>, widths: &[usize]) -> String {
    let mut text = String::new();
    for (cell, width) in cells.zip(widths) {
        text.push_str(&format!("{cell:<width$}  "));
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(vec!["application", "outcome", "title"]);
        table.row(vec!["tthc".into(), Cell::new("served", Tone::Good), "Đã trả lời ".repeat(20).into()]);
        table.row(vec!["spp".into(), Cell::new("denied", Tone::Warning), "".into()]);
        table
    }

    #[test]
    fn a_table_fits_the_terminal_and_is_coloured() {
        let table = table().wrapping(vec!["title"]);
        let text = table.boxed(60, true);
        assert!(text.contains("\u{1b}["), "{text}");
        let plain = table.boxed(60, false);
        assert!(!plain.contains('\u{1b}'), "{plain}");
        assert!(plain.lines().all(|line| line.chars().count() <= 60), "{plain}");
        assert!(plain.contains("application  outcome"), "only the title wraps: {plain}");
    }

    #[test]
    fn a_narrow_terminal_does_without_what_it_can() {
        let steps = vec![Shrink::Drop("outcome"), Shrink::Shorten, Shrink::Drop("title")];
        let mut table = table().shrinking(steps);
        table.rows[0][2] = Cell::new("PopulationService/GetCitizen", Tone::Plain).or_short("GetCitizen");
        assert_eq!(table.layout(300), (vec![0, 1, 2], Length::Whole));
        assert_eq!(table.layout(50), (vec![0, 2], Length::Whole));
        assert_eq!(table.layout(30), (vec![0, 2], Length::Short));
        assert_eq!(table.layout(20), (vec![0], Length::Short));
        let narrow = table.boxed(30, false);
        assert!(narrow.contains(" GetCitizen") && !narrow.contains("outcome"), "{narrow}");
        let plain = table.plain();
        assert!(plain.contains("outcome") && plain.contains("Service/"), "a pipe gets everything: {plain}");
    }

    #[test]
    fn plain_columns_are_aligned_and_never_empty() {
        let mut table = Table::new(vec!["application", "state"]);
        table.row(vec!["tthc".into(), Cell::new("connected", Tone::Good)]);
        table.row(vec!["".into(), "x\ny".into()]);
        assert_eq!(table.plain(), "application  state\ntthc         connected\n-            x y");
    }
}
