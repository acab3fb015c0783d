use std::borrow::Cow;

use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _, Sqlite, TypeInfo, ValueRef};

use crate::row::{Cell, is_missing, of_another_type};
use crate::{Error, Query, Value};

/// The statement as the driver takes it.
pub(super) fn statement<'q>(query: &Query<'q>) -> sqlx::query::Query<'q, Sqlite, SqliteArguments> {
    // Adapters write their statements themselves, and a mapping is written by the operator; values are bound.
    let mut statement = sqlx::query(AssertSqlSafe(query.sql));
    for value in &query.values {
        statement = match value {
            Value::Text(text) => statement.bind(text.clone().into_owned()),
            Value::Integer(number) => statement.bind(*number),
            Value::Real(number) => statement.bind(*number),
            Value::Bytes(bytes) => statement.bind(bytes.clone().into_owned()),
            // Nobody gives SQLite an array: it would find nothing by it.
            Value::Array(..) | Value::Null | Value::NoInteger | Value::NoReal | Value::NoBytes => {
                statement.bind(None::<i64>)
            }
        };
    }
    statement.persistent(!query.once)
}

/// Reads what SQLite holds, whatever type the column was declared with.
pub(crate) fn cell<'r>(row: &'r SqliteRow, column: &str) -> Result<Cell<'r>, Error> {
    let value = row.try_get_raw(column).map_err(|_| is_missing(column))?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let kind: Cow<'_, _> = value.type_info();
    let cell = match kind.name() {
        "TEXT" => row.try_get_unchecked(column).map(Cell::Text),
        "INTEGER" => row.try_get_unchecked(column).map(Cell::Integer),
        "BLOB" => row.try_get_unchecked(column).map(Cell::Bytes),
        "REAL" => row.try_get_unchecked(column).map(Cell::Real),
        _ => return Err(of_another_type(column)),
    };
    cell.map_err(|_| of_another_type(column))
}
