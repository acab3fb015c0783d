//! What was measured, as a table.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

/// A log of one size.
#[derive(Default)]
pub struct Case {
    pub entries: u64,
    pub append: Duration,
    pub index: Duration,
    pub check: Duration,
    pub by_subject: Vec<Duration>,
    pub by_dossier: Vec<Duration>,
    pub prove: Vec<Duration>,
    /// Bytes of the log, its tree, the index and the erasable parts.
    pub bytes: [u64; 4],
}

impl Case {
    /// Weighs the files of a ledger that has ended.
    pub fn weigh(&mut self, dir: &Path) -> Result<()> {
        let file = |name: &str| fs::metadata(dir.join(name)).map_or(0, |metadata| metadata.len());
        let store = |name: &str| file(name) + file(&format!("{name}-wal"));
        self.bytes =
            [folder(&dir.join("log"))?, folder(&dir.join("tree"))?, store("index.db"), store("erasable.db")];
        Ok(())
    }

    fn rate(&self, took: Duration) -> f64 {
        self.entries as f64 / took.as_secs_f64()
    }

    fn each(&self, bytes: u64) -> u64 {
        bytes / self.entries.max(1)
    }

    fn document(&self) -> Value {
        let [log, tree, index, erasable] = self.bytes.map(|bytes| self.each(bytes));
        json!({
            "entries": self.entries,
            "appendedAndSealedPerSecond": self.rate(self.append),
            "indexedPerSecond": self.rate(self.index),
            "checkedPerSecond": self.rate(self.check),
            "searchBySubjectMs": percentiles(&self.by_subject),
            "searchByDossierMs": percentiles(&self.by_dossier),
            "proofMadeAndVerifiedMs": percentiles(&self.prove),
            "bytesPerEntry": { "log": log, "tree": tree, "index": index, "erasable": erasable },
        })
    }
}

fn folder(dir: &Path) -> Result<u64> {
    let sizes = fs::read_dir(dir)?.map(|entry| Ok(entry?.metadata()?.len()));
    sizes.sum::<Result<u64>>()
}

/// p50, p95 and p99 in milliseconds.
fn percentiles(took: &[Duration]) -> [f64; 3] {
    let mut sorted = took.to_vec();
    sorted.sort();
    [50, 95, 99].map(|percent| {
        let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(at).map_or(0.0, |took| took.as_secs_f64() * 1_000.0)
    })
}

#[derive(Default)]
pub struct Report {
    cases: Vec<Case>,
}

impl Report {
    pub fn add(&mut self, case: Case) {
        self.cases.push(case);
    }

    pub fn print(&self, as_json: bool) -> Result<()> {
        if as_json {
            self.cases.iter().for_each(|case| println!("{}", case.document()));
            return Ok(());
        }
        let row = |name: &str, cell: &dyn Fn(&Case) -> String| {
            let cells: String = self.cases.iter().map(|case| format!("{:>26}", cell(case))).collect();
            println!("{name:<34}{cells}");
        };
        let rate = |case: &Case, took| format!("{:.0}/s", case.rate(took));
        let times = |took: &[Duration]| {
            let [p50, p95, p99] = percentiles(took);
            format!("{p50:.2} {p95:.2} {p99:.2} ms")
        };
        row("entries", &|case| case.entries.to_string());
        row("appended, sealed and signed", &|case| rate(case, case.append));
        row("indexed, with erasable parts", &|case| rate(case, case.index));
        row("checked", &|case| rate(case, case.check));
        row("search by person, p50 p95 p99", &|case| times(&case.by_subject));
        row("search by dossier, p50 p95 p99", &|case| times(&case.by_dossier));
        row("proof made and verified", &|case| times(&case.prove));
        for (at, name) in ["log", "tree", "index", "erasable parts"].into_iter().enumerate() {
            row(&format!("bytes an entry, {name}"), &|case| case.each(case.bytes[at]).to_string());
        }
        Ok(())
    }
}
