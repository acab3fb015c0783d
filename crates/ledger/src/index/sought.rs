//! What entries are found by: rows of their hashes, by the entries that they are of.

use std::collections::{BTreeMap, HashMap, HashSet};

use lgsp_core::ExchangeId;
use lgsp_proto::ledger::v1::Phase;
use lgsp_store::sqlite::until;
use sqlx::{Connection as _, QueryBuilder, Sqlite, Transaction};
use tokio::time::Instant;

use super::{Index, ROWS, failed};
use crate::Error;
use crate::entry::{Key, Read};
use crate::files::log::Place;
use crate::seek::{self, Seek};

/// Rows of one statement: SQLite binds at most 32,766 values.
const SOUGHT_ROWS: usize = 4_000;
/// How far the moment of an abandoned exchange, which its id tells, may be from that of its other entries, in µs.
const NEAR: i64 = 60_000_000;

struct Row<'a> {
    seek: Seek,
    admitted_us: i64,
    exchange: &'a ExchangeId,
    leaf: i64,
    asked: bool,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stands {
    pub key: Key,
    pub leaf: u64,
    pub place: Place,
}

/// Inserts what entries are found by, each with its leaf.
pub(super) async fn insert(
    transaction: &mut Transaction<'_, Sqlite>,
    entries: impl Iterator<Item = (i64, &Read)>,
) -> Result<(), sqlx::Error> {
    let mut rows = Vec::new();
    for (leaf, read) in entries {
        let row = |seek, asked| Row {
            seek,
            admitted_us: read.sealed.admitted_us,
            exchange: &read.key.exchange,
            leaf,
            asked,
        };
        rows.extend(seek::of_sealed(read).into_iter().map(|seek| row(seek, false)));
        let erasable = read.erasable.as_deref().map(seek::of_erasable).unwrap_or_default();
        rows.extend(erasable.into_iter().map(|(seek, asked)| row(seek, asked)));
    }
    // In the order of the table: rows that are near each other are on one page.
    rows.sort_unstable_by_key(|row| (row.seek, row.admitted_us));
    for rows in rows.chunks(SOUGHT_ROWS) {
        let mut query = QueryBuilder::new(
            "INSERT OR IGNORE INTO sought (kind, value, admitted_us, exchange_id, leaf, asked) ",
        );
        query.push_values(rows, |mut values, row| {
            values
                .push_bind(row.seek.kind)
                .push_bind(row.seek.value.to_vec())
                .push_bind(row.admitted_us)
                .push_bind(row.exchange.as_bytes().as_slice())
                .push_bind(row.leaf)
                .push_bind(i32::from(row.asked));
        });
        query.build().persistent(false).execute(&mut **transaction).await?;
    }
    Ok(())
}

/// The same of entries that are in the index already.
pub(super) async fn insert_again(
    transaction: &mut Transaction<'_, Sqlite>,
    again: &[Read],
) -> Result<(), sqlx::Error> {
    for again in again.chunks(ROWS) {
        let mut query = QueryBuilder::new("WITH key (exchange_id, phase, part) AS (");
        query.push_values(again, |mut row, read| {
            row.push_bind(read.key.exchange.as_bytes().to_vec())
                .push_bind(read.key.phase as i32)
                .push_bind(i64::from(read.key.part));
        });
        query.push(") SELECT entry.leaf, entry.exchange_id, entry.phase, entry.part FROM key CROSS JOIN entry USING (exchange_id, phase, part)");
        let rows: Vec<(i64, Vec<u8>, i32, u32)> =
            query.build_query_as().persistent(false).fetch_all(&mut **transaction).await?;
        let leaves: HashMap<Key, i64> = rows
            .into_iter()
            .filter_map(|(leaf, exchange, phase, part)| {
                let exchange = ExchangeId::from_bytes(&exchange)?;
                Some((Key { exchange, phase: Phase::try_from(phase).ok()?, part }, leaf))
            })
            .collect();
        insert(transaction, again.iter().filter_map(|read| Some((*leaves.get(&read.key)?, read)))).await?;
    }
    Ok(())
}

impl Index {
    /// Forgets what these exchanges are found by that can be erased, as their parts have it. Durable when it returns: the parts
    /// themselves may be gone after that.
    pub async fn forget(&self, parts: &[(Key, Vec<u8>)]) -> Result<(), Error> {
        let exchanges: Vec<ExchangeId> = parts.iter().map(|(key, _)| key.exchange).collect();
        let admitted = self.admitted(&exchanges).await.map_err(failed)?;
        let mut connection = self.store.pool().acquire().await.map_err(failed)?;
        let durably = async {
            sqlx::raw_sql("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
                .execute(&mut *connection)
                .await?;
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            for (key, value) in parts {
                let Some(admitted_us) = admitted.get(&key.exchange) else { continue };
                for seek in seek::of_erasable(value).into_keys() {
                    let delete = sqlx::query(
                        "DELETE FROM sought WHERE kind = ? AND value = ? AND admitted_us BETWEEN ? AND ? AND exchange_id = ?",
                    );
                    let delete = delete.bind(seek.kind).bind(seek.value.to_vec());
                    let delete = delete.bind(admitted_us - NEAR).bind(admitted_us + NEAR);
                    delete.bind(key.exchange.as_bytes().as_slice()).execute(&mut *transaction).await?;
                }
            }
            transaction.commit().await
        };
        durably.await.map_err(failed)
    }

    /// The same of exchanges whose parts are gone already, in an index that is from before: reads all of it.
    pub async fn forget_all_of(&self, exchanges: &[ExchangeId]) -> Result<(), Error> {
        // Procedures and decisions stand in sealed parts.
        for exchanges in exchanges.chunks(ROWS) {
            let mut query =
                QueryBuilder::new("DELETE FROM sought WHERE kind NOT IN (4, 5) AND exchange_id IN (");
            let mut ids = query.separated(", ");
            for exchange in exchanges {
                ids.push_bind(exchange.as_bytes().to_vec());
            }
            query.push(")");
            query.build().persistent(false).execute(self.store.pool()).await.map_err(failed)?;
        }
        Ok(())
    }

    async fn admitted(&self, exchanges: &[ExchangeId]) -> Result<BTreeMap<ExchangeId, i64>, sqlx::Error> {
        let mut admitted = BTreeMap::new();
        for exchanges in exchanges.chunks(ROWS) {
            let mut query = QueryBuilder::new(
                "SELECT exchange_id, admitted_us FROM entry WHERE phase < 5 AND exchange_id IN (",
            );
            let mut ids = query.separated(", ");
            for exchange in exchanges {
                ids.push_bind(exchange.as_bytes().to_vec());
            }
            query.push(")");
            let rows: Vec<(Vec<u8>, i64)> =
                query.build_query_as().persistent(false).fetch_all(self.store.pool()).await?;
            admitted.extend(rows.into_iter().filter_map(|(id, at)| Some((ExchangeId::from_bytes(&id)?, at))));
        }
        Ok(admitted)
    }

    /// Of these exchanges, those of which there is an entry.
    pub async fn entered(
        &self,
        exchanges: &[ExchangeId],
        deadline: Instant,
    ) -> Result<HashSet<ExchangeId>, lgsp_store::Error> {
        Ok(until(deadline, self.admitted(exchanges)).await?.into_keys().collect())
    }

    /// Whether an exchange is found by all of these.
    pub async fn is_found_by(
        &self,
        seeks: &[Seek],
        (admitted_us, exchange): (i64, ExchangeId),
        deadline: Instant,
    ) -> Result<bool, lgsp_store::Error> {
        let mut reader = self.store.reader(deadline).await?;
        for seek in seeks {
            let query = sqlx::query_scalar(
                "SELECT EXISTS (SELECT 1 FROM sought WHERE kind = ? AND value = ? AND admitted_us = ? AND exchange_id = ?)",
            );
            let query = query.bind(seek.kind).bind(seek.value.to_vec()).bind(admitted_us);
            let found: bool =
                until(deadline, query.bind(exchange.as_bytes().to_vec()).fetch_one(&mut *reader)).await?;
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The entries of an exchange in the order of the log, from a leaf on.
    pub async fn entries_of(
        &self,
        exchange: &ExchangeId,
        from: u64,
        most: usize,
        deadline: Instant,
    ) -> Result<Vec<Stands>, lgsp_store::Error> {
        let query = sqlx::query_as(
            "SELECT leaf, exchange_id, phase, part, segment, byte FROM entry INDEXED BY entry_key WHERE exchange_id = ? AND leaf >= ? \
             ORDER BY leaf LIMIT ?",
        );
        let query = query.bind(exchange.as_bytes().to_vec()).bind(from.cast_signed()).bind(limit(most));
        let mut reader = self.store.reader(deadline).await?;
        let rows: Vec<StandsRow> = until(deadline, query.fetch_all(&mut *reader)).await?;
        Ok(rows.into_iter().filter_map(stands).collect())
    }

    /// The decisions about an exchange, and the one that was taken by it, the oldest first.
    pub async fn decisions_of(
        &self,
        exchange: &ExchangeId,
        most: usize,
        deadline: Instant,
    ) -> Result<Vec<Stands>, lgsp_store::Error> {
        let seek = Seek::decisions_of(exchange);
        let query = sqlx::query_as(
            "SELECT entry.leaf, entry.exchange_id, entry.phase, entry.part, entry.segment, entry.byte \
             FROM sought CROSS JOIN entry USING (leaf) WHERE sought.kind = ? AND sought.value = ? \
             ORDER BY sought.admitted_us, sought.exchange_id LIMIT ?",
        );
        let query = query.bind(seek.kind).bind(seek.value.to_vec()).bind(limit(most));
        let mut reader = self.store.reader(deadline).await?;
        let rows: Vec<StandsRow> = until(deadline, query.fetch_all(&mut *reader)).await?;
        Ok(rows.into_iter().filter_map(stands).collect())
    }

    /// What stands in the log as a decision from a leaf on, signed or not.
    pub async fn acts(&self, from: u64, most: usize) -> Result<Vec<Stands>, Error> {
        let query = sqlx::query_as(
            "SELECT leaf, exchange_id, phase, part, segment, byte FROM entry INDEXED BY entry_act WHERE phase = 6 AND leaf >= ? \
             ORDER BY leaf LIMIT ?",
        );
        let query = query.bind(from.cast_signed()).bind(limit(most));
        let rows: Vec<StandsRow> = query.fetch_all(self.store.pool()).await.map_err(failed)?;
        Ok(rows.into_iter().filter_map(stands).collect())
    }
}

type StandsRow = (i64, Vec<u8>, i32, u32, i64, i64);

fn stands((leaf, exchange, phase, part, segment, byte): StandsRow) -> Option<Stands> {
    let exchange = ExchangeId::from_bytes(&exchange)?;
    Some(Stands {
        key: Key { exchange, phase: Phase::try_from(phase).ok()?, part },
        leaf: leaf.cast_unsigned(),
        place: Place { segment: segment.cast_unsigned(), byte: byte.cast_unsigned() },
    })
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
