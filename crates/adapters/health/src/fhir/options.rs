use std::path::{Path, PathBuf};

use http::Uri;
use lgsp_adapter::Origin;
use lgsp_adapter::config::{self, Problems, Row, SecretFile, row, units};
use lgsp_identifiers::AgencyCode;
use serde::{Deserialize, Serialize};

use super::systems::Systems;

/// Most requests at once.
const MOST_CONNECTIONS: u32 = 64;
/// Least bytes that an answer must be allowed to have.
const LEAST_ANSWER: usize = 64 * 1024;

/// How a FHIR server is reached, what its records are called, and who answers for them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// The base URL of the server, such as `https://fhir.soyte.example/r4`. Empty: there is none.
    pub url: String,
    /// A file with a bearer token. It is read again while the adapter runs, so that a token may be renewed.
    pub token_file: Option<SecretFile>,
    /// The name by which the adapter is known to the server.
    pub user: Option<String>,
    /// A file with the password of `user`; read again as the token.
    pub password_file: Option<SecretFile>,
    /// The certificates in PEM of the authorities that may vouch for the server; required with https.
    pub root_certificates: Option<PathBuf>,
    /// The adapter's own certificate in PEM, with those between it and its authority.
    pub client_certificate: Option<PathBuf>,
    /// The key of that certificate in PEM.
    pub client_key: Option<SecretFile>,
    /// Most requests at once; more wait until their deadline.
    pub max_connections: u32,
    /// Most bytes of one answer.
    #[serde(with = "units::size")]
    pub largest_answer: usize,
    /// Most pages of one list.
    pub most_pages: u32,
    /// The source as its owner names it.
    pub name: String,
    /// The agency that answers for it.
    pub agency_code: String,
    /// Whether all its records are made up. One that bears the tag `HTEST` is so in any case.
    pub synthetic: bool,
    /// What the server calls identifiers, codes and extensions.
    pub systems: Systems,
}

impl Options {
    /// Options for a server, all else by default.
    pub fn of(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }

    /// Whether there is a server at all.
    pub fn is_set(&self) -> bool {
        !self.url.is_empty()
    }

    /// Makes relative paths relative to the data directory.
    pub fn resolve(&mut self, data: &Path) {
        for file in [&mut self.root_certificates, &mut self.client_certificate].into_iter().flatten() {
            *file = data.join(&*file);
        }
        for file in
            [&mut self.token_file, &mut self.password_file, &mut self.client_key].into_iter().flatten()
        {
            *file = SecretFile::new(data.join(file.path()));
        }
    }

    /// Who answers for the records.
    pub(super) fn origin(&self) -> Origin {
        Origin { source: self.name.clone(), agency_code: self.agency_code.clone(), synthetic: self.synthetic }
    }

    fn check_credentials(&self, problems: &mut Problems) {
        if self.user.is_some() != self.password_file.is_some() {
            problems.add("user", "goes with password-file, and that with it");
        }
        if self.token_file.is_some() && self.user.is_some() {
            problems.add("token-file", "a token and a user: the server can be told only one");
        }
        if self.client_certificate.is_some() != self.client_key.is_some() {
            problems.add("client-certificate", "goes with client-key, and that with it");
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            url: String::new(),
            token_file: None,
            user: None,
            password_file: None,
            root_certificates: None,
            client_certificate: None,
            client_key: None,
            max_connections: 16,
            largest_answer: 4 << 20,
            most_pages: 10,
            name: String::new(),
            agency_code: String::new(),
            synthetic: false,
            systems: Systems::default(),
        }
    }
}

/// Reads the base URL.
///
/// # Errors
/// What is wrong with it.
pub(super) fn base(url: &str) -> Result<Uri, &'static str> {
    let uri: Uri = url.trim_end_matches('/').parse().map_err(|_| "is no URL")?;
    let Some(authority) = uri.authority() else { return Err("is no URL with a host") };
    if authority.as_str().contains('@') {
        return Err("holds a user: that is another key, and a password belongs in a file");
    }
    if uri.query().is_some() || url.contains('#') {
        return Err("is not the base alone: it has a query or a fragment");
    }
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if is_this_machine(authority.host()) => Ok(uri),
        Some("http") => Err("would send health data in the clear to another machine: use https"),
        _ => Err("begins neither with https:// nor with http://"),
    }
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl config::Options for Options {
    fn reference() -> Vec<Row> {
        let mut rows = vec![
            row(
                "url",
                "https://<host>[:<port>][/<path>]; http:// to this machine only",
                "The base URL of a FHIR R4 server, which is then the source instead of a database. The adapter only searches it.",
            ),
            row(
                "token-file",
                "a file",
                "A bearer token and nothing else. Read again while the adapter runs, so that it may be renewed.",
            ),
            row("user", "a text", "The name by which the adapter is known to the server."),
            row(
                "password-file",
                "a file",
                "The password of that user and nothing else. Read again as the token.",
            ),
            row(
                "root-certificates",
                "a file",
                "The certificates in PEM of the authorities that may vouch for the server. Required with https.",
            ),
            row(
                "client-certificate",
                "a file",
                "The adapter's own certificate in PEM, for a server that asks for one.",
            ),
            row("client-key", "a file", "The key of the client certificate in PEM."),
            row("max-connections", "1 to 64", "Most requests at once; more wait until their deadline."),
            row("largest-answer", units::size::ACCEPTS, "Most bytes of one answer of the server."),
            row("most-pages", "1 to 100", "Most pages of one list; a longer one is an error, never cut."),
            row("name", "a text", "The source as its owner names it in answers."),
            row("agency-code", "an agency code such as G01.92", "The agency that answers for the source."),
            row(
                "synthetic",
                "true or false",
                "Whether all records are made up. One with FHIR's tag HTEST is so in any case.",
            ),
        ];
        rows.extend(config::section::<Systems>("systems"));
        rows
    }

    fn check(&self, problems: &mut Problems) {
        // Without a URL there is no server, and nothing to hold against anything.
        if !self.is_set() {
            return;
        }
        match base(&self.url) {
            Err(found) => problems.add("url", found),
            Ok(uri) if uri.scheme_str() == Some("https") && self.root_certificates.is_none() => {
                problems.add("root-certificates", "is required with https");
            }
            Ok(_) => {}
        }
        self.check_credentials(problems);
        problems.range("max-connections", self.max_connections, 1..=MOST_CONNECTIONS);
        problems.range("most-pages", self.most_pages, 1..=100);
        if self.largest_answer < LEAST_ANSWER {
            problems.add("largest-answer", "is less than 64KiB");
        }
        if self.name.is_empty() {
            problems.add("name", "is required: no server says it");
        }
        if let Err(error) = AgencyCode::parse(&self.agency_code) {
            problems.add("agency-code", error.to_string());
        }
        problems.section("systems", &self.systems);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_describes_every_option() {
        assert_eq!(config::drift::<Options>(), Vec::<String>::new());
    }

    #[test]
    fn a_server_on_another_machine_is_reached_by_https_alone() {
        for url in
            ["http://127.0.0.1:8090/fhir", "http://localhost/fhir/", "http://[::1]:1/r4", "https://h/r4"]
        {
            assert!(base(url).is_ok(), "{url}");
        }
        for url in [
            "http://fhir.example/r4",
            "http://10.0.0.7/fhir",
            "https://a:b@h/",
            "https://h/?x=1",
            "ftp://h",
            "h",
            "",
        ] {
            assert!(base(url).is_err(), "{url}");
        }
    }
}
