use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lgsp_runtime::config::{self, Problems, Row, row, section, units};
use lgsp_tlog::{Kind, VerifierKey};
use serde::{Deserialize, Serialize};

use crate::anomalies::Anomalies;
use crate::retention::Retention;

/// The options of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// The folder of the ledger.
    pub dir: PathBuf,
    /// Where index, erasable parts and head are kept: a URL of PostgreSQL as [`lgsp_store::Options`] has it. Empty: in files of the
    /// folder.
    pub store: String,
    /// A file with the password of the store; empty: it wants none.
    pub store_password_file: PathBuf,
    /// A file with the authorities that may vouch for the store.
    pub store_root_certificates: PathBuf,
    /// The log's name in its checkpoints: an URL without its scheme.
    pub origin: String,
    /// How often the log is sealed under load.
    #[serde(with = "units::duration")]
    pub seal_every: Duration,
    /// Who is asked to cosign its checkpoints.
    pub witnesses: Vec<Witness>,
    /// Where exchanges without an end are entered as abandoned.
    pub abandon: Abandon,
    /// How long after its deadline an exchange without an end is entered as abandoned.
    #[serde(with = "units::duration")]
    pub abandon_after: Duration,
    /// Most requests that are watched for their end; further ones wait on their topic.
    pub most_open: usize,
    /// Size of a segment of the log.
    #[serde(with = "units::size")]
    pub segment_size: usize,
    /// Size of a segment of the journal.
    #[serde(with = "units::size")]
    pub journal_size: usize,
    /// How long filed entries may stay in the journal, where their erasable parts are too.
    #[serde(with = "units::duration")]
    pub journal_for: Duration,
    /// Most bytes of the journal that wait to be filed.
    #[serde(with = "units::size")]
    pub most_unfiled: usize,
    /// Exchanges that wait for one slow follower.
    pub follow_buffer: usize,
    /// Most followers at once.
    pub most_followers: usize,
    /// How long one follower's stream lasts.
    #[serde(with = "units::duration")]
    pub follow_for: Duration,
    /// How long what can be erased is kept.
    pub retention: Retention,
    /// What is looked for, for auditors.
    pub anomalies: Box<Anomalies>,
}

/// A witness that somebody else runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Witness {
    /// Where it is asked: `add-checkpoint` lies below.
    pub url: String,
    /// Its name and key.
    #[serde(with = "vkey")]
    pub vkey: VerifierKey,
    /// The file with the authorities that vouch for it, with https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

/// More would not make anybody surer, and each is asked about every checkpoint.
const MOST_WITNESSES: usize = 16;

/// Where exchanges without an end are entered as abandoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Abandon {
    /// Only on Kafka: the embedded broker does not outlive its gateways.
    OnKafka,
    /// On the embedded broker too.
    Always,
    /// Nowhere.
    Never,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dir: "ledger".into(),
            store: String::new(),
            store_password_file: PathBuf::new(),
            store_root_certificates: PathBuf::new(),
            origin: "lgsp.local/exchange-log".to_owned(),
            seal_every: Duration::from_secs(1),
            witnesses: Vec::new(),
            abandon: Abandon::OnKafka,
            abandon_after: Duration::from_secs(60),
            most_open: 100_000,
            segment_size: 16 << 20,
            journal_size: 8 << 20,
            journal_for: Duration::from_secs(60),
            most_unfiled: 1 << 30,
            follow_buffer: 4_096,
            most_followers: 64,
            follow_for: Duration::from_secs(15 * 60),
            retention: Retention::default(),
            anomalies: Box::default(),
        }
    }
}

impl Options {
    /// Smallest segment that makes sense: a record of Kafka fits.
    pub const SMALLEST_SEGMENT: usize = 4 << 10;

    /// Makes relative paths relative to a data directory.
    pub fn resolve(&mut self, data: &Path) {
        self.dir = data.join(&self.dir);
        let files = [&mut self.store_password_file, &mut self.store_root_certificates];
        for file in files.into_iter().filter(|file| !file.as_os_str().is_empty()) {
            *file = data.join(&*file);
        }
        for ca in self.witnesses.iter_mut().filter_map(|witness| witness.ca.as_mut()) {
            *ca = data.join(&*ca);
        }
    }

    /// The store of index, erasable parts and head, if they are not in files.
    pub(crate) fn store(&self) -> Option<lgsp_store::Options> {
        let file = |path: &PathBuf| (!path.as_os_str().is_empty()).then(|| path.clone());
        (!self.store.is_empty()).then(|| lgsp_store::Options {
            password_file: file(&self.store_password_file),
            root_certificates: file(&self.store_root_certificates),
            ..lgsp_store::Options::of(self.store.clone())
        })
    }

    fn check_store(&self, problems: &mut Problems) {
        let Some(store) = self.store() else { return };
        if matches!(store.dialect(), Ok(lgsp_store::Dialect::Sqlite)) {
            return problems.add("store", "is for PostgreSQL: files lie in the ledger's folder");
        }
        if let Err(lgsp_store::Error::Options { key, reason }) = store.check() {
            match key {
                "password-file" => problems.add("store-password-file", reason),
                "root-certificates" => problems.add("store-root-certificates", reason),
                _ => problems.add("store", reason),
            }
        }
    }

    fn check_witnesses(&self, problems: &mut Problems) {
        let mut names = BTreeSet::new();
        for Witness { url, vkey, ca } in &self.witnesses {
            let scheme = url.parse::<http::Uri>().ok().filter(|url| url.query().is_none());
            match scheme.as_ref().and_then(http::Uri::scheme_str) {
                Some("http") => {}
                Some("https") if ca.is_some() => {}
                Some("https") => problems.add("witnesses", format!("{url} needs ca: who vouches for it")),
                Some(_) | None => problems.add("witnesses", format!("{url} is no URL of http or https")),
            }
            if vkey.kind() != Kind::Witness {
                problems.add("witnesses", format!("the key of {} is a log's", vkey.name()));
            }
            if !names.insert(vkey.name()) {
                problems.add("witnesses", format!("{} is named twice", vkey.name()));
            }
        }
        if self.witnesses.len() > MOST_WITNESSES {
            problems.add("witnesses", format!("are more than {MOST_WITNESSES}"));
        }
    }
}

impl config::Options for Options {
    fn reference() -> Vec<Row> {
        let (size, duration) = (units::size::ACCEPTS, units::duration::ACCEPTS);
        let rows = vec![
            row(
                "dir",
                "a folder",
                "Where the ledger keeps its files: journal, log, index and erasable parts.",
            ),
            row(
                "store",
                "postgres://<user>@<host>/<database>, or empty",
                "Where index, erasable parts and head of the log are kept. Empty: in files of the folder. On PostgreSQL, in schemas of their own;\nthe log itself stays in the folder.",
            ),
            row(
                "store-password-file",
                "a file",
                "Holds the password of the store on PostgreSQL, and nothing else.",
            ),
            row(
                "store-root-certificates",
                "a file of certificates in PEM, or empty",
                "The authorities that may vouch for the store on PostgreSQL.",
            ),
            row(
                "origin",
                "an URL without its scheme",
                "The log's name in its checkpoints. It stays the same for the log's whole life: proofs name it.",
            ),
            row(
                "seal-every",
                duration,
                "How often the log is sealed, and its checkpoint signed, under load.",
            ),
            row(
                "witnesses",
                "a list of { url, vkey } and, for https, ca",
                "Who is asked to cosign the log's checkpoints: where add-checkpoint of C2SP's tlog-witness lies below, name and key of the witness,\nand a file with the authorities that vouch for it. Nothing waits for them.",
            ),
            row(
                "abandon",
                "on-kafka, always or never",
                "Where exchanges without an end are entered as abandoned. The embedded broker does not outlive its gateways.",
            ),
            row(
                "abandon-after",
                duration,
                "How long after its deadline an exchange without an end is entered as abandoned.",
            ),
            row(
                "most-open",
                "1 to 10000000",
                "Most requests that are watched for their end. Further ones wait on their topic, which keeps them for ten minutes.",
            ),
            row("segment-size", size, "Size of a segment of the log. At least 4KiB."),
            row("journal-size", size, "Size of a segment of the journal. At least 4KiB."),
            row(
                "journal-for",
                duration,
                "How long filed entries may stay in the journal, where their erasable parts are too.",
            ),
            row(
                "most-unfiled",
                size,
                "Most bytes of the journal that wait to be filed. With more, nothing further is taken in.",
            ),
            row(
                "follow-buffer",
                "1 to 1000000",
                "Exchanges that wait for one slow follower before its stream is ended with an error.",
            ),
            row("most-followers", "1 to 10000", "Most followers at once; of one application 8, the newest."),
            row("follow-for", duration, "How long one follower's stream lasts; it can be opened again."),
        ];
        [rows, section::<Retention>("retention"), section::<Anomalies>("anomalies")].concat()
    }

    fn check(&self, problems: &mut Problems) {
        if lgsp_tlog::Checkpoint::new(&self.origin, 0, lgsp_tlog::Hash::EMPTY_TREE).is_err()
            || self.origin.contains([' ', '+'])
        {
            problems.add("origin", "is empty, or has spaces, plus signs or control characters");
        }
        self.check_store(problems);
        self.check_witnesses(problems);
        problems.section("retention", &self.retention);
        problems.section("anomalies", &*self.anomalies);
        problems.range("most-open", self.most_open, 1..=10_000_000);
        problems.range("follow-buffer", self.follow_buffer, 1..=1_000_000);
        problems.range("most-followers", self.most_followers, 1..=10_000);
        for (key, size) in [("segment-size", self.segment_size), ("journal-size", self.journal_size)] {
            problems.range(key, size, Self::SMALLEST_SEGMENT..=1 << 30);
        }
        if self.most_unfiled < self.journal_size.saturating_mul(2) {
            problems.add("most-unfiled", "holds less than two segments of the journal");
        }
    }
}

/// A key in its text.
mod vkey {
    use lgsp_tlog::VerifierKey;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(key: &VerifierKey, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(key)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<VerifierKey, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(witnesses: Vec<Witness>) -> String {
        let mut problems = Problems::default();
        config::Options::check(&Options { witnesses, ..Options::default() }, &mut problems);
        format!("{problems:?}")
    }

    #[test]
    fn a_witness_has_a_url_and_a_key_of_its_kind_and_is_named_once() {
        let key = |kind| {
            let key = lgsp_tlog::SignerKey::from_seed("witness.example/w1", kind, &[1; 32]).unwrap();
            key.verifier().clone()
        };
        let of = |url: &str, kind| Witness { url: url.to_owned(), vkey: key(kind), ca: None };
        let good = || of("http://192.0.2.1:8480/", Kind::Witness);
        assert!(problems(vec![good()]).contains("found: []"));
        assert!(problems(vec![good(), good()]).contains("named twice"));
        assert!(problems(vec![of("http://192.0.2.1", Kind::Log)]).contains("is a log's"));
        for url in ["192.0.2.1", "ftp://192.0.2.1", "/add-checkpoint", "http://192.0.2.1/?a=b"] {
            assert!(problems(vec![of(url, Kind::Witness)]).contains("no URL"), "{url}");
        }
        assert!(problems(vec![of("https://192.0.2.1", Kind::Witness)]).contains("needs ca"));
        let toml = r#"{ "witnesses": [{ "url": "http://192.0.2.1", "vkey": "no key" }] }"#;
        assert!(serde_json::from_str::<Options>(toml).is_err());
    }

    #[test]
    fn every_option_is_in_the_reference_and_the_defaults_have_no_problem() {
        assert_eq!(config::drift::<Options>(), Vec::<String>::new());
        let mut problems = Problems::default();
        config::Options::check(&Options::default(), &mut problems);
        assert!(format!("{problems:?}").contains("found: []"));
    }
}
