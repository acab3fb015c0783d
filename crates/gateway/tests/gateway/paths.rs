//! Paths that look like the name of a method, to whoever decodes, folds or cleans them.

use std::sync::atomic::Ordering;

use http::{Request, Uri};
use lgsp_proto::ledger::v1::{Outcome, Phase};
use lgsp_proto::population::v1::GetCitizenRequest;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::attackers::{connect, framed, post};
use crate::fixture::GET_CITIZEN;
use crate::hub::{Hub, authorization, reason, within};
use crate::provider::KNOWN;

/// Whatever somebody else might take for [`GET_CITIZEN`].
const NEARLY: [&str; 32] = [
    "//lgsp.population.v1.PopulationService/GetCitizen",
    "/lgsp.population.v1.PopulationService//GetCitizen",
    "/lgsp.population.v1.PopulationService/GetCitizen/",
    "/lgsp.population.v1.PopulationService/GetCitizen//",
    "/lgsp.population.v1.PopulationService/./GetCitizen",
    "/./lgsp.population.v1.PopulationService/GetCitizen",
    "/lgsp.population.v1.PopulationService/x/../GetCitizen",
    "/lgsp.health.v1.HealthService/../lgsp.population.v1.PopulationService/GetCitizen",
    "/..%2flgsp.population.v1.PopulationService/GetCitizen",
    "/%2e%2e/lgsp.population.v1.PopulationService/GetCitizen",
    "/lgsp.population.v1.PopulationService%2fGetCitizen",
    "/lgsp.population.v1.PopulationService%252fGetCitizen",
    "/lgsp.population.v1.PopulationService/%47etCitizen",
    "/lgsp.population.v1.PopulationService/GetCitizen%00",
    "/lgsp.population.v1.PopulationService/GetCitizen%20",
    "/lgsp.population.v1.PopulationService/GetCitizen%0a",
    "/lgsp.population.v1.PopulationService/GetCitizen%3fx=1",
    "/lgsp.population.v1.PopulationService%c0%afGetCitizen",
    "/lgsp.population.v1.PopulationService/GetCitizen.",
    "/lgsp.population.v1.PopulationService./GetCitizen",
    "/lgsp.population.v1.PopulationService/GetCitizen;v=1",
    "/lgsp.population.v1.PopulationService;v=1/GetCitizen",
    "/lgsp.population.v1.PopulationService.GetCitizen",
    "/lgsp.population.v1.PopulationService\\GetCitizen",
    "/lgsp.population.v1.PopulationService/getcitizen",
    "/LGSP.POPULATION.V1.POPULATIONSERVICE/GETCITIZEN",
    "/PopulationService/GetCitizen",
    "/lgsp.population.v1.PopulationService/\u{ff27}etCitizen",
    "/lgsp.population.v1.PopulationService/GetC\u{456}tizen",
    "/lgsp.population.v1.PopulationService/GetCitizen\u{200b}",
    "/lgsp.population.v1.PopulationService\u{2215}GetCitizen",
    "*",
];

fn request(path: &str) -> http::request::Builder {
    let uri = Uri::builder().scheme("http").authority("hub").path_and_query(path).build();
    let request = Request::builder().method("POST").uri(uri.unwrap());
    request.header("content-type", "application/grpc").header("lgsp-purpose", "prefill")
}

fn citizen() -> bytes::Bytes {
    framed(0, &GetCitizenRequest { personal_number: KNOWN.to_owned() }.encode_to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_is_nearly_the_name_of_a_method_reaches_none_and_is_entered() {
    let mut hub = Hub::start().await;
    let send = connect(hub.gateway.address, 65_535).await;
    for path in NEARLY {
        let head = request(path).header("authorization", authorization());
        let response = post(&send, head, citizen()).await;
        let status = tonic::Status::from_header_map(response.headers()).unwrap();
        assert_eq!(reason(&status), "METHOD_UNKNOWN", "{path}");
        let exchange = response.headers()["lgsp-exchange-id"].to_str().unwrap();
        let (sealed, _) = hub.final_entry(exchange).await;
        assert_eq!(
            (sealed.outcome(), sealed.reason.as_str()),
            (Outcome::Invalid, "METHOD_UNKNOWN"),
            "{path}"
        );
        // A name that nobody knows may hold anything.
        assert_eq!((sealed.service.as_str(), sealed.method.as_str()), ("", ""), "{path}");
    }
    assert_eq!(hub.provider.0.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_is_nearly_the_name_of_a_method_is_counted_as_no_method_if_nobody_is_known_to_call() {
    let mut hub = Hub::start().await;
    let send = connect(hub.gateway.address, 65_535).await;
    let open_to_all =
        ["//grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Check/", "/grpc.health.v1.health/check"];
    let paths: Vec<&str> = NEARLY.into_iter().chain(open_to_all).collect();
    for path in &paths {
        let response = post(&send, request(path), citizen()).await;
        let status = tonic::Status::from_header_map(response.headers()).unwrap();
        assert_eq!(reason(&status), "TOKEN_MISSING", "{path}");
    }
    let mut counted = 0;
    while counted < paths.len() as u64 {
        let (sealed, _) = hub.entry("a count", |sealed| sealed.phase() == Phase::Attempts).await;
        let count = sealed.attempts.unwrap();
        assert_eq!((count.reason.as_str(), count.method.as_str()), ("TOKEN_MISSING", "other"));
        counted += count.count;
        hub.forget(sealed.sequence);
    }
    assert_eq!(counted, paths.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_a_question_mark_or_a_hash_is_no_part_of_a_name_and_is_kept_nowhere() {
    let mut hub = Hub::start().await;
    let send = connect(hub.gateway.address, 65_535).await;
    for more in
        ["?", "?personal_number=092085000002", "?/../lgsp.health.v1.HealthService/VerifyInsurance", "#x"]
    {
        let head = request(&format!("{GET_CITIZEN}{more}")).header("authorization", authorization());
        let response = post(&send, head, citizen()).await;
        let exchange = response.headers()["lgsp-exchange-id"].to_str().unwrap().to_owned();
        let (sealed, erasable) = hub.final_entry(&exchange).await;
        assert_eq!((sealed.outcome(), sealed.method.as_str()), (Outcome::Served, "GetCitizen"), "{more}");
        assert_eq!(erasable.unwrap().subjects.len(), 1, "who is asked about stands in the request alone");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_path_of_http_ends_before_there_is_a_call() {
    let hub = Hub::start().await;
    let nul = [GET_CITIZEN.as_bytes(), b"\0"].concat();
    let overlong = GET_CITIZEN.replace("/Get", "\u{1}Get").into_bytes();
    let overlong: Vec<u8> =
        overlong.iter().flat_map(|byte| if *byte == 1 { vec![0xc0, 0xaf] } else { vec![*byte] }).collect();
    let absolute = format!("http://hub{GET_CITIZEN}");
    let cases: [(&str, &[u8]); 7] = [
        ("NUL", &nul),
        ("a slash in two bytes", &overlong),
        ("a space", b"/lgsp.population.v1.PopulationService/Get Citizen"),
        ("a line's end", b"/lgsp.population.v1.PopulationService/GetCitizen\r\n"),
        ("absolute form", absolute.as_bytes()),
        ("no slash", GET_CITIZEN.trim_start_matches('/').as_bytes()),
        ("nothing", b""),
    ];
    for (what, path) in cases {
        assert!(is_reset(&hub, path).await, "{what}");
    }
    assert!(!is_reset(&hub, GET_CITIZEN.as_bytes()).await, "nothing else is wrong with them");

    // HTTP/1.1 has an absolute form, and carries no gRPC.
    let mut plain = TcpStream::connect(hub.gateway.address).await.unwrap();
    let head = format!(
        "POST {absolute} HTTP/1.1\r\nhost: hub\r\ncontent-type: application/grpc\r\nauthorization: {}\r\n\
         lgsp-purpose: prefill\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        authorization()
    );
    plain.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within("an answer", plain.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 505"), "{answer}");
    assert_eq!(hub.provider.0.load(Ordering::Relaxed), 1, "the exact name alone reached the provider");
}

/// Sends a call whose path no client would send, and tells whether its stream or its connection was ended for that.
async fn is_reset(hub: &Hub, path: &[u8]) -> bool {
    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const RESET: u8 = 3;
    const SETTINGS: u8 = 4;
    const GO_AWAY: u8 = 7;
    let token = authorization();
    let fields: [(&str, &[u8]); 7] = [
        (":method", b"POST"),
        (":scheme", b"http"),
        (":authority", b"hub"),
        (":path", path),
        ("content-type", b"application/grpc"),
        ("authorization", token.as_bytes()),
        ("lgsp-purpose", b"prefill"),
    ];
    let block: Vec<u8> = fields.into_iter().flat_map(|(name, value)| literal(name, value)).collect();
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    sent.extend(frame(SETTINGS, 0, 0, b""));
    // The end of the headers, and later of the stream.
    sent.extend(frame(HEADERS, 4, 1, &block));
    sent.extend(frame(DATA, 1, 1, &citizen()));
    let mut stream = TcpStream::connect(hub.gateway.address).await.unwrap();
    stream.write_all(&sent).await.unwrap();
    loop {
        let mut head = [0; 9];
        within("a frame", stream.read_exact(&mut head)).await.unwrap();
        match head[3] {
            HEADERS => return false,
            RESET | GO_AWAY => return true,
            _ => {
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
                let mut payload = vec![0; length as usize];
                within("its payload", stream.read_exact(&mut payload)).await.unwrap();
            }
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A field of HPACK that is in no table (RFC 7541, 6.2.2).
fn literal(name: &str, value: &[u8]) -> Vec<u8> {
    let mut field = vec![0];
    for text in [name.as_bytes(), value] {
        match text.len().checked_sub(127) {
            None => field.push(text.len() as u8),
            Some(more) => {
                field.push(127);
                prost::encoding::encode_varint(more as u64, &mut field);
            }
        }
        field.extend(text);
    }
    field
}
