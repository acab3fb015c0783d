//! A server that goes silent without closing: behind it a line of a test's own, which stops passing on what it hears.

use std::sync::Arc;
use std::time::Duration;

use lgsp_store::testing::Database;
use lgsp_store::{Options, Query, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::{eventually, number, soon};

/// Longest a reader may go on past its deadline on a busy machine: less than what ends its statement takes.
const LATE: Duration = Duration::from_secs(1);

/// Stands between a store and its server.
struct Line {
    url: String,
    /// How often the line was cut. What was connected before the last cut is silent for good.
    cuts: Arc<watch::Sender<usize>>,
    /// Whether what connects now is heard.
    open: Arc<watch::Sender<bool>>,
    _passing: JoinSet<()>,
}

impl Line {
    async fn to(database: &Database) -> Self {
        let (user, place) = database.url().split_once('@').unwrap();
        let (server, name) = place.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{user}@{}/{name}", listener.local_addr().unwrap());
        let (cuts, open) = (Arc::new(watch::Sender::new(0)), Arc::new(watch::Sender::new(true)));
        let mut passing = JoinSet::new();
        passing.spawn(pass_on(listener, server.to_owned(), Arc::clone(&cuts), Arc::clone(&open)));
        Self { url, cuts, open, _passing: passing }
    }

    /// Silences what is connected and what will be.
    fn go_silent(&self) {
        self.open.send_replace(false);
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Lets new connections through. Those from before stay silent.
    fn recover(&self) {
        self.open.send_replace(true);
    }
}

async fn pass_on(
    listener: TcpListener,
    server: String,
    cuts: Arc<watch::Sender<usize>>,
    open: Arc<watch::Sender<bool>>,
) {
    // Connections are held, so that silence is no end.
    let mut held = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        if !*open.borrow() {
            held.spawn(hold(client));
            continue;
        }
        let server = TcpStream::connect(&server).await.unwrap();
        let (of_client, to_client) = client.into_split();
        let (of_server, to_server) = server.into_split();
        held.spawn(pass(of_client, to_server, cuts.subscribe()));
        held.spawn(pass(of_server, to_client, cuts.subscribe()));
    }
}

async fn hold(line: TcpStream) {
    std::future::pending::<()>().await;
    drop(line);
}

/// Passes bytes one way until the line is cut, and holds both ends from then on.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut cuts: watch::Receiver<usize>) {
    let mut bytes = [0; 4096];
    loop {
        let read = tokio::select! {
            _ = cuts.changed() => break,
            read = from.read(&mut bytes) => read.unwrap_or(0),
        };
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
    std::future::pending::<()>().await;
}

async fn is_timed_out_in_time(store: &Store) -> bool {
    let deadline = Instant::now() + Duration::from_millis(300);
    let answer = async { store.reader(deadline).await?.all(Query::new("SELECT 1 AS n")).await }.await;
    let late = Instant::now().saturating_duration_since(deadline);
    assert!(late < LATE, "{late:?} late");
    answer.is_err_and(|refusal| refusal.cause() == "timed-out")
}

#[tokio::test]
async fn a_server_that_goes_silent_costs_a_reader_no_more_than_its_deadline_and_is_reached_anew() {
    let Some(database) = Database::postgres().await else { return };
    let line = Line::to(&database).await;
    let two = Options { max_connections: 2, ..Options::of(&line.url) };
    let store = Store::open_read_only(&two).await.unwrap();
    assert_eq!(number(&store, "SELECT 7 AS n").await, 7);

    let deadline = Instant::now() + Duration::from_millis(300);
    let mut reader = store.reader(deadline).await.unwrap();
    line.go_silent();
    let answer = reader.all(Query::new("SELECT 1 AS n")).await;
    assert_eq!(answer.unwrap_err().cause(), "timed-out");
    assert!(Instant::now() < deadline + LATE);
    drop(reader);
    for _ in 0..3 {
        assert!(is_timed_out_in_time(&store).await, "neither an old connection nor a new one answers");
    }

    line.recover();
    eventually("a new connection serves", async || {
        let soon = Instant::now() + Duration::from_millis(300);
        store.probe(soon).await.is_ok()
    })
    .await;
    for _ in 0..4 {
        assert_eq!(number(&store, "SELECT 7 AS n").await, 7);
    }
}

#[tokio::test]
async fn a_query_under_way_when_the_server_goes_silent_ends_at_its_deadline() {
    let Some(database) = Database::postgres().await else { return };
    let line = Line::to(&database).await;
    let store =
        Store::open_read_only(&Options { max_connections: 1, ..Options::of(&line.url) }).await.unwrap();
    let watcher = Store::open_read_only(&database.options()).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(3);
    let mut reader = store.reader(deadline).await.unwrap();
    let asked = tokio::spawn(async move { reader.all(Query::new("SELECT pg_sleep(3600)::text AS n")).await });
    let asleep = "SELECT count(*) AS n FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event = 'PgSleep'";
    eventually("the query is under way", async || number(&watcher, asleep).await == 1).await;
    line.go_silent();

    assert_eq!(asked.await.unwrap().unwrap_err().cause(), "timed-out");
    assert!(Instant::now() < deadline + LATE);
    line.recover();
    eventually("the only place in the pool is free again", async || store.probe(soon()).await.is_ok()).await;
}
