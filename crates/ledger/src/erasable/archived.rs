//! What goes into archives and comes back from them.

use bytes::Bytes;
use lgsp_store::{Kind, Query, Value};

use super::{Erasables, ROWS, failed, key_values, row_of};
use crate::Error;
use crate::entry::{Key, Read};

impl Erasables {
    /// Takes away the parts of these entries, for good. What decisions have made of their exchanges stays known.
    pub async fn take_away(&self, keys: &[Key]) -> Result<(), Error> {
        let taking = async {
            let mut writer = self.writer().await?;
            for keys in keys.chunks(ROWS) {
                let mut sql = self.sql("DELETE FROM erasable WHERE (exchange_id, phase, part) IN (");
                sql.rows([Kind::Bytes, Kind::Integer, Kind::Integer], keys.iter().map(key_values)).push(")");
                writer.run(sql.query()).await?;
            }
            writer.commit().await
        };
        taking.await.map_err(failed)
    }

    /// Brings parts of entries back, but for those of exchanges that were erased meanwhile: they come back as erased. Returns how many these are.
    pub async fn bring_back(&self, parts: &[(&Read, Option<Bytes>)]) -> Result<u64, Error> {
        let bringing = async {
            let mut writer = self.writer().await?;
            let mut erased = 0;
            for parts in parts.chunks(ROWS) {
                let rows = parts
                    .iter()
                    .map(|(read, value)| row_of(read, value.as_deref().map_or(Value::NoBytes, Value::from)));
                writer.run(self.insert(rows).query()).await?;
                erased +=
                    self.blank_marked(&mut writer, parts.iter().map(|(read, _)| &read.key.exchange)).await?;
            }
            writer.commit().await?;
            Ok::<_, lgsp_store::Error>(erased)
        };
        bringing.await.map_err(failed)
    }

    /// Carries out again what was decided from a leaf on: a copy may know more than the log that goes with it.
    pub async fn carry_out_from(&self, leaf: u64) -> Result<(), Error> {
        for statement in
            ["UPDATE carried_out SET next = $1 WHERE next > $1", "DELETE FROM decided WHERE leaf >= $1"]
        {
            self.run(Query::new(statement).bind(leaf.cast_signed())).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Closes the store; SQLite's files beside it are gone then.
    pub async fn close(&self) {
        self.store.close().await;
    }
}
