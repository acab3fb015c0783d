//! Who waits for which exchange's reply, and how a reply's records become an answer.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use lgsp_core::{ExchangeId, Fault, Reason};
use parking_lot::Mutex;

use super::CallerOptions;
use super::budget::{Budget, Share};
use super::replies::ReplyRecord;
use super::reply::{PART, ReplyPart, ReplyTrace};
use crate::MacKey;
use crate::producer::Place;

/// The exchanges that wait, bounded.
pub(crate) struct Waiters {
    most: usize,
    limits: Limits,
    budget: Arc<Budget>,
    by_exchange: Mutex<HashMap<ExchangeId, Arc<Waiter>>>,
}

/// What an answer may cost us before its reader takes it.
#[derive(Clone, Copy)]
struct Limits {
    buffer: usize,
    message: usize,
}

impl Waiters {
    /// No message of an answer is larger than `message`.
    pub(crate) fn new(options: &CallerOptions, message: usize) -> Self {
        Self {
            most: options.max_in_flight,
            limits: Limits { buffer: options.reply_buffer, message },
            budget: Budget::new(options.reply_memory),
            by_exchange: Mutex::default(),
        }
    }

    pub(crate) fn register(&self, exchange: ExchangeId, key: MacKey) -> Result<Arc<Waiter>, Fault> {
        let mut waiting = self.by_exchange.lock();
        if waiting.len() >= self.most {
            return Err(Reason::Overloaded.into());
        }
        if waiting.contains_key(&exchange) {
            return Err(Fault::new(Reason::Internal).because("the exchange id is in use"));
        }
        let state = Mutex::new(State::new(Share::of(&self.budget)));
        let waiter = Arc::new(Waiter { key, limits: self.limits, state });
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

struct State {
    parts: VecDeque<ReplyPart>,
    /// What the parts and the message that is not whole yet cost.
    share: Share,
    /// The answer that came first; any other is a duplicate.
    series: Option<Series>,
    assembling: BytesMut,
    ended: bool,
    delivered: bool,
    waker: Option<Waker>,
    trace: ReplyTrace,
    held: Option<Held>,
}

/// What is dropped when an answer has ended.
pub(super) type Held = Box<dyn Send + Sync>;

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

    /// Holds something until the answer has ended, whoever has read it.
    pub(super) fn hold(&self, what: Held) {
        let mut state = self.state.lock();
        if !state.ended {
            state.held = Some(what);
        }
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
            state.share.give_back(part.size());
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
    fn new(share: Share) -> Self {
        Self {
            parts: VecDeque::new(),
            share,
            series: None,
            assembling: BytesMut::new(),
            ended: false,
            delivered: false,
            waker: None,
            trace: ReplyTrace::default(),
            held: None,
        }
    }

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
            let cost = record.value.len() + if whole { PART } else { 0 };
            if self.share.bytes() + cost > limits.buffer {
                return self.overflow("the answer came faster than it was read");
            }
            if !self.share.take(cost) {
                return self.overflow("too much of all answers waits to be read");
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
        self.parts.push_back(ReplyPart::Message(message));
    }

    fn overflow(&mut self, why: &'static str) {
        self.end(ReplyPart::Failed(Fault::new(Reason::Overloaded).saying(why)));
    }

    fn end(&mut self, part: ReplyPart) {
        if self.ended {
            return;
        }
        self.ended = true;
        self.share.give_back(self.assembling.len());
        self.assembling = BytesMut::new();
        drop(self.held.take());
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

    fn waiters(reply_buffer: usize, reply_memory: usize) -> Waiters {
        Waiters::new(&CallerOptions { max_in_flight: 10, reply_buffer, reply_memory }, 1_000)
    }

    fn waiter(waiters: &Waiters) -> (ExchangeId, Arc<Waiter>) {
        let exchange = ExchangeId::new();
        (exchange, waiters.register(exchange, MacKey::new([7; 32])).unwrap())
    }

    fn message(sequence: u32, holds: Holds, value: &[u8]) -> ReplyRecord<'_> {
        ReplyRecord {
            partition: 0,
            offset: i64::from(sequence),
            sequence,
            holds,
            value,
            end: None,
            adapter: "adapter",
            version: "1",
            taken_up_us: 1,
            answered_us: 1,
        }
    }

    fn read(waiter: &Waiter) -> Option<ReplyPart> {
        match waiter.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(part) => Some(part),
            Poll::Pending => None,
        }
    }

    fn is_overloaded(part: Option<ReplyPart>) -> bool {
        matches!(part, Some(ReplyPart::Failed(fault)) if fault.reason() == Reason::Overloaded)
    }

    #[test]
    fn empty_messages_that_nobody_reads_are_bounded_too() {
        let (_, waiter) = waiter(&waiters(10 * PART, usize::MAX));
        for sequence in 0..10 {
            assert_eq!(waiter.accept(&message(sequence, Holds::Message, &[])), Accepted::Taken);
        }
        assert!(!waiter.state.lock().ended, "as many as fit");
        waiter.accept(&message(10, Holds::Message, &[]));
        assert!(waiter.state.lock().ended, "one more fails the answer");
        for _ in 0..10 {
            assert!(matches!(read(&waiter), Some(ReplyPart::Message(_))));
        }
        assert_eq!(waiter.state.lock().share.bytes(), 0);
        assert!(is_overloaded(read(&waiter)));
    }

    #[test]
    fn what_is_held_goes_when_the_answer_has_ended_and_not_when_it_is_read() {
        let (_, waiter) = waiter(&waiters(10_000, 10_000));
        let hold = || {
            let held = Arc::new(());
            let is_held = Arc::downgrade(&held);
            waiter.hold(Box::new(held));
            is_held
        };
        let until_the_end = hold();
        waiter.accept(&message(0, Holds::Message, &[1; 100]));
        assert!(until_the_end.upgrade().is_some());
        waiter.fail(Reason::ReplyLost.into());
        assert!(until_the_end.upgrade().is_none(), "nothing was read yet");
        assert!(hold().upgrade().is_none(), "it is over");
        assert!(matches!(read(&waiter), Some(ReplyPart::Message(_))));
    }

    #[test]
    fn more_than_all_answers_may_cost_fails_the_one_that_comes_and_no_other() {
        let each = 100 + PART;
        let waiters = waiters(10 * each, 2 * each);
        let [(_, first), (_, second), (_, third)] = [(); 3].map(|()| waiter(&waiters));
        first.accept(&message(0, Holds::Message, &[1; 100]));
        second.accept(&message(0, Holds::Message, &[2; 100]));
        third.accept(&message(0, Holds::Message, &[3]));
        assert!(is_overloaded(read(&third)));
        assert!(matches!(read(&first), Some(ReplyPart::Message(_))));
        first.accept(&message(1, Holds::Message, &[1; 100]));
        assert!(matches!(read(&first), Some(ReplyPart::Message(_))), "what was read makes room");
        assert!(matches!(read(&second), Some(ReplyPart::Message(_))));
        assert_eq!(waiters.budget.spent(), 0);
    }

    #[test]
    fn an_answer_gives_back_what_it_cost_however_it_ends() {
        let waiters = waiters(10_000, 10_000);
        let [(left, unread), (_, cut), (_, whole)] = [(); 3].map(|()| waiter(&waiters));
        unread.accept(&message(0, Holds::Message, &[1; 100]));
        unread.accept(&message(1, Holds::Piece, &[1; 100]));
        assert_eq!(waiters.budget.spent(), 200 + PART);
        cut.accept(&message(0, Holds::Piece, &[2; 100]));
        cut.accept(&message(2, Holds::Message, &[2; 100]));
        assert_eq!(waiters.budget.spent(), 200 + PART, "a piece whose rest is lost is not kept");
        whole.accept(&message(0, Holds::Piece, &[3; 100]));
        whole.accept(&message(1, Holds::Message, &[3; 100]));
        assert!(matches!(read(&whole), Some(ReplyPart::Message(message)) if message.len() == 200));
        waiters.remove(left);
        drop(unread);
        assert_eq!(waiters.budget.spent(), 0);
    }
}
