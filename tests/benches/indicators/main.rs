//! What a report costs: how long the counts of a period take over an index of many entries, and whether they are those of the entries.
//!
//! ```text
//! cargo bench -p lgsp-tests --bench indicators                              100,000 entries
//! cargo bench -p lgsp-tests --bench indicators -- --entries 10000000        half an hour and 8 GB of disk
//! ```
//!
//! An index of each size is filled as the ledger's filing fills it, without the log and the erasable parts beside it: exchanges of a year,
//! of 11 applications with 12 methods of five data services. Then it is asked as `lgsp report` asks: the year as a whole, a month and a week day
//! by day, distinct dossiers, and forms. Of sizes up to a million the counts of each day are held against the entries.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use clap::Parser as _;
use lgsp_bus::MacKey;
use lgsp_core::entry::{salted, seal};
use lgsp_core::indicators::Period;
use lgsp_core::{ExchangeId, Outcome};
use lgsp_ledger::Options;
use lgsp_ledger::steps::{self, Ask, Steps};
use lgsp_proto::ledger::v1::{Erasable, Phase, Sealed};
use lgsp_tlog::{Kind, SignerKey};
use prost::Message as _;

/// Entries that are filed at once.
const BATCH: u64 = 2_000;
/// Bytes of an entry in the index, at most.
const BYTES: u64 = 1_000;
/// Up to this size the counts are held against the entries.
const RECOUNTED: u64 = 1_000_000;
/// How often each question is asked; the fastest is told, since others work on the machine too.
const ASKED: u32 = 3;
const KEY: [u8; 32] = [5; 32];
const DAY_US: i64 = 24 * 3_600 * 1_000_000;

const APPLICATIONS: [&str; 11] =
    ["tthc", "dvctt", "hotich", "datdai", "yte", "giaoduc", "doanhnghiep", "gpxd", "ketqua", "qlvb", "sso"];
const METHODS: [(&str, &str); 12] = [
    ("population", "GetCitizen"),
    ("population", "VerifyCitizen"),
    ("population", "GetHousehold"),
    ("land", "GetParcel"),
    ("land", "ListParcelsByOwner"),
    ("land", "FindParcels"),
    ("health", "VerifyInsurance"),
    ("health", "GetPatientSummary"),
    ("education", "GetStudent"),
    ("education", "VerifyDiploma"),
    ("business", "GetEnterprise"),
    ("business", "VerifyEnterprise"),
];

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(clap::Parser)]
struct Args {
    /// Sizes, from small to large
    #[arg(long, value_delimiter = ',', default_values_t = [100_000])]
    entries: Vec<u64>,
    /// Where the indexes are made [default: a temporary folder]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// `cargo bench` gives it
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for entries in &args.entries {
        let dir = match &args.dir {
            Some(dir) => tempfile::tempdir_in(dir)?,
            None => tempfile::tempdir()?,
        };
        has_room(dir.path(), *entries)?;
        runtime.block_on(async { measure(dir.path(), *entries).await })?;
    }
    Ok(())
}

/// Refuses to fill a disk, and says how much it takes.
fn has_room(dir: &Path, entries: u64) -> Result<()> {
    let told = Command::new("df").args(["--output=avail", "--block-size=1"]).arg(dir).output()?;
    let free = String::from_utf8(told.stdout)?;
    let free: u64 = free.lines().nth(1).context("df tells nothing")?.trim().parse()?;
    let wanted = entries * BYTES;
    println!("{entries} entries: at most {} MB of {} MB that are free", wanted >> 20, free >> 20);
    ensure!(wanted < free / 2, "that is more than half of it");
    Ok(())
}

fn year() -> Period {
    "2026".parse().expect("a period")
}

async fn measure(dir: &Path, entries: u64) -> Result<()> {
    let options = Options { dir: dir.to_owned(), ..Options::default() };
    let key = SignerKey::from_seed(&options.origin, Kind::Log, &KEY)?;
    let (counting, mut steps) = (MacKey::new(KEY), Steps::begin(&options, key).await?);
    let begun = Instant::now();
    let mut number = 0;
    while number < entries {
        let count = BATCH.min(entries - number);
        let values = (number..number + count).map(|number| entry(number, entries, &counting)).collect();
        steps.index_alone(steps::read(values, &counting), number).await?;
        number += count;
        if number.is_multiple_of(500_000) {
            eprintln!("{number} of {entries} entries, {:.0} s", begun.elapsed().as_secs_f64());
        }
    }
    let took = begun.elapsed();
    let size = std::fs::metadata(dir.join("index.db"))?.len();
    println!(
        "filled at {:.0} entries/s; the index has {} MB, {} bytes an entry",
        entries as f64 / took.as_secs_f64(),
        size >> 20,
        size / entries.max(1)
    );
    let span = |period: &Period| (period.since_us(), period.until_us());
    let month: Period = "2026-06".parse()?;
    let week = (month.since_us(), month.since_us() + 7 * DAY_US);
    ask(&steps, "a year as a whole", span(&year()), Ask::Period, Some(entries)).await?;
    ask(&steps, "a month as a whole", span(&month), Ask::Period, None).await?;
    ask(&steps, "a month day by day", span(&month), Ask::Days, None).await?;
    ask(&steps, "a week day by day", week, Ask::Days, None).await?;
    ask(&steps, "dossiers of a month", span(&month), Ask::Dossiers, None).await?;
    ask(&steps, "dossiers of a year", span(&year()), Ask::Dossiers, None).await?;
    ask(&steps, "forms of a month", span(&month), Ask::Forms, None).await?;
    ask(&steps, "forms of a year", span(&year()), Ask::Forms, None).await?;
    if entries <= RECOUNTED {
        let miscounted = steps.miscounted().await?;
        ensure!(miscounted.is_empty(), "the counts of {miscounted:?} are not those of the entries");
        println!("the counts of each day are those of its entries");
    }
    Ok(())
}

/// Asks, and holds the number of exchanges against what was put in.
async fn ask(steps: &Steps, what: &str, period: (i64, i64), ask: Ask, expected: Option<u64>) -> Result<()> {
    let mut fastest = Duration::MAX;
    let mut rows = 0;
    for _ in 0..ASKED {
        let begun = Instant::now();
        let counted = steps.count(period, ask).await?;
        fastest = fastest.min(begun.elapsed());
        ensure!(counted.sum > 0 && expected.is_none_or(|expected| expected == counted.sum), "{counted:?}");
        rows = counted.rows;
    }
    println!("{what:<22} {:>10.1} ms  {rows:>8} rows", fastest.as_secs_f64() * 1_000.0);
    Ok(())
}

/// The record of an entry, as a gateway appends it: spread over a year, each third with a dossier, four exchanges to one.
fn entry(number: u64, entries: u64, counting: &MacKey) -> Bytes {
    let year = year();
    let drawn = scattered(number);
    let step = (year.until_us() - year.since_us()) / entries.max(1).cast_signed();
    let admitted_us = year.since_us() + step * number.cast_signed();
    let (domain, method) = METHODS[(drawn >> 8) as usize % METHODS.len()];
    let outcome = match drawn % 100 {
        0 => Outcome::Denied,
        1 => Outcome::Failed,
        2..=9 => Outcome::NotFound,
        _ => Outcome::Served,
    };
    // From one millisecond to one second, more of them short.
    let took_us = 1_000_i64 << ((drawn >> 40) % 11).min((drawn >> 48) % 11);
    let sealed = Sealed {
        exchange_id: exchange(number, admitted_us).as_bytes().to_vec().into(),
        phase: Phase::Final.into(),
        gateway: format!("gateway-{}", number % 2),
        sequence: number / 2 + 1,
        application: APPLICATIONS[(drawn >> 24) as usize % APPLICATIONS.len()].to_owned(),
        agency_code: "H13.01".to_owned(),
        environment: "production".to_owned(),
        credential_sha256: vec![(number % 11) as u8; 32].into(),
        service: format!("lgsp.{domain}.v1.Service"),
        method: method.to_owned(),
        purpose: "prefill".to_owned(),
        agreement: "tt-hotich-dancu".to_owned(),
        fields_released: if outcome == Outcome::Served { vec!["field".to_owned(); 4] } else { Vec::new() },
        admitted_us,
        entered_us: admitted_us + took_us + (drawn >> 52) as i64,
        outcome: outcome.into(),
        ..Sealed::default()
    };
    let dossier = format!("H13.01-260601-{:07}", number / 12);
    let names_one = number.is_multiple_of(3);
    let erasable =
        Erasable { dossier: if names_one { salted(&dossier) } else { None }, ..Erasable::default() };
    let mut entry = seal(sealed, erasable);
    entry.sealed = lgsp_bus::entry::sign(counting, &entry.sealed).into();
    entry.encode_to_vec().into()
}

fn exchange(number: u64, admitted_us: i64) -> ExchangeId {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&(admitted_us / 1_000).to_be_bytes()[2..]);
    bytes[6] = 0x70;
    bytes[8] = 0x80;
    bytes[9..].copy_from_slice(&scattered(number).to_be_bytes()[1..]);
    ExchangeId::from_bytes(&bytes).expect("a UUID of version 7")
}

/// The same number for the same one, and as if drawn (SplitMix64).
fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
