//! The OpenID Connect issuer that signs persons in.
//!
//! ```text
//!  follow ─ in the background: fetch (discovery, then the key set) ─► keys, in force until `keep` has passed
//!     ▲ asked, when a token names a key that is not there, or none is in force
//!  token ── on the path of a call: the key in force, the signature, the claims; no I/O
//! ```
//!
//! A call never waits for the issuer. A token whose key is not known yet is refused with a hint to try again, and the keys are
//! asked for meanwhile, at most once a cooldown, whoever sends however many such tokens. Whom a token names is known by the
//! rules; what a token says of roles or of persons is not read.

mod fetch;
mod follow;
mod keys;
#[cfg(test)]
mod tests;
mod token;

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwapOption;
use lgsp_core::{Fault, Reason};
use tokio::sync::Notify;

use crate::error::Error;
use crate::options::Oidc;
use keys::{Key, Keys};

pub(crate) use follow::follow;
pub(crate) use token::Proved;

/// The issuer, as far as calls need it.
pub(crate) struct Issuer {
    options: Oidc,
    keys: ArcSwapOption<InForce>,
    /// Wakes whoever reads the keys.
    asked: Notify,
}

/// The keys that were read last.
struct InForce {
    keys: Keys,
    /// When. A clock that is set neither ends them early nor keeps them.
    read_at: Instant,
}

impl Issuer {
    /// Looks at the options. Nothing is read from the issuer yet. Blocking.
    ///
    /// # Errors
    /// The file with the authorities cannot be used.
    pub(crate) fn open(options: &Oidc) -> Result<Self, Error> {
        fetch::authorities(options.ca.as_deref()).map_err(|problem| Error::IssuerAuthorities {
            file: options.ca.clone().unwrap_or_default(),
            problem,
        })?;
        Ok(Self { options: options.clone(), keys: ArcSwapOption::empty(), asked: Notify::new() })
    }

    /// An issuer whose keys were just read from a document; `None`: it is no set of keys.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn with_keys(options: &Oidc, document: &[u8]) -> Option<Arc<Self>> {
        let issuer = Self::open(options).ok()?;
        issuer.take(Keys::read(document).ok()?, Instant::now());
        Some(Arc::new(issuer))
    }

    /// Takes a set of keys that was read at a moment. Those of before are in force no more.
    fn take(&self, keys: Keys, read_at: Instant) {
        self.keys.store(Some(Arc::new(InForce { keys, read_at })));
    }

    /// The key of a `kid`.
    fn key(&self, kid: &str) -> Result<Arc<Key>, Fault> {
        let (now, in_force) = (Instant::now(), self.keys.load());
        let Some(in_force) = in_force.as_ref().filter(|keys| self.hold(keys, now)) else {
            self.asked.notify_one();
            return Err(Reason::IssuerUnavailable.into());
        };
        if let Some(key) = in_force.keys.get(kid) {
            return Ok(key.clone());
        }
        // The issuer has just been asked, and does not have it.
        if now.saturating_duration_since(in_force.read_at) < self.options.cooldown {
            return Err(Reason::TokenInvalid.into());
        }
        self.asked.notify_one();
        Err(Reason::IssuerKeyUnknown.into())
    }

    /// Whether keys still hold that could not be read again since.
    fn hold(&self, keys: &InForce, now: Instant) -> bool {
        now.saturating_duration_since(keys.read_at) < self.options.keep
    }
}

fn micros(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
