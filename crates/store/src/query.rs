use std::borrow::Cow;
use std::fmt;

/// One statement with its values.
///
/// Placeholders are `$1`, `$2` … in both databases. A statement is prepared once for each connection and kept there, so
/// its text must not hold what changes from call to call. One that is put together for the call is a [`Sql`](crate::Sql).
pub struct Query<'q> {
    pub(crate) sql: &'q str,
    pub(crate) values: Vec<Value<'q>>,
    /// Not kept prepared.
    pub(crate) once: bool,
}

impl<'q> Query<'q> {
    /// A statement without values yet.
    pub fn new(sql: &'q str) -> Self {
        Self { sql, values: Vec::new(), once: false }
    }

    /// Gives the next placeholder its value.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }
}

/// Values are personal data more often than not.
impl fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("sql", &self.sql).field("values", &self.values.len()).finish()
    }
}

/// A value of one of the portable types.
#[derive(Clone, PartialEq)]
pub enum Value<'q> {
    /// Compared with `TEXT`; in PostgreSQL with whatever type the statement asks for.
    Text(Cow<'q, str>),
    /// Compared with `BIGINT`, `INTEGER` and flags.
    Integer(i64),
    /// Compared with `DOUBLE PRECISION`.
    Real(f64),
    /// Compared with `BLOB` in SQLite and `BYTEA` in PostgreSQL.
    Bytes(Cow<'q, [u8]>),
    /// The values of one column of several rows, which PostgreSQL takes as one; SQLite does not. [`Sql`](crate::Sql) makes them.
    Array(Kind, Vec<Value<'q>>),
    /// No text.
    Null,
    /// No whole number. PostgreSQL wants to know what it is that there is none of.
    NoInteger,
    /// No real number.
    NoReal,
    /// No bytes.
    NoBytes,
}

/// A portable type that a whole column of values has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Value::Text`].
    Text,
    /// [`Value::Integer`].
    Integer,
    /// [`Value::Bytes`].
    Bytes,
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(..)",
            Self::Integer(_) => "Integer(..)",
            Self::Real(_) => "Real(..)",
            Self::Bytes(_) => "Bytes(..)",
            Self::Array(..) => "Array(..)",
            Self::Null => "Null",
            Self::NoInteger => "NoInteger",
            Self::NoReal => "NoReal",
            Self::NoBytes => "NoBytes",
        })
    }
}

/// What can be bound, and then can be missing too.
trait Portable {
    const MISSING: Value<'static>;
}

impl<'q, T: Into<Value<'q>> + Portable> From<Option<T>> for Value<'q> {
    fn from(value: Option<T>) -> Self {
        value.map_or(T::MISSING, Into::into)
    }
}

impl Portable for &str {
    const MISSING: Value<'static> = Value::Null;
}

impl<'q> From<&'q str> for Value<'q> {
    fn from(text: &'q str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl Portable for &String {
    const MISSING: Value<'static> = Value::Null;
}

impl<'q> From<&'q String> for Value<'q> {
    fn from(text: &'q String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl Portable for String {
    const MISSING: Value<'static> = Value::Null;
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl Portable for i64 {
    const MISSING: Value<'static> = Value::NoInteger;
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl Portable for i32 {
    const MISSING: Value<'static> = Value::NoInteger;
}

impl From<i32> for Value<'_> {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl Portable for u32 {
    const MISSING: Value<'static> = Value::NoInteger;
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl Portable for bool {
    const MISSING: Value<'static> = Value::NoInteger;
}

/// A flag is 0 or 1 in both databases.
impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Integer(flag.into())
    }
}

impl Portable for f64 {
    const MISSING: Value<'static> = Value::NoReal;
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl Portable for &[u8] {
    const MISSING: Value<'static> = Value::NoBytes;
}

impl<'q> From<&'q [u8]> for Value<'q> {
    fn from(bytes: &'q [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl<'q, const N: usize> From<&'q [u8; N]> for Value<'q> {
    fn from(bytes: &'q [u8; N]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl Portable for Vec<u8> {
    const MISSING: Value<'static> = Value::NoBytes;
}

impl From<Vec<u8>> for Value<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(bytes))
    }
}
