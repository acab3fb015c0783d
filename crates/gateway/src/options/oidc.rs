use std::path::{Path, PathBuf};
use std::time::Duration;

use lgsp_core::sign_in::is_issuer;
use lgsp_runtime::config::{Problems, units};
use serde::{Deserialize, Serialize};

/// What the row of the reference says of the whole table.
pub(super) const DOC: &str = "\
The OpenID Connect issuer whose tokens sign persons in. Whom it names is known by the registry (sign_ins of a person).
issuer is its URL exactly as its tokens name it; https, or http on a loopback address.
audience is what the tokens are made for: the hub as the issuer knows it in access tokens, the client's id in ID tokens.
clients lists the clients that may get tokens for the audience, besides the audience itself (azp, or client_id of RFC 9068).
ca is a PEM file with the authorities that vouch for the issuer; required with https.
refresh (15m) is how often its keys are read, cooldown (10s) how soon at most again when a token names an unknown one, and
keep (24h) how long they hold while it cannot be reached: twice refresh at least.
longest-life (1h) is the longest that a token may live, clock-tolerance (5s) how far the issuer's clock may differ.";

/// The longest that keys may be kept without having been read again.
const LONGEST_KEEP: Duration = Duration::from_secs(7 * 86_400);
/// The longest life of a token that may be allowed.
const LONGEST_LIFE: Duration = Duration::from_secs(86_400);
/// The largest difference of clocks that may be allowed.
const LARGEST_TOLERANCE: Duration = Duration::from_secs(60);

/// The OpenID Connect issuer whose tokens sign persons in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Oidc {
    /// Its URL, exactly as its tokens name it.
    pub issuer: String,
    /// What its tokens must be made for.
    pub audience: String,
    /// Clients that may get such tokens, besides the audience itself.
    #[serde(default)]
    pub clients: Vec<String>,
    /// A file with the authorities that vouch for the issuer, in PEM.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// How often its keys are read.
    #[serde(default = "refresh", with = "units::duration")]
    pub refresh: Duration,
    /// How soon at most they are read again when a token names an unknown one.
    #[serde(default = "cooldown", with = "units::duration")]
    pub cooldown: Duration,
    /// How long they hold while they cannot be read.
    #[serde(default = "keep", with = "units::duration")]
    pub keep: Duration,
    /// The longest that a token may live.
    #[serde(default = "longest_life", with = "units::duration")]
    pub longest_life: Duration,
    /// How far the issuer's clock may differ from ours.
    #[serde(default = "clock_tolerance", with = "units::duration")]
    pub clock_tolerance: Duration,
}

fn refresh() -> Duration {
    Duration::from_secs(15 * 60)
}

fn cooldown() -> Duration {
    Duration::from_secs(10)
}

fn keep() -> Duration {
    Duration::from_secs(86_400)
}

fn longest_life() -> Duration {
    Duration::from_secs(3_600)
}

fn clock_tolerance() -> Duration {
    Duration::from_secs(5)
}

impl Oidc {
    /// An issuer and the audience of its tokens, all else by default.
    pub fn of(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            clients: Vec::new(),
            ca: None,
            refresh: refresh(),
            cooldown: cooldown(),
            keep: keep(),
            longest_life: longest_life(),
            clock_tolerance: clock_tolerance(),
        }
    }

    /// Makes relative paths relative to a folder.
    pub fn resolve(&mut self, folder: &Path) {
        self.ca = self.ca.take().map(|ca| folder.join(ca));
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        if !is_issuer(&self.issuer) {
            problems.add("issuer", "is no https URL, nor http on a loopback address, without a query");
        }
        if self.issuer.starts_with("https://") && self.ca.is_none() {
            problems.add("ca", "is not set, so nobody could vouch for the issuer");
        }
        if self.audience.is_empty() {
            problems.add("audience", "is empty");
        }
        if self.clients.iter().any(String::is_empty) {
            problems.add("clients", "has an empty name");
        }
        if self.cooldown < Duration::from_millis(100) {
            problems.add("cooldown", "is shorter than 100ms");
        }
        if self.refresh < self.cooldown {
            problems.add("refresh", "is shorter than the cooldown");
        }
        // Or one reading that fails would take away keys that are good.
        if self.keep < self.refresh.saturating_mul(2) || self.keep > LONGEST_KEEP {
            problems.add("keep", "is shorter than twice refresh, or longer than 7d");
        }
        if self.longest_life.is_zero() || self.longest_life > LONGEST_LIFE {
            problems.add("longest-life", "is zero, or longer than 24h");
        }
        if self.clock_tolerance > LARGEST_TOLERANCE {
            problems.add("clock-tolerance", "is longer than 60s");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(change: impl FnOnce(&mut Oidc)) -> String {
        let mut oidc = Oidc::of("http://127.0.0.1:8080/realms/can-tho", "lgsp");
        change(&mut oidc);
        let mut problems = Problems::default();
        oidc.check(&mut problems);
        format!("{problems:?}")
    }

    #[test]
    fn an_issuer_is_reached_safely_and_every_bound_is_a_bound() {
        let good = told(|_| ());
        assert_eq!(
            told(|oidc| (oidc.issuer, oidc.ca) = ("https://a.vn".into(), Some("ca.pem".into()))),
            good
        );
        type Change = fn(&mut Oidc);
        let bad: [(&str, Change); 10] = [
            ("issuer", |oidc| oidc.issuer = "http://sso.example.vn".to_owned()),
            ("ca", |oidc| oidc.issuer = "https://sso.example.vn".to_owned()),
            ("audience", |oidc| oidc.audience.clear()),
            ("clients", |oidc| oidc.clients.push(String::new())),
            ("cooldown", |oidc| oidc.cooldown = Duration::ZERO),
            ("refresh", |oidc| oidc.refresh = Duration::from_secs(1)),
            ("keep", |oidc| oidc.keep = Duration::from_secs(8 * 86_400)),
            ("keep", |oidc| oidc.keep = oidc.refresh),
            ("longest-life", |oidc| oidc.longest_life = Duration::from_secs(86_401)),
            ("clock-tolerance", |oidc| oidc.clock_tolerance = Duration::from_secs(61)),
        ];
        for (key, change) in bad {
            assert!(told(change).contains(key), "{key}");
        }
    }
}
