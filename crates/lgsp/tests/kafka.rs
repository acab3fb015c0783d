//! Roles as processes of their own. Each tells its state while Kafka is away; on the Kafka that `LGSP_TEST_KAFKA=host:port` names, all
//! of them together are a hub.

#![allow(
    clippy::disallowed_methods,
    reason = "what is waited for is another process, under a bound, and no task waits"
)]

mod processes;

use std::fs;
use std::process::Command;
use std::time::Duration;

use lgsp::cli::server::Domain;
use tempfile::TempDir;

use processes::{Role, asked, data_directory, lgsp, text_of};

/// Where nobody listens.
const AWAY: &str = "127.0.0.1:1";

#[test]
fn an_adapter_alone_tells_its_state_and_ends_while_kafka_is_away() {
    let data = data_directory();
    for domain in Domain::ALL {
        let role = Role::start(&["adapter", domain.name()], &["--kafka", AWAY], data.path());
        let component = |name: &str| format!("{}/{name}", domain.role());
        let is_ready = |role: &Role| role.condition(&component("source")).as_deref() == Some("ready");
        role.until("on good terms with its source", is_ready);
        role.until("about to serve", |role: &Role| role.condition(&component("requests")).is_some());
        assert_eq!(role.condition(&component("requests")).as_deref(), Some("starting"));
        assert_eq!((role.get("/livez").0, role.get("/readyz").0), (200, 503));
        assert_eq!(role.end(), Some(0), "{domain:?}");
    }
}

/// A data directory and a configuration file for a hub on Kafka, under a namespace of its own, with its topics made.
struct Site {
    data: TempDir,
    config: String,
}

impl Site {
    /// `None`, and says so, without a Kafka.
    fn on_kafka(story: &str, more: &str) -> Option<Self> {
        let Ok(kafka) = std::env::var("LGSP_TEST_KAFKA") else {
            eprintln!("skipped: {story}: needs LGSP_TEST_KAFKA");
            return None;
        };
        let data = data_directory();
        let file = data.path().join("hub.toml");
        let namespace = format!("lgsp-test-{:08x}", rand::random::<u32>());
        let few = "request-partitions = 2\nreply-partitions = 2\nexchange-partitions = 2";
        let text = format!("[kafka]\nbrokers = \"{kafka}\"\nnamespace = \"{namespace}\"\n{few}\n{more}\n");
        fs::write(&file, text).expect("written");
        let site = Self { data, config: file.to_str().expect("UTF-8").to_owned() };
        for (topics, expected) in [("check", Some(1)), ("apply", Some(0)), ("check", Some(0))] {
            let ran = lgsp(&["topics", topics, "--config", &site.config]).output().expect("the command runs");
            assert_eq!(ran.status.code(), expected, "{topics}: {}", text_of(&ran));
        }
        Some(site)
    }

    fn start(&self, arguments: &[&str]) -> Role {
        Role::start(arguments, &["--config", &self.config], self.data.path())
    }

    /// A gateway, and where it listens.
    fn gateway(&self, options: &[&str]) -> (Role, String) {
        let gateway = self.start(&[&["gateway", "--grpc", "127.0.0.1:0"], options].concat());
        let grpc = gateway.address("gateway open");
        (gateway, grpc)
    }

    /// A command that calls a hub there.
    fn client(&self, grpc: &str, arguments: &[&str]) -> Command {
        let mut command = lgsp(arguments);
        command.args(["--grpc", grpc, "--data"]).arg(self.data.path());
        command
    }

    /// The command that asks for a person.
    fn ask(&self, grpc: &str) -> Command {
        let (method, request) = asked()[0].clone();
        let options = ["call", "--as", "tthc", "--purpose", "prefill", "--deadline", "8s"];
        self.client(grpc, &[&options[..], &[method, &request]].concat())
    }
}

#[test]
fn every_role_alone_on_kafka_makes_a_hub_that_serves_all_five_domains() {
    let Some(site) = Site::on_kafka("every role alone on Kafka", "") else { return };
    let mut roles = vec![site.start(&["registry"]), site.start(&["ledger"])];
    roles.extend(Domain::ALL.map(|domain| site.start(&["adapter", domain.name()])));
    let (gateway, grpc) = site.gateway(&[]);
    roles.push(gateway);
    for role in &roles {
        role.until("ready", |role| role.get("/readyz").0 == 200);
    }
    for (method, request) in asked() {
        let purpose = if method.ends_with("VerifyDiploma") { "verify" } else { "prefill" };
        let call = ["call", "--as", "tthc", "--purpose", purpose, method, &request];
        let output = site.client(&grpc, &call).output().expect("the command runs");
        assert_eq!(output.status.code(), Some(0), "{method}: {}", text_of(&output));
    }
    // The gateway first, so that nobody is asked for what nobody serves.
    for role in roles.into_iter().rev() {
        assert_eq!(role.end(), Some(0));
    }
}

#[test]
fn of_several_of_each_role_a_killed_one_is_routed_around_and_what_it_held_is_entered_as_abandoned() {
    let story = "several of each role on Kafka";
    let Some(site) = Site::on_kafka(story, "[ledger]\nabandon-after = \"1s\"") else { return };
    let adapter = || site.start(&["adapter", "population"]);
    let (registry, ledger) = (site.start(&["registry"]), site.start(&["ledger"]));
    let second = site.start(&["ledger", "--set", "ledger.dir=ledger-2"]);
    let (killed, left) = (adapter(), adapter());
    let (gateway, grpc) = site.gateway(&[]);
    let (doomed, doomed_grpc) = site.gateway(&["--set", "gateway.entries.spool=spool-2"]);
    for role in [&registry, &ledger, &second, &killed, &left, &gateway, &doomed] {
        role.until("ready", |role| role.get("/readyz").0 == 200);
    }
    for grpc in [&grpc, &doomed_grpc] {
        let served = site.ask(grpc).output().expect("the command runs");
        assert_eq!(served.status.code(), Some(0), "{}", text_of(&served));
    }

    killed.signal("-KILL");
    let is_served = |_: &Role| site.ask(&grpc).output().is_ok_and(|ran| ran.status.success());
    gateway.until("routing around the killed adapter", is_served);

    // Nobody answers what the second gateway asks, and then it is gone.
    let waiting = loop {
        left.signal("-STOP");
        let mut asking = site.ask(&doomed_grpc).spawn().expect("the command starts");
        let waits = || doomed.fact("gateway/in-flight") == Some(1);
        while !waits() && asking.try_wait().expect("waited for").is_none() {
            std::thread::sleep(Duration::from_millis(20));
        }
        if waits() {
            break asking;
        }
        // On a slow machine its heartbeats were missed before it was asked.
        left.signal("-CONT");
        doomed.until("serving again", |_| {
            site.ask(&doomed_grpc).output().is_ok_and(|ran| ran.status.success())
        });
    };
    doomed.signal("-KILL");
    let broken = waiting.wait_with_output().expect("the command ends");
    assert_eq!(broken.status.code(), Some(6), "{}", text_of(&broken));
    left.signal("-CONT");
    let list = ["exchanges", "--outcome", "abandoned", "--output", "json", "--application", "tthc"];
    let abandoned = |_: &Role| {
        let listed = site.client(&grpc, &list).output().expect("the command runs");
        String::from_utf8_lossy(&listed.stdout).lines().count() == 1
    };
    gateway.until("telling the exchange of the killed gateway, once", abandoned);
    for role in [gateway, left, ledger, second, registry] {
        assert_eq!(role.end(), Some(0));
    }
}
