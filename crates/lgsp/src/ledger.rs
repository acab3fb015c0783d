//! `lgsp ledger status` and `check`: what the files of a ledger say, without it.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use lgsp_ledger::{Checked, Status};
use serde_json::{Value, json};

use crate::cli::ledger::{Check, Folder};
use crate::client::Listing;
use crate::client::output::line;
use crate::roles::destroyed_keys;
use crate::verify::verifier_keys;

/// Most problems that are printed; their number is told.
pub(crate) const MOST_PROBLEMS: usize = 100;

/// Tells what the files say of the log.
///
/// # Errors
/// They cannot be read, or standard output cannot be written to.
pub fn status(args: &Folder) -> anyhow::Result<ExitCode> {
    let status = lgsp_ledger::status(&args.folder()).with_context(|| nothing_there(args))?;
    if args.output == Some(Listing::Json) {
        line(&document(&status).to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    line(&format!("folder      {}", status.dir.display()))?;
    line(&format!("sealed      {}, root {}", counted(status.sealed, "entry", "entries"), status.root))?;
    match &status.checkpoint {
        Some(checkpoint) => {
            let size = counted(checkpoint.size(), "entry", "entries");
            line(&format!("signed      {size} as {}", checkpoint.origin()))?
        }
        None => line("signed      nothing: there is no checkpoint")?,
    }
    if let Some(key) = &status.verifier {
        line(&format!("log key     {key}"))?;
    }
    line(&format!(
        "on disk     {} bytes in {}",
        status.bytes,
        counted(status.segments as u64, "segment", "segments")
    ))?;
    let offsets: Vec<String> =
        status.offsets.iter().map(|(partition, next)| format!("{partition}:{next}")).collect();
    line(&format!(
        "consumed    up to {}",
        if offsets.is_empty() { "nothing".into() } else { offsets.join(" ") }
    ))?;
    for (partition, first, last) in &status.missing {
        line(&format!("missing     partition {partition}, offsets {first} to {last}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Holds everything in the folder against everything. The exit code is 1 if something does not hold.
///
/// # Errors
/// The head cannot be read, a key is none, or standard output cannot be written to.
pub fn check(args: &Check) -> anyhow::Result<ExitCode> {
    let keys = verifier_keys(&args.log_key, "--log-key")?;
    let mut progress = Progress { shown: io::stderr().is_terminal() };
    let checked = lgsp_ledger::check(&args.folder.folder(), &keys, |done, of| progress.tell(done, of));
    progress.end();
    let checked = checked.with_context(|| nothing_there(&args.folder))?;
    tell(&checked, &leftover_keys(&args.folder.folder())?, args)?;
    Ok(if checked.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Subject keys that a decision has destroyed and whose file is still there, or there again: beside the ledger's folder, as `lgsp up` has
/// them.
fn leftover_keys(ledger: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let destroyed = destroyed_keys::listed(ledger).context("the list of destroyed keys cannot be read")?;
    let keys = ledger.parent().unwrap_or(Path::new("")).join("keys/subjects");
    let files = destroyed.iter().map(|month| keys.join(format!("{month}.key")));
    Ok(files.filter(|file| file.exists()).collect())
}

fn nothing_there(args: &Folder) -> String {
    format!("the ledger in {} cannot be read", args.folder().display())
}

fn tell(checked: &Checked, leftover: &[PathBuf], args: &Check) -> anyhow::Result<()> {
    if args.folder.output == Some(Listing::Json) {
        let problems = checked.problems.iter().map(|it| json!({ "file": it.file, "what": it.what }));
        let told = json!({
            "sealed": checked.sealed,
            "good": checked.good,
            "archived": checked.archived,
            "bad": checked.bad.iter().map(|(first, last)| json!({ "first": first, "last": last })).collect::<Vec<_>>(),
            "problems": problems.collect::<Vec<_>>(),
            "leftoverKeys": leftover,
        });
        line(&told.to_string())?;
        return Ok(());
    }
    for problem in checked.problems.iter().take(MOST_PROBLEMS) {
        line(&format!("{}: {}", problem.file.display(), problem.what))?;
    }
    for file in leftover {
        line(&format!("{}: its destruction is entered, and it is still there: delete it", file.display()))?;
    }
    let signed =
        if args.log_key.is_empty() { "; whose signature it bears was not asked (--log-key)" } else { "" };
    if checked.archived > 0 {
        line(&format!("{} of them are archived: their hashes are here, and hold", checked.archived))?;
    }
    match checked.problems.len() {
        0 => line(&format!("all {} sealed entries are as they were sealed{signed}", checked.sealed))?,
        count => {
            if !checked.bad.is_empty() {
                line(&format!("not readable, or not as sealed: {}", leaves(&checked.bad)))?;
            }
            line(&format!(
                "{}; {} of {} sealed entries are good",
                counted(count as u64, "problem", "problems"),
                checked.good,
                checked.sealed
            ))?;
            line("what to do: docs/ledger.md, \"What a check finds\"")?;
        }
    }
    Ok(())
}

/// `1 problem`, `2 problems`.
pub(crate) fn counted(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// Names leaves by their runs; the first ones, if there are many.
pub(crate) fn leaves(runs: &[(u64, u64)]) -> String {
    let one = |(first, last): &(u64, u64)| match last - first {
        0 => first.to_string(),
        _ => format!("{first} to {last}"),
    };
    let told: Vec<String> = runs.iter().take(MOST_PROBLEMS).map(one).collect();
    let further = if runs.len() > MOST_PROBLEMS { ", and more" } else { "" };
    let is_one = matches!(runs, [(first, last)] if first == last);
    format!("{} {}{further}", if is_one { "leaf" } else { "leaves" }, told.join(", "))
}

/// How far a check has come, on a terminal.
struct Progress {
    shown: bool,
}

impl Progress {
    fn tell(&mut self, done: u64, of: u64) {
        if self.shown {
            let percent = (done * 100).checked_div(of).unwrap_or(100);
            // Without a terminal to show it on, nothing is lost.
            let _ = write!(io::stderr(), "\r{done} of {of} entries, {percent} %\x1b[K");
        }
    }

    fn end(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn document(status: &Status) -> Value {
    let checkpoint = status.checkpoint.as_ref();
    json!({
        "dir": status.dir,
        "sealed": status.sealed,
        "root": status.root.to_string(),
        "generation": status.generation,
        "signed": checkpoint.map(|checkpoint| json!({ "origin": checkpoint.origin(), "size": checkpoint.size() })),
        "logKey": status.verifier,
        "segments": status.segments,
        "bytes": status.bytes,
        "offsets": status.offsets.iter().map(|(partition, next)| json!({ "partition": partition, "next": next })).collect::<Vec<_>>(),
        "missing": status.missing.iter().map(|(partition, first, last)| {
            json!({ "partition": partition, "first": first, "last": last })
        }).collect::<Vec<_>>(),
    })
}
