//! A ledger on the embedded broker, and the entries of a gateway.

#![allow(clippy::unwrap_used, dead_code, reason = "each test binary uses a part of it")]

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use lgsp_bus::{Appender, Bus, MacKey, MacKeys, topics};
use lgsp_core::ExchangeId;
use lgsp_core::entry::{salted, seal};
use lgsp_core::time::unix_micros;
use lgsp_ledger::{Abandon, Keys, Ledger, Options};
use lgsp_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use lgsp_proto::ledger::v1::{
    Decision, Entry, Erasable, Exchange, ExchangeFilter, FollowExchangesRequest, GetCompletenessRequest,
    GetCompletenessResponse, ListExchangesRequest, ListExchangesResponse, Outcome, Phase, Sealed,
};
use lgsp_runtime::shutdown;
use lgsp_runtime::{Instance, Shutdown, State};
use lgsp_store::testing::Database;
use lgsp_tlog::{Kind, SignerKey};
use prost::Message;
use sha2::Sha256;
use tokio::time::Instant;
use tonic::Streaming;
use tonic::service::Routes;

pub const PATIENCE: Duration = Duration::from_secs(20);

/// The folder of a ledger.
pub struct Site {
    dir: tempfile::TempDir,
    database: Option<Database>,
}

/// Made where there may be a runtime already, which must not wait.
fn database() -> Database {
    let made = std::thread::spawn(|| {
        tokio::runtime::Runtime::new().unwrap().block_on(Database::postgres()).expect("a server was named")
    });
    made.join().unwrap()
}

impl Site {
    /// With its stores on PostgreSQL if there is a server for tests, and in files otherwise.
    pub fn new() -> Self {
        let has_server = std::env::var_os(lgsp_store::testing::SERVER).is_some();
        Self { database: has_server.then(database), ..Self::in_files() }
    }

    /// With its stores in files, whatever there is.
    pub fn in_files() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), database: None }
    }

    /// The database of its stores.
    pub fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("ledger").join(name)
    }

    pub fn segment(&self, folder: &str, number: u64) -> PathBuf {
        self.path(folder).join(format!("{number:012}.segment"))
    }

    pub fn options(&self) -> Options {
        let store = self.database.as_ref().map(|database| database.url().to_owned()).unwrap_or_default();
        Options { dir: self.dir.path().join("ledger"), store, abandon: Abandon::Never, ..Default::default() }
    }

    pub async fn start(&self, bus: &Bus) -> Running {
        Running::start(self.options(), bus).await
    }
}

/// The MAC key of every domain.
pub const MAC_KEY: [u8; 32] = [7; 32];

/// The ledgers' own key.
pub const DECISIONS_KEY: [u8; 32] = [9; 32];

pub fn keys(bus: &Bus) -> Keys {
    let domains = bus.options().domains.iter();
    let macs = MacKeys::new(domains.map(|domain| (domain.clone(), MacKey::new(MAC_KEY))).collect());
    Keys { macs, log: vec![log_key()], decisions: Some(MacKey::new(DECISIONS_KEY)), former_entries: None }
}

/// The key that signs the log's checkpoints.
pub fn log_key() -> SignerKey {
    SignerKey::from_seed(&Options::default().origin, Kind::Log, &[5; 32]).unwrap()
}

/// Puts a request on its topic as a gateway does, with a deadline that is just over.
pub async fn request(bus: &Bus, exchange: ExchangeId) {
    request_under(MAC_KEY, bus, exchange).await;
}

pub async fn request_under(key: [u8; 32], bus: &Bus, exchange: ExchangeId) {
    let (id, deadline) = (exchange.to_string(), unix_micros(SystemTime::now()).to_string());
    let mut headers: Vec<(&str, &[u8])> = vec![
        ("lgsp-exchange-id", id.as_bytes()),
        ("lgsp-method", b"/lgsp.land.v1.LandService/GetParcel"),
        ("lgsp-deadline", deadline.as_bytes()),
        ("lgsp-application", b"tthc"),
        ("lgsp-purpose", b"prefill"),
    ];
    let mac = mac(key, &headers, b"request");
    headers.push(("lgsp-mac", mac.as_bytes()));
    bus.publish(&topics::request("land"), Some(3), b"", b"request", &headers).await.unwrap();
}

/// The MAC of a request over its headers and value.
fn mac(key: [u8; 32], headers: &[(&str, &[u8])], value: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let named = headers.iter().flat_map(|(name, value)| [name.as_bytes(), *value]);
    for field in [&b"lgsp 1 request"[..]].into_iter().chain(named).chain([value]) {
        mac.update(&(field.len() as u64).to_be_bytes());
        mac.update(field);
    }
    hex::encode(mac.finalize().into_bytes())
}

/// A ledger that runs.
pub struct Running {
    pub ledger: Ledger,
    pub state: State,
    pub appender: Appender,
    shutdown: Shutdown,
}

pub fn bus() -> Bus {
    Bus::open(lgsp_bus::Options::default()).unwrap()
}

impl Running {
    pub async fn start(options: Options, bus: &Bus) -> Self {
        // A ledger that was killed lets go of its folder a moment later.
        let begun = Instant::now();
        loop {
            match Self::try_start(options.clone(), bus).await {
                Ok(running) => return running,
                Err(lgsp_ledger::Error::InUse { .. }) if begun.elapsed() < PATIENCE => {
                    tokio::task::yield_now().await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Without the key of the log.
    pub async fn start_unsigned(options: Options, bus: &Bus) -> Self {
        Self::try_start_with(options, Keys { log: vec![], ..keys(bus) }, bus).await.unwrap()
    }

    /// Under other keys of the log.
    pub async fn start_signed(options: Options, bus: &Bus, log: Vec<SignerKey>) -> Self {
        Self::try_start_with(options, Keys { log, ..keys(bus) }, bus).await.unwrap()
    }

    pub async fn try_start(options: Options, bus: &Bus) -> Result<Self, lgsp_ledger::Error> {
        Self::try_start_with(options, keys(bus), bus).await
    }

    /// With other keys than those of the others.
    pub async fn start_keyed(options: Options, keys: Keys, bus: &Bus) -> Self {
        Self::try_start_with(options, keys, bus).await.unwrap()
    }

    async fn try_start_with(options: Options, keys: Keys, bus: &Bus) -> Result<Self, lgsp_ledger::Error> {
        let state = State::new(Instance::new("ledger", "0.0.0"));
        let shutdown = Shutdown::new(state.clone(), shutdown::Options::default());
        let ledger = lgsp_ledger::start(options, keys, bus, &state, &shutdown).await?;
        let appender = Appender::new(bus, "gateway-0", Some(ledger.fsynced())).unwrap();
        Ok(Self { ledger, state, appender, shutdown })
    }

    pub async fn stop(self) {
        assert_eq!(self.shutdown.run().await, []);
    }

    /// Ends it as a kill would: nothing is filed any more.
    pub fn kill(self) {
        self.shutdown.abandon();
    }

    /// Appends as a gateway does, and waits until it is durable.
    pub async fn append(&self, entry: &Numbered) {
        self.try_append(entry, PATIENCE).await.unwrap();
    }

    pub async fn try_append(&self, entry: &Numbered, patience: Duration) -> Result<(), lgsp_bus::Error> {
        let (key, value) = (entry.exchange.as_bytes(), entry.entry().encode_to_vec());
        self.appender.append_durably(key, value.into(), Instant::now() + patience).await.map(drop)
    }

    pub fn client(&self) -> LedgerServiceClient<Routes> {
        LedgerServiceClient::new(self.ledger.routes()).max_decoding_message_size(8 << 20)
    }

    pub async fn page(
        &self,
        filter: ExchangeFilter,
        page_size: i32,
        page_token: &str,
    ) -> ListExchangesResponse {
        let request =
            ListExchangesRequest { filter: Some(filter), page_size, page_token: page_token.to_owned() };
        self.client().list_exchanges(request).await.unwrap().into_inner()
    }

    pub async fn list(&self, filter: ExchangeFilter) -> Vec<Exchange> {
        self.page(filter, 1_000, "").await.exchanges
    }

    /// All of one exchange, the last phase first.
    pub async fn phases(&self, exchange: ExchangeId) -> Vec<Phase> {
        let filter = ExchangeFilter { exchange_id: exchange.to_string(), ..Default::default() };
        self.list(filter).await.into_iter().map(|exchange| exchange.sealed.unwrap().phase()).collect()
    }

    pub async fn follow(&self, filter: ExchangeFilter) -> Streaming<Exchange> {
        let request = FollowExchangesRequest { filter: Some(filter) };
        self.client().follow_exchanges(request).await.unwrap().into_inner()
    }

    pub async fn completeness(&self) -> GetCompletenessResponse {
        self.client().get_completeness(GetCompletenessRequest {}).await.unwrap().into_inner()
    }

    pub async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !holds(self) {
                tokio::task::yield_now().await;
            }
        });
        assert!(waited.await.is_ok(), "waited in vain: {what}; {}", self.state.status());
    }

    pub fn cause(&self, component: &str) -> String {
        self.state.status()["components"][component]["cause"].as_str().unwrap_or_default().to_owned()
    }

    pub fn leaves(&self) -> i64 {
        self.state.fact("leaves").get()
    }
}

/// An entry of a gateway.
#[derive(Clone)]
pub struct Numbered {
    pub exchange: ExchangeId,
    pub sealed: Sealed,
    signed_under: Option<[u8; 32]>,
}

impl Numbered {
    pub fn new(sequence: u64) -> Self {
        let now = unix_micros(std::time::SystemTime::now());
        let exchange = ExchangeId::new();
        let sealed = Sealed {
            exchange_id: exchange.as_bytes().to_vec().into(),
            phase: Phase::Final.into(),
            gateway: "gateway-1".to_owned(),
            sequence,
            application: "tthc".to_owned(),
            service: "lgsp.population.v1.PopulationService".to_owned(),
            method: "GetCitizen".to_owned(),
            purpose: "prefill".to_owned(),
            decision: Decision::Granted.into(),
            outcome: Outcome::Served.into(),
            admitted_us: now,
            entered_us: now + 1_500,
            ..Default::default()
        };
        Self { exchange, sealed, signed_under: Some(MAC_KEY) }
    }

    pub fn with(mut self, change: impl FnOnce(&mut Sealed)) -> Self {
        change(&mut self.sealed);
        self
    }

    pub fn signed_under(self, key: Option<[u8; 32]>) -> Self {
        Self { signed_under: key, ..self }
    }

    pub fn entry(&self) -> Entry {
        let erasable = Erasable { officer: salted("officer-17"), ..Default::default() };
        let mut entry = seal(self.sealed.clone(), erasable);
        if let Some(key) = self.signed_under {
            entry.sealed = lgsp_bus::entry::sign(&MacKey::new(key), &entry.sealed).into();
        }
        entry
    }
}

pub fn ids(exchanges: &[Exchange]) -> Vec<String> {
    exchanges.iter().map(|exchange| exchange.exchange_id.clone()).collect()
}

pub fn everything() -> ExchangeFilter {
    ExchangeFilter { include_platform: true, ..Default::default() }
}

/// How many erasable parts are stored.
pub async fn erasable_parts(site: &Site) -> i64 {
    let (url, table) = match site.database() {
        Some(database) => (database.url().to_owned(), "lgsp_ledger_erasable.erasable"),
        None => (format!("sqlite:{}", site.path("erasable.db").display()), "erasable"),
    };
    let store = lgsp_store::Store::open_read_only(&lgsp_store::Options::of(url)).await.unwrap();
    let sql = format!("SELECT count(*) AS n FROM {table}");
    let mut reader = store.reader(Instant::now() + PATIENCE).await.unwrap();
    let row = reader.optional(lgsp_store::Query::new(&sql)).await.unwrap().unwrap();
    drop(reader);
    store.close().await;
    row.integer("n").unwrap()
}
