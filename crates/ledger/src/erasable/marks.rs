//! What decisions have made of exchanges: erased, held, withheld.

use std::collections::HashMap;

use lgsp_core::ExchangeId;
use sqlx::{Connection as _, QueryBuilder, Sqlite, SqliteConnection, Transaction};

use super::{Erasables, ROWS, failed};
use crate::Error;
use crate::entry::Key;

/// A mark of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Mark {
    Erased = 1,
    /// It is not erased.
    Held = 2,
    /// Its subjects are not told of it until a moment.
    Withheld = 3,
}

/// The marks of an exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub erased: bool,
    pub held: bool,
    /// Unix µs; 0: never was.
    pub withheld_until_us: i64,
}

impl Erasables {
    /// The marks of those of these exchanges that have any.
    pub async fn marks(&self, exchanges: &[ExchangeId]) -> Result<HashMap<ExchangeId, Marks>, sqlx::Error> {
        let mut marks: HashMap<ExchangeId, Marks> = HashMap::new();
        for exchanges in exchanges.chunks(ROWS) {
            let mut query =
                QueryBuilder::new("SELECT exchange_id, kind, until_us FROM mark WHERE exchange_id IN (");
            push_ids(&mut query, exchanges);
            let rows: Vec<(Vec<u8>, i32, i64)> =
                query.build_query_as().persistent(false).fetch_all(self.store.pool()).await?;
            for (exchange, kind, until_us) in rows {
                let Some(exchange) = ExchangeId::from_bytes(&exchange) else { continue };
                let of = marks.entry(exchange).or_default();
                of.erased |= kind == Mark::Erased as i32;
                of.held |= kind == Mark::Held as i32;
                if kind == Mark::Withheld as i32 {
                    of.withheld_until_us = until_us;
                }
            }
        }
        Ok(marks)
    }

    /// Of these exchanges, those that are erased.
    pub async fn erased(&self, mut exchanges: Vec<ExchangeId>) -> Result<Vec<ExchangeId>, Error> {
        let marks = self.marks(&exchanges).await.map_err(failed)?;
        exchanges.retain(|exchange| marks.get(exchange).is_some_and(|marks| marks.erased));
        Ok(exchanges)
    }

    /// Up to which leaf, not itself, decisions are carried out here.
    pub async fn carried_out(&self) -> Result<u64, Error> {
        let next: Option<i64> = sqlx::query_scalar("SELECT next FROM carried_out")
            .fetch_optional(self.store.pool())
            .await
            .map_err(failed)?;
        Ok(next.unwrap_or(0).cast_unsigned())
    }

    /// The parts of these exchanges that are not erased.
    pub async fn parts_of(&self, exchanges: &[ExchangeId]) -> Result<Vec<(Key, Vec<u8>)>, Error> {
        let mut parts = Vec::new();
        for exchanges in exchanges.chunks(ROWS) {
            let mut query = QueryBuilder::new(
                "SELECT exchange_id, phase, part, value FROM erasable WHERE value IS NOT NULL AND exchange_id IN (",
            );
            push_ids(&mut query, exchanges);
            let rows: Vec<super::PartRow> = query
                .build_query_as()
                .persistent(false)
                .fetch_all(self.store.pool())
                .await
                .map_err(failed)?;
            parts.extend(
                rows.into_iter()
                    .filter_map(super::part)
                    .filter_map(|(key, value)| Some((key, value?.into()))),
            );
        }
        Ok(parts)
    }

    /// Carries the decision out that stands at a leaf: marks these exchanges.
    pub async fn mark(
        &self,
        leaf: u64,
        mark: Mark,
        until_us: i64,
        exchanges: &[ExchangeId],
    ) -> Result<(), Error> {
        let marking = async {
            let mut connection = self.store.pool().acquire().await?;
            // What is erased must not stay in the file.
            sqlx::query("PRAGMA secure_delete = ON").execute(&mut *connection).await?;
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            for exchanges in exchanges.chunks(ROWS) {
                insert(&mut transaction, mark, until_us, exchanges).await?;
                if mark == Mark::Erased {
                    super::blank_marked(&mut transaction, exchanges.iter()).await?;
                }
            }
            note(&mut transaction, leaf).await?;
            transaction.commit().await
        };
        marking.await.map_err(failed)
    }

    /// The same for one that takes a mark away.
    pub async fn unmark(&self, leaf: u64, mark: Mark, exchanges: &[ExchangeId]) -> Result<(), Error> {
        let marking = async {
            let mut transaction = self.store.pool().begin_with("BEGIN IMMEDIATE").await?;
            for exchanges in exchanges.chunks(ROWS) {
                let mut query = QueryBuilder::new("DELETE FROM mark WHERE kind = ");
                query.push_bind(mark as i32).push(" AND exchange_id IN (");
                push_ids(&mut query, exchanges);
                query.build().persistent(false).execute(&mut *transaction).await?;
            }
            note(&mut transaction, leaf).await?;
            transaction.commit().await
        };
        marking.await.map_err(failed)
    }

    /// Notes that what stands at a leaf changes nothing here.
    pub async fn pass(&self, leaf: u64) -> Result<(), Error> {
        self.unmark(leaf, Mark::Held, &[]).await
    }
}

async fn insert(
    transaction: &mut Transaction<'_, Sqlite>,
    mark: Mark,
    until_us: i64,
    exchanges: &[ExchangeId],
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new("INSERT OR REPLACE INTO mark (exchange_id, kind, until_us) ");
    query.push_values(exchanges, |mut row, exchange| {
        row.push_bind(exchange.as_bytes().to_vec()).push_bind(mark as i32).push_bind(until_us);
    });
    query.build().persistent(false).execute(&mut **transaction).await.map(drop)
}

async fn note(connection: &mut SqliteConnection, leaf: u64) -> Result<(), sqlx::Error> {
    let next = leaf.saturating_add(1).cast_signed();
    sqlx::query("INSERT OR REPLACE INTO carried_out (id, next) VALUES (0, ?)")
        .bind(next)
        .execute(connection)
        .await
        .map(drop)
}

fn push_ids(query: &mut QueryBuilder<Sqlite>, exchanges: &[ExchangeId]) {
    let mut ids = query.separated(", ");
    for exchange in exchanges {
        ids.push_bind(exchange.as_bytes().to_vec());
    }
    query.push(")");
}
