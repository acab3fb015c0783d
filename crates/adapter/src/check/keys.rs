//! What the database finds by itself: keys of several records, references to nothing, rules that do not hold.

use super::{Checking, Wrong, number};
use crate::mapping::compile::{Compiled, Expression};
use crate::relation::{Kind, Rule};
use crate::{SourceError, Statement};

impl Checking<'_> {
    /// Records that share their key with another.
    pub(super) async fn key(&mut self, of: &Compiled, key: &[&'static str]) -> Result<(), SourceError> {
        let sql = format!(
            "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) AS n FROM (\
             SELECT count(*) AS n FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1) AS twice",
            of.relation.name,
            all_are_known(of, key),
            key.join(", ")
        );
        let count = self.counted(&sql).await?;
        self.found(of, key, Wrong::Twice, count, Vec::new());
        Ok(())
    }

    /// Records that refer to one that is not there.
    pub(super) async fn reference(&mut self, of: &Compiled, column: &Expression) -> Result<(), SourceError> {
        let Some((relation, target)) = column.column.refers else { return Ok(()) };
        let name = column.column.name;
        let sql = format!(
            "SELECT count(*) AS n FROM {} AS referring LEFT JOIN {relation} AS referred \
             ON referred.{target} = referring.{name} WHERE referring.{name} IS NOT NULL AND referred.{target} IS NULL",
            of.relation.name
        );
        let count = self.counted(&sql).await?;
        self.found(of, &[name], Wrong::Dangling, count, Vec::new());
        Ok(())
    }

    /// Keys for which a rule does not hold.
    pub(super) async fn rule(&mut self, of: &Compiled, rule: &'static Rule) -> Result<(), SourceError> {
        let sql = format!(
            "SELECT count(*) AS n FROM (SELECT 1 AS one FROM {} WHERE {} GROUP BY {} HAVING count(DISTINCT {}) > 1) AS broken",
            of.relation.name,
            all_are_known(of, rule.key),
            rule.key.join(", "),
            rule.column
        );
        let count = self.counted(&sql).await?;
        self.found(of, &[rule.column], Wrong::Broken(rule.broken), count, Vec::new());
        Ok(())
    }

    async fn counted(&self, sql: &str) -> Result<u64, SourceError> {
        let statement: Statement = self.tables.statement(sql);
        number(&self.one(statement.sql()).await?, "n")
    }
}

/// An empty text is as unknown as none.
fn all_are_known(of: &Compiled, columns: &[&str]) -> String {
    let is_text = |name: &str| of.column(name).is_some_and(|column| column.column.kind == Kind::Text);
    let is_known = |name: &&str| {
        if is_text(name) { format!("{name} <> ''") } else { format!("{name} IS NOT NULL") }
    };
    columns.iter().map(is_known).collect::<Vec<_>>().join(" AND ")
}
