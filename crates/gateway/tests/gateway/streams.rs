//! Streamed answers, in parts.

use std::time::Duration;

use lgsp_proto::ledger::v1::{Outcome, Phase};
use prost::Message;
use tonic::Code;

use crate::attackers::{connect, framed, post, request};
use crate::hub::{Hub, exchange_of, reason, residents_request, within};
use crate::provider::KNOWN;

const LIST_RESIDENTS: &str = "/lgsp.population.v1.PopulationService/ListResidents";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_released_in_parts_each_after_its_entry() {
    let mut hub = Hub::start().await;
    let answer = within("a stream", hub.client().await.list_residents(residents_request(250))).await.unwrap();
    let exchange = exchange_of(answer.metadata());
    let mut residents = answer.into_inner();
    let mut count = 0;
    while let Some(resident) = within("a resident", residents.message()).await.unwrap() {
        assert_eq!(resident.resident.unwrap().personal_number, format!("092085{count:06}"));
        count += 1;
    }
    assert_eq!(count, 250);

    let (last, _) = hub.final_entry(&exchange).await;
    assert_eq!((last.outcome(), last.record_count), (Outcome::Served, 250));
    let mut entries = hub.seen(&last.exchange_id);
    entries.sort_by_key(|sealed| sealed.sequence);
    assert_eq!(entries.first().map(|sealed| sealed.phase()), Some(Phase::Opening));
    let parts: Vec<_> = entries.iter().filter(|sealed| sealed.phase() == Phase::Part).collect();
    assert!(parts.iter().all(|part| part.record_count <= 100));
    assert!(parts.iter().map(|part| part.part).eq(1..=parts.len() as u32));
    assert_eq!(parts.iter().map(|part| part.record_count).sum::<u32>(), 250);
    assert_eq!(parts.iter().map(|part| part.answer_bytes).sum::<u64>(), last.answer_bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_fails_says_so_after_what_it_has_released() {
    let mut hub = Hub::start().await;
    let answer = within("a stream", hub.client().await.list_residents(residents_request(8))).await.unwrap();
    let exchange = exchange_of(answer.metadata());
    let mut residents = answer.into_inner();
    let mut count = 0;
    let failed = loop {
        match within("a resident", residents.message()).await {
            Ok(Some(_)) => count += 1,
            Ok(None) => panic!("the stream ended well"),
            Err(failed) => break failed,
        }
    };
    assert_eq!(
        (count, failed.code(), reason(&failed).as_str()),
        (8, Code::Unavailable, "SOURCE_UNAVAILABLE")
    );
    let (sealed, _) = hub.final_entry(&exchange).await;
    assert_eq!((sealed.outcome(), sealed.record_count), (Outcome::Failed, 8));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_without_an_end_is_ended_by_its_deadline() {
    let mut hub = Hub::start().await;
    let mut request = residents_request(7);
    request.set_timeout(Duration::from_millis(600));
    let answer = within("a stream", hub.client().await.list_residents(request)).await.unwrap();
    let exchange = exchange_of(answer.metadata());
    let mut residents = answer.into_inner();
    for _ in 0..7 {
        assert!(within("a resident", residents.message()).await.unwrap().is_some());
    }
    let ended = within("the end", residents.message()).await.unwrap_err();
    assert_eq!(ended.code(), Code::DeadlineExceeded);
    let (sealed, _) = hub.final_entry(&exchange).await;
    assert_eq!((sealed.outcome(), sealed.record_count), (Outcome::TimedOut, 7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_ends_its_stream_and_its_entry_says_so() {
    let mut hub = Hub::start().await;
    let answer = within("a stream", hub.client().await.list_residents(residents_request(7))).await.unwrap();
    let exchange = exchange_of(answer.metadata());
    let mut residents = answer.into_inner();
    for _ in 0..7 {
        within("a resident", residents.message()).await.unwrap();
    }
    drop(residents);
    let (sealed, _) = hub.final_entry(&exchange).await;
    assert_eq!((sealed.outcome(), sealed.record_count), (Outcome::Cancelled, 7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_counts_as_in_flight_until_its_last_part_was_read() {
    let mut hub = Hub::with(|_| {}, |snapshot| snapshot.applications[0].max_in_flight = 1).await;
    let unread = connect(hub.gateway.address, 0).await;
    let head = request("POST", "application/grpc", LIST_RESIDENTS);
    let message = residents_request(5).into_inner().encode_to_vec();
    let response = post(&unread, head, framed(0, &message)).await;
    let exchange = response.headers()["lgsp-exchange-id"].to_str().unwrap().to_owned();
    let (sealed, _) = hub.final_entry(&exchange).await;
    assert_eq!(sealed.outcome(), Outcome::Served);

    let refused = hub.citizen(KNOWN).await.unwrap_err();
    assert_eq!(reason(&refused), "TOO_MANY_IN_FLIGHT", "what it released was not read");
    drop(response);
    within("room for another call", async {
        while hub.citizen(KNOWN).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
