//! What was deleted and others may still see.

use std::time::Duration;

use lgsp_store::testing::Database;
use lgsp_store::{Care, Query, Store};
use tokio::time::{Instant, timeout};

use crate::{number, one_connection, soon};

async fn filled(database: &Database) -> Store {
    let store = Store::open(&one_connection(database), &[]).await.unwrap();
    store.run("CREATE TABLE thing (id BIGINT PRIMARY KEY)").await.unwrap();
    store.run("INSERT INTO thing VALUES (1), (2)").await.unwrap();
    store
}

/// Nobody is kept from writing for as long as a write would wait.
const SHORT: Duration = Duration::from_secs(4);

#[tokio::test]
async fn a_long_reader_keeps_a_store_from_being_clean_and_no_writer_waits_for_it() {
    let database = Database::sqlite();
    let store = filled(&database).await;
    let other = Store::open(&one_connection(&database), &[]).await.unwrap();
    let mut long = other.reader(soon()).await.unwrap();
    long.all(Query::new("BEGIN")).await.unwrap();
    assert_eq!(long.all(Query::new("SELECT id FROM thing")).await.unwrap().len(), 2);
    store.run("DELETE FROM thing WHERE id = 1").await.unwrap();

    assert!(!timeout(SHORT, store.sweep(&["thing"])).await.expect("it waits for no reader").unwrap());
    // The one connection waits for other writers again, as it did.
    assert_eq!(number(&store, "SELECT timeout AS n FROM pragma_busy_timeout").await, 5_000);
    long.all(Query::new("COMMIT")).await.unwrap();
    assert!(store.sweep(&["thing"]).await.unwrap());
}

#[tokio::test]
async fn a_server_is_not_clean_while_an_older_transaction_may_see_what_was_deleted() {
    let Some(database) = Database::postgres().await else { return };
    let store = filled(&database).await;
    let other = Store::open(&one_connection(&database), &[]).await.unwrap();
    let mut long = other.writer(Care::Durable, Instant::now() + 2 * crate::PATIENCE).await.unwrap();
    assert_eq!(long.all(Query::new("SELECT id FROM thing")).await.unwrap().len(), 2);
    store.run("DELETE FROM thing WHERE id = 1").await.unwrap();

    assert!(!store.sweep(&["thing"]).await.unwrap());
    long.commit().await.unwrap();
    assert!(store.sweep(&["thing"]).await.unwrap());
}
