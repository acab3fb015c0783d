//! Carries out the decisions about the log that are entered in it, each once and in its order.
//!
//! Only what a ledger has signed is a decision: whoever may write the topic may write anything. How far they are carried out is kept
//! with the erasable parts, so that a store which was restored from a copy forgets again what was erased since.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use lgsp_core::ExchangeId;
use lgsp_proto::ledger::v1::{Act, ActKind, RetentionClass};
use lgsp_runtime::state::Fact;
use tokio::sync::{Mutex, Notify};
use tracing::{error, info};

use crate::audit::{Subjects, is_month};
use crate::damage::Damages;
use crate::entry::{Key, Read, Signed, Signers, read_sealed};
use crate::erasable::{Erasables, Mark, Rule};
use crate::files::log;
use crate::index::{Index, Stands};
use crate::{Error, disk};

/// Most that are read at once.
const AT_ONCE: usize = 100;

/// Where a decision is.
enum Decision {
    Online(Stands),
    /// Its sealed part.
    Archived(Bytes),
}

/// Whoever carries decisions out.
#[derive(Clone, Debug)]
pub(crate) struct Acts {
    pub index: Index,
    pub erasables: Erasables,
    pub log: log::Reader,
    pub signers: Signers,
    pub damages: Damages,
    /// Decisions that are archived: their leaves and sealed parts, in the order of the log.
    pub archived: Arc<Vec<(u64, Bytes)>>,
    /// Decisions that cannot be read.
    pub unread: Fact,
    pub subjects: Subjects,
    /// Nothing is held while it is erased.
    pub turn: Arc<Mutex<()>>,
    /// Told when something was erased, or is to be.
    pub forgotten: Arc<Notify>,
}

impl Acts {
    /// Carries out what the log has, online or archived, and what is not carried out yet. One that cannot be read holds no later one up: it
    /// is told, and not noted as carried out, so that [`catch_up_with_the_late`](Self::catch_up_with_the_late) finds it when the log is
    /// repaired.
    pub async fn catch_up(&self) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        loop {
            let decisions = self.decisions(self.erasables.carried_out().await?).await?;
            if decisions.is_empty() {
                return Ok(());
            }
            for (leaf, decision) in decisions {
                match self.read(&decision).await? {
                    Some(act) => {
                        self.carry_out(leaf, &act).await?;
                        self.erasables.decided(leaf).await?;
                    }
                    None => {
                        self.unread.add(1);
                        self.erasables.pass(leaf).await?;
                    }
                }
            }
        }
    }

    /// The next decisions from a leaf on, in the order of the log, whether they are online or archived: a store that was restored from an
    /// older copy lacks both.
    async fn decisions(&self, from: u64) -> Result<BTreeMap<u64, Decision>, Error> {
        let online = self.index.acts(from, AT_ONCE).await?;
        // Behind these there may be more that are online.
        let end = online.last().filter(|_| online.len() == AT_ONCE).map_or(u64::MAX, |last| last.leaf);
        let mut decisions: BTreeMap<u64, Decision> =
            self.archived_acts().filter(|(leaf, _)| (from..=end).contains(leaf)).collect();
        decisions.extend(online.into_iter().map(|stands| (stands.leaf, Decision::Online(stands))));
        Ok(decisions)
    }

    fn archived_acts(&self) -> impl Iterator<Item = (u64, Decision)> {
        self.archived.iter().map(|(leaf, sealed)| (*leaf, Decision::Archived(sealed.clone())))
    }

    /// Tells the index of archived annotations: one that was built again has them from nowhere else.
    pub async fn annotate_archived(&self) -> Result<(), Error> {
        let mut annotations = Vec::new();
        for (leaf, sealed) in self.archived.iter() {
            let Ok(read) = read_sealed(sealed.clone(), &self.signers) else { continue };
            let is_one = read.sealed.act.as_ref().is_some_and(|act| act.annotation.is_some());
            if is_one && read.signed == Signed::Yes {
                annotations.push((*leaf, read.sealed));
            }
        }
        if annotations.is_empty() {
            return Ok(());
        }
        self.index.annotate_archived(&annotations).await
    }

    /// Carries out decisions that could not be read when later ones were carried out. What the later ones say still holds: so each of
    /// the exchanges is brought to where all that can be read of it leads, in the order of the log.
    pub async fn catch_up_with_the_late(&self) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        let carried_out = self.erasables.carried_out().await?;
        let (mut from, mut unread) = (0, 0);
        loop {
            let decisions = self.decisions(from).await?;
            let leaves: Vec<u64> = decisions.keys().copied().collect();
            let decided = self.erasables.are_decided(&leaves).await?;
            for (leaf, decision) in decisions.range(..carried_out) {
                if decided.contains(leaf) {
                    continue;
                }
                let Some(act) = self.read(decision).await? else {
                    unread += 1;
                    continue;
                };
                match act.kind() {
                    ActKind::Erase | ActKind::Hold | ActKind::Release | ActKind::Withhold => {
                        for exchange in exchanges_of(&act) {
                            self.bring_up(exchange, carried_out).await?;
                        }
                    }
                    // These only ever add up.
                    ActKind::DestroyKey | ActKind::Expire | ActKind::Annotate | ActKind::Unspecified => {
                        self.carry_out(carried_out - 1, &act).await?;
                    }
                }
                self.erasables.decided(*leaf).await?;
                info!(leaf, "a decision that could not be read is carried out");
            }
            match leaves.last() {
                Some(last) if *last < carried_out => from = last + 1,
                Some(_) | None => break,
            }
        }
        self.unread.set(unread);
        Ok(())
    }

    /// Brings the marks of an exchange to where its decisions lead that stand before a leaf.
    async fn bring_up(&self, exchange: ExchangeId, before: u64) -> Result<(), Error> {
        let mut decisions: BTreeMap<u64, Decision> = self.archived_acts().collect();
        let online = self.index.acts_about(&exchange).await?;
        decisions.extend(online.into_iter().map(|stands| (stands.leaf, Decision::Online(stands))));
        let (mut is_held, mut is_erased, mut withheld_until_us) = (false, false, None);
        for decision in decisions.range(..before).map(|(_, decision)| decision) {
            let Some(act) = self.read(decision).await? else { continue };
            if !exchanges_of(&act).any(|about| about == exchange) {
                continue;
            }
            match act.kind() {
                ActKind::Erase => is_erased |= !is_held,
                ActKind::Hold => is_held = true,
                ActKind::Release => is_held = false,
                ActKind::Withhold => withheld_until_us = Some(act.disclose_after_us),
                ActKind::DestroyKey | ActKind::Expire | ActKind::Annotate | ActKind::Unspecified => {}
            }
        }
        let last = before.saturating_sub(1);
        let exchange = [exchange];
        if is_erased {
            self.forget(last, &exchange).await?;
        }
        if let Some(until_us) = withheld_until_us {
            self.erasables.mark(last, Mark::Withheld, until_us, &exchange).await?;
        }
        if is_held {
            self.erasables.mark(last, Mark::Held, 0, &exchange).await
        } else {
            self.erasables.unmark(last, Mark::Held, &exchange).await
        }
    }

    async fn read(&self, decision: &Decision) -> Result<Option<Act>, Error> {
        let stands = match decision {
            Decision::Online(stands) => *stands,
            Decision::Archived(sealed) => return Ok(act(sealed.clone(), &self.signers)),
        };
        let log = self.log.clone();
        let sealed = disk(self.log.folder().to_owned(), move || log.sealed(stands.place)).await?;
        match sealed {
            Ok(sealed) => Ok(act(sealed, &self.signers)),
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
            ActKind::DestroyKey => self.destroy(leaf, &act.month).await,
            ActKind::Expire => self.expire(leaf, act).await,
            // The index has it: it changes nothing here.
            ActKind::Annotate | ActKind::Unspecified => self.erasables.pass(leaf).await,
        }
    }

    /// Whoever looks for a subject has no key of that month from now on; the file goes where the process has it.
    async fn destroy(&self, leaf: u64, month: &str) -> Result<(), Error> {
        if !is_month(month) {
            return self.erasables.pass(leaf).await;
        }
        self.erasables.destroy(leaf, month).await?;
        self.subjects.destroy(month);
        info!(leaf, month, "a subject key is destroyed");
        Ok(())
    }

    /// Keeps the rule: what has expired is erased behind everything else, since it may be much. The index has the rule first, so that
    /// one which has not was restored from a copy, and still finds what is erased.
    async fn expire(&self, leaf: u64, act: &Act) -> Result<(), Error> {
        let platform = match act.retention_class() {
            RetentionClass::Unspecified => return self.erasables.pass(leaf).await,
            RetentionClass::Data => false,
            RetentionClass::Platform => true,
        };
        let rule = Rule { platform, before_us: act.before_us };
        self.index.expire(&rule).await?;
        self.erasables.expire(leaf, rule).await?;
        self.forgotten.notify_one();
        Ok(())
    }

    /// Erases some of what has expired; returns whether there may be more.
    pub async fn erase_expired(&self) -> Result<bool, Error> {
        let _turn = self.turn.lock().await;
        let due = self.erasables.due(AT_ONCE).await?;
        let parts: Vec<(Key, Vec<u8>)> = due.iter().map(|due| (due.key, due.value.clone())).collect();
        if parts.is_empty() {
            return Ok(false);
        }
        self.index.forget(&parts).await?;
        self.erasables.blank(&due).await?;
        info!(parts = parts.len(), "what has expired is erased");
        Ok(true)
    }

    async fn erase(&self, leaf: u64, exchanges: Vec<ExchangeId>) -> Result<(), Error> {
        let held: HashSet<ExchangeId> = {
            let marks = self.erasables.marks(&exchanges).await;
            let marks =
                marks.map_err(|error| Error::Store { what: crate::error::ERASABLE, source: error })?;
            marks.into_iter().filter(|(_, marks)| marks.held).map(|(exchange, _)| exchange).collect()
        };
        let exchanges: Vec<ExchangeId> =
            exchanges.into_iter().filter(|exchange| !held.contains(exchange)).collect();
        self.forget(leaf, &exchanges).await?;
        self.forgotten.notify_one();
        info!(leaf, exchanges = exchanges.len(), held = held.len(), "exchanges are erased");
        Ok(())
    }

    /// First what they are found by, and only then the parts, which tell what that is.
    async fn forget(&self, leaf: u64, exchanges: &[ExchangeId]) -> Result<(), Error> {
        let parts = self.erasables.parts_of(exchanges).await?;
        self.index.forget(&parts).await?;
        self.erasables.mark(leaf, Mark::Erased, 0, exchanges).await
    }
}

/// The exchanges that an entry, if it is a signed decision, has erased.
pub(crate) fn erased_by(read: &Read) -> impl Iterator<Item = ExchangeId> {
    let act =
        read.sealed.act.as_ref().filter(|act| read.signed == Signed::Yes && act.kind() == ActKind::Erase);
    act.into_iter().flat_map(exchanges_of)
}

fn exchanges_of(act: &Act) -> impl Iterator<Item = ExchangeId> {
    act.exchange_ids.iter().filter_map(|id| ExchangeId::from_bytes(id))
}

fn act(sealed: Bytes, signers: &Signers) -> Option<Act> {
    let read = read_sealed(sealed, signers).ok().filter(|read| read.signed == Signed::Yes)?;
    read.sealed.act
}
