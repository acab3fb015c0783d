use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lgsp_core::sign_in::is_issuer;
use lgsp_runtime::config::{self, Problems, Row, row, units};
use serde::{Deserialize, Serialize};

/// Most admin ports that are read.
const MOST_PORTS: usize = 64;
/// How long a session may last.
const LONGEST_SESSION: Duration = Duration::from_secs(24 * 3_600);

/// The options of the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// Where pages are served.
    pub listen: SocketAddr,
    /// Where browsers see it, behind a proxy that encrypts; empty: as `listen` says.
    pub origin: String,
    /// The gateway that is called.
    pub gateway: String,
    /// The authorities that may vouch for the gateway; empty: it is on this machine, in the clear.
    pub gateway_ca: PathBuf,
    /// The application in whose name links are followed.
    pub application: String,
    /// Its key; empty: the one in the data directory.
    pub key: PathBuf,
    /// The admin ports of the roles.
    pub admin_ports: Vec<SocketAddr>,
    /// A session without a page open for so long is over.
    #[serde(with = "units::duration")]
    pub idle: Duration,
    /// A session is over after so long.
    #[serde(with = "units::duration")]
    pub longest: Duration,
    /// The issuer at which persons sign in.
    pub oidc: Option<Box<Oidc>>,
}

/// The issuer at which persons sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Oidc {
    /// Its URL, exactly as its tokens name it.
    pub issuer: String,
    /// What the console is called there.
    pub client_id: String,
    /// A file with its secret there; without it is a public client.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for.
    #[serde(default = "scope")]
    pub scope: String,
    /// Send the ID token to the gateway in the place of the access token.
    #[serde(default)]
    pub id_token: bool,
    /// A file with the authorities that vouch for the issuer, in PEM.
    #[serde(default)]
    pub ca: Option<PathBuf>,
}

fn scope() -> String {
    "openid".to_owned()
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            origin: String::new(),
            gateway: "127.0.0.1:50051".to_owned(),
            gateway_ca: PathBuf::new(),
            application: "dieu-hanh".to_owned(),
            key: PathBuf::new(),
            admin_ports: Vec::new(),
            idle: Duration::from_secs(30 * 60),
            longest: Duration::from_secs(12 * 3_600),
            oidc: None,
        }
    }
}

impl Options {
    /// Makes relative paths relative to the data directory.
    pub fn resolve(&mut self, data: &Path) {
        for file in [&mut self.gateway_ca, &mut self.key] {
            if !file.as_os_str().is_empty() {
                *file = data.join(&*file);
            }
        }
        if let Some(oidc) = &mut self.oidc {
            oidc.ca = oidc.ca.take().map(|ca| data.join(ca));
            oidc.client_secret_file = oidc.client_secret_file.take().map(|file| data.join(file));
        }
    }

    /// Whether browsers reach it encrypted, so that its cookies are for encrypted connections alone.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.origin.starts_with("https://")
    }
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").unwrap_or_default();
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}

impl config::Options for Options {
    fn reference() -> Vec<Row> {
        vec![
            row(
                "listen",
                "address:port; port 0 takes a free one",
                "Where the pages are served, in the clear. Elsewhere than on a loopback address a proxy has to encrypt, and `origin` to name it.\n`lgsp up` takes a free port if the usual one is taken.",
            ),
            row(
                "origin",
                "https://host or https://host:port, or empty",
                "Where browsers see the console, behind a proxy that encrypts and keeps the header host. Its cookies are for encrypted connections then.",
            ),
            row("gateway", "host:port", "The gateway that is called. `lgsp up` calls its own."),
            row(
                "gateway-ca",
                "a file of certificates in PEM, or empty",
                "The authorities that may vouch for the gateway. Empty: it is on this machine, and called in the clear.",
            ),
            row(
                "application",
                "the id of an application with the role operator",
                "In whose name the console follows the links, once for all browsers. What a person asks goes with the person's own token.",
            ),
            row(
                "key",
                "a file, or empty",
                "The application's private key (Ed25519 in PEM). Empty: keys/applications/<application>.pem.",
            ),
            row(
                "admin-ports",
                "a list of address:port",
                "Admin ports of the roles (admin.listen of each): rates and latencies come from their /metrics, and the links from their /links\nwhile no monitor answers. `lgsp up` knows its own.",
            ),
            row(
                "idle",
                units::duration::ACCEPTS,
                "A session without an open page for so long is over; the person signs in again.",
            ),
            row(
                "longest",
                units::duration::ACCEPTS,
                "A session is over after so long, whatever is open. 24h at most.",
            ),
            row(
                "oidc",
                "a table { issuer, client-id, client-secret-file, scope, id-token, ca }; none: persons do not sign in by themselves",
                "The OpenID Connect issuer at which persons sign in, by a code with PKCE: that of gateway.oidc, which believes its tokens.\nissuer is its URL exactly as its tokens name it; https, or http on a loopback address.\nclient-id is what the console is called there, with the address <origin>/sign-in/callback; client-secret-file holds its secret, if it has one.\nscope (openid) is what is asked for; with id-token = true the gateway gets the ID token in the place of the access token.\nca is a PEM file with the authorities that vouch for the issuer; required with https.",
            ),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        if !self.origin.is_empty() && !is_origin(&self.origin) {
            problems.add("origin", "is no https origin");
        }
        if self.origin.is_empty() && !self.listen.ip().is_loopback() {
            problems.add(
                "listen",
                "is no loopback address, and console.origin names nobody who encrypts: sessions would travel in the clear",
            );
        }
        if self.application.is_empty() {
            problems.add("application", "is empty");
        }
        if self.admin_ports.len() > MOST_PORTS {
            problems.add("admin-ports", format!("are more than {MOST_PORTS}"));
        }
        if self.idle < Duration::from_secs(60) || self.idle > self.longest {
            problems.add("idle", "is shorter than 1m, or longer than `longest`");
        }
        if self.longest > LONGEST_SESSION {
            problems.add("longest", "is longer than 24h");
        }
        let Some(oidc) = &self.oidc else { return };
        problems.within("oidc", |problems| {
            if !is_issuer(&oidc.issuer) {
                problems.add("issuer", "is no https URL, nor http on a loopback address, without a query");
            }
            if oidc.issuer.starts_with("https://") && oidc.ca.is_none() {
                problems.add("ca", "is not set, so nobody could vouch for the issuer");
            }
            if oidc.client_id.is_empty() {
                problems.add("client-id", "is empty");
            }
            if !oidc.scope.split(' ').any(|scope| scope == "openid") {
                problems.add("scope", "is without openid");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(options: &Options) -> String {
        let mut problems = Problems::default();
        config::Options::check(options, &mut problems);
        format!("{problems:?}")
    }

    #[test]
    fn every_option_is_in_the_reference_and_the_defaults_have_no_problem() {
        assert_eq!(config::drift::<Options>(), Vec::<String>::new());
        assert!(found(&Options::default()).contains("found: []"));
    }

    #[test]
    fn sessions_do_not_travel_in_the_clear() {
        let open = Options { listen: ([0, 0, 0, 0], 8080).into(), ..Options::default() };
        assert!(found(&open).contains("in the clear"));
        let behind = Options { origin: "https://console.example.vn".to_owned(), ..open.clone() };
        assert!(found(&behind).contains("found: []"));
        for bad in ["http://console.example.vn", "https://", "https://a/b", "https://a@b"] {
            assert!(found(&Options { origin: bad.to_owned(), ..open.clone() }).contains("origin"), "{bad}");
        }
    }
}
