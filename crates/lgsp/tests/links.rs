//! The monitor and the others as processes of their own, on a Kafka that is halted: what a kill takes down, and nothing else.

#![allow(
    clippy::disallowed_methods,
    reason = "what is waited for is another process, under a bound, and no task waits"
)]

#[path = "../../bus/tests/bus/own_kafka.rs"]
mod own_kafka;
mod processes;

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant, SystemTime};

use lgsp::cli::server::Domain;
use lgsp_core::time::unix_micros;
use serde_json::Value;
use tempfile::TempDir;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use own_kafka::OwnKafka;
use processes::{PATIENCE, Role, data_directory, lgsp, text_of};

/// What operators are promised: so soon after a kill its links are told to be down.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

/// A hub of processes.
struct Site {
    data: TempDir,
    config: String,
}

impl Site {
    fn new(kafka: &OwnKafka) -> Self {
        let data = data_directory();
        let file = data.path().join("hub.toml");
        let few = "request-partitions = 2\nreply-partitions = 2\nexchange-partitions = 2";
        let text = format!("[kafka]\nbrokers = \"{}\"\n{few}\n", kafka.brokers());
        fs::write(&file, text).expect("written");
        let site = Self { data, config: file.to_str().expect("UTF-8").to_owned() };
        let applied = lgsp(&["topics", "apply", "--config", &site.config]).output().expect("it runs");
        assert_eq!(applied.status.code(), Some(0), "{}", text_of(&applied));
        site
    }

    fn start(&self, arguments: &[&str]) -> Role {
        let role = Role::start(arguments, &["--config", &self.config], self.data.path());
        role.until("live", |role| role.get("/livez").0 == 200);
        role
    }

    /// What a command of the operator's prints, line by line; none if it cannot be asked.
    fn told(&self, grpc: &str, command: &[&str]) -> Vec<Value> {
        let mut asked = lgsp(command);
        asked.args(["--output", "json", "--grpc", grpc, "--data"]).arg(self.data.path());
        let output = asked.output().expect("the command runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// Waits until exactly this link is told to be down.
    fn until_down(&self, grpc: &str, expected: &(String, String)) {
        let began = Instant::now();
        loop {
            let told = down(&self.links(grpc));
            if told == std::slice::from_ref(expected) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{told:?} down, and not {expected:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Every link as the monitor tells it, or whoever answers.
    fn links(&self, grpc: &str) -> BTreeMap<String, Value> {
        let told = self.told(grpc, &["status", "--as", "dieu-hanh"]).into_iter();
        told.map(|link| (link["id"].as_str().expect("an id").to_owned(), link)).collect()
    }
}

/// The state of a link or of a change, without what all have before it.
fn state(of: &Value) -> &str {
    of.as_str().and_then(|state| state.strip_prefix("LINK_STATE_")).unwrap_or_default()
}

fn text(of: &Value) -> String {
    of.as_str().unwrap_or_default().to_owned()
}

fn down(links: &BTreeMap<String, Value>) -> Vec<(String, String)> {
    let down = links.iter().filter(|(_, link)| state(&link["state"]) == "DOWN");
    down.map(|(id, link)| (id.clone(), text(&link["cause"]))).collect()
}

/// A kill, and what came of it.
struct Kill {
    at: SystemTime,
    began: Instant,
}

impl Kill {
    /// To be made just before it.
    fn now() -> Self {
        Self { at: SystemTime::now(), began: Instant::now() }
    }

    /// Waits until whatever it takes down has to be told.
    fn is_told(&self) {
        while self.began.elapsed() <= TOLD_WITHIN {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Asserts that exactly this link was told to be down until a moment, by this cause and in time: by the moment of the change
    /// itself.
    fn took_down(&self, site: &Site, grpc: &str, until: SystemTime, expected: &(String, String)) {
        let mut fell = Vec::new();
        for id in site.links(grpc).keys() {
            let shown = site.told(grpc, &["link", "show", "--as", "dieu-hanh", "--since", "10m", id]);
            let changes = shown.first().and_then(|shown| shown["changes"].as_array()).cloned();
            // The oldest is the last.
            for change in changes.unwrap_or_default().iter().rev() {
                let at = OffsetDateTime::parse(&text(&change["at"]), &Rfc3339).expect("a moment");
                let at = SystemTime::from(at);
                if state(&change["to"]) == "DOWN" && at >= self.at && at < until {
                    fell.push(((id.clone(), text(&change["cause"])), at));
                }
            }
        }
        let told: Vec<&(String, String)> = fell.iter().map(|(told, _)| told).collect();
        assert_eq!(told, [expected], "down by the kill");
        let after = unix_micros(fell[0].1) - unix_micros(self.at);
        assert!(
            u128::try_from(after).is_ok_and(|after| after <= TOLD_WITHIN.as_micros()),
            "after {after} µs"
        );
    }
}

#[test]
fn each_killed_process_and_the_broker_take_down_their_own_link_and_nothing_else() {
    let Some(kafka) = OwnKafka::start() else {
        eprintln!("skipped: a hub of processes on a Kafka of its own: needs LGSP_TEST_KAFKA");
        return;
    };
    let site = Site::new(&kafka);
    let registry = site.start(&["registry"]);
    let mut ledger = site.start(&["ledger"]);
    // Every domain of the rules, for one that nobody serves is down.
    let others = Domain::ALL.into_iter().filter(|domain| *domain != Domain::Land);
    let others: Vec<Role> = others.map(|domain| site.start(&["adapter", domain.name()])).collect();
    let mut land = site.start(&["adapter", "land"]);
    let gateway = site.start(&["gateway", "--grpc", "127.0.0.1:0"]);
    let grpc = gateway.address("gateway open");
    let roles = others.iter().chain([&registry, &ledger, &land, &gateway]);
    let ports: Vec<String> = roles.map(|role| format!("\"{}\"", role.admin())).collect();
    let ports = format!("monitor.admin-ports=[{}]", ports.join(", "));
    let monitor = site.start(&["monitor", "--set", &ports]);
    let until_well = || {
        monitor.until("telling that all is well", |_| {
            let links = site.links(&grpc);
            let works = |id: &str| links.get(id).is_some_and(|link| state(&link["state"]) == "WORKING");
            let (domains, platform) = (Domain::ALL.map(Domain::name), ["ledger", "monitor", "registry"]);
            let sources: Vec<&String> = links.keys().filter(|id| id.starts_with("source/")).collect();
            let of = |domain: &str| sources.iter().any(|id| id.starts_with(&format!("source/{domain}/")));
            works("broker/kafka")
                && domains.iter().chain(&platform).all(|name| works(&format!("provider/{name}")))
                && domains.iter().all(|domain| of(domain))
                && sources.iter().all(|id| works(id))
                && down(&links).is_empty()
        });
    };
    until_well();

    let not_heard = |id: &str| (id.to_owned(), "instance-not-heard".to_owned());
    let expected = not_heard("provider/land");
    let kill = Kill::now();
    land.signal("-KILL");
    site.until_down(&grpc, &expected);
    kill.is_told();
    let links = site.links(&grpc);
    let (_, source) = links.iter().find(|(id, _)| id.starts_with("source/land/")).expect("known");
    assert_eq!(state(&source["state"]), "WORKING", "a dead adapter says nothing of its source: {source}");
    assert!(source["unknownSince"].is_string(), "and that is told: {source}");
    let again = SystemTime::now();
    land = site.start(&["adapter", "land"]);
    until_well();
    kill.took_down(&site, &grpc, again, &expected);

    let expected = not_heard("provider/ledger");
    let kill = Kill::now();
    ledger.signal("-KILL");
    site.until_down(&grpc, &expected);
    kill.is_told();
    let again = SystemTime::now();
    ledger = site.start(&["ledger"]);
    until_well();
    kill.took_down(&site, &grpc, again, &expected);

    let expected = ("broker/kafka".to_owned(), "broker-not-heard".to_owned());
    let kill = Kill::now();
    kafka.halt();
    monitor.until("telling of the broker", |role| role.fact("monitor/links-down") == Some(1));
    // Who asks the hub is answered by the admin ports, which the processes have noted.
    site.until_down(&grpc, &expected);
    kill.is_told();
    let again = SystemTime::now();
    kafka.go_on();
    until_well();
    kill.took_down(&site, &grpc, again, &expected);

    for role in [gateway, monitor, land, ledger, registry].into_iter().chain(others) {
        assert_eq!(role.end(), Some(0));
    }
}
