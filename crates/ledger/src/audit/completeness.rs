//! Whether the log holds everything of a period, and the checkpoint that says what it holds.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lgsp_core::Fault;
use lgsp_core::time::{micros, unix_micros};
use lgsp_proto::ledger::v1::{
    CheckCompletenessRequest, CheckCompletenessResponse, GatewaySequence, GetCheckpointRequest,
    GetCheckpointResponse,
};
use prost::Message as _;
use tokio::time::Instant;

use super::Audit;
use crate::seal::Missing;
use crate::service::{LONGEST_STREAM, MOST_GATEWAYS, MOST_PAGE_BYTES, unanswered};

/// How long an exchange without a stream may last at most, with its way to the log.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(120);

/// Gateways that are read at once.
const AT_ONCE: i64 = 200;
/// Most encoded bytes of what is told of gateways.
const MOST_BYTES: usize = MOST_PAGE_BYTES / 2;

/// What arrived of the numbers of all gateways.
struct Numbered {
    missing: u64,
    told: Vec<GatewaySequence>,
    untold: u64,
}

/// As many as one answer tells of.
#[derive(Default)]
struct Kept {
    sequences: Vec<GatewaySequence>,
    bytes: usize,
    left_out: u64,
}

impl Kept {
    fn keep(&mut self, sequence: GatewaySequence) {
        let bytes = self.bytes + sequence.encoded_len();
        if bytes > MOST_BYTES || self.sequences.len() == MOST_GATEWAYS {
            self.left_out += 1;
            return;
        }
        self.bytes = bytes;
        self.sequences.push(sequence);
    }
}

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
        let numbered = self.numbered(since, deadline).await?;
        let missing = match &self.prover {
            Some(prover) => prover.missing(since, until).await?,
            None => Missing::default(),
        };
        let settled = has_caught_up && self.is_settled(until, now, deadline).await?;
        let has_all_offsets = missing.offsets.is_empty() && missing.untold == 0 && missing.untold_lives == 0;
        Ok(CheckCompletenessResponse {
            archived: self.log.shelf.within(Some(since), Some(until)),
            complete: settled && numbered.missing == 0 && has_all_offsets,
            gateways: numbered.told,
            missing_numbers: numbered.missing,
            untold_gateways: numbered.untold,
            missing_offsets: missing.offsets,
            untold_offsets: missing.untold,
            untold_lives: missing.untold_lives,
            abandoned: period.abandoned,
            exchanges: period.exchanges,
            settled,
        })
    }

    /// What is missing of the numbers of all gateways that have entered something since a moment (Unix µs).
    async fn numbered(&self, since_us: i64, deadline: Instant) -> Result<Numbered, Fault> {
        let (mut missing, mut whole, mut broken) = (0, Kept::default(), Kept::default());
        let (mut seen, mut after) = (HashSet::new(), None);
        loop {
            let page = self.log.index.gateways_since(since_us, after.take(), AT_ONCE, deadline).await;
            let page = page.map_err(unanswered)?;
            for (gateway, sequence, entered_us) in &page {
                // One that enters something meanwhile comes again.
                if !seen.insert(gateway.clone()) {
                    continue;
                }
                let of = if sequence.missing() == 0 { &mut whole } else { &mut broken };
                missing += sequence.missing();
                of.keep(sequence.to_message(gateway, *entered_us));
            }
            match page.into_iter().last() {
                Some((gateway, _, entered_us)) => after = Some((entered_us, gateway)),
                None => break,
            }
        }
        let mut told = Kept::default();
        broken.sequences.into_iter().chain(whole.sequences).for_each(|sequence| told.keep(sequence));
        let untold = broken.left_out + whole.left_out + told.left_out;
        Ok(Numbered { missing, told: told.sequences, untold })
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
