//! The hub: a data directory as `lgsp up` makes it, its topics, and each role as a process.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, Result, ensure};
use ed25519_dalek::SigningKey;
use lgsp::cli::server::Domain;
use lgsp::config::Config;
use lgsp::layout::{Layout, read_signing_key};
use lgsp_bus::Bus;
use lgsp_core::time::unix_micros;
use lgsp_tlog::{Kind, VerifierKey};
use parking_lot::RwLock;
use tonic::transport::{Channel, Endpoint};

use crate::process::{self, Process};

/// The adapters that are called.
pub const DOMAINS: [Domain; 2] = [Domain::Population, Domain::Land];
pub const GATEWAYS: usize = 2;
/// Who calls: under its agreements for both domains, which have no quota.
pub const APPLICATION: &str = "tthc";
const CITIZENS: u32 = 100;
/// After the deadline of a call whose gateway was killed; the shipped minute would only make the end of a run longer.
const ABANDON_AFTER: &str = "2s";

/// A role, as there is one process of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Registry,
    Ledger,
    Adapter(usize),
    Gateway(usize),
}

impl Role {
    /// In the order in which they are started.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        let adapters = (0..DOMAINS.len()).map(Self::Adapter);
        [Self::Registry, Self::Ledger].into_iter().chain(adapters).chain((0..GATEWAYS).map(Self::Gateway))
    }

    pub fn name(self) -> String {
        match self {
            Self::Registry => "registry".to_owned(),
            Self::Ledger => "ledger".to_owned(),
            Self::Adapter(number) => DOMAINS[number].role().to_owned(),
            Self::Gateway(number) => format!("gateway {}", number + 1),
        }
    }

    fn arguments(self) -> Vec<String> {
        match self {
            Self::Registry => vec!["registry".to_owned()],
            Self::Ledger => vec!["ledger".to_owned()],
            Self::Adapter(number) => vec!["adapter".to_owned(), DOMAINS[number].name().to_owned()],
            Self::Gateway(number) => {
                let spool = format!("gateway.entries.spool=spool-{number}");
                ["gateway", "--grpc", "127.0.0.1:0", "--set", &spool].map(str::to_owned).to_vec()
            }
        }
    }
}

/// Where one of the gateways is reached now, and which start of it that is.
#[derive(Clone)]
pub struct Line {
    pub channel: Channel,
    pub instance: Arc<str>,
}

/// What others need of a running hub while its processes come and go.
#[derive(Default)]
pub struct Reached {
    gateways: RwLock<BTreeMap<usize, Line>>,
    ledger: RwLock<String>,
}

impl Reached {
    pub fn gateway(&self, number: usize) -> Line {
        self.gateways.read()[&number].clone()
    }

    /// The admin port of the ledger.
    pub fn ledger(&self) -> String {
        self.ledger.read().clone()
    }
}

pub struct Hub {
    dir: PathBuf,
    config: PathBuf,
    lgsp: PathBuf,
    pub bus: Bus,
    pub reached: Arc<Reached>,
    processes: BTreeMap<Role, Process>,
    starts: usize,
    /// Instances that were killed.
    pub killed: BTreeSet<String>,
}

impl Hub {
    /// Makes keys, rules, a city and topics, and starts every role.
    pub async fn start(dir: &Path, lgsp: &Path, kafka: &str) -> Result<Self> {
        let layout = Layout::new(dir);
        let rules = dir.join("registry");
        layout.make_keys(lgsp_bus::topics::DOMAINS, unix_micros(SystemTime::now()))?;
        lgsp::rules::write_shipped(&layout, &rules)?;
        let city = lgsp_sample::Config { citizens: CITIZENS, seed: lgsp::up::SEED };
        Box::pin(lgsp_sample::load(&layout.sources(), city, |_| ())).await?;
        fs::create_dir_all(dir.join("said"))?;

        let namespace = format!("lgsp-chaos-{:08x}", rand::random::<u32>());
        let config = dir.join("hub.toml");
        let text = format!(
            "[kafka]\nbrokers = \"{kafka}\"\nnamespace = \"{namespace}\"\nrequest-partitions = 4\n\
             reply-partitions = 4\nexchange-partitions = 4\n\n[ledger]\nabandon-after = \"{ABANDON_AFTER}\"\n"
        );
        fs::write(&config, text)?;
        process::run_well(Command::new(lgsp).args(["topics", "apply", "--config"]).arg(&config))?;
        process::run_well(Command::new(lgsp).args(["topics", "check", "--config"]).arg(&config))?;

        let mut options = Config::default().kafka;
        options.brokers = Some(kafka.to_owned());
        options.namespace = namespace;
        let mut hub = Self {
            dir: dir.to_owned(),
            config,
            lgsp: lgsp.to_owned(),
            bus: Bus::open(options)?,
            reached: Arc::default(),
            processes: BTreeMap::new(),
            starts: 0,
            killed: BTreeSet::new(),
        };
        for role in Role::all() {
            hub.start_role(role).await?;
        }
        Ok(hub)
    }

    /// Starts a role, and returns when it is ready.
    pub async fn start_role(&mut self, role: Role) -> Result<()> {
        self.starts += 1;
        let said = self.dir.join(format!("said/{:03} {}", self.starts, role.name()));
        let mut command = Command::new(&self.lgsp);
        command.args(role.arguments()).args(["--admin", "127.0.0.1:0", "--config"]).arg(&self.config);
        command.arg("--data").arg(&self.dir).env("LC_ALL", "C").env_remove("LGSP_LOG");
        let mut process = Process::start(&mut command, said).await.with_context(|| role.name())?;
        match role {
            Role::Gateway(number) => {
                let address = process.address("gateway open").await?;
                let channel = Endpoint::from_shared(format!("http://{address}"))?.connect_lazy();
                let line = Line { channel, instance: process.instance.as_str().into() };
                self.reached.gateways.write().insert(number, line);
            }
            Role::Ledger => *self.reached.ledger.write() = process.admin.clone(),
            Role::Registry | Role::Adapter(_) => {}
        }
        self.processes.insert(role, process);
        Ok(())
    }

    pub fn kill(&mut self, role: Role) -> Result<()> {
        let mut process = self.processes.remove(&role).context("it does not run")?;
        self.killed.insert(process.instance.clone());
        process.kill()
    }

    /// Asks a role to end, which must end well.
    pub async fn end(&mut self, role: Role) -> Result<()> {
        let process = self.processes.remove(&role).context("it does not run")?;
        let status = process.end().await.with_context(|| role.name())?;
        ensure!(status.success(), "{} ends with {status}", role.name());
        Ok(())
    }

    pub fn key_of_application(&self) -> Result<SigningKey> {
        Ok(read_signing_key(&Layout::new(&self.dir).application_key(APPLICATION))?)
    }

    /// The key under which the log's checkpoints are signed.
    pub fn log_key(&self) -> Result<VerifierKey> {
        let key = read_signing_key(&Layout::new(&self.dir).log_key())?.verifying_key();
        Ok(VerifierKey::from_bytes(&Config::default().ledger.origin, Kind::Log, key.as_bytes())?)
    }

    /// Holds the ledger's files against each other: whether all is well, and what was told.
    pub fn check_files(&self) -> Result<(bool, String)> {
        let mut command = Command::new(&self.lgsp);
        command.args(["ledger", "check", "--dir"]).arg(self.dir.join("ledger"));
        command.args(["--log-key", &self.log_key()?.to_string()]);
        let (status, told) = process::run(&mut command)?;
        Ok((status.success(), told.trim().to_owned()))
    }
}
