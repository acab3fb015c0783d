//! What one pass over a relation counts: its records, required columns that are empty, codes and numbers that are not
//! understood.

use lgsp_store::Query;

use super::samples::{self, Sample};
use super::{Checking, Wrong, number};
use crate::SourceError;
use crate::mapping::NO_NUMBER;
use crate::mapping::compile::{Compiled, Expression};
use crate::relation::Kind;

impl Checking<'_> {
    pub(super) async fn count(&mut self, of: &Compiled) -> Result<(), SourceError> {
        let mut counted = String::from("count(*) AS records");
        for (index, column) in of.columns.iter().enumerate() {
            if let Some(condition) = empty(column) {
                counted.push_str(&format!(", {} AS empty_{index}", counting(&condition)));
            }
            if let Some(condition) = unknown_code(column) {
                counted.push_str(&format!(", {} AS unknown_{index}", counting(&condition)));
            }
            if let Some(condition) = no_number(column) {
                counted.push_str(&format!(", {} AS no_number_{index}", counting(&condition)));
            }
        }
        let row = self.one(&format!("SELECT {counted} FROM {}", of.from)).await?;
        let records = number(&row, "records")?;
        self.records.push((of.relation.name, records));
        for (index, column) in of.columns.iter().enumerate() {
            if empty(column).is_some() {
                let count = number(&row, &format!("empty_{index}"))?;
                self.found(of, &[column.column.name], Wrong::Empty, count, Vec::new());
            }
            if let Some(condition) = unknown_code(column) {
                let count = number(&row, &format!("unknown_{index}"))?;
                let samples =
                    if count > 0 { self.codes(of, column, &condition, records).await? } else { Vec::new() };
                self.found(of, &[column.column.name], Wrong::Code, count, samples);
            }
            if no_number(column).is_some() {
                let count = number(&row, &format!("no_number_{index}"))?;
                self.found(of, &[column.column.name], Wrong::Unreadable, count, Vec::new());
            }
        }
        Ok(())
    }

    /// The codes that are not understood, as the agency writes them.
    async fn codes(
        &self,
        of: &Compiled,
        column: &Expression,
        condition: &str,
        records: u64,
    ) -> Result<Vec<Sample>, SourceError> {
        let raw = column.raw.as_deref().unwrap_or("NULL");
        let sql = format!(
            "SELECT CAST({raw} AS TEXT) AS code, count(*) AS n FROM {} WHERE {condition} GROUP BY CAST({raw} AS TEXT) \
             ORDER BY count(*) DESC, CAST({raw} AS TEXT) LIMIT {}",
            of.from,
            samples::MOST_CODES + 1
        );
        let mut codes = Vec::new();
        for row in self.all(Query::new(&sql)).await? {
            codes.push((row.text("code").unwrap_or_default(), number(&row, "n")?));
        }
        Ok(samples::of_codes(codes, records))
    }
}

fn counting(condition: &str) -> String {
    format!("CAST(coalesce(sum(CASE WHEN {condition} THEN 1 ELSE 0 END), 0) AS BIGINT)")
}

fn empty(column: &Expression) -> Option<String> {
    column.column.required.then(|| match column.column.kind {
        Kind::Text | Kind::Date => format!("({0} IS NULL OR {0} = '')", column.sql),
        Kind::Key
        | Kind::Integer
        | Kind::Real
        | Kind::Flag
        | Kind::Moment
        | Kind::Code(_)
        | Kind::Geometry => format!("{} IS NULL", column.sql),
    })
}

fn unknown_code(column: &Expression) -> Option<String> {
    let codes = column.column.codes().filter(|_| column.raw.is_some())?;
    let known = codes.iter().map(|(_, number)| number.to_string());
    let known = std::iter::once("0".to_owned()).chain(known).collect::<Vec<_>>().join(", ");
    Some(format!("{0} IS NOT NULL AND {0} NOT IN ({known})", column.sql))
}

/// What the mapping made of a number that is no whole one, and of a moment that is none.
fn no_number(column: &Expression) -> Option<String> {
    let is_made = matches!(column.column.kind, Kind::Integer | Kind::Moment) && column.raw.is_some();
    is_made.then(|| format!("{} = {NO_NUMBER}", column.sql))
}
