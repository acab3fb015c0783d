use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use lgsp_runtime::config::{self, Problems, Row, row};
use lgsp_tlog::witness::{Log, Witness};
use lgsp_tlog::{Kind, SignerKey, VerifierKey};
use serde::{Deserialize, Serialize};

/// More logs than a witness of cities has.
const MOST_LOGS: usize = 256;
/// Keys of one log: two while one takes the other's place.
const MOST_KEYS: usize = 8;

/// The options of a witness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// Where logs ask.
    pub listen: SocketAddr,
    /// The name of the witness: an URL without its scheme.
    pub name: Option<String>,
    /// The file of the key that cosigns.
    pub key: PathBuf,
    /// The folder of what it has cosigned.
    pub dir: PathBuf,
    /// The logs that it looks after.
    pub logs: Vec<Watched>,
}

/// A log that a witness looks after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Watched {
    /// What its checkpoints begin with.
    pub origin: String,
    /// Its keys: two while one takes the other's place.
    #[serde(with = "vkeys")]
    pub vkeys: Vec<VerifierKey>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8480)),
            name: None,
            key: "keys/witness.pem".into(),
            dir: "witness".into(),
            logs: Vec::new(),
        }
    }
}

impl Options {
    /// Makes relative paths relative to a data directory.
    pub fn resolve(&mut self, data: &Path) {
        for path in [&mut self.key, &mut self.dir] {
            *path = data.join(&path);
        }
    }

    /// The logs, as those who decide about them want them.
    pub(crate) fn watched(&self) -> Vec<Log> {
        let log = |log: &Watched| Log { origin: log.origin.clone(), keys: log.vkeys.clone() };
        self.logs.iter().map(log).collect()
    }
}

impl config::Options for Options {
    fn reference() -> Vec<Row> {
        vec![
            row(
                "listen",
                "address:port; port 0 takes a free one",
                "Where logs ask for cosignatures, by HTTP without TLS: put a proxy before it if they come over public networks. Nothing that is\nasked or answered is secret.",
            ),
            row(
                "name",
                "an URL without its scheme",
                "The name of the witness in its cosignatures, such as witness.example.vn/w1. `lgsp witness` needs it, other roles do not.",
            ),
            row(
                "key",
                "a file",
                "The Ed25519 private key in PEM with which the witness cosigns. It is good with the folder of `dir` alone.",
            ),
            row(
                "dir",
                "a folder",
                "What the witness cosigned last of each log, and what it refused. A copy of before is a witness that forgot: never put one back.",
            ),
            row(
                "logs",
                "a list of { origin, vkeys }",
                "The logs that the witness looks after: what their checkpoints begin with, and the keys that sign them, two while one takes\nthe other's place. A ledger has its own in `checkpoint.vkey` of its folder.",
            ),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        const NOBODY: &str = "witness";
        let key = |name: &str| SignerKey::from_seed(name, Kind::Witness, &[1; 32]);
        if self.name.as_ref().is_some_and(|name| key(name).is_err()) {
            problems.add("name", "is empty, or has spaces, plus signs or control characters");
        }
        if self.logs.len() > MOST_LOGS || self.logs.iter().any(|log| log.vkeys.len() > MOST_KEYS) {
            problems
                .add("logs", format!("has more than {MOST_LOGS} logs, or one more than {MOST_KEYS} keys"));
        }
        if let Ok(key) = key(NOBODY)
            && let Err(error) = Witness::new(key, self.watched())
        {
            problems.add("logs", error.to_string());
        }
    }
}

/// Keys in their texts.
mod vkeys {
    use lgsp_tlog::VerifierKey;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(keys: &[VerifierKey], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(keys.iter().map(ToString::to_string))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<VerifierKey>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_in_the_reference_and_the_defaults_have_no_problem() {
        assert_eq!(config::drift::<Options>(), Vec::<String>::new());
        assert_eq!(problems(&Options::default()), "");
    }

    fn problems(options: &Options) -> String {
        let mut problems = Problems::default();
        config::Options::check(options, &mut problems);
        let told = format!("{problems:?}");
        told.split_once("found: [")
            .and_then(|(_, found)| found.strip_suffix("] }"))
            .unwrap_or(&told)
            .to_owned()
    }

    fn read(logs: &str) -> Result<Options, serde_json::Error> {
        serde_json::from_str(&format!(r#"{{ "name": "witness.example/w1", "logs": {logs} }}"#))
    }

    const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn a_log_has_its_keys_in_their_texts_and_is_named_once() {
        let log = format!(r#"{{ "origin": "example.com/log", "vkeys": ["{VKEY}"] }}"#);
        let options = read(&format!("[{log}]")).expect("a log");
        assert_eq!(options.logs[0].vkeys[0].to_string(), VKEY);
        assert_eq!(problems(&options), "");
        let twice = read(&format!("[{log}, {log}]")).expect("logs");
        assert!(problems(&twice).contains("named twice"), "{}", problems(&twice));
        let no_key = read(r#"[{ "origin": "example.com/log", "vkeys": [] }]"#).expect("a log");
        assert!(problems(&no_key).contains("has no key"));
        assert!(read(&format!("[{}]", log.replace("c74f20a3", "c74f20a4"))).is_err(), "its id is another");
    }
}
