use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use parking_lot::RwLock;
use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric as _, LabelSetEncoder, MetricEncoder};
use prometheus_client::metrics::counter;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;

use super::labels::{Values, encode_series};
use super::{DURATIONS, Family, MOST_SERIES, Metric, OTHER, is_paused};
use crate::telemetry::Trace;

/// The handle of one series. A cheap handle.
pub trait Measure: Clone + Default + fmt::Debug + Send + Sync + 'static {
    /// Writes its value.
    #[doc(hidden)]
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result;
}

/// Counts.
#[derive(Clone, Debug, Default)]
pub struct Counter(counter::Counter);

impl Counter {
    /// Counts one more.
    pub fn add(&self) {
        self.add_all(1);
    }

    /// Counts so many more.
    pub fn add_all(&self, amount: u64) {
        if !is_paused() {
            self.0.inc_by(amount);
        }
    }
}

impl Measure for Counter {
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        self.0.encode(encoder)
    }
}

/// Durations, by how long they are.
#[derive(Clone, Debug)]
pub struct Histogram(HistogramWithExemplars<Trace>);

impl Histogram {
    /// Takes a duration in.
    pub fn record(&self, took: Duration) {
        self.record_of(took, None);
    }

    /// Takes in a duration of a trace, which is remembered as an example of such a duration.
    pub fn record_of(&self, took: Duration, trace: Option<Trace>) {
        if is_paused() {
            return;
        }
        let when = trace.as_ref().map(|_| SystemTime::now());
        self.0.observe(took.as_secs_f64(), trace, when);
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self(HistogramWithExemplars::new(DURATIONS.into_iter()))
    }
}

impl Measure for Histogram {
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        self.0.encode(encoder)
    }
}

impl EncodeLabelSet for Trace {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        [("trace_id", self.trace_id()), ("span_id", self.span_id())].as_slice().encode(encoder)
    }
}

/// Counters of one metric, by labels.
pub type Counters = Series<Counter>;
/// Histograms of one metric, by labels.
pub type Histograms = Series<Histogram>;

/// The series of one metric, by the values of its labels. A cheap handle.
#[derive(Clone, Debug)]
pub struct Series<M> {
    shared: Arc<Shared<M>>,
}

#[derive(Debug)]
struct Shared<M> {
    metric: &'static Metric,
    most: usize,
    series: RwLock<HashMap<Values, M>>,
    refused: AtomicU64,
}

impl<M: Measure> Series<M> {
    /// No series yet.
    #[must_use]
    pub fn new(metric: &'static Metric) -> Self {
        Self::of_at_most(metric, MOST_SERIES)
    }

    pub(super) fn of_at_most(metric: &'static Metric, most: usize) -> Self {
        let shared = Shared { metric, most, series: RwLock::default(), refused: AtomicU64::new(0) };
        Self { shared: Arc::new(shared) }
    }

    /// The series of these values, in the order of the metric's labels. It takes a lock and memory: keep what it returns.
    ///
    /// Beyond the bound it is the series whose values are all [`OTHER`].
    #[must_use]
    pub fn of(&self, values: &[&str]) -> M {
        let values = Values::of(self.shared.metric, values);
        if let Some(known) = self.shared.series.read().get(&values) {
            return known.clone();
        }
        let mut series = self.shared.series.write();
        if series.len() < self.shared.most || series.contains_key(&values) {
            return series.entry(values).or_default().clone();
        }
        self.shared.refused.fetch_add(1, Ordering::Relaxed);
        let other = Values::of(self.shared.metric, &vec![OTHER; self.shared.metric.labels.len()]);
        series.entry(other).or_default().clone()
    }

    pub(super) fn family(&self) -> Arc<dyn Family> {
        self.shared.clone()
    }
}

impl<M: Measure> Family for Shared<M> {
    fn metric(&self) -> &'static Metric {
        self.metric
    }

    fn encode(&self, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        let known = self.series.read();
        let mut series: Vec<(&Values, &M)> = known.iter().collect();
        series.sort_unstable_by_key(|(values, _)| *values);
        for (values, measure) in series {
            encode_series(self.metric, values, encoder, |encoder| measure.encode(encoder))?;
        }
        Ok(())
    }

    fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}
