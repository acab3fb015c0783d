//! For the tests of the adapters: databases of their own, how a database would run a statement, and what was not understood.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

pub use lgsp_store::testing::Database;
use lgsp_store::{Dialect, Kind, Query, Value};
use tokio::time::Instant;

use crate::config::{self, Sources};
use crate::{Adapter, Codes, NotUnderstood, Options, Reader, SourceOptions, Statement, Tables};

const PATIENCE: Duration = Duration::from_secs(60);

/// A native schema, which is written for SQLite, as a database writes it.
pub fn native(dialect: Dialect, schema: &str) -> String {
    match dialect {
        Dialect::Sqlite => schema.to_owned(),
        Dialect::Postgres => schema
            .replace(", WITHOUT ROWID", "")
            .replace(" STRICT", "")
            .replace(" INTEGER", " BIGINT")
            .replace(" REAL", " DOUBLE PRECISION")
            .replace("-- postgres: ", ""),
    }
}

/// What a database's tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The native schema.
    Native,
    /// An agency's own.
    Mapped,
}

impl Form {
    /// Options for a database of this form; if its tables are an agency's, as a configuration file maps them.
    ///
    /// # Panics
    /// The file cannot be read.
    pub fn options(self, file: impl AsRef<Path>, database: &Database) -> Options {
        match self {
            Self::Native => Options::of(database.url()),
            Self::Mapped => mapped(file.as_ref(), database),
        }
    }
}

/// Options for a database whose tables are an agency's, as a configuration file maps them.
///
/// # Panics
/// The file cannot be read.
pub fn mapped(file: &Path, database: &Database) -> Options {
    let options: Options = config::load(&Sources::default().file(Some(file))).unwrap();
    Options { source: SourceOptions { url: database.url().to_owned(), ..options.source }, ..options }
}

/// How often an adapter did not understand a column.
pub fn not_understood(adapter: &Adapter, relation: &str, column: &str) -> u64 {
    let counts = adapter.probe.not_understood();
    let of = |count: &&NotUnderstood| (count.relation, count.column) == (relation, column);
    counts.iter().find(of).map_or(0, |count| count.count)
}

/// How a database runs a statement, one step a line, as the database tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    dialect: Dialect,
    /// Its steps, indented below the step that they serve.
    pub steps: Vec<String>,
}

/// A statement by its name, with values such as it is given.
pub type Asked<'a> = (&'static str, &'a Statement, Vec<Value<'static>>);

/// Asserts that no statement reads a whole table, planned for its values or for any. Prints the plans, and returns them by name.
///
/// # Panics
/// One does, or the database does not understand it.
pub async fn assert_no_scans(tables: &Tables, asked: &[Asked<'_>]) -> Vec<(&'static str, Plan)> {
    let mut plans = Vec::new();
    for (name, statement, values) in asked {
        let for_these = plan(tables, statement, values).await;
        let for_any = generic_plan(tables, statement, values).await;
        for plan in [Some(for_these), for_any].into_iter().flatten() {
            println!("-- {name}\n{}", plan.steps.join("\n"));
            assert_eq!(
                plan.scans(),
                Vec::<&str>::new(),
                "{name} on {:?}: {:#?}",
                tables.dialect(),
                plan.steps
            );
            plans.push((*name, plan));
        }
    }
    plans
}

/// Asks the database how it would run a statement with these values. On PostgreSQL, gather its statistics first.
///
/// # Panics
/// The database does not understand the statement.
pub async fn plan(tables: &Tables, statement: &Statement, values: &[Value<'_>]) -> Plan {
    let dialect = tables.dialect();
    let explain = match dialect {
        Dialect::Sqlite => format!("EXPLAIN QUERY PLAN {}", statement.sql()),
        Dialect::Postgres => format!("EXPLAIN (COSTS OFF) {}", statement.sql()),
    };
    let query = values.iter().fold(Query::new(&explain), |query, value| query.bind(value.clone()));
    told(&mut reader(tables).await, dialect, query).await
}

/// Asks PostgreSQL how it would run a statement with any values of these types: so it does for adapters. SQLite has no other
/// plan.
async fn generic_plan(tables: &Tables, statement: &Statement, values: &[Value<'_>]) -> Option<Plan> {
    if tables.dialect() == Dialect::Sqlite {
        return None;
    }
    let types = values.iter().map(announced).collect::<Vec<_>>().join(", ");
    let prepare = format!("PREPARE asked ({types}) AS {}", statement.sql());
    let explain = format!("EXPLAIN (COSTS OFF) EXECUTE asked ({})", vec!["NULL"; values.len()].join(", "));
    let mut reader = reader(tables).await;
    run(&mut reader, "SET plan_cache_mode = force_generic_plan").await;
    run(&mut reader, &prepare).await;
    let plan = told(&mut reader, Dialect::Postgres, Query::new(&explain)).await;
    run(&mut reader, "DEALLOCATE asked").await;
    run(&mut reader, "RESET plan_cache_mode").await;
    Some(plan)
}

/// The type of a value as the store tells it to PostgreSQL.
fn announced(value: &Value<'_>) -> &'static str {
    match value {
        Value::Text(_) | Value::Null => "unknown",
        Value::Integer(_) | Value::NoInteger => "bigint",
        Value::Real(_) | Value::NoReal => "double precision",
        Value::Bytes(_) | Value::NoBytes => "bytea",
        Value::Array(Kind::Text, _) => "text[]",
        Value::Array(Kind::Integer, _) => "bigint[]",
        Value::Array(Kind::Bytes, _) => "bytea[]",
    }
}

async fn reader(tables: &Tables) -> Reader {
    tables.reader(Instant::now() + PATIENCE).await.unwrap()
}

async fn run(reader: &mut Reader, sql: &str) {
    reader.all(Query::new(sql)).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
}

async fn told(reader: &mut Reader, dialect: Dialect, explain: Query<'_>) -> Plan {
    let asked = format!("{explain:?}");
    let rows = reader.all(explain).await.unwrap_or_else(|error| panic!("{error}: {asked}"));
    let column = match dialect {
        Dialect::Sqlite => "detail",
        Dialect::Postgres => "QUERY PLAN",
    };
    Plan { dialect, steps: rows.iter().map(|row| row.text(column).unwrap()).collect() }
}

/// Asserts that codes are numbers of the contract under the contract's names, without their prefix and as a mapping writes
/// them, and that none is left out. `name` is the contract's name of a number.
///
/// # Panics
/// They are not.
pub fn assert_codes(codes: Codes, prefix: &str, name: impl Fn(i32) -> Option<&'static str>) {
    for (code, number) in codes {
        let contract = name(i32::try_from(*number).unwrap()).unwrap_or_else(|| panic!("no {number}"));
        let contract = contract.strip_prefix(prefix).unwrap().to_ascii_lowercase().replace('_', "-");
        assert_eq!(*code, contract);
    }
    assert_eq!(name(i32::try_from(codes.len()).unwrap()), None, "a number is not in the list");
}

impl Plan {
    /// The steps that read all of a table or all of an index: none of them stays fast as the table grows.
    pub fn scans(&self) -> Vec<&str> {
        match self.dialect {
            Dialect::Sqlite => self.scans_of_sqlite(),
            Dialect::Postgres => self.scans_of_postgres(),
        }
    }

    /// What a step before has made is not a table: `MATERIALIZE a`, then `SCAN a`.
    fn scans_of_sqlite(&self) -> Vec<&str> {
        let made = ["MATERIALIZE ", "CO-ROUTINE "];
        let made: BTreeSet<&str> = self
            .steps
            .iter()
            .filter_map(|step| made.iter().find_map(|verb| step.strip_prefix(verb)))
            .collect();
        let is_scan = |step: &&str| {
            let scanned = step.strip_prefix("SCAN ").filter(|what| *what != "CONSTANT ROW");
            let built = step.strip_prefix("SEARCH ").filter(|step| step.contains("AUTOMATIC"));
            let what = scanned.or(built).and_then(|rest| rest.split(' ').next());
            // A list of the statement's own values.
            what.is_some_and(|what| !what.starts_with('(') && what != "json_each" && !made.contains(what))
        };
        self.steps.iter().map(String::as_str).filter(is_scan).collect()
    }

    /// A scan of an index without a condition on it reads it all.
    fn scans_of_postgres(&self) -> Vec<&str> {
        let is_node = |step: &str| step.contains("->") || !step.starts_with(' ');
        let mut scans = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            let of_index = step.contains("Index Scan") || step.contains("Index Only Scan");
            let mut details = self.steps[index + 1..].iter().take_while(|step| !is_node(step));
            let is_bounded = details.any(|step| step.contains("Index Cond") || step.contains("Order By"));
            if step.contains("Seq Scan on") || (of_index && !is_bounded) {
                scans.push(step.as_str());
            }
        }
        scans
    }
}

#[cfg(test)]
mod tests {
    use lgsp_proto::record::v1::Sex;

    use super::*;
    use crate::SEX;

    fn scans(dialect: Dialect, steps: &[&str]) -> Vec<String> {
        let plan = Plan { dialect, steps: steps.iter().map(|step| (*step).to_owned()).collect() };
        plan.scans().into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn the_codes_that_every_domain_has_are_those_of_the_contract() {
        assert_codes(SEX, "SEX_", |n| Sex::try_from(n).ok().map(|v| v.as_str_name()));
    }

    #[test]
    fn a_scan_of_sqlite_is_found_and_what_the_query_made_is_none() {
        let fine = [
            "CO-ROUTINE a",
            "SEARCH address USING INDEX i (ward_code=?)",
            "SCAN a",
            "SCAN CONSTANT ROW",
            "SCAN json_each VIRTUAL TABLE INDEX 1:",
        ];
        assert!(scans(Dialect::Sqlite, &fine).is_empty());
        for bad in
            ["SCAN c", "SCAN c USING COVERING INDEX i", "SEARCH c USING AUTOMATIC COVERING INDEX (id=?)"]
        {
            assert_eq!(scans(Dialect::Sqlite, &["MATERIALIZE a", bad]), [bad]);
        }
    }

    #[test]
    fn a_scan_of_postgres_is_found_and_a_bounded_index_is_none() {
        let fine =
            ["Limit", "  ->  Index Scan using p on citizen c", "        Index Cond: (personal_number = $1)"];
        assert!(scans(Dialect::Postgres, &fine).is_empty());
        let bad = [
            "Limit",
            "  ->  Seq Scan on citizen c",
            "        Filter: (x = 1)",
            "  ->  Index Scan using p on h",
        ];
        assert_eq!(scans(Dialect::Postgres, &bad).len(), 2);
    }
}
