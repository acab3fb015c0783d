//! What decisions have expired by a rule, and the months whose subject key they have destroyed.

use std::collections::{BTreeMap, BTreeSet};

use lgsp_core::ExchangeId;
use lgsp_store::{Dialect, Kind, Query};

use super::marks::note;
use super::{Erasables, failed};
use crate::Error;
use crate::entry::Key;

/// A class of exchanges from before a moment (Unix µs).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub platform: bool,
    pub before_us: i64,
}

/// A part that has expired, and the number of its row.
#[derive(Debug)]
pub(crate) struct Due {
    number: i64,
    pub key: Key,
    pub value: Vec<u8>,
}

/// Keeps a rule, in the index as well: a moment never moves back.
pub(crate) const EXPIRE: &str = "INSERT INTO expired (platform, before_us) VALUES ($1, $2) \
     ON CONFLICT (platform) DO UPDATE SET before_us = excluded.before_us WHERE excluded.before_us > expired.before_us";

impl Erasables {
    /// Keeps what the decision at a leaf has expired; it is erased behind it.
    pub async fn expire(&self, leaf: u64, rule: Rule) -> Result<(), Error> {
        let keeping = async {
            let mut writer = self.writer().await?;
            writer.run(Query::new(EXPIRE).bind(rule.platform).bind(rule.before_us)).await?;
            note(&mut writer, leaf).await?;
            writer.commit().await
        };
        keeping.await.map_err(failed)
    }

    /// What is expired: of each class what is from before a moment (Unix µs).
    pub async fn expired(&self) -> Result<Vec<Rule>, Error> {
        let rows = self.rows(Query::new("SELECT platform, before_us FROM expired")).await.map_err(failed)?;
        let rule = |row: &lgsp_store::Row| {
            Ok(Rule { platform: row.flag("platform")?, before_us: row.integer("before_us")? })
        };
        rows.iter().map(rule).collect::<Result<_, lgsp_store::Error>>().map_err(failed)
    }

    /// Whether there is anything that a rule would erase.
    pub async fn has_older(&self, rule: Rule) -> Result<bool, Error> {
        let query = Query::new(
            "SELECT EXISTS (SELECT 1 FROM erasable WHERE value IS NOT NULL AND platform = $1 AND admitted_us < $2 \
             AND NOT EXISTS (SELECT 1 FROM mark WHERE mark.exchange_id = erasable.exchange_id AND mark.kind = 2)) AS found",
        );
        let row = self.row(query.bind(rule.platform).bind(rule.before_us)).await;
        row.and_then(|row| row.map_or(Ok(false), |row| row.flag("found"))).map_err(failed)
    }

    /// Some of the parts that have expired and are still there, but for those of held exchanges.
    pub async fn due(&self, most: usize) -> Result<Vec<Due>, Error> {
        self.try_due(most).await.map_err(failed)
    }

    async fn try_due(&self, most: usize) -> Result<Vec<Due>, lgsp_store::Error> {
        let mut sql = self.sql(
            "SELECT erasable.number, erasable.exchange_id, erasable.phase, erasable.part, erasable.value FROM expired",
        );
        sql.push_on(Dialect::Sqlite, " CROSS").push(" JOIN erasable");
        sql.push_on(Dialect::Sqlite, " INDEXED BY erasable_age");
        sql.push(
            " ON erasable.value IS NOT NULL AND erasable.platform = expired.platform AND erasable.admitted_us < expired.before_us \
             WHERE NOT EXISTS (SELECT 1 FROM mark WHERE mark.exchange_id = erasable.exchange_id AND mark.kind = 2) LIMIT ",
        );
        sql.bind(i64::try_from(most).unwrap_or(i64::MAX));
        let mut due = Vec::new();
        for row in &self.rows(sql.query()).await? {
            let Some((key, Some(value))) = super::part(row)? else { continue };
            due.push(Due { number: row.integer("number")?, key, value: value.into() });
        }
        Ok(due)
    }

    /// Erases parts that have expired.
    pub async fn blank(&self, due: &[Due]) -> Result<(), Error> {
        if due.is_empty() {
            return Ok(());
        }
        let mut sql = self.sql("UPDATE erasable SET value = NULL WHERE number");
        sql.among(Kind::Integer, due.iter().map(|due| due.number));
        self.run(sql.query()).await.map(drop).map_err(failed)
    }

    /// How many parts of each of these exchanges can be erased; those that have none are not among them.
    pub async fn erasable_parts(&self, exchanges: &[ExchangeId]) -> Result<BTreeMap<ExchangeId, u32>, Error> {
        let mut parts = BTreeMap::new();
        for (key, _) in self.parts_of(exchanges).await? {
            *parts.entry(key.exchange).or_default() += 1;
        }
        Ok(parts)
    }

    /// Notes that the decision at a leaf has destroyed the subject key of a month.
    pub async fn destroy(&self, leaf: u64, month: &str) -> Result<(), Error> {
        let noting = async {
            let mut writer = self.writer().await?;
            let query = Query::new("INSERT INTO destroyed (month) VALUES ($1) ON CONFLICT DO NOTHING");
            writer.run(query.bind(month)).await?;
            note(&mut writer, leaf).await?;
            writer.commit().await
        };
        noting.await.map_err(failed)
    }

    /// The months whose subject key is destroyed.
    pub async fn destroyed(&self) -> Result<BTreeSet<String>, Error> {
        let rows = self.rows(Query::new("SELECT month FROM destroyed")).await.map_err(failed)?;
        rows.iter().map(|row| row.text("month").map_err(failed)).collect()
    }
}
