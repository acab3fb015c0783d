//! Holds a mapping against the relations of its adapter, without a database.

use std::collections::BTreeSet;

use super::date::{ACCEPTED, Form};
use super::{MappedColumn, MappedRelation, Mapping, quote, reads};
use crate::relation::{Codes, Column, Kind, Relation};

/// What is wrong with a key of a mapping. The key is relative to the mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Such as `citizen.columns.sex`.
    pub key: String,
    /// What is wrong, and what is accepted.
    pub found: String,
}

/// Units of a moment, with how many of Unix microseconds one is.
pub(crate) const UNITS: &[(&str, i64)] = &[("unix-s", 1_000_000), ("unix-ms", 1_000), ("unix-us", 1)];

impl Mapping {
    /// Everything that is wrong with the mapping for an adapter that reads these relations.
    pub fn problems(&self, relations: &[Relation]) -> Vec<Problem> {
        let mut problems = Problems::default();
        for (name, mapped) in &self.0 {
            match relations.iter().find(|relation| relation.name == name) {
                Some(relation) => {
                    problems.of_relation(relation, mapped);
                    problems.of_reading(self, name, mapped);
                }
                None => {
                    let known = listed(relations.iter().map(|relation| relation.name));
                    problems.add(name, format!("there is no such relation; accepted: {known}"));
                }
            }
        }
        problems.0
    }
}

#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, key: &str, found: impl Into<String>) {
        self.0.push(Problem { key: key.to_owned(), found: found.into() });
    }

    fn of_relation(&mut self, relation: &Relation, mapped: &MappedRelation) {
        match (&mapped.table, &mapped.query) {
            (Some(table), None) if table.split('.').all(quote::is_name) => {}
            (Some(_), None) => self.add(&format!("{}.table", relation.name), "is not the name of a table"),
            (None, Some(query)) if !query.trim().is_empty() => {}
            (None, Some(_) | None) => self.add(relation.name, "needs a table or a query"),
            (Some(_), Some(_)) => self.add(relation.name, "has both a table and a query; only one is read"),
        }
        for column in relation.columns.iter().filter(|column| column.required) {
            if !mapped.columns.contains_key(column.name) {
                self.add(&format!("{}.columns.{}", relation.name, column.name), "is required and not mapped");
            }
        }
        for (name, mapped) in &mapped.columns {
            let key = format!("{}.columns.{name}", relation.name);
            match relation.column(name) {
                Some(column) => self.of_column(&key, column, mapped),
                None => {
                    let known = listed(relation.columns.iter().map(|column| column.name));
                    self.add(&key, format!("there is no such column; accepted: {known}"));
                }
            }
        }
    }

    /// What stands for a relation stands in front of every statement, under the relation's name: a table of that name is found
    /// only with its schema.
    fn of_reading(&mut self, mapping: &Mapping, name: &str, mapped: &MappedRelation) {
        let of_columns =
            mapped.columns.iter().map(|(column, of)| (format!("{name}.columns.{column}"), &of.sql));
        let all = std::iter::once((format!("{name}.query"), &mapped.query)).chain(of_columns);
        for (key, sql) in all {
            let tables = reads::tables_without_schema(sql.as_deref().unwrap_or_default());
            let is_read =
                |relation: &&String| tables.iter().any(|table| table.eq_ignore_ascii_case(relation));
            for relation in mapping.0.keys().filter(is_read) {
                self.add(
                    &key,
                    format!("{relation} means the mapped relation here: write the table with its schema, such as main.{relation} or public.{relation}"),
                );
            }
        }
    }

    fn of_column(&mut self, key: &str, column: &Column, mapped: &MappedColumn) {
        match (&mapped.column, &mapped.sql) {
            (Some(name), None) if quote::is_name(name) => {}
            (None, Some(sql)) if !sql.trim().is_empty() => {}
            (Some(_), None) => self.add(key, "is not the name of a column"),
            (None, Some(_) | None) => self.add(key, "needs a column or sql"),
            (Some(_), Some(_)) => self.add(key, "has both a column and sql; only one is read"),
        }
        match column.codes() {
            Some(codes) => self.of_codes(key, codes, mapped),
            None if !mapped.codes.is_empty() => self.add(key, "holds no code, so that codes have no meaning"),
            None => {}
        }
        match column.kind {
            Kind::Date => self.of_dates(key, mapped),
            Kind::Moment => self.of_moments(key, mapped),
            // Its adapter knows which systems of coordinates there are.
            Kind::Geometry => {}
            Kind::Key | Kind::Text | Kind::Integer | Kind::Real | Kind::Flag | Kind::Code(_) => {
                if !mapped.format.is_empty() {
                    self.add(key, "holds no date, moment or geometry, so that format has no meaning");
                }
            }
        }
    }

    fn of_codes(&mut self, key: &str, codes: Codes, mapped: &MappedColumn) {
        let known: BTreeSet<&str> = codes.iter().map(|(name, _)| *name).collect();
        for (code, name) in &mapped.codes {
            if !known.contains(name.as_str()) {
                let accepted = listed(codes.iter().map(|(name, _)| *name));
                self.add(
                    &format!("{key}.codes.{code}"),
                    format!("the contract has no code {name:?}; accepted: {accepted}"),
                );
            }
        }
    }

    fn of_dates(&mut self, key: &str, mapped: &MappedColumn) {
        let mut forms: Vec<(&str, Form)> = Vec::new();
        for text in &mapped.format {
            let Some(form) = Form::parse(text) else {
                self.add(
                    &format!("{key}.format"),
                    format!("{text:?} is no form of dates; accepted: {ACCEPTED}"),
                );
                continue;
            };
            if let Some((other, _)) = forms.iter().find(|(_, other)| other.is_as(&form)) {
                let found = format!("{other:?} and {text:?} cannot be told apart");
                self.add(&format!("{key}.format"), found);
            }
            forms.push((text, form));
        }
    }

    fn of_moments(&mut self, key: &str, mapped: &MappedColumn) {
        let is_unit = |text: &String| UNITS.iter().any(|(unit, _)| unit == text);
        if mapped.format.len() > 1 || !mapped.format.iter().all(is_unit) {
            let accepted = listed(UNITS.iter().map(|(unit, _)| *unit));
            self.add(&format!("{key}.format"), format!("is no unit of moments; accepted: one of {accepted}"));
        }
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
