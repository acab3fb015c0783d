//! Bulk has a part of the room: whatever it asks for, somebody who waits is answered.

use std::time::Duration;

use futures::future::join_all;
use lgsp_bus::ServeOptions;
use lgsp_core::Reason;
use lgsp_proto::registry::v1::{Priority, Purpose, Snapshot};
use lgsp_tests::echo::v1::{Behaviour, EchoRequest};
use tokio::task::JoinSet;

use crate::caller::refused;
use crate::fixture::{EchoHub, Load};

/// What the provider works on at once; bulk has a quarter of it.
const CAPACITY: u32 = 8;
const BULK: usize = 2;
/// Ten times what the provider works on.
const OVERLOAD: usize = 80;

/// The same application calls for another purpose, under an agreement of that priority.
fn overload(priority: Priority) -> impl FnOnce(&mut Snapshot) {
    move |snapshot| {
        snapshot.purposes.push(Purpose { code: "statistics".to_owned(), ..Default::default() });
        let mut agreement = snapshot.agreements[0].clone();
        agreement.id = "tt-statistics".to_owned();
        agreement.purposes = vec!["statistics".to_owned()];
        agreement.priority = priority.into();
        snapshot.agreements.push(agreement);
    }
}

/// Calls that hold their places until their deadline, if they get one.
fn hold(load: &Load) -> JoinSet<Result<(), tonic::Status>> {
    let request = EchoRequest { behaviour: Behaviour::Hang.into(), ..Default::default() };
    let calls = (0..OVERLOAD).map(|_| (load.clone(), request.clone()));
    calls.map(|(load, request)| async move { load.echo(request).await.map(drop) }).collect()
}

async fn small_hub() -> EchoHub {
    let hub = EchoHub::start_without_adapter().await;
    hub.add_adapter_with(ServeOptions { max_in_flight: CAPACITY as usize, ..Default::default() }).await;
    hub.until_capacity(CAPACITY).await;
    hub
}

#[tokio::test]
async fn interactive_calls_are_answered_under_ten_times_the_bulk_that_could_be_done() {
    let hub = small_hub().await;
    hub.publish_changed(overload(Priority::Bulk)).await;
    let bulk = hub.load_of(hub.app().purpose("statistics"));
    let mut held = hold(&bulk);
    for _ in 0..OVERLOAD - BULK {
        let refusal =
            refused(held.join_next().await.expect("another").expect("it ends"), Reason::BulkLimited);
        assert_eq!(refusal.code, tonic::Code::ResourceExhausted);
        assert_eq!(refusal.retry, Some(Duration::from_secs(1)));
    }
    assert_eq!(hub.in_flight(), BULK, "the rest was refused at once");
    for _ in 0..10 {
        let answers = (0..CAPACITY as usize - BULK).map(|_| hub.echo(EchoRequest::default()));
        for answer in join_all(answers).await {
            answer.expect("somebody waits for it");
        }
    }
    held.abort_all();
}

#[tokio::test]
async fn without_a_priority_the_same_calls_would_starve_the_others() {
    let hub = small_hub().await;
    hub.publish_changed(overload(Priority::Unspecified)).await;
    let mut held = hold(&hub.load_of(hub.app().purpose("statistics")));
    for _ in 0..OVERLOAD - CAPACITY as usize {
        refused(held.join_next().await.expect("another").expect("it ends"), Reason::AdapterOverloaded);
    }
    refused(hub.echo(EchoRequest::default()).await, Reason::AdapterOverloaded);
    held.abort_all();
}

#[tokio::test]
async fn a_stream_of_bulk_is_released_whole() {
    let hub = small_hub().await;
    hub.publish_changed(overload(Priority::Bulk)).await;
    let app = hub.app().purpose("statistics");
    let request = EchoRequest { messages: 350, payload_bytes: 1_000, ..Default::default() };
    let mut stream = hub.client().repeat(app.request(request)).await.expect("within the part").into_inner();
    let mut messages = 0;
    while stream.message().await.expect("it goes on").is_some() {
        messages += 1;
    }
    assert_eq!(messages, 350);
}
