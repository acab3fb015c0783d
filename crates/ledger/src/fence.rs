//! Keeps a ledger out of the stores that another one has taken over.
//!
//! On PostgreSQL a ledger of another host may go on while this one was paused. Each transaction of this one looks at the head first, and
//! holds it until it ends: so it comes before the other one took over, whole, or not at all.

use lgsp_store::{Care, Dialect, Error, Query, Store, Writer};
use tokio::time::Instant;

/// The code of the error of whoever was fenced off.
const CODE: &str = "taken-over";

/// The generation of whoever writes, if the head is on PostgreSQL.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fence(Option<u64>);

impl Fence {
    pub fn of(generation: u64) -> Self {
        Self(Some(generation))
    }

    /// Begins a transaction.
    pub async fn writer(self, store: &Store, care: Care, deadline: Instant) -> Result<Writer, Error> {
        const HELD: &str = "SELECT generation FROM lgsp_ledger.head WHERE generation = $1 FOR SHARE";
        let mut writer = store.writer(care, deadline).await?;
        match (self.0, store.dialect()) {
            (Some(generation), Dialect::Postgres) => {
                let held = writer.all(Query::new(HELD).bind(generation.cast_signed())).await?;
                if held.is_empty() { Err(Error::Busy { code: CODE.to_owned() }) } else { Ok(writer) }
            }
            (None, _) | (Some(_), Dialect::Sqlite) => Ok(writer),
        }
    }
}

/// What a store's error is to the ledger.
pub(crate) fn failed(what: &'static str, source: Error) -> crate::Error {
    match source {
        Error::Busy { code } if code == CODE => crate::Error::TakenOver,
        source => crate::Error::Store { what, source },
    }
}
