use std::time::Duration;

use super::*;
use crate::telemetry::Trace;
use crate::{Instance, State};

const CALLS: Metric = Metric {
    name: "lgsp.test.calls",
    kind: Kind::Counter,
    unit: Unit::Of("{call}"),
    labels: &["rpc.method", "lgsp.outcome"],
    help: "Calls of a test",
};
const TOOK: Metric = Metric {
    name: "lgsp.test.duration",
    kind: Kind::Histogram,
    unit: Unit::Seconds,
    labels: &["rpc.method"],
    help: "Durations of a test",
};

fn of_a_trace() -> Trace {
    Trace::new("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
}

#[test]
fn a_metric_is_written_under_prometheus_names_and_its_examples_in_openmetrics() {
    let metrics = Metrics::default();
    let (calls, took) = (Counters::new(&CALLS), Histograms::new(&TOOK));
    metrics.show(&calls);
    metrics.show(&took);
    calls.of(&["a.B/C", "SERVED"]).add();
    let handle = took.of(&["a.B/C"]);
    handle.record(Duration::from_millis(3));
    handle.record_of(Duration::from_millis(30), Some(of_a_trace()));

    let written = metrics.prometheus();
    for line in [
        "# TYPE lgsp_test_calls_total counter",
        "lgsp_test_calls_total{rpc_method=\"a.B/C\",lgsp_outcome=\"SERVED\"} 1",
        "# TYPE lgsp_test_duration_seconds histogram",
        "lgsp_test_duration_seconds_count{rpc_method=\"a.B/C\"} 2",
    ] {
        assert!(written.lines().any(|written| written == line), "{line}\n{written}");
    }
    assert!(
        written.contains("lgsp_test_duration_seconds_bucket{rpc_method=\"a.B/C\",le=\"0.005\"} 1"),
        "{written}"
    );
    let written = metrics.openmetrics();
    assert!(written.contains("trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\""), "{written}");
    assert!(written.ends_with("# EOF\n"));
    for metric in [&CALLS, &TOOK] {
        assert!(written.contains(metric.prometheus_name().trim_end_matches("_total")));
    }
}

#[test]
fn labels_beyond_the_bound_go_to_other_and_are_counted() {
    let state = State::new(Instance::new("gateway", "1.2.3"));
    let calls = Counters::of_at_most(&CALLS, 2);
    state.metrics().show(&calls);
    for method in ["a", "b", "c", "d", "a"] {
        calls.of(&[method, "SERVED"]).add();
    }
    let written = state.metrics().prometheus();
    for line in [
        "lgsp_test_calls_total{rpc_method=\"a\",lgsp_outcome=\"SERVED\"} 2",
        "lgsp_test_calls_total{rpc_method=\"other\",lgsp_outcome=\"other\"} 2",
        "lgsp_metrics_labels_refused_total{lgsp_metric_name=\"lgsp.test.calls\"} 2.0",
    ] {
        assert!(written.lines().any(|written| written == line), "{line}\n{written}");
    }
    assert!(!written.contains("rpc_method=\"c\""), "{written}");
}

#[test]
fn two_parts_of_a_process_share_a_metric() {
    let metrics = Metrics::default();
    for method in ["a", "b"] {
        let calls = Counters::new(&CALLS);
        calls.of(&[method, "SERVED"]).add();
        metrics.show(&calls);
    }
    let written = metrics.prometheus();
    assert_eq!(written.matches("# TYPE lgsp_test_calls_total").count(), 1, "{written}");
    assert_eq!(written.matches("outcome=\"SERVED\"} 1").count(), 2, "{written}");
}

#[test]
fn every_component_and_fact_of_the_state_is_a_metric_and_so_are_process_and_build() {
    let state = State::new(Instance::new("gateway", "1.2.3"));
    let gateway = state.scoped("gateway");
    gateway.component("rules").failed("no-snapshot");
    gateway.fact("in-flight").set(7);
    state.component("topics").ready();
    let written = state.metrics().prometheus();
    for line in [
        "lgsp_component_condition{lgsp_role=\"gateway\",lgsp_component=\"rules\",lgsp_condition=\"failed\"} 1.0",
        "lgsp_component_condition{lgsp_role=\"gateway\",lgsp_component=\"rules\",lgsp_condition=\"ready\"} 0.0",
        "lgsp_component_condition{lgsp_role=\"gateway\",lgsp_component=\"topics\",lgsp_condition=\"ready\"} 1.0",
        "lgsp_fact_value{lgsp_role=\"gateway\",lgsp_fact=\"in-flight\"} 7.0",
        "lgsp_build_info{service_version=\"1.2.3\",lgsp_role=\"gateway\"} 1.0",
    ] {
        assert!(written.lines().any(|written| written == line), "{line}\n{written}");
    }
    for metric in ALL {
        let is_shown = written.contains(&format!("# TYPE {} ", metric.prometheus_name()));
        assert!(is_shown, "{}\n{written}", metric.name);
    }
    let memory = written.lines().find_map(|line| line.strip_prefix("process_memory_usage_bytes"));
    let memory: f64 = memory.unwrap().trim_start_matches("{}").trim().parse().unwrap();
    assert!(memory > 1e6, "{memory}");
}

#[test]
fn otlp_has_the_same_values_under_opentelemetrys_names() {
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;

    let metrics = Metrics::default();
    let (calls, took) = (Counters::new(&CALLS), Histograms::new(&TOOK));
    metrics.show(&calls);
    metrics.show(&took);
    calls.of(&["a.B/C", "SERVED"]).add_all(5);
    took.of(&["a.B/C"]).record_of(Duration::from_millis(30), Some(of_a_trace()));
    took.of(&["a.B/C"]).record(Duration::from_secs(60));

    let span = otlp::Span { started: 1, now: 2 };
    let request = otlp::request(&metrics, &Instance::new("gateway", "1.2.3"), span);
    let sent = &request.resource_metrics[0].scope_metrics[0].metrics;
    let of = |metric: &Metric| sent.iter().find(|sent| sent.name == metric.name).unwrap();
    assert_eq!((of(&CALLS).unit.as_str(), of(&TOOK).unit.as_str()), ("{call}", "s"));
    let Some(Data::Sum(sum)) = &of(&CALLS).data else { panic!("no sum") };
    assert!(sum.is_monotonic);
    let keys: Vec<&str> = sum.data_points[0].attributes.iter().map(|label| label.key.as_str()).collect();
    assert_eq!(keys, CALLS.labels);
    let Some(Data::Histogram(histogram)) = &of(&TOOK).data else { panic!("no histogram") };
    let point = &histogram.data_points[0];
    assert_eq!((point.count, point.explicit_bounds.as_slice()), (2, DURATIONS.as_slice()));
    assert_eq!(point.bucket_counts.len(), DURATIONS.len() + 1);
    assert_eq!((point.bucket_counts[5], point.bucket_counts[DURATIONS.len()]), (1, 1));
    assert_eq!(point.exemplars[0].trace_id.len(), 16);
    assert_eq!(point.exemplars[0].span_id, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
}
