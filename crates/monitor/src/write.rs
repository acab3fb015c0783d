//! Writes down what is told, behind it: a store that hangs keeps nobody from looking at the signals.

use std::sync::Arc;
use std::time::Duration;

use lgsp_runtime::Component;
use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::warn;

use crate::board::Change;
use crate::listen::now_us;
use crate::metrics::Meters;
use crate::monitor::{LOOK, STORE_PATIENCE, Shared};

/// Changes that wait for a store that is away. The oldest go first.
const MOST_WAITING: usize = 10_000;
/// How often it is written down that somebody watches.
const WATCH: Duration = Duration::from_secs(10);
/// How often the history is forgotten that is too old.
const FORGET: Duration = Duration::from_secs(3_600);

/// Changes that are not written down yet, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting(Arc<Mutex<Vec<Change>>>);

impl Waiting {
    pub fn push(&self, changes: Vec<Change>) {
        let mut waiting = self.0.lock();
        waiting.extend(changes);
        bound(&mut waiting);
    }

    fn take(&self) -> Vec<Change> {
        std::mem::take(&mut *self.0.lock())
    }

    /// They were not written down, and stand before what has come meanwhile.
    fn put_back(&self, mut changes: Vec<Change>) {
        let mut waiting = self.0.lock();
        changes.append(&mut waiting);
        bound(&mut changes);
        *waiting = changes;
    }
}

fn bound(changes: &mut Vec<Change>) {
    let overflow = changes.len().saturating_sub(MOST_WAITING);
    changes.drain(..overflow);
}

/// Writes again and again.
pub(crate) struct Writing {
    pub shared: Arc<Shared>,
    pub begun_us: i64,
    pub waiting: Waiting,
    pub meters: Arc<Meters>,
    pub component: Component,
}

impl Writing {
    pub async fn run(self) {
        let mut every = interval(LOOK);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut watched, mut forgot) = (None::<Instant>, None::<Instant>);
        let mut failures = 0_u32;
        self.component.ready();
        loop {
            every.tick().await;
            let is_due =
                |last: Option<Instant>, every| last.is_none_or(|last: Instant| last.elapsed() >= every);
            let (watch_due, forget_due) = (is_due(watched, WATCH), is_due(forgot, FORGET));
            // The moment first: all that changed before it is among the changes.
            let now_us = now_us();
            let changes = self.waiting.take();
            if changes.is_empty() && !watch_due && !forget_due {
                continue;
            }
            match self.write(&changes, (now_us, watch_due, forget_due)).await {
                Ok(()) => {
                    watched = watched.filter(|_| !watch_due).or(Some(Instant::now()));
                    forgot = forgot.filter(|_| !forget_due).or(Some(Instant::now()));
                    self.component.ready();
                    failures = 0;
                }
                Err(error) => {
                    self.meters.history_failed();
                    failures = failures.saturating_add(1);
                    if failures.is_power_of_two() {
                        let waiting = changes.len();
                        warn!(%error, failures, waiting, "changes of links cannot be written down");
                    }
                    self.component.degraded("the history cannot be written: its store does not take it");
                    // What is written again is the same.
                    self.waiting.put_back(changes);
                    // Not at every turn.
                    watched = Some(Instant::now());
                    forgot = Some(Instant::now());
                }
            }
        }
    }

    async fn write(
        &self,
        changes: &[Change],
        (now_us, watch, forget): (i64, bool, bool),
    ) -> Result<(), lgsp_store::Error> {
        let (history, deadline) = (&self.shared.history, Instant::now() + STORE_PATIENCE);
        if !changes.is_empty() {
            history.add(changes, deadline).await?;
        }
        // What has changed is of a time in which somebody watched.
        if watch || !changes.is_empty() {
            self.doubt(deadline).await?;
            history.watch(self.begun_us, now_us, deadline).await?;
        }
        if forget {
            history.forget_before(now_us - self.shared.keep_us, deadline).await?;
        }
        Ok(())
    }

    /// Ahead of that somebody watched: what was in doubt is not claimed in between.
    async fn doubt(&self, deadline: Instant) -> Result<(), lgsp_store::Error> {
        let doubts = std::mem::take(&mut self.shared.board.lock().doubts);
        let written = self.shared.history.doubt(&doubts, deadline).await;
        if written.is_err() {
            let newer = &mut self.shared.board.lock().doubts;
            for (doubt, until_us) in doubts {
                newer.entry(doubt).or_insert(until_us);
            }
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use lgsp_proto::monitor::v1::LinkState;

    use super::*;
    use crate::link::{Evidence, Id, Level};

    fn change(at_us: i64) -> Change {
        let (from, to, measured) = (LinkState::Working, LinkState::Down, Level::Down);
        Change { link: Id::broker(), from, to, measured, cause: None, at_us, evidence: Evidence::default() }
    }

    #[test]
    fn what_was_not_written_down_waits_before_what_came_later_and_the_oldest_go_first() {
        let waiting = Waiting::default();
        waiting.push(vec![change(1), change(2)]);
        let taken = waiting.take();
        waiting.push(vec![change(3)]);
        waiting.put_back(taken);
        let at = |waiting: &Waiting| waiting.take().iter().map(|it| it.at_us).collect::<Vec<_>>();
        assert_eq!(at(&waiting), [1, 2, 3]);
        let many: Vec<i64> = (0..MOST_WAITING as i64).collect();
        waiting.push(many.iter().map(|at| change(*at)).collect());
        let taken = waiting.take();
        waiting.push(vec![change(-1)]);
        waiting.put_back(taken);
        let kept = at(&waiting);
        assert_eq!((kept.len(), kept[0], kept[kept.len() - 1]), (MOST_WAITING, 1, -1));
    }
}
