//! Brings an archived period back into the ledger.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use lgsp_tlog::{VerifierKey, leaf_hash};

use super::parts::read_parts;
use super::{Error, Manifest, Shelf, Step, Stopped, Tell, damaged, file, finish, set, verify};
use crate::displace::make_way;
use crate::entry::{Read, is_part_of, read_sealed};
use crate::files::log::{self, Leaf};
use crate::files::segment;
use crate::index::Row;
use crate::seal::Hashes;
use crate::sequences::Sequences;
use crate::{Keys, Options};

/// What a restoring did.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What is online again.
    pub manifest: Manifest,
    /// How many of its exchanges were erased since it was archived, and stay so.
    pub erased: u64,
}

/// Brings an archive back online, after it was held against the ledger's own tree. What was erased since stays erased.
///
/// # Errors
/// A ledger runs, the archive is not of this log or does not hold, or a file or store cannot be used: then it stays archived.
pub async fn restore(
    options: &Options,
    keys: &Keys,
    dir: &Path,
    log_keys: &[VerifierKey],
    tell: Tell<'_>,
) -> Result<Restored, Error> {
    super::in_files(options)?;
    let stopped = Stopped::open(options).await?;
    let mut shelf = Shelf::read(&options.dir).map_err(file(&options.dir))?;
    let manifest = Manifest::read(dir)?;
    let name = manifest.name.clone();
    match shelf.stubs.iter().find(|stub| stub.name == name) {
        Some(stub) if stub.digest == manifest.digest() => {}
        Some(_) => return Err(damaged(dir, "is not the archive that the ledger made under this name")),
        None => {
            return Err(Error::Refused(format!(
                "{name} is not archived: the ledger in {} has its entries, or never had",
                options.dir.display()
            )));
        }
    }
    let (index, erasables) = stopped.stores(keys).await?;
    let signers = keys.signers();
    finish::finish(&stopped.site, &shelf, (&index, &erasables), &signers, tell).await?;
    tell(Step::Verifying { name: name.clone() });
    verify(dir, log_keys)?;
    let tree = options.dir.join("tree");
    let hashes = Hashes::open_to_read(&tree).map_err(file(&tree))?;
    for of in &manifest.segments {
        for leaf in set::leaves(&dir.join("log"), (of.number, of.first, of.next))? {
            if hashes.leaf(leaf.number).map_err(file(&tree))? != leaf_hash(&leaf.sealed) {
                return Err(damaged(
                    dir,
                    format!("leaf {} is not the one of the ledger's tree", leaf.number),
                ));
            }
        }
    }

    // The segments first: by them a ledger sees that there is something to take away again.
    for of in &manifest.segments {
        let to = segment::path(&stopped.site.log, of.number);
        let new = to.with_extension("new");
        set::copy_file(&segment::path(&dir.join("log"), of.number), &new)?;
        fs::rename(&new, &to).map_err(file(&to))?;
    }
    segment::sync_folder(&stopped.site.log).map_err(file(&stopped.site.log))?;
    tell(Step::SegmentsDone { name: name.clone() });
    let parts = read_parts(&dir.join(&manifest.erasable.name))?.collect::<Result<HashMap<_, _>, _>>()?;
    let log = log::Reader::new(&stopped.site.log);
    let progress = index.progress().await?;
    let mut erased = 0;
    for of in &manifest.segments {
        let leaves = set::leaves(&dir.join("log"), (of.number, of.first, of.next))?;
        let row = |leaf: Leaf| {
            let read = read_sealed(leaf.sealed, &signers).ok()?;
            Some(Row { leaf: leaf.number, place: leaf.place, read })
        };
        let mut rows: Vec<Row> = leaves.into_iter().filter_map(row).collect();
        // Meanwhile somebody may have entered something under their keys, and what stands is a signed entry.
        make_way(&rows, (&index, &erasables), &log, &signers).await?;
        let counting = rows.iter().map(|row| &row.read).filter(|read| read.signed.counts());
        erasables.make_room_for(&counting.collect::<Vec<_>>()).await?;
        let standing = index.known(&rows.iter().map(|row| row.read.key).collect::<Vec<_>>()).await?;
        let stands = |read: &&Read| {
            read.signed.counts() || !standing.get(&read.key).is_some_and(|other| other.counts())
        };
        let come = rows.iter().map(|row| &row.read).filter(stands);
        let come = come.filter_map(|read| Some((read, parts.get(&read.key)?.clone())));
        let come = come.filter(|(read, part)| match part {
            Some(part) => is_part_of(part, &read.sealed),
            None => read.signed.counts(),
        });
        erased += erasables.bring_back(&come.collect::<Vec<_>>()).await?;
        erasables.fill(rows.iter_mut().map(|row| &mut row.read)).await?;
        index.put(&rows, &[], &Sequences::default(), &progress, &BTreeMap::new()).await?;
    }
    // The index need not be on disk while the log can bring it up; what is before its end it does not read again.
    index.empty_log().await?;
    index.store().close().await;
    tell(Step::IndexDone { name: name.clone() });
    // Until here the ledger takes away again what was brought back.
    shelf.take(&name).map_err(file(&options.dir))?;
    tell(Step::InPlace { name });
    Ok(Restored { manifest, erased })
}
