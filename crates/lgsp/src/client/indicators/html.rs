//! A report as one file for a browser and for print: no scripts, and nothing from elsewhere.

use std::fmt::Write as _;

use super::letter::{self, OPEN, Words};
use super::tables::{Cell, Letterhead, Report, Table};
use crate::client::Lang;
use crate::client::html::escaped;

const STYLE: &str = "@page{size:A4 landscape;margin:15mm 12mm 16mm 15mm}\
body{font:11pt/1.4 'Times New Roman','Tinos','Liberation Serif',serif;color:#111;max-width:272mm;margin:2em auto;padding:0 1em}\
.letter{display:flex;justify-content:space-between;text-align:center;gap:2em;margin-bottom:1.2em}\
.letter div{flex:1}.letter p{margin:0}.letter b.line{display:inline-block;border-bottom:1px solid;padding-bottom:.15em}\
.letter .date{font-style:italic;margin-top:.6em}h1{font-size:15pt;text-align:center;margin:.6em 0 .1em;text-transform:uppercase}\
.sub{text-align:center;margin:0 0 1em}h2{font-size:12pt;margin:1.3em 0 .4em;break-after:avoid}\
.head{width:auto;margin:0 auto 1em;font-size:10pt}.head th,.head td{border:0;padding:.05em .8em .05em 0}.head th{white-space:nowrap}.head td{overflow-wrap:anywhere}\
table{border-collapse:collapse;width:100%;font-size:8.5pt}th,td{text-align:left;vertical-align:top;padding:.15em .4em;border:1px solid #999}\
thead th{background:#eef2f6;text-align:center;vertical-align:middle}table.wide{font-size:7.5pt}table.wide th,table.wide td{padding:.15em .3em}td{overflow-wrap:anywhere}td.s{white-space:nowrap}td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}\
tr.trial td{background:#fbf6e6;color:#5b4a12;font-style:italic}.note{font-style:italic;font-size:9pt;margin:.2em 0 .4em}\
tr{break-inside:avoid}thead{display:table-header-group}dl{font-size:9.5pt}dt{font-weight:bold;break-after:avoid}dd{margin:0 0 .35em}svg{width:100%;height:26mm}\
.signs{display:flex;justify-content:space-between;margin-top:2em;break-inside:avoid}.signs div{flex:1}.signs .signer{text-align:center}\
.signs p{margin:0}.signs .gap{height:24mm}@media print{body{margin:0;max-width:none;padding:0}\
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}";

/// Of a chart, in its own units.
const WIDTH: usize = 1_000;
const HEIGHT: usize = 160;
/// A table of so many columns is set smaller.
const WIDE: usize = 14;
/// A text of so many letters is not broken.
const SHORT: usize = 14;
/// Of a bar: few of them are no walls.
const WIDEST: usize = 60;
/// Most bars that can still be told apart.
const MOST_BARS: usize = 400;

pub(super) fn page(report: &Report) -> String {
    let title = escaped(&report.title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{}<h1>{title}</h1>\n<p class=\"sub\">{}</p>\n\
         <table class=\"head\">\n",
        report.lang.pick("en", "vi"),
        letterhead(report),
        escaped(&report.subtitle),
    );
    for (label, value) in &report.head {
        let _ = writeln!(page, "<tr><th>{}</th><td>{}</td></tr>", escaped(label), escaped(value));
    }
    page += "</table>\n";
    for table in report.tables.iter().filter(|table| !table.is_long) {
        let _ = writeln!(page, "<h2>{}. {}</h2>", table.number, escaped(&table.title));
        if !table.note.is_empty() {
            let _ = writeln!(page, "<p class=\"note\">{}</p>", escaped(&table.note));
        }
        if let Some(bars) = table.bars {
            page += &chart(table, bars);
        }
        page += &rows(table, report);
    }
    let _ = writeln!(page, "<h2>{}</h2>\n<dl>", escaped(&report.notes_title));
    for (name, means) in &report.notes {
        let _ = writeln!(page, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(means));
    }
    page + "</dl>\n" + &signatures(report) + "</body>\n</html>\n"
}

/// Who sends it, and the name of the country with its motto, side by side.
fn letterhead(report: &Report) -> String {
    let Letterhead { superior, agency, place } = &report.letterhead;
    let upper = |text: &str| escaped(&text.to_uppercase());
    let Words { country, motto, number, date, .. } = letter::words(report.lang);
    let place = if place.is_empty() { OPEN.to_owned() } else { escaped(place) };
    let above = if superior.is_empty() { String::new() } else { format!("<p>{}</p>", upper(superior)) };
    format!(
        "<div class=\"letter\"><div>{above}<p><b class=\"line\">{}</b></p><p>{number}</p></div>\
         <div><p><b>{country}</b></p><p><b class=\"line\">{motto}</b></p><p class=\"date\">{place}, {date}</p></div></div>\n",
        upper(agency),
    )
}

/// Who gets it, and who signs.
fn signatures(report: &Report) -> String {
    let Words { to, archive, maker, head, sign, .. } = letter::words(report.lang);
    format!(
        "<div class=\"signs\"><div><p><b><i>{to}</i></b></p><p>- {OPEN};<br>{archive}</p></div>\
         <div class=\"signer\"><p><b>{maker}</b></p><p class=\"gap\"></p></div>\
         <div class=\"signer\"><p><b>{head}</b></p><p><i>{sign}</i></p><p class=\"gap\"></p></div></div>\n"
    )
}

fn rows(table: &Table, report: &Report) -> String {
    if table.rows.is_empty() {
        let none = report.lang.pick("None.", "Không có.");
        return format!("<p>{none}</p>\n");
    }
    let class = if table.header.len() >= WIDE { " class=\"wide\"" } else { "" };
    let mut rows = format!("<table{class}>\n<thead><tr>");
    for name in &table.header {
        let _ = write!(rows, "<th>{}</th>", escaped(name));
    }
    rows += "</tr></thead>\n";
    for row in &table.rows {
        let is_trial = row.iter().any(Cell::is_trial);
        rows += if is_trial { "<tr class=\"trial\">" } else { "<tr>" };
        for cell in row {
            let text = shown(cell, report);
            let class = match cell.is_number() {
                true => " class=\"n\"",
                false if text.chars().count() <= SHORT => " class=\"s\"",
                false => "",
            };
            let mut text = escaped(&text);
            if !cell.is_number() {
                // A long name is broken where it has a dot.
                text = text.replace('.', ".<wbr>");
            }
            let _ = write!(rows, "<td{class}>{text}</td>");
        }
        rows += "</tr>\n";
    }
    rows + "</table>\n"
}

/// A number as people of the language write it.
fn shown(cell: &Cell, report: &Report) -> String {
    let is_vietnamese = report.lang == Lang::Vi;
    match cell {
        Cell::Count(count) => grouped(*count, if is_vietnamese { '.' } else { ',' }),
        Cell::Percent(_) | Cell::Took(_) if is_vietnamese => cell.text().replace('.', ","),
        Cell::Text(_)
        | Cell::Environment(_)
        | Cell::Percent(_)
        | Cell::Took(_)
        | Cell::Lasted(_)
        | Cell::Nothing => cell.text(),
    }
}

fn grouped(count: u64, mark: char) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(mark);
        }
        grouped.push(digit);
    }
    grouped
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
    let step = (WIDTH / table.rows.len()).min(WIDEST);
    let label = escaped(table.header.get(length).map_or("", String::as_str));
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{label}\">\n"
    );
    for (number, row) in table.rows.iter().enumerate() {
        let count = count(row);
        let height = (u128::from(count) * HEIGHT as u128 / u128::from(longest)) as usize;
        let colour = if row.iter().any(Cell::is_trial) { "#c9b25a" } else { "#2a5d84" };
        let title = row.get(name).map(Cell::text).unwrap_or_default();
        let (x, y, width) = (number * step, HEIGHT - height, step.saturating_sub(1).max(1));
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{colour}\"><title>{}: {count}</title></rect>",
            escaped(&title)
        );
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_of_the_language_write_them() {
        let check = |lang, cell: Cell, expected: &str| {
            let report = Report { lang, ..Report::default() };
            assert_eq!(shown(&cell, &report), expected, "{lang:?}");
        };
        check(Lang::Vi, Cell::Count(1_777_123), "1.777.123");
        check(Lang::En, Cell::Count(1_777_123), "1,777,123");
        check(Lang::En, Cell::Count(0), "0");
        check(Lang::En, Cell::Count(999), "999");
        check(Lang::Vi, Cell::Count(1_000), "1.000");
        check(Lang::Vi, Cell::Percent("53.3%".to_owned()), "53,3%");
        check(Lang::Vi, Cell::Took(4_095), "4,095");
        check(Lang::En, Cell::Took(4_095), "4.095");
    }
}
