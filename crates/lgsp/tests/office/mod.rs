//! A hub with a store, and the persons who decide there and look into its log.

#![allow(clippy::missing_panics_doc, dead_code, reason = "each test binary uses a part of it")]

use std::path::PathBuf;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lgsp::config::Config;
use lgsp::{layout, up};
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use tokio::runtime::Runtime;

/// A hub in a scratch directory, and persons whom two administrators have made known.
pub struct Office {
    pub dir: tempfile::TempDir,
    runtime: Runtime,
    hub: Option<up::Hub>,
    pub grpc: String,
}

impl Office {
    /// Opens it for these persons: the name, agency and role of each.
    pub fn open(persons: &[(&str, &str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let runtime = Runtime::new().expect("a runtime");
        let mut office = Self { dir, runtime, hub: None, grpc: String::new() };
        office.start("data");
        persons.iter().for_each(|(person, agency, role)| office.put(person, agency, role));
        office
    }

    /// Starts the hub on a data directory.
    pub fn start(&mut self, data: &str) {
        let mut config = Config { data: self.dir.path().join(data), ..Config::default() };
        config.gateway.listen = ([127, 0, 0, 1], 0).into();
        config.registry.environment = "production".to_owned();
        config.registry.store = "sqlite:registry.db".to_owned();
        let city = lgsp_sample::Config { citizens: 100, seed: up::SEED };
        let hub = self.runtime.block_on(Box::pin(up::start(config, city, |_| ()))).expect("the hub starts");
        self.grpc = hub.grpc.to_string();
        self.hub = Some(hub);
    }

    /// Stops the hub.
    pub fn stop(&mut self) {
        if let Some(hub) = self.hub.take() {
            self.runtime.block_on(hub.stop());
        }
    }

    fn put(&self, person: &str, agency: &str, role: &str) {
        let key = layout::make_new_signing_key(&self.key(person)).expect("made");
        let key = STANDARD.encode(key.verifying_key().as_bytes());
        let until = OffsetDateTime::now_utc() + Duration::days(300);
        let until = until.format(&Rfc3339).expect("a moment");
        let put = format!(
            r#"{{"person": {{"id": "{person}", "agencyCode": "{agency}", "roles": ["{role}"], "credentials":
                [{{"keyId": "{person}-1", "ed25519PublicKey": "{key}", "notAfter": "{until}"}}]}}}}"#
        );
        let proposed = self.administer("admin-1", "PutPerson", &put);
        let etag = proposed["proposal"]["etag"].as_str().expect("it waits").to_owned();
        self.administer("admin-2", "ConfirmPerson", &format!(r#"{{"id": "{person}", "etag": "{etag}"}}"#));
    }

    fn administer(&self, by: &str, method: &str, request: &str) -> Value {
        let key = self.dir.path().join(format!("data/keys/administrators/{by}.pem"));
        let method = format!("lgsp.registry.v1.DecisionService/{method}");
        let output = self.lgsp(&["call", "--as", by, "--key", &key.display().to_string(), &method, request]);
        assert!(output.status.success(), "{}", noted(&output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    pub fn key(&self, person: &str) -> PathBuf {
        self.dir.path().join(format!("{person}.pem"))
    }

    /// A command line at the hub.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut lgsp = Command::new(env!("CARGO_BIN_EXE_lgsp"));
        lgsp.args(words).args(["--grpc", &self.grpc]).env("LC_ALL", "C").current_dir(self.dir.path());
        lgsp
    }

    pub fn lgsp(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("it runs")
    }

    /// A command line of a person.
    pub fn run(&self, person: &str, line: &[&str]) -> Output {
        let key = self.key(person).display().to_string();
        self.lgsp(&[line, &["--as", person, "--key", &key]].concat())
    }

    pub fn close(mut self) {
        self.stop();
    }
}

/// What it says on standard error, without the width of its columns.
pub fn noted(output: &Output) -> String {
    words(&String::from_utf8_lossy(&output.stderr))
}

pub fn words(text: &str) -> String {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
}
