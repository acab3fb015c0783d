use sqlx::sqlite::SqliteRow;

use super::{Reader, until, value};
use crate::{Care, Error, Query};

/// What is written goes to pages all over the file: several transactions share one that is written back once (64 MiB).
const REPEATABLE: &str =
    "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16384";
const DURABLE: &str = "PRAGMA synchronous = FULL";

/// A transaction on a connection that is closed, unless it was committed.
pub(crate) struct Writer {
    reader: Reader,
    committed: bool,
}

impl Writer {
    pub(crate) async fn begin(mut reader: Reader, care: Care) -> Result<Self, Error> {
        let care = match care {
            Care::Durable => DURABLE,
            Care::Repeatable => REPEATABLE,
        };
        until(reader.deadline, sqlx::raw_sql(care).execute(&mut *reader.connection)).await?;
        let mut writer = Self { reader, committed: false };
        // Immediate: the lock is taken before anything is read.
        writer.run(&Query::new("BEGIN IMMEDIATE")).await?;
        Ok(writer)
    }

    pub(crate) async fn run(&mut self, query: &Query<'_>) -> Result<u64, Error> {
        let Reader { connection, deadline, .. } = &mut self.reader;
        Ok(until(*deadline, value::statement(query).execute(&mut **connection)).await?.rows_affected())
    }

    pub(crate) async fn all(&mut self, query: &Query<'_>) -> Result<Vec<SqliteRow>, Error> {
        self.reader.all(query).await
    }

    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        self.run(&Query::new("COMMIT")).await?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.committed {
            self.reader.connection.close_on_drop();
        }
    }
}
