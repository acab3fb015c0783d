//! The commands that are a hub, or make one ready: from arguments to a running process and its end.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use lgsp_bus::Bus;
use lgsp_bus::topics::{self, AclDifferences};
use lgsp_runtime::config::{self, Sources};
use lgsp_runtime::shutdown::{self, Signals};
use lgsp_runtime::telemetry::Telemetry;
use lgsp_runtime::{Instance, State, admin, telemetry};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::cli::audit::Verify;
use crate::cli::backup as backup_arguments;
use crate::cli::code::RecoverAdmin;
use crate::cli::console as console_arguments;
use crate::cli::ledger as ledger_arguments;
use crate::cli::server::{self as arguments, Settings};
use crate::cli::witness as witness_arguments;
use crate::client::{self, Lang};
use crate::config::Config;
use crate::roles::{self, Host, Role, VERSION};
use crate::{
    admin_ports, backup, doctor, kafka, keep, keys, ledger, sample_data, source, up, verify, witness,
};

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
    /// `lgsp registry recover-admin`
    RecoverAdmin(RecoverAdmin),
    /// `lgsp ledger`
    Ledger(arguments::Role),
    /// `lgsp monitor`
    Monitor(arguments::Role),
    /// `lgsp ledger status`
    LedgerStatus(ledger_arguments::Folder),
    /// `lgsp ledger check`
    LedgerCheck(ledger_arguments::Check),
    /// `lgsp ledger reindex`
    LedgerReindex(ledger_arguments::Reindex),
    /// `lgsp ledger archive`
    LedgerArchive(ledger_arguments::Archive),
    /// `lgsp ledger restore`
    LedgerRestore(ledger_arguments::Restore),
    /// `lgsp ledger erase`
    LedgerErase(ledger_arguments::Erase),
    /// `lgsp backup`
    Backup(backup_arguments::Backup),
    /// `lgsp restore`
    Restore(backup_arguments::Restore),
    /// `lgsp audit verify`
    Verify(Verify, Lang),
    /// `lgsp console`
    Console(console_arguments::Role),
    /// `lgsp console link`
    ConsoleLink(console_arguments::Link),
    /// `lgsp witness`
    Witness(witness_arguments::Role),
    /// `lgsp witness status`
    WitnessStatus(witness_arguments::Status),
    /// `lgsp adapter`
    Adapter(arguments::Adapter),
    /// `lgsp config`
    Config(arguments::Config),
    /// `lgsp topics`
    Topics(arguments::Topics),
    /// `lgsp kafka`
    Kafka(arguments::Kafka),
    /// `lgsp doctor`
    Doctor(arguments::Doctor),
    /// `lgsp keys`
    Keys(arguments::Keys),
    /// `lgsp source`
    Source(arguments::Source),
    /// `lgsp sample-data`
    SampleData(arguments::SampleData),
}

/// Runs a command to its end. A bad configuration ends with 64; a second Ctrl-C with 130.
pub async fn run(command: Command) -> ExitCode {
    let ran = match command {
        Command::Up(args) => Box::pin(run_up(args)).await,
        Command::Gateway(args) => run_gateway(args).await,
        Command::Registry(args) => {
            run_role(topics::Role::Registry, &args, None, async |host| {
                Ok(vec![roles::registry::start(host).await?.0])
            })
            .await
        }
        Command::RecoverAdmin(args) => recover_admin(args).await,
        Command::Ledger(args) => {
            run_role(topics::Role::Ledger, &args, None, async |host| {
                Ok(vec![roles::ledger::start(host).await?.0])
            })
            .await
        }
        Command::Monitor(args) => {
            let start = async |host: &Host| Ok(vec![roles::monitor::start(host).await?]);
            run_role(topics::Role::Monitor, &args, None, start).await
        }
        Command::LedgerStatus(args) => ledger::status(&args),
        Command::LedgerCheck(args) => ledger::check(&args),
        Command::LedgerReindex(args) => {
            with_place(&args.place, async |config| Box::pin(keep::reindex(&args, config)).await).await
        }
        Command::LedgerArchive(args) => {
            with_place(&args.place, async |config| keep::archive(&args, config).await).await
        }
        Command::LedgerRestore(args) => {
            with_place(&args.place, async |config| keep::restore(&args, config).await).await
        }
        Command::LedgerErase(args) => {
            with_place(&args.place, async |config| keep::erase(&args, config).await).await
        }
        Command::Backup(args) => run_backup(args).await,
        Command::Restore(args) => backup::restore(&args).await,
        Command::Verify(args, lang) => verify::run(&args, lang),
        Command::Console(args) => run_console(args).await,
        Command::ConsoleLink(args) => run_console_link(&args),
        Command::Witness(args) => run_witness(args).await,
        Command::WitnessStatus(args) => run_witness_status(&args),
        Command::Adapter(args) => {
            let domain = args.domain;
            let start = async |host: &Host| Ok(vec![roles::adapter::start(host, domain).await?]);
            run_role(topics::Role::serving(domain.name()), &args.role, None, start).await
        }
        Command::Config(args) => run_config(args),
        Command::Topics(args) => run_topics(args).await,
        Command::Kafka(args) => run_kafka(args).await,
        Command::Doctor(args) => run_doctor(args).await,
        Command::Keys(args) => run_keys(&args),
        Command::Source(arguments::Source::Check(args)) => run_source_check(args).await,
        Command::SampleData(args) => sample_data::run(args).await,
    };
    match ran {
        Ok(code) => code,
        // A reader that has enough, such as `head`, is no failure.
        Err(error) if error.downcast_ref().is_some_and(|error: &client::Error| error.exit().is_none()) => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {}", told(&error));
            let bad_configuration = error.chain().any(|cause| cause.is::<config::Error>());
            if bad_configuration { ExitCode::from(config::EXIT_CODE) } else { ExitCode::FAILURE }
        }
    }
}

/// What went wrong and why. Many errors tell their cause themselves, so that it is not told again.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.ends_with(&cause) {
            continue;
        }
        let colon = if text.is_empty() { "" } else { ": " };
        text.push_str(&format!("{colon}{cause}"));
    }
    let is_taken = |cause: &io::Error| cause.kind() == io::ErrorKind::AddrInUse;
    if error.chain().filter_map(|cause| cause.downcast_ref()).any(is_taken) {
        text.push_str("\n  something listens there already: stop it, or name another address");
    }
    text
}

/// Needs no hub: only its store.
#[allow(clippy::print_stdout)]
async fn recover_admin(args: RecoverAdmin) -> anyhow::Result<ExitCode> {
    let recovery = lgsp_registry::Recovery {
        store: lgsp_store::Options {
            password_file: args.store_password_file,
            root_certificates: args.store_root_certificates,
            ..lgsp_store::Options::of(args.store)
        },
        environment: args.environment.name().to_owned(),
        id: args.id,
        key_file: args.out,
        reason: args.reason,
    };
    let recovered = lgsp_registry::recover_administrator(&recovery).await?;
    println!("administrator  {}", recovery.id);
    println!("key            {}, known as {}", recovery.key_file.display(), recovered.key_id);
    println!("good until     {} ({})", lgsp_core::time::day(recovered.not_after), args.environment.name());
    println!("change         {}; a registry publishes it at once, or when it starts", recovered.sequence);
    Ok(ExitCode::SUCCESS)
}

async fn run_up(args: arguments::Up) -> anyhow::Result<ExitCode> {
    let sources = sources(&args.settings)
        .set_given("data", args.data.as_deref().map(path_text).transpose()?)
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
    if let Some(traffic) = traffic
        && let Err(error) = hub.start_traffic(traffic).await
    {
        hub.stop().await;
        return Err(error);
    }
    let console = match hub.start_console(args.console).await {
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

async fn run_gateway(args: arguments::Gateway) -> anyhow::Result<ExitCode> {
    let start = async |host: &Host| {
        let listener = lgsp_gateway::bind(&host.config.gateway).await?;
        Ok(vec![roles::gateway::start(host, None, listener).await?.0])
    };
    run_role(topics::Role::Gateway, &args.role, args.grpc, start).await
}

/// Runs one role alone, on a real Kafka, until it is told to stop.
async fn run_role(
    role: topics::Role,
    args: &arguments::Role,
    grpc: Option<SocketAddr>,
    start: impl AsyncFnOnce(&Host) -> anyhow::Result<Vec<Role>>,
) -> anyhow::Result<ExitCode> {
    let sources = sources(&args.settings)
        .set_given("data", args.data.as_deref().map(path_text).transpose()?)
        .set_given("kafka.brokers", args.kafka.as_ref())
        .set_given("admin.listen", args.admin)
        .set_given("gateway.listen", grpc);
    let config: Config = config::load(&sources)?;
    let config = config.resolved();
    if config.kafka.brokers.is_none() {
        return Err(no_kafka("a role of its own needs a Kafka; `lgsp up` needs none").into());
    }
    let name = role.name();
    let instance = Instance::new(&name, VERSION);
    let mut telemetry: Telemetry = telemetry::start(&config.telemetry, &instance)?;
    let mut signals = Signals::listen()?;
    info!(%instance, version = VERSION, "starting");
    let admin = admin::bind(&config.admin).await?;
    let (state, admin_stop) = (State::new(instance), CancellationToken::new());
    telemetry.send_metrics(&state);
    // Roles may share a data directory, and need none.
    let _admin_port = admin_ports::note(&config.data, &name, admin.address()).ok();
    let admin = tokio::spawn(admin.serve(state.clone(), admin_stop.clone()));

    let host = Host::open(config, state)?;
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
    admin_stop.cancel();
    // The admin port bounds its own end.
    let _ = admin.await;
    telemetry.stop(TELEMETRY_PATIENCE).await;
    Ok(ExitCode::SUCCESS)
}

/// Runs a console until it is told to stop. It has no bus.
async fn run_console(args: console_arguments::Role) -> anyhow::Result<ExitCode> {
    let sources = sources(&args.settings)
        .set_given("data", args.data.as_deref().map(path_text).transpose()?)
        .set_given("admin.listen", args.admin)
        .set_given("console.listen", args.listen);
    let config: Config = config::load(&sources)?;
    run_without_bus("console", config.resolved(), async |config, state| {
        roles::console::alone(config, state).await
    })
    .await
}

fn run_console_link(args: &console_arguments::Link) -> anyhow::Result<ExitCode> {
    let link = lgsp_console::Invitations::of(&args.data).invite();
    let link = link.with_context(|| format!("no console of `lgsp up` runs on {}", args.data.display()))?;
    print(&format!("{link}\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a witness until it is told to stop. It is none of the hub's roles: it has no bus.
async fn run_witness(args: witness_arguments::Role) -> anyhow::Result<ExitCode> {
    let sources = sources(&args.settings)
        .set_given("data", args.data.as_deref().map(path_text).transpose()?)
        .set_given("admin.listen", args.admin)
        .set_given("witness.listen", args.listen);
    let config: Config = config::load(&sources)?;
    run_without_bus("witness", config.resolved(), async |config, state| {
        roles::witness::start(config, state).await
    })
    .await
}

/// Runs a role that is none of the hub's, because it has no bus.
async fn run_without_bus(
    name: &'static str,
    config: Config,
    start: impl AsyncFnOnce(&Config, &State) -> anyhow::Result<Role>,
) -> anyhow::Result<ExitCode> {
    let instance = Instance::new(name, VERSION);
    let mut telemetry: Telemetry = telemetry::start(&config.telemetry, &instance)?;
    let mut signals = Signals::listen()?;
    info!(%instance, version = VERSION, "starting");
    let admin = admin::bind(&config.admin).await?;
    let (state, admin_stop) = (State::new(instance), CancellationToken::new());
    telemetry.send_metrics(&state);
    let admin = tokio::spawn(admin.serve(state.clone(), admin_stop.clone()));

    let role = start(&config, &state).await?;
    signals.next().await;
    tokio::spawn(signals.leave_on_next());
    role.stop().await;
    admin_stop.cancel();
    // The admin port bounds its own end.
    let _ = admin.await;
    telemetry.stop(TELEMETRY_PATIENCE).await;
    Ok(ExitCode::SUCCESS)
}

fn run_witness_status(args: &witness_arguments::Status) -> anyhow::Result<ExitCode> {
    let sources = sources(&args.settings).set_given("data", args.data.as_deref().map(path_text).transpose()?);
    let config: Config = config::load(&sources)?;
    witness::status(args, &config.resolved())
}

fn run_config(args: arguments::Config) -> anyhow::Result<ExitCode> {
    match args {
        arguments::Config::Reference => print(&crate::config::reference())?,
        arguments::Config::Check(settings) => {
            let config: Config = config::load(&sources(&settings))?;
            print(&format!("the configuration is good; data directory {}\n", config.data.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_topics(args: arguments::Topics) -> anyhow::Result<ExitCode> {
    let (arguments::Topics::Apply(cluster) | arguments::Topics::Check(cluster)) = &args;
    let sources = sources(&cluster.settings).set_given("kafka.brokers", cluster.kafka.as_ref());
    let config: Config = config::load(&sources)?;
    if config.kafka.brokers.is_none() {
        return Err(no_kafka("is not set").into());
    }
    let bus = Bus::open(config.resolved().kafka)?;
    look_after_acls(&bus).await?;
    match args {
        arguments::Topics::Apply(_) => apply_topics(&bus).await,
        arguments::Topics::Check(_) => check_topics(&bus).await,
    }
}

/// Before anything is made: a cluster that keeps no ACLs is an error if they are asked for, and a warning if they are not.
async fn look_after_acls(bus: &Bus) -> anyhow::Result<()> {
    let asked_for = bus.options().acls;
    match topics::keeps_acls(bus).await {
        Ok(false) if asked_for => Err(lgsp_bus::Error::NoAuthorizer.into()),
        Ok(false) => {
            eprintln!(
                "warning: Kafka has no authorizer (SECURITY_DISABLED): whoever reaches its brokers may read and write every topic"
            );
            Ok(())
        }
        Ok(true) if !asked_for => {
            eprintln!(
                "warning: Kafka keeps ACLs, and kafka.acls is not set: they are neither given nor compared"
            );
            Ok(())
        }
        Err(error) if !asked_for => {
            eprintln!("warning: whether Kafka keeps ACLs cannot be told: {error}");
            Ok(())
        }
        kept => Ok(kept.map(drop)?),
    }
}

async fn apply_topics(bus: &Bus) -> anyhow::Result<ExitCode> {
    for applied in topics::apply(bus).await? {
        print(&format!("{applied}\n"))?;
    }
    if bus.options().acls {
        let granted = topics::grant(bus).await?;
        for acl in &granted {
            print(&format!("{acl}: granted\n"))?;
        }
        if granted.is_empty() {
            print("every principal has its rights\n")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn check_topics(bus: &Bus) -> anyhow::Result<ExitCode> {
    let problems = topics::check(bus).await?;
    for problem in &problems {
        print(&format!("{problem}\n"))?;
    }
    let differences =
        if bus.options().acls { topics::compare_acls(bus).await? } else { AclDifferences::default() };
    for acl in &differences.missing {
        print(&format!("{acl}: is missing: run topics apply\n"))?;
    }
    for acl in &differences.superfluous {
        print(&format!("{acl}: is superfluous: nobody declared it\n"))?;
    }
    if problems.is_empty() && differences == AclDifferences::default() {
        let acls = if bus.options().acls { ", and every principal has its rights and no other" } else { "" };
        print(&format!("every topic is as the hub needs it{acls}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// Runs a command on the files of a ledger under its configuration.
async fn with_place(
    place: &ledger_arguments::Place,
    run: impl AsyncFnOnce(&Config) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    let sources =
        sources(&place.settings).set_given("data", place.data.as_deref().map(path_text).transpose()?);
    let config: Config = config::load(&sources)?;
    run(&config.resolved()).await
}

async fn run_backup(args: backup_arguments::Backup) -> anyhow::Result<ExitCode> {
    let sources = sources(&args.settings).set_given("data", args.data.as_deref().map(path_text).transpose()?);
    let config: Config = config::load(&sources)?;
    backup::backup(&args, &config.resolved()).await
}

fn run_keys(args: &arguments::Keys) -> anyhow::Result<ExitCode> {
    let sources = sources(&args.settings).set_given("data", args.data.as_deref().map(path_text).transpose()?);
    let config: Config = config::load(&sources)?;
    keys::run(args, &config.resolved())
}

async fn run_kafka(args: arguments::Kafka) -> anyhow::Result<ExitCode> {
    let load = |cluster: &arguments::Cluster, data: Option<&Path>| -> anyhow::Result<Config> {
        let sources = sources(&cluster.settings)
            .set_given("data", data.map(path_text).transpose()?)
            .set_given("kafka.brokers", cluster.kafka.as_ref());
        let config: Config = config::load(&sources)?;
        Ok(config.resolved())
    };
    match args {
        arguments::Kafka::Status(args) => {
            Box::pin(kafka::status(&args, &load(&args.cluster, args.data.as_deref())?)).await
        }
        arguments::Kafka::DeadLetters(args) => {
            let config = load(&args.cluster, None)?;
            if config.kafka.brokers.is_none() {
                return Err(no_kafka("is not set").into());
            }
            kafka::dead_letters(&args, &config).await
        }
    }
}

async fn run_doctor(args: arguments::Doctor) -> anyhow::Result<ExitCode> {
    let sources = sources(&args.settings)
        .set_given("data", args.data.as_deref().map(path_text).transpose()?)
        .set_given("kafka.brokers", args.kafka.as_ref());
    doctor::run(&args, config::load(&sources)).await
}

async fn run_source_check(args: arguments::SourceCheck) -> anyhow::Result<ExitCode> {
    let sources = sources(&args.settings).set_given("data", args.data.as_deref().map(path_text).transpose()?);
    let config: Config = config::load(&sources)?;
    source::run(&args, config.resolved()).await
}

/// The configuration lacks the one key that has no default.
fn no_kafka(found: &str) -> config::Error {
    let accepts = "host:port, several with commas; also as --kafka".to_owned();
    let problem = config::Problem {
        key: "kafka.brokers".to_owned(),
        found: found.to_owned(),
        accepts: Some(accepts),
        origin: None,
    };
    config::Error { problems: vec![problem] }
}

fn sources(settings: &Settings) -> Sources {
    let sources = Sources::from_environment().file(settings.config.as_deref());
    settings.set.iter().fold(sources, |sources, (key, value)| sources.set(key, value))
}

fn path_text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

/// Prints to standard output; a reader that has left is no error.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
