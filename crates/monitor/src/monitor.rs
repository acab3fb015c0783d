use std::sync::Arc;
use std::time::Duration;

use lgsp_bus::{Bus, Health, MacKeys};
use lgsp_proto::monitor::v1::alert_service_server::AlertServiceServer;
use lgsp_proto::monitor::v1::monitor_service_server::MonitorServiceServer;
use lgsp_proto::monitor::v1::{LinkChange, MaintenanceWindow};
use lgsp_runtime::state::Condition;
use lgsp_runtime::{Shutdown, Stage, State};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, broadcast};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tracing::{info, warn};

use crate::alerts;
use crate::board::{Board, Change};
use crate::history::History;
use crate::link::Level;
use crate::listen::{self, now_us};
use crate::metrics::Meters;
use crate::picture::Picture;
use crate::service::Service;
use crate::tell::Tellers;
use crate::write::{Waiting, Writing};
use crate::{Error, Options};

/// How often the signals are looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(500);
/// How long the store may take.
pub(crate) const STORE_PATIENCE: Duration = Duration::from_secs(5);
/// Changes that wait for a slow follower.
const FOLLOW_BUFFER: usize = 1_024;
/// Most followers at once.
const MOST_FOLLOWERS: usize = 64;
/// How early gateways hear of maintenance.
const EARLY_US: i64 = 60_000_000;
/// Most announcements, and links in all of them, that a heartbeat carries.
const MOST_TOLD_WINDOWS: usize = 32;
const MOST_TOLD_LINKS: usize = 256;

/// A running monitor. A cheap handle.
#[derive(Clone, Debug)]
pub struct Monitor {
    service: Service,
}

impl Monitor {
    /// The service, for [`lgsp_bus::serve`] under the domain `monitor`.
    pub fn routes(&self) -> Routes {
        let alerts = alerts::Service { shared: self.service.shared.clone() };
        Routes::new(MonitorServiceServer::new(self.service.clone()))
            .add_service(AlertServiceServer::new(alerts))
    }
}

/// What is wrong with the monitor's store, as its state tells it: `store-failed`. `None`: nothing.
pub fn store_trouble(state: &State) -> Option<&'static str> {
    (state.condition("history") == Some(Condition::Degraded)).then_some("store-failed")
}

/// What the parts of a monitor share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub board: Mutex<Board>,
    pub history: History,
    pub changes: broadcast::Sender<LinkChange>,
    pub followers: Arc<Semaphore>,
    pub leaving: CancellationToken,
    /// One announcement at a time is made or taken back.
    pub announcing: tokio::sync::Mutex<()>,
    /// How long the history is kept.
    pub keep_us: i64,
    /// What the heartbeats of the monitor carry.
    pub heartbeats: Health,
    pub alerts: alerts::Alerts,
}

/// Starts to watch. `tellers` are the roles of this process, and `heartbeats` those that the monitor is served with: they carry the
/// maintenance that runs to the gateways.
///
/// State: `history` tells of the store, and `alerts` of who could not be told; the numbers are `links`, `links-degraded`, `links-down`
/// and `alerts-firing`.
///
/// # Errors
/// The store cannot be used.
pub async fn start(
    options: Options,
    keys: MacKeys,
    (bus, heartbeats, tellers): (&Bus, &Health, Tellers),
    state: &State,
    shutdown: &Shutdown,
) -> Result<Monitor, Error> {
    let history = History::open(&options.store()).await?;
    let (begun_us, soon) = (now_us(), Instant::now() + STORE_PATIENCE);
    let mut board = Board::default();
    board.windows = history.windows(begun_us, soon).await?;
    for last in history.last(soon).await? {
        board.remember(last, begun_us);
    }
    let alerts = alerts::Alerts::open(history.alerts(), state).await?;
    let shared = Arc::new(Shared {
        board: Mutex::new(board),
        history,
        changes: broadcast::Sender::new(FOLLOW_BUFFER),
        followers: Arc::new(Semaphore::new(MOST_FOLLOWERS)),
        leaving: shutdown.begins(Stage::NotServing),
        announcing: tokio::sync::Mutex::default(),
        keep_us: options.keep.as_micros() as i64,
        heartbeats: heartbeats.clone(),
        alerts,
    });
    let meters = Arc::new(Meters::show(state.metrics(), Arc::downgrade(&shared)));
    let waiting = Waiting::default();
    let (keys, picture) = (Arc::new(keys), Arc::<Mutex<Picture>>::default());
    // Whoever leaves looks no more: that the roles of its process leave with it is no news.
    let stop = shutdown.begins(Stage::NotServing);
    let spawn = |name, task: futures::future::BoxFuture<'static, ()>| {
        let stop = stop.clone();
        shutdown.spawn(Stage::Drain, name, async move {
            stop.run_until_cancelled(task).await;
        });
    };
    spawn("heartbeats heard", Box::pin(listen::heartbeats(bus.clone(), keys.clone(), picture.clone())));
    // In one process the gateways tell of their exchanges themselves, and the embedded broker is read by who must.
    if !bus.is_embedded() {
        spawn("entries counted", Box::pin(listen::entries(bus.clone(), keys, picture.clone())));
    }
    spawn("links told", Box::pin(listen::told(options.clone(), tellers, picture.clone())));
    let known = (shared.clone(), picture.clone());
    alerts::start(*options.alerts, shared.keep_us, known, state, shutdown).await?;
    let looking = Looking {
        shared: shared.clone(),
        picture,
        silent_after_us: options.silent_after.as_micros() as i64,
        waiting: waiting.clone(),
        meters: meters.clone(),
        state: state.clone(),
    };
    spawn("links", Box::pin(looking.run()));
    let component = state.component("history");
    let writing = Writing { shared: shared.clone(), begun_us, waiting, meters, component };
    spawn("history of links", Box::pin(writing.run()));
    Ok(Monitor { service: Service { shared } })
}

/// Looks at the signals again and again.
struct Looking {
    shared: Arc<Shared>,
    picture: Arc<Mutex<Picture>>,
    silent_after_us: i64,
    waiting: Waiting,
    meters: Arc<Meters>,
    state: State,
}

impl Looking {
    async fn run(self) {
        let links = self.state.fact("links");
        let (degraded, down) = (self.state.fact("links-degraded"), self.state.fact("links-down"));
        let mut every = interval(LOOK);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            let now_us = now_us();
            let changes = self.look(now_us);
            changes.iter().for_each(tell);
            for change in &changes {
                self.meters.changed(change);
                // Nobody may be following.
                let _ = self.shared.changes.send(change.told());
            }
            self.waiting.push(changes);
            let levels = self.shared.board.lock().levels();
            links.set(levels.len() as i64);
            degraded.set(levels.iter().filter(|level| **level == Level::Degraded).count() as i64);
            down.set(levels.iter().filter(|level| **level == Level::Down).count() as i64);
        }
    }

    fn look(&self, now_us: i64) -> Vec<Change> {
        let mut board = self.shared.board.lock();
        let readings = self.picture.lock().readings(board.ids(), self.silent_after_us, now_us);
        let changes = board.take(readings, now_us);
        self.shared.heartbeats.announce(announced(&board, now_us));
        changes
    }
}

/// What gateways are to know: what runs, and what begins soon.
fn announced(board: &Board, now_us: i64) -> Vec<MaintenanceWindow> {
    let near = |from_us: i64, end_us: i64| {
        (now_us..now_us + EARLY_US).contains(&from_us) || (from_us..end_us).contains(&now_us)
    };
    let mut links = 0;
    let windows = board.windows.iter().filter(|window| near(window.from_us, window.end_us()));
    let windows = windows.take_while(|window| {
        links += window.links.len();
        links <= MOST_TOLD_LINKS
    });
    let told = windows.map(|window| MaintenanceWindow {
        links: window.links.iter().map(ToString::to_string).collect(),
        from_us: window.from_us,
        until_us: window.end_us(),
    });
    told.take(MOST_TOLD_WINDOWS).collect()
}

fn tell(change: &Change) {
    let (link, cause) = (&change.link, change.cause.map(|cause| cause.name()).unwrap_or_default());
    let (from, to) = (change.from.as_str_name(), change.to.as_str_name());
    match change.measured {
        Level::Down | Level::Degraded => warn!(%link, from, to, cause, "link changed"),
        Level::Working | Level::Silent => info!(%link, from, to, cause, "link changed"),
    }
}
