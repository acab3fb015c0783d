//! A real Kafka that stops in the middle of its work: it takes connections, and answers nothing.

use std::time::Duration;

use bytes::Bytes;
use lgsp_bus::{Appender, Bus, Error, Options, topics};
use lgsp_core::{Hop, Reason};
use tokio::time::Instant;

use crate::hub::*;
use crate::own_kafka::OwnKafka;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_kafka_halted_entries_and_calls_fail_in_time_and_recover_within_two_seconds() {
    let Some(kafka) = OwnKafka::start() else {
        eprintln!("skipped: the embedded broker cannot be halted");
        return;
    };
    let brokers = Some(kafka.brokers());
    let domains = vec!["halted".to_owned()];
    let bus = Bus::open(Options { brokers, domains, request_partitions: 4, ..Options::default() }).unwrap();
    topics::apply(&bus).await.unwrap();
    let appender = Appender::new(&bus, "gateway-0", None).unwrap();
    let append = async |limit| {
        appender.append_durably(b"key", Bytes::from_static(b"entry"), Instant::now() + limit).await
    };
    let (_provider, serving) = provider(&bus, "halted").await;
    let caller = caller(&bus, "halted").await;
    let call = async |limit| {
        let mut head = head("halted", LIST);
        head.deadline_us = from_now(limit);
        answer(&mut caller.call(head, list("hello")).await?).await
    };
    append(PATIENCE).await.unwrap();
    call(PATIENCE).await.unwrap();

    kafka.halt();
    let limit = Duration::from_millis(500);
    let in_time = |begun: Instant| {
        assert!(begun.elapsed() < limit + Duration::from_secs(1), "{:?}", begun.elapsed());
    };
    let begun = Instant::now();
    let refused = append(limit).await;
    in_time(begun);
    assert!(matches!(refused, Err(Error::TimedOut { .. })), "{refused:?}");
    let begun = Instant::now();
    let fault = call(limit).await.unwrap_err();
    in_time(begun);
    assert_eq!((fault.reason(), fault.hop()), (Reason::DeadlineExceeded, Hop::Broker));
    within("the loss to be noticed", serving.until_lost()).await;

    kafka.go_on();
    let restored = Instant::now();
    let recover = async {
        while append(limit).await.is_err() {}
        while call(limit).await.is_err() {}
    };
    within("recovery", recover).await;
    assert!(restored.elapsed() < Duration::from_secs(2), "{:?}", restored.elapsed());
    within("requests to be taken again", serving.until_ready()).await;
}
