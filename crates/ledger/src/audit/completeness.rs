//! Whether the log holds everything of a period, and the checkpoint that says what it holds.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lgsp_core::Fault;
use lgsp_core::time::{micros, timestamp, unix_micros};
use lgsp_proto::ledger::v1::{
    Awaited, CheckCompletenessRequest, CheckCompletenessResponse, GatewaySequence, GetCheckpointRequest,
    GetCheckpointResponse,
};
use prost::Message as _;
use tokio::time::{Instant, sleep};

use super::Audit;
use crate::seal::{Missing, Prover};
use crate::service::{LONGEST_STREAM, MOST_GATEWAYS, MOST_PAGE_BYTES, unanswered};

/// How long an exchange without a stream may last at most, with its way to the log.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(120);
/// How long an answer waits for what is filed and not sealed yet, and how often it looks.
const SEALED_WITHIN: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(100);

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
        // What is missing of the topic is told of what is sealed.
        let has_sealed = match &self.prover {
            Some(prover) => self.has_sealed(prover, deadline).await?,
            None => true,
        };
        let now = unix_micros(SystemTime::now());
        let since = request.since.as_ref().map_or(0, micros);
        let until = request.until.as_ref().map_or(now, micros);
        let period = self.log.index.period((since, until), deadline).await.map_err(unanswered)?;
        let numbered = self.numbered((since, until), deadline).await?;
        let missing = match &self.prover {
            Some(prover) => prover.missing(since, until).await?,
            None => Missing::default(),
        };
        let awaited = match (has_caught_up, has_sealed) {
            (true, true) => self.awaited(until, now, deadline).await?,
            (false, _) => Some((Awaited::Filing, None)),
            (true, false) => Some((Awaited::Sealing, None)),
        };
        let unreadable = self.unreadable((since, until)).await?;
        let has_all_offsets = missing.offsets.is_empty() && missing.untold == 0 && missing.untold_lives == 0;
        Ok(CheckCompletenessResponse {
            archived: self.log.shelf.within(Some(since), Some(until)),
            complete: awaited.is_none()
                && numbered.missing == 0
                && has_all_offsets
                && unreadable.entries == 0,
            gateways: numbered.told,
            missing_numbers: numbered.missing,
            untold_gateways: numbered.untold,
            missing_offsets: missing.offsets,
            untold_offsets: missing.untold,
            untold_lives: missing.untold_lives,
            abandoned: period.abandoned,
            exchanges: period.exchanges,
            settled: awaited.is_none(),
            unreadable: unreadable.entries,
            unreadable_leaves: unreadable.leaves,
            awaited: awaited.map_or(Awaited::Unspecified, |(what, _)| what).into(),
            awaited_until: awaited.and_then(|(_, until_us)| until_us).map(timestamp),
        })
    }

    /// Whether everything that is filed now is sealed, or is in a moment.
    async fn has_sealed(&self, prover: &Prover, deadline: Instant) -> Result<bool, Fault> {
        let leaves = self.log.index.progress().await.map_err(unanswered)?.end.leaves;
        let deadline = deadline.min(Instant::now() + SEALED_WITHIN);
        while prover.sealed().await? < leaves {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            sleep(LOOK).await;
        }
        Ok(true)
    }

    /// What is missing of the numbers of all gateways that may have entered something of a period (Unix µs; not its end).
    async fn numbered(&self, (since_us, until_us): (i64, i64), deadline: Instant) -> Result<Numbered, Fault> {
        let entered = (since_us, until_us.saturating_add(us(LONGEST_EXCHANGE)));
        let (mut missing, mut whole, mut broken) = (0, Kept::default(), Kept::default());
        let (mut seen, mut after) = (HashSet::new(), None);
        loop {
            let page = self.log.index.gateways_of(entered, after.take(), AT_ONCE, deadline).await;
            let page = page.map_err(unanswered)?;
            for (gateway, sequence, entered) in &page {
                // One that enters something meanwhile comes again.
                if !seen.insert(gateway.clone()) {
                    continue;
                }
                let of = if sequence.missing() == 0 { &mut whole } else { &mut broken };
                missing += sequence.missing();
                of.keep(sequence.to_message(gateway, entered.last_us));
            }
            match page.into_iter().last() {
                Some((gateway, _, entered)) => after = Some((entered.last_us, gateway)),
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

    /// What an exchange that was admitted before a moment may still wait for, and until when (Unix µs); nothing if all have ended.
    async fn awaited(
        &self,
        until: i64,
        now: i64,
        deadline: Instant,
    ) -> Result<Option<(Awaited, Option<i64>)>, Fault> {
        let (exchange, stream) = (us(LONGEST_EXCHANGE), us(LONGEST_STREAM + LONGEST_EXCHANGE));
        if until > now - exchange {
            return Ok(Some((Awaited::Time, Some(until.saturating_add(exchange)))));
        }
        let ends = Some((Awaited::Ends, Some(until.saturating_add(stream))));
        if self.log.open.has_sent_before(until) {
            return Ok(ends);
        }
        let has_under_way =
            self.log.index.has_under_way((now - stream, until), deadline).await.map_err(unanswered)?;
        Ok(ends.filter(|_| has_under_way))
    }
}

fn us(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
