use std::error::Error as StdError;

use bytes::BytesMut;
use tokio_postgres::Row;
use tokio_postgres::types::{Format, FromSql, IsNull, Kind as Nature, ToSql, Type, to_sql_checked};

use super::numeric;
use crate::query::Kind;
use crate::row::{Cell, is_missing, of_another_type};
use crate::{Error, Value};

type Failure = Box<dyn StdError + Sync + Send>;

/// The types that placeholders are announced with.
///
/// Numbers have their own, so that an expression does not become too narrow for them. What a text is compared with, the
/// server finds out, so that an index on any textual type is used; unless it cannot, and texts are texts.
pub(super) fn announced(values: &[Value<'_>], text: &Type) -> Vec<Type> {
    let announced = values.iter().map(|value| match value {
        Value::Text(_) | Value::Null => text.clone(),
        Value::Integer(_) | Value::NoInteger => Type::INT8,
        Value::Real(_) | Value::NoReal => Type::FLOAT8,
        Value::Bytes(_) | Value::NoBytes => Type::BYTEA,
        Value::Array(kind, _) => array(*kind),
    });
    announced.collect()
}

fn array(kind: Kind) -> Type {
    match kind {
        Kind::Text => Type::TEXT_ARRAY,
        Kind::Integer => Type::INT8_ARRAY,
        Kind::Bytes => Type::BYTEA_ARRAY,
    }
}

/// In binary: a text would have to be quoted.
fn array_to_sql(kind: Kind, values: &[Value<'_>], out: &mut BytesMut) -> Result<IsNull, Failure> {
    let announced = array(kind);
    match kind {
        Kind::Text => elements(values, text).to_sql(&announced, out),
        Kind::Integer => elements(values, integer).to_sql(&announced, out),
        Kind::Bytes => elements(values, bytes).to_sql(&announced, out),
    }
}

fn elements<'v, T>(values: &'v [Value<'_>], element: impl Fn(&'v Value<'_>) -> Option<T>) -> Vec<Option<T>> {
    values.iter().map(element).collect()
}

fn text<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

fn integer(value: &Value<'_>) -> Option<i64> {
    if let Value::Integer(number) = value { Some(*number) } else { None }
}

fn bytes<'v>(value: &'v Value<'_>) -> Option<&'v [u8]> {
    if let Value::Bytes(bytes) = value { Some(bytes) } else { None }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match self {
            Value::Text(text) => out.extend_from_slice(text.as_bytes()),
            Value::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Value::Real(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Value::Bytes(bytes) => out.extend_from_slice(bytes),
            Value::Array(kind, values) => return array_to_sql(*kind, values, out),
            Value::Null | Value::NoInteger | Value::NoReal | Value::NoBytes => return Ok(IsNull::Yes),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    /// The server reads a text as whatever type it expects.
    fn encode_format(&self, _: &Type) -> Format {
        match self {
            Value::Bytes(_) | Value::Array(..) => Format::Binary,
            Value::Text(_) | Value::Integer(_) | Value::Real(_) => Format::Text,
            Value::Null | Value::NoInteger | Value::NoReal | Value::NoBytes => Format::Text,
        }
    }

    to_sql_checked!();
}

/// Reads what PostgreSQL holds.
pub(crate) fn cell<'r>(row: &'r Row, column: &str) -> Result<Cell<'r>, Error> {
    let Some(position) = row.columns().iter().position(|found| found.name() == column) else {
        return Err(is_missing(column));
    };
    match row.try_get::<_, Option<Cell<'r>>>(position) {
        Ok(cell) => Ok(cell.unwrap_or(Cell::Null)),
        Err(_) => Err(of_another_type(column)),
    }
}

impl<'r> FromSql<'r> for Cell<'r> {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> Result<Self, Failure> {
        let kind = plain(kind);
        Ok(match *kind {
            Type::INT2 => Cell::Integer(i16::from_sql(kind, raw)?.into()),
            Type::INT4 => Cell::Integer(i32::from_sql(kind, raw)?.into()),
            Type::INT8 => Cell::Integer(i64::from_sql(kind, raw)?),
            Type::FLOAT4 => Cell::Real(f32::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => Cell::Real(f64::from_sql(kind, raw)?),
            Type::NUMERIC => numeric::read(raw).ok_or("no portable number")?,
            Type::BOOL => Cell::Flag(bool::from_sql(kind, raw)?),
            Type::BYTEA => Cell::Bytes(<&[u8]>::from_sql(kind, raw)?),
            // Its padding means nothing.
            Type::BPCHAR => Cell::Text(<&str>::from_sql(kind, raw)?.trim_end_matches(' ')),
            _ => Cell::Text(<&str>::from_sql(&Type::TEXT, raw)?),
        })
    }

    fn accepts(kind: &Type) -> bool {
        let kind = plain(kind);
        matches!(
            *kind,
            Type::INT2
                | Type::INT4
                | Type::INT8
                | Type::FLOAT4
                | Type::FLOAT8
                | Type::NUMERIC
                | Type::BOOL
                | Type::BYTEA
        ) || matches!(kind.kind(), Nature::Enum(_))
            || <&str as FromSql<'_>>::accepts(kind)
    }
}

/// A domain holds what its base type holds.
fn plain(kind: &Type) -> &Type {
    match kind.kind() {
        Nature::Domain(base) => plain(base),
        _ => kind,
    }
}
