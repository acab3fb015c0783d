//! Callers without gRPC: JSON by the Connect protocol and gRPC-Web, which take the same path as everybody else.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Request, StatusCode};
use lgsp_core::entry::sha256;
use lgsp_proto::ledger::v1::{Outcome, Phase};
use lgsp_proto::population::v1::{GetCitizenRequest, GetCitizenResponse, ListResidentsResponse};
use prost::Message;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::attackers::{connect, framed, request};
use crate::fixture::GET_CITIZEN;
use crate::hub::{Hub, authorization, citizen_request, reason, until, within};
use crate::provider::{KNOWN, LARGE, SILENT, UNKNOWN};

const LIST_RESIDENTS: &str = "/lgsp.population.v1.PopulationService/ListResidents";

/// All of an answer.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    /// It did not break off.
    is_whole: bool,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn exchange(&self) -> &str {
        self.headers["lgsp-exchange-id"].to_str().unwrap()
    }

    /// Flags and message of every frame of the body.
    fn frames(&self) -> Vec<(u8, Vec<u8>)> {
        let (mut rest, mut frames) = (&self.body[..], Vec::new());
        while !rest.is_empty() {
            let length = u32::from_be_bytes(rest[1..5].try_into().unwrap()) as usize;
            frames.push((rest[0], rest[5..5 + length].to_vec()));
            rest = &rest[5 + length..];
        }
        frames
    }

    /// The same, of a body in Base64 that was encoded in pieces.
    fn decoded(mut self) -> Self {
        let text = String::from_utf8(self.body).unwrap();
        let mut bytes = Vec::new();
        for quantum in text.as_bytes().chunks(4) {
            STANDARD.decode_vec(quantum, &mut bytes).unwrap();
        }
        self.body = bytes;
        self
    }
}

async fn send(send: &SendRequest<Bytes>, head: http::request::Builder, body: impl Into<Bytes>) -> Answer {
    let mut send = send.clone().ready().await.unwrap();
    let (response, mut stream) = send.send_request(head.body(()).unwrap(), false).unwrap();
    // A refusal may come before all was sent.
    let _ = stream.send_data(body.into(), true);
    let (head, mut incoming) = within("a response", response).await.unwrap().into_parts();
    let (mut body, mut is_whole) = (Vec::new(), true);
    while let Some(data) = within("the body", incoming.data()).await {
        let Ok(data) = data else {
            is_whole = false;
            break;
        };
        incoming.flow_control().release_capacity(data.len()).unwrap();
        body.extend_from_slice(&data);
    }
    Answer { status: head.status, headers: head.headers, body, is_whole }
}

fn asked(number: &str) -> Vec<u8> {
    GetCitizenRequest { personal_number: number.to_owned() }.encode_to_vec()
}

fn asked_in_json(number: &str) -> String {
    json!({ "personalNumber": number }).to_string()
}

/// The reason of an error of the Connect protocol, with all details that every refusal has.
fn reason_of(error: &Value) -> String {
    let details = error["details"].as_array().expect("details");
    let of = |name: &str| details.iter().find(|detail| detail["type"] == format!("google.rpc.{name}"));
    assert!(of("LocalizedMessage").is_some() && of("RequestInfo").is_some(), "{error}");
    of("ErrorInfo").unwrap()["debug"]["reason"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_by_json_is_the_same_exchange_as_one_by_grpc() {
    let mut hub = Hub::start().await;
    let connection = connect(hub.gateway.address, 65_535).await;
    let head = request("POST", "application/json", GET_CITIZEN).header("lgsp-dossier", "H13.01-260601-0001");
    let answer = send(&connection, head, asked_in_json(KNOWN)).await;
    assert_eq!(
        (answer.status, &answer.headers["content-type"]),
        (StatusCode::OK, &"application/json".parse().unwrap())
    );
    let citizen = json!({ "personalNumber": KNOWN, "fullName": "Nguyễn Văn An" });
    assert_eq!(answer.json(), json!({ "citizen": citizen }), "and nothing that is not granted");

    let by_grpc = within("an answer", hub.client().await.get_citizen(citizen_request(KNOWN))).await.unwrap();
    let bytes = by_grpc.into_inner().encode_to_vec();
    let (sealed, erasable) = hub.final_entry(answer.exchange()).await;
    let erasable = erasable.unwrap();
    assert_eq!((sealed.outcome(), sealed.agreement.as_str()), (Outcome::Served, "tthc-population"));
    assert_eq!((sealed.record_count, sealed.answer_bytes), (1, bytes.len() as u64));
    assert_eq!(
        (erasable.dossier.unwrap().value.as_str(), erasable.subjects.len()),
        ("H13.01-260601-0001", 1)
    );
    // What is proved is the message, whichever way it was written.
    assert_eq!(sealed.request_sha256, sha256(&[&erasable.request_salt[..], &asked(KNOWN)].concat())[..]);
    assert_eq!(sealed.answer_sha256, sha256(&[&erasable.answer_salt[..], &bytes].concat())[..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_face_carries_the_same_answer() {
    let hub = Hub::start().await;
    let connection = connect(hub.gateway.address, 65_535).await;
    let by_grpc = hub.citizen(KNOWN).await.unwrap();
    let whole = GetCitizenResponse { citizen: Some(by_grpc) };
    let proto = send(&connection, request("POST", "application/proto", GET_CITIZEN), asked(KNOWN)).await;
    assert_eq!(GetCitizenResponse::decode(&proto.body[..]).unwrap(), whole);

    let web = send(
        &connection,
        request("POST", "application/grpc-web+proto", GET_CITIZEN),
        framed(0, &asked(KNOWN)),
    );
    let text = STANDARD.encode(framed(0, &asked(KNOWN)));
    let web_text = send(&connection, request("POST", "application/grpc-web-text", GET_CITIZEN), text);
    for answer in [web.await, web_text.await.decoded()] {
        assert_eq!(answer.status, StatusCode::OK);
        let [(0, message), (0x80, trailers)] = &answer.frames()[..] else { panic!("{answer:?}") };
        assert_eq!(GetCitizenResponse::decode(&message[..]).unwrap(), whole);
        assert_eq!(trailers, b"grpc-status: 0\r\n");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_by_any_face_has_the_reason_and_the_entry_that_it_has_by_grpc() {
    let mut hub = Hub::start().await;
    let connection = connect(hub.gateway.address, 65_535).await;
    let head = |content_type: &str, purpose: &str| {
        let head = Request::builder().method("POST").uri(format!("http://hub{GET_CITIZEN}"));
        let head = head.header("content-type", content_type).header("authorization", authorization());
        if purpose.is_empty() { head } else { head.header("lgsp-purpose", purpose) }
    };
    let cases = [
        ("", KNOWN, "PURPOSE_MISSING", 400, Outcome::Invalid),
        ("verify", KNOWN, "PURPOSE_NOT_AGREED", 403, Outcome::Denied),
        ("curiosity", KNOWN, "PURPOSE_UNKNOWN", 400, Outcome::Invalid),
        ("prefill", "12", "INVALID_FIELD", 400, Outcome::Invalid),
        ("prefill", UNKNOWN, "NOT_FOUND", 404, Outcome::NotFound),
    ];
    for (purpose, number, name, http, outcome) in cases {
        let by_json = send(&connection, head("application/json", purpose), asked_in_json(number)).await;
        assert_eq!((by_json.status.as_u16(), reason_of(&by_json.json()).as_str()), (http, name));
        assert!(!by_json.headers.contains_key("grpc-status"));
        let frame = framed(0, &asked(number));
        let by_web = send(&connection, head("application/grpc-web", purpose), frame).await;
        let status = tonic::Status::from_header_map(&by_web.headers).expect("a status");
        assert_eq!((by_web.status, reason(&status).as_str()), (StatusCode::OK, name));
        for answer in [by_json, by_web] {
            let (sealed, _) = hub.final_entry(answer.exchange()).await;
            assert_eq!((sealed.outcome(), sealed.reason.as_str()), (outcome, name));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_that_is_no_such_message_is_entered_and_never_quoted() {
    let mut hub = Hub::start().await;
    let connection = connect(hub.gateway.address, 65_535).await;
    let cases = [
        (r#"{"personalNumber": "092085000001", "fullNaem": "x"}"#, "INVALID_FIELD", "fullNaem"),
        (r#"{"personalNumber": 92085000001}"#, "INVALID_FIELD", "personal_number"),
        (r#"{"personalNumber": "092085000001""#, "MALFORMED", "line 1"),
        ("", "MALFORMED", "line 1"),
    ];
    for (body, name, told) in cases {
        let answer = send(&connection, request("POST", "application/json", GET_CITIZEN), body).await;
        let error = answer.json();
        assert_eq!((answer.status, reason_of(&error).as_str()), (StatusCode::BAD_REQUEST, name), "{body}");
        let said = error.to_string();
        assert!(said.contains(told) && !said.contains("2085000001"), "{said}");
        let (sealed, _) = hub.final_entry(answer.exchange()).await;
        assert_eq!((sealed.outcome(), sealed.reason.as_str()), (Outcome::Invalid, name));
        assert_eq!(sealed.method, "GetCitizen");
    }
    let large = json!({ "personalNumber": "0".repeat(950_000) }).to_string();
    let answer = send(&connection, request("POST", "application/json", GET_CITIZEN), large).await;
    assert_eq!((answer.status.as_u16(), reason_of(&answer.json()).as_str()), (429, "REQUEST_TOO_LARGE"));
    let anonymous = Request::builder().method("POST").uri(format!("http://hub{GET_CITIZEN}"));
    let anonymous = anonymous.header("content-type", "application/json").header("lgsp-purpose", "prefill");
    let answer = send(&connection, anonymous, asked_in_json(KNOWN)).await;
    assert_eq!((answer.status.as_u16(), reason_of(&answer.json()).as_str()), (401, "TOKEN_MISSING"));
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
    assert_eq!(hub.provider.0.load(Ordering::Relaxed), 0, "none of them reached the provider");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_leaves_in_parts_by_every_face_each_after_its_entry() {
    let mut hub = Hub::start().await;
    let connection = connect(hub.gateway.address, 65_535).await;
    let asked = json!({ "wardCode": "31117", "pageSize": 250 }).to_string();
    let enveloped = framed(0, asked.as_bytes());
    let by_json =
        send(&connection, request("POST", "application/connect+json", LIST_RESIDENTS), enveloped).await;
    let frames = by_json.frames();
    let ([messages @ .., (2, end)], 251) = (&frames[..], frames.len()) else {
        panic!("{} frames", frames.len())
    };
    assert_eq!(end, b"{}");
    for (number, (flags, message)) in messages.iter().enumerate() {
        let message: Value = serde_json::from_slice(message).unwrap();
        let expected = json!({ "resident": { "personalNumber": format!("092085{number:06}") } });
        assert_eq!((*flags, message), (0, expected));
    }
    let message = lgsp_proto::population::v1::ListResidentsRequest {
        ward_code: "31117".to_owned(),
        page_size: 250,
        ..Default::default()
    };
    let text = STANDARD.encode(framed(0, &message.encode_to_vec()));
    let by_web =
        send(&connection, request("POST", "application/grpc-web-text", LIST_RESIDENTS), text).await.decoded();
    let frames = by_web.frames();
    let [messages @ .., (0x80, trailers)] = &frames[..] else { panic!("no trailers") };
    assert_eq!((messages.len(), &trailers[..]), (250, &b"grpc-status: 0\r\n"[..]));
    assert!(messages.iter().all(|(_, message)| ListResidentsResponse::decode(&message[..]).is_ok()));
    for answer in [by_json, by_web] {
        let (last, _) = hub.final_entry(answer.exchange()).await;
        assert_eq!((last.outcome(), last.record_count), (Outcome::Served, 250));
        let parts = hub.seen(&last.exchange_id).into_iter().filter(|sealed| sealed.phase() == Phase::Part);
        assert_eq!(parts.map(|part| part.record_count).sum::<u32>(), 250);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_fails_or_is_refused_says_so_in_its_last_envelope() {
    let hub = Hub::start().await;
    let connection = connect(hub.gateway.address, 65_535).await;
    let asked =
        |count: u32| framed(0, json!({ "wardCode": "31117", "pageSize": count }).to_string().as_bytes());
    let head = || request("POST", "application/connect+json", LIST_RESIDENTS);
    let failed = send(&connection, head(), asked(8)).await;
    let frames = failed.frames();
    assert_eq!((failed.status, frames.len()), (StatusCode::OK, 9));
    let end: Value = serde_json::from_slice(&frames[8].1).unwrap();
    assert_eq!((frames[8].0, &end["error"]["code"]), (2, &json!("unavailable")));
    assert_eq!(reason_of(&end["error"]), "SOURCE_UNAVAILABLE");

    let refused = send(&connection, head(), framed(0, b"{}")).await;
    let [(2, end)] = &refused.frames()[..] else { panic!("{refused:?}") };
    let end: Value = serde_json::from_slice(end).unwrap();
    assert_eq!((refused.status, reason_of(&end["error"]).as_str()), (StatusCode::OK, "INVALID_FIELD"));
    assert!(refused.is_whole && !refused.headers.contains_key("grpc-status"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connect_protocols_own_time_out_is_kept() {
    let mut hub = Hub::start().await;
    let connection = connect(hub.gateway.address, 65_535).await;
    let head = |name: &str, value: &str| request("POST", "application/json", GET_CITIZEN).header(name, value);
    let begun = Instant::now();
    let late = send(&connection, head("connect-timeout-ms", "300"), asked_in_json(SILENT)).await;
    assert!(begun.elapsed() < Duration::from_millis(300 + 250), "{:?}", begun.elapsed());
    assert_eq!((late.status.as_u16(), reason_of(&late.json()).as_str()), (504, "DEADLINE_EXCEEDED"));
    let (sealed, _) = hub.final_entry(late.exchange()).await;
    assert_eq!(sealed.outcome(), Outcome::TimedOut);
    for (name, value) in [("connect-timeout-ms", "soon"), ("connect-protocol-version", "2")] {
        let refused = send(&connection, head(name, value), asked_in_json(KNOWN)).await;
        assert_eq!((refused.status.as_u16(), reason_of(&refused.json()).as_str()), (400, "INVALID_METADATA"));
        assert!(refused.json()["message"].as_str().unwrap().contains(name));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_content_type_that_is_not_the_methods_is_told_so() {
    let hub = Hub::start().await;
    let connection = connect(hub.gateway.address, 65_535).await;
    for (path, content_type) in [
        (GET_CITIZEN, "application/connect+json"),
        (LIST_RESIDENTS, "application/json"),
        (LIST_RESIDENTS, "application/proto"),
        (GET_CITIZEN, "text/plain"),
    ] {
        let answer = send(&connection, request("POST", content_type, path), "{}").await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path}: {content_type}");
        assert!(String::from_utf8(answer.body).unwrap().contains("content-type"));
    }
    // Health and reflection are gRPC's own.
    let health = request("POST", "application/json", "/grpc.health.v1.Health/Check");
    let answer = send(&connection, health, "{}").await;
    assert_eq!((answer.status.as_u16(), reason_of(&answer.json()).as_str()), (501, "METHOD_UNKNOWN"));
}

/// A call of HTTP/1.1, whose connection stays open.
fn over_http1(number: &str, headers: &str) -> String {
    let body = asked_in_json(number);
    format!(
        "POST {GET_CITIZEN} HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\nauthorization: {}\r\n\
         lgsp-purpose: prefill\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        authorization(),
        body.len()
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_http1_are_served_one_after_the_other() {
    let hub = Hub::start().await;
    let mut stream = TcpStream::connect(hub.gateway.address).await.unwrap();
    stream.write_all(over_http1(KNOWN, "").as_bytes()).await.unwrap();
    let mut first = vec![0; 17];
    within("the first answer", stream.read_exact(&mut first)).await.unwrap();
    stream.write_all(over_http1(UNKNOWN, "connection: close\r\n").as_bytes()).await.unwrap();
    let mut rest = String::new();
    within("both answers", stream.read_to_string(&mut rest)).await.unwrap();
    let all = String::from_utf8(first).unwrap() + &rest;
    assert!(all.starts_with("HTTP/1.1 200 OK\r\n") && all.contains("Nguyễn Văn An"), "{all}");
    assert!(all.contains("HTTP/1.1 404 Not Found\r\n") && all.contains("NOT_FOUND"), "{all}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_of_http1_that_never_reads_holds_its_answer_no_longer_than_the_deadline() {
    /// More answers of a megabyte than the system keeps for whoever does not read.
    const CALLS: usize = 16;
    let hub = Hub::start().await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(hub.gateway.address).await.unwrap();
    let calls = over_http1(LARGE, "connect-timeout-ms: 3000\r\n").repeat(CALLS);
    stream.write_all(calls.as_bytes()).await.unwrap();
    until("the connection is cut", || hub.gateway.stats.resets.load(Ordering::Relaxed) == 1).await;
    until("nothing is held any more", || hub.gateway.in_flight() == 0).await;
    let mut read = Vec::new();
    // What the system has kept may still come; then the connection ends within an answer.
    let _ = within("the end", stream.read_to_end(&mut read)).await;
    let answers =
        read.windows(b"HTTP/1.1 200 OK".len()).filter(|window| window == b"HTTP/1.1 200 OK").count();
    assert!(answers < CALLS && !read.ends_with(b"0\r\n\r\n"), "{answers} answers, {} bytes", read.len());
    hub.citizen(KNOWN).await.expect("everybody else is served");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_may_call_from_its_named_origin_and_from_no_other() {
    const PORTAL: &str = "https://portal.example.vn";
    let hub = Hub::with(|options| options.origins = vec![PORTAL.to_owned()], |_| {}).await;
    let connection = connect(hub.gateway.address, 65_535).await;
    let preflight = |origin: &str| {
        let head = request("OPTIONS", "application/json", GET_CITIZEN).header("origin", origin);
        head.header("access-control-request-method", "POST")
    };
    let open = send(&connection, preflight(PORTAL), "").await;
    assert_eq!(
        (open.status, &open.headers["access-control-allow-origin"]),
        (StatusCode::NO_CONTENT, &PORTAL.parse().unwrap())
    );
    assert!(open.headers["access-control-allow-headers"].to_str().unwrap().contains("lgsp-purpose"));
    let call = |origin: &str| request("POST", "application/json", GET_CITIZEN).header("origin", origin);
    let served = send(&connection, call(PORTAL), asked_in_json(KNOWN)).await;
    assert_eq!(
        (served.status, &served.headers["access-control-allow-origin"]),
        (StatusCode::OK, &PORTAL.parse().unwrap())
    );

    let other = "https://other.example.vn";
    let closed = send(&connection, preflight(other), "").await;
    assert_eq!(closed.status, StatusCode::METHOD_NOT_ALLOWED);
    let served = send(&connection, call(other), asked_in_json(KNOWN)).await;
    let names: Vec<&str> =
        closed.headers.keys().chain(served.headers.keys()).map(http::HeaderName::as_str).collect();
    assert!(!names.iter().any(|name| name.starts_with("access-control")), "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_json_face_is_described_for_whoever_asks_and_no_more_of_it_than_a_credential_opens() {
    let hub = Hub::start().await;
    let connection = connect(hub.gateway.address, 65_535).await;
    let get = |verb: &str| Request::builder().method(verb).uri("http://hub/openapi.json");
    let whole = send(&connection, get("GET"), "").await;
    assert_eq!(
        (whole.status, &whole.headers["content-type"]),
        (StatusCode::OK, &"application/json".parse().unwrap())
    );
    let services = |answer: &Answer| {
        let document = answer.json();
        let paths = document["paths"].as_object().unwrap().keys();
        paths
            .map(|path| path.split('/').nth(1).unwrap().to_owned())
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(services(&whole), lgsp_proto::services().map(str::to_owned).collect());
    let own = send(&connection, get("GET").header("authorization", authorization()), "").await;
    assert_eq!(services(&own), ["lgsp.population.v1.PopulationService".to_owned()].into());
    let bad = send(&connection, get("GET").header("authorization", "Bearer forged"), "").await;
    assert_eq!((bad.status.as_u16(), reason_of(&bad.json()).as_str()), (401, "TOKEN_INVALID"));
    assert!(
        bad.json().to_string().contains(bad.exchange()),
        "the error names the exchange that the header names"
    );
    let head = send(&connection, get("HEAD"), "").await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    let put = send(&connection, get("PUT"), "").await;
    assert_eq!(
        (put.status, &put.headers["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"GET, HEAD".parse().unwrap())
    );
}
