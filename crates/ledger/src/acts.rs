//! Carries out the decisions about the log that are entered in it, each once and in its order.
//!
//! Only what a ledger has signed is a decision: whoever may write the topic may write anything. How far they are carried out is kept
//! with the erasable parts, so that a store which was restored from a copy forgets again what was erased since.

use std::collections::HashSet;

use bytes::Bytes;
use lgsp_bus::MacKey;
use lgsp_core::ExchangeId;
use lgsp_proto::ledger::v1::{Act, ActKind};
use tracing::{error, info};

use crate::damage::Damages;
use crate::entry::{Read, read_sealed};
use crate::erasable::{Erasables, Mark};
use crate::files::log;
use crate::index::{Index, Stands};
use crate::{Error, disk};

/// Most that are read at once.
const AT_ONCE: usize = 100;

/// Whoever carries decisions out.
#[derive(Clone, Debug)]
pub(crate) struct Acts {
    pub index: Index,
    pub erasables: Erasables,
    pub log: log::Reader,
    /// The key under which a ledger signs.
    pub counting: Option<MacKey>,
    pub damages: Damages,
}

impl Acts {
    /// Carries out what the index knows of and what is not carried out yet.
    pub async fn catch_up(&self) -> Result<(), Error> {
        loop {
            let acts = self.index.acts(self.erasables.carried_out().await?, AT_ONCE).await?;
            if acts.is_empty() {
                return Ok(());
            }
            for stands in acts {
                match self.read(stands).await? {
                    Some(act) => self.carry_out(stands.leaf, &act).await?,
                    None => self.erasables.pass(stands.leaf).await?,
                }
            }
        }
    }

    async fn read(&self, stands: Stands) -> Result<Option<Act>, Error> {
        let log = self.log.clone();
        let sealed = disk(self.log.folder().to_owned(), move || log.sealed(stands.place)).await?;
        match sealed {
            Ok(sealed) => Ok(act(sealed, self.counting.as_ref())),
            Err(damage) => {
                error!(leaf = stands.leaf, "a decision about the log cannot be read and is not carried out");
                self.damages.note(damage);
                Ok(None)
            }
        }
    }

    async fn carry_out(&self, leaf: u64, act: &Act) -> Result<(), Error> {
        let exchanges: Vec<ExchangeId> = exchanges_of(act).collect();
        match act.kind() {
            ActKind::Erase => self.erase(leaf, exchanges).await,
            ActKind::Hold => self.erasables.mark(leaf, Mark::Held, 0, &exchanges).await,
            ActKind::Release => self.erasables.unmark(leaf, Mark::Held, &exchanges).await,
            ActKind::Withhold => {
                self.erasables.mark(leaf, Mark::Withheld, act.disclose_after_us, &exchanges).await
            }
            // It stands in the log: what it did was done to a file of keys.
            ActKind::DestroyKey | ActKind::Unspecified => self.erasables.pass(leaf).await,
        }
    }

    /// First what they are found by, and only then the parts, which tell what that is.
    async fn erase(&self, leaf: u64, exchanges: Vec<ExchangeId>) -> Result<(), Error> {
        let held: HashSet<ExchangeId> = {
            let marks = self.erasables.marks(&exchanges).await;
            let marks =
                marks.map_err(|error| Error::Store { what: crate::error::ERASABLE, source: error.into() })?;
            marks.into_iter().filter(|(_, marks)| marks.held).map(|(exchange, _)| exchange).collect()
        };
        let exchanges: Vec<ExchangeId> =
            exchanges.into_iter().filter(|exchange| !held.contains(exchange)).collect();
        let parts = self.erasables.parts_of(&exchanges).await?;
        self.index.forget(&parts).await?;
        self.erasables.mark(leaf, Mark::Erased, 0, &exchanges).await?;
        info!(leaf, exchanges = exchanges.len(), held = held.len(), "exchanges are erased");
        Ok(())
    }
}

/// The exchanges that an entry, if it is a signed decision, has erased.
pub(crate) fn erased_by(read: &Read) -> impl Iterator<Item = ExchangeId> {
    let act = read.sealed.act.as_ref().filter(|act| read.signed && act.kind() == ActKind::Erase);
    act.into_iter().flat_map(exchanges_of)
}

fn exchanges_of(act: &Act) -> impl Iterator<Item = ExchangeId> {
    act.exchange_ids.iter().filter_map(|id| ExchangeId::from_bytes(id))
}

fn act(sealed: Bytes, counting: Option<&MacKey>) -> Option<Act> {
    let read = read_sealed(sealed, counting).ok().filter(|read| read.signed)?;
    read.sealed.act
}
