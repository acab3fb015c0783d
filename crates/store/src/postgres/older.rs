//! Transactions that may still see what was deleted: `VACUUM` leaves that to them, and says nothing of it.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Store;
use crate::row::Inner as Cells;
use crate::{Error, Query, Row};

/// How long it is waited for older transactions: those of a ledger itself are short.
const PATIENCE: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
/// How long one look may take.
const LOOK: Duration = Duration::from_secs(10);

/// Everybody may see the locks of everybody, and each transaction has one on itself; whose snapshot is how old, only a superuser sees.
const UNDER_WAY: &str = "SELECT locks.virtualtransaction AS name FROM pg_locks AS locks \
     JOIN pg_stat_activity AS other ON other.pid = locks.pid \
     WHERE locks.locktype = 'virtualxid' AND locks.mode = 'ExclusiveLock' AND locks.granted \
     AND other.datname = current_database() AND other.pid <> pg_backend_pid() \
     UNION ALL SELECT 'prepared ' || gid FROM pg_prepared_xacts WHERE database = current_database()";

impl Store {
    /// Waits a little for the transactions that are under way in the database. Returns whether all of them have ended.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub(crate) async fn older_have_ended(&self) -> Result<bool, Error> {
        let end = Instant::now() + PATIENCE;
        let mut older = self.under_way().await?;
        while !older.is_empty() && Instant::now() < end {
            sleep(BETWEEN_LOOKS).await;
            let still = self.under_way().await?;
            older.retain(|name| still.contains(name));
        }
        Ok(older.is_empty())
    }

    async fn under_way(&self) -> Result<BTreeSet<String>, Error> {
        let mut reader = self.reader(Instant::now() + LOOK).await?;
        let answers = reader.all_of(&[Query::new(UNDER_WAY)]).await?;
        answers.into_iter().flatten().map(|row| Row(Cells::Postgres(row)).text("name")).collect()
    }
}
