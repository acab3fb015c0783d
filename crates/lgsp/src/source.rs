//! `lgsp source check`: reads a whole source and tells what its adapter would not understand.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use lgsp_adapter::check::{self, Finding, Progress, Report};
use serde_json::{Value, json};

use crate::cli::server::SourceCheck;
use crate::client::Listing;
use crate::client::output::{Surface, Tone, line};
use crate::client::table::{Cell, Table};
use crate::config::Config;
use crate::roles::adapter;

/// Checks the source of a domain. The exit code is 1 if anything is wrong with it.
///
/// # Errors
/// The source cannot be opened, is no database, or did not answer.
pub async fn run(args: &SourceCheck, config: Config) -> anyhow::Result<ExitCode> {
    let domain = args.domain.name();
    let opened = adapter::open(&config, args.domain).await?;
    let Some(tables) = opened.probe.tables() else {
        bail!(
            "the source of the {domain} adapter is no database, and only tables are read to their end: docs/fhir.md says \
             what to ask a FHIR server instead"
        );
    };
    let unread = || format!("the source of the {domain} adapter could not be read to its end");
    let mut report = check::check(tables, args.query_timeout, progress()).await.with_context(unread)?;
    report.findings.extend(opened.probe.findings(args.query_timeout).await.with_context(unread)?);
    print(&report, args.output)?;
    tables.close().await;
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(report: &Report, asked: Option<Listing>) -> anyhow::Result<()> {
    let surface = Surface::of_stdout();
    let listing = surface.listing(asked);
    if listing == Listing::Json {
        line(&document(report).to_string())?;
        return Ok(());
    }
    line(&format!("source {}", report.source))?;
    let mut records = Table::new(vec!["RELATION", "RECORDS"]);
    for (relation, count) in &report.records {
        records.row(vec![(*relation).into(), count.to_string().into()]);
    }
    records.write(listing, &surface)?;
    line("")?;
    if report.findings.is_empty() {
        line("nothing is wrong")?;
        return Ok(());
    }
    let mut findings =
        Table::new(vec!["RELATION", "COLUMN", "PROBLEM", "COUNT", "SUCH AS"]).wrapping(vec!["SUCH AS"]);
    for finding in &report.findings {
        findings.row(vec![
            finding.relation.into(),
            finding.columns.as_str().into(),
            Cell::new(finding.wrong.text(), Tone::Warning),
            finding.count.to_string().into(),
            samples(finding).into(),
        ]);
    }
    findings.write(listing, &surface)?;
    Ok(())
}

fn samples(finding: &Finding) -> String {
    let sample = |sample: &check::Sample| format!("{:?} ×{}", sample.text, sample.count);
    finding.samples.iter().map(sample).collect::<Vec<_>>().join(", ")
}

fn document(report: &Report) -> Value {
    let records: serde_json::Map<String, Value> =
        report.records.iter().map(|(relation, count)| ((*relation).to_owned(), (*count).into())).collect();
    let finding = |finding: &Finding| {
        let samples = finding.samples.iter();
        let samples: Vec<Value> =
            samples.map(|sample| json!({ "text": sample.text, "count": sample.count })).collect();
        json!({
            "relation": finding.relation,
            "columns": finding.columns,
            "problem": finding.wrong.text(),
            "count": finding.count,
            "samples": samples,
        })
    };
    let findings: Vec<Value> = report.findings.iter().map(finding).collect();
    json!({ "source": report.source, "records": records, "findings": findings })
}

/// Tells on standard error how far the check is: a bar on a terminal, and otherwise a line per relation.
fn progress() -> impl FnMut(Progress) {
    let terminal = std::io::stderr().is_terminal();
    let bar = terminal.then(|| indicatif::ProgressBar::new(0));
    if let Some(bar) = &bar
        && let Ok(style) = indicatif::ProgressStyle::with_template("  {msg:20} {bar:30} {pos}/{len}")
    {
        bar.set_style(style);
    }
    let mut reading = "";
    move |progress| match &bar {
        Some(bar) => {
            bar.set_length(progress.of as u64);
            bar.set_position(progress.done as u64);
            bar.set_message(progress.relation);
        }
        None if reading != progress.relation => {
            reading = progress.relation;
            eprintln!("  reading {reading}, step {} of {}", progress.done + 1, progress.of);
        }
        None => {}
    }
}
