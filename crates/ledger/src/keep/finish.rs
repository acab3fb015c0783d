//! Takes out of the ledger what is on the shelf: behind an archiving, or at the next start.

use std::fs;
use std::path::PathBuf;

use tracing::warn;

use super::archive::parts_of;
use super::set;
use super::shelf::{Span, Stub};
use super::{Error, Shelf, Step, Tell, file};
use crate::entry::{Key, Signers};
use crate::erasable::Erasables;
use crate::files::log::Leaf;
use crate::files::segment;
use crate::index::Index;
use crate::recovery::Site;

/// Does at a start what an archiving was ended before. What cannot be taken away yet does not keep a ledger from starting.
pub(crate) async fn finish_at_start(site: &Site, stores: (&Index, &Erasables), signers: &Signers) {
    let finishing = async {
        let shelf = Shelf::read(&site.dir).map_err(file(&site.dir))?;
        finish(site, &shelf, stores, signers, &mut |_| ()).await
    };
    if let Err(error) = finishing.await {
        warn!(%error, "what is archived could not be taken out of the ledger");
    }
}

/// Whether something that is on the shelf still lies online.
pub(super) fn is_unfinished(site: &Site, shelf: &Shelf) -> bool {
    shelf.stubs.iter().any(|stub| !online(site, stub).is_empty())
}

fn online<'a>(site: &Site, stub: &'a Stub) -> Vec<(&'a Span, PathBuf)> {
    let all = stub.segments.iter().map(|span| (span, segment::path(&site.log, span.number)));
    all.filter(|(_, path)| path.exists()).collect()
}

/// Takes away what is on the shelf and still lies online: rows of the index, erasable parts, and the segments last.
pub(super) async fn finish(
    site: &Site,
    shelf: &Shelf,
    (index, erasables): (&Index, &Erasables),
    signers: &Signers,
    tell: Tell<'_>,
) -> Result<(), Error> {
    for stub in &shelf.stubs {
        // Those that are gone already went after their parts did.
        let online = online(site, stub);
        if online.is_empty() {
            continue;
        }
        index.take_away(&stub.leaves()).await?;
        tell(Step::IndexDone { name: stub.name.clone() });
        for (span, _) in &online {
            let parts = parts_of(leaves_of(site, stub, span)?, signers, erasables).await?;
            let keys: Vec<Key> = parts.into_iter().map(|(key, _)| key).collect();
            erasables.take_away(&keys).await?;
        }
        tell(Step::PartsDone { name: stub.name.clone() });
        for (_, path) in &online {
            fs::remove_file(path).map_err(file(path))?;
        }
        segment::sync_folder(&site.log).map_err(file(&site.log))?;
        tell(Step::SegmentsDone { name: stub.name.clone() });
    }
    Ok(())
}

/// The leaves of an archived segment. One that was damaged since it was archived keeps nothing online: its archive has them, and where
/// that is elsewhere by now, what can be read of it.
fn leaves_of(site: &Site, stub: &Stub, span: &Span) -> Result<Vec<Leaf>, Error> {
    let of = (span.number, span.first, span.next);
    match set::leaves(&site.log, of) {
        Err(Error::Damaged { what, .. }) => {
            warn!(segment = span.number, what, "an archived segment is damaged online, and is taken away");
            set::leaves(&stub.dir.join("log"), of).or_else(|_| set::readable_leaves(&site.log, of))
        }
        leaves => leaves,
    }
}
