//! The index: what lists are read from. It is built from the log, and can be built again.

mod list;
mod period;
mod schema;
mod search;
mod shown;
mod sought;
mod usage;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use lgsp_core::ExchangeId;
use lgsp_proto::ledger::v1::Phase;
use lgsp_store::sqlite::Store;
use sqlx::{Connection as _, QueryBuilder, Row as _, Sqlite, SqliteConnection, Transaction};

pub(crate) use list::{After, Found, Query};
#[cfg(test)]
pub(crate) use search::Counts;
pub(crate) use search::{Order, Search};
pub(crate) use sought::Stands;
pub(crate) use usage::agreement_of;

use crate::Error;
use crate::entry::{Key, Read};
use crate::error::INDEX;
use crate::files::journal::Incarnation;
use crate::files::log::{End, Place};
use crate::sequences::{Sequence, Sequences};

/// Rows of one statement: SQLite binds at most 32,766 values.
const ROWS: usize = 500;
/// A power cut may take the last rows: the log has them. So an fsync here would only delay the intake's. What entries are found by
/// goes to pages all over the file: several batches share one that is written back once (64 MiB).
const FOR_WRITING: &str =
    "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16384";
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

    /// Takes rows in, with all that they change, in one transaction. Each has its erasable part as it is stored. `again` are entries
    /// that are in the index already, whose erasable parts may not have been there then.
    pub async fn put(
        &self,
        rows: &[Row],
        again: &[Read],
        sequences: &Sequences,
        progress: &Progress,
        offsets: &BTreeMap<i32, i64>,
    ) -> Result<(), Error> {
        self.try_put(rows, again, sequences, progress, offsets).await.map_err(failed)
    }

    async fn try_put(
        &self,
        rows: &[Row],
        again: &[Read],
        sequences: &Sequences,
        progress: &Progress,
        offsets: &BTreeMap<i32, i64>,
    ) -> Result<(), sqlx::Error> {
        let mut connection = self.store.pool().acquire().await?;
        sqlx::raw_sql(FOR_WRITING).execute(&mut *connection).await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        for rows in rows.chunks(ROWS) {
            let new = insert(&mut transaction, rows).await?;
            usage::count(&mut transaction, rows, &new).await?;
            shown::show(&mut transaction, rows).await?;
            sought::insert(&mut transaction, rows.iter().map(|row| (row.leaf.cast_signed(), &row.read)))
                .await?;
        }
        sought::insert_again(&mut transaction, again).await?;
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
    let mut query = QueryBuilder::new(
        "INSERT OR IGNORE INTO entry (leaf, exchange_id, phase, part, shown, platform, admitted_us, application, agency, service, \
         method, purpose, agreement, credential, outcome, segment, byte) ",
    );
    query.push_values(rows, |mut values, row| {
        let (key, sealed) = (row.read.key, &row.read.sealed);
        values
            .push_bind(row.leaf.cast_signed())
            .push_bind(key.exchange.as_bytes().as_slice())
            .push_bind(key.phase as i32)
            .push_bind(i64::from(key.part))
            .push_bind(shown::shown(key.phase))
            .push_bind(i32::from(sealed.platform))
            .push_bind(sealed.admitted_us)
            .push_bind(&sealed.application)
            .push_bind(&sealed.agency_code)
            .push_bind(&sealed.service)
            .push_bind(&sealed.method)
            .push_bind(&sealed.purpose)
            .push_bind(&sealed.agreement)
            .push_bind(credential(&sealed.credential_sha256))
            .push_bind(sealed.outcome)
            .push_bind(row.place.segment.cast_signed())
            .push_bind(row.place.byte.cast_signed());
    });
    query.push(" RETURNING leaf");
    let new: Vec<(i64,)> = query.build_query_as().persistent(false).fetch_all(&mut **transaction).await?;
    Ok(new.into_iter().map(|(leaf,)| leaf).collect())
}

/// So much of a credential's digest as the index keeps.
pub(super) fn credential(digest: &[u8]) -> &[u8] {
    digest.get(..16).unwrap_or(digest)
}

fn number(row: &sqlx::sqlite::SqliteRow, column: &str) -> Result<u64, Error> {
    let number: i64 = row.try_get(column).map_err(failed)?;
    Ok(number.cast_unsigned())
}

#[cfg(test)]
pub(super) mod tests {
    use lgsp_core::entry::salted;
    use lgsp_proto::ledger::v1::{Erasable, ExchangeFilter, Outcome, Sealed};
    use prost::Message;

    use super::*;
    use crate::entry::read_sealed;
    use crate::seek::{Seek, Text};

    pub(super) async fn plan(statement: QueryBuilder<Sqlite>) -> String {
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

    async fn opened() -> (tempfile::TempDir, Index) {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(&dir.path().join("index.db")).await.unwrap();
        (dir, index)
    }

    fn row(leaf: u64) -> Row {
        let exchange_id = ExchangeId::new().as_bytes().to_vec().into();
        let sealed = Sealed { exchange_id, phase: Phase::Final.into(), admitted_us: 7, ..Sealed::default() };
        let read = read_sealed(sealed.encode_to_vec().into(), None).unwrap();
        Row { leaf, place: Place::default(), read }
    }

    #[tokio::test]
    async fn an_entry_whose_part_was_kept_only_after_it_was_indexed_is_found_by_it_too() {
        let (_dir, index) = opened().await;
        let row = row(3);
        let put = async |rows: &[Row], again: &[Read]| {
            let sequences = Sequences::default();
            index.put(rows, again, &sequences, &Progress::default(), &BTreeMap::new()).await.unwrap();
        };
        put(std::slice::from_ref(&row), &[]).await;
        let erasable = Erasable { officer: salted("officer-17"), ..Erasable::default() };
        let again = Read { erasable: Some(erasable.encode_to_vec().into()), ..row.read.clone() };
        let search =
            Search { seeks: vec![Seek::text(Text::Officer, "officer-17")], limit: 10, ..Search::default() };
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        assert!(index.search(&search, deadline).await.unwrap().is_empty());
        for _ in 0..2 {
            put(&[], std::slice::from_ref(&again)).await;
            let found = index.search(&search, deadline).await.unwrap();
            assert_eq!(found.iter().map(|found| found.at.leaf).collect::<Vec<_>>(), [3]);
        }
    }

    #[tokio::test]
    async fn an_index_from_before_is_built_again_and_reads_no_record_twice() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("index.db");
        let options = lgsp_store::Options::of(format!("sqlite:{}", file.display()));
        let before = Store::open(&options, &schema::MIGRATIONS[..2]).await.unwrap();
        for sql in [
            "INSERT INTO entry VALUES (0, x'00', 3, 0, 1, 0, 7, 'a', 'b', 'c', 1, 1, 48)",
            "INSERT INTO progress VALUES (0, 1, 1, 99, x'0102030405060708090a0b0c0d0e0f10')",
            "INSERT INTO next_offset VALUES (2, 17)",
            "INSERT INTO gateway VALUES ('gateway-1', 1, 1, 1, 7, x'')",
        ] {
            sqlx::query(sql).execute(before.pool()).await.unwrap();
        }
        before.close().await;
        let index = Index::open(&file).await.unwrap();
        let progress = index.progress().await.unwrap();
        assert_eq!((progress.end, progress.incarnation[0]), (End::default(), 1), "from the first leaf on");
        assert_eq!(index.offsets().await.unwrap(), [(2, 17)].into());
        assert!(index.known(&[row(0).read.key]).await.unwrap().is_empty());
    }
}
