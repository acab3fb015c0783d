use std::fmt;

use prometheus_client::encoding::{EncodeMetric as _, MetricEncoder};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::labels::{Values, encode_series};
use super::{Family, Kind, Metric};

/// A metric whose values are read when somebody looks.
pub(crate) struct Observed {
    metric: &'static Metric,
    read: Box<dyn Fn(&mut Told) + Send + Sync>,
}

/// What is told of a metric now.
#[derive(Debug)]
pub struct Told {
    metric: &'static Metric,
    values: Vec<(Values, f64)>,
}

impl Told {
    /// Tells the value of the series of these labels, in the order of the metric's.
    pub fn tell(&mut self, labels: &[&str], value: f64) {
        self.values.push((Values::of(self.metric, labels), value));
    }
}

impl Observed {
    pub(super) fn new(metric: &'static Metric, read: impl Fn(&mut Told) + Send + Sync + 'static) -> Self {
        debug_assert_ne!(metric.kind, Kind::Histogram, "{} cannot be read at once", metric.name);
        Self { metric, read: Box::new(read) }
    }
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed").field("metric", &self.metric.name).finish_non_exhaustive()
    }
}

impl Family for Observed {
    fn metric(&self) -> &'static Metric {
        self.metric
    }

    fn encode(&self, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        let mut told = Told { metric: self.metric, values: Vec::new() };
        (self.read)(&mut told);
        for (labels, value) in &told.values {
            encode_series(self.metric, labels, encoder, |encoder| match self.metric.kind {
                Kind::Counter => ConstCounter::new(*value).encode(encoder),
                Kind::Gauge | Kind::Histogram => ConstGauge::new(*value).encode(encoder),
            })?;
        }
        Ok(())
    }
}
