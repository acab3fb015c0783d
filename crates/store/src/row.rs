use std::fmt;

use crate::{Error, postgres, sqlite};

/// One row of an answer, read by the names of its columns.
///
/// Reading fails with [`Error::Schema`] or [`Error::Value`], which name the column and never a value.
pub struct Row(pub(crate) Inner);

pub(crate) enum Inner {
    Sqlite(sqlx::sqlite::SqliteRow),
    Postgres(tokio_postgres::Row),
}

/// What a database holds in one column of one row, in the portable types.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Cell<'r> {
    Null,
    Text(&'r str),
    Bytes(&'r [u8]),
    Integer(i64),
    Real(f64),
    Flag(bool),
}

impl Row {
    /// The text of a column; empty when there is none.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn text(&self, column: &str) -> Result<String, Error> {
        Ok(self.maybe_text(column)?.unwrap_or_default())
    }

    /// The text of a column, if there is any.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn maybe_text(&self, column: &str) -> Result<Option<String>, Error> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text.to_owned())),
            Cell::Bytes(_) | Cell::Integer(_) | Cell::Real(_) | Cell::Flag(_) => Err(of_another_type(column)),
        }
    }

    /// The whole number in a column.
    ///
    /// # Errors
    /// There is no such column, or it is null or holds something else.
    pub fn integer(&self, column: &str) -> Result<i64, Error> {
        self.maybe_integer(column)?.ok_or_else(|| is_null(column))
    }

    /// The whole number in a column, if there is any.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn maybe_integer(&self, column: &str) -> Result<Option<i64>, Error> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Integer(number) => Ok(Some(number)),
            Cell::Text(_) | Cell::Bytes(_) | Cell::Real(_) | Cell::Flag(_) => Err(of_another_type(column)),
        }
    }

    /// The number in a column, if there is any.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn maybe_real(&self, column: &str) -> Result<Option<f64>, Error> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Real(number) => Ok(Some(number)),
            // An expression may well yield a whole number where its column would hold a real one.
            #[allow(clippy::cast_precision_loss)]
            Cell::Integer(number) => Ok(Some(number as f64)),
            Cell::Text(_) | Cell::Bytes(_) | Cell::Flag(_) => Err(of_another_type(column)),
        }
    }

    /// The flag in a column: 0, 1 or a boolean.
    ///
    /// # Errors
    /// There is no such column, or it is null or holds something else.
    pub fn flag(&self, column: &str) -> Result<bool, Error> {
        match self.cell(column)? {
            Cell::Null => Err(is_null(column)),
            Cell::Flag(flag) => Ok(flag),
            Cell::Integer(number @ (0 | 1)) => Ok(number == 1),
            Cell::Integer(_) | Cell::Text(_) | Cell::Bytes(_) | Cell::Real(_) => Err(of_another_type(column)),
        }
    }

    /// The bytes in a column.
    ///
    /// # Errors
    /// There is no such column, or it is null or holds something else.
    pub fn bytes(&self, column: &str) -> Result<&[u8], Error> {
        self.maybe_bytes(column)?.ok_or_else(|| is_null(column))
    }

    /// The bytes in a column, if there are any.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn maybe_bytes(&self, column: &str) -> Result<Option<&[u8]>, Error> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Bytes(bytes) => Ok(Some(bytes)),
            Cell::Text(_) | Cell::Integer(_) | Cell::Real(_) | Cell::Flag(_) => Err(of_another_type(column)),
        }
    }

    fn cell(&self, column: &str) -> Result<Cell<'_>, Error> {
        match &self.0 {
            Inner::Sqlite(row) => sqlite::cell(row, column),
            Inner::Postgres(row) => postgres::cell(row, column),
        }
    }
}

/// A row is personal data more often than not.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").finish_non_exhaustive()
    }
}

pub(crate) fn is_missing(column: &str) -> Error {
    Error::column(column, "is missing")
}

pub(crate) fn of_another_type(column: &str) -> Error {
    Error::Value { column: column.to_owned() }
}

fn is_null(column: &str) -> Error {
    Error::column(column, "is null")
}
