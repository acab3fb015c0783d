//! What the index knows of a period.

use lgsp_store::sqlite::until;
use tokio::time::Instant;

use super::Index;

/// What there is of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    pub exchanges: u64,
    pub abandoned: u64,
}

impl Index {
    /// The exchanges that were admitted in a period (Unix µs; not its end).
    pub async fn period(
        &self,
        (since_us, until_us): (i64, i64),
        deadline: Instant,
    ) -> Result<Period, lgsp_store::Error> {
        let mut reader = self.store.reader(deadline).await?;
        let mut counts = [0_i64; 2];
        for (count, sql) in counts.iter_mut().zip([
            "SELECT count(*) FROM entry INDEXED BY entry_shown WHERE shown > 0 AND admitted_us >= ? AND admitted_us < ?",
            "SELECT count(*) FROM entry INDEXED BY entry_abandoned WHERE phase = 4 AND admitted_us >= ? AND admitted_us < ?",
        ]) {
            let query = sqlx::query_scalar(sql).bind(since_us).bind(until_us);
            *count = until(deadline, query.fetch_one(&mut *reader)).await?;
        }
        Ok(Period { exchanges: counts[0].cast_unsigned(), abandoned: counts[1].cast_unsigned() })
    }

    /// Whether a stream that was admitted in a period has no end yet.
    pub async fn has_under_way(
        &self,
        (since_us, until_us): (i64, i64),
        deadline: Instant,
    ) -> Result<bool, lgsp_store::Error> {
        let mut reader = self.store.reader(deadline).await?;
        let query = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM entry INDEXED BY entry_under_way WHERE shown = 2 AND admitted_us >= ? AND admitted_us < ?)",
        );
        until(deadline, query.bind(since_us).bind(until_us).fetch_one(&mut *reader)).await
    }

    /// When the first exchange was admitted; `None` without any.
    pub async fn earliest(&self, deadline: Instant) -> Result<Option<i64>, lgsp_store::Error> {
        let mut reader = self.store.reader(deadline).await?;
        let query = sqlx::query_scalar("SELECT min(admitted_us) FROM entry WHERE shown > 0");
        until(deadline, query.fetch_one(&mut *reader)).await
    }
}
