//! The commands of auditors, against a hub with a store: what they find, prove, write and decide, and what others are refused.

mod office;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use lgsp_sample::persons;
use serde_json::Value;

use office::{Office, noted, words};

const AUDITOR: &str = "gi-thanhtra";
const OPERATOR: &str = "dung-vanhanh";
const DEVELOPER: &str = "an-xaydung";
const GET_CITIZEN: &str = "lgsp.population.v1.PopulationService/GetCitizen";
const DOSSIER: &str = "H13.01-260601-0001";
/// An officer whom a spreadsheet would take for a formula.
const OFFICER: &str = "=canbo.17";
const REFUSED: Option<i32> = Some(3);
/// How long an exchange may take to be heard of.
const PATIENCE: Duration = Duration::from_secs(30);

/// Through which persons call.
const TOOL: &str = "dieu-hanh";

/// A person of each office that has to do with the log.
fn open() -> Office {
    Office::open(&[
        (AUDITOR, "H13.02", "auditor"),
        (OPERATOR, "H13.02", "operator"),
        (DEVELOPER, "H13.08", "developer"),
    ])
}

impl Office {
    /// A command line that needs no hub.
    fn alone(&self, words: &[&str]) -> Output {
        let mut lgsp = Command::new(env!("CARGO_BIN_EXE_lgsp"));
        lgsp.args(words).env("LC_ALL", "C").current_dir(self.dir.path()).output().expect("it runs")
    }

    /// What the auditor's command writes.
    fn audit(&self, line: &[&str]) -> String {
        let output = self.run(AUDITOR, &[&["audit"], line].concat());
        assert!(output.status.success(), "{line:?}: {}", noted(&output));
        text(&output.stdout)
    }

    /// The exchanges that a search finds.
    fn search(&self, line: &[&str]) -> Vec<Value> {
        let found = self.audit(&[&["search", "--output", "json"], line].concat());
        found.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// An exchange about a person; returns its id.
    fn ask(&self, number: &str) -> String {
        let request = format!(r#"{{"personalNumber": "{number}"}}"#);
        let data = self.dir.path().join("data").display().to_string();
        let call = ["call", "--as", "tthc", "--data", &data, "--purpose", "prefill", "--dossier", DOSSIER];
        let call =
            [&call[..], &["--officer", OFFICER, "--request-id", "tthc-1", GET_CITIZEN, &request]].concat();
        let output = self.lgsp(&call);
        assert!(output.status.success(), "{}", noted(&output));
        // The log has it once the answer is there: newest first.
        let found = self.search(&["--person", number]);
        found[0]["exchangeId"].as_str().expect("found").to_owned()
    }

    fn log_key(&self) -> String {
        let output = self.alone(&["ledger", "status", "--dir", "data/ledger", "--output", "json"]);
        let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        status["logKey"].as_str().expect("the log is sealed").to_owned()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn says(told: &str, expected: &[&str]) {
    for text in expected {
        assert!(told.contains(text), "{text} is missing in:\n{told}");
    }
}

#[test]
fn an_auditor_finds_an_exchange_reads_it_and_proves_it_to_others() {
    let office = open();
    let number = persons::ALL_FIELDS.personal_number;
    let exchange = office.ask(number);

    for option in [
        &["--officer", OFFICER][..],
        &["--dossier", DOSSIER],
        &["--request-id", "tthc-1"],
        &["--application", "tthc", "--outcome", "served", "--purpose", "prefill", "--method", "GetCitizen"],
    ] {
        assert_eq!(office.search(option).len(), 1, "{option:?}");
        assert!(office.search(&[option, &["--until", "2026-01-01"]].concat()).is_empty(), "{option:?}");
    }
    let key = office.key(AUDITOR).display().to_string();
    let mut unseen = office.command(&["audit", "search", "--person", "-", "--as", AUDITOR, "--key", &key]);
    let mut unseen = unseen.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    unseen.stdin.take().expect("piped").write_all(number.as_bytes()).expect("taken");
    assert!(text(&unseen.wait_with_output().expect("it ends").stdout).contains(&exchange));
    let long_ago =
        office.run(AUDITOR, &["audit", "search", "--person", number, "--since", "2020-01-01", "--count"]);
    says(&noted(&long_ago), &["the key of these months is gone", "2020-01"]);
    says(&words(&text(&long_ago.stdout)), &["served 1\n", "all 1\n"]);

    let shown = words(&office.audit(&["show", &exchange]));
    says(&shown, &["tthc of H13.", GET_CITIZEN, "purpose prefill\n", &format!("officer {OFFICER}\n")]);
    says(&shown, &["admitted\n", " ms answered\n", "served (gRPC 0)", "asked about\n", ": the end\n"]);
    assert!(!shown.contains(number), "the log has nobody's number");
    let document: Value =
        serde_json::from_str(&office.audit(&["show", &exchange, "--output", "json"])).expect("JSON");
    let last = document["entries"].as_array().and_then(|entries| entries.last()).expect("an entry");
    assert_eq!(last["sealed"]["phase"], "PHASE_FINAL");

    let log_key = office.log_key();
    let prove = ["audit", "prove", &exchange, "--out", "it.proof", "--log-key", &log_key];
    let proven = office.run(AUDITOR, &prove);
    says(&noted(&proven), &["proven: entry ", "lgsp audit verify it.proof --log-key"]);
    let verified = office.alone(&["audit", "verify", "it.proof", "--log-key", &log_key]);
    says(&text(&verified.stdout), &["proven: entry ", &exchange]);
    for command in ["show", "prove"] {
        let unknown = office.run(AUDITOR, &["audit", command, "019e8cf0-7c00-7000-8000-00000000002a"]);
        assert_eq!(unknown.status.code(), Some(4), "{}", noted(&unknown));
        says(&noted(&unknown), &["the log holds no exchange 019e8cf0-7c00-7000-8000-00000000002a"]);
        assert!(!noted(&unknown).contains("source"), "{}", noted(&unknown));
    }
    says(&noted(&office.run(AUDITOR, &["audit", "prove", &exchange])), &["not verified: --log-key \"$(cat "]);
    let no_such = office.run(AUDITOR, &["audit", "prove", &exchange, "--entry", "999999"]);
    assert_eq!(no_such.status.code(), Some(4), "{}", noted(&no_such));

    let kept = office.audit(&["checkpoint", "--log-key", &log_key]);
    fs::write(office.dir.path().join("kept"), kept).expect("written");
    office.ask(number);
    let cut = office.run(AUDITOR, &["audit", "search", "--person", number, "--limit", "1"]);
    says(&noted(&cut), &["there are more: --limit N"]);
    let newest = office.run(AUDITOR, &["audit", "checkpoint", "--kept", "kept", "--log-key", &log_key]);
    says(&noted(&newest), &["nothing of the one that you kept was changed"]);
    let early = office.run(AUDITOR, &["audit", "completeness"]);
    assert_eq!(early.status.code(), Some(1), "it ends now, and more may come");
    says(
        &words(&text(&early.stdout)),
        &["the period not settled: its last exchanges may still end, until 20"],
    );
    says(
        &words(&text(&early.stdout)),
        &["\ngateway first number last number received missing last entered "],
    );
    let early = office.run(AUDITOR, &["audit", "completeness", "--output", "json"]);
    let early: Value = serde_json::from_slice(&early.stdout).expect("JSON");
    assert_eq!((&early["status"], &early["awaited"]), (&"not-settled".into(), &"AWAITED_TIME".into()));
    let past = office.audit(&["completeness", "--until", "2026-01-01"]);
    says(&words(&past), &["the period complete\n"]);
    assert!(!past.contains("gateway"), "none had begun: {past}");

    for line in [
        &["search", "--application", "tthcc"][..],
        &["search", "--count", "--application", "tthcc"],
        &["export", "--application", "tthcc", "--out", "nothing.csv"],
        &["exposure", "--application", "tthcc", "--since", "1h"],
    ] {
        let mistyped = office.run(AUDITOR, &[&["audit"], line].concat());
        assert_eq!(mistyped.status.code(), Some(4), "{line:?}: {}", noted(&mistyped));
        says(&noted(&mistyped), &["there is no application tthcc"]);
    }
    assert!(!office.dir.path().join("nothing.csv").exists());
    assert!(
        office.search(&["--application", "tthc", "--until", "2026-01-01"]).is_empty(),
        "one that is known"
    );

    for line in [
        &["search"][..],
        &["show", &exchange],
        &["export", "--out", "stolen.csv"],
        &["report", "--person", number],
        &["hold", &exchange, "--legal-basis", "a law"],
    ] {
        let refused = office.run(DEVELOPER, &[&["audit"], line].concat());
        assert_eq!(refused.status.code(), REFUSED, "{line:?}: {}", noted(&refused));
    }
    assert!(!office.dir.path().join("stolen.csv").exists(), "nothing is left of what was refused");
    office.close();
}

#[test]
fn an_export_is_whole_a_report_is_for_the_citizen_and_a_breach_is_counted() {
    let office = open();
    let number = persons::ALL_FIELDS.personal_number;
    let exchange = office.ask(number);
    office.ask(number);

    let exported = office.run(AUDITOR, &["audit", "export", "--person", number, "--out", "files/"]);
    says(&noted(&exported), &["2 exchanges are in files/exchanges.csv"]);
    let file = office.dir.path().join("files/exchanges.csv");
    let csv = fs::read_to_string(&file).expect("exported");
    assert_eq!(csv.split("\r\n").count(), 4, "a header, two lines and their end: {csv}");
    says(&csv, &[&format!("'{OFFICER},"), &exchange]);
    let manifest = fs::read_to_string(office.dir.path().join("files/exchanges.csv.manifest")).expect("there");
    says(
        &manifest,
        &["\"archived\": []", "+07:00\"", "\"person\": \"given\"", "\"exchanges\": 2", "\n— gi-thanhtra-1 "],
    );
    assert!(!manifest.contains(number) && !csv.contains(number));
    let checked = check(&office, "files");
    says(
        &text(&checked.stdout),
        &["the file is as it was exported: 2 exchanges", "signed by gi-thanhtra-1+"],
    );
    fs::write(&file, csv.replacen("served", "denied", 1)).expect("written");
    let changed = check(&office, "files");
    assert_eq!(changed.status.code(), Some(1));
    says(&noted(&changed), &["the file's SHA-256 is"]);
    fs::write(&file, &csv).expect("written");
    let at = office.dir.path().join("files/exchanges.csv.manifest");
    fs::write(&at, manifest.replacen("\"exchanges\": 2", "\"exchanges\": 3", 1)).expect("written");
    says(&noted(&check(&office, "files")), &["does not hold"]);

    let told = office.audit(&["report", "--person", number, "--lang", "vi"]);
    says(
        &told,
        &["Ai đã nhận dữ liệu về", "đã nhận 2 lần", "Tra cứu công dân", "Công dân (", "; Họ và tên; "],
    );
    says(&told, &["bằng ứng dụng: Hệ thống"]);
    assert!(!told.contains("ứng dụng: tthc"), "by its name: {told}");
    let html = office.audit(&["report", "--person", number, "--format", "html"]);
    says(&html, &["<!doctype html>", "lang=\"en\"", "received 2 times"]);

    let exposure = ["exposure", "--application", "tthc", "--since", "1h"];
    let exposed = office.audit(&[&exposure[..], &["--output", "json"]].concat());
    let exposed: Value = serde_json::from_str(&exposed).expect("JSON");
    let shown: Value =
        serde_json::from_str(&office.audit(&["show", &exchange, "--output", "json"])).expect("JSON");
    let last = shown["entries"].as_array().and_then(|entries| entries.last()).expect("an entry");
    let subjects = last["erasable"]["subjects"].as_array().map(Vec::len);
    assert_eq!(exposed["exchanges"], 2);
    let fields = exposed["methods"][0]["fields"].as_object().expect("fields");
    assert!(fields.contains_key("citizen.full_name") && !fields.contains_key("citizen"), "{fields:?}");
    let looked = ["exposure", "--application", TOOL, "--since", "1h", "--output", "json"];
    let looked: Value = serde_json::from_str(&office.audit(&looked)).expect("JSON");
    assert_eq!((&looked["exchanges"], &looked["methods"]), (&0.into(), &Value::Array(Vec::new())));
    assert!(!looked["platform"].as_array().expect("its own looks").is_empty(), "{looked}");
    assert_eq!(
        exposed["subjects"][0]["distinct"].as_u64().map(|it| it as usize),
        subjects,
        "the same ones, twice"
    );
    says(&words(&office.audit(&exposure)), &["exchanges all 2\n", "distinct subjects person"]);

    let basis = ["--legal-basis", "Quyết định 17/QĐ-CAT"];
    let withhold = ["audit", "withhold", &exchange, "--until", "2099-01-01", basis[0], basis[1]];
    let only_shown = office.run(AUDITOR, &[&withhold[..], &["--dry-run"]].concat());
    says(&noted(&only_shown), &["would withhold exchanges", &exchange, "tthc", "2099-01-01 00:00"]);
    assert!(
        office.audit(&["report", "--person", number]).contains("received 2 times"),
        "nothing was decided"
    );
    office.audit(&withhold[1..]);
    let without = office.audit(&["report", "--person", number]);
    assert!(without.contains("received 1 times") && !without.to_lowercase().contains("withh"), "{without}");
    let with = office.audit(&["report", "--person", number, "--with-withheld"]);
    says(&with, &["received 2 times", "FOR AUDITORS ONLY", "withheld until: 2099-01-01 00:00"]);

    office.audit(&["hold", &exchange, basis[0], basis[1]]);
    let erase = ["audit", "erase", &exchange, basis[0], basis[1]];
    let unasked = office.run(OPERATOR, &erase);
    assert_eq!(unasked.status.code(), Some(2), "nobody has said yes: {}", noted(&unasked));
    let erase = [&erase[..], &["--yes"]].concat();
    let held = office.run(OPERATOR, &erase);
    assert!(!held.status.success(), "what is held stays");
    says(&noted(&held), &["held: it cannot be erased", "HELD"]);
    let released = office.audit(&["release", &exchange, basis[0], basis[1], "--output", "json"]);
    assert!(serde_json::from_str::<Value>(&released).expect("JSON")["actId"].is_string());
    let erased = office.run(OPERATOR, &erase);
    assert!(erased.status.success(), "{}", noted(&erased));
    says(&noted(&erased), &["1 entries with something to erase"]);
    let again = office.run(OPERATOR, &[&erase[..], &["--dry-run"]].concat());
    says(&noted(&again), &["would erase what can be erased", "nothing is left to erase"]);
    let shown = words(&office.audit(&["show", &exchange]));
    says(&shown, &["officer erased\n", "dossier erased\n", "decision withheld until 2099-01-01 00:00: gi-"]);
    says(&shown, &["\nheld: gi-thanhtra, ", "\nreleased: gi-thanhtra, ", "\nerased: dung-vanhanh, "]);
    office.close();
}

/// Holds an export against its manifest, without a hub.
fn check(office: &Office, at: &str) -> Output {
    office.alone(&["audit", "export", "--check", at])
}

#[test]
fn an_auditor_who_follows_a_person_hears_of_nobody_else_until_interrupted() {
    let office = open();
    let number = persons::ALL_FIELDS.personal_number;
    let key = office.key(AUDITOR).display().to_string();
    let follow = ["audit", "search", "--person", "-", "--follow", "--output", "json"];
    let mut follow = office.command(&[&follow[..], &["--as", AUDITOR, "--key", &key]].concat());
    let follow = follow.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut follow = follow.spawn().expect("it runs");
    follow.stdin.take().expect("piped").write_all(number.as_bytes()).expect("taken");
    let (hear, heard) = mpsc::sync_channel(64);
    let lines = BufReader::new(follow.stdout.take().expect("piped")).lines();
    let hearing = thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| hear.send(line)));
    let exchange = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        line["exchangeId"].as_str().expect("an exchange").to_owned()
    };

    // Its stream is open once it tells of one.
    let mut asked = Vec::new();
    let mut told: Vec<String> = Vec::new();
    let began = Instant::now();
    while told.is_empty() {
        assert!(began.elapsed() < PATIENCE, "it tells of nothing");
        asked.push(office.ask(number));
        told.extend(heard.try_recv().iter().map(|line| exchange(line)));
    }
    office.ask(persons::MASKED.personal_number);
    asked.push(office.ask(number));
    while told.last() != asked.last() {
        told.push(exchange(&heard.recv_timeout(PATIENCE).expect("it tells of the last one")));
    }
    assert!(asked.ends_with(&told), "{told:?} of {asked:?}");

    let interrupt = Command::new("kill").args(["-INT", &follow.id().to_string()]).status();
    assert!(interrupt.expect("kill runs").success());
    let ended = follow.wait_with_output().expect("it ends");
    assert_eq!((ended.status.code(), noted(&ended).as_str()), (Some(0), ""));
    assert_eq!(hearing.join().expect("it ends"), Ok(()));
    assert!(heard.try_recv().is_err(), "and of nobody else");
    let refused = office.run(DEVELOPER, &["audit", "search", "--follow"]);
    assert_eq!(refused.status.code(), REFUSED, "{}", noted(&refused));
    office.close();
}

#[test]
fn a_subject_key_is_destroyed_by_who_says_yes_and_what_is_not_there_is_told_before() {
    let mut office = open();
    office.ask(persons::ALL_FIELDS.personal_number);
    let subjects = office.dir.path().join("data/keys/subjects");
    // A copy is as little open to others.
    let put = || {
        let keys = fs::read_dir(&subjects).expect("listed").map(|entry| entry.expect("listed").path());
        let one = keys.max().expect("this month has one");
        fs::copy(one, subjects.join("2026-01.key")).expect("copied")
    };
    office.stop();
    put();
    office.start("data");
    let destroy = |month: &str, how: &[&str]| {
        let basis = ["--legal-basis", "Quyết định 20/QĐ-UBND", "--reason", "hết thời hạn tra cứu"];
        office.run(OPERATOR, &[&["audit", "destroy-key", month], &basis[..], how].concat())
    };
    let shown = destroy("2026-01", &["--dry-run"]);
    assert!(shown.status.success(), "{}", noted(&shown));
    says(&noted(&shown), &["would destroy the subject key", "2026-01"]);
    for how in [&["--dry-run"][..], &["--yes"]] {
        let none = destroy("2025-12", how);
        assert_eq!(none.status.code(), Some(4), "{}", noted(&none));
        says(&noted(&none), &["there is no key of 2025-12 to destroy"]);
    }
    let unasked = destroy("2026-01", &[]);
    assert_eq!(unasked.status.code(), Some(2), "{}", noted(&unasked));
    says(&noted(&unasked), &["nobody has said yes"]);

    let destroyed = destroy("2026-01", &["--yes", "--output", "json"]);
    assert!(destroyed.status.success(), "{}", noted(&destroyed));
    let destroyed: Value = serde_json::from_slice(&destroyed.stdout).expect("JSON");
    let entry = destroyed["leaf"].as_str().expect("its entry");
    for how in [&["--dry-run"][..], &["--yes"]] {
        let again = destroy("2026-01", how);
        assert_eq!(again.status.code(), Some(4), "{}", noted(&again));
        says(&noted(&again), &[&format!("the key of 2026-01 is already destroyed, by entry {entry} (")]);
    }
    let listed = office.dir.path().join("data/ledger/destroyed-keys");
    let began = Instant::now();
    while !fs::read_to_string(&listed).is_ok_and(|months| months.contains("2026-01")) {
        assert!(began.elapsed() < PATIENCE, "the ledger lists it");
    }
    while subjects.join("2026-01.key").exists() {
        assert!(began.elapsed() < PATIENCE, "the ledger deletes it");
    }
    let check = ["ledger", "check", "--data", "data"];
    let checked = text(&office.alone(&check).stdout);
    assert!(checked.contains("are as they were sealed") && !checked.contains("2026-01.key"), "{checked}");
    office.stop();
    put();
    let told = "keys/subjects/2026-01.key: its destruction is entered, and it is still there";
    says(&text(&office.alone(&check).stdout), &[told]);
}
