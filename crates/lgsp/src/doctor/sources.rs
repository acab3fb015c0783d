//! The sources of the adapters that this machine is for.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::finding::Finding;
use super::part::Parts;
use crate::cli::server::Domain;
use crate::config::Config;
use crate::roles::adapter;

const CHECK: &str = "sources";
/// How long a source may take to be opened, and for one look.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one query may take when all is read.
const READING: Duration = Duration::from_secs(600);

pub(super) async fn check(config: &Config, parts: &Parts, read: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for domain in parts.domains() {
        findings.push(Box::pin(of(config, domain, parts, read)).await);
    }
    findings
}

async fn of(config: &Config, domain: Domain, parts: &Parts, read: bool) -> Finding {
    let what = format!("the source of {}", domain.name());
    // Nobody said that this machine is for the domain, and its database is not here.
    if parts.are_all() && is_absent(config, domain) {
        return Finding::unknown(CHECK, what, "it is not on this machine");
    }
    let mend = format!("lgsp source check {}", domain.name());
    let opened = match timeout(PATIENCE, adapter::open(config, domain)).await {
        Ok(Ok(opened)) => opened,
        // Its address may stand in the error.
        Ok(Err(_)) => return Finding::wrong(CHECK, what, "it cannot be opened").mend(mend),
        Err(_) => return Finding::wrong(CHECK, what, "it cannot be opened in time").mend(mend),
    };
    let found = match opened.probe.tables().filter(|_| read) {
        Some(tables) => match lgsp_adapter::check::check(tables, READING, |_| {}).await {
            Ok(report) if report.findings.is_empty() => Finding::ok(CHECK, what, "all of it is understood"),
            Ok(report) => {
                let found = format!("{} kinds of records are not understood", report.findings.len());
                Finding::warning(CHECK, what, found).mend(mend)
            }
            Err(_) => Finding::wrong(CHECK, what, "it cannot be read to its end").mend(mend),
        },
        None => match opened.probe.probe(Instant::now() + PATIENCE).await {
            Ok(()) => Finding::ok(CHECK, what, "it answers"),
            // A closed set of causes.
            Err(error) => {
                Finding::wrong(CHECK, what, format!("it does not answer as it should: {error}")).mend(mend)
            }
        },
    };
    if let Some(tables) = opened.probe.tables() {
        tables.close().await;
    }
    found
}

/// Whether a database in a file is meant that is not there.
fn is_absent(config: &Config, domain: Domain) -> bool {
    if domain == Domain::Health && config.fhir.is_set() {
        return false;
    }
    let file = config.adapter(domain).source.url.strip_prefix("sqlite:").map(Path::new);
    file.is_some_and(|file| !file.exists())
}
