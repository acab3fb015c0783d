use lgsp_core::indicators::{Period, bucket};
use lgsp_proto::ledger::v1::DossierCount;
use lgsp_proto::registry::v1::{Application, ApplicationState, ConnectionRecord, NationalService, System};

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
    assert_eq!(row(&report, "V", &["sandbox", "data"])[2..4], ["1", "0"]);
    let service = "lgsp.land.v1.LandService";
    let traffic = row(&report, "VI", &["production", service, "tthc"]);
    // Of 100 that were answered, 2 took 1 ms and 98 took 64 ms; what was denied is not among them.
    assert_eq!(traffic[12..], ["65.535", "65.535", "65.535", "41", "100", "101"]);
    assert_eq!(row(&report, "VII", &["2026-01-01", "production"])[11..14], ["1.023", "1.023", "1.023"]);
    assert_eq!(
        row(&report, "VIII", &["2026-01-02", "production", service, "tthc"])[16..],
        ["40", "100", "99"]
    );
}

#[test]
fn what_the_registry_did_not_hold_and_what_nobody_measures_is_said_to_be_so() {
    let report = report(&Gathered::default(), &args(""), Lang::En);
    for row in &report.tables[0].rows {
        assert_eq!(row[3].text(), "not measured: the registry held none");
    }
    let names: Vec<String> = report.tables[8].rows.iter().map(|row| row[0].text()).collect();
    assert_eq!(names, ["Availability of links", "Forms filled without asking"]);
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
