//! Carries out on an archive what was erased since, so that archives forget too.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use lgsp_core::ExchangeId;

use super::parts::{Kept, Parts, read_parts};
use super::{Error, Manifest, Shelf, Step, Tell, damaged, file, set};
use crate::Options;
use crate::entry::{Key, Signers, read_sealed};
use crate::erasable::Erasables;

/// What an erasing did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// The archive.
    pub name: String,
    /// Erasable parts that were erased now.
    pub erased: u64,
    /// Those that are left.
    pub left: u64,
}

/// Carries the erasures that the ledger knows of out on an archive; and what its decisions have expired. The
/// ledger may run. What is held stays.
///
/// # Errors
/// The archive is not this ledger's or is damaged, or a file or the store cannot be used: then it stays as it was.
pub async fn erase(options: &Options, dir: &Path, tell: Tell<'_>) -> Result<Erased, Error> {
    super::in_files(options)?;
    let shelf = Shelf::read(&options.dir).map_err(file(&options.dir))?;
    let manifest = Manifest::read(dir)?;
    let name = manifest.name.clone();
    let is_ours = shelf.stubs.iter().any(|stub| stub.name == name && stub.digest == manifest.digest());
    if !is_ours {
        return Err(damaged(dir, format!("is no archive of the ledger in {}", options.dir.display())));
    }
    let old = dir.join(&manifest.erasable.name);
    if set::part_of(&old)? != (manifest.erasable.bytes, manifest.erasable.sha256.clone()) {
        return Err(damaged(&old, "is not what the manifest says: take the archive from another copy"));
    }
    let erasables = Erasables::open(&options.dir.join("erasable.db")).await?;
    let carried_out = erasables.carried_out().await?;
    let rules = erasables.expired().await?;
    let parts = read_parts(&old)?.collect::<Result<Vec<Kept>, _>>()?;
    let exchanges: HashSet<ExchangeId> = parts.iter().map(|(key, _)| key.exchange).collect();
    let marks =
        erasables.marks(&exchanges.into_iter().collect::<Vec<_>>()).await.map_err(crate::erasable::failed)?;
    tell(Step::Writing { name: name.clone() });
    let admitted = admitted(dir, &manifest)?;
    let has_expired = |key: &Key| {
        let of = admitted.get(key).copied();
        of.is_some_and(|(platform, at)| {
            rules.iter().any(|rule| rule.platform == platform && at < rule.before_us)
        })
    };
    let forgets = |key: &Key| {
        let marks = marks.get(&key.exchange).copied().unwrap_or_default();
        marks.erased || (!marks.held && has_expired(key))
    };
    let mut after = Parts::create(dir)?;
    for (key, value) in parts {
        after.push(&(key, value.filter(|_| !forgets(&key))))?;
    }
    let (erasable, values) = after.finish()?;
    tell(Step::Named { name: name.clone() });
    let (erased, is_another) = (manifest.values - values, erasable.name != manifest.erasable.name);
    Manifest { erasable: erasable.clone(), values, carried_out, ..manifest }.write(dir)?;
    tell(Step::InPlace { name: name.clone() });
    if is_another {
        fs::remove_file(&old).map_err(file(&old))?;
    }
    forget_leftovers(dir, &erasable.name)?;
    erasables.close().await;
    Ok(Erased { name, erased, left: values })
}

/// What expires an entry: whether it is the hub's own, and when it was admitted.
fn admitted(dir: &Path, manifest: &Manifest) -> Result<HashMap<Key, (bool, i64)>, Error> {
    let mut admitted = HashMap::new();
    for of in &manifest.segments {
        for leaf in set::leaves(&dir.join("log"), (of.number, of.first, of.next))? {
            let Ok(read) = read_sealed(leaf.sealed, &Signers::default()) else { continue };
            admitted.insert(read.key, (read.sealed.platform, read.sealed.admitted_us));
        }
    }
    Ok(admitted)
}

/// What a run before this one was to remove.
fn forget_leftovers(dir: &Path, current: &str) -> Result<(), Error> {
    for entry in fs::read_dir(dir).map_err(file(dir))? {
        let path = entry.map_err(file(dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("erasable.") && name != current {
            fs::remove_file(&path).map_err(file(&path))?;
        }
    }
    crate::files::segment::sync_folder(dir).map_err(file(dir))
}
