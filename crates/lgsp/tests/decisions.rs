//! The commands by which persons decide, against a hub with a store: what they show, what they refuse, and what they send.

use std::path::PathBuf;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lgsp::config::Config;
use lgsp::{layout, up};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use tokio::runtime::Runtime;

const DEVELOPER: &str = "an-xaydung";
const APPROVER: &str = "chi-congan";
const OPERATOR: &str = "dung-vanhanh";
const POPULATION: &str = "lgsp.population.v1.PopulationService";

/// A hub in a scratch directory, and a person of each office.
struct Office {
    dir: tempfile::TempDir,
    runtime: Runtime,
    hub: Option<up::Hub>,
    grpc: String,
}

impl Office {
    fn open() -> Self {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let runtime = Runtime::new().expect("a runtime");
        let mut config = Config { data: dir.path().join("data"), ..Config::default() };
        config.gateway.listen = ([127, 0, 0, 1], 0).into();
        config.registry.environment = "production".to_owned();
        config.registry.store = "sqlite:registry.db".to_owned();
        let city = lgsp_sample::Config { citizens: 100, seed: up::SEED };
        let hub = runtime.block_on(Box::pin(up::start(config, city, |_| ()))).expect("the hub starts");
        let grpc = hub.grpc.to_string();
        let office = Self { dir, runtime, hub: Some(hub), grpc };
        office.put(DEVELOPER, "H13.08", "developer");
        office.put(APPROVER, "G01.30.92", "approver");
        office.put(OPERATOR, "H13.02", "operator");
        office
    }

    fn put(&self, person: &str, agency: &str, role: &str) {
        let key = layout::make_new_signing_key(&self.key(person)).expect("made");
        let key = STANDARD.encode(key.verifying_key().as_bytes());
        let until = OffsetDateTime::now_utc() + Duration::days(300);
        let until = until.format(&Rfc3339).expect("a moment");
        let put = format!(
            r#"{{"person": {{"id": "{person}", "agencyCode": "{agency}", "roles": ["{role}"], "credentials":
                [{{"keyId": "{person}-1", "ed25519PublicKey": "{key}", "notAfter": "{until}"}}]}}}}"#
        );
        let proposed = self.administer("admin-1", "PutPerson", &put);
        let etag = proposed["proposal"]["etag"].as_str().expect("it waits").to_owned();
        self.administer("admin-2", "ConfirmPerson", &format!(r#"{{"id": "{person}", "etag": "{etag}"}}"#));
    }

    fn administer(&self, by: &str, method: &str, request: &str) -> serde_json::Value {
        let key = self.dir.path().join(format!("data/keys/administrators/{by}.pem"));
        let method = format!("lgsp.registry.v1.DecisionService/{method}");
        let output = self.lgsp(&["call", "--as", by, "--key", &key.display().to_string(), &method, request]);
        assert!(output.status.success(), "{}", noted(&output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    fn key(&self, person: &str) -> PathBuf {
        self.dir.path().join(format!("{person}.pem"))
    }

    fn lgsp(&self, words: &[&str]) -> Output {
        let mut lgsp = Command::new(env!("CARGO_BIN_EXE_lgsp"));
        lgsp.args(words).args(["--grpc", &self.grpc]).env("LC_ALL", "C").current_dir(self.dir.path());
        lgsp.output().expect("it runs")
    }

    /// A command line of a person.
    fn run(&self, person: &str, line: &[&str]) -> Output {
        let key = self.key(person).display().to_string();
        self.lgsp(&[line, &["--as", person, "--key", &key]].concat())
    }

    /// The record that a decision answers with.
    fn decide(&self, person: &str, line: &[&str]) -> serde_json::Value {
        let output = self.run(person, &[line, &["--output", "json"]].concat());
        assert!(output.status.success(), "{line:?}: {}", noted(&output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// What a refused command says, in the order in which it says it.
    fn refused(&self, person: &str, line: &[&str], exit: i32, expected: &[&str]) {
        let output = self.run(person, line);
        let noted = noted(&output);
        assert_eq!(output.status.code(), Some(exit), "{line:?}: {noted}");
        let mut rest = noted.as_str();
        for text in expected {
            let place = rest.find(text).unwrap_or_else(|| panic!("{line:?} does not say {text}: {noted}"));
            rest = &rest[place + text.len()..];
        }
    }

    fn requested(&self) -> serde_json::Value {
        let contact = "Phòng Quản lý xây dựng; qlxd@xaydung.example.vn";
        let line = ["connection", "request", "gpxd", "--agency", "H13.08", "--name-vi", "Cấp phép"];
        self.decide(DEVELOPER, &[&line[..], &["--name-en", "Permits", "--contact", contact]].concat())
    }

    fn close(mut self) {
        if let Some(hub) = self.hub.take() {
            self.runtime.block_on(hub.stop());
        }
    }
}

fn noted(output: &Output) -> String {
    let noted = String::from_utf8_lossy(&output.stderr);
    noted.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
}

#[test]
fn a_decision_is_about_what_was_seen_and_its_refusal_says_why() {
    let office = Office::open();
    let requested = office.requested();
    let seen = requested["etag"].as_str().expect("an etag").to_owned();

    let only_shown = office.run(OPERATOR, &["connection", "approve", "gpxd", "--dry-run"]);
    assert!(only_shown.status.success() && only_shown.stdout.is_empty(), "nothing was decided");
    let shown = noted(&only_shown);
    for told in ["would approve the connection:", "gpxd (Permits)", "stage requested", "qlxd@", DEVELOPER] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    let early = ["stage requested\n", "WRONG_STAGE", "stage is requested, and has to be onboarding"];
    office.refused(OPERATOR, &["connection", "connect", "gpxd"], 5, &early);
    let bare = r#"{"id": "gpxd", "etag": "1"}"#;
    let call = ["call", "lgsp.registry.v1.ConnectionService/RefuseConnection", bare];
    let stated = ["INVALID_FIELD (INVALID_ARGUMENT)", "reason is required", "legal_basis is required"];
    office.refused(OPERATOR, &call, 5, &stated);

    let approved = office.decide(OPERATOR, &["connection", "approve", "gpxd", "--etag", &seen]);
    assert_eq!(approved["application"]["state"], "APPLICATION_STATE_ONBOARDING");
    let stale = ["connection", "connect", "gpxd", "--etag", &seen];
    office.refused(OPERATOR, &stale, 1, &["stage onboarding\n", "STALE"]);
    let keyless = ["WRONG_STAGE", "credential none for production is good now"];
    office.refused(OPERATOR, &["connection", "connect", "gpxd"], 5, &keyless);
    office.refused(OPERATOR, &["connection", "show", "nobody"], 4, &["there is no application nobody"]);
    office.close();
}

#[test]
fn an_agreement_is_proposed_from_a_file_amended_and_checked() {
    let office = Office::open();
    office.requested();
    office.decide(OPERATOR, &["connection", "approve", "gpxd"]);
    let file = format!(
        "[[agreement]]\nid = \"tt-gpxd\"\nversion = 7\napplication = \"gpxd\"\nservice = \"{POPULATION}\"\n\
         purposes = [\"verify\"]\nvalid-from = 2026-11-01\nvalid-to = 2090-01-01\nlegal-basis = \"a law\"\n\
         state = \"active\"\n[agreement.quota]\nper-day = 9\n[[agreement.grant]]\nmethod = \"GetCitizen\"\n\
         fields = [\"citizen.full_name\", \"citizen.ethnicity\"]\n"
    );
    std::fs::write(office.dir.path().join("terms.toml"), file).expect("written");
    let other = ["agreement", "propose", "tt-other", "--file", "terms.toml"];
    office.refused(DEVELOPER, &other, 4, &["no agreement in the file by the id tt-other", "tt-gpxd"]);
    let propose = ["agreement", "propose", "tt-gpxd", "--file", "terms.toml", "--reason", "r"];
    let proposed = office.decide(DEVELOPER, &propose);
    let terms = &proposed["agreement"];
    assert_eq!((&terms["version"], &terms["quota"]["perDay"]), (&1.into(), &"9".into()));
    assert_eq!(terms["validFrom"], "2026-10-31T17:00:00Z", "a day begins at midnight in Viet Nam");

    let early = office.run(OPERATOR, &["agreement", "activate", "tt-gpxd"]);
    assert!(noted(&early).contains("There are: 1 (proposed)"), "{}", noted(&early));
    let approve = office.run(APPROVER, &["agreement", "approve", "tt-gpxd"]);
    let (shown, told) = (noted(&approve), String::from_utf8_lossy(&approve.stdout).into_owned());
    for text in [
        "fields GetCitizen: citizen.ethnicity, citizen.full_name\n",
        "quota 9 a day\n",
        "legal basis a law\n",
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    assert!(shown.contains("sensitive GetCitizen: citizen.ethnicity\n"), "{shown}");
    assert!(told.contains("approved"), "{told}");
    office.decide(OPERATOR, &["agreement", "activate", "tt-gpxd"]);

    let amended = office.run(DEVELOPER, &["agreement", "amend", "tt-gpxd", "--per-day", "10"]);
    assert!(noted(&amended).contains("new quota.perDay: 9 → 10\n"), "{}", noted(&amended));
    let again = ["agreement", "amend", "tt-gpxd", "--per-day", "11"];
    office.refused(DEVELOPER, &again, 5, &["WRONG_STAGE", "an earlier one waits for its decision"]);
    let suspended = office.decide(APPROVER, &["agreement", "suspend", "tt-gpxd", "--reason", "r"]);
    assert_eq!(suspended["agreement"]["version"], 1, "the one in force, and not the one that waits");
    let resumed = office.decide(OPERATOR, &["agreement", "resume", "tt-gpxd"]);
    assert_eq!(resumed["stage"], "AGREEMENT_STAGE_ACTIVE");

    let method = format!("{POPULATION}/GetCitizen");
    let check = ["agreement", "check", "gpxd", &method, "--purpose", "verify"];
    office.refused(DEVELOPER, &check, 3, &["would refuse the call: APPLICATION_NOT_CONNECTED"]);
    let out = office.dir.path().join("gpxd-1.pem").display().to_string();
    let issue = ["credential", "issue", "gpxd", "--environment", "production", "--out", &out];
    assert!(office.run(DEVELOPER, &issue).status.success());
    office.decide(OPERATOR, &["connection", "connect", "gpxd"]);
    let checked = office.run(DEVELOPER, &check);
    let told = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success() && told.contains("agreement tt-gpxd version 1"), "{told}");
    office.close();
}
