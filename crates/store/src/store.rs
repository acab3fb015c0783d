use tokio::time::Instant;

use crate::row::Inner as Cells;
use crate::writer::{self, Care, Writer};
use crate::{Error, Load, Migration, Options, Query, Row, postgres, sqlite};

/// The databases that a store can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// A file.
    Sqlite,
    /// A server, 13 or later.
    Postgres,
}

/// An open store: a bounded pool of connections to either database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store(Opened);

#[derive(Clone, Debug)]
enum Opened {
    Sqlite(sqlite::Store),
    Postgres(postgres::Store),
}

impl Store {
    /// Opens a store for reading and writing and migrates it. A SQLite file is created when it is missing; a database of
    /// PostgreSQL is not. Without migrations, nothing is written.
    ///
    /// # Errors
    /// The store cannot be opened, was written by a newer version, or a migration fails; then nothing is changed.
    pub async fn open(options: &Options, migrations: &[Migration]) -> Result<Self, Error> {
        Ok(Self(match options.dialect()? {
            Dialect::Sqlite => Opened::Sqlite(sqlite::Store::open(options, migrations).await?),
            Dialect::Postgres => Opened::Postgres(postgres::Store::open(options, migrations).await?),
        }))
    }

    /// The same in a schema of PostgreSQL, which is made if it is missing: so that several stores may share a database. A SQLite file is
    /// one by itself.
    ///
    /// # Errors
    /// As [`Store::open`], or the schema's name is not of letters, digits and underscores.
    pub async fn open_in(schema: &str, options: &Options, migrations: &[Migration]) -> Result<Self, Error> {
        Ok(Self(match options.dialect()? {
            Dialect::Sqlite => Opened::Sqlite(sqlite::Store::open(options, migrations).await?),
            Dialect::Postgres => {
                Opened::Postgres(postgres::Store::open_in(schema, options, migrations).await?)
            }
        }))
    }

    /// Opens a store that somebody else writes. Nothing can be changed through it.
    ///
    /// # Errors
    /// The store is missing or cannot be opened.
    pub async fn open_read_only(options: &Options) -> Result<Self, Error> {
        Ok(Self(match options.dialect()? {
            Dialect::Sqlite => Opened::Sqlite(sqlite::Store::open_read_only(options).await?),
            Dialect::Postgres => Opened::Postgres(postgres::Store::open_read_only(options).await?),
        }))
    }

    /// The database that the store is.
    pub fn dialect(&self) -> Dialect {
        match &self.0 {
            Opened::Sqlite(_) => Dialect::Sqlite,
            Opened::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Lends a connection whose statements end at the deadline, and when the reader is dropped.
    ///
    /// # Errors
    /// [`Error::TimedOut`] when no connection became free before the deadline; otherwise, why none could be opened.
    pub async fn reader(&self, deadline: Instant) -> Result<Reader, Error> {
        Ok(Reader(match &self.0 {
            Opened::Sqlite(store) => Lent::Sqlite(store.reader(deadline).await?),
            Opened::Postgres(store) => Lent::Postgres(store.reader(deadline).await?),
        }))
    }

    /// Begins a transaction that writes. SQLite has one of them at a time.
    ///
    /// # Errors
    /// As [`Store::reader`], or another writer holds the lock.
    pub async fn writer(&self, care: Care, deadline: Instant) -> Result<Writer, Error> {
        Ok(Writer(match &self.0 {
            Opened::Sqlite(store) => {
                writer::Begun::Sqlite(sqlite::Writer::begin(store.reader(deadline).await?, care).await?)
            }
            Opened::Postgres(store) => writer::Begun::Postgres(store.writer(deadline).await?),
        }))
    }

    /// Asks the store for as little as possible, to learn whether it answers.
    ///
    /// # Errors
    /// It does not, or not before the deadline.
    pub async fn probe(&self, deadline: Instant) -> Result<(), Error> {
        self.reader(deadline).await?.optional(Query::new("SELECT 1 AS one")).await?;
        Ok(())
    }

    /// Runs statements without values, separated by semicolons: to prepare a store, not to answer anybody.
    ///
    /// # Errors
    /// One of them fails.
    pub async fn run(&self, sql: &str) -> Result<(), Error> {
        match &self.0 {
            Opened::Sqlite(store) => store.run(sql).await,
            Opened::Postgres(store) => store.run(sql).await,
        }
    }

    /// Takes away what is left of rows that were deleted or replaced in these tables, as far as the database can: empties SQLite's
    /// write-ahead log, or runs `VACUUM`, which takes as long as it does. Returns false if a reader was in the way, or on PostgreSQL any
    /// transaction that is older and did not end soon.
    ///
    /// # Errors
    /// The disk or the server does not do it.
    pub async fn sweep(&self, tables: &[&str]) -> Result<bool, Error> {
        match &self.0 {
            Opened::Sqlite(store) => store.empty_log().await,
            Opened::Postgres(store) => {
                let is_clear = store.older_have_ended().await?;
                for table in tables {
                    // Their values are in the indexes too, which PostgreSQL would leave for later where they are few.
                    store.run(&format!("VACUUM (INDEX_CLEANUP ON) {table}")).await?;
                }
                Ok(is_clear)
            }
        }
    }

    /// The store, for what only SQLite has.
    pub fn sqlite(&self) -> Option<&sqlite::Store> {
        match &self.0 {
            Opened::Sqlite(store) => Some(store),
            Opened::Postgres(_) => None,
        }
    }

    /// Begins to fill tables in one transaction and in bulk. For PostgreSQL; SQLite is filled through its own store.
    ///
    /// # Errors
    /// The store is SQLite, or cannot be reached.
    pub async fn load(&self) -> Result<Load, Error> {
        match &self.0 {
            Opened::Sqlite(_) => Err(Error::options("url", "names no PostgreSQL, which is loaded in bulk")),
            Opened::Postgres(store) => store.load().await,
        }
    }

    /// Closes all connections and ends what still runs for callers who have left.
    pub async fn close(&self) {
        match &self.0 {
            Opened::Sqlite(store) => store.close().await,
            Opened::Postgres(store) => store.close().await,
        }
    }
}

impl From<sqlite::Store> for Store {
    fn from(store: sqlite::Store) -> Self {
        Self(Opened::Sqlite(store))
    }
}

/// A connection that is lent until a deadline, which holds for all its queries together.
///
/// A query that is not done by then fails with [`Error::TimedOut`]. That one, and one whose future is dropped, is ended in
/// the database too, so that nobody works for a caller who has left.
#[derive(Debug)]
pub struct Reader(Lent);

#[derive(Debug)]
enum Lent {
    Sqlite(sqlite::Reader),
    Postgres(postgres::Reader),
}

impl Reader {
    /// All rows of an answer. The statement bounds their number.
    ///
    /// # Errors
    /// [`Error::TimedOut`] at the deadline, or what the query fails with.
    pub async fn all(&mut self, query: Query<'_>) -> Result<Vec<Row>, Error> {
        Ok(self.all_of(&[query]).await?.pop().unwrap_or_default())
    }

    /// All rows of the answers to a few queries, in the order of the queries. PostgreSQL is asked all of them at once and runs them
    /// in one transaction, which spares the way there and back between them.
    ///
    /// # Errors
    /// [`Error::TimedOut`] at the deadline, or what the first query fails with that fails.
    pub async fn all_of(&mut self, queries: &[Query<'_>]) -> Result<Vec<Vec<Row>>, Error> {
        #[cfg(feature = "test-databases")]
        queries.iter().for_each(crate::testing::note);
        Ok(match &mut self.0 {
            Lent::Sqlite(reader) => {
                let mut answers = Vec::with_capacity(queries.len());
                for query in queries {
                    answers.push(rows(reader.all(query).await?, Cells::Sqlite));
                }
                answers
            }
            Lent::Postgres(reader) => {
                let answers = reader.all_of(queries).await?;
                answers.into_iter().map(|answer| rows(answer, Cells::Postgres)).collect()
            }
        })
    }

    /// The first row of an answer, for statements that find one or none.
    ///
    /// # Errors
    /// As [`Reader::all`].
    pub async fn optional(&mut self, query: Query<'_>) -> Result<Option<Row>, Error> {
        #[cfg(feature = "test-databases")]
        crate::testing::note(&query);
        Ok(match &mut self.0 {
            Lent::Sqlite(reader) => reader.optional(&query).await?.map(|row| Row(Cells::Sqlite(row))),
            Lent::Postgres(reader) => {
                let answers = reader.all_of(&[query]).await?;
                answers.into_iter().flatten().next().map(|row| Row(Cells::Postgres(row)))
            }
        })
    }
}

pub(crate) fn rows<T>(rows: Vec<T>, cells: fn(T) -> Cells) -> Vec<Row> {
    rows.into_iter().map(|row| Row(cells(row))).collect()
}
