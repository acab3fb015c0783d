//! Notices that a file of the rules may have changed.

use std::io;
use std::path::Path;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};
use tracing::warn;

use crate::{Error, Options};

/// Why the rules should be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// A file may have changed.
    Perhaps,
    /// The operator asks for it.
    Asked,
    /// Something was decided.
    Decided,
}

/// Hears of changes: from the file system, from the operator (SIGHUP), and, because both may be missed, from time to time.
pub(crate) struct Changes {
    told: mpsc::Receiver<()>,
    hangups: Signal,
    ticks: Interval,
    settle: Duration,
    /// When what was told has settled.
    settled: Option<Instant>,
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
        Ok(Self { told, hangups, ticks, settle: options.settle, settled: None, _watcher: watcher.ok() })
    }

    /// Waits until the rules should be looked at. It may be dropped and called again: what was told is not forgotten.
    pub async fn next(&mut self) -> Look {
        loop {
            tokio::select! {
                Some(()) = self.hangups.recv() => return Look::Asked,
                // Whatever else is told until then is about what is read then.
                Some(()) = self.told.recv() => {
                    self.settled.get_or_insert_with(|| Instant::now() + self.settle);
                }
                () = reached(self.settled) => {
                    self.settled = None;
                    return Look::Perhaps;
                }
                _ = self.ticks.tick() => return Look::Perhaps,
            }
        }
    }
}

async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_told_is_not_forgotten_while_others_are_waited_for_too() {
        let (tell, told) = mpsc::channel(1);
        let hour = Duration::from_secs(3_600);
        let mut changes = Changes {
            told,
            hangups: signal(SignalKind::hangup()).unwrap(),
            ticks: tokio::time::interval_at(Instant::now() + hour, hour),
            settle: Duration::from_millis(100),
            settled: None,
            _watcher: None,
        };
        tell.try_send(()).unwrap();
        // The publisher also waits for its topic, and drops this wait whenever a record comes.
        let in_between = tokio::time::timeout(Duration::from_millis(50), changes.next()).await;
        assert!(in_between.is_err(), "more changes may follow");
        let began = Instant::now();
        assert_eq!(changes.next().await, Look::Perhaps);
        assert_eq!(began.elapsed(), Duration::from_millis(50));
    }
}
