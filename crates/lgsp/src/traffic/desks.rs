//! The task of the sample traffic: a few desks that take one case after the other, at the pace of the city.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures::future::join_all;
use lgsp_core::time::{day, unix_micros};
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Options;
use super::calls::Applications;
use super::hours::{Busyness, Hours};
use super::plan::{Case, Exchange, Plan};
use super::tally::Tally;

/// Desks, each with at most one exchange in flight.
const DESKS: usize = 8;

/// How often the services that the hub offers are asked for, and how soon again when nobody answered.
const ASK_SERVICES: Duration = Duration::from_secs(60);
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// A wait is looked at again so often: the night may have ended meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What is in flight at the end may take so long before it is left to the gateway alone.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// Everything that the desks share.
pub struct Desks {
    pub applications: Applications,
    pub tally: Tally,
    plan: Mutex<Plan>,
    pace: AsyncMutex<Pace>,
    hours: Hours,
    began: Instant,
    stop: CancellationToken,
}

/// When the next exchange is due. Whoever holds the lock waits for it, the others queue behind.
struct Pace {
    per_minute: u32,
    last: Instant,
}

impl Desks {
    pub fn new(
        options: &Options,
        plan: Plan,
        applications: Applications,
        tally: Tally,
        stop: CancellationToken,
    ) -> Self {
        let began = Instant::now();
        Self {
            applications,
            tally,
            plan: Mutex::new(plan),
            pace: AsyncMutex::new(Pace { per_minute: options.per_minute.get(), last: began }),
            hours: options.hours,
            began,
            stop,
        }
    }

    /// Works until the token is cancelled, and then not much longer.
    pub async fn run(self) {
        let (offered, known) = watch::channel(None);
        let desks = join_all((0..DESKS).map(|_| self.desk(known.clone())));
        let ended = async {
            self.stop.cancelled().await;
            sleep(LAST_ANSWERS).await;
        };
        tokio::select! {
            _ = desks => {}
            () = self.ask_services(&offered) => {}
            () = ended => {}
        }
    }

    /// Keeps knowing what the hub offers. Never ends.
    async fn ask_services(&self, offered: &watch::Sender<Option<BTreeSet<String>>>) {
        loop {
            let answer = self.applications.offered().await;
            let pause = if answer.is_some() { ASK_SERVICES } else { ASK_AGAIN };
            if answer.is_some() {
                offered.send_replace(answer);
            }
            sleep(pause).await;
        }
    }

    async fn desk(&self, mut offered: watch::Receiver<Option<BTreeSet<String>>>) {
        if self.stop.run_until_cancelled(offered.wait_for(Option::is_some)).await.is_none() {
            return;
        }
        while let Some(busyness) = self.due().await {
            let case = self.next_case(busyness);
            self.tally.skipped(case.left_out);
            for (position, exchange) in case.exchanges.iter().enumerate() {
                if position > 0 && self.due().await.is_none() {
                    return;
                }
                let service = exchange.step.service();
                let is_offered = offered.borrow().as_ref().is_some_and(|known| known.contains(service));
                if is_offered { self.make(&case, exchange).await } else { self.tally.skipped(1) }
            }
        }
    }

    fn next_case(&self, busyness: Busyness) -> Case {
        let today = day(unix_micros(SystemTime::now()));
        // YYYY-MM-DD becomes yymmdd.
        let today = today.get(2..).unwrap_or_default().replace('-', "");
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan.next(busyness.counters_open, &today)
    }

    async fn make(&self, case: &Case, exchange: &Exchange) {
        let Some(end) = self.applications.call(case, exchange).await else {
            return self.tally.skipped(1);
        };
        let as_expected = end.is_as(exchange.expect);
        self.tally.ended(end.outcome, as_expected);
        debug!(
            scenario = case.scenario.title,
            application = exchange.step.application,
            method = exchange.step.method,
            outcome = end.outcome.as_str_name(),
            as_expected,
            "sample exchange ended"
        );
    }

    /// Waits until the next exchange is due. `None` when the traffic ends.
    async fn due(&self) -> Option<Busyness> {
        let mut pace = self.pace.lock().await;
        loop {
            let now = Instant::now();
            let busyness = self.hours.at(SystemTime::now(), now - self.began);
            let gap = gap(pace.per_minute, busyness);
            let due = pace.last + gap;
            if self.stop.is_cancelled() {
                return None;
            }
            if due <= now {
                // What the desks could not keep up with is not made up for.
                pace.last = due.max(now - gap.min(now - self.began));
                return Some(busyness);
            }
            self.stop.run_until_cancelled(sleep_until(due.min(now + LOOK_AGAIN))).await;
        }
    }
}

/// The time from one exchange to the next.
fn gap(per_minute: u32, busyness: Busyness) -> Duration {
    let per_minute_and_mille = u64::from(per_minute) * u64::from(busyness.per_mille);
    Duration::from_micros(60_000_000_000 / per_minute_and_mille.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_busiest_time() {
        let busiest = Busyness { per_mille: 1_000, counters_open: true };
        assert_eq!(gap(60, busiest), Duration::from_secs(1));
        assert_eq!(gap(6_000, busiest), Duration::from_millis(10));
        assert_eq!(gap(60, Busyness { per_mille: 250, counters_open: false }), Duration::from_secs(4));
    }
}
