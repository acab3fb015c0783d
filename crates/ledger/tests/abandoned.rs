//! Exchanges whose gateway died between request and final entry.

#![allow(clippy::unwrap_used)]

mod site;

use std::time::Duration;

use lgsp_bus::{Bus, MacKeys};
use lgsp_core::ExchangeId;
use lgsp_ledger::{Abandon, Error, Keys, Options};
use lgsp_proto::ledger::v1::{ExchangeFilter, Hop, Outcome, Phase};
use lgsp_runtime::{Instance, Shutdown, State, shutdown};
use site::{Numbered, PATIENCE, Running, Site, bus, request, request_under};
use tokio::time::{sleep, timeout};

const AFTER: Duration = Duration::from_millis(200);

async fn start(site: &Site, bus: &Bus) -> Running {
    let options = Options { abandon: Abandon::Always, abandon_after: AFTER, ..site.options() };
    Running::start(options, bus).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_without_an_end_is_entered_as_abandoned_and_a_later_final_entry_wins() {
    let (site, bus) = (Site::new(), bus());
    let running = start(&site, &bus).await;
    let mut stream = running.follow(ExchangeFilter::default()).await;
    let late = Numbered::new(1);
    request(&bus, late.exchange).await;

    let abandoned = timeout(PATIENCE, stream.message()).await.unwrap().unwrap().unwrap();
    assert_eq!(abandoned.exchange_id, late.exchange.to_string());
    assert_eq!((abandoned.outcome(), abandoned.failed_hop()), (Outcome::Abandoned, Hop::Gateway));
    assert_eq!((abandoned.application.as_str(), abandoned.method.as_str()), ("tthc", "GetParcel"));
    let position = abandoned.sealed.unwrap().request_position.unwrap();
    assert_eq!((position.topic.as_str(), position.partition), ("lgsp.request.land", 3));
    assert_eq!(running.list(ExchangeFilter::default()).await[0].outcome(), Outcome::Abandoned);

    running.append(&late).await;
    let listed = running.list(ExchangeFilter::default()).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].outcome(), Outcome::Served, "the final entry wins");
    assert_eq!(running.phases(late.exchange).await, [Phase::Final, Phase::Abandoned], "both are shown");
    let told = running.completeness().await;
    assert_eq!((told.open, told.abandoned), (0, 1));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_with_an_end_is_not_abandoned_even_after_a_restart() {
    let (site, bus) = (Site::new(), bus());
    let running = start(&site, &bus).await;
    let (ended, open) = (Numbered::new(1), Numbered::new(2));
    running.append(&ended).await;
    request(&bus, ended.exchange).await;
    running.stop().await;

    request(&bus, open.exchange).await;
    let running = start(&site, &bus).await;
    let mut stream = running.follow(ExchangeFilter::default()).await;
    let abandoned = timeout(PATIENCE, stream.message()).await.unwrap().unwrap().unwrap();
    assert_eq!(abandoned.exchange_id, open.exchange.to_string());
    running.until("nothing is open", |running| running.state.fact("open-requests").get() == 0).await;
    assert_eq!(running.phases(ended.exchange).await, [Phase::Final]);
    assert_eq!(running.completeness().await.abandoned, 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_waits_for_its_end_is_told_as_open() {
    let (site, bus) = (Site::new(), bus());
    let options = Options { abandon: Abandon::Always, ..site.options() };
    let running = Running::start(options, &bus).await;
    let entry = Numbered::new(1);
    request(&bus, entry.exchange).await;
    running.until("it is watched", |running| running.state.fact("open-requests").get() == 1).await;
    assert_eq!(running.completeness().await.open, 1);
    running.append(&entry).await;
    assert_eq!(running.completeness().await.open, 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_exchange_is_abandoned_whose_end_waits_for_the_disk() {
    let (site, bus) = (Site::new(), bus());
    // Every entry needs a segment of its own.
    let options =
        Options { abandon: Abandon::Always, abandon_after: AFTER, journal_size: 1, ..site.options() };
    let running = Running::start(options, &bus).await;
    let (before, ended) = (Numbered::new(1), Numbered::new(2));
    running.append(&before).await;
    running.list(ExchangeFilter::default()).await;

    let (intake, away) = (site.path("intake"), site.path("away"));
    std::fs::rename(&intake, &away).unwrap();
    assert!(running.try_append(&ended, Duration::from_millis(300)).await.is_err());
    request(&bus, ended.exchange).await;
    let waits = "waits for entries that are on their way";
    running.until("its end is awaited", |running| running.cause("abandoned") == waits).await;

    std::fs::rename(&away, &intake).unwrap();
    running.until("nothing is open", |running| running.state.fact("open-requests").get() == 0).await;
    assert_eq!(running.phases(ended.exchange).await, [Phase::Final]);
    assert_eq!(running.completeness().await.abandoned, 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_behind_more_requests_than_it_watches_leaves_none_out_while_entries_go_on_and_on() {
    const REQUESTS: usize = 24;
    let (site, bus) = (Site::new(), bus());
    let requests: Vec<_> = (0..REQUESTS).map(|_| ExchangeId::new()).collect();
    for exchange in &requests {
        request(&bus, *exchange).await;
    }
    let options = Options { abandon: Abandon::Always, abandon_after: AFTER, most_open: 3, ..site.options() };
    let running = Running::start(options, &bus).await;
    let entries = async {
        for number in 1.. {
            running.append(&Numbered::new(number)).await;
        }
    };
    let each_has_its_end = timeout(PATIENCE, async {
        while running.completeness().await.abandoned < REQUESTS as u64 {
            sleep(AFTER / 10).await;
        }
    });
    tokio::select! { () = entries => {}, ended = each_has_its_end => ended.expect("each has its end") }
    for exchange in requests {
        assert_eq!(running.phases(exchange).await, [Phase::Abandoned]);
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_gateway_signed_is_counted_and_never_entered_and_pushes_nobody_out() {
    let (site, bus) = (Site::new(), bus());
    let options = Options { abandon: Abandon::Always, abandon_after: AFTER, most_open: 1, ..site.options() };
    let running = Running::start(options, &bus).await;
    let mut stream = running.follow(ExchangeFilter::default()).await;
    let (before, after) = (ExchangeId::new(), ExchangeId::new());
    request(&bus, before).await;
    for _ in 0..3 {
        request_under([0; 32], &bus, ExchangeId::new()).await;
    }
    for expected in [before, after] {
        let abandoned = timeout(PATIENCE, stream.message()).await.unwrap().unwrap().unwrap();
        assert_eq!(abandoned.exchange_id, expected.to_string(), "no stranger's exchange");
        if expected == before {
            request(&bus, after).await;
        }
    }
    assert_eq!(running.state.fact("refused-requests").get(), 3);
    assert_eq!(running.completeness().await.abandoned, 2);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_cannot_tell_a_domains_requests_from_forged_ones_does_not_start() {
    let (site, bus) = (Site::new(), bus());
    let state = State::new(Instance::new("ledger", "0"));
    let shutdown = Shutdown::new(state.clone(), shutdown::Options::default());
    let options = Options { abandon: Abandon::Always, ..site.options() };
    let keys = Keys { macs: MacKeys::default(), log: vec![], ..site::keys(&bus) };
    let refused = lgsp_ledger::start(options, keys, &bus, &state, &shutdown).await;
    assert!(matches!(refused, Err(Error::KeyMissing { .. })), "{refused:?}");
}
