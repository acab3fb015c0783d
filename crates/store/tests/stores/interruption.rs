use std::time::Duration;

use lgsp_store::testing::Database;
use lgsp_store::{Dialect, Error, Options, Query, Store};
use tokio::time::{Instant, timeout};

use crate::{eventually, number, one_connection, soon};

const ENDLESS: &str =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT (i + 1) % 9 FROM n) SELECT count(*) AS n FROM n";
const SHORT: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT count(*) AS n FROM n";

/// What PostgreSQL still does for others than the one who asks.
const AT_WORK: &str = "SELECT count(*) AS n FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()";

/// Waits until the only connection works for nobody, which SQLite shows by lending it.
async fn at_rest(database: &Database, store: &Store) {
    if database.dialect() == Dialect::Postgres {
        let watcher = Store::open_read_only(&database.options()).await.unwrap();
        eventually("nobody works for who has left", async || number(&watcher, AT_WORK).await == 0).await;
    }
    // Neither an interruption nor a bound outlives its reader.
    assert_eq!(number(store, SHORT).await, 100_000, "{database:?}");
}

#[tokio::test]
async fn a_query_without_end_is_ended_at_its_deadline_and_its_connection_serves_again() {
    for database in Database::each().await {
        let store = Store::open(&one_connection(&database), &[]).await.unwrap();
        for endless in [ENDLESS, "SELECT pg_sleep(3600)::text AS n"] {
            if endless != ENDLESS && database.dialect() == Dialect::Sqlite {
                continue;
            }
            let deadline = Instant::now() + Duration::from_millis(100);
            let mut reader = store.reader(deadline).await.unwrap();
            let result = reader.all(Query::new(endless)).await;
            let late = Instant::now().saturating_duration_since(deadline);
            assert!(matches!(result, Err(Error::TimedOut)), "{database:?}: {result:?}");
            assert!(late < Duration::from_millis(200), "{database:?}: {late:?} late");
            let again = reader.all(Query::new(SHORT)).await;
            assert!(matches!(again, Err(Error::TimedOut)), "{database:?}: {again:?}");
            drop(reader);
            at_rest(&database, &store).await;
        }
    }
}

#[tokio::test]
async fn a_query_whose_caller_left_is_ended_long_before_its_deadline() {
    for database in Database::each().await {
        let store = Store::open(&one_connection(&database), &[]).await.unwrap();
        let mut reader = store.reader(Instant::now() + Duration::from_secs(3600)).await.unwrap();
        assert!(timeout(Duration::from_millis(50), reader.all(Query::new(ENDLESS))).await.is_err());
        drop(reader);
        at_rest(&database, &store).await;
    }
}

#[tokio::test]
async fn of_several_queries_none_goes_on_for_a_caller_who_left_or_past_the_deadline() {
    for database in Database::each().await {
        let store = Store::open(&one_connection(&database), &[]).await.unwrap();
        let endless = || [SHORT, ENDLESS, ENDLESS, ENDLESS].map(Query::new);
        let mut reader = store.reader(Instant::now() + Duration::from_secs(3600)).await.unwrap();
        assert!(timeout(Duration::from_millis(200), reader.all_of(&endless())).await.is_err());
        drop(reader);
        at_rest(&database, &store).await;

        let mut reader = store.reader(Instant::now() + Duration::from_millis(200)).await.unwrap();
        assert!(matches!(reader.all_of(&endless()).await, Err(Error::TimedOut)), "{database:?}");
        drop(reader);
        at_rest(&database, &store).await;
    }
}

#[tokio::test]
async fn a_query_whose_task_was_ended_is_ended_too() {
    for database in Database::each().await {
        let store = Store::open(&one_connection(&database), &[]).await.unwrap();
        let asking = store.clone();
        let asked = tokio::spawn(async move {
            let mut reader = asking.reader(Instant::now() + Duration::from_secs(3600)).await?;
            reader.all(Query::new(ENDLESS)).await
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        asked.abort();
        at_rest(&database, &store).await;
    }
}

#[tokio::test]
async fn one_deadline_holds_for_all_queries_of_a_reader() {
    for database in Database::each().await {
        let store = Store::open(&one_connection(&database), &[]).await.unwrap();
        let deadline = Instant::now() + Duration::from_millis(500);
        let mut reader = store.reader(deadline).await.unwrap();
        let mut answers = 0;
        while reader.all(Query::new(SHORT)).await.is_ok() {
            answers += 1;
        }
        let late = Instant::now().saturating_duration_since(deadline);
        assert!(late < Duration::from_millis(200), "{database:?}: {late:?} late");
        assert!(answers > 1, "{database:?}");
    }
}

#[tokio::test]
async fn waiting_for_a_connection_ends_at_the_deadline() {
    for database in Database::each().await {
        let store = Store::open(&one_connection(&database), &[]).await.unwrap();
        let held = store.reader(soon()).await.unwrap();
        let refusal = store.reader(Instant::now() + Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(refusal.cause(), "timed-out", "{database:?}");
        drop(held);
        let past = store.reader(Instant::now()).await.unwrap_err();
        assert_eq!(past.cause(), "timed-out", "{database:?}: past before it began");
        store.probe(soon()).await.unwrap();
    }
}

#[tokio::test]
async fn the_server_keeps_the_deadline_by_itself() {
    let Some(database) = Database::postgres().await else { return };
    let store = Store::open(&one_connection(&database), &[]).await.unwrap();
    let sql = "SELECT extract(epoch FROM current_setting('statement_timeout')::interval)::float8 AS seconds";
    for seconds in [5.0, 60.0, 3.0] {
        let deadline = Instant::now() + Duration::from_secs_f64(seconds);
        let mut reader = store.reader(deadline).await.unwrap();
        let bound = reader.optional(Query::new(sql)).await.unwrap().unwrap().maybe_real("seconds");
        let bound = bound.unwrap().unwrap();
        assert!(bound <= seconds && bound > seconds - 2.0, "{bound} s for {seconds} s");
    }
}

/// A cancellation is sent on a line of its own; the places of the pool bound what the server is given to do.
#[tokio::test]
async fn callers_who_leave_in_a_crowd_cost_no_more_connections_than_the_pool_has() {
    let Some(database) = Database::postgres().await else { return };
    let options = Options { max_connections: 3, ..database.options() };
    let store = Store::open(&options, &[]).await.unwrap();
    let watcher = Store::open_read_only(&one_connection(&database)).await.unwrap();
    let crowd: Vec<_> = (0..30)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut reader = store.reader(soon()).await.unwrap();
                drop(timeout(Duration::from_millis(20), reader.all(Query::new(ENDLESS))).await);
            })
        })
        .collect();
    let mut most = 0;
    while !crowd.iter().all(tokio::task::JoinHandle::is_finished) {
        most = most.max(number(&watcher, AT_WORK).await);
    }
    for caller in crowd {
        caller.await.unwrap();
    }
    assert!((1..=3).contains(&most), "{most} statements at once");
    store.close().await;
    eventually("all connections are closed", async || {
        let others = "SELECT count(*) AS n FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
        number(&watcher, others).await == 0
    })
    .await;
}
