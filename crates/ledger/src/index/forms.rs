//! Forms of a period, as far as the log tells of them: docs/indicators.md, "Forms".

use lgsp_store::{Dialect, Row, Sql};
use tokio::time::Instant;

use super::Index;
use crate::seek::Text;

/// The forms of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Forms {
    pub environment: String,
    pub application: String,
    /// Dossiers for which a data service was asked.
    pub opened: i64,
    /// Those of them for which each method that was asked has answered with data.
    pub filled: i64,
}

/// What a data service has filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filled {
    pub environment: String,
    pub service: String,
    /// Dossiers for which it has released something.
    pub forms: i64,
    pub exchanges: i64,
    /// Fields that were released, of each exchange.
    pub fields: i64,
}

impl Index {
    /// Tells of the forms of a period (midnights in Unix µs, the second not included): at most so many rows of each kind.
    pub async fn forms(
        &self,
        period: (i64, i64),
        limit: usize,
        deadline: Instant,
    ) -> Result<(Vec<Forms>, Vec<Filled>), lgsp_store::Error> {
        let dialect = self.store.dialect();
        let (mut opened, mut filled) = (opened(dialect, period, limit), filled(dialect, period, limit));
        let queries = [opened.query(), filled.query()];
        let mut reader = self.store.reader(deadline).await?;
        let answers = reader.all_of(&queries).await?;
        let [opened, filled] = &*answers else { return Ok((Vec::new(), Vec::new())) };
        Ok((
            opened.iter().map(forms_of).collect::<Result<_, _>>()?,
            filled.iter().map(filled_of).collect::<Result<_, _>>()?,
        ))
    }
}

/// What was asked and can still be told: of each dossier, application and method one row.
fn asked<'q>(dialect: Dialect, (since_us, until_us): (i64, i64)) -> Sql<'q> {
    let mut sql =
        Sql::new(dialect, "WITH asked AS (SELECT s.value, e.environment, e.application, e.service, ");
    // Outcome 1 is `served`.
    sql.push("e.method, max(CASE WHEN e.outcome = 1 THEN 1 ELSE 0 END) AS served, ");
    sql.push("sum(CASE WHEN e.outcome = 1 THEN 1 ELSE 0 END) AS exchanges, ");
    sql.push("sum(CASE WHEN e.outcome = 1 THEN e.fields ELSE 0 END) AS fields FROM sought AS s ");
    sql.push("JOIN entry AS e ON e.leaf = s.leaf AND e.exchange_id = s.exchange_id WHERE s.kind = ");
    sql.bind(Text::Dossier as i64).push(" AND s.admitted_us >= ").bind(since_us);
    sql.push(" AND s.admitted_us < ").bind(until_us);
    sql.push(" AND e.shown = 1 AND e.signed > 0 AND e.platform = 0 GROUP BY s.value, e.environment, ");
    sql.push("e.application, e.service, e.method) ");
    sql
}

fn opened<'q>(dialect: Dialect, period: (i64, i64), limit: usize) -> Sql<'q> {
    let mut sql = asked(dialect, period);
    sql.push(
        "SELECT environment, application, count(*) AS opened, CAST(sum(filled) AS BIGINT) AS filled FROM ",
    );
    sql.push("(SELECT environment, application, value, min(served) AS filled FROM asked ");
    sql.push("GROUP BY value, environment, application) AS form ");
    sql.push("GROUP BY environment, application ORDER BY environment, application LIMIT ");
    sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql
}

fn filled<'q>(dialect: Dialect, period: (i64, i64), limit: usize) -> Sql<'q> {
    let mut sql = asked(dialect, period);
    sql.push("SELECT environment, service, count(*) AS forms, CAST(sum(exchanges) AS BIGINT) AS exchanges, ");
    sql.push("CAST(sum(fields) AS BIGINT) AS fields FROM (SELECT value, environment, application, service, ");
    sql.push("sum(exchanges) AS exchanges, sum(fields) AS fields FROM asked WHERE served = 1 ");
    sql.push("GROUP BY value, environment, application, service) AS form ");
    sql.push("GROUP BY environment, service ORDER BY environment, service LIMIT ");
    sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql
}

fn forms_of(row: &Row) -> Result<Forms, lgsp_store::Error> {
    Ok(Forms {
        environment: row.text("environment")?,
        application: row.text("application")?,
        opened: row.integer("opened")?,
        filled: row.integer("filled")?,
    })
}

fn filled_of(row: &Row) -> Result<Filled, lgsp_store::Error> {
    Ok(Filled {
        environment: row.text("environment")?,
        service: row.text("service")?,
        forms: row.integer("forms")?,
        exchanges: row.integer("exchanges")?,
        fields: row.integer("fields")?,
    })
}
