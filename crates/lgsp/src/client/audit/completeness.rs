//! `lgsp audit completeness` and `checkpoint`: whether the log holds everything, and that it was not rewritten.

use std::fs;

use lgsp_proto::ledger::v1::{
    CheckCompletenessRequest, CheckCompletenessResponse, GetCheckpointRequest, GetCheckpointResponse,
};
use lgsp_tlog::merkle::verify_consistency;
use lgsp_tlog::{Checkpoint, Hash, Note};
use serde_json::json;

use super::{DEADLINE, LONG, client, prove, tell_archived};
use crate::cli::audit;
use crate::client::output::{self, Listing, Tone};
use crate::client::registry::{answered_within, open};
use crate::client::session::Session;
use crate::client::sheet::Sheet;
use crate::client::{Error, Lang};

/// Runs `lgsp audit completeness`.
pub(super) async fn run(args: &audit::Completeness, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let period = CheckCompletenessRequest { since: args.period.since, until: args.period.until };
    let request = session.request(period, Some(LONG))?;
    let told = answered_within(&session, LONG, client(&session).check_completeness(request)).await?;
    tell_archived(&told.archived, lang);
    if args.output == Some(Listing::Json) {
        output::line(&output::json_line(&told)?)?;
    } else {
        sheet(&told, lang).write()?;
    }
    if told.complete { Ok(()) } else { Err(Error::Incomplete) }
}

fn sheet(told: &CheckCompletenessResponse, lang: Lang) -> Sheet {
    let mut sheet = Sheet::default();
    let (verdict, tone) = match (told.complete, told.settled) {
        (true, _) => (lang.pick("complete", "đầy đủ"), Tone::Good),
        (false, true) => (lang.pick("not complete", "không đầy đủ"), Tone::Bad),
        (false, false) => {
            (lang.pick("not settled: ask again later", "chưa ngã ngũ: hỏi lại sau"), Tone::Warning)
        }
    };
    sheet.toned(lang.pick("the period", "kỳ này"), verdict, tone);
    sheet.line(lang.pick("exchanges", "số lượt"), told.exchanges.to_string());
    if told.abandoned > 0 {
        sheet.toned(lang.pick("abandoned", "bỏ dở"), told.abandoned.to_string(), Tone::Warning);
    }
    for gateway in &told.gateways {
        let received =
            format!("{}: {} – {}, {}", gateway.gateway, gateway.first, gateway.last, gateway.received);
        sheet.line(lang.pick("gateway", "cổng"), received);
    }
    let missing = lang.pick("missing", "thiếu");
    for gateway in &told.gateways {
        for gap in &gateway.gaps {
            let entries = lang.pick("entries", "bản ghi");
            sheet.toned(
                missing,
                format!("{}: {entries} {} – {}", gateway.gateway, gap.first, gap.last),
                Tone::Bad,
            );
        }
    }
    for gateway in told.gateways.iter().filter(|gateway| gateway.untold > 0) {
        let further = lang.pick("further entries, too many to name", "bản ghi khác, quá nhiều để nêu rõ");
        sheet.toned(missing, format!("{}: {} {further}", gateway.gateway, gateway.untold), Tone::Bad);
    }
    if told.untold_gateways > 0 {
        let further = lang.pick("further gateways, not told of here", "cổng khác, không nêu ở đây");
        sheet.line(lang.pick("gateway", "cổng"), format!("{} {further}", told.untold_gateways));
    }
    if told.missing_numbers > 0 {
        let of_all = lang.pick("entries of all gateways together", "bản ghi của tất cả các cổng");
        sheet.toned(missing, format!("{} {of_all}", told.missing_numbers), Tone::Bad);
    }
    for gap in &told.missing_offsets {
        let text = format!(
            "{} {}, {} {} – {}",
            lang.pick("partition", "phân vùng"),
            gap.partition,
            lang.pick("offsets", "vị trí"),
            gap.first,
            gap.last
        );
        sheet.toned(missing, text, Tone::Bad);
    }
    if told.untold_offsets > 0 {
        let further =
            lang.pick("further offsets, too long ago to tell which", "vị trí khác, đã quá lâu để nêu rõ");
        sheet.toned(missing, format!("{} {further}", told.untold_offsets), Tone::Bad);
    }
    if told.untold_lives > 0 {
        let beyond = lang.pick(
            "earlier runs of the embedded broker with gaps: beyond what is kept",
            "lần chạy trước của broker nhúng có khoảng trống: vượt quá những gì được lưu",
        );
        sheet.toned(missing, format!("{} {beyond}", told.untold_lives), Tone::Bad);
    }
    sheet
}

/// Runs `lgsp audit checkpoint`.
pub(super) async fn checkpoint(args: &audit::Checkpoint, lang: Lang) -> Result<(), Error> {
    let policy = prove::policy(&args.keys)?;
    let kept = args.kept.as_ref().map(|file| {
        let bytes = fs::read(file).map_err(|source| Error::Folder { path: file.clone(), source })?;
        let note = Note::parse(&bytes).map_err(failed)?;
        // A checkpoint that the log did not sign proves nothing against it.
        match &policy {
            Some(policy) => policy.verify(&note).map(|holds| holds.checkpoint).map_err(failed),
            None => Checkpoint::parse(note.text()).map_err(failed),
        }
    });
    let kept = kept.transpose()?;
    let session = open(&args.operator).await?;
    let since_size = kept.as_ref().map(Checkpoint::size).or(args.since_size).unwrap_or_default();
    let told = newest(&session, since_size).await?;
    let note = Note::parse(told.checkpoint.as_bytes()).map_err(failed)?;
    let newest = match &policy {
        Some(policy) => policy.verify(&note).map_err(failed)?.checkpoint,
        None => Checkpoint::parse(note.text()).map_err(failed)?,
    };
    if let Some(kept) = &kept {
        follows(kept, &newest, &told)?;
    }
    write(args, &told, &newest)?;
    match (&policy, &kept) {
        (Some(_), None) => output::note(lang.pick("the log has signed it", "nhật ký đã ký")),
        (Some(_), Some(_)) => output::note(lang.pick(
            "the log has signed it, and nothing of the one that you kept was changed or taken out",
            "nhật ký đã ký, và không có gì trong điểm chốt đã giữ bị sửa hoặc lấy đi",
        )),
        (None, _) => {
            output::note(lang.pick(
                "whose signature it bears was not asked (--log-key)",
                "chưa kiểm tra chữ ký (--log-key)",
            ))
        }
    }
    Ok(())
}

/// The newest checkpoint, and how it follows from one of a size.
pub(super) async fn newest(session: &Session, since_size: u64) -> Result<GetCheckpointResponse, Error> {
    let request = session.request(GetCheckpointRequest { since_size }, Some(DEADLINE))?;
    answered_within(session, DEADLINE, client(session).get_checkpoint(request)).await
}

fn follows(kept: &Checkpoint, newest: &Checkpoint, told: &GetCheckpointResponse) -> Result<(), Error> {
    if kept.origin() != newest.origin() {
        let problem = format!("one is of the log {}, and one of {}", kept.origin(), newest.origin());
        return Err(Error::NotProven { problem });
    }
    let hashes = told.consistency.iter().map(|hash| <[u8; Hash::LEN]>::try_from(hash.as_ref()).map(Hash));
    let hashes = hashes.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let (old, new) = ((kept.size(), kept.root()), (newest.size(), newest.root()));
    verify_consistency(&hashes, old.0, &old.1, new.0, &new.1).map_err(failed)
}

fn write(args: &audit::Checkpoint, told: &GetCheckpointResponse, newest: &Checkpoint) -> Result<(), Error> {
    let hashes: Vec<String> = told.consistency.iter().map(hex::encode).collect();
    if args.output == Some(Listing::Json) {
        let told = json!({
            "origin": newest.origin(),
            "size": newest.size(),
            "root": newest.root().to_string(),
            "checkpoint": told.checkpoint,
            "consistency": hashes,
        });
        return output::line(&told.to_string());
    }
    output::line(told.checkpoint.trim_end_matches('\n'))?;
    // On standard error, so that what is written stays a checkpoint that can be kept.
    hashes.iter().for_each(|hash| output::note(&format!("consistency {hash}")));
    Ok(())
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::NotProven { problem: error.to_string() }
}
