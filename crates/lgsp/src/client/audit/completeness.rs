//! `lgsp audit completeness` and `checkpoint`: whether the log holds everything, and that it was not rewritten.

use std::fs;

use lgsp_proto::ledger::v1::{
    Awaited, CheckCompletenessRequest, CheckCompletenessResponse, GetCheckpointRequest, GetCheckpointResponse,
};
use lgsp_tlog::merkle::verify_consistency;
use lgsp_tlog::{Checkpoint, Hash, Note};
use serde_json::{Value, json};

use super::show::json_of;
use super::{DEADLINE, LONG, client, prove, tell_archived};
use crate::cli::audit;
use crate::client::output::{self, Listing, Surface, Tone};
use crate::client::registry::{answered_within, open};
use crate::client::session::Session;
use crate::client::sheet::Sheet;
use crate::client::table::{Cell, Table};
use crate::client::{Error, Lang, words};

/// Runs `lgsp audit completeness`.
pub(super) async fn run(args: &audit::Completeness, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let period = CheckCompletenessRequest { since: args.period.since, until: args.period.until };
    let request = session.request(period, Some(LONG))?;
    let told = answered_within(&session, LONG, client(&session).check_completeness(request)).await?;
    tell_archived(&told.archived, lang);
    if args.output == Some(Listing::Json) {
        output::line(&document(&told)?.to_string())?;
    } else {
        sheet(&told, lang).write()?;
        if !told.gateways.is_empty() {
            let surface = Surface::of_stdout();
            output::line("")?;
            gateways(&told, lang).write(surface.listing(args.output), &surface)?;
        }
    }
    if told.complete { Ok(()) } else { Err(Error::Incomplete) }
}

/// JSON with the verdict as one word.
fn document(told: &CheckCompletenessResponse) -> Result<Value, Error> {
    let status = match told.complete {
        true => "complete",
        // What cannot be read does not come again, however long one waits.
        false if told.settled || told.unreadable > 0 => "not-complete",
        false => "not-settled",
    };
    let mut document = json_of(told)?;
    document["status"] = status.into();
    Ok(document)
}

/// What a period that is not settled waits for.
fn waits_for(told: &CheckCompletenessResponse, lang: Lang) -> String {
    let what = match told.awaited() {
        Awaited::Unspecified => lang.pick("ask again later", "hỏi lại sau"),
        Awaited::Filing => lang.pick(
            "what has arrived is still being filed: ask again in a minute",
            "đang ghi những gì đã đến: hỏi lại sau một phút",
        ),
        Awaited::Sealing => lang.pick(
            "what is filed is still being sealed: ask again in a minute",
            "đang niêm phong những gì đã ghi: hỏi lại sau một phút",
        ),
        Awaited::Time => lang.pick("its last exchanges may still end", "các lượt cuối có thể chưa kết thúc"),
        Awaited::Ends => lang.pick("exchanges are under way", "có lượt đang thực hiện"),
    };
    let Some(until) = &told.awaited_until else { return what.to_owned() };
    let until = words::second(Some(until));
    match lang {
        Lang::En => format!("{what}, until {until} (+07:00) at the latest"),
        Lang::Vi => format!("{what}, chậm nhất đến {until} (+07:00)"),
    }
}

fn verdict(told: &CheckCompletenessResponse, lang: Lang) -> (String, Tone) {
    let not_complete = lang.pick("not complete", "không đầy đủ");
    match (told.complete, told.settled) {
        (true, _) => (lang.pick("complete", "đầy đủ").to_owned(), Tone::Good),
        (false, _) if told.unreadable > 0 => {
            let entries = match (told.unreadable, lang) {
                (1, Lang::En) => "1 entry cannot be read".to_owned(),
                (count, Lang::En) => format!("{count} entries cannot be read"),
                (count, Lang::Vi) => format!("{count} bản ghi không đọc được"),
            };
            (format!("{not_complete}: {entries}"), Tone::Bad)
        }
        (false, true) => (not_complete.to_owned(), Tone::Bad),
        (false, false) => {
            let verdict = lang.pick("not settled", "chưa ngã ngũ");
            (format!("{verdict}: {}", waits_for(told, lang)), Tone::Warning)
        }
    }
}

fn sheet(told: &CheckCompletenessResponse, lang: Lang) -> Sheet {
    let mut sheet = Sheet::default();
    let (verdict, tone) = verdict(told, lang);
    sheet.toned(lang.pick("the period", "kỳ này"), verdict, tone);
    if !told.settled && told.unreadable > 0 {
        sheet.toned(lang.pick("waits for", "đang chờ"), waits_for(told, lang), Tone::Warning);
    }
    sheet.line(lang.pick("exchanges", "số lượt"), told.exchanges.to_string());
    if told.abandoned > 0 {
        sheet.toned(lang.pick("abandoned", "bỏ dở"), told.abandoned.to_string(), Tone::Warning);
    }
    for run in &told.unreadable_leaves {
        let entries = lang.pick("entries of the log", "bản ghi của nhật ký số");
        let text = format!("{entries} {} – {}", run.first, run.last);
        sheet.toned(lang.pick("cannot be read", "không đọc được"), text, Tone::Bad);
    }
    missing(&mut sheet, told, lang);
    sheet
}

/// The gateways of the period, each with what arrived of its numbers.
fn gateways(told: &CheckCompletenessResponse, lang: Lang) -> Table {
    let mut table = Table::new(vec![
        lang.pick("gateway", "cổng"),
        lang.pick("first number", "số đầu"),
        lang.pick("last number", "số cuối"),
        lang.pick("received", "đã nhận"),
        lang.pick("missing", "thiếu"),
        lang.pick("last entered (+07:00)", "ghi lần cuối (+07:00)"),
    ]);
    for gateway in &told.gateways {
        let missing = gateway.last.saturating_sub(gateway.received);
        let tone = if missing > 0 { Tone::Bad } else { Tone::Plain };
        table.row(vec![
            gateway.gateway.as_str().into(),
            gateway.first.to_string().into(),
            gateway.last.to_string().into(),
            gateway.received.to_string().into(),
            Cell::new(missing.to_string(), tone),
            words::second(gateway.last_entered.as_ref()).into(),
        ]);
    }
    table
}

fn missing(sheet: &mut Sheet, told: &CheckCompletenessResponse, lang: Lang) {
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
            let not_asked = lang.pick("whose signature it bears was not asked", "chưa kiểm tra chữ ký");
            output::note(&format!("{not_asked}: {}", prove::name_a_key(&args.operator.key.data, lang)));
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

#[cfg(test)]
mod tests {
    use lgsp_core::time::timestamp;
    use lgsp_proto::ledger::v1::{GatewaySequence, UnreadableLeaves};

    use super::*;

    fn told() -> CheckCompletenessResponse {
        let gateway = GatewaySequence {
            gateway: "gateway-1".to_owned(),
            first: 1,
            last: 9,
            received: 9,
            last_entered: Some(timestamp(1_780_246_800_000_000)),
            ..GatewaySequence::default()
        };
        CheckCompletenessResponse { settled: true, gateways: vec![gateway], ..Default::default() }
    }

    #[test]
    fn what_cannot_be_read_is_named_and_is_no_matter_of_time() {
        let leaves = vec![UnreadableLeaves { first: 4, last: 5 }];
        let told = CheckCompletenessResponse {
            settled: false,
            awaited: Awaited::Filing.into(),
            unreadable: 2,
            unreadable_leaves: leaves,
            ..told()
        };
        let text = sheet(&told, Lang::En).text();
        for told in
            ["not complete: 2 entries cannot be read", "entries of the log 4 – 5", "still being filed"]
        {
            assert!(text.contains(told), "{told}: {text}");
        }
        assert_eq!(document(&told).expect("JSON")["status"], "not-complete");
    }

    #[test]
    fn a_period_that_waits_says_for_what_and_until_when() {
        let told = CheckCompletenessResponse {
            settled: false,
            awaited: Awaited::Ends.into(),
            awaited_until: Some(timestamp(1_780_246_800_000_000)),
            ..told()
        };
        let text = sheet(&told, Lang::En).text();
        assert!(
            text.contains("not settled: exchanges are under way, until 2026-06-01 00:00:00 (+07:00)"),
            "{text}"
        );
        let document = document(&told).expect("JSON");
        assert_eq!(
            (&document["status"], &document["awaited"]),
            (&"not-settled".into(), &"AWAITED_ENDS".into())
        );
    }
}
