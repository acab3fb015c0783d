//! `lgsp audit verify`: whether a proof holds, from the file and the keys alone.

use std::fs;
use std::path::Path;
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
use crate::client::{Lang, words};

const SECOND_US: i64 = 1_000_000;

/// Verifies a proof, and tells what is proven.
///
/// # Errors
/// It does not hold; or the file or a key cannot be read.
pub fn run(args: &Verify, lang: Lang) -> anyhow::Result<ExitCode> {
    let bytes = fs::read(&args.file).with_context(|| format!("{} cannot be read", args.file.display()))?;
    let proof = Proof::parse(&bytes).with_context(|| format!("{} is no proof", args.file.display()))?;
    let leaf = proof.extra.clone().with_context(|| format!("{} has no entry in it", args.file.display()))?;
    let holds = proof.verify(&leaf, &policy(&args.keys)?).context("the proof does not hold")?;
    let sealed =
        Sealed::decode(leaf.as_slice()).context("the entry is in the log, and is none of this kind")?;
    if args.json {
        line(&document(&proof, &holds, &sealed).to_string())?;
    } else {
        tell(&proof, &holds, &sealed, lang)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn policy(args: &Keys) -> anyhow::Result<Policy> {
    let log = verifier_keys(&args.log_key, "--log-key")?;
    let witnesses = verifier_keys(&args.witness_key, "--witness-key")?;
    let name = log.first().map(|key| key.name().to_owned());
    let origin = args.origin.clone().or(name).unwrap_or_default();
    let needed = args.witnesses.unwrap_or(args.witness_key.len());
    Ok(Policy::new(&origin, log, witnesses, needed)?)
}

/// Parses keys that an option gives.
///
/// # Errors
/// One is none; whoever gave the path of one is told so.
pub(crate) fn verifier_keys(keys: &[String], option: &'static str) -> anyhow::Result<Vec<VerifierKey>> {
    let parse = |key: &String| {
        VerifierKey::parse(key.trim()).with_context(|| match Path::new(key).is_file() {
            true => format!("{option} takes the key itself, and {key} is a file: {option} \"$(cat {key})\""),
            false => option.to_owned(),
        })
    };
    keys.iter().map(parse).collect()
}

fn tell(proof: &Proof, holds: &Holds, sealed: &Sealed, lang: Lang) -> anyhow::Result<()> {
    let checkpoint = &holds.checkpoint;
    let (index, origin, size) = (proof.index, checkpoint.origin(), checkpoint.size());
    line(&match lang {
        Lang::En => format!("proven: entry {index} is in the log {origin} of {size} entries"),
        Lang::Vi => format!("đã chứng minh: bản ghi {index} có trong nhật ký {origin} gồm {size} bản ghi"),
    })?;
    for (witness, time) in &holds.cosigned {
        let time = when(time.saturating_mul(SECOND_US as u64).cast_signed());
        line(&match lang {
            Lang::En => format!("seen by {witness} at {time}"),
            Lang::Vi => format!("có xác nhận của {witness} lúc {time}"),
        })?;
    }
    let rows = rows(sealed, lang);
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default() + 1;
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        line(&format!("  {name:<width$}{}", value.trim_end()))?;
    }
    line(lang.pick(
        "not proven: what was in the answer, beyond its digest, and who sat before the screen",
        "không chứng minh: nội dung câu trả lời, ngoài mã băm, và ai thực sự ngồi trước màn hình",
    ))?;
    Ok(())
}

/// What stands in the entry; what is empty does not.
fn rows(sealed: &Sealed, lang: Lang) -> Vec<(&'static str, String)> {
    let phase = words::phase(sealed.phase(), lang).to_owned();
    let of = lang.pick("of", "của");
    let outcome = words::outcome(sealed.outcome(), lang).text;
    let code = lang.pick("code", "mã");
    vec![
        (lang.pick("exchange", "mã lượt"), exchange(sealed)),
        (lang.pick("phase", "giai đoạn"), phase),
        (lang.pick("admitted", "tiếp nhận"), when(sealed.admitted_us)),
        (lang.pick("entered", "ghi nhật ký"), when(sealed.entered_us)),
        (lang.pick("application", "ứng dụng"), format!("{} {of} {}", sealed.application, sealed.agency_code)),
        (lang.pick("method", "phương thức"), format!("{}/{}", sealed.service, sealed.method)),
        (lang.pick("purpose", "mục đích"), sealed.purpose.clone()),
        (lang.pick("agreement", "thoả thuận"), agreement(sealed, lang)),
        (lang.pick("legal basis", "căn cứ"), sealed.legal_basis.clone()),
        (lang.pick("outcome", "kết quả"), format!("{outcome} ({code} {}) {}", sealed.code, sealed.reason)),
        (lang.pick("records", "bản ghi dữ liệu"), sealed.record_count.to_string()),
        (lang.pick("fields", "trường"), sealed.fields_released.join(", ")),
    ]
}

fn exchange(sealed: &Sealed) -> String {
    ExchangeId::from_bytes(&sealed.exchange_id).map(|id| id.to_string()).unwrap_or_default()
}

fn agreement(sealed: &Sealed, lang: Lang) -> String {
    match sealed.agreement.as_str() {
        "" => String::new(),
        agreement => {
            format!("{agreement}, {} {}", lang.pick("version", "phiên bản"), sealed.agreement_version)
        }
    }
}

fn outcome(sealed: &Sealed) -> String {
    sealed.outcome().as_str_name().trim_start_matches("OUTCOME_").to_lowercase().replace('_', " ")
}

fn when(us: i64) -> String {
    if us == 0 {
        return String::new();
    }
    OffsetDateTime::from(system_time(us)).to_offset(words::LOCAL).format(&Rfc3339).unwrap_or_default()
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
