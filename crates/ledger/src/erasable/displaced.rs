//! Parts of entries that signed ones have taken the place of.

use lgsp_store::Kind;

use super::{Erasables, ROWS, failed, key_values};
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
            let mut sql =
                self.sql("DELETE FROM erasable WHERE value IS NOT NULL AND (exchange_id, phase, part) IN (");
            sql.rows([Kind::Bytes, Kind::Integer, Kind::Integer], keys.iter().map(key_values)).push(")");
            self.run(sql.query()).await.map_err(failed)?;
        }
        Ok(())
    }
}
