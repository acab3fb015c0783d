//! Callers who mean no good, or do not know better. Whatever they do, others are served.

use std::time::{Duration, Instant};

use bytes::Bytes;
use lgsp_core::{ExchangeId, Reason};
use lgsp_ledger::Abandon;
use lgsp_tests::echo::v1::{Behaviour, EchoRequest};
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::caller::{exchange_of, refused};
use crate::fixture::{EchoHub, within};
use crate::wire::{Wire, frame, grpc_request};

const ECHO: &str = "/lgsp.echo.v1.EchoService/Echo";
const REPEAT: &str = "/lgsp.echo.v1.EchoService/Repeat";

#[tokio::test]
async fn silent_connections_are_ended() {
    let hub =
        EchoHub::start_with(|options| options.gateway.connections.first_call = Duration::from_millis(300))
            .await;
    let mut silent = TcpStream::connect(hub.grpc()).await.expect("accepted");
    let mut half_a_preface = TcpStream::connect(hub.grpc()).await.expect("accepted");
    half_a_preface.write_all(b"PRI * HTTP/2.0\r\n").await.expect("sent");
    for socket in [&mut silent, &mut half_a_preface] {
        let ended = tokio::time::timeout(Duration::from_secs(5), read_to_end(socket)).await;
        assert!(ended.is_ok(), "the connection is still open");
    }
    hub.echo(EchoRequest::default()).await.expect("others are served");
}

#[tokio::test]
async fn a_peer_that_vanished_after_its_call_is_noticed_and_others_stay() {
    let hub = EchoHub::start_with(|options| {
        options.gateway.connections.ping = Duration::from_millis(200);
        options.gateway.connections.pong = Duration::from_secs(1);
    })
    .await;
    let bearer = format!("Bearer {}", hub.app().token());
    let headers = [("authorization", bearer.as_str()), ("lgsp-purpose", "prefill"), ("grpc-timeout", "3S")];
    let request = || grpc_request(hub.grpc(), ECHO, &headers);
    let body = || frame(false, &EchoRequest::default().encode_to_vec());
    let other = Wire::connect(hub.grpc()).await;
    let socket = std::net::TcpStream::connect(hub.grpc()).expect("accepted");
    socket.set_nonblocking(true).expect("a socket option");
    let mut seen = TcpStream::from_std(socket.try_clone().expect("the same socket")).expect("a socket");
    let socket = TcpStream::from_std(socket).expect("a socket");
    let (sender, mut connection) = h2::client::handshake(socket).await.expect("HTTP/2");
    let wire = Wire { sender };
    let answer = tokio::select! {
        answer = wire.send(request(), body()) => answer.expect("an answer"),
        ended = &mut connection => panic!("the connection has ended: {ended:?}"),
    };
    assert_eq!(answer.grpc().code(), tonic::Code::Ok);

    // From here on its side does nothing: it acknowledges no ping, and closes nothing.
    let ended = tokio::time::timeout(Duration::from_secs(5), read_to_end(&mut seen)).await;
    assert!(ended.is_ok(), "the connection is still open");
    drop((wire, connection));
    let answer = other.send(request(), body()).await.expect("who acknowledges stays");
    assert_eq!(answer.grpc().code(), tonic::Code::Ok);
}

async fn read_to_end(socket: &mut TcpStream) {
    let mut sink = [0; 1024];
    while socket.read(&mut sink).await.is_ok_and(|read| read > 0) {}
}

#[tokio::test]
async fn connections_over_the_cap_are_ended_and_others_are_served() {
    let hub = EchoHub::start_with(|options| {
        options.gateway.connections.most = 8;
        options.gateway.connections.first_call = Duration::from_millis(500);
    })
    .await;
    let _idle: Vec<TcpStream> = futures::future::join_all(
        (0..20).map(|_| async { TcpStream::connect(hub.grpc()).await.expect("a socket") }),
    )
    .await;
    within("a caller gets in once the silent ones are ended", || async {
        hub.echo_on_a_new_connection(EchoRequest::default()).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn calls_reset_right_after_they_were_sent_are_still_counted_in_flight() {
    let hub = EchoHub::start_with(|options| options.gateway.exchanges.in_flight_per_application = 10).await;
    let app = hub.app();
    let bearer = format!("Bearer {}", app.token());
    let headers = [("authorization", bearer.as_str()), ("lgsp-purpose", "prefill"), ("grpc-timeout", "3S")];
    let slow = EchoRequest { behaviour: Behaviour::Hang.into(), ..Default::default() }.encode_to_vec();
    let wire = Wire::connect(hub.grpc()).await;
    for call in 0..10 {
        let mut sender = wire.sender.clone().ready().await.expect("open");
        let (response, mut stream) =
            sender.send_request(grpc_request(hub.grpc(), ECHO, &headers), false).expect("sent");
        stream.send_data(frame(false, &slow), true).expect("sent");
        hub.until_in_flight(call + 1).await;
        stream.send_reset(h2::Reason::CANCEL);
        drop(response);
    }
    hub.until_in_flight(10).await;
    refused(hub.echo(EchoRequest::default()).await, Reason::TooManyInFlight);
    hub.until_in_flight(0).await;
    hub.echo(EchoRequest::default()).await.expect("the work ended at its deadline");
}

#[tokio::test]
async fn callers_that_never_read_are_cut_at_the_deadline_and_cost_little() {
    let hub = EchoHub::start().await;
    let app = hub.app();
    let bearer = format!("Bearer {}", app.token());
    let headers = [("authorization", bearer.as_str()), ("lgsp-purpose", "prefill"), ("grpc-timeout", "2S")];
    let request = EchoRequest { payload_bytes: 4 << 10, messages: 100, ..Default::default() }.encode_to_vec();

    let mut held = Vec::new();
    for _ in 0..8 {
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(0).initial_connection_window_size(65_535);
        let wire = Wire::connect_with(hub.grpc(), builder).await;
        let mut sender = wire.sender.clone().ready().await.expect("open");
        let (response, mut stream) =
            sender.send_request(grpc_request(hub.grpc(), REPEAT, &headers), false).expect("sent");
        stream.send_data(frame(false, &request), true).expect("sent");
        held.push((wire, response, stream));
    }
    let began = Instant::now();
    hub.echo(EchoRequest::default()).await.expect("others are served meanwhile");
    assert!(began.elapsed() < Duration::from_secs(1), "and do not wait for them: {:?}", began.elapsed());
    hub.until_in_flight(0).await;
    // None of them can end by itself: what they were sent waits for a window that never opens.
    assert!(began.elapsed() < Duration::from_millis(2_000 + 250), "{:?}", began.elapsed());
    within("their calls are reset", || async { hub.calls_reset() == 8 }).await;
    for (_wire, response, _stream) in held {
        let mut body = response.await.expect("the answer has begun").into_body();
        let cut = body.data().await.expect("no end that looks whole");
        assert!(cut.is_err_and(|error| error.is_reset()), "the call is cut");
    }
}

#[tokio::test]
async fn a_flood_of_bad_tokens_leaves_counts_and_not_entries() {
    let hub = EchoHub::start_with(|config| config.gateway.entries.attempts = Duration::from_secs(1)).await;
    let before = hub.entries().await;
    let began = Instant::now();
    for _ in 0..200 {
        refused(hub.echo_with_token("not.a.token").await, Reason::TokenInvalid);
    }
    let counts = hub.attempts(Reason::TokenInvalid, 200).await;
    assert_eq!(counts.iter().map(|count| count.count).sum::<u64>(), 200, "none is lost, none counted twice");
    // One for each second; a minute may have ended, too.
    let seconds = began.elapsed().as_secs() + 3;
    assert!(counts.len() as u64 <= seconds, "{} counts in {seconds} s", counts.len());
    let served = hub.echo(EchoRequest::default()).await.expect("served");
    hub.final_entry(exchange_of(served.metadata())).await;
    assert!(hub.entries().await <= before + 2, "a flood cannot fill the log");
}

#[tokio::test]
async fn a_request_put_on_kafka_by_a_stranger_is_refused() {
    let hub = EchoHub::start_with(|config| config.ledger.abandon = Abandon::Always).await;
    // A true request whose deadline is far: whoever reads the topic can copy it, and change all but what they cannot sign.
    let request = EchoRequest { text: "to be copied".to_owned(), ..Default::default() };
    hub.echo_within(request.clone(), Duration::from_secs(20)).await.expect("served");
    let copied = hub.record_of(&request).await;
    let before = hub.bus_stats();

    let mut signed_otherwise = copied.clone();
    let mac = signed_otherwise.headers.iter_mut().find(|(name, _)| name == "lgsp-mac").expect("it is signed");
    mac.1 = Bytes::from(vec![b'0'; mac.1.len()]);
    let mut asks_otherwise = copied.clone();
    asks_otherwise.value = Some(EchoRequest { messages: 7, ..request }.encode_to_vec().into());
    // Of an exchange that nobody knows: of the copied one, the ledger knows the end.
    let mut without_an_end = copied.clone();
    let id = without_an_end.headers.iter_mut().find(|(name, _)| name == "lgsp-exchange-id");
    id.expect("it has one").1 = ExchangeId::new().to_string().into();
    for forged in [signed_otherwise, asks_otherwise, without_an_end] {
        hub.put_request(&forged).await;
    }
    within("all are refused", || async { hub.bus_stats().refused == before.refused + 3 }).await;
    within("and dead-lettered", || async { hub.bus_stats().dead_letters == before.dead_letters + 3 }).await;
    within("and refused by the ledger", || async { hub.ledger_fact("refused-requests") == 3 }).await;
    assert_eq!(hub.bus_stats().served, before.served, "nothing was served");

    // Nothing else was wrong with them: an exact copy is taken up, and its reply finds nobody.
    hub.put_request(&copied).await;
    within("the copy is taken up", || async { hub.bus_stats().served == before.served + 1 }).await;
    hub.echo(EchoRequest::default()).await.expect("the adapter serves on");
    within("the ledger waits for no end of theirs", || async { hub.ledger_fact("open-requests") == 0 }).await;
}
