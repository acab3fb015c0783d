//! Reads the different values of a column in their order, so many at a time, and judges each.

use lgsp_identifiers::format;
use lgsp_store::{Dialect, Error as StoreError, Query, Row};

use super::samples::Shapes;
use super::{Checking, Wrong, number};
use crate::mapping::compile::{Compiled, Expression};
use crate::relation::Kind;
use crate::{SourceError, records};

/// Different values that are read at once.
const PAGE: usize = 10_000;

impl Checking<'_> {
    /// Counts the records whose value in a column is no date, or not the identifier that it holds.
    pub(super) async fn values(&mut self, of: &Compiled, column: &Expression) -> Result<(), SourceError> {
        let pages = Pages::new(of, column, self.tables.dialect());
        let mut judged = Judged::default();
        let mut after: Option<String> = None;
        loop {
            let query = match &after {
                Some(after) => Query::new(&pages.next).bind(after),
                None => Query::new(&pages.first),
            };
            let rows = self.all(query).await?;
            let last = judged.page(&rows, column)?;
            // A page without a text to go on from would be read for ever.
            if rows.len() < PAGE || last.is_none() {
                break;
            }
            after = last;
        }
        let wrong = if column.column.kind == Kind::Date { Wrong::Date } else { Wrong::Identifier };
        let name = column.column.name;
        self.found(of, &[name], wrong, judged.wrong, judged.shapes.into_samples());
        self.found(of, &[name], Wrong::Unreadable, judged.unreadable, Vec::new());
        Ok(())
    }
}

/// The statements that read the first page and those after it.
struct Pages {
    first: String,
    next: String,
}

impl Pages {
    fn new(of: &Compiled, column: &Expression, dialect: Dialect) -> Self {
        let raw = column.raw.as_deref().unwrap_or("NULL");
        let is_text =
            column.type_name.as_deref().is_none_or(|name| matches!(name, "text" | "character varying"));
        // What is a text stays as it is, so that its index gives the order.
        let raw = if is_text { raw.to_owned() } else { format!("CAST({raw} AS TEXT)") };
        let after = match dialect {
            Dialect::Sqlite => format!("{raw} > $1"),
            Dialect::Postgres => format!("{raw} > CAST($1 AS TEXT)"),
        };
        let page = |condition: &str| {
            format!(
                "SELECT {raw} AS raw, {} AS value, count(*) AS n FROM {} WHERE {condition} \
                 GROUP BY {raw}, {} ORDER BY {raw} LIMIT {PAGE}",
                column.sql, of.from, column.sql
            )
        };
        Self { first: page(&format!("{raw} IS NOT NULL")), next: page(&after) }
    }
}

#[derive(Default)]
struct Judged {
    wrong: u64,
    unreadable: u64,
    shapes: Shapes,
}

impl Judged {
    /// Judges the values of a page; returns the last one that could be read.
    fn page(&mut self, rows: &[Row], column: &Expression) -> Result<Option<String>, SourceError> {
        let (mut last, mut unreadable) = (None, 0);
        for row in rows {
            let count = number(row, "n")?;
            let read = row.maybe_text("raw").and_then(|raw| Ok((raw, row.maybe_text("value")?)));
            let (raw, value) = match read {
                Ok((raw, value)) => (raw.unwrap_or_default(), value.unwrap_or_default()),
                Err(StoreError::Value { .. }) => {
                    unreadable += count;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            // Those that stand before a value that can be read are not read again.
            self.unreadable += std::mem::take(&mut unreadable);
            if !is_understood(&value, column) {
                self.wrong += count;
                self.shapes.add(&raw, count);
            }
            last = Some(raw);
        }
        if rows.len() < PAGE || last.is_none() {
            self.unreadable += unreadable;
        }
        Ok(last)
    }
}

/// What is empty is not known, which is counted where it must be known. An identifier that is not in its canonical form would
/// not be found.
fn is_understood(value: &str, column: &Expression) -> bool {
    if value.trim().is_empty() {
        return true;
    }
    match column.column.holds {
        Some(format) => format::normalise(format, value).is_ok_and(|canonical| canonical == value),
        None => records::date(Some(value)).is_some(),
    }
}
