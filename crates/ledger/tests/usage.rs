//! What agreements use of a day is counted once, whatever happens to a ledger, and told under a signature.

#![allow(clippy::unwrap_used)]

mod site;

use std::time::SystemTime;

use lgsp_bus::{Bus, MacKey, Start, Tail, Tailed, topics, usage};
use lgsp_core::time::{day, unix_micros};
use lgsp_proto::ledger::v1::{Phase, Usage};
use site::{MAC_KEY, Numbered, PATIENCE, Site, bus};
use tokio::time::timeout;

/// An exchange that was sent to a provider.
fn sent(sequence: u64, agreement: &str) -> Numbered {
    Numbered::new(sequence).with(|sealed| {
        sealed.agreement = agreement.to_owned();
        sealed.sent_us = sealed.admitted_us + 1;
    })
}

/// What is told on the topic from its beginning.
struct Told(Tail);

impl Told {
    fn on(bus: &Bus) -> Self {
        Self(bus.tail(topics::USAGE, Start::Beginning).unwrap())
    }

    /// Waits until so much of an agreement is told to be used; more never is.
    async fn until(&mut self, agreement: &str, used: u64) -> Usage {
        let told = async {
            loop {
                let Tailed::Record(record) = self.0.next().await.unwrap() else { continue };
                assert_eq!(record.key.as_deref(), Some(agreement.as_bytes()), "nothing else is counted");
                let usage = usage::read(&record, &MacKey::new(MAC_KEY)).expect("it is signed");
                assert!(usage::read(&record, &MacKey::new([8; 32])).is_none(), "under one key");
                assert!(usage.used <= used, "{usage:?}");
                if usage.used == used {
                    return usage;
                }
            }
        };
        timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("{used} of {agreement}"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_that_was_sent_to_a_provider_counts_once_and_nothing_else_does() {
    let (site, bus) = (Site::in_files(), bus());
    let (running, mut told) = (site.start(&bus).await, Told::on(&bus));
    let first = sent(1, "a");
    let other_gateway = sent(2, "a").with(|sealed| sealed.gateway = "gateway-2".to_owned());
    let refused = sent(3, "a").with(|sealed| sealed.sent_us = 0);
    let platform = sent(4, "").with(|sealed| sealed.platform = true);
    let opening = sent(5, "a").with(|sealed| sealed.phase = Phase::Opening.into());
    let last_week = sent(6, "a").with(|sealed| sealed.admitted_us -= 7 * 24 * 3_600 * 1_000_000);
    let (unsigned, forged) = (sent(7, "a").signed_under(None), sent(8, "a").signed_under(Some([8; 32])));
    for entry in [
        &first,
        &first,
        &refused,
        &platform,
        &opening,
        &last_week,
        &unsigned,
        &forged,
        &other_gateway,
        &first,
    ] {
        running.append(entry).await;
    }
    let usage = told.until("a", 2).await;
    assert_eq!(usage.day, day(unix_micros(SystemTime::now())));
    let mut gateways: Vec<_> = usage.gateways.iter().map(|of| (of.gateway.as_str(), of.used)).collect();
    gateways.sort_unstable();
    assert_eq!(gateways, [("gateway-1", 1), ("gateway-2", 1)]);
    running.until("all are kept", |running| running.leaves() == 8).await;
    running.stop().await;
    std::fs::remove_file(site.path("index.db")).unwrap();

    let running = site.start(&bus).await;
    running.append(&sent(9, "a")).await;
    Told::on(&bus).until("a", 3).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ledgers_that_are_restarted_killed_rebuilt_or_second_neither_double_nor_lose() {
    let (site, bus) = (Site::in_files(), bus());
    let running = site.start(&bus).await;
    for sequence in 1..=3 {
        running.append(&sent(sequence, "a")).await;
    }
    Told::on(&bus).until("a", 3).await;
    running.stop().await;

    let running = site.start(&bus).await;
    running.append(&sent(4, "a")).await;
    Told::on(&bus).until("a", 4).await;
    // What is not filed yet is in the journal.
    running.append(&sent(5, "a")).await;
    running.kill();

    let running = site.start(&bus).await;
    Told::on(&bus).until("a", 5).await;
    running.stop().await;
    std::fs::remove_file(site.path("index.db")).unwrap();

    let running = site.start(&bus).await;
    running.append(&sent(6, "a")).await;
    let mut told = Told::on(&bus);
    told.until("a", 6).await;

    let beside = Site::in_files();
    let second = beside.start(&bus).await;
    second.until("it has caught up", |second| second.leaves() == 6).await;
    running.append(&sent(7, "a")).await;
    told.until("a", 7).await;
    // The other one tells the same.
    told.until("a", 7).await;
    running.stop().await;
    second.stop().await;
}
