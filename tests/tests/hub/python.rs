//! A provider in another language, which knows nothing of the hub but `docs/protocol.md`.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use lgsp_core::time::unix_micros;
use lgsp_core::{Outcome, Reason};
use lgsp_tests::echo::SECRET;
use lgsp_tests::echo::v1::{Behaviour, EchoRequest, EchoResponse};
use prost::Message;
use tonic::Status;

use crate::caller::{exchange_of, refusal, refused};
use crate::fixture::{EchoHub, PERSON, PythonAdapter, python, within};

fn told(behaviour: Behaviour) -> EchoRequest {
    EchoRequest { behaviour: behaviour.into(), subject: PERSON.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn an_adapter_in_python_serves_its_domain() {
    let Some(prepared) = python("an adapter in Python serves its domain") else { return };
    let hub = EchoHub::start_without_adapter().await;
    let adapter = hub.start_python(&prepared).await;

    let request = EchoRequest { text: "xin chào".to_owned(), ..told(Behaviour::Answer) };
    let answer = hub.echo(request).await.expect("served");
    let id = exchange_of(answer.metadata());
    let answer = answer.into_inner();
    assert_eq!((answer.text.as_str(), answer.secret.as_str()), ("xin chào", ""));
    let persons =
        answer.persons.iter().map(|person| (person.personal_number.as_str(), person.secret.as_str()));
    assert_eq!(persons.collect::<Vec<_>>(), [(PERSON, ""), (lgsp_tests::echo::COMPANION, "")]);
    let entry = hub.final_entry(id).await;
    assert_eq!(entry.outcome(), Outcome::Served);
    assert!(entry.sealed.expect("shown").adapter.starts_with("adapter-echo-"), "it names who answered");

    let large = EchoRequest { payload_bytes: 1_200 << 10, ..Default::default() };
    let answer = hub.echo(large).await.expect("served in three pieces").into_inner();
    assert!(answer.payload.len() == 1_200 << 10 && answer.payload.iter().all(|byte| *byte == b'x'));
    let too_large = EchoRequest { payload_bytes: 5 << 20, ..Default::default() };
    refused(hub.echo(too_large).await, Reason::AnswerTooLarge);

    streams(&hub).await;
    fails(&hub).await;
    refuses_strangers(&hub, &adapter).await;

    let log = adapter.log();
    assert!(!log.contains(SECRET) && !log.contains(PERSON), "no personal data is logged: {log}");
    assert_eq!(adapter.end().await, Some(0), "it leaves when it is asked to");
    let began = Instant::now();
    refused(hub.echo(EchoRequest::default()).await, Reason::NoProvider);
    assert!(began.elapsed() < Duration::from_millis(500), "at once: {:?}", began.elapsed());
}

async fn streams(hub: &EchoHub) {
    for payload_bytes in [0, 20_000] {
        let request = EchoRequest { messages: 250, payload_bytes, ..Default::default() };
        let mut stream = hub.repeat(request).await.expect("accepted").into_inner();
        let mut numbers = Vec::new();
        while let Some(message) = stream.message().await.expect("served") {
            assert_eq!((message.secret.as_str(), message.payload.len()), ("", payload_bytes as usize));
            numbers.push(message.number);
        }
        assert_eq!(numbers, (0..250).collect::<Vec<_>>(), "in order, none missing");
    }
    let late = EchoRequest { messages: 3, ..told(Behaviour::LateError) };
    let mut stream = hub.repeat(late).await.expect("accepted").into_inner();
    for _ in 0..3 {
        stream.message().await.expect("what came before the failure").expect("a message");
    }
    ends(stream.message().await, Reason::AdapterFailed);
    let long = EchoRequest { messages: 1_001, ..Default::default() };
    let mut stream = hub.repeat(long).await.expect("accepted").into_inner();
    let ended = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            ended => break ended,
        }
    };
    ends(ended, Reason::StreamTooLong);
}

#[track_caller]
fn ends(ended: Result<Option<EchoResponse>, Status>, reason: Reason) {
    assert_eq!(refusal(&ended.expect_err("it fails")).reason, Some(reason));
}

async fn fails(hub: &EchoHub) {
    let refusal = refused(hub.echo(told(Behaviour::SourceDown)).await, Reason::SourceUnavailable);
    assert_eq!(refusal.hop, "source");

    let status = hub.echo(told(Behaviour::Leak)).await.expect_err("it fails");
    let all = format!("{status:?} {}", String::from_utf8_lossy(status.details()));
    assert!(!all.contains(SECRET) && !all.contains(PERSON), "{all}");
    let refusal = refused::<()>(Err(status), Reason::AdapterFailed);
    let exchange = refusal.exchange.expect("named").to_string();
    let letter = hub.dead_letter(|letter| letter("lgsp-exchange-id") == exchange).await;
    assert!(letter.value.is_none(), "no value is kept");

    let hang = hub.echo_within(told(Behaviour::Hang), Duration::from_millis(600)).await;
    refused(hang, Reason::DeadlineExceeded);
    hub.echo(EchoRequest::default()).await.expect("it serves on");
}

/// A copy of a true request is answered a second time, and that finds nobody; one that was changed is not.
async fn refuses_strangers(hub: &EchoHub, adapter: &PythonAdapter) {
    let deadline = Duration::from_secs(15);
    let request = EchoRequest { text: "to be copied".to_owned(), ..Default::default() };
    hub.echo_within(request.clone(), deadline).await.expect("served");
    let copied = hub.record_of(&request).await;
    let soon = EchoRequest { text: "soon over".to_owned(), ..Default::default() };
    let served = hub.echo_within(soon.clone(), Duration::from_millis(500)).await.expect("served");
    let soon_over = exchange_of(served.metadata()).expect("named").to_string();
    let mut expired = hub.record_of(&soon).await;
    expired.partition = copied.partition;
    let late = || hub.bus_stats().replies_late;
    let before = late();

    let mut signed_otherwise = copied.clone();
    let mac = signed_otherwise.headers.iter_mut().find(|(name, _)| name == "lgsp-mac").expect("it is signed");
    mac.1 = Bytes::from(vec![b'0'; mac.1.len()]);
    let mut asks_otherwise = copied.clone();
    asks_otherwise.value = Some(EchoRequest { messages: 7, ..request }.encode_to_vec().into());
    let mut twice = copied.clone();
    twice.headers.push(("lgsp-deadline".to_owned(), Bytes::from_static(b"9000000000000000")));
    for (forged, why) in [
        (&signed_otherwise, "the mac is missing or wrong"),
        (&asks_otherwise, "the mac is missing or wrong"),
        (&twice, "a header is there twice"),
    ] {
        let offset = hub.put_request(forged).await.offset.to_string();
        let letter = hub.dead_letter(|letter| letter("lgsp-offset") == offset).await;
        let cause = letter.headers.iter().find(|(name, _)| name == "lgsp-cause").expect("a cause");
        assert_eq!(cause.1, why);
    }
    within("the other deadline is past", || async {
        let header = expired.headers.iter().find(|(name, _)| name == "lgsp-deadline").expect("it has one");
        let deadline: i64 = std::str::from_utf8(&header.1).expect("text").parse().expect("a number");
        deadline < unix_micros(SystemTime::now())
    })
    .await;
    hub.put_request(&expired).await;
    // The same partition, and so after all of them: they are done when this is.
    hub.put_request(&copied).await;
    within("the true copy is answered", || async { late() > before }).await;
    assert_eq!(late(), before + 1, "none of the others is");
    assert!(!adapter.log().contains(&soon_over), "what is past its deadline is dropped unread");
}

#[tokio::test]
async fn a_killed_adapter_in_python_is_missed_and_replaced_by_one_in_rust() {
    let Some(prepared) = python("a killed adapter in Python is missed and replaced") else { return };
    let hub = EchoHub::start_without_adapter().await;
    let mut adapter = hub.start_python(&prepared).await;
    adapter.kill();
    within("the gateway misses it", || async {
        let refusal = hub.echo_within(EchoRequest::default(), Duration::from_millis(300)).await;
        refusal.is_err_and(|status| status.code() == tonic::Code::Unavailable)
    })
    .await;
    let began = Instant::now();
    refused(hub.echo(EchoRequest::default()).await, Reason::NoProvider);
    assert!(began.elapsed() < Duration::from_millis(500), "at once: {:?}", began.elapsed());

    // Both are members of one group, which must agree on how to share.
    hub.add_adapter().await;
    let another = hub.start_python(&prepared).await;
    within("they share the partitions", || async { hub.partitions_of(0).len() == 2 }).await;
    assert_eq!(another.end().await, Some(0));
    within("the one that stays has them all", || async { hub.partitions_of(0).len() == 4 }).await;
    hub.echo(EchoRequest::default()).await.expect("served by the one in Rust");
}
