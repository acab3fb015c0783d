//! Tells gateways what agreements have used of the day, so that their quotas hold over all gateways and over restarts.
//!
//! A count only grows, and a gateway keeps the largest that it has heard: two ledgers over one topic, or one that counts its
//! log again, take nothing back and count nothing twice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use lgsp_bus::{Bus, MacKey, usage};
use lgsp_core::time::{day, unix_micros};
use lgsp_runtime::Component;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::Error;
use crate::filing::Filed;
use crate::index::{Index, Row, agreement_of};

/// How often what has changed is told.
const PACE: Duration = Duration::from_millis(250);
/// How often all counts of the day are told, lest what was lost on the topic stays lost.
const ALL: Duration = Duration::from_secs(60);
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How long the filing may take to catch up before the first counts are told.
const CATCH_UP: Duration = Duration::from_secs(5);
/// Most agreements that wait to be told; all are told every minute.
const MOST: usize = 10_000;
/// Most counts on their way to Kafka at once.
const AT_ONCE: usize = 16;

/// The agreements whose counts have changed since they were told.
#[derive(Debug, Default)]
pub(crate) struct Changed(Mutex<BTreeSet<String>>);

impl Changed {
    /// Notes the agreements of rows that are indexed.
    pub fn note(&self, rows: &[Row]) {
        let mut changed = self.0.lock();
        for agreement in rows.iter().filter_map(agreement_of) {
            if !changed.contains(agreement) && changed.len() < MOST {
                changed.insert(agreement.to_owned());
            }
        }
    }

    fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// Publishes the counts.
pub(crate) struct Teller {
    pub bus: Bus,
    pub key: MacKey,
    pub index: Index,
    pub changed: Arc<Changed>,
    pub filed: Filed,
    pub component: Component,
}

impl Teller {
    /// Tells until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.tell()).await;
    }

    async fn tell(&self) {
        self.component.ready();
        // A ledger that begins anew has less than it will have: it need not be told.
        while !(self.filed.has_caught_up() && self.filed.catch_up(Instant::now() + CATCH_UP).await) {
            sleep(PACE).await;
        }
        let mut all_due = Instant::now();
        loop {
            let all = all_due <= Instant::now();
            match self.tell_of_today(all).await {
                Ok(()) => {
                    self.component.ready();
                    if all {
                        all_due = Instant::now() + ALL;
                    }
                    sleep(PACE).await;
                }
                Err(error) => {
                    warn!(%error, "the counts of the day cannot be published");
                    self.component.degraded("the counts of the day cannot be published");
                    all_due = Instant::now();
                    sleep(TRY_AGAIN).await;
                }
            }
        }
    }

    async fn tell_of_today(&self, all: bool) -> Result<(), Error> {
        let today = day(unix_micros(SystemTime::now()));
        let mut agreements = self.changed.take();
        if all {
            agreements.extend(self.index.used_on(&today).await?);
        }
        let today = &*today;
        let told = agreements.into_iter().map(|agreement| async move {
            let told = self.tell_of(today, &agreement).await;
            (agreement, told)
        });
        let mut told = futures::stream::iter(told).buffer_unordered(AT_ONCE);
        let mut failed = None;
        while let Some((agreement, told)) = told.next().await {
            if let Err(error) = told {
                // The others are told all the same: whatever is wrong with one must not keep all quotas from being counted.
                warn!(%error, agreement, "the count of an agreement cannot be published");
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn tell_of(&self, today: &str, agreement: &str) -> Result<(), Error> {
        let usage = self.index.usage(today, agreement).await?;
        // An entry of yesterday changes nothing today.
        if usage.used > 0 {
            usage::publish(&self.bus, &self.key, &usage).await?;
        }
        Ok(())
    }
}
