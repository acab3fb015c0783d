//! `lgsp audit show`: one exchange, as the log holds it.

use lgsp_core::ExchangeId;
use lgsp_core::time::timestamp;
use lgsp_proto::ledger::v1::{
    ActKind, AuditedEntry, Erasable, GetExchangeResponse, Phase, Salted, Sealed, Signed, SubjectHash,
};
use lgsp_proto::options::v1::Subject;
use lgsp_proto::registry::v1::Environment;
use lgsp_tlog::leaf_hash;
use prost::Message as _;
use serde_json::{Value, json};

use super::exchange;
use super::titles::Titles;
use crate::cli::audit::Show;
use crate::client::output::{self, Listed, Listing, Tone};
use crate::client::registry::open;
use crate::client::sheet::Sheet;
use crate::client::{Error, Lang, words};

/// Digits of a hash that tell one from another for a person.
const SHORT: usize = 12;

/// Runs `lgsp audit show`.
pub(super) async fn run(args: &Show, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let told = exchange(&session, &args.exchange, false).await?;
    if args.output == Some(Listing::Json) {
        return output::line(&document(&args.exchange, &told)?.to_string());
    }
    let mut titles = Titles::new(lang);
    if let Some(end) = ending(&told.entries).map(sealed) {
        titles.learn(&session, &end.service, &end.method).await;
    }
    sheet(&args.exchange, &told, &titles, lang).write()
}

/// The sealed part of an entry; an empty one if it does not decode.
pub(super) fn sealed(entry: &AuditedEntry) -> Sealed {
    Sealed::decode(entry.sealed.clone()).unwrap_or_default()
}

/// The entry that ends the exchange, or the last one that there is.
pub(super) fn ending(entries: &[AuditedEntry]) -> Option<&AuditedEntry> {
    let ends = |entry: &&AuditedEntry| matches!(sealed(entry).phase(), Phase::Final | Phase::Abandoned);
    entries.iter().rfind(ends).or(entries.last())
}

fn sheet(id: &str, told: &GetExchangeResponse, titles: &Titles, lang: Lang) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.line(lang.pick("exchange", "mã lượt"), id);
    if let Some(entry) = ending(&told.entries) {
        let end = sealed(entry);
        who_and_what_for(&mut sheet, &end, lang);
        asserted(&mut sheet, entry, &end, lang);
        what_came_of_it(&mut sheet, &end, titles, lang);
        timeline(&mut sheet, &end, lang);
    }
    for entry in &told.entries {
        let sealed = sealed(entry);
        let part = if sealed.part > 0 { format!(" {}", sealed.part) } else { String::new() };
        let text = format!("{}: {}{part}", entry.leaf, words::phase(sealed.phase(), lang));
        let label = lang.pick("entry", "bản ghi");
        match entry.signed() {
            Signed::Unspecified | Signed::Yes => sheet.line(label, text),
            Signed::No => sheet.toned(label, format!("{text}, {}", words::unsigned(lang)), Tone::Bad),
        }
    }
    for decision in &told.decisions {
        sheet.toned(lang.pick("decision", "quyết định"), decided(decision, lang), Tone::Notice);
    }
    sheet
}

fn who_and_what_for(sheet: &mut Sheet, end: &Sealed, lang: Lang) {
    let of = lang.pick("of", "của");
    sheet.line(lang.pick("application", "ứng dụng"), named(&end.application, of, &end.agency_code));
    sheet.line(lang.pick("credential", "khoá"), hex::encode(&end.credential_sha256));
    sheet.line(lang.pick("environment", "môi trường"), environment(&end.environment, lang));
    sheet.line(lang.pick("method", "phương thức"), format!("{}/{}", end.service, end.method));
    sheet.line(lang.pick("purpose", "mục đích"), &*end.purpose);
    sheet.line(lang.pick("procedure", "thủ tục"), &*end.procedure);
    let version = format!("{} {}", lang.pick("version", "phiên bản"), end.agreement_version);
    sheet.line(lang.pick("agreement", "thoả thuận"), named(&end.agreement, ",", &version));
    sheet.line(lang.pick("legal basis", "căn cứ"), &*end.legal_basis);
    if end.registry_revision > 0 {
        sheet.line(lang.pick("revision", "bản quy tắc"), end.registry_revision.to_string());
    }
}

/// As the gateway has it, which is the code of an environment, in the reader's language.
fn environment(name: &str, lang: Lang) -> &str {
    match name {
        "production" => words::environment(Environment::Production, lang),
        "sandbox" => words::environment(Environment::Sandbox, lang),
        other => other,
    }
}

fn named(name: &str, between: &str, of: &str) -> String {
    match (name, of) {
        ("", _) => String::new(),
        (name, "") => name.to_owned(),
        (name, of) if between == "," => format!("{name}, {of}"),
        (name, of) => format!("{name} {between} {of}"),
    }
}

/// What the application said of itself, as far as it is still there.
fn asserted(sheet: &mut Sheet, entry: &AuditedEntry, end: &Sealed, lang: Lang) {
    let erasable = entry.erasable.clone().unwrap_or_default();
    let digests = end.erasable_digests.clone().unwrap_or_default();
    let labels = [
        (lang.pick("officer", "cán bộ"), &erasable.officer, &digests.officer),
        (lang.pick("unit", "đơn vị"), &erasable.unit, &digests.unit),
        (lang.pick("dossier", "hồ sơ"), &erasable.dossier, &digests.dossier),
        (lang.pick("request id", "mã yêu cầu"), &erasable.request_id, &digests.request_id),
    ];
    for (label, salted, digest) in labels {
        let (text, tone) = value(salted.as_ref(), !digest.is_empty(), lang);
        sheet.toned(label, text, tone);
    }
    let label = lang.pick("about", "chủ thể");
    for subject in &erasable.subjects {
        sheet.line(label, about(subject, lang));
    }
    let gone = digests.subjects.len().saturating_sub(erasable.subjects.len());
    if gone > 0 {
        sheet.toned(label, format!("{gone} {}", erased(lang)), Tone::Dim);
    }
}

/// A value; or that it was erased, if the sealed part says that there was one.
fn value(salted: Option<&Salted>, was_there: bool, lang: Lang) -> (String, Tone) {
    match salted {
        Some(salted) => (salted.value.clone(), Tone::Plain),
        None if was_there => (erased(lang).to_owned(), Tone::Dim),
        None => (String::new(), Tone::Plain),
    }
}

fn erased(lang: Lang) -> &'static str {
    lang.pick("erased", "đã xoá")
}

/// A subject without its number: nobody has that here.
fn about(subject: &SubjectHash, lang: Lang) -> String {
    let hash = hex::encode(&subject.hash);
    let how = match subject.asked {
        true => lang.pick("asked about", "được hỏi"),
        false => lang.pick("in the answer", "có trong câu trả lời"),
    };
    let hash = hash.get(..SHORT).unwrap_or(&hash);
    format!("{} {hash}… ({}), {how}", kind(subject.kind(), lang), subject.key_id)
}

pub(super) fn kind(kind: Subject, lang: Lang) -> &'static str {
    match kind {
        Subject::Unspecified => lang.pick("subject", "chủ thể"),
        Subject::Person => lang.pick("person", "người"),
        Subject::Parcel => lang.pick("parcel", "thửa đất"),
        Subject::Enterprise => lang.pick("enterprise", "doanh nghiệp"),
    }
}

fn what_came_of_it(sheet: &mut Sheet, end: &Sealed, titles: &Titles, lang: Lang) {
    let outcome = words::outcome(end.outcome(), lang);
    let hop = words::hop(end.failed_hop(), lang);
    let told = [outcome.text.as_str(), &end.reason, hop].into_iter().filter(|text| !text.is_empty());
    let told = format!("{} (gRPC {})", told.collect::<Vec<_>>().join(", "), end.code);
    sheet.toned(lang.pick("outcome", "kết quả"), told, outcome.tone);
    sheet.line(lang.pick("records", "bản ghi dữ liệu"), end.record_count.to_string());
    let (service, method) = (&*end.service, &*end.method);
    for field in end.fields_released.iter().flat_map(|path| titles.each(service, method, path)) {
        sheet.line(lang.pick("fields", "trường"), titles.with_path(service, method, &field));
    }
    sheet.line(lang.pick("adapter", "bộ chuyển đổi"), named(&end.adapter, "", &end.adapter_version));
}

/// The hops, each with the milliseconds since the one before.
fn timeline(sheet: &mut Sheet, end: &Sealed, lang: Lang) {
    let label = lang.pick("time (+07:00)", "thời gian (+07:00)");
    let hops = [
        (lang.pick("admitted", "tiếp nhận"), end.admitted_us),
        (lang.pick("sent", "chuyển đi"), end.sent_us),
        (lang.pick("taken up", "bắt đầu xử lý"), end.taken_up_us),
        (lang.pick("answered", "có trả lời"), end.answered_us),
        (lang.pick("entered", "ghi nhật ký"), end.entered_us),
    ];
    let mut before = None;
    for (hop, at) in hops.into_iter().filter(|(_, at)| *at > 0) {
        let since = before.map(|before| format!("{:+.1} ms", (at - before) as f64 / 1_000.0));
        let moment = words::moment(Some(&timestamp(at)));
        sheet.line(label, format!("{moment}  {:>12}  {hop}", since.unwrap_or_default()));
        before = Some(at);
    }
}

/// A decision in one line: what, by whom, when, on which basis, and under which number it stands.
fn decided(entry: &AuditedEntry, lang: Lang) -> String {
    let sealed = sealed(entry);
    let act = sealed.act.unwrap_or_default();
    let what = match act.kind() {
        ActKind::Unspecified => lang.pick("unknown", "không rõ"),
        ActKind::Erase => lang.pick("erased", "xoá"),
        ActKind::Hold => lang.pick("held", "giữ"),
        ActKind::Release => lang.pick("released", "thôi giữ"),
        ActKind::Withhold => lang.pick("withheld", "hoãn công bố"),
        ActKind::DestroyKey => lang.pick("subject key destroyed", "huỷ khoá chủ thể"),
        ActKind::Expire => lang.pick("expired", "hết thời hạn lưu"),
        ActKind::Annotate => lang.pick("anomaly annotated", "ghi nhận về dấu hiệu bất thường"),
    };
    let until = match act.disclose_after_us {
        0 => String::new(),
        at => format!(" {} {}", lang.pick("until", "đến"), words::minute(Some(&timestamp(at)))),
    };
    let at = words::minute(Some(&timestamp(sealed.entered_us)));
    let entry = format!("{} {}", lang.pick("entry", "bản ghi"), entry.leaf);
    format!("{what}{until}: {}, {at}, {}, {entry}", act.by, act.legal_basis)
}

fn document(id: &str, told: &GetExchangeResponse) -> Result<Value, Error> {
    let entries = |entries: &[AuditedEntry]| entries.iter().map(of_entry).collect::<Result<Vec<_>, _>>();
    Ok(json!({
        "exchangeId": id,
        "entries": entries(&told.entries)?,
        "decisions": entries(&told.decisions)?,
    }))
}

fn of_entry(entry: &AuditedEntry) -> Result<Value, Error> {
    let sealed = sealed(entry);
    let exchange = ExchangeId::from_bytes(&sealed.exchange_id).map(|id| id.to_string());
    Ok(json!({
        "leaf": entry.leaf,
        "leafHash": hex::encode(leaf_hash(&entry.sealed).as_bytes()),
        "exchangeId": exchange,
        "sealed": json_of(&sealed)?,
        "erasable": entry.erasable.as_ref().map(json_of::<Erasable>).transpose()?,
        "erased": entry.erased,
        "signed": match entry.signed() {
            Signed::Unspecified => None,
            Signed::Yes => Some(true),
            Signed::No => Some(false),
        },
    }))
}

pub(super) fn json_of<M: prost::Message + Listed>(message: &M) -> Result<Value, Error> {
    let text = output::json_line(message)?;
    serde_json::from_str(&text).map_err(|error| Error::Output(std::io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use lgsp_proto::ledger::v1::{Act, ErasableDigests, Outcome};

    use super::*;

    const ADMITTED: i64 = 1_780_246_800_000_000;
    const POPULATION: &str = "lgsp.population.v1.PopulationService";

    fn entry(leaf: u64, sealed: Sealed, erasable: Option<Erasable>) -> AuditedEntry {
        let erased = erasable.is_none();
        AuditedEntry { leaf, sealed: sealed.encode_to_vec().into(), erasable, erased, ..Default::default() }
    }

    fn end() -> Sealed {
        Sealed {
            phase: Phase::Final.into(),
            application: "tthc".to_owned(),
            agency_code: "H13.01".to_owned(),
            admitted_us: ADMITTED,
            sent_us: ADMITTED + 1_500,
            answered_us: ADMITTED + 11_500,
            entered_us: ADMITTED + 12_000,
            outcome: Outcome::Served.into(),
            service: POPULATION.to_owned(),
            method: "GetCitizen".to_owned(),
            environment: "production".to_owned(),
            fields_released: vec!["citizen".to_owned()],
            erasable_digests: Some(ErasableDigests {
                officer: vec![1; 32].into(),
                subjects: vec![vec![1; 32].into()],
                ..Default::default()
            }),
            ..Sealed::default()
        }
    }

    fn told(erasable: Option<Erasable>) -> String {
        told_in(Lang::En, erasable)
    }

    fn told_in(lang: Lang, erasable: Option<Erasable>) -> String {
        let opening = entry(7, Sealed { phase: Phase::Opening.into(), ..Sealed::default() }, None);
        let (by, legal_basis) = ("gi".to_owned(), "a law".to_owned());
        let act = Act { kind: ActKind::Hold.into(), by, legal_basis, ..Act::default() };
        let decision =
            Sealed { phase: Phase::Act.into(), entered_us: ADMITTED, act: Some(act), ..Sealed::default() };
        let mut titles = Titles::new(lang);
        titles.learn_built_in(POPULATION, "GetCitizen");
        let told = GetExchangeResponse {
            entries: vec![opening, entry(9, end(), erasable)],
            decisions: vec![entry(12, decision, None)],
            next_leaf: 0,
        };
        sheet("019e8cf0", &told, &titles, lang).text()
    }

    #[test]
    fn an_exchange_is_told_hop_by_hop_with_the_time_between() {
        let officer = Salted { value: "an\u{1b}[2J".to_owned(), ..Salted::default() };
        let told = told(Some(Erasable { officer: Some(officer), ..Erasable::default() }));
        for text in [
            "tthc of H13.01",
            "2026-06-01 00:00:00.000                admitted",
            "2026-06-01 00:00:00.001       +1.5 ms  sent",
            "+10.0 ms  answered",
            "+0.5 ms  entered",
            "served (gRPC 0)",
            "an [2J",
            "7: the opening",
            "9: the end",
            "held: gi, 2026-06-01 00:00, a law, entry 12",
            "  citizen.full_name  Citizen › Full name\n",
        ] {
            assert!(told.contains(text), "{text}: {told}");
        }
        assert!(!told.contains("taken up"), "a hop that did not happen");
        assert!(!told.contains("dossier"), "what was never there was not erased: {told}");
    }

    #[test]
    fn a_reader_of_vietnamese_reads_no_english() {
        let told = told_in(Lang::Vi, None);
        assert!(told.contains("chính thức\n") && told.contains("Công dân › Họ và tên\n"), "{told}");
        for english in ["production", "Citizen ›", "served", "fields", "the end"] {
            assert!(!told.contains(english), "{english}: {told}");
        }
    }

    #[test]
    fn what_was_erased_is_told_to_have_been_there() {
        let told = told(None);
        assert!(told.contains("officer        erased\n"), "{told}");
        assert!(told.contains("about          1 erased\n"), "{told}");
        assert!(!told.contains("dossier"), "{told}");
    }
}
