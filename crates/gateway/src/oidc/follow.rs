//! Reads the issuer's keys from time to time, and when a token names one that is not there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lgsp_runtime::State;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::{Issuer, fetch};

/// How soon keys that could not be read are asked for again.
const AGAIN: Duration = Duration::from_secs(30);
const NOT_READ_YET: &str = "issuer-keys-not-read-yet";
const TOO_OLD: &str = "issuer-keys-too-old";
const NO_KEYS: &str = "issuer-has-no-usable-keys";

/// Follows the issuer's keys, for ever.
///
/// The component is never more than degraded: applications, and persons with keys of their own, call as before.
pub(crate) async fn follow(issuer: Arc<Issuer>, state: State) {
    let component = state.component("oidc");
    component.degraded(NOT_READ_YET);
    let count = state.fact("oidc-keys");
    let mut told = None;
    loop {
        let read = fetch::keys(&issuer.options).await;
        let now = Instant::now();
        let (cause, next) = match read {
            Ok(keys) => {
                count.set(i64::try_from(keys.len()).unwrap_or(i64::MAX));
                let cause = (keys.len() == 0).then_some(NO_KEYS);
                issuer.take(keys, now);
                (cause, issuer.options.refresh)
            }
            Err(error) => {
                let cause = issuer.cause(&error, now);
                if told != Some(cause) {
                    let source = std::error::Error::source(&error).map(ToString::to_string);
                    warn!(%error, source, cause, "the keys of the issuer could not be read");
                }
                (Some(cause), issuer.options.refresh.min(AGAIN))
            }
        };
        match cause {
            Some(cause) => component.degraded(cause),
            None => component.ready(),
        }
        if told.is_some() && cause.is_none() {
            info!("the keys of the issuer were read");
        }
        told = cause;
        // Whoever asks, and however often, it is not asked again sooner.
        sleep(issuer.options.cooldown).await;
        let rest = next.saturating_sub(issuer.options.cooldown);
        let _ = timeout(rest, issuer.asked.notified()).await;
    }
}

impl Issuer {
    /// What is told while the keys cannot be read: that those of before have become too old matters more than why.
    fn cause(&self, error: &fetch::Error, now: Instant) -> &'static str {
        match self.keys.load().as_ref() {
            Some(keys) if !self.hold(keys, now) => TOO_OLD,
            Some(_) | None => error.cause(),
        }
    }
}
