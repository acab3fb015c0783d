//! Whether the log holds everything of a period, and the checkpoint that says what it holds.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lgsp_core::Fault;
use lgsp_core::time::{micros, unix_micros};
use lgsp_proto::ledger::v1::{
    CheckCompletenessRequest, CheckCompletenessResponse, GetCheckpointRequest, GetCheckpointResponse,
};
use tokio::time::Instant;

use super::Audit;
use crate::service::{LONGEST_STREAM, MOST_GATEWAYS, unanswered};

/// How long an exchange without a stream may last at most, with its way to the log.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(120);

impl Audit {
    pub(super) async fn completeness(
        &self,
        request: CheckCompletenessRequest,
        deadline: Instant,
    ) -> Result<CheckCompletenessResponse, Fault> {
        let has_caught_up = self.log.catch_up(deadline).await && self.log.filed.has_caught_up();
        let now = unix_micros(SystemTime::now());
        let since = request.since.as_ref().map_or(0, micros);
        let until = request.until.as_ref().map_or(now, micros);
        let period = self.log.index.period((since, until), deadline).await.map_err(unanswered)?;
        let gateways = self.log.index.gateways(MOST_GATEWAYS, deadline).await.map_err(unanswered)?;
        let gateways: Vec<_> = gateways
            .iter()
            .filter(|(_, _, entered_us)| *entered_us >= since)
            .map(|(gateway, sequence, entered_us)| sequence.to_message(gateway, *entered_us))
            .collect();
        let (missing_offsets, untold_offsets) = match &self.prover {
            Some(prover) => prover.missing(since, until).await?,
            None => (Vec::new(), 0),
        };
        let settled = has_caught_up && self.is_settled(until, now, deadline).await?;
        let is_gapless = gateways.iter().all(|gateway| gateway.gaps.is_empty());
        Ok(CheckCompletenessResponse {
            complete: settled && is_gapless && missing_offsets.is_empty() && untold_offsets == 0,
            gateways,
            missing_offsets,
            untold_offsets,
            abandoned: period.abandoned,
            exchanges: period.exchanges,
            settled,
        })
    }

    pub(super) async fn checkpoint(
        &self,
        request: GetCheckpointRequest,
        deadline: Instant,
    ) -> Result<GetCheckpointResponse, Fault> {
        let (note, hashes) = self.prover()?.checkpoint(request.since_size, deadline).await?;
        let consistency = hashes.iter().map(|hash| Bytes::copy_from_slice(&hash.0)).collect();
        Ok(GetCheckpointResponse { checkpoint: note.to_string(), consistency })
    }

    /// Whether no exchange that was admitted before a moment can be without its end any more.
    async fn is_settled(&self, until: i64, now: i64, deadline: Instant) -> Result<bool, Fault> {
        let ago = |longest: Duration| now - i64::try_from(longest.as_micros()).unwrap_or(i64::MAX);
        if until > ago(LONGEST_EXCHANGE) || self.log.open.has_sent_before(until) {
            return Ok(false);
        }
        let under_way = (ago(LONGEST_STREAM + LONGEST_EXCHANGE), until);
        let has_under_way = self.log.index.has_under_way(under_way, deadline).await;
        Ok(!has_under_way.map_err(unanswered)?)
    }
}
