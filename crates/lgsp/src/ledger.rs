//! `lgsp ledger status` and `check`: what the files of a ledger say, without it.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use lgsp_ledger::{Checked, Status};
use lgsp_tlog::VerifierKey;
use serde_json::{Value, json};

use crate::cli::ledger::{Check, Folder};
use crate::client::Listing;
use crate::client::output::line;

/// Most problems that are printed; their number is told.
const MOST_PROBLEMS: usize = 100;

/// Tells what the files say of the log.
///
/// # Errors
/// They cannot be read, or standard output cannot be written to.
pub fn status(args: &Folder) -> anyhow::Result<ExitCode> {
    let status = lgsp_ledger::status(&args.dir).with_context(|| nothing_there(args))?;
    if args.output == Some(Listing::Json) {
        line(&document(&status).to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    line(&format!("folder      {}", status.dir.display()))?;
    line(&format!("sealed      {} entries, root {}", status.sealed, status.root))?;
    match &status.checkpoint {
        Some(checkpoint) => {
            line(&format!("signed      {} entries as {}", checkpoint.size(), checkpoint.origin()))?
        }
        None => line("signed      nothing: there is no checkpoint")?,
    }
    if let Some(key) = &status.verifier {
        line(&format!("log key     {key}"))?;
    }
    line(&format!("on disk     {} bytes in {} segments", status.bytes, status.segments))?;
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
    let keys = args.log_key.iter().map(|key| VerifierKey::parse(key.trim()));
    let keys = keys.collect::<Result<Vec<_>, _>>().context("--log-key")?;
    let mut progress = Progress { shown: io::stderr().is_terminal() };
    let checked = lgsp_ledger::check(&args.folder.dir, &keys, |done, of| progress.tell(done, of));
    progress.end();
    let checked = checked.with_context(|| nothing_there(&args.folder))?;
    tell(&checked, args)?;
    Ok(if checked.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn nothing_there(args: &Folder) -> String {
    format!("the ledger in {} cannot be read", args.dir.display())
}

fn tell(checked: &Checked, args: &Check) -> anyhow::Result<()> {
    if args.folder.output == Some(Listing::Json) {
        let problems = checked.problems.iter().map(|it| json!({ "file": it.file, "what": it.what }));
        let told = json!({
            "sealed": checked.sealed,
            "good": checked.good,
            "archived": checked.archived,
            "problems": problems.collect::<Vec<_>>(),
        });
        line(&told.to_string())?;
        return Ok(());
    }
    for problem in checked.problems.iter().take(MOST_PROBLEMS) {
        line(&format!("{}: {}", problem.file.display(), problem.what))?;
    }
    let signed =
        if args.log_key.is_empty() { "; whose signature it bears was not asked (--log-key)" } else { "" };
    if checked.archived > 0 {
        line(&format!("{} of them are archived: their hashes are here, and hold", checked.archived))?;
    }
    match checked.problems.len() {
        0 => line(&format!("all {} sealed entries are as they were sealed{signed}", checked.sealed))?,
        count => line(&format!(
            "{count} problems; {} of {} sealed entries are good",
            checked.good, checked.sealed
        ))?,
    }
    Ok(())
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
