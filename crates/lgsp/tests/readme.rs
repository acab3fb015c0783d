//! The commands of README.md, run as they stand there against a hub in this process: each ends as the text beside it says.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use lgsp::config::Config;
use lgsp::up;
use lgsp_sample::persons;
use serde_json::Value;
use tokio::runtime::Runtime;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
/// Exit codes, as `lgsp --help` tells them.
const SERVED: Option<i32> = Some(0);
const REFUSED: Option<i32> = Some(3);
const NOT_FOUND: Option<i32> = Some(4);
/// How long what was just done may take to be listed.
const PATIENCE: Duration = Duration::from_secs(20);

/// The hub of `lgsp up`, for a shell in which `lgsp` calls it.
struct Tour {
    hub: up::Hub,
    runtime: Runtime,
    _data: tempfile::TempDir,
}

impl Tour {
    fn start() -> Self {
        let data = tempfile::tempdir().expect("a scratch directory");
        let mut config = Config { data: data.path().to_owned(), ..Config::default() };
        config.gateway.listen = ([127, 0, 0, 1], 0).into();
        let runtime = Runtime::new().expect("a runtime");
        let city = lgsp_sample::Config { citizens: 100, seed: up::SEED };
        let hub = runtime.block_on(up::start(config, city, |_| ())).expect("the hub starts");
        Self { hub, runtime, _data: data }
    }

    /// Runs a command of the README in a shell.
    fn run(&self, command: &str) -> Output {
        let script =
            format!("lgsp() {{ \"$PROGRAM\" \"$@\" --grpc \"$GRPC\" --data \"$DATA\"; }}\n{command}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).env("PROGRAM", env!("CARGO_BIN_EXE_lgsp")).env("LC_ALL", "C");
        shell.env("GRPC", self.hub.grpc.to_string()).env("DATA", self.hub.data());
        shell.output().expect("the shell starts")
    }

    /// The answer to a call that must be served.
    fn served(&self, command: &str) -> String {
        let output = self.run(command);
        assert_eq!(output.status.code(), SERVED, "{command}\n{}", text(&output.stderr));
        let answer = text(&output.stdout);
        serde_json::from_str::<Value>(&answer).unwrap_or_else(|error| panic!("{command}: {error}: {answer}"));
        answer
    }

    fn stop(self) {
        self.runtime.block_on(self.hub.stop());
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn readme() -> String {
    fs::read_to_string(Path::new(README)).expect("the README is there")
}

/// The commands of the README's blocks for a shell, a continued line joined.
fn commands(beginning: &str) -> Vec<String> {
    let readme = readme();
    let blocks = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let joined: Vec<String> = blocks.map(|block| block.replace("\\\n", " ")).collect();
    let lines = joined.iter().flat_map(|block| block.lines());
    lines.filter(|line| line.starts_with(beginning)).map(str::to_owned).collect()
}

/// The cells of the rows that begin with these words, without the row's number.
fn table(head: &str) -> Vec<Vec<String>> {
    let readme = readme();
    let (_, rows) = readme.split_once(head).unwrap_or_else(|| panic!("no table {head}"));
    let rows = rows.lines().skip(1).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| row.split('|').skip(2).map(|cell| cell.trim().to_owned()).collect();
    rows.map(cells).collect()
}

/// What stands in backticks.
fn code(cell: &str) -> &str {
    cell.split('`').nth(1).unwrap_or_else(|| panic!("no code in {cell}"))
}

#[test]
fn one_form_is_filled_from_five_domains_and_the_agreements_keep_back_what_the_table_says() {
    let tour = Tour::start();
    let calls = commands("lgsp call ");
    for (service, filled, kept_back) in [
        ("PopulationService/GetCitizen", &["fullName", "permanentAddress", "mother"][..], &[][..]),
        ("ListParcelsByOwner", &["landUses", "owners", "certificate", "geometry"], &[]),
        (
            "VerifyInsurance",
            &["INSURANCE_VALIDITY_VALID", "validFrom", "validTo", "facilityName"],
            &["cardNumber", "benefitCode", "personalNumber"],
        ),
        (
            "VerifyDiploma",
            &["\"serialNumber\":\"MATCH_YES\"", "\"fullName\":\"MATCH_YES\""],
            &["Mẫu", "issuedOn"],
        ),
        (
            "GetEnterprise",
            &["name", "legalForm", "status", "headOffice", "businessLines", "branches", "representatives"],
            &["personalNumber", "charterCapitalVnd", "members", "phoneNumber"],
        ),
    ] {
        let calls: Vec<_> = calls.iter().filter(|call| call.contains(service)).collect();
        assert!(!calls.is_empty(), "the README calls no {service}");
        for call in calls {
            let answer = tour.served(call);
            for part in filled {
                assert!(answer.contains(part), "{part} is not in the answer to {call}: {answer}");
            }
            for part in kept_back {
                assert!(!answer.contains(part), "{part} is in the answer to {call}: {answer}");
            }
        }
    }
    let listing = commands("lgsp exchanges --application tthc").remove(0);
    lists_the_form(&tour, &listing);
    tour.stop();
}

/// The exchange log has the five calls of the form, all served, as the README lists them.
fn lists_the_form(tour: &Tour, listing: &str) {
    let form = [
        ("GetCitizen", "prefill"),
        ("ListParcelsByOwner", "prefill"),
        ("VerifyInsurance", "prefill"),
        ("VerifyDiploma", "verify"),
        ("GetEnterprise", "prefill"),
    ];
    let began = Instant::now();
    loop {
        let output = tour.run(listing);
        assert_eq!(output.status.code(), SERVED, "{}", text(&output.stderr));
        let listed = text(&output.stdout);
        let is_listed = |(method, purpose)| {
            let says =
                |line: &str| ["tthc", method, purpose, "served"].iter().all(|word| line.contains(word));
            listed.lines().any(says)
        };
        if form.into_iter().all(is_listed) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{listing} lists\n{listed}");
    }
}

#[test]
fn what_operators_and_offices_are_shown_is_there() {
    let tour = Tour::start();
    let status = commands("lgsp status").remove(0);
    let began = Instant::now();
    loop {
        let output = tour.run(&status);
        let told = text(&output.stdout);
        if output.status.code() == SERVED && told.contains("provider/population") {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{status} tells\n{told}{}", text(&output.stderr));
    }
    let report =
        commands("lgsp report").remove(0).replace("--output report.html", "--output \"$DATA/report.html\"");
    let output = tour.run(&report);
    assert_eq!(output.status.code(), SERVED, "{report}\n{}", text(&output.stderr));
    let page = fs::read_to_string(tour.hub.data().join("report.html")).expect("the report is written");
    for figure in ["100.0%", "53.3%", "35.5%"] {
        assert!(page.contains(figure), "{figure} is not in the report");
    }
    tour.stop();
}

#[test]
fn each_of_the_five_persons_shows_what_the_table_says() {
    let tour = Tour::start();
    let call = commands("lgsp call ").remove(0);
    let (usual, number) = ("--as tthc --purpose prefill", persons::ALL_FIELDS.personal_number);
    assert!(call.contains(usual) && call.contains(number), "{call}");
    let rows = table("| | person | try | what you see |\n");
    assert_eq!(rows.len(), persons::ALL.len());
    for (row, person) in rows.iter().zip(persons::ALL) {
        assert_eq!(code(&row[0]), person.personal_number, "{row:?}");
        assert!(person.record.is_none_or(|record| row[0].contains(record.full_name)), "{row:?}");
        let output = tour.run(&call.replace(usual, code(&row[1])).replace(number, code(&row[0])));
        let expected = match &row[2] {
            seen if seen.contains("NOT_FOUND") => NOT_FOUND,
            seen if seen.starts_with("refused") => REFUSED,
            _ => SERVED,
        };
        assert_eq!(output.status.code(), expected, "{row:?}: {}", text(&output.stderr));
        shows(row, &text(&output.stdout));
    }
    tour.stop();
}

/// What a served row promises of the answer.
fn shows(row: &[String], answer: &str) {
    let Ok(answer) = serde_json::from_str::<Value>(answer) else { return };
    let citizen = answer["citizen"].as_object().expect("a citizen");
    let told: Vec<&str> = citizen.keys().map(String::as_str).collect();
    match row[2].split([':', ' ']).next() {
        Some("all") => assert!(told.len() > 20, "{told:?}"),
        Some("masked") => {
            let who_and_where =
                ["dateOfBirth", "fullName", "permanentAddress", "personalNumber", "provenance", "sex"];
            assert_eq!(told, who_and_where);
        }
        Some("a") => {
            let ward = &citizen["permanentAddress"]["ward"];
            for code in [&ward["formerCode"], &ward["code"]] {
                assert!(row[2].contains(code.as_str().expect("a code")), "{code}: {row:?}");
            }
            assert_eq!(citizen["dateOfBirth"].as_object().map(|date| date.len()), Some(1), "the year alone");
        }
        Some(_) | None => panic!("nobody looked at what this row promises: {row:?}"),
    }
}

#[test]
fn the_keys_of_the_five_persons_in_the_other_domains_are_theirs() {
    let rows = table("| | health-insurance card | diploma | enterprise |\n");
    assert_eq!(rows.len(), persons::ALL.len());
    for (row, person) in rows.iter().zip(persons::ALL) {
        match person.record {
            Some(record) => {
                let keys = [record.card_number, record.diploma_serial, record.enterprise_code];
                assert_eq!([&row[0], &row[1], &row[2]].map(|cell| code(cell)), keys);
            }
            None => assert_eq!(row[..3], ["none", "none", "none"]),
        }
    }
}

#[test]
fn the_lists_of_the_tour_are_printed() {
    let tour = Tour::start();
    for list in ["lgsp exchanges --since", "lgsp services", "lgsp applications"] {
        let commands = commands(list);
        assert!(!commands.is_empty(), "the README has no {list}");
        for command in commands {
            let output = tour.run(&command);
            assert_eq!(output.status.code(), SERVED, "{command}\n{}", text(&output.stderr));
            assert!(!output.stdout.is_empty(), "{command}");
        }
    }
    tour.stop();
}
