//! What could not be processed: headers, digest and cause, never the value.
//!
//! The digest is under the domain's key: a bare one of a request that is little more than a personal number tells the number
//! to whoever tries them all.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::message::{BorrowedMessage, Message as _};

use crate::headers::{self, HeaderList, Incoming};
use crate::mac::Kind;
use crate::producer::Outgoing;
use crate::{Bus, MacKey, topics};

/// Most dead letters of one instance within [`PERIOD`]; further ones are counted only.
pub(super) const MOST: u32 = 100;
pub(super) const PERIOD: Duration = Duration::from_secs(10);
/// Longest header value that is kept.
pub(super) const LONGEST: usize = 128;
/// Headers that are kept. Officer, unit, dossier and request id may point to persons.
pub(super) const KEPT: &[&str] = &[
    headers::PROTOCOL,
    headers::EXCHANGE_ID,
    headers::METHOD,
    headers::REPLY_TO,
    headers::DEADLINE,
    headers::APPLICATION,
    headers::PURPOSE,
    headers::TRACEPARENT,
];

/// Why something is dead. A closed set of texts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cause {
    /// It was not a request of the hub.
    Refused(&'static str),
    /// The service panicked over it.
    Panicked,
}

impl Cause {
    fn text(self) -> &'static str {
        match self {
            Self::Refused(why) => why,
            Self::Panicked => "the service panicked",
        }
    }
}

/// Where a record stood, and its harmless headers.
#[derive(Default)]
pub(super) struct Origin {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
    headers: Vec<(&'static str, String)>,
}

impl Origin {
    pub(super) fn of(message: &BorrowedMessage<'_>, incoming: Option<&Incoming<'_>>) -> Self {
        let kept = |name: &&'static str| {
            let text = incoming?.text(name)?;
            let harmless = text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic());
            harmless.then(|| (*name, text.to_owned()))
        };
        Self {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            headers: KEPT.iter().filter_map(kept).collect(),
        }
    }
}

/// Writes the dead letters of one instance, at a bounded rate: strangers may make as many as they like.
pub(super) struct DeadLetters {
    bus: Bus,
    instance: String,
    key: MacKey,
    written: Mutex<(Instant, u32)>,
}

impl DeadLetters {
    pub(super) fn new(bus: &Bus, instance: &str, key: MacKey) -> Self {
        let written = Mutex::new((Instant::now(), 0));
        Self { bus: bus.clone(), instance: instance.to_owned(), key, written }
    }

    pub(super) fn write(&self, origin: &Origin, value: &[u8], cause: Cause) {
        let counters = self.bus.counters();
        if !self.may_write() {
            return counters.dead_letters_lost.add();
        }
        let mut list = HeaderList::new();
        for (name, text) in &origin.headers {
            list.text(name, text);
        }
        list.text(headers::CAUSE, cause.text());
        list.text(headers::TOPIC, &origin.topic);
        list.owned(headers::PARTITION, origin.partition);
        list.owned(headers::OFFSET, origin.offset);
        let mut digest = self.key.begin(Kind::DeadLetter);
        digest.field(value);
        list.owned(headers::DIGEST, digest.to_hex());
        list.owned(headers::SIZE, value.len());
        list.text(headers::ADAPTER, &self.instance);
        let record = Outgoing {
            topic: topics::DEAD_LETTER,
            partition: Some(0),
            key: None,
            value: None,
            headers: Some(list.to_native()),
        };
        let reported = counters.clone();
        let receipt = move |delivery: crate::producer::Delivery| match delivery {
            Ok(_) => reported.dead_letters.add(),
            Err(_) => reported.dead_letters_lost.add(),
        };
        if self.bus.publisher().send(record, Box::new(receipt)).is_err() {
            counters.dead_letters_lost.add();
        }
    }

    fn may_write(&self) -> bool {
        let mut written = self.written.lock();
        if written.0.elapsed() >= PERIOD {
            *written = (Instant::now(), 0);
        }
        written.1 += 1;
        written.1 <= MOST
    }
}
