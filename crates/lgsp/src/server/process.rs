//! Processes: the whole hub, or one role alone, from a configuration until they are told to stop.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use lgsp_bus::topics;
use lgsp_runtime::shutdown::{self, Signals};
use lgsp_runtime::telemetry::Telemetry;
use lgsp_runtime::{Instance, State, admin, config, telemetry};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{loaded, located, no_kafka};
use crate::cli::{console as console_arguments, server as arguments, witness as witness_arguments};
use crate::config::Config;
use crate::roles::{self, Host, Role, VERSION};
use crate::{admin_ports, up};

/// How long the last spans may take to leave.
const TELEMETRY_PATIENCE: Duration = Duration::from_secs(2);

/// Runs the whole hub in one process until it is told to stop.
pub(super) async fn run_up(args: arguments::Up) -> anyhow::Result<ExitCode> {
    let sources = located(&args.settings, args.data.as_deref())?
        .set_given("gateway.listen", args.grpc)
        .set_given("kafka.brokers", args.kafka.as_ref());
    let mut config: Config = config::load(&sources)?;
    if std::env::var_os("LGSP_LOG").is_none() && config.telemetry.filter == "info" {
        // The table and the steps tell what an operator of one process wants to know.
        config.telemetry.filter = "warn".to_owned();
    }
    let instance = Instance::new("hub", VERSION);
    let mut telemetry = telemetry::start(&config.telemetry, &instance)?;
    let mut signals = Signals::listen()?;

    let (city, traffic) = (lgsp_sample::Config { citizens: args.citizens, seed: up::SEED }, args.traffic());
    // Boxed: it holds the starts of all roles.
    let starting = Box::pin(up::start(config, city, up::progress()));
    let mut hub = tokio::select! {
        hub = starting => hub?,
        () = signals.next() => return Ok(ExitCode::from(shutdown::EXIT_CODE)),
    };
    telemetry.send_metrics(hub.state());
    let started = async {
        if let Some(traffic) = traffic {
            hub.start_traffic(traffic).await?;
        }
        hub.start_console(args.console).await
    };
    let console = match started.await {
        Ok(console) => console,
        Err(error) => {
            hub.stop().await;
            return Err(error);
        }
    };
    up::print_welcome(&hub, &console);
    signals.next().await;
    eprintln!("draining; Ctrl-C again leaves at once");
    tokio::spawn(signals.leave_on_next());
    hub.stop().await;
    telemetry.stop(TELEMETRY_PATIENCE).await;
    Ok(ExitCode::SUCCESS)
}

/// Runs a gateway alone.
pub(super) async fn run_gateway(args: arguments::Gateway) -> anyhow::Result<ExitCode> {
    let start = async |host: &Host| {
        let listener = lgsp_gateway::bind(&host.config.gateway).await?;
        Ok(vec![roles::gateway::start(host, None, listener).await?.0])
    };
    run_role(topics::Role::Gateway, &args.role, args.grpc, start).await
}

/// Runs one role alone, on a real Kafka, until it is told to stop.
pub(super) async fn run_role(
    role: topics::Role,
    args: &arguments::Role,
    grpc: Option<SocketAddr>,
    start: impl AsyncFnOnce(&Host) -> anyhow::Result<Vec<Role>>,
) -> anyhow::Result<ExitCode> {
    let sources = located(&args.settings, args.data.as_deref())?
        .set_given("kafka.brokers", args.kafka.as_ref())
        .set_given("admin.listen", args.admin)
        .set_given("gateway.listen", grpc);
    let config = loaded(&sources)?;
    if config.kafka.brokers.is_none() {
        return Err(no_kafka("a role of its own needs a Kafka; `lgsp up` needs none").into());
    }
    let name = role.name();
    let (process, mut signals) = Process::start(&name, &config).await?;
    // Roles may share a data directory, and need none.
    let _admin_port = admin_ports::note(&config.data, &name, process.admin_address).ok();

    let host = Host::open(config, process.state.clone())?;
    let checking = tokio::spawn(roles::watch_topics(host.clone(), role));
    let roles = tokio::select! {
        roles = start(&host) => roles?,
        () = signals.next() => return Ok(ExitCode::from(shutdown::EXIT_CODE)),
    };
    tokio::select! {
        () = host.state.until_ready() => {
            info!(role = name, "ready");
            signals.next().await;
        }
        () = signals.next() => {}
    }
    tokio::spawn(signals.leave_on_next());
    checking.abort();
    for role in &roles {
        role.stop().await;
    }
    process.end().await;
    Ok(ExitCode::SUCCESS)
}

/// Runs a console until it is told to stop. It has no bus.
pub(super) async fn run_console(args: console_arguments::Role) -> anyhow::Result<ExitCode> {
    let sources = located(&args.settings, args.data.as_deref())?
        .set_given("admin.listen", args.admin)
        .set_given("console.listen", args.listen);
    without_bus("console", loaded(&sources)?, async |config, state| {
        roles::console::alone(config, state).await
    })
    .await
}

/// Runs a witness until it is told to stop. It is none of the hub's roles: it has no bus.
pub(super) async fn run_witness(args: witness_arguments::Role) -> anyhow::Result<ExitCode> {
    let sources = located(&args.settings, args.data.as_deref())?
        .set_given("admin.listen", args.admin)
        .set_given("witness.listen", args.listen);
    without_bus("witness", loaded(&sources)?, async |config, state| {
        roles::witness::start(config, state).await
    })
    .await
}

/// Runs a role that is none of the hub's, because it has no bus.
async fn without_bus(
    name: &'static str,
    config: Config,
    start: impl AsyncFnOnce(&Config, &State) -> anyhow::Result<Role>,
) -> anyhow::Result<ExitCode> {
    let (process, mut signals) = Process::start(name, &config).await?;
    let role = start(&config, &process.state).await?;
    signals.next().await;
    tokio::spawn(signals.leave_on_next());
    role.stop().await;
    process.end().await;
    Ok(ExitCode::SUCCESS)
}

/// What a process of one role has around it.
struct Process {
    telemetry: Telemetry,
    state: State,
    admin: JoinHandle<()>,
    admin_address: SocketAddr,
    admin_stop: CancellationToken,
}

impl Process {
    /// Begins to tell what the process does, and to hear whether it shall end.
    async fn start(name: &str, config: &Config) -> anyhow::Result<(Self, Signals)> {
        let instance = Instance::new(name, VERSION);
        let mut telemetry = telemetry::start(&config.telemetry, &instance)?;
        let signals = Signals::listen()?;
        info!(%instance, version = VERSION, "starting");
        let admin = admin::bind(&config.admin).await?;
        let (state, admin_stop, admin_address) =
            (State::new(instance), CancellationToken::new(), admin.address());
        telemetry.send_metrics(&state);
        let admin = tokio::spawn(admin.serve(state.clone(), admin_stop.clone()));
        Ok((Self { telemetry, state, admin, admin_address, admin_stop }, signals))
    }

    /// Ends what is around the role, after it.
    async fn end(self) {
        self.admin_stop.cancel();
        // The admin port bounds its own end.
        let _ = self.admin.await;
        self.telemetry.stop(TELEMETRY_PATIENCE).await;
    }
}
