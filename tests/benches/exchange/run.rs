//! The whole bench: which slices run, in which order, at which rate.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Parser;

use crate::plan::{self, Load, Measured, Step, System};
use crate::report::{Report, Runs};

/// Options of the bench.
#[derive(Debug, Parser)]
#[command(about = "Measures an exchange through the hub beside one without it.")]
pub struct Args {
    /// Seconds of a slice, for each number in flight.
    #[arg(long, default_value_t = 10.0)]
    pub slice: f64,
    /// Pairs of slices of the naive service and the hub.
    #[arg(long, default_value_t = 10)]
    pub pairs: usize,
    /// How many requests are in flight at most.
    #[arg(long, value_delimiter = ',', default_value = "1,64,256")]
    in_flight: Vec<usize>,
    /// The systems to measure.
    #[arg(long, value_delimiter = ',', value_enum, default_value = "bare,naive,hub")]
    pub systems: Vec<System>,
    /// The offered rate, as a share of what the slowest system can do.
    #[arg(long, default_value_t = 0.6)]
    share: f64,
    /// A real Kafka, measured besides the embedded broker.
    #[arg(long, env = "LGSP_TEST_KAFKA")]
    pub kafka: Option<String>,
    /// Skip the embedded broker.
    #[arg(long)]
    kafka_only: bool,
    /// Instead: send so many exchanges through the hub, and tell its memory.
    #[arg(long)]
    pub memory: Option<u64>,
    /// Instead: tell how interactive exchanges fare beside ten times the bulk that can be done.
    #[arg(long)]
    pub priority: bool,
    /// Instead: tell how many exchanges there are with and without metrics.
    #[arg(long)]
    pub metrics: bool,
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

const CALIBRATION_SECONDS: f64 = 2.0;
const WARM_UP_SECONDS: f64 = 1.0;
/// The bare figures are for orientation; they take part in every so manieth pair only.
const BARE_EVERY: usize = 4;

type Rates = BTreeMap<usize, f64>;

pub fn run(args: &Args) -> Result<()> {
    let embedded = (!args.kafka_only).then_some(None);
    let brokers = embedded.into_iter().chain(args.kafka.as_deref().map(Some));
    let mut reports = Vec::new();
    for kafka in brokers {
        let rates = calibrate(args, kafka)?;
        let runs = measure(args, kafka, &rates)?;
        reports.push(Report::of(kafka, args.slice, args.pairs, &args.in_flight, &runs));
    }
    match args.output {
        Output::Table => reports.iter().for_each(|report| print!("{report}")),
        Output::Json => println!("{}", serde_json::to_string_pretty(&reports)?),
    }
    Ok(())
}

/// The rate that is offered at each number in flight: the same for all systems, or their latencies could not be compared.
fn calibrate(args: &Args, kafka: Option<&str>) -> Result<Rates> {
    let mut rates = Rates::new();
    for system in &args.systems {
        let steps = args.in_flight.iter().flat_map(|in_flight| {
            let step = |load| Step { in_flight: *in_flight, load, beside: None, unmeasured: false };
            let warm_up = step(Load::WarmUp { seconds: WARM_UP_SECONDS });
            [warm_up, step(Load::Full { seconds: CALIBRATION_SECONDS })]
        });
        for measured in slice(*system, kafka, steps.collect())? {
            let rate = rates.entry(measured.step.in_flight).or_insert(f64::MAX);
            *rate = rate.min(measured.per_second() * args.share);
        }
    }
    Ok(rates)
}

fn measure(args: &Args, kafka: Option<&str>, rates: &Rates) -> Result<Runs> {
    let mut runs = Runs::new();
    for pair in 0..args.pairs {
        let mut systems = args.systems.clone();
        systems.retain(|system| *system != System::Bare || pair % BARE_EVERY == 0);
        // Neither always comes after the other.
        if pair % 2 == 1 {
            systems.reverse();
        }
        for system in systems {
            let steps = args.in_flight.iter().flat_map(|in_flight| {
                let per_second = rates.get(in_flight).copied().unwrap_or(1.0);
                steps(*in_flight, per_second, args.slice)
            });
            let measured = slice(system, kafka, steps.collect())?;
            progress(pair, args.pairs, system, &measured);
            runs.entry(system).or_default().push(measured);
        }
    }
    Ok(runs)
}

fn steps(in_flight: usize, per_second: f64, slice: f64) -> [Step; 3] {
    let step = |load| Step { in_flight, load, beside: None, unmeasured: false };
    [
        step(Load::WarmUp { seconds: WARM_UP_SECONDS }),
        step(Load::Paced { per_second, seconds: slice / 2.0 }),
        step(Load::Full { seconds: slice / 2.0 }),
    ]
}

/// Runs the steps; returns those that count.
fn slice(system: System, kafka: Option<&str>, steps: Vec<Step>) -> Result<Vec<Measured>> {
    let mut measured = plan::run(system, kafka, steps)?;
    measured.retain(|measured| !matches!(measured.step.load, Load::WarmUp { .. }));
    Ok(measured)
}

fn progress(pair: usize, pairs: usize, system: System, measured: &[Measured]) {
    let figures: Vec<String> = measured
        .iter()
        .map(|measured| match measured.step.load {
            Load::Paced { .. } => format!("{}: p50 {:.2} ms", measured.step.in_flight, measured.p50_us / 1e3),
            Load::WarmUp { .. } | Load::Full { .. } | Load::Count { .. } => {
                format!("{:.0}/s", measured.per_second())
            }
        })
        .collect();
    eprintln!("pair {} of {pairs}, {:<5} {}", pair + 1, system.name(), figures.join(", "));
}
