//! From the type that PostgreSQL gives an agency's column to the type that the adapter reads.
//!
//! What can stay as it is stays so: an expression over a column cannot use the column's index.

use super::NO_NUMBER;
use crate::relation::Kind;

/// The time zone of moments and dates that name none.
const ZONE: &str = "'Asia/Ho_Chi_Minh'";

/// What a type of PostgreSQL is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Text,
    Integer,
    Number,
    Boolean,
    Date,
    Timestamp,
    ZonedTimestamp,
    Other,
}

/// Reads the name that `pg_typeof` gives a type.
fn family(name: &str) -> Family {
    match name {
        "text" | "character varying" | "character" | "name" | "unknown" => Family::Text,
        "smallint" | "integer" | "bigint" => Family::Integer,
        "numeric" | "real" | "double precision" => Family::Number,
        "boolean" => Family::Boolean,
        "date" => Family::Date,
        "timestamp without time zone" => Family::Timestamp,
        "timestamp with time zone" => Family::ZonedTimestamp,
        _ => Family::Other,
    }
}

/// The expression that a column of a kind reads, over one of a type; or what is wrong with the type.
pub(super) fn fitted(kind: Kind, holds_an_identifier: bool, sql: &str, name: &str) -> Result<String, String> {
    let as_text = || format!("CAST({sql} AS TEXT)");
    let family = family(name);
    let fitted = match (kind, family) {
        (Kind::Key | Kind::Geometry, _) | (Kind::Text | Kind::Date, Family::Text) => sql.to_owned(),
        (Kind::Text, Family::Integer | Family::Number) if holds_an_identifier => {
            return Err(format!("is of type {name}, which loses leading zeros: an identifier is a text"));
        }
        (Kind::Integer | Kind::Moment | Kind::Flag | Kind::Code(_), Family::Integer) => sql.to_owned(),
        (Kind::Text, _) => as_text(),
        (Kind::Date, Family::Date | Family::Timestamp) => format!("to_char({sql}, 'YYYY-MM-DD')"),
        (Kind::Date, Family::ZonedTimestamp) => format!("to_char({sql} AT TIME ZONE {ZONE}, 'YYYY-MM-DD')"),
        (Kind::Date, _) => as_text(),
        (Kind::Integer, Family::Number) => whole(sql),
        (Kind::Real, Family::Integer | Family::Number) if name == "double precision" => sql.to_owned(),
        (Kind::Real, Family::Integer | Family::Number) => format!("CAST({sql} AS DOUBLE PRECISION)"),
        (Kind::Flag, Family::Boolean) => format!("CASE WHEN {sql} THEN 1 WHEN NOT {sql} THEN 0 END"),
        (Kind::Moment, Family::ZonedTimestamp) => bounded_moment(sql, sql),
        (Kind::Moment, Family::Date | Family::Timestamp) => {
            bounded_moment(sql, &format!("(CAST({sql} AS TIMESTAMP) AT TIME ZONE {ZONE})"))
        }
        (Kind::Integer | Kind::Real | Kind::Flag | Kind::Moment | Kind::Code(_), _) => {
            return Err(format!("is of type {name}, and {} is read", wanted(kind)));
        }
    };
    Ok(fitted)
}

/// A number that is none, as SQL writes it.
pub(super) fn no_number() -> String {
    format!("CAST({NO_NUMBER} AS BIGINT)")
}

/// A number with a fraction is no whole one: to round it would be to make a value up. One that is too large would fail all
/// records of the statement.
fn whole(sql: &str) -> String {
    format!(
        "CASE WHEN {sql} = trunc({sql}) AND abs({sql}) < 9e18 THEN CAST({sql} AS BIGINT) \
         WHEN {sql} IS NOT NULL THEN {} END",
        no_number()
    )
}

/// The microseconds of a moment of the years that a timestamp of protobuf can tell. PostgreSQL knows moments, infinity
/// among them, that would fail all records of the statement.
fn bounded_moment(sql: &str, moment: &str) -> String {
    format!(
        "CASE WHEN {sql} >= '0001-01-02' AND {sql} < '9999-12-31' \
         THEN CAST(extract(epoch FROM {moment}) * 1000000 AS BIGINT) WHEN {sql} IS NOT NULL THEN {} END",
        no_number()
    )
}

fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer => "a whole number",
        Kind::Real => "a number",
        Kind::Flag => "a boolean, 0 or 1; others need codes",
        Kind::Moment => "a timestamp or a number of Unix microseconds",
        Kind::Code(_) => "the number of a code; others need codes",
        Kind::Key | Kind::Text | Kind::Date | Kind::Geometry => "a text",
    }
}

/// The type of a column that is not known.
pub(super) fn of_null(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Date | Kind::Geometry => "TEXT",
        Kind::Integer | Kind::Flag | Kind::Moment | Kind::Code(_) | Kind::Key => "BIGINT",
        Kind::Real => "DOUBLE PRECISION",
    }
}
