//! The commands that are a hub, or make one ready: from arguments to a running process and its end.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use lgsp_bus::{Bus, topics};
use lgsp_runtime::config::{self, Sources};
use lgsp_runtime::shutdown::{self, Signals};
use lgsp_runtime::telemetry::Telemetry;
use lgsp_runtime::{Instance, State, admin, telemetry};
use tokio_util::sync::CancellationToken;

use crate::cli::server::{self as arguments, Settings};
use crate::config::Config;
use crate::layout::DataDir;
use crate::roles::{self, Host, Role, VERSION};
use crate::up;

/// How long the last spans may take to leave.
const TELEMETRY_PATIENCE: Duration = Duration::from_secs(2);

/// A command of this module.
#[derive(Debug)]
pub enum Command {
    /// `lgsp up`
    Up(arguments::Up),
    /// `lgsp gateway`
    Gateway(arguments::Gateway),
    /// `lgsp registry`
    Registry(arguments::Role),
    /// `lgsp ledger`
    Ledger(arguments::Role),
    /// `lgsp adapter`
    Adapter(arguments::Adapter),
    /// `lgsp config`
    Config(arguments::Config),
    /// `lgsp topics`
    Topics(arguments::Topics),
    /// `lgsp sample-data`
    SampleData(arguments::SampleData),
}

/// Runs a command to its end. A bad configuration ends with 64; a second Ctrl-C with 130.
pub async fn run(command: Command) -> ExitCode {
    let ran = match command {
        Command::Up(args) => run_up(args).await,
        Command::Gateway(args) => run_gateway(args).await,
        Command::Registry(args) => {
            run_role("registry", &args, None, async |host| Ok(vec![roles::registry::start(host).await?]))
                .await
        }
        Command::Ledger(args) => {
            run_role("ledger", &args, None, async |host| Ok(vec![roles::ledger::start(host).await?.0])).await
        }
        Command::Adapter(args) => {
            let domain = args.domain;
            let start = async |host: &Host| Ok(vec![roles::adapter::start(host, domain).await?]);
            run_role(domain.role(), &args.role, None, start).await
        }
        Command::Config(args) => run_config(args),
        Command::Topics(args) => run_topics(args).await,
        Command::SampleData(args) => run_sample_data(args).await,
    };
    match ran {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            let bad_configuration = error.chain().any(|cause| cause.is::<config::Error>());
            if bad_configuration { ExitCode::from(config::EXIT_CODE) } else { ExitCode::FAILURE }
        }
    }
}

async fn run_up(args: arguments::Up) -> anyhow::Result<ExitCode> {
    let mut sources = sources(&args.settings)
        .set("data", path_text(&args.data)?)
        .set("gateway.listen", args.grpc.to_string())
        // Sample traffic of a hub for trying it never counts as production.
        .set("registry.environment", "sandbox");
    if let Some(brokers) = &args.kafka {
        sources = sources.set("kafka.brokers", brokers);
    }
    let mut config: Config = config::load(&sources)?;
    if std::env::var_os("LGSP_LOG").is_none() && config.telemetry.filter == "info" {
        // The table and the steps tell what an operator of one process wants to know.
        config.telemetry.filter = "warn".to_owned();
    }
    let instance = Instance::new("hub", VERSION);
    let telemetry = telemetry::start(&config.telemetry, &instance)?;
    let mut signals = Signals::listen()?;

    let city = lgsp_sample::Config { citizens: args.citizens, seed: up::SEED };
    let starting = up::start(config, city, up::progress());
    let hub = tokio::select! {
        hub = starting => hub?,
        () = signals.next() => return Ok(ExitCode::from(shutdown::EXIT_CODE)),
    };
    up::print_welcome(&hub);
    signals.next().await;
    eprintln!("draining; Ctrl-C again leaves at once");
    tokio::spawn(signals.leave_on_next());
    hub.stop().await;
    telemetry.stop(TELEMETRY_PATIENCE).await;
    Ok(ExitCode::SUCCESS)
}

async fn run_gateway(args: arguments::Gateway) -> anyhow::Result<ExitCode> {
    let start = async |host: &Host| {
        let listener = lgsp_gateway::bind(&host.config.gateway).await?;
        let (role, gateway) = roles::gateway::start(host, None, listener).await?;
        eprintln!("gRPC on {}", gateway.address);
        Ok(vec![role])
    };
    run_role("gateway", &args.role, Some(("gateway.listen", args.grpc.to_string())), start).await
}

/// Runs one role alone, on a real Kafka, until it is told to stop.
async fn run_role(
    name: &str,
    args: &arguments::Role,
    set: Option<(&str, String)>,
    start: impl AsyncFnOnce(&Host) -> anyhow::Result<Vec<Role>>,
) -> anyhow::Result<ExitCode> {
    let mut sources = sources(&args.settings).set("data", path_text(&args.data)?);
    if let Some(brokers) = &args.kafka {
        sources = sources.set("kafka.brokers", brokers);
    }
    if let Some(address) = args.admin {
        sources = sources.set("admin.listen", address.to_string());
    }
    if let Some((key, value)) = set {
        sources = sources.set(key, value);
    }
    let config: Config = config::load(&sources)?;
    let config = config.resolved();
    anyhow::ensure!(
        config.kafka.brokers.is_some(),
        "a role of its own needs a Kafka: name it with --kafka HOST:PORT or kafka.brokers; `lgsp up` needs none"
    );
    let instance = Instance::new(name, VERSION);
    let telemetry: Telemetry = telemetry::start(&config.telemetry, &instance)?;
    let mut signals = Signals::listen()?;
    let admin = admin::bind(&config.admin).await?;
    eprintln!("{instance}: admin port on http://{}", admin.address());
    let (state, admin_stop) = (State::new(instance), CancellationToken::new());
    let admin = tokio::spawn(admin.serve(state.clone(), admin_stop.clone()));

    let host = Host::open(config, state)?;
    let checking = tokio::spawn(roles::watch_topics(host.clone()));
    let roles = tokio::select! {
        roles = start(&host) => roles?,
        () = signals.next() => return Ok(ExitCode::from(shutdown::EXIT_CODE)),
    };
    signals.next().await;
    tokio::spawn(signals.leave_on_next());
    checking.abort();
    for role in &roles {
        role.stop().await;
    }
    admin_stop.cancel();
    // The admin port bounds its own end.
    let _ = admin.await;
    telemetry.stop(TELEMETRY_PATIENCE).await;
    Ok(ExitCode::SUCCESS)
}

fn run_config(args: arguments::Config) -> anyhow::Result<ExitCode> {
    match args {
        arguments::Config::Reference => print(&config::render::<Config>())?,
        arguments::Config::Check(settings) => {
            let config: Config = config::load(&sources(&settings))?;
            print(&format!("the configuration is good; data directory {}\n", config.data.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_topics(args: arguments::Topics) -> anyhow::Result<ExitCode> {
    let (arguments::Topics::Apply(cluster) | arguments::Topics::Check(cluster)) = &args;
    let mut sources = sources(&cluster.settings);
    if let Some(brokers) = &cluster.kafka {
        sources = sources.set("kafka.brokers", brokers);
    }
    let config: Config = config::load(&sources)?;
    anyhow::ensure!(config.kafka.brokers.is_some(), "name the Kafka with --kafka HOST:PORT");
    let bus = Bus::open(config.kafka)?;
    match args {
        arguments::Topics::Apply(_) => {
            for applied in topics::apply(&bus).await? {
                print(&format!("{applied}\n"))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        arguments::Topics::Check(_) => {
            let problems = topics::check(&bus).await?;
            for problem in &problems {
                print(&format!("{problem}\n"))?;
            }
            if problems.is_empty() {
                print("every topic is as the hub needs it\n")?;
                return Ok(ExitCode::SUCCESS);
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn run_sample_data(args: arguments::SampleData) -> anyhow::Result<ExitCode> {
    let city = lgsp_sample::Config { citizens: args.citizens, seed: args.seed.unwrap_or(up::SEED) };
    // A running hub reads these databases: the one that owns the directory must not be there.
    let _data = args.out.parent().filter(|dir| dir.join("lock").exists()).map(DataDir::open).transpose()?;
    let mut tell = up::progress();
    tell(up::Step::Began("synthetic city"));
    let made =
        lgsp_sample::load(&args.out, city, |progress| tell(up::Step::At(progress.citizens, progress.of)))
            .await
            .with_context(|| format!("the synthetic city cannot be made in {}", args.out.display()))?;
    tell(up::Step::Done);
    print(&format!(
        "{} citizens, {} households and {} parcels, all made up, in {}\n",
        made.config.citizens,
        made.households,
        made.parcels,
        args.out.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn sources(settings: &Settings) -> Sources {
    let sources = Sources::from_environment().file(settings.config.as_deref());
    settings.set.iter().fold(sources, |sources, (key, value)| sources.set(key, value))
}

fn path_text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

/// Prints to standard output; a reader that has left is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
