//! An export whose stream breaks, against a small hub in this process that breaks it: nothing is lost, and nothing is there twice.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use lgsp::layout::Layout;
use lgsp_core::{ExchangeId, Fault, Reason};
use lgsp_proto::ledger::v1::audit_service_server::{AuditService, AuditServiceServer};
use lgsp_proto::ledger::v1::{
    CheckCompletenessRequest, CheckCompletenessResponse, CountExchangesRequest, CountExchangesResponse,
    DecidedResponse, DestroySubjectKeyRequest, DestroySubjectKeyResponse, Disclosure, EraseExchangesRequest,
    Exchange, ExportExchangesRequest, ExportedExchange, ExposedExchange, FollowAuditRequest,
    GetCheckpointRequest, GetCheckpointResponse, GetExchangeRequest, GetExchangeResponse,
    MarkExchangesRequest, ReportExposureRequest, ReportSubjectRequest, SearchExchangesRequest,
    SearchExchangesResponse,
};
use prost::Message as _;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status};

/// Exchanges that there are.
const ALL: usize = 7;

type Told<T> = tokio_stream::Iter<std::vec::IntoIter<Result<T, Status>>>;

/// A log whose streams break off after so many exchanges, each time with the next of these reasons, and then no more.
struct Log {
    breaks: Mutex<Vec<(usize, Reason)>>,
    /// Where each stream was asked to go on, and until when.
    asked: Arc<Mutex<Vec<(String, i64)>>>,
}

fn refusal(reason: Reason) -> Status {
    let told = Fault::new(reason).to_rpc(ExchangeId::parse("019e8cf0-7c00-7000-8000-00000000002a"));
    Status::with_details(Code::from(told.code), told.message.clone(), told.encode_to_vec().into())
}

fn exported(number: usize) -> ExportedExchange {
    let exchange = Exchange { exchange_id: format!("exchange-{number}"), ..Exchange::default() };
    ExportedExchange {
        exchange: Some(exchange),
        officer: format!("=officer, \"{number}\""),
        cursor: number.to_string(),
        ..ExportedExchange::default()
    }
}

#[tonic::async_trait]
impl AuditService for Log {
    type FollowAuditStream = Told<Exchange>;
    type ExportExchangesStream = Told<ExportedExchange>;
    type ReportSubjectStream = Told<Disclosure>;
    type ReportExposureStream = Told<ExposedExchange>;

    async fn export_exchanges(
        &self,
        request: Request<ExportExchangesRequest>,
    ) -> Result<Response<Self::ExportExchangesStream>, Status> {
        let request = request.into_inner();
        let until = request.filter.and_then(|filter| filter.until).map_or(0, |until| until.seconds);
        self.asked.lock().expect("nobody panicked").push((request.after.clone(), until));
        let after = request.after.parse().unwrap_or(0);
        let mut told: Vec<_> = (after + 1..=ALL).map(|number| Ok(exported(number))).collect();
        let mut breaks = self.breaks.lock().expect("nobody panicked");
        if !breaks.is_empty() {
            let (most, reason) = breaks.remove(0);
            told.truncate(most);
            told.push(Err(refusal(reason)));
        }
        Ok(Response::new(tokio_stream::iter(told)))
    }

    async fn search_exchanges(
        &self,
        _: Request<SearchExchangesRequest>,
    ) -> Result<Response<SearchExchangesResponse>, Status> {
        Ok(Response::new(SearchExchangesResponse::default()))
    }

    async fn count_exchanges(
        &self,
        _: Request<CountExchangesRequest>,
    ) -> Result<Response<CountExchangesResponse>, Status> {
        Err(refusal(Reason::NotSealed))
    }

    async fn get_exchange(
        &self,
        _: Request<GetExchangeRequest>,
    ) -> Result<Response<GetExchangeResponse>, Status> {
        Err(refusal(Reason::NotSealed))
    }

    async fn follow_audit(
        &self,
        _: Request<FollowAuditRequest>,
    ) -> Result<Response<Self::FollowAuditStream>, Status> {
        Err(refusal(Reason::NotSealed))
    }

    async fn report_subject(
        &self,
        _: Request<ReportSubjectRequest>,
    ) -> Result<Response<Self::ReportSubjectStream>, Status> {
        Err(refusal(Reason::NotSealed))
    }

    async fn report_exposure(
        &self,
        _: Request<ReportExposureRequest>,
    ) -> Result<Response<Self::ReportExposureStream>, Status> {
        Err(refusal(Reason::NotSealed))
    }

    async fn get_checkpoint(
        &self,
        _: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        Err(refusal(Reason::NotSealed))
    }

    async fn check_completeness(
        &self,
        _: Request<CheckCompletenessRequest>,
    ) -> Result<Response<CheckCompletenessResponse>, Status> {
        Err(refusal(Reason::NotSealed))
    }

    async fn mark_exchanges(
        &self,
        _: Request<MarkExchangesRequest>,
    ) -> Result<Response<DecidedResponse>, Status> {
        Err(refusal(Reason::NotSealed))
    }

    async fn erase_exchanges(
        &self,
        _: Request<EraseExchangesRequest>,
    ) -> Result<Response<DecidedResponse>, Status> {
        Err(refusal(Reason::NotSealed))
    }

    async fn destroy_subject_key(
        &self,
        _: Request<DestroySubjectKeyRequest>,
    ) -> Result<Response<DestroySubjectKeyResponse>, Status> {
        Err(refusal(Reason::NotSealed))
    }
}

/// The small hub, and a directory with the key of its caller.
struct Hub {
    address: String,
    dir: tempfile::TempDir,
    asked: Arc<Mutex<Vec<(String, i64)>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Hub {
    fn that_breaks(breaks: &[(usize, Reason)]) -> Self {
        let dir = tempfile::tempdir().expect("a scratch directory");
        Layout::new(dir.path()).make_application_key("gi").expect("made");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let asked = Arc::default();
        let log = Log { breaks: Mutex::new(breaks.to_vec()), asked: Arc::clone(&asked) };
        let server = tonic::transport::Server::builder().add_service(AuditServiceServer::new(log));
        runtime.spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        Self { address, dir, asked, _runtime: runtime }
    }

    fn export(&self, options: &[&str]) -> Output {
        let data = self.dir.path().display().to_string();
        let mut lgsp = Command::new(env!("CARGO_BIN_EXE_lgsp"));
        lgsp.args(["audit", "export", "--as", "gi", "--data", &data, "--grpc", &self.address]);
        lgsp.args(options).env("LC_ALL", "C").current_dir(self.dir.path()).output().expect("it runs")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where the streams were asked to go on.
    fn afters(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panicked").iter().map(|(after, _)| after.clone()).collect()
    }
}

fn noted(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The exchanges of a file, in its order.
fn exchanges_in(file: &PathBuf) -> Vec<usize> {
    let text = fs::read_to_string(file).expect("there");
    let numbers = text.split("exchange-").skip(1);
    numbers
        .map(|rest| {
            rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|it| it.parse().ok()).expect("a number")
        })
        .collect()
}

#[test]
fn a_stream_that_breaks_is_opened_again_after_the_last_exchange_that_came() {
    let hub = Hub::that_breaks(&[(3, Reason::ReplyLost), (2, Reason::DeadlineExceeded)]);
    let output = hub.export(&["--out", "x.csv"]);
    assert!(output.status.success(), "{}", noted(&output));
    assert_eq!(hub.afters(), ["", "3", "5"]);
    assert_eq!(exchanges_in(&hub.file("x.csv")), (1..=ALL).collect::<Vec<_>>());
    let csv = fs::read_to_string(hub.file("x.csv")).expect("there");
    assert!(csv.contains(",\"'=officer, \"\"1\"\"\","), "{csv}");
    assert!(!hub.file("x.csv.cursor").exists(), "there is nothing to go on with");
    let again = hub.export(&["--out", "x.csv"]);
    assert_eq!(again.status.code(), Some(2), "a finished export stays: {}", noted(&again));
}

#[test]
fn an_export_that_was_given_up_goes_on_when_it_is_started_again() {
    let hub = Hub::that_breaks(&[(4, Reason::RoleMissing)]);
    let options = ["--out", "x.jsonl", "--format", "jsonl", "--officer", "an", "--since", "7d"];
    let given_up = hub.export(&options);
    assert_eq!(given_up.status.code(), Some(3), "{}", noted(&given_up));
    assert_eq!(exchanges_in(&hub.file("x.jsonl")), (1..=4).collect::<Vec<_>>());
    assert!(!hub.file("x.jsonl.manifest").exists());
    let kept = fs::read_to_string(hub.file("x.jsonl.cursor")).expect("kept");
    assert!(!kept.contains("\"an\""), "the officer is nobody's to read: {kept}");
    let other = hub.export(&["--out", "x.jsonl", "--format", "jsonl", "--application", "tthc"]);
    assert_eq!(other.status.code(), Some(2), "another search: {}", noted(&other));

    let resumed = hub.export(&options);
    assert!(resumed.status.success(), "{}", noted(&resumed));
    assert!(noted(&resumed).contains("going on after 4 exchanges"), "{}", noted(&resumed));
    assert_eq!(exchanges_in(&hub.file("x.jsonl")), (1..=ALL).collect::<Vec<_>>());
    assert_eq!(hub.afters(), ["", "4"]);
    let untils: Vec<i64> =
        hub.asked.lock().expect("nobody panicked").iter().map(|(_, until)| *until).collect();
    assert_eq!(untils[0], untils[1], "the period is that of the beginning, as the cursor is");
    let manifest = fs::read_to_string(hub.file("x.jsonl.manifest")).expect("there");
    assert!(manifest.contains("\"checkpoint\": null") && manifest.contains("\n— gi-1 "), "{manifest}");

    let bytes = fs::read(hub.file("x.jsonl")).expect("there");
    let check = || hub.export(&["--check", "x.jsonl"]);
    let mut lgsp = Command::new(env!("CARGO_BIN_EXE_lgsp"));
    let alone = lgsp.args(["audit", "export", "--check", "x.jsonl"]).current_dir(hub.dir.path()).output();
    assert!(alone.expect("it runs").status.success(), "{}", noted(&check()));
    for place in [0, bytes.len() / 2, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        fs::write(hub.file("x.jsonl"), changed).expect("written");
        assert_eq!(check().status.code(), Some(1), "byte {place}");
    }
}
