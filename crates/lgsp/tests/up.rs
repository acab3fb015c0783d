//! `lgsp up` and the roles as processes of their own: how they start, refuse to start, and end.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// How long a process may take to do what it is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a refusal may take. It comes before anything is made.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(10);

fn lgsp(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lgsp"));
    command.args(arguments).env("LC_ALL", "C").env_remove("LGSP_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn up(data: &Path, grpc: &str) -> Command {
    let mut command = lgsp(&["up", "--citizens", "100", "--grpc", grpc, "--data"]);
    command.arg(data);
    command
}

fn signal(process: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &process.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
}

/// Waits for a process to end, and kills one that does not.
fn finish(process: Child, patience: Duration) -> Output {
    let id = process.id().to_string();
    let (done, ended) = mpsc::sync_channel(1);
    std::thread::spawn(move || done.send(process.wait_with_output()));
    let output = ended.recv_timeout(patience);
    if output.is_err() {
        let _ = Command::new("kill").args(["-KILL", &id]).status();
    }
    output.expect("the process ends in time").expect("waited for")
}

/// Reads lines until one begins with the text, in a thread, so that a silent process does not keep the test.
fn lines_until(from: impl std::io::Read + Send + 'static, text: &'static str) -> Vec<String> {
    let (done, read) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut lines = Vec::new();
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let is_last = line.starts_with(text);
            lines.push(line);
            if is_last {
                break;
            }
        }
        done.send(lines)
    });
    read.recv_timeout(PATIENCE).expect("the process tells it in time")
}

/// A hub that says that it is up, and is killed when the test ends.
struct Hub {
    process: Option<Child>,
    told: Vec<String>,
}

impl Hub {
    fn start(mut command: Command) -> Self {
        let mut process = command.spawn().expect("the hub starts");
        let told = lines_until(process.stdout.take().expect("piped"), "Ctrl-C");
        Self { process: Some(process), told }
    }

    /// The place of a line of the table, such as `gateway`.
    fn place(&self, what: &str) -> &str {
        let rows = self.told.iter().filter_map(|line| line.trim().split_once(' '));
        let place = rows.filter(|(name, _)| *name == what).map(|(_, rest)| rest.split_whitespace().next());
        place.flatten().next().unwrap_or_else(|| panic!("no {what} in {:?}", self.told))
    }

    fn signal(&self, name: &str) {
        signal(self.process.as_ref().expect("runs"), name);
    }

    fn errors(&mut self) -> ChildStderr {
        self.process.as_mut().and_then(|process| process.stderr.take()).expect("piped")
    }

    fn finish(mut self) -> Output {
        finish(self.process.take().expect("runs"), PATIENCE)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn check_refused(mut command: Command, code: i32, expected: &[&str]) {
    let began = Instant::now();
    let output = finish(command.spawn().expect("the process starts"), PATIENCE);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}");
    for text in expected {
        assert!(told.contains(text), "{text} is not in: {told}");
    }
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(began.elapsed() < REFUSAL_PATIENCE, "refused after {:?}", began.elapsed());
}

/// A hub over TLS, and its certificate and key, which also vouch for themselves as a caller's.
struct Secure {
    hub: Hub,
    dir: tempfile::TempDir,
    certificate: PathBuf,
    key: PathBuf,
}

impl Secure {
    fn start(settings: impl FnOnce(&str) -> Vec<String>) -> Self {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let tls = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/tests/gateway/tls");
        let (certificate, key) = (tls.join("certificate.pem"), dir.path().join("key.pem"));
        std::fs::copy(tls.join("key.pem"), &key).expect("copied");
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("secret");
        let mut command = up(&dir.path().join("data"), "127.0.0.1:0");
        for (name, file) in [("certificate", &certificate), ("key", &key)] {
            command.args(["--set", &format!("gateway.tls.{name}={}", file.display())]);
        }
        for setting in settings(certificate.to_str().expect("printable")) {
            command.args(["--set", &setting]);
        }
        Self { hub: Hub::start(command), dir, certificate, key }
    }

    /// Lists the services with these options: the exit code, what was told, and the list.
    fn services(&self, options: &[&str]) -> (Option<i32>, String, String) {
        let port = self.hub.place("gateway").rsplit_once(':').expect("an address").1;
        let mut command = lgsp(&["services", "--output", "json", "--grpc", &format!("localhost:{port}")]);
        command.arg("--data").arg(self.dir.path().join("data")).args(options);
        let output = finish(command.spawn().expect("the command starts"), PATIENCE);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), told, String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

#[test]
fn a_gateway_with_a_certificate_is_called_by_who_trusts_its_authority() {
    let secure = Secure::start(|_| Vec::new());
    let (code, told, listed) = secure.services(&["--ca", secure.certificate.to_str().expect("printable")]);
    assert_eq!(code, Some(0), "{told}");
    assert!(listed.contains("lgsp.population.v1.PopulationService"), "{listed}");

    let stranger =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters/health/tests/fhir/tls/stranger.pem");
    let (code, told, _) = secure.services(&["--ca", stranger.to_str().expect("printable")]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("is not trusted") && told.contains("--ca"), "{told}");

    // It depends on who closes first whether its TLS is seen, or only a connection that broke.
    let (code, told, _) = secure.services(&[]);
    assert!(matches!(code, Some(2 | 6)), "{told}");
    assert!(told.contains("speaks TLS") && told.contains("--ca"), "{told}");
}

#[test]
fn a_gateway_that_requires_certificates_is_called_with_one_and_then_needs_no_token() {
    let secure = Secure::start(|ca| {
        vec!["gateway.tls.client-certificates=required".to_owned(), format!("gateway.tls.client-ca=[{ca}]")]
    });
    let (certificate, key) = (secure.certificate.to_str().expect("printable"), secure.key.to_str());
    let shown = ["--ca", certificate, "--cert", certificate, "--cert-key", key.expect("printable")];

    let (code, told, _) = secure.services(&shown[..2]);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("asks for a client certificate") && told.contains("--cert-key"), "{told}");
    let (code, told, _) = secure.services(&shown);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("TOKEN_MISSING") || told.contains("no application"), "{told}");
    let (code, told, _) = secure.services(&[&shown[..], &["--as", "dieu-hanh"]].concat());
    assert_eq!(code, Some(0), "a token that is bound to the certificate: {told}");

    let der = CertificateDer::from_pem_file(certificate).expect("a certificate");
    let entry = format!(
        "\n[[certificate]]\napplication = \"dieu-hanh\"\nsha256 = \"{}\"\nnot-before = 2026-01-01\nnot-after = 2036-01-01\n",
        hex::encode(lgsp_core::entry::sha256(&der))
    );
    let file = secure.dir.path().join("data/registry/credentials.toml");
    let credentials = std::fs::read_to_string(&file).expect("the rules are there");
    std::fs::write(&file, credentials + &entry).expect("written");
    let began = Instant::now();
    loop {
        let (code, told, listed) = secure.services(&shown);
        if code == Some(0) {
            assert!(listed.contains("lgsp.population.v1.PopulationService"), "{listed}");
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{told}");
    }
}

#[test]
fn ctrl_c_drains_and_ends_with_0() {
    let dir = tempfile::tempdir().expect("a scratch directory");
    for name in ["-INT", "-TERM"] {
        let hub = Hub::start(up(dir.path(), "127.0.0.1:0"));
        assert_eq!(Path::new(hub.place("data")), dir.path());
        hub.signal(name);
        let output = hub.finish();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{name}: {told}");
        assert!(told.contains("draining"), "{name}: {told}");
    }
}

#[test]
fn a_hub_with_sample_traffic_says_so_and_ends_in_order() {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let mut command = up(dir.path(), "127.0.0.1:0");
    command.args(["--sample-traffic=6000", "--sample-hours", "always"]);
    let hub = Hub::start(command);
    assert_eq!(hub.place("traffic"), "6000");
    hub.signal("-INT");
    let output = hub.finish();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(!told.contains("within its bound"), "{told}");
}

#[test]
fn sample_traffic_never_counts_as_production() {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let mut command = up(dir.path(), "127.0.0.1:0");
    command.args(["--sample-traffic", "--set", "registry.environment=production"]);
    let output = finish(command.spawn().expect("the process starts"), PATIENCE);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("sample traffic runs in a sandbox only"), "{told}");
}

#[test]
fn a_second_ctrl_c_leaves_at_once() {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let mut command = up(dir.path(), "127.0.0.1:0");
    // Without the second signal, the open stream would keep it longer than the test has patience.
    command.args(["--set", "shutdown.drain=10m"]);
    let mut hub = Hub::start(command);
    let data = dir.path().to_str().expect("UTF-8");
    let follow = ["exchanges", "--follow", "--platform", "--grpc", hub.place("gateway"), "--data", data];
    let mut following = lgsp(&follow).spawn().expect("the command starts");
    // It shows itself once its stream is open: listing is a platform exchange.
    let listed = ["services", "--grpc", hub.place("gateway"), "--data", data];
    let followed = following.stdout.take().expect("piped");
    let watching = std::thread::spawn(move || lines_until(followed, "20"));
    while !watching.is_finished() {
        let output = finish(lgsp(&listed).spawn().expect("the command starts"), PATIENCE);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    hub.signal("-INT");
    let mut errors = BufReader::new(hub.errors());
    let mut told = String::new();
    while !told.contains("draining") {
        assert_ne!(errors.read_line(&mut told).expect("readable"), 0, "{told}");
    }
    hub.signal("-INT");
    let output = hub.finish();
    let _ = following.kill();
    let _ = following.wait();
    let _ = errors.read_to_string(&mut told);
    assert_eq!(output.status.code(), Some(130), "{told}");
}

#[test]
fn a_second_hub_on_one_directory_or_port_is_refused_and_the_first_goes_on() {
    let (dir, other) = (
        tempfile::tempdir().expect("a scratch directory"),
        tempfile::tempdir().expect("a scratch directory"),
    );
    let hub = Hub::start(up(dir.path(), "127.0.0.1:0"));
    let data = dir.path().to_str().expect("UTF-8");
    check_refused(up(dir.path(), "127.0.0.1:0"), 1, &[data, "is in use by another hub"]);
    let grpc = hub.place("gateway").to_owned();
    check_refused(up(other.path(), &grpc), 1, &[&grpc, "something listens there already"]);
    assert!(!other.path().join("sources").exists(), "nothing is made before the port is there");

    let services = lgsp(&["services", "--grpc", &grpc, "--data", data]).output().expect("the command runs");
    assert!(services.status.success(), "{}", String::from_utf8_lossy(&services.stderr));
    hub.signal("-INT");
    assert_eq!(hub.finish().status.code(), Some(0));
}

#[test]
fn a_bad_configuration_ends_with_64_and_every_problem_named() {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let data = dir.path().join("data");
    let mut command = up(&data, "127.0.0.1:0");
    command.args(["--set", "gateway.max-inflight=3", "--set", "shutdown.drain=soon"]);
    check_refused(command, 64, &["gateway.max-inflight: there is no such key", "shutdown.drain: "]);
    assert!(!data.exists(), "nothing is made");

    let mut command = up(&data, "127.0.0.1:0");
    command.env("LGSP__LEDGER__DIRR", "x");
    check_refused(command, 64, &["ledger.dirr", "LGSP__LEDGER__DIRR"]);

    let mut command = up(&data, "127.0.0.1:0");
    command.args(["--config", "/nowhere/hub.toml"]);
    check_refused(command, 64, &["No such file", "(file /nowhere/hub.toml)"]);
    check_refused(up(&data, "0.0.0.0:0"), 64, &["gateway.listen", "no loopback address"]);
}

#[test]
fn a_hub_whose_rules_were_decided_in_a_store_does_not_go_by_its_files_unawares() {
    const STORE: &str = "registry.store=sqlite:registry.db";
    let dir = tempfile::tempdir().expect("a scratch directory");
    let with = |setting: &str| {
        let mut command = up(dir.path(), "127.0.0.1:0");
        command.args(["--set", setting]);
        command
    };
    let end = |hub: Hub| {
        hub.signal("-INT");
        assert_eq!(hub.finish().status.code(), Some(0));
    };
    end(Hub::start(with(STORE)));
    let told = ["registry.db", "registry.store is not set", "--set registry.store=files"];
    check_refused(up(dir.path(), "127.0.0.1:0"), 1, &told);

    // A registry from before kept nothing of its store.
    std::fs::remove_file(dir.path().join("registry/last-published.store")).expect("it was kept");
    check_refused(up(dir.path(), "127.0.0.1:0"), 1, &["--set registry.store=sqlite:registry.db", told[2]]);
    end(Hub::start(with("registry.store=files")));
    end(Hub::start(with(STORE)));

    // The same where the store lies elsewhere.
    let elsewhere = tempfile::tempdir().expect("a scratch directory");
    let mut command = up(elsewhere.path(), "127.0.0.1:0");
    command.args(["--set", &format!("registry.store=sqlite:{}/registry.db", dir.path().display())]);
    end(Hub::start(command));
    check_refused(up(elsewhere.path(), "127.0.0.1:0"), 1, &[dir.path().to_str().expect("UTF-8"), told[2]]);
}

#[test]
fn a_hub_tells_its_environment_and_only_commands_whose_keys_are_good_there() {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let start = |data: &str, environment: &str| {
        let mut command = up(&dir.path().join(data), "127.0.0.1:0");
        let store = format!("registry.store=sqlite:{}/registry.db", dir.path().display());
        command.args(["--set", &store, "--set", &format!("registry.environment={environment}")]);
        Hub::start(command)
    };
    let offers = |hub: &Hub, command: &str| hub.told.iter().any(|line| line.contains(command));
    let production = start("production", "production");
    assert_eq!(production.place("environment"), "production");
    for command in ["call --as tthc", "token --as tthc", "exchanges --follow"] {
        assert!(offers(&production, command), "{command}: {:?}", production.told);
    }
    let sandbox = start("sandbox", "sandbox");
    assert_eq!(sandbox.place("environment"), "sandbox");
    assert!(!offers(&sandbox, " --as ") && !offers(&sandbox, "exchanges"), "{:?}", sandbox.told);
    assert!(offers(&sandbox, "keys that were issued for sandbox"), "{:?}", sandbox.told);
}

#[test]
fn a_start_that_fails_names_the_file_and_ends_its_roles_in_order() {
    let dir = tempfile::tempdir().expect("a scratch directory");
    for (setting, file) in [
        ("gateway.tls.certificate=nowhere.pem", "nowhere.pem"),
        ("registry.store=sqlite:nowhere/registry.db", "nowhere/registry.db"),
    ] {
        let mut command = up(dir.path(), "127.0.0.1:0");
        command.args(["--set", setting]);
        if setting.starts_with("gateway.tls") {
            command.args(["--set", "gateway.tls.key=nowhere.key"]);
        }
        let output = finish(command.spawn().expect("the process starts"), PATIENCE);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(file) && !told.contains("panic"), "{told}");
    }
}

#[test]
fn a_role_alone_names_the_kafka_that_it_lacks() {
    for role in [&["registry"][..], &["ledger"], &["gateway"], &["adapter", "land"], &["topics", "check"]] {
        check_refused(lgsp(role), 64, &["kafka.brokers", "--kafka"]);
    }
}

#[test]
fn what_the_command_line_leaves_open_the_file_decides() {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let (file, data) = (dir.path().join("hub.toml"), dir.path().join("the data"));
    let text = format!("data = {:?}\n[gateway]\nlisten = \"127.0.0.1:0\"\n", data.display().to_string());
    std::fs::write(&file, text).expect("written");
    let mut command = lgsp(&["up", "--citizens", "100", "--config"]);
    command.arg(&file);
    let hub = Hub::start(command);
    assert!(data.join("keys").exists());
    assert_ne!(hub.place("gateway"), "127.0.0.1:50051");
    let quoted = format!("--data '{}'", data.display());
    assert!(hub.told.iter().any(|line| line.contains(&quoted)), "{:?}", hub.told);
}
