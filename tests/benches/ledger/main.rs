//! What the exchange log costs: to append and seal, to index, to search, to prove, and on disk.
//!
//! ```text
//! cargo bench -p lgsp-tests --bench ledger                                    10,000 and 1,000,000 entries
//! cargo bench -p lgsp-tests --bench ledger -- --entries 10000,10000000        half an hour and 15 GB of disk
//! cargo bench -p lgsp-tests --bench ledger -- --entries 2000                  a short look
//! ```
//!
//! A log of each size is made by the steps of the ledger's own filing, without a broker: append, fsync, tree, head and signed checkpoint
//! for every 2,000 entries, then the store of erasable parts and the index. Each step is timed alone. Then a ledger is started on those files,
//! and auditors search it through its service: for a person, and for a dossier, each with a page of up to 100.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod city;
mod report;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser as _;
use lgsp_bus::{Bus, MacKey, MacKeys};
use lgsp_ledger::{Abandon, Keys, Ledger, Options, steps};
use lgsp_proto::ledger::v1::audit_service_client::AuditServiceClient;
use lgsp_proto::ledger::v1::{AuditFilter, GetExchangeRequest, SearchExchangesRequest, SubjectKey};
use lgsp_runtime::{Instance, Shutdown, State, shutdown};
use lgsp_tlog::{Kind, Policy, Proof, SignerKey};
use tonic::service::Routes;

use city::City;
use report::{Case, Report};

/// Entries that are filed at once, as the ledger does under load.
const BATCH: u64 = 2_000;
/// Searches of a kind.
const SEARCHES: u64 = 400;
const KEY: [u8; 32] = [5; 32];

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(clap::Parser)]
struct Args {
    /// Sizes of the logs, from small to large
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000])]
    entries: Vec<u64>,
    /// Where the logs are made [default: a temporary folder]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Print one JSON object a size
    #[arg(long)]
    json: bool,
    /// `cargo bench` gives it
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut report = Report::default();
    for entries in &args.entries {
        let dir = match &args.dir {
            Some(dir) => tempfile::tempdir_in(dir)?,
            None => tempfile::tempdir()?,
        };
        let case = runtime.block_on(async { measure(dir.path(), *entries).await })?;
        report.add(case);
    }
    report.print(args.json)
}

fn options(dir: &Path) -> Options {
    Options { dir: dir.to_owned(), abandon: Abandon::Never, ..Options::default() }
}

fn log_key() -> Result<SignerKey> {
    Ok(SignerKey::from_seed(&Options::default().origin, Kind::Log, &KEY)?)
}

async fn measure(dir: &Path, entries: u64) -> Result<Case> {
    let city = City::of(entries);
    let mut case = Case { entries, ..Case::default() };
    make(dir, &city, &mut case).await?;
    case.weigh(dir)?;
    let begun = Instant::now();
    let checked = lgsp_ledger::check(dir, &[log_key()?.verifier().clone()], |_, _| ())?;
    anyhow::ensure!(checked.problems.is_empty(), "{:?}", checked.problems);
    case.check = begun.elapsed();
    search(dir, &city, &mut case).await?;
    Ok(case)
}

/// Makes a log of a city, and times the steps.
async fn make(dir: &Path, city: &City, case: &mut Case) -> Result<()> {
    let counting = MacKey::new(KEY);
    let mut files = steps::Steps::begin(&options(dir), log_key()?).await?;
    let mut number = 0;
    while number < city.entries {
        let count = BATCH.min(city.entries - number);
        let values = (number..number + count).map(|number| city.entry(number, &counting)).collect();
        number += count;
        let begun = Instant::now();
        let appended = files.append_and_seal(steps::read(values, &counting))?;
        case.append += begun.elapsed();
        let begun = Instant::now();
        files.index(&appended).await?;
        case.index += begun.elapsed();
        if number.is_multiple_of(100_000) {
            eprintln!(
                "{number} of {} entries, {:.0} s",
                city.entries,
                (case.append + case.index).as_secs_f64()
            );
        }
    }
    Ok(())
}

/// Starts a ledger on the files, and asks it as auditors do.
async fn search(dir: &Path, city: &City, case: &mut Case) -> Result<()> {
    let bus = Bus::open(lgsp_bus::Options::default())?;
    let state = State::new(Instance::new("ledger", "0.0.0"));
    let shutdown = Shutdown::new(state.clone(), shutdown::Options::default());
    let macs = MacKeys::new(bus.options().domains.iter().map(|it| (it.clone(), MacKey::new(KEY))).collect());
    let keys = Keys { macs, log: vec![log_key()?], decisions: None, former_entries: None };
    let ledger = lgsp_ledger::start(options(dir), keys, &bus, &state, &shutdown).await?;
    ledger.replace_subject_keys(city.subject_keys());
    for asked in 0..SEARCHES {
        let person = SubjectKey { person: city.person_of(asked), ..SubjectKey::default() };
        let by_subject = AuditFilter { subject: Some(person), ..AuditFilter::default() };
        case.by_subject.push(page(&ledger, by_subject).await?);
        let by_dossier = AuditFilter { dossier: city.dossier_of(asked), ..AuditFilter::default() };
        case.by_dossier.push(page(&ledger, by_dossier).await?);
        case.prove.push(prove(&ledger, city, asked).await?);
    }
    anyhow::ensure!(shutdown.run().await.is_empty(), "the ledger did not end");
    Ok(())
}

fn client(ledger: &Ledger) -> AuditServiceClient<Routes> {
    AuditServiceClient::new(ledger.routes()).max_decoding_message_size(8 << 20)
}

async fn page(ledger: &Ledger, filter: AuditFilter) -> Result<Duration> {
    let request = SearchExchangesRequest { filter: Some(filter), ..SearchExchangesRequest::default() };
    let begun = Instant::now();
    let found = client(ledger).search_exchanges(request).await?.into_inner();
    let took = begun.elapsed();
    anyhow::ensure!(!found.exchanges.is_empty(), "what is there was not found");
    Ok(took)
}

/// Asks for an exchange with its proof, and verifies it as an auditor does.
async fn prove(ledger: &Ledger, city: &City, asked: u64) -> Result<Duration> {
    let key = log_key()?;
    let policy = Policy::new(key.name(), vec![key.verifier().clone()], Vec::new(), 0)?;
    let exchange_id = city.exchange_of(asked).to_string();
    let request = GetExchangeRequest { exchange_id, prove: true, ..GetExchangeRequest::default() };
    let begun = Instant::now();
    let entries = client(ledger).get_exchange(request).await?.into_inner().entries;
    let entry = entries.first().context("no entry")?;
    Proof::parse(entry.proof.as_bytes())?.verify(&entry.sealed, &policy)?;
    Ok(begun.elapsed())
}
