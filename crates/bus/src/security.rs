//! How Kafka proves itself to the clients of a process, and they prove themselves to it.

use std::path::{Path, PathBuf};

use lgsp_runtime::config::{self, Problems, Row, SecretFile, row};
use rdkafka::ClientConfig;
use serde::{Deserialize, Serialize};

use crate::Error;

/// How the connections to Kafka are protected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Security {
    /// What is spoken with the brokers.
    pub protocol: Protocol,
    /// The certificates, in PEM, of the authorities that may vouch for a broker. `None`: those of the system.
    pub ca: Option<PathBuf>,
    /// Our certificate, in PEM, with its chain; for brokers that ask for one.
    pub certificate: Option<PathBuf>,
    /// Its key, in PEM.
    pub key: Option<SecretFile>,
    /// How the password is proved.
    pub mechanism: Mechanism,
    /// Our name on Kafka.
    pub user: Option<String>,
    /// A file with its password and nothing else.
    pub password_file: Option<SecretFile>,
}

/// What is spoken with the brokers. There is none with a password and without encryption: records hold personal data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Nothing is encrypted and nobody is proved.
    #[default]
    Plaintext,
    /// TLS; our certificate, if there is one, proves us.
    Ssl,
    /// TLS; user and password prove us.
    SaslSsl,
}

/// How a password is proved without being sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanism {
    /// SCRAM with SHA-512.
    #[default]
    #[serde(rename = "scram-sha-512")]
    ScramSha512,
    /// SCRAM with SHA-256.
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
}

impl Protocol {
    /// Its name in a configuration.
    fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslSsl => "sasl-ssl",
        }
    }

    /// Its name to librdkafka.
    fn native(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslSsl => "sasl_ssl",
        }
    }
}

impl Mechanism {
    fn native(self) -> &'static str {
        match self {
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::ScramSha256 => "SCRAM-SHA-256",
        }
    }
}

/// Whether this build speaks TLS to Kafka.
pub(crate) const HAS_TLS: bool = cfg!(feature = "kafka-tls");

impl Security {
    /// Makes relative paths relative to the data directory.
    pub(crate) fn resolve(&mut self, data: &Path) {
        for file in [&mut self.ca, &mut self.certificate].into_iter().flatten() {
            *file = data.join(&*file);
        }
        for file in [&mut self.key, &mut self.password_file].into_iter().flatten() {
            *file = SecretFile::new(data.join(file.path()));
        }
    }

    /// What is wrong with it, in a build with TLS to Kafka or in one without: each key with its problem.
    pub(crate) fn problems(&self, has_tls: bool) -> Vec<Error> {
        let mut problems = Vec::new();
        let mut problem = |key, problem: String| problems.push(Error::OptionInvalid { key, problem });
        let protocol = self.protocol.name();
        if self.protocol != Protocol::Plaintext && !has_tls {
            let needed = "and this program was built without TLS to Kafka: build it with \
                          `cargo build --release -p lgsp --features kafka-tls`";
            problem("security.protocol", format!("is `{protocol}`, {needed}"));
        }
        let set = [
            ("security.ca", self.ca.is_some(), Protocol::Ssl),
            ("security.certificate", self.certificate.is_some(), Protocol::Ssl),
            ("security.key", self.key.is_some(), Protocol::Ssl),
            ("security.user", self.user.is_some(), Protocol::SaslSsl),
            ("security.password-file", self.password_file.is_some(), Protocol::SaslSsl),
        ];
        for (key, is_set, least) in set {
            // Whoever names a password and forgets the protocol must not speak in the clear.
            let is_used = self.protocol == least || self.protocol == Protocol::SaslSsl;
            if is_set && !is_used {
                problem(key, format!("is set, and security.protocol is `{protocol}`, which does not use it"));
            }
            if !is_set && least == Protocol::SaslSsl && self.protocol == least {
                problem(key, format!("is not set, and security.protocol is `{protocol}`, which needs it"));
            }
        }
        if self.certificate.is_some() != self.key.is_some() {
            problem(
                "security.certificate",
                "and security.key belong together: one of them is not set".to_owned(),
            );
        }
        if self.user.as_ref().is_some_and(|user| user.trim().is_empty()) {
            problem("security.user", "is empty".to_owned());
        }
        problems
    }
}

/// What each client is given so that the brokers and it believe each other. It holds a password, and has no `Debug`.
pub(crate) struct Login {
    settings: Vec<(&'static str, String)>,
}

impl Login {
    /// Reads what the options name. Blocking; for the start of a process.
    pub(crate) fn read(security: &Security) -> Result<Self, Error> {
        let mut settings = Vec::new();
        if security.protocol == Protocol::Plaintext {
            return Ok(Self { settings });
        }
        settings.push(("security.protocol", security.protocol.native().to_owned()));
        settings.extend(location("ssl.ca.location", "security.ca", security.ca.as_deref())?);
        let certificate = security.certificate.as_deref();
        settings.extend(location("ssl.certificate.location", "security.certificate", certificate)?);
        if let Some(key) = &security.key {
            // Asked for its mode only: librdkafka reads it itself.
            key.read().map_err(|source| Error::Secret { key: "security.key", source })?;
            settings.extend(location("ssl.key.location", "security.key", Some(key.path()))?);
        }
        if let (Some(user), Some(file)) = (&security.user, &security.password_file) {
            let key = "security.password-file";
            let secret = file.read().map_err(|source| Error::Secret { key, source })?;
            let password = secret.text().filter(|text| !text.is_empty());
            let password = password.ok_or_else(|| Error::OptionInvalid {
                key,
                problem: format!("names {}, which holds no password", file.path().display()),
            })?;
            settings.push(("sasl.mechanism", security.mechanism.native().to_owned()));
            settings.push(("sasl.username", user.clone()));
            settings.push(("sasl.password", password.to_owned()));
        }
        Ok(Self { settings })
    }

    pub(crate) fn hand_to(&self, config: &mut ClientConfig) {
        for (key, value) in &self.settings {
            config.set(*key, value);
        }
    }
}

/// librdkafka does not say which of its files is missing.
fn location(
    native: &'static str,
    key: &'static str,
    file: Option<&Path>,
) -> Result<Option<(&'static str, String)>, Error> {
    let Some(file) = file else { return Ok(None) };
    let invalid = |problem| Error::OptionInvalid { key, problem };
    std::fs::File::open(file)
        .map_err(|error| invalid(format!("names {}, which cannot be read: {error}", file.display())))?;
    let path = file.to_str().ok_or_else(|| invalid(format!("is not UTF-8: {}", file.display())))?;
    Ok(Some((native, path.to_owned())))
}

impl config::Options for Security {
    fn reference() -> Vec<Row> {
        vec![
            row(
                "protocol",
                "plaintext, ssl or sasl-ssl",
                "What is spoken with the brokers. ssl: TLS, and the certificate below proves us, if there is one. sasl-ssl: TLS,\n\
                 and user and password prove us. Both need a build with the feature kafka-tls.",
            ),
            row(
                "ca",
                "a file",
                "The certificates, in PEM, of the authorities that may vouch for a broker. Not set: those of the system.",
            ),
            row(
                "certificate",
                "a file",
                "Our certificate, in PEM, with its chain; for brokers that ask for one.",
            ),
            row("key", "a file that its owner alone can read", "The certificate's key, in PEM."),
            row("mechanism", "scram-sha-512 or scram-sha-256", "How the password is proved."),
            row("user", "a name", "Our name on Kafka; with sasl-ssl."),
            row(
                "password-file",
                "a file that its owner alone can read",
                "A file with the user's password and nothing else.",
            ),
        ]
    }

    fn check(&self, _problems: &mut Problems) {
        // `Options` checks it, together with where the brokers are.
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(security: &Security, has_tls: bool) -> Vec<&'static str> {
        let key = |problem: &Error| match problem {
            Error::OptionInvalid { key, .. } => *key,
            other => panic!("{other}"),
        };
        security.problems(has_tls).iter().map(key).collect()
    }

    fn scram() -> Security {
        Security {
            protocol: Protocol::SaslSsl,
            user: Some("lgsp-gateway".to_owned()),
            password_file: Some(SecretFile::new("password")),
            ..Security::default()
        }
    }

    #[test]
    fn a_build_without_tls_refuses_it_and_says_which_build_to_use() {
        assert_eq!(named(&scram(), true), [""; 0]);
        let refused = scram().problems(false).remove(0).to_string();
        assert!(refused.contains("`sasl-ssl`") && refused.contains("--features kafka-tls"), "{refused}");
    }

    #[test]
    fn what_the_protocol_does_not_use_or_lacks_is_named() {
        // A password and no protocol would be a connection in the clear.
        let forgotten = Security { protocol: Protocol::Plaintext, ca: Some("ca.pem".into()), ..scram() };
        assert_eq!(named(&forgotten, true), ["security.ca", "security.user", "security.password-file"]);
        let without = Security { user: None, password_file: None, ..scram() };
        assert_eq!(named(&without, true), ["security.user", "security.password-file"]);
        let certificate =
            Security { protocol: Protocol::Ssl, certificate: Some("us.pem".into()), ..Security::default() };
        assert_eq!(named(&certificate, true), ["security.certificate"]);
        let both = Security { key: Some(SecretFile::new("us.key")), ..certificate };
        assert_eq!(named(&both, true), [""; 0]);
    }

    #[test]
    fn a_password_that_everybody_may_read_and_a_file_that_is_missing_are_refused_by_their_key() {
        let dir = tempfile::tempdir().unwrap();
        let password = dir.path().join("password");
        std::fs::write(&password, "opensesame\n").unwrap();
        let security = |mode: u32| {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&password, std::fs::Permissions::from_mode(mode)).unwrap();
            Security { password_file: Some(SecretFile::new(&password)), ..scram() }
        };
        let refused = Login::read(&security(0o644)).err().unwrap().to_string();
        assert!(refused.contains("kafka.security.password-file") && refused.contains("644"), "{refused}");

        let mut config = ClientConfig::new();
        Login::read(&security(0o600)).ok().unwrap().hand_to(&mut config);
        assert_eq!(config.get("sasl.password"), Some("opensesame"));
        assert_eq!(config.get("security.protocol"), Some("sasl_ssl"));

        let missing = Security { ca: Some(dir.path().join("none.pem")), ..security(0o600) };
        let refused = Login::read(&missing).err().unwrap().to_string();
        assert!(refused.contains("security.ca") && refused.contains("none.pem"), "{refused}");
    }

    #[test]
    fn relative_files_are_relative_to_the_data_directory() {
        let mut security = Security { ca: Some("ca.pem".into()), ..scram() };
        security.resolve(Path::new("/srv/lgsp"));
        assert_eq!(security.ca.as_deref(), Some(Path::new("/srv/lgsp/ca.pem")));
        assert_eq!(security.password_file.unwrap().path(), Path::new("/srv/lgsp/password"));
    }
}
