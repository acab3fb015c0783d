//! Callers that mean no good.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use h2::client::SendRequest;
use http::{HeaderMap, Request, Response, StatusCode};
use lgsp_proto::ledger::v1::Sealed;
use lgsp_proto::population::v1::GetCitizenRequest;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::hub::{Hub, PATIENCE, authorization, until, within};
use crate::provider::{KNOWN, LARGE, SILENT};
use crate::{fixture, hub};

/// A connection of plain HTTP/2, whose window is what the caller says.
pub async fn connect(address: SocketAddr, window: u32) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(address).await.unwrap();
    let mut builder = h2::client::Builder::new();
    let (send, connection) = builder.initial_window_size(window).handshake::<_, Bytes>(stream).await.unwrap();
    tokio::spawn(connection);
    send
}

pub fn request(method: &str, content_type: &str, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(format!("http://hub{path}"))
        .header("content-type", content_type)
        .header("authorization", authorization())
        .header("lgsp-purpose", "prefill")
}

pub fn framed(flag: u8, message: &[u8]) -> Bytes {
    [&[flag][..], &(message.len() as u32).to_be_bytes(), message].concat().into()
}

fn citizen(number: &str) -> Bytes {
    framed(0, &GetCitizenRequest { personal_number: number.to_owned() }.encode_to_vec())
}

pub async fn post(
    send: &SendRequest<Bytes>,
    head: http::request::Builder,
    body: Bytes,
) -> Response<h2::RecvStream> {
    let mut send = send.clone().ready().await.unwrap();
    let (response, mut stream) = send.send_request(head.body(()).unwrap(), false).unwrap();
    // A refusal may come before all was sent.
    let _ = stream.send_data(body, true);
    within("a response", response).await.unwrap()
}

fn grpc_status(headers: &HeaderMap) -> tonic::Status {
    tonic::Status::from_header_map(headers).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verb_other_than_post_and_what_no_face_speaks_get_an_answer_that_a_person_can_read() {
    let hub = Hub::start().await;
    let send = connect(hub.gateway.address, 65_535).await;
    for verb in ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let response =
            post(&send, request(verb, "application/grpc", fixture::GET_CITIZEN), Bytes::new()).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{verb}");
        assert_eq!(response.headers()["allow"], "POST");
        assert!(response.headers().contains_key("lgsp-exchange-id"));
    }
    let response = post(&send, request("POST", "text/plain", fixture::GET_CITIZEN), Bytes::new()).await;
    assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let body = within("a body", response.into_body().data()).await.unwrap().unwrap();
    assert!(std::str::from_utf8(&body).unwrap().contains("application/grpc"));

    // The same over HTTP/1.1.
    let mut plain = TcpStream::connect(hub.gateway.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    within("an answer", plain.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 405") && answer.contains("allow: POST"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_bodies_are_refused_in_our_words() {
    let hub = Hub::start().await;
    let send = connect(hub.gateway.address, 65_535).await;
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![0; 20_000_000]).unwrap();
    let number = "092085000001";
    let cases = [
        ("a gzip bomb", framed(1, &bomb.finish().unwrap()), "REQUEST_TOO_LARGE"),
        ("a request too large", framed(0, &vec![0; 950_000]), "REQUEST_TOO_LARGE"),
        ("corrupt gzip", framed(1, number.as_bytes()), "MALFORMED"),
        ("a false length", framed(0, number.as_bytes()).slice(..12), "MALFORMED"),
        ("malformed protobuf", framed(0, b"\x0a\x7f092085000001"), "MALFORMED"),
        ("no message", Bytes::new(), "MALFORMED"),
    ];
    for (what, body, name) in cases {
        let head = request("POST", "application/grpc", fixture::GET_CITIZEN).header("grpc-encoding", "gzip");
        let response = post(&send, head, body).await;
        let status = grpc_status(response.headers());
        assert_eq!(hub::reason(&status), name, "{what}");
        assert!(!format!("{status:?}").contains(number), "{what}");
    }
    assert_eq!(hub.provider.0.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tiny_deadline_answers_deadline_exceeded_and_not_cancelled() {
    let hub = Hub::start().await;
    let send = connect(hub.gateway.address, 65_535).await;
    for timeout in ["20m", "5m", "1m", "100u", "1n"] {
        let head = request("POST", "application/grpc", fixture::GET_CITIZEN).header("grpc-timeout", timeout);
        let response = post(&send, head, citizen(SILENT)).await;
        let status = grpc_status(response.headers());
        assert_eq!(status.code(), tonic::Code::DeadlineExceeded, "{timeout}: {status:?}");
    }
    // A tonic client would not even send it.
    let past = request("POST", "application/grpc", fixture::GET_CITIZEN).header("grpc-timeout", "0S");
    let past = post(&send, past, citizen(KNOWN)).await;
    assert_eq!(hub::reason(&grpc_status(past.headers())), "DEADLINE_PAST");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_never_read_hold_their_answers_no_longer_than_the_deadline() {
    let hub = Hub::start().await;
    let send = connect(hub.gateway.address, 0).await;
    let mut held = Vec::new();
    let begun = Instant::now();
    for _ in 0..5 {
        let head = request("POST", "application/grpc", fixture::GET_CITIZEN).header("grpc-timeout", "1S");
        held.push(post(&send, head, citizen(LARGE)).await);
    }
    for response in &mut held {
        let ended =
            tokio::time::timeout(PATIENCE, std::future::poll_fn(|cx| response.body_mut().poll_data(cx)))
                .await;
        assert!(matches!(ended.unwrap(), Some(Err(error)) if error.is_reset()), "the call is reset");
    }
    assert!(begun.elapsed() < Duration::from_millis(1_000 + 250 + 500), "{:?}", begun.elapsed());
    until("nothing in flight", || hub.in_flight() == 0).await;
    assert_eq!(hub.gateway.stats.resets.load(Ordering::Relaxed), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_read_is_bounded_per_application() {
    let hub = Hub::with(|options| options.exchanges.unread_per_application = 2_000_000, |_| {}).await;
    let send = connect(hub.gateway.address, 0).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(
            post(&send, request("POST", "application/grpc", fixture::GET_CITIZEN), citizen(LARGE)).await,
        );
    }
    let refused =
        post(&send, request("POST", "application/grpc", fixture::GET_CITIZEN), citizen(LARGE)).await;
    assert_eq!(hub::reason(&grpc_status(refused.headers())), "TOO_MANY_IN_FLIGHT");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_reset_right_after_they_were_sent_still_count_as_in_flight() {
    let hub = Hub::with(|_| {}, |snapshot| snapshot.applications[0].max_in_flight = 10).await;
    let send = connect(hub.gateway.address, 65_535).await;
    for _ in 0..10 {
        let head = request("POST", "application/grpc", fixture::GET_CITIZEN).header("grpc-timeout", "3S");
        let mut ready = send.clone().ready().await.unwrap();
        let (_response, mut stream) = ready.send_request(head.body(()).unwrap(), false).unwrap();
        stream.send_data(citizen(SILENT), true).unwrap();
        let called = hub.provider.0.load(Ordering::Relaxed) + 1;
        until("the provider", || hub.provider.0.load(Ordering::Relaxed) >= called).await;
        stream.send_reset(h2::Reason::CANCEL);
    }
    let refused =
        post(&send, request("POST", "application/grpc", fixture::GET_CITIZEN), citizen(KNOWN)).await;
    assert_eq!(hub::reason(&grpc_status(refused.headers())), "TOO_MANY_IN_FLIGHT");
    until("their deadlines", || hub.gateway.stats.timed_out.load(Ordering::Relaxed) == 10).await;
    assert!(hub.citizen(KNOWN).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_and_half_open_connections_are_ended() {
    let hub = Hub::with(|options| options.connections.first_call = Duration::from_millis(200), |_| {}).await;
    for beginning in [&b""[..], b"PRI * HTTP/2.0\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"POST / HT"] {
        let mut stream = TcpStream::connect(hub.gateway.address).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        let mut rest = Vec::new();
        // It may end with a reset, too.
        let _ = within("the end of a silent connection", stream.read_to_end(&mut rest)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_beyond_the_cap_are_closed_at_once() {
    let hub = Hub::with(|options| options.connections.most = 2, |_| {}).await;
    until("the first client's end", || hub.gateway.stats.connections.load(Ordering::Relaxed) > 0).await;
    let mut held = Vec::new();
    let refused = || hub.gateway.stats.connections_refused.load(Ordering::Relaxed);
    while refused() == 0 {
        held.push(TcpStream::connect(hub.gateway.address).await.unwrap());
        assert!(held.len() < 10);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut last = held.pop().unwrap();
    assert_eq!(within("the end", last.read(&mut [0; 1])).await.unwrap_or(0), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_watches_our_health_holds_no_more_calls_than_there_is_room_for() {
    let mut hub = Hub::with(|options| options.connections.surface_calls = 3, |_| {}).await;
    let (watcher, other) =
        (connect(hub.gateway.address, 65_535).await, connect(hub.gateway.address, 65_535).await);
    let health =
        |method: &str| request("POST", "application/grpc", &format!("/grpc.health.v1.Health/{method}"));
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(post(&watcher, health("Watch"), framed(0, b"")).await);
    }
    let refused = post(&other, health("Check"), framed(0, b"")).await;
    let status = grpc_status(refused.headers());
    assert_eq!((status.code(), hub::reason(&status).as_str()), (tonic::Code::Unavailable, "OVERLOADED"));
    let is_it =
        |sealed: &Sealed| sealed.attempts.as_ref().is_some_and(|attempts| attempts.reason == "OVERLOADED");
    hub.entry("a count", is_it).await;
    assert!(hub.citizen(KNOWN).await.is_ok(), "exchanges have room of their own");

    held.pop();
    within("room", async {
        while post(&other, health("Check"), framed(0, b"")).await.headers().contains_key("grpc-status") {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
