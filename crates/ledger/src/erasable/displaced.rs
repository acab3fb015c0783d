//! Parts of entries that signed ones have taken the place of.

use sqlx::QueryBuilder;

use super::{Erasables, ROWS, failed};
use crate::Error;
use crate::entry::{Key, Read, is_part_of};

impl Erasables {
    /// Deletes what is kept under the keys of these entries and is not theirs, so that theirs can be kept. What was erased stays so.
    pub async fn make_room_for(&self, entries: &[&Read]) -> Result<(), Error> {
        let keys: Vec<Key> = entries.iter().map(|read| read.key).collect();
        let parts = self.find(&keys).await.map_err(failed)?;
        let is_anothers = |read: &&&Read| {
            parts.get(&read.key).and_then(Option::as_ref).is_some_and(|part| !is_part_of(part, &read.sealed))
        };
        let keys: Vec<Key> = entries.iter().filter(is_anothers).map(|read| read.key).collect();
        for keys in keys.chunks(ROWS) {
            let mut query = QueryBuilder::new(
                "DELETE FROM erasable WHERE value IS NOT NULL AND (exchange_id, phase, part) IN (",
            );
            query.push_values(keys, |mut row, key| {
                row.push_bind(key.exchange.as_bytes().to_vec())
                    .push_bind(key.phase as i32)
                    .push_bind(i64::from(key.part));
            });
            query.push(")");
            query.build().persistent(false).execute(self.store.pool()).await.map_err(failed)?;
        }
        Ok(())
    }
}
