//! Configuration, as an operator meets it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use lgsp_runtime::config::{self, Options, Problems, Row, Sources, row, section, units};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct Gateway {
    listen: String,
    max_in_flight: usize,
    #[serde(with = "units::duration")]
    longest_deadline: Duration,
    methods: Vec<String>,
}

impl Default for Gateway {
    fn default() -> Self {
        let listen = "127.0.0.1:50051".to_owned();
        Self {
            listen,
            max_in_flight: 1000,
            longest_deadline: Duration::from_secs(30),
            methods: vec!["POST".to_owned()],
        }
    }
}

impl Options for Gateway {
    fn reference() -> Vec<Row> {
        vec![
            row("listen", "address:port", "Where callers connect."),
            row(
                "max-in-flight",
                "1 to 100000",
                "Exchanges in flight at once.\nMore are refused with a retry hint.",
            ),
            row("longest-deadline", units::duration::ACCEPTS, "No exchange lasts longer."),
            row("methods", "a list of verbs", "The verbs that are served."),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        problems.range("max-in-flight", self.max_in_flight, 1..=100_000);
    }
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct Role {
    name: Option<String>,
    gateway: Gateway,
    librdkafka: BTreeMap<String, String>,
}

impl Options for Role {
    fn reference() -> Vec<Row> {
        let mut rows = vec![
            row("name", "any text", "A name for the screens."),
            row("librdkafka", "a table of options", "Passed on to librdkafka."),
        ];
        rows.extend(section::<Gateway>("gateway"));
        rows
    }

    fn check(&self, problems: &mut Problems) {
        problems.section("gateway", &self.gateway);
    }
}

fn file(content: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lgsp.toml");
    std::fs::write(&path, content).unwrap();
    (dir, path)
}

fn variables(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_command_line_beats_the_environment_which_beats_the_file_which_beats_the_defaults() {
    let (_dir, path) = file("[gateway]\nlisten = \"file\"\nmax-in-flight = 5\nlongest-deadline = \"2m\"\n");
    let sources = Sources::default()
        .file(Some(&path))
        .environment(variables(&[
            ("LGSP__GATEWAY__LISTEN", "environment"),
            ("LGSP__GATEWAY__MAX_IN_FLIGHT", "6"),
        ]))
        .set("gateway.listen", "command line");

    let role: Role = config::load(&sources).unwrap();

    assert_eq!(role.gateway.listen, "command line");
    assert_eq!(role.gateway.max_in_flight, 6);
    assert_eq!(role.gateway.longest_deadline, Duration::from_secs(120));
    assert_eq!(role.gateway.methods, ["POST"]);
}

#[test]
fn kubernetes_service_variables_are_not_ours() {
    let environment = variables(&[("LGSP_PORT", "tcp://10.0.0.1:80"), ("LGSP_SERVICE_HOST", "10.0.0.1")]);
    let role: Role = config::load(&Sources::default().environment(environment)).unwrap();
    assert_eq!(role, Role::default());
}

#[test]
fn text_that_looks_like_a_number_stays_text() {
    let environment = variables(&[("LGSP__NAME", "1.10"), ("LGSP__GATEWAY__METHODS", "[\"GET\", \"POST\"]")]);
    let role: Role = config::load(&Sources::default().environment(environment)).unwrap();
    assert_eq!(role.name.as_deref(), Some("1.10"));
    assert_eq!(role.gateway.methods, ["GET", "POST"]);
}

#[test]
fn all_problems_are_reported_at_once_each_with_its_key_what_is_accepted_and_its_origin() {
    let (_dir, path) =
        file("nmae = \"x\"\n[gateway]\nmax-in-flight = \"many\"\nlongest-deadline = \"2 weeks\"\n");
    let sources = Sources::default()
        .file(Some(&path))
        .environment(variables(&[("LGSP__GATEWAY__MTEHODS", "x"), ("LGSP__GATEWAY__LISTEN", "[1]")]))
        .set("gateway.methods", "7");

    let error = config::load::<Role>(&sources).unwrap_err();

    let keys: Vec<&str> = error.problems.iter().map(|problem| problem.key.as_str()).collect();
    for key in
        ["nmae", "gateway.max-in-flight", "gateway.longest-deadline", "gateway.mtehods", "gateway.methods"]
    {
        assert!(keys.contains(&key), "{key} is missing from {keys:?}");
    }
    let text = error.to_string();
    assert!(text.contains("accepted: 1 to 100000"), "{text}");
    assert!(text.contains("accepted: name, gateway, librdkafka"), "{text}");
    assert!(text.contains("lgsp.toml"), "{text}");
    assert!(text.contains("environment variable LGSP__GATEWAY__MTEHODS"), "{text}");
    assert!(text.contains("command line"), "{text}");
}

#[test]
fn a_number_out_of_range_is_reported_beside_a_key_of_the_wrong_type() {
    let (_dir, path) = file("[gateway]\nmax-in-flight = 0\nlongest-deadline = 7\n");
    let error = config::load::<Role>(&Sources::default().file(Some(&path))).unwrap_err();
    assert_eq!(error.problems.len(), 2, "{error}");
    assert!(error.to_string().contains("gateway.max-in-flight: 0 is not between 1 and 100000"), "{error}");
}

#[test]
fn a_missing_and_a_malformed_file_are_named() {
    let missing =
        config::load::<Role>(&Sources::default().file(Some("/nowhere/lgsp.toml".as_ref()))).unwrap_err();
    assert!(missing.to_string().contains("/nowhere/lgsp.toml"), "{missing}");
    let (_dir, path) = file("[gateway\n");
    let malformed = config::load::<Role>(&Sources::default().file(Some(&path))).unwrap_err();
    assert!(malformed.to_string().contains("lgsp.toml"), "{malformed}");
}

#[test]
fn the_rendered_reference_says_the_same_as_no_file_and_names_every_key() {
    let text = config::render::<Role>();
    let (_dir, path) = file(&text);
    let role: Role = config::load(&Sources::default().file(Some(&path))).unwrap();
    assert_eq!(role, Role::default());
    assert!(
        text.contains(
            "# More are refused with a retry hint.\n# Accepted: 1 to 100000.\nmax-in-flight = 1000\n"
        ),
        "{text}"
    );
    assert!(text.contains("# name = (not set)\n"), "{text}");
    assert_eq!(config::drift::<Role>(), Vec::<String>::new());
}

#[derive(Default, Serialize, Deserialize)]
struct Drifted {
    forgotten: u8,
}

impl Options for Drifted {
    fn reference() -> Vec<Row> {
        vec![row("removed", "nothing", "No longer a key.")]
    }
}

#[test]
fn drift_between_the_reference_and_the_options_is_noticed() {
    assert_eq!(config::drift::<Drifted>(), ["forgotten has no row", "removed has a row but is no key"]);
}
