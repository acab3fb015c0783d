use bytes::Bytes;
use lgsp_store::Store;
use lgsp_store::testing::Database;

use crate::number;

const COUNT: &str = "SELECT count(*) AS n FROM thing";

async fn database() -> Option<(Database, Store)> {
    let database = Database::postgres().await?;
    let store = database.filled("CREATE TABLE thing (id bigint PRIMARY KEY, name text)").await;
    Some((database, store))
}

#[tokio::test]
async fn rows_in_bulk_are_seen_when_they_are_committed_and_not_before() {
    let Some((_database, store)) = database().await else { return };
    let mut load = store.load().await.unwrap();
    let mut copy = load.copy_in("COPY thing (id, name) FROM STDIN").await.unwrap();
    for id in 0..10_000 {
        copy.send(Bytes::from(format!("{id}\tNguyễn\n"))).await.unwrap();
    }
    assert_eq!(copy.finish().await.unwrap(), 10_000);
    load.run("CREATE INDEX ON thing (name)").await.unwrap();
    assert_eq!(number(&store, COUNT).await, 0);
    load.commit().await.unwrap();
    assert_eq!(number(&store, COUNT).await, 10_000);
}

#[tokio::test]
async fn a_load_that_is_given_up_leaves_nothing_behind() {
    let Some((_database, store)) = database().await else { return };
    let mut load = store.load().await.unwrap();
    load.run("INSERT INTO thing VALUES (1, 'a')").await.unwrap();
    drop(load);

    let mut load = store.load().await.unwrap();
    let mut copy = load.copy_in("COPY thing (id, name) FROM STDIN").await.unwrap();
    copy.send(Bytes::from_static(b"1\ta\n")).await.unwrap();
    drop(copy);
    assert!(load.commit().await.is_err(), "a copy that was not finished");
    assert_eq!(number(&store, COUNT).await, 0);
}

#[tokio::test]
async fn a_row_that_the_server_refuses_fails_the_load_without_being_told() {
    let Some((_database, store)) = database().await else { return };
    let mut load = store.load().await.unwrap();
    let mut copy = load.copy_in("COPY thing (id, name) FROM STDIN").await.unwrap();
    copy.send(Bytes::from_static(b"1\ta\n092099000034x\ta\n")).await.unwrap();
    let refusal = copy.finish().await.unwrap_err();
    assert_eq!(refusal.cause(), "schema");
    assert!(!format!("{refusal:?}").contains("092"));
    assert!(load.run("INSERT INTO thing VALUES (2, 'b')").await.is_err());
    assert!(load.commit().await.is_err());
    assert_eq!(number(&store, COUNT).await, 0);
}

#[tokio::test]
async fn sqlite_is_not_loaded_in_bulk() {
    let database = Database::sqlite();
    let store = Store::open(&database.options(), &[]).await.unwrap();
    assert_eq!(store.load().await.unwrap_err().cause(), "options");
}
