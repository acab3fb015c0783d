//! On a real Kafka, where `LGSP_TEST_KAFKA=host:port` names one: what only a broker that remembers can show.

#![allow(clippy::unwrap_used)]

mod site;

use std::time::Duration;

use lgsp_bus::{Bus, topics};
use lgsp_ledger::{Abandon, Options};
use lgsp_proto::ledger::v1::{ExchangeFilter, Outcome, Phase};
use site::{Numbered, PATIENCE, Running, Site, request};
use tokio::time::timeout;

async fn kafka() -> Option<Bus> {
    let brokers = std::env::var("LGSP_TEST_KAFKA").ok()?;
    let bus = Bus::open(lgsp_bus::Options { brokers: Some(brokers), ..Default::default() }).unwrap();
    topics::apply(&bus).await.unwrap();
    Some(bus)
}

async fn start(site: &Site, bus: &Bus) -> Running {
    let abandon_after = Duration::from_secs(2);
    let options = Options { abandon: Abandon::OnKafka, abandon_after, ..site.options() };
    let running = Running::start(options, bus).await;
    running.until("it has caught up", |running| running.state.is_ready()).await;
    running
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_at_the_stored_offsets_and_finds_what_came_meanwhile() {
    let Some(bus) = kafka().await else { return };
    let site = Site::in_files();
    let running = start(&site, &bus).await;
    let before: Vec<Numbered> = (1..=50).map(Numbered::new).collect();
    for entry in &before {
        running.append(entry).await;
    }
    let appender = running.appender.clone();
    running.kill();
    let meanwhile = Numbered::new(51);
    let value = prost::Message::encode_to_vec(&meanwhile.entry()).into();
    // Nobody fsyncs now: the acknowledgement is all there is.
    let plain = lgsp_bus::Appender::new(&bus, "gateway-0", None).unwrap();
    drop(appender);
    plain
        .append_durably(meanwhile.exchange.as_bytes(), value, tokio::time::Instant::now() + PATIENCE)
        .await
        .unwrap();

    let running = start(&site, &bus).await;
    for entry in before.iter().chain([&meanwhile]) {
        assert_eq!(running.phases(entry.exchange).await, [Phase::Final]);
    }
    assert!(running.state.fact("taken-in").get() < 50, "{}", running.state.status());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_died_leaves_an_abandoned_exchange_even_if_the_ledger_was_down() {
    let Some(bus) = kafka().await else { return };
    let site = Site::in_files();
    let entry = Numbered::new(1);
    request(&bus, entry.exchange).await;
    let running = start(&site, &bus).await;
    let filter = ExchangeFilter { exchange_id: entry.exchange.to_string(), ..Default::default() };
    let mut stream = running.follow(filter).await;
    let abandoned = timeout(PATIENCE, stream.message()).await.unwrap().unwrap().unwrap();
    assert_eq!(abandoned.outcome(), Outcome::Abandoned);
    running.stop().await;
}
