//! The whole bench: the cities, the cases at each size, and what is told about them.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Parser;
use lgsp_sample::Config;

use crate::city::City;
use crate::database::Database;
use crate::measure::{self, Figures};
use crate::plans;
use crate::report::{self, Report, Row};

/// Options of the bench.
#[derive(Debug, Parser)]
#[command(about = "Measures every method of the five adapters over synthetic cities of several sizes.")]
pub struct Args {
    /// A server of PostgreSQL on which databases may be made, such as the one that deploy/postgres starts.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Measure on files of SQLite too, or alone; in this folder, if one is named.
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = env!("CARGO_TARGET_TMPDIR"))]
    sqlite: Option<PathBuf>,
    /// The sizes of the cities.
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000")]
    citizens: Vec<u32>,
    /// Measure these domains alone.
    #[arg(long, value_delimiter = ',')]
    domains: Vec<String>,
    /// Seconds of each case at each size.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// What the cities are made from, and the keys that are asked for.
    #[arg(long, default_value_t = 92)]
    seed: u64,
    /// Keep the cities for the next run. Otherwise they are dropped in the end.
    #[arg(long)]
    keep: bool,
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

/// What is said when no database is named.
pub const NO_DATABASE: &str = "\
nothing is measured: no database is named. On PostgreSQL, as Debian packages it:

    deploy/postgres/postgres start --dir /tmp/lgsp-postgres --port 5433
    cargo bench -p lgsp-tests --bench sources -- --postgres postgres://lgsp@127.0.0.1:5433/postgres

or on files of SQLite:

    cargo bench -p lgsp-tests --bench sources -- --sqlite";

impl Args {
    /// The databases to measure on.
    ///
    /// # Errors
    /// An URL names no database, or there is nothing to measure.
    pub fn databases(&self) -> Result<Vec<Database>> {
        ensure!(!self.citizens.is_empty() && self.seconds > 0.0, "no size or no time to measure");
        let postgres = self.postgres.as_deref().map(Database::postgres).transpose()?;
        let sqlite = self.sqlite.clone().map(Database::Sqlite);
        Ok(postgres.into_iter().chain(sqlite).collect())
    }

    fn measures(&self, domain: &str) -> bool {
        self.domains.is_empty() || self.domains.iter().any(|wanted| wanted == domain)
    }

    /// The cities, the smallest first.
    fn configs(&self) -> Vec<Config> {
        let mut sizes = self.citizens.clone();
        sizes.sort_unstable();
        sizes.dedup();
        sizes.into_iter().map(|citizens| Config { seed: self.seed, citizens }).collect()
    }
}

pub async fn run(args: Args, databases: Vec<Database>) -> Result<()> {
    let mut reports = Vec::new();
    for database in &databases {
        let measured = measured(&args, database).await;
        if !args.keep {
            for config in args.configs() {
                database.forget(config).await?;
            }
        }
        reports.push(measured?);
    }
    match args.output {
        Output::Table => reports.iter().for_each(|report| print!("{report}")),
        Output::Json => println!("{}", serde_json::to_string_pretty(&reports)?),
    }
    Ok(())
}

async fn measured(args: &Args, database: &Database) -> Result<Report> {
    let mut cities = Vec::new();
    for config in args.configs() {
        database.hold(config).await?;
        let mut city = City::open(database, config).await?;
        city.cases.retain(|case| args.measures(case.domain));
        cities.push(city);
    }
    let rows = rows(&cities, args.seconds).await?;
    let mut plans = Vec::new();
    if let Some(largest) = cities.last() {
        eprintln!("asking {} for its plans", largest.name());
        for case in &largest.cases {
            plans.push(plans::of(case, largest.tables_of(case.domain)?).await?);
        }
    }
    let report = Report::of(database.described().await?, args.seconds, &args.configs(), rows, plans);
    for city in cities {
        city.close().await;
    }
    Ok(report)
}

/// Every case at every size, one size right after the other.
async fn rows(cities: &[City], seconds: f64) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for number in 0..cities.first().map_or(0, |city| city.cases.len()) {
        let mut sizes: Vec<Figures> = Vec::new();
        for city in cities {
            sizes.push(measure::measure(&city.cases[number], seconds).await?);
        }
        let row = Row::of(&cities[0].cases[number], sizes);
        eprintln!("{}", report::progress(&row));
        rows.push(row);
    }
    Ok(rows)
}
