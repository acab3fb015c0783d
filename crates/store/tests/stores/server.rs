use std::time::Duration;

use lgsp_store::testing::Database;
use lgsp_store::{Options, Query, Store};
use tokio::time::Instant;

use crate::{eventually, number, one_connection, soon};

const ENDED: &str = "SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test]
async fn connections_that_the_server_ended_are_made_anew() {
    let Some(database) = Database::postgres().await else { return };
    let store = Store::open_read_only(&Options { max_connections: 4, ..database.options() }).await.unwrap();
    let mut lent = Vec::new();
    for _ in 0..4 {
        lent.push(store.reader(soon()).await.unwrap());
    }
    let mut held = lent.pop().unwrap();
    drop(lent);
    let administrator = Store::open(&one_connection(&database), &[]).await.unwrap();
    assert_eq!(number(&administrator, ENDED).await, 4);

    eventually("the held one has ended", async || {
        let refusal = held.all(Query::new("SELECT 1 AS n")).await;
        refusal.is_err_and(|refusal| refusal.cause() == "unreachable")
    })
    .await;
    drop(held);
    eventually("all are noticed", async || store.probe(soon()).await.is_ok()).await;
    for _ in 0..8 {
        assert_eq!(number(&store, "SELECT 1 AS n").await, 1);
    }
}

#[tokio::test]
async fn a_server_that_restarts_in_the_middle_of_a_query_is_unreachable_and_the_next_reader_is_served() {
    let Some(database) = Database::postgres().await else { return };
    let store = Store::open_read_only(&one_connection(&database)).await.unwrap();
    let administrator = Store::open(&one_connection(&database), &[]).await.unwrap();
    let mut reader = store.reader(Instant::now() + Duration::from_secs(3600)).await.unwrap();
    let asked = tokio::spawn(async move {
        let refusal = reader.all(Query::new("SELECT pg_sleep(3600)::text AS n")).await.unwrap_err();
        drop(reader);
        refusal
    });
    let asleep = "SELECT count(*) AS n FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND wait_event = 'PgSleep'";
    eventually("the query is under way", async || number(&administrator, asleep).await == 1).await;

    assert_eq!(number(&administrator, ENDED).await, 1);
    assert_eq!(asked.await.unwrap().cause(), "unreachable");
    assert_eq!(number(&store, "SELECT 7 AS n").await, 7);
}

#[tokio::test]
async fn a_value_that_the_server_cannot_convert_is_asked_for_once_and_is_no_failure_of_the_server() {
    let Some(database) = Database::postgres().await else { return };
    let writer = database
        .filled(
            "CREATE SEQUENCE asked; CREATE TABLE thing (n numeric); INSERT INTO thing VALUES ('Infinity')",
        )
        .await;
    let mut reader = writer.reader(soon()).await.unwrap();
    let converted = "SELECT nextval('asked') AS asked, CAST(n AS BIGINT) AS n FROM thing";
    for times in 1..=2 {
        let refusal = reader.all(Query::new(converted)).await.unwrap_err();
        assert_eq!(refusal.to_string(), "the store's tables are not the expected ones (code 0A000)");
        assert_eq!(number(&writer, "SELECT last_value AS n FROM asked").await, times);
    }
}

#[tokio::test]
async fn a_table_that_is_altered_under_way_is_read_as_it_is_now() {
    let Some(database) = Database::postgres().await else { return };
    let writer = database.filled("CREATE TABLE thing (id int); INSERT INTO thing VALUES (7)").await;
    let store = Store::open_read_only(&one_connection(&database)).await.unwrap();
    let all = "SELECT * FROM thing";
    let read = async || store.reader(soon()).await?.optional(Query::new(all)).await;
    assert_eq!(read().await.unwrap().unwrap().integer("id").unwrap(), 7);

    writer.run("ALTER TABLE thing ALTER id TYPE text, ADD colour text DEFAULT 'red'").await.unwrap();
    let now = read().await.unwrap().unwrap();
    assert_eq!((now.text("id").unwrap(), now.text("colour").unwrap()), ("7".to_owned(), "red".to_owned()));

    let both = async || {
        store.reader(soon()).await?.all_of(&[all, "SELECT thing.* FROM thing"].map(Query::new)).await
    };
    assert_eq!(both().await.unwrap().len(), 2);
    writer.run("ALTER TABLE thing DROP colour").await.unwrap();
    assert_eq!(both().await.unwrap().len(), 2, "though both statements are outdated");

    writer.run("DROP TABLE thing").await.unwrap();
    assert_eq!(read().await.unwrap_err().cause(), "schema");
    writer.run("CREATE TABLE thing (id int); INSERT INTO thing VALUES (8)").await.unwrap();
    assert_eq!(read().await.unwrap().unwrap().integer("id").unwrap(), 8);
}

#[tokio::test]
async fn statements_that_differ_each_time_are_not_kept_for_good() {
    let Some(database) = Database::postgres().await else { return };
    let store = Store::open_read_only(&one_connection(&database)).await.unwrap();
    let mut reader = store.reader(soon()).await.unwrap();
    for n in 0..600 {
        reader.all(Query::new(&format!("SELECT {n} AS n"))).await.unwrap();
    }
    let kept = Query::new("SELECT count(*) AS n FROM pg_prepared_statements");
    let kept = reader.optional(kept).await.unwrap().unwrap().integer("n").unwrap();
    assert!(kept <= 257, "{kept} prepared statements");
}

#[tokio::test]
async fn the_server_knows_us_and_writes_dates_in_one_way() {
    let Some(database) = Database::postgres().await else { return };
    let name = database.url().rsplit('/').next().unwrap().trim_end_matches('?').to_owned();
    database.filled(&format!("ALTER DATABASE {name} SET datestyle = 'SQL, DMY'")).await.close().await;
    let store = Store::open_read_only(&database.options()).await.unwrap();
    let sql = "SELECT date '2024-02-29'::text AS date, current_setting('application_name') AS name,
        current_setting('default_transaction_read_only') AS read_only, current_setting('plan_cache_mode') AS plans";
    let found = store.reader(soon()).await.unwrap().optional(Query::new(sql)).await.unwrap().unwrap();
    assert_eq!(found.text("date").unwrap(), "2024-02-29");
    assert_eq!(found.text("name").unwrap(), "lgsp");
    assert_eq!(found.text("read_only").unwrap(), "on");
    assert_eq!(found.text("plans").unwrap(), "force_generic_plan");
}

#[tokio::test]
async fn what_the_url_sets_holds_beside_what_we_set() {
    let Some(database) = Database::postgres().await else { return };
    database.filled("CREATE SCHEMA dan_cu; CREATE TABLE dan_cu.thing AS SELECT 5 AS n").await;
    let url = format!("{}&options=-c%20search_path=dan_cu%20-c%20plan_cache_mode=auto", database.url());
    let store = Store::open_read_only(&Options::of(url)).await.unwrap();
    assert_eq!(number(&store, "SELECT n FROM thing").await, 5);
    let planned = "SELECT count(*) AS n FROM pg_settings WHERE name = 'plan_cache_mode' AND setting = $1";
    let mut reader = store.reader(soon()).await.unwrap();
    let planned = reader.optional(Query::new(planned).bind("auto")).await.unwrap().unwrap();
    assert_eq!(planned.integer("n").unwrap(), 1);
    assert!(store.run("INSERT INTO thing VALUES (6)").await.is_err());
}
