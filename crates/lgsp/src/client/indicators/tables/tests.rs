use lgsp_core::Outcome;
use lgsp_core::indicators::{Period, bucket};
use lgsp_core::time::timestamp;
use lgsp_proto::ledger::v1::{DossierCount, FilledCount, FormCount, TrafficCount};
use lgsp_proto::monitor::v1::LinkAvailability;
use lgsp_proto::registry::v1::credential_record::Held;
use lgsp_proto::registry::v1::{
    Application, ApplicationState, ConnectionRecord, Credential, CredentialRecord, NationalService, Step,
    System,
};

use super::super::gather::Links;
use super::super::{bytes, plain};
use super::*;
use crate::cli::report::Format;
use clap::Parser as _;

fn args(line: &str) -> report::Report {
    let line = format!("lgsp report --period 2026-H1 {line}");
    let cli = crate::cli::Cli::try_parse_from(line.split_whitespace()).expect("arguments");
    let crate::cli::Command::Report(args) = cli.command else { panic!("a report") };
    args
}

fn count(day: &str, application: &str, outcome: Outcome, times: &[u64]) -> TrafficCount {
    TrafficCount {
        day: day.to_owned(),
        environment: "production".to_owned(),
        application: application.to_owned(),
        service: "lgsp.land.v1.LandService".to_owned(),
        method: "GetParcel".to_owned(),
        outcome: outcome.into(),
        exchanges: times.len() as u64,
        with_dossier: times.len() as u64,
        buckets: times.iter().map(|us| bucket(*us)).collect(),
        in_buckets: vec![1; times.len()],
        ..TrafficCount::default()
    }
}

fn gathered() -> Gathered {
    let mut gathered = Gathered { checkpoint: Some((7, "root".to_owned())), ..Gathered::default() };
    let application = |id: &str, state: ApplicationState| ConnectionRecord {
        application: Some(Application { id: id.to_owned(), state: state.into(), ..Default::default() }),
        ..Default::default()
    };
    let known = &mut gathered.known;
    known.connections = vec![
        application("tthc", ApplicationState::Connected),
        application("dvctt", ApplicationState::Onboarding),
        application("gone", ApplicationState::Retired),
    ];
    let system = |id: &str, application: &str| System {
        id: id.to_owned(),
        application: application.to_owned(),
        ..Default::default()
    };
    known.systems = vec![system("a", "tthc"), system("b", ""), system("c", "")];
    known.national_services = vec![NationalService {
        id: "n".to_owned(),
        name_vi: "<Dân cư>".to_owned(),
        name_en: "=cmd()".to_owned(),
        state: NationalServiceState::InUse.into(),
        since: "2026-02-01".to_owned(),
        ..Default::default()
    }];
    gathered.counts = vec![
        count("2026-01-01", "tthc", Outcome::Served, &[1_000, 1_000]),
        count("2026-01-02", "tthc", Outcome::Served, &[64_000; 98]),
        count("2026-01-02", "tthc", Outcome::Denied, &[9_000_000]),
        TrafficCount { platform: true, ..count("2026-01-02", "dieu-hanh", Outcome::Served, &[5]) },
        TrafficCount {
            environment: "sandbox".to_owned(),
            ..count("2026-01-02", "tthc", Outcome::Failed, &[5])
        },
    ];
    let dossiers = |day: &str, distinct| DossierCount {
        day: day.to_owned(),
        environment: "production".to_owned(),
        application: "tthc".to_owned(),
        service: "lgsp.land.v1.LandService".to_owned(),
        distinct,
        exchanges: 100,
    };
    gathered.dossiers = vec![dossiers("2026-01-01", 2), dossiers("2026-01-02", 40), dossiers("", 41)];
    gathered
}

/// The cells of a row that begins so, in the table of a number.
fn row(report: &Report, number: &str, begins: &[&str]) -> Vec<String> {
    let table = report.tables.iter().find(|table| table.number == number).expect("the table");
    let texts = table.rows.iter().map(|row| row.iter().map(Cell::text).collect::<Vec<_>>());
    texts
        .into_iter()
        .find(|row| row.starts_with(&begins.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()))
        .expect("the row")
}

#[test]
fn a_figure_is_what_was_counted_and_kinds_and_environments_are_never_added_up() {
    let report = report(&gathered(), &args(""), Lang::En);
    assert_eq!(row(&report, "I", &["Applications"; 0])[1..], ["1", "2", "50.0%"]);
    assert_eq!(row(&report, "I", &["Information systems connected / inventory"])[1..], ["1", "3", "33.3%"]);
    assert_eq!(row(&report, "V", &["production", "data"])[2..5], ["101", "100", "0"]);
    assert_eq!(row(&report, "V", &["production", "the hub's own"])[2], "1");
    assert_eq!(row(&report, "V", &["sandbox", "trial data, not real"])[2..4], ["1", "0"]);
    let service = "lgsp.land.v1.LandService";
    let traffic = row(&report, "VI", &["production", service, "tthc"]);
    // Of 100 that were answered, 2 took 1 ms and 98 took 64 ms; what was denied is not among them.
    assert_eq!(traffic[12..], ["65.535", "65.535", "65.535", "41", "100", "101"]);
    assert_eq!(row(&report, "VIII", &["2026-01-01", "production"])[11..14], ["1.023", "1.023", "1.023"]);
    assert_eq!(row(&report, "IX", &["2026-01-02", "production", service, "tthc"])[16..], ["40", "100", "99"]);
    assert_eq!(row(&report, "VII", &["production", service, "GetParcel", "tthc"])[4..6], ["101", "100"]);
}

#[test]
fn what_the_registry_did_not_hold_and_what_no_monitor_told_is_said_to_be_so() {
    let report = report(&Gathered::default(), &args(""), Lang::En);
    for row in &report.tables[0].rows {
        assert_eq!(row[3].text(), "not measured: the registry held none");
    }
    let links = report.tables.iter().find(|table| table.number == "XII").unwrap();
    assert_eq!((links.rows.len(), links.note.as_str()), (0, "Not known: the monitor did not tell."));
}

fn link(id: &str, [up, silent, announced, unannounced, unobserved]: [u64; 5]) -> LinkAvailability {
    LinkAvailability {
        link: id.to_owned(),
        up_ms: up,
        silent_ms: silent,
        announced_down_ms: announced,
        unannounced_down_ms: unannounced,
        unobserved_ms: unobserved,
    }
}

#[test]
fn a_link_is_available_when_it_was_up_and_never_when_nobody_knows_or_asked() {
    let mut gathered = gathered();
    let told = |gathered: &Gathered, link: &str| {
        row(&report(gathered, &args(""), Lang::En), "XII", &["provider", link])[2..].to_vec()
    };
    let (hour, second) = (3_600_000, 1_000);
    let links = vec![
        link("provider/land", [97 * hour, 0, 2 * hour, hour, 5 * second]),
        link("provider/health", [0, 7 * hour, 0, 0, hour]),
        link("provider/business", [8_000 * hour, 0, 0, 1, 0]),
    ];
    gathered.links = Some(Links { links, kept_since_us: 0 });
    let expected = ["97.000%", "98.979%", "97:00:00", "2:00:00", "1:00:00", "0:00:00", "0:00:05"];
    assert_eq!(told(&gathered, "land"), expected);
    assert_eq!(told(&gathered, "health")[..3], ["–", "–", "0:00:00"], "silence is not health");
    assert_eq!(told(&gathered, "business")[0], "99.999%", "all but a moment is not all");
}

#[test]
fn what_the_monitor_keeps_no_longer_is_said_to_be_not_known() {
    let period: Period = "2026-H1".parse().unwrap();
    let check = |kept_since_us: i64, rows: usize, note: &str| {
        let links = Some(Links { links: vec![link("provider/land", [1, 0, 0, 0, 9])], kept_since_us });
        let report = report(&Gathered { links, ..gathered() }, &args(""), Lang::En);
        let table = report.tables.iter().find(|table| table.number == "XII").unwrap();
        assert_eq!(table.rows.len(), rows);
        assert!(table.note.ends_with(note), "{}", table.note);
    };
    check(period.until_us(), 0, "(monitor.keep) since 2026-07-01.");
    check(period.until_us() - 86_400_000_000, 1, "(monitor.keep): 2026-06-30.");
    check(period.since_us(), 1, "neither as up nor as down.");
}

#[test]
fn forms_are_told_by_application_and_fields_by_source() {
    let mut gathered = gathered();
    let (environment, service) = ("production".to_owned(), "lgsp.land.v1.LandService".to_owned());
    let (application, opened, filled) = ("tthc".to_owned(), 8, 3);
    gathered.forms = vec![FormCount { environment: environment.clone(), application, opened, filled }];
    gathered.filled = vec![FilledCount { environment, service, forms: 5, exchanges: 9, fields: 40 }];
    let report = report(&gathered, &args(""), Lang::En);
    assert_eq!(row(&report, "X", &["production", "tthc"])[2..], ["3", "8", "37.5%"]);
    assert_eq!(row(&report, "XI", &["production"])[1..], ["lgsp.land.v1.LandService", "5", "9", "40"]);
}

#[test]
fn a_key_has_as_many_days_left_as_it_is_good_from_the_end_of_the_period() {
    let period: Period = "2026-H1".parse().unwrap();
    let day = 86_400_000_000;
    let key = |application: &str, from: i64, to: i64, is_revoked: bool| CredentialRecord {
        application: application.to_owned(),
        id: format!("{application}-1"),
        held: Some(Held::Credential(Credential {
            not_before: Some(timestamp(from)),
            not_after: Some(timestamp(to)),
            ..Credential::default()
        })),
        revoked: is_revoked.then(Step::default),
        ..CredentialRecord::default()
    };
    let (since, until) = (period.since_us(), period.until_us());
    let mut gathered = gathered();
    gathered.known.credentials = vec![
        key("tthc", since, until + 30 * day + day / 2, false),
        key("ended", since - day, until - day / 2, false),
        key("revoked", since, until + day, true),
        key("before", since - 2 * day, since - day, false),
        key("after", until, until + day, false),
    ];
    let report = report(&gathered, &args(""), Lang::En);
    let table = report.tables.iter().find(|table| table.number == "XIII").unwrap();
    let told: Vec<[String; 2]> = table.rows.iter().map(|row| [row[0].text(), row[4].text()]).collect();
    assert_eq!(told, [["tthc", "30"], ["ended", "-1"]]);
}

#[test]
fn where_nothing_was_of_production_the_report_says_that_it_is_of_a_trial() {
    let mut gathered = gathered();
    let says = |gathered: &Gathered| {
        let head = report(gathered, &args(""), Lang::En).head;
        head.into_iter().any(|(label, text)| label == "Kind" && text.starts_with("trial:"))
    };
    assert!(!says(&gathered));
    gathered.counts.retain(|count| count.platform || count.environment == "sandbox");
    assert!(says(&gathered));
    gathered.counts.clear();
    assert!(!says(&gathered), "of nothing nothing is said");
}

#[test]
fn a_period_is_written_as_an_office_writes_it() {
    let written =
        |name: &str| subtitle(&name.parse().unwrap(), Lang::Vi).split(" (").next().unwrap().to_owned();
    let names = ["2026", "2026-H1", "2026-H2", "2026-Q3", "2026-11", "2026-11-28"].map(written);
    let expected = [
        "Năm 2026",
        "6 tháng đầu năm 2026",
        "6 tháng cuối năm 2026",
        "Quý 3 năm 2026",
        "Tháng 11 năm 2026",
        "Ngày 28/11/2026",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_report_that_is_computed_twice_is_the_same_byte_for_byte() {
    for lang in [Lang::En, Lang::Vi] {
        for format in [Format::Table, Format::Csv, Format::Html, Format::Xlsx] {
            let made = || bytes(&report(&gathered(), &args(""), lang), &args("").period, format).unwrap();
            let first = made();
            assert!(first.len() > 1_000, "{format:?}");
            // Times in a zip have two seconds each: what has one inside differs at the latest after that.
            assert!(format != Format::Xlsx || !holds_today(&first), "the clock is inside");
            assert_eq!(first, made(), "{format:?}");
        }
    }
}

/// Whether a zip has an entry that was made this year: the date stands in bytes 12 and 13 of each local header.
fn holds_today(zip: &[u8]) -> bool {
    let headers = zip.windows(30).filter(|it| it.starts_with(b"PK\x03\x04"));
    let years = headers.map(|it| 1_980 + (u16::from_le_bytes([it[12], it[13]]) >> 9));
    years.into_iter().any(|year| year > 1_980)
}

#[test]
fn a_text_of_the_registry_is_no_formula_and_no_markup() {
    let gathered = gathered();
    let csv = String::from_utf8(plain::csv(&report(&gathered, &args(""), Lang::En))).unwrap();
    assert!(csv.contains("n,'=cmd(),in official use,2026-02-01\r\n"), "{csv}");
    let period: Period = "2026-H1".parse().unwrap();
    let html = bytes(&report(&gathered, &args(""), Lang::Vi), &period, Format::Html).unwrap();
    let html = String::from_utf8(html).unwrap();
    assert!(html.contains("&lt;Dân cư&gt;") && !html.contains("<Dân") && html.contains("<rect "), "{html}");
    assert!(!html.contains("<script") && !html.contains("http://") && !html.contains("https://"));
}

#[test]
fn the_head_tells_what_it_was_computed_from_and_a_time_only_if_one_is_given() {
    let head = |line: &str| report(&gathered(), &args(line), Lang::En).head;
    let labels: Vec<String> = head("").into_iter().map(|(label, _)| label).collect();
    assert_eq!(labels, ["Agency", "Period", "Registry", "Checkpoint of the log"]);
    assert_eq!(head("")[1].1, "2026-H1 (2026-01-01 – 2026-06-30, Asia/Ho_Chi_Minh)");
    assert_eq!(head("")[3].1, "7 entries, root");
    assert!(head("--made-at 2026-07-01").contains(&("Made at".to_owned(), "2026-07-01".to_owned())));
}
