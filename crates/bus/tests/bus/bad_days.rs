//! Services that panic, deadlines that have passed, a broker that goes away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lgsp_bus::{Bus, Caller, CallerOptions, MacKey, MacKeys, Options, Start, Tailed, topics};
use lgsp_core::{Fault, Hop, Reason};
use rdkafka::mocking::{MockCluster, MockCoordinator};
use rdkafka::producer::DefaultProducerContext;

use crate::hub::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_answered_and_dead_lettered_without_the_value() {
    let bus = bus();
    let (_provider, _serving) = provider(&bus, "panics").await;
    let caller = caller(&bus, "panics").await;
    let mut letters = bus.tail(topics::DEAD_LETTER, Start::Beginning).unwrap();

    let fault = call(&caller, "panics", "panic 092000000000").await.unwrap_err();
    assert_eq!(fault.reason(), Reason::AdapterFailed);
    assert!(call(&caller, "panics", "hello").await.is_ok(), "the next one is served");

    let letter = async {
        loop {
            if let Tailed::Record(record) = letters.next().await.unwrap()
                && record.headers.iter().any(|(_, value)| value == "the service panicked".as_bytes())
            {
                return record;
            }
        }
    };
    let letter = within("the dead letter", letter).await;
    assert_eq!(letter.value, None);
    assert!(!format!("{letter:?}").contains("092000000000"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_request_is_dropped_unread() {
    let bus = bus();
    let (provider, _serving) = provider(&bus, "expired").await;
    let caller = caller(&bus, "expired").await;
    let expired_before = bus.stats().expired;

    let mut head = head("expired", LIST);
    head.deadline_us = from_now(Duration::ZERO);
    let mut reply = caller.call(head, list("hello")).await.unwrap();
    assert_eq!(answer(&mut reply).await.unwrap_err().reason(), Reason::DeadlineExceeded);
    until("the drop", || bus.stats().expired > expired_before).await;
    assert_eq!(provider.calls(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_never_answers_lets_the_deadline_pass_at_its_own_hop() {
    let bus = bus();
    let (provider, serving) = provider(&bus, "late").await;
    let caller = caller(&bus, "late").await;
    let mut head = head("late", LIST);
    head.deadline_us = from_now(Duration::from_secs(2));
    let mut reply = caller.call(head, list("wait")).await.unwrap();
    until("the work to begin", || provider.calls() == 1).await;
    let fault = answer(&mut reply).await.unwrap_err();
    assert_eq!((fault.reason(), fault.hop()), (Reason::DeadlineExceeded, Hop::Adapter));
    until("the work to be dropped", || serving.in_flight() == 0).await;
}

async fn call_within(caller: &Caller, limit: Duration) -> Result<(), Fault> {
    let mut head = head("lost", LIST);
    head.deadline_us = from_now(limit);
    let mut reply = caller.call(head, list("hello")).await?;
    answer(&mut reply).await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_broker_lost_calls_fail_fast_and_recover_within_two_seconds() {
    let bus = own_bus("lost");
    let (_provider, _serving) = provider(&bus, "lost").await;
    let caller = caller(&bus, "lost").await;
    call_within(&caller, Duration::from_secs(5)).await.unwrap();

    bus.lose_broker().unwrap();
    let begun = Instant::now();
    let fault = call_within(&caller, Duration::from_millis(400)).await.unwrap_err();
    assert_eq!((fault.reason(), fault.hop()), (Reason::DeadlineExceeded, Hop::Broker));
    let fault = call_within(&caller, Duration::from_secs(15)).await.unwrap_err();
    assert_eq!(fault.reason(), Reason::BrokerUnavailable);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());

    bus.restore_broker().unwrap();
    let restored = Instant::now();
    let recover = async { while call_within(&caller, Duration::from_millis(250)).await.is_err() {} };
    within("recovery", recover).await;
    let took = restored.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_has_lost_the_broker_is_not_ready_until_it_is_back() {
    let bus = own_bus("lost");
    let (_provider, serving) = provider(&bus, "lost").await;
    assert!(serving.ready());
    bus.lose_broker().unwrap();
    let begun = Instant::now();
    within("the loss to be noticed", serving.until_lost()).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(!serving.ready());
    bus.restore_broker().unwrap();
    within("requests to be taken again", serving.until_ready()).await;
}

/// The bus of a cluster whose first broker leads everything.
fn bus_of(cluster: &MockCluster<'_, DefaultProducerContext>) -> Bus {
    for topic in [topics::HEARTBEAT, topics::REPLY, &topics::request("lost")] {
        cluster.create_topic(topic, 1, 1).unwrap();
        cluster.partition_leader(topic, 0, Some(1)).unwrap();
    }
    cluster.coordinator(MockCoordinator::Group("lgsp.lost".to_owned()), 1).unwrap();
    Bus::open(Options {
        brokers: Some(cluster.bootstrap_servers()),
        domains: vec!["lost".to_owned()],
        request_partitions: 1,
        reply_partitions: 1,
        ..Options::default()
    })
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_only_the_heartbeats_lost_calls_are_served_and_count_as_signs_of_life() {
    let cluster = MockCluster::new(2).unwrap();
    let bus = bus_of(&cluster);
    let (_provider, serving) = provider(&bus, "lost").await;
    let caller = caller(&bus, "lost").await;
    until("a heartbeat", || !caller.providers().is_empty()).await;

    // The leader of the heartbeats dies, and nobody takes its place.
    cluster.partition_leader(topics::HEARTBEAT, 0, Some(2)).unwrap();
    cluster.broker_down(2).unwrap();
    let unheard = async {
        while caller.providers().iter().all(|provider| provider.silent_ms < 5_000) {
            call_within(&caller, Duration::from_secs(5)).await.unwrap();
            assert!(caller.silence() < Duration::from_secs(2), "{:?}", caller.silence());
            assert!(serving.ready());
        }
    };
    within("heartbeats to stay away", unheard).await;
    within("the silence to be noticed", serving.until_lost()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_broker_away_at_the_start_a_caller_starts_and_becomes_ready_later() {
    let bus = own_bus("lost");
    bus.lose_broker().unwrap();
    let keys = MacKeys::new(BTreeMap::from([("lost".to_owned(), MacKey::new(KEY))]));
    let ending = shutdown("gateway");
    let starting = Caller::start(&bus, CallerOptions::default(), "gateway-1", Arc::new(keys), &ending);
    let caller = within("the start", starting).await.unwrap();
    assert!(!caller.ready());
    let refused = caller.call(head("lost", LIST), list("hello")).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::BrokerUnavailable);

    bus.restore_broker().unwrap();
    within("a place on the reply topic", caller.until_ready()).await;
    let (_provider, _serving) = provider(&bus, "lost").await;
    assert!(call(&caller, "lost", "hello").await.is_ok());
}
