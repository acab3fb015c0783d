//! The erasable parts, apart from the log: what is erased here is gone, and the log's proofs still hold.

mod archived;
mod decided;
mod displaced;
mod expiry;
mod marks;
mod postgres;
mod seek_key;

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use lgsp_core::ExchangeId;
use lgsp_store::{Care, Dialect, Kind, Migration, Query, Sql, Store, Value, Writer};

pub(crate) use expiry::{EXPIRE, Rule};
pub(crate) use marks::Mark;
pub(crate) use seek_key::SeekKey;

use crate::Error;
use crate::entry::{Key, Read, is_part_of};
use crate::error::ERASABLE;
use crate::fence::{self, Fence};
use crate::rows::{KEY, ROWS, key_of, key_values, soon};

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
    // Rows in the order in which they came: none is ever moved to another page, where a copy of its value would stay in the page
    // that it was on, out of reach of whoever erases it. What came before this is taken to be of data, and as old as its id says.
    Migration {
        version: 3,
        name: "expiry",
        sql: "
ALTER TABLE erasable RENAME TO erasable_by_key;
CREATE TABLE erasable (
    number      INTEGER PRIMARY KEY,
    exchange_id BLOB    NOT NULL,
    phase       INTEGER NOT NULL,
    part        INTEGER NOT NULL,
    platform    INTEGER NOT NULL,
    admitted_us INTEGER NOT NULL,
    value       BLOB
) STRICT;
CREATE UNIQUE INDEX erasable_key ON erasable (exchange_id, phase, part);
CREATE INDEX erasable_age ON erasable (platform, admitted_us) WHERE value IS NOT NULL;
WITH digit (n) AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12))
INSERT INTO erasable (exchange_id, phase, part, platform, admitted_us, value)
SELECT exchange_id, phase, part, 0,
       1000 * (SELECT sum(instr('123456789ABCDEF', substr(hex(exchange_id), n, 1)) << (4 * (12 - n))) FROM digit),
       value
FROM erasable_by_key ORDER BY exchange_id, phase, part;
DROP TABLE erasable_by_key;

CREATE TABLE expired (
    platform  INTEGER PRIMARY KEY,
    before_us INTEGER NOT NULL
) STRICT;

CREATE TABLE destroyed (
    month TEXT PRIMARY KEY
) STRICT;

CREATE TABLE seek_key (
    id  INTEGER PRIMARY KEY CHECK (id = 0),
    key BLOB NOT NULL
) STRICT",
    },
    // One that could not be read is carried out when the log is repaired, though later ones were carried out before it.
    Migration {
        version: 4,
        name: "decisions",
        sql: "CREATE TABLE decided (leaf INTEGER PRIMARY KEY) STRICT",
    },
];

/// Where it is on PostgreSQL.
const SCHEMA: &str = "lgsp_ledger_erasable";

/// The store of the erasable parts. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Erasables {
    store: Store,
    fence: Fence,
    /// Under which the index has what entries are found by: without this store nobody guesses it.
    pub seek_key: SeekKey,
}

pub(crate) fn failed(source: lgsp_store::Error) -> Error {
    fence::failed(ERASABLE, source)
}

impl Erasables {
    pub async fn open(file: &Path) -> Result<Self, Error> {
        let options = lgsp_store::Options::of(format!("sqlite:{}", file.display()));
        Self::open_in(&options, Fence::default()).await
    }

    /// The same in either database.
    pub async fn open_in(options: &lgsp_store::Options, fence: Fence) -> Result<Self, Error> {
        let migrations = match options.dialect().map_err(failed)? {
            Dialect::Sqlite => MIGRATIONS,
            Dialect::Postgres => postgres::MIGRATIONS,
        };
        let store = Store::open_in(SCHEMA, options, migrations).await.map_err(failed)?;
        let seek_key = seek_key::of(&store).await.map_err(failed)?;
        Ok(Self { store, fence, seek_key })
    }

    /// Takes away what the database still has of what was erased; returns whether it did.
    pub async fn empty_log(&self) -> Result<bool, Error> {
        self.store.sweep(&["erasable"]).await.map_err(failed)
    }

    /// A transaction. What it changes is durable.
    async fn writer(&self) -> Result<Writer, lgsp_store::Error> {
        self.fence.writer(&self.store, Care::Durable, soon()).await
    }

    /// One statement that changes something.
    async fn run(&self, query: Query<'_>) -> Result<u64, lgsp_store::Error> {
        let mut writer = self.writer().await?;
        let changed = writer.run(query).await?;
        writer.commit().await?;
        Ok(changed)
    }

    async fn rows(&self, query: Query<'_>) -> Result<Vec<lgsp_store::Row>, lgsp_store::Error> {
        self.store.reader(soon()).await?.all(query).await
    }

    async fn row(&self, query: Query<'_>) -> Result<Option<lgsp_store::Row>, lgsp_store::Error> {
        self.store.reader(soon()).await?.optional(query).await
    }

    fn sql<'q>(&self, text: &str) -> Sql<'q> {
        Sql::new(self.store.dialect(), text)
    }

    /// Keeps the erasable parts of these entries. What is there already, or was erased, stays as it is, and nothing comes to an
    /// exchange that was erased. Returns whether all of it is kept as it came.
    pub async fn put(&self, entries: &[Read]) -> Result<bool, Error> {
        self.try_put(entries).await.map_err(failed)
    }

    async fn try_put(&self, entries: &[Read]) -> Result<bool, lgsp_store::Error> {
        let with: Vec<(&Read, &[u8])> =
            entries.iter().filter_map(|read| Some((read, read.erasable.as_deref()?))).collect();
        if with.is_empty() {
            return Ok(true);
        }
        let mut writer = self.writer().await?;
        let (mut kept, mut erased) = (0, 0);
        for with in with.chunks(ROWS) {
            let rows = with.iter().map(|(read, erasable)| row_of(read, (*erasable).into()));
            kept += writer.run(self.insert(rows).query()).await?;
            erased += self.blank_marked(&mut writer, with.iter().map(|(read, _)| &read.key.exchange)).await?;
        }
        writer.commit().await?;
        Ok(kept == with.len() as u64 && erased == 0)
    }

    /// Keeps parts where there are none.
    fn insert<'q>(&self, rows: impl Iterator<Item = [Value<'q>; 6]>) -> Sql<'q> {
        let mut sql =
            self.sql("INSERT INTO erasable (exchange_id, phase, part, platform, admitted_us, value) ");
        sql.rows(KINDS, rows).push(" ON CONFLICT DO NOTHING");
        sql
    }

    /// Gives each entry its erasable part as it is kept: none if it was erased, or if it is another's of the same key.
    pub async fn fill<'a>(&self, entries: impl Iterator<Item = &'a mut Read>) -> Result<(), Error> {
        let entries: Vec<&mut Read> = entries.collect();
        let keys: Vec<Key> = entries.iter().map(|read| read.key).collect();
        let parts = self.find(&keys).await.map_err(failed)?;
        for read in entries {
            let part = parts.get(&read.key).cloned().flatten();
            read.erasable = part.filter(|part| is_part_of(part, &read.sealed));
        }
        Ok(())
    }

    /// The parts of entries that have one; `None` was erased.
    pub async fn find(&self, keys: &[Key]) -> Result<HashMap<Key, Option<Bytes>>, lgsp_store::Error> {
        let mut parts = HashMap::with_capacity(keys.len());
        for keys in keys.chunks(ROWS) {
            let mut sql = self.sql("WITH key (exchange_id, phase, part) AS (");
            sql.rows(KEY, keys.iter().map(key_values));
            sql.push(") SELECT erasable.exchange_id, erasable.phase, erasable.part, erasable.value FROM key");
            // SQLite reads the keys first.
            sql.push_on(Dialect::Sqlite, " CROSS").push(" JOIN erasable USING (exchange_id, phase, part)");
            for row in &self.rows(sql.query()).await? {
                parts.extend(part(row)?);
            }
        }
        Ok(parts)
    }

    /// Blanks the parts of those exchanges that are marked as erased.
    async fn blank_marked(
        &self,
        writer: &mut Writer,
        exchanges: impl Iterator<Item = &ExchangeId>,
    ) -> Result<u64, lgsp_store::Error> {
        let mut sql = self.sql(
            "UPDATE erasable SET value = NULL WHERE value IS NOT NULL AND exchange_id IN \
             (SELECT exchange_id FROM mark WHERE kind = 1 AND exchange_id",
        );
        sql.among(Kind::Bytes, exchanges.map(ExchangeId::as_bytes)).push(")");
        writer.run(sql.query()).await
    }
}

const KINDS: [Kind; 6] =
    [Kind::Bytes, Kind::Integer, Kind::Integer, Kind::Integer, Kind::Integer, Kind::Bytes];

/// A part as a row.
fn row_of<'q>(read: &'q Read, value: Value<'q>) -> [Value<'q>; 6] {
    let [exchange, phase, part] = key_values(&read.key);
    [exchange, phase, part, read.sealed.platform.into(), read.sealed.admitted_us.into(), value]
}

/// The part in a row; `None` if it is under no key.
fn part(row: &lgsp_store::Row) -> Result<Option<(Key, Option<Bytes>)>, lgsp_store::Error> {
    let value = row.maybe_bytes("value")?.map(Bytes::copy_from_slice);
    Ok(key_of(row)?.map(|key| (key, value)))
}
