//! A report as text, and as comma-separated values.

use std::fmt::Write as _;

use super::tables::{Report, Table};

pub(super) fn text(report: &Report) -> String {
    let mut text = format!("{}\n{}\n", report.title.to_uppercase(), report.subtitle);
    for (label, value) in &report.head {
        let _ = writeln!(text, "{label}: {value}");
    }
    for table in report.tables.iter().filter(|table| !table.is_long) {
        let _ = writeln!(text, "\n{}. {}", table.number, table.title);
        if !table.note.is_empty() {
            let _ = writeln!(text, "{}", table.note);
        }
        text += &columns(table);
    }
    let _ = writeln!(text, "\n{}", report.notes_title);
    for (name, means) in &report.notes {
        let _ = writeln!(text, "- {name}: {means}");
    }
    text
}

/// Aligned by the longest cell of each column.
fn columns(table: &Table) -> String {
    let texts: Vec<Vec<String>> =
        table.rows.iter().map(|row| row.iter().map(|cell| cell.text()).collect()).collect();
    let width = |column: usize| {
        let cells = texts.iter().filter_map(|row| row.get(column));
        let longest = cells.chain(table.header.get(column)).map(|text| text.chars().count()).max();
        longest.unwrap_or_default()
    };
    let widths: Vec<usize> = (0..table.header.len()).map(width).collect();
    let mut lines = String::new();
    for (number, row) in std::iter::once(&table.header).chain(&texts).enumerate() {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (text, width))| {
            let is_number = number
                .checked_sub(1)
                .and_then(|row| table.rows[row].get(column))
                .is_some_and(|it| it.is_number());
            if is_number { format!("{text:>width$}") } else { format!("{text:<width$}") }
        });
        lines += cells.collect::<Vec<_>>().join("  ").trim_end();
        lines.push('\n');
    }
    lines
}

/// All tables one below the other. It begins with the mark by which spreadsheets know UTF-8.
pub(super) fn csv(report: &Report) -> Vec<u8> {
    let mut lines = csv::WriterBuilder::new()
        .flexible(true)
        .terminator(csv::Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    let mut line = |cells: Vec<String>| {
        lines.write_record(cells.into_iter().map(defused)).expect("a vector takes everything");
    };
    line(vec![report.title.clone()]);
    line(vec![report.subtitle.clone()]);
    report.head.iter().for_each(|(label, value)| line(vec![label.clone(), value.clone()]));
    for table in &report.tables {
        line(vec![String::new()]);
        line(vec![format!("{}. {}", table.number, table.title)]);
        if !table.note.is_empty() {
            line(vec![table.note.clone()]);
        }
        line(table.header.clone());
        table.rows.iter().for_each(|row| line(row.iter().map(|cell| cell.text()).collect()));
    }
    line(vec![String::new()]);
    line(vec![report.notes_title.clone()]);
    report.notes.iter().for_each(|(name, means)| line(vec![name.clone(), means.clone()]));
    lines.into_inner().expect("a vector takes everything")
}

/// A text that no spreadsheet takes for a formula: <https://owasp.org/www-community/attacks/CSV_Injection>.
fn defused(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell }
}
