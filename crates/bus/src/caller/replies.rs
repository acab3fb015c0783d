//! The listener: an assigned reply partition, positioned before the first request is sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lgsp_core::{ExchangeId, Fault};
use lgsp_runtime::shutdown::Hold;
use lgsp_runtime::{Shutdown, Stage};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::waiters::{Accepted, Waiter, Waiters};
use crate::clients::Quiet;
use crate::headers::{self, Incoming, Malformed, ReplyTo};
use crate::mac::Kind;
use crate::pulse::LastSign;
use crate::{Bus, Error, clients, request, topics};

/// How long one look at the consumer lasts; also how soon the listener ends.
const LOOK: Duration = Duration::from_millis(100);
/// How long the broker may take to tell the watermarks.
const ASK: Duration = Duration::from_secs(2);
/// How long to wait before a broker that did not answer is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// A record of a reply.
pub(crate) struct ReplyRecord<'a> {
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) sequence: u32,
    pub(super) holds: Holds,
    pub(super) value: &'a [u8],
    pub(super) end: Option<End<'a>>,
    pub(super) adapter: &'a str,
    pub(super) version: &'a str,
    pub(super) taken_up_us: i64,
    pub(super) answered_us: i64,
}

/// What the value of a reply record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    Nothing,
    Piece,
    Message,
}

impl Holds {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Piece => "piece",
            Self::Message => "message",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Nothing, Self::Piece, Self::Message].into_iter().find(|holds| holds.text() == text)
    }

    /// Whether a message is complete with this record; `None`: the record has none.
    pub(super) fn is_whole(self) -> Option<bool> {
        match self {
            Self::Nothing => None,
            Self::Piece => Some(false),
            Self::Message => Some(true),
        }
    }
}

/// The trailers of an answer.
pub(crate) struct End<'a> {
    pub(super) code: i32,
    details: Option<&'a [u8]>,
}

impl End<'_> {
    pub(super) fn fault(&self) -> Fault {
        Fault::of_provider(self.code, self.details)
    }
}

impl<'a> ReplyRecord<'a> {
    fn read(incoming: &Incoming<'a>, message: &'a BorrowedMessage<'_>) -> Result<Self, Malformed> {
        if incoming.text(headers::PROTOCOL) != Some(headers::PROTOCOL_VERSION) {
            return Err(Malformed("the protocol is not ours"));
        }
        let end = match incoming.get(headers::END) {
            None => None,
            Some(_) => Some(End {
                code: incoming.number(headers::GRPC_STATUS, "there is no status")?,
                details: incoming.get(headers::GRPC_DETAILS),
            }),
        };
        let holds = incoming.text(headers::VALUE).and_then(Holds::parse);
        Ok(Self {
            partition: message.partition(),
            offset: message.offset(),
            sequence: incoming.number(headers::SEQUENCE, "there is no sequence")?,
            holds: holds.ok_or(Malformed("it is not said what the value is"))?,
            value: message.payload().unwrap_or_default(),
            end,
            adapter: incoming.required(headers::ADAPTER, "there is no adapter")?,
            version: incoming.text(headers::VERSION).unwrap_or_default(),
            taken_up_us: incoming.number(headers::TAKEN_UP, "it is not said when it was taken up")?,
            answered_us: incoming.number(headers::ANSWERED, "it is not said when it was answered")?,
        })
    }
}

/// The thread that hears replies.
pub(crate) struct Listener {
    consumer: BaseConsumer<Quiet>,
    reply_to: ReplyTo,
    waiters: Arc<Waiters>,
    last_sign: Arc<LastSign>,
    positioned: watch::Sender<bool>,
    close: CancellationToken,
    /// After the consumer, so that an embedded broker outlives it.
    bus: Bus,
    _hold: Hold,
}

impl Listener {
    /// Starts to listen. The returned watch turns true when no reply can be missed any more.
    pub(crate) fn start(
        bus: &Bus,
        reply_to: &ReplyTo,
        waiters: Arc<Waiters>,
        last_sign: Arc<LastSign>,
        shutdown: &Shutdown,
    ) -> Result<watch::Receiver<bool>, Error> {
        let config = clients::assigned_consumer(bus.cluster(), bus.fetch_at_once());
        let consumer = config.create_with_context(bus.cluster().quiet());
        let consumer = consumer.map_err(|source| Error::client("replies", &source))?;
        let (positioned, is_positioned) = watch::channel(false);
        let listener = Self {
            consumer,
            reply_to: reply_to.clone(),
            waiters,
            last_sign,
            positioned,
            close: shutdown.begins(Stage::Close),
            bus: bus.clone(),
            _hold: shutdown.hold(Stage::Close, "reply listener"),
        };
        let named = std::thread::Builder::new().name("lgsp-bus-replies".to_owned());
        named.spawn(move || listener.run()).map_err(|source| Error::Thread { what: "replies", source })?;
        Ok(is_positioned)
    }

    fn run(self) {
        self.take_position();
        while !self.close.is_cancelled() {
            match self.consumer.poll(LOOK) {
                None | Some(Err(KafkaError::PartitionEOF(_))) => {}
                Some(Ok(message)) => self.hear(&message),
                Some(Err(error)) => self.waits(&error),
            }
        }
    }

    /// `Offset::End` would lose every reply that is produced before it is resolved: ask for the watermark first.
    fn take_position(&self) {
        while !self.close.is_cancelled() {
            match self.try_position() {
                Ok(()) => {
                    self.positioned.send_replace(true);
                    return;
                }
                Err(error) => self.waits(&error),
            }
            // Nothing is assigned yet: this only waits, and serves the client's events.
            let _ = self.consumer.poll(ASK_AGAIN);
        }
    }

    fn try_position(&self) -> Result<(), KafkaError> {
        let partition = self.reply_to.partition;
        let topic = self.bus.options().topic(topics::REPLY);
        let (_, high) = self.consumer.fetch_watermarks(&topic, partition, ASK)?;
        let mut assignment = TopicPartitionList::new();
        assignment.add_partition_offset(&topic, partition, Offset::Offset(high))?;
        self.consumer.assign(&assignment)
    }

    fn waits(&self, error: &KafkaError) {
        debug!(%error, "reply listener waits for kafka");
        self.bus.cluster().refusals.tell(error, "read", &self.bus.options().topic(topics::REPLY));
    }

    fn hear(&self, message: &BorrowedMessage<'_>) {
        // Whatever it says: a broker has brought it.
        self.last_sign.note(Instant::now());
        let counters = self.bus.counters();
        let Ok(incoming) = Incoming::read(message) else {
            return counters.replies_malformed.add();
        };
        if incoming.text(headers::REPLY_TO) != Some(&self.reply_to.text) {
            return counters.replies_foreign.add();
        }
        let Ok(exchange) = request::exchange(&incoming) else {
            return counters.replies_malformed.add();
        };
        let Some(waiter) = self.waiters.find(exchange) else {
            return counters.replies_late.add();
        };
        if !incoming.is_signed(&waiter.key, Kind::Reply, message.payload().unwrap_or_default()) {
            warn!(%exchange, partition = message.partition(), offset = message.offset(), "reply with a wrong mac refused");
            return counters.replies_forged.add();
        }
        match ReplyRecord::read(&incoming, message) {
            Ok(record) => self.deliver(exchange, &waiter, &record),
            Err(error) => {
                warn!(%exchange, %error, "reply could not be read");
                counters.replies_malformed.add();
            }
        }
    }

    fn deliver(&self, exchange: ExchangeId, waiter: &Waiter, record: &ReplyRecord<'_>) {
        let counters = self.bus.counters();
        match waiter.accept(record) {
            Accepted::Taken => counters.replies.add(),
            Accepted::Duplicate => counters.replies_duplicate.add(),
            Accepted::Gap => {
                warn!(%exchange, sequence = record.sequence, "a part of a reply is missing");
                counters.replies_gapped.add();
            }
        }
    }
}
