//! The rows that records become, the same for every database: a table, its columns, and values in their order.

pub(super) mod business;
pub(super) mod education;
pub(super) mod health;
pub(super) mod land;
pub(super) mod population;

use std::borrow::Cow;
use std::collections::HashMap;

use lgsp_identifiers::{Code, Kind, PartialDate, WardCode};

use super::{SCHEMA_VERSION, Summary};
use crate::land::geometry::Point;
use crate::record::PostalAddress;

/// A table with the columns that are written.
pub(super) struct Table {
    pub name: &'static str,
    pub columns: &'static [&'static str],
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(Cow<'a, str>),
}

/// A border in WGS 84, with the EPSG code of the dataset that it comes from. Only some databases have a column for it.
pub(super) struct Border<'a> {
    pub points: &'a [Point],
    pub epsg: i32,
}

/// Rows of one table.
pub(super) struct Rows<'a> {
    pub table: &'static Table,
    values: Vec<Value<'a>>,
    /// One for each row, or none at all.
    pub borders: Vec<Border<'a>>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(table: &'static Table) -> Self {
        Self { table, values: Vec::new(), borders: Vec::new() }
    }

    /// Adds a row with a value for each column.
    fn push<const COLUMNS: usize>(&mut self, row: [Value<'a>; COLUMNS]) {
        debug_assert_eq!(COLUMNS, self.table.columns.len(), "a value for each column of {}", self.table.name);
        self.values.extend(row);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Row after row, each with its values.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[Value<'a>]> {
        self.values.chunks(self.table.columns.len())
    }
}

/// The last id that each table has given out.
#[derive(Default)]
pub(super) struct Ids(HashMap<&'static str, i64>);

impl Ids {
    fn of(&mut self, table: &'static Table) -> &mut i64 {
        self.0.entry(table.name).or_default()
    }
}

/// The id after the last one.
fn next(id: &mut i64) -> Value<'static> {
    *id += 1;
    Value::Integer(*id)
}

static SOURCE: Table =
    Table { name: "source", columns: &["one", "name", "agency_code", "synthetic", "schema_version"] };

static SAMPLE: Table =
    Table { name: "sample", columns: &["one", "seed", "citizens", "households", "parcels", "generation"] };

/// Who answers for the records.
pub(super) fn source(name: &'static str, agency_code: &'static str) -> Rows<'static> {
    let mut rows = Rows::of(&SOURCE);
    rows.push([1.into(), name.into(), agency_code.into(), true.into(), SCHEMA_VERSION.into()]);
    rows
}

/// How the records were made.
pub(super) fn sample(summary: &Summary) -> Rows<'static> {
    let mut rows = Rows::of(&SAMPLE);
    rows.push([
        1.into(),
        summary.config.seed.to_string().into(),
        summary.config.citizens.into(),
        summary.households.into(),
        summary.parcels.into(),
        summary.generation.into(),
    ]);
    rows
}

/// The four columns of an address: line, ward in use, former ward, text.
fn address(address: &PostalAddress) -> [Value<'_>; 4] {
    let PostalAddress { line, ward, former_ward, text } = address;
    [line.into(), (*ward).into(), (*former_ward).into(), text.into()]
}

/// A list as one text.
fn list(items: &[&str]) -> Value<'static> {
    if items.is_empty() { Value::Null } else { items.join("; ").into() }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, T::into)
    }
}

impl<'a, T> From<&'a Option<T>> for Value<'a>
where
    &'a T: Into<Value<'a>>,
{
    fn from(value: &'a Option<T>) -> Self {
        value.as_ref().into()
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a, K: Kind> From<&'a Code<K>> for Value<'a> {
    fn from(code: &'a Code<K>) -> Self {
        Self::Text(Cow::Borrowed(code.as_str()))
    }
}

impl From<PartialDate> for Value<'_> {
    fn from(date: PartialDate) -> Self {
        Self::Text(Cow::Owned(date.to_string()))
    }
}

impl From<WardCode> for Value<'_> {
    fn from(code: WardCode) -> Self {
        Self::Text(Cow::Owned(code.to_string()))
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<i32> for Value<'_> {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Integer(flag.into())
    }
}
