//! What is different about a ledger whose stores are on PostgreSQL.
#![allow(clippy::unwrap_used)]

mod site;

use std::fs;
use std::path::Path;

use lgsp_core::{Fault, Reason};
use lgsp_ledger::Options;
use lgsp_proto::ledger::v1::{ExchangeFilter, ListExchangesRequest};
use lgsp_store::testing::SERVER;
use lgsp_store::{Query, Store};
use site::{Numbered, Running, Site, bus, everything, ids};
use tokio::time::Instant;

async fn on_server() -> Option<Site> {
    if std::env::var_os(SERVER).is_none() {
        // Says that it was skipped, or fails where servers are required.
        assert!(lgsp_store::testing::Database::postgres().await.is_none());
        return None;
    }
    Some(Site::new())
}

/// Leaves out what its owner takes away meanwhile: a live log renames the files that it has written.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else if let Err(cause) = fs::copy(entry.path(), to) {
            assert_eq!(cause.kind(), std::io::ErrorKind::NotFound, "{}", entry.path().display());
        }
    }
}

async fn rows(site: &Site, sql: &str) -> Vec<lgsp_store::Row> {
    let store = Store::open_read_only(&site.database().unwrap().options()).await.unwrap();
    let rows =
        store.reader(Instant::now() + site::PATIENCE).await.unwrap().all(Query::new(sql)).await.unwrap();
    store.close().await;
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_of_another_host_takes_over_and_the_first_one_changes_nothing_more() {
    let Some(site) = on_server().await else { return };
    let bus = bus();
    let first = site.start(&bus).await;
    let before = Numbered::new(1);
    first.append(&before).await;
    assert_eq!(ids(&first.list(everything()).await), [before.exchange.to_string()]);
    first.until("the entry is sealed", |it| it.state.fact("sealed").get() == 1).await;

    let elsewhere = tempfile::tempdir().unwrap();
    copy(&site.path(""), elsewhere.path());
    let other_bus = site::bus();
    let options = Options { dir: elsewhere.path().to_owned(), ..site.options() };
    let second = Running::start(options, &other_bus).await;
    let after = Numbered::new(2);
    second.append(&after).await;
    let both = [after.exchange.to_string(), before.exchange.to_string()];
    assert_eq!(ids(&second.list(everything()).await), both);

    let late = Numbered::new(3);
    first.append(&late).await;
    first.until("it says so", |it| it.cause("filing") == "another ledger has taken the log over").await;
    assert_eq!(ids(&second.list(everything()).await), both, "the late one changed nothing");
    second.stop().await;
    first.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_are_in_the_partition_of_their_month_and_wild_ones_are_found_all_the_same() {
    let Some(site) = on_server().await else { return };
    let bus = bus();
    let running = site.start(&bus).await;
    let now = Numbered::new(1);
    // Its moment is years before that of its id.
    let wild = Numbered::new(2).with(|sealed| sealed.admitted_us = 1_000_000_000_000_000);
    for entry in [&now, &wild] {
        running.append(entry).await;
    }
    assert_eq!(running.list(everything()).await.len(), 2);
    let until = Some(lgsp_core::time::timestamp(1_100_000_000_000_000));
    let early = ExchangeFilter { until, ..everything() };
    assert_eq!(ids(&running.list(early).await), [wild.exchange.to_string()]);
    let sql = "SELECT DISTINCT tableoid::regclass::text AS name FROM lgsp_ledger_index.entry";
    let of: Vec<String> = rows(&site, sql).await.iter().map(|row| row.text("name").unwrap()).collect();
    assert_eq!(of.len(), 1);
    assert!(of[0].starts_with("lgsp_ledger_index.entry_20"), "{of:?}");

    let ours: String = now.exchange.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let explain = format!(
        "EXPLAIN (COSTS OFF) SELECT leaf FROM lgsp_ledger_index.entry WHERE exchange_id = '\\x{ours}' AND phase = 3"
    );
    let plan: Vec<String> =
        rows(&site, &explain).await.iter().map(|row| row.text("QUERY PLAN").unwrap()).collect();
    let plan = plan.join("\n");
    assert_eq!(plan.matches("Scan").count(), 1, "one partition is read: {plan}");
    running.stop().await;
}

/// A way to the server that can be cut.
struct Way {
    port: u16,
    serving: tokio::task::JoinSet<()>,
}

impl Way {
    async fn open(port: u16) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut serving = tokio::task::JoinSet::new();
        serving.spawn(async move {
            let mut lines = tokio::task::JoinSet::new();
            loop {
                let (mut ours, _) = listener.accept().await.unwrap();
                let mut theirs = tokio::net::TcpStream::connect(server()).await.unwrap();
                lines.spawn(async move {
                    let _ = tokio::io::copy_bidirectional(&mut ours, &mut theirs).await;
                });
            }
        });
        Self { port, serving }
    }

    async fn cut(&mut self) {
        self.serving.shutdown().await;
    }
}

/// Host and port of the server for tests.
fn server() -> String {
    let url = std::env::var(SERVER).unwrap();
    let (_, host) = url.split_once('@').unwrap();
    host.split('/').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_store_a_ledger_takes_in_says_what_is_missing_and_catches_up() {
    let Some(site) = on_server().await else { return };
    let mut way = Way::open(0).await;
    let here = format!("127.0.0.1:{}", way.port);
    let mut options = site.options();
    options.store = options.store.replace(&server(), &here);
    let bus = bus();
    let running = Running::start(options, &bus).await;
    let before = Numbered::new(1);
    running.append(&before).await;
    assert_eq!(running.list(everything()).await.len(), 1);

    way.cut().await;
    let meanwhile = Numbered::new(2);
    running.append(&meanwhile).await;
    running.until("it says so", |it| it.cause("filing") == "the ledger's store cannot be reached").await;
    let refused = running
        .client()
        .list_exchanges(ListExchangesRequest { filter: Some(everything()), ..Default::default() })
        .await
        .unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    let fault = Fault::of_provider(refused.code() as i32, Some(refused.details()));
    assert_eq!(fault.reason(), Reason::SourceUnavailable);

    let _way = Way::open(way.port).await;
    running.until("it has caught up", |it| it.cause("filing").is_empty() && it.leaves() == 2).await;
    let both = [meanwhile.exchange.to_string(), before.exchange.to_string()];
    assert_eq!(ids(&running.list(everything()).await), both);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_behind_the_head_is_refused_and_the_ledger_that_has_the_rest_goes_on() {
    let Some(site) = on_server().await else { return };
    let bus = bus();
    let running = site.start(&bus).await;
    running.append(&Numbered::new(1)).await;
    running.until("it is sealed", |it| it.state.fact("sealed").get() == 1).await;

    let empty = tempfile::tempdir().unwrap();
    let options = Options { dir: empty.path().to_owned(), ..site.options() };
    let refused = Running::try_start(options, &site::bus()).await.err().unwrap();
    assert!(refused.to_string().contains("is behind the head: 1 leaves are sealed"), "{refused}");

    running.append(&Numbered::new(2)).await;
    running.until("the next one is sealed", |it| it.state.fact("sealed").get() == 2).await;
    running.stop().await;
    let told = lgsp_ledger::status(&site.path("")).unwrap_err();
    assert!(told.to_string().contains("has a log and no head"), "{told}");
}
