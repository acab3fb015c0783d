use tokio::time::{Instant, timeout_at};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Statement};

use super::lent::Lent;
use super::reader::{MOST_PREPARED, milliseconds};
use super::value;
use crate::{Error, Query};

/// A transaction on a connection that is closed, unless it was committed.
pub(crate) struct Writer {
    client: Lent,
    deadline: Instant,
    /// False while a statement is under way, and for good when one failed: PostgreSQL would take a COMMIT without a word and do
    /// nothing.
    whole: bool,
}

impl Writer {
    pub(super) async fn begin(client: Lent, deadline: Instant) -> Result<Self, Error> {
        if client.statement_cache.size() >= MOST_PREPARED {
            client.statement_cache.clear();
        }
        // Whatever the server's default is: a statement sees what was committed while the one before it waited for a lock.
        let left = milliseconds(deadline.saturating_duration_since(Instant::now()));
        until(
            deadline,
            client.batch_execute(&format!(
                "SET statement_timeout = {left}; BEGIN ISOLATION LEVEL READ COMMITTED"
            )),
        )
        .await?;
        Ok(Self { client, deadline, whole: true })
    }

    pub(crate) async fn run(&mut self, query: &Query<'_>) -> Result<u64, Error> {
        let was_whole = std::mem::replace(&mut self.whole, false);
        let asked = async {
            let statement = self.prepared(query).await?;
            self.client.execute(&statement, &values(query)).await
        };
        let changed = until(self.deadline, asked).await?;
        self.whole = was_whole;
        Ok(changed)
    }

    pub(crate) async fn all(&mut self, query: &Query<'_>) -> Result<Vec<Row>, Error> {
        let was_whole = std::mem::replace(&mut self.whole, false);
        let asked = async {
            let statement = self.prepared(query).await?;
            self.client.query(&statement, &values(query)).await
        };
        let rows = until(self.deadline, asked).await?;
        self.whole = was_whole;
        Ok(rows)
    }

    /// Texts are told to be texts: a statement that the server cannot make out would cost the whole transaction.
    async fn prepared(&self, query: &Query<'_>) -> Result<Statement, tokio_postgres::Error> {
        let types = value::announced(&query.values, &Type::TEXT);
        if query.once {
            return self.client.prepare_typed(query.sql, &types).await;
        }
        self.client.prepare_typed_cached(query.sql, &types).await
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        if !self.whole {
            return Err(Error::Failed { code: "unfinished".to_owned() });
        }
        until(self.deadline, self.client.batch_execute("COMMIT")).await?;
        self.client.give_back();
        Ok(())
    }
}

fn values<'q>(query: &'q Query<'_>) -> Vec<&'q (dyn ToSql + Sync)> {
    query.values.iter().map(|value| value as _).collect()
}

async fn until<T>(
    deadline: Instant,
    asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Error> {
    match timeout_at(deadline, asked).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Error::TimedOut),
    }
}
