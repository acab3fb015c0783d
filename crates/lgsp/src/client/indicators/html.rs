//! A report as one file for a browser and for print: no scripts, and nothing from elsewhere.

use std::fmt::Write as _;

use super::tables::{Cell, Report, Table};

const STYLE: &str = "@page{size:A4 landscape;margin:14mm}\
body{font:10.5pt/1.4 'Noto Serif','Times New Roman',serif;color:#111;max-width:270mm;margin:2em auto;padding:0 1em}\
h1{font-size:16pt;text-align:center}h2{font-size:12pt;margin-top:1.4em;break-after:avoid}table{border-collapse:collapse;width:100%;font-size:9pt}\
th,td{text-align:left;vertical-align:top;padding:.15em .5em;border:1px solid #bbb}td.n{text-align:right;white-space:nowrap}\
tr{break-inside:avoid}dt{font-weight:bold}dd{margin:0 0 .4em}svg{width:100%;height:auto}\
@media print{body{margin:0;max-width:none;padding:0}}";

/// Of a chart, in its own units.
const WIDTH: usize = 1_000;
const HEIGHT: usize = 160;
/// Most bars that can still be told apart.
const MOST_BARS: usize = 400;

pub(super) fn page(report: &Report) -> String {
    let title = escaped(&report.title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<table>\n",
        report.lang,
    );
    for (label, value) in &report.head {
        let _ = writeln!(page, "<tr><th>{}</th><td>{}</td></tr>", escaped(label), escaped(value));
    }
    page += "</table>\n";
    for table in report.tables.iter().filter(|table| !table.is_long) {
        let _ = writeln!(page, "<h2>{}. {}</h2>", table.number, escaped(&table.title));
        if let Some(bars) = table.bars {
            page += &chart(table, bars);
        }
        page += &rows(table);
    }
    let _ = writeln!(page, "<h2>{}</h2>\n<dl>", escaped(&report.notes_title));
    for (name, means) in &report.notes {
        let _ = writeln!(page, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(means));
    }
    page + "</dl>\n</body>\n</html>\n"
}

fn rows(table: &Table) -> String {
    let mut rows = "<table>\n<thead><tr>".to_owned();
    for name in &table.header {
        let _ = write!(rows, "<th>{}</th>", escaped(name));
    }
    rows += "</tr></thead>\n";
    for row in &table.rows {
        rows += "<tr>";
        for cell in row {
            let class = if cell.is_number() { " class=\"n\"" } else { "" };
            let _ = write!(rows, "<td{class}>{}</td>", escaped(&cell.text()));
        }
        rows += "</tr>\n";
    }
    rows + "</table>\n"
}

/// A bar for each row, as long as its count.
fn chart(table: &Table, (name, length): (usize, usize)) -> String {
    let count = |row: &Vec<Cell>| match row.get(length) {
        Some(Cell::Count(count)) => *count,
        _ => 0,
    };
    let longest = table.rows.iter().map(count).max().unwrap_or_default();
    if longest == 0 || table.rows.len() > MOST_BARS {
        return String::new();
    }
    let step = WIDTH / table.rows.len();
    let label = escaped(table.header.get(length).map_or("", String::as_str));
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\">\n");
    for (number, row) in table.rows.iter().enumerate() {
        let count = count(row);
        let height = (u128::from(count) * HEIGHT as u128 / u128::from(longest)) as usize;
        let title = row.get(name).map(Cell::text).unwrap_or_default();
        let (x, y, width) = (number * step, HEIGHT - height, step.saturating_sub(1).max(1));
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"#2a5d84\"><title>{}: {count}</title></rect>",
            escaped(&title)
        );
    }
    svg + "</svg>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
