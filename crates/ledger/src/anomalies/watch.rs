//! Looks again and again at the days whose exchanges have changed. No exchange waits for it, and it holds nothing between two days.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lgsp_core::indicators::day_number;
use lgsp_core::time::unix_micros;
use lgsp_runtime::Component;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::Anomalies;
use super::rules::Day;
use crate::error::INDEX;
use crate::filing::Filed;
use crate::index::{Due, Index};
use crate::{Error, fence};

/// A pause between two days, so that the rules take little of the disk.
const BETWEEN_DAYS: Duration = Duration::from_millis(20);
/// Longest wait for what is durable to be filed.
const PATIENCE: Duration = Duration::from_secs(60);
/// What stands in the state of the process.
const CANNOT_LOOK: &str = "anomalies cannot be looked for";

/// Whoever looks, before it runs.
pub(crate) struct Watch {
    pub index: Index,
    pub options: Arc<Anomalies>,
    pub filed: Filed,
    pub component: Component,
}

impl Watch {
    pub async fn run(mut self, stop: CancellationToken) {
        stop.run_until_cancelled(self.look()).await;
    }

    async fn look(&mut self) {
        self.component.ready();
        if self.filed.durable.wait_for(|durable| durable.caught_up).await.is_err() {
            return;
        }
        loop {
            self.filed.catch_up(Instant::now() + PATIENCE).await;
            match self.look_once().await {
                Ok(()) => self.component.ready(),
                Err(error) => {
                    warn!(%error, "anomalies cannot be looked for");
                    self.component.degraded(CANNOT_LOOK);
                }
            }
            sleep(self.options.every).await;
        }
    }

    /// Each day that is due, the earliest first. One that cannot be looked at keeps no later one from it.
    async fn look_once(&self) -> Result<(), Error> {
        let rules = self.options.digest();
        let (mut from, mut failed) = (i64::MIN, None);
        while let Some(due) = self.index.due_day(&rules, today(), from).await? {
            from = due.day + 1;
            if let Err(error) = self.look_at(due, &rules).await {
                failed = Some(error);
            }
            sleep(BETWEEN_DAYS).await;
        }
        failed.map_or(Ok(()), Err)
    }

    async fn look_at(&self, due: Due, rules: &[u8; 32]) -> Result<(), Error> {
        let is_over = due.day < today();
        let day = Day { index: &self.index, options: &self.options, day: due.day, is_over };
        let findings = day.evaluate().await.map_err(|error| fence::failed(INDEX, error))?;
        // It is in the baseline of these.
        let weeks =
            if due.has_changed && self.options.change.enabled { self.options.change.weeks } else { 0 };
        let again: Vec<i64> = (1..=i64::from(weeks)).map(|week| due.day + 7 * week).collect();
        self.index.put_findings(due, (rules, is_over), &findings, &again).await?;
        debug!(day = due.day, findings = findings.len(), "a day is looked at for anomalies");
        Ok(())
    }
}

/// The number of the day in Asia/Ho_Chi_Minh.
pub(crate) fn today() -> i64 {
    day_number(unix_micros(SystemTime::now()))
}
