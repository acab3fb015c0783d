//! What the index knows of a period.

use lgsp_store::Dialect;
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
        for (count, (index, condition)) in
            counts.iter_mut().zip([("entry_shown", "shown > 0"), ("entry_abandoned", "phase = 4")])
        {
            let mut sql = self.sql("SELECT count(*) AS n FROM entry");
            sql.push_on(Dialect::Sqlite, format_args!(" INDEXED BY {index}"))
                .push(format_args!(" WHERE {condition}"));
            sql.push(" AND admitted_us >= ").bind(since_us).push(" AND admitted_us < ").bind(until_us);
            *count = reader.optional(sql.query()).await?.map_or(Ok(0), |row| row.integer("n"))?;
        }
        Ok(Period { exchanges: counts[0].cast_unsigned(), abandoned: counts[1].cast_unsigned() })
    }

    /// Whether a stream that was admitted in a period has no end yet.
    pub async fn has_under_way(
        &self,
        (since_us, until_us): (i64, i64),
        deadline: Instant,
    ) -> Result<bool, lgsp_store::Error> {
        let mut sql = self.sql("SELECT EXISTS (SELECT 1 FROM entry");
        sql.push_on(Dialect::Sqlite, " INDEXED BY entry_under_way")
            .push(" WHERE shown = 2 AND admitted_us >= ");
        sql.bind(since_us).push(" AND admitted_us < ").bind(until_us).push(") AS found");
        let row = self.store.reader(deadline).await?.optional(sql.query()).await?;
        row.map_or(Ok(false), |row| row.flag("found"))
    }

    /// When the first exchange was admitted; `None` without any.
    pub async fn earliest(&self, deadline: Instant) -> Result<Option<i64>, lgsp_store::Error> {
        let mut sql = self.sql("SELECT min(admitted_us) AS earliest FROM entry WHERE shown > 0");
        let row = self.store.reader(deadline).await?.optional(sql.query()).await?;
        row.map_or(Ok(None), |row| row.maybe_integer("earliest"))
    }
}
