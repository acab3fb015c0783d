use std::fmt;

use crate::row::Inner as Cells;
use crate::store::rows;
use crate::{Error, Query, Row, postgres, sqlite};

/// What a transaction must hold up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// What was committed survives a power cut.
    Durable,
    /// For what can be made again, and is much: a power cut may take the last transactions of a SQLite file. PostgreSQL keeps them.
    Repeatable,
}

/// A transaction that writes until a deadline. Dropped before it is committed, it leaves nothing behind.
pub struct Writer(pub(crate) Begun);

pub(crate) enum Begun {
    Sqlite(sqlite::Writer),
    Postgres(postgres::Writer),
}

impl Writer {
    /// Runs a statement; returns how many rows it changed.
    ///
    /// # Errors
    /// [`Error::TimedOut`] at the deadline, or what the statement fails with; then the whole transaction has.
    pub async fn run(&mut self, query: Query<'_>) -> Result<u64, Error> {
        #[cfg(feature = "test-databases")]
        crate::testing::note(&query);
        match &mut self.0 {
            Begun::Sqlite(writer) => writer.run(&query).await,
            Begun::Postgres(writer) => writer.run(&query).await,
        }
    }

    /// Runs a statement; returns its rows.
    ///
    /// # Errors
    /// As [`Writer::run`].
    pub async fn all(&mut self, query: Query<'_>) -> Result<Vec<Row>, Error> {
        #[cfg(feature = "test-databases")]
        crate::testing::note(&query);
        Ok(match &mut self.0 {
            Begun::Sqlite(writer) => rows(writer.all(&query).await?, Cells::Sqlite),
            Begun::Postgres(writer) => rows(writer.all(&query).await?, Cells::Postgres),
        })
    }

    /// Makes everything visible at once.
    ///
    /// # Errors
    /// An earlier statement failed: then nothing was done. Or the store was lost meanwhile: then it may have been done, and whoever
    /// repeats it must be able to.
    pub async fn commit(self) -> Result<(), Error> {
        match self.0 {
            Begun::Sqlite(writer) => writer.commit().await,
            Begun::Postgres(writer) => writer.commit().await,
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}
