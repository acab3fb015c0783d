//! Arrows point down: who may depend on whom, as ARCHITECTURE.md says.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Every crate with those of ours that it may depend on, from the ground up.
const ALLOWED: &[(&str, &[&str])] = &[
    ("lgsp-proto", &[]),
    ("lgsp-identifiers", &[]),
    ("lgsp-runtime", &[]),
    ("lgsp-store", &[]),
    ("lgsp-tlog", &[]),
    ("lgsp-witness", &["lgsp-runtime", "lgsp-tlog"]),
    ("lgsp-core", &["lgsp-proto", "lgsp-identifiers"]),
    ("lgsp-face", &["lgsp-core", "lgsp-proto"]),
    ("lgsp-bus", &["lgsp-core", "lgsp-proto", "lgsp-runtime"]),
    (
        "lgsp-gateway",
        &["lgsp-bus", "lgsp-core", "lgsp-face", "lgsp-identifiers", "lgsp-proto", "lgsp-runtime"],
    ),
    (
        "lgsp-registry",
        &["lgsp-bus", "lgsp-core", "lgsp-identifiers", "lgsp-proto", "lgsp-runtime", "lgsp-store"],
    ),
    ("lgsp-ledger", &["lgsp-bus", "lgsp-core", "lgsp-proto", "lgsp-runtime", "lgsp-store", "lgsp-tlog"]),
    ("lgsp-console", &["lgsp-core", "lgsp-proto", "lgsp-runtime"]),
    ("lgsp-monitor", &["lgsp-bus", "lgsp-core", "lgsp-proto", "lgsp-runtime", "lgsp-store"]),
    (
        "lgsp-adapter",
        &["lgsp-bus", "lgsp-core", "lgsp-identifiers", "lgsp-proto", "lgsp-runtime", "lgsp-store"],
    ),
    ("lgsp-adapter-population", &["lgsp-adapter", "lgsp-identifiers", "lgsp-proto"]),
    ("lgsp-adapter-land", &["lgsp-adapter", "lgsp-identifiers", "lgsp-proto"]),
    ("lgsp-adapter-health", &["lgsp-adapter", "lgsp-identifiers", "lgsp-proto"]),
    ("lgsp-adapter-education", &["lgsp-adapter", "lgsp-identifiers", "lgsp-proto"]),
    ("lgsp-adapter-business", &["lgsp-adapter", "lgsp-identifiers", "lgsp-proto"]),
    ("lgsp-example-adapter", &["lgsp-adapter", "lgsp-identifiers", "lgsp-proto"]),
    ("lgsp-sample", &["lgsp-identifiers", "lgsp-proto", "lgsp-store"]),
    (
        "lgsp-properties",
        &["lgsp-bus", "lgsp-core", "lgsp-gateway", "lgsp-identifiers", "lgsp-proto", "lgsp-tlog"],
    ),
];

/// The roofs: they compose everything below.
const ROOFS: &[&str] = &["lgsp", "lgsp-tests"];

/// Who alone may name a crate of others.
const GUARDED: &[(&str, &[&str])] = &[
    // The tests hold a stranger's client and the benches' bare baseline.
    ("rdkafka", &["lgsp-bus", "lgsp-tests"]),
    // Adapters read through the store, so that they speak what both databases understand.
    ("sqlx", &["lgsp-ledger", "lgsp-sample", "lgsp-store"]),
    ("tokio-postgres", &["lgsp-store"]),
    ("deadpool-postgres", &["lgsp-store"]),
];

/// Words and rules have no runtime.
const WITHOUT_TOKIO: &[&str] = &["lgsp-core", "lgsp-face", "lgsp-identifiers", "lgsp-proto", "lgsp-tlog"];

#[test]
fn arrows_point_down() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ALLOWED.iter().map(|(name, below)| (*name, below.iter().copied().collect())).collect();
    for (name, dependencies) in workspace() {
        if ROOFS.contains(&name.as_str()) {
            continue;
        }
        let allowed = allowed
            .get(name.as_str())
            .unwrap_or_else(|| panic!("{name} is missing from the table of crates"));
        let ours = dependencies.iter().filter(|dependency| dependency.starts_with("lgsp"));
        let forbidden: Vec<_> = ours.filter(|dependency| !allowed.contains(dependency.as_str())).collect();
        assert!(forbidden.is_empty(), "{name} must not depend on {forbidden:?}");
    }
}

#[test]
fn the_table_of_crates_has_no_way_up() {
    let mut below = BTreeSet::new();
    for (name, allowed) in ALLOWED {
        assert!(
            allowed.iter().all(|dependency| below.contains(dependency)),
            "{name} stands too low in the table"
        );
        below.insert(name);
    }
}

#[test]
fn kafka_and_sql_are_named_by_their_owners_alone() {
    for (name, dependencies) in workspace() {
        for (guarded, owners) in GUARDED {
            let is_named = dependencies.contains(*guarded);
            assert!(!is_named || owners.contains(&name.as_str()), "{name} must not depend on {guarded}");
        }
    }
}

#[test]
fn words_and_rules_have_no_runtime() {
    let workspace = workspace();
    for name in WITHOUT_TOKIO {
        let dependencies = &workspace[*name];
        assert!(
            !dependencies.iter().any(|dependency| dependency.starts_with("tokio")),
            "{name} must not have tokio"
        );
    }
}

/// Every crate of the workspace with the names of its dependencies; those for tests alone are left out.
fn workspace() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    packages.iter().map(|package| (text(&package["name"]), dependencies(package))).collect()
}

fn dependencies(package: &Value) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().expect("a list of dependencies");
    let for_tests_alone = |dependency: &&Value| dependency["kind"] == "dev";
    all.iter()
        .filter(|dependency| !for_tests_alone(dependency))
        .map(|dependency| text(&dependency["name"]))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
