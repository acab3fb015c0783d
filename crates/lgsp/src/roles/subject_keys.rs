//! The keys of the months come and go while the hub runs.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use lgsp_core::entry::SubjectKeys;
use lgsp_core::time::unix_micros;
use lgsp_runtime::{Component, Stage};
use tokio::task::spawn_blocking;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::Role;
use crate::layout::{Layout, read_symmetric_keys};

/// How soon a role takes a key that was added, or destroyed.
const LOOK: Duration = Duration::from_secs(5);
/// How often the next month's key is made if it is not there yet; it is needed 31 days later.
const MAKE: Duration = Duration::from_secs(60 * 60);

/// What the state says while a file of the folder cannot be read, or the folder.
const UNREADABLE: &str = "subject keys cannot be read: none is taken or given up";

/// Keeps a role's subject keys as they are in the folder, until `stop`. `replace` takes them, and tells whether it did. A folder that
/// cannot be read changes nothing, and is told.
pub async fn follow(
    replace: impl Fn(SubjectKeys) -> bool + Send + 'static,
    folder: PathBuf,
    told: Component,
    stop: CancellationToken,
) {
    let mut looks = interval(LOOK);
    let mut months: Vec<String> = Vec::new();
    let mut is_readable = true;
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        let folder = folder.clone();
        let keys = match spawn_blocking(move || read_symmetric_keys(&folder)).await {
            Ok(Ok(keys)) => keys,
            Ok(Err(error)) => {
                if std::mem::replace(&mut is_readable, false) {
                    warn!(%error, "subject keys cannot be read");
                }
                told.degraded(UNREADABLE);
                continue;
            }
            // The process is ending.
            Err(_) => return,
        };
        is_readable = true;
        told.ready();
        let found: Vec<String> = keys.keys().cloned().collect();
        if !replace(SubjectKeys::new(keys)) {
            warn!("subject key of this month is gone; it stays in use until the gateway ends");
        } else if found != months {
            info!(months = found.join(" "), "subject keys in use");
            months = found;
        }
    }
}

/// Makes the next month's key in good time, for as long as the role runs: for a data directory that makes its own keys.
pub fn keep_making(role: &Role, layout: Layout) {
    let stop = role.shutdown.begins(Stage::Close);
    let making = async move {
        let mut looks = interval(MAKE);
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            let layout = layout.clone();
            let made = spawn_blocking(move || layout.make_subject_keys(unix_micros(SystemTime::now()))).await;
            if let Ok(Err(error)) = made {
                error!(%error, "next month's subject key cannot be made");
            }
        }
    };
    role.shutdown.spawn(Stage::Close, "making of subject keys", making);
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use lgsp_runtime::state::Condition;
    use lgsp_runtime::{Instance, State};
    use tokio::sync::mpsc;
    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_that_everybody_may_read_keeps_all_of_them_as_they_are_and_is_told_as_long() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let layout = Layout::new(dir.path());
        layout.make_subject_keys(1_781_500_000_000_000).expect("made");
        let folder = layout.subject_keys();
        let key = folder.join("2026-06.key");
        let open_to = |mode| fs::set_permissions(&key, Permissions::from_mode(mode)).expect("changed");
        let state = State::new(Instance::new("gateway", "0.0.0"));
        let (taken, mut takes) = mpsc::channel(1_024);
        let replace = move |_| taken.try_send(()).is_ok();
        let told = state.component("subject-key-files");
        let following = tokio::spawn(follow(replace, folder, told, CancellationToken::new()));
        let until = async |condition| {
            let reached = async {
                while state.condition("subject-key-files") != Some(condition) {
                    sleep(LOOK).await;
                }
            };
            timeout(LOOK * 20, reached).await.expect("told");
        };
        until(Condition::Ready).await;
        open_to(0o604);
        until(Condition::Degraded).await;
        while takes.try_recv().is_ok() {}
        sleep(LOOK * 3).await;
        assert!(takes.try_recv().is_err(), "nothing is taken");
        open_to(0o600);
        until(Condition::Ready).await;
        takes.recv().await.expect("taken");
        following.abort();
    }
}
