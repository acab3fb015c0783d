//! The hub in one binary: its roles and its command line.

use std::process::ExitCode;

use clap::Parser as _;
use lgsp::cli::{Cli, Command};
use lgsp::client::{self, Lang};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let lang = cli.lang.unwrap_or_else(|| Lang::of_environment(|name| std::env::var(name).ok()));
    match cli.command {
        Command::Call(args) => call_hub(client::Command::Call(args), lang),
        Command::Token(args) => call_hub(client::Command::Token(args), lang),
        Command::Services(args) => call_hub(client::Command::Services(args), lang),
        Command::Applications(args) => call_hub(client::Command::Applications(args), lang),
        Command::Exchanges(args) => call_hub(client::Command::Exchanges(args), lang),
        // Server commands: one arm each.
        Command::Up(_) => not_in_this_build("up"),
        Command::Gateway(_) => not_in_this_build("gateway"),
        Command::Registry(_) => not_in_this_build("registry"),
        Command::Ledger(_) => not_in_this_build("ledger"),
        Command::Adapter(_) => not_in_this_build("adapter"),
        Command::Config(_) => not_in_this_build("config"),
        Command::Topics(_) => not_in_this_build("topics"),
        Command::SampleData(_) => not_in_this_build("sample-data"),
    }
}

/// Runs a command of the client on a small runtime: it does one thing at a time.
fn call_hub(command: client::Command, lang: Lang) -> ExitCode {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(client::run(command, lang)),
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

fn not_in_this_build(command: &str) -> ExitCode {
    eprintln!("error: this build has no `lgsp {command}`");
    ExitCode::FAILURE
}
