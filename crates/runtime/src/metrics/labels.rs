use std::fmt::{self, Write as _};

use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder, MetricEncoder};

use super::Metric;

/// The values of a metric's labels, in the order of its labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Values(Box<[Box<str>]>);

impl Values {
    pub(crate) fn of(metric: &Metric, values: &[&str]) -> Self {
        debug_assert_eq!(metric.labels.len(), values.len(), "every label of {} has its value", metric.name);
        Self(values.iter().map(|value| (*value).into()).collect())
    }
}

/// Labels as they are written: a dot is an underscore.
struct Written<'a> {
    metric: &'static Metric,
    values: &'a Values,
}

impl EncodeLabelSet for Written<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        for (label, value) in self.metric.labels.iter().zip(&self.values.0) {
            let mut written = encoder.encode_label();
            let mut key = written.encode_label_key()?;
            for part in label.split_inclusive('.') {
                match part.strip_suffix('.') {
                    Some(part) => write!(key, "{part}_")?,
                    None => key.write_str(part)?,
                }
            }
            let mut text = key.encode_label_value()?;
            text.write_str(value)?;
            text.finish()?;
        }
        Ok(())
    }
}

/// Writes one series of a metric.
pub(crate) fn encode_series(
    metric: &'static Metric,
    values: &Values,
    encoder: &mut MetricEncoder<'_>,
    write: impl FnOnce(MetricEncoder<'_>) -> fmt::Result,
) -> fmt::Result {
    let labels = Written { metric, values };
    write(encoder.encode_family(&labels)?)
}
