//! Reads a whole source once and tells what an adapter would not understand in it.
//!
//! Per relation: how many records; required columns that are empty; codes and dates that are not understood; identifiers that
//! are none; keys that two records have; references to nothing; and the relation's own rules. The database counts what it
//! can; the rest is read in order, a bounded number of different values at a time.
//!
//! Nothing personal leaves: of a value only its shape is told, with `9` for a digit and `a` for a letter. A code is told as it
//! is if it stands in a list of few, in many records, and has next to no digits.

mod empty;
mod keys;
mod samples;
mod values;

use std::time::Duration;

use lgsp_store::{Query, Row};
use tokio::time::Instant;

use crate::mapping::compile::{Compiled, Expression};
use crate::relation::Kind;
use crate::{SourceError, Tables};

pub use samples::Sample;

/// What was found in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The source as its owner names it.
    pub source: String,
    /// How many records each relation has.
    pub records: Vec<(&'static str, u64)>,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
}

/// One thing that is wrong with a column or with columns of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The relation.
    pub relation: &'static str,
    /// The column, or several with commas.
    pub columns: String,
    /// What is wrong.
    pub wrong: Wrong,
    /// In how many records; of [`Wrong::Broken`], for how many keys.
    pub count: u64,
    /// What it looks like, most frequent first.
    pub samples: Vec<Sample>,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A required column is empty.
    Empty,
    /// The mapping or the contract does not list the code.
    Code,
    /// It is no date, or of no form that the mapping lists.
    Date,
    /// It is no identifier of the kind that the column holds.
    Identifier,
    /// It cannot be read: a text that is none, or a value of another type.
    Unreadable,
    /// Several records have one key.
    Twice,
    /// It refers to a record that is not there.
    Dangling,
    /// A rule of the relation does not hold; says what is so.
    Broken(&'static str),
}

impl Wrong {
    /// A few words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Empty => "empty, and required",
            Self::Code => "code not understood",
            Self::Date => "date not understood",
            Self::Identifier => "not such an identifier",
            Self::Unreadable => "cannot be read",
            Self::Twice => "key of several records",
            Self::Dangling => "refers to nothing",
            Self::Broken(text) => text,
        }
    }
}

/// How far a check is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The relation that is read.
    pub relation: &'static str,
    /// Steps that are done.
    pub done: usize,
    /// All steps.
    pub of: usize,
}

/// Checks an opened source. Each of its queries may take so long.
///
/// # Errors
/// The source did not answer, or not in time.
pub async fn check(
    tables: &Tables,
    query_timeout: Duration,
    mut tell: impl FnMut(Progress),
) -> Result<Report, SourceError> {
    let steps: Vec<(&Compiled, Step<'_>)> =
        tables.relations.iter().flat_map(|of| steps(of).into_iter().map(move |step| (of, step))).collect();
    let mut checking = Checking { tables, query_timeout, records: Vec::new(), findings: Vec::new() };
    for (done, (of, step)) in steps.iter().enumerate() {
        tell(Progress { relation: of.relation.name, done, of: steps.len() });
        match step {
            Step::Count => checking.count(of).await?,
            Step::Values(column) => checking.values(of, column).await?,
            Step::Key(key) => checking.key(of, key).await?,
            Step::Reference(column) => checking.reference(of, column).await?,
            Step::Rule(rule) => checking.rule(of, rule).await?,
        }
    }
    Ok(Report { source: tables.name().to_owned(), records: checking.records, findings: checking.findings })
}

/// One question to the database, or one column to be read.
enum Step<'a> {
    Count,
    Values(&'a Expression),
    Key(&'static [&'static str]),
    Reference(&'a Expression),
    Rule(&'static crate::Rule),
}

fn steps(of: &Compiled) -> Vec<Step<'_>> {
    let mut steps = vec![Step::Count];
    let mapped = || of.columns.iter().filter(|column| column.raw.is_some());
    let is_read = |column: &&Expression| column.column.kind == Kind::Date || column.column.holds.is_some();
    steps.extend(mapped().filter(is_read).map(Step::Values));
    let is_mapped = |name: &str| mapped().any(|column| column.column.name == name);
    let keys = of.relation.keys.iter().filter(|key| key.iter().all(|name| is_mapped(name)));
    steps.extend(keys.map(|key| Step::Key(key)));
    steps.extend(mapped().filter(|column| column.column.refers.is_some()).map(Step::Reference));
    let rules = of.relation.rules.iter();
    let rules = rules.filter(|rule| rule.key.iter().chain([&rule.column]).all(|name| is_mapped(name)));
    steps.extend(rules.map(Step::Rule));
    steps
}

struct Checking<'a> {
    tables: &'a Tables,
    query_timeout: Duration,
    records: Vec<(&'static str, u64)>,
    findings: Vec<Finding>,
}

impl Checking<'_> {
    async fn all(&self, query: Query<'_>) -> Result<Vec<Row>, SourceError> {
        Ok(self.tables.reader(Instant::now() + self.query_timeout).await?.all(query).await?)
    }

    /// The row of a statement that always has one.
    async fn one(&self, sql: &str) -> Result<Row, SourceError> {
        let row = self.all(Query::new(sql)).await?.pop();
        row.ok_or_else(|| SourceError::Unexpected("an aggregate has no row".into()))
    }

    fn found(&mut self, of: &Compiled, columns: &[&str], wrong: Wrong, count: u64, samples: Vec<Sample>) {
        if count > 0 {
            let columns = columns.join(", ");
            self.findings.push(Finding { relation: of.relation.name, columns, wrong, count, samples });
        }
    }
}

/// A count in a row; no count is negative.
fn number(row: &Row, column: &str) -> Result<u64, SourceError> {
    Ok(u64::try_from(row.integer(column)?).unwrap_or_default())
}
