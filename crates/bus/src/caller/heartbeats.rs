//! Hears heartbeats: who claims a domain, or to be a gateway, must prove it, and an old proof proves nothing.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use lgsp_core::time::unix_micros;
use lgsp_proto::monitor::v1::Heartbeat;
use lgsp_runtime::{Shutdown, Stage};
use prost::Message as _;
use tokio::time::sleep;
use tracing::warn;

use super::gateways::Gateways;
use super::providers::{Directory, SHOWN};
use crate::headers::{self, Incoming};
use crate::heartbeat::CLOCKS;
use crate::mac::Kind;
use crate::pulse::LastSign;
use crate::{Bus, Counters, Error, MacKey, MacKeys, Record, Start, Tail, Tailed, topics};

/// A clock that is ahead makes a heartbeat look fresh for twice as long.
const _: () = assert!(2 * CLOCKS.as_secs() < SHOWN.as_secs());
/// How often a heartbeat that is not believed is told of.
const TELL_AGAIN: Duration = Duration::from_secs(60);
/// How long to wait before heartbeats are read anew.
const READ_AGAIN: Duration = Duration::from_millis(500);

/// Hears heartbeats until the role closes.
pub(super) fn listen(
    bus: &Bus,
    (directory, gateways): (Arc<Directory>, Arc<Gateways>),
    last_sign: Arc<LastSign>,
    keys: Arc<MacKeys>,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    let tail = bus.tail(topics::HEARTBEAT, Start::End)?;
    let counters = bus.counters().clone();
    let mut listener = Listener { directory, gateways, last_sign, keys, counters, told: None };
    let (bus, close) = (bus.clone(), shutdown.begins(Stage::Close));
    shutdown.spawn(Stage::Close, "heartbeat listener", async move {
        let open = || bus.tail(topics::HEARTBEAT, Start::End);
        let hear = |record: &Record| listener.hear(record, Instant::now(), unix_micros(SystemTime::now()));
        close.run_until_cancelled(follow(tail, open, hear)).await;
    });
    Ok(())
}

/// A tail that ends is opened anew: without heartbeats everybody would be taken for dead, and requests go to anybody.
async fn follow(mut tail: Tail, open: impl Fn() -> Result<Tail, Error>, mut hear: impl FnMut(&Record)) {
    loop {
        match tail.next().await {
            Ok(Tailed::Record(record)) => hear(&record),
            Ok(Tailed::CaughtUp) => {}
            Err(error) => {
                warn!(%error, "heartbeats are heard no more, and are read anew");
                tail = reopened(&open).await;
            }
        }
    }
}

async fn reopened(open: impl Fn() -> Result<Tail, Error>) -> Tail {
    loop {
        sleep(READ_AGAIN).await;
        match open() {
            Ok(tail) => return tail,
            Err(error) => warn!(%error, "heartbeats cannot be read"),
        }
    }
}

struct Listener {
    directory: Arc<Directory>,
    gateways: Arc<Gateways>,
    last_sign: Arc<LastSign>,
    keys: Arc<MacKeys>,
    counters: Arc<Counters>,
    /// When a heartbeat that is not believed was last told of.
    told: Option<Instant>,
}

impl Listener {
    fn hear(&mut self, record: &Record, now: Instant, now_us: i64) {
        // Whatever it says: a broker has brought it.
        self.last_sign.note(now);
        let value = record.value.as_deref().unwrap_or_default();
        let Ok(heartbeat) = Heartbeat::decode(value) else { return };
        let new = if heartbeat.domain.is_empty() {
            self.hear_gateway(record, &heartbeat, now, now_us)
        } else {
            // Without the key of a domain nobody is called there.
            let Some(key) = self.keys.key(&heartbeat.domain) else { return };
            believe((key, Kind::Heartbeat), record, &heartbeat, now_us).map(|()| true)
        };
        match new {
            Err(doubt) => self.refuse(record, doubt, now),
            Ok(true) if self.directory.hear(heartbeat, now) => self.counters.heartbeats_heard.add(),
            // Nobody needs to act: Kafka itself may repeat a record, or put two of them out of order.
            Ok(true | false) => self.counters.heartbeats_refused.add(),
        }
    }

    /// Who serves no domain and signs nothing may say what it likes: nobody acts upon it.
    fn hear_gateway(
        &self,
        record: &Record,
        heartbeat: &Heartbeat,
        now: Instant,
        now_us: i64,
    ) -> Result<bool, Doubt> {
        let is_signed = record.headers.iter().any(|(name, _)| name == headers::MAC);
        let Some(key) = self.keys.counting().filter(|_| is_signed) else { return Ok(true) };
        believe((key, Kind::GatewayHeartbeat), record, heartbeat, now_us)?;
        Ok(self.gateways.hear(heartbeat, now))
    }

    /// Neither the instance nor the domain is told: whoever wrote the record chose them.
    fn refuse(&mut self, record: &Record, doubt: Doubt, now: Instant) {
        self.counters.heartbeats_refused.add();
        if self.told.is_none_or(|told| now.saturating_duration_since(told) >= TELL_AGAIN) {
            self.told = Some(now);
            let why = doubt.text();
            warn!(partition = record.partition, offset = record.offset, why, "heartbeat is not believed");
        }
    }
}

/// Why a heartbeat is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    Unsigned,
    /// Of whoever it speaks for, and of another time.
    OfAnotherTime,
}

impl Doubt {
    fn text(self) -> &'static str {
        match self {
            Self::Unsigned => "the mac is missing or wrong",
            Self::OfAnotherTime => "it is too old, or a clock is wrong",
        }
    }
}

pub(crate) fn believe(
    (key, kind): (&MacKey, Kind),
    record: &Record,
    heartbeat: &Heartbeat,
    now_us: i64,
) -> Result<(), Doubt> {
    let value = record.value.as_deref().unwrap_or_default();
    if !Incoming::kept(&record.headers).is_signed(key, kind, value) {
        return Err(Doubt::Unsigned);
    }
    if u128::from(now_us.abs_diff(heartbeat.sent_us)) > CLOCKS.as_micros() {
        return Err(Doubt::OfAnotherTime);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use parking_lot::Mutex;
    use tokio::sync::{Notify, mpsc};

    use super::*;
    use crate::Options;
    use crate::heartbeats::{self, Heard};

    const NOW_US: i64 = 1_800_000_000_000_000;

    fn key() -> MacKey {
        MacKey::new([7; 32])
    }

    fn counting() -> MacKey {
        MacKey::new([9; 32])
    }

    fn listener() -> Listener {
        let keys = BTreeMap::from([("land".to_owned(), key()), ("ledger".to_owned(), counting())]);
        let keys = Arc::new(MacKeys::new(keys));
        let directory = Arc::new(Directory::new(&Options::default(), 0));
        let last_sign = Arc::new(LastSign::new());
        let gateways = Arc::new(Gateways::new("gateway-1"));
        Listener { directory, gateways, last_sign, keys, counters: Arc::default(), told: None }
    }

    fn record(domain: &str, sent_us: i64, sign: impl FnOnce(&[u8]) -> Option<String>) -> Record {
        let heartbeat = Heartbeat {
            instance: "land-1".to_owned(),
            domain: domain.to_owned(),
            partitions: vec![0],
            sent_us,
            ..Heartbeat::default()
        };
        let value = heartbeat.encode_to_vec();
        let mac = sign(&value).map(|mac| (headers::MAC.to_owned(), Bytes::from(mac)));
        Record {
            topic: topics::HEARTBEAT.into(),
            partition: 0,
            offset: 0,
            timestamp_us: 0,
            key: None,
            headers: mac.into_iter().collect(),
            value: Some(value.into()),
        }
    }

    fn signed(key: &MacKey, kind: Kind) -> impl FnOnce(&[u8]) -> Option<String> {
        let mut tag = key.begin(kind);
        move |value| {
            tag.field(value);
            Some(tag.to_hex())
        }
    }

    /// How many were heard and how many refused, and whether anybody serves now.
    fn after(records: &[Record]) -> (u64, u64, usize) {
        let mut listener = listener();
        records.iter().for_each(|record| listener.hear(record, Instant::now(), NOW_US));
        let stats = listener.counters.read();
        (stats.heartbeats_heard, stats.heartbeats_refused, listener.directory.providers().len())
    }

    #[test]
    fn who_claims_a_domain_signs_under_its_key() {
        let ours = || record("land", NOW_US, signed(&key(), Kind::Heartbeat));
        assert_eq!(after(&[ours()]), (1, 0, 1));
        assert_eq!(after(&[record("land", NOW_US, |_| None)]), (0, 1, 0), "no mac");
        let of_another = record("land", NOW_US, signed(&MacKey::new([8; 32]), Kind::Heartbeat));
        assert_eq!(after(&[of_another]), (0, 1, 0), "the key of another domain");
        let a_reply = record("land", NOW_US, signed(&key(), Kind::Reply));
        assert_eq!(after(&[a_reply]), (0, 1, 0), "another kind of record");
        let changed = Record { value: record("land", NOW_US + 1, |_| None).value, ..ours() };
        assert_eq!(after(&[changed]), (0, 1, 0), "another value");
    }

    #[test]
    fn who_claims_no_domain_signs_nothing_and_serves_nobody() {
        assert_eq!(after(&[record("", NOW_US, |_| None)]), (1, 0, 0));
        assert_eq!(after(&[record("unknown", NOW_US, |_| None)]), (0, 0, 0), "nobody is called there");
    }

    #[test]
    fn only_who_counts_quotas_is_heard_as_a_gateway() {
        let gateways_after = |record: Record| {
            let mut listener = listener();
            listener.hear(&record, Instant::now(), NOW_US);
            (listener.gateways.count(), listener.counters.read().heartbeats_refused)
        };
        let says = |key: &MacKey, kind| gateways_after(record("", NOW_US, signed(key, kind)));
        assert_eq!(says(&counting(), Kind::GatewayHeartbeat), (2, 0), "another one beside us");
        assert_eq!(says(&counting(), Kind::Heartbeat), (1, 1), "another kind of record");
        assert_eq!(says(&key(), Kind::GatewayHeartbeat), (1, 1), "an adapter's key");
        let unsigned = record("", NOW_US, |_| None);
        assert_eq!(gateways_after(unsigned), (1, 0), "it may say what it likes");
        let old = record("", NOW_US - 11_000_000, signed(&counting(), Kind::GatewayHeartbeat));
        assert_eq!(gateways_after(old), (1, 1), "a repeat of one that died");
    }

    #[test]
    fn a_heartbeat_is_believed_once_and_only_for_some_seconds() {
        let sent_at = |sent_us| record("land", sent_us, signed(&key(), Kind::Heartbeat));
        let seconds = |seconds: i64| NOW_US + seconds * 1_000_000;
        assert_eq!(after(&[sent_at(NOW_US), sent_at(NOW_US)]), (1, 1, 1), "a repeat");
        assert_eq!(after(&[sent_at(NOW_US), sent_at(NOW_US + 1)]), (2, 0, 1));
        assert_eq!(after(&[sent_at(seconds(-9)), sent_at(seconds(9))]), (2, 0, 1), "clocks differ a little");
        assert_eq!(after(&[sent_at(seconds(-11)), sent_at(seconds(11))]), (0, 2, 0));
        assert_eq!(after(&[sent_at(i64::MIN), sent_at(i64::MAX)]), (0, 2, 0));
    }

    #[test]
    fn whoever_watches_tells_a_clock_that_is_wrong_from_a_forgery() {
        let keys =
            MacKeys::new(BTreeMap::from([("land".to_owned(), key()), ("ledger".to_owned(), counting())]));
        let read = |record: Record| heartbeats::read(&record, &keys, NOW_US);
        let sent_us = NOW_US - 11_000_000;
        let is_off = |heard: Option<Heard>| matches!(heard, Some(Heard::OfAnotherTime(heartbeat)) if heartbeat.sent_us == sent_us);
        let believed = read(record("land", NOW_US, signed(&key(), Kind::Heartbeat)));
        assert!(matches!(believed, Some(Heard::Believed(_))));
        assert!(is_off(read(record("land", sent_us, signed(&key(), Kind::Heartbeat)))));
        assert!(is_off(read(record("", sent_us, signed(&counting(), Kind::GatewayHeartbeat)))));
        for forged in [
            record("land", sent_us, |_| None),
            record("land", sent_us, signed(&counting(), Kind::Heartbeat)),
            record("", sent_us, signed(&counting(), Kind::Heartbeat)),
            record("unknown", sent_us, signed(&key(), Kind::Heartbeat)),
        ] {
            assert_eq!(read(forged), None);
        }
    }

    #[test]
    fn what_is_not_believed_is_told_once_a_minute() {
        let (mut listener, begun) = (listener(), Instant::now());
        let mut told_at = |seconds| {
            listener.hear(&record("land", NOW_US, |_| None), begun + Duration::from_secs(seconds), NOW_US);
            listener.told.unwrap().duration_since(begun).as_secs()
        };
        assert_eq!([told_at(0), told_at(59), told_at(60), told_at(61)], [0, 0, 60, 60]);
    }

    #[tokio::test]
    async fn heartbeats_are_read_anew_when_their_tail_has_ended() {
        let ended = || Tail::of(mpsc::channel(1).1);
        let (says, tail) = mpsc::channel(1);
        says.try_send(Tailed::Record(record("land", NOW_US, |_| None))).unwrap();
        let then = Mutex::new(vec![Ok(Tail::of(tail)), Err(Error::Closed)]);
        let heard = Notify::new();
        let following = follow(ended(), || then.lock().pop().unwrap(), |_| heard.notify_one());
        let patience = sleep(Duration::from_secs(20));
        tokio::select! {
            () = following => unreachable!("it follows for ever"),
            () = heard.notified() => {}
            () = patience => panic!("nothing was heard"),
        }
    }
}
