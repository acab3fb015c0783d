//! `docs/audit.md` and its Vietnamese twin: their commands, run as they stand there by an auditor, find, prove, hand out and decide
//! about an exchange, and print what stands below them.

mod guide;
mod office;

use std::os::unix::fs::symlink;
use std::process::{Command, Output};

use lgsp_sample::persons;

use guide::{Step, steps};
use office::{Office, noted};

const ENGLISH: &str = "audit.md";
const VIETNAMESE: &str = "audit.vi.md";
/// The gateway's address, an exchange and a day to come, as the guides have them.
const GATEWAY: &str = "127.0.0.1:50051";
const EXCHANGE: &str = "019e8cf0-7c00-7000-8000-00000000002a";
const TO_COME: &str = "2027-03-01";
/// `lgsp` at the hub of the test. What the guides leave to standard input comes from there.
const LGSP: &str = r#"
lgsp() {
  case "$*" in *--grpc*|"audit verify "*) ;; *) set -- "$@" --grpc "$GRPC";; esac
  case "$*" in
    *"--person -"*) echo "$NUMBER" | LC_ALL=$WORDS "$PROGRAM" "$@";;
    *) LC_ALL=$WORDS "$PROGRAM" "$@";;
  esac
}
"#;

#[test]
fn both_guides_have_the_same_commands_in_the_same_order() {
    guide::have_the_same_commands(ENGLISH, VIETNAMESE);
}

#[test]
fn an_auditor_comes_from_a_key_to_a_proof_as_the_guide_says() {
    walk(ENGLISH, "C");
}

#[test]
fn an_auditor_comes_from_a_key_to_a_proof_as_the_vietnamese_guide_says() {
    walk(VIETNAMESE, "vi_VN.UTF-8");
}

fn walk(guide: &str, locale: &str) {
    let office =
        Office::open(&[("gi-thanhtra", "H13.02", "auditor"), ("dung-vanhanh", "H13.02", "operator")]);
    symlink("data", office.dir.path().join("lgsp-data")).expect("linked");
    let exchange = ask(&office);
    let mut kept = LGSP.to_owned();
    for step in steps(guide) {
        let here = |text: &str| {
            text.replace(GATEWAY, &office.grpc).replace(EXCHANGE, &exchange).replace(TO_COME, "2099-03-01")
        };
        let step = Step { commands: here(&step.commands), prints: here(&step.prints) };
        let output = run(&office, locale, &format!("set -e\n{kept}{}", step.commands));
        if let Some(wrong) = guide::wrong(&step, &output) {
            panic!("{}\n{wrong}\n{}", step.commands, guide::told(&output));
        }
        kept.push_str(&guide::kept_of(&step.commands));
    }
    office.close();
}

/// The exchange of the guides; returns its id.
fn ask(office: &Office) -> String {
    let request = format!(r#"{{"personalNumber": "{}"}}"#, persons::ALL_FIELDS.personal_number);
    let call =
        "call -v --as tthc --data data --purpose prefill --dossier H13.01-260601-0001 --officer canbo.17";
    let mut line: Vec<&str> = call.split(' ').collect();
    line.extend(["lgsp.population.v1.PopulationService/GetCitizen", &request]);
    let output = office.lgsp(&line);
    assert!(output.status.success(), "{}", noted(&output));
    // `exchange ID, … ms`
    let told = noted(&output);
    let (_, told) = told.split_once("exchange ").expect("told");
    told.split_once(',').map_or(told, |(id, _)| id).to_owned()
}

fn run(office: &Office, locale: &str, script: &str) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).current_dir(office.dir.path());
    shell.env("PROGRAM", env!("CARGO_BIN_EXE_lgsp")).env("WORDS", locale).env("GRPC", &office.grpc);
    shell.env("NUMBER", persons::ALL_FIELDS.personal_number).output().expect("the shell starts")
}
