//! Entries that are durable, and topics that are read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use lgsp_bus::{Appender, Error, Start, Tailed, topics};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::hub::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_is_durable_only_once_the_ledger_has_it_on_disk() {
    let bus = bus();
    let key = format!("{:016x}", rand::random::<u64>());
    let (fsynced, on_disk) = watch::channel(vec![0; 8]);
    let appender = Appender::new(&bus, "gateway-0", Some(on_disk)).unwrap();
    let soon = Instant::now() + Duration::from_millis(300);
    let refused = appender.append_durably(key.as_bytes(), Bytes::from_static(b"entry"), soon).await;
    assert!(matches!(refused, Err(Error::TimedOut { .. })), "{refused:?}");

    let waiting = {
        let (appender, key) = (appender.clone(), key.clone());
        let later = Instant::now() + PATIENCE;
        tokio::spawn(async move {
            appender.append_durably(key.as_bytes(), Bytes::from_static(b"entry"), later).await
        })
    };
    let mut tail = bus.tail(topics::EXCHANGE, Start::Beginning).unwrap();
    let mut seen = 0;
    while seen < 2 {
        if let Tailed::Record(record) = within("the entry", tail.next()).await.unwrap()
            && record.key.as_deref() == Some(key.as_bytes())
        {
            seen += 1;
            // The ledger tells the next offset that is not on disk yet.
            fsynced
                .send_modify(|next| next[record.partition as usize] = record.offset + i64::from(seen == 2));
        }
    }
    let position = within("the entry to be durable", waiting).await.unwrap().unwrap();
    assert_eq!(position.topic, topics::EXCHANGE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_fails_while_the_broker_is_away() {
    let bus = own_bus("entries");
    let appender = Appender::new(&bus, "gateway-0", None).unwrap();
    let entry = || Bytes::from_static(b"entry");
    appender.append_durably(b"one", entry(), Instant::now() + PATIENCE).await.unwrap();
    bus.lose_broker().unwrap();
    let soon = Instant::now() + Duration::from_millis(300);
    assert!(appender.append_durably(b"two", entry(), soon).await.is_err());
    bus.restore_broker().unwrap();
    appender.append_durably(b"three", entry(), Instant::now() + PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tail_yields_what_was_there_and_says_when_it_has_caught_up() {
    let bus = bus();
    let run = format!("{:016x}", rand::random::<u64>());
    for number in 0..50 {
        bus.publish(topics::USAGE, None, format!("{run}/{number}").as_bytes(), b"x", &[("a", b"b")])
            .await
            .unwrap();
    }
    let mut tail = bus.tail(topics::USAGE, Start::Beginning).unwrap();
    let (mut seen, mut last) = (BTreeSet::new(), BTreeMap::new());
    loop {
        match within("a record", tail.next()).await.unwrap() {
            Tailed::CaughtUp => break,
            Tailed::Record(record) => {
                last.insert(record.partition, record.offset);
                let key = String::from_utf8(record.key.unwrap().to_vec()).unwrap();
                if key.starts_with(&run) {
                    assert_eq!(record.headers, [("a".to_owned(), Bytes::from_static(b"b"))]);
                    seen.insert(key);
                }
            }
        }
    }
    assert_eq!(seen.len(), 50);

    // From the middle, then on with what comes.
    let mut tail = bus.tail(topics::USAGE, Start::At(last)).unwrap();
    assert!(matches!(within("the last", tail.next()).await.unwrap(), Tailed::Record(_)));
    assert!(matches!(within("the end", tail.next()).await.unwrap(), Tailed::CaughtUp));
    bus.publish(topics::USAGE, None, b"", b"", &[]).await.unwrap();
    let Tailed::Record(tombstone) = within("the new one", tail.next()).await.unwrap() else {
        panic!("no record")
    };
    assert_eq!(tombstone.value, None);
}
