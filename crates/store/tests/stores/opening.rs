use lgsp_store::testing::Database;
use lgsp_store::{Error, Migration, Options, Query, Store};

use crate::{number, soon};

const FIRST: Migration = Migration {
    version: 1,
    name: "things",
    sql: "CREATE TABLE thing (id BIGINT PRIMARY KEY, name TEXT); INSERT INTO thing VALUES (1, 'a');",
};
const SECOND: Migration = Migration {
    version: 2,
    name: "colours",
    sql: "ALTER TABLE thing ADD COLUMN colour TEXT; CREATE INDEX c ON thing (colour);",
};
const COLOURLESS: &str = "SELECT count(*) AS n FROM thing WHERE colour IS NULL";

#[tokio::test]
async fn a_store_is_migrated_once_and_opened_again() {
    for database in Database::each().await {
        Store::open(&database.options(), &[FIRST]).await.unwrap().close().await;
        for _ in 0..2 {
            let store = Store::open(&database.options(), &[FIRST, SECOND]).await.unwrap();
            assert_eq!(number(&store, COLOURLESS).await, 1, "{database:?}");
            store.close().await;
        }
        let refusal = Store::open(&database.options(), &[FIRST]).await.unwrap_err();
        assert!(matches!(refusal, Error::Newer { found: 2, known: 1 }), "{database:?}: {refusal}");
    }
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    for database in Database::each().await {
        let broken = Migration {
            version: 2,
            name: "broken",
            sql: "CREATE TABLE left_over (id INTEGER); CREATE NONSENSE;",
        };
        let refusal = Store::open(&database.options(), &[FIRST, broken]).await.unwrap_err();
        assert_eq!(refusal.cause(), "schema", "{database:?}");
        let store = Store::open(&database.options(), &[FIRST, SECOND]).await.unwrap();
        assert_eq!(number(&store, COLOURLESS).await, 1, "{database:?}");
        assert!(store.run("SELECT * FROM left_over").await.is_err(), "{database:?}");
    }
}

#[tokio::test]
async fn stores_that_are_opened_at_once_are_migrated_once() {
    for database in Database::each().await {
        let options = database.options();
        let opened: Vec<_> = (0..6)
            .map(|_| {
                let options = options.clone();
                tokio::spawn(async move { Store::open(&options, &[FIRST, SECOND]).await })
            })
            .collect();
        for store in opened {
            let store = store.await.unwrap().unwrap();
            assert_eq!(number(&store, COLOURLESS).await, 1, "{database:?}");
        }
    }
}

#[tokio::test]
async fn a_read_only_store_reads_beside_its_writer_and_changes_nothing() {
    for database in Database::each().await {
        let writer = Store::open(&database.options(), &[FIRST, SECOND]).await.unwrap();
        let reader = Store::open_read_only(&database.options()).await.unwrap();
        writer.run("INSERT INTO thing (id, name) VALUES (2, 'b')").await.unwrap();
        assert_eq!(number(&reader, COLOURLESS).await, 2, "{database:?}");

        assert!(reader.run("DELETE FROM thing").await.is_err(), "{database:?}");
        let mut lent = reader.reader(soon()).await.unwrap();
        assert!(lent.all(Query::new("DELETE FROM thing")).await.is_err(), "{database:?}");
        assert_eq!(number(&writer, COLOURLESS).await, 2, "{database:?}");
    }
}

#[tokio::test]
async fn what_is_not_there_cannot_be_opened() {
    for database in Database::each().await {
        let missing = Options::of(database.url().replace("test", "missing"));
        let refusal = Store::open_read_only(&missing).await.unwrap_err();
        assert_eq!(refusal.cause(), "unreachable", "{database:?}: {refusal}");
    }
    let nobody = Options::of("postgres://lgsp@127.0.0.1:1/postgres");
    let refusal = Store::open_read_only(&nobody).await.unwrap_err();
    assert_eq!(refusal.to_string(), "the store cannot be opened (code ConnectionRefused)");
}

#[tokio::test]
async fn a_closed_store_lends_nothing() {
    for database in Database::each().await {
        let store = Store::open(&database.options(), &[FIRST]).await.unwrap();
        store.probe(soon()).await.unwrap();
        store.close().await;
        let refusal = store.probe(soon()).await.unwrap_err();
        assert_eq!(refusal.cause(), "unreachable", "{database:?}: {refusal}");
    }
}

#[tokio::test]
async fn errors_repeat_neither_urls_nor_values() {
    let refusal = Store::open_read_only(&Options::of("postgres://user:secret@host/db")).await.unwrap_err();
    assert!(!format!("{refusal} {refusal:?}").contains("secret"));
    assert!(!format!("{:?}", Options::of("postgres://user:secret@host/db")).contains("secret"));

    for database in Database::each().await {
        let store = database.filled("CREATE TABLE thing (name TEXT UNIQUE)").await;
        let insert = || store.run("INSERT INTO thing (name) VALUES ('092099000034')");
        insert().await.unwrap();
        let refusal = insert().await.unwrap_err();
        assert!(!format!("{refusal} {refusal:?}").contains("092"), "{database:?}");

        let cast = Query::new("SELECT CAST($1 AS BIGINT) AS n FROM nowhere").bind("092099000034");
        let refusal = store.reader(soon()).await.unwrap().all(cast).await.unwrap_err();
        assert_eq!(refusal.cause(), "schema", "{database:?}");
        assert!(!format!("{refusal} {refusal:?}").contains("092"), "{database:?}");
    }
}

#[tokio::test]
async fn stores_in_schemas_of_one_database_know_nothing_of_each_other() {
    let Some(database) = Database::postgres().await else { return };
    let options = database.options();
    for _ in 0..2 {
        let one = Store::open_in("one", &options, &[FIRST, SECOND]).await.unwrap();
        let other = Store::open_in("other", &options, &[FIRST]).await.unwrap();
        assert_eq!(number(&one, COLOURLESS).await, 1);
        assert!(other.run("SELECT colour FROM thing").await.is_err());
        one.close().await;
        other.close().await;
    }
    let refusal = Store::open_in("one; DROP", &options, &[FIRST]).await.unwrap_err();
    assert_eq!(refusal.cause(), "options");
}
