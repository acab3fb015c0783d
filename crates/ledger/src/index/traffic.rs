//! What indicators are computed from: counts of days, which the database keeps in step with the entries, and distinct dossiers, which
//! are counted from what entries are found by.

use lgsp_core::indicators::{self, bucket, day_number, month_begin_us, month_number};
use lgsp_proto::ledger::v1::Sealed;
use lgsp_store::{Dialect, Row, Sql};
use tokio::time::Instant;

use super::{Index, failed};
use crate::Error;
use crate::seek::Text;

/// Which counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// Midnights (Unix µs), the second not included.
    pub since_us: i64,
    pub until_us: i64,
    pub by_day: bool,
    pub dossiers: bool,
    /// Most rows that are read.
    pub limit: usize,
}

/// One row of counts: of one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// By its number; `None` of the period as a whole.
    pub day: Option<i64>,
    pub platform: bool,
    pub environment: String,
    pub application: String,
    pub service: String,
    pub method: String,
    pub outcome: i64,
    pub bucket: i64,
    pub exchanges: i64,
    pub dossiers: i64,
}

/// Distinct dossiers, of an application and a service, or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dossiers {
    pub day: Option<i64>,
    pub environment: String,
    pub application: String,
    pub service: String,
    pub distinct: i64,
    pub exchanges: i64,
}

/// All counts.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    pub counted: Vec<Counted>,
    pub dossiers: Vec<Dossiers>,
    /// The leaves that are counted at least: those of a past period are not among later ones.
    pub leaves: u64,
}

/// How long an exchange took, as it is counted.
pub(super) fn bucket_of(sealed: &Sealed) -> i64 {
    let took = sealed.entered_us.saturating_sub(sealed.admitted_us);
    bucket(u64::try_from(took).unwrap_or(0)).into()
}

pub(super) fn names_a_dossier(sealed: &Sealed) -> bool {
    sealed.erasable_digests.as_ref().is_some_and(|digests| !digests.dossier.is_empty())
}

/// How many fields were released.
pub(super) fn fields_of(sealed: &Sealed) -> i64 {
    i64::try_from(sealed.fields_released.len()).unwrap_or(i64::MAX)
}

/// A day or a month whose counts are not those of its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Miscounted {
    /// `YYYY-MM-DD` or `YYYY-MM`.
    pub day: String,
    /// Exchanges as the table of counts has them, and as the entries do. They may be the same in sum.
    pub counted: i64,
    pub recounted: i64,
}

impl Index {
    /// Counts the exchanges of a period that have ended, as far as gateways have signed it.
    pub async fn traffic(&self, asked: Asked, deadline: Instant) -> Result<Traffic, lgsp_store::Error> {
        let dialect = self.store.dialect();
        let mut statements = vec![Sql::new(dialect, "SELECT leaves FROM progress"), counts(dialect, asked)];
        if asked.dossiers {
            statements.push(dossiers(dialect, asked, ""));
            statements.push(dossiers(dialect, asked, ", e.application, e.service"));
        }
        let queries: Vec<_> = statements.iter_mut().map(Sql::query).collect();
        let mut reader = self.store.reader(deadline).await?;
        let answers = reader.all_of(&queries).await?;
        let [progress, counted, dossiers @ ..] = &*answers else {
            return Ok(Traffic { counted: Vec::new(), dossiers: Vec::new(), leaves: 0 });
        };
        let leaves = progress.first().map_or(Ok(0), |row| row.integer("leaves"))?;
        Ok(Traffic {
            counted: counted.iter().map(|row| count_of(row, asked)).collect::<Result<_, _>>()?,
            dossiers: dossiers
                .iter()
                .flatten()
                .map(|row| dossiers_of(row, asked))
                .collect::<Result<_, _>>()?,
            leaves: leaves.cast_unsigned(),
        })
    }
}

/// Months that are whole in a period: from the first to before the next one, and the days with which they begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Months {
    first: i64,
    next: i64,
    begin: i64,
    end: i64,
}

fn whole_months(asked: Asked) -> Option<Months> {
    let begin_of = |month| month_begin_us(month).map(day_number);
    let (since, next) = (month_number(asked.since_us), month_number(asked.until_us));
    let first = if month_begin_us(since)? < asked.since_us { since + 1 } else { since };
    (first < next).then_some(Months { first, next, begin: begin_of(first)?, end: begin_of(next)? })
}

/// What counts are told apart by, beside their day or month.
const KEY: &str = "platform, environment, application, service, method, outcome, bucket";

fn counts<'q>(dialect: Dialect, asked: Asked) -> Sql<'q> {
    let key = if asked.by_day { format!("day, {KEY}") } else { KEY.to_owned() };
    let mut sql = Sql::new(dialect, "SELECT ");
    sql.push(&key)
        .push(", CAST(sum(exchanges) AS BIGINT) AS exchanges, CAST(sum(dossiers) AS BIGINT) AS dossiers");
    let (from, to) = (day_number(asked.since_us), day_number(asked.until_us));
    let days = "daily WHERE exchanges > 0 AND day >= ";
    match whole_months(asked).filter(|_| !asked.by_day) {
        Some(Months { first, next, begin, end }) => {
            sql.push(" FROM (SELECT ")
                .push(KEY)
                .push(", exchanges, dossiers FROM monthly WHERE exchanges > 0");
            sql.push(" AND month >= ").bind(first).push(" AND month < ").bind(next);
            for (from, to) in [(from, begin), (end, to)] {
                sql.push(" UNION ALL SELECT ").push(KEY).push(", exchanges, dossiers FROM ").push(days);
                sql.bind(from).push(" AND day < ").bind(to);
            }
            sql.push(") AS counted");
        }
        None => {
            sql.push(" FROM ").push(days).bind(from).push(" AND day < ").bind(to);
        }
    }
    sql.push(" GROUP BY ").push(&key).push(" ORDER BY ").push(&key);
    sql.push(" LIMIT ").bind(i64::try_from(asked.limit).unwrap_or(i64::MAX));
    sql
}

/// Distinct dossiers of each environment; `by` tells them further apart.
fn dossiers<'q>(dialect: Dialect, asked: Asked, by: &str) -> Sql<'q> {
    let day = if asked.by_day { ", (e.admitted_us + 25200000000) / 86400000000 AS day" } else { "" };
    let mut sql = Sql::new(dialect, "SELECT e.environment");
    sql.push(by).push(day).push(", count(DISTINCT s.value) AS n, count(*) AS exchanges FROM sought AS s");
    sql.push(" JOIN entry AS e ON e.leaf = s.leaf AND e.exchange_id = s.exchange_id WHERE s.kind = ");
    sql.bind(Text::Dossier as i64);
    sql.push(" AND s.admitted_us >= ")
        .bind(asked.since_us)
        .push(" AND s.admitted_us < ")
        .bind(asked.until_us);
    sql.push(" AND e.shown = 1 AND e.signed > 0 AND e.platform = 0 GROUP BY e.environment").push(by);
    sql.push(if asked.by_day { ", day" } else { "" }).push(" ORDER BY e.environment").push(by);
    sql.push(if asked.by_day { ", day" } else { "" });
    sql.push(" LIMIT ").bind(i64::try_from(asked.limit).unwrap_or(i64::MAX));
    sql
}

fn day_of(row: &Row, asked: Asked) -> Result<Option<i64>, lgsp_store::Error> {
    if asked.by_day { row.integer("day").map(Some) } else { Ok(None) }
}

fn count_of(row: &Row, asked: Asked) -> Result<Counted, lgsp_store::Error> {
    Ok(Counted {
        day: day_of(row, asked)?,
        platform: row.flag("platform")?,
        environment: row.text("environment")?,
        application: row.text("application")?,
        service: row.text("service")?,
        method: row.text("method")?,
        outcome: row.integer("outcome")?,
        bucket: row.integer("bucket")?,
        exchanges: row.integer("exchanges")?,
        dossiers: row.integer("dossiers")?,
    })
}

fn dossiers_of(row: &Row, asked: Asked) -> Result<Dossiers, lgsp_store::Error> {
    // The row of all has no such columns.
    let text = |column| row.text(column).unwrap_or_default();
    Ok(Dossiers {
        day: day_of(row, asked)?,
        environment: row.text("environment")?,
        application: text("application"),
        service: text("service"),
        distinct: row.integer("n")?,
        exchanges: row.integer("exchanges")?,
    })
}

impl Index {
    /// The days, and then the months, of which the counts are not those of the entries themselves, with the numbers of exchanges of both:
    /// of none, unless the database or a hand has lost something.
    pub async fn miscounted(&self) -> Result<Vec<Miscounted>, Error> {
        let mut miscounted = Vec::new();
        let month_of = |number: i64| format!("{:04}-{:02}", number.div_euclid(12), number.rem_euclid(12) + 1);
        for (table, when, of_entry, named) in [
            (
                "daily",
                "day",
                "(admitted_us + 25200000000) / 86400000000",
                indicators::day_of as fn(i64) -> String,
            ),
            ("monthly", "month", "month", month_of),
        ] {
            let rows = self.rows(lgsp_store::Query::new(&recount(table, when, of_entry))).await;
            for row in rows.map_err(failed)? {
                let told = |row: &Row| {
                    let (counted, recounted) = (row.integer("counted")?, row.integer("recounted")?);
                    Ok(Miscounted { day: named(row.integer("place")?), counted, recounted })
                };
                miscounted.push(told(&row).map_err(failed)?);
            }
        }
        Ok(miscounted)
    }
}

/// Where a table of counts is not what the entries say.
fn recount(table: &str, when: &str, of_entry: &str) -> String {
    format!(
        "WITH recounted AS (SELECT {of_entry} AS place, {KEY}, count(*) AS exchanges, sum(dossier) AS dossiers \
         FROM entry WHERE shown = 1 AND signed > 0 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8), \
         counted AS (SELECT {when} AS place, {KEY}, exchanges, dossiers FROM {table} WHERE exchanges <> 0 OR dossiers <> 0), \
         other AS (SELECT * FROM (SELECT * FROM counted EXCEPT SELECT * FROM recounted) AS a \
         UNION ALL SELECT * FROM (SELECT * FROM recounted EXCEPT SELECT * FROM counted) AS b) \
         SELECT o.place, CAST(coalesce((SELECT sum(exchanges) FROM counted AS c WHERE c.place = o.place), 0) AS BIGINT) AS counted, \
         CAST(coalesce((SELECT sum(exchanges) FROM recounted AS r WHERE r.place = o.place), 0) AS BIGINT) AS recounted \
         FROM (SELECT DISTINCT place FROM other) AS o ORDER BY o.place"
    )
}

#[cfg(test)]
mod tests;
