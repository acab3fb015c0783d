//! What an index has of the store of erasable parts: the key under which it was built, and the rules that it has forgotten by. One that
//! lacks them is from before, and is built again.

use super::{Index, failed};
use crate::Error;
use crate::erasable::Rule;

impl Index {
    /// Whether the index is of the store that has this key and has expired this much. A new one is from now on.
    pub async fn is_of_store(&self, expired: &[Rule]) -> Result<bool, Error> {
        let id = self.key.id();
        if self.progress().await?.end.leaves == 0 {
            sqlx::query("INSERT OR REPLACE INTO built_under (id, key_id) VALUES (0, ?)")
                .bind(id.as_slice())
                .execute(self.store.pool())
                .await
                .map_err(failed)?;
            for rule in expired {
                self.expire(rule).await?;
            }
            return Ok(true);
        }
        let built_under: Option<Vec<u8>> = sqlx::query_scalar("SELECT key_id FROM built_under")
            .fetch_optional(self.store.pool())
            .await
            .map_err(failed)?;
        let known: Vec<(i32, i64)> = sqlx::query_as("SELECT platform, before_us FROM expired")
            .fetch_all(self.store.pool())
            .await
            .map_err(failed)?;
        let has = |rule: &Rule| {
            known.iter().any(|(platform, before_us)| {
                *platform == i32::from(rule.platform) && *before_us >= rule.before_us
            })
        };
        Ok(built_under.as_deref() == Some(&id) && expired.iter().all(has))
    }

    /// Notes a rule by which parts are about to be erased. Durable when it returns.
    pub async fn expire(&self, rule: &Rule) -> Result<(), Error> {
        let durably = async {
            let mut connection = self.store.pool().acquire().await?;
            sqlx::query("PRAGMA synchronous = FULL").execute(&mut *connection).await?;
            sqlx::query(
                "INSERT INTO expired (platform, before_us) VALUES (?, ?)
                 ON CONFLICT DO UPDATE SET before_us = max(before_us, excluded.before_us)",
            )
            .bind(i32::from(rule.platform))
            .bind(rule.before_us)
            .execute(&mut *connection)
            .await
        };
        durably.await.map(drop).map_err(failed)
    }

    /// When a gateway entered something last (Unix µs); 0: never.
    pub async fn newest_us(&self) -> Result<i64, Error> {
        sqlx::query_scalar("SELECT coalesce(max(last_entered_us), 0) FROM gateway")
            .fetch_one(self.store.pool())
            .await
            .map_err(failed)
    }

    /// Empties the write-ahead log of what was forgotten; returns whether it did.
    pub async fn empty_log(&self) -> Result<bool, Error> {
        self.store.empty_log().await.map_err(failed)
    }
}
