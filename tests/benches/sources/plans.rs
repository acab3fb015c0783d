//! How the database runs the statements of a case: those that the adapter asked, with the values that it asked them with.
//!
//! On PostgreSQL a statement is explained as it is prepared on the adapter's own connection, so that what was measured is
//! seen: a plan that is kept for all values shows `$1`, and one that is made for each call the values.

use std::time::Duration;

use anyhow::{Context as _, Result};
use lgsp_adapter::{Dialect, Query, Reader, Tables, Value};
use lgsp_store::testing::{Asked, asked};
use serde::Serialize;
use tokio::time::Instant;

use crate::case::Case;

const PATIENCE: Duration = Duration::from_secs(30);

/// The statements of a case, in the order in which they are asked.
#[derive(Clone, Debug, Serialize)]
pub struct Plans {
    pub domain: &'static str,
    pub method: &'static str,
    pub by: &'static str,
    pub statements: Vec<Plan>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// What the statement reads, on one line.
    pub statement: String,
    /// The steps of the plan as the database tells them.
    pub steps: Vec<String>,
}

impl Plan {
    /// The steps without the values that may stand in their conditions.
    pub fn shape(&self) -> Vec<&str> {
        let lines = self.steps.iter().map(String::as_str);
        lines.filter(|line| !line.contains(": ") || line.contains("->")).collect()
    }
}

/// The plans of a case, which was measured before.
///
/// # Errors
/// Its statements cannot be explained.
pub async fn of(case: &Case, tables: &Tables) -> Result<Plans> {
    let mut statements: Vec<Plan> = Vec::new();
    for asked in longest(case).await? {
        let statement = what_is_read(&asked.sql);
        // The pages of a list.
        if statements.iter().all(|known| known.statement != statement) {
            statements.push(Plan { statement, steps: explained(tables, &asked).await? });
        }
    }
    Ok(Plans { domain: case.domain, method: case.method, by: case.by, statements })
}

/// What the question asks that asks most: one about what is not there ends with its first statement.
async fn longest(case: &Case) -> Result<Vec<Asked>> {
    let mut longest = Vec::new();
    for number in 0..if case.is_stream { 1 } else { 20 } {
        let (answer, heard) = asked(case.ask(number)).await;
        answer.with_context(|| case.name())?;
        if heard.len() > longest.len() {
            longest = heard;
        }
    }
    Ok(longest)
}

async fn explained(tables: &Tables, asked: &Asked) -> Result<Vec<String>> {
    let mut reader = tables.reader(Instant::now() + PATIENCE).await?;
    let (explain, values, column) = match tables.dialect() {
        Dialect::Sqlite => (format!("EXPLAIN QUERY PLAN {}", asked.sql), asked.values.as_slice(), "detail"),
        Dialect::Postgres => (executed(&mut reader, asked).await?, [].as_slice(), "QUERY PLAN"),
    };
    let query = values.iter().fold(Query::new(&explain), |query, value| query.bind(value.clone()));
    let rows = reader.all(query).await.with_context(|| explain.clone())?;
    rows.iter().map(|row| Ok(row.text(column)?)).collect()
}

/// The statement as it is prepared on this connection. Calls were made one at a time, so an adapter has only this one.
async fn executed(reader: &mut Reader, asked: &Asked) -> Result<String> {
    let prepared = "SELECT name FROM pg_prepared_statements WHERE statement = $1 ORDER BY prepare_time DESC";
    let found = reader.optional(Query::new(prepared).bind(&asked.sql)).await?;
    let name = found.with_context(|| format!("not prepared: {}", asked.sql))?.text("name")?;
    let values: Vec<String> = asked.values.iter().map(literal).collect();
    let values = if values.is_empty() { String::new() } else { format!(" ({})", values.join(", ")) };
    Ok(format!("EXPLAIN (COSTS OFF) EXECUTE {name}{values}"))
}

fn literal(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Bytes(_) | Value::Array(..) => unreachable!("adapters ask for neither bytes nor columns"),
        Value::Null | Value::NoInteger | Value::NoReal | Value::NoBytes => "NULL".to_owned(),
    }
}

/// A statement from its own FROM on, on one line: the list of its columns says little and is long.
fn what_is_read(sql: &str) -> String {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let mut depth = 0_i32;
    let mut from = 0;
    for (position, word) in words.iter().enumerate() {
        if depth == 0 && *word == "FROM" {
            from = position;
            break;
        }
        let count = |parenthesis| word.matches(parenthesis).count() as i32;
        depth += count('(') - count(')');
    }
    words[from..].join(" ")
}
