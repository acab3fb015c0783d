//! The commands that call a hub, as a process of their own, against a small hub in this one.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use lgsp::layout::Layout;
use lgsp_core::time::timestamp;
use lgsp_core::{ExchangeId, Fault, Outcome, Reason};
use lgsp_proto::ledger::v1::ledger_service_server::{LedgerService, LedgerServiceServer};
use lgsp_proto::ledger::v1::{
    Exchange, FollowExchangesRequest, GetCompletenessRequest, GetCompletenessResponse, ListExchangesRequest,
    ListExchangesResponse,
};
use prost::Message as _;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status};

/// How long a command may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

const ID: &str = "019e8cf0-7c00-7000-8000-00000000002a";

/// A hub that knows three exchanges, and answers by what the filter's application is named.
struct Ledger;

fn exchange(number: i64, outcome: Outcome) -> Exchange {
    Exchange {
        exchange_id: ID.to_owned(),
        admitted: Some(timestamp(1_780_246_800_000_000 + number)),
        application: "tthc".to_owned(),
        service: "lgsp.population.v1.PopulationService".to_owned(),
        method: "GetCitizen".to_owned(),
        purpose: "prefill".to_owned(),
        outcome: outcome.into(),
        duration_us: 4_321,
        ..Default::default()
    }
}

fn refusal(reason: Reason) -> Status {
    let told = Fault::new(reason).to_rpc(ExchangeId::parse(ID));
    Status::with_details(Code::from(told.code), told.message.clone(), told.encode_to_vec().into())
}

fn has_token<T>(request: &Request<T>) -> Result<(), Status> {
    let token = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
    let is_bearer = token.is_some_and(|token| token.starts_with("Bearer ey"));
    if is_bearer { Ok(()) } else { Err(refusal(Reason::TokenMissing)) }
}

#[tonic::async_trait]
impl LedgerService for Ledger {
    async fn list_exchanges(
        &self,
        request: Request<ListExchangesRequest>,
    ) -> Result<Response<ListExchangesResponse>, Status> {
        has_token(&request)?;
        let purpose = request.metadata().get("lgsp-purpose").cloned();
        let filter = request.into_inner().filter.unwrap_or_default();
        match filter.application.as_str() {
            "refused" => return Err(refusal(Reason::RoleMissing)),
            "silent" => std::future::pending::<()>().await,
            "purpose" if purpose.is_none_or(|purpose| purpose != "audit") => {
                return Err(refusal(Reason::PurposeMissing));
            }
            _ => {}
        }
        let exchanges = vec![exchange(2, Outcome::Denied), exchange(1, Outcome::Served)];
        let mut answer = Response::new(ListExchangesResponse { exchanges, ..Default::default() });
        answer.metadata_mut().insert("lgsp-exchange-id", ID.parse().expect("printable"));
        Ok(answer)
    }

    type FollowExchangesStream = tokio_stream::Iter<std::vec::IntoIter<Result<Exchange, Status>>>;

    async fn follow_exchanges(
        &self,
        request: Request<FollowExchangesRequest>,
    ) -> Result<Response<Self::FollowExchangesStream>, Status> {
        has_token(&request)?;
        let filter = request.into_inner().filter.unwrap_or_default();
        let mut messages = vec![Ok(exchange(1, Outcome::Served)), Ok(exchange(2, Outcome::NotFound))];
        if filter.application == "broken" {
            messages.push(Err(refusal(Reason::ReplyLost)));
        }
        Ok(Response::new(tokio_stream::iter(messages)))
    }

    async fn get_completeness(
        &self,
        _: Request<GetCompletenessRequest>,
    ) -> Result<Response<GetCompletenessResponse>, Status> {
        Err(refusal(Reason::NotFound))
    }

    type CountTrafficStream = tokio_stream::Empty<Result<lgsp_proto::ledger::v1::TrafficCounts, Status>>;

    async fn count_traffic(
        &self,
        _: Request<lgsp_proto::ledger::v1::CountTrafficRequest>,
    ) -> Result<Response<Self::CountTrafficStream>, Status> {
        Err(refusal(Reason::NotFound))
    }
}

/// The small hub, and a data directory with the keys of its callers.
struct Hub {
    address: String,
    data: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl Hub {
    fn start() -> Self {
        let data = tempfile::tempdir().expect("a scratch directory");
        for application in ["dieu-hanh", "tthc"] {
            Layout::new(data.path()).make_application_key(application).expect("made");
        }
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(lgsp_proto::DESCRIPTOR_SET)
            .build_v1()
            .expect("a descriptor set");
        let serving = tonic::transport::Server::builder()
            .add_service(reflection)
            .add_service(LedgerServiceServer::new(Ledger))
            .serve_with_incoming(TcpListenerStream::new(listener));
        runtime.spawn(serving);
        Self { address, data, _runtime: runtime }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        command(&self.address, self.data.path(), arguments)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        finish(self.command(arguments).spawn().expect("the command starts"))
    }

    /// Calls a method of the ledger by reflection.
    fn call(&self, method: &str, request: &str, options: &[&str]) -> Output {
        let method = format!("lgsp.ledger.v1.LedgerService/{method}");
        self.run(&[&["call", "--as", "tthc"], options, &[&method, request]].concat())
    }
}

fn command(address: &str, data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lgsp"));
    command.args(arguments).arg("--grpc").arg(address).arg("--data").arg(data);
    command.env("LC_ALL", "C").env_remove("NO_COLOR").env_remove("LANG");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits for a command to end, and kills one that does not.
fn finish(child: Child) -> Output {
    let id = child.id().to_string();
    let (done, ended) = mpsc::sync_channel(1);
    std::thread::spawn(move || done.send(child.wait_with_output()));
    let output = ended.recv_timeout(PATIENCE);
    if output.is_err() {
        let _ = Command::new("kill").args(["-KILL", &id]).status();
    }
    output.expect("the command ends in time").expect("waited for")
}

fn start(mut command: Command) -> Child {
    command.spawn().expect("the command starts")
}

/// The first lines of a command that goes on, and what still reads it.
fn first_lines(child: &mut Child, count: usize) -> (Vec<String>, impl Sized + use<>) {
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let (done, read) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut lines = output.lines();
        let first: Vec<String> = lines.by_ref().take(count).map_while(Result::ok).collect();
        done.send((first, lines))
    });
    let first = read.recv_timeout(PATIENCE);
    if first.is_err() {
        let _ = child.kill();
    }
    first.expect("the lines come in time")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_call_prints_json_in_the_contracts_names() {
    let hub = Hub::start();
    let output = hub.call("ListExchanges", r#"{"pageSize": 3}"#, &["--verbose"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(answer["exchanges"][0]["outcome"], "OUTCOME_DENIED");
    assert_eq!(answer["exchanges"][1]["durationUs"], "4321");
    assert!(text(&output.stderr).contains(ID), "the exchange id is told when asked for");
}

#[test]
fn a_stream_is_a_line_per_message() {
    let hub = Hub::start();
    let output = hub.call("FollowExchanges", "{}", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().count(), 2);
}

#[test]
fn a_stream_that_breaks_keeps_what_came_and_says_how_it_ended() {
    let hub = Hub::start();
    let output = hub.call("FollowExchanges", r#"{"filter":{"application":"broken"}}"#, &[]);
    assert_eq!(text(&output.stdout).lines().count(), 2);
    assert_eq!(output.status.code(), Some(6));
    let told = text(&output.stderr);
    assert!(told.contains("REPLY_LOST (UNAVAILABLE)") && told.contains("yes, after 200 ms"), "{told}");
}

#[test]
fn a_refusal_is_told_and_has_its_own_exit_code() {
    let hub = Hub::start();
    let output = hub.call("ListExchanges", r#"{"filter":{"application":"refused"}}"#, &[]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(text(&output.stdout), "");
    let told = text(&output.stderr);
    for part in ["no role of the caller", "ROLE_MISSING (PERMISSION_DENIED)", "gateway", ID, "what to do"] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
}

#[test]
fn a_vietnamese_environment_gets_vietnamese() {
    let hub = Hub::start();
    let request = r#"{"filter":{"application":"refused"}}"#;
    let method = "lgsp.ledger.v1.LedgerService/ListExchanges";
    let mut command = hub.command(&["call", "--as", "tthc", method, request]);
    command.env("LC_ALL", "vi_VN.UTF-8");
    let told = text(&finish(start(command)).stderr);
    assert!(told.starts_with("lỗi: Không có vai trò nào cho phép gọi phương thức này"), "{told}");
}

#[test]
fn options_travel_as_metadata() {
    let hub = Hub::start();
    let request = r#"{"filter":{"application":"purpose"}}"#;
    assert_eq!(hub.call("ListExchanges", request, &[]).status.code(), Some(5));
    let output = hub.call("ListExchanges", request, &["--purpose", "audit"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let output = hub.call("ListExchanges", request, &["--officer", "Nguyễn"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_silent_hub_is_a_passed_deadline_and_not_a_cancelled_call() {
    let hub = Hub::start();
    let request = r#"{"filter":{"application":"silent"}}"#;
    let output = hub.call("ListExchanges", request, &["--deadline", "200ms"]);
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
}

#[test]
fn unknown_names_are_answered_with_the_known_ones() {
    let hub = Hub::start();
    let output = hub.call("ListExchangez", "{}", &[]);
    assert_eq!(output.status.code(), Some(5));
    assert!(text(&output.stderr).contains("ListExchanges, FollowExchanges"), "{}", text(&output.stderr));
    let output = hub.run(&["call", "--as", "tthc", "lgsp.nowhere.v1.NoService/Get"]);
    assert_eq!(output.status.code(), Some(5));
    assert!(text(&output.stderr).contains("lgsp.ledger.v1.LedgerService"), "{}", text(&output.stderr));
}

#[test]
fn a_request_comes_from_standard_input() {
    let hub = Hub::start();
    let method = "lgsp.ledger.v1.LedgerService/ListExchanges";
    let mut command = hub.command(&["call", "--as", "tthc", method, "-"]);
    command.stdin(Stdio::piped());
    let mut child = start(command);
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(br#"{"unknown": 1}"#).expect("written");
    drop(stdin);
    let output = finish(child);
    assert_eq!(output.status.code(), Some(5));
    assert!(text(&output.stderr).contains("pageSize"), "{}", text(&output.stderr));
}

#[test]
fn without_a_hub_the_command_that_starts_one_is_told() {
    let hub = Hub::start();
    let unused = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = unused.local_addr().expect("bound").to_string();
    drop(unused);
    let output = finish(start(command(&address, hub.data.path(), &["exchanges"])));
    assert_eq!(output.status.code(), Some(6));
    let told = text(&output.stderr);
    assert!(told.contains(&address) && told.contains("lgsp up"), "{told}");
}

#[test]
fn a_listener_that_speaks_no_grpc_is_told_apart() {
    let hub = Hub::start();
    let stranger = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = stranger.local_addr().expect("bound").to_string();
    std::thread::spawn(move || {
        for mut connection in stranger.incoming().map_while(Result::ok) {
            let _ = connection.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let output = finish(start(command(&address, hub.data.path(), &["exchanges"])));
    assert_eq!(output.status.code(), Some(6), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains(&address), "{}", text(&output.stderr));
}

#[test]
fn a_piped_list_is_plain_and_its_json_is_one_object_a_line() {
    let hub = Hub::start();
    let output = hub.run(&["exchanges", "--since", "1h"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let plain = text(&output.stdout);
    assert!(!plain.contains('\u{1b}') && plain.lines().count() == 3, "{plain}");
    assert!(plain.contains("2026-06-01 00:00:00.000  tthc"), "{plain}");

    let output = hub.run(&["exchanges", "--output", "json"]);
    let lines = text(&output.stdout);
    assert_eq!(lines.lines().count(), 2);
    for line in lines.lines() {
        let exchange: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(exchange["exchangeId"], ID);
    }
}

#[test]
fn following_opens_the_stream_again_and_ends_cleanly_when_interrupted() {
    let hub = Hub::start();
    let mut child = start(hub.command(&["exchanges", "--follow", "--output", "json"]));
    let (lines, _reading) = first_lines(&mut child, 4);
    assert_eq!(lines.len(), 4, "the hub's stream has two exchanges");
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.expect("kill runs").success());
    let output = finish(child);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("the stream ended"), "{}", text(&output.stderr));
}

#[test]
fn a_reader_that_has_enough_ends_the_command_without_a_word() {
    let hub = Hub::start();
    let mut child = start(hub.command(&["exchanges", "--follow"]));
    let (header, reading) = first_lines(&mut child, 1);
    assert!(header[0].starts_with("admitted (+07:00)"), "{header:?}");
    drop(reading);
    let output = finish(child);
    assert_eq!(output.status.code(), Some(0));
    assert!(!text(&output.stderr).contains("panicked"), "{}", text(&output.stderr));
}

#[test]
fn a_token_needs_no_hub() {
    let hub = Hub::start();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lgsp"));
    command.args(["token", "--as", "tthc", "--data"]).arg(hub.data.path());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = finish(start(command));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).trim().split('.').count(), 3);
    let missing = hub.run(&["services", "--as", "nobody"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("nobody.pem"), "{}", text(&missing.stderr));
}
