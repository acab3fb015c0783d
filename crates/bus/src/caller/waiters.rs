//! Who waits for which exchange's reply, and how a reply's records become an answer.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use lgsp_core::{ExchangeId, Fault, Reason};
use parking_lot::Mutex;

use super::replies::ReplyRecord;
use super::reply::{PART, ReplyPart, ReplyTrace};
use crate::MacKey;
use crate::producer::Place;

/// The exchanges that wait, bounded.
pub(crate) struct Waiters {
    most: usize,
    limits: Limits,
    by_exchange: Mutex<HashMap<ExchangeId, Arc<Waiter>>>,
}

/// What an answer may cost us before its reader takes it.
#[derive(Clone, Copy)]
struct Limits {
    buffer: usize,
    message: usize,
}

impl Waiters {
    pub(crate) fn new(most: usize, buffer: usize, message: usize) -> Self {
        Self { most, limits: Limits { buffer, message }, by_exchange: Mutex::default() }
    }

    pub(crate) fn register(&self, exchange: ExchangeId, key: MacKey) -> Result<Arc<Waiter>, Fault> {
        let mut waiting = self.by_exchange.lock();
        if waiting.len() >= self.most {
            return Err(Reason::Overloaded.into());
        }
        if waiting.contains_key(&exchange) {
            return Err(Fault::new(Reason::Internal).because("the exchange id is in use"));
        }
        let waiter = Arc::new(Waiter { key, limits: self.limits, state: Mutex::default() });
        waiting.insert(exchange, waiter.clone());
        Ok(waiter)
    }

    pub(crate) fn find(&self, exchange: ExchangeId) -> Option<Arc<Waiter>> {
        self.by_exchange.lock().get(&exchange).cloned()
    }

    pub(crate) fn remove(&self, exchange: ExchangeId) {
        self.by_exchange.lock().remove(&exchange);
    }

    pub(crate) fn len(&self) -> usize {
        self.by_exchange.lock().len()
    }
}

/// One exchange's answer, as far as it has come.
pub(crate) struct Waiter {
    pub(crate) key: MacKey,
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    parts: VecDeque<ReplyPart>,
    buffered: usize,
    /// The answer that came first; any other is a duplicate.
    series: Option<Series>,
    assembling: BytesMut,
    ended: bool,
    delivered: bool,
    waker: Option<Waker>,
    trace: ReplyTrace,
}

#[derive(PartialEq, Eq)]
struct Series {
    adapter: String,
    taken_up_us: i64,
    next: u32,
}

/// What became of a reply's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    Taken,
    Duplicate,
    Gap,
}

impl Waiter {
    /// Notes when the request was handed to Kafka.
    pub(crate) fn sent(&self, at: i64) {
        self.state.lock().trace.sent_us = at;
    }

    /// Notes that Kafka has the request.
    pub(crate) fn delivered(&self, place: Place) {
        let mut state = self.state.lock();
        state.delivered = true;
        state.trace.request_offset = Some(place.offset);
    }

    pub(crate) fn is_delivered(&self) -> bool {
        self.state.lock().delivered
    }

    pub(crate) fn trace(&self) -> ReplyTrace {
        self.state.lock().trace.clone()
    }

    /// Fails the exchange, unless its answer is complete.
    pub(crate) fn fail(&self, fault: Fault) {
        self.state.lock().end(ReplyPart::Failed(fault));
    }

    /// Takes a verified record of a reply.
    pub(crate) fn accept(&self, record: &ReplyRecord<'_>) -> Accepted {
        let mut state = self.state.lock();
        let accepted = state.admit(record);
        match accepted {
            Accepted::Taken => state.take(record, self.limits),
            Accepted::Duplicate => {}
            Accepted::Gap => state.end(ReplyPart::Failed(Reason::ReplyLost.into())),
        }
        accepted
    }

    pub(crate) fn poll_next(&self, context: &mut Context<'_>) -> Poll<ReplyPart> {
        let mut state = self.state.lock();
        if let Some(part) = state.parts.pop_front() {
            state.buffered -= part.size();
            return Poll::Ready(part);
        }
        if state.ended {
            return Poll::Ready(ReplyPart::End);
        }
        if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            state.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

impl State {
    /// The first answer wins, and its records come in order or it is lost.
    fn admit(&mut self, record: &ReplyRecord<'_>) -> Accepted {
        if self.ended {
            return Accepted::Duplicate;
        }
        let Some(series) = &mut self.series else {
            if record.sequence != 0 {
                return Accepted::Gap;
            }
            let adapter = record.adapter.to_owned();
            self.series = Some(Series { adapter, taken_up_us: record.taken_up_us, next: 1 });
            self.trace.note(record);
            return Accepted::Taken;
        };
        let ours = series.adapter == record.adapter && series.taken_up_us == record.taken_up_us;
        if !ours || record.sequence < series.next {
            return Accepted::Duplicate;
        }
        if record.sequence > series.next {
            return Accepted::Gap;
        }
        series.next += 1;
        self.trace.note(record);
        Accepted::Taken
    }

    fn take(&mut self, record: &ReplyRecord<'_>, limits: Limits) {
        if let Some(whole) = record.holds.is_whole() {
            if self.assembling.len() + record.value.len() > limits.message {
                return self.end(ReplyPart::Failed(Reason::AnswerTooLarge.into()));
            }
            if self.buffered + self.assembling.len() + record.value.len() + PART > limits.buffer {
                let fault = Fault::new(Reason::Overloaded).saying("the answer came faster than it was read");
                return self.end(ReplyPart::Failed(fault));
            }
            self.message(record.value, whole);
        }
        if let Some(end) = &record.end {
            let part = if end.code == 0 { ReplyPart::End } else { ReplyPart::Failed(end.fault()) };
            self.end(part);
        } else if record.holds.is_whole() == Some(true) {
            self.wake();
        }
    }

    fn message(&mut self, value: &[u8], whole: bool) {
        if !whole {
            return self.assembling.extend_from_slice(value);
        }
        let message = if self.assembling.is_empty() {
            Bytes::copy_from_slice(value)
        } else {
            self.assembling.extend_from_slice(value);
            self.assembling.split().freeze()
        };
        let part = ReplyPart::Message(message);
        self.buffered += part.size();
        self.parts.push_back(part);
    }

    fn end(&mut self, part: ReplyPart) {
        if self.ended {
            return;
        }
        self.ended = true;
        self.assembling = BytesMut::new();
        self.parts.push_back(part);
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::replies::Holds;
    use super::*;

    fn empty_message(sequence: u32) -> ReplyRecord<'static> {
        ReplyRecord {
            partition: 0,
            offset: i64::from(sequence),
            sequence,
            holds: Holds::Message,
            value: &[],
            end: None,
            adapter: "adapter",
            version: "1",
            taken_up_us: 1,
            answered_us: 1,
        }
    }

    #[test]
    fn empty_messages_that_nobody_reads_are_bounded_too() {
        let waiters = Waiters::new(1, 10 * PART, 1_000);
        let waiter = waiters.register(ExchangeId::new(), MacKey::new([7; 32])).unwrap();
        for sequence in 0..10 {
            assert_eq!(waiter.accept(&empty_message(sequence)), Accepted::Taken);
        }
        assert!(!waiter.state.lock().ended, "as many as fit");
        waiter.accept(&empty_message(10));
        assert!(waiter.state.lock().ended, "one more fails the answer");
        let mut context = Context::from_waker(Waker::noop());
        let read = std::iter::from_fn(|| match waiter.poll_next(&mut context) {
            Poll::Ready(ReplyPart::Message(_)) => Some(()),
            Poll::Ready(_) | Poll::Pending => None,
        });
        assert_eq!((read.count(), waiter.state.lock().buffered), (10, 0));
    }
}
