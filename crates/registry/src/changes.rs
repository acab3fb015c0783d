//! Notices that a file of the rules may have changed.

use std::io;
use std::path::Path;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};
use tracing::warn;

use crate::{Error, Options};

/// Why the rules should be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// A file may have changed.
    Perhaps,
    /// The operator asks for it.
    Asked,
}

/// Hears of changes: from the file system, from the operator (SIGHUP), and, because both may be missed, from time to time.
pub(crate) struct Changes {
    told: mpsc::Receiver<()>,
    hangups: Signal,
    ticks: Interval,
    settle: Duration,
    /// Tells `told` as long as it lives.
    _watcher: Option<RecommendedWatcher>,
}

impl Changes {
    pub fn of(options: &Options) -> Result<Self, Error> {
        let (tell, told) = mpsc::channel(1);
        let hangups = signal(SignalKind::hangup()).map_err(Error::Watch)?;
        let mut ticks = interval(options.look_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watcher = watch(&options.rules, tell).inspect_err(|error| {
            warn!(%error, "changes of the rules are noticed by looking only");
        });
        Ok(Self { told, hangups, ticks, settle: options.settle, _watcher: watcher.ok() })
    }

    /// Waits until the rules should be looked at.
    pub async fn next(&mut self) -> Look {
        tokio::select! {
            Some(()) = self.hangups.recv() => Look::Asked,
            Some(()) = self.told.recv() => {
                sleep(self.settle).await;
                // Whatever was told meanwhile is about what is read now.
                while self.told.try_recv().is_ok() {}
                Look::Perhaps
            }
            _ = self.ticks.tick() => Look::Perhaps,
        }
    }
}

fn watch(folder: &Path, tell: mpsc::Sender<()>) -> io::Result<RecommendedWatcher> {
    // One waiting message says all there is to say; a full channel loses nothing.
    let watcher = notify::recommended_watcher(move |_event| {
        let _ = tell.try_send(());
    });
    let mut watcher = watcher.map_err(io::Error::other)?;
    watcher.watch(folder, RecursiveMode::NonRecursive).map_err(io::Error::other)?;
    Ok(watcher)
}
