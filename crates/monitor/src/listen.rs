//! Brings the signals: heartbeats and entries from Kafka, and what roles tell in this process and on their admin ports.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lgsp_bus::heartbeats::{self, Heard};
use lgsp_bus::{Bus, MacKeys, Record, Start, Tail, Tailed, entry, topics};
use lgsp_core::Reason;
use lgsp_core::time::unix_micros;
use lgsp_core::traffic::Ended;
use lgsp_proto::ledger::v1::{Entry, Phase, Sealed};
use parking_lot::Mutex;
use prost::Message as _;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tracing::{debug, warn};

use crate::picture::Picture;
use crate::tell::Tellers;
use crate::{Options, ports};

/// How long to wait before a topic is read anew.
const READ_AGAIN: Duration = Duration::from_millis(500);
/// How often roles are asked.
const ASK: Duration = Duration::from_secs(1);

pub(crate) fn now_us() -> i64 {
    unix_micros(SystemTime::now())
}

/// Follows a topic from now on, for ever: a tail that ends is opened anew.
async fn follow(bus: &Bus, topic: &'static str, mut take: impl FnMut(&Record)) {
    let mut tail = None::<Tail>;
    loop {
        let open = match &mut tail {
            Some(open) => open,
            None => match bus.tail(topic, Start::End) {
                Ok(opened) => tail.insert(opened),
                Err(error) => {
                    warn!(%error, topic, "topic cannot be read");
                    sleep(READ_AGAIN).await;
                    continue;
                }
            },
        };
        match open.next().await {
            Ok(Tailed::Record(record)) => take(&record),
            Ok(Tailed::CaughtUp) => {}
            Err(error) => {
                warn!(%error, topic, "topic is read anew");
                tail = None;
                sleep(READ_AGAIN).await;
            }
        }
    }
}

/// Hears heartbeats. Whoever is not believed says nothing, but that Kafka is there.
pub(crate) async fn heartbeats(bus: Bus, keys: Arc<MacKeys>, picture: Arc<Mutex<Picture>>) {
    follow(&bus, topics::HEARTBEAT, |record| {
        let now_us = now_us();
        let heard = heartbeats::read(record, &keys, now_us);
        let mut picture = picture.lock();
        picture.hear_something(now_us);
        match heard {
            Some(Heard::Believed(heartbeat)) => picture.hear(heartbeat, now_us),
            Some(Heard::OfAnotherTime(heartbeat)) => picture.hear_another_time(&heartbeat, now_us),
            None => {}
        }
    })
    .await;
}

/// Counts the exchanges that gateways enter. What is not signed by one counts nowhere.
pub(crate) async fn entries(bus: Bus, keys: Arc<MacKeys>, picture: Arc<Mutex<Picture>>) {
    follow(&bus, topics::EXCHANGE, |record| {
        let Some(sealed) = sealed(record, &keys) else { return };
        let domain = sealed.request_position.as_ref().and_then(|at| domain_of(&at.topic));
        picture.lock().note(&Ended {
            application: &sealed.application,
            domain,
            outcome: sealed.outcome(),
            hop: sealed.failed_hop(),
            reason: Reason::from_name(&sealed.reason),
            at_us: sealed.entered_us.min(now_us()),
            took_us: (!sealed.platform).then(|| sealed.entered_us - sealed.admitted_us),
        });
    })
    .await;
}

/// The domain of a request topic, in any namespace.
fn domain_of(topic: &str) -> Option<&str> {
    topic.split_once(".request.").map(|(_, domain)| domain)
}

/// The final entry of an exchange, signed by a gateway.
fn sealed(record: &Record, keys: &MacKeys) -> Option<Sealed> {
    let entry = Entry::decode(record.value.as_deref()?).ok()?;
    let sealed = Sealed::decode(&*entry.sealed).ok()?;
    let is_final = sealed.phase() == Phase::Final && !sealed.application.is_empty();
    let is_signed = || keys.counting().is_some_and(|key| entry::is_signed(key, &entry.sealed));
    (is_final && is_signed()).then_some(sealed)
}

/// Asks the roles of this process, and those on other admin ports, for ever.
pub(crate) async fn told(options: Options, tellers: Tellers, picture: Arc<Mutex<Picture>>) {
    let mut every = interval(ASK);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        picture.lock().take(tellers.ask(), now_us());
        let asking = options.admin_ports.iter().map(|port| async {
            let (asked_us, read) = (now_us(), ports::read(*port).await);
            // Its clock was looked at somewhere in between.
            (read, asked_us.midpoint(now_us()))
        });
        for (port, read) in options.admin_ports.iter().zip(futures::future::join_all(asking).await) {
            match read {
                (Ok(telling), asked_us) => {
                    let mut picture = picture.lock();
                    picture.compare_clock(&telling, asked_us);
                    picture.take(telling, now_us());
                }
                (Err(error), _) => debug!(%port, %error, "admin port tells nothing of its links"),
            }
        }
    }
}
