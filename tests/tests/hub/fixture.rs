//! Hubs under test.
//!
//! [`hub`] is the whole hub of `lgsp up`, shared by all stories of good days. An [`EchoHub`] has a gateway, a ledger and the
//! echo service, with rules that the test publishes itself; a story of a bad day starts its own. With
//! `LGSP_TEST_KAFKA=host:port` all of them run on that cluster, each in a namespace of its own.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant, SystemTime};

use ed25519_dalek::{Signer, SigningKey};
use lgsp::config::Config;
use lgsp::layout::{Layout, read_signing_key};
use lgsp::roles::{self, Host, Role};
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_core::{ExchangeId, descriptor_key};
use lgsp_proto::ledger::v1::{Exchange, ExchangeFilter, ListExchangesRequest, Phase};
use lgsp_proto::registry::v1::{
    Agreement, AgreementState, Application, ApplicationState, Credential, DataService, Grant, Purpose,
    Role as RoleRule, ServiceState, SignedSnapshot, Snapshot,
};
use lgsp_runtime::state::Condition;
use lgsp_runtime::{Instance, Shutdown, State, shutdown};
use lgsp_tests::echo;
use lgsp_tests::echo::v1::echo_service_client::EchoServiceClient;
use lgsp_tests::echo::v1::{EchoRequest, EchoResponse};
use prost::Message;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;
use tonic::transport::Channel;
use tonic::{Response, Status, Streaming};

use crate::caller::App;

/// A made-up person who is in every city of the tests.
pub const PERSON: &str = lgsp_sample::persons::ALL_FIELDS.personal_number;
/// How long a story waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until a condition holds. The one patience of all stories.
pub async fn within<F, Fut>(what: &str, mut holds: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "still not so after {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The runtime of hubs that outlive a story: each story has its own runtime, which ends with it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// Runs on the shared runtime.
async fn shared<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    RUNTIME.spawn(work).await.expect("the fixture does not panic")
}

fn scratch() -> TempDir {
    tempfile::tempdir().expect("a scratch directory")
}

/// The configuration of a hub under test: free ports, its own directory, its own namespace on Kafka.
fn config(dir: &Path) -> Config {
    let mut config = Config { data: dir.to_owned(), ..Config::default() };
    config.gateway.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.kafka.brokers = std::env::var("LGSP_TEST_KAFKA").ok();
    config.kafka.namespace = format!("lgsp-test-{:08x}", rand::random::<u32>());
    config.kafka.request_partitions = 4;
    config.kafka.reply_partitions = 2;
    config.kafka.exchange_partitions = 2;
    config
}

fn connect(grpc: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{grpc}")).expect("an address").connect_lazy()
}

// --- the whole hub -------------------------------------------------------------------------------------------------

/// The whole hub of `lgsp up`.
pub struct Hub {
    up: lgsp::up::Hub,
    /// Last, so that it is removed last.
    _dir: Option<TempDir>,
}

static HUB: OnceCell<Hub> = OnceCell::const_new();

/// The whole hub, started once.
pub async fn hub() -> &'static Hub {
    HUB.get_or_init(|| shared(Hub::start(300))).await
}

impl Hub {
    pub async fn start(citizens: u32) -> Self {
        let dir = scratch();
        let up = Self::up(dir.path(), citizens).await.expect("the hub starts");
        Self { up, _dir: Some(dir) }
    }

    /// Starts in a directory that is kept, or in a fresh one; gives the directory to the caller.
    pub async fn start_in(dir: Option<TempDir>) -> (Self, TempDir) {
        let dir = dir.unwrap_or_else(scratch);
        let up = Self::up(dir.path(), 100).await.expect("the hub starts");
        (Self { up, _dir: None }, dir)
    }

    /// The refusal of a start.
    pub async fn try_start_in(dir: &Path) -> Result<(), String> {
        Self::up(dir, 100).await.map(|_| ()).map_err(|error| format!("{error:#}"))
    }

    async fn up(dir: &Path, citizens: u32) -> anyhow::Result<lgsp::up::Hub> {
        lgsp::up::start(config(dir), lgsp_sample::Config { citizens, seed: 1 }, |_| ()).await
    }

    pub async fn stop(self) {
        self.up.stop().await;
    }

    /// Whether a component of a role does its work with nothing to look at.
    pub fn is_well(&self, role: &str, component: &str) -> bool {
        self.up.host.state.scoped(role).condition(component) == Some(Condition::Ready)
    }

    pub fn grpc(&self) -> SocketAddr {
        self.up.grpc
    }

    pub fn data(&self) -> &Path {
        self.up.data()
    }

    pub fn app(&self, id: &str) -> App {
        let key = read_signing_key(&Layout::new(self.data()).application_key(id)).expect("`up` made the key");
        App::new(id, key, connect(self.grpc()))
    }

    /// The administrative procedure system, filling a form.
    pub fn tthc(&self) -> App {
        self.app("tthc").purpose("prefill")
    }

    /// The final entry of an exchange, as the ledger tells it.
    pub async fn final_entry(&self, id: Option<ExchangeId>) -> Exchange {
        final_entry(&self.app("dieu-hanh"), id).await
    }

    /// A call below tonic, whose client adds no deadline of its own.
    pub async fn raw_get_citizen(&self, app: &App, headers: &[(&str, &str)]) -> Status {
        use crate::wire::{Wire, frame, grpc_request};
        let bearer = format!("Bearer {}", app.token());
        let mut all = vec![("authorization", bearer.as_str()), ("lgsp-purpose", "prefill")];
        all.extend_from_slice(headers);
        let path = "/lgsp.population.v1.PopulationService/GetCitizen";
        let request = lgsp_proto::population::v1::GetCitizenRequest { personal_number: PERSON.to_owned() };
        let body = frame(false, &request.encode_to_vec());
        let wire = Wire::connect(self.grpc()).await;
        wire.send(grpc_request(self.grpc(), path, &all), body).await.expect("an answer").grpc()
    }
}

async fn entries_of(operator: &App, filter: ExchangeFilter) -> Vec<Exchange> {
    let request = ListExchangesRequest { filter: Some(filter), page_size: 1_000, ..Default::default() };
    let listed = operator.ledger().list_exchanges(operator.request(request)).await;
    listed.map(|listed| listed.into_inner().exchanges).unwrap_or_default()
}

async fn phases(operator: &App, id: ExchangeId) -> Vec<Exchange> {
    let filter = ExchangeFilter { exchange_id: id.to_string(), include_platform: true, ..Default::default() };
    entries_of(operator, filter).await
}

async fn final_entry(operator: &App, id: Option<ExchangeId>) -> Exchange {
    let id = id.expect("the response named its exchange");
    let found = Mutex::new(None);
    within("the final entry is in the ledger", || async {
        let entries = phases(operator, id).await;
        let last = entries.into_iter().find(|entry| phase_of(entry) == Phase::Final);
        let there = last.is_some();
        *found.lock().expect("one thread") = last;
        there
    })
    .await;
    found.into_inner().expect("one thread").expect("found")
}

fn phase_of(entry: &Exchange) -> Phase {
    entry.sealed.as_ref().map_or(Phase::Unspecified, |sealed| sealed.phase())
}

// --- the echo hub --------------------------------------------------------------------------------------------------

/// A gateway and a ledger with the echo service behind them, under rules of the test's own.
pub struct EchoHub {
    host: Host,
    gateway_role: Role,
    gateway: lgsp_gateway::Gateway,
    ledger: Role,
    fsynced: Option<lgsp_bus::Fsynced>,
    adapters: Mutex<Vec<Shutdown>>,
    serving: Mutex<Vec<lgsp_bus::Serving>>,
    layout: Layout,
    revision: Mutex<u64>,
    rules_state: State,
    app: App,
    operator: App,
    _dir: Arc<TempDir>,
}

static ECHO: OnceCell<EchoHub> = OnceCell::const_new();

impl EchoHub {
    /// One for all stories that leave it as it was.
    pub async fn shared() -> &'static Self {
        ECHO.get_or_init(|| shared(Self::start())).await
    }

    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config) + Send) -> Self {
        let hub = Self::start_without_adapter_with(change).await;
        hub.add_adapter().await;
        within("the echo service answers", || async { hub.echo(EchoRequest::default()).await.is_ok() }).await;
        hub
    }

    pub async fn start_without_adapter() -> Self {
        Self::start_without_adapter_with(|_| ()).await
    }

    async fn start_without_adapter_with(change: impl FnOnce(&mut Config) + Send) -> Self {
        let hub = Self::start_without_rules_with(change).await;
        hub.publish(hub.snapshot()).await;
        hub.host.state.until_ready().await;
        hub
    }

    pub async fn start_without_rules() -> Self {
        Self::start_without_rules_with(|_| ()).await
    }

    async fn start_without_rules_with(change: impl FnOnce(&mut Config) + Send) -> Self {
        Self::compose(change, true).await
    }

    pub async fn start_without_broker(change: impl FnOnce(&mut Config) + Send) -> Self {
        Self::compose(change, false).await
    }

    async fn compose(change: impl FnOnce(&mut Config) + Send, broker_is_there: bool) -> Self {
        let dir = scratch();
        let mut config = config(dir.path());
        config.kafka.domains = vec!["echo".to_owned(), "ledger".to_owned()];
        change(&mut config);
        let config = config.resolved();
        let layout = Layout::new(dir.path());
        layout.make_keys(&["echo", "ledger"], unix_micros(SystemTime::now())).expect("keys");

        let state = State::new(Instance::new("echo-hub", "0"));
        let host = Host::open(config, state.clone()).expect("the bus opens");
        if !host.bus.is_embedded() && broker_is_there {
            lgsp_bus::topics::apply(&host.bus).await.expect("the topics are applied");
        }
        let (ledger, fsynced) = roles::ledger::start(&host).await.expect("the ledger starts");
        let fsynced = host.bus.is_embedded().then_some(fsynced);
        let listener = lgsp_gateway::bind(&host.config.gateway).await.expect("a free port");
        let (gateway_role, gateway) =
            roles::gateway::start(&host, fsynced.clone(), listener).await.expect("the gateway starts");
        let grpc = gateway.address;
        let app = |id: &str| {
            layout.make_application_key(id).expect("a key");
            App::new(id, read_signing_key(&layout.application_key(id)).expect("a key"), connect(grpc))
        };
        Self {
            app: app("tthc").purpose("prefill"),
            operator: app("dieu-hanh"),
            rules_state: state.scoped("gateway"),
            adapters: Mutex::default(),
            serving: Mutex::default(),
            revision: Mutex::new(0),
            _dir: Arc::new(dir),
            layout,
            host,
            gateway_role,
            gateway,
            ledger,
            fsynced,
        }
    }

    // -- rules

    fn snapshot(&self) -> Snapshot {
        let credential = |app: &App| Credential {
            key_id: format!("{}-1", app.id),
            ed25519_public_key: app.key.verifying_key().to_bytes().to_vec().into(),
            ..Default::default()
        };
        let application = |app: &App, roles: &[&str]| Application {
            id: app.id.clone(),
            agency_code: "H13.01".to_owned(),
            state: ApplicationState::Connected.into(),
            credentials: vec![credential(app)],
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            ..Default::default()
        };
        let ledger = lgsp_proto::descriptor_set_of("lgsp.ledger.v1.LedgerService").expect("a contract");
        let grant = |method: &str| Grant {
            method: method.to_owned(),
            fields: ["text", "payload", "persons.personal_number", "number"].map(str::to_owned).to_vec(),
        };
        let now = unix_micros(SystemTime::now());
        Snapshot {
            environment: "sandbox".to_owned(),
            published: Some(timestamp(now)),
            purposes: vec![Purpose { code: "prefill".to_owned(), ..Default::default() }],
            services: vec![
                service(echo::SERVICE, echo::DOMAIN, echo::DESCRIPTOR_SET, false),
                service("lgsp.ledger.v1.LedgerService", "ledger", ledger, true),
            ],
            applications: vec![application(&self.app, &[]), application(&self.operator, &["operator"])],
            roles: vec![RoleRule {
                name: "operator".to_owned(),
                methods: ["ListExchanges", "FollowExchanges", "GetCompleteness"]
                    .map(|method| format!("lgsp.ledger.v1.LedgerService/{method}"))
                    .to_vec(),
            }],
            agreements: vec![Agreement {
                id: "tt-echo".to_owned(),
                version: 1,
                application: self.app.id.clone(),
                service: echo::SERVICE.to_owned(),
                grants: vec![grant("Echo"), grant("Repeat"), grant("Collect")],
                purposes: vec!["prefill".to_owned()],
                valid_from: Some(timestamp(0)),
                valid_to: Some(timestamp(now + 86_400_000_000)),
                legal_basis: "made up".to_owned(),
                state: AgreementState::Active.into(),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    async fn publish(&self, mut snapshot: Snapshot) {
        let ledger = lgsp_proto::descriptor_set_of("lgsp.ledger.v1.LedgerService").expect("a contract");
        for set in [echo::DESCRIPTOR_SET, ledger] {
            let key = descriptor_key(&lgsp_core::entry::sha256(set));
            self.put_rule(key.as_bytes(), set).await;
        }
        snapshot.revision = {
            let mut revision = self.revision.lock().expect("one thread");
            *revision += 1;
            *revision
        };
        let key = read_signing_key(&self.layout.snapshot_key()).expect("a key");
        self.put_rule(b"snapshot", &sign(&key, &snapshot)).await;
    }

    async fn put_rule(&self, key: &[u8], value: &[u8]) {
        let put = self.host.bus.publish(lgsp_bus::topics::REGISTRY, Some(0), key, value, &[]).await;
        put.expect("the broker takes it");
    }

    pub async fn publish_forged_snapshot(&self, revision: u64) {
        let snapshot = Snapshot { revision, ..self.snapshot() };
        self.put_rule(b"snapshot", &sign(&SigningKey::from_bytes(&[3; 32]), &snapshot)).await;
    }

    pub async fn publish_without_credentials(&self) {
        let mut snapshot = self.snapshot();
        snapshot.applications[0].credentials.clear();
        self.publish(snapshot).await;
    }

    /// The revision that the gateway decides by.
    pub fn revision(&self) -> u64 {
        self.gateway.revision()
    }

    pub fn rules_alarm(&self) -> bool {
        self.rules_state.condition("rules") == Some(Condition::Degraded)
    }

    // -- adapters

    pub async fn add_adapter(&self) {
        let state = State::new(Instance::new("echo", "0"));
        let shutdown = Shutdown::new(state.clone(), shutdown::Options::default());
        let instance = Instance::new("echo", "0");
        let key = lgsp::layout::read_symmetric_key(&self.layout.mac_keys().join("echo.key")).expect("a key");
        let serving = lgsp_bus::serve(
            &self.host.bus,
            lgsp_bus::ServeOptions::default(),
            echo::DOMAIN,
            instance.name(),
            lgsp_bus::MacKey::new(key),
            echo::routes(),
            lgsp_bus::Health::new(),
            &shutdown,
        )
        .await
        .expect("the echo service is served");
        serving.until_ready().await;
        self.adapters.lock().expect("one thread").push(shutdown);
        self.serving.lock().expect("one thread").push(serving);
    }

    /// Kills an adapter: it says nothing and finishes nothing.
    pub fn kill_adapter(&self, index: usize) {
        self.adapters.lock().expect("one thread")[index].abandon();
    }

    pub async fn until_listened_for_providers(&self) {
        within("the gateway has listened for providers", || async {
            let status = self.echo_within(EchoRequest::default(), Duration::from_millis(300)).await;
            status.is_err_and(|status| status.code() == tonic::Code::Unavailable)
        })
        .await;
    }

    // -- calls

    pub fn grpc(&self) -> SocketAddr {
        self.gateway.address
    }

    pub fn app(&self) -> App {
        self.app.clone()
    }

    pub fn client(&self) -> EchoServiceClient<Channel> {
        EchoServiceClient::new(self.app.channel.clone()).max_decoding_message_size(16 << 20)
    }

    pub fn load(&self) -> Load {
        Load { app: self.app.clone() }
    }

    pub async fn echo(&self, request: EchoRequest) -> Result<Response<EchoResponse>, Status> {
        self.load().echo(request).await
    }

    pub async fn echo_within(
        &self,
        request: EchoRequest,
        deadline: Duration,
    ) -> Result<Response<EchoResponse>, Status> {
        self.load().echo_within(request, deadline).await
    }

    pub async fn echo_with_token(&self, token: &str) -> Result<Response<EchoResponse>, Status> {
        self.client().echo(self.app.request_with_token(EchoRequest::default(), token)).await
    }

    pub async fn echo_without_purpose(&self) -> Result<Response<EchoResponse>, Status> {
        self.client().echo(self.app().without("lgsp-purpose").request(EchoRequest::default())).await
    }

    pub async fn echo_on_a_new_connection(
        &self,
        request: EchoRequest,
    ) -> Result<Response<EchoResponse>, Status> {
        let mut client = EchoServiceClient::new(connect(self.grpc()));
        client.echo(self.app.clone().timeout(Duration::from_secs(1)).request(request)).await
    }

    pub async fn repeat(&self, request: EchoRequest) -> Result<Response<Streaming<EchoResponse>>, Status> {
        self.client().repeat(self.app.request(request)).await
    }

    pub async fn put_request_as_stranger(&self, value: bytes::Bytes) {
        let topic = lgsp_bus::topics::request(echo::DOMAIN);
        for partition in 0..self.host.bus.options().request_partitions {
            let headers: [(&str, &[u8]); 2] =
                [("lgsp-protocol", b"1"), ("lgsp-method", b"/lgsp.echo.v1.EchoService/Echo")];
            let put = self.host.bus.publish(&topic, Some(partition), b"stranger", &value, &headers).await;
            put.expect("the broker takes anything");
        }
    }

    // -- what is told

    pub fn in_flight(&self) -> usize {
        self.gateway.in_flight()
    }

    pub async fn until_in_flight(&self, expected: usize) {
        within(&format!("{expected} exchanges are in flight"), || async { self.in_flight() == expected })
            .await;
    }

    pub async fn until_served(&self, count: u64) {
        let served = || self.host.bus.stats().entries;
        within("exchanges are served", || async { served() >= count }).await;
    }

    pub fn dead_letters(&self) -> u64 {
        self.host.bus.stats().dead_letters
    }

    pub fn is_ready(&self) -> bool {
        self.host.state.is_ready()
    }

    /// Waits until an adapter works on a request.
    pub async fn until_taken_up(&self) {
        let serving =
            || self.serving.lock().expect("one thread").iter().any(|serving| serving.in_flight() > 0);
        within("an adapter has taken a request up", || async { serving() }).await;
    }

    /// A second gateway on the same bus, and an operator who calls it.
    pub async fn start_another_gateway(&self) -> Survivor {
        let state = State::new(Instance::new("second", "0"));
        let host = Host { state: state.clone(), ..self.host.clone() };
        let listener = lgsp_gateway::bind(&host.config.gateway).await.expect("a free port");
        let mut host = host;
        host.config.gateway.entries.spool = self.layout.root().join("second-spool");
        let (role, gateway) =
            roles::gateway::start(&host, self.fsynced.clone(), listener).await.expect("the gateway starts");
        state.until_ready().await;
        let on_it = |app: &App| app.clone().on(connect(gateway.address));
        Survivor { operator: on_it(&self.operator), load: Load { app: on_it(&self.app) }, _role: role }
    }

    /// How many entries the ledger has taken in.
    pub async fn entries(&self) -> usize {
        let filter = ExchangeFilter { include_platform: false, ..Default::default() };
        entries_of(&self.operator, filter).await.len()
    }

    pub async fn final_entry(&self, id: Option<ExchangeId>) -> Exchange {
        final_entry(&self.operator, id).await
    }

    pub async fn newest_entry(&self) -> Exchange {
        let newest = Mutex::new(None);
        within("an entry is in the ledger", || async {
            *newest.lock().expect("one thread") =
                entries_of(&self.operator, ExchangeFilter::default()).await.into_iter().next();
            newest.lock().expect("one thread").is_some()
        })
        .await;
        newest.into_inner().expect("one thread").expect("found")
    }

    /// The phases of an exchange's entries, oldest first.
    pub async fn phases_of(&self, id: Option<ExchangeId>) -> Vec<Phase> {
        let mut entries = phases(&self.operator, id.expect("named")).await;
        entries.sort_by_key(|entry| entry.sealed.as_ref().map_or(0, |sealed| sealed.sequence));
        entries.iter().map(phase_of).collect()
    }

    pub fn bus(&self) -> &lgsp_bus::Bus {
        &self.host.bus
    }

    /// Kills the gateway: it answers nobody and enters nothing.
    pub fn kill_gateway(&self) {
        self.gateway_role.shutdown.abandon();
    }

    pub async fn stop_ledger(&self) {
        self.ledger.stop().await;
    }
}

/// A gateway that outlives the one that was killed.
pub struct Survivor {
    operator: App,
    load: Load,
    _role: Role,
}

impl Survivor {
    pub async fn echo(&self, request: EchoRequest) -> Result<Response<EchoResponse>, Status> {
        self.load.echo(request).await
    }

    pub async fn newest_entries(&self) -> Vec<Exchange> {
        entries_of(&self.operator, ExchangeFilter::default()).await
    }
}

/// Calls of the echo service that can be moved into a task.
#[derive(Clone)]
pub struct Load {
    app: App,
}

impl Load {
    pub async fn echo(&self, request: EchoRequest) -> Result<Response<EchoResponse>, Status> {
        self.client().echo(self.app.request(request)).await
    }

    pub async fn echo_within(
        &self,
        request: EchoRequest,
        deadline: Duration,
    ) -> Result<Response<EchoResponse>, Status> {
        let mut request = self.app.request(request);
        request.set_timeout(deadline);
        self.client().echo(request).await
    }

    fn client(&self) -> EchoServiceClient<Channel> {
        EchoServiceClient::new(self.app.channel.clone()).max_decoding_message_size(16 << 20)
    }
}

fn service(name: &str, domain: &str, set: &[u8], platform: bool) -> DataService {
    DataService {
        name: name.to_owned(),
        owner_agency_code: "H13.01".to_owned(),
        state: ServiceState::InUse.into(),
        descriptor_sha256: lgsp_core::entry::sha256(set).to_vec().into(),
        domain: domain.to_owned(),
        platform,
        ..Default::default()
    }
}

fn sign(key: &SigningKey, snapshot: &Snapshot) -> Vec<u8> {
    let bytes = snapshot.encode_to_vec();
    let signature = key.sign(&[b"lgsp-snapshot-v1\n".as_slice(), &bytes].concat());
    let key_id = hex::encode(lgsp_core::entry::sha256(key.verifying_key().as_bytes()))[..16].to_owned();
    SignedSnapshot { snapshot: bytes.into(), key_id, signature: signature.to_bytes().to_vec().into() }
        .encode_to_vec()
}
