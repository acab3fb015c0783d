//! The manifest of an export: what the file beside it is, signed by whoever exported it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use lgsp_core::time::{timestamp, unix_micros};
use lgsp_tlog::{Kind, Note, SignerKey, VerifierKey};
use serde_json::{Value, json};

use super::file::{Export, beside, digest_of, io_error};
use crate::cli::audit;
use crate::client::audit::search::Found;
use crate::client::audit::{completeness, rfc3339};
use crate::client::session::Session;
use crate::client::{Error, Lang, output, token};

/// What lies beside the file.
pub(super) const MANIFEST: &str = "manifest";

/// Writes the manifest beside the file, and ends the export. Returns where it lies.
pub(super) async fn write(
    session: &Session,
    args: &audit::Export,
    export: Export,
    missing: &Found,
) -> Result<PathBuf, Error> {
    let checkpoint = match completeness::newest(session, 0).await {
        Ok(newest) => Some(newest.checkpoint),
        // A log that is not sealed has none.
        Err(Error::Refused(failure)) if failure.reason() == Some("NOT_SEALED") => None,
        Err(error) => return Err(error),
    };
    let signer = signer(args)?;
    let (path, bytes, sha256, wanted, counts) = export.told();
    let manifest = json!({
        "kind": "lgsp audit export",
        "version": 1,
        "file": path.file_name().map(|name| name.to_string_lossy()),
        "format": wanted.format,
        "bytes": bytes,
        "sha256": sha256,
        "since": rfc3339(wanted.since_us.map(timestamp).as_ref()),
        "until": rfc3339(Some(&timestamp(wanted.until_us))),
        "filter": wanted.filter,
        "unlinkedMonths": missing.unlinked_months,
        "archived": missing.archived.iter().map(|of| of.name.as_str()).collect::<Vec<_>>(),
        "counts": counts,
        "checkpoint": checkpoint,
        "exportedBy": args.operator.application().map(|by| by.to_string()),
        "exportedAt": rfc3339(Some(&timestamp(unix_micros(SystemTime::now())))),
        "signedWith": signer.as_ref().map(|signer| signer.verifier().to_string()),
    });
    let text =
        serde_json::to_string_pretty(&manifest).map_err(|error| Error::Sign(error.to_string()))? + "\n";
    let text = match &signer {
        Some(signer) => {
            Note::sign(&text, &[signer]).map_err(|error| Error::Sign(error.to_string()))?.to_string()
        }
        None => text,
    };
    let manifest = beside(path, MANIFEST);
    fs::write(&manifest, text).map_err(io_error(&manifest))?;
    export.finish()?;
    Ok(manifest)
}

/// The caller's own key; none, if a token or a certificate says who calls.
fn signer(args: &audit::Export) -> Result<Option<SignerKey>, Error> {
    let Some(application) = args.operator.application().filter(|_| args.operator.token_file.is_none()) else {
        return Ok(None);
    };
    let (key_id, key) = token::signing_key(&application, &args.operator.key)?;
    let signer = SignerKey::from_seed(&key_id, Kind::Log, key.as_bytes());
    signer.map(Some).map_err(|error| Error::Sign(error.to_string()))
}

/// Holds a file against its manifest.
pub(super) fn check(path: &Path, known: Option<&str>, lang: Lang) -> Result<(), Error> {
    let file = beside(path, MANIFEST);
    let bytes = fs::read(&file).map_err(io_error(&file))?;
    let (manifest, signed_by) = read(&bytes, known)?;
    let of = |name: &str| manifest[name].as_str().unwrap_or_default().to_owned();
    if path.file_name().is_none_or(|name| name.to_string_lossy() != of("file")) {
        return Err(failed(format!("the manifest is of {}", of("file"))));
    }
    let (digest, length) =
        File::open(path).and_then(|mut file| digest_of(&mut file, u64::MAX)).map_err(io_error(path))?;
    if manifest["bytes"] != length {
        return Err(failed(format!(
            "the file has {length} bytes, and the manifest says {}",
            manifest["bytes"]
        )));
    }
    let sha256 = hex::encode(sha2::Digest::finalize(digest));
    if sha256 != of("sha256") {
        return Err(failed(format!(
            "the file's SHA-256 is {sha256}, and the manifest says {}",
            of("sha256")
        )));
    }
    let exchanges = &manifest["counts"]["exchanges"];
    let holds = lang.pick("the file is as it was exported", "tệp đúng như khi xuất");
    let counted = lang.pick("exchanges", "lượt");
    output::line(&format!("{holds}: {exchanges} {counted}, {} – {}", of("since"), of("until")))?;
    output::line(&match (signed_by, known) {
        (Some(by), Some(_)) => format!("{} {by}", lang.pick("signed by", "có chữ ký của")),
        (Some(by), None) => {
            let told = lang.pick(
                "whose key that is says the manifest alone: hold it against yours with --signer-key",
                "khoá này chỉ do bản kê tự nêu: đối chiếu với khoá bạn biết bằng --signer-key",
            );
            format!("{} {by}; {told}", lang.pick("signed by", "có chữ ký của"))
        }
        (None, _) => lang.pick("nobody has signed the manifest", "bản kê không có chữ ký").to_owned(),
    })
}

/// The manifest, and who signed it.
fn read(bytes: &[u8], known: Option<&str>) -> Result<(Value, Option<String>), Error> {
    let json = |text: &[u8]| {
        serde_json::from_slice::<Value>(text).map_err(|_| failed("the manifest cannot be read".to_owned()))
    };
    let Ok(note) = Note::parse(bytes) else {
        if known.is_some() {
            return Err(failed("nobody has signed the manifest".to_owned()));
        }
        return Ok((json(bytes)?, None));
    };
    let manifest = json(note.text().as_bytes())?;
    let key = known.or(manifest["signedWith"].as_str()).unwrap_or_default();
    let key = VerifierKey::parse(key.trim()).map_err(|error| failed(error.to_string()))?;
    let keys = [key];
    let verified = note.verify(&keys).map_err(|error| failed(error.to_string()))?;
    let by = verified.first().map(|verified| verified.key.to_string());
    Ok((manifest, by))
}

fn failed(problem: String) -> Error {
    Error::NotProven { problem }
}
