//! `lgsp up`: every role in one process, with a synthetic city behind it.
//!
//! The path of a start: take the data directory, make what is missing in it (keys, rules, the city), open the bus, start
//! the roles from the ledger upwards, and wait until all are ready. The end goes the other way round: gateway, adapters,
//! ledger, registry, and the broker last.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, bail};
use lgsp_console::Invitations;
use lgsp_core::time::unix_micros;
use lgsp_gateway::ClientCertificates;
use lgsp_registry::Registry;
use lgsp_runtime::{Instance, State, admin};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::admin_ports::{self, Noted};
use crate::cli::client::{DATA, GRPC};
use crate::cli::console::At;
use crate::cli::server::Domain;
use crate::config::Config;
use crate::layout::{DataDir, Layout, read_signing_key};
use crate::roles::{self, Host, Role, VERSION};
use crate::rules;
use crate::traffic;

/// How long the roles may take to become ready before the start is given up.
const READY_PATIENCE: Duration = Duration::from_secs(30);

/// The seed of the city that every new data directory gets.
pub const SEED: u64 = 92;

/// The application and the operator's tool whose keys are tried in the welcome.
const CALLER: &str = "tthc";
const OPERATOR: &str = "dieu-hanh";

/// A step of the start, as it is told to whoever waits.
#[derive(Clone, Debug)]
pub enum Step {
    /// A step has begun.
    Began(&'static str),
    /// So many citizens of so many are made.
    At(u32, u32),
    /// The step is done.
    Done,
}

/// A running hub.
#[derive(Debug)]
pub struct Hub {
    /// Where the gateway listens.
    pub grpc: SocketAddr,
    /// Where the state is told.
    pub admin: SocketAddr,
    /// What the roles share.
    pub host: Host,
    /// In the order in which they end.
    roles: Vec<Role>,
    registry: Registry,
    traffic: Option<traffic::Options>,
    admin_stop: CancellationToken,
    _admin_port: Option<Noted>,
    data: DataDir,
}

/// Starts the hub and waits until every role is ready.
///
/// # Errors
/// The data directory or a port is taken, the rules do not hold together, or a role does not become ready.
pub async fn start(
    config: Config,
    city: lgsp_sample::Config,
    mut tell: impl FnMut(Step),
) -> anyhow::Result<Hub> {
    let config = config.resolved();
    let data = DataDir::open(&config.data)?;
    // Before anything is made: a port that is taken is the most likely refusal.
    let listener = lgsp_gateway::bind(&config.gateway).await?;
    let admin = admin::bind(&config.admin).await?;

    tell(Step::Began("keys and rules"));
    let others = config.kafka.domains.iter().map(String::as_str);
    let domains: Vec<&str> = lgsp_bus::topics::DOMAINS.iter().copied().chain(others).collect();
    data.make_keys(&domains, unix_micros(SystemTime::now()))?;
    rules::write_shipped(&data, &config.registry.rules)?;
    tell(Step::Done);
    make_city(&data.sources(), city, &mut tell).await?;

    let state = State::new(Instance::new("hub", VERSION));
    let (admin_address, admin_stop) = (admin.address(), CancellationToken::new());
    tokio::spawn(admin.serve(state.clone(), admin_stop.clone()));

    tell(Step::Began("broker and topics"));
    let host = Host::open(config, state)?;
    if !host.bus.is_embedded() {
        lgsp_bus::topics::apply(&host.bus).await.context("the topics cannot be applied")?;
    }
    tell(Step::Done);

    tell(Step::Began("roles"));
    let mut roles = Vec::new();
    let (grpc, registry) = match start_roles(&host, listener, &data, &mut roles).await {
        Ok(started) => started,
        Err(error) => {
            // In order: what a role still does would fail in a process that is ending.
            stop_all(&roles).await;
            admin_stop.cancel();
            return Err(error);
        }
    };
    let admin_port = admin_ports::note(data.root(), "hub", admin_address);
    let _admin_port = admin_port.inspect_err(|error| warn!(%error, "the admin port cannot be noted")).ok();
    let hub = Hub {
        grpc,
        admin: admin_address,
        host,
        roles,
        registry,
        traffic: None,
        admin_stop,
        _admin_port,
        data,
    };
    if tokio::time::timeout(READY_PATIENCE, hub.host.state.until_ready()).await.is_err() {
        let unready = unready(&hub.host.state.status());
        hub.stop().await;
        bail!("not every role was ready within {READY_PATIENCE:?}: {unready}");
    }
    tell(Step::Done);
    Ok(hub)
}

/// Starts the roles, and puts each that has started among `roles`, in the order in which they end.
async fn start_roles(
    host: &Host,
    listener: TcpListener,
    data: &DataDir,
    roles: &mut Vec<Role>,
) -> anyhow::Result<(SocketAddr, Registry)> {
    let (ledger, fsynced) = roles::ledger::start(host).await?;
    roles.push(ledger);
    let (role, registry) = roles::registry::start(host).await?;
    roles.push(role);
    roles.insert(0, roles::monitor::start(host).await?);
    for (place, domain) in Domain::ALL.into_iter().enumerate() {
        // After the monitor, to which it is no news that they leave.
        roles.insert(1 + place, roles::adapter::start(host, domain).await?);
    }
    let fsynced = host.bus.is_embedded().then_some(fsynced);
    let (role, gateway) = roles::gateway::start(host, fsynced, listener).await?;
    roles::subject_keys::keep_making(&role, Layout::clone(data));
    roles.insert(0, role);
    Ok((gateway.address, registry))
}

/// What kept a hub from being ready, part by part, as its state tells it.
fn unready(status: &serde_json::Value) -> String {
    let parts = status["components"].as_object().into_iter().flatten();
    let kept = parts.filter(|(_, told)| matches!(told["condition"].as_str(), Some("failed" | "starting")));
    let told = kept.map(|(name, told)| format!("{name} {}", told["cause"].as_str().unwrap_or_default()));
    told.collect::<Vec<_>>().join("; ")
}

async fn stop_all(roles: &[Role]) {
    for role in roles {
        role.stop().await;
    }
}

impl Hub {
    /// The data directory.
    pub fn data(&self) -> &Path {
        self.data.root()
    }

    /// What the process tells of itself.
    pub fn state(&self) -> &State {
        &self.host.state
    }

    /// Kills a role as a crash does: it says nothing, and its threads end. For stories of what is told of that.
    pub fn kill(&mut self, role: &str) {
        self.roles.retain(|running| running.name != role);
    }

    /// Takes a role in that was started from the hub's own host. It ends first.
    pub fn adopt(&mut self, role: Role) {
        self.roles.insert(0, role);
    }

    /// Starts the sample traffic of the synthetic city. It ends before the gateway does.
    ///
    /// # Errors
    /// This is no hub for trying, callers need TLS, or the data directory holds no synthetic city of this version.
    pub async fn start_traffic(&mut self, options: traffic::Options) -> anyhow::Result<()> {
        let role = roles::traffic::start(&self.host, self.grpc, &self.data, options).await?;
        self.roles.insert(0, role);
        self.traffic = Some(options);
        Ok(())
    }

    /// Serves the console, and lets in whoever runs the hub. Its usual port may be taken by anything: then it gets a free one.
    ///
    /// # Errors
    /// The address that was asked for is taken, or a key or a file of certificates cannot be read.
    pub async fn start_console(&mut self, at: Option<At>) -> anyhow::Result<Console> {
        let config = &self.host.config;
        let usual = config.console.listen;
        let listener = match at {
            Some(At::Off) => return Ok(Console::Off(None)),
            Some(At::Address(address)) => lgsp_console::bind(address).await?,
            None => match lgsp_console::bind(usual).await {
                Ok(listener) => listener,
                Err(error) => {
                    info!(%error, "the console takes a free port");
                    lgsp_console::bind(SocketAddr::new(usual.ip(), 0)).await?
                }
            },
        };
        if !self.knows(&config.console.application) && config.console.oidc.is_none() {
            return Ok(Console::Off(Some("nobody could sign in: docs/console.md")));
        }
        if config.gateway.tls.is_some() && config.console.gateway_ca.as_os_str().is_empty() {
            return Ok(Console::Off(Some(
                "callers need TLS: console.gateway-ca and console.gateway name the way",
            )));
        }
        let address = listener.local_addr().context("the console's address")?;
        self.roles.insert(0, roles::console::beside(&self.host, self.grpc, listener)?);
        let link = Invitations::of(self.data.root()).invite().context("no one-time link can be made")?;
        Ok(Console::At { address, instead_of: (at.is_none() && address != usual).then_some(usual), link })
    }

    /// Ends every role in order, each under its bounds.
    pub async fn stop(self) {
        stop_all(&self.roles).await;
        self.admin_stop.cancel();
    }

    /// Whether an application's key in the data directory opens this hub: where persons decide, it may be that of another one.
    fn knows(&self, application: &str) -> bool {
        let key = read_signing_key(&self.data.application_key(application));
        key.is_ok_and(|key| self.registry.knows_key(application, key.verifying_key().as_bytes()))
    }
}

/// Where the console is.
#[derive(Clone, Debug)]
pub enum Console {
    /// Nowhere; and why, unless it was asked for.
    Off(Option<&'static str>),
    /// There.
    At {
        /// Where it listens.
        address: SocketAddr,
        /// Where it usually listens, if that is taken.
        instead_of: Option<SocketAddr>,
        /// Lets in whoever opens it first.
        link: String,
    },
}

async fn make_city(dir: &Path, city: lgsp_sample::Config, tell: &mut impl FnMut(Step)) -> anyhow::Result<()> {
    if lgsp_sample::existing(dir).await?.is_some() {
        return Ok(());
    }
    tell(Step::Began("synthetic city"));
    lgsp_sample::load(dir, city, |progress| tell(Step::At(progress.citizens, progress.of)))
        .await
        .with_context(|| format!("the synthetic city cannot be made in {}", dir.display()))?;
    tell(Step::Done);
    Ok(())
}

/// Tells the steps on standard error: a bar for what takes long, one line a step when piped.
pub fn progress() -> impl FnMut(Step) {
    let terminal = std::io::stderr().is_terminal();
    let mut bar = None::<indicatif::ProgressBar>;
    let mut current = ("", Instant::now());
    move |step| match step {
        Step::Began(name) => current = (name, Instant::now()),
        Step::At(done, total) if terminal => {
            let style = indicatif::ProgressStyle::with_template("  {msg:20} {bar:30} {pos}/{len}");
            let bar = bar.get_or_insert_with(|| {
                let bar = indicatif::ProgressBar::new(u64::from(total)).with_message(current.0);
                if let Ok(style) = style { bar.with_style(style) } else { bar }
            });
            bar.set_position(u64::from(done));
        }
        Step::At(..) => {}
        Step::Done => {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
            eprintln!("  {:20} {:.1} s", current.0, current.1.elapsed().as_secs_f64());
        }
    }
}

/// Prints what listens where, and calls that work when pasted.
#[allow(clippy::print_stdout)]
pub fn print_welcome(hub: &Hub, console: &Console) {
    let (transport, over, grpcurl) = transport(hub);
    print_places(hub, transport);
    print_console(console);
    print_commands(hub, over, grpcurl);
    println!("Ctrl-C drains and stops; a second one leaves at once.");
}

/// How the gateway is reached, and the options for it of our commands and of `grpcurl`.
fn transport(hub: &Hub) -> (&'static str, &'static str, &'static str) {
    let clients = hub.host.config.gateway.tls.as_ref().map(|tls| tls.client_certificates);
    match clients {
        None => ("plaintext, this machine only", "", "grpcurl -plaintext"),
        Some(ClientCertificates::Off | ClientCertificates::Optional) => {
            ("over TLS", " --ca CA.pem", "grpcurl -cacert CA.pem")
        }
        Some(ClientCertificates::Required) => (
            "over TLS, with a client certificate",
            " --ca CA.pem --cert CERT.pem --cert-key KEY.pem",
            "grpcurl -cacert CA.pem -cert CERT.pem -key KEY.pem",
        ),
    }
}

#[allow(clippy::print_stdout)]
fn print_places(hub: &Hub, transport: &str) {
    let broker =
        if hub.host.bus.is_embedded() { "embedded: in memory, keeps nothing" } else { "Apache Kafka" };
    let transport = format!("gRPC, reflection and health; {transport}");
    let registry = &hub.host.config.registry;
    let decided = match &*registry.store {
        "" | "files" => "the files of registry/ are its rules",
        _ => "persons decide about its rules, in registry.store",
    };
    let rows = [
        ("gateway", hub.grpc.to_string(), &*transport),
        ("environment", registry.environment.clone(), decided),
        ("state", format!("http://{}/status", hub.admin), "also /livez and /readyz"),
        ("broker", hub.host.bus.bootstrap(), broker),
        ("data", hub.data().display().to_string(), "keys, rules, exchange log, synthetic city"),
    ];
    println!("\nThe hub is up. All its data is synthetic.\n");
    for (what, place, note) in rows {
        println!("  {what:11} {place:32} {note}");
    }
    if let Some(traffic) = hub.traffic {
        let rate = format!("{} exchanges a minute", traffic.per_minute);
        let (hours, ids) = (traffic.hours, traffic::REQUEST_IDS);
        println!("  {:11} {rate:32} sample, {hours}; request ids begin with {ids}", "traffic");
    }
}

#[allow(clippy::print_stdout)]
fn print_console(console: &Console) {
    match console {
        Console::Off(None) => {}
        Console::Off(Some(why)) => println!("  {:11} {:32} {why}", "console", "off"),
        Console::At { address, instead_of, link } => {
            let place = format!("http://{address}");
            let note = match instead_of {
                None => "pages for operators".to_owned(),
                Some(usual) => format!("pages for operators; {usual} is taken"),
            };
            println!("  {:11} {place:32} {note}\n", "console");
            println!(
                "Open in a browser, once, within 10 minutes (lgsp console link makes another):\n\n  {link}"
            );
        }
    }
}

/// Prints the commands whose keys are good on this hub.
#[allow(clippy::print_stdout)]
fn print_commands(hub: &Hub, over: &str, grpcurl: &str) {
    let (caller, operator) = (hub.knows(CALLER), hub.knows(OPERATOR));
    if caller || operator {
        println!("\nTry, in another terminal:\n");
    } else {
        let environment = &hub.host.config.registry.environment;
        println!("\nCalls need keys that were issued for {environment}: docs/onboarding.md.\n");
    }
    let lgsp = quoted(&std::env::args().next().unwrap_or_else(|| "lgsp".to_owned()));
    let grpc = reachable(hub.grpc);
    let (data, at_grpc) =
        (option("--data", &hub.data().display().to_string(), DATA), option("--grpc", &grpc, GRPC) + over);
    let method = "lgsp.population.v1.PopulationService/GetCitizen";
    let request =
        format!("'{{\"personalNumber\":\"{}\"}}'", lgsp_sample::persons::ALL_FIELDS.personal_number);
    if caller {
        println!(
            "  {lgsp} call --as {CALLER} --purpose prefill --dossier H13.01-260601-0001{at_grpc}{data} \\\n    \
             {method} {request}\n"
        );
        println!(
            "  {grpcurl} -H \"authorization: Bearer $({lgsp} token --as {CALLER}{data})\" \\\n    \
             -H 'lgsp-purpose: prefill' -d {request} {grpc} {method}\n"
        );
    }
    if operator {
        println!("  {lgsp} exchanges --follow{at_grpc}{data}\n");
    }
}

/// Where a caller on this machine reaches a gateway that may listen on every address.
fn reachable(grpc: SocketAddr) -> String {
    if grpc.ip().is_unspecified() { format!("localhost:{}", grpc.port()) } else { grpc.to_string() }
}

/// An option as it is written on a command line, or nothing if it is the usual one.
fn option(name: &str, value: &str, usual: &str) -> String {
    let is_usual = value.trim_start_matches("./") == usual.trim_start_matches("./");
    if is_usual { String::new() } else { format!(" {name} {}", quoted(value)) }
}

/// A word that a shell reads as it stands.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-:,+@".contains(c);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_to_paste_names_only_what_is_unusual() {
        assert_eq!(option("--data", "lgsp-data", DATA), "");
        assert_eq!(option("--grpc", "127.0.0.1:50051", GRPC), "");
        assert_eq!(reachable(([0, 0, 0, 0], 50051).into()), "localhost:50051");
        assert_eq!(option("--data", "/srv/lgsp", DATA), " --data /srv/lgsp");
        assert_eq!(option("--data", "the hub's", DATA), r" --data 'the hub'\''s'");
    }
}
