//! Watches a source, so that its state is known before a caller meets it.

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use lgsp_proto::monitor::v1::SourceHealth;
use lgsp_runtime::Component;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use tokio_util::sync::CancellationToken;

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

/// What a source's watch tells of it. A cheap handle.
#[derive(Clone, Debug)]
pub struct Health(watch::Receiver<SourceHealth>);

impl Health {
    /// The state at the last look.
    pub fn now(&self) -> SourceHealth {
        self.0.borrow().clone()
    }
}

/// A watch over an adapter's source: the handle, and the work to spawn. The work ends when it is told to stop.
///
/// An adapter whose source is down stays ready: it answers every request with that.
pub fn watch(
    adapter: &Adapter,
    every: Duration,
    component: Component,
    stop: CancellationToken,
) -> (Health, impl Future<Output = ()> + Send + 'static) {
    let name = adapter.source.to_string();
    let starting = SourceHealth { name: name.clone(), healthy: false, cause: STARTING.to_owned() };
    let (sender, receiver) = watch::channel(starting);
    let probe = adapter.probe.clone();
    let work = async move {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let deadline = Instant::now() + PROBE_TIMEOUT;
            let looked = stop.run_until_cancelled(timeout_at(deadline, probe.probe(deadline))).await;
            let Some(looked) = looked else { break };
            let cause = match looked {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.cause()),
                Err(_) => Some(SourceError::TimedOut.cause()),
            };
            tell(&sender, &component, &name, cause);
        }
    };
    (Health(receiver), work)
}

fn tell(
    sender: &watch::Sender<SourceHealth>,
    component: &Component,
    name: &str,
    cause: Option<&'static str>,
) {
    let health = SourceHealth {
        name: name.to_owned(),
        healthy: cause.is_none(),
        cause: cause.unwrap_or_default().to_owned(),
    };
    match cause {
        None => component.ready(),
        Some(cause) => component.degraded(cause),
    }
    let changed = sender.send_if_modified(|known| {
        let changed = *known != health;
        *known = health;
        changed
    });
    match cause {
        Some(cause) if changed => tracing::warn!(source = name, cause, "source does not answer"),
        None if changed => tracing::info!(source = name, "source answers"),
        Some(_) | None => {}
    }
}
