//! The hub, everything on: a gateway with rules, tokens, field filter and entries, the echo service as a provider, and the
//! ledger. Each part has its runtime, and on Kafka a bus of its own, as it has when it runs alone.

mod rules;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result};
use lgsp::cli::client::Key;
use lgsp::client::token::Signer;
use lgsp::config::Config;
use lgsp::layout::{Layout, read_symmetric_key};
use lgsp::roles::{self, Host, Role};
use lgsp_bus::{Fsynced, Health, MacKey, ServeOptions};
use lgsp_core::ApplicationId;
use lgsp_core::time::unix_micros;
use lgsp_runtime::{Instance, Shutdown, State, shutdown};
use lgsp_tests::echo;
use tonic::metadata::{Ascii, MetadataValue};

use crate::cpu::Parts;
use crate::load::{self, Beside, Token};
use crate::slice::{Place, Running, Runtimes, started};

pub use rules::PURPOSE;

const DOMAINS: &[&str] = &[echo::DOMAIN, "ledger"];
/// A token is used for so long, as an application would.
const TOKEN_USED: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts the ledger, the provider and the gateway, in this order.
pub async fn start(place: &Place, runtimes: &Runtimes, parts: &mut Parts) -> Result<Running> {
    let layout = Layout::new(&place.folder);
    layout.make_keys(DOMAINS, unix_micros(SystemTime::now()))?;
    let hosts = Hosts::open(config(place))?;
    if !hosts.gateway.bus.is_embedded() {
        lgsp_bus::topics::apply(&hosts.gateway.bus).await?;
    }
    rules::publish(&hosts.gateway.bus, &layout).await?;
    parts.started(hosts.owner()).await;

    let (ledger, fsynced) = started(&runtimes.ledger, ledger(hosts.ledger.clone())).await?;
    parts.started("ledger").await;
    let adapter = started(&runtimes.adapter, adapter(hosts.adapter.clone(), layout.clone())).await?;
    parts.started("adapter").await;
    let fsynced = hosts.gateway.bus.is_embedded().then_some(fsynced);
    let (gateway, address) = started(&runtimes.gateway, gateway(hosts.gateway.clone(), fsynced)).await?;
    until_ready(&hosts.gateway.state).await?;
    parts.started("gateway").await;

    let token = tokens(&place.folder)?;
    let beside = Beside {
        bulk: Some(load::overload(&runtimes.client, address, token.clone(), rules::BULK).await?),
        interactive: Some(load::overload(&runtimes.client, address, token.clone(), rules::STATISTICS).await?),
    };
    let exchange = load::echo_client(&runtimes.client, address, Some(token)).await?;
    load::until_answered(&exchange).await?;
    parts.started("client").await;
    Ok(Running { exchange, beside, _held: Box::new((hosts, ledger, adapter, gateway)) })
}

fn config(place: &Place) -> Config {
    let mut config = Config { data: place.folder.clone(), ..Config::default() };
    config.gateway.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.kafka.brokers = place.kafka.clone();
    config.kafka.namespace = place.namespace.clone();
    config.kafka.domains = DOMAINS.iter().map(|domain| (*domain).to_owned()).collect();
    config.resolved()
}

/// What each part starts from.
struct Hosts {
    gateway: Host,
    adapter: Host,
    ledger: Host,
}

impl Hosts {
    /// The embedded broker is in a bus, so there all parts share it.
    fn open(config: Config) -> Result<Self> {
        let open = |name: &str| Host::open(config.clone(), State::new(Instance::new(name, "0")));
        let gateway = open("gateway")?;
        let embedded = gateway.bus.is_embedded();
        let alone = |name: &str| {
            let state = State::new(Instance::new(name, "0"));
            if embedded { Ok(Host { state, ..gateway.clone() }) } else { Host::open(config.clone(), state) }
        };
        Ok(Self { adapter: alone("adapter")?, ledger: alone("ledger")?, gateway })
    }

    /// Whose the threads of the buses are: they are few, and idle.
    fn owner(&self) -> &'static str {
        if self.gateway.bus.is_embedded() { "broker" } else { "other" }
    }
}

async fn ledger(host: Host) -> Result<(Role, Fsynced)> {
    let started = roles::ledger::start(&host).await?;
    until_ready(&host.state).await?;
    Ok(started)
}

async fn until_ready(state: &State) -> Result<()> {
    let ready = tokio::time::timeout(PATIENCE, state.until_ready()).await;
    ready.with_context(|| format!("it does not become ready: {}", state.status()))
}

async fn gateway(host: Host, fsynced: Option<Fsynced>) -> Result<(Role, SocketAddr)> {
    let listener = lgsp_gateway::bind(&host.config.gateway).await?;
    let (role, gateway) = roles::gateway::start(&host, fsynced, listener).await?;
    Ok((role, gateway.address))
}

async fn adapter(host: Host, layout: Layout) -> Result<Shutdown> {
    let instance = Instance::new("echo", "0");
    let shutdown = Shutdown::new(host.state.clone(), shutdown::Options::default());
    let key = MacKey::new(read_symmetric_key(&layout.mac_keys().join(format!("{}.key", echo::DOMAIN)))?);
    let (options, routes) = (ServeOptions::default(), echo::routes());
    let serving = lgsp_bus::serve(
        &host.bus,
        options,
        echo::DOMAIN,
        instance.name(),
        key,
        routes,
        Health::new(),
        &shutdown,
    );
    tokio::time::timeout(PATIENCE, serving.await?.until_ready()).await.context("the adapter is not ready")?;
    Ok(shutdown)
}

/// Tokens as an application makes them.
fn tokens(folder: &Path) -> Result<Token> {
    let key = Key { data: folder.to_owned(), key: None, key_id: None };
    let application = ApplicationId::parse(rules::APPLICATION).context("the application's id")?;
    let signer = Signer::open(&application, &key)?;
    let sign = move || anyhow::Ok(format!("Bearer {}", signer.token()?).parse::<MetadataValue<Ascii>>()?);
    let current = Mutex::new((sign()?, Instant::now()));
    Ok(Arc::new(move || {
        let mut current = current.lock().unwrap();
        if current.1.elapsed() > TOKEN_USED {
            *current = (sign().unwrap(), Instant::now());
        }
        current.0.clone()
    }))
}
