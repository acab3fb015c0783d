//! Keeps the board while somebody looks at it: one follower of the hub for all browsers, in the console's own name.
//!
//! While the monitor answers, changes come by its stream, and everything is asked for again from time to time. While it does not, the
//! roles are asked at their admin ports.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::future::join_all;
use lgsp_core::indicators::midnight_after;
use lgsp_core::time::unix_micros;
use lgsp_proto::monitor::v1::{Link, LinkState};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};
use tracing::{info, warn};

use crate::board::{Board, From, PAST_US};
use crate::hub::{Hub, Refusal};
use crate::meter;
use crate::{Bearer, Ports};

/// How often everything is asked for again beside the stream. Each look is an exchange with its entry.
const REFRESH: Duration = Duration::from_secs(60);
/// How often the roles are asked whether there is a monitor; and, while there is none, it and they for links.
const LOOK: Duration = Duration::from_secs(2);
/// How often metrics are read.
const MEASURE: Duration = Duration::from_secs(5);
/// How often names, and the counts of the day, are read.
const NAMES: Duration = Duration::from_secs(60);
/// A stream is opened anew after so long.
const LONGEST_STREAM: Duration = Duration::from_secs(30 * 60);
const DAY_US: i64 = 24 * 3_600_000_000;
/// How many pasts are asked for at a time.
const AT_ONCE: usize = 4;

/// What the follower needs.
#[derive(Clone)]
pub(crate) struct Follower {
    pub(crate) hub: Hub,
    pub(crate) own: Arc<dyn Bearer>,
    pub(crate) ports: Arc<dyn Ports>,
    pub(crate) board: Arc<Board>,
}

pub(crate) fn now_us() -> i64 {
    unix_micros(SystemTime::now())
}

impl Follower {
    /// Follows links, for ever.
    pub(crate) async fn links(self) {
        let mut is_told = false;
        loop {
            if !self.board.is_looked_at() {
                self.board.lose(now_us());
                self.board.until_looked_at().await;
            }
            match self.stream().await {
                Ok(()) => is_told = false,
                Err(refusal) => {
                    if !is_told {
                        warn!(
                            method = refusal.method,
                            reason = refusal.reason,
                            "links are not told by the monitor"
                        );
                        is_told = true;
                    }
                    match self.ports.links().await {
                        Some(links) => self.board.take_links(From::Ports, links, now_us()),
                        None => self.board.lose(now_us()),
                    }
                }
            }
            sleep(LOOK).await;
        }
    }

    /// Follows the monitor until it does not answer, or the stream has become old.
    async fn stream(&self) -> Result<(), Refusal> {
        let own = &*self.own;
        let links = self.hub.links(own).await?;
        // Before the pasts are asked for, so that nothing falls between.
        let mut changes = self.hub.follow(own, LONGEST_STREAM).await?;
        info!(links = links.len(), "links are followed");
        self.take(links).await?;
        let ends = Instant::now() + LONGEST_STREAM;
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let refresh = Instant::now() + REFRESH;
            self.board.take_maintenance(self.hub.maintenance(own).await?);
            loop {
                tokio::select! {
                    change = changes.message() => match change {
                        Ok(Some(change)) => self.board.take_change(change),
                        // Its deadline, or a gateway that leaves: what comes next tells which.
                        Ok(None) | Err(_) => return self.hub.links(own).await.map(|_| ()),
                    },
                    // A stream tells nothing of the death of who feeds it.
                    _ = looks.tick() => if self.is_monitor_down().await {
                        return self.hub.links(own).await.map(|_| ());
                    },
                    () = sleep_until(refresh) => break,
                }
            }
            if Instant::now() >= ends || !self.board.is_looked_at() {
                return Ok(());
            }
            self.take(self.hub.links(own).await?).await?;
        }
    }

    /// Whether the gateways hear no monitor any more. It is asked of the admin ports, where no look leaves an entry.
    async fn is_monitor_down(&self) -> bool {
        let links = self.ports.links().await.unwrap_or_default();
        links.iter().any(|link| link.id == "provider/monitor" && link.state() == LinkState::Down)
    }

    /// Takes what the monitor tells, and asks for the pasts that are not known.
    async fn take(&self, links: Vec<Link>) -> Result<(), Refusal> {
        let ids = self.board.without_past(&links);
        self.board.take_links(From::Monitor, links, now_us());
        for some in ids.chunks(AT_ONCE) {
            let since_us = now_us() - PAST_US;
            let asked = some.iter().map(|id| self.hub.link(&*self.own, id, since_us));
            for (id, told) in some.iter().zip(join_all(asked).await) {
                self.board.take_past(id, told?);
            }
        }
        Ok(())
    }

    /// Reads metrics, for ever.
    pub(crate) async fn metrics(self) {
        let mut ticks = interval(MEASURE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let pages = self.ports.metrics().await;
            let read = |(port, page): (String, String)| {
                let picture = self.board.see();
                (port, meter::read(&page, |method| picture.domain_of(method)))
            };
            let readings = pages.into_iter().map(read).collect();
            self.board.take_metrics(readings, now_us());
        }
    }

    /// Reads names and the counts of the day, for ever. What is not told stays as it was.
    pub(crate) async fn names(self) {
        loop {
            self.board.until_looked_at().await;
            let own = &*self.own;
            let told = futures::try_join!(self.hub.applications(own), self.hub.services(own));
            let is_told = told.is_ok();
            if let Ok((applications, services)) = told {
                self.board.take_names(applications, services);
            }
            let tomorrow_us = midnight_after(now_us() + 1);
            if let Ok(counts) = self.hub.traffic(own, (tomorrow_us - DAY_US, tomorrow_us)).await {
                self.board.take_today(&counts);
            }
            sleep(if is_told { NAMES } else { LOOK }).await;
        }
    }
}
