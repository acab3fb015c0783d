//! What goes into archives and comes back from them.

use bytes::Bytes;
use lgsp_core::ExchangeId;
use sqlx::{Connection as _, QueryBuilder};

use super::{Erasables, ROWS, failed};
use crate::Error;
use crate::entry::{Key, Read};

impl Erasables {
    /// Takes away the parts of these entries, for good. What decisions have made of their exchanges stays known.
    pub async fn take_away(&self, keys: &[Key]) -> Result<(), Error> {
        let taking = async {
            let mut connection = self.store.pool().acquire().await?;
            // What is taken away must not stay in the file.
            sqlx::query("PRAGMA secure_delete = ON").execute(&mut *connection).await?;
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            for keys in keys.chunks(ROWS) {
                let mut query = QueryBuilder::new(
                    "DELETE FROM erasable WHERE (exchange_id, phase, part) IN (",
                );
                query.push_values(keys, |mut row, key| {
                    row.push_bind(key.exchange.as_bytes().to_vec())
                        .push_bind(key.phase as i32)
                        .push_bind(i64::from(key.part));
                });
                query.push(")");
                query.build().persistent(false).execute(&mut *transaction).await?;
            }
            transaction.commit().await
        };
        taking.await.map_err(|error: sqlx::Error| failed(error))
    }

    /// Brings parts of entries back, but for those of exchanges that were erased meanwhile: they come back as erased. Returns how many these are.
    pub async fn bring_back(&self, parts: &[(&Read, Option<Bytes>)]) -> Result<u64, Error> {
        let bringing = async {
            let mut transaction = self.store.pool().begin_with("BEGIN IMMEDIATE").await?;
            let mut erased = 0;
            for parts in parts.chunks(ROWS) {
                let mut query =
                    QueryBuilder::new("INSERT OR IGNORE INTO erasable (exchange_id, phase, part, platform, admitted_us, value) ");
                query.push_values(parts, |mut values, (read, value)| {
                    let key = &read.key;
                    values
                        .push_bind(key.exchange.as_bytes().to_vec())
                        .push_bind(key.phase as i32)
                        .push_bind(i64::from(key.part))
                        .push_bind(i32::from(read.sealed.platform))
                        .push_bind(read.sealed.admitted_us)
                        .push_bind(value.as_ref().map(|value| value.to_vec()));
                });
                query.build().persistent(false).execute(&mut *transaction).await?;
                let exchanges: Vec<ExchangeId> = parts.iter().map(|(read, _)| read.key.exchange).collect();
                erased += super::blank_marked(&mut transaction, exchanges.iter()).await?;
            }
            transaction.commit().await?;
            Ok(erased)
        };
        bringing.await.map_err(|error: sqlx::Error| failed(error))
    }

    /// Carries out again what was decided from a leaf on: a copy may know more than the log that goes with it.
    pub async fn carry_out_from(&self, leaf: u64) -> Result<(), Error> {
        for statement in ["UPDATE carried_out SET next = min(next, ?)", "DELETE FROM decided WHERE leaf >= ?"] {
            let again = sqlx::query(statement).bind(leaf.cast_signed());
            again.execute(self.store.pool()).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Closes the store; SQLite's files beside it are gone then.
    pub async fn close(&self) {
        self.store.close().await;
    }
}
