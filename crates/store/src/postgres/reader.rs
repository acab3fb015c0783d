use std::fmt;
use std::time::Duration;

use deadpool_postgres::Object;
use futures::future::join_all;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Statement};
use tracing::debug;

use super::{Store, value};
use crate::{Error, Query};

/// How long after the deadline a statement may take to notice it, before it is cancelled.
const NOTICING: Duration = Duration::from_millis(200);
/// How long a cancellation may take, and then the statement to obey.
const CANCELLING: Duration = Duration::from_secs(2);
/// Where PostgreSQL finds out that "cached plan must not change result type". It translates the message, and not this.
const REVALIDATING: &str = "RevalidateCachedQuery";
/// Statements kept prepared on each connection.
pub(super) const MOST_PREPARED: usize = 256;

/// A connection that is lent until a deadline.
pub(crate) struct Reader {
    /// None while a query is in flight, and after one was given up.
    client: Option<Object>,
    store: Store,
    deadline: Instant,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Reader {
    pub(super) fn new(client: Object, store: Store, deadline: Instant) -> Self {
        Self { client: Some(client), store, deadline }
    }

    pub(crate) async fn all_of(&mut self, queries: &[Query<'_>]) -> Result<Vec<Vec<Row>>, Error> {
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        let Some(client) = self.client.take() else { return Err(self.spent()) };
        let flight = InFlight { client: Some(client), store: &self.store, deadline: self.deadline };
        match timeout_at(self.deadline, flight.ask(queries)).await {
            Ok(answer) => {
                let (client, answer) = (flight.landed(), answer.map_err(Error::from));
                match &answer {
                    // The server ended the connection. The pool may not have noticed yet, and would lend it again.
                    Err(Error::Unreachable { .. }) => drop(client.map(Object::take)),
                    Ok(_) | Err(_) => self.client = client,
                }
                answer
            }
            Err(_) => Err(Error::TimedOut),
        }
    }

    fn spent(&self) -> Error {
        if Instant::now() >= self.deadline {
            return Error::TimedOut;
        }
        Error::Failed { code: "given-up".to_owned() }
    }
}

/// Queries that the server works on. Dropping them ends that work.
struct InFlight<'s> {
    client: Option<Object>,
    store: &'s Store,
    deadline: Instant,
}

impl InFlight<'_> {
    async fn ask(&self, queries: &[Query<'_>]) -> Result<Vec<Vec<Row>>, tokio_postgres::Error> {
        let Some(client) = &self.client else { return Ok(Vec::new()) };
        match self.ask_once(client, queries).await {
            Err(error) if is_outdated(&error) => {
                for query in queries {
                    client.statement_cache.remove(query.sql, &self.announced(query));
                }
                self.ask_once(client, queries).await
            }
            answers => answers,
        }
    }

    /// Asks in one flight: the bound of the statements goes out together with the statements.
    async fn ask_once(
        &self,
        client: &Object,
        queries: &[Query<'_>],
    ) -> Result<Vec<Vec<Row>>, tokio_postgres::Error> {
        if client.statement_cache.size() >= MOST_PREPARED {
            client.statement_cache.clear();
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        let bound = format!("SET statement_timeout = {}", milliseconds(left));
        let answers = async {
            let prepared = join_all(queries.iter().map(|query| self.prepared(client, query))).await;
            let prepared: Vec<Statement> = prepared.into_iter().collect::<Result<_, _>>()?;
            run(client, &prepared, queries).await
        };
        let (bounded, answers) = tokio::join!(biased; client.batch_execute(&bound), answers);
        bounded?;
        answers
    }

    async fn prepared(&self, client: &Object, query: &Query<'_>) -> Result<Statement, tokio_postgres::Error> {
        match prepare(client, query, &self.announced(query)).await {
            // A text is compared with columns of several types.
            Err(error) if is_ambiguous(&error) && !self.store.plain.contains(query.sql) => {
                self.store.plain.add(query.sql);
                prepare(client, query, &value::announced(&query.values, &Type::TEXT)).await
            }
            prepared => prepared,
        }
    }

    fn announced(&self, query: &Query<'_>) -> Vec<Type> {
        let text = if self.store.plain.contains(query.sql) { Type::TEXT } else { Type::UNKNOWN };
        value::announced(&query.values, &text)
    }

    fn landed(mut self) -> Option<Object> {
        self.client.take()
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        match Handle::try_current() {
            Ok(runtime) => {
                let ending = end(client, self.store.clone(), self.deadline);
                drop(self.store.reclaiming.spawn_on(ending, &runtime));
            }
            // Nothing runs any more that could. The statement ends by its own bound.
            Err(_) => drop(Object::take(client)),
        }
    }
}

async fn prepare(
    client: &Object,
    query: &Query<'_>,
    types: &[Type],
) -> Result<Statement, tokio_postgres::Error> {
    if query.once {
        return client.prepare_typed(query.sql, types).await;
    }
    client.prepare_typed_cached(query.sql, types).await
}

/// Sends all statements before it waits for the first answer. Several are one transaction, so that whatever ends one, a cancellation
/// above all, ends those behind it too.
async fn run(
    client: &Object,
    prepared: &[Statement],
    queries: &[Query<'_>],
) -> Result<Vec<Vec<Row>>, tokio_postgres::Error> {
    let answers = join_all(prepared.iter().zip(queries).map(|(statement, query)| async move {
        let values: Vec<&(dyn ToSql + Sync)> = query.values.iter().map(|value| value as _).collect();
        client.query(statement, &values).await
    }));
    if queries.len() == 1 {
        return answers.await.into_iter().collect();
    }
    let (begun, answers, ended) =
        tokio::join!(biased; client.batch_execute("BEGIN"), answers, client.batch_execute("COMMIT"));
    begun?;
    let answers = answers.into_iter().collect::<Result<_, _>>()?;
    ended?;
    Ok(answers)
}

/// Rounded up, and never 0, which would mean no bound at all.
pub(super) fn milliseconds(left: Duration) -> u128 {
    left.as_micros().div_ceil(1000).clamp(1, i32::MAX as u128)
}

/// Whether a statement's result has changed since it was prepared, or the server knows it no more. The code alone does not tell
/// the former: a value that cannot be converted has it too.
fn is_outdated(error: &tokio_postgres::Error) -> bool {
    let Some(error) = error.as_db_error() else { return false };
    match *error.code() {
        SqlState::FEATURE_NOT_SUPPORTED => error.routine() == Some(REVALIDATING),
        SqlState::INVALID_SQL_STATEMENT_NAME => true,
        _ => false,
    }
}

fn is_ambiguous(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(&(SqlState::AMBIGUOUS_PARAMETER | SqlState::INDETERMINATE_DATATYPE)))
}

/// Ends what the server still does on a connection. Its place in the pool is taken until then.
async fn end(client: Object, store: Store, deadline: Instant) {
    // The server keeps the deadline too. A connection that answers is free.
    let expired = Instant::now() >= deadline;
    if expired && matches!(timeout(NOTICING, client.check_connection()).await, Ok(Ok(()))) {
        return;
    }
    let cancelled = timeout(CANCELLING, store.connector.cancel(&client.cancel_token())).await;
    let obeyed = timeout(CANCELLING, client.check_connection()).await;
    debug!(
        sent = matches!(cancelled, Ok(Ok(()))),
        obeyed = matches!(obeyed, Ok(Ok(()))),
        "a statement was cancelled"
    );
    // A cancellation may arrive late. It must not meet somebody else's statement.
    drop(Object::take(client));
}
