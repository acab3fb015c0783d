//! The task of one receiver.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lgsp_runtime::Component;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{info, warn};

use super::{Channel, Trouble};
use crate::alerts::group::{Grouping, Told, Wants};
use crate::alerts::metrics::Meters;
use crate::alerts::roll::View;
use crate::alerts::store::Kept;
use crate::listen::now_us;
use crate::monitor::STORE_PATIENCE;

/// How often it is looked whether something is due, besides whenever alerts change.
const LOOK: Duration = Duration::from_secs(1);
/// How long to wait after the first failure; twice as long after each other, up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Who could not be told, in the state of the monitor. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Telling {
    component: Component,
    shared: Arc<Mutex<Troubles>>,
}

#[derive(Debug, Default)]
struct Troubles {
    untold: BTreeMap<String, Trouble>,
    unwritten: bool,
}

/// A receiver.
#[derive(Debug)]
pub(crate) struct Receiver {
    name: String,
    channel: Channel,
    grouping: Grouping,
    kept: Kept,
    telling: Telling,
    meters: Meters,
    /// When it may be tried again, and after how many failures.
    not_before: Option<Instant>,
    failures: u32,
}

impl Telling {
    pub fn new(component: Component) -> Self {
        component.ready();
        Self { component, shared: Arc::default() }
    }

    /// The store does not take what is to be written down of alerts, or does again.
    pub fn unwritten(&self, unwritten: bool) {
        let mut troubles = self.shared.lock();
        troubles.unwritten = unwritten;
        self.tell(&troubles);
    }

    /// Who could not be told at the last attempt.
    pub fn untold(&self) -> Vec<String> {
        self.shared.lock().untold.keys().cloned().collect()
    }

    fn note(&self, name: &str, outcome: Result<(), Trouble>) {
        let mut troubles = self.shared.lock();
        match outcome {
            Ok(()) => drop(troubles.untold.remove(name)),
            Err(trouble) => drop(troubles.untold.insert(name.to_owned(), trouble)),
        }
        self.tell(&troubles);
    }

    fn tell(&self, troubles: &Troubles) {
        let names =
            || troubles.untold.iter().map(|(name, trouble)| format!("{name}: {trouble}")).collect::<Vec<_>>();
        match (troubles.untold.is_empty(), troubles.unwritten) {
            (false, _) => self.component.degraded_by("receivers could not be told of alerts", &names()),
            (true, true) => {
                self.component.degraded("alerts cannot be written down: the store does not take them")
            }
            (true, false) => self.component.ready(),
        }
    }
}

impl Receiver {
    pub fn new(
        (name, wants, channel): (String, Wants, Channel),
        told: Vec<Told>,
        kept: Kept,
        telling: Telling,
        meters: Meters,
    ) -> Self {
        let grouping = Grouping::new(wants, told);
        Self { name, channel, grouping, kept, telling, meters, not_before: None, failures: 0 }
    }

    /// Tells what is due, for ever.
    pub async fn run(mut self, mut views: watch::Receiver<Arc<Vec<View>>>) {
        let mut every = interval(LOOK);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = every.tick() => {}
                changed = views.changed() => if changed.is_err() { return },
            }
            self.tell(&views).await;
        }
    }

    async fn tell(&mut self, views: &watch::Receiver<Arc<Vec<View>>>) {
        while self.not_before.is_none_or(|at| Instant::now() >= at) {
            // What is due is looked up anew each time: an attempt may take long.
            let now = views.borrow().clone();
            let Some(message) = self.grouping.due(&now, now_us()) else { return };
            let told = self.channel.tell(&message, now_us()).await;
            self.meters.told(&self.name, told.is_ok());
            self.telling.note(&self.name, told);
            if let Err(trouble) = told {
                self.wait(trouble);
                return;
            }
            (self.not_before, self.failures) = (None, 0);
            let (told, over) = self.grouping.sent(&message, now_us());
            info!(
                receiver = self.name,
                firing = message.firing.len(),
                resolved = message.resolved.len(),
                "alerts told"
            );
            let soon = Instant::now() + STORE_PATIENCE;
            if let Err(error) = self.kept.note_told(&self.name, (&told, &over), soon).await {
                // After a restart it is told once more.
                warn!(%error, receiver = self.name, "who was told of alerts cannot be written down");
            }
        }
    }

    fn wait(&mut self, trouble: Trouble) {
        let wait = FIRST_WAIT.saturating_mul(1 << self.failures.min(16)).min(LONGEST_WAIT);
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(Instant::now() + wait);
        if self.failures.is_power_of_two() {
            warn!(%trouble, receiver = self.name, failures = self.failures, "alerts could not be told");
        }
    }
}
