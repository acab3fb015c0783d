//! The admin port, as a supervisor meets it.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::time::Duration;

use lgsp_runtime::{Instance, State, admin};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(20);

async fn serve(state: &State) -> (SocketAddr, CancellationToken) {
    let admin = admin::bind(&admin::Options::default()).await.unwrap();
    let (address, stop) = (admin.address(), CancellationToken::new());
    tokio::spawn(admin.serve(state.clone(), stop.clone()));
    (address, stop)
}

async fn ask(address: SocketAddr, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let answer = ask(address, path, "").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

fn state() -> State {
    State::new(Instance::new("gateway", "1.2.3"))
}

#[tokio::test]
async fn readiness_follows_the_components_and_names_who_is_missing() {
    let state = state();
    let (address, _stop) = serve(&state).await;
    let snapshot = state.component("snapshot");
    snapshot.starting("no-snapshot-yet");

    let (code, body) = get(address, "/readyz").await;
    assert_eq!((code, body.as_str()), (503, "snapshot: starting (no-snapshot-yet)\n"));
    assert_eq!(get(address, "/livez").await.0, 200);

    snapshot.ready();
    assert_eq!(get(address, "/readyz").await, (200, "ok\n".to_owned()));
}

#[tokio::test]
async fn the_status_is_json() {
    let state = state();
    state.component("bus").failed("broker-unreachable");
    state.fact("in-flight").set(7);
    let (address, _stop) = serve(&state).await;

    let (code, body) = get(address, "/status").await;
    let status: serde_json::Value = serde_json::from_str(&body).unwrap();

    assert_eq!(code, 200);
    assert_eq!(status["instance"], state.instance().name());
    assert_eq!(status["components"]["bus"]["condition"], "failed");
    assert_eq!(status["components"]["bus"]["cause"], "broker-unreachable");
    assert_eq!(status["facts"]["in-flight"], 7);
    assert_eq!(status["live"], true);
}

#[tokio::test]
async fn a_panicked_task_makes_the_process_neither_live_nor_ready() {
    let state = state();
    state.component("bus").ready();
    state.task_panicked("listener");
    let (address, _stop) = serve(&state).await;
    assert_eq!(get(address, "/livez").await, (503, "listener: panicked\n".to_owned()));
    assert_eq!(get(address, "/readyz").await.0, 503);
}

#[tokio::test]
async fn metrics_are_in_the_format_that_their_reader_accepts() {
    let state = state();
    state.component("bus").ready();
    let (address, _stop) = serve(&state).await;
    let ready =
        "lgsp_component_condition{lgsp_role=\"gateway\",lgsp_component=\"bus\",lgsp_condition=\"ready\"} 1.0";

    let plain = ask(address, "/metrics", "accept: text/plain\r\n").await;
    assert!(plain.contains("content-type: text/plain; version=0.0.4") && plain.contains(ready), "{plain}");
    assert!(!plain.contains("# EOF"), "{plain}");
    let accepts = "accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5\r\n";
    let open = ask(address, "/metrics", accepts).await;
    assert!(open.contains("content-type: application/openmetrics-text; version=1.0.0"), "{open}");
    assert!(open.contains(ready) && open.ends_with("# EOF\n"), "{open}");
}

#[tokio::test]
async fn other_paths_and_verbs_are_refused() {
    let (address, _stop) = serve(&state()).await;
    assert_eq!(get(address, "/").await.0, 404);
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"POST /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
}

#[tokio::test]
async fn a_silent_connection_is_closed_and_keeps_nobody_out() {
    let (address, _stop) = serve(&state()).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    silent.write_all(b"GET /livez HT").await.unwrap();
    assert_eq!(get(address, "/livez").await.0, 200);
    let mut rest = Vec::new();
    timeout(PATIENCE, silent.read_to_end(&mut rest)).await.expect("the connection is closed").ok();
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let first = admin::bind(&admin::Options::default()).await.unwrap();
    let taken = admin::Options { listen: first.address() };
    let refusal = admin::bind(&taken).await.unwrap_err().to_string();
    assert!(refusal.contains(&first.address().to_string()), "{refusal}");
}

#[tokio::test]
async fn a_stopped_admin_port_is_closed() {
    let admin = admin::bind(&admin::Options::default()).await.unwrap();
    let (address, stop) = (admin.address(), CancellationToken::new());
    let served = tokio::spawn(admin.serve(state(), stop.clone()));
    stop.cancel();
    timeout(PATIENCE, served).await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
