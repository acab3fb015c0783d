//! The hub in one binary: its roles and its command line.

use std::process::ExitCode;

use clap::Parser as _;
use lgsp::cli::{Cli, Command, audit, code, console, ledger, witness};
use lgsp::client::{self, Lang};
use lgsp::server;

/// Exchanges allocate much, and free on another thread what they allocated: see ADR 8.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let lang = cli.lang.unwrap_or_else(|| Lang::of_environment(|name| std::env::var(name).ok()));
    match cli.command {
        Command::Call(args) => call_hub(client::Command::Call(args), lang),
        Command::Token(args) => call_hub(client::Command::Token(args), lang),
        Command::SignIn(args) => call_hub(client::Command::SignIn(args), lang),
        Command::Services(args) => call_hub(client::Command::Services(args), lang),
        Command::Service(args) => call_hub(client::Command::Service(args), lang),
        Command::Applications(args) => call_hub(client::Command::Applications(args), lang),
        Command::Connections(args) => call_hub(client::Command::Connections(args), lang),
        Command::Connection(command) => call_hub(client::Command::Connection(command), lang),
        Command::Agreement(command) => call_hub(client::Command::Agreement(command), lang),
        Command::Credential(args) => call_hub(client::Command::Credential(args), lang),
        Command::Status(args) => call_hub(client::Command::Status(args), lang),
        Command::Top(args) => call_hub(client::Command::Top(args), lang),
        Command::Alert(command) => call_hub(client::Command::Alert(command), lang),
        Command::Link(command) => call_hub(client::Command::Link(command), lang),
        Command::Report(args) => call_hub(client::Command::Report(Box::new(args)), lang),
        Command::Exchanges(args) => call_hub(client::Command::Exchanges(args), lang),
        Command::Up(args) => serve(server::Command::Up(args)),
        Command::Gateway(args) => serve(server::Command::Gateway(args)),
        Command::Registry(args) => match args.command {
            None => serve(server::Command::Registry(args.role)),
            Some(code::Command::RecoverAdmin(args)) => serve(server::Command::RecoverAdmin(args)),
            Some(command) => call_hub(client::Command::Registry(Box::new(command)), lang),
        },
        Command::Monitor(args) => serve(server::Command::Monitor(args)),
        Command::Ledger(args) => serve(match args.command {
            None => server::Command::Ledger(args.role),
            Some(ledger::Command::Status(args)) => server::Command::LedgerStatus(args),
            Some(ledger::Command::Check(args)) => server::Command::LedgerCheck(args),
            Some(ledger::Command::Reindex(args)) => server::Command::LedgerReindex(args),
            Some(ledger::Command::Archive(args)) => server::Command::LedgerArchive(args),
            Some(ledger::Command::Restore(args)) => server::Command::LedgerRestore(args),
            Some(ledger::Command::Erase(args)) => server::Command::LedgerErase(args),
        }),
        Command::Audit(audit::Audit::Verify(args)) => serve(server::Command::Verify(args, lang)),
        Command::Audit(audit::Audit::Ask(command)) => call_hub(client::Command::Audit(command), lang),
        Command::Console(args) => serve(match args.command {
            None => server::Command::Console(args.role),
            Some(console::Command::Link(args)) => server::Command::ConsoleLink(args),
        }),
        Command::Witness(args) => serve(match args.command {
            None => server::Command::Witness(args.role),
            Some(witness::Command::Status(args)) => server::Command::WitnessStatus(args),
        }),
        Command::Adapter(args) => serve(server::Command::Adapter(args)),
        Command::Config(args) => serve(server::Command::Config(args)),
        Command::Topics(args) => serve(server::Command::Topics(args)),
        Command::Backup(args) => serve(server::Command::Backup(args)),
        Command::Restore(args) => serve(server::Command::Restore(args)),
        Command::Kafka(args) => serve(server::Command::Kafka(args, lang)),
        Command::Doctor(args) => serve(server::Command::Doctor(*args, lang)),
        Command::Keys(args) => serve(server::Command::Keys(args, lang)),
        Command::Source(args) => serve(server::Command::Source(args)),
        Command::SampleData(args) => serve(server::Command::SampleData(args)),
    }
}

/// Runs a command of the client on a small runtime: it does one thing at a time.
fn call_hub(command: client::Command, lang: Lang) -> ExitCode {
    on(tokio::runtime::Builder::new_current_thread(), client::run(command, lang))
}

/// Runs a command that is a hub, on all cores.
fn serve(command: server::Command) -> ExitCode {
    on(tokio::runtime::Builder::new_multi_thread(), server::run(command))
}

fn on(mut runtime: tokio::runtime::Builder, command: impl Future<Output = ExitCode>) -> ExitCode {
    match runtime.enable_all().build() {
        // What still blocks when the command has ended must not keep the process.
        Ok(runtime) => {
            let code = runtime.block_on(command);
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}
