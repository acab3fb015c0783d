//! Which decisions are carried out here: one that could not be read is not among them, though later ones are.

use std::collections::HashSet;

use lgsp_store::{Kind, Query};

use super::{Erasables, ROWS, failed};
use crate::Error;

impl Erasables {
    /// Notes that the decision at a leaf is carried out.
    pub async fn decided(&self, leaf: u64) -> Result<(), Error> {
        let note = Query::new("INSERT INTO decided (leaf) VALUES ($1) ON CONFLICT DO NOTHING");
        self.run(note.bind(leaf.cast_signed())).await.map(drop).map_err(failed)
    }

    /// Of the decisions at these leaves, those that are carried out.
    pub async fn are_decided(&self, leaves: &[u64]) -> Result<HashSet<u64>, Error> {
        let mut decided = HashSet::new();
        for leaves in leaves.chunks(ROWS) {
            let mut sql = self.sql("SELECT leaf FROM decided WHERE leaf");
            sql.among(Kind::Integer, leaves.iter().map(|leaf| leaf.cast_signed()));
            for row in self.rows(sql.query()).await.map_err(failed)? {
                decided.insert(row.integer("leaf").map_err(failed)?.cast_unsigned());
            }
        }
        Ok(decided)
    }
}
