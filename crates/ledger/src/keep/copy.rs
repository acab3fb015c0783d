//! Copies a ledger, whether one runs on it or not, up to a head.
//!
//! In this order, so that whatever is copied later holds at least what was copied before it: the checkpoint, the head, the tree, the
//! log, the shelf, and the erasable parts. The index follows from them, and the journal from the topic.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use lgsp_tlog::VerifierKey;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

use super::{Error, file, set};
use crate::erasable::Erasables;
use crate::files::segment;
use crate::seal::{Heads, check};

/// What was copied of a ledger.
#[derive(Clone, Debug)]
pub struct Copied {
    /// How many leaves are sealed in the copy.
    pub sealed: u64,
    /// The root of their tree.
    pub root: lgsp_tlog::Hash,
}

/// How long a copy waits for a writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// The files that stand alone, in their order.
const FIRST: [&str; 3] = ["checkpoint", "checkpoint.vkey", "head"];
/// The folders after them.
const THEN: [&str; 3] = ["tree", "log", "archived"];

/// Copies a ledger's files to a folder that is not there yet.
///
/// # Errors
/// There is no ledger, or a file or the store cannot be read or written.
pub async fn copy(from: &Path, to: &Path) -> Result<Copied, Error> {
    if !from.join("head").exists() {
        return Err(Error::NoLedger { path: from.to_owned() });
    }
    fs::create_dir_all(to).map_err(file(to))?;
    for name in FIRST {
        let of = from.join(name);
        match fs::metadata(&of) {
            Ok(_) => drop(set::copy_file(&of, &to.join(name))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(file(&of)(error)),
        }
    }
    let head = Heads::read(to)?;
    for name in THEN {
        copy_folder(&from.join(name), &to.join(name))?;
    }
    fs::create_dir_all(to.join("intake")).map_err(file(to))?;
    let copy = to.join("erasable.db");
    copy_store(&from.join("erasable.db"), &copy).await?;
    let copied = Erasables::open(&copy).await?;
    copied.carry_out_from(head.tree.size).await?;
    copied.close().await;
    segment::sync_folder(to).map_err(file(to))?;
    Ok(Copied { sealed: head.tree.size, root: head.tree.root })
}

/// Writes a copy of a SQLite store as it is at one moment, while others use it.
///
/// # Errors
/// It cannot be opened, or the copy cannot be written.
pub async fn copy_store(from: &Path, to: &Path) -> Result<(), Error> {
    let copying = async {
        let mut connection = connect(from).await?;
        sqlx::query("VACUUM INTO ?").bind(to.display().to_string()).execute(&mut connection).await?;
        connection.close().await
    };
    copying.await.map_err(|error: sqlx::Error| file(from)(io::Error::other(error)))?;
    fs::File::open(to).and_then(|copy| copy.sync_all()).map_err(file(to))
}

/// Has SQLite look whether a store is whole that nobody uses. Nothing is written, not even beside it.
///
/// # Errors
/// It is not, or it cannot be opened.
pub async fn check_store(path: &Path) -> Result<(), Error> {
    let checking = async {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let said: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(said)
    };
    let said = checking.await.map_err(|error: sqlx::Error| file(path)(io::Error::other(error)))?;
    if said == "ok" { Ok(()) } else { Err(super::damaged(path, said)) }
}

async fn connect(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT);
    SqliteConnection::connect_with(&options).await
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Error> {
    let listed = match fs::read_dir(from) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(file(from)(error)),
    };
    fs::create_dir_all(to).map_err(file(to))?;
    for entry in listed {
        let path = entry.map_err(file(from))?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            set::copy_file(&path, &to.join(name))?;
        }
    }
    segment::sync_folder(to).map_err(file(to))
}

/// Holds everything of a copy against everything, as `check` does.
///
/// # Errors
/// What does not hold.
pub fn verify_copy(dir: &Path, keys: &[VerifierKey], tell: impl FnMut(u64, u64)) -> Result<Copied, Error> {
    let head = Heads::read(dir)?;
    let checked = check(dir, keys, tell)?;
    match checked.problems.into_iter().next() {
        None => Ok(Copied { sealed: head.tree.size, root: head.tree.root }),
        Some(problem) => Err(Error::Damaged { path: problem.file, what: problem.what }),
    }
}
