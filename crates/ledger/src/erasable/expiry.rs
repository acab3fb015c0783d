//! What decisions have expired by a rule, and the months whose subject key they have destroyed.

use std::collections::{BTreeMap, BTreeSet};

use lgsp_core::ExchangeId;
use sqlx::{QueryBuilder, Sqlite};

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

type DueRow = (i64, Vec<u8>, i32, u32, Option<Vec<u8>>);

impl Erasables {
    /// Keeps what the decision at a leaf has expired; it is erased behind it.
    pub async fn expire(&self, leaf: u64, rule: Rule) -> Result<(), Error> {
        let keeping = async {
            let mut transaction = self.store.pool().begin_with("BEGIN IMMEDIATE").await?;
            sqlx::query(
                "INSERT INTO expired (platform, before_us) VALUES (?, ?)
                 ON CONFLICT DO UPDATE SET before_us = max(before_us, excluded.before_us)",
            )
            .bind(i32::from(rule.platform))
            .bind(rule.before_us)
            .execute(&mut *transaction)
            .await?;
            note(&mut transaction, leaf).await?;
            transaction.commit().await
        };
        keeping.await.map_err(failed)
    }

    /// What is expired: of each class what is from before a moment (Unix µs).
    pub async fn expired(&self) -> Result<Vec<Rule>, Error> {
        let rows: Vec<(i32, i64)> = sqlx::query_as("SELECT platform, before_us FROM expired")
            .fetch_all(self.store.pool())
            .await
            .map_err(failed)?;
        Ok(rows.into_iter().map(|(platform, before_us)| Rule { platform: platform != 0, before_us }).collect())
    }

    /// Whether there is anything that a rule would erase.
    pub async fn has_older(&self, rule: Rule) -> Result<bool, Error> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM erasable WHERE value IS NOT NULL AND platform = ? AND admitted_us < ? \
             AND NOT EXISTS (SELECT 1 FROM mark WHERE mark.exchange_id = erasable.exchange_id AND mark.kind = 2))",
        )
        .bind(i32::from(rule.platform))
        .bind(rule.before_us)
        .fetch_one(self.store.pool())
        .await
        .map_err(failed)
    }

    /// Some of the parts that have expired and are still there, but for those of held exchanges.
    pub async fn due(&self, most: usize) -> Result<Vec<Due>, Error> {
        let rows: Vec<DueRow> = sqlx::query_as(
            "SELECT erasable.number, erasable.exchange_id, erasable.phase, erasable.part, erasable.value \
             FROM expired CROSS JOIN erasable INDEXED BY erasable_age ON erasable.value IS NOT NULL \
             AND erasable.platform = expired.platform AND erasable.admitted_us < expired.before_us \
             WHERE NOT EXISTS (SELECT 1 FROM mark WHERE mark.exchange_id = erasable.exchange_id AND mark.kind = 2) LIMIT ?",
        )
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(self.store.pool())
        .await
        .map_err(failed)?;
        let due = rows.into_iter().filter_map(|(number, exchange, phase, part, value)| {
            let (key, value) = super::part((exchange, phase, part, value))?;
            Some(Due { number, key, value: value?.into() })
        });
        Ok(due.collect())
    }

    /// Erases parts that have expired.
    pub async fn blank(&self, due: &[Due]) -> Result<(), Error> {
        let mut query: QueryBuilder<Sqlite> =
            QueryBuilder::new("UPDATE erasable SET value = NULL WHERE number IN (");
        let mut numbers = query.separated(", ");
        for due in due {
            numbers.push_bind(due.number);
        }
        query.push(")");
        query.build().persistent(false).execute(self.store.pool()).await.map(drop).map_err(failed)
    }

    /// How many parts of each of these exchanges can be erased; those that have none are not among them.
    pub async fn erasable_parts(
        &self,
        exchanges: &[ExchangeId],
    ) -> Result<BTreeMap<ExchangeId, u32>, Error> {
        let mut parts = BTreeMap::new();
        for (key, _) in self.parts_of(exchanges).await? {
            *parts.entry(key.exchange).or_default() += 1;
        }
        Ok(parts)
    }

    /// Notes that the decision at a leaf has destroyed the subject key of a month.
    pub async fn destroy(&self, leaf: u64, month: &str) -> Result<(), Error> {
        let noting = async {
            let mut transaction = self.store.pool().begin_with("BEGIN IMMEDIATE").await?;
            sqlx::query("INSERT OR IGNORE INTO destroyed (month) VALUES (?)")
                .bind(month)
                .execute(&mut *transaction)
                .await?;
            note(&mut transaction, leaf).await?;
            transaction.commit().await
        };
        noting.await.map_err(failed)
    }

    /// The months whose subject key is destroyed.
    pub async fn destroyed(&self) -> Result<BTreeSet<String>, Error> {
        let months: Vec<String> = sqlx::query_scalar("SELECT month FROM destroyed")
            .fetch_all(self.store.pool())
            .await
            .map_err(failed)?;
        Ok(months.into_iter().collect())
    }
}
