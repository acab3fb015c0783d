//! The table.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::plan::{Load, Measured, System};

/// What each slice of a system measured, slice by slice.
pub type Runs = BTreeMap<System, Vec<Vec<Measured>>>;

/// All that was measured on one broker.
#[derive(Debug, Serialize)]
pub struct Report {
    broker: String,
    cores: usize,
    slice_seconds: f64,
    pairs: usize,
    systems: Vec<Row>,
    ratios: Vec<Ratios>,
    /// CPU in microseconds per exchange by part and thread, at the most in flight.
    threads: BTreeMap<String, BTreeMap<String, f64>>,
}

/// One system at one number in flight: medians over the slices.
#[derive(Debug, Serialize)]
struct Row {
    system: System,
    in_flight: usize,
    offered_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    per_second: f64,
    failures: u64,
    /// CPU in milliseconds per 1,000 exchanges, by part, at full load.
    cpu_ms: BTreeMap<String, f64>,
}

/// The hub against the naive service at one number in flight.
#[derive(Debug, Serialize)]
struct Ratios {
    in_flight: usize,
    p50: Ratio,
    p99: Ratio,
    per_second: Ratio,
    /// CPU of gateway and adapter.
    cpu_gateway_adapter: Ratio,
    cpu_all: Ratio,
}

/// The median of the ratios of the pairs, and their range.
#[derive(Clone, Copy, Debug, Serialize)]
struct Ratio {
    median: f64,
    low: f64,
    high: f64,
}

const PARTS: &[&str] = &["client", "gateway", "adapter", "ledger", "registry", "broker", "other"];

/// How the broker is called in the table.
pub fn broker(kafka: Option<&str>) -> String {
    kafka.map_or_else(|| "embedded broker".to_owned(), |kafka| format!("Kafka at {kafka}"))
}

impl Report {
    pub fn of(
        kafka: Option<&str>,
        slice_seconds: f64,
        pairs: usize,
        in_flight: &[usize],
        runs: &Runs,
    ) -> Self {
        let systems = in_flight
            .iter()
            .flat_map(|in_flight| runs.iter().map(|(system, slices)| Row::of(*system, *in_flight, slices)));
        let ratios = match (runs.get(&System::Naive), runs.get(&System::Hub)) {
            (Some(naive), Some(hub)) => {
                in_flight.iter().map(|in_flight| Ratios::of(*in_flight, naive, hub)).collect()
            }
            (_, None) | (None, _) => Vec::new(),
        };
        let most = in_flight.iter().max().copied().unwrap_or_default();
        let threads = runs.iter().map(|(system, slices)| (system.name().to_owned(), threads(slices, most)));
        Self {
            broker: broker(kafka),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            slice_seconds,
            pairs,
            systems: systems.collect(),
            ratios,
            threads: threads.collect(),
        }
    }
}

fn paced(slices: &[Vec<Measured>], in_flight: usize) -> Vec<&Measured> {
    steps(slices, in_flight, |load| matches!(load, Load::Paced { .. }))
}

fn full(slices: &[Vec<Measured>], in_flight: usize) -> Vec<&Measured> {
    steps(slices, in_flight, |load| matches!(load, Load::Full { .. }))
}

fn steps(slices: &[Vec<Measured>], in_flight: usize, wanted: fn(&Load) -> bool) -> Vec<&Measured> {
    let all = slices.iter().flatten();
    all.filter(|measured| measured.step.in_flight == in_flight && wanted(&measured.step.load)).collect()
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

fn median_of(measured: &[&Measured], figure: impl Fn(&Measured) -> f64) -> f64 {
    median(measured.iter().map(|measured| figure(measured)).collect())
}

fn threads(slices: &[Vec<Measured>], in_flight: usize) -> BTreeMap<String, f64> {
    let full = full(slices, in_flight);
    let names = full.iter().flat_map(|measured| measured.threads_us.keys());
    names
        .map(|name| (name.clone(), median_of(&full, |of| of.threads_us.get(name).copied().unwrap_or(0.0))))
        .collect()
}

impl Row {
    fn of(system: System, in_flight: usize, slices: &[Vec<Measured>]) -> Self {
        let (paced, full) = (paced(slices, in_flight), full(slices, in_flight));
        let offered = |measured: &Measured| match measured.step.load {
            Load::Paced { per_second, .. } => per_second,
            Load::WarmUp { .. } | Load::Full { .. } | Load::Count { .. } => f64::NAN,
        };
        let parts = full.iter().flat_map(|measured| measured.cpu_us.keys());
        let cpu = |part: &str| median_of(&full, |of| of.cpu_us.get(part).copied().unwrap_or(0.0));
        Self {
            system,
            in_flight,
            offered_per_second: median_of(&paced, offered),
            p50_ms: median_of(&paced, |measured| measured.p50_us / 1e3),
            p99_ms: median_of(&paced, |measured| measured.p99_us / 1e3),
            per_second: median_of(&full, Measured::per_second),
            failures: paced.iter().chain(&full).map(|measured| measured.failures).sum(),
            // Microseconds per exchange are milliseconds per thousand.
            cpu_ms: parts.map(|part| (part.clone(), cpu(part))).collect(),
        }
    }
}

impl Ratios {
    fn of(in_flight: usize, naive: &[Vec<Measured>], hub: &[Vec<Measured>]) -> Self {
        let (naive_paced, hub_paced) = (paced(naive, in_flight), paced(hub, in_flight));
        let (naive_full, hub_full) = (full(naive, in_flight), full(hub, in_flight));
        let served = |of: &Measured| {
            ["gateway", "adapter"].iter().filter_map(|part| of.cpu_us.get(*part)).sum::<f64>()
        };
        Self {
            in_flight,
            p50: Ratio::of(&hub_paced, &naive_paced, |of| of.p50_us),
            p99: Ratio::of(&hub_paced, &naive_paced, |of| of.p99_us),
            per_second: Ratio::of(&hub_full, &naive_full, Measured::per_second),
            cpu_gateway_adapter: Ratio::of(&hub_full, &naive_full, served),
            cpu_all: Ratio::of(&hub_full, &naive_full, |of| of.cpu_us.values().sum()),
        }
    }
}

impl Ratio {
    fn of(of: &[&Measured], to: &[&Measured], figure: impl Fn(&Measured) -> f64) -> Self {
        let ratios: Vec<f64> = of.iter().zip(to).map(|(of, to)| figure(of) / figure(to)).collect();
        let low = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let high = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self { median: median(ratios), low, high }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.2} ({:.2} to {:.2})", self.median, self.low, self.high))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { broker, cores, slice_seconds, pairs, .. } = self;
        writeln!(
            f,
            "\n{broker}, {cores} cores, answers of 1 KiB, {pairs} pairs of slices of {slice_seconds} s"
        )?;
        writeln!(
            f,
            "p50 and p99 at the offered rate, from when a request was due; the rest with all in flight\n"
        )?;
        let used = |part: &str| self.systems.iter().any(|row| row.cpu_ms.contains_key(part));
        let parts: Vec<&str> = PARTS.iter().copied().filter(|part| used(part)).collect();
        self.write_systems(f, &parts)?;
        self.write_ratios(f)
    }
}

impl Report {
    fn write_systems(&self, f: &mut fmt::Formatter<'_>, parts: &[&str]) -> fmt::Result {
        writeln!(f, "{:61}CPU in ms per 1,000 exchanges", "")?;
        write!(f, "in flight  system  offered/s  p50 ms  p99 ms   most/s  failed")?;
        parts.iter().try_for_each(|part| write!(f, "{part:>9}"))?;
        writeln!(f, "{:>9}", "all")?;
        for row in &self.systems {
            let Row { system, in_flight, offered_per_second, p50_ms, p99_ms, per_second, failures, cpu_ms } =
                row;
            write!(f, "{in_flight:>9}  {:<6}  {offered_per_second:>9.0}", system.name())?;
            write!(f, "  {p50_ms:>6.2}  {p99_ms:>6.2}  {per_second:>7.0}  {failures:>6}")?;
            for part in parts {
                match cpu_ms.get(*part) {
                    Some(cpu) => write!(f, "{cpu:>9.0}")?,
                    None => write!(f, "{:>9}", "-")?,
                }
            }
            writeln!(f, "{:>9.0}", cpu_ms.values().sum::<f64>())?;
        }
        Ok(())
    }

    fn write_ratios(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ratios.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nthe hub over the naive service: median of the pairs' ratios (range)\n")?;
        let heads = ["p50", "p99", "most/s", "CPU gateway+adapter", "CPU all"];
        write!(f, "in flight")?;
        heads.iter().try_for_each(|head| write!(f, "  {head:<21}"))?;
        writeln!(f)?;
        for Ratios { in_flight, p50, p99, per_second, cpu_gateway_adapter, cpu_all } in &self.ratios {
            writeln!(
                f,
                "{in_flight:>9}  {p50:<21}  {p99:<21}  {per_second:<21}  {cpu_gateway_adapter:<21}  {cpu_all}"
            )?;
        }
        Ok(())
    }
}
