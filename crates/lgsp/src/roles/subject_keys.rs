//! The keys of the months come and go while the hub runs.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use lgsp_core::entry::SubjectKeys;
use lgsp_core::time::unix_micros;
use lgsp_runtime::Stage;
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

/// Keeps a role's subject keys as they are in the folder, until `stop`. `replace` takes them, and tells whether it did. A folder that
/// cannot be read changes nothing.
pub async fn follow(
    replace: impl Fn(SubjectKeys) -> bool + Send + 'static,
    folder: PathBuf,
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
                continue;
            }
            // The process is ending.
            Err(_) => return,
        };
        is_readable = true;
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
