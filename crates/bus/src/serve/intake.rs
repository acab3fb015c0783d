//! The member of a domain's group: takes requests from Kafka, and refuses or hands on each of them.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use lgsp_core::time::unix_micros;
use lgsp_core::{Fault, Reason};
use lgsp_runtime::shutdown::{Group, Hold};
use lgsp_runtime::{Shutdown, Stage};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::topic_partition_list::TopicPartitionList;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::answer::Answer;
use super::dead_letters::{Cause, Origin};
use super::offsets::{Offsets, Outstanding};
use super::{Shared, work};
use crate::headers::{self, Incoming, ReplyTo};
use crate::heartbeat::Beats;
use crate::lag::Reading;
use crate::mac::Kind;
use crate::refusals::Refusals;
use crate::{Bus, Error, RequestHead, clients, topics};

/// How long one look at the consumer lasts; also how soon it notices the shutdown.
const LOOK: Duration = Duration::from_millis(50);
/// How long the last replies may take to reach Kafka.
const FLUSH: Duration = Duration::from_secs(2);
/// How long to wait for others to let go of the consumer before it is closed.
const LET_GO: Duration = Duration::from_secs(1);

/// A request that is being worked on.
pub(super) struct TakenUp {
    pub(super) head: RequestHead,
    pub(super) reply_to: ReplyTo,
    pub(super) value: Bytes,
    pub(super) taken_up_us: i64,
    pub(super) origin: Origin,
    pub(super) outstanding: Outstanding,
}

/// The thread that reads requests.
pub(super) struct Intake {
    shared: Arc<Shared>,
    consumer: Arc<BaseConsumer<Member>>,
    work: Group,
    runtime: Handle,
    stop: CancellationToken,
    flush: CancellationToken,
    abandoned: CancellationToken,
    reading: Hold,
    flushing: Hold,
    closing: Hold,
}

impl Intake {
    pub(super) fn start(
        shared: Arc<Shared>,
        consumer: Arc<BaseConsumer<Member>>,
        shutdown: &Shutdown,
    ) -> Result<(), Error> {
        let topic = topics::request(&shared.domain);
        let topic = shared.bus.options().topic(&topic);
        let subscribed = consumer.subscribe(&[&topic]);
        subscribed.map_err(|source| Error::Kafka { what: "take the subscription", source })?;
        shared.offsets.store_until(shutdown.abandoned());
        let intake = Self {
            shared,
            consumer,
            work: shutdown.group(Stage::Drain, "requests"),
            runtime: Handle::current(),
            stop: shutdown.begins(Stage::StopAccepting),
            flush: shutdown.begins(Stage::Flush),
            abandoned: shutdown.abandoned(),
            // Until nothing more is taken up, so that the drain waits for all that was.
            reading: shutdown.hold(Stage::StopAccepting, "reading of requests"),
            flushing: shutdown.hold(Stage::Flush, "reply producer"),
            closing: shutdown.hold(Stage::Close, "request consumer"),
        };
        let named = std::thread::Builder::new().name("lgsp-bus-requests".to_owned());
        named.spawn(move || intake.run()).map_err(|source| Error::Thread { what: "requests", source })?;
        Ok(())
    }

    fn run(self) {
        let runtime = self.runtime.clone();
        let _entered = runtime.enter();
        let mut busy = false;
        while !self.stop.is_cancelled() {
            match self.consumer.poll(LOOK) {
                None | Some(Err(KafkaError::PartitionEOF(_))) => {}
                Some(Ok(message)) => self.take_up(&message, &mut busy),
                Some(Err(error)) => self.waits(&error),
            }
        }
        self.finish();
    }

    fn waits(&self, error: &KafkaError) {
        debug!(%error, domain = %self.shared.domain, "requests wait for kafka");
        let cluster = self.shared.bus.cluster();
        let on = match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::GroupAuthorizationFailed) => {
                clients::group(&cluster.options, &self.shared.domain)
            }
            _ => cluster.options.topic(&topics::request(&self.shared.domain)).into_owned(),
        };
        cluster.refusals.tell(error, "read", &on);
    }

    /// Keeps the membership while replies are still under way, so that their offsets can be committed; then leaves.
    fn finish(self) {
        if let Ok(assignment) = self.consumer.assignment() {
            // What is read nevertheless is not taken up, and so goes to the next owner.
            let _ = self.consumer.pause(&assignment);
        }
        drop(self.reading);
        while !self.flush.is_cancelled() {
            let _ = self.consumer.poll(LOOK);
        }
        if self.abandoned.is_cancelled() {
            // Who is killed leaves no group: the broker misses it when its session is over.
            let (session, silent) = (clients::session(self.shared.bus.options()), Instant::now());
            while let Some(left) = session.checked_sub(silent.elapsed()).filter(|left| !left.is_zero()) {
                std::thread::park_timeout(left);
            }
            return;
        }
        self.shared.producer.flush(FLUSH);
        drop(self.flushing);

        self.consumer.unsubscribe();
        let waiting = Instant::now();
        while Arc::strong_count(&self.consumer) > 1 && waiting.elapsed() < LET_GO {
            let _ = self.consumer.poll(Duration::from_millis(1));
        }
        // Commits what is stored and leaves the group. It can block for long; the shutdown's bound does not wait for that.
        drop(self.consumer);
        drop(self.closing);
    }

    fn take_up(&self, message: &BorrowedMessage<'_>, busy: &mut bool) {
        let shared = &self.shared;
        let counters = shared.bus.counters();
        let taken_up_us = unix_micros(SystemTime::now());
        let outstanding = shared.offsets.begin(message.partition(), message.offset());
        let incoming = match Incoming::read(message) {
            Ok(incoming) => incoming,
            Err(error) => return self.refuse(message, None, error.0),
        };
        let deadline: Result<i64, _> = incoming.number(headers::DEADLINE, "there is no deadline");
        if deadline.is_ok_and(|deadline| deadline <= taken_up_us) {
            return counters.expired.add();
        }
        let value = message.payload().unwrap_or_default();
        if !incoming.is_signed(&shared.key, Kind::Request, value) {
            return self.refuse(message, Some(&incoming), "the mac is missing or wrong");
        }
        let (head, reply_to) = match RequestHead::read(&incoming, &shared.domain) {
            Ok(read) => read,
            Err(error) => return self.refuse(message, Some(&incoming), error.0),
        };
        let origin = Origin::of(message, Some(&incoming));
        let value = Bytes::copy_from_slice(value);
        let request = TakenUp { head, reply_to, value, taken_up_us, origin, outstanding };
        let Some(permit) = self.permit(request.head.deadline_us - taken_up_us, busy) else {
            counters.overloaded.add();
            return Answer::new(shared.clone(), request).fail_at_once(&Fault::new(Reason::AdapterOverloaded));
        };
        counters.served.add();
        self.work.spawn(work::run(shared.clone(), request, permit));
    }

    /// When all are busy, reading pauses once; whatever comes after that is refused until somebody is free again.
    fn permit(&self, left_us: i64, busy: &mut bool) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = self.shared.permits.clone().try_acquire_owned() {
            *busy = false;
            return Some(permit);
        }
        if *busy {
            return None;
        }
        let pause = self.shared.options.pause.min(Duration::from_micros(left_us.max(0) as u64));
        let acquire = self.shared.permits.clone().acquire_owned();
        let acquired = self.runtime.block_on(async { timeout(pause, acquire).await });
        *busy = acquired.is_err();
        acquired.ok().and_then(Result::ok)
    }

    /// A stranger gets no reply: its reply address proves nothing.
    fn refuse(&self, message: &BorrowedMessage<'_>, incoming: Option<&Incoming<'_>>, why: &'static str) {
        let shared = &self.shared;
        let (partition, offset) = (message.partition(), message.offset());
        warn!(domain = %shared.domain, partition, offset, why, "request refused");
        shared.bus.counters().refused.add();
        let origin = Origin::of(message, incoming);
        shared.dead_letters.write(&origin, message.payload().unwrap_or_default(), Cause::Refused(why));
    }
}

/// What this instance owns of its domain.
pub(super) struct Membership {
    owned: watch::Sender<Vec<i32>>,
    offsets: OnceLock<Arc<Offsets>>,
    beats: OnceLock<Beats>,
}

impl Default for Membership {
    fn default() -> Self {
        Self { owned: watch::Sender::new(Vec::new()), offsets: OnceLock::new(), beats: OnceLock::new() }
    }
}

impl Membership {
    pub(super) fn partitions(&self) -> Vec<i32> {
        self.owned.borrow().clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Vec<i32>> {
        self.owned.subscribe()
    }

    pub(super) fn offsets(
        &self,
        bus: &Bus,
        domain: &str,
        consumer: &Arc<BaseConsumer<Member>>,
    ) -> Arc<Offsets> {
        let topic = bus.options().topic(&topics::request(domain)).into_owned();
        let offsets = || Arc::new(Offsets::new(topic, consumer));
        self.offsets.get_or_init(offsets).clone()
    }

    /// Whom to tell of a change.
    pub(super) fn tell(&self, beats: Beats) {
        // There is one set of heartbeats to a membership.
        let _ = self.beats.set(beats);
    }

    fn assigned(&self, partitions: &[i32]) {
        self.change(|owned| {
            owned.extend(partitions);
            owned.sort_unstable();
            owned.dedup();
        });
    }

    fn revoked(&self, partitions: &[i32]) {
        self.change(|owned| owned.retain(|partition| !partitions.contains(partition)));
        if let Some(offsets) = self.offsets.get() {
            offsets.forget(partitions);
        }
    }

    fn change(&self, change: impl FnOnce(&mut Vec<i32>)) {
        self.owned.send_modify(change);
        if let Some(beats) = self.beats.get() {
            beats.changed();
        }
    }
}

/// The consumer's context: hears what is assigned and revoked.
pub(super) struct Member {
    pub(super) membership: Arc<Membership>,
    pub(super) refusals: Arc<Refusals>,
    pub(super) reading: Arc<Reading>,
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        clients::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.refusals.hear(&error, reason);
        clients::log_error(&error);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.reading.hear(statistics);
    }
}

impl ConsumerContext for Member {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Revoke(revoked) => self.membership.revoked(&partitions(revoked)),
            Rebalance::Assign(_) => {}
            Rebalance::Error(error) => warn!(%error, "rebalance failed"),
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(assigned) = rebalance {
            self.membership.assigned(&partitions(assigned));
        }
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<i32> {
    list.elements().iter().map(|element| element.partition()).collect()
}
