//! What a kill takes down: its own links and no other, by the right cause and in time; and all of it is back when that is over.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lgsp::cli::server::Domain;
use lgsp::config::Config;
use lgsp::layout::make_new_signing_key;
use lgsp::roles::{self, Role};
use lgsp_adapter::health::Probe;
use lgsp_adapter::{Adapter, SourceError};
use lgsp_core::time::{micros, timestamp};
use lgsp_proto::monitor::v1::{GetLinkRequest, LinkChange, LinkState};
use lgsp_runtime::{Instance, State};
use lgsp_store::testing::Database;
use lgsp_store::{Dialect, Options, Store};
use lgsp_tlog::{Kind, SignerKey};
use serde_json::json;
use tonic::service::Routes;

use super::{answered, get, now_us, shown, states, until_down, until_well, well};
use crate::caller::App;
use crate::fixture::{City, Hub, PATIENCE, within};
use crate::sources::city_on_postgresql;

/// What operators are promised: so soon after a kill its links are told to be down.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

/// Adds up the time in which the machine did not let this process run: nobody can tell of anything then.
struct Stalls {
    micros: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Stalls {
    const STEP: Duration = Duration::from_millis(20);

    #[allow(clippy::disallowed_methods, reason = "a thread of its own, which is to see when it is not run")]
    fn begin() -> Self {
        let stalls = Self { micros: Arc::default(), over: Arc::default() };
        let (micros, over) = (stalls.micros.clone(), stalls.over.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let began = Instant::now();
                std::thread::sleep(Self::STEP);
                let late = began.elapsed().saturating_sub(2 * Self::STEP);
                micros.fetch_add(late.as_micros() as u64, Ordering::Relaxed);
            }
        });
        stalls
    }

    fn sum(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }
}

impl Drop for Stalls {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// A kill, and what came of it.
struct Kill {
    at_us: i64,
    at: Instant,
    stalls: Stalls,
}

impl Kill {
    /// To be made just before it.
    fn now() -> Self {
        Self { at_us: now_us(), at: Instant::now(), stalls: Stalls::begin() }
    }

    /// Waits until whatever it takes down has to be told.
    async fn is_told(&self) {
        within("the time for a kill to be told", || async { self.at.elapsed() > TOLD_WITHIN }).await;
    }

    /// Asserts that exactly these links were told to be down until a moment, each by its cause and in time, and that all are well
    /// again. By the moments of the changes themselves: whoever asks may be late.
    async fn took_down(&self, operator: &App, until_us: i64, expected: &[(&str, &str)]) {
        let links = answered(|| states(operator)).await;
        let mut fell = BTreeMap::new();
        for id in links.keys() {
            // The oldest is the last.
            let changes = changes(operator, id, (self.at_us, until_us)).await;
            if let Some(first) = changes.iter().rev().find(|change| change.to() == LinkState::Down) {
                fell.insert(id.as_str(), (first.cause.clone(), first.at.as_ref().map_or(0, micros)));
            }
        }
        let causes: Vec<(&str, &str)> = fell.iter().map(|(id, (cause, _))| (*id, cause.as_str())).collect();
        assert_eq!(causes, expected, "down by the kill");
        let bound = TOLD_WITHIN + self.stalls.sum();
        for (id, (_, at_us)) in &fell {
            let after = Duration::from_micros(u64::try_from(at_us - self.at_us).expect("after the kill"));
            assert!(after <= bound, "{id} was told after {after:?}, and stalls were {:?}", self.stalls.sum());
            let (state, _) = &links[*id];
            assert_eq!(*state, LinkState::Working, "{id} afterwards");
        }
    }
}

/// The changes of a link in a period, newest first.
async fn changes(operator: &App, id: &str, (from_us, until_us): (i64, i64)) -> Vec<LinkChange> {
    let wanted = GetLinkRequest {
        id: id.to_owned(),
        since: Some(timestamp(from_us)),
        until: Some(timestamp(until_us)),
    };
    answered(|| get(operator, wanted.clone())).await.changes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_adapter_takes_down_its_own_provider_and_nothing_else() {
    let mut hub = well().await;
    let operator = hub.app("dieu-hanh");
    let kill = Kill::now();
    hub.kill("adapter-land");
    let down = [("provider/land", "instance-not-heard")];
    until_down(&operator, &down).await;
    kill.is_told().await;
    let source = shown(&operator, "source/land/").await;
    assert_eq!(source.state(), LinkState::Working, "a dead adapter says nothing of its source");
    assert!(source.unknown_since.is_some(), "and that is told");
    let provider = shown(&operator, "provider/land").await;
    assert!(provider.evidence.is_some_and(|it| it.last_sign.is_some()), "since when it is not heard");

    let again_us = now_us();
    let started = roles::adapter::start(hub.host(), Domain::Land).await.expect("it starts");
    hub.adopt(started);
    until_well(&operator).await;
    kill.took_down(&operator, again_us, &down).await;
    within("its end to be written down", || async {
        let changes = changes(&operator, "provider/land", (kill.at_us, now_us())).await;
        let mut states: Vec<LinkState> = changes.iter().map(LinkChange::to).collect();
        // It is heard again before it owns a partition.
        states.dedup();
        // Newest first.
        states == [LinkState::Working, LinkState::Down]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_registry_takes_down_its_own_provider_and_nothing_else() {
    let mut hub = well().await;
    let operator = hub.app("dieu-hanh");
    let kill = Kill::now();
    hub.kill("registry");
    let down = [("provider/registry", "instance-not-heard")];
    until_down(&operator, &down).await;
    kill.is_told().await;
    let again_us = now_us();
    let (started, _) = roles::registry::start(hub.host()).await.expect("it starts");
    hub.adopt(started);
    until_well(&operator).await;
    kill.took_down(&operator, again_us, &down).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_ledger_is_told_although_nothing_is_served_without_it() {
    let mut hub = well().await;
    let operator = hub.app("dieu-hanh");
    let kill = Kill::now();
    hub.kill("ledger");
    // On the embedded broker nobody can ask: what the monitor counts is on the admin port.
    within("the monitor to say so", || async { hub.fact("monitor", "links-down") == 1 }).await;
    kill.is_told().await;
    let down = [("provider/ledger", "instance-not-heard")];
    if !hub.host().bus.is_embedded() {
        until_down(&operator, &down).await;
    }
    assert_eq!(
        super::down_at_a_glance(&hub).await,
        [("provider/ledger".into(), "instance-not-heard".into())]
    );
    let again_us = now_us();
    let (started, fsynced) = roles::ledger::start(hub.host()).await.expect("it starts");
    hub.adopt(started);
    if hub.host().bus.is_embedded() {
        // A gateway on the embedded broker waits for the disk of the ledger that it was started with.
        hub.kill("gateway");
        let mut options = hub.host().config.gateway.clone();
        options.listen = hub.grpc();
        let free = async {
            loop {
                match lgsp_gateway::bind(&options).await {
                    Ok(listener) => break listener,
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        let listener = tokio::time::timeout(PATIENCE, free).await.expect("the port is free again");
        let (started, _) =
            roles::gateway::start(hub.host(), Some(fsynced), listener).await.expect("it starts");
        hub.adopt(started);
    }
    until_well(&operator).await;
    kill.took_down(&operator, again_us, &down).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_broker_is_told_on_the_admin_port_meanwhile_and_takes_no_provider_down() {
    let hub = well().await;
    if !hub.host().bus.is_embedded() {
        eprintln!("skipped: a Kafka that all tests share is not stopped; one is in the stories of processes");
        return;
    }
    let operator = hub.app("dieu-hanh");
    let kill = Kill::now();
    hub.host().bus.lose_broker().expect("embedded");
    let broker = ("broker/kafka".to_owned(), "broker-not-heard".to_owned());
    within("the admin port to say so", || async { super::down_at_a_glance(&hub).await.contains(&broker) })
        .await;
    within("the monitor to say so", || async { hub.fact("monitor", "links-down") == 1 }).await;
    kill.is_told().await;
    assert_eq!(super::down_at_a_glance(&hub).await, [broker], "the admin port says so, and no more");
    let again_us = now_us();
    hub.host().bus.restore_broker().expect("embedded");
    until_well(&operator).await;
    kill.took_down(&operator, again_us, &[("broker/kafka", "broker-not-heard")]).await;
    // Their partitions may be shared out anew afterwards; dead they never were.
    for id in answered(|| states(&operator)).await.keys().filter(|id| id.starts_with("provider/")) {
        let told = changes(&operator, id, (kill.at_us, now_us())).await;
        let dead: Vec<_> = told.iter().filter(|it| it.cause == "instance-not-heard").collect();
        assert!(dead.is_empty(), "{dead:?}");
    }
}

/// A source that can be switched off, and does not answer at all then.
struct Switched(Arc<AtomicBool>);

#[async_trait]
impl Probe for Switched {
    async fn probe(&self, _: tokio::time::Instant) -> Result<(), SourceError> {
        if !self.0.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_does_not_answer_is_down_and_its_provider_is_not() {
    let mut hub = well().await;
    let operator = hub.app("dieu-hanh");
    let on = Arc::new(AtomicBool::new(true));
    let adapter = Adapter {
        domain: "land",
        routes: Routes::default(),
        source: "switched".into(),
        probe: Arc::new(Switched(on.clone())),
    };
    // As often as adapters look by default.
    let every = lgsp_adapter::Options::default().probe_interval;
    let started: Role =
        roles::adapter::serve(hub.host(), "adapter-land-2", adapter, every).await.expect("it starts");
    hub.adopt(started);
    within("the source to be known", || async {
        states(&operator).await.is_ok_and(|states| states.contains_key("source/land/switched"))
    })
    .await;
    until_well(&operator).await;
    let kill = Kill::now();
    on.store(false, Ordering::Relaxed);
    let down = [("source/land/switched", "source-timed-out")];
    until_down(&operator, &down).await;
    kill.is_told().await;
    let again_us = now_us();
    on.store(true, Ordering::Relaxed);
    until_well(&operator).await;
    kill.took_down(&operator, again_us, &down).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_refuses_its_readers_takes_down_the_source_on_it_and_no_other() {
    let Some(database) = city_on_postgresql().await else { return };
    let land = lgsp::sample_data::reader_url(database.url(), Domain::Land.name());
    let city = lgsp_sample::Config { citizens: 100, seed: 1 };
    let hub = Hub::start_with(city, |config| config.land.source.url = land).await;
    let operator = hub.app("dieu-hanh");
    until_well(&operator).await;
    let owner = Store::open(&database.options(), &[]).await.expect("the database is there");
    let say = async |what: &str| {
        let sql = format!("DO $$ BEGIN EXECUTE format('{what}', current_database()); END $$");
        owner.run(&sql).await.expect("done");
    };
    let kill = Kill::now();
    say("REVOKE CONNECT ON DATABASE %I FROM PUBLIC").await;
    let reader = lgsp_sample::READER;
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND usename = '{reader}'"
    );
    owner.run(&end).await.expect("ended");
    within("its source down", || async {
        super::down(&operator)
            .await
            .is_some_and(|down| down.iter().any(|(id, _)| id.starts_with("source/land/")))
    })
    .await;
    kill.is_told().await;
    let source = shown(&operator, "source/land/").await;
    let again_us = now_us();
    say("GRANT CONNECT ON DATABASE %I TO PUBLIC").await;
    until_well(&operator).await;
    kill.took_down(&operator, again_us, &[(source.id.as_str(), "source-unavailable")]).await;
}

/// A witness of a hub that is to start, and what that is told of it.
fn witness(config: &mut Config, dir: &Path, port: u16) -> Config {
    let log = config.data.join(&config.keys.log);
    std::fs::create_dir_all(log.parent().expect("a folder")).expect("made");
    let seed = make_new_signing_key(&log).expect("a key").to_bytes();
    let log = SignerKey::from_seed(&config.ledger.origin, Kind::Log, &seed).expect("a key");
    make_new_signing_key(&dir.join("witness.pem")).expect("a key");
    let mut theirs = Config { data: dir.to_owned(), ..Config::default() };
    theirs.witness.listen = ([127, 0, 0, 1], port).into();
    theirs.witness.name = Some("witness.example/w1".to_owned());
    theirs.witness.key = "witness.pem".into();
    let origin = &config.ledger.origin;
    let watched = json!([{ "origin": origin, "vkeys": [log.verifier().to_string()] }]);
    theirs.witness.logs = serde_json::from_value(watched).expect("a log");
    let theirs = theirs.resolved();
    let key = roles::witness::key(&theirs.witness).expect("a key");
    let asked = json!([{ "url": format!("http://127.0.0.1:{port}"), "vkey": key.verifier().to_string() }]);
    config.ledger.witnesses = serde_json::from_value(asked).expect("a witness");
    theirs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_witness_takes_down_its_own_link_and_nothing_waits_for_it() {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    let mut theirs = None;
    let city = lgsp_sample::Config { citizens: 100, seed: 1 };
    let hub =
        Box::pin(Hub::start_with(city, |config| theirs = Some(witness(config, dir.path(), port)))).await;
    let theirs = theirs.expect("configured");
    let begin = async || {
        let state = State::new(Instance::new("witness", "0"));
        roles::witness::start(&theirs, &state).await.expect("it starts")
    };
    let role = begin().await;
    let operator = hub.app("dieu-hanh");
    until_well(&operator).await;
    let id = "witness/witness.example/w1";
    within("the witness to be known", || async {
        states(&operator).await.is_ok_and(|all| all.get(id).is_some_and(|it| it.0 == LinkState::Working))
    })
    .await;
    let kill = Kill::now();
    drop(role);
    // Whoever asks makes the log grow, and so a checkpoint that is to be cosigned.
    let down = [(id, "witness-silent")];
    until_down(&operator, &down).await;
    kill.is_told().await;
    let again_us = now_us();
    let _role = begin().await;
    until_well(&operator).await;
    kill.took_down(&operator, again_us, &down).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_cannot_file_is_heard_and_its_store_is_told_to_fail() {
    let hub = well().await;
    let operator = hub.app("dieu-hanh");
    let index = format!("sqlite:{}", hub.host().config.ledger.dir.join("index.db").display());
    let intruder = Store::open(&Options::of(index), &[]).await.expect("the index is there");
    let refusal = "CREATE TRIGGER refused BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'no'); END";
    let kill = Kill::now();
    intruder.run(refusal).await.expect("made");
    let down = [("source/ledger/store", "store-failed")];
    until_down(&operator, &down).await;
    kill.is_told().await;
    let again_us = now_us();
    intruder.run("DROP TRIGGER refused").await.expect("dropped");
    until_well(&operator).await;
    kill.took_down(&operator, again_us, &down).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_loses_its_store_is_heard_and_its_store_is_told_to_fail() {
    let city = City::start().await;
    let operator = city.person("dung.vanhanh");
    until_well(&operator).await;
    let store = Store::open(&city.database().options(), &[]).await.expect("the store is there");
    let kill = Kill::now();
    store.run("ALTER TABLE registry_change RENAME TO away").await.expect("renamed");
    let down = [("source/registry/store", "store-failed")];
    until_down(&operator, &down).await;
    kill.is_told().await;
    let again_us = now_us();
    store.run("ALTER TABLE away RENAME TO registry_change").await.expect("renamed");
    until_well(&operator).await;
    kill.took_down(&operator, again_us, &down).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monitor_that_loses_its_store_tells_of_kills_all_the_same_and_writes_them_down_later() {
    for database in Database::each().await {
        Box::pin(told_without_a_store(&database)).await;
    }
}

async fn told_without_a_store(database: &Database) {
    let (city, url) = (lgsp_sample::Config { citizens: 100, seed: 1 }, database.url().to_owned());
    let mut hub = Hub::start_with(city, |config| config.monitor.store = url).await;
    let operator = hub.app("dieu-hanh");
    until_well(&operator).await;
    let store = Store::open(&database.options(), &[]).await.expect("the store is there");
    let schema = match database.dialect() {
        Dialect::Sqlite => "",
        Dialect::Postgres => "lgsp_monitor.",
    };
    let rename = async |from: &str, to: &str| {
        store.run(&format!("ALTER TABLE {schema}{from} RENAME TO {to}")).await.expect("renamed");
    };
    rename("monitor_change", "away").await;
    let kill = Kill::now();
    hub.kill("adapter-land");
    let down = [("provider/land", "instance-not-heard"), ("source/monitor/store", "store-failed")];
    until_down(&operator, &down).await;
    kill.is_told().await;
    let again_us = now_us();
    rename("away", "monitor_change").await;
    let started = roles::adapter::start(hub.host(), Domain::Land).await.expect("it starts");
    hub.adopt(started);
    until_well(&operator).await;
    kill.took_down(&operator, again_us, &down).await;
}
