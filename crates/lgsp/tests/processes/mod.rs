//! Roles as processes of their own, and the data directory that they share.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use lgsp::config::Config;
use lgsp::layout::Layout;
use lgsp_core::time::unix_micros;
use lgsp_sample::persons::ALL_FIELDS;
use serde_json::Value;
use tempfile::TempDir;

/// How long a process may take to do what it is waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// A data directory as `lgsp up` makes it: keys, rules, and the sources of a city.
pub fn data_directory() -> TempDir {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let config = Config { data: dir.path().to_owned(), ..Config::default() }.resolved();
    let layout = Layout::new(dir.path());
    layout.make_keys(lgsp_bus::topics::DOMAINS, unix_micros(SystemTime::now())).expect("keys");
    lgsp::rules::write_shipped(&layout, &config.registry.rules).expect("rules");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let city = lgsp_sample::Config { citizens: 100, seed: lgsp::up::SEED };
    runtime.block_on(lgsp_sample::load(&layout.sources(), city, |_| ())).expect("a city");
    dir
}

pub fn lgsp(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lgsp"));
    command.args(arguments).env("LC_ALL", "C").env_remove("LGSP_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A role in a process of its own, which is killed when the test ends.
pub struct Role {
    name: String,
    process: Child,
    /// Where it tells its state.
    admin: String,
    log: mpsc::Receiver<String>,
}

impl Role {
    pub fn start(arguments: &[&str], options: &[&str], data: &Path) -> Self {
        let mut command = lgsp(arguments);
        command.args(options).args(["--admin", "127.0.0.1:0", "--data"]).arg(data);
        let mut process = command.spawn().expect("the role starts");
        let lines = BufReader::new(process.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let (told, log) = mpsc::channel();
        // Read to its end, so that a full pipe never keeps the process.
        std::thread::spawn(move || lines.for_each(|line| drop(told.send(line))));
        let mut role = Self { name: arguments.join(" "), process, admin: String::new(), log };
        role.admin = role.address("admin port open");
        role
    }

    /// Where it tells its state.
    pub fn admin(&self) -> &str {
        &self.admin
    }

    /// The address of the line of the log that says this.
    pub fn address(&self, says: &str) -> String {
        let line = self.says(says);
        let address = line.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next());
        address.unwrap_or_else(|| panic!("no address: {line}")).to_owned()
    }

    /// The next line of the log that says this.
    pub fn says(&self, says: &str) -> String {
        let began = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(began.elapsed());
            let line = self.log.recv_timeout(left).unwrap_or_else(|_| panic!("{} says no {says}", self.name));
            if line.contains(says) {
                return line;
            }
        }
    }

    /// The status and the body that the admin port answers.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut connection = TcpStream::connect(&self.admin).expect("the admin port is open");
        write!(connection, "GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.admin).expect("asked");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer of HTTP");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("a status"), body.to_owned())
    }

    /// The condition of a component, as `/status` tells it.
    pub fn condition(&self, component: &str) -> Option<String> {
        let status: Value = serde_json::from_str(&self.get("/status").1).expect("JSON");
        status["components"][component]["condition"].as_str().map(str::to_owned)
    }

    /// Why a component is not well, as `/status` tells it.
    pub fn cause(&self, component: &str) -> Option<String> {
        let status: Value = serde_json::from_str(&self.get("/status").1).expect("JSON");
        status["components"][component]["cause"].as_str().map(str::to_owned)
    }

    pub fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < PATIENCE, "{} not {what}: {}", self.name, self.get("/status").1);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A number, as `/status` tells it.
    pub fn fact(&self, name: &str) -> Option<i64> {
        let status: Value = serde_json::from_str(&self.get("/status").1).expect("JSON");
        status["facts"][name].as_i64()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.process.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Asks it to end, and gives its exit code.
    pub fn end(mut self) -> Option<i32> {
        self.signal("-TERM");
        let began = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("waited for") {
                return status.code();
            }
            assert!(began.elapsed() < PATIENCE, "{} does not end", self.name);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One method of each domain, with what a form asks of it.
pub fn asked() -> [(&'static str, String); 5] {
    let record = ALL_FIELDS.record.expect("in every city");
    let by_person = format!(r#"{{"personalNumber":"{}"}}"#, record.personal_number);
    let diploma =
        format!(r#"{{"serialNumber":"{}","fullName":"{}"}}"#, record.diploma_serial, record.full_name);
    [
        ("lgsp.population.v1.PopulationService/GetCitizen", by_person.clone()),
        ("lgsp.land.v1.LandService/ListParcelsByOwner", by_person.clone()),
        ("lgsp.health.v1.HealthService/VerifyInsurance", by_person),
        ("lgsp.education.v1.EducationService/VerifyDiploma", diploma),
        (
            "lgsp.business.v1.BusinessService/GetEnterprise",
            format!(r#"{{"enterpriseCode":"{}"}}"#, record.enterprise_code),
        ),
    ]
}

pub fn text_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
