//! Builds the index anew from the log and the erasable parts, beside the one that is there, and tells what differs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Error, Shelf, Step, Stopped, Tell, file, finish};
use crate::erasable::Erasables;
use crate::files::segment;
use crate::index::{Contents, Index};
use crate::{Keys, Options};

/// How often somebody who waits is told how far it is.
const TELL: Duration = Duration::from_millis(500);
/// Rows that are named of what differs.
const MOST_NAMED: usize = 20;

/// What a rebuilding found.
#[derive(Clone, Debug, Default)]
pub struct Reindexed {
    /// Rows of the rebuilt index, by table.
    pub rows: BTreeMap<String, u64>,
    /// What is not the same in the one that was there.
    pub differences: Vec<Difference>,
    /// Days and months whose counts, in the one that was there, are not those of its own entries.
    pub miscounted: Vec<Miscounted>,
    /// Why the one that was there could not be compared, if so.
    pub unreadable: Option<String>,
}

/// A day or a month whose counts are not those of its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miscounted {
    /// `YYYY-MM-DD` or, of a month, `YYYY-MM`, in Asia/Ho_Chi_Minh.
    pub day: String,
    /// Exchanges as they are counted, and as the entries have them. Where both are the same, the counts differ in something else.
    pub exchanges: (u64, u64),
}

/// Where the two differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: String,
    /// The month of admission; empty of what has none.
    pub month: String,
    /// Rows in the index that was there, and in the rebuilt one.
    pub rows: (u64, u64),
    /// Some of those that differ: a leaf's number, or a gateway.
    pub named: Vec<String>,
}

/// Builds the index anew and compares; what is there stays.
///
/// # Errors
/// A ledger runs, or a file or store cannot be used.
pub async fn compare(options: &Options, keys: &Keys, tell: Tell<'_>) -> Result<Reindexed, Error> {
    super::in_files(options)?;
    let mut stopped = Stopped::open(options).await?;
    let (reindexed, built) = build(options, keys, &mut stopped, tell).await?;
    remove(&built)?;
    Ok(reindexed)
}

/// Builds the index anew, compares, and puts it in the place of the one that is there.
///
/// # Errors
/// As [`compare`]; then the old one stays.
pub async fn reindex(options: &Options, keys: &Keys, tell: Tell<'_>) -> Result<Reindexed, Error> {
    super::in_files(options)?;
    let mut stopped = Stopped::open(options).await?;
    finish(options, keys, &stopped, tell).await?;
    let (reindexed, built) = build(options, keys, &mut stopped, tell).await?;
    let index = &stopped.site.index;
    tell(Step::Verifying { name: "index.new.db".to_owned() });
    // They belong to the one that goes; without them it lacks at most what the log has.
    for beside in ["db-wal", "db-shm"].map(|extension| index.with_extension(extension)) {
        if beside.exists() {
            fs::remove_file(&beside).map_err(file(&beside))?;
        }
    }
    tell(Step::Named { name: "index.new.db".to_owned() });
    fs::rename(&built, index).map_err(file(index))?;
    segment::sync_folder(&options.dir).map_err(file(&options.dir))?;
    tell(Step::InPlace { name: "index.db".to_owned() });
    Ok(reindexed)
}

/// Does what an archiving was ended before, with the index that is there: once its segments are gone, nothing tells that it has rows of
/// them.
async fn finish(options: &Options, keys: &Keys, stopped: &Stopped, tell: Tell<'_>) -> Result<(), Error> {
    let shelf = Shelf::read(&options.dir).map_err(file(&options.dir))?;
    if !finish::is_unfinished(&stopped.site, &shelf) {
        return Ok(());
    }
    let (index, erasables) = stopped.stores(keys).await?;
    finish::finish(&stopped.site, &shelf, (&index, &erasables), &keys.signers(), tell).await?;
    index.store().close().await;
    erasables.close().await;
    Ok(())
}

async fn build(
    options: &Options,
    keys: &Keys,
    stopped: &mut Stopped,
    tell: Tell<'_>,
) -> Result<(Reindexed, PathBuf), Error> {
    let built = options.dir.join("index.new.db");
    remove(&built)?;
    let erasables = Erasables::open(&stopped.site.erasable).await?;
    stopped.needs_decisions(keys, &erasables).await?;
    let index = std::mem::replace(&mut stopped.site.index, built.clone());
    let (before, unreadable) = old(&index, &erasables).await;
    let signers = keys.signers();
    let rebuilding = crate::recovery::bring_up(&stopped.site, &signers, &erasables);
    let rebuilt = telling(rebuilding, &built, stopped.head.tree.size, tell).await?;
    let shelf = Shelf::read(&options.dir).map_err(file(&options.dir))?;
    // What is archived is none of it, though its segments may lie in the log still.
    for stub in &shelf.stubs {
        rebuilt.take_away(&stub.leaves()).await?;
    }
    if let Some(before) = &before {
        rebuilt.take_offsets_of(before).await?;
    }
    let contents = rebuilt.contents().await?;
    let mut reindexed = Reindexed { rows: rows(&contents), unreadable, ..Reindexed::default() };
    if let Some(before) = before {
        reindexed.differences = differences(&before, &rebuilt, &contents).await?;
        reindexed.miscounted = before.miscounted().await?.into_iter().map(miscounted).collect();
        before.store().close().await;
    }
    rebuilt.store().close().await;
    stopped.site.index = index;
    Ok((reindexed, built))
}

/// The index that is there, if it can be read to compare with it.
async fn old(path: &Path, erasables: &Erasables) -> (Option<Index>, Option<String>) {
    if !path.exists() {
        return (None, Some("there is no index".to_owned()));
    }
    let opened = async {
        let index = Index::open(path, &erasables.seek_key).await?;
        index.contents().await?;
        Ok::<_, crate::Error>(index)
    };
    match opened.await {
        Ok(index) => (Some(index), None),
        Err(error) => (None, Some(error.to_string())),
    }
}

/// Tells how far an index that is built has come.
async fn telling(
    building: impl Future<Output = Result<Index, crate::Error>>,
    path: &Path,
    of: u64,
    tell: Tell<'_>,
) -> Result<Index, Error> {
    tokio::pin!(building);
    loop {
        tokio::select! {
            built = &mut building => return Ok(built?),
            () = tokio::time::sleep(TELL) => {
                if let Some(done) = crate::index::leaves_of(path).await {
                    tell(Step::Reading { done, of });
                }
            }
        }
    }
}

fn miscounted(day: crate::index::Miscounted) -> Miscounted {
    let exchanges = (day.counted.max(0).cast_unsigned(), day.recounted.max(0).cast_unsigned());
    Miscounted { day: day.day, exchanges }
}

fn rows(contents: &Contents) -> BTreeMap<String, u64> {
    let mut rows = BTreeMap::new();
    for ((table, _), of) in contents {
        *rows.entry((*table).to_owned()).or_default() += of.rows;
    }
    rows
}

async fn differences(before: &Index, after: &Index, rebuilt: &Contents) -> Result<Vec<Difference>, Error> {
    let old = before.contents().await?;
    let places: std::collections::BTreeSet<_> = old.keys().chain(rebuilt.keys()).cloned().collect();
    let mut differences = Vec::new();
    for place in places {
        let (was, is) =
            (old.get(&place).copied().unwrap_or_default(), rebuilt.get(&place).copied().unwrap_or_default());
        if was == is {
            continue;
        }
        let (table, month) = place;
        let (one, other) = (before.rows_of(table, &month).await?, after.rows_of(table, &month).await?);
        let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        let named = names.into_iter().filter(|name| one.get(*name) != other.get(*name));
        differences.push(Difference {
            table: table.to_owned(),
            month,
            rows: (was.rows, is.rows),
            named: named.take(MOST_NAMED).cloned().collect(),
        });
    }
    Ok(differences)
}

fn remove(index: &Path) -> Result<(), Error> {
    for path in ["db", "db-wal", "db-shm"].map(|extension| index.with_extension(extension)) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(file(&path)(error)),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
