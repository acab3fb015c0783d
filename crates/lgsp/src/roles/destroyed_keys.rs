//! The files of subject keys whose destruction is entered: the ledger deletes its own, and says which months they were of.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lgsp_runtime::Component;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// How soon a file is deleted that somebody has put back.
const LOOK: Duration = Duration::from_secs(5);
/// The months, one a line, for commands that ask no hub: a file in the folder of the ledger.
const LIST: &str = "destroyed-keys";
/// What the state says while a file cannot be deleted.
const STILL_THERE: &str = "a subject key whose destruction is entered is still there";

/// Deletes the files of the months, now and whenever one is there again, until `stop`.
pub async fn delete(
    mut months: watch::Receiver<BTreeSet<String>>,
    (keys, ledger): (PathBuf, PathBuf),
    told: Component,
    stop: CancellationToken,
) {
    let deleting = async {
        loop {
            let (of, keys, ledger) = (months.borrow_and_update().clone(), keys.clone(), ledger.clone());
            let deleted = spawn_blocking(move || list_and_delete(&ledger, &keys, &of)).await;
            match deleted {
                Ok(Ok(())) => told.ready(),
                Ok(Err(error)) => {
                    error!(%error, "a destroyed subject key cannot be deleted");
                    told.degraded(STILL_THERE);
                }
                // The process is ending.
                Err(_) => return,
            }
            // The ledger is ending, or nothing has changed.
            if let Ok(Err(_)) = timeout(LOOK, months.changed()).await {
                return;
            }
        }
    };
    stop.run_until_cancelled(deleting).await;
}

/// The months whose key is destroyed, as the folder of a ledger has them; none if there is no ledger.
///
/// # Errors
/// The file cannot be read.
pub fn listed(ledger: &Path) -> io::Result<BTreeSet<String>> {
    match fs::read_to_string(ledger.join(LIST)) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

/// A full disk has no room for the list, and must not keep the secrets.
fn list_and_delete(ledger: &Path, keys: &Path, months: &BTreeSet<String>) -> io::Result<()> {
    let listed = list(ledger, months);
    delete_all(keys, months).and(listed)
}

fn list(ledger: &Path, months: &BTreeSet<String>) -> io::Result<()> {
    if listed(ledger)? == *months {
        return Ok(());
    }
    let next = ledger.join(format!("{LIST}.next"));
    let mut file = File::create(&next)?;
    months.iter().try_for_each(|month| writeln!(file, "{month}"))?;
    file.sync_all()?;
    fs::rename(next, ledger.join(LIST))
}

fn delete_all(keys: &Path, months: &BTreeSet<String>) -> io::Result<()> {
    let mut deleted = Ok(());
    for month in months {
        let file = keys.join(format!("{month}.key"));
        match delete_one(&file) {
            Ok(()) => info!(month, "a destroyed subject key is deleted"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // The others must not wait for it.
            Err(error) => deleted = Err(error),
        }
    }
    deleted
}

/// Overwrites the secret before its name goes: most file systems leave a deleted file's bytes on the disk. What cannot be overwritten
/// goes all the same.
fn delete_one(file: &Path) -> io::Result<()> {
    let metadata = fs::metadata(file)?;
    if let Err(error) = overwrite(file, &metadata) {
        warn!(%error, "a destroyed subject key is deleted without being overwritten");
    }
    fs::remove_file(file)?;
    file.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn overwrite(file: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    // Keys are often kept so that not even their owner writes them.
    #[cfg(unix)]
    if metadata.is_file() {
        fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    }
    let mut open = OpenOptions::new().write(true).open(file)?;
    open.write_all(&vec![b'0'; usize::try_from(metadata.len()).unwrap_or(0)])?;
    open.sync_all()
}

#[cfg(test)]
mod tests {
    use lgsp_runtime::{Instance, State};

    use super::*;

    #[tokio::test]
    async fn the_files_of_destroyed_months_go_and_go_again_and_the_months_are_listed() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let (keys, ledger) = (dir.path().join("keys"), dir.path().join("ledger"));
        fs::create_dir(&keys).expect("made");
        fs::create_dir(&ledger).expect("made");
        let put =
            |month: &str| fs::write(keys.join(format!("{month}.key")), "2a".repeat(32)).expect("written");
        ["2026-05", "2026-06"].iter().copied().for_each(put);
        let months = BTreeSet::from(["2026-05".to_owned()]);
        for _ in 0..2 {
            delete_all(&keys, &months).expect("deleted");
            assert!(!keys.join("2026-05.key").exists() && keys.join("2026-06.key").exists());
            put("2026-05");
        }
        assert_eq!(listed(&ledger).expect("none"), BTreeSet::new());
        list(&ledger, &months).expect("written");
        assert_eq!(listed(&ledger).expect("read"), months);

        // A list that cannot be written keeps no key.
        let no_room = dir.path().join("no-room");
        fs::write(&no_room, "").expect("written");
        list_and_delete(&no_room, &keys, &months).expect_err("it is no folder");
        assert!(!keys.join("2026-05.key").exists());

        // Nor does a key that cannot be overwritten stay.
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path(), keys.join("2026-05.key")).expect("made");
            delete_all(&keys, &months).expect("deleted");
            assert!(fs::symlink_metadata(keys.join("2026-05.key")).is_err() && dir.path().exists());
        }

        // One that cannot be deleted is told.
        put("2026-05");
        fs::remove_file(keys.join("2026-05.key")).expect("it is there");
        fs::create_dir(keys.join("2026-05.key")).expect("made");
        let state = State::new(Instance::new("ledger", "0.0.0"));
        let (_months, told) = watch::channel(months);
        let deleting =
            delete(told, (keys, ledger), state.component("subject-keys"), CancellationToken::new());
        let until_told = async {
            while state.status()["components"]["subject-keys"]["cause"] != STILL_THERE {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = deleting => panic!("it goes on"),
            told = tokio::time::timeout(Duration::from_secs(20), until_told) => told.expect("told"),
        }
    }
}
