//! Stores on files of a temporary folder.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use lgsp_store::{Error, Migration, Options, Store, until};
use tempfile::TempDir;
use tokio::time::Instant;

const FIRST: Migration = Migration {
    version: 1,
    name: "things",
    sql: "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT) STRICT;",
};
const SECOND: Migration = Migration {
    version: 2,
    name: "colours",
    sql: "ALTER TABLE thing ADD COLUMN colour TEXT; CREATE INDEX c ON thing (colour);",
};

fn options(dir: &TempDir) -> Options {
    Options::of(format!("sqlite:{}", dir.path().join("store.db").display()))
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

async fn count(store: &Store) -> i64 {
    let mut reader = store.reader(soon()).await.unwrap();
    let query = sqlx::query_scalar("SELECT count(*) FROM thing WHERE colour IS NULL").fetch_one(&mut *reader);
    until(soon(), query).await.unwrap()
}

#[tokio::test]
async fn a_store_is_created_migrated_once_and_opened_again() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(&options(&dir), &[FIRST]).await.unwrap();
    sqlx::query("INSERT INTO thing (name) VALUES ('a')").execute(store.pool()).await.unwrap();
    store.close().await;

    for _ in 0..2 {
        let store = Store::open(&options(&dir), &[FIRST, SECOND]).await.unwrap();
        assert_eq!(count(&store).await, 1);
        store.close().await;
    }
    let refusal = Store::open(&options(&dir), &[FIRST]).await.unwrap_err();
    assert!(matches!(refusal, Error::Newer { found: 2, known: 1 }), "{refusal}");
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let dir = TempDir::new().unwrap();
    let broken = Migration {
        version: 2,
        name: "broken",
        sql: "CREATE TABLE left_over (id INTEGER); CREATE NONSENSE;",
    };
    let refusal = Store::open(&options(&dir), &[FIRST, broken]).await.unwrap_err();
    assert_eq!(refusal.cause(), "schema");
    let store = Store::open(&options(&dir), &[FIRST, SECOND]).await.unwrap();
    assert_eq!(count(&store).await, 0);
}

#[tokio::test]
async fn a_read_only_store_reads_beside_its_writer_and_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let missing = Store::open_read_only(&options(&dir)).await.unwrap_err();
    assert_eq!(missing.cause(), "unreachable");

    let writer = Store::open(&options(&dir), &[FIRST, SECOND]).await.unwrap();
    let reader = Store::open_read_only(&options(&dir)).await.unwrap();
    sqlx::query("INSERT INTO thing (name) VALUES ('a')").execute(writer.pool()).await.unwrap();
    assert_eq!(count(&reader).await, 1);
    let write = sqlx::query("DELETE FROM thing").execute(reader.pool()).await.map_err(Error::from);
    assert!(write.is_err());
    assert_eq!(count(&writer).await, 1);
}

#[tokio::test]
async fn a_query_without_end_is_interrupted_at_its_deadline_and_its_connection_serves_again() {
    let dir = TempDir::new().unwrap();
    let one_connection = Options { max_connections: 1, ..options(&dir) };
    let store = Store::open(&one_connection, &[FIRST, SECOND]).await.unwrap();

    let deadline = Instant::now() + Duration::from_millis(50);
    let mut reader = store.reader(deadline).await.unwrap();
    let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let result = until(deadline, sqlx::query_scalar::<_, i64>(endless).fetch_one(&mut *reader)).await;
    assert!(matches!(result, Err(Error::TimedOut)), "{result:?}");
    drop(reader);

    // The only connection comes back, which it could not while the query runs.
    assert_eq!(count(&store).await, 0);
}

#[tokio::test]
async fn a_query_whose_caller_left_is_interrupted_long_before_its_deadline() {
    let dir = TempDir::new().unwrap();
    let one_connection = Options { max_connections: 1, ..options(&dir) };
    let store = Store::open(&one_connection, &[FIRST, SECOND]).await.unwrap();

    let mut reader = store.reader(Instant::now() + Duration::from_secs(3600)).await.unwrap();
    let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let query = sqlx::query_scalar::<_, i64>(endless).fetch_one(&mut *reader);
    assert!(tokio::time::timeout(Duration::from_millis(20), query).await.is_err());
    drop(reader);
    assert_eq!(count(&store).await, 0);

    // The interruption does not outlive its reader.
    let counted = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT count(*) FROM n";
    let number: i64 = sqlx::query_scalar(counted).fetch_one(store.pool()).await.unwrap();
    assert_eq!(number, 100_000);
}

#[tokio::test]
async fn waiting_for_a_connection_ends_at_the_deadline() {
    let dir = TempDir::new().unwrap();
    let one_connection = Options { max_connections: 1, ..options(&dir) };
    let store = Store::open(&one_connection, &[]).await.unwrap();
    let held = store.reader(soon()).await.unwrap();
    let refusal = store.reader(Instant::now() + Duration::from_millis(20)).await.unwrap_err();
    assert_eq!(refusal.cause(), "timed-out");
    drop(held);
    assert_eq!(store.reader(Instant::now()).await.unwrap_err().cause(), "timed-out", "past before it began");
}

#[tokio::test]
async fn errors_repeat_neither_urls_nor_values() {
    let refusal = Store::open_read_only(&Options::of("postgres://user:secret@host/db")).await.unwrap_err();
    assert!(!format!("{refusal} {refusal:?}").contains("secret"));
    assert!(!format!("{:?}", Options::of("postgres://user:secret@host/db")).contains("secret"));

    let dir = TempDir::new().unwrap();
    let store = Store::open(&options(&dir), &[FIRST]).await.unwrap();
    sqlx::query("CREATE UNIQUE INDEX u ON thing (name)").execute(store.pool()).await.unwrap();
    let insert = || sqlx::query("INSERT INTO thing (name) VALUES ('092099000034')").execute(store.pool());
    insert().await.unwrap();
    let refusal = Error::from(insert().await.unwrap_err());
    assert!(!format!("{refusal} {refusal:?}").contains("092"));
}
