//! The end of a month's subject key: an entry first, and then nobody finds a subject among the month's exchanges any more.

use std::time::SystemTime;

use lgsp_bus::RequestHead;
use lgsp_core::time::{month, timestamp, unix_micros};
use lgsp_core::{Fault, Reason, Violation};
use lgsp_proto::ledger::v1::{Act, ActKind, DestroySubjectKeyRequest, DestroySubjectKeyResponse};
use tokio::time::{Instant, timeout_at};
use tracing::info;

use super::decide::{by, bytes_of, is_stated};
use super::{Audit, is_month};
use crate::service::{invalid, unanswered};

/// After the end of a month its last exchanges are still under way, and spooled entries of refusals.
const AFTER: i64 = 24 * 3_600 * 1_000_000;
/// Most gateway instances that an answer names.
const MOST_GATEWAYS: i64 = 1_000;

impl Audit {
    pub(super) async fn destroy_key(
        &self,
        head: &RequestHead,
        request: DestroySubjectKeyRequest,
        deadline: Instant,
    ) -> Result<DestroySubjectKeyResponse, Fault> {
        let (basis, reason) = (request.legal_basis.trim(), request.reason.trim());
        is_over(&request.month, unix_micros(SystemTime::now()))?;
        is_stated("legal_basis", basis)?;
        is_stated("reason", reason)?;
        let turn = timeout_at(deadline, self.desk.turn.lock()).await;
        let _turn = turn.map_err(|_| Fault::from(Reason::AdapterOverloaded))?;
        self.log.filed.catch_up(deadline).await;
        if request.preview {
            return self.would_destroy(&request.month, deadline).await;
        }
        self.is_there(&request.month)?;
        let act = Act {
            kind: ActKind::DestroyKey.into(),
            legal_basis: basis.to_owned(),
            reason: reason.to_owned(),
            by: by(head),
            asked_in: bytes_of(&head.exchange),
            month: request.month.clone(),
            ..Act::default()
        };
        let entered_us = unix_micros(SystemTime::now());
        let id = self.desk.enter(act, &head.application.to_string(), entered_us).await?;
        let leaf = self.carried_out(&id, deadline).await?;
        info!(decision = %id, month = request.month, "a subject key is destroyed by a decision");
        Ok(DestroySubjectKeyResponse {
            act_id: id.to_string(),
            leaf,
            entered: Some(timestamp(entered_us)),
            gateways: self.holders(&request.month, deadline).await?,
        })
    }

    /// Tells what a decision would be about, and decides nothing: who may hold the key, or what has destroyed it already.
    async fn would_destroy(
        &self,
        month: &str,
        deadline: Instant,
    ) -> Result<DestroySubjectKeyResponse, Fault> {
        let gateways = self.holders(month, deadline).await?;
        if let Err(fault) = self.is_there(month) {
            let has_destroyed = |act: &Act| act.kind() == ActKind::DestroyKey && act.month == month;
            let decided = self.first_decision(has_destroyed, deadline).await?;
            let decided = decided.and_then(|decided| Some((decided.id()?, decided)));
            let (id, decided) = decided.ok_or(fault)?;
            return Ok(DestroySubjectKeyResponse {
                act_id: id.to_string(),
                leaf: decided.leaf,
                entered: Some(timestamp(decided.entered_us())),
                gateways,
            });
        }
        Ok(DestroySubjectKeyResponse { gateways, ..Default::default() })
    }

    /// Whether there is a key of a month to destroy.
    fn is_there(&self, month: &str) -> Result<(), Fault> {
        if self.subjects.has(month) {
            return Ok(());
        }
        let rule = match self.subjects.destroyed().borrow().contains(month) {
            true => "has no key any more: a decision has destroyed it already",
            false => "has no key here: there is none to destroy",
        };
        let violation = Violation { field: "month".to_owned(), rule: rule.to_owned() };
        Err(Fault::new(Reason::NotFound).naming(vec![violation]))
    }

    /// The gateway instances that may have held the key of a month.
    async fn holders(&self, of: &str, deadline: Instant) -> Result<Vec<String>, Fault> {
        let gateways = self.log.index.gateways(MOST_GATEWAYS, deadline).await.map_err(unanswered)?;
        let since = gateways.into_iter().filter(|(_, _, entered)| *month(entered.last_us) >= *of);
        Ok(since.map(|(gateway, ..)| gateway).collect())
    }
}

/// Whether nothing is hashed under a month's key any more.
fn is_over(of: &str, now_us: i64) -> Result<(), Fault> {
    if !is_month(of) {
        return Err(invalid("month", "is not well formed"));
    }
    if *month(now_us - AFTER) <= *of {
        return Err(invalid("month", "is not over for a day"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_destroyed_only_when_its_month_is_over_for_a_day() {
        // 2026-12-31T17:00:00Z, when 2027 begins in Ho Chi Minh City.
        let new_year = 1_798_736_400_000_000;
        assert!(is_over("2026-11", new_year).is_ok());
        assert!(is_over("2026-12", new_year + AFTER - 1).is_err());
        assert!(is_over("2026-12", new_year + AFTER).is_ok());
        for other in ["2027-01", "2027-02", "2026-13", "2026"] {
            assert!(is_over(other, new_year + AFTER).is_err(), "{other}");
        }
    }
}
