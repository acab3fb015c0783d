//! A hub whose every process is killed, one after the other, while applications call it; and what its log says of that afterwards.
//!
//! ```text
//! deploy/kafka/kafka start --brokers 3 --dir /tmp/three --port 9092
//! cargo build --release -p lgsp
//! cargo bench -p lgsp-tests --bench chaos -- --kafka 127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094 --kafka-dir /tmp/three
//! … -- --exchanges 1000000 --rounds 20 --output json         a long run: each process is killed twenty times
//! ```
//!
//! Every role is a process of its own, of the binary that operators run: two gateways, the registry, the ledger, and the adapters of
//! population and land. Each is killed with SIGKILL in turn, and started again; so is one broker of three, if `--kafka-dir` tells
//! where `deploy/kafka/kafka` keeps them. Applications call through both gateways all the while, each call under a request id
//! of its own. In the end the log is read as a stranger reads it, by its pages, and held against what was seen from outside:
//!
//! ```text
//!  answers that came (load.rs) ─────────┐
//!  requests and entries on Kafka        ├──► verdict.rs: none without its entry, none twice, none lost
//!   (topics.rs, read all the while) ────┤
//!  checkpoints seen, leaves (log.rs) ───┘
//! ```
//!
//! The exit code is 1 if anything does not hold; then the folder with keys, log and what each process said is kept.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, dead_code, unused_imports)]

#[path = "../../tests/hub/caller.rs"]
mod caller;
mod hub;
mod kills;
mod load;
mod log;
mod process;
mod report;
mod run;
mod topics;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Options of the run.
#[derive(Debug, clap::Parser)]
#[command(about = "Kills every process of a hub under load, and holds its log against what was seen.")]
struct Args {
    /// The brokers of a Kafka that nobody else needs: topics of a fresh namespace are left on it.
    #[arg(long, env = "LGSP_TEST_KAFKA", value_name = "HOST:PORT,…")]
    kafka: String,
    /// The folder of `deploy/kafka/kafka start --brokers 3`: one broker of it is killed, too.
    #[arg(long, value_name = "DIR")]
    kafka_dir: Option<PathBuf>,
    /// How many exchanges are served at least.
    #[arg(long, default_value_t = 5_000)]
    exchanges: u64,
    /// How often each process is killed.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// Who is killed; otherwise everybody.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHO")]
    kill: Vec<kills::Kind>,
    /// How many seconds a killed one is away before it is started again.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    away: f64,
    /// Calls in flight.
    #[arg(long, default_value_t = 32)]
    in_flight: usize,
    /// Most calls a second; otherwise as many as are answered.
    #[arg(long)]
    per_second: Option<u32>,
    /// The binary; otherwise the one beside this program, as cargo builds it.
    #[arg(long, value_name = "FILE")]
    lgsp: Option<PathBuf>,
    /// Where keys, log and what the processes say are kept; otherwise a scratch folder, which stays if something does not hold.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How the result is written.
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    /// Cargo says so to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Table,
    Json,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async { tokio::spawn(run::run(args)).await? })
}
