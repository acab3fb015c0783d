use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use futures::SinkExt;
use tokio_postgres::CopyInSink;

use super::lent::Lent;
use crate::Error;

/// A transaction that fills tables of PostgreSQL. Dropped before it is committed, it leaves nothing behind.
pub struct Load {
    client: Lent,
    /// False while a step is under way, and for good when one failed: PostgreSQL would take a COMMIT without a word and do
    /// nothing.
    whole: bool,
}

impl fmt::Debug for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Load").field("whole", &self.whole).finish_non_exhaustive()
    }
}

impl Load {
    pub(super) async fn begin(client: Lent) -> Result<Self, Error> {
        client.batch_execute("SET statement_timeout = 0; BEGIN").await?;
        Ok(Self { client, whole: true })
    }

    /// Runs statements without values, separated by semicolons.
    ///
    /// # Errors
    /// One of them fails; then the whole load has.
    pub async fn run(&mut self, sql: &str) -> Result<(), Error> {
        let was_whole = std::mem::replace(&mut self.whole, false);
        self.client.batch_execute(sql).await?;
        self.whole = was_whole;
        Ok(())
    }

    /// Begins `COPY <table> (<columns>) FROM STDIN`, for rows in the format that the statement names.
    ///
    /// # Errors
    /// The table or a column is missing.
    pub async fn copy_in(&mut self, statement: &str) -> Result<CopyIn<'_>, Error> {
        let was_whole = std::mem::replace(&mut self.whole, false);
        let sink = self.client.copy_in(statement).await?;
        Ok(CopyIn { sink: Box::pin(sink), load: self, was_whole })
    }

    /// Makes everything visible at once.
    ///
    /// # Errors
    /// The server is gone, or an earlier step was not finished; then nothing was done.
    pub async fn commit(self) -> Result<(), Error> {
        if !self.whole {
            return Err(Error::Failed { code: "unfinished".to_owned() });
        }
        self.client.batch_execute("COMMIT").await?;
        self.client.give_back();
        Ok(())
    }
}

/// Rows on their way into one table.
pub struct CopyIn<'l> {
    sink: Pin<Box<CopyInSink<Bytes>>>,
    load: &'l mut Load,
    was_whole: bool,
}

impl fmt::Debug for CopyIn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyIn").finish_non_exhaustive()
    }
}

impl CopyIn<'_> {
    /// Sends some rows; they may end in the middle of one.
    ///
    /// # Errors
    /// The server is gone.
    pub async fn send(&mut self, rows: Bytes) -> Result<(), Error> {
        Ok(self.sink.feed(rows).await?)
    }

    /// Waits for the server to take all rows, and returns how many there were.
    ///
    /// # Errors
    /// It refuses one of them.
    pub async fn finish(mut self) -> Result<u64, Error> {
        let rows = self.sink.as_mut().finish().await?;
        self.load.whole = self.was_whole;
        Ok(rows)
    }
}
