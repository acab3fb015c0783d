//! The calling side: requests go out, and their replies come back to a partition of our own.

mod budget;
mod gateways;
mod heartbeats;
mod providers;
pub(crate) mod replies;
mod reply;
mod waiters;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use lgsp_core::time::unix_micros;
use lgsp_core::{Fault, Reason};
use lgsp_proto::monitor::v1::Demand;
use lgsp_runtime::config::{self, Problems, Row, row, units};
use lgsp_runtime::{Shutdown, Stage};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::headers::{MOST_BYTES, ReplyTo};
use crate::heartbeat::{Beats, Facts, MOST_DEMANDS, Sender};
use crate::mac::Kind;
use crate::producer::{Outgoing, Producer, Receipt};
use crate::pulse::{LastSign, Pulse};
use crate::{Bus, Error, MacKeys, RequestHead, clients, topics};
use gateways::Gateways;
use providers::Directory;
use replies::Listener;
use waiters::{Waiter, Waiters};

pub use gateways::Asked;
pub(crate) use heartbeats::{Doubt, believe};
pub use providers::Provider;
pub use reply::{Reply, ReplyPart, ReplyTrace};

/// Largest request message.
pub(crate) const LARGEST_REQUEST: usize = 900 * 1024;
/// Largest message of an answer on Kafka.
pub(crate) const LARGEST_ANSWER: usize = 4 * 1024 * 1024;
/// Largest message of an answer on the embedded broker, which keeps 5 MiB of a partition.
const LARGEST_ANSWER_EMBEDDED: usize = 1024 * 1024;
/// How long Kafka may take to acknowledge a request; after that, or at the deadline, the exchange fails.
const GIVE_UP: Duration = Duration::from_secs(2);
/// How long [`Caller::start`] waits for its place on the reply topic before it goes on without.
const POSITION_PATIENCE: Duration = Duration::from_secs(3);

/// The largest message of an answer that this bus carries.
pub(crate) fn largest_answer(bus: &Bus) -> usize {
    if bus.is_embedded() { LARGEST_ANSWER_EMBEDDED } else { LARGEST_ANSWER }
}

/// Bounds of the calling side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct CallerOptions {
    /// Most exchanges that wait for a reply.
    pub max_in_flight: usize,
    /// Most bytes of one answer that wait for their reader; an answer that comes faster is failed.
    #[serde(with = "units::size")]
    pub reply_buffer: usize,
    /// Most bytes of all answers together that wait for their readers; what comes beyond that fails its own exchange.
    #[serde(with = "units::size")]
    pub reply_memory: usize,
}

impl Default for CallerOptions {
    fn default() -> Self {
        Self { max_in_flight: 10_000, reply_buffer: 16 << 20, reply_memory: 512 << 20 }
    }
}

impl config::Options for CallerOptions {
    fn reference() -> Vec<Row> {
        vec![
            row(
                "max-in-flight",
                "1 to 1000000",
                "Most exchanges that wait for a reply; more are refused at once.",
            ),
            row(
                "reply-buffer",
                units::size::ACCEPTS,
                "Most bytes of one answer that wait for their reader; an answer that comes faster is failed.",
            ),
            row(
                "reply-memory",
                units::size::ACCEPTS,
                "Most bytes of all answers together that wait for their readers; what comes beyond that fails its own exchange.",
            ),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        problems.range("max-in-flight", self.max_in_flight, 1..=1_000_000);
        problems.range("reply-buffer", self.reply_buffer, LARGEST_ANSWER..=1 << 30);
        problems.range("reply-memory", self.reply_memory, LARGEST_ANSWER..=1 << 40);
    }
}

/// Calls providers over Kafka. A cheap handle.
#[derive(Clone)]
pub struct Caller {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    producer: Producer,
    waiters: Arc<Waiters>,
    directory: Arc<Directory>,
    gateways: Arc<Gateways>,
    demands: Arc<OnceLock<Demands>>,
    last_sign: Arc<LastSign>,
    keys: Arc<MacKeys>,
    reply_to: ReplyTo,
    positioned: watch::Receiver<bool>,
    revision: Arc<AtomicU64>,
    beats: Beats,
    bus: Bus,
}

/// Tells what this gateway was asked for.
type Demands = Box<dyn Fn() -> Vec<Demand> + Send + Sync>;

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("reply_partition", &self.shared.reply_to.partition)
            .finish_non_exhaustive()
    }
}

impl Caller {
    /// Starts the calling side of the instance: its place on the reply topic, its view of the providers, and its heartbeats.
    ///
    /// Returns as soon as replies can be received; with a broker that is away, after three seconds, and keeps trying:
    /// [`ready`](Self::ready) tells.
    ///
    /// # Errors
    /// A client could not be built.
    pub async fn start(
        bus: &Bus,
        options: CallerOptions,
        instance: &str,
        keys: Arc<MacKeys>,
        shutdown: &Shutdown,
    ) -> Result<Self, Error> {
        let (reply_partitions, request_partitions) =
            (bus.options().reply_partitions, bus.options().request_partitions);
        // Sharing a partition is safe and costs bandwidth only, so there is no lease.
        let reply_to = ReplyTo::new(topics::partition_of(instance, reply_partitions));
        let producer = Producer::new("requests", bus.cluster(), clients::producer(bus.cluster(), GIVE_UP))?;
        let waiters = Arc::new(Waiters::new(&options, largest_answer(bus)));
        let directory =
            Arc::new(Directory::new(bus.options(), topics::partition_of(instance, request_partitions)));
        let last_sign = Arc::new(LastSign::new());
        let positioned = Listener::start(bus, &reply_to, waiters.clone(), last_sign.clone(), shutdown)?;
        let gateways = Arc::new(Gateways::new(instance));
        let heard = (directory.clone(), gateways.clone());
        heartbeats::listen(bus, heard, last_sign.clone(), keys.clone(), shutdown)?;
        let revision = Arc::new(AtomicU64::new(0));
        let demands = Arc::default();
        let facts = facts(revision.clone(), waiters.clone(), Arc::clone(&demands));
        let sender = Sender::gateway(instance, keys.counting());
        let beats = Beats::start(bus, sender, Pulse::new(), facts, shutdown);

        let shared = Shared {
            producer,
            waiters,
            directory,
            gateways,
            demands,
            last_sign,
            keys,
            reply_to,
            positioned,
            revision,
            beats,
            bus: bus.clone(),
        };
        let caller = Self { shared: Arc::new(shared) };
        let mut positioned = caller.shared.positioned.clone();
        // An error of either kind means: not yet. `ready` tells, and calls fail until then.
        let _ = timeout(POSITION_PATIENCE, positioned.wait_for(|positioned| *positioned)).await;
        caller.flush_at_end(shutdown);
        Ok(caller)
    }

    /// Sends a request. Returns once it is handed to Kafka; a failed delivery fails the reply.
    ///
    /// # Errors
    /// A [`Fault`], at once: nobody serves the domain, the request is too large, too many exchanges wait, or Kafka takes
    /// nothing.
    pub async fn call(&self, head: RequestHead, value: Bytes) -> Result<Reply, Fault> {
        let shared = &self.shared;
        if value.len() > LARGEST_REQUEST {
            return Err(Reason::RequestTooLarge.into());
        }
        if !self.ready() {
            return Err(
                Fault::new(Reason::BrokerUnavailable).because("there is no place on the reply topic yet")
            );
        }
        let Some(key) = shared.keys.key(&head.domain) else {
            return Err(Fault::new(Reason::NoProvider).because(Error::DomainUnknown(head.domain.to_string())));
        };
        let load = shared.directory.choose(&head.domain)?;
        let mut headers = head.write(&shared.reply_to);
        if headers.size() > MOST_BYTES {
            return Err(Reason::RequestTooLarge.into());
        }
        headers.sign(key, Kind::Request, &value);

        // Before the request is produced, or a fast reply would find nobody.
        let waiter = shared.waiters.register(head.exchange, key.clone())?;
        let reply = Reply::new(shared.clone(), waiter.clone(), load, &head);
        let record = Outgoing {
            topic: reply.load().topic(),
            partition: Some(reply.load().partition()),
            key: None,
            value: Some(&value),
            headers: Some(headers.to_native()),
        };
        waiter.sent(unix_micros(SystemTime::now()));
        shared.producer.send(record, self.receipt(waiter)).map_err(refused)?;
        shared.bus.counters().requests.add();
        Ok(reply)
    }

    fn receipt(&self, waiter: Arc<Waiter>) -> Receipt {
        let (counters, last_sign) = (self.shared.bus.counters().clone(), self.shared.last_sign.clone());
        Box::new(move |delivery| match delivery {
            Ok(place) => {
                last_sign.note(Instant::now());
                waiter.delivered(place);
            }
            Err(error) => {
                counters.requests_undelivered.add();
                waiter.fail(Fault::new(Reason::BrokerUnavailable).because(error));
            }
        })
    }

    /// Who serves which domain, as heard in heartbeats, for the status page.
    pub fn providers(&self) -> Vec<Provider> {
        self.shared.directory.providers()
    }

    /// Until when announced maintenance of a domain runs, Unix µs, as the monitor told last.
    pub fn maintenance_until(&self, domain: &str, now_us: i64) -> Option<i64> {
        self.shared.directory.maintenance_until(domain, now_us)
    }

    /// Whether replies can be received.
    pub fn ready(&self) -> bool {
        *self.shared.positioned.borrow()
    }

    /// Waits until replies can be received.
    pub async fn until_ready(&self) {
        let mut positioned = self.shared.positioned.clone();
        // An error means that the listener has ended, because the process does.
        let _ = positioned.wait_for(|positioned| *positioned).await;
    }

    /// How long no broker gave a sign of life: brought a heartbeat or a reply, or acknowledged a request. Our own heartbeats
    /// come back every second, so that a silence of some seconds means that the broker is away.
    pub fn silence(&self) -> Duration {
        self.shared.last_sign.silence(Instant::now())
    }

    /// How many exchanges wait for a reply.
    pub fn in_flight(&self) -> usize {
        self.shared.waiters.len()
    }

    /// Tells the revision of the rules in force, by a heartbeat at once: whoever has decided waits for it.
    pub fn tell_revision(&self, revision: u64) {
        self.shared.revision.store(revision, Ordering::Relaxed);
        self.shared.beats.changed();
    }

    /// From now on `demands` is asked before each heartbeat what this gateway was asked for and has granted, by agreement, the
    /// busiest first. It must not block.
    pub fn tell_demands(&self, demands: impl Fn() -> Vec<Demand> + Send + Sync + 'static) {
        // There is one gateway to a caller.
        let _ = self.shared.demands.set(Box::new(demands));
    }

    /// From now on `taken` takes in what each of the other gateways tells of agreements, by its name, as soon as it is heard. It
    /// must not block.
    pub fn hear_demands(&self, taken: impl Fn(&str, &[Demand]) + Send + Sync + 'static) {
        self.shared.gateways.tell(Box::new(taken));
    }

    /// What this gateway and the others were asked for under an agreement, as their heartbeats tell.
    pub fn asked(&self, agreement: &str) -> Asked {
        self.shared.gateways.asked(agreement)
    }

    /// How many gateways live, this one included.
    pub fn gateways(&self) -> usize {
        self.shared.gateways.count()
    }

    /// How many requests the providers of a domain work on at once.
    pub fn capacity(&self, domain: &str) -> usize {
        self.shared.directory.capacity(domain)
    }

    fn flush_at_end(&self, shutdown: &Shutdown) {
        let (shared, close) = (self.shared.clone(), shutdown.begins(Stage::Close));
        shutdown.spawn(Stage::Close, "request producer", async move {
            close.cancelled().await;
            let flushed =
                tokio::task::spawn_blocking(move || shared.producer.flush(Duration::from_millis(500)));
            // It can only fail by a panic, which has been logged.
            let _ = flushed.await;
        });
    }
}

fn facts(
    revision: Arc<AtomicU64>,
    waiters: Arc<Waiters>,
    demands: Arc<OnceLock<Demands>>,
) -> impl Fn() -> Facts + Send + Sync + 'static {
    let told = move || demands.get().map(|demands| demands()).unwrap_or_default();
    move || Facts {
        registry_revision: revision.load(Ordering::Relaxed),
        in_flight: u32::try_from(waiters.len()).unwrap_or(u32::MAX),
        demands: told().into_iter().take(MOST_DEMANDS).collect(),
        ..Facts::default()
    }
}

fn refused(error: Error) -> Fault {
    match &error {
        Error::TooLarge { .. } => Fault::new(Reason::RequestTooLarge),
        Error::QueueFull => Fault::new(Reason::Overloaded).because(error),
        _ => Fault::new(Reason::BrokerUnavailable).because(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_of_a_caller_has_its_row() {
        assert_eq!(config::drift::<CallerOptions>(), Vec::<String>::new());
    }
}
