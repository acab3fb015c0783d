use std::time::Duration;

use lgsp_store::testing::Database;
use lgsp_store::{Care, Kind, Query, Sql, Store, Value};
use tokio::time::Instant;

use crate::{eventually, number, one_connection, soon};

const COUNT: &str = "SELECT count(*) AS n FROM thing";
const INSERT: &str = "INSERT INTO thing (id, name, content) ";

/// A table of each database: they have no word for bytes in common.
async fn filled(database: &Database) -> Store {
    let bytes = match database.dialect() {
        lgsp_store::Dialect::Sqlite => "BLOB",
        lgsp_store::Dialect::Postgres => "BYTEA",
    };
    let sql = format!("CREATE TABLE thing (id BIGINT PRIMARY KEY, name TEXT, content {bytes})");
    database.filled(&sql).await.close().await;
    Store::open(&one_connection(database), &[]).await.unwrap()
}

fn insert(store: &Store, ids: std::ops::Range<i64>) -> Sql<'static> {
    let mut sql = Sql::new(store.dialect(), INSERT);
    let row = |id: i64| [id.into(), "Nguyễn \"'{}\\".into(), id.to_be_bytes().to_vec().into()];
    sql.rows([Kind::Integer, Kind::Text, Kind::Bytes], ids.map(row));
    sql.push(" ON CONFLICT (id) DO NOTHING RETURNING id");
    sql
}

#[tokio::test]
async fn many_rows_are_written_at_once_and_a_repeat_tells_which_are_new() {
    for database in Database::each().await {
        let store = filled(&database).await;
        for (ids, new) in [(0..1_000, 1_000), (990..1_010, 10)] {
            let mut writer = store.writer(Care::Repeatable, soon()).await.unwrap();
            let returned = writer.all(insert(&store, ids).query()).await.unwrap();
            assert_eq!(returned.len(), new, "{database:?}");
            writer.commit().await.unwrap();
        }
        assert_eq!(number(&store, COUNT).await, 1_010, "{database:?}");
        let mut sql = Sql::new(store.dialect(), "SELECT name, content FROM thing WHERE id > ");
        sql.bind(5_i64)
            .push(" AND content")
            .among(Kind::Bytes, [3_i64, 7].map(|id| id.to_be_bytes().to_vec()));
        let found = store.reader(soon()).await.unwrap().all(sql.query()).await.unwrap();
        let [row] = found.as_slice() else { panic!("{database:?}: {found:?}") };
        assert_eq!(row.bytes("content").unwrap(), 7_i64.to_be_bytes(), "{database:?}");
        assert_eq!(row.text("name").unwrap(), "Nguyễn \"'{}\\", "{database:?}");
        assert_eq!(row.text("content").unwrap_err().cause(), "value", "{database:?}");
    }
}

#[tokio::test]
async fn what_is_missing_of_a_row_is_null_whatever_its_kind() {
    for database in Database::each().await {
        let store = filled(&database).await;
        let mut sql = Sql::new(store.dialect(), INSERT);
        sql.rows([Kind::Integer, Kind::Text, Kind::Bytes], [[1_i64.into(), Value::Null, Value::NoBytes]]);
        let mut writer = store.writer(Care::Durable, soon()).await.unwrap();
        assert_eq!(writer.run(sql.query()).await.unwrap(), 1);
        let blank = Query::new("UPDATE thing SET content = $1 WHERE id = $2");
        writer.run(blank.bind(None::<&[u8]>).bind(1_i64)).await.unwrap();
        writer.commit().await.unwrap();
        let found = store.reader(soon()).await.unwrap().all(Query::new("SELECT * FROM thing")).await.unwrap();
        assert_eq!(found[0].maybe_text("name").unwrap(), None, "{database:?}");
        assert_eq!(found[0].maybe_bytes("content").unwrap(), None, "{database:?}");
    }
}

#[tokio::test]
async fn a_transaction_that_is_dropped_or_fails_leaves_nothing_behind_and_holds_nobody_up() {
    for database in Database::each().await {
        let store = filled(&database).await;
        let mut writer = store.writer(Care::Durable, soon()).await.unwrap();
        writer.run(insert(&store, 0..3).query()).await.unwrap();
        drop(writer);
        assert_eq!(number(&store, COUNT).await, 0, "{database:?}");

        let mut writer = store.writer(Care::Durable, soon()).await.unwrap();
        writer.run(insert(&store, 0..3).query()).await.unwrap();
        assert!(writer.run(Query::new("INSERT INTO nowhere VALUES (1)")).await.is_err());
        drop(writer);
        assert_eq!(number(&store, COUNT).await, 0, "{database:?}");
    }
}

#[tokio::test]
async fn a_failed_statement_is_not_followed_by_a_commit_that_does_nothing() {
    let Some(database) = Database::postgres().await else { return };
    let store = filled(&database).await;
    let mut writer = store.writer(Care::Durable, soon()).await.unwrap();
    writer.run(insert(&store, 0..3).query()).await.unwrap();
    assert!(writer.run(Query::new("INSERT INTO nowhere VALUES (1)")).await.is_err());
    assert!(writer.commit().await.is_err());
}

#[tokio::test]
async fn a_writer_ends_at_its_deadline_and_its_work_with_it() {
    const ENDLESS: &str = "INSERT INTO thing (id) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    for database in Database::each().await {
        let store = filled(&database).await;
        let mut writer =
            store.writer(Care::Durable, Instant::now() + Duration::from_millis(500)).await.unwrap();
        assert_eq!(writer.run(Query::new(ENDLESS)).await.unwrap_err().cause(), "timed-out", "{database:?}");
        drop(writer);
        let again = async || store.writer(Care::Durable, soon()).await.is_ok();
        eventually("somebody else writes", again).await;
        assert_eq!(number(&store, COUNT).await, 0, "{database:?}");
    }
}
