//! Writes what an adapter reads as SQL: a native relation as its table, a mapped one as a common table expression.

use std::collections::BTreeMap;

use lgsp_store::Dialect;

use super::check::{Problem, UNITS};
use super::date::{self, Form};
use super::{MappedColumn, MappedRelation, UNKNOWN_CODE, quote, types};
use crate::relation::{Codes, Column, Kind, Relation};

/// The alias of an agency's table. Columns are always named with it: SQLite reads an unknown quoted name that stands alone as
/// a text, and not as a mistake.
fn alias(relation: &Relation) -> String {
    format!("of_{}", relation.name)
}

/// A relation as its database has it.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub(crate) relation: &'static Relation,
    /// What stands after `FROM`, with the alias.
    pub(crate) from: String,
    /// Whether statements need an expression for it: it is not a table of its own name.
    pub(crate) is_expression: bool,
    /// In the order of the relation's columns.
    pub(crate) columns: Vec<Expression>,
}

/// Where the values of a column come from.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(crate) column: &'static Column,
    /// What the agency holds; `None` if nothing is mapped.
    pub(crate) raw: Option<String>,
    /// What the adapter reads.
    pub(crate) sql: String,
    /// PostgreSQL's name of the type of what the agency holds, if a mapping says what that is.
    pub(crate) type_name: Option<String>,
}

/// What the types of an agency's columns are, by the name of the relation's column. SQLite has none.
pub(crate) type Types = BTreeMap<&'static str, String>;

impl Compiled {
    /// A relation that is a table of its own name.
    pub(crate) fn native(relation: &'static Relation) -> Self {
        let columns = relation.columns.iter().map(|column| {
            let sql = of_column(relation, column.name);
            Expression { column, raw: Some(sql.clone()), sql, type_name: None }
        });
        let from = format!("{} AS {}", quote::name(relation.name), alias(relation));
        Self { relation, from, is_expression: false, columns: columns.collect() }
    }

    /// A relation that the source does not have: it is empty.
    pub(crate) fn empty(relation: &'static Relation, dialect: Dialect, keys: &KeyTypes) -> Self {
        let columns = relation.columns.iter().map(|column| {
            let sql = null(relation, column, dialect, keys);
            Expression { column, raw: None, sql, type_name: None }
        });
        let from = format!("(SELECT 1 AS one WHERE 1 = 0) AS {}", alias(relation));
        Self { relation, from, is_expression: true, columns: columns.collect() }
    }

    /// The common table expression that stands for the relation.
    pub(crate) fn expression(&self) -> String {
        let name = |expression: &Expression| format!("{} AS {}", expression.sql, expression.column.name);
        let columns = self.columns.iter().map(name).collect::<Vec<_>>().join(",\n    ");
        format!(
            "{} AS NOT MATERIALIZED (\n  SELECT\n    {columns}\n  FROM {})",
            self.relation.name, self.from
        )
    }

    /// Where the values of a column come from.
    pub(crate) fn column(&self, name: &str) -> Option<&Expression> {
        self.columns.iter().find(|expression| expression.column.name == name)
    }
}

/// The types of keys by the column that they point to in the end: the two sides of a join have one type.
#[derive(Debug, Default)]
pub(crate) struct KeyTypes(BTreeMap<(&'static str, &'static str), String>);

impl KeyTypes {
    /// Notes the types of a mapped relation's keys.
    pub(crate) fn learn(&mut self, relation: &Relation, types: &Types) {
        for column in relation.columns.iter().filter(|column| column.kind == Kind::Key) {
            if let Some(name) = types.get(column.name) {
                self.0.insert(pointed_to(relation, column), name.clone());
            }
        }
    }
}

fn pointed_to(relation: &Relation, column: &Column) -> (&'static str, &'static str) {
    column.refers.unwrap_or((relation.name, column.name))
}

/// What stands after `FROM` for a mapped relation: its table, found in a schema, or its query.
pub(crate) fn from(relation: &Relation, mapped: &MappedRelation, table: &str) -> String {
    let alias = alias(relation);
    match &mapped.query {
        // On lines of its own, so that a comment at its end does not swallow what follows.
        Some(query) => format!("(\n{}\n) AS {alias}", query.trim().trim_end_matches(';')),
        None => format!("{} AS {alias}", quote::path(table)),
    }
}

/// What an agency holds in a mapped column.
pub(crate) fn raw(relation: &Relation, mapped: &MappedColumn) -> String {
    match (&mapped.column, &mapped.sql) {
        (_, Some(sql)) => format!("({})", sql.trim()),
        (Some(column), None) => of_column(relation, column),
        // Refused before: a column comes from somewhere.
        (None, None) => "NULL".to_owned(),
    }
}

fn of_column(relation: &Relation, name: &str) -> String {
    format!("{}.{}", alias(relation), quote::name(name))
}

/// Compiles a mapped relation.
///
/// # Errors
/// Columns whose type does not fit.
pub(crate) fn compile(
    relation: &'static Relation,
    mapped: &MappedRelation,
    from: String,
    dialect: Dialect,
    types: &Types,
    keys: &KeyTypes,
) -> Result<Compiled, Vec<Problem>> {
    let (mut columns, mut problems) = (Vec::with_capacity(relation.columns.len()), Vec::new());
    for column in relation.columns {
        let Some(of_agency) = mapped.columns.get(column.name) else {
            let sql = null(relation, column, dialect, keys);
            columns.push(Expression { column, raw: None, sql, type_name: None });
            continue;
        };
        let raw = raw(relation, of_agency);
        let type_name = types.get(column.name).cloned();
        match understood(column, of_agency, &raw, type_name.as_deref()) {
            Ok(sql) => columns.push(Expression { column, raw: Some(raw), sql, type_name }),
            Err(found) => {
                problems.push(Problem { key: format!("{}.columns.{}", relation.name, column.name), found });
            }
        }
    }
    if problems.is_empty() {
        Ok(Compiled { relation, from, is_expression: true, columns })
    } else {
        Err(problems)
    }
}

/// The expression over what the agency holds. `type_name` is PostgreSQL's.
fn understood(
    column: &Column,
    mapped: &MappedColumn,
    raw: &str,
    type_name: Option<&str>,
) -> Result<String, String> {
    if let Some(codes) = column.codes().filter(|_| !mapped.codes.is_empty()) {
        return Ok(of_codes(raw, codes, mapped));
    }
    let fitted = match type_name {
        Some(name) => types::fitted(column.kind, column.holds.is_some(), raw, name)?,
        // A column of SQLite may hold anything, text where we expect the number of a code.
        None if column.codes().is_some() => {
            format!("CASE WHEN typeof({raw}) IN ('integer', 'null') THEN {raw} ELSE {UNKNOWN_CODE} END")
        }
        None => raw.to_owned(),
    };
    Ok(match column.kind {
        // What was no text already is in our form.
        Kind::Date if fitted.starts_with("to_char") => fitted,
        Kind::Date if mapped.format.is_empty() => date::known(&fitted),
        Kind::Date => {
            let forms: Vec<Form> = mapped.format.iter().filter_map(|text| Form::parse(text)).collect();
            date::expression(&fitted, &forms)
        }
        // What was no number already is in our unit.
        Kind::Moment if fitted == raw => in_microseconds(&fitted, mapped),
        Kind::Key
        | Kind::Text
        | Kind::Integer
        | Kind::Real
        | Kind::Flag
        | Kind::Moment
        | Kind::Code(_)
        | Kind::Geometry => fitted,
    })
}

fn of_codes(raw: &str, codes: Codes, mapped: &MappedColumn) -> String {
    let mut arms = String::new();
    for (code, name) in &mapped.codes {
        if let Some((_, number)) = codes.iter().find(|(known, _)| known == name) {
            arms.push_str(&format!(" WHEN {} THEN {number}", quote::text(code)));
        }
    }
    format!(
        "CASE WHEN {raw} IS NULL THEN NULL ELSE CASE CAST({raw} AS TEXT){arms} ELSE {UNKNOWN_CODE} END END"
    )
}

/// A product that is too large would fail all records of the statement.
fn in_microseconds(sql: &str, mapped: &MappedColumn) -> String {
    let unit = mapped.format.first().and_then(|text| UNITS.iter().find(|(unit, _)| unit == text));
    let Some((_, factor @ 2..)) = unit else { return sql.to_owned() };
    let most = i64::MAX / factor;
    format!(
        "CASE WHEN {sql} BETWEEN -{most} AND {most} THEN {sql} * CAST({factor} AS BIGINT) \
         WHEN {sql} IS NOT NULL THEN {} END",
        types::no_number()
    )
}

fn null(relation: &Relation, column: &Column, dialect: Dialect, keys: &KeyTypes) -> String {
    match (dialect, column.kind) {
        (Dialect::Sqlite, _) => "NULL".to_owned(),
        (Dialect::Postgres, Kind::Key) => {
            let name = keys.0.get(&pointed_to(relation, column)).map(String::as_str);
            format!("CAST(NULL AS {})", name.unwrap_or_else(|| types::of_null(Kind::Key)))
        }
        (Dialect::Postgres, kind) => format!("CAST(NULL AS {})", types::of_null(kind)),
    }
}
