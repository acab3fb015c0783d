//! What comes back when all is well, and when the service itself fails.

use bytes::Bytes;
use lgsp_bus::{ReplyPart, ServeOptions, topics};
use lgsp_core::Reason;
use lgsp_proto::ledger::v1::Exchange;
use prost::Message;

use crate::hub::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unary_call_crosses_kafka_and_comes_back() {
    let bus = bus();
    let (provider, _serving) = provider(&bus, "unary").await;
    let caller = caller(&bus, "unary").await;

    let mut reply = caller.call(head("unary", LIST), list("hello")).await.unwrap();
    let said = answer(&mut reply).await.unwrap();

    assert_eq!(said.next_page_token, "hello");
    assert_eq!(provider.calls(), 1);
    let trace = reply.trace();
    assert!(
        trace.sent_us > 0 && trace.sent_us <= trace.taken_up_us && trace.taken_up_us <= trace.answered_us
    );
    assert!(trace.adapter.starts_with("unary-"), "{trace:?}");
    assert_eq!(trace.reply_position.unwrap().topic, topics::REPLY);
    until("the acknowledgement of the request", || reply.trace().request_position.is_some()).await;
    drop(reply);
    assert_eq!(caller.in_flight(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_told_who_calls_what_for_and_until_when() {
    let bus = bus();
    let (_provider, _serving) = provider(&bus, "metadata").await;
    let caller = caller(&bus, "metadata").await;
    let said = call(&caller, "metadata", "who").await.unwrap().next_page_token;
    assert_eq!(said, "tthc prefill Nguyễn H13.01-260601-0001 [\"name\", \"born.*\"] true");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_stream_arrives_in_order() {
    let bus = bus();
    let (_provider, _serving) = provider(&bus, "stream").await;
    let caller = caller(&bus, "stream").await;
    let mut reply = caller.call(head("stream", FOLLOW), follow(500)).await.unwrap();
    for number in 0..500 {
        let ReplyPart::Message(message) = within("a message", reply.next()).await else {
            panic!("no message {number}")
        };
        assert_eq!(Exchange::decode(message).unwrap().application, number.to_string());
    }
    assert!(matches!(within("the end", reply.next()).await, ReplyPart::End));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_a_stream_does_not_wait_for_the_next_one() {
    let bus = bus();
    let (provider, _serving) = provider(&bus, "follow").await;
    let caller = caller(&bus, "follow").await;
    let mut reply = caller.call(head("follow", FOLLOW), follow(1)).await.unwrap();
    assert!(matches!(within("the first message", reply.next()).await, ReplyPart::Message(_)));
    provider.go.notify_one();
    assert!(matches!(within("the end", reply.next()).await, ReplyPart::End));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_split_over_records_is_whole_again() {
    let bus = bus();
    let (_provider, _serving) = provider(&bus, "split").await;
    let caller = caller(&bus, "split").await;
    for bytes in [512 * 1024 - 5, 512 * 1024, 1_000_000] {
        let said = call(&caller, "split", &format!("size {bytes}")).await.unwrap();
        assert_eq!(said.next_page_token.len(), bytes);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_large_fails_at_once_in_both_directions() {
    let bus = bus();
    let (provider, _serving) = provider(&bus, "large").await;
    let caller = caller(&bus, "large").await;

    let refused = caller.call(head("large", LIST), Bytes::from(vec![0; 900 * 1024 + 1])).await;
    assert_eq!(refused.unwrap_err().reason(), Reason::RequestTooLarge);
    assert_eq!(provider.calls(), 0);

    let largest = list(&"x".repeat(900 * 1024 - 16));
    let mut reply = caller.call(head("large", LIST), largest).await.unwrap();
    assert!(answer(&mut reply).await.is_ok(), "the largest request is carried");

    let failed = call(&caller, "large", "size 4200000").await;
    assert_eq!(failed.unwrap_err().reason(), Reason::AnswerTooLarge);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_providers_status_keeps_its_reason_and_loses_its_text() {
    let bus = bus();
    let (_provider, _serving) = provider(&bus, "errors").await;
    let caller = caller(&bus, "errors").await;
    let fault = call(&caller, "errors", "missing").await.unwrap_err();
    assert_eq!(fault.reason(), Reason::NotFound);
    assert!(!fault.message().contains("0920"));

    let mut reply = caller.call(head("errors", "/no.such.Service/Method"), list("")).await.unwrap();
    assert_eq!(answer(&mut reply).await.unwrap_err().reason(), Reason::MethodUnknown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_work_than_allowed_is_refused_as_overload() {
    let bus = bus();
    let provider = Provider::default();
    let options = ServeOptions {
        max_in_flight: 1,
        pause: std::time::Duration::from_millis(20),
        ..ServeOptions::default()
    };
    let (serving, _shutdown) = serving(&bus, "overload", provider.clone(), options).await;
    within("partitions", serving.until_ready()).await;
    let caller = caller(&bus, "overload").await;

    let mut held = caller.call(head("overload", LIST), list("wait")).await.unwrap();
    until("the work to begin", || provider.calls() == 1).await;
    let refused = call(&caller, "overload", "more").await.unwrap_err();
    assert_eq!(refused.reason(), Reason::AdapterOverloaded);
    provider.go.notify_one();
    assert!(answer(&mut held).await.is_ok());
    assert!(call(&caller, "overload", "again").await.is_ok());
}
