use std::path::PathBuf;
use std::time::Duration;

use lgsp_runtime::config::{self, Problems, Row, SecretFile, row, units};
use serde::{Deserialize, Serialize};

/// The options of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// The folder of the rules.
    pub rules: PathBuf,
    /// The file of the private key that signs snapshots.
    pub signing_key: SecretFile,
    /// The file that keeps what was published last; empty: the topic alone keeps it.
    pub last_published: PathBuf,
    /// `production` or `sandbox`.
    pub environment: String,
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
            signing_key: SecretFile::new("keys/snapshot.pem"),
            last_published: "registry/last-published".into(),
            environment: "sandbox".to_owned(),
            settle: Duration::from_millis(100),
            look_every: Duration::from_secs(1),
        }
    }
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
                "signing-key",
                "a file",
                "The Ed25519 private key in PEM that signs snapshots. Gateways hold its public half.",
            ),
            row(
                "last-published",
                "a file, or empty",
                "Keeps the snapshot that was published last, so that revisions never go back. The embedded broker forgets it;\na Kafka cluster keeps it on its topic.",
            ),
            row("environment", "production or sandbox", "What entries and tokens call this hub."),
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
