//! The same registry, as OTLP has it.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, Gauge, Histogram, HistogramDataPoint, Metric as Written,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, exemplar, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prometheus_client::encoding::prometheus_protobuf;
use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model as read;

use super::{CONVENTIONS, Kind, Metric, Metrics};
use crate::Instance;

/// From when to when the values are, in Unix ns.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) started: u64,
    pub(crate) now: u64,
}

/// Everything that is known of a process, to be sent.
pub(crate) fn request(metrics: &Metrics, instance: &Instance, span: Span) -> ExportMetricsServiceRequest {
    // Writing to memory cannot fail.
    let families = prometheus_protobuf::encode(&metrics.registry()).unwrap_or_default();
    let shown = metrics.shown();
    let of = |family: &read::MetricFamily| {
        shown.iter().copied().find(|metric| metric.prometheus_name() == family.name)
    };
    let metrics = families.iter().filter_map(|family| of(family).map(|metric| written(metric, family, span)));
    let scope = InstrumentationScope { name: "lgsp".to_owned(), ..InstrumentationScope::default() };
    let schema_url = format!("https://opentelemetry.io/schemas/{CONVENTIONS}");
    let scope_metrics =
        ScopeMetrics { scope: Some(scope), metrics: metrics.collect(), schema_url: schema_url.clone() };
    let attributes = vec![
        text("service.name", format!("lgsp-{}", instance.role())),
        text("service.instance.id", instance.name().to_owned()),
        text("service.version", instance.version().to_owned()),
    ];
    let resource = Resource { attributes, ..Resource::default() };
    let resource_metrics =
        ResourceMetrics { resource: Some(resource), scope_metrics: vec![scope_metrics], schema_url };
    ExportMetricsServiceRequest { resource_metrics: vec![resource_metrics] }
}

fn written(metric: &'static Metric, family: &read::MetricFamily, span: Span) -> Written {
    let numbers = || family.metric.iter().map(|one| number(metric, one, span)).collect();
    let cumulative = AggregationTemporality::Cumulative as i32;
    let data = match metric.kind {
        Kind::Counter => metric::Data::Sum(Sum {
            data_points: numbers(),
            aggregation_temporality: cumulative,
            is_monotonic: true,
        }),
        Kind::Gauge => metric::Data::Gauge(Gauge { data_points: numbers() }),
        Kind::Histogram => metric::Data::Histogram(Histogram {
            data_points: family.metric.iter().filter_map(|one| histogram(metric, one, span)).collect(),
            aggregation_temporality: cumulative,
        }),
    };
    Written {
        name: metric.name.to_owned(),
        description: metric.help.to_owned(),
        unit: metric.unit.ucum().to_owned(),
        data: Some(data),
        ..Written::default()
    }
}

fn number(metric: &'static Metric, one: &read::Metric, span: Span) -> NumberDataPoint {
    let counted = one.counter.as_ref().map(|counter| counter.value);
    let value = counted.or(one.gauge.as_ref().map(|gauge| gauge.value)).unwrap_or_default();
    NumberDataPoint {
        attributes: attributes(metric, one),
        start_time_unix_nano: span.started,
        time_unix_nano: span.now,
        value: Some(number_data_point::Value::AsDouble(value)),
        ..NumberDataPoint::default()
    }
}

/// Prometheus counts all below a bound, and OTLP all between two.
fn histogram(metric: &'static Metric, one: &read::Metric, span: Span) -> Option<HistogramDataPoint> {
    let read = one.histogram.as_ref()?;
    let (mut below, mut bucket_counts, mut explicit_bounds) = (0, Vec::new(), Vec::new());
    for bucket in &read.bucket {
        bucket_counts.push(bucket.cumulative_count.saturating_sub(below));
        below = bucket.cumulative_count;
        if bucket.upper_bound.is_finite() {
            explicit_bounds.push(bucket.upper_bound);
        }
    }
    if bucket_counts.len() == explicit_bounds.len() {
        bucket_counts.push(read.sample_count.saturating_sub(below));
    }
    Some(HistogramDataPoint {
        attributes: attributes(metric, one),
        start_time_unix_nano: span.started,
        time_unix_nano: span.now,
        count: read.sample_count,
        sum: Some(read.sample_sum),
        bucket_counts,
        explicit_bounds,
        exemplars: read.bucket.iter().filter_map(|bucket| exemplar(bucket.exemplar.as_ref()?)).collect(),
        ..HistogramDataPoint::default()
    })
}

fn exemplar(read: &read::Exemplar) -> Option<Exemplar> {
    let id = |name: &str| {
        let label = read.label.iter().find(|label| label.name == name)?;
        bytes(&label.value)
    };
    let when = read.timestamp.as_ref()?;
    Some(Exemplar {
        trace_id: id("trace_id")?,
        span_id: id("span_id")?,
        time_unix_nano: when.seconds.cast_unsigned() * 1_000_000_000 + u64::from(when.nanos.cast_unsigned()),
        value: Some(exemplar::Value::AsDouble(read.value)),
        ..Exemplar::default()
    })
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks_exact(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Labels are written in the order of the metric's, which has their names with dots.
fn attributes(metric: &'static Metric, one: &read::Metric) -> Vec<KeyValue> {
    metric.labels.iter().zip(&one.label).map(|(name, label)| text(name, label.value.clone())).collect()
}

fn text(key: &str, value: String) -> KeyValue {
    let value = AnyValue { value: Some(Value::StringValue(value)) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}
