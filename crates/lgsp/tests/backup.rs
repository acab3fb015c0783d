//! A hub that is backed up while it runs, destroyed, and restored: what it had decided and proven still holds.

mod office;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use lgsp_sample::persons;
use serde_json::Value;

use office::{Office, noted, words};

const AUDITOR: &str = "gi-thanhtra";
const OPERATOR: &str = "dung-vanhanh";
const GET_CITIZEN: &str = "lgsp.population.v1.PopulationService/GetCitizen";
const STORE: [&str; 4] =
    ["--set", "registry.store=sqlite:registry.db", "--set", "registry.environment=production"];

impl Office {
    /// A command line that needs no hub, and no scratch folder: personal data must not get there.
    fn alone(&self, words: &[&str]) -> Output {
        let mut lgsp = Command::new(env!("CARGO_BIN_EXE_lgsp"));
        lgsp.args(words)
            .env("LC_ALL", "C")
            .env("TMPDIR", "/nowhere")
            .current_dir(self.dir.path())
            .output()
            .expect("it runs")
    }

    fn good(output: &Output) -> String {
        assert!(output.status.success(), "{}", noted(output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// An exchange about a person; returns its id.
    fn ask(&self) -> String {
        let number = persons::ALL_FIELDS.personal_number;
        let request = format!(r#"{{"personalNumber": "{number}"}}"#);
        let data = self.dir.path().join("data").display().to_string();
        let call = ["call", "--as", "tthc", "--data", &data, "--purpose", "prefill", "--officer", "canbo.17"];
        Self::good(&self.lgsp(&[&call[..], &[GET_CITIZEN, &request]].concat()));
        let found = ["audit", "search", "--person", number, "--output", "json", "--limit", "1"];
        let found = Self::good(&self.run(AUDITOR, &found));
        let found: Value = serde_json::from_str(found.trim()).expect("JSON");
        found["exchangeId"].as_str().expect("found").to_owned()
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }
}

fn keys_below(data: &Path) -> Vec<String> {
    ["keys/log.pem", "keys/mac/ledger.key", "keys/decisions.key"]
        .map(|name| fs::read_to_string(data.join(name)).expect("a key"))
        .to_vec()
}

#[test]
fn a_hub_is_backed_up_while_it_runs_and_made_again_from_that() {
    let mut office = Office::open(&[(AUDITOR, "H13.02", "auditor"), (OPERATOR, "H13.02", "operator")]);
    let (gone, kept) = (office.ask(), office.ask());
    let basis = ["--legal-basis", "Luật 91/2025/QH15, Điều 14"];
    Office::good(&office.run(OPERATOR, &[&["audit", "erase", "--yes", &gone][..], &basis].concat()));
    Office::good(&office.run(AUDITOR, &["audit", "prove", &kept, "--out", "old.proof"]));
    let log_key = fs::read_to_string(office.file("data/ledger/checkpoint.vkey")).expect("signed");
    let log_key = log_key.trim().to_owned();

    // What is called like something that is left out elsewhere is not that.
    let named_so = ["rules/lock", "rules/sources", "rules/kept-wal"];
    for name in named_so {
        fs::create_dir_all(office.file("data/rules")).expect("made");
        fs::write(office.file("data").join(name), "kept").expect("written");
    }
    let backup = ["backup", "--data", "data", "--to", "backup"];
    let told = Office::good(&office.alone(&[&backup[..], &STORE].concat()));
    assert!(told.contains("backed up to backup: ") && !office.file("backup.new").exists(), "{told}");
    let again = office.alone(&[&backup[..], &STORE].concat());
    assert!(noted(&again).contains("is there already"), "{}", noted(&again));
    assert!(
        !office.file("backup/data/sources").exists() && !office.file("backup/data/ledger/index.db").exists()
    );
    for name in named_so {
        assert!(office.file("backup/data").join(name).exists(), "{name}");
    }
    assert!(
        !office.file("backup/data/lock").exists() && !office.file("backup/data/registry.db-wal").exists()
    );
    // The hub goes on, and signs what the backup does not have.
    let late = office.ask();
    // A proof waits until its entry is signed for.
    Office::good(&office.run(AUDITOR, &["audit", "prove", &late, "--out", "late.proof"]));
    let newest = Office::good(&office.run(AUDITOR, &["audit", "checkpoint", "--log-key", &log_key]));
    fs::write(office.file("newest"), newest).expect("written");
    let over = office.alone(&["restore", "--from", "backup", "--data", "data"]);
    assert!(noted(&over).contains("it is the newer one"), "{}", noted(&over));
    let keys = keys_below(&office.file("data"));
    office.stop();
    fs::remove_dir_all(office.file("data")).expect("destroyed");

    let restore = ["restore", "--from", "backup", "--data", "restored", "--log-key", &log_key];
    let rewind = office.alone(&[&restore[..], &["--checkpoint", "newest"]].concat());
    assert!(noted(&rewind).contains("it would sign a fork"), "{}", noted(&rewind));
    assert!(!office.file("restored").exists());
    let damaged = office.file("backup/data/registry.db");
    let whole = fs::read(&damaged).expect("there");
    let mut flipped = whole.clone();
    flipped[5_000] ^= 1;
    fs::write(&damaged, flipped).expect("written");
    let refused = office.alone(&restore);
    assert!(noted(&refused).contains("registry.db is not what the manifest says"), "{}", noted(&refused));
    assert!(!office.file("restored").exists());
    fs::write(&damaged, whole).expect("written");
    let told = Office::good(&office.alone(&restore));
    assert!(told.contains("restored to restored: "), "{told}");
    assert_eq!(keys_below(&office.file("restored")), keys);
    let check = ["ledger", "check", "--dir", "restored/ledger", "--log-key", &log_key];
    assert!(Office::good(&office.alone(&check)).contains("are as they were sealed"));

    // Persons, rules, erasures and proofs are as they were.
    office.start("restored");
    let shown = words(&Office::good(&office.run(AUDITOR, &["audit", "show", &gone])));
    assert!(shown.contains("officer erased\n"), "{shown}");
    let shown = words(&Office::good(&office.run(AUDITOR, &["audit", "show", &kept])));
    assert!(shown.contains("officer canbo.17\n"), "{shown}");
    assert_eq!(
        office.run(AUDITOR, &["audit", "show", &late]).status.code(),
        Some(4),
        "it came after the backup"
    );
    let old = office.alone(&["audit", "verify", "old.proof", "--log-key", &log_key]);
    assert!(Office::good(&old).contains(&kept));
    Office::good(
        &office.run(AUDITOR, &["audit", "prove", &kept, "--out", "new.proof", "--log-key", &log_key]),
    );
    Office::good(&office.alone(&["audit", "verify", "new.proof", "--log-key", &log_key]));
    office.close();
}

#[test]
fn the_commands_on_the_files_of_a_ledger_say_what_they_found() {
    let mut office = Office::open(&[(AUDITOR, "H13.02", "auditor")]);
    office.ask();
    let running = office.alone(&[&["ledger", "reindex", "--data", "data"][..], &STORE].concat());
    assert_eq!(running.status.code(), Some(1));
    assert!(
        noted(&running).contains("a ledger runs on") && noted(&running).contains("stop it"),
        "{}",
        noted(&running)
    );
    office.stop();
    let compared = office.alone(&["ledger", "reindex", "--data", "data", "--compare"]);
    assert!(Office::good(&compared).contains("the index is what follows from the log\n"));
    let json = office.alone(&["ledger", "reindex", "--data", "data", "--output", "json"]);
    let json: Value = serde_json::from_str(Office::good(&json).trim()).expect("JSON");
    assert!(json["rows"]["entry"].as_u64() > Some(0) && json["inPlace"] == true, "{json}");
    fs::remove_file(office.file("data/ledger/index.db")).expect("removed");
    let compared = office.alone(&["ledger", "reindex", "--data", "data", "--compare"]);
    assert_eq!(compared.status.code(), Some(1), "there is none to compare with");
    let nothing = office.alone(&["ledger", "archive", "--data", "data", "--to", "archive"]);
    assert!(Office::good(&nothing).contains("nothing was archived"), "{}", noted(&nothing));
    let young =
        office.alone(&["ledger", "archive", "--data", "data", "--to", "archive", "--before", "2099-01"]);
    assert!(noted(&young).contains("31 days"), "{}", noted(&young));
    let none = office.alone(&["ledger", "erase", "--data", "data", "--archive", "archive"]);
    assert!(noted(&none).contains("there is no archive in"), "{}", noted(&none));
    office.close();
}
