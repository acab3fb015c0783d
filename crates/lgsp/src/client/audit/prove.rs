//! `lgsp audit prove`: the proof that an entry is in the log, for whoever does not believe us.

use std::fs;
use std::path::Path;

use lgsp_proto::ledger::v1::{AuditedEntry, GetExchangeResponse};
use lgsp_tlog::{Policy, Proof, VerifierKey};

use super::{exchange, show};
use crate::cli::audit::{KnownKeys, Prove};
use crate::client::output;
use crate::client::registry::open;
use crate::client::{Error, Held, Lang};
use crate::layout::Layout;

/// Runs `lgsp audit prove`.
pub(super) async fn run(args: &Prove, lang: Lang) -> Result<(), Error> {
    let policy = policy(&args.keys)?;
    let session = open(&args.operator).await?;
    let told = exchange(&session, &args.exchange, true).await?;
    let entry = chosen(&told, args.entry)?;
    match &args.out {
        None => output::line(entry.proof.trim_end_matches('\n'))?,
        Some(file) => {
            let written = fs::write(file, &entry.proof);
            written.map_err(|source| Error::Folder { path: file.clone(), source })?;
        }
    }
    match policy {
        Some(policy) => output::note(&verified(entry, &policy, lang)?),
        None => {
            let not_verified = lang.pick("not verified", "chưa kiểm tra");
            output::note(&format!("{not_verified}: {}", name_a_key(&args.operator.key.data, lang)))
        }
    }
    let file = args.out.as_ref().map_or_else(|| "FILE".to_owned(), |file| file.display().to_string());
    let how = lang.pick("without the hub", "không cần nền tảng");
    output::note(&format!("{how}: lgsp audit verify {file} {}", log_key(&args.operator.key.data)));
    Ok(())
}

fn chosen(told: &GetExchangeResponse, leaf: Option<u64>) -> Result<&AuditedEntry, Error> {
    let Some(leaf) = leaf else {
        let nothing = || Error::NotProven { problem: "the exchange has no entry".to_owned() };
        return show::ending(&told.entries).ok_or_else(nothing);
    };
    let all = || told.entries.iter().chain(&told.decisions);
    let unknown = || Error::NotHeld {
        kind: Held::Entry,
        id: leaf.to_string(),
        known: all().map(|entry| entry.leaf.to_string()).collect(),
    };
    all().find(|entry| entry.leaf == leaf).ok_or_else(unknown)
}

fn verified(entry: &AuditedEntry, policy: &Policy, lang: Lang) -> Result<String, Error> {
    let failed = |problem: String| Error::NotProven { problem };
    let proof = Proof::parse(entry.proof.as_bytes()).map_err(|error| failed(error.to_string()))?;
    if proof.index != entry.leaf {
        return Err(failed(format!("the proof is of entry {}, and not of {}", proof.index, entry.leaf)));
    }
    let holds = proof.verify(&entry.sealed, policy).map_err(|error| failed(error.to_string()))?;
    let mut told = format!(
        "{} {} {} {} ({} {})",
        lang.pick("proven: entry", "đã chứng minh: bản ghi"),
        proof.index,
        lang.pick("is in the log", "có trong nhật ký"),
        holds.checkpoint.origin(),
        holds.checkpoint.size(),
        lang.pick("entries", "bản ghi"),
    );
    if !holds.cosigned.is_empty() {
        let witnesses: Vec<&str> = holds.cosigned.iter().map(|(name, _)| name.as_str()).collect();
        told += &format!("; {} {}", lang.pick("seen by", "có xác nhận của"), witnesses.join(", "));
    }
    Ok(told)
}

/// Where a ledger writes the key of its log.
const VKEY: &str = "checkpoint.vkey";

/// The option with the key of the log: the file of the ledger itself, if it is at hand.
fn log_key(data: &Path) -> String {
    let here = Layout::new(data).ledger().join(VKEY);
    let file = if here.is_file() { here.display().to_string() } else { VKEY.to_owned() };
    format!("--log-key \"$(cat {file})\"")
}

/// How to have it verified at once.
pub(super) fn name_a_key(data: &Path, lang: Lang) -> String {
    let told = lang.pick(
        "name the log's key, as you have kept it; it is the file checkpoint.vkey in the ledger's folder",
        "nêu khoá của nhật ký mà bạn đã giữ; đó là tệp checkpoint.vkey trong thư mục của kho nhật ký",
    );
    format!("{} ({told})", log_key(data))
}

/// Whom an auditor counts on; nobody, if no key is named.
pub(super) fn policy(keys: &KnownKeys) -> Result<Option<Policy>, Error> {
    if keys.log_key.is_empty() {
        return Ok(None);
    }
    let failed = |problem: String| Error::NotProven { problem };
    let parse = |keys: &[String]| {
        let keys = keys.iter().map(|key| VerifierKey::parse(key.trim()));
        keys.collect::<Result<Vec<_>, _>>().map_err(|error| failed(error.to_string()))
    };
    let (log, witnesses) = (parse(&keys.log_key)?, parse(&keys.witness_key)?);
    let origin = log.first().map(|key| key.name().to_owned()).unwrap_or_default();
    let needed = witnesses.len();
    Policy::new(&origin, log, witnesses, needed).map(Some).map_err(|error| failed(error.to_string()))
}
