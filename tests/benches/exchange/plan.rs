//! What the parent tells a slice to do, and what the slice tells back: JSON in an environment variable, JSON on stdout.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

const VARIABLE: &str = "LGSP_BENCH_SLICE";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// Plain rdkafka.
    Bare,
    /// A service without a hub.
    Naive,
    /// The hub, everything on.
    Hub,
}

impl System {
    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Naive => "naive",
            Self::Hub => "hub",
        }
    }
}

/// One process' work.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    pub system: System,
    /// `None`: the embedded broker.
    pub kafka: Option<String>,
    /// Where the slice may write.
    pub folder: PathBuf,
    pub steps: Vec<Step>,
}

/// One load.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Step {
    /// The most requests in flight.
    pub in_flight: usize,
    pub load: Load,
    /// Nothing is counted or measured by the hub meanwhile.
    pub unmeasured: bool,
    /// What else is called meanwhile.
    pub beside: Option<Overload>,
}

/// Far more calls than can be done, as one application makes them that waits as long as it is told to when it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overload {
    /// Under an agreement for bulk.
    Bulk,
    /// Under one like that of the calls that are measured.
    Interactive,
}

/// What ends a step, and how requests come.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Load {
    /// Unmeasured, as many as possible.
    WarmUp { seconds: f64 },
    /// At a fixed rate.
    Paced { per_second: f64, seconds: f64 },
    /// As many as possible.
    Full { seconds: f64 },
    /// So many, as many at once as possible, with the memory at intervals.
    Count { exchanges: u64, interval: u64 },
}

/// What a step measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    pub step: Step,
    pub seconds: f64,
    pub exchanges: u64,
    pub failures: u64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub max_us: f64,
    /// CPU in microseconds per exchange, by part.
    pub cpu_us: BTreeMap<String, f64>,
    /// CPU in microseconds per exchange, by part and thread.
    pub threads_us: BTreeMap<String, f64>,
}

impl Measured {
    pub fn per_second(&self) -> f64 {
        self.exchanges as f64 / self.seconds
    }
}

/// The plan, if this process is a slice.
pub fn given() -> Option<Result<Plan>> {
    let json = std::env::var(VARIABLE).ok()?;
    Some(serde_json::from_str(&json).context("the plan of the slice"))
}

/// Runs a slice in a process of its own, in a folder that goes with it.
pub fn run(system: System, kafka: Option<&str>, steps: Vec<Step>) -> Result<Vec<Measured>> {
    let folder = tempfile::tempdir()?;
    let plan = Plan { system, kafka: kafka.map(str::to_owned), folder: folder.path().to_owned(), steps };
    let output = Command::new(std::env::current_exe()?)
        .env(VARIABLE, serde_json::to_string(&plan)?)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the slice of {} failed: {}", system.name(), output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}
