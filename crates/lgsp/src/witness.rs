//! `lgsp witness status`: what the files of a witness say, without it.

use std::process::ExitCode;

use lgsp_tlog::VerifierKey;
use lgsp_witness::{Fork, Kind, Seen, Status};
use prost_reflect::prost_types::Timestamp;
use serde_json::{Value, json};

use crate::cli::witness::Status as Arguments;
use crate::client::Listing;
use crate::client::output::{Surface, Tone, line};
use crate::client::table::{Cell, Table};
use crate::client::words;
use crate::config::Config;
use crate::roles;

/// Tells the key, what was cosigned last, and what was refused. The exit code is 1 if something was.
///
/// # Errors
/// The key or the folder cannot be read, or standard output cannot be written to.
pub fn status(args: &Arguments, config: &Config) -> anyhow::Result<ExitCode> {
    let key = roles::witness::key(&config.witness)?;
    let status = lgsp_witness::status(&config.witness.dir)?;
    print(key.verifier(), &status, args.output)?;
    Ok(if status.forks.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(key: &VerifierKey, status: &Status, asked: Option<Listing>) -> anyhow::Result<()> {
    let surface = Surface::of_stdout();
    let listing = surface.listing(asked);
    if listing == Listing::Json {
        line(&json!({ "vkey": key.to_string() }).to_string())?;
        for document in status.seen.iter().map(of_seen).chain(status.forks.iter().map(of_fork)) {
            line(&document.to_string())?;
        }
        return Ok(());
    }
    line(&format!("key of the witness: {key}"))?;
    let mut table = Table::new(vec!["LOG", "STANDING", "SIZE", "ROOT", "SINCE", "FILE"]);
    for seen in &status.seen {
        let seconds = i64::try_from(seen.cosigned_at).unwrap_or(i64::MAX);
        let since = words::moment(Some(&Timestamp { seconds, nanos: 0 }));
        table.row(vec![
            seen.checkpoint.origin().into(),
            Cell::new("cosigned", Tone::Good),
            seen.checkpoint.size().to_string().into(),
            seen.checkpoint.root().to_string().into(),
            since.into(),
            String::new().into(),
        ]);
    }
    for fork in &status.forks {
        table.row(vec![
            fork.refused.origin().into(),
            Cell::new(standing(fork.kind), Tone::Bad),
            fork.refused.size().to_string().into(),
            fork.refused.root().to_string().into(),
            String::new().into(),
            fork.path.display().to_string().into(),
        ]);
    }
    table.write(listing, &surface)?;
    Ok(())
}

fn standing(kind: Kind) -> &'static str {
    match kind {
        Kind::TwoRoots => "refused: another root of that size",
        Kind::NotShown => "refused: not shown to go on",
    }
}

fn of_seen(seen: &Seen) -> Value {
    json!({
        "origin": seen.checkpoint.origin(),
        "standing": "cosigned",
        "size": seen.checkpoint.size(),
        "root": seen.checkpoint.root().to_string(),
        "cosignedAt": seen.cosigned_at,
        "note": seen.note.to_string(),
    })
}

fn of_fork(fork: &Fork) -> Value {
    json!({
        "origin": fork.refused.origin(),
        "standing": fork.kind.name(),
        "size": fork.refused.size(),
        "root": fork.refused.root().to_string(),
        "file": fork.path,
    })
}
