//! Watches a source, so that its state is known before a caller meets it.

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use lgsp_bus::Health;
use lgsp_runtime::State;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::check::Finding;
use crate::metrics::Queries;
use crate::{Adapter, METRIC, NotUnderstood, SourceError, Tables};

/// Longest time that a source may take to say that it is there.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The cause that a source's health names before the first look; later ones are those of [`SourceError`].
const STARTING: &str = "starting";

/// Asks a source whether it answers.
#[async_trait]
pub trait Probe: Send + Sync + 'static {
    /// Asks for what the adapter needs, before the deadline, and reads nobody's record.
    ///
    /// # Errors
    /// The source does not answer as it should.
    async fn probe(&self, deadline: Instant) -> Result<(), SourceError>;

    /// What was read since the adapter was opened, and not understood.
    fn not_understood(&self) -> Vec<NotUnderstood> {
        Vec::new()
    }

    /// What measures its queries, of a source that has any.
    fn queries(&self) -> Option<&Queries> {
        None
    }

    /// The tables, of a source that is a database.
    fn tables(&self) -> Option<&Tables> {
        None
    }

    /// What only the adapter can find wrong with its source, beside what a [`check`](crate::check) finds. Each query may take
    /// so long.
    ///
    /// # Errors
    /// The source did not answer, or not in time.
    async fn findings(&self, query_timeout: Duration) -> Result<Vec<Finding>, SourceError> {
        let _ = query_timeout;
        Ok(Vec::new())
    }
}

/// The work of watching an adapter's source, to be spawned: it tells `health`, which heartbeats carry, and `state`, with what
/// was not understood. It ends when it is told to stop.
///
/// An adapter whose source is down stays ready: it answers every request with that.
pub fn watch(
    adapter: &Adapter,
    every: Duration,
    health: Health,
    state: &State,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send + 'static {
    let (name, probe) = (adapter.source.clone(), adapter.probe.clone());
    let (component, counts) = (state.component("source"), state.scoped(METRIC));
    health.failed(&name, STARTING);
    if let Some(queries) = probe.queries() {
        queries.show(state.metrics(), adapter.domain);
    }
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
                Some(cause) if known != Some(cause) => {
                    warn!(source = &*name, cause, "source does not answer")
                }
                None if known.is_some() => info!(source = &*name, "source answers"),
                Some(_) | None => {}
            }
            known = cause;
            for NotUnderstood { relation, column, count } in probe.not_understood() {
                counts.scoped(relation).fact(column).set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use lgsp_runtime::Instance;
    use lgsp_runtime::state::Condition;
    use tonic::service::Routes;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A source that can be switched off.
    #[derive(Default)]
    struct Switched(AtomicBool);

    #[async_trait]
    impl Probe for Switched {
        async fn probe(&self, _: Instant) -> Result<(), SourceError> {
            if self.0.load(Ordering::Relaxed) { Ok(()) } else { Err(SourceError::TimedOut) }
        }

        fn not_understood(&self) -> Vec<NotUnderstood> {
            vec![NotUnderstood { relation: "parcel", column: "status", count: 3 }]
        }
    }

    async fn wait_for(health: &Health, cause: &str) {
        let told = async {
            while health.sources()[0].cause != cause {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("the watch tells it");
        assert_eq!(health.sources()[0].healthy, cause.is_empty());
    }

    #[tokio::test]
    async fn a_source_that_comes_and_goes_is_told_and_the_adapter_stays_ready() {
        let source = Arc::new(Switched::default());
        let adapter = Adapter {
            domain: "land",
            routes: Routes::default(),
            source: "a-source".into(),
            probe: source.clone(),
        };
        let state = State::new(Instance::new("adapter-land", "0"));
        let (health, stop) = (Health::new(), CancellationToken::new());
        let work = watch(&adapter, Duration::from_millis(1), health.clone(), &state, stop.clone());
        assert_eq!(health.sources()[0].cause, STARTING, "nothing is claimed before the first look");
        let work = tokio::spawn(work);

        wait_for(&health, "timed-out").await;
        assert_eq!(state.condition("source"), Some(Condition::Degraded));
        assert!(state.is_ready());
        source.0.store(true, Ordering::Relaxed);
        wait_for(&health, "").await;
        source.0.store(false, Ordering::Relaxed);
        wait_for(&health, "timed-out").await;
        assert_eq!(state.status()["facts"]["lgsp.source.not_understood/parcel/status"], 3);

        stop.cancel();
        tokio::time::timeout(PATIENCE, work).await.expect("it ends when told").expect("and does not panic");
    }
}
