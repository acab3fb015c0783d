//! A Kafka of a test's own, which it may halt, end and start again. The stories of the whole hub use it too.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// It is stopped, and its data deleted, when this is dropped.
pub struct OwnKafka {
    dir: PathBuf,
    port: u16,
}

#[allow(dead_code, reason = "each test binary uses a part of it")]
impl OwnKafka {
    /// Starts one if the tests are to run on Kafka.
    pub fn start() -> Option<Self> {
        std::env::var_os("LGSP_TEST_KAFKA")?;
        let dir = std::env::temp_dir().join(format!("lgsp-own-kafka-{:08x}", rand::random::<u32>()));
        let own = Self { dir, port: free_ports() };
        own.begin_again();
        Some(own)
    }

    /// Its bootstrap brokers.
    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// It takes connections still, and answers nothing.
    pub fn halt(&self) {
        assert!(self.signal("-STOP"), "Kafka halts");
    }

    /// It answers again after it was halted.
    pub fn go_on(&self) {
        assert!(self.signal("-CONT"), "Kafka goes on");
    }

    /// It is gone, with its connections; its data stays.
    pub fn end(&self) {
        assert!(self.kafka(&["stop"]), "Kafka ends");
    }

    /// It answers again after it was ended, as soon as this returns.
    pub fn begin_again(&self) {
        assert!(self.kafka(&["start", "--port", &self.port.to_string()]), "Kafka starts");
    }

    fn kafka(&self, arguments: &[&str]) -> bool {
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|at| at.join("deploy/kafka/kafka"));
        let script = script.into_iter().find(|script| script.is_file()).expect("it is in the repository");
        let mut command = Command::new(script);
        command.args(arguments).arg("--dir").arg(&self.dir).stdin(Stdio::null()).stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    fn signal(&self, signal: &str) -> bool {
        let Ok(pid) = std::fs::read_to_string(self.dir.join("node-1/pid")) else { return false };
        Command::new("kill").args([signal, pid.trim()]).status().is_ok_and(|status| status.success())
    }
}

impl Drop for OwnKafka {
    fn drop(&mut self) {
        // Who is halted does not hear that it should end. What fails here leaves a process and a folder, and no wrong result.
        self.signal("-CONT");
        self.kafka(&["stop"]);
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A free port whose successor, which the controller takes, is free too.
fn free_ports() -> u16 {
    let free = || {
        let first = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        let both = TcpListener::bind(("127.0.0.1", first)).and(TcpListener::bind(("127.0.0.1", first + 1)));
        both.is_ok().then_some(first)
    };
    (0..100).find_map(|_| free()).expect("two free ports in a row")
}
