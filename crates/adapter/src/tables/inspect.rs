//! Holds a database against the relations and their mapping, and names every difference at once.

use lgsp_store::{Dialect, Error as StoreError, Query, Reader, Store};
use tokio::time::Instant;

use super::Statement;
use crate::mapping::check::Problem;
use crate::mapping::compile::{self, Compiled, KeyTypes, Types};
use crate::mapping::{MappedRelation, Mapping, quote};
use crate::relation::Relation;
use crate::{Mismatch, OpenError, Tables};

/// What the adapter's relations are in this database.
pub(super) async fn relations(
    store: &Store,
    mapping: &Mapping,
    relations: &'static [Relation],
    deadline: Instant,
) -> Result<Vec<Compiled>, OpenError> {
    let problems = mapping.problems(relations);
    if !problems.is_empty() {
        return Err(OpenError::Mismatch(problems.into_iter().map(of_mapping).collect()));
    }
    let mut inspection = Inspection { store, deadline, mismatches: Vec::new() };
    let (mut found, mut keys) = (Vec::new(), KeyTypes::default());
    for relation in relations {
        let Some(mapped) = mapping.0.get(relation.name) else { continue };
        let Some(from) = inspection.from(relation, mapped).await? else { continue };
        let types = inspection.columns(relation, mapped, &from).await?;
        keys.learn(relation, &types);
        found.push((relation, mapped, from, types));
    }
    let mut compiled = Vec::with_capacity(relations.len());
    for (relation, mapped, from, types) in found {
        match compile::compile(relation, mapped, from, store.dialect(), &types, &keys) {
            Ok(relation) => compiled.push(relation),
            Err(problems) => inspection.mismatches.extend(problems.into_iter().map(of_mapping)),
        }
    }
    for relation in relations.iter().filter(|relation| !mapping.0.contains_key(relation.name)) {
        match inspection.native(relation, mapping).await? {
            Native::There => compiled.push(Compiled::native(relation)),
            Native::Absent => compiled.push(Compiled::empty(relation, store.dialect(), &keys)),
            Native::Differs => {}
        }
    }
    if inspection.mismatches.is_empty() {
        inspection.together(&compiled).await?;
    }
    if !inspection.mismatches.is_empty() {
        return Err(OpenError::Mismatch(inspection.mismatches));
    }
    Ok(compiled)
}

impl Tables {
    /// PostgreSQL's name of the type that an agency's column has: for an adapter whose SQL depends on it. `None` for what is not
    /// mapped, and on SQLite.
    pub fn type_of(&self, relation: &str, column: &str) -> Option<&str> {
        let relation = self.relations.iter().find(|compiled| compiled.relation.name == relation)?;
        relation.column(column)?.type_name.as_deref()
    }
}

/// What an unmapped relation is in the database.
enum Native {
    There,
    /// It may be absent, and is.
    Absent,
    Differs,
}

struct Inspection<'a> {
    store: &'a Store,
    deadline: Instant,
    mismatches: Vec<Mismatch>,
}

impl Inspection<'_> {
    fn note(&mut self, place: impl Into<String>, found: impl Into<String>) {
        self.mismatches.push(Mismatch { place: place.into(), found: found.into() });
    }

    /// A reader of its own for each question: one that failed may have spoilt its reader.
    async fn reader(&self) -> Result<Reader, StoreError> {
        self.store.reader(self.deadline).await
    }

    /// What stands after `FROM` for a mapped relation, if the database has it.
    async fn from(
        &mut self,
        relation: &Relation,
        mapped: &MappedRelation,
    ) -> Result<Option<String>, OpenError> {
        let (key, table) = match &mapped.table {
            Some(table) => ("table", self.qualified(table).await?),
            None => ("query", None),
        };
        let from =
            compile::from(relation, mapped, table.as_deref().or(mapped.table.as_deref()).unwrap_or_default());
        match self.asked(&format!("SELECT 1 AS one FROM {from} LIMIT 0")).await? {
            None => Ok(Some(from)),
            Some(refused) => {
                let what = mapped.table.as_ref().map_or_else(
                    || "the database refuses the query".to_owned(),
                    |table| format!("the database has no table {table} that the adapter may read"),
                );
                self.note(format!("mapping.{}.{key}", relation.name), format!("{what} ({refused})"));
                Ok(None)
            }
        }
    }

    /// A table with the schema that it is found in: only so is it never taken for an expression of the same name.
    async fn qualified(&self, table: &str) -> Result<Option<String>, OpenError> {
        if table.contains('.') {
            return Ok(None);
        }
        match self.store.dialect() {
            Dialect::Sqlite => Ok(Some(format!("main.{table}"))),
            Dialect::Postgres => {
                let quoted = quote::name(table);
                let select = "SELECT n.nspname::text AS schema FROM pg_catalog.pg_class c \
                     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(CAST($1 AS TEXT))";
                let row = self.reader().await?.optional(Query::new(select).bind(&quoted)).await?;
                Ok(row.map(|row| row.text("schema")).transpose()?.map(|schema| format!("{schema}.{table}")))
            }
        }
    }

    /// The types of a mapped relation's columns; those that the database does not have are noted.
    async fn columns(
        &mut self,
        relation: &'static Relation,
        mapped: &MappedRelation,
        from: &str,
    ) -> Result<Types, OpenError> {
        let mut types = Types::new();
        for column in relation.columns {
            let Some(of_agency) = mapped.columns.get(column.name) else { continue };
            match self.type_of(&compile::raw(relation, of_agency), from).await? {
                Ok(Some(name)) => drop(types.insert(column.name, name)),
                Ok(None) => {}
                Err(refused) => {
                    let key = format!("mapping.{}.columns.{}", relation.name, column.name);
                    let found = match &of_agency.column {
                        Some(name) => format!("there is no column {name} ({refused})"),
                        None => format!("the database refuses the expression ({refused})"),
                    };
                    self.note(key, found);
                }
            }
        }
        Ok(types)
    }

    /// PostgreSQL's name of the type of an expression, of which SQLite has none; or why there is no such expression.
    async fn type_of(&self, raw: &str, from: &str) -> Result<Result<Option<String>, String>, OpenError> {
        let sql = match self.store.dialect() {
            Dialect::Sqlite => format!("SELECT {raw} AS v FROM {from} LIMIT 0"),
            // One row, whatever the table holds; and nothing of the table is read.
            Dialect::Postgres => format!(
                "SELECT CAST(pg_typeof({raw}) AS TEXT) AS type FROM (SELECT 1 AS one) AS one LEFT JOIN {from} ON 1 = 0"
            ),
        };
        match self.reader().await?.optional(Query::new(&sql)).await {
            Ok(row) => Ok(Ok(row.map(|row| row.text("type")).transpose()?)),
            Err(error) => refusal(error).map(Err),
        }
    }

    /// Looks for an unmapped relation's own table.
    async fn native(&mut self, relation: &'static Relation, mapping: &Mapping) -> Result<Native, OpenError> {
        let native = Compiled::native(relation);
        let columns: Vec<&str> = native.columns.iter().map(|column| column.sql.as_str()).collect();
        let all = format!("SELECT {} FROM {} LIMIT 0", columns.join(", "), native.from);
        if self.asked(&all).await?.is_none() {
            return Ok(Native::There);
        }
        if let Some(refused) = self.asked(&format!("SELECT 1 AS one FROM {} LIMIT 0", native.from)).await? {
            if !mapping.is_empty() && !relation.required {
                return Ok(Native::Absent);
            }
            let unmapped = if mapping.is_empty() { "" } else { ", and the mapping does not map it" };
            self.note(relation.name, format!("there is no such table{unmapped} ({refused})"));
            return Ok(Native::Differs);
        }
        for column in &native.columns {
            let one = format!("SELECT {} FROM {} LIMIT 0", column.sql, native.from);
            if let Some(refused) = self.asked(&one).await? {
                let place = format!("{}.{}", relation.name, column.column.name);
                self.note(place, format!("there is no such column ({refused})"));
            }
        }
        Ok(Native::Differs)
    }

    /// Reads every mapped relation as statements do, after what stands for the others: a name that an agency's SQL means for a
    /// table might mean one of these there. No record is read. The first that is refused is noted.
    async fn together(&mut self, relations: &[Compiled]) -> Result<(), OpenError> {
        for (index, of) in relations.iter().enumerate().filter(|(_, of)| of.is_expression) {
            let seen = match self.store.dialect() {
                Dialect::Sqlite => relations,
                // There a relation sees those before it.
                Dialect::Postgres => &relations[..=index],
            };
            let columns: Vec<&str> = of.relation.columns.iter().map(|column| column.name).collect();
            let all = format!("SELECT {} FROM {} LIMIT 0", columns.join(", "), of.relation.name);
            if let Some(refused) = self.asked(Statement::after_all(&all, seen).sql()).await? {
                let found = format!("the database refuses it beside the other relations ({refused})");
                self.note(format!("mapping.{}", of.relation.name), found);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether the database understands a statement; why not, otherwise.
    async fn asked(&self, sql: &str) -> Result<Option<String>, OpenError> {
        match self.reader().await?.all(Query::new(sql)).await {
            Ok(_) => Ok(None),
            Err(error) => refusal(error).map(Some),
        }
    }
}

/// What the database says of a statement that it does not understand. A database that does not answer refuses nothing.
fn refusal(error: StoreError) -> Result<String, OpenError> {
    match error {
        StoreError::Schema { problem } => Ok(problem),
        StoreError::Failed { code } => Ok(code),
        StoreError::Denied { code } => Ok(format!("no right to read it, {code}")),
        other => Err(other.into()),
    }
}

fn of_mapping(problem: Problem) -> Mismatch {
    Mismatch { place: format!("mapping.{}", problem.key), found: problem.found }
}
