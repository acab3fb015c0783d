//! `lgsp top` and `lgsp doctor` before a live hub, and before one that is gone.

use std::time::Duration;

use clap::Parser as _;
use lgsp::cli::{Cli, Command};
use lgsp::client::Lang;
use lgsp::client::top::{Origin, Screen, Told, Watch, draw};
use lgsp::doctor::{self, Verdict};
use lgsp_proto::monitor::v1::LinkState;
use lgsp_proto::population::v1::GetCitizenRequest;
use lgsp_proto::population::v1::population_service_client::PopulationServiceClient;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::fixture::{Hub, PERSON, within};

/// A command line before a hub.
fn command(hub: &Hub, line: &str) -> Command {
    let line = format!("lgsp {line} --data {} --admin {}", hub.data().display(), hub.admin());
    Cli::try_parse_from(line.split_whitespace()).expect("as documented").command
}

fn watch(hub: &Hub) -> Watch {
    let Command::Top(args) = command(hub, &format!("top --grpc {}", hub.grpc())) else { panic!("top") };
    Watch::start(&args.operator, args.admin.clone(), Lang::En)
}

fn screen(told: &Told) -> String {
    let mut terminal = Terminal::new(TestBackend::new(160, 48)).expect("a terminal");
    let now_us = told.at_us.max(1);
    terminal.draw(|frame| draw(frame, &mut Screen::new(Lang::En, false), told, now_us)).expect("drawn");
    terminal.backend().to_string()
}

/// The state of a link, as it is watched.
fn state(told: &Told, id: &str) -> Option<LinkState> {
    told.links.iter().find(|link| link.id == id).map(|link| link.state())
}

async fn citizen(hub: &Hub) {
    let app = hub.tthc();
    let request = GetCitizenRequest { personal_number: PERSON.to_owned() };
    let answer = PopulationServiceClient::new(app.channel.clone()).get_citizen(app.request(request)).await;
    answer.expect("served");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn top_follows_a_live_hub_and_what_is_killed_is_first_on_its_screen() {
    let mut hub = Hub::start(100).await;
    let watch = watch(&hub);
    let told = || watch.told().borrow().clone();
    within("the monitor to tell of every domain", || async {
        let told = told();
        let works = |domain| state(&told, &format!("provider/{domain}")) == Some(LinkState::Working);
        told.origin == Origin::Monitor && ["land", "population", "ledger"].into_iter().all(works)
    })
    .await;
    within("exchanges to be counted", || async {
        citizen(&hub).await;
        let told = told();
        let counted = told.figures.domains.get("population").is_some_and(|rate| rate.per_second > 0.0);
        counted && told.figures.applications.get("tthc").is_some_and(|rate| rate.per_second > 0.0)
    })
    .await;
    let population = told().figures.domains["population"];
    assert!(population.p99.is_some_and(|p99| p99 > 0.0) && population.failed == 0.0, "{population:?}");
    assert!(told().figures.unsealed.is_some() && told().figures.in_flight.is_some());

    hub.kill("adapter-land");
    within("the kill to be told", || async { state(&told(), "provider/land") == Some(LinkState::Down) })
        .await;
    let text = screen(&told());
    let first = text.lines().position(|line| line.contains("provider/land")).expect("on the screen");
    let other = text.lines().position(|line| line.contains("provider/population")).expect("on the screen");
    assert!(first < other, "{text}");
    let change =
        told().changes.iter().any(|change| change.link == "provider/land" && change.to() == LinkState::Down);
    assert!(change, "{:?}", told().changes);
    assert!(told().without_monitor.is_none());
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn top_asks_admin_ports_while_no_monitor_answers_and_says_since_when_nobody_does() {
    let mut hub = Hub::start(100).await;
    hub.kill("monitor");
    let watch = watch(&hub);
    let told = || watch.told().borrow().clone();
    within("the roles to tell themselves", || async {
        let told = told();
        told.origin == Origin::AdminPorts && state(&told, "provider/population") == Some(LinkState::Working)
    })
    .await;
    assert!(told().without_monitor.is_some());
    assert!(screen(&told()).contains("the monitor does not answer"));
    hub.stop().await;
    within("nobody to answer", || async { told().stale_since_us.is_some() }).await;
    let text = screen(&told());
    assert!(text.contains("nobody answers since") && text.contains("provider/population"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_doctor_finds_a_live_hub_well_and_says_what_it_cannot_ask_of_one_that_is_gone() {
    let hub = Hub::start(100).await;
    let Command::Doctor(args) = command(&hub, "doctor") else { panic!("a doctor") };
    let config = hub.host().config.clone();
    let look = || async { Box::pin(doctor::look(&args, &config, Lang::En)).await };
    let verdicts = |findings: &[doctor::Finding], check: &str| -> Vec<Verdict> {
        findings.iter().filter(|it| it.check == check).map(|it| it.verdict).collect()
    };
    // Numbers are told every second: a gateway has rules before it says so.
    within("the roles to be well", || async {
        let found = look().await;
        ["processes", "registry"].into_iter().all(|check| verdicts(&found, check) == [Verdict::Ok])
    })
    .await;
    let found = look().await;
    for check in ["clock", "keys", "versions", "registry", "sources"] {
        let verdicts = verdicts(&found, check);
        assert!(!verdicts.is_empty() && verdicts.iter().all(|it| *it == Verdict::Ok), "{check}: {found:?}");
    }
    let dir = hub.data().to_owned();
    let told = format!("{found:?}");
    let secret = std::fs::read_to_string(dir.join("keys/mac/ledger.key")).expect("a key");
    assert!(!told.contains(&secret[..8]) && !told.contains(PERSON));
    hub.stop().await;
    let found = look().await;
    assert_eq!(verdicts(&found, "processes"), [Verdict::Warning], "its port is known, and nobody answers");
    for check in ["clock", "versions", "registry"] {
        assert_eq!(verdicts(&found, check), [Verdict::Unknown], "{check}");
    }
    tokio::time::timeout(Duration::from_secs(30), look()).await.expect("a doctor waits for nobody for long");
}
