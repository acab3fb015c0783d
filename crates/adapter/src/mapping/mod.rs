//! How an agency's own tables become the relations that an adapter reads.
//!
//! The path: the configuration names, per relation, a table or a query and, per column, where its values come from →
//! [`Mapping::problems`] holds it against the relations → [`compile`] writes each mapped relation as a common table
//! expression, which stands in front of the adapter's SQL. So neither the adapter's queries nor its reading know of a mapping.
//!
//! A value that the mapping does not understand becomes one that no reader understands either: the code [`UNKNOWN_CODE`],
//! the date [`NO_DATE`], the number [`NO_NUMBER`]. It is counted when it is read, and nothing is invented in its place.

pub(crate) mod check;
pub(crate) mod compile;
mod date;
pub(crate) mod quote;
mod reads;
mod types;

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// What a code becomes that the mapping does not list.
pub(crate) const UNKNOWN_CODE: i64 = -1;
/// What a date becomes that is of none of the mapping's formats.
pub(crate) const NO_DATE: &str = "?";
/// What a number becomes that is no whole one, and a moment that is none.
pub(crate) const NO_NUMBER: i64 = i64::MIN;

/// Per relation, what stands for it. A relation that is not named is read under its own name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping(pub BTreeMap<String, MappedRelation>);

/// What stands for a relation: a table or a query, and where its columns come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct MappedRelation {
    /// A table or view, with its schema if need be: `cong_dan`, `dancu.cong_dan`.
    pub table: Option<String>,
    /// A query, for a relation that needs one.
    pub query: Option<String>,
    /// Per column of the relation, where its values come from. One that is not named is not known.
    pub columns: BTreeMap<String, MappedColumn>,
}

/// Where the values of a column come from: a column as it is, written as a text, or a table of these keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct MappedColumn {
    /// A column of the agency's table or query.
    pub column: Option<String>,
    /// An SQL expression over it, when nothing else helps.
    pub sql: Option<String>,
    /// Per code of the agency, the contract's name.
    pub codes: BTreeMap<String, String>,
    /// The forms of its dates, such as `dd/mm/yyyy`; of a moment, its unit; of a geometry, the systems of its coordinates, such
    /// as `EPSG:5897`.
    pub format: Vec<String>,
}

impl Mapping {
    /// Whether nothing is mapped: the source has the native schema.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl MappedColumn {
    /// A column as it is.
    pub fn of(column: impl Into<String>) -> Self {
        Self { column: Some(column.into()), ..Self::default() }
    }
}

impl<'de> Deserialize<'de> for MappedColumn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrTable)
    }
}

/// The keys of a column that is not a mere name.
#[derive(Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[derive(Default)]
struct Keys {
    column: Option<String>,
    sql: Option<String>,
    codes: BTreeMap<String, String>,
    format: Vec<String>,
}

/// Tells what is wrong inside a table, which an untagged enum would not.
struct TextOrTable;

impl<'de> Visitor<'de> for TextOrTable {
    type Value = MappedColumn;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of a column, or a table with column or sql, codes and format")
    }

    fn visit_str<E>(self, column: &str) -> Result<MappedColumn, E> {
        Ok(MappedColumn::of(column))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MappedColumn, A::Error> {
        let Keys { column, sql, codes, format } = Keys::deserialize(MapAccessDeserializer::new(map))?;
        Ok(MappedColumn { column, sql, codes, format })
    }
}
