//! What an index has of the store of erasable parts: the key under which it was built, and the rules that it has forgotten by. One that
//! lacks them is from before, and is built again.

use lgsp_store::{Care, Query};

use super::{Index, failed};
use crate::Error;
use crate::erasable::{EXPIRE, Rule};

impl Index {
    /// Whether the index is of the store that has this key and has expired this much. A new one is from now on.
    pub async fn is_of_store(&self, expired: &[Rule]) -> Result<bool, Error> {
        let id = self.key.id();
        if self.progress().await?.end.leaves == 0 {
            self.build_under(&id).await.map_err(failed)?;
            for rule in expired {
                self.expire(rule).await?;
            }
            return Ok(true);
        }
        let (built_under, known) = self.built_under().await.map_err(failed)?;
        let has = |rule: &Rule| {
            known
                .iter()
                .any(|(platform, before_us)| *platform == rule.platform && *before_us >= rule.before_us)
        };
        Ok(built_under.as_deref() == Some(&id) && expired.iter().all(has))
    }

    async fn build_under(&self, id: &[u8; 32]) -> Result<(), lgsp_store::Error> {
        let mut writer = self.writer(Care::Durable).await?;
        let query = Query::new(
            "INSERT INTO built_under (id, key_id) VALUES (0, $1) ON CONFLICT (id) DO UPDATE SET key_id = excluded.key_id",
        );
        writer.run(query.bind(id)).await?;
        writer.commit().await
    }

    /// The id of the key under which it was built, and the rules that it knows.
    async fn built_under(&self) -> Result<(Option<Vec<u8>>, Vec<(bool, i64)>), lgsp_store::Error> {
        let row = self.row("SELECT key_id FROM built_under").await?;
        let built_under = row.map(|row| row.bytes("key_id").map(<[u8]>::to_vec)).transpose()?;
        let rules = self.rows(Query::new("SELECT platform, before_us FROM expired")).await?;
        let known = rules.iter().map(|row| Ok((row.flag("platform")?, row.integer("before_us")?)));
        Ok((built_under, known.collect::<Result<_, lgsp_store::Error>>()?))
    }

    /// Notes a rule by which parts are about to be erased. Durable when it returns.
    pub async fn expire(&self, rule: &Rule) -> Result<(), Error> {
        let durably = async {
            let mut writer = self.writer(Care::Durable).await?;
            let query = Query::new(EXPIRE).bind(rule.platform).bind(rule.before_us);
            writer.run(query).await?;
            writer.commit().await
        };
        durably.await.map_err(failed)
    }

    /// When a gateway entered something last (Unix µs); 0: never.
    pub async fn newest_us(&self) -> Result<i64, Error> {
        let row = self.row("SELECT coalesce(max(last_entered_us), 0) AS newest FROM gateway").await;
        row.and_then(|row| row.map_or(Ok(0), |row| row.integer("newest"))).map_err(failed)
    }

    /// Takes away what is left of what was forgotten; returns whether it did.
    pub async fn empty_log(&self) -> Result<bool, Error> {
        self.store.sweep(&["sought"]).await.map_err(failed)
    }
}
