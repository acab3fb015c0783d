//! The sources of the adapters that this machine is for.

use std::path::Path;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, timeout};

use super::finding::Finding;
use super::part::Parts;
use crate::cli::server::Domain;
use crate::client::Lang;
use crate::config::Config;
use crate::roles::adapter;

const CHECK: &str = "sources";
/// How long a source may take to be opened, and for one look.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one query may take when all is read.
const READING: Duration = Duration::from_secs(600);

pub(super) async fn check(config: &Config, parts: &Parts, read: bool, lang: Lang) -> Vec<Finding> {
    let domains = parts.domains();
    join_all(domains.into_iter().map(|domain| Box::pin(of(config, domain, parts, read, lang)))).await
}

async fn of(config: &Config, domain: Domain, parts: &Parts, read: bool, lang: Lang) -> Finding {
    let what = format!("{} {}", lang.pick("the source of", "nguồn dữ liệu của"), domain.name());
    // Nobody said that this machine is for the domain, and its database is not here.
    if parts.are_all() && is_absent(config, domain) {
        return Finding::unknown(CHECK, what, lang.pick("it is not on this machine", "không ở trên máy này"));
    }
    let mend = format!("lgsp source check {}", domain.name());
    let opened = match timeout(PATIENCE, adapter::open(config, domain)).await {
        Ok(Ok(opened)) => opened,
        // Its address may stand in the error.
        Ok(Err(_)) => {
            return Finding::wrong(CHECK, what, lang.pick("it cannot be opened", "không mở được")).mend(mend);
        }
        Err(_) => {
            let late = lang.pick("it cannot be opened in time", "không mở được kịp thời");
            return Finding::wrong(CHECK, what, late).mend(mend);
        }
    };
    let found = match opened.probe.tables().filter(|_| read) {
        Some(tables) => match lgsp_adapter::check::check(tables, READING, |_| {}).await {
            Ok(report) if report.findings.is_empty() => {
                Finding::ok(CHECK, what, lang.pick("all of it is understood", "hiểu được toàn bộ"))
            }
            Ok(report) => {
                let found = match lang {
                    Lang::En => format!("{} kinds of records are not understood", report.findings.len()),
                    Lang::Vi => format!("có {} loại bản ghi không hiểu được", report.findings.len()),
                };
                Finding::warning(CHECK, what, found).mend(mend)
            }
            Err(_) => {
                let found = lang.pick("it cannot be read to its end", "không đọc được đến hết");
                Finding::wrong(CHECK, what, found).mend(mend)
            }
        },
        None => match opened.probe.probe(Instant::now() + PATIENCE).await {
            Ok(()) => Finding::ok(CHECK, what, lang.pick("it answers", "có trả lời")),
            // A closed set of causes.
            Err(error) => {
                let found = lang.pick("it does not answer as it should", "trả lời không đúng");
                Finding::wrong(CHECK, what, format!("{found}: {error}")).mend(mend)
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
