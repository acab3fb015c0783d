//! A whole hub whose traces, metrics and log go to a collector, and whose metrics a Prometheus reads.

mod collector;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lgsp_runtime::metrics::Metric;
use lgsp_sample::persons::ALL_FIELDS;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::collector::Collector;

const PATIENCE: Duration = Duration::from_secs(60);
const GET_CITIZEN: &str = "lgsp.population.v1.PopulationService/GetCitizen";
const OFFICER: &str = "canbo.17";
const DOSSIER: &str = "H13.01-260601-0001";

/// Every metric that the hub declares.
fn declared() -> impl Iterator<Item = &'static Metric> {
    let all = [
        lgsp_runtime::metrics::ALL,
        lgsp_bus::metrics::ALL,
        lgsp_gateway::metrics::ALL,
        lgsp_adapter::metrics::ALL,
    ];
    all.into_iter().flatten().copied()
}

/// A hub in a process of its own, which is killed when the test ends.
struct Hub {
    process: Child,
    told: Vec<String>,
    data: tempfile::TempDir,
}

impl Hub {
    fn start(collector: Option<&Collector>) -> Self {
        let data = tempfile::tempdir().expect("a scratch directory");
        let mut command = lgsp(&["up", "--citizens", "100", "--grpc", "127.0.0.1:0", "--data"], data.path());
        command.env("LGSP_LOG", "info");
        if let Some(collector) = collector {
            command.env("LGSP__TELEMETRY__OTLP_ENDPOINT", &collector.endpoint);
        }
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the hub starts");
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let mut told = Vec::new();
        for line in lines {
            let is_last = line.starts_with("Ctrl-C");
            told.push(line);
            if is_last {
                break;
            }
        }
        Self { process, told, data }
    }

    /// The place of a line of the table, such as `gateway`.
    fn place(&self, what: &str) -> &str {
        let rows = self.told.iter().filter_map(|line| line.trim().split_once(' '));
        let place = rows.filter(|(name, _)| *name == what).map(|(_, rest)| rest.split_whitespace().next());
        place.flatten().next().unwrap_or_else(|| panic!("no {what} in {:?}", self.told))
    }

    fn admin(&self) -> &str {
        self.place("state").trim_start_matches("http://").trim_end_matches("/status")
    }

    /// Calls for a person who is there, and returns what the call noted.
    fn call(&self, collector: Option<&Collector>) -> String {
        let request = format!("{{\"personalNumber\":\"{}\"}}", ALL_FIELDS.personal_number);
        let (grpc, options) = (self.place("gateway"), ["--officer", OFFICER, "--dossier", DOSSIER]);
        let call = ["call", "--as", "tthc", "--purpose", "prefill", "-v", "--grpc", grpc];
        let mut command =
            lgsp(&[&call[..], &options, &[GET_CITIZEN, &request, "--data"]].concat(), self.data.path());
        if let Some(collector) = collector {
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint);
        }
        let output = command.output().expect("the call runs");
        let noted = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{noted}");
        noted
    }

    fn end(&mut self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill runs").success());
        until("the end of the hub", || self.process.try_wait().expect("waited for").is_some());
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn lgsp(arguments: &[&str], data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lgsp"));
    command.args(arguments).arg(data).env("LC_ALL", "C").env_remove("LGSP_LOG").stdin(Stdio::null());
    command
}

#[expect(clippy::disallowed_methods, reason = "a test without a runtime waits for a condition under a bound")]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "still not so after {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn get(address: &str, path: &str, accept: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\naccept: {accept}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

fn text(span: &Span, key: &str) -> String {
    let attribute = span.attributes.iter().find(|attribute| attribute.key == key);
    match attribute.and_then(|attribute| attribute.value.as_ref()).and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        _ => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_call_is_one_trace_from_its_client_to_the_source_and_a_collector_has_metrics_and_log_too() {
    let collector = Collector::start();
    let mut hub = Hub::start(Some(&collector));
    let noted = hub.call(Some(&collector));
    let trace = noted.lines().find_map(|line| line.split("trace ").nth(1)).expect("the call tells its trace");
    let open = get(hub.admin(), "/metrics", "application/openmetrics-text");
    hub.end();

    let kept = collector.kept();
    let of = |name: &str| -> Vec<&Span> {
        kept.spans.iter().filter(|span| span.name == name && hex(&span.trace_id) == trace).collect()
    };
    let only = |name: &str| match of(name)[..] {
        [span] => span,
        ref spans => panic!("{} {name} in {trace}", spans.len()),
    };
    let (call, exchange, serve) = (only("call"), only("exchange"), only("serve"));
    assert!(call.parent_span_id.is_empty(), "the client's span is the root");
    assert_eq!(exchange.parent_span_id, call.span_id);
    assert_eq!(serve.parent_span_id, exchange.span_id);
    for span in [call, exchange, serve] {
        assert_eq!(text(span, "rpc.method"), GET_CITIZEN);
    }
    let queries = of("query");
    assert!(!queries.is_empty(), "the source was asked");
    for query in queries {
        assert_eq!(query.parent_span_id, serve.span_id);
        assert_eq!(
            (text(query, "db.system.name"), text(query, "db.operation.name")),
            ("sqlite".to_owned(), "SELECT".to_owned())
        );
    }

    let without_tls = |metric: &&Metric| metric.name != lgsp_gateway::metrics::CERTIFICATE_REMAINING.name;
    for metric in declared().filter(without_tls) {
        assert!(kept.metrics.contains(metric.name), "{} is not in {:?}", metric.name, kept.metrics);
    }
    let said = |line: &str| kept.lines.iter().any(|record| format!("{:?}", record.body).contains(line));
    assert!(said("gateway open"), "{:?}", kept.lines);
    assert!(open.contains(&format!("trace_id=\"{trace}\"")), "a measurement names its trace: {open}");

    let everything = format!("{kept:?}{open}");
    for personal in [ALL_FIELDS.personal_number, OFFICER, DOSSIER] {
        assert!(!everything.contains(personal), "{personal} went to the collector");
    }
}

#[test]
fn what_prometheus_reads_tells_of_the_exchange_and_of_every_role() {
    let hub = Hub::start(None);
    hub.call(None);
    let read = || get(hub.admin(), "/metrics", "text/plain");
    let ended = format!(
        "lgsp_exchange_ended_total{{rpc_method=\"{GET_CITIZEN}\",lgsp_application_id=\"tthc\",lgsp_exchange_outcome=\"SERVED\"}} 1"
    );
    let method = format!("rpc_method=\"{GET_CITIZEN}\"");
    for expected in [
        ended,
        format!("rpc_server_call_duration_seconds_count{{rpc_system_name=\"grpc\",{method},rpc_response_status_code=\"OK\",lgsp_exchange_outcome=\"SERVED\"}} 1"),
        format!("lgsp_exchange_hop_duration_seconds_count{{{method},lgsp_hop=\"provider\"}} 1"),
        format!("lgsp_exchange_hop_duration_seconds_count{{{method},lgsp_hop=\"entry\"}} 1"),
        "lgsp_provider_count{lgsp_domain=\"population\"} 1.0".to_owned(),
        "lgsp_component_condition{lgsp_role=\"adapter-land\",lgsp_component=\"source\",lgsp_condition=\"ready\"} 1.0".to_owned(),
        "lgsp_fact_value{lgsp_role=\"ledger\",lgsp_fact=\"taken-in\"}".to_owned(),
        "messaging_client_sent_messages_total{messaging_system=\"kafka\",messaging_operation_name=\"send\",messaging_destination_name=\"lgsp.exchange\",error_type=\"\"}".to_owned(),
        "messaging_process_duration_seconds_count{messaging_system=\"kafka\",messaging_operation_name=\"process\",messaging_destination_name=\"lgsp.request.population\",error_type=\"\"} 1".to_owned(),
        "db_client_operation_duration_seconds_count{db_system_name=\"sqlite\",db_operation_name=\"SELECT\",lgsp_domain=\"population\",error_type=\"\"}".to_owned(),
    ] {
        until(&expected, || read().contains(&expected));
    }
}

/// A Prometheus that reads a hub, with the alerts of `deploy`, and is killed when the test ends.
struct Prometheus {
    process: Child,
    address: String,
    _dir: tempfile::TempDir,
}

impl Prometheus {
    fn start(program: &str, hub: &Hub) -> Self {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/prometheus/rules.yml");
        let config = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [\"{}\"]\nscrape_configs:\n\
             - {{ job_name: lgsp, static_configs: [ {{ targets: [\"{}\"] }} ] }}\n",
            rules.display(),
            hub.admin()
        );
        std::fs::write(dir.path().join("prometheus.yml"), config).expect("written");
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a port");
        let mut command = Command::new(program);
        command.arg(format!("--config.file={}", dir.path().join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()));
        command.arg(format!("--web.listen-address={port}")).arg("--enable-feature=exemplar-storage");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("prometheus starts");
        let started = Self { process, address: port.to_string(), _dir: dir };
        until("prometheus is there", || TcpStream::connect(&started.address).is_ok());
        started
    }

    fn tells(&self, query: &str) -> bool {
        get(&self.address, &format!("/api/v1/query?query={query}"), "*/*").contains("\"value\":")
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_prometheus_reads_the_hub_and_evaluates_every_alert() {
    let Ok(program) = std::env::var("LGSP_TEST_PROMETHEUS") else {
        assert!(std::env::var("LGSP_REQUIRE_SERVERS").as_deref() != Ok("1"), "needs LGSP_TEST_PROMETHEUS");
        eprintln!("skipped: LGSP_TEST_PROMETHEUS names no prometheus");
        return;
    };
    let hub = Hub::start(None);
    hub.call(None);
    let prometheus = Prometheus::start(&program, &hub);
    // What it cannot parse, it takes in nothing of.
    until("the hub is read", || prometheus.tells("lgsp_build_info"));
    for query in [
        "lgsp_exchange_ended_total",
        "rpc_server_call_duration_seconds_bucket",
        "process_cpu_time_seconds_total",
    ] {
        until(query, || prometheus.tells(query));
    }
    let rules = || get(&prometheus.address, "/api/v1/rules", "*/*");
    until("every alert is evaluated", || {
        rules().contains("\"health\":\"ok\"") && !rules().contains("\"health\":\"unknown\"")
    });
    assert!(!rules().contains("\"health\":\"err\""), "{}", rules());
}
