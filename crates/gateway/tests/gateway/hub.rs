//! What every test here stands on: an embedded broker, rules, a provider and a gateway of its own.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use ed25519_dalek::{Signer, SigningKey};
use lgsp_bus::{
    Appender, Bus, Health, MacKey, MacKeys, ServeOptions, Serving, Start, Tail, Tailed, serve, topics,
};
use lgsp_core::entry::{SubjectKeys, sha256};
use lgsp_core::time::{month, unix_micros};
use lgsp_gateway::{Gateway, Options, Secrets};
use lgsp_proto::google::rpc;
use lgsp_proto::ledger::v1::{Entry, Erasable, Phase, Sealed};
use lgsp_proto::population::v1::population_service_client::PopulationServiceClient;
use lgsp_proto::population::v1::population_service_server::PopulationServiceServer;
use lgsp_proto::population::v1::{GetCitizenRequest, ListResidentsRequest};
use lgsp_proto::registry::v1::{SignedSnapshot, Snapshot};
use lgsp_runtime::shutdown::Options as ShutdownOptions;
use lgsp_runtime::{Instance, Shutdown, State};
use prost::Message;
use tempfile::TempDir;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::fixture;
use crate::provider::Provider;

/// How long a test waits for what should come soon.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Hub {
    pub bus: Bus,
    pub gateway: Gateway,
    pub state: State,
    pub shutdown: Shutdown,
    pub provider: Provider,
    #[allow(dead_code, reason = "read by the test of traces")]
    pub serving: Serving,
    entries: Tail,
    seen: Vec<(Sealed, Option<Erasable>)>,
    _folder: TempDir,
}

impl Hub {
    pub async fn start() -> Self {
        Self::with(|_| {}, |_| {}).await
    }

    /// Starts a hub whose options and rules were changed, and that has served a call.
    pub async fn with(options: impl FnOnce(&mut Options), rules: impl FnOnce(&mut Snapshot)) -> Self {
        let hub = Self::unused_with(options, rules).await;
        hub.until_called().await;
        hub
    }

    /// Starts a hub whose options and rules were changed.
    pub async fn unused_with(options: impl FnOnce(&mut Options), rules: impl FnOnce(&mut Snapshot)) -> Self {
        let bus = Bus::open(lgsp_bus::Options { request_partitions: 2, ..Default::default() }).unwrap();
        publish(&bus, rules).await;
        let (provider, serving) = provide(&bus).await;

        let folder = tempfile::tempdir().unwrap();
        let mut gateway_options =
            Options { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Options::default() };
        gateway_options.entries.spool = folder.path().to_owned();
        gateway_options.entries.attempts = Duration::from_millis(100);
        options(&mut gateway_options);
        let state = State::new(Instance::new("gateway", "0.0.0"));
        let shutdown = Shutdown::new(state.clone(), ShutdownOptions::default());
        let tcp = lgsp_gateway::bind(&gateway_options).await.unwrap();
        let appender = Appender::new(&bus, "gateway-0", None).unwrap();
        let started = lgsp_gateway::start(gateway_options, tcp, &bus, appender, secrets(), &state, &shutdown);
        let gateway = started.await.unwrap();
        within("a gateway that is ready", state.until_ready()).await;
        within("a provider that is ready", serving.until_ready()).await;
        let entries = bus.tail(topics::EXCHANGE, Start::Beginning).unwrap();
        let seen = Vec::new();
        Self { bus, gateway, state, shutdown, provider, serving, entries, seen, _folder: folder }
    }

    /// Puts other rules in force.
    #[allow(dead_code, reason = "read by the tests of what is revoked")]
    pub async fn change_rules(&self, change: impl FnOnce(&mut Snapshot)) {
        let revision = self.gateway.revision() + 1;
        let changed = |snapshot: &mut Snapshot| {
            snapshot.revision = revision;
            change(snapshot);
        };
        publish(&self.bus, changed).await;
        until("other rules in force", || self.gateway.revision() == revision).await;
    }

    /// The gateway knows who serves once it has heard a heartbeat. Calls before that are not what a test is about.
    async fn until_called(&self) {
        let called = async {
            while self.citizen(crate::provider::KNOWN).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        within("the first call", called).await;
        self.provider.0.store(0, Ordering::Relaxed);
    }

    pub async fn client(&self) -> PopulationServiceClient<Channel> {
        let endpoint = Channel::from_shared(format!("http://{}", self.gateway.address)).unwrap();
        PopulationServiceClient::new(endpoint.connect().await.unwrap())
    }

    pub async fn citizen(&self, number: &str) -> Result<lgsp_proto::population::v1::Citizen, Status> {
        self.citizen_by(citizen_request(number)).await
    }

    pub async fn citizen_by(
        &self,
        request: Request<GetCitizenRequest>,
    ) -> Result<lgsp_proto::population::v1::Citizen, Status> {
        let answer = within("an answer", self.client().await.get_citizen(request)).await?;
        Ok(answer.into_inner().citizen.unwrap())
    }

    /// The first entry of the exchange log, from its beginning, that the condition holds for.
    pub async fn entry(&mut self, what: &str, holds: impl Fn(&Sealed) -> bool) -> (Sealed, Option<Erasable>) {
        if let Some(seen) = self.seen.iter().find(|(sealed, _)| holds(sealed)) {
            return seen.clone();
        }
        loop {
            let Tailed::Record(record) = within(what, self.entries.next()).await.unwrap() else { continue };
            let entry = Entry::decode(record.value.unwrap()).unwrap();
            let sealed = Sealed::decode(entry.sealed).unwrap();
            self.seen.push((sealed.clone(), entry.erasable.clone()));
            if holds(&sealed) {
                return (sealed, entry.erasable);
            }
        }
    }

    /// Does not look at an entry again.
    pub fn forget(&mut self, sequence: u64) {
        self.seen.retain(|(sealed, _)| sealed.sequence != sequence);
    }

    /// The final entry of an exchange.
    pub async fn final_entry(&mut self, exchange: &str) -> (Sealed, Option<Erasable>) {
        let id = lgsp_core::ExchangeId::parse(exchange).unwrap();
        let is_it =
            |sealed: &Sealed| sealed.exchange_id == id.as_bytes()[..] && sealed.phase() == Phase::Final;
        self.entry("a final entry", is_it).await
    }

    /// All entries seen so far of an exchange.
    pub fn seen(&self, exchange: &[u8]) -> Vec<Sealed> {
        self.seen
            .iter()
            .map(|(sealed, _)| sealed)
            .filter(|sealed| sealed.exchange_id == exchange)
            .cloned()
            .collect()
    }

    /// A number of the status, once it is brought up to date.
    pub fn in_flight(&self) -> i64 {
        self.state.fact("in-flight").get()
    }
}

async fn publish(bus: &Bus, change: impl FnOnce(&mut Snapshot)) {
    let key = registry_key();
    for (name, set) in fixture::descriptors() {
        bus.publish(topics::REGISTRY, None, name.as_bytes(), &set, &[]).await.unwrap();
    }
    let mut snapshot = fixture::snapshot();
    change(&mut snapshot);
    let snapshot = snapshot.encode_to_vec();
    let signature = key.sign(&[b"lgsp-snapshot-v1\n", &snapshot[..]].concat()).to_bytes().to_vec();
    let key_id =
        sha256(key.verifying_key().as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let signed = SignedSnapshot { snapshot: snapshot.into(), key_id, signature: signature.into() };
    bus.publish(topics::REGISTRY, None, b"snapshot", &signed.encode_to_vec(), &[]).await.unwrap();
}

async fn provide(bus: &Bus) -> (Provider, Serving) {
    provide_under(bus, "population-1", mac_key()).await
}

/// Starts a provider of that name, whose domain has this key.
pub async fn provide_under(bus: &Bus, name: &str, key: MacKey) -> (Provider, Serving) {
    let provider = Provider::default();
    let routes = Routes::new(PopulationServiceServer::new(provider.clone()));
    let shutdown = Shutdown::new(State::new(Instance::new("adapter", "0.0.0")), ShutdownOptions::default());
    let (options, health) = (ServeOptions::default(), Health::new());
    let serving = serve(bus, options, "population", name, key, routes, health, &shutdown).await;
    (provider, serving.unwrap())
}

fn secrets() -> Secrets {
    let month = month(unix_micros(SystemTime::now()));
    Secrets {
        environment: "sandbox".to_owned(),
        snapshot_keys: vec![registry_key().verifying_key()],
        subjects: SubjectKeys::new([(month, [7; 32])].into()),
        macs: Arc::new(MacKeys::new(BTreeMap::from([("population".to_owned(), mac_key())]))),
    }
}

fn registry_key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

fn mac_key() -> MacKey {
    MacKey::new([42; 32])
}

pub fn authorization() -> String {
    fixture::authorization(unix_micros(SystemTime::now()))
}

/// A request with a good token, a purpose and a dossier.
pub fn granted<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    metadata.insert("authorization", authorization().parse().unwrap());
    metadata.insert("lgsp-purpose", "prefill".parse().unwrap());
    metadata.insert("lgsp-dossier", "H13.01-260601-0001".parse().unwrap());
    request
}

pub fn citizen_request(number: &str) -> Request<GetCitizenRequest> {
    granted(GetCitizenRequest { personal_number: number.to_owned() })
}

pub fn residents_request(count: i32) -> Request<ListResidentsRequest> {
    granted(ListResidentsRequest { ward_code: "31117".to_owned(), page_size: count, ..Default::default() })
}

pub fn exchange_of(metadata: &tonic::metadata::MetadataMap) -> String {
    metadata.get("lgsp-exchange-id").unwrap().to_str().unwrap().to_owned()
}

/// The stable name of a refusal's reason; panics without the details that every refusal has.
pub fn reason(status: &Status) -> String {
    let details = rpc::Status::decode(status.details()).unwrap();
    let find = |name: &str| details.details.iter().find(|detail| detail.type_url.ends_with(name)).unwrap();
    find("google.rpc.LocalizedMessage");
    find("google.rpc.RequestInfo");
    rpc::ErrorInfo::decode(&find("google.rpc.ErrorInfo").value[..]).unwrap().reason
}

pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("no patience left for {what}"))
}

/// Waits until what is told holds.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let holds = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(what, holds).await;
}
