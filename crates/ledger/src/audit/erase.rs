//! What there is to erase, told to those who may erase and not look.

use lgsp_core::{ExchangeId, Fault};
use lgsp_proto::ledger::v1::{DecidedResponse, Erasure};
use tokio::time::Instant;

use super::decide::asked_about;
use super::{Audit, in_time};

impl Audit {
    /// Tells what an erasure would erase, and decides nothing.
    pub(super) async fn preview(&self, ids: &[String], deadline: Instant) -> Result<DecidedResponse, Fault> {
        let (about, unknown) = self.known(asked_about(ids)?, deadline).await?;
        Ok(DecidedResponse {
            unknown: unknown.iter().map(ToString::to_string).collect(),
            erasures: self.erasures(&about, deadline).await?,
            ..DecidedResponse::default()
        })
    }

    /// What can be erased of each of these exchanges, and whether it is held.
    pub(super) async fn erasures(
        &self,
        about: &[ExchangeId],
        deadline: Instant,
    ) -> Result<Vec<Erasure>, Fault> {
        let marks = in_time(deadline, self.erasables.marks(about)).await?;
        let parts = in_time(deadline, self.erasables.erasable_parts(about)).await?;
        let erasures = about.iter().map(|exchange| Erasure {
            exchange_id: exchange.to_string(),
            parts: parts.get(exchange).copied().unwrap_or(0),
            held: marks.get(exchange).is_some_and(|marks| marks.held),
        });
        Ok(erasures.collect())
    }
}
