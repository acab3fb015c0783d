//! Rows in the text format of COPY (<https://www.postgresql.org/docs/current/sql-copy.html>).

use std::fmt::Write;

use bytes::Bytes;

use super::geometry;
use crate::load::rows::{Border, Rows, Value};

/// Sent at once.
const PART: usize = 256 * 1024;

/// The statement for rows of a table that was made in the same transaction, so that they are at once as good as vacuumed.
pub(super) fn statement(schema: &str, rows: &Rows<'_>, borders: &[Border<'_>]) -> String {
    let border = (!borders.is_empty()).then_some(&geometry::NAME);
    let columns: Vec<String> =
        rows.table.columns.iter().chain(border).map(|column| format!("\"{column}\"")).collect();
    format!("COPY {schema}.\"{}\" ({}) FROM STDIN (FREEZE)", rows.table.name, columns.join(", "))
}

/// The rows in parts, each of whole rows; with borders, if there is one for each.
pub(super) fn encoded(rows: &Rows<'_>, borders: &[Border<'_>]) -> Vec<Bytes> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut borders = borders.iter();
    for row in rows.iter() {
        for (position, value) in row.iter().enumerate() {
            if position > 0 {
                part.push('\t');
            }
            encode(&mut part, value);
        }
        if let Some(border) = borders.next() {
            part.push('\t');
            geometry::encode(&mut part, border);
        }
        part.push('\n');
        if part.len() >= PART {
            parts.push(Bytes::from(std::mem::take(&mut part)));
        }
    }
    if !part.is_empty() {
        parts.push(Bytes::from(part));
    }
    parts
}

fn encode(out: &mut String, value: &Value<'_>) {
    // Writing to a string cannot fail.
    let _ = match value {
        Value::Null => out.write_str("\\N"),
        Value::Integer(number) => write!(out, "{number}"),
        Value::Real(number) => write!(out, "{number}"),
        Value::Text(text) => {
            escape(out, text);
            Ok(())
        }
    };
}

fn escape(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(position) = rest.find(['\\', '\t', '\n', '\r']) {
        let (plain, special) = rest.split_at(position);
        out.push_str(plain);
        out.push_str(match special.as_bytes()[0] {
            b'\t' => "\\t",
            b'\n' => "\\n",
            b'\r' => "\\r",
            _ => "\\\\",
        });
        rest = &special[1..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_so_that_none_is_taken_for_another() {
        let check = |value: Value<'_>, expect: &str| {
            let mut out = String::new();
            encode(&mut out, &value);
            assert_eq!(out, expect);
        };
        check(Value::Null, "\\N");
        check((-3).into(), "-3");
        check(10.25.into(), "10.25");
        check("\\N".into(), "\\\\N");
        check("".into(), "");
        check("Ấp 1\tCần\nThơ\r".into(), "Ấp 1\\tCần\\nThơ\\r");
    }
}
