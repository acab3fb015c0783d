//! `lgsp source check` as it is called.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

use lgsp_store::{Options, Store};
use serde_json::Value;

fn lgsp(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lgsp"));
    command.args(arguments).arg("--data").arg(data).env("LC_ALL", "C").env_remove("LGSP_LOG");
    command.output().expect("the program starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A data directory with the sources of a small synthetic city.
fn city() -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lgsp"));
    let made = command.args(["sample-data", "--citizens", "120", "--out"]).arg(data.path().join("sources"));
    let made = made.output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    data
}

async fn change(data: &Path, sql: &str) {
    let path = data.join("sources/population.db");
    let store = Store::open(&Options::of(format!("sqlite:{}", path.display())), &[]).await.unwrap();
    store.run(sql).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_clean_source_ends_with_0_and_a_dirty_one_with_1_and_counts() {
    let data = city();
    let clean = lgsp(data.path(), &["source", "check", "population", "--output", "plain"]);
    assert!(clean.status.success(), "{}", text(&clean.stdout));
    let told = text(&clean.stdout);
    assert!(
        told.contains("citizen") && told.contains("120") && told.ends_with("nothing is wrong\n"),
        "{told}"
    );
    assert!(text(&clean.stderr).contains("reading household, step "), "progress goes to standard error");

    let dirt = "
        UPDATE citizen SET date_of_birth = '1958-13-21' WHERE citizen_id < 3;
        UPDATE citizen SET father_number = '09205800000' WHERE citizen_id = 3;
        UPDATE household SET head_id = 999999 WHERE household_id = 1;";
    change(data.path(), dirt).await;
    let dirty = lgsp(data.path(), &["source", "check", "population", "--output", "json"]);
    assert_eq!(dirty.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&dirty.stdout).unwrap();
    assert_eq!(report["records"]["citizen"], 120);
    let findings = report["findings"].as_array().unwrap();
    let found: Vec<_> = findings
        .iter()
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap();
            (text("relation"), text("columns"), text("problem"), finding["count"].as_u64().unwrap())
        })
        .collect();
    let expected = [
        ("citizen", "date_of_birth", "date not understood", 2),
        ("citizen", "father_number", "not such an identifier", 1),
        ("household", "head_id", "refers to nothing", 1),
    ];
    assert_eq!(found, expected);
    assert_eq!(findings[0]["samples"][0]["text"], "9999-99-99");
    let told = text(&dirty.stdout);
    assert!(!told.contains("1958") && !told.contains("0920"), "{told}");

    let plain = lgsp(data.path(), &["source", "check", "population", "--output", "plain"]);
    assert!(text(&plain.stdout).contains("\"9999-99-99\" ×2"), "{}", text(&plain.stdout));
}

#[tokio::test]
async fn a_source_that_is_not_what_the_adapter_reads_is_told_with_every_difference() {
    let data = city();
    change(data.path(), "ALTER TABLE citizen DROP COLUMN religion; DROP TABLE address").await;
    let refused = lgsp(data.path(), &["source", "check", "population"]);
    assert_eq!(refused.status.code(), Some(1));
    let told = text(&refused.stderr);
    for place in ["citizen.religion: there is no such column", "address: there is no such table"] {
        assert!(told.contains(place), "{told}");
    }

    let missing =
        lgsp(data.path(), &["source", "check", "land", "--set", "land.source.url=sqlite:sources/none.db"]);
    assert!(text(&missing.stderr).contains("the source of the land adapter cannot be opened"), "{missing:?}");
}

#[test]
fn a_mapping_that_cannot_be_is_a_bad_configuration() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("hub.toml");
    let mapping = "
        [population.source]
        name = 'x'
        [population.mapping.citizen]
        table = 'cong_dan'
        columns = { citizen_id = 'id', personal_number = 'so', full_name = 'ten', sex = { column = 'gt', codes = { Nam = 'man' } } }";
    std::fs::write(&file, mapping).unwrap();
    let refused = lgsp(data.path(), &["source", "check", "population", "--config", file.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(64));
    let told = text(&refused.stderr);
    for problem in [
        "population.source.agency-code: is required with a mapping",
        "population.mapping.citizen.columns.sex.codes.Nam: the contract has no code \"man\"; accepted: unknown, male, female",
    ] {
        assert!(told.contains(problem), "{told}");
    }
}
