//! The commands that are a hub, or make one ready: from arguments to a running process and its end.

mod process;
mod topics;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use lgsp_bus::topics::Role;
use lgsp_runtime::config::{self, Sources};

use crate::cli::audit::Verify;
use crate::cli::backup as backup_arguments;
use crate::cli::code::RecoverAdmin;
use crate::cli::console as console_arguments;
use crate::cli::ledger as ledger_arguments;
use crate::cli::server::{self as arguments, Settings};
use crate::cli::witness as witness_arguments;
use crate::client::{self, Lang};
use crate::config::Config;
use crate::roles::{self, Host};
use crate::{backup, doctor, kafka, keep, keys, ledger, sample_data, source, verify, witness};

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
    Kafka(arguments::Kafka, Lang),
    /// `lgsp doctor`
    Doctor(arguments::Doctor, Lang),
    /// `lgsp keys`
    Keys(arguments::Keys, Lang),
    /// `lgsp source`
    Source(arguments::Source),
    /// `lgsp sample-data`
    SampleData(arguments::SampleData),
}

/// Runs a command to its end. A bad configuration ends with 64; a second Ctrl-C with 130.
pub async fn run(command: Command) -> ExitCode {
    let ran = match command {
        Command::Up(args) => Box::pin(process::run_up(args)).await,
        Command::Gateway(args) => process::run_gateway(args).await,
        Command::Registry(args) => {
            process::run_role(Role::Registry, &args, None, async |host| {
                Ok(vec![roles::registry::start(host).await?.0])
            })
            .await
        }
        Command::RecoverAdmin(args) => recover_admin(args).await,
        Command::Ledger(args) => {
            process::run_role(Role::Ledger, &args, None, async |host| {
                Ok(vec![roles::ledger::start(host).await?.0])
            })
            .await
        }
        Command::Monitor(args) => {
            let start = async |host: &Host| Ok(vec![roles::monitor::start(host).await?]);
            process::run_role(Role::Monitor, &args, None, start).await
        }
        Command::LedgerStatus(args) => ledger::status(&args),
        Command::LedgerCheck(args) => ledger::check(&args),
        Command::LedgerReindex(args) => {
            with_place(&args.place, async |config| Box::pin(keep::reindex(&args, config)).await).await
        }
        Command::LedgerArchive(args) => {
            Box::pin(with_place(&args.place, async |config| keep::archive(&args, config).await)).await
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
        Command::Console(args) => process::run_console(args).await,
        Command::ConsoleLink(args) => run_console_link(&args),
        Command::Witness(args) => process::run_witness(args).await,
        Command::WitnessStatus(args) => run_witness_status(&args),
        Command::Adapter(args) => {
            let domain = args.domain;
            let start = async |host: &Host| Ok(vec![roles::adapter::start(host, domain).await?]);
            process::run_role(Role::serving(domain.name()), &args.role, None, start).await
        }
        Command::Config(args) => run_config(args),
        Command::Topics(args) => topics::run(args).await,
        Command::Kafka(args, lang) => run_kafka(args, lang).await,
        Command::Doctor(args, lang) => run_doctor(args, lang).await,
        Command::Keys(args, lang) => run_keys(&args, lang),
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

fn run_console_link(args: &console_arguments::Link) -> anyhow::Result<ExitCode> {
    let link = lgsp_console::Invitations::of(&args.data).invite();
    let link = link.with_context(|| format!("no console of `lgsp up` runs on {}", args.data.display()))?;
    print(&format!("{link}\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn run_witness_status(args: &witness_arguments::Status) -> anyhow::Result<ExitCode> {
    witness::status(args, &loaded(&located(&args.settings, args.data.as_deref())?)?)
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

/// Runs a command on the files of a ledger under its configuration.
async fn with_place(
    place: &ledger_arguments::Place,
    run: impl AsyncFnOnce(&Config) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    run(&loaded(&located(&place.settings, place.data.as_deref())?)?).await
}

async fn run_backup(args: backup_arguments::Backup) -> anyhow::Result<ExitCode> {
    let config = loaded(&located(&args.settings, args.data.as_deref())?)?;
    backup::backup(&args, &config).await
}

fn run_keys(args: &arguments::Keys, lang: Lang) -> anyhow::Result<ExitCode> {
    keys::run(args, &loaded(&located(&args.settings, args.data.as_deref())?)?, lang)
}

async fn run_kafka(args: arguments::Kafka, lang: Lang) -> anyhow::Result<ExitCode> {
    let load = |cluster: &arguments::Cluster, data: Option<&Path>| -> anyhow::Result<Config> {
        loaded(&located(&cluster.settings, data)?.set_given("kafka.brokers", cluster.kafka.as_ref()))
    };
    match args {
        arguments::Kafka::Status(args) => {
            Box::pin(kafka::status(&args, &load(&args.cluster, args.data.as_deref())?, lang)).await
        }
        arguments::Kafka::DeadLetters(args) => {
            let config = load(&args.cluster, None)?;
            if config.kafka.brokers.is_none() {
                return Err(no_kafka("is not set").into());
            }
            kafka::dead_letters(&args, &config, lang).await
        }
    }
}

async fn run_doctor(args: arguments::Doctor, lang: Lang) -> anyhow::Result<ExitCode> {
    let sources =
        located(&args.settings, args.data.as_deref())?.set_given("kafka.brokers", args.kafka.as_ref());
    doctor::run(&args, config::load(&sources), lang).await
}

async fn run_source_check(args: arguments::SourceCheck) -> anyhow::Result<ExitCode> {
    let config = loaded(&located(&args.settings, args.data.as_deref())?)?;
    source::run(&args, config).await
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

/// The same with the data directory that was given.
fn located(settings: &Settings, data: Option<&Path>) -> anyhow::Result<Sources> {
    Ok(sources(settings).set_given("data", data.map(path_text).transpose()?))
}

/// The configuration, with its paths resolved.
fn loaded(sources: &Sources) -> anyhow::Result<Config> {
    let config: Config = config::load(sources)?;
    Ok(config.resolved())
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
