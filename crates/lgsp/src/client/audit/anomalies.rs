//! `lgsp audit anomalies`: what the rules have found, and what auditors make of it.

use lgsp_core::time::{day, micros};
use lgsp_proto::ledger::v1::anomaly_service_client::AnomalyServiceClient;
use lgsp_proto::ledger::v1::{
    AnnotateAnomalyRequest, AnnotationRecord, Anomaly, AnomalyFilter, AnomalyMeasure, AnomalyRule,
    AnomalyStatus, AuditFilter, GetAnomalyRequest, KeyedSubject, ListAnomaliesRequest,
};
use lgsp_proto::options::v1::Subject;
use prost_reflect::prost_types::Timestamp;
use tonic::transport::Channel;

use super::{DEADLINE, tell_archived};
use crate::cli::audit::{Annotate, Anomalies, ListAnomalies, ShowAnomaly};
use crate::client::output::{self, Listing, Surface, Tone};
use crate::client::registry::{answered_within, open};
use crate::client::session::{LARGEST_MESSAGE, Session};
use crate::client::sheet::Sheet;
use crate::client::table::{Cell, Shrink, Table};
use crate::client::{Error, Exit, Lang, words};

/// Largest page that the ledger gives.
const LARGEST_PAGE: usize = 200;
/// Digits of a hash that tell one from another for a person.
const SHORT: usize = 12;

/// Runs `lgsp audit anomalies`.
pub(super) async fn run(command: &Anomalies, lang: Lang) -> Result<(), Error> {
    match command {
        Anomalies::List(args) => list(args, lang).await,
        Anomalies::Show(args) => show(args, lang).await,
        Anomalies::Annotate(args) => annotate(args, lang).await,
    }
}

fn client(session: &Session) -> AnomalyServiceClient<Channel> {
    AnomalyServiceClient::new(session.channel.clone()).max_decoding_message_size(LARGEST_MESSAGE)
}

async fn list(args: &ListAnomalies, lang: Lang) -> Result<(), Error> {
    let text = |given: &Option<String>| given.clone().unwrap_or_default();
    let filter = AnomalyFilter {
        since: args.period.since,
        until: args.period.until,
        rule: args.rule.map_or(AnomalyRule::Unspecified, AnomalyRule::from).into(),
        environment: text(&args.environment),
        application: text(&args.application),
        status: args.status.map_or(AnomalyStatus::Unspecified, AnomalyStatus::from).into(),
        open: args.open,
    };
    let session = open(&args.operator).await?;
    let (mut found, mut page_token, limit) = (Vec::new(), String::new(), args.limit as usize);
    let (archived, days) = loop {
        let page_size = i32::try_from((limit - found.len()).min(LARGEST_PAGE)).unwrap_or(i32::MAX);
        let page = ListAnomaliesRequest { filter: Some(filter.clone()), page_size, page_token };
        let request = session.request(page, Some(DEADLINE))?;
        let page = answered_within(&session, DEADLINE, client(&session).list_anomalies(request)).await?;
        found.extend(page.anomalies);
        page_token = page.next_page_token;
        if page_token.is_empty() || found.len() >= limit {
            break (page.archived, page.days_to_evaluate);
        }
    };
    tell_archived(&archived, lang);
    if days > 0 {
        let waits = lang.pick("days still to be looked at by the rules", "ngày quy tắc chưa xét xong");
        output::note(&format!("{days} {waits}"));
    }
    if !page_token.is_empty() {
        let more = lang.pick("there are more", "còn nữa");
        output::note(&format!("{more}: --limit N"));
    }
    let surface = Surface::of_stdout();
    let listing = surface.listing(args.output);
    if listing == Listing::Json {
        return found.iter().try_for_each(|anomaly| output::line(&output::json_line(anomaly)?));
    }
    if found.is_empty() {
        output::note(lang.pick("no anomaly matches", "không có dấu hiệu bất thường nào phù hợp"));
        if listing == Listing::Table {
            return Ok(());
        }
    }
    table(&found, lang).write(listing, &surface)
}

fn table(found: &[Anomaly], lang: Lang) -> Table {
    let header = match lang {
        Lang::En => vec!["day", "rule", "who or what", "counted", "from", "status", "anomaly"],
        Lang::Vi => vec!["ngày", "quy tắc", "ai, cái gì", "đếm được", "ngưỡng", "trạng thái", "mã"],
    };
    let from = Shrink::Drop(header[4]);
    let mut table = Table::new(header).shrinking(vec![from]);
    for anomaly in found {
        table.row(vec![
            day_of(anomaly).into(),
            rule(anomaly.rule(), lang).into(),
            whom(anomaly, lang).into(),
            format!("{} {}", anomaly.value, measure(anomaly.measure(), lang)).into(),
            anomaly.threshold.to_string().into(),
            status(anomaly, lang),
            anomaly.id.as_str().into(),
        ]);
    }
    table
}

async fn show(args: &ShowAnomaly, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let request = session.request(GetAnomalyRequest { id: args.id.clone() }, Some(DEADLINE))?;
    let told = answered_within(&session, DEADLINE, client(&session).get_anomaly(request)).await;
    let told = told.map_err(|error| unknown(error, &args.id))?;
    if args.output == Some(Listing::Json) {
        return output::line(&output::json_line(&told)?);
    }
    sheet(&told.anomaly.unwrap_or_default(), &told.annotations, lang).write()
}

fn sheet(anomaly: &Anomaly, annotations: &[AnnotationRecord], lang: Lang) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.line(lang.pick("anomaly", "dấu hiệu"), &*anomaly.id);
    sheet.line(lang.pick("rule", "quy tắc"), rule(anomaly.rule(), lang));
    sheet.line(lang.pick("day (+07:00)", "ngày (+07:00)"), day_of(anomaly));
    sheet.line(lang.pick("environment", "môi trường"), &*anomaly.environment);
    sheet.line(lang.pick("who or what", "ai, cái gì"), whom(anomaly, lang));
    sheet.line(lang.pick("purpose", "mục đích"), &*anomaly.purpose);
    let counted = format!("{} {}", anomaly.value, measure(anomaly.measure(), lang));
    let from = lang.pick("told from", "báo từ");
    sheet.toned(
        lang.pick("counted", "đếm được"),
        format!("{counted}; {from} {}", anomaly.threshold),
        Tone::Warning,
    );
    for count in &anomaly.counts {
        sheet.line(lang.pick("besides", "ngoài ra"), format!("{}: {}", count.name, count.value));
    }
    for option in &anomaly.options {
        sheet.line(lang.pick("option", "tham số"), format!("{} = {}", option.name, option.value));
    }
    for filter in &anomaly.filters {
        // Without its officer a search would list everybody's exchanges.
        if anomaly.is_of_officer && filter.officer.is_empty() {
            continue;
        }
        sheet.line(lang.pick("its entries", "các bản ghi"), command(filter));
    }
    for exchange in &anomaly.exchange_ids {
        sheet.line(lang.pick("exchange", "lượt"), &**exchange);
    }
    let Cell { text, tone, .. } = status(anomaly, lang);
    sheet.toned(lang.pick("status", "trạng thái"), text, tone);
    for it in annotations {
        let note = match it.note_is_gone {
            true => lang.pick("(the note is not here any more)", "(ghi chú không còn ở đây)"),
            false => it.note.as_str(),
        };
        let at = words::minute(it.entered.as_ref());
        let entry = format!("{} {}", lang.pick("entry", "bản ghi"), it.leaf);
        let said = [status_name(it.status(), lang), &it.by, &at, note, &entry];
        let said: Vec<&str> = said.into_iter().filter(|text| !text.is_empty()).collect();
        sheet.line(lang.pick("said", "ghi nhận"), said.join(", "));
    }
    sheet
}

async fn annotate(args: &Annotate, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let status = AnomalyStatus::from(args.status);
    let note = args.note.clone().unwrap_or_default();
    let request = AnnotateAnomalyRequest { id: args.id.clone(), status: status.into(), note };
    let request = session.request(request, Some(DEADLINE))?;
    let said = answered_within(&session, DEADLINE, client(&session).annotate_anomaly(request)).await;
    let said = said.map_err(|error| unknown(error, &args.id))?;
    if args.output == Some(Listing::Json) {
        return output::line(&output::json_line(&said)?);
    }
    let mut sheet = Sheet::default();
    sheet.line(lang.pick("status", "trạng thái"), status_name(status, lang));
    sheet.line(lang.pick("decision", "quyết định"), &*said.act_id);
    sheet.line(lang.pick("entry", "bản ghi"), said.leaf.to_string());
    sheet.line(lang.pick("entered (+07:00)", "ghi lúc (+07:00)"), words::moment(said.entered.as_ref()));
    sheet.write()
}

fn unknown(error: Error, id: &str) -> Error {
    match error.exit() {
        Some(Exit::NotFound) => Error::NotInLog { id: id.to_owned() },
        Some(_) | None => error,
    }
}

fn day_of(anomaly: &Anomaly) -> String {
    anomaly.since.as_ref().map(|since| day(micros(since))).unwrap_or_default()
}

fn rule(rule: AnomalyRule, lang: Lang) -> &'static str {
    match rule {
        AnomalyRule::Unspecified => lang.pick("unknown", "không rõ"),
        AnomalyRule::MassLookups => lang.pick("mass-lookups", "tra cứu hàng loạt"),
        AnomalyRule::OffHours => lang.pick("off-hours", "ngoài giờ làm việc"),
        AnomalyRule::NoDossier => lang.pick("no-dossier", "không có hồ sơ"),
        AnomalyRule::ManySubjects => lang.pick("many-subjects", "nhiều chủ thể"),
        AnomalyRule::SoughtPerson => lang.pick("sought-person", "nhiều nơi tra một người"),
        AnomalyRule::Change => lang.pick("change", "thay đổi so với trước"),
    }
}

fn measure(measure: AnomalyMeasure, lang: Lang) -> &'static str {
    match measure {
        AnomalyMeasure::Unspecified => "",
        AnomalyMeasure::Exchanges => lang.pick("exchanges", "lượt"),
        AnomalyMeasure::PerMille => lang.pick("of 1000", "phần nghìn"),
        AnomalyMeasure::Run => lang.pick("in a row", "lượt liên tiếp"),
        AnomalyMeasure::Subjects => lang.pick("subjects", "chủ thể"),
        AnomalyMeasure::Officers => lang.pick("officers", "cán bộ"),
        AnomalyMeasure::Applications => lang.pick("applications", "ứng dụng"),
        AnomalyMeasure::Deviation => lang.pick("off the median", "lệch trung vị"),
    }
}

fn status_name(status: AnomalyStatus, lang: Lang) -> &'static str {
    match status {
        AnomalyStatus::Unspecified => lang.pick("new", "mới"),
        AnomalyStatus::Acknowledged => lang.pick("acknowledged", "đã xem"),
        AnomalyStatus::Explained => lang.pick("explained", "đã giải trình"),
        AnomalyStatus::Confirmed => lang.pick("confirmed", "xác nhận"),
        AnomalyStatus::Reopened => lang.pick("reopened", "mở lại"),
    }
}

fn status(anomaly: &Anomaly, lang: Lang) -> Cell {
    let tone = match anomaly.status() {
        AnomalyStatus::Unspecified | AnomalyStatus::Reopened => Tone::Warning,
        AnomalyStatus::Acknowledged => Tone::Notice,
        AnomalyStatus::Explained => Tone::Good,
        AnomalyStatus::Confirmed => Tone::Bad,
    };
    let name = status_name(anomaly.status(), lang);
    let past = lang.pick(", not found any more", ", nay không còn");
    Cell::new(if anomaly.is_past { format!("{name}{past}") } else { name.to_owned() }, tone)
}

/// Whom or what a finding is about.
fn whom(anomaly: &Anomaly, lang: Lang) -> String {
    let of = lang.pick("of", "của");
    if anomaly.is_of_officer {
        let officer = match anomaly.officer.as_str() {
            "" => lang.pick("an officer who was erased", "cán bộ đã xoá"),
            officer => officer,
        };
        return format!("{officer} {of} {}", anomaly.agency_code);
    }
    if let Some(subject) = &anomaly.subject {
        let hash = hex::encode(&subject.hash);
        return format!("{} {}…", kind(subject), hash.get(..SHORT).unwrap_or(&hash));
    }
    let service = words::last_word(&anomaly.service);
    let told = [anomaly.application.as_str(), service].into_iter().filter(|text| !text.is_empty());
    told.collect::<Vec<_>>().join(" → ")
}

fn kind(subject: &KeyedSubject) -> &'static str {
    match subject.kind() {
        Subject::Unspecified => "subject",
        Subject::Person => "person",
        Subject::Parcel => "parcel",
        Subject::Enterprise => "enterprise",
    }
}

/// The search that lists what a filter finds.
fn command(filter: &AuditFilter) -> String {
    let keyed = filter.keyed_subject.as_ref();
    let keyed = keyed.map(|subject| format!("{}:{}", kind(subject), hex::encode(&subject.hash)));
    let options = [
        ("environment", filter.environment.clone()),
        ("agency", filter.agency_code.clone()),
        ("application", filter.application.clone()),
        ("service", filter.service.clone()),
        ("purpose", filter.purpose.clone()),
        ("officer", filter.officer.clone()),
        ("keyed-subject", keyed.unwrap_or_default()),
        ("since", local(filter.since.as_ref())),
        ("until", local(filter.until.as_ref())),
    ];
    let options = options.iter().filter(|(_, value)| !value.is_empty());
    let mut text = String::from("lgsp audit search");
    for (name, value) in options {
        text.push_str(&format!(" --{name} {}", quoted(value)));
    }
    if filter.without_dossier {
        text.push_str(" --without-dossier");
    }
    text
}

/// As `--since` reads it. Filters of anomalies have whole seconds.
fn local(at: Option<&Timestamp>) -> String {
    at.map(|at| format!("{}+07:00", words::second(Some(at)).replace(' ', "T"))).unwrap_or_default()
}

/// As a shell takes it for one word.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._/:+@".contains(c);
    if value.chars().all(is_plain) { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use lgsp_core::time::timestamp;

    use super::*;
    use crate::cli::audit::{Ask, Audit};
    use crate::cli::{Cli, Command};
    use crate::client::audit::filter;

    const MONDAY: i64 = 1_781_456_400_000_000;

    fn of_officer() -> Anomaly {
        let filter = AuditFilter {
            since: Some(timestamp(MONDAY)),
            until: Some(timestamp(MONDAY + 600_000_000)),
            agency_code: "H13.01".to_owned(),
            officer: "canbo.17".to_owned(),
            environment: "production".to_owned(),
            without_dossier: true,
            ..AuditFilter::default()
        };
        Anomaly {
            id: "5b8e8c52-1a0f-8d3c-9a51-0e4b7f3c2d10".to_owned(),
            rule: AnomalyRule::MassLookups.into(),
            since: Some(timestamp(MONDAY)),
            agency_code: "H13.01".to_owned(),
            officer: "canbo.17".to_owned(),
            is_of_officer: true,
            measure: AnomalyMeasure::Exchanges.into(),
            value: 130,
            threshold: 120,
            filters: vec![filter],
            ..Anomaly::default()
        }
    }

    #[test]
    fn the_command_that_is_told_asks_for_the_very_filter() {
        let of_person = AuditFilter {
            keyed_subject: Some(KeyedSubject { kind: Subject::Person.into(), hash: vec![0x0f; 16].into() }),
            since: Some(timestamp(MONDAY)),
            purpose: "land-transfer".to_owned(),
            application: "tthc".to_owned(),
            service: "lgsp.land.v1.LandService".to_owned(),
            ..AuditFilter::default()
        };
        for asked in [of_officer().filters.remove(0), of_person] {
            let text = command(&asked);
            let Ok(Command::Audit(Audit::Ask(Ask::Search(search)))) =
                Cli::try_parse_from(text.split_whitespace()).map(|cli| cli.command)
            else {
                panic!("{text}")
            };
            assert_eq!(filter::of(&search.filter).unwrap(), asked);
        }
        assert_eq!(quoted("Trần, 'A'"), r"'Trần, '\''A'\'''");
    }

    #[test]
    fn an_anomaly_tells_what_was_counted_how_it_is_listed_and_what_was_said() {
        let said = AnnotationRecord {
            leaf: 7,
            by: "gi-thanhtra".to_owned(),
            status: AnomalyStatus::Explained.into(),
            note: "đối soát".to_owned(),
            ..AnnotationRecord::default()
        };
        let text = sheet(&of_officer(), std::slice::from_ref(&said), Lang::En).text();
        for told in [
            "130 exchanges; told from 120",
            "canbo.17 of H13.01",
            "2026-06-15",
            "--officer canbo.17 --since 2026-06-15T00:00:00+07:00 --until 2026-06-15T00:10:00+07:00",
            "explained, gi-thanhtra, -, đối soát, entry 7",
        ] {
            assert!(text.contains(told), "{told}: {text}");
        }
        let mut erased = Anomaly { officer: String::new(), is_past: true, ..of_officer() };
        erased.filters[0].officer.clear();
        let gone = AnnotationRecord { note_is_gone: true, note: String::new(), ..said };
        let text = sheet(&erased, &[gone], Lang::Vi).text();
        assert!(text.contains("cán bộ đã xoá của H13.01") && text.contains("ghi chú không còn"), "{text}");
        assert!(!text.contains("lgsp audit search"), "it would list everybody's: {text}");
    }
}
