//! Looks at what is known again and again, and keeps the alerts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lgsp_runtime::state::Fact;
use lgsp_runtime::{Shutdown, Stage, State};
use lgsp_store::Error;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{info, warn};
use uuid::Uuid;

use super::alert::{Acknowledged, Alert, Step};
use super::assess::Verdicts;
use super::deliver::{Receiver, Telling, channels};
use super::metrics::Meters;
use super::options::Options;
use super::roll::{Roll, View};
use super::silence::Silence;
use super::store::Kept;
use crate::listen::now_us;
use crate::monitor::{STORE_PATIENCE, Shared};
use crate::picture::Picture;

/// How often what is known is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often what is too old is forgotten.
const FORGET: Duration = Duration::from_secs(3_600);
/// Alerts that wait for a store that is away.
const MOST_WAITING: usize = 10_000;

/// The alerts, for whoever asks for them or decides about them.
#[derive(Debug)]
pub(crate) struct Alerts {
    pub roll: Arc<Mutex<Roll>>,
    pub kept: Kept,
    pub telling: Telling,
    /// What is written down and what is at hand change together.
    pub deciding: tokio::sync::Mutex<()>,
    views: watch::Sender<Arc<Vec<View>>>,
}

impl Alerts {
    /// Reads what was written down.
    pub async fn open(kept: Kept, state: &State) -> Result<Self, Error> {
        let (now_us, soon) = (now_us(), Instant::now() + STORE_PATIENCE);
        let mut roll = Roll::default();
        for alert in kept.firing(soon).await? {
            roll.remember(alert, now_us);
        }
        roll.silences = kept.silences(now_us, soon).await?;
        // From the beginning what fires: to nobody it looks as if it were over.
        let views = watch::Sender::new(Arc::new(roll.views(now_us)));
        let telling = Telling::new(state.component("alerts"));
        Ok(Self {
            roll: Arc::new(Mutex::new(roll)),
            kept,
            telling,
            deciding: tokio::sync::Mutex::default(),
            views,
        })
    }

    /// Shows receivers the alerts as they are now.
    pub fn publish(&self, now_us: i64) {
        let views = self.roll.lock().views(now_us);
        self.views.send_replace(Arc::new(views));
    }

    /// Written down first: what a restart would not know of is not promised. `None` if none of this id fires.
    pub async fn acknowledge(&self, id: Uuid, acknowledged: Acknowledged) -> Result<Option<View>, Error> {
        let _deciding = self.deciding.lock().await;
        let Some(mut alert) = self.roll.lock().firing(id).cloned() else { return Ok(None) };
        alert.acknowledged = Some(acknowledged.clone());
        self.kept.put([&alert], Instant::now() + STORE_PATIENCE).await?;
        let now_us = now_us();
        self.roll.lock().acknowledge(id, acknowledged);
        self.publish(now_us);
        let views = self.views.borrow();
        Ok(Some(views.iter().find(|view| view.alert.id == id).cloned().unwrap_or(View::of_the_past(alert))))
    }

    /// Puts a silence there, in the place of itself.
    pub async fn silence(&self, silence: &Silence) -> Result<(), Error> {
        let soon = Instant::now() + STORE_PATIENCE;
        self.kept.silence(silence, soon).await?;
        let now_us = now_us();
        let silences = self.kept.silences(now_us, soon).await?;
        self.roll.lock().silences = silences;
        self.publish(now_us);
        Ok(())
    }
}

/// Starts to watch, and a task for each receiver.
pub(crate) async fn start(
    options: Options,
    keep_us: i64,
    (shared, picture): (Arc<Shared>, Arc<Mutex<Picture>>),
    state: &State,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    let alerts = &shared.alerts;
    let meters = Meters::show(state.metrics(), &alerts.roll);
    let stop = shutdown.begins(Stage::Drain);
    for (name, wants, channel) in channels(&options) {
        let told = alerts.kept.told(&name, Instant::now() + STORE_PATIENCE).await?;
        let (kept, telling) = (alerts.kept.clone(), alerts.telling.clone());
        let receiver = Receiver::new((name, wants, channel), told, kept, telling, meters.clone());
        let (telling, stop) = (receiver.run(alerts.views.subscribe()), stop.clone());
        shutdown.spawn(Stage::Drain, "a receiver of alerts", async move {
            stop.run_until_cancelled(telling).await;
        });
    }
    let waiting = Waiting::default();
    let watching = Watching { options, shared: shared.clone(), picture, waiting: waiting.clone() };
    let (firing, ended) = (state.fact("alerts-firing"), stop.clone());
    shutdown.spawn(Stage::Drain, "alerts", async move {
        ended.run_until_cancelled(watching.run(firing)).await;
    });
    let writing = Writing { keep_us, shared, waiting };
    shutdown.spawn(Stage::Drain, "history of alerts", async move {
        stop.run_until_cancelled(writing.run()).await;
    });
    Ok(())
}

/// Alerts that are not written down as they are. A cheap handle.
type Waiting = Arc<Mutex<BTreeMap<Uuid, Alert>>>;

struct Watching {
    options: Options,
    shared: Arc<Shared>,
    picture: Arc<Mutex<Picture>>,
    waiting: Waiting,
}

impl Watching {
    async fn run(self, firing: Fact) {
        let mut every = interval(LOOK);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut refused = 0;
        loop {
            every.tick().await;
            let now_us = now_us();
            let changed = self.look(now_us);
            changed.iter().for_each(|(step, alert)| tell(*step, alert));
            let alerts = &self.shared.alerts;
            alerts.publish(now_us);
            let (firing_now, refused_now) = {
                let roll = alerts.roll.lock();
                (roll.counts().values().sum::<usize>(), roll.refused)
            };
            firing.set(firing_now as i64);
            if refused == 0 && refused_now > 0 {
                warn!(alerts = refused_now, "alerts find no room, and nobody is told of them");
            }
            refused = refused_now;
            let mut waiting = self.waiting.lock();
            waiting.extend(changed.into_iter().map(|(_, alert)| (alert.id, alert)));
            while waiting.len() > MOST_WAITING {
                waiting.pop_first();
            }
        }
    }

    fn look(&self, now_us: i64) -> Vec<(Step, Alert)> {
        let known = self.picture.lock().known(now_us);
        let verdicts = {
            let board = self.shared.board.lock();
            Verdicts::of(&self.options, board.seen(now_us), &known)
        };
        self.shared.alerts.roll.lock().take(&self.options, &verdicts, now_us)
    }
}

/// Writes down beside the looking, which a store that hangs does not delay.
struct Writing {
    keep_us: i64,
    shared: Arc<Shared>,
    waiting: Waiting,
}

impl Writing {
    async fn run(self) {
        let mut every = interval(LOOK);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut forgot, mut failures) = (None::<Instant>, 0_u32);
        loop {
            every.tick().await;
            let mut written = self.write().await;
            if written.is_ok() && forgot.is_none_or(|at| at.elapsed() >= FORGET) {
                forgot = Some(Instant::now());
                let (before_us, soon) = (now_us() - self.keep_us, Instant::now() + STORE_PATIENCE);
                written = self.shared.alerts.kept.forget_before(before_us, soon).await;
            }
            self.shared.alerts.telling.unwritten(written.is_err());
            let Err(error) = written else {
                failures = 0;
                continue;
            };
            failures = failures.saturating_add(1);
            if failures.is_power_of_two() {
                let waiting = self.waiting.lock().len();
                warn!(%error, failures, waiting, "alerts cannot be written down");
            }
        }
    }

    async fn write(&self) -> Result<(), Error> {
        let (alerts, waiting) = (&self.shared.alerts, self.waiting.lock().clone());
        if waiting.is_empty() {
            return Ok(());
        }
        let _deciding = alerts.deciding.lock().await;
        // Somebody may have acknowledged one meanwhile.
        let as_it_is = |alert: &Alert| alerts.roll.lock().firing(alert.id).cloned().unwrap_or(alert.clone());
        let now: Vec<Alert> = waiting.values().map(as_it_is).collect();
        alerts.kept.put(&now, Instant::now() + STORE_PATIENCE).await?;
        // What has changed meanwhile still waits.
        self.waiting.lock().retain(|id, alert| waiting.get(id) != Some(alert));
        Ok(())
    }
}

fn tell(step: Step, alert: &Alert) {
    let (rule, subject, severity) =
        (alert.key.rule.name(), &alert.key.subject, alert.finding.severity.name());
    let cause = alert.finding.cause.map(crate::link::Cause::name).unwrap_or_default();
    match step {
        Step::Fired => warn!(rule, %subject, severity, cause, "alert fires"),
        Step::Changed => warn!(rule, %subject, severity, cause, "alert changed"),
        Step::Resolved => info!(rule, %subject, severity, cause, "alert resolved"),
        Step::Same | Step::Gone => {}
    }
}
