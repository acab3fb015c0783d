//! Stores on SQLite, and on PostgreSQL where there is a server for tests.
#![allow(clippy::unwrap_used)]

mod interruption;
mod loading;
mod opening;
mod passwords;
mod reading;
mod server;
mod silence;
mod sweeping;
mod tls;
mod writing;

use std::time::Duration;

use lgsp_store::testing::Database;
use lgsp_store::{Options, Query, Store};
use tokio::time::Instant;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

fn soon() -> Instant {
    Instant::now() + PATIENCE
}

/// Waits until a condition holds.
async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = soon();
    while !condition().await {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A number that a statement finds under the name `n`.
async fn number(store: &Store, sql: &str) -> i64 {
    let mut reader = store.reader(soon()).await.unwrap();
    reader.optional(Query::new(sql)).await.unwrap().unwrap().integer("n").unwrap()
}

/// Options for one connection alone.
fn one_connection(database: &Database) -> Options {
    Options { max_connections: 1, ..database.options() }
}
