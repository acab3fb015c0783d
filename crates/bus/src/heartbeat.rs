use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use lgsp_core::time::unix_micros;
use lgsp_proto::monitor::v1::{Heartbeat, SourceHealth};
use lgsp_runtime::{Shutdown, Stage};
use parking_lot::Mutex;
use prost::Message;
use tokio::sync::{Notify, oneshot};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::debug;

use crate::producer::Outgoing;
use crate::{Bus, topics};

/// How often a heartbeat is sent.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
/// How long the last heartbeat, which says that we leave, may take.
const FAREWELL: Duration = Duration::from_millis(500);
/// Most sources that one provider tells of.
const MOST_SOURCES: usize = 32;
/// The version that this build tells of itself.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a role tells in its heartbeats besides who it is.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The domain that it serves; empty for those that serve none.
    pub domain: String,
    /// Partitions of the domain's requests that it owns now.
    pub partitions: Vec<i32>,
    /// Revision of the rules that it has.
    pub registry_revision: u64,
    /// Health of its sources.
    pub sources: Vec<SourceHealth>,
    /// Exchanges that it works on.
    pub in_flight: u32,
}

/// The health of a provider's sources, told in its heartbeats. A cheap handle.
#[derive(Clone, Default)]
pub struct Health {
    sources: Arc<Mutex<Vec<SourceHealth>>>,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.sources.lock().iter().map(|source| (&source.name, source.healthy)))
            .finish()
    }
}

impl Health {
    /// No sources yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that a source answers.
    pub fn healthy(&self, name: &str) {
        self.set(name, true, "");
    }

    /// Notes that a source does not answer. The cause is of a closed set, never a driver's text.
    pub fn failed(&self, name: &str, cause: &'static str) {
        self.set(name, false, cause);
    }

    /// The sources as they are now.
    pub fn sources(&self) -> Vec<SourceHealth> {
        self.sources.lock().clone()
    }

    fn set(&self, name: &str, healthy: bool, cause: &str) {
        let mut sources = self.sources.lock();
        let cause = cause.to_owned();
        if let Some(source) = sources.iter_mut().find(|source| source.name == name) {
            (source.healthy, source.cause) = (healthy, cause);
        } else if sources.len() < MOST_SOURCES {
            sources.push(SourceHealth { name: name.to_owned(), healthy, cause });
        } else {
            debug!(source = name, "more sources than a heartbeat tells of");
        }
    }
}

/// Sends a role's heartbeats every second until it closes, and one that says `leaving` as soon as it stops serving.
///
/// `facts` is asked before each heartbeat and must not block. A [`Caller`](crate::Caller) and [`serve`](crate::serve) send
/// their own.
pub fn beat<F>(bus: &Bus, instance: &str, role: &str, facts: F, shutdown: &Shutdown)
where
    F: Fn() -> Facts + Send + Sync + 'static,
{
    Beats::start(bus, instance, role, facts, shutdown);
}

/// The heartbeats of one role. A cheap handle.
#[derive(Clone)]
pub(crate) struct Beats {
    inner: Arc<Inner>,
}

struct Inner {
    bus: Bus,
    instance: String,
    role: String,
    facts: Box<dyn Fn() -> Facts + Send + Sync>,
    changed: Notify,
    leaving: AtomicBool,
}

impl Beats {
    pub(crate) fn start<F>(bus: &Bus, instance: &str, role: &str, facts: F, shutdown: &Shutdown) -> Self
    where
        F: Fn() -> Facts + Send + Sync + 'static,
    {
        let beats = Self {
            inner: Arc::new(Inner {
                bus: bus.clone(),
                instance: instance.to_owned(),
                role: role.to_owned(),
                facts: Box::new(facts),
                changed: Notify::new(),
                leaving: AtomicBool::new(false),
            }),
        };
        shutdown.spawn(Stage::Close, "heartbeats", beats.clone().run(shutdown.clone()));
        shutdown.spawn(Stage::NotServing, "leaving heartbeat", beats.clone().leave(shutdown.clone()));
        beats
    }

    /// Sends the next heartbeat now, because a fact that others act upon has changed.
    pub(crate) fn changed(&self) {
        self.inner.changed.notify_one();
    }

    async fn run(self, shutdown: Shutdown) {
        let close = shutdown.begins(Stage::Close);
        let mut every = interval(INTERVAL);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = every.tick() => {}
                () = self.inner.changed.notified() => {}
                () = close.cancelled() => return,
            }
            self.send(Box::new(|_| ()));
        }
    }

    async fn leave(self, shutdown: Shutdown) {
        shutdown.begins(Stage::NotServing).cancelled().await;
        self.inner.leaving.store(true, Ordering::Relaxed);
        let (report, reported) = oneshot::channel();
        self.send(Box::new(move |_| {
            // Nobody waits any more: that is their choice.
            let _ = report.send(());
        }));
        if timeout(FAREWELL, reported).await.is_err() {
            debug!("nobody was told that this role leaves");
        }
    }

    fn send(&self, receipt: crate::producer::Receipt) {
        let inner = &self.inner;
        let facts = (inner.facts)();
        let heartbeat = Heartbeat {
            instance: inner.instance.clone(),
            role: inner.role.clone(),
            domain: facts.domain,
            version: VERSION.to_owned(),
            sent_us: unix_micros(SystemTime::now()),
            partitions: facts.partitions,
            leaving: inner.leaving.load(Ordering::Relaxed),
            registry_revision: facts.registry_revision,
            sources: facts.sources,
            in_flight: facts.in_flight,
        };
        let value = heartbeat.encode_to_vec();
        let record = Outgoing {
            topic: topics::HEARTBEAT,
            partition: Some(0),
            key: Some(inner.instance.as_bytes()),
            value: Some(&value),
            headers: None,
        };
        match inner.bus.beats().send(record, receipt) {
            Ok(()) => inner.bus.counters().heartbeats_sent.add(),
            Err(error) => debug!(%error, "heartbeat was not sent"),
        }
    }
}
