use lgsp_store::{Error, Query, Row};

use crate::metrics::{Queries, cause};

/// A lent connection, whose queries are measured.
#[derive(Debug)]
pub struct Reader {
    store: lgsp_store::Reader,
    queries: Queries,
}

impl Reader {
    pub(super) fn new(store: lgsp_store::Reader, queries: &Queries) -> Self {
        Self { store, queries: queries.clone() }
    }

    /// All rows of an answer. The statement bounds their number.
    ///
    /// # Errors
    /// [`Error::TimedOut`] at the deadline, or what the query fails with.
    pub async fn all(&mut self, query: Query<'_>) -> Result<Vec<Row>, Error> {
        self.queries.measure(1, self.store.all(query), cause).await
    }

    /// All rows of the answers to a few queries, in the order of the queries, as
    /// [`lgsp_store::Reader::all_of`] asks them.
    ///
    /// # Errors
    /// [`Error::TimedOut`] at the deadline, or what the first query fails with that fails.
    pub async fn all_of(&mut self, queries: &[Query<'_>]) -> Result<Vec<Vec<Row>>, Error> {
        self.queries.measure(queries.len(), self.store.all_of(queries), cause).await
    }

    /// The first row of an answer, for statements that find one or none.
    ///
    /// # Errors
    /// As [`Reader::all`].
    pub async fn optional(&mut self, query: Query<'_>) -> Result<Option<Row>, Error> {
        self.queries.measure(1, self.store.optional(query), cause).await
    }
}
