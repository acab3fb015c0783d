//! Which decisions are carried out here: one that could not be read is not among them, though later ones are.

use std::collections::HashSet;

use sqlx::QueryBuilder;

use super::{Erasables, ROWS, failed};
use crate::Error;

impl Erasables {
    /// Notes that the decision at a leaf is carried out.
    pub async fn decided(&self, leaf: u64) -> Result<(), Error> {
        let note = sqlx::query("INSERT INTO decided (leaf) VALUES (?) ON CONFLICT DO NOTHING");
        note.bind(leaf.cast_signed()).execute(self.store.pool()).await.map(drop).map_err(failed)
    }

    /// Of the decisions at these leaves, those that are carried out.
    pub async fn are_decided(&self, leaves: &[u64]) -> Result<HashSet<u64>, Error> {
        let mut decided = HashSet::new();
        for leaves in leaves.chunks(ROWS) {
            let mut query = QueryBuilder::new("SELECT leaf FROM decided WHERE leaf IN (");
            let mut of = query.separated(", ");
            for leaf in leaves {
                of.push_bind(leaf.cast_signed());
            }
            query.push(")");
            let rows: Vec<i64> = query
                .build_query_scalar()
                .persistent(false)
                .fetch_all(self.store.pool())
                .await
                .map_err(failed)?;
            decided.extend(rows.into_iter().map(i64::cast_unsigned));
        }
        Ok(decided)
    }
}
