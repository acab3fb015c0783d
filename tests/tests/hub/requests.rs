//! What the hub takes and what it refuses, byte by byte.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{Method, Request, StatusCode};
use lgsp_core::Reason;
use lgsp_proto::population::v1::{GetCitizenRequest, VerifyCitizenRequest};
use prost::Message;

use crate::caller::refused;
use crate::fixture::{Hub, PERSON, hub};
use crate::wire::{Answer, Wire, frame, grpc_request};

const GET_CITIZEN: &str = "/lgsp.population.v1.PopulationService/GetCitizen";

async fn send(hub: &Hub, path: &str, headers: &[(&str, &str)], body: Bytes) -> Answer {
    let app = hub.tthc();
    let bearer = format!("Bearer {}", app.token());
    let mut all = vec![("authorization", bearer.as_str()), ("lgsp-purpose", "prefill")];
    all.extend_from_slice(headers);
    Wire::connect(hub.grpc()).await.send(grpc_request(hub.grpc(), path, &all), body).await.expect("an answer")
}

fn refused_answer(answer: Answer, reason: Reason) -> crate::caller::Refusal {
    assert_eq!(answer.status, StatusCode::OK, "a gRPC refusal is HTTP 200: {answer:?}");
    refused::<()>(Err(answer.grpc()), reason)
}

fn valid() -> Vec<u8> {
    GetCitizenRequest { personal_number: PERSON.to_owned() }.encode_to_vec()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).expect("in memory");
    encoder.finish().expect("in memory")
}

#[tokio::test]
async fn a_request_by_hand_is_served() {
    let answer = send(hub().await, GET_CITIZEN, &[], frame(false, &valid())).await;
    assert_eq!(answer.grpc().code(), tonic::Code::Ok, "{answer:?}");
    assert!(answer.headers.contains_key("lgsp-exchange-id"));
}

#[tokio::test]
async fn a_malformed_message_is_refused() {
    let hub = hub().await;
    let bad_field = [0x0a, 0x7f, b'0'];
    let bad_utf8 = [0x0a, 0x02, 0xff, 0xfe];
    for bytes in [bad_field.as_slice(), bad_utf8.as_slice(), &[0xff; 11]] {
        refused_answer(send(hub, GET_CITIZEN, &[], frame(false, bytes)).await, Reason::Malformed);
    }
}

#[tokio::test]
async fn a_false_length_is_malformed_and_says_nothing_of_the_parser() {
    let hub = hub().await;
    let mut cut_short = frame(false, &valid()).to_vec();
    cut_short.truncate(cut_short.len() - 2);
    let mut two_messages = frame(false, &valid()).to_vec();
    two_messages.extend_from_slice(&frame(false, &valid()));
    for body in [cut_short, two_messages, vec![0, 0]] {
        let answer = send(hub, GET_CITIZEN, &[], body.into()).await;
        let message = answer.grpc().message().to_owned();
        refused_answer(answer, Reason::Malformed);
        assert!(message.starts_with(Reason::Malformed.message()), "{message}");
    }
}

#[tokio::test]
async fn every_violated_field_is_named() {
    let app = hub().await.tthc();
    let request = VerifyCitizenRequest {
        personal_number: "123".to_owned(),
        full_name: "x".repeat(200),
        old_identity_number: "1".to_owned(),
        ..Default::default()
    };
    let refusal = refused(app.population().verify_citizen(app.request(request)).await, Reason::InvalidField);
    let fields: Vec<&str> = refusal.violations.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["personal_number", "full_name", "old_identity_number"]);
}

#[tokio::test]
async fn an_unknown_method_is_refused_with_details() {
    let hub = hub().await;
    let paths = [
        "/lgsp.population.v1.PopulationService/Nothing",
        "/nothing.v1.Nothing/Get",
        "//lgsp.population.v1.PopulationService/GetCitizen",
        "/lgsp.population.v1.PopulationService/GetCitizen/",
        "/lgsp.population.v1.PopulationService/getcitizen",
        "/lgsp.population.v1.PopulationService/%47etCitizen",
        "/lgsp.population.v1.PopulationService/GetCitizen.",
        "/",
    ];
    for path in paths {
        refused_answer(send(hub, path, &[], frame(false, &valid())).await, Reason::MethodUnknown);
    }
}

#[tokio::test]
async fn a_request_too_large_is_refused() {
    let hub = hub().await;
    let large = GetCitizenRequest { personal_number: "0".repeat(1_000_000) };
    refused_answer(
        send(hub, GET_CITIZEN, &[], frame(false, &large.encode_to_vec())).await,
        Reason::RequestTooLarge,
    );
}

#[tokio::test]
async fn a_compressed_request_is_served() {
    let hub = hub().await;
    let answer = send(hub, GET_CITIZEN, &[("grpc-encoding", "gzip")], frame(true, &gzip(&valid()))).await;
    assert_eq!(answer.grpc().code(), tonic::Code::Ok, "{answer:?}");
}

#[tokio::test]
async fn a_gzip_bomb_is_refused_without_being_unpacked() {
    let hub = hub().await;
    let bomb = gzip(&vec![0; 64 << 20]);
    assert!(bomb.len() < 100_000);
    let answer = send(hub, GET_CITIZEN, &[("grpc-encoding", "gzip")], frame(true, &bomb)).await;
    refused_answer(answer, Reason::RequestTooLarge);
}

#[tokio::test]
async fn corrupt_compression_is_malformed() {
    let hub = hub().await;
    let mut corrupt = gzip(&valid());
    let middle = corrupt.len() / 2;
    corrupt[middle] ^= 0xff;
    let answer = send(hub, GET_CITIZEN, &[("grpc-encoding", "gzip")], frame(true, &corrupt)).await;
    refused_answer(answer, Reason::Malformed);
}

#[tokio::test]
async fn a_verb_other_than_post_is_not_served() {
    let hub = hub().await;
    let wire = Wire::connect(hub.grpc()).await;
    for verb in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS, Method::HEAD, Method::PATCH] {
        let request = Request::builder()
            .method(verb.clone())
            .uri(format!("http://{}{GET_CITIZEN}", hub.grpc()))
            .header("content-type", "application/grpc")
            .header("authorization", format!("Bearer {}", hub.tthc().token()))
            .body(())
            .expect("a request");
        let answer = wire.send(request, Bytes::new()).await.expect("an answer");
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{verb}");
        assert_eq!(answer.headers["allow"], "POST");
    }
}

#[tokio::test]
async fn a_content_type_of_no_face_is_told_so_readably() {
    let hub = hub().await;
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("http://{}{GET_CITIZEN}", hub.grpc()))
        .header("content-type", "text/plain")
        .body(())
        .expect("a request");
    let answer =
        Wire::connect(hub.grpc()).await.send(request, Bytes::from_static(b"{}")).await.expect("an answer");
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(!answer.body.is_empty());
}
