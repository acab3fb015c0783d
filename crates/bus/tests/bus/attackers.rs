//! Records on Kafka that are not what they should be.

use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use lgsp_bus::{Bus, Record, ReplyPart, ServeOptions, Start, Tailed, topics};
use lgsp_core::{ExchangeId, Reason};
use lgsp_proto::ledger::v1::ListExchangesResponse;
use lgsp_proto::monitor::v1::Heartbeat;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::hub::*;

type Headers = Vec<(String, Bytes)>;

/// The first record of a topic, from now on, that satisfies the test.
async fn first(bus: &Bus, topic: &str, from: Start, wanted: impl Fn(&Record) -> bool) -> Record {
    let mut tail = bus.tail(topic, from).unwrap();
    let found = async {
        loop {
            if let Tailed::Record(record) = tail.next().await.unwrap()
                && wanted(&record)
            {
                return record;
            }
        }
    };
    within("a record", found).await
}

fn text<'a>(headers: &'a Headers, name: &str) -> &'a str {
    let value = headers.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    value.map_or("", |value| std::str::from_utf8(value).unwrap())
}

fn is_of(exchange: ExchangeId) -> impl Fn(&Record) -> bool {
    move |record| text(&record.headers, "lgsp-exchange-id") == exchange.to_string()
}

/// The MAC as the protocol describes it, written a second time.
fn sign(headers: &mut Headers, label: &str, value: &[u8]) {
    headers.retain(|(name, _)| name != "lgsp-mac");
    let mut mac = Hmac::<Sha256>::new_from_slice(&KEY).unwrap();
    let mut field = |bytes: &[u8]| {
        mac.update(&(bytes.len() as u64).to_be_bytes());
        mac.update(bytes);
    };
    field(label.as_bytes());
    for (name, value) in
        headers.iter().filter(|(name, _)| name.starts_with("lgsp-") || name.starts_with("grpc-"))
    {
        field(name.as_bytes());
        field(value);
    }
    field(value);
    headers.push(("lgsp-mac".to_owned(), hex::encode(mac.finalize().into_bytes()).into()));
}

fn set(headers: &mut Headers, name: &str, value: &str) {
    headers.retain(|(key, _)| key != name);
    headers.push((name.to_owned(), Bytes::copy_from_slice(value.as_bytes())));
}

async fn publish(bus: &Bus, topic: &str, partition: i32, headers: &Headers, value: &[u8]) {
    let headers: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_ref())).collect();
    bus.publish(topic, Some(partition), b"", value, &headers).await.unwrap();
}

/// A reply as a provider would write it, without its MAC.
fn reply_headers(request: &Record, sequence: u32) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in [
        ("lgsp-protocol", "1"),
        ("lgsp-exchange-id", text(&request.headers, "lgsp-exchange-id")),
        ("lgsp-reply-to", text(&request.headers, "lgsp-reply-to")),
        ("lgsp-sequence", &sequence.to_string()),
        ("lgsp-value", "message"),
        ("lgsp-adapter", "stranger"),
        ("lgsp-version", "0"),
        ("lgsp-taken-up", "1"),
        ("lgsp-answered", "2"),
        ("lgsp-end", "1"),
        ("grpc-status", "0"),
    ] {
        set(&mut headers, name, value);
    }
    headers
}

fn reply_partition(request: &Record) -> i32 {
    text(&request.headers, "lgsp-reply-to").split('/').next().unwrap().parse().unwrap()
}

fn saying(word: &str) -> Vec<u8> {
    ListExchangesResponse { next_page_token: word.to_owned(), ..Default::default() }.encode_to_vec()
}

/// An exchange that nobody answers but the test, and its request as it stands on Kafka.
async fn open(bus: &Bus, domain: &str) -> (lgsp_bus::Caller, lgsp_bus::Reply, Record) {
    let caller = caller(bus, domain).await;
    let head = head(domain, LIST);
    let exchange = head.exchange;
    let topic = topics::request(domain);
    let reply = caller.call(head, list("hello")).await.unwrap();
    let request = first(bus, &topic, Start::Beginning, is_of(exchange)).await;
    (caller, reply, request)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_request_is_refused_and_dead_lettered_without_its_value() {
    let bus = bus();
    let (provider, _serving) = provider(&bus, "stranger").await;
    let exchange = ExchangeId::new();
    let mut headers = Headers::new();
    for (name, value) in [
        ("lgsp-protocol", "1"),
        ("lgsp-exchange-id", &*exchange.to_string()),
        ("lgsp-method", LIST),
        ("lgsp-reply-to", "0/00000000000000000000000000000000"),
        ("lgsp-deadline", &from_now(Duration::from_secs(15)).to_string()),
        ("lgsp-application", "tthc"),
        ("lgsp-officer", "officer-17"),
        ("lgsp-mac", &"00".repeat(32)),
    ] {
        set(&mut headers, name, value);
    }
    let secret = list("092000000000");
    publish(&bus, &topics::request("stranger"), 0, &headers, &secret).await;

    let letter = first(&bus, topics::DEAD_LETTER, Start::Beginning, is_of(exchange)).await;
    assert_eq!(letter.value, None);
    assert_eq!(text(&letter.headers, "lgsp-cause"), "the mac is missing or wrong");
    let digest = text(&letter.headers, "lgsp-digest");
    assert_eq!(digest.len(), 64);
    assert_ne!(digest, hex::encode(Sha256::digest(&secret)), "anybody could try all personal numbers");
    let all = format!("{:?}", letter.headers);
    assert!(!all.contains("officer-17") && !all.contains("092000000000"), "{all}");
    assert_eq!(provider.calls(), 0);
    assert!(bus.stats().refused > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poisonous_record_does_not_stop_the_others() {
    let bus = bus();
    let (_provider, _serving) = provider(&bus, "poison").await;
    let caller = caller(&bus, "poison").await;
    let topic = topics::request("poison");
    let many: Headers = (0..100).map(|number| (format!("lgsp-{number}"), Bytes::from_static(b"x"))).collect();
    for partition in 0..4 {
        publish(&bus, &topic, partition, &Headers::new(), b"no headers").await;
        publish(
            &bus,
            &topic,
            partition,
            &vec![("lgsp-method".to_owned(), Bytes::from_static(&[0xff, 0xfe]))],
            b"",
        )
        .await;
        publish(&bus, &topic, partition, &many, b"too many").await;
    }
    for _ in 0..8 {
        assert!(call(&caller, "poison", "hello").await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_reply_is_refused_and_the_true_one_wins() {
    let bus = bus();
    let (caller, mut reply, request) = open(&bus, "forged").await;
    let partition = reply_partition(&request);
    let forged_before = bus.stats().replies_forged;

    let mut headers = reply_headers(&request, 0);
    publish(&bus, topics::REPLY, partition, &headers, &saying("no mac")).await;
    sign(&mut headers, "lgsp 1 reply", &saying("something else"));
    publish(&bus, topics::REPLY, partition, &headers, &saying("another value")).await;
    sign(&mut headers, "lgsp 1 request", &saying("another kind"));
    publish(&bus, topics::REPLY, partition, &headers, &saying("another kind")).await;
    until("three refusals", || bus.stats().replies_forged >= forged_before + 3).await;

    sign(&mut headers, "lgsp 1 reply", &saying("true"));
    publish(&bus, topics::REPLY, partition, &headers, &saying("true")).await;
    assert_eq!(answer(&mut reply).await.unwrap().next_page_token, "true");
    drop(caller);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_of_a_foreign_epoch_is_skipped() {
    let bus = bus();
    let (_caller, mut reply, request) = open(&bus, "foreign").await;
    let partition = reply_partition(&request);
    let foreign_before = bus.stats().replies_foreign;

    let mut headers = reply_headers(&request, 0);
    set(&mut headers, "lgsp-reply-to", &format!("{partition}/{}", "0f".repeat(16)));
    sign(&mut headers, "lgsp 1 reply", &saying("foreign"));
    publish(&bus, topics::REPLY, partition, &headers, &saying("foreign")).await;
    until("the foreign reply", || bus.stats().replies_foreign > foreign_before).await;

    let mut headers = reply_headers(&request, 0);
    sign(&mut headers, "lgsp 1 reply", &saying("ours"));
    publish(&bus, topics::REPLY, partition, &headers, &saying("ours")).await;
    assert_eq!(answer(&mut reply).await.unwrap().next_page_token, "ours");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_reply_wins_and_duplicate_and_late_ones_are_counted() {
    let bus = bus();
    let (_caller, mut reply, request) = open(&bus, "duplicate").await;
    let partition = reply_partition(&request);
    let before = bus.stats();

    for word in ["first", "second"] {
        let mut headers = reply_headers(&request, 0);
        set(&mut headers, "lgsp-adapter", word);
        sign(&mut headers, "lgsp 1 reply", &saying(word));
        publish(&bus, topics::REPLY, partition, &headers, &saying(word)).await;
    }
    until("the duplicate", || bus.stats().replies_duplicate > before.replies_duplicate).await;
    assert_eq!(answer(&mut reply).await.unwrap().next_page_token, "first");
    assert_eq!(reply.trace().adapter, "first");

    drop(reply);
    let mut headers = reply_headers(&request, 0);
    sign(&mut headers, "lgsp 1 reply", &saying("late"));
    publish(&bus, topics::REPLY, partition, &headers, &saying("late")).await;
    until("the late reply", || bus.stats().replies_late > before.replies_late).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_in_a_sequence_fails_the_exchange_at_once() {
    let bus = bus();
    let (_caller, mut reply, request) = open(&bus, "gap").await;
    let partition = reply_partition(&request);
    for sequence in [0, 2] {
        let mut headers = reply_headers(&request, sequence);
        headers.retain(|(name, _)| name != "lgsp-end" && name != "grpc-status");
        sign(&mut headers, "lgsp 1 reply", &saying("part"));
        publish(&bus, topics::REPLY, partition, &headers, &saying("part")).await;
    }
    assert!(matches!(within("the first part", reply.next()).await, ReplyPart::Message(_)));
    let begun = std::time::Instant::now();
    let ReplyPart::Failed(fault) = within("the failure", reply.next()).await else {
        panic!("the gap went unnoticed")
    };
    assert_eq!(fault.reason(), Reason::ReplyLost);
    assert!(begun.elapsed() < Duration::from_secs(5), "it waited for the deadline");
}

fn says(record: &Record) -> Heartbeat {
    Heartbeat::decode(record.value.clone().unwrap()).unwrap()
}

fn claims(domain: &str) -> impl Fn(&Record) -> bool {
    move |record| says(record).domain == domain && !says(record).partitions.is_empty()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_leaving_takes_nobody_out() {
    let bus = bus();
    let (_provider, _serving) = provider(&bus, "spoken-for").await;
    let caller = caller(&bus, "spoken-for").await;
    let heard = first(&bus, topics::HEARTBEAT, Start::End, claims("spoken-for")).await;
    let refused_before = bus.stats().heartbeats_refused;

    let leaving = Heartbeat { leaving: true, sent_us: from_now(Duration::ZERO), ..says(&heard) };
    let mut of_an_invented_one = leaving.clone();
    of_an_invented_one.instance = "spoken-for-2".to_owned();
    for said in [leaving, of_an_invented_one].map(|heartbeat| heartbeat.encode_to_vec()) {
        publish(&bus, topics::HEARTBEAT, 0, &Headers::new(), &said).await;
        publish(&bus, topics::HEARTBEAT, 0, &heard.headers, &said).await;
        let mut of_a_reply = Headers::new();
        sign(&mut of_a_reply, "lgsp 1 reply", &said);
        publish(&bus, topics::HEARTBEAT, 0, &of_a_reply, &said).await;
    }
    until("six refusals", || bus.stats().heartbeats_refused >= refused_before + 6).await;
    let providers = caller.providers();
    assert_eq!(providers.len(), 1, "no place is taken: {providers:?}");
    assert!(providers[0].live && !providers[0].leaving, "{providers:?}");
    assert!(call(&caller, "spoken-for", "hello").await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replayed_heartbeats_do_not_keep_a_dead_instance_alive() {
    let bus = bus();
    // An instance that hangs: nothing in it moves any more.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let doomed_bus = bus.clone();
    let doomed =
        async move { serving(&doomed_bus, "replayed", Provider::default(), ServeOptions::default()).await };
    let (doomed, _) = runtime.spawn(doomed).await.unwrap();
    within("partitions", doomed.until_ready()).await;
    let caller = caller(&bus, "replayed").await;
    let heard = first(&bus, topics::HEARTBEAT, Start::End, claims("replayed")).await;
    until("it to be heard", || caller.providers().iter().any(|provider| provider.live)).await;

    runtime.shutdown_background();
    let said = heard.value.clone().unwrap();
    let replay = async {
        while caller.providers().iter().any(|provider| provider.live) {
            publish(&bus, topics::HEARTBEAT, 0, &heard.headers, &said).await;
        }
    };
    within("the silence to be noticed", replay).await;
    assert!(bus.stats().heartbeats_refused > 0);
}
