//! One look as plain text, for a pipe.

use super::super::{ask, words};
use super::columns::{self, Row};
use super::screen::Screen;
use super::told::Told;
use super::watch::now_us;
use crate::client::Lang;
use crate::client::report::clean;
use crate::client::table::Table;

/// All that is known now, the worst link first.
pub fn plain(told: &Told, lang: Lang) -> String {
    let mut text = format!("{}\n", ask::summary(&told.links, lang));
    let numbers = columns::numbers(&told.figures, lang);
    let numbers: Vec<String> =
        numbers.into_iter().map(|number| format!("{} {}", number.name, number.value)).collect();
    text.push_str(&numbers.join(", "));
    text.push('\n');
    if let Some((note, _)) = columns::note(told, lang) {
        text.push_str(&clean(&note));
        text.push('\n');
    }
    let header = match lang {
        Lang::En => ["link", "state", "since", "per second", "failed", "p50", "p99", "waiting", "why"],
        Lang::Vi => ["kết nối", "trạng thái", "từ", "mỗi giây", "lỗi", "p50", "p99", "chờ", "vì sao"],
    };
    let mut table = Table::new(header.to_vec());
    let now_us = now_us();
    for row in Screen::new(lang, false).rows(told) {
        table.row(cells(&row, lang, now_us));
    }
    text.push_str(&table.plain());
    text
}

fn cells(row: &Row<'_>, lang: Lang, now_us: i64) -> Vec<crate::client::table::Cell> {
    vec![
        row.link.id.as_str().into(),
        words::state(row.link.state(), lang),
        row.age(now_us).into(),
        row.rate_text().into(),
        row.failed_text(),
        row.p50_text().into(),
        row.p99_text().into(),
        row.waiting_text().into(),
        row.why(lang).into(),
    ]
}
