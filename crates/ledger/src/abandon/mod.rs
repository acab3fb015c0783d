//! The request topics are the log of intentions: an exchange whose gateway died has a request there and no end here. It is
//! entered as abandoned; a final entry that arrives later wins, and both are shown.

mod open;
mod request;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lgsp_bus::{Bus, Start, Tail, Tailed, topics};
use lgsp_core::time::unix_micros;
use lgsp_runtime::Component;
use prost::Message;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub(crate) use open::Open;
use request::Request;

use crate::Error;
use crate::filing::Filed;
use crate::index::Index;

/// How long the filing may take to catch up before the next look.
const CATCH_UP: Duration = Duration::from_secs(5);
/// Most exchanges that are entered as abandoned at one look.
const MOST_AT_ONCE: usize = 500;
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Reads the requests of one domain until `stop`.
pub(crate) async fn read_requests(bus: Bus, domain: String, open: Arc<Open>, stop: CancellationToken) {
    let topic = topics::request(&domain);
    let mut tail: Option<Tail> = None;
    loop {
        let Some(requests) = &mut tail else {
            // What is still kept is read again; what has ended since is known to the index.
            match bus.tail(&topic, Start::Beginning) {
                Ok(opened) => tail = Some(opened),
                Err(error) => {
                    warn!(%error, topic, "requests cannot be read");
                    tokio::select! { () = sleep(TRY_AGAIN) => {}, () = stop.cancelled() => return }
                }
            }
            continue;
        };
        tokio::select! {
            tailed = requests.next() => match tailed {
                Ok(Tailed::Record(record)) => {
                    if let Some(request) = Request::of(&record) {
                        open.register(request);
                    }
                }
                Ok(Tailed::CaughtUp) => {}
                Err(error) => {
                    warn!(%error, topic, "reading the requests has ended; beginning again");
                    tail = None;
                }
            },
            () = stop.cancelled() => return,
        }
    }
}

/// Enters what has no end.
pub(crate) struct Abandoner {
    pub bus: Bus,
    pub open: Arc<Open>,
    pub index: Index,
    pub filed: Filed,
    pub after: Duration,
    pub component: Component,
}

impl Abandoner {
    /// Looks from time to time, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let look_every = (self.after / 10).clamp(Duration::from_millis(50), Duration::from_secs(1));
        loop {
            tokio::select! { () = sleep(look_every) => {}, () = stop.cancelled() => return }
            match self.look().await {
                Ok(()) if self.open.overflowed() => {
                    self.component.degraded("more requests without an end than can be watched")
                }
                Ok(()) => self.component.ready(),
                Err(error) => {
                    warn!(%error, "abandoned exchanges cannot be entered");
                    self.component.degraded("abandoned exchanges cannot be entered");
                }
            }
        }
    }

    async fn look(&self) -> Result<(), Error> {
        let now = unix_micros(SystemTime::now());
        let due = self.open.due(now, MOST_AT_ONCE);
        if due.is_empty() {
            return Ok(());
        }
        // Their ends may be on their way: on the topic, or in the journal.
        if !self.filed.has_caught_up() || !self.filed.catch_up(Instant::now() + CATCH_UP).await {
            return Ok(());
        }
        let ids: Vec<_> = due.iter().map(|request| request.exchange).collect();
        let ended = self.index.ended(&ids).await?;
        for request in due.iter().filter(|request| !ended.contains(&request.exchange)) {
            let entry = request.abandoned(now).encode_to_vec();
            self.bus.publish(topics::EXCHANGE, None, request.exchange.as_bytes(), &entry, &[]).await?;
            self.open.ended([request.exchange]);
            info!(exchange = %request.exchange, "exchange abandoned");
        }
        self.open.ended(ended);
        Ok(())
    }
}
