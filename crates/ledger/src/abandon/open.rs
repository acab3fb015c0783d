use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lgsp_core::ExchangeId;
use lgsp_runtime::state::Fact;
use parking_lot::Mutex;
use tokio::time::sleep;

use super::request::Request;

/// How many ends are remembered whose requests may not have been read yet.
const REMEMBERED: usize = 65_536;

/// How soon who waits for room looks again.
const ROOM: Duration = Duration::from_millis(10);

/// Exchanges whose request is on Kafka and whose end is not entered. Bounded: further ones wait on their topic.
#[derive(Debug)]
pub(crate) struct Open {
    inner: Mutex<Inner>,
    most: usize,
    after_us: i64,
    is_full: AtomicBool,
    count: Fact,
}

#[derive(Debug, Default)]
struct Inner {
    requests: HashMap<ExchangeId, Request>,
    by_deadline: BTreeSet<(i64, ExchangeId)>,
    ended: HashSet<ExchangeId>,
    ended_order: VecDeque<ExchangeId>,
}

impl Open {
    /// Watches at most `most` requests; one is due `after` its deadline.
    pub fn new(most: usize, after: Duration, count: Fact) -> Self {
        let after_us = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
        Self { inner: Mutex::default(), most, after_us, is_full: AtomicBool::new(false), count }
    }

    /// Watches a request for its end. While as many are watched as may be, it waits for room: none is left out.
    pub async fn register(&self, request: Request) {
        let mut waiting = Some(request);
        while let Some(request) = waiting.take() {
            waiting = self.try_register(request);
            if waiting.is_some() {
                self.is_full.store(true, Ordering::Relaxed);
                sleep(ROOM).await;
            }
        }
    }

    /// Gives back what there is no room for.
    fn try_register(&self, request: Request) -> Option<Request> {
        let mut inner = self.inner.lock();
        let exchange = request.exchange;
        if inner.ended.contains(&exchange) || inner.requests.contains_key(&exchange) {
            return None;
        }
        if inner.requests.len() >= self.most {
            return Some(request);
        }
        inner.by_deadline.insert((request.deadline_us, exchange));
        inner.requests.insert(exchange, request);
        self.count.set(i64::try_from(inner.requests.len()).unwrap_or(i64::MAX));
        None
    }

    /// These exchanges need not be watched any more, even if their requests are read only later.
    pub fn ended(&self, exchanges: impl IntoIterator<Item = ExchangeId>) {
        let mut inner = self.inner.lock();
        for exchange in exchanges {
            if let Some(request) = inner.requests.remove(&exchange) {
                inner.by_deadline.remove(&(request.deadline_us, exchange));
            }
            if inner.ended.insert(exchange) {
                inner.ended_order.push_back(exchange);
            }
            if inner.ended_order.len() > REMEMBERED
                && let Some(oldest) = inner.ended_order.pop_front()
            {
                inner.ended.remove(&oldest);
            }
        }
        self.count.set(i64::try_from(inner.requests.len()).unwrap_or(i64::MAX));
    }

    /// Requests whose deadline has been over for long enough, the oldest first.
    pub fn due(&self, now_us: i64, most: usize) -> Vec<Request> {
        let inner = self.inner.lock();
        let over = |deadline_us: &i64| deadline_us.saturating_add(self.after_us) <= now_us;
        let due = inner.by_deadline.iter().take_while(|(deadline_us, _)| over(deadline_us)).take(most);
        due.filter_map(|(_, exchange)| inner.requests.get(exchange).cloned()).collect()
    }

    /// Whether a request without an end was sent before a moment, or may have been: of those that wait for room nobody knows.
    pub fn has_sent_before(&self, moment_us: i64) -> bool {
        let inner = self.inner.lock();
        inner.requests.len() >= self.most
            || inner.requests.values().any(|request| request.sent_us < moment_us)
    }

    pub fn len(&self) -> usize {
        self.inner.lock().requests.len()
    }

    /// Whether a request has waited for room since this was asked last.
    pub fn was_full(&self) -> bool {
        self.is_full.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use lgsp_bus::Record;
    use lgsp_runtime::{Instance, State};
    use tokio::time::timeout;

    use super::*;

    fn open(most: usize) -> Open {
        let state = State::new(Instance::new("ledger", "0"));
        Open::new(most, Duration::from_micros(10), state.fact("open"))
    }

    fn request(deadline_us: i64) -> Request {
        let text = |value: String| Bytes::from(value.into_bytes());
        let headers = vec![
            ("lgsp-exchange-id".to_owned(), text(ExchangeId::new().to_string())),
            ("lgsp-method".to_owned(), text("/a.B/C".to_owned())),
            ("lgsp-application".to_owned(), text("tthc".to_owned())),
            ("lgsp-deadline".to_owned(), text(deadline_us.to_string())),
        ];
        let topic = "lgsp.request.land".into();
        let record =
            Record { topic, partition: 0, offset: 0, timestamp_us: 0, key: None, headers, value: None };
        Request::of(&record).unwrap()
    }

    fn deadlines(requests: &[Request]) -> Vec<i64> {
        requests.iter().map(|request| request.deadline_us).collect()
    }

    #[tokio::test]
    async fn a_request_without_an_end_is_due_some_time_after_its_deadline() {
        let open = open(10);
        for deadline in [300, 100, 200] {
            open.register(request(deadline)).await;
        }
        assert!(open.due(109, 10).is_empty());
        assert_eq!(deadlines(&open.due(210, 10)), [100, 200]);
        assert_eq!(deadlines(&open.due(1_000, 1)), [100]);
    }

    #[tokio::test]
    async fn an_end_takes_the_request_away_whichever_comes_first() {
        let open = open(10);
        let (before, after) = (request(100), request(100));
        open.register(before.clone()).await;
        open.ended([before.exchange, after.exchange]);
        open.register(after).await;
        assert_eq!((open.len(), open.due(1_000, 10).len()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn more_requests_than_can_be_watched_wait_and_none_is_left_out() {
        let open = open(2);
        let first = request(100);
        open.register(first.clone()).await;
        assert!(!open.has_sent_before(0), "what is sent later is of no concern");
        open.register(request(300)).await;
        assert!(open.has_sent_before(0), "of what waits nobody knows");
        assert!(timeout(ROOM * 3, open.register(request(200))).await.is_err());
        assert!(open.was_full());
        let third = request(200);
        let ends = async {
            sleep(ROOM * 2).await;
            open.ended([first.exchange]);
        };
        tokio::join!(open.register(third), ends);
        assert_eq!(deadlines(&open.due(1_000, 10)), [200, 300]);
        assert!(open.was_full() && !open.was_full());
    }
}
