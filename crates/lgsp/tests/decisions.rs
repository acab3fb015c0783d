//! The commands by which persons decide, against a hub with a store: what they show, what they refuse, and what they send.

mod office;

use office::{Office, noted};

const DEVELOPER: &str = "an-xaydung";
const APPROVER: &str = "chi-congan";
const OPERATOR: &str = "dung-vanhanh";
const POPULATION: &str = "lgsp.population.v1.PopulationService";

/// A person of each office.
fn open() -> Office {
    Office::open(&[
        (DEVELOPER, "H13.08", "developer"),
        (APPROVER, "G01.30.92", "approver"),
        (OPERATOR, "H13.02", "operator"),
    ])
}

impl Office {
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
}

#[test]
fn a_decision_is_about_what_was_seen_and_its_refusal_says_why() {
    let office = open();
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
    let office = open();
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
