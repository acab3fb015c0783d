//! The answer to one request, as records on the reply topic.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use lgsp_core::time::unix_micros;
use lgsp_core::{ExchangeId, Fault};
use prost::Message as _;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tracing::warn;

use super::intake::TakenUp;
use super::offsets::Outstanding;
use super::{Shared, spans};
use crate::caller::replies::Holds;
use crate::headers::{self, HeaderList, ReplyTo};
use crate::heartbeat::VERSION;
use crate::mac::Kind;
use crate::producer::{Delivery, Outgoing};
use crate::{Error, topics};

/// Longest value of one reply record; a longer message is split.
pub(super) const LONGEST_PIECE: usize = 512 * 1024;
/// Most KiB of one stream that Kafka has not acknowledged yet.
const WINDOW_KIB: usize = 1024;
/// How long to wait when the queue towards Kafka is full.
const QUEUE_FULL: Duration = Duration::from_millis(2);
/// Largest `grpc-status-details-bin` that travels.
pub(super) const LARGEST_DETAILS: usize = 8 * 1024;

/// Writes the records of one answer, in order.
pub(super) struct Answer {
    shared: Arc<Shared>,
    exchange: ExchangeId,
    reply_to: ReplyTo,
    is_stream: bool,
    taken_up_us: i64,
    sequence: u32,
    window: Arc<Semaphore>,
    /// Done when the answer can win no more: with the first record of a stream, the last of a unary answer.
    outstanding: Option<Arc<Outstanding>>,
}

/// How an answer ends: its gRPC code and details.
struct Trailers {
    code: i32,
    details: Vec<u8>,
}

impl Answer {
    pub(super) fn new(shared: Arc<Shared>, request: TakenUp) -> Self {
        Self {
            shared,
            exchange: request.head.exchange,
            reply_to: request.reply_to,
            is_stream: request.head.server_streaming,
            taken_up_us: request.taken_up_us,
            sequence: 0,
            window: Arc::new(Semaphore::new(WINDOW_KIB)),
            outstanding: Some(Arc::new(request.outstanding)),
        }
    }

    /// Sends a message of a stream.
    pub(super) async fn message(&mut self, message: &[u8]) -> Result<(), Error> {
        self.pieces(message, None).await
    }

    /// Sends the only message of a unary answer together with its good end.
    pub(super) async fn message_and_end(&mut self, message: &[u8]) -> Result<(), Error> {
        self.pieces(message, Some(Trailers { code: 0, details: Vec::new() })).await
    }

    /// Ends a stream well.
    pub(super) async fn end(&mut self) -> Result<(), Error> {
        self.record(Holds::Nothing, &[], Some(Trailers { code: 0, details: Vec::new() })).await
    }

    /// Ends the answer with a provider's status. Its message stays here: it may hold anything.
    pub(super) async fn status(&mut self, status: &tonic::Status) -> Result<(), Error> {
        let details =
            if status.details().len() <= LARGEST_DETAILS { status.details().to_vec() } else { Vec::new() };
        self.record(Holds::Nothing, &[], Some(Trailers { code: status.code() as i32, details })).await
    }

    /// Ends the answer with a fault of ours.
    pub(super) async fn fail(&mut self, fault: &Fault) -> Result<(), Error> {
        self.record(Holds::Nothing, &[], Some(trailers(fault))).await
    }

    /// The same without waiting, for the thread that reads requests.
    pub(super) fn fail_at_once(mut self, fault: &Fault) {
        if let Err(error) = self.send(Holds::Nothing, &[], Some(&trailers(fault)), 0) {
            self.undelivered(&error);
        }
    }

    async fn pieces(&mut self, message: &[u8], end: Option<Trailers>) -> Result<(), Error> {
        let mut rest = message;
        while rest.len() > LONGEST_PIECE {
            let (piece, more) = rest.split_at(LONGEST_PIECE);
            self.record(Holds::Piece, piece, None).await?;
            rest = more;
        }
        self.record(Holds::Message, rest, end).await
    }

    async fn record(&mut self, holds: Holds, value: &[u8], end: Option<Trailers>) -> Result<(), Error> {
        if let Some(end) = &end {
            spans::answered(end.code);
        }
        let cost = value.len() / 1024 + 1;
        if self.is_stream {
            let room = self.window.acquire_many(cost as u32).await.map_err(|_| Error::Closed)?;
            room.forget();
        }
        loop {
            match self.send(holds, value, end.as_ref(), cost) {
                Err(Error::QueueFull) => sleep(QUEUE_FULL).await,
                Err(error) => {
                    self.undelivered(&error);
                    return Err(error);
                }
                Ok(()) => return Ok(()),
            }
        }
    }

    fn send(&mut self, holds: Holds, value: &[u8], end: Option<&Trailers>, cost: usize) -> Result<(), Error> {
        let mut list = HeaderList::new();
        list.text(headers::PROTOCOL, headers::PROTOCOL_VERSION);
        list.owned(headers::EXCHANGE_ID, self.exchange);
        list.text(headers::REPLY_TO, &self.reply_to.text);
        list.owned(headers::SEQUENCE, self.sequence);
        list.text(headers::VALUE, holds.text());
        list.text(headers::ADAPTER, &self.shared.instance);
        list.text(headers::VERSION, VERSION);
        list.owned(headers::TAKEN_UP, self.taken_up_us);
        list.owned(headers::ANSWERED, unix_micros(SystemTime::now()));
        if let Some(end) = end {
            list.text(headers::END, "1");
            list.owned(headers::GRPC_STATUS, end.code);
            if !end.details.is_empty() {
                list.bytes(headers::GRPC_DETAILS, &end.details);
            }
        }
        list.sign(&self.shared.key, Kind::Reply, value);
        let record = Outgoing {
            topic: topics::REPLY,
            partition: Some(self.reply_to.partition),
            key: None,
            value: Some(value),
            headers: Some(list.to_native()),
        };
        let decides = self.is_stream || end.is_some();
        let receipt = self.receipt(decides, cost);
        self.shared.producer.send(record, receipt)?;
        // Not before: a queue that is full drops the receipt, and the record is sent again.
        self.outstanding.take_if(|_| decides);
        self.sequence += 1;
        Ok(())
    }

    /// Reply first, commit after: a crash before the report repeats the request, and the gateway drops the second reply.
    fn receipt(&self, decides: bool, cost: usize) -> crate::producer::Receipt {
        let outstanding = self.outstanding.clone().filter(|_| decides);
        let window = self.is_stream.then(|| self.window.clone());
        let (counters, exchange) = (self.shared.bus.counters().clone(), self.exchange);
        let acknowledged = self.shared.acknowledged.clone();
        Box::new(move |delivery: Delivery| {
            if let Some(window) = window {
                window.add_permits(cost);
            }
            match delivery {
                Ok(_) => acknowledged.note(Instant::now()),
                Err(error) => {
                    warn!(%exchange, %error, "reply was not delivered");
                    counters.replies_undelivered.add();
                }
            }
            drop(outstanding);
        })
    }

    fn undelivered(&self, error: &Error) {
        warn!(exchange = %self.exchange, %error, "reply was not sent");
        self.shared.bus.counters().replies_undelivered.add();
    }
}

fn trailers(fault: &Fault) -> Trailers {
    Trailers { code: fault.code() as i32, details: fault.to_rpc(None).encode_to_vec() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use lgsp_core::ExchangeId;
    use tokio::sync::Semaphore;

    use super::super::{Shared, consumer};
    use super::*;
    use crate::producer::Producer;
    use crate::pulse::Pulse;
    use crate::serve::dead_letters::DeadLetters;
    use crate::serve::intake::Membership;
    use crate::{Bus, MacKey, Options, ServeOptions, clients};

    /// The serving side of a broker that is away, with room for one record in the queue towards it.
    fn shared() -> Arc<Shared> {
        let bus = Bus::open(Options::default()).unwrap();
        bus.lose_broker().unwrap();
        let mut config = clients::producer(bus.cluster(), Duration::from_secs(60));
        config.set("queue.buffering.max.messages", "1");
        let membership = Arc::new(Membership::default());
        let consumer = consumer(&bus, "land", membership.clone()).unwrap();
        Arc::new(Shared {
            options: ServeOptions::default(),
            domain: "land".into(),
            instance: "adapter-land-1".to_owned(),
            key: MacKey::new([7; 32]),
            routes: Default::default(),
            permits: Arc::new(Semaphore::new(1)),
            largest_message: 1_024,
            offsets: membership.offsets(&bus, "land", &consumer),
            dead_letters: DeadLetters::new(&bus, "adapter-land-1", MacKey::new([7; 32])),
            membership,
            acknowledged: Pulse::new(),
            meter: bus.cluster().meters.of_domain("land"),
            producer: Producer::new("replies", bus.cluster(), config).unwrap(),
            bus,
        })
    }

    fn answer(shared: &Arc<Shared>, offset: i64) -> Answer {
        Answer {
            shared: shared.clone(),
            exchange: ExchangeId::new(),
            reply_to: ReplyTo::new(0),
            is_stream: false,
            taken_up_us: 0,
            sequence: 0,
            window: Arc::new(Semaphore::new(WINDOW_KIB)),
            outstanding: Some(Arc::new(shared.offsets.begin(0, offset))),
        }
    }

    #[tokio::test]
    async fn a_request_whose_reply_found_no_room_in_the_queue_is_not_done() {
        let shared = shared();
        let (mut first, mut second) = (answer(&shared, 0), answer(&shared, 1));
        let end = trailers(&Fault::new(lgsp_core::Reason::NotFound));
        assert!(first.send(Holds::Nothing, &[], Some(&end), 1).is_ok());
        let refused = second.send(Holds::Nothing, &[], Some(&end), 1);
        assert!(matches!(refused, Err(Error::QueueFull)), "{refused:?}");
        assert_eq!(shared.offsets.outstanding(0), [0, 1], "neither reply is out");
        drop(second);
        assert_eq!(shared.offsets.outstanding(0), [0], "nobody tries any more");
    }
}
