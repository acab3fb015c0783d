//! `lgsp ledger reindex`, `archive`, `restore` and `erase`.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use lgsp_bus::MacKeys;
use lgsp_core::time::{day, months_before, unix_micros};
use lgsp_ledger::keep::{self, Online, Step};
use lgsp_ledger::{Checked, Keys, Options};
use lgsp_tlog::VerifierKey;
use serde_json::{Value, json};

use crate::cli::ledger::{Archive, Erase, Reindex, Restore};
use crate::client::Listing;
use crate::client::output::{Surface, line};
use crate::client::table::Table;
use crate::config::Config;
use crate::layout::{read_kept_key, read_mac_keys};
use crate::ledger::{MOST_PROBLEMS, leaves};
use crate::verify::verifier_keys;

/// The keys by which a ledger tells what is signed, without those that sign.
fn keys(config: &Config) -> anyhow::Result<Keys> {
    let of = &config.keys;
    let macs = read_mac_keys(&of.mac).context(
        "the keys of `keys.mac` tell what is signed in the log; name the data directory with --data",
    )?;
    let decisions = of.decisions.exists().then(|| read_kept_key(&of.decisions)).transpose()?;
    let former_entries = of.entries_former.as_deref().map(read_kept_key).transpose()?;
    Ok(Keys { macs: MacKeys::new(macs), log: Vec::new(), decisions, former_entries })
}

fn options(config: &Config, dir: Option<&PathBuf>) -> Options {
    let mut options = config.ledger.clone();
    if let Some(dir) = dir {
        options.dir.clone_from(dir);
    }
    options
}

/// Parses keys of a log.
///
/// # Errors
/// One is none.
pub fn log_keys(keys: &[String]) -> anyhow::Result<Vec<VerifierKey>> {
    verifier_keys(keys, "--log-key")
}

/// Builds the index anew, or only compares: then the exit code is 1 if something differs.
///
/// # Errors
/// The ledger runs, or its files cannot be used.
pub async fn reindex(args: &Reindex, config: &Config) -> anyhow::Result<ExitCode> {
    let (options, keys) = (options(config, args.place.dir.as_ref()), keys(config)?);
    let mut progress = Progress::on_terminal();
    let mut tell = |step| progress.tell(&step);
    let found = if args.compare {
        keep::compare(&options, &keys, &mut tell).await
    } else {
        keep::reindex(&options, &keys, &mut tell).await
    };
    progress.end();
    let found = found?;
    // What the log lacks is in neither index, so that comparing them cannot tell of it.
    let dir = options.dir.clone();
    let checking = tokio::task::spawn_blocking(move || lgsp_ledger::check(&dir, &[], |_, _| ()));
    let checked = checking.await?.context("the log cannot be held against its tree")?;
    if args.place.output == Some(Listing::Json) {
        let differences = found.differences.iter().map(|of| {
            json!({ "table": of.table, "month": of.month, "was": of.rows.0, "is": of.rows.1, "rows": of.named })
        });
        let differences: Vec<Value> = differences.collect();
        line(
            &json!({ "rows": found.rows, "differences": differences, "unreadable": found.unreadable,
                     "miscounted": found.miscounted.iter().map(|it| json!({ "day": it.day, "counted": it.exchanges.0, "entries": it.exchanges.1 })).collect::<Vec<_>>(),
                     "inPlace": !args.compare,
                     "damage": checked.problems.iter().map(|it| json!({ "file": it.file, "what": it.what })).collect::<Vec<_>>(),
                     "leftOut": checked.bad.iter().map(|(first, last)| json!({ "first": first, "last": last })).collect::<Vec<_>>() })
            .to_string(),
        )?;
    } else {
        for (table, rows) in &found.rows {
            line(&format!("{table:<10} {rows} rows"))?;
        }
        for of in &found.differences {
            let (was, is) = of.rows;
            line(&format!("{} {}: {was} rows were there, {is} follow from the log", of.table, of.month))?;
            line(&format!("  differ: {}", of.named.join(", ")))?;
        }
        for of in found.miscounted.iter().take(MOST_PROBLEMS) {
            let (counted, recounted) = of.exchanges;
            line(&format!("daily {}: {counted} exchanges are counted, its entries are {recounted}", of.day))?;
        }
        line(&said(&found, args.compare))?;
        tell_damage(&checked)?;
    }
    let is_other = !found.differences.is_empty() || !found.miscounted.is_empty();
    let differs = args.compare && (is_other || found.unreadable.is_some());
    let holds = checked.problems.is_empty() && !differs;
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Names what of the log could not go into the index.
fn tell_damage(checked: &Checked) -> anyhow::Result<()> {
    for problem in checked.problems.iter().take(MOST_PROBLEMS) {
        line(&format!("{}: {}", problem.file.display(), problem.what))?;
    }
    if !checked.bad.is_empty() {
        line(&format!("not in it, since the log does not hold: {}", leaves(&checked.bad)))?;
    }
    if !checked.problems.is_empty() {
        line("the log is damaged: the index lacks what cannot be read; lgsp ledger check, docs/ledger.md")?;
    }
    Ok(())
}

fn said(found: &keep::Reindexed, compared: bool) -> String {
    let was = match (&found.unreadable, found.differences.len()) {
        (Some(why), _) => format!("the old index cannot be compared: {why}"),
        (None, 0) => "the index is what follows from the log".to_owned(),
        (None, count) => format!("{count} parts of the index are not what follows from the log"),
    };
    if compared { was } else { format!("{was}; the rebuilt one is in its place") }
}

/// Moves old months into archives.
///
/// # Errors
/// The ledger runs, nothing may be archived yet, or a file cannot be used.
pub async fn archive(args: &Archive, config: &Config) -> anyhow::Result<ExitCode> {
    let (options, keys) = (options(config, args.place.dir.as_ref()), keys(config)?);
    let of = &options.retention;
    let online = of.data.online.max(of.platform.online);
    let before = args.before.unwrap_or_else(|| months_before(unix_micros(SystemTime::now()), online));
    let mut progress = Progress::on_terminal();
    let archived = keep::archive(&options, &keys, before, &args.to, &mut |step| progress.tell(&step)).await;
    progress.end();
    let archived = archived?;
    if args.place.output == Some(Listing::Json) {
        for of in &archived.archives {
            line(&document(of).to_string())?;
        }
        for of in &archived.kept {
            line(&json!({ "kept": of.segment, "why": why(of.why) }).to_string())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    show(args.place.output, &archived.archives)?;
    for of in &archived.kept {
        line(&format!("segment {} stays online: {}", of.segment, why(of.why)))?;
    }
    if archived.archives.is_empty() {
        line(&format!("nothing was archived: no whole segment is from before {}", day(before)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn why(why: Online) -> String {
    match why {
        Online::Held(count) => format!("{count} exchanges in it are held"),
        Online::Undecided => "a decision in it is not carried out yet: start the ledger once".to_owned(),
        Online::Damaged => "it is not as it was sealed: lgsp ledger check".to_owned(),
    }
}

fn show(output: Option<Listing>, archives: &[keep::Manifest]) -> anyhow::Result<()> {
    if archives.is_empty() {
        return Ok(());
    }
    let surface = Surface::of_stdout();
    let mut table =
        Table::new(vec!["ARCHIVE", "FROM", "TO", "ENTRIES", "SEGMENTS", "ERASABLE PARTS", "DIGEST"]);
    for of in archives {
        table.row(vec![
            of.name.as_str().into(),
            day(of.since_us).into(),
            day(of.until_us).into(),
            of.leaves().to_string().into(),
            of.segments.len().to_string().into(),
            of.values.to_string().into(),
            of.digest()[..16].into(),
        ]);
    }
    table.write(surface.listing(output), &surface)?;
    Ok(())
}

fn document(of: &keep::Manifest) -> Value {
    json!({
        "archive": of.name,
        "sinceUs": of.since_us,
        "untilUs": of.until_us,
        "entries": of.leaves(),
        "segments": of.segments.len(),
        "erasableParts": of.values,
        "digest": of.digest(),
    })
}

/// Brings an archive back.
///
/// # Errors
/// The ledger runs, the archive is not its own or does not hold, or a file cannot be used.
pub async fn restore(args: &Restore, config: &Config) -> anyhow::Result<ExitCode> {
    let (options, keys) = (options(config, args.place.dir.as_ref()), keys(config)?);
    let log_keys = log_keys(&args.log_key)?;
    let mut progress = Progress::on_terminal();
    let tell = &mut |step| progress.tell(&step);
    let restored = keep::restore(&options, &keys, &args.archive, &log_keys, tell).await;
    progress.end();
    let restored = restored?;
    if args.place.output == Some(Listing::Json) {
        let mut told = document(&restored.manifest);
        told["erasedSince"] = restored.erased.into();
        line(&told.to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    line(&format!(
        "{}: {} entries are online again; {} erasable parts were erased since, and stay so",
        restored.manifest.name,
        restored.manifest.leaves(),
        restored.erased
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Carries out erasures on archives.
///
/// # Errors
/// An archive is not the ledger's or is damaged, or a file cannot be used. Those before it are done.
pub async fn erase(args: &Erase, config: &Config) -> anyhow::Result<ExitCode> {
    let options = options(config, args.place.dir.as_ref());
    let is_one = args.archive.join("manifest.json").exists();
    let archives: Vec<PathBuf> = if is_one {
        vec![args.archive.clone()]
    } else {
        keep::names(&args.archive)?.into_iter().map(|name| args.archive.join(name)).collect()
    };
    anyhow::ensure!(!archives.is_empty(), "there is no archive in {}", args.archive.display());
    let mut progress = Progress::on_terminal();
    for archive in archives {
        let erased = keep::erase(&options, &archive, &mut |step| progress.tell(&step)).await;
        progress.end();
        let erased = erased?;
        let told = json!({ "archive": erased.name, "erased": erased.erased, "left": erased.left });
        if args.place.output == Some(Listing::Json) {
            line(&told.to_string())?;
        } else {
            line(&format!("{}: {} erasable parts erased, {} left", erased.name, erased.erased, erased.left))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// How far something has come, on a terminal.
pub(crate) struct Progress {
    shown: bool,
}

impl Progress {
    pub(crate) fn on_terminal() -> Self {
        Self { shown: io::stderr().is_terminal() }
    }

    pub(crate) fn tell(&mut self, step: &Step) {
        self.say(&step.to_string());
    }

    pub(crate) fn say(&mut self, text: &str) {
        if self.shown {
            // Without a terminal to show it on, nothing is lost.
            let _ = write!(io::stderr(), "\r{text}\x1b[K");
        }
    }

    pub(crate) fn end(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
