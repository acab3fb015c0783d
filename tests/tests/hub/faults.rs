//! Bad days behind the gateway: each has its coded error before its deadline, and its entry.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use lgsp_core::time::unix_micros;
use lgsp_core::{ExchangeId, Outcome, Reason};
use lgsp_proto::ledger::v1::{Hop, Phase};
use lgsp_tests::echo::v1::{Behaviour, EchoRequest};
use lgsp_tests::echo::{COMPANION, SECRET};

use crate::caller::{exchange_of, refused};
use crate::fixture::{EchoHub, Load, PERSON, ended, within};
use own_kafka::OwnKafka;

#[path = "../../../crates/bus/tests/bus/own_kafka.rs"]
mod own_kafka;

/// The hub serves again so soon after its broker answers again.
const RECOVERY: Duration = Duration::from_secs(2);
/// The same after a loss that outlasts the session of a provider, which is 6 s: it joins its group as a new member, and the
/// broker waits a session for the old one first.
const LATE_RECOVERY: Duration = Duration::from_secs(6 + 2);
/// An exchange ends no later than so long after its deadline.
const BEYOND: Duration = Duration::from_millis(250);

fn told(behaviour: Behaviour) -> EchoRequest {
    EchoRequest { behaviour: behaviour.into(), text: "hello".to_owned(), ..Default::default() }
}

#[tokio::test]
async fn an_exchange_is_entered_before_its_answer_and_nothing_beside_the_agreement_leaves() {
    let hub = EchoHub::shared().await;
    let request = EchoRequest { subject: PERSON.to_owned(), ..told(Behaviour::Answer) };
    let answer = hub.echo(request).await.expect("served");
    let id = exchange_of(answer.metadata());
    let answer = answer.into_inner();
    assert_eq!((answer.text.as_str(), answer.secret.as_str()), ("hello", ""));
    assert_eq!(answer.persons.len(), 2);
    assert!(answer.persons.iter().all(|person| person.secret.is_empty()));

    let exchange = hub.final_entry(id).await;
    let sealed = exchange.sealed.clone().expect("shown");
    assert_eq!(exchange.outcome(), Outcome::Served);
    assert!(
        sealed.admitted_us > 0 && sealed.admitted_us <= sealed.sent_us && sealed.sent_us <= sealed.entered_us
    );
    assert_eq!(sealed.fields_released, ["text", "payload", "persons.personal_number", "number"]);
    let digests = sealed.erasable_digests.expect("digests of what can be erased");
    assert_eq!(digests.subjects.len(), 2, "the one asked about and the companion {COMPANION}");
}

#[tokio::test]
async fn nothing_is_left_of_a_hub_that_is_killed() {
    let hub = EchoHub::start().await;
    let broker = hub.broker();
    drop(hub);
    ended(broker).await;
}

#[tokio::test]
async fn an_adapter_that_never_answers_times_out_in_time() {
    let hub = EchoHub::shared().await;
    let began = Instant::now();
    let deadline = Duration::from_millis(600);
    let refusal = refused(hub.echo_within(told(Behaviour::Hang), deadline).await, Reason::DeadlineExceeded);
    assert!(began.elapsed() < deadline + BEYOND);
    let exchange = hub.final_entry(refusal.exchange).await;
    assert_eq!((exchange.outcome(), exchange.failed_hop()), (Outcome::TimedOut, Hop::Adapter));
}

#[tokio::test]
async fn an_adapter_that_panics_fails_only_its_exchange() {
    let hub = EchoHub::shared().await;
    let refusal = refused(hub.echo(told(Behaviour::Panic)).await, Reason::AdapterFailed);
    assert_eq!(refusal.hop, "adapter");
    assert_eq!(hub.final_entry(refusal.exchange).await.outcome(), Outcome::Failed);
    hub.echo(told(Behaviour::Answer)).await.expect("the adapter serves on");
}

#[tokio::test]
async fn a_source_that_is_down_is_named_as_the_hop() {
    let hub = EchoHub::shared().await;
    let refusal = refused(hub.echo(told(Behaviour::SourceDown)).await, Reason::SourceUnavailable);
    assert_eq!(refusal.hop, "source");
    assert_eq!(hub.final_entry(refusal.exchange).await.failed_hop(), Hop::Source);
}

#[tokio::test]
async fn a_providers_text_details_and_metadata_never_pass() {
    let hub = EchoHub::shared().await;
    let request = EchoRequest { subject: PERSON.to_owned(), ..told(Behaviour::Leak) };
    let status = hub.echo(request).await.expect_err("it fails");
    let all = format!("{status:?} {}", String::from_utf8_lossy(status.details()));
    assert!(!all.contains(SECRET) && !all.contains(PERSON), "{all}");
    refused::<()>(Err(status), Reason::AdapterFailed);
}

#[tokio::test]
async fn an_answer_too_large_is_refused() {
    let hub = EchoHub::shared().await;
    let request = EchoRequest { payload_bytes: 5 << 20, ..told(Behaviour::Answer) };
    refused(hub.echo(request).await, Reason::AnswerTooLarge);
}

#[tokio::test]
async fn an_answer_over_one_record_arrives_whole() {
    let hub = EchoHub::shared().await;
    let request = EchoRequest { payload_bytes: 900 << 10, ..told(Behaviour::Answer) };
    let answer = hub.echo(request).await.expect("served").into_inner();
    assert_eq!(answer.payload.len(), 900 << 10);
}

#[tokio::test]
async fn a_client_stream_is_refused() {
    let hub = EchoHub::shared().await;
    let app = hub.app();
    let requests = tokio_stream::iter([told(Behaviour::Answer)]);
    refused(hub.client().collect(app.request(requests)).await, Reason::ClientStream);
}

#[tokio::test]
async fn a_stream_is_released_in_parts_each_after_its_entry() {
    let hub = EchoHub::shared().await;
    let request = EchoRequest { messages: 250, ..told(Behaviour::Answer) };
    let mut stream = hub.repeat(request).await.expect("accepted");
    let id = exchange_of(stream.metadata());
    let mut numbers = Vec::new();
    while let Some(message) = stream.get_mut().message().await.expect("served") {
        assert_eq!(message.secret, "");
        numbers.push(message.number);
    }
    assert_eq!(numbers, (0..250).collect::<Vec<_>>(), "in order, none missing");
    let exchange = hub.final_entry(id).await;
    assert_eq!((exchange.outcome(), exchange.record_count), (Outcome::Served, 250));
    let phases = hub.phases_of(id).await;
    assert_eq!(phases.first(), Some(&Phase::Opening));
    assert_eq!(phases.last(), Some(&Phase::Final));
    assert!(phases.iter().filter(|phase| **phase == Phase::Part).count() >= 3, "{phases:?}");
}

#[tokio::test]
async fn a_stream_longer_than_its_method_allows_ends_with_an_error() {
    let hub = EchoHub::shared().await;
    let mut stream =
        hub.repeat(EchoRequest { messages: 2_000, ..told(Behaviour::Answer) }).await.expect("accepted");
    let mut received = 0;
    let end = loop {
        match stream.get_mut().message().await {
            Ok(Some(_)) => received += 1,
            Ok(None) => panic!("a stream cut short must not look whole"),
            Err(status) => break status,
        }
    };
    assert!((1..=1_000).contains(&received), "{received} messages came before the end");
    assert_eq!(crate::caller::refusal(&end).reason, Some(Reason::StreamTooLong));
}

#[tokio::test]
async fn a_late_error_of_a_stream_is_an_error() {
    let hub = EchoHub::shared().await;
    let request = EchoRequest { messages: 3, ..told(Behaviour::LateError) };
    let mut stream = hub.repeat(request).await.expect("accepted").into_inner();
    let end = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the failure is lost"),
            Err(status) => break status,
        }
    };
    assert_eq!(crate::caller::refusal(&end).reason, Some(Reason::AdapterFailed));
}

#[tokio::test]
async fn a_stream_that_never_goes_on_is_ended_in_time() {
    let hub = EchoHub::shared().await;
    let deadline = Duration::from_millis(600);
    let request = EchoRequest { messages: 2, delay_ms: 400, ..told(Behaviour::Answer) };
    let app = hub.app().timeout(deadline);
    let began = Instant::now();
    let mut stream = hub.client().repeat(app.request(request)).await.expect("accepted").into_inner();
    let end = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a stream cut short must not look whole"),
            Err(status) => break status,
        }
    };
    assert!(began.elapsed() < deadline + BEYOND, "{:?}", began.elapsed());
    assert_eq!(end.code(), tonic::Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_stream_is_cut_when_its_agreement_is_revoked() {
    let hub = EchoHub::start().await;
    // Messages that come one by one, and one that does not come for long.
    for delay_ms in [50, 5_000] {
        hub.publish_again().await;
        let request = EchoRequest { messages: 1_000, delay_ms, ..told(Behaviour::Answer) };
        let app = hub.app().timeout(Duration::from_secs(20));
        let mut stream = hub.client().repeat(app.request(request)).await.expect("accepted").into_inner();
        if delay_ms == 50 {
            stream.message().await.expect("permitted").expect("a message");
        }
        hub.publish_revoked().await;
        let revoked = Instant::now();
        let end = loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("a stream cut short must not look whole"),
                Err(status) => break status,
            }
        };
        assert_eq!(crate::caller::refusal(&end).reason, Some(Reason::AgreementSuspended));
        assert!(revoked.elapsed() < Duration::from_secs(2), "{:?}", revoked.elapsed());
    }
}

#[tokio::test]
async fn nobody_serves_the_domain_and_the_call_is_refused_at_once() {
    let hub = EchoHub::start_without_adapter().await;
    hub.until_listened_for_providers().await;
    let began = Instant::now();
    refused(hub.echo(told(Behaviour::Answer)).await, Reason::NoProvider);
    assert!(began.elapsed() < Duration::from_secs(2), "refused at once, long before the deadline");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_adapter_killed_under_load_is_routed_around() {
    let hub = EchoHub::start().await;
    hub.add_adapter().await;
    let killed: Arc<OnceLock<Instant>> = Arc::default();
    let callers: Vec<_> =
        (0..16).map(|_| tokio::spawn(call_until_long_after(killed.clone(), hub.load()))).collect();
    hub.until_served(200).await;
    let mut live = hub.partitions_of(1);
    hub.kill_adapter(0);
    let killed_us = unix_micros(SystemTime::now());
    let killed = *killed.get_or_init(Instant::now);
    within("its silence to be noticed by now", || async { killed.elapsed() >= NOTICED }).await;
    assert_eq!(hub.partitions_of(1), live, "and nothing else told of it: it is a member of its group still");

    let calls: Vec<Call> = futures::future::join_all(callers)
        .await
        .into_iter()
        .flat_map(|calls| calls.expect("it ran"))
        .collect();
    // What the dead adapter had taken up, and what goes to it until its silence is noticed, times out. Then nothing goes to
    // it any more. By the end, the other one may have taken its partitions over.
    live.extend(hub.partitions_of(1));
    let asked = hub.partitions_asked_until_after(killed_us + (NOTICED + SHORT).as_micros() as i64).await;
    assert!(!asked.is_empty() && asked.is_subset(&live), "{asked:?} were asked, {live:?} are live");

    // On a machine that is too busy, some calls run out of time wherever they go.
    let noticed = || calls.iter().filter(|call| call.began >= killed + NOTICED);
    few(noticed().filter(|call| call.failed.is_some()), noticed().count());
    few(calls.iter().filter(|call| call.took >= SHORT + BEYOND), calls.len());
}

fn few<'a>(calls: impl Iterator<Item = &'a Call>, of: usize) {
    let calls: Vec<&Call> = calls.collect();
    assert!(calls.len() * 2 < of, "{} of {of}: {calls:?}", calls.len());
}

/// The deadline of a call under load.
const SHORT: Duration = Duration::from_millis(500);
/// How long after the kill of an adapter its silence is noticed at the latest.
const NOTICED: Duration = Duration::from_secs(3);

#[derive(Debug)]
struct Call {
    began: Instant,
    took: Duration,
    failed: Option<tonic::Code>,
}

async fn call_until_long_after(killed: Arc<OnceLock<Instant>>, load: Load) -> Vec<Call> {
    let mut calls = Vec::new();
    while killed.get().is_none_or(|killed| killed.elapsed() < NOTICED + Duration::from_secs(2)) {
        let request = EchoRequest { delay_ms: 100, ..told(Behaviour::Answer) };
        let began = Instant::now();
        let failed = load.echo_within(request, SHORT).await.err().map(|status| status.code());
        calls.push(Call { began, took: began.elapsed(), failed });
    }
    calls
}

#[tokio::test]
async fn the_broker_lost_midway_fails_closed_and_recovers() {
    let hub = EchoHub::start_with(|config| config.kafka.brokers = None).await;
    hub.echo(told(Behaviour::Answer)).await.expect("served before");
    hub.bus().lose_broker().expect("embedded");
    let refused = fails_closed(&hub).await;
    hub.bus().restore_broker().expect("embedded");
    recovers(&hub, refused, RECOVERY).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_lost_midway_fails_closed_and_recovers() {
    let Some(kafka) = OwnKafka::start() else {
        eprintln!("skipped: Kafka lost midway: needs LGSP_TEST_KAFKA");
        return;
    };
    let hub = EchoHub::start_with(|config| config.kafka.brokers = Some(kafka.brokers())).await;
    hub.echo(told(Behaviour::Answer)).await.expect("served before");

    kafka.halt();
    let refused = fails_closed(&hub).await;
    kafka.go_on();
    recovers(&hub, refused, RECOVERY).await;

    kafka.end();
    let refused = fails_closed(&hub).await;
    kafka.begin_again();
    recovers(&hub, refused, LATE_RECOVERY).await;
}

/// With the broker lost: no data in time, and refusals at once. Returns the refused exchanges.
async fn fails_closed(hub: &EchoHub) -> Vec<Option<ExchangeId>> {
    let began = Instant::now();
    let deadline = Duration::from_secs(2);
    let status = hub.echo_within(told(Behaviour::Answer), deadline).await.expect_err("no broker, no data");
    assert!(began.elapsed() < deadline + BEYOND);
    let reason = crate::caller::refusal(&status).reason;
    let closed =
        [Reason::BrokerUnavailable, Reason::EntryNotDurable, Reason::DeadlineExceeded, Reason::NoProvider];
    assert!(reason.is_some_and(|reason| closed.contains(&reason)), "{status:?}");
    let mut refusals = Vec::new();
    for _ in 0..20 {
        refusals.push(refused(hub.echo_without_purpose().await, Reason::PurposeMissing).exchange);
    }
    refusals
}

/// The broker answers again as of now.
async fn recovers(hub: &EchoHub, refusals: Vec<Option<ExchangeId>>, patience: Duration) {
    let restored = Instant::now();
    // So short that a call which was too early does not hide when the next one would have been served.
    let short = Duration::from_millis(250);
    within("the hub serves again", || async {
        hub.echo_within(told(Behaviour::Answer), short).await.is_ok()
    })
    .await;
    let recovered = restored.elapsed();
    assert!(recovered < patience, "recovered after {recovered:?}");
    for refusal in refusals {
        let spooled = hub.final_entry(refusal).await;
        assert_eq!(spooled.reason, "PURPOSE_MISSING", "a refusal of the bad minutes is entered after them");
    }
}

#[tokio::test]
async fn a_snapshot_with_a_bad_signature_is_kept_out() {
    let hub = EchoHub::start().await;
    let revision = hub.revision();
    hub.publish_forged_snapshot(revision + 1).await;
    within("the alarm is told", || async { hub.rules_alarm() }).await;
    assert_eq!(hub.revision(), revision);
    hub.echo(told(Behaviour::Answer)).await.expect("the old rules hold");
}

#[tokio::test]
async fn a_revoked_key_stops_within_moments_and_its_cached_tokens_too() {
    let hub = EchoHub::start().await;
    let app = hub.app();
    let token = app.token();
    hub.echo_with_token(&token).await.expect("served while the key is in the rules");
    hub.publish_without_credentials().await;
    within("the key is refused", || async { hub.echo_with_token(&token).await.is_err() }).await;
    refused(hub.echo_with_token(&token).await, Reason::TokenInvalid);
}

#[tokio::test]
async fn a_client_that_leaves_changes_nothing_about_its_entry() {
    let hub = EchoHub::start().await;
    let procedure = "1.004227";
    assert!(hub.exchanges_of_procedure(procedure).await.is_empty());
    let request = EchoRequest { delay_ms: 300, ..told(Behaviour::Answer) };
    let call = hub.load_of(hub.app().with("lgsp-procedure", procedure));
    let calling = tokio::spawn(async move { call.echo(request).await });
    hub.until_taken_up().await;
    calling.abort();
    assert!(calling.await.is_err_and(|left| left.is_cancelled()), "it left before its answer came");
    within("its entry is in the ledger", || async {
        !hub.exchanges_of_procedure(procedure).await.is_empty()
    })
    .await;
    let entries = hub.exchanges_of_procedure(procedure).await;
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].method.as_str(), entries[0].outcome()), ("Echo", Outcome::Served));
}

#[tokio::test]
async fn a_gateway_started_while_the_registry_is_down_finds_its_rules_on_kafka() {
    // No registry runs in an echo hub: the rules stand on the topic alone.
    let hub = EchoHub::start().await;
    let second = hub.start_another_gateway().await;
    second.echo(told(Behaviour::Answer)).await.expect("served by the second gateway");
    hub.echo(told(Behaviour::Answer)).await.expect("and by the first");
}

#[tokio::test]
async fn the_broker_down_at_start_is_told_and_nothing_is_served() {
    // Nobody listens on port 1.
    let nowhere = |config: &mut lgsp::config::Config| config.kafka.brokers = Some("127.0.0.1:1".to_owned());
    let hub = EchoHub::start_without_broker(nowhere).await;
    assert!(!hub.is_ready(), "not ready without a broker");
    let began = Instant::now();
    let status = hub
        .echo_within(told(Behaviour::Answer), Duration::from_secs(2))
        .await
        .expect_err("nothing is served");
    assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
    assert!(began.elapsed() < Duration::from_secs(2) + BEYOND);
}

#[tokio::test]
async fn a_hub_that_was_started_before_its_broker_serves_once_it_is_there() {
    let hub = EchoHub::start_before_its_broker().await;
    assert!(!hub.is_ready(), "not ready without a broker");
    hub.echo(told(Behaviour::Answer)).await.expect_err("nothing is served");
    hub.find_broker().await;
    within("the hub serves", || async { hub.echo(told(Behaviour::Answer)).await.is_ok() }).await;
}

#[tokio::test]
async fn without_the_ledger_the_embedded_hub_fails_closed_and_kafka_serves_on() {
    let hub = EchoHub::start().await;
    hub.stop_ledger().await;
    let deadline = Duration::from_secs(4);
    let began = Instant::now();
    let answer = hub.echo_within(told(Behaviour::Answer), deadline).await;
    let stream = hub.repeat(EchoRequest { messages: 3, ..told(Behaviour::Answer) });
    if !hub.bus().is_embedded() {
        answer.expect("Kafka has the entry: the data plane outlives the ledger");
        let mut stream = stream.await.expect("served").into_inner();
        assert!(stream.message().await.expect("served").is_some());
        return;
    }
    // The broker has the entry in memory, and that is not durable.
    refused(answer, Reason::EntryNotDurable);
    assert!(began.elapsed() < deadline + BEYOND);
    let first = match stream.await {
        Ok(stream) => stream.into_inner().message().await,
        Err(refused) => Err(refused),
    };
    refused(first, Reason::EntryNotDurable);
}
