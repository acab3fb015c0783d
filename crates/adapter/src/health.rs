//! Watches a source, so that its state is known before a caller meets it.

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use lgsp_bus::Health;
use lgsp_runtime::Component;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{Adapter, SourceError};

/// Longest time that a source may take to say that it is there.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The cause that a source's health names before the first look; later ones are those of [`SourceError`].
const STARTING: &str = "starting";

/// Asks a source whether it answers.
#[async_trait]
pub trait Probe: Send + Sync + 'static {
    /// Reads one record of any kind, before the deadline.
    ///
    /// # Errors
    /// The source does not answer as it should.
    async fn probe(&self, deadline: Instant) -> Result<(), SourceError>;
}

/// The work of watching an adapter's source, to be spawned: it tells `health`, which heartbeats carry, and `component`. It
/// ends when it is told to stop.
///
/// An adapter whose source is down stays ready: it answers every request with that.
pub fn watch(
    adapter: &Adapter,
    every: Duration,
    health: Health,
    component: Component,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send + 'static {
    let (name, probe) = (adapter.source.clone(), adapter.probe.clone());
    health.failed(&name, STARTING);
    async move {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut known = Some(STARTING);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let deadline = Instant::now() + PROBE_TIMEOUT;
            let looked = stop.run_until_cancelled(timeout_at(deadline, probe.probe(deadline))).await;
            let Some(looked) = looked else { break };
            let cause = match looked {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.cause()),
                Err(_) => Some(SourceError::TimedOut.cause()),
            };
            match cause {
                None => {
                    component.ready();
                    health.healthy(&name);
                }
                Some(cause) => {
                    component.degraded(cause);
                    health.failed(&name, cause);
                }
            }
            match cause {
                Some(cause) if known != Some(cause) => warn!(source = &*name, cause, "source does not answer"),
                None if known.is_some() => info!(source = &*name, "source answers"),
                Some(_) | None => {}
            }
            known = cause;
        }
    }
}
