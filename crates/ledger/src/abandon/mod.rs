//! The request topics are the log of intentions: an exchange whose gateway died has a request there and no end here. It is
//! entered as abandoned; a final entry that arrives later wins, and both are shown.

mod open;
mod request;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lgsp_bus::{Bus, Fsynced, MacKey, Record, Start, Tail, Tailed, Watermarks, topics};
use lgsp_core::time::unix_micros;
use lgsp_runtime::Component;
use lgsp_runtime::state::Fact;
use prost::Message;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

pub(crate) use open::Open;
use request::Request;

use crate::Error;
use crate::filing::Filed;
use crate::index::Index;

/// How long the filing may take to catch up before the next look.
const CATCH_UP: Duration = Duration::from_secs(5);
/// Most exchanges that are looked at at once.
const MOST_AT_ONCE: usize = 2_000;
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Reads the requests of one domain.
///
/// Whoever may write the topic may write anything, and an abandoned exchange is sealed as one that was granted: a record
/// without the MAC of the domain's key is no gateway's. It is counted, and neither watched nor entered.
pub(crate) struct Requests {
    pub bus: Bus,
    pub domain: String,
    pub key: MacKey,
    pub open: Arc<Open>,
    pub refused: Fact,
}

impl Requests {
    /// Reads until `stop`.
    pub async fn read(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.follow()).await;
    }

    async fn follow(&self) {
        let topic = topics::request(&self.domain);
        let mut tail: Option<Tail> = None;
        loop {
            let Some(requests) = &mut tail else {
                // What is still kept is read again; what has ended since is known to the index.
                match self.bus.tail(&topic, Start::Beginning) {
                    Ok(opened) => tail = Some(opened),
                    Err(error) => {
                        warn!(%error, topic, "requests cannot be read");
                        sleep(TRY_AGAIN).await;
                    }
                }
                continue;
            };
            match requests.next().await {
                Ok(Tailed::Record(record)) => self.take(&record).await,
                Ok(Tailed::CaughtUp) => {}
                Err(error) => {
                    warn!(%error, topic, "reading the requests has ended; beginning again");
                    tail = None;
                }
            }
        }
    }

    async fn take(&self, record: &Record) {
        if !record.is_request_under(&self.key) {
            debug!(topic = %record.topic, record.partition, record.offset, "request refused");
            return self.refused.add(1);
        }
        if let Some(request) = Request::of(record) {
            self.open.register(request).await;
        }
    }
}

/// Enters what has no end.
pub(crate) struct Abandoner {
    pub bus: Bus,
    /// The key under which entries are signed: what is not does not end an exchange.
    pub key: Option<MacKey>,
    pub open: Arc<Open>,
    pub index: Index,
    pub fsynced: Fsynced,
    pub filed: Filed,
    pub after: Duration,
    pub component: Component,
}

impl Abandoner {
    /// Looks from time to time, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let look_every = (self.after / 10).clamp(Duration::from_millis(50), Duration::from_secs(1));
        loop {
            let looked = self.look().await;
            match &looked {
                Ok(Look::Behind) => self.component.degraded("waits for entries that are on their way"),
                Ok(Look::Done | Look::More) if self.open.was_full() => {
                    self.component.degraded("more requests without an end than can be watched")
                }
                Ok(Look::Done | Look::More) => self.component.ready(),
                Err(error) => {
                    warn!(%error, "abandoned exchanges cannot be entered");
                    self.component.degraded("abandoned exchanges cannot be entered");
                }
            }
            // After a restart all that is kept of the topics is due, and nearly all of it has ended.
            let pause = if matches!(looked, Ok(Look::More)) { Duration::ZERO } else { look_every };
            tokio::select! { () = sleep(pause) => {}, () = stop.cancelled() => return }
        }
    }

    async fn look(&self) -> Result<Look, Error> {
        let now = unix_micros(SystemTime::now());
        let due = self.open.due(now, MOST_AT_ONCE);
        if due.is_empty() {
            return Ok(Look::Done);
        }
        // Their ends may be on their way: on the topic, or in the journal. Stored offsets may be of a topic that was made anew:
        // what was there at the start must have been read, whatever they say.
        let (held, deadline) = (self.bus.watermarks(topics::EXCHANGE).await?, Instant::now() + CATCH_UP);
        // Under load something is always on its way: what was there by now has to be taken in, and nothing later.
        let mut fsynced = self.fsynced.clone();
        let taken_in = fsynced.wait_for(|fsynced| is_taken_in(fsynced, &held));
        let is_taken_in = timeout_at(deadline, taken_in).await.is_ok_and(|taken_in| taken_in.is_ok());
        if !is_taken_in || !self.filed.has_caught_up() || !self.filed.catch_up(deadline).await {
            return Ok(Look::Behind);
        }
        let ids: Vec<_> = due.iter().map(|request| request.exchange).collect();
        let ended = self.index.ended(&ids).await?;
        for request in due.iter().filter(|request| !ended.contains(&request.exchange)) {
            let mut entry = request.abandoned(now);
            if let Some(key) = &self.key {
                entry.sealed = lgsp_bus::entry::sign(key, &entry.sealed).into();
            }
            let entry = entry.encode_to_vec();
            self.bus.publish(topics::EXCHANGE, None, request.exchange.as_bytes(), &entry, &[]).await?;
            self.open.ended([request.exchange]);
            info!(exchange = %request.exchange, "exchange abandoned");
        }
        self.open.ended(ended);
        Ok(if due.len() < MOST_AT_ONCE { Look::Done } else { Look::More })
    }
}

/// What a look at the requests found.
enum Look {
    /// Whatever has no end is entered.
    Done,
    /// The same, of as many as are looked at at once.
    More,
    /// An end may still be on its way.
    Behind,
}

/// Whether all that a topic holds is fsynced here, given the next offset of each partition that is not. What its retention
/// took away comes no more.
fn is_taken_in(fsynced: &[i64], held: &[Watermarks]) -> bool {
    held.iter().zip(fsynced.iter().chain(std::iter::repeat(&0))).all(|(held, next)| {
        let is_empty = held.low == held.high;
        is_empty || *next >= held.high
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_taken_in_when_all_that_it_holds_is_fsynced() {
        let held = |low, high| Watermarks { low, high };
        for (fsynced, partitions, expected) in [
            (&[3, 5][..], &[held(0, 3), held(2, 5)][..], true),
            (&[3, 4], &[held(0, 3), held(2, 5)], false),
            (&[3], &[held(0, 3), held(0, 1)], false),
            (&[3], &[held(0, 3), held(7, 7)], true),
            (&[9], &[held(0, 3)], true),
        ] {
            assert_eq!(is_taken_in(fsynced, partitions), expected, "{fsynced:?} of {partitions:?}");
        }
    }
}
