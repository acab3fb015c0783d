use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use lgsp_core::time::unix_micros;
use lgsp_proto::monitor::v1::{Demand, Heartbeat, MaintenanceWindow, SourceHealth};
use lgsp_runtime::{Shutdown, Stage};
use parking_lot::Mutex;
use prost::Message;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tracing::debug;

use crate::headers::HeaderList;
use crate::mac::Kind;
use crate::producer::Outgoing;
use crate::pulse::Pulse;
use crate::{Bus, MacKey, topics};

/// How often a heartbeat is sent.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
/// An instance that was not heard for so long is dead to us; its session at the broker lives for 6 s.
pub const LIVES: Duration = Duration::from_millis(2_500);
/// How far the clock of a provider may be from that of whoever hears it. A heartbeat from further away is not believed.
///
/// It bounds what a repeat can do. Who has heard an instance remembers its last heartbeat for longer than any repeat of it is
/// believed; who has just started can be told for so long, by repeats in their order, that a dead instance lives.
pub const CLOCKS: Duration = Duration::from_secs(10);
/// How long the last heartbeat, which says that we leave, may take.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long after the farewell a provider takes requests still. Gateways hear it up to 100 ms after the broker has it; what
/// they have sent by then must be read, or it waits for the partition's next owner.
const HEARD: Duration = Duration::from_millis(250);
/// Most sources that one provider tells of.
const MOST_SOURCES: usize = 32;
/// Most agreements that one gateway tells of, so that a heartbeat stays within some KiB.
pub const MOST_DEMANDS: usize = 256;
/// The version that this build tells of itself.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Who sends heartbeats.
///
/// Who claims a domain's partitions signs it under the domain's key: the header `lgsp-mac` over the value, which holds the
/// instance, the domain, the time, the partitions and the state. All roles may write the topic, so that without it one of them
/// could speak for every other.
///
/// A gateway claims no domain and routes nobody. What it was asked for decides about quotas, so it signs that under the key that
/// gateways share with the ledger and with no adapter. Without that key it signs nothing, and shares nothing.
pub(crate) struct Sender {
    instance: String,
    role: String,
    /// The domain that it serves; empty: none.
    domain: String,
    key: Option<(MacKey, Kind)>,
}

impl Sender {
    /// A gateway, which serves no domain, and the key of those who count quotas.
    pub(crate) fn gateway(instance: &str, key: Option<&MacKey>) -> Self {
        let key = key.map(|key| (key.clone(), Kind::GatewayHeartbeat));
        Self { instance: instance.to_owned(), role: "gateway".to_owned(), domain: String::new(), key }
    }

    /// A provider. The platform's own services are named by their role; everybody else is an adapter.
    pub(crate) fn provider(instance: &str, domain: &str, key: MacKey) -> Self {
        let role = if topics::is_of_the_platform(domain) { domain } else { "adapter" };
        let key = Some((key, Kind::Heartbeat));
        Self { instance: instance.to_owned(), role: role.to_owned(), domain: domain.to_owned(), key }
    }
}

/// What a role tells in its heartbeats besides who it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Partitions of the domain's requests that it owns now.
    pub(crate) partitions: Vec<i32>,
    /// Revision of the rules that it has.
    pub(crate) registry_revision: u64,
    /// Health of its sources.
    pub(crate) sources: Vec<SourceHealth>,
    /// Exchanges that it works on.
    pub(crate) in_flight: u32,
    /// Most that it works on at once; 0: not told.
    pub(crate) capacity: u32,
    /// What it was asked for.
    pub(crate) demands: Vec<Demand>,
    /// Announced maintenance, of a monitor.
    pub(crate) windows: Vec<MaintenanceWindow>,
}

/// The health of a provider's sources, told in its heartbeats. A cheap handle.
#[derive(Clone, Default)]
pub struct Health {
    sources: Arc<Mutex<Vec<SourceHealth>>>,
    windows: Arc<Mutex<Vec<MaintenanceWindow>>>,
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

    /// Tells of announced maintenance from now on, in the place of what was told of it before. Gateways believe the monitor alone.
    pub fn announce(&self, windows: Vec<MaintenanceWindow>) {
        *self.windows.lock() = windows;
    }

    pub(crate) fn windows(&self) -> Vec<MaintenanceWindow> {
        self.windows.lock().clone()
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

/// The heartbeats of one role. A cheap handle.
#[derive(Clone)]
pub(crate) struct Beats {
    inner: Arc<Inner>,
}

struct Inner {
    bus: Bus,
    sender: Sender,
    facts: Box<dyn Fn() -> Facts + Send + Sync>,
    changed: Notify,
    leaving: AtomicBool,
    last_stamp: AtomicI64,
    acknowledged: Pulse,
}

impl Beats {
    /// Sends a role's heartbeats every second until it closes, and one that says `leaving` as soon as it stops serving.
    /// `facts` is asked before each and must not block. `acknowledged` feels those that the broker acknowledges.
    pub(crate) fn start<F>(
        bus: &Bus,
        sender: Sender,
        acknowledged: Pulse,
        facts: F,
        shutdown: &Shutdown,
    ) -> Self
    where
        F: Fn() -> Facts + Send + Sync + 'static,
    {
        let beats = Self {
            inner: Arc::new(Inner {
                bus: bus.clone(),
                sender,
                facts: Box::new(facts),
                changed: Notify::new(),
                leaving: AtomicBool::new(false),
                last_stamp: AtomicI64::new(0),
                acknowledged,
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
            let acknowledged = self.inner.acknowledged.clone();
            acknowledged.look(Instant::now());
            self.send(Box::new(move |delivery| {
                if delivery.is_ok() {
                    acknowledged.beat(Instant::now());
                }
            }));
        }
    }

    /// Whether a broker has acknowledged something of this role just now: a heartbeat, or what else its pulse was told of.
    /// Heartbeats alone prove too little, because they all go to one partition: with its leader lost, others still serve.
    pub(crate) fn acknowledged(&self) -> watch::Receiver<bool> {
        self.inner.acknowledged.watch()
    }

    async fn leave(self, shutdown: Shutdown) {
        shutdown.begins(Stage::NotServing).cancelled().await;
        self.inner.leaving.store(true, Ordering::SeqCst);
        let (report, reported) = oneshot::channel();
        self.send(Box::new(move |_| {
            // Nobody waits any more: that is their choice.
            let _ = report.send(());
        }));
        if timeout(FAREWELL, reported).await.is_err() {
            debug!("nobody was told that this role leaves");
        }
        if !self.inner.sender.domain.is_empty() {
            sleep(HEARD).await;
        }
    }

    fn send(&self, receipt: crate::producer::Receipt) {
        let inner = &self.inner;
        // Before the state is read: of two heartbeats at once, the one that knows more is the later one.
        let sent_us = self.stamp();
        let value = self.heartbeat(sent_us).encode_to_vec();
        let headers = inner.sender.key.as_ref().map(|(key, kind)| {
            let mut headers = HeaderList::of(&[]);
            headers.sign(key, *kind, &value);
            headers.to_native()
        });
        let record = Outgoing {
            topic: topics::HEARTBEAT,
            partition: Some(0),
            key: Some(inner.sender.instance.as_bytes()),
            value: Some(&value),
            headers,
        };
        match inner.bus.beats().send(record, receipt) {
            Ok(()) => inner.bus.counters().heartbeats_sent.add(),
            Err(error) => debug!(%error, "heartbeat was not sent"),
        }
    }

    /// The time, and later than that of every heartbeat before: whoever hears one takes only later ones from then on.
    fn stamp(&self) -> i64 {
        let now = unix_micros(SystemTime::now());
        let stamped = self
            .inner
            .last_stamp
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(after(last, now)));
        // It never fails: there is always a next one.
        after(stamped.unwrap_or_else(|last| last), now)
    }

    fn heartbeat(&self, sent_us: i64) -> Heartbeat {
        let inner = &self.inner;
        let facts = (inner.facts)();
        Heartbeat {
            instance: inner.sender.instance.clone(),
            role: inner.sender.role.clone(),
            domain: inner.sender.domain.clone(),
            version: VERSION.to_owned(),
            sent_us,
            partitions: facts.partitions,
            leaving: inner.leaving.load(Ordering::SeqCst),
            registry_revision: facts.registry_revision,
            sources: facts.sources,
            in_flight: facts.in_flight,
            capacity: facts.capacity,
            demands: facts.demands,
            windows: facts.windows,
        }
    }
}

/// The stamp after `last`. A clock that was stepped back so far that nobody would believe a later one begins anew: whoever
/// heard the former ones refuses the smaller one until they forget, which is 30 s after the last that they believed.
fn after(last: i64, now: i64) -> i64 {
    let furthest = now.saturating_add(CLOCKS.as_micros() as i64);
    if last >= furthest { now } else { now.max(last + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_rise_unless_the_clock_was_stepped_back_further_than_anybody_believes() {
        let (now, clocks) = (1_800_000_000_000_000, CLOCKS.as_micros() as i64);
        assert_eq!(after(0, now), now);
        assert_eq!(after(now - 1, now), now);
        assert_eq!(after(now, now), now + 1, "two at once");
        assert_eq!(after(now + clocks - 1, now), now + clocks, "a small step back");
        for seconds_ahead in [10, 11, 3_600] {
            assert_eq!(after(now + seconds_ahead * 1_000_000, now), now, "{seconds_ahead} s");
        }
        assert_eq!(after(i64::MAX, now), now);
    }
}
