//! One exchange: all that the log holds of it, byte for byte.

use lgsp_core::{ExchangeId, Fault, Reason, Violation};
use lgsp_proto::ledger::v1::{
    Act, ActKind, AuditedEntry, Erasable, GetExchangeRequest, GetExchangeResponse, RetentionClass, Sealed,
};
use prost::Message;
use tokio::time::Instant;

use super::{Audit, in_time};
use crate::index::Stands;
use crate::service::{MOST_PAGE_BYTES, invalid, unanswered};

/// Most entries of one answer, and most decisions.
const MOST_ENTRIES: usize = 500;
const MOST_DECISIONS: usize = 100;

impl Audit {
    pub(super) async fn exchange(
        &self,
        request: GetExchangeRequest,
        deadline: Instant,
    ) -> Result<GetExchangeResponse, Fault> {
        let id = ExchangeId::parse(&request.exchange_id);
        let id = id.ok_or_else(|| invalid("exchange_id", "is not a UUID"))?;
        self.log.catch_up(deadline).await;
        let from = request.from_leaf;
        let entries =
            self.log.index.entries_of(&id, from, MOST_ENTRIES + 1, deadline).await.map_err(unanswered)?;
        if entries.is_empty() && from == 0 {
            let fault = Fault::new(Reason::NotFound);
            if self.log.archived(vec![id]).await?.is_empty() {
                return Err(fault);
            }
            let rule = "is archived: an operator can bring it back with lgsp ledger restore".to_owned();
            return Err(fault.naming(vec![Violation { field: "exchange_id".to_owned(), rule }]));
        }
        let mut answer = GetExchangeResponse::default();
        let mut bytes = 0;
        if from == 0 {
            let decisions =
                self.log.index.decisions_of(&id, MOST_DECISIONS, deadline).await.map_err(unanswered)?;
            for stands in decisions {
                let decision = self.audited(stands, request.prove, deadline).await?;
                bytes += decision.encoded_len();
                answer.decisions.push(decision);
            }
        }
        for stands in entries {
            let entry = self.audited(stands, request.prove, deadline).await?;
            bytes += entry.encoded_len();
            let is_full = bytes > MOST_PAGE_BYTES || answer.entries.len() == MOST_ENTRIES;
            if is_full && !answer.entries.is_empty() {
                answer.next_leaf = stands.leaf;
                break;
            }
            answer.entries.push(entry);
        }
        if from == 0 {
            let rule = self.expired_by(&answer, request.prove, deadline).await?;
            answer.decisions.extend(rule);
        }
        Ok(answer)
    }

    /// The decision by whose rule the exchange has expired: none that is about it has erased it.
    async fn expired_by(
        &self,
        told: &GetExchangeResponse,
        prove: bool,
        deadline: Instant,
    ) -> Result<Option<AuditedEntry>, Fault> {
        let sealed = |entry: &AuditedEntry| Sealed::decode(entry.sealed.clone()).unwrap_or_default();
        let Some(erased) = told.entries.iter().find(|entry| entry.erased && !entry.sealed.is_empty()) else {
            return Ok(None);
        };
        let kinds = told.decisions.iter().filter_map(|decision| sealed(decision).act).map(|act| act.kind());
        if kinds.into_iter().any(|kind| kind == ActKind::Erase) {
            return Ok(None);
        }
        let erased = sealed(erased);
        let class = if erased.platform { RetentionClass::Platform } else { RetentionClass::Data };
        let expires = |act: &Act| {
            act.kind() == ActKind::Expire
                && act.retention_class() == class
                && erased.admitted_us < act.before_us
        };
        let Some(rule) = self.first_decision(expires, deadline).await? else { return Ok(None) };
        if let Some(stands) = rule.stands {
            return self.audited(stands, prove, deadline).await.map(Some);
        }
        let signed = crate::entry::Signed::Yes.to_message();
        Ok(Some(AuditedEntry { leaf: rule.leaf, sealed: rule.sealed, signed, ..AuditedEntry::default() }))
    }

    async fn audited(&self, stands: Stands, prove: bool, deadline: Instant) -> Result<AuditedEntry, Fault> {
        let sealed = self.log.sealed(vec![stands.place]).await?.into_iter().next().flatten();
        let part = in_time(deadline, self.erasables.find(&[stands.key])).await?.remove(&stands.key);
        let sealed = sealed.unwrap_or_default();
        let proof = if prove && !sealed.is_empty() {
            self.prover()?.prove(stands.leaf, sealed.clone(), deadline).await?
        } else {
            String::new()
        };
        Ok(AuditedEntry {
            leaf: stands.leaf,
            sealed,
            erased: part.as_ref().is_some_and(Option::is_none),
            erasable: part.flatten().and_then(|part| Erasable::decode(part).ok()),
            proof,
            signed: stands.signed.to_message(),
        })
    }
}
