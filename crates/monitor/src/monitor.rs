use std::sync::Arc;
use std::time::Duration;

use lgsp_bus::{Bus, Health, MacKeys};
use lgsp_proto::monitor::v1::monitor_service_server::MonitorServiceServer;
use lgsp_proto::monitor::v1::{LinkChange, MaintenanceWindow};
use lgsp_runtime::{Component, Shutdown, Stage, State};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, broadcast};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tracing::{info, warn};

use crate::board::{Board, Change};
use crate::history::History;
use crate::link::Level;
use crate::listen::{self, now_us};
use crate::picture::Picture;
use crate::service::Service;
use crate::tell::Tellers;
use crate::{Error, Options};

/// How often the signals are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How long the store may take.
pub(crate) const STORE_PATIENCE: Duration = Duration::from_secs(5);
/// Changes that wait for a store that is away. The oldest go first.
const MOST_WAITING: usize = 10_000;
/// Changes that wait for a slow follower.
const FOLLOW_BUFFER: usize = 1_024;
/// Most followers at once.
const MOST_FOLLOWERS: usize = 64;
/// How often it is written down that somebody watches.
const WATCH: Duration = Duration::from_secs(10);
/// How often the history is forgotten that is too old.
const FORGET: Duration = Duration::from_secs(3_600);
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
        Routes::new(MonitorServiceServer::new(self.service.clone()))
    }
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
    /// What the heartbeats of the monitor carry.
    pub heartbeats: Health,
}

/// Starts to watch. `tellers` are the roles of this process, and `heartbeats` those that the monitor is served with: they carry the
/// maintenance that runs to the gateways.
///
/// State: `history` tells of the store; the numbers are `links`, `links-degraded` and `links-down`.
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
    let shared = Arc::new(Shared {
        board: Mutex::new(board),
        history,
        changes: broadcast::Sender::new(FOLLOW_BUFFER),
        followers: Arc::new(Semaphore::new(MOST_FOLLOWERS)),
        leaving: shutdown.begins(Stage::NotServing),
        announcing: tokio::sync::Mutex::default(),
        heartbeats: heartbeats.clone(),
    });
    let (keys, picture) = (Arc::new(keys), Arc::<Mutex<Picture>>::default());
    let stop = shutdown.begins(Stage::Drain);
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
    let looking = Looking {
        shared: shared.clone(),
        picture,
        silent_after_us: options.silent_after.as_micros() as i64,
        keep_us: options.keep.as_micros() as i64,
        begun_us,
        waiting: Vec::new(),
        component: state.component("history"),
        state: state.clone(),
    };
    spawn("links", Box::pin(looking.run()));
    Ok(Monitor { service: Service { shared } })
}

/// Looks at the signals again and again.
struct Looking {
    shared: Arc<Shared>,
    picture: Arc<Mutex<Picture>>,
    silent_after_us: i64,
    keep_us: i64,
    begun_us: i64,
    /// Changes that are not written down yet.
    waiting: Vec<Change>,
    component: Component,
    state: State,
}

impl Looking {
    async fn run(mut self) {
        let links = self.state.fact("links");
        let (degraded, down) = (self.state.fact("links-degraded"), self.state.fact("links-down"));
        let mut every = interval(LOOK);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut watched, mut forgot) = (None::<Instant>, None::<Instant>);
        self.component.ready();
        loop {
            every.tick().await;
            let now_us = now_us();
            let changes = self.look(now_us);
            changes.iter().for_each(tell);
            for change in &changes {
                // Nobody may be following.
                let _ = self.shared.changes.send(change.told());
            }
            self.waiting.extend(changes);
            let overflow = self.waiting.len().saturating_sub(MOST_WAITING);
            self.waiting.drain(..overflow);
            let levels = self.shared.board.lock().levels();
            links.set(levels.len() as i64);
            degraded.set(levels.iter().filter(|level| **level == Level::Degraded).count() as i64);
            down.set(levels.iter().filter(|level| **level == Level::Down).count() as i64);

            let is_due =
                |last: Option<Instant>, every| last.is_none_or(|last: Instant| last.elapsed() >= every);
            let (watch_due, forget_due) = (is_due(watched, WATCH), is_due(forgot, FORGET));
            if self.waiting.is_empty() && !watch_due && !forget_due {
                continue;
            }
            let written = self.write(now_us, forget_due).await;
            match written {
                Ok(()) => {
                    self.waiting.clear();
                    watched = Some(Instant::now());
                    forgot = forgot.filter(|_| !forget_due).or(Some(Instant::now()));
                    self.component.ready();
                }
                Err(error) => {
                    warn!(%error, waiting = self.waiting.len(), "changes of links cannot be written down");
                    self.component.degraded("the history cannot be written: its store does not take it");
                    // Not at every look.
                    watched = Some(Instant::now());
                    forgot = Some(Instant::now());
                }
            }
        }
    }

    fn look(&self, now_us: i64) -> Vec<Change> {
        let mut board = self.shared.board.lock();
        let readings = self.picture.lock().readings(board.ids(), self.silent_after_us, now_us);
        let changes = board.take(readings, now_us);
        self.shared.heartbeats.announce(announced(&board, now_us));
        changes
    }

    async fn write(&self, now_us: i64, forget: bool) -> Result<(), lgsp_store::Error> {
        let (history, deadline) = (&self.shared.history, Instant::now() + STORE_PATIENCE);
        if !self.waiting.is_empty() {
            history.add(&self.waiting, deadline).await?;
        }
        history.watch(self.begun_us, now_us, deadline).await?;
        if forget {
            history.forget_before(now_us - self.keep_us, deadline).await?;
        }
        Ok(())
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
