//! SQLite through sqlx: a file of our own, or one that somebody else writes.

mod error;
mod migrate;
mod value;
mod writer;

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, SqlitePool};
use tokio::time::{Instant, sleep, timeout_at};

pub(crate) use value::cell;
pub(crate) use writer::Writer;

use crate::{Error, Migration, Options, Query};

/// How long a statement waits for another writer's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the emptying of a write-ahead log waits for readers, for which it keeps the writers out.
const EMPTYING_TIMEOUT: Duration = Duration::from_millis(100);
/// How long an opening may take.
const OPENING_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause before a store is opened again that was busy at once.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// Longest wait for a free connection of callers that bring no deadline of their own.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// SQLite's virtual machine runs so many instructions between two looks at the deadline: well under a millisecond.
const INSTRUCTIONS_BETWEEN_LOOKS: i32 = 10_000;

/// An open SQLite store, for those who need what only SQLite has: a bounded pool of connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens a store for reading and writing, creates it when it is missing, and migrates it.
    ///
    /// # Errors
    /// The store cannot be opened, was written by a newer version, or a migration fails; then nothing is changed.
    pub async fn open(options: &Options, migrations: &[Migration]) -> Result<Self, Error> {
        // Of two that turn a new file to write-ahead logging at once, SQLite refuses one without waiting for the other.
        let deadline = Instant::now() + OPENING_TIMEOUT;
        loop {
            match Self::open_once(options, migrations).await {
                Err(Error::Busy { .. }) if Instant::now() < deadline => sleep(BUSY_PAUSE).await,
                opened => return opened,
            }
        }
    }

    async fn open_once(options: &Options, migrations: &[Migration]) -> Result<Self, Error> {
        let connect = connect_options(options)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was acknowledged survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            // What is deleted must not stay in the file.
            .pragma("secure_delete", "ON");
        let store = Self { pool: connect_pool(options, connect).await? };
        let mut connection = store.pool.acquire().await?;
        migrate::run(&mut connection, migrations).await?;
        drop(connection);
        Ok(store)
    }

    /// Opens a store that somebody else writes. Nothing can be changed through it.
    ///
    /// # Errors
    /// The store is missing or cannot be opened.
    pub async fn open_read_only(options: &Options) -> Result<Self, Error> {
        let connect = connect_options(options)?.read_only(true).pragma("query_only", "ON");
        Ok(Self { pool: connect_pool(options, connect).await? })
    }

    /// Runs statements, separated by semicolons.
    pub(crate) async fn run(&self, sql: &str) -> Result<(), Error> {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&self.pool).await?;
        Ok(())
    }

    /// Writes the write-ahead log back and empties it, so that what was deleted does not stay there. Returns whether it did: a
    /// reader may be in the way.
    ///
    /// # Errors
    /// The disk does not do it.
    pub async fn empty_log(&self) -> Result<bool, Error> {
        let mut connection = self.pool.acquire().await?;
        wait_at_most(&mut connection, EMPTYING_TIMEOUT).await?;
        let emptied = empty_log(&mut connection).await;
        if wait_at_most(&mut connection, BUSY_TIMEOUT).await.is_err() {
            connection.close_on_drop();
        }
        emptied
    }

    /// The pool, for statements that no exchange waits for.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Lends a connection whose statements are interrupted at the deadline, and when the reader is dropped.
    ///
    /// # Errors
    /// [`Error::TimedOut`] when no connection became free before the deadline; otherwise, why none could be opened.
    pub async fn reader(&self, deadline: Instant) -> Result<Reader, Error> {
        // A free connection would still be lent, since a timeout looks at its clock last.
        if Instant::now() >= deadline {
            return Err(Error::TimedOut);
        }
        timeout_at(deadline, async {
            let mut connection = self.pool.acquire().await?;
            let left = Arc::new(AtomicBool::new(false));
            let reader_left = Arc::clone(&left);
            let goes_on = move || !reader_left.load(Ordering::Relaxed) && Instant::now() < deadline;
            connection.lock_handle().await?.set_progress_handler(INSTRUCTIONS_BETWEEN_LOOKS, goes_on);
            Ok(Reader { connection, left, deadline })
        })
        .await
        .map_err(|_| Error::TimedOut)?
    }

    /// Closes all connections; waits for those that are lent.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// A connection that is lent until a deadline.
#[derive(Debug)]
pub struct Reader {
    connection: PoolConnection<Sqlite>,
    left: Arc<AtomicBool>,
    deadline: Instant,
}

impl Reader {
    pub(crate) async fn all(&mut self, query: &Query<'_>) -> Result<Vec<SqliteRow>, Error> {
        until(self.deadline, value::statement(query).fetch_all(&mut *self.connection)).await
    }

    pub(crate) async fn optional(&mut self, query: &Query<'_>) -> Result<Option<SqliteRow>, Error> {
        until(self.deadline, value::statement(query).fetch_optional(&mut *self.connection)).await
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // A statement may still run in SQLite's own thread, for a caller who has left.
        self.left.store(true, Ordering::Relaxed);
    }
}

impl Deref for Reader {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

async fn empty_log(connection: &mut SqliteConnection) -> Result<bool, Error> {
    // The first one waits for nobody and does most of it; the second one keeps writers out, for a moment.
    sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut *connection).await?;
    let truncated = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(connection);
    let (is_busy, _, _): (i64, i64, i64) = truncated.await?;
    Ok(is_busy == 0)
}

/// Has a connection wait so long for others.
async fn wait_at_most(connection: &mut SqliteConnection, longest: Duration) -> Result<(), Error> {
    let set = format!("PRAGMA busy_timeout = {}", longest.as_millis());
    sqlx::raw_sql(AssertSqlSafe(set)).execute(connection).await?;
    Ok(())
}

/// Waits for a query until the deadline.
///
/// A query that is given up here, or whose future is dropped because its caller left, is interrupted in SQLite's own
/// thread when its [`Reader`] is dropped, at the latest at the reader's deadline; only then does its connection serve
/// somebody else.
///
/// # Errors
/// [`Error::TimedOut`] at the deadline, or what the query fails with.
pub async fn until<T>(
    deadline: Instant,
    query: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Error> {
    match timeout_at(deadline, query).await {
        Ok(result) => result.map_err(Error::from),
        Err(_) => Err(Error::TimedOut),
    }
}

fn connect_options(options: &Options) -> Result<SqliteConnectOptions, Error> {
    options.check()?;
    let connect = SqliteConnectOptions::from_str(&options.url)
        .map_err(|_| Error::options("url", "must be sqlite:<path>"))?;
    Ok(connect.busy_timeout(BUSY_TIMEOUT).foreign_keys(true))
}

async fn connect_pool(options: &Options, connect: SqliteConnectOptions) -> Result<SqlitePool, Error> {
    let pool = SqlitePoolOptions::new()
        .max_connections(options.connections())
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A file needs no ping; a broken connection shows itself at its first statement.
        .test_before_acquire(false)
        .after_release(|connection, _| {
            Box::pin(async move {
                // A reader's interruption must not outlive it.
                connection.lock_handle().await?.remove_progress_handler();
                Ok(true)
            })
        })
        .connect_with(connect);
    match tokio::time::timeout(OPENING_TIMEOUT, pool).await {
        Ok(pool) => Ok(pool?),
        Err(_) => Err(Error::TimedOut),
    }
}
