//! `lgsp witness` as a process of its own, and a hub that asks it.

#![allow(
    clippy::disallowed_methods,
    reason = "what is waited for is another process, under a bound, and no task waits"
)]

mod processes;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Child;
use std::time::Instant;

use lgsp::layout::make_new_signing_key;
use lgsp_tlog::witness::{Request, take};
use lgsp_tlog::{Checkpoint, Edge, Kind, Note, Policy, SignerKey, VerifierKey, leaf_hash, merkle};
use serde_json::Value;
use tempfile::TempDir;

use processes::{PATIENCE, Role, lgsp};

const ORIGIN: &str = "lgsp.local/exchange-log";
const NAME: &str = "witness.example/w1";

/// The folder of a witness's operator.
struct Office {
    dir: TempDir,
    config: PathBuf,
}

impl Office {
    /// One that looks after the log of these keys.
    fn new(vkeys: &[&VerifierKey]) -> Self {
        let dir = tempfile::tempdir().expect("a scratch directory");
        make_new_signing_key(&dir.path().join("witness.pem")).expect("a key");
        let vkeys: Vec<String> = vkeys.iter().map(|key| format!("\"{key}\"")).collect();
        let text = format!(
            "[witness]\nlisten = \"127.0.0.1:0\"\nname = \"{NAME}\"\nkey = \"witness.pem\"\ndir = \"state\"\n\
             logs = [{{ origin = \"{ORIGIN}\", vkeys = [{}] }}]\n",
            vkeys.join(", ")
        );
        let config = dir.path().join("witness.toml");
        std::fs::write(&config, text).expect("written");
        Self { dir, config }
    }

    fn config(&self) -> &str {
        self.config.to_str().expect("printable")
    }

    fn start(&self) -> (Role, String) {
        let role = Role::start(&["witness"], &["--config", self.config()], self.dir.path());
        let address = role.address("witness listens");
        (role, address)
    }

    /// What `lgsp witness status` prints, and its exit code.
    fn status(&self) -> (Option<i32>, Vec<Value>) {
        let mut command =
            lgsp(&["witness", "status", "--output", "json", "--config", self.config(), "--data"]);
        let output = command.arg(self.dir.path()).output().expect("the command runs");
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
    }

    fn vkey(&self) -> VerifierKey {
        self.status().1[0]["vkey"].as_str().expect("a key").parse().expect("a key")
    }
}

/// A log that keeps its leaves in memory.
fn note(edge: &Edge, key: &SignerKey) -> Note {
    let checkpoint = Checkpoint::new(ORIGIN, edge.size(), edge.root()).expect("a checkpoint");
    checkpoint.sign(&[key]).expect("signed")
}

fn ask(address: &str, request: &Request) -> (u16, String) {
    let (mut connection, body) = (TcpStream::connect(address).expect("it listens"), request.to_string());
    let head = format!("POST /add-checkpoint HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    write!(connection, "{head}content-length: {}\r\n\r\n{body}", body.len()).expect("asked");
    answer(connection)
}

fn answer(mut connection: TcpStream) -> (u16, String) {
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer of HTTP");
    (head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), body.to_owned())
}

fn log_key() -> SignerKey {
    SignerKey::from_seed(ORIGIN, Kind::Log, &[1; 32]).expect("a key")
}

#[test]
fn a_witness_cosigns_over_a_kill_names_a_fork_and_never_begins_anew() {
    let key = log_key();
    let office = Office::new(&[key.verifier()]);
    let (role, address) = office.start();
    assert_eq!(role.get("/readyz").0, 200);
    let mut edge = Edge::new();
    let tiles =
        std::collections::BTreeMap::from_iter(edge.grow([leaf_hash(b"one"), leaf_hash(b"two")]).tiles);
    let mut cosigned = note(&edge, &key);
    let (status, body) = ask(&address, &Request::new(0, vec![], cosigned.clone()).expect("a request"));
    assert_eq!(status, 200, "{body}");
    assert_eq!(take(body.as_bytes(), &mut cosigned, &[office.vkey()]), Ok(1));
    // Killed, and not ended.
    drop(role);

    let (role, address) = office.start();
    let (code, told) = office.status();
    assert_eq!((code, told.len(), told[1]["size"].as_u64()), (Some(0), 2, Some(2)));
    let mut fork = Edge::new();
    fork.grow([leaf_hash(b"one"), leaf_hash(b"other")]);
    let (status, _) = ask(&address, &Request::new(2, vec![], note(&fork, &key)).expect("a request"));
    assert_eq!(status, 409);
    assert_eq!(role.condition("witness").as_deref(), Some("degraded"));
    role.says("a log has signed what does not go on what was cosigned");
    let (code, told) = office.status();
    assert_eq!((code, told[2]["standing"].as_str()), (Some(1), Some("two-roots")));
    let proof = merkle::prove_consistency(&tiles, 2, 2).expect("a proof");
    let (status, _) = ask(&address, &Request::new(2, proof, note(&edge, &key)).expect("a request"));
    assert_eq!(status, 200, "the true log goes on");
    assert_eq!(role.end(), Some(0));

    let state = office.dir.path().join("state/cosigned");
    for damage in [&b"{}"[..], b""] {
        std::fs::write(&state, damage).expect("written");
        refused(&office, 1, "is damaged");
    }
    std::fs::remove_file(&state).expect("removed");
    refused(&office, 1, "begin with a new key in a new folder");
}

#[test]
fn a_configuration_that_is_no_witness_s_is_refused() {
    let key = log_key();
    let office = Office::new(&[key.verifier()]);
    let text = std::fs::read_to_string(&office.config).expect("written");
    for (left_out, told) in [("name =", "witness.name"), ("logs =", "witness.logs")] {
        let without: Vec<&str> = text.lines().filter(|line| !line.starts_with(left_out)).collect();
        std::fs::write(&office.config, without.join("\n")).expect("written");
        refused(&office, 64, told);
    }
    std::fs::write(&office.config, text.replace("+A", "+B")).expect("written");
    refused(&office, 64, "witness.logs");
}

fn refused(office: &Office, code: i32, told: &str) {
    let mut command = lgsp(&["witness", "--config", office.config(), "--data"]);
    let output = command.arg(office.dir.path()).output().expect("the command runs");
    let text = processes::text_of(&output);
    assert!(output.status.code() == Some(code) && text.contains(told), "{told}: {:?} {text}", output.status);
}

/// A hub that is killed when the test ends.
struct Hub(Child);

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_hub_with_a_witness_shows_checkpoints_that_it_cosigned() {
    let hub = tempfile::tempdir().expect("a scratch directory");
    std::fs::create_dir(hub.path().join("keys")).expect("made");
    let key = make_new_signing_key(&hub.path().join("keys/log.pem")).expect("a key");
    let key = SignerKey::from_seed(ORIGIN, Kind::Log, &key.to_bytes()).expect("a key");
    let office = Office::new(&[key.verifier()]);
    let (_role, address) = office.start();
    let witnesses = format!("witnesses = [{{ url = \"http://{address}\", vkey = \"{}\" }}]", office.vkey());
    let config = office.dir.path().join("hub.toml");
    std::fs::write(&config, format!("[ledger]\n{witnesses}\n")).expect("written");

    let mut command = lgsp(&["up", "--citizens", "100", "--grpc", "127.0.0.1:0", "--config"]);
    let mut up = Hub(command.arg(&config).arg("--data").arg(hub.path()).spawn().expect("the hub starts"));
    let lines = BufReader::new(up.0.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let told: Vec<String> = lines.take_while(|line| !line.starts_with("Ctrl-C")).collect();
    let place = |what: &str| {
        let row = told.iter().find_map(|line| line.trim().strip_prefix(what).map(str::trim));
        row.and_then(|row| row.split_whitespace().next()).unwrap_or_else(|| panic!("no {what}: {told:?}"))
    };
    // A call, so that there is an entry.
    let listed = lgsp(&["services", "--grpc", place("gateway"), "--data"]).arg(hub.path()).output();
    let listed = listed.expect("the command runs");
    assert!(listed.status.success(), "{}", processes::text_of(&listed));

    let admin = place("state").trim_start_matches("http://").trim_end_matches("/status");
    let policy = Policy::new(ORIGIN, vec![key.verifier().clone()], vec![office.vkey()], 1).expect("a policy");
    let began = Instant::now();
    loop {
        let shown = checkpoint(admin);
        let holds = shown.as_ref().and_then(|note| policy.verify(note).ok());
        if holds.is_some_and(|holds| holds.checkpoint.size() >= 1) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "not cosigned: {shown:?}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn checkpoint(admin: &str) -> Option<Note> {
    let mut connection = TcpStream::connect(admin).expect("the admin port is open");
    write!(connection, "GET /checkpoint HTTP/1.1\r\nhost: {admin}\r\n\r\n").expect("asked");
    let (status, body) = answer(connection);
    (status == 200).then(|| Note::parse(body.as_bytes()).expect("a note"))
}
