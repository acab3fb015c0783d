//! Names of metrics: those in the code are in docs/telemetry.md, and no other is asked for by the files of `deploy`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lgsp_runtime::metrics::{CONVENTIONS, Kind, MOST_SERIES, Metric};

/// What Prometheus's own exporters tell, and Prometheus itself.
const OF_OTHERS: [&str; 2] = ["node_filesystem_avail_bytes", "node_filesystem_size_bytes"];
/// How the names of what the hub tells begin.
const FAMILIES: [&str; 6] = ["lgsp_", "rpc_", "messaging_", "db_", "process_", "node_"];

fn declared() -> Vec<&'static Metric> {
    let all = [
        lgsp_runtime::metrics::ALL,
        lgsp_bus::metrics::ALL,
        lgsp_gateway::metrics::ALL,
        lgsp_adapter::metrics::ALL,
        lgsp_monitor::metrics::ALL,
    ];
    all.into_iter().flatten().copied().collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn row(metric: &Metric) -> String {
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
    let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
    let (name, written, unit) = (metric.name, metric.prometheus_name(), metric.unit.ucum());
    format!("| `{name}` | `{written}` | {kind} | `{unit}` | {labels} | {} |", metric.help)
}

#[test]
fn every_metric_has_its_row_in_the_document_and_no_row_is_of_none() {
    let document = fs::read_to_string(root().join("docs/telemetry.md")).expect("readable");
    let rows: BTreeSet<&str> = document.lines().filter(|line| line.matches(" | ").count() == 5).collect();
    let expected: Vec<String> = declared().into_iter().map(row).collect();
    let missing: Vec<&String> = expected.iter().filter(|row| !rows.contains(row.as_str())).collect();
    assert!(missing.is_empty(), "not in docs/telemetry.md:\n{missing:#?}");
    let is_foreign = |row: &&&str| row.starts_with("| `") && !expected.iter().any(|known| known == **row);
    let foreign: Vec<&&str> = rows.iter().filter(is_foreign).collect();
    assert!(foreign.is_empty(), "in docs/telemetry.md and of no metric:\n{foreign:#?}");
    assert!(document.contains(CONVENTIONS) && document.contains(&MOST_SERIES.to_string()));
}

#[test]
fn names_of_metrics_differ_and_ours_begin_with_lgsp() {
    let mut names = BTreeSet::new();
    for metric in declared() {
        assert!(names.insert(metric.prometheus_name()), "{} twice", metric.name);
        let is_of_the_conventions = ["rpc.", "messaging.", "db.", "process."];
        let known = is_of_the_conventions.iter().any(|family| metric.name.starts_with(family));
        assert!(known || metric.name.starts_with("lgsp."), "{}", metric.name);
        assert!(!metric.help.ends_with('.') && !metric.help.is_empty(), "{}", metric.name);
    }
}

#[test]
fn alerts_and_dashboards_ask_for_nothing_that_the_hub_does_not_tell() {
    let mut known: BTreeSet<String> = OF_OTHERS.iter().map(|name| (*name).to_owned()).collect();
    for metric in declared() {
        let name = metric.prometheus_name();
        if metric.kind == Kind::Histogram {
            known.extend(["bucket", "count", "sum"].map(|part| format!("{name}_{part}")));
        }
        known.insert(name);
        known.extend(metric.labels.iter().map(|label| label.replace('.', "_")));
    }
    let mut asked = 0;
    for folder in ["deploy/prometheus", "deploy/grafana"] {
        for file in fs::read_dir(root().join(folder)).expect("readable") {
            let path = file.expect("readable").path();
            let content = fs::read_to_string(&path).expect("readable");
            let words = content.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            for word in words.filter(|word| FAMILIES.iter().any(|family| word.starts_with(family))) {
                asked += 1;
                assert!(known.contains(word), "{}: {word} is told by nobody", path.display());
            }
        }
    }
    assert!(asked > 100, "the files ask for {asked}");
}

#[test]
fn every_alert_has_a_case_in_which_it_is_told() {
    let read =
        |file: &str| fs::read_to_string(root().join("deploy/prometheus").join(file)).expect("readable");
    let rules = read("rules.yml");
    let alerts: BTreeSet<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 20, "{alerts:?}");
    let (tests, mut asked, mut told) = (read("rules.test.yml"), "", BTreeSet::new());
    for line in tests.lines().map(str::trim) {
        if let Some(alert) = line.strip_prefix("alertname: ") {
            assert!(alerts.contains(alert), "there is no alert {alert} in rules.yml");
            asked = alert;
        }
        // With `[]` behind it, nothing is told.
        if line == "exp_alerts:" {
            told.insert(asked);
        }
    }
    let untold: Vec<&&str> = alerts.difference(&told).collect();
    assert!(untold.is_empty(), "no case of rules.test.yml tells {untold:?}");
}
