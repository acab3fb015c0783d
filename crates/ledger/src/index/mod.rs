//! The index: what lists are read from. It is built from the log, and can be built again.

mod list;
mod schema;
mod usage;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use lgsp_core::ExchangeId;
use lgsp_proto::ledger::v1::Phase;
use lgsp_store::sqlite::Store;
use sqlx::{Connection as _, QueryBuilder, Row as _, Sqlite, SqliteConnection, Transaction};

pub(crate) use list::{After, Found, Query};
pub(crate) use usage::agreement_of;

use crate::Error;
use crate::entry::{Key, Read, ends};
use crate::error::INDEX;
use crate::files::journal::Incarnation;
use crate::files::log::{End, Place};
use crate::sequences::{Sequence, Sequences};

/// Rows of one statement: SQLite binds at most 32,766 values.
const ROWS: usize = 500;
/// Most gateway instances that are read back at a start.
const MOST_GATEWAYS: i64 = 1_000;

/// A leaf, as it goes into the index.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub leaf: u64,
    pub place: Place,
    pub read: Read,
}

/// How far the index has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub end: End,
    /// Whose offsets are stored.
    pub incarnation: Incarnation,
}

/// The index. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    store: Store,
}

fn failed(source: impl Into<lgsp_store::Error>) -> Error {
    Error::Store { what: INDEX, source: source.into() }
}

impl Index {
    /// Opens the index, and makes it if there is none.
    pub async fn open(file: &Path) -> Result<Self, Error> {
        let options = lgsp_store::Options::of(format!("sqlite:{}", file.display()));
        let store = Store::open(&options, schema::MIGRATIONS).await.map_err(failed)?;
        Ok(Self { store })
    }

    pub async fn progress(&self) -> Result<Progress, Error> {
        let row = sqlx::query("SELECT leaves, segment, byte, incarnation FROM progress");
        let Some(row) = row.fetch_optional(self.store.pool()).await.map_err(failed)? else {
            return Ok(Progress::default());
        };
        let place = Place { segment: number(&row, "segment")?, byte: number(&row, "byte")? };
        let incarnation: Vec<u8> = row.try_get("incarnation").map_err(failed)?;
        Ok(Progress {
            end: End { place, leaves: number(&row, "leaves")? },
            incarnation: incarnation.try_into().unwrap_or_default(),
        })
    }

    /// The stored offsets: the next one of each partition.
    pub async fn offsets(&self) -> Result<BTreeMap<i32, i64>, Error> {
        let rows: Vec<(i32, i64)> = sqlx::query_as("SELECT partition, next FROM next_offset")
            .fetch_all(self.store.pool())
            .await
            .map_err(failed)?;
        Ok(rows.into_iter().collect())
    }

    /// The sequences of the gateways that entered last.
    pub async fn sequences(&self) -> Result<Sequences, Error> {
        let mut connection = self.store.pool().acquire().await.map_err(failed)?;
        let mut sequences = Sequences::default();
        for (gateway, sequence, entered) in
            list::gateways(&mut connection, MOST_GATEWAYS).await.map_err(failed)?
        {
            sequences.insert(gateway, sequence, entered);
        }
        Ok(sequences)
    }

    /// Of these keys, those that are entries already.
    pub async fn known(&self, keys: &[Key]) -> Result<HashSet<Key>, Error> {
        let mut known = HashSet::new();
        for keys in keys.chunks(ROWS) {
            let mut query = known_statement(keys);
            let rows: Vec<(Vec<u8>, i32, u32)> = query
                .build_query_as()
                .persistent(false)
                .fetch_all(self.store.pool())
                .await
                .map_err(failed)?;
            known.extend(rows.into_iter().filter_map(|(exchange, phase, part)| {
                let exchange = ExchangeId::from_bytes(&exchange)?;
                Some(Key { exchange, phase: Phase::try_from(phase).ok()?, part })
            }));
        }
        Ok(known)
    }

    /// Of these exchanges, those whose end is entered already.
    pub async fn ended(&self, exchanges: &[ExchangeId]) -> Result<HashSet<ExchangeId>, Error> {
        let both = [Phase::Final, Phase::Abandoned];
        let keys: Vec<Key> = exchanges
            .iter()
            .flat_map(|exchange| both.map(|phase| Key { exchange: *exchange, phase, part: 0 }))
            .collect();
        Ok(self.known(&keys).await?.into_iter().map(|key| key.exchange).collect())
    }

    /// Takes rows in, with all that they change, in one transaction.
    pub async fn put(
        &self,
        rows: &[Row],
        sequences: &Sequences,
        progress: &Progress,
        offsets: &BTreeMap<i32, i64>,
    ) -> Result<(), Error> {
        self.try_put(rows, sequences, progress, offsets).await.map_err(failed)
    }

    async fn try_put(
        &self,
        rows: &[Row],
        sequences: &Sequences,
        progress: &Progress,
        offsets: &BTreeMap<i32, i64>,
    ) -> Result<(), sqlx::Error> {
        let mut connection = self.store.pool().acquire().await?;
        // A power cut may take the last rows: the log has them. So an fsync here would only delay the intake's.
        sqlx::query("PRAGMA synchronous = NORMAL").execute(&mut *connection).await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        for rows in rows.chunks(ROWS) {
            let new = insert(&mut transaction, rows).await?;
            usage::count(&mut transaction, rows, &new).await?;
            show(&mut transaction, rows).await?;
        }
        for (gateway, told) in sequences.changed() {
            let Sequence { first, last, received, .. } = told.sequence;
            sqlx::query("INSERT OR REPLACE INTO gateway VALUES (?, ?, ?, ?, ?, ?)")
                .bind(gateway)
                .bind(first.cast_signed())
                .bind(last.cast_signed())
                .bind(received.cast_signed())
                .bind(told.last_entered_us)
                .bind(told.sequence.gaps_to_bytes())
                .execute(&mut *transaction)
                .await?;
        }
        write_progress(&mut transaction, progress, offsets).await?;
        transaction.commit().await
    }

    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// A join in this order, because SQLite would read the whole index for `IN (VALUES …)`.
fn known_statement(keys: &[Key]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("WITH key (exchange_id, phase, part) AS (");
    query.push_values(keys, |mut row, key| {
        row.push_bind(key.exchange.as_bytes().to_vec())
            .push_bind(key.phase as i32)
            .push_bind(i64::from(key.part));
    });
    query.push(") SELECT key.exchange_id, key.phase, key.part FROM key CROSS JOIN entry USING (exchange_id, phase, part)");
    query
}

async fn write_progress(
    connection: &mut SqliteConnection,
    progress: &Progress,
    offsets: &BTreeMap<i32, i64>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT OR REPLACE INTO progress (id, leaves, segment, byte, incarnation) VALUES (0, ?, ?, ?, ?)",
    )
    .bind(progress.end.leaves.cast_signed())
    .bind(progress.end.place.segment.cast_signed())
    .bind(progress.end.place.byte.cast_signed())
    .bind(progress.incarnation.as_slice())
    .execute(&mut *connection)
    .await?;
    for (partition, next) in offsets {
        sqlx::query("INSERT OR REPLACE INTO next_offset (partition, next) VALUES (?, ?)")
            .bind(partition)
            .bind(next)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Inserts rows; returns the leaves of those that are new.
async fn insert(
    transaction: &mut Transaction<'_, Sqlite>,
    rows: &[Row],
) -> Result<HashSet<i64>, sqlx::Error> {
    // A repeat of a key is the same entry.
    let mut query = QueryBuilder::new("INSERT OR IGNORE INTO entry ");
    query.push_values(rows, |mut values, row| {
        let (key, sealed) = (row.read.key, &row.read.sealed);
        values
            .push_bind(row.leaf.cast_signed())
            .push_bind(key.exchange.as_bytes().as_slice())
            .push_bind(key.phase as i32)
            .push_bind(i64::from(key.part))
            .push_bind(i32::from(ends(key.phase)))
            .push_bind(i32::from(sealed.platform))
            .push_bind(sealed.admitted_us)
            .push_bind(&sealed.application)
            .push_bind(&sealed.service)
            .push_bind(&sealed.method)
            .push_bind(sealed.outcome)
            .push_bind(row.place.segment.cast_signed())
            .push_bind(row.place.byte.cast_signed());
    });
    query.push(" RETURNING leaf");
    let new: Vec<(i64,)> = query.build_query_as().persistent(false).fetch_all(&mut **transaction).await?;
    Ok(new.into_iter().map(|(leaf,)| leaf).collect())
}

/// Where an exchange has both, its final entry is shown in lists and not that it was abandoned.
async fn show(transaction: &mut Transaction<'_, Sqlite>, rows: &[Row]) -> Result<(), sqlx::Error> {
    let ended: Vec<&Row> = rows.iter().filter(|row| ends(row.read.key.phase)).collect();
    if ended.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("UPDATE entry SET shown = 0 WHERE phase = 4 AND exchange_id IN (");
    let mut ids = query.separated(", ");
    for row in ended {
        ids.push_bind(row.read.key.exchange.as_bytes().as_slice());
    }
    query.push(") AND EXISTS (SELECT 1 FROM entry AS final WHERE final.exchange_id = entry.exchange_id AND final.phase = 3)");
    query.build().persistent(false).execute(&mut **transaction).await?;
    Ok(())
}

fn number(row: &sqlx::sqlite::SqliteRow, column: &str) -> Result<u64, Error> {
    let number: i64 = row.try_get(column).map_err(failed)?;
    Ok(number.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use lgsp_proto::ledger::v1::{ExchangeFilter, Outcome};

    use super::*;

    async fn plan(statement: QueryBuilder<Sqlite>) -> String {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(&dir.path().join("index.db")).await.unwrap();
        let explained = format!("EXPLAIN QUERY PLAN {}", statement.sql().as_str());
        let rows = sqlx::query(sqlx::AssertSqlSafe(explained)).fetch_all(index.store.pool()).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>("detail")).collect::<Vec<_>>().join("; ")
    }

    async fn check(change: impl FnOnce(&mut Query), expect: &str) {
        let after = After { admitted_us: 5, exchange: ExchangeId::new(), leaf: 7 };
        let filter = ExchangeFilter::default();
        let mut query = Query { filter, exchange: None, after: Some(after), limit: 10 };
        change(&mut query);
        let plan = plan(list::statement(&query)).await;
        assert!(plan.contains(&format!("SEARCH entry USING INDEX {expect} (")), "{plan}");
    }

    #[tokio::test]
    async fn a_page_is_found_by_an_index_however_long_the_log_is() {
        check(|_| (), "entry_shown").await;
        check(|query| query.filter.application = "tthc".to_owned(), "entry_application").await;
        check(|query| query.filter.service = "a.B".to_owned(), "entry_service").await;
        check(|query| query.filter.outcome = Outcome::Denied.into(), "entry_not_served").await;
        check(|query| query.exchange = Some(ExchangeId::new()), "entry_key").await;
    }

    #[tokio::test]
    async fn a_repeat_is_found_by_an_index_however_long_the_log_is() {
        let key = Key { exchange: ExchangeId::new(), phase: Phase::Final, part: 0 };
        let plan = plan(known_statement(&[key, key])).await;
        assert!(plan.contains("SEARCH entry USING COVERING INDEX entry_key"), "{plan}");
    }
}
