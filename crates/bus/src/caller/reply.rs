use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lgsp_core::time::unix_micros;
use lgsp_core::{ExchangeId, Fault, Hop, Reason};
use lgsp_proto::ledger::v1::Position;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Shared;
use super::providers::Load;
use super::replies::ReplyRecord;
use super::waiters::Waiter;
use crate::{RequestHead, topics};

/// No deadline is further away than this.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The answer to a request, as it comes in. Dropping it ends the waiting.
pub struct Reply {
    shared: Arc<Shared>,
    waiter: Arc<Waiter>,
    exchange: ExchangeId,
    load: Load,
    deadline: Pin<Box<Sleep>>,
    over: bool,
}

/// A step of an answer.
#[derive(Debug)]
pub enum ReplyPart {
    /// One complete message.
    Message(Bytes),
    /// The provider has ended the answer well.
    End,
    /// The answer has failed; nothing follows.
    Failed(Fault),
}

/// What a message costs beside its bytes while it waits, so that many empty ones are bounded, too.
pub(super) const PART: usize = 64;

impl ReplyPart {
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Message(message) => message.len() + PART,
            Self::End | Self::Failed(_) => 0,
        }
    }
}

/// Where the records of an exchange stand and who answered when, as far as it is known. Times are Unix µs; 0: not yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplyTrace {
    /// Where the request stands; known once Kafka has acknowledged it.
    pub request_position: Option<Position>,
    /// Where the last record of the reply stands.
    pub reply_position: Option<Position>,
    /// The instance that answered; empty until then.
    pub adapter: String,
    /// Its version.
    pub version: String,
    /// When the request was handed to Kafka.
    pub sent_us: i64,
    /// When the provider took it up.
    pub taken_up_us: i64,
    /// When the provider sent the last record so far.
    pub answered_us: i64,
    pub(super) request_offset: Option<i64>,
    pub(super) reply_place: Option<(i32, i64)>,
}

impl ReplyTrace {
    pub(super) fn note(&mut self, record: &ReplyRecord<'_>) {
        if self.adapter.is_empty() {
            self.adapter = record.adapter.to_owned();
            self.version = record.version.to_owned();
        }
        self.taken_up_us = record.taken_up_us;
        self.answered_us = record.answered_us;
        self.reply_place = Some((record.partition, record.offset));
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}

impl Reply {
    pub(super) fn new(shared: Arc<Shared>, waiter: Arc<Waiter>, load: Load, head: &RequestHead) -> Self {
        let left = head.deadline_us.saturating_sub(unix_micros(SystemTime::now())).max(0);
        let deadline = Instant::now() + Duration::from_micros(left as u64).min(LONGEST);
        Self {
            shared,
            waiter,
            exchange: head.exchange,
            load,
            deadline: Box::pin(sleep_until(deadline)),
            over: false,
        }
    }

    pub(super) fn load(&self) -> &Load {
        &self.load
    }

    /// Waits for the next part: a message, the end, or the failure. It may be dropped and called again; after the end it
    /// keeps telling the end.
    ///
    /// Fails with [`Reason::DeadlineExceeded`] when the request's deadline passes first.
    pub async fn next(&mut self) -> ReplyPart {
        if self.over {
            return ReplyPart::End;
        }
        let (waiter, deadline) = (&self.waiter, &mut self.deadline);
        let part = std::future::poll_fn(|context| {
            if let Poll::Ready(part) = waiter.poll_next(context) {
                return Poll::Ready(part);
            }
            deadline.as_mut().poll(context).map(|()| ReplyPart::Failed(out_of_time(waiter)))
        });
        let part = part.await;
        self.over = !matches!(part, ReplyPart::Message(_));
        part
    }

    /// Holds something until the provider has ended the answer, however late that is read, or until this is dropped.
    pub fn hold(&self, what: impl Send + Sync + 'static) {
        self.waiter.hold(Box::new(what));
    }

    /// What is known of the exchange's way so far.
    pub fn trace(&self) -> ReplyTrace {
        let mut trace = self.waiter.trace();
        let (topic, partition) = (self.load.topic().to_owned(), self.load.partition());
        trace.request_position = trace.request_offset.map(|offset| Position { topic, partition, offset });
        let topic = topics::REPLY.to_owned();
        trace.reply_position =
            trace.reply_place.map(|(partition, offset)| Position { topic, partition, offset });
        trace
    }
}

/// Without Kafka's acknowledgement it was the broker that let the deadline pass.
fn out_of_time(waiter: &Waiter) -> Fault {
    let hop = if waiter.is_delivered() { Hop::Adapter } else { Hop::Broker };
    Fault::new(Reason::DeadlineExceeded).at(hop)
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.shared.waiters.remove(self.exchange);
    }
}
