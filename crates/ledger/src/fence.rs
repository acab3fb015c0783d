//! Keeps a ledger out of the stores that another one has taken over.
//!
//! On PostgreSQL a ledger of another host may go on while this one was paused. Each transaction of this one shares a lock until it ends,
//! and looks at the head under it; who takes over has the lock alone. So a transaction comes before that, whole, or not at all. The lock
//! is no row's: whoever waits for it is served in turn, while those who share a row may go past one who wants to change it, for ever.

use lgsp_store::{Care, Dialect, Error, Query, Store, Writer};
use tokio::time::Instant;

/// The code of the error of whoever was fenced off.
const CODE: &str = "taken-over";

/// The lock, among the advisory ones of the database.
const LOCK: i64 = 1_818_718_065;

/// The generation of whoever writes, if the head is on PostgreSQL.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fence(Option<u64>);

impl Fence {
    pub fn of(generation: u64) -> Self {
        Self(Some(generation))
    }

    /// Begins a transaction.
    pub async fn writer(self, store: &Store, care: Care, deadline: Instant) -> Result<Writer, Error> {
        const SHARE: &str = "SELECT pg_advisory_xact_lock_shared($1)";
        const HELD: &str = "SELECT generation FROM lgsp_ledger.head WHERE generation = $1";
        let mut writer = store.writer(care, deadline).await?;
        match (self.0, store.dialect()) {
            (Some(generation), Dialect::Postgres) => {
                // Two statements: the second one sees what was done while the first one waited.
                writer.run(Query::new(SHARE).bind(LOCK)).await?;
                let held = writer.all(Query::new(HELD).bind(generation.cast_signed())).await?;
                if held.is_empty() { Err(Error::Busy { code: CODE.to_owned() }) } else { Ok(writer) }
            }
            (None, _) | (Some(_), Dialect::Sqlite) => Ok(writer),
        }
    }
}

/// Waits for all transactions under way, and keeps others from beginning until this one ends.
pub(crate) async fn take_alone(writer: &mut Writer) -> Result<(), Error> {
    writer.run(Query::new("SELECT pg_advisory_xact_lock($1)").bind(LOCK)).await.map(drop)
}

/// What a store's error is to the ledger.
pub(crate) fn failed(what: &'static str, source: Error) -> crate::Error {
    match source {
        Error::Busy { code } if code == CODE => crate::Error::TakenOver,
        source => crate::Error::Store { what, source },
    }
}
