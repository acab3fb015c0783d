use prometheus_client::metrics::MetricType;
use prometheus_client::registry;

/// What is counted or measured, as its crate declares it.
#[derive(Debug)]
pub struct Metric {
    /// OpenTelemetry's name where the conventions have one, otherwise `lgsp.<noun>.<what>`.
    pub name: &'static str,
    /// How its values come about.
    pub kind: Kind,
    /// In what.
    pub unit: Unit,
    /// The names of its labels: every series has all of them.
    pub labels: &'static [&'static str],
    /// What it tells, in one line without a full stop.
    pub help: &'static str,
}

/// How the values of a metric come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, from 0 at the start of the process.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Durations, by how long they are.
    Histogram,
}

/// The unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Days.
    Days,
    /// Of something, as UCUM annotates it: `{exchange}`.
    Of(&'static str),
    /// None.
    One,
}

impl Metric {
    /// The name that Prometheus knows it by: dots are underscores, and unit and `_total` are at its end.
    #[must_use]
    pub fn prometheus_name(&self) -> String {
        let mut name = self.written_name();
        if let Some(unit) = self.unit.written() {
            name.push('_');
            name.push_str(unit.as_str());
        }
        if self.kind == Kind::Counter {
            name.push_str("_total");
        }
        name
    }

    pub(crate) fn written_name(&self) -> String {
        self.name.replace('.', "_")
    }
}

impl Unit {
    /// The unit as UCUM has it, which OpenTelemetry uses.
    #[must_use]
    pub fn ucum(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Bytes => "By",
            Self::Days => "d",
            Self::Of(annotation) => annotation,
            Self::One => "1",
        }
    }

    /// The unit as it is written at the end of a name.
    pub(crate) fn written(self) -> Option<registry::Unit> {
        match self {
            Self::Seconds => Some(registry::Unit::Seconds),
            Self::Bytes => Some(registry::Unit::Bytes),
            Self::Days => Some(registry::Unit::Other("days".to_owned())),
            Self::Of(_) | Self::One => None,
        }
    }
}

impl From<Kind> for MetricType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Self::Counter,
            Kind::Gauge => Self::Gauge,
            Kind::Histogram => Self::Histogram,
        }
    }
}
