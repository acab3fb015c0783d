//! Who is told: the options of each kind of receiver.

use std::path::PathBuf;
use std::time::Duration;

use lgsp_core::sign_in::is_loopback;
use lgsp_runtime::config::{Problems, SecretFile, units};
use serde::{Deserialize, Serialize};

use super::rule::Severity;

const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest name of a receiver: it is a label of metrics.
const LONGEST_NAME: usize = 40;
/// Most addresses of one mail.
const MOST_ADDRESSES: usize = 20;

/// A program that gets a POST with JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Webhook {
    /// What it is called.
    pub name: String,
    /// Where it listens.
    pub url: String,
    /// Who vouches for it, with https.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// A token that it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_token_file: Option<PathBuf>,
    /// The key that messages are signed under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hmac_key_file: Option<PathBuf>,
    /// The least that it is told of.
    pub severity: Severity,
    /// Whose alerts it is told of; empty: everybody's.
    pub owners: Vec<String>,
    /// How long it may take.
    #[serde(with = "units::duration")]
    pub timeout: Duration,
}

/// Mail over SMTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Mail {
    /// What it is called.
    pub name: String,
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way to it is protected.
    pub security: Security,
    /// Who vouches for it; `None`: whom this machine trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Who sends.
    pub from: String,
    /// Who reads.
    pub to: Vec<String>,
    /// As whom to sign in; empty: not at all.
    pub username: String,
    /// With which password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// The least that is told.
    pub severity: Severity,
    /// Whose alerts are told; empty: everybody's.
    pub owners: Vec<String>,
    /// How long the server may take.
    #[serde(with = "units::duration")]
    pub timeout: Duration,
}

/// How the way to a mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Security {
    /// TLS after the first words, or no mail.
    #[default]
    Starttls,
    /// TLS from the beginning.
    Tls,
    /// None: for a server on this machine.
    None,
}

/// An Alertmanager of Prometheus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Alertmanager {
    /// What it is called.
    pub name: String,
    /// Where it listens.
    pub url: String,
    /// Who vouches for it, with https.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// A token that it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_token_file: Option<PathBuf>,
    /// The least that it is told of.
    pub severity: Severity,
    /// Whose alerts it is told of; empty: everybody's.
    pub owners: Vec<String>,
    /// How long it may take.
    #[serde(with = "units::duration")]
    pub timeout: Duration,
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            name: String::new(),
            url: String::new(),
            ca: None,
            bearer_token_file: None,
            hmac_key_file: None,
            severity: Severity::Warning,
            owners: Vec::new(),
            timeout: TIMEOUT,
        }
    }
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            name: String::new(),
            host: String::new(),
            port: 587,
            security: Security::default(),
            ca: None,
            from: String::new(),
            to: Vec::new(),
            username: String::new(),
            password_file: None,
            severity: Severity::Warning,
            owners: Vec::new(),
            timeout: TIMEOUT,
        }
    }
}

impl Default for Alertmanager {
    fn default() -> Self {
        Self {
            name: String::new(),
            url: String::new(),
            ca: None,
            bearer_token_file: None,
            severity: Severity::Warning,
            owners: Vec::new(),
            timeout: TIMEOUT,
        }
    }
}

impl Webhook {
    pub(crate) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.ca, &mut self.bearer_token_file, &mut self.hmac_key_file].into_iter().flatten()
    }

    pub(crate) fn check(&self, problems: &mut Problems) {
        let mut found = Vec::new();
        found.extend(named(&self.name));
        found.extend(url(&self.url, self.ca.is_some(), self.bearer_token_file.is_some()));
        found.extend(patient(self.timeout));
        found.extend(secrets([&self.bearer_token_file, &self.hmac_key_file]));
        tell("webhooks", &self.name, found, problems);
    }
}

impl Mail {
    pub(crate) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.ca, &mut self.password_file].into_iter().flatten()
    }

    pub(crate) fn check(&self, problems: &mut Problems) {
        let mut found = Vec::new();
        found.extend(named(&self.name));
        found.extend(patient(self.timeout));
        found.extend(secrets([&self.password_file]));
        if self.host.is_empty() {
            found.push("has no host".to_owned());
        }
        if self.security == Security::None && !is_loopback(&self.host) {
            found.push("needs TLS: its host is another machine".to_owned());
        }
        if self.username.is_empty() != self.password_file.is_none() {
            found.push("has only one of username and password-file".to_owned());
        }
        if self.to.is_empty() || self.to.len() > MOST_ADDRESSES {
            found.push(format!("has not between 1 and {MOST_ADDRESSES} addresses in to"));
        }
        // No address is repeated here: it may be a person's.
        if self.to.iter().chain([&self.from]).any(|address| address.parse::<lettre::Address>().is_err()) {
            found.push("has a text in from or to that is no address".to_owned());
        }
        tell("mail", &self.name, found, problems);
    }
}

impl Alertmanager {
    pub(crate) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.ca, &mut self.bearer_token_file].into_iter().flatten()
    }

    pub(crate) fn check(&self, problems: &mut Problems) {
        let mut found = Vec::new();
        found.extend(named(&self.name));
        found.extend(url(&self.url, self.ca.is_some(), self.bearer_token_file.is_some()));
        found.extend(patient(self.timeout));
        found.extend(secrets([&self.bearer_token_file]));
        tell("alertmanagers", &self.name, found, problems);
    }
}

fn tell(key: &str, name: &str, found: Vec<String>, problems: &mut Problems) {
    for problem in found {
        problems.add(key, format!("{} {problem}", if name.is_empty() { "one" } else { name }));
    }
}

fn named(name: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_sound = (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_plain);
    (!is_sound).then(|| format!("needs a name of a to z, 0 to 9 and -, {LONGEST_NAME} at most"))
}

fn url(url: &str, has_ca: bool, has_secret: bool) -> Option<String> {
    let Some(parsed) = url.parse::<http::Uri>().ok().filter(|parsed| parsed.host().is_some()) else {
        return Some("has a url that is none".to_owned());
    };
    // Whoever passed a secret in the URL would find it in logs of others.
    if parsed.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Some("has a password in its url: use bearer-token-file".to_owned());
    }
    match parsed.scheme_str() {
        Some("https") if has_ca => None,
        Some("https") => Some("needs ca: who vouches for it".to_owned()),
        Some("http") if has_secret && !parsed.host().is_some_and(is_loopback) => {
            Some("would send its token in the clear: use https".to_owned())
        }
        Some("http") => None,
        _ => Some("has a url that is neither http nor https".to_owned()),
    }
}

fn patient(timeout: Duration) -> Option<String> {
    let accepted = Duration::from_millis(100)..=Duration::from_secs(60);
    (!accepted.contains(&timeout)).then(|| "has a timeout that is not between 100ms and 60s".to_owned())
}

/// Files that everybody may read are no secrets. One that is not there yet is said when it is needed.
fn secrets<'a>(files: impl IntoIterator<Item = &'a Option<PathBuf>>) -> Vec<String> {
    use lgsp_runtime::config::SecretError;
    let exposed = files.into_iter().flatten().filter_map(|path| match SecretFile::new(path).read() {
        Err(error @ (SecretError::Exposed { .. } | SecretError::TooLarge { .. })) => Some(error.to_string()),
        Err(SecretError::Unreadable { .. } | SecretError::Empty { .. }) | Ok(_) => None,
    });
    exposed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(check: impl FnOnce(&mut Problems)) -> String {
        let mut problems = Problems::default();
        check(&mut problems);
        format!("{problems:?}")
    }

    fn hook(url: &str) -> Webhook {
        Webhook { name: "duty".to_owned(), url: url.to_owned(), ..Webhook::default() }
    }

    #[test]
    fn a_webhook_needs_a_name_a_url_and_whoever_vouches_for_it() {
        let of = |hook: &Webhook| found(|problems| hook.check(problems));
        assert!(of(&hook("http://10.0.0.7:8080/alerts")).contains("found: []"));
        let token = |url| Webhook { bearer_token_file: Some("t".into()), ..hook(url) };
        assert!(of(&token("http://127.0.0.1:1/")).contains("found: []"));
        for (bad, why) in [
            (hook(""), "url that is none"),
            (hook("https://alerts.example"), "needs ca"),
            (hook("ftp://alerts.example"), "neither http nor https"),
            (hook("http://a:b@alerts.example"), "password in its url"),
            (token("http://10.0.0.7/"), "in the clear"),
            (Webhook { name: "Duty 1".to_owned(), ..hook("http://127.0.0.1/") }, "needs a name"),
            (Webhook { timeout: Duration::from_secs(90), ..hook("http://127.0.0.1/") }, "timeout"),
        ] {
            assert!(of(&bad).contains(why), "{why}: {}", of(&bad));
        }
    }

    #[test]
    fn mail_is_protected_on_its_way_to_another_machine_and_no_address_is_repeated() {
        let mail = Mail {
            name: "duty".to_owned(),
            host: "mail.example".to_owned(),
            from: "hub@example.vn".to_owned(),
            to: vec!["not-an-address".to_owned()],
            security: Security::None,
            username: "hub".to_owned(),
            ..Mail::default()
        };
        let told = found(|problems| mail.check(problems));
        for why in ["needs TLS", "only one of username", "is no address"] {
            assert!(told.contains(why), "{why}: {told}");
        }
        assert!(!told.contains("not-an-address"));
        let good = Mail {
            host: "localhost".to_owned(),
            to: vec!["truc@example.vn".to_owned()],
            username: String::new(),
            ..mail
        };
        assert!(found(|problems| good.check(problems)).contains("found: []"));
    }
}
