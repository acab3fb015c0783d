//! The erasable parts, apart from the log: what is erased here is gone, and the log's proofs still hold.

mod marks;

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use lgsp_core::ExchangeId;
use lgsp_proto::ledger::v1::Phase;
use lgsp_store::{Migration, sqlite::Store};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

pub(crate) use marks::Mark;

use crate::Error;
use crate::entry::{Key, Read};
use crate::error::ERASABLE;

const MIGRATIONS: &[Migration] = &[
    // A row that was erased stays, without its value, so that a repeat of its entry does not bring it back.
    Migration {
        version: 1,
        name: "erasable parts",
        sql: "
CREATE TABLE erasable (
    exchange_id BLOB    NOT NULL,
    phase       INTEGER NOT NULL,
    part        INTEGER NOT NULL,
    value       BLOB,
    PRIMARY KEY (exchange_id, phase, part)
) STRICT, WITHOUT ROWID",
    },
    // What decisions have made of exchanges, and up to which leaf decisions are carried out here.
    Migration {
        version: 2,
        name: "marks",
        sql: "
CREATE TABLE mark (
    exchange_id BLOB    NOT NULL,
    kind        INTEGER NOT NULL,
    until_us    INTEGER NOT NULL,
    PRIMARY KEY (exchange_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE carried_out (
    id   INTEGER PRIMARY KEY CHECK (id = 0),
    next INTEGER NOT NULL
) STRICT",
    },
];

/// Rows of one statement.
const ROWS: usize = 500;

/// The store of the erasable parts. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Erasables {
    store: Store,
}

fn failed(source: impl Into<lgsp_store::Error>) -> Error {
    Error::Store { what: ERASABLE, source: source.into() }
}

impl Erasables {
    pub async fn open(file: &Path) -> Result<Self, Error> {
        let options = lgsp_store::Options::of(format!("sqlite:{}", file.display()));
        let store = Store::open(&options, MIGRATIONS).await.map_err(failed)?;
        Ok(Self { store })
    }

    /// Keeps the erasable parts of these entries. What is there already, or was erased, stays as it is, and nothing comes to an
    /// exchange that was erased. Returns whether all of it is kept as it came.
    pub async fn put(&self, entries: &[Read]) -> Result<bool, Error> {
        self.try_put(entries).await.map_err(failed)
    }

    async fn try_put(&self, entries: &[Read]) -> Result<bool, sqlx::Error> {
        let with: Vec<(&Read, &[u8])> =
            entries.iter().filter_map(|read| Some((read, read.erasable.as_deref()?))).collect();
        if with.is_empty() {
            return Ok(true);
        }
        let mut transaction = self.store.pool().begin_with("BEGIN IMMEDIATE").await?;
        let (mut kept, mut erased) = (0, 0);
        for with in with.chunks(ROWS) {
            let mut query =
                QueryBuilder::new("INSERT OR IGNORE INTO erasable (exchange_id, phase, part, value) ");
            query.push_values(with, |mut values, (read, erasable)| {
                values
                    .push_bind(read.key.exchange.as_bytes().as_slice())
                    .push_bind(read.key.phase as i32)
                    .push_bind(i64::from(read.key.part))
                    .push_bind(*erasable);
            });
            kept += query.build().persistent(false).execute(&mut *transaction).await?.rows_affected();
            let exchanges = with.iter().map(|(read, _)| &read.key.exchange);
            erased += blank_marked(&mut transaction, exchanges).await?;
        }
        transaction.commit().await?;
        Ok(kept == with.len() as u64 && erased == 0)
    }

    /// Gives each entry its erasable part as it is kept: none if it was erased.
    pub async fn fill<'a>(&self, entries: impl Iterator<Item = &'a mut Read>) -> Result<(), Error> {
        let entries: Vec<&mut Read> = entries.collect();
        let keys: Vec<Key> = entries.iter().map(|read| read.key).collect();
        let parts = self.find(&keys).await.map_err(failed)?;
        for read in entries {
            read.erasable = parts.get(&read.key).cloned().flatten();
        }
        Ok(())
    }

    /// The parts of entries that have one; `None` was erased.
    pub async fn find(&self, keys: &[Key]) -> Result<HashMap<Key, Option<Bytes>>, sqlx::Error> {
        let mut parts = HashMap::with_capacity(keys.len());
        for keys in keys.chunks(ROWS) {
            let mut query = QueryBuilder::new("WITH key (exchange_id, phase, part) AS (");
            query.push_values(keys, |mut row, key| {
                row.push_bind(key.exchange.as_bytes().to_vec())
                    .push_bind(key.phase as i32)
                    .push_bind(i64::from(key.part));
            });
            query.push(
                ") SELECT key.exchange_id, key.phase, key.part, erasable.value FROM key CROSS JOIN erasable USING (exchange_id, phase, part)",
            );
            let rows: Vec<PartRow> =
                query.build_query_as().persistent(false).fetch_all(self.store.pool()).await?;
            parts.extend(rows.into_iter().filter_map(part));
        }
        Ok(parts)
    }
}

type PartRow = (Vec<u8>, i32, u32, Option<Vec<u8>>);

fn part((exchange, phase, part, value): PartRow) -> Option<(Key, Option<Bytes>)> {
    let exchange = ExchangeId::from_bytes(&exchange)?;
    let key = Key { exchange, phase: Phase::try_from(phase).ok()?, part };
    Some((key, value.map(Bytes::from)))
}

/// Blanks the parts of those exchanges that are marked as erased.
async fn blank_marked(
    connection: &mut SqliteConnection,
    exchanges: impl Iterator<Item = &ExchangeId>,
) -> Result<u64, sqlx::Error> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
        "UPDATE erasable SET value = NULL WHERE value IS NOT NULL AND exchange_id IN \
         (SELECT exchange_id FROM mark WHERE kind = 1 AND exchange_id IN (",
    );
    let mut ids = query.separated(", ");
    for exchange in exchanges {
        ids.push_bind(exchange.as_bytes().as_slice());
    }
    query.push("))");
    Ok(query.build().persistent(false).execute(connection).await?.rows_affected())
}
