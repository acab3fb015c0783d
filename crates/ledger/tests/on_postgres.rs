//! What is different about a ledger whose stores are on PostgreSQL.
#![allow(clippy::unwrap_used)]

mod site;

use std::fs;
use std::path::Path;

use lgsp_ledger::Options;
use lgsp_proto::ledger::v1::ExchangeFilter;
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

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
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
