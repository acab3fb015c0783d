//! Bad days of the broker, and the gateway's own end.

use std::sync::atomic::Ordering;
use std::time::Instant;

use lgsp_proto::ledger::v1::{Outcome, Sealed};
use lgsp_runtime::state::Condition;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::attackers::{connect, framed, post, request};
use crate::hub::{Hub, citizen_request, exchange_of, provide_under, reason, until, within};
use crate::provider::{KNOWN, SILENT};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_broker_is_away_data_fails_closed_and_refusals_are_spooled_until_it_is_back() {
    let mut hub =
        Hub::with(|options| options.entries.patience = std::time::Duration::from_millis(500), |_| {}).await;
    hub.bus.lose_broker().unwrap();
    let failed = hub.citizen(KNOWN).await.unwrap_err();
    assert!(matches!(failed.code(), Code::Unavailable | Code::DeadlineExceeded), "{failed:?}");

    let mut no_purpose = citizen_request(KNOWN);
    no_purpose.metadata_mut().remove("lgsp-purpose");
    let begun = Instant::now();
    let refused = hub.citizen_by(no_purpose).await.unwrap_err();
    assert!(begun.elapsed().as_millis() < 500, "refusals don't wait");
    assert_eq!(reason(&refused), "PURPOSE_MISSING");
    until("the spool", || hub.gateway.stats.entries_spooled.load(Ordering::Relaxed) > 0).await;

    hub.bus.restore_broker().unwrap();
    let back = Instant::now();
    within("recovery", async {
        while hub.citizen(KNOWN).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(back.elapsed().as_secs() < 5, "{:?}", back.elapsed());
    for status in [failed, refused] {
        let (sealed, _) = hub.final_entry(&exchange_of(status.metadata())).await;
        assert_ne!(sealed.outcome(), Outcome::Served);
    }
    assert_eq!(hub.gateway.stats.entries_lost.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_without_its_broker_says_that_it_does_not_serve_until_it_is_back() {
    let hub = Hub::start().await;
    let mut told = watch(&hub).await;
    let mut until_told = async |status: ServingStatus| {
        while within("what is told", told.message()).await.unwrap().unwrap().status() != status {}
    };
    until_told(ServingStatus::Serving).await;
    assert_eq!(hub.state.condition("broker"), Some(Condition::Ready));

    hub.bus.lose_broker().unwrap();
    until_told(ServingStatus::NotServing).await;
    assert_eq!(hub.state.condition("broker"), Some(Condition::Failed));
    assert!(!hub.state.is_ready());

    hub.bus.restore_broker().unwrap();
    until_told(ServingStatus::Serving).await;
    within("a gateway that is ready again", hub.state.until_ready()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sequence_of_a_gateway_has_no_gap() {
    let mut hub = Hub::start().await;
    for _ in 0..5 {
        hub.citizen(KNOWN).await.unwrap();
        hub.citizen("12").await.unwrap_err();
    }
    let last = hub.citizen("12").await.unwrap_err();
    let (last, _) = hub.final_entry(&exchange_of(last.metadata())).await;
    for sequence in 1..=last.sequence {
        hub.entry("every number", |sealed: &Sealed| sealed.sequence == sequence).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_stops_lets_its_exchanges_end_and_flushes_their_entries() {
    let mut hub = Hub::start().await;
    let mut client = hub.client().await;
    let mut request = citizen_request(SILENT);
    request.metadata_mut().insert("grpc-timeout", "1S".parse().unwrap());
    let silent = tokio::spawn(async move { client.get_citizen(request).await });
    until("the silent call", || hub.provider.0.load(Ordering::Relaxed) == 1).await;
    let late = hub.shutdown.run().await;
    assert_eq!(late, []);
    let ended = silent.await.unwrap().unwrap_err();
    assert_eq!(reason(&ended), "DEADLINE_EXCEEDED");
    hub.final_entry(&exchange_of(ended.metadata())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watched_health_says_that_the_gateway_leaves_and_does_not_hold_its_end() {
    let hub = Hub::start().await;
    let mut told = watch(&hub).await;
    let mut last = None;
    let watched = tokio::spawn(async move {
        loop {
            match within("what is told", told.message()).await {
                Ok(status) => last = status.map(|status| status.status()),
                Err(ended) => return (last, ended),
            }
        }
    });
    let unread = connect(hub.gateway.address, 0).await;
    let head = request("POST", "application/grpc", "/grpc.health.v1.Health/Watch");
    let _unread = post(&unread, head, framed(0, &[])).await;

    let begun = Instant::now();
    assert_eq!(hub.shutdown.run().await, []);
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    let (last, ended) = watched.await.unwrap();
    assert_eq!((last, ended.code()), (Some(ServingStatus::NotServing), Code::Unavailable));
    assert_eq!(reason(&ended), "LEAVING");
}

/// A provider with another key than the gateway's looks like one that is not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_under_another_key_are_counted_in_the_status() {
    let hub = Hub::start().await;
    assert_eq!(hub.state.fact("heartbeats-refused").get(), 0);
    let _stranger = provide_under(&hub.bus, "population-2", lgsp_bus::MacKey::new([43; 32])).await;
    until("the count", || hub.state.fact("heartbeats-refused").get() > 0).await;
}

async fn watch(hub: &Hub) -> tonic::Streaming<HealthCheckResponse> {
    let channel = tonic::transport::Channel::from_shared(format!("http://{}", hub.gateway.address)).unwrap();
    let mut health = HealthClient::new(channel.connect().await.unwrap());
    health.watch(HealthCheckRequest::default()).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_reflection_answer_without_a_credential() {
    let hub = Hub::start().await;
    let channel = tonic::transport::Channel::from_shared(format!("http://{}", hub.gateway.address)).unwrap();
    let channel = channel.connect().await.unwrap();
    let mut health = HealthClient::new(channel.clone());
    for service in ["", crate::fixture::POPULATION] {
        let request = HealthCheckRequest { service: service.to_owned() };
        // It follows the rules, which came a moment ago.
        let serving = async {
            let serving = tonic_health::pb::health_check_response::ServingStatus::Serving;
            while health.check(request.clone()).await.unwrap().into_inner().status() != serving {
                tokio::task::yield_now().await;
            }
        };
        within("health", serving).await;
    }
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    let mut reflection = ServerReflectionClient::new(channel);
    let requests = [
        MessageRequest::ListServices(String::new()),
        MessageRequest::FileContainingSymbol(crate::fixture::POPULATION.to_owned()),
        MessageRequest::FileContainingSymbol("grpc.health.v1.Health".to_owned()),
        MessageRequest::FileContainingSymbol("google.rpc.ErrorInfo".to_owned()),
        MessageRequest::FileByFilename("google/protobuf/duration.proto".to_owned()),
    ];
    let requests = requests
        .map(|request| ServerReflectionRequest { host: String::new(), message_request: Some(request) });
    let answers = reflection.server_reflection_info(tokio_stream::iter(requests)).await.unwrap();
    let mut answers = answers.into_inner();
    let listed = within("services", answers.message()).await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(listed) = listed else { panic!("no list of services") };
    assert!(listed.service.iter().any(|service| service.name == crate::fixture::POPULATION));
    let file = within("a file", answers.message()).await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::FileDescriptorResponse(file) = file else { panic!("no file") };
    let title = "Tra cứu công dân";
    let holds_title = |file: &Vec<u8>| file.windows(title.len()).any(|window| window == title.as_bytes());
    assert!(file.file_descriptor_proto.iter().any(holds_title), "the custom options are there");
    // A client that shows the details of an error asks here for their contract.
    for file in ["health", "details of errors", "what those import"] {
        let answer = within(file, answers.message()).await.unwrap().unwrap().message_response.unwrap();
        assert!(matches!(answer, MessageResponse::FileDescriptorResponse(_)), "{file}: {answer:?}");
    }
}
