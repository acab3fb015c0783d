//! What a process counts and measures: one registry, which the admin port shows as `/metrics` and an OTLP collector is sent.
//!
//! A crate declares its metrics as constants in its own `metrics.rs`. A [`Series`] is made from one, resolves a set of label
//! values to a handle once, and the handle is kept: recording is then a few atomic additions. What is known anyhow, such as
//! the number of exchanges in flight, is read when somebody looks, by [`Metrics::observe`].
//!
//! Labels come from closed sets or from the rules, and never from a caller, a person or a record. There are at most
//! [`MOST_SERIES`] sets of a metric; what comes beyond is counted in one series named [`OTHER`], and told.

mod labels;
mod metric;
mod observed;
pub(crate) mod otlp;
mod process;
mod resolved;
pub mod samples;
mod series;
mod state;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, prometheus_text, text};
use prometheus_client::registry::Registry;

pub use metric::{Kind, Metric, Unit};
pub use observed::Told;
pub use resolved::Resolved;
pub use series::{Counter, Counters, Histogram, Histograms, Measure, Series};

pub(crate) use state::{Fact, Told as Component, observe as observe_state};

/// The version of OpenTelemetry's semantic conventions that names are taken from.
pub const CONVENTIONS: &str = "1.45.0";
/// Most sets of label values of one metric.
pub const MOST_SERIES: usize = 2_000;
/// What every label says of a series that had no room.
pub const OTHER: &str = "other";

/// The upper bounds of the buckets of durations, in seconds: those of the conventions, and two below for exchanges of a
/// millisecond.
pub const DURATIONS: [f64; 16] =
    [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Series that found no room, by metric.
pub const LABELS_REFUSED: Metric = Metric {
    name: "lgsp.metrics.labels.refused",
    kind: Kind::Counter,
    unit: Unit::Of("{set}"),
    labels: &["lgsp.metric.name"],
    help: "Sets of label values beyond the bound of a metric, recorded as other",
};
/// The binary that runs.
pub const BUILD_INFO: Metric = Metric {
    name: "lgsp.build.info",
    kind: Kind::Gauge,
    unit: Unit::One,
    labels: &["service.version", "lgsp.role"],
    help: "1, with the version of the binary and its role",
};
/// The condition of each component.
pub const COMPONENT_CONDITION: Metric = Metric {
    name: "lgsp.component.condition",
    kind: Kind::Gauge,
    unit: Unit::One,
    labels: &["lgsp.role", "lgsp.component", "lgsp.condition"],
    help: "1 for the condition that a component is in, 0 for the others",
};
/// Every number of the status.
pub const FACT: Metric = Metric {
    name: "lgsp.fact.value",
    kind: Kind::Gauge,
    unit: Unit::One,
    labels: &["lgsp.role", "lgsp.fact"],
    help: "A number of the status, by its name there",
};
/// Time on a processor.
pub const PROCESS_CPU_TIME: Metric = Metric {
    name: "process.cpu.time",
    kind: Kind::Counter,
    unit: Unit::Seconds,
    labels: &["cpu.mode"],
    help: "Seconds on a processor, in the program and in the kernel",
};
/// Memory in use.
pub const PROCESS_MEMORY_USAGE: Metric = Metric {
    name: "process.memory.usage",
    kind: Kind::Gauge,
    unit: Unit::Bytes,
    labels: &[],
    help: "Physical memory in use",
};
/// Memory that is mapped.
pub const PROCESS_MEMORY_VIRTUAL: Metric = Metric {
    name: "process.memory.virtual",
    kind: Kind::Gauge,
    unit: Unit::Bytes,
    labels: &[],
    help: "Committed virtual memory",
};
/// Threads.
pub const PROCESS_THREAD_COUNT: Metric = Metric {
    name: "process.thread.count",
    kind: Kind::Gauge,
    unit: Unit::Of("{thread}"),
    labels: &[],
    help: "Threads of the process",
};
/// Open files.
pub const PROCESS_FILES: Metric = Metric {
    name: "process.unix.file_descriptor.count",
    kind: Kind::Gauge,
    unit: Unit::Of("{file_descriptor}"),
    labels: &[],
    help: "Open file descriptors",
};
/// Time since the start.
pub const PROCESS_UPTIME: Metric = Metric {
    name: "process.uptime",
    kind: Kind::Gauge,
    unit: Unit::Seconds,
    labels: &[],
    help: "Seconds since the process started",
};

/// Whether nothing is recorded.
static PAUSED: AtomicBool = AtomicBool::new(false);

/// Pauses all recording in this process, or goes on with it, for the bench that measures what recording costs.
#[doc(hidden)]
pub fn pause(paused: bool) {
    PAUSED.store(paused, Ordering::Relaxed);
}

/// Whether recording is paused. What is recorded together asks once, and spares what leads up to it.
#[doc(hidden)]
#[must_use]
pub fn is_paused() -> bool {
    PAUSED.load(Ordering::Relaxed)
}

/// The metrics that every process has.
pub const ALL: &[&Metric] = &[
    &LABELS_REFUSED,
    &BUILD_INFO,
    &COMPONENT_CONDITION,
    &FACT,
    &PROCESS_CPU_TIME,
    &PROCESS_MEMORY_USAGE,
    &PROCESS_MEMORY_VIRTUAL,
    &PROCESS_THREAD_COUNT,
    &PROCESS_FILES,
    &PROCESS_UPTIME,
];

/// The metrics of one process. A cheap handle.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// By name; several parts of a process may have series of one metric.
    groups: RwLock<BTreeMap<&'static str, Vec<Arc<dyn Family>>>>,
}

/// Series of one metric.
pub(crate) trait Family: fmt::Debug + Send + Sync + 'static {
    fn metric(&self) -> &'static Metric;
    fn encode(&self, encoder: &mut MetricEncoder<'_>) -> fmt::Result;
    /// How many sets of labels found no room.
    fn refused(&self) -> u64 {
        0
    }
}

impl Metrics {
    /// Shows series from now on.
    pub fn show<M: Measure>(&self, series: &Series<M>) {
        self.add(series.family());
    }

    /// Shows what `read` tells whenever somebody looks. It must not block.
    pub fn observe(&self, metric: &'static Metric, read: impl Fn(&mut Told) + Send + Sync + 'static) {
        self.add(Arc::new(observed::Observed::new(metric, read)));
    }

    fn add(&self, family: Arc<dyn Family>) {
        self.shared.groups.write().entry(family.metric().name).or_default().push(family);
    }

    /// Everything in the text format of Prometheus.
    pub fn prometheus(&self) -> String {
        let mut written = String::new();
        // Writing to a text cannot fail.
        let _ = prometheus_text::encode(&mut written, &self.registry());
        written
    }

    /// Everything in the text format of OpenMetrics, with the traces of some measurements.
    pub fn openmetrics(&self) -> String {
        let mut written = String::new();
        // Writing to a text cannot fail.
        let _ = text::encode(&mut written, &self.registry());
        written
    }

    pub(crate) fn registry(&self) -> Registry {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self.shared.clone()));
        registry
    }

    /// The metrics in the order in which they are written.
    pub(crate) fn shown(&self) -> Vec<&'static Metric> {
        self.shared.groups.read().values().filter_map(|group| group.first()).map(|one| one.metric()).collect()
    }

    /// How many sets of labels found no room, by metric.
    pub(crate) fn refused(&self) -> Vec<(&'static str, u64)> {
        let groups = self.shared.groups.read();
        groups
            .iter()
            .map(|(name, group)| (*name, group.iter().map(|family| family.refused()).sum()))
            .collect()
    }
}

impl Collector for Shared {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        // Read out first: a family may be shown while it is read, and what reads may look at the registry itself.
        let groups: Vec<Vec<Arc<dyn Family>>> = self.groups.read().values().cloned().collect();
        for group in groups {
            let Some(metric) = group.first().map(|family| family.metric()) else { continue };
            let (name, unit) = (metric.written_name(), metric.unit.written());
            let mut encoder =
                encoder.encode_descriptor(&name, metric.help, unit.as_ref(), metric.kind.into())?;
            for family in group {
                family.encode(&mut encoder)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
