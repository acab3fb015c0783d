//! Decisions about the log: each is an entry first, which the ledger signs, and is carried out where that is filed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use lgsp_bus::{Bus, MacKey, RequestHead, topics};
use lgsp_core::entry::{SCHEMA, digests, salted};
use lgsp_core::sign_in::may_hold_a_person;
use lgsp_core::time::{micros, timestamp, unix_micros};
use lgsp_core::{ExchangeId, Fault, Reason};
use lgsp_proto::ledger::v1::{
    Act, ActKind, DecidedResponse, Entry, Erasable, EraseExchangesRequest, Mark, MarkExchangesRequest, Phase,
    Sealed,
};
use prost::Message;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};
use tracing::info;

use super::{Audit, in_time};
use crate::Error;
use crate::service::{invalid, unanswered};

/// Where decisions are entered: one after the other, so that nothing is held while it is erased. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    bus: Bus,
    /// The ledgers' own key, under which they sign decisions.
    key: Option<MacKey>,
    pub(super) turn: Arc<Mutex<()>>,
}

impl Desk {
    pub fn new(bus: &Bus, key: Option<&MacKey>) -> Self {
        Self { bus: bus.clone(), key: key.cloned(), turn: Arc::default() }
    }

    /// Puts the decision on the topic, where entries come from.
    pub(super) async fn enter(&self, act: Act, application: &str, now_us: i64) -> Result<ExchangeId, Fault> {
        let key = self.key()?;
        self.publish(key, act, None, (application, now_us)).await.map_err(unanswered)
    }

    /// The same of a decision with a note, which can be erased.
    pub(super) async fn enter_noted(
        &self,
        act: Act,
        note: &str,
        application: &str,
        now_us: i64,
    ) -> Result<ExchangeId, Fault> {
        let key = self.key()?;
        let note = salted(note).map(|note| Erasable { note: Some(note), ..Erasable::default() });
        self.publish(key, act, note, (application, now_us)).await.map_err(unanswered)
    }

    fn key(&self) -> Result<&MacKey, Fault> {
        let no_key = || Fault::new(Reason::Internal).saying("the ledger has no key of decisions");
        self.key.as_ref().ok_or_else(no_key)
    }

    /// The same for what no person decides but a rule.
    pub async fn enter_rule(&self, act: Act, now_us: i64) -> Result<(), Error> {
        let key = self.key.as_ref().ok_or(Error::Unsigned)?;
        self.publish(key, act, None, ("", now_us)).await.map(drop).map_err(Error::from)
    }

    async fn publish(
        &self,
        key: &MacKey,
        act: Act,
        erasable: Option<Erasable>,
        (application, now_us): (&str, i64),
    ) -> Result<ExchangeId, lgsp_bus::Error> {
        let id = ExchangeId::new();
        let sealed = Sealed {
            schema: SCHEMA,
            exchange_id: bytes_of(&id),
            phase: Phase::Act.into(),
            application: application.to_owned(),
            platform: true,
            admitted_us: now_us,
            entered_us: now_us,
            erasable_digests: erasable.as_ref().map(digests),
            act: Some(act),
            ..Sealed::default()
        };
        let sealed = lgsp_bus::entry::sign_decision(key, &sealed.encode_to_vec()).into();
        let entry = Entry { sealed, erasable }.encode_to_vec();
        self.bus.publish(topics::EXCHANGE, None, id.as_bytes(), &entry, &[]).await?;
        Ok(id)
    }
}

/// What is decided, and about what.
struct Decision<'a> {
    kind: ActKind,
    exchange_ids: &'a [String],
    legal_basis: &'a str,
    disclose_after_us: i64,
}

impl Audit {
    pub(super) async fn mark(
        &self,
        head: &RequestHead,
        request: MarkExchangesRequest,
        deadline: Instant,
    ) -> Result<DecidedResponse, Fault> {
        let kind = match request.mark() {
            Mark::Unspecified => return Err(invalid("mark", "is required")),
            Mark::Hold => ActKind::Hold,
            Mark::Release => ActKind::Release,
            Mark::Withhold => ActKind::Withhold,
        };
        let disclose_after_us = match (&request.disclose_after, kind) {
            (None, ActKind::Withhold) => return Err(invalid("disclose_after", "is required")),
            (Some(_), ActKind::Hold | ActKind::Release) => {
                return Err(invalid("disclose_after", "is only for withholding"));
            }
            (Some(moment), _) if micros(moment) <= unix_micros(SystemTime::now()) => {
                return Err(invalid("disclose_after", "is past, or before the beginning"));
            }
            (moment, _) => moment.as_ref().map_or(0, micros),
        };
        let (exchange_ids, legal_basis) = (&*request.exchange_ids, request.legal_basis.trim());
        self.decide(head, Decision { kind, exchange_ids, legal_basis, disclose_after_us }, deadline).await
    }

    pub(super) async fn erase(
        &self,
        head: &RequestHead,
        request: EraseExchangesRequest,
        deadline: Instant,
    ) -> Result<DecidedResponse, Fault> {
        let (exchange_ids, legal_basis) = (&*request.exchange_ids, request.legal_basis.trim());
        if request.preview {
            return self.preview(exchange_ids, deadline).await;
        }
        let decision = Decision { kind: ActKind::Erase, exchange_ids, legal_basis, disclose_after_us: 0 };
        self.decide(head, decision, deadline).await
    }

    async fn decide(
        &self,
        head: &RequestHead,
        decision: Decision<'_>,
        deadline: Instant,
    ) -> Result<DecidedResponse, Fault> {
        is_stated("legal_basis", decision.legal_basis)?;
        let asked = asked_about(decision.exchange_ids)?;
        let turn = timeout_at(deadline, self.desk.turn.lock()).await;
        let _turn = turn.map_err(|_| Fault::from(Reason::AdapterOverloaded))?;
        let (about, unknown) = self.known(asked, deadline).await?;
        let erasures = match decision.kind {
            ActKind::Erase => self.erasures(&about, deadline).await?,
            ActKind::Unspecified
            | ActKind::Hold
            | ActKind::Release
            | ActKind::Withhold
            | ActKind::DestroyKey
            | ActKind::Expire
            | ActKind::Annotate => Vec::new(),
        };
        // What is held is not erased.
        if erasures.iter().any(|erasure| erasure.held) {
            return Err(Reason::Held.into());
        }
        let act = Act {
            kind: decision.kind.into(),
            exchange_ids: about.iter().map(bytes_of).collect(),
            legal_basis: decision.legal_basis.to_owned(),
            by: by(head),
            asked_in: bytes_of(&head.exchange),
            disclose_after_us: decision.disclose_after_us,
            ..Act::default()
        };
        let entered_us = unix_micros(SystemTime::now());
        let id = self.desk.enter(act, &head.application.to_string(), entered_us).await?;
        let leaf = self.carried_out(&id, deadline).await?;
        self.is_done(&decision, &about, deadline).await?;
        info!(decision = %id, kind = decision.kind.as_str_name(), exchanges = about.len(), "decision about the log");
        Ok(DecidedResponse {
            act_id: id.to_string(),
            leaf,
            entered: Some(timestamp(entered_us)),
            unknown: unknown.iter().map(ToString::to_string).collect(),
            erasures,
        })
    }

    /// Those of the exchanges that the log has, and those that it has not.
    ///
    /// # Errors
    /// It has none of them.
    pub(super) async fn known(
        &self,
        asked: Vec<ExchangeId>,
        deadline: Instant,
    ) -> Result<(Vec<ExchangeId>, Vec<ExchangeId>), Fault> {
        self.log.filed.catch_up(deadline).await;
        let mut known = self.log.index.entered(&asked, deadline).await.map_err(unanswered)?;
        // What is archived is decided about as well: its archive is brought up to that afterwards.
        known.extend(self.log.archived(asked.clone()).await?);
        let (about, unknown): (Vec<_>, Vec<_>) =
            asked.into_iter().partition(|exchange| known.contains(exchange));
        if about.is_empty() { Err(Reason::NotFound.into()) } else { Ok((about, unknown)) }
    }

    /// Another ledger may have held one of them meanwhile: then that one is not erased.
    async fn is_done(
        &self,
        decision: &Decision<'_>,
        about: &[ExchangeId],
        deadline: Instant,
    ) -> Result<(), Fault> {
        if decision.kind != ActKind::Erase {
            return Ok(());
        }
        let erased = in_time(deadline, self.erasables.erased(about.to_vec())).await?;
        if erased.len() == about.len() { Ok(()) } else { Err(Reason::Held.into()) }
    }

    /// Waits until the decision is carried out; returns its leaf.
    pub(super) async fn carried_out(&self, id: &ExchangeId, deadline: Instant) -> Result<u64, Fault> {
        let mut durable = self.log.filed.durable.clone();
        loop {
            durable.mark_unchanged();
            self.log.filed.catch_up(deadline).await;
            let entry = self.log.index.entries_of(id, 0, 1, deadline).await.map_err(unanswered)?;
            if let Some(stands) = entry.first()
                && in_time(deadline, self.erasables.carried_out()).await? > stands.leaf
            {
                return Ok(stands.leaf);
            }
            let more = timeout_at(deadline, durable.changed()).await;
            more.map_err(unanswered)?.map_err(unanswered)?;
        }
    }
}

/// Whether a decision has its basis, or its reason: it stays in the log for ever.
pub(super) fn is_stated(field: &str, text: &str) -> Result<(), Fault> {
    if text.is_empty() {
        return Err(invalid(field, "is required"));
    }
    if may_hold_a_person(text) {
        return Err(invalid(field, "may hold the number of a person"));
    }
    Ok(())
}

/// Who decides.
pub(super) fn by(head: &RequestHead) -> String {
    head.person.as_ref().map_or_else(|| head.application.to_string(), ToString::to_string)
}

/// Each exchange once.
pub(super) fn asked_about(ids: &[String]) -> Result<Vec<ExchangeId>, Fault> {
    let read: Option<BTreeSet<ExchangeId>> = ids.iter().map(|id| ExchangeId::parse(id)).collect();
    let read = read.ok_or_else(|| invalid("exchange_ids", "is not a UUID"))?;
    if read.is_empty() { Err(invalid("exchange_ids", "is required")) } else { Ok(read.into_iter().collect()) }
}

pub(super) fn bytes_of(id: &ExchangeId) -> Bytes {
    Bytes::copy_from_slice(id.as_bytes())
}
