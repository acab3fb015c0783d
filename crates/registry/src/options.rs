use std::path::{Path, PathBuf};
use std::time::Duration;

use lgsp_runtime::config::{self, Problems, Row, SecretFile, row, units};
use serde::{Deserialize, Serialize};

use crate::working_days::{MOST, date};

/// The holidays of 2026 and 2027 whose dates the Labour Code (45/2019/QH14, art. 112) fixes: New Year, Victory Day, Labour Day and
/// National Day. The lunar ones and the second day of National Day are announced year by year.
const HOLIDAYS: [&str; 8] = [
    "2026-01-01",
    "2026-04-30",
    "2026-05-01",
    "2026-09-02",
    "2027-01-01",
    "2027-04-30",
    "2027-05-01",
    "2027-09-02",
];

/// The `store` of a registry that goes by its files on purpose, though a store has decided before.
const FILES: &str = "files";

/// What an empty store begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BeginWith {
    /// All that the files say.
    Files,
    /// Agencies, purposes and roles of the files, and the hub's own services and tool: persons decide about the rest.
    Hub,
}

/// The options of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// The folder of the rules.
    pub rules: PathBuf,
    /// Where decisions about the rules are kept: a URL as [`lgsp_store::Options`] has it. Empty: the files are the rules; and
    /// `files`: they are again, though a store has decided before.
    pub store: String,
    /// A file with the password of a store on PostgreSQL; empty: it wants none.
    pub store_password_file: PathBuf,
    /// A file with the authorities that may vouch for a store on PostgreSQL; empty: those that are public.
    pub store_root_certificates: PathBuf,
    /// What an empty store begins with.
    pub begin_with: BeginWith,
    /// The folder for the keys of the administrators that an empty store begins with.
    pub administrators: PathBuf,
    /// The file of the private key that signs snapshots.
    pub signing_key: SecretFile,
    /// The public halves of keys that signed before; empty: there are none.
    pub former_keys: PathBuf,
    /// The file that keeps what was published last; empty: the topic alone keeps it.
    pub last_published: PathBuf,
    /// `production` or `sandbox`.
    pub environment: String,
    /// Public holidays, on which no answer is due: dates such as `2026-09-02`.
    pub holidays: Vec<String>,
    /// How long to wait for more changes after the first.
    #[serde(with = "units::duration")]
    pub settle: Duration,
    /// How often to look for changes that the system did not tell of.
    #[serde(with = "units::duration")]
    pub look_every: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rules: "registry".into(),
            store: String::new(),
            store_password_file: PathBuf::new(),
            store_root_certificates: PathBuf::new(),
            begin_with: BeginWith::Files,
            administrators: "keys/administrators".into(),
            signing_key: SecretFile::new("keys/snapshot.pem"),
            former_keys: PathBuf::new(),
            last_published: "registry/last-published".into(),
            environment: "sandbox".to_owned(),
            holidays: HOLIDAYS.iter().map(|date| (*date).to_owned()).collect(),
            settle: Duration::from_millis(100),
            look_every: Duration::from_secs(1),
        }
    }
}

impl Options {
    /// Makes relative paths relative to the data directory.
    pub fn resolve(&mut self, data: &Path) {
        if let Some(path) = self.store.strip_prefix("sqlite:") {
            self.store = format!("sqlite:{}", data.join(path).display());
        }
        self.signing_key = SecretFile::new(data.join(self.signing_key.path()));
        let files = [
            &mut self.store_password_file,
            &mut self.store_root_certificates,
            &mut self.former_keys,
            &mut self.last_published,
        ];
        for file in files.into_iter().filter(|file| !file.as_os_str().is_empty()) {
            *file = data.join(&*file);
        }
        for folder in [&mut self.rules, &mut self.administrators] {
            *folder = data.join(&*folder);
        }
    }

    /// Whether the files are the rules because somebody has said so, and not for want of a store.
    pub(crate) fn goes_by_files_on_purpose(&self) -> bool {
        self.store == FILES
    }

    /// Whether persons decide about the rules, in a store.
    pub fn has_a_store(&self) -> bool {
        self.store().is_some()
    }

    /// The store of decisions, if there is one.
    pub(crate) fn store(&self) -> Option<lgsp_store::Options> {
        (!self.store.is_empty() && self.store != FILES).then(|| lgsp_store::Options {
            password_file: file(&self.store_password_file),
            root_certificates: file(&self.store_root_certificates),
            ..lgsp_store::Options::of(self.store.clone())
        })
    }
}

/// The file of a path; none if it is empty.
fn file(path: &Path) -> Option<PathBuf> {
    (!path.as_os_str().is_empty()).then(|| path.to_owned())
}

impl config::Options for Options {
    fn reference() -> Vec<Row> {
        vec![
            row(
                "rules",
                "a folder",
                "Where the rules stand: agencies.toml, purposes.toml, services.toml, roles.toml, applications.toml, credentials.toml and agreements.toml.",
            ),
            row(
                "store",
                "sqlite:<path> or postgres://<user>@<host>/<database>, or files, or empty",
                "Where decisions about the rules are kept. Empty: the files of `rules` are the rules, and nobody decides at run time.\nAn empty store begins with the files; after that they are not read any more, and a registry without its store refuses to\nstart, unless it is told `files`: then they are the rules again, with whatever they still grant.",
            ),
            row(
                "store-password-file",
                "a file",
                "Holds the password of a store on PostgreSQL, and nothing else.",
            ),
            row(
                "store-root-certificates",
                "a file of certificates in PEM, or empty",
                "The authorities that may vouch for a store on PostgreSQL.",
            ),
            row(
                "begin-with",
                "files or hub",
                "What an empty store begins with: all that the files say; or only their agencies, purposes and roles with the hub's own\nservices and tool, and persons decide about the rest.",
            ),
            row(
                "administrators",
                "a folder",
                "Gets the private keys of the two administrators that an empty store begins with.",
            ),
            row(
                "signing-key",
                "a file",
                "The Ed25519 private key in PEM that signs snapshots. Gateways hold its public half.",
            ),
            row(
                "former-keys",
                "a file, or empty",
                "While the signing key is replaced: the public halves, in PEM, of keys that signed before. What they signed last is\nknown as ours and signed anew, under a later revision.",
            ),
            row(
                "last-published",
                "a file, or empty",
                "Keeps the snapshot that was published last, so that revisions never go back. The embedded broker forgets it;\na Kafka cluster keeps it on its topic.",
            ),
            row(
                "environment",
                "production or sandbox",
                "What entries and tokens call this hub. Gateways read it too, and take the rules of no other.",
            ),
            row(
                "holidays",
                "a list of dates, such as [\"2026-09-02\"]",
                "Public holidays: requests to connect are answered within two working days. Saturdays and Sundays need not be named.\nShipped are those of 2026 and 2027 with a fixed date. Add what is announced year by year: Tết, the Hùng Kings' day, the\nsecond day of National Day, and days off that are moved.",
            ),
            row(
                "settle",
                units::duration::ACCEPTS,
                "After a file has changed: how long to wait for further changes before the rules are read.",
            ),
            row(
                "look-every",
                units::duration::ACCEPTS,
                "How often to look for changes that the file system did not tell of.",
            ),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        if !matches!(self.environment.as_str(), "production" | "sandbox") {
            problems.add("environment", format!("`{}` is no environment", self.environment));
        }
        for text in self.holidays.iter().filter(|text| date(text).is_none()) {
            problems.add("holidays", format!("`{text}` is no date"));
        }
        if self.holidays.len() > MOST {
            problems.add("holidays", format!("has more than {MOST} dates"));
        }
        if let Some(store) = self.store()
            && let Err(lgsp_store::Error::Options { key, reason }) = store.check()
        {
            let key = if key == "url" { "store".to_owned() } else { format!("store-{key}") };
            problems.add(&key, reason);
        }
        if self.look_every < Duration::from_millis(10) {
            problems.add("look-every", "the rules would be read without a pause");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_in_the_reference() {
        assert_eq!(config::drift::<Options>(), Vec::<String>::new());
    }
}
