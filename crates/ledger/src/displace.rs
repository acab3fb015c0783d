//! Makes way for signed entries under whose keys unsigned ones stand: what these are found by goes first, and only then their parts,
//! which tell what that is.
//!
//! Whoever may write the topic may enter something under the key of an exchange before its gateway does. Both are leaves; the signed
//! one stands.

use tracing::warn;

use crate::entry::{Key, Read, Signers, read_sealed};
use crate::erasable::Erasables;
use crate::files::log;
use crate::index::{Index, Row};
use crate::{Error, disk};

/// Makes way for those of these rows that are signed, before they are indexed and their parts are kept.
pub(crate) async fn make_way(
    rows: &[Row],
    (index, erasables): (&Index, &Erasables),
    log: &log::Reader,
    signers: &Signers,
) -> Result<(), Error> {
    let come: Vec<&Read> = rows.iter().map(|row| &row.read).filter(|read| read.signed.counts()).collect();
    let keys: Vec<Key> = come.iter().map(|read| read.key).collect();
    let gone = index.unsigned(&keys).await?;
    if gone.is_empty() {
        return Ok(());
    }
    let mut leaves = Vec::with_capacity(gone.len());
    for stands in &gone {
        warn!(leaf = stands.leaf, "an unsigned entry gives way to a signed one of the same key");
        let (log, place) = (log.clone(), stands.place);
        let sealed = disk(log.folder().to_owned(), move || log.sealed(place)).await?;
        // What is damaged was named where it was found, and is found by no more than its exchange.
        let Some(read) = sealed.ok().and_then(|sealed| read_sealed(sealed, signers).ok()) else { continue };
        leaves.push((stands.leaf, read));
    }
    erasables.fill(leaves.iter_mut().map(|(_, read)| read)).await?;
    index.forget_leaves(&leaves).await?;
    let displacing = |read: &&&Read| gone.iter().any(|gone| gone.key == read.key);
    let come: Vec<&Read> = come.iter().filter(displacing).copied().collect();
    erasables.make_room_for(&come).await
}
