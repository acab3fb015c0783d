//! `lgsp audit verify`: whether a proof holds, from the file and the keys alone.

use std::fs;
use std::process::ExitCode;

use anyhow::Context as _;
use lgsp_core::ExchangeId;
use lgsp_core::time::system_time;
use lgsp_proto::ledger::v1::Sealed;
use lgsp_tlog::proof::Holds;
use lgsp_tlog::{Policy, Proof, VerifierKey};
use prost::Message as _;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::audit::{Keys, Verify};
use crate::client::output::line;

const SECOND_US: i64 = 1_000_000;

/// Verifies a proof, and tells what is proven.
///
/// # Errors
/// It does not hold; or the file or a key cannot be read.
pub fn run(args: &Verify) -> anyhow::Result<ExitCode> {
    let bytes = fs::read(&args.file).with_context(|| format!("{} cannot be read", args.file.display()))?;
    let proof = Proof::parse(&bytes).with_context(|| format!("{} is no proof", args.file.display()))?;
    let leaf = proof.extra.clone().with_context(|| format!("{} has no entry in it", args.file.display()))?;
    let holds = proof.verify(&leaf, &policy(&args.keys)?).context("the proof does not hold")?;
    let sealed =
        Sealed::decode(leaf.as_slice()).context("the entry is in the log, and is none of this kind")?;
    if args.json {
        line(&document(&proof, &holds, &sealed).to_string())?;
    } else {
        tell(&proof, &holds, &sealed)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn policy(args: &Keys) -> anyhow::Result<Policy> {
    let parse = |keys: &[String], option| {
        let keys = keys.iter().map(|key| VerifierKey::parse(key.trim()));
        keys.collect::<Result<Vec<_>, _>>().context(option)
    };
    let log = parse(&args.log_key, "--log-key")?;
    let witnesses = parse(&args.witness_key, "--witness-key")?;
    let name = log.first().map(|key| key.name().to_owned());
    let origin = args.origin.clone().or(name).unwrap_or_default();
    let needed = args.witnesses.unwrap_or(args.witness_key.len());
    Ok(Policy::new(&origin, log, witnesses, needed)?)
}

fn tell(proof: &Proof, holds: &Holds, sealed: &Sealed) -> anyhow::Result<()> {
    let (checkpoint, code) = (&holds.checkpoint, sealed.code);
    line(&format!(
        "proven: entry {} is in the log {} of {} entries",
        proof.index,
        checkpoint.origin(),
        checkpoint.size()
    ))?;
    for (witness, time) in &holds.cosigned {
        line(&format!("seen by {witness} at {}", when(time.saturating_mul(SECOND_US as u64).cast_signed())))?;
    }
    let rows = [
        ("exchange", exchange(sealed)),
        ("phase", sealed.phase().as_str_name().trim_start_matches("PHASE_").to_lowercase()),
        ("admitted", when(sealed.admitted_us)),
        ("entered", when(sealed.entered_us)),
        ("application", format!("{} of {}", sealed.application, sealed.agency_code)),
        ("method", format!("{}/{}", sealed.service, sealed.method)),
        ("purpose", sealed.purpose.clone()),
        ("agreement", agreement(sealed)),
        ("legal basis", sealed.legal_basis.clone()),
        ("outcome", format!("{} (code {code}) {}", outcome(sealed), sealed.reason)),
        ("records", sealed.record_count.to_string()),
        ("fields", sealed.fields_released.join(", ")),
    ];
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        line(&format!("  {name:<12}{}", value.trim_end()))?;
    }
    line("not proven: what was in the answer, beyond its digest, and who sat before the screen")?;
    Ok(())
}

fn exchange(sealed: &Sealed) -> String {
    ExchangeId::from_bytes(&sealed.exchange_id).map(|id| id.to_string()).unwrap_or_default()
}

fn agreement(sealed: &Sealed) -> String {
    match sealed.agreement.as_str() {
        "" => String::new(),
        agreement => format!("{agreement}, version {}", sealed.agreement_version),
    }
}

fn outcome(sealed: &Sealed) -> String {
    sealed.outcome().as_str_name().trim_start_matches("OUTCOME_").to_lowercase().replace('_', " ")
}

fn when(us: i64) -> String {
    if us == 0 {
        return String::new();
    }
    OffsetDateTime::from(system_time(us)).format(&Rfc3339).unwrap_or_default()
}

fn document(proof: &Proof, holds: &Holds, sealed: &Sealed) -> Value {
    let cosigned = holds.cosigned.iter().map(|(name, time)| json!({ "witness": name, "time": time }));
    json!({
        "index": proof.index,
        "origin": holds.checkpoint.origin(),
        "size": holds.checkpoint.size(),
        "root": holds.checkpoint.root().to_string(),
        "cosigned": cosigned.collect::<Vec<_>>(),
        "exchangeId": exchange(sealed),
        "application": sealed.application,
        "agencyCode": sealed.agency_code,
        "service": sealed.service,
        "method": sealed.method,
        "purpose": sealed.purpose,
        "agreement": sealed.agreement,
        "legalBasis": sealed.legal_basis,
        "outcome": outcome(sealed),
        "admitted": when(sealed.admitted_us),
        "entered": when(sealed.entered_us),
        "recordCount": sealed.record_count,
        "fieldsReleased": sealed.fields_released,
    })
}
