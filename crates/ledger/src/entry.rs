//! What the ledger reads out of an entry.

use bytes::Bytes;
use lgsp_bus::MacKey;
use lgsp_core::ExchangeId;
use lgsp_core::time::timestamp;
use lgsp_proto::ledger::v1::{Entry, Exchange, Phase, Sealed};
use prost::Message;

/// The key of an entry: a repeat of it is the same entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub exchange: ExchangeId,
    pub phase: Phase,
    pub part: u32,
}

/// An entry that was read.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub key: Key,
    pub sealed: Sealed,
    /// The sealed part's own bytes.
    pub bytes: Bytes,
    /// Whether a gateway has signed it. Whoever may write the topic may write anything: only this counts under a quota.
    pub signed: bool,
    /// The erasable part's own bytes; none if there is none.
    pub erasable: Option<Bytes>,
}

/// The record is no entry.
#[derive(Debug, thiserror::Error)]
#[error("not an entry")]
pub(crate) struct NoEntry;

/// Reads a record of `lgsp.exchange`. Without the key of those who count, nothing is known to be signed.
pub(crate) fn read(value: Bytes, counting: Option<&MacKey>) -> Result<Read, NoEntry> {
    let entry = Entry::decode(value).map_err(|_| NoEntry)?;
    // The log tells the length of a leaf in two bytes. Gateways stay below it.
    if entry.sealed.len() > lgsp_tlog::bundle::MAX_LEAF {
        return Err(NoEntry);
    }
    let erasable = entry.erasable.map(|erasable| Bytes::from(erasable.encode_to_vec()));
    read_sealed(entry.sealed, counting).map(|read| Read { erasable, ..read })
}

/// Reads a sealed part.
pub(crate) fn read_sealed(bytes: Bytes, counting: Option<&MacKey>) -> Result<Read, NoEntry> {
    let sealed = Sealed::decode(bytes.clone()).map_err(|_| NoEntry)?;
    let exchange = ExchangeId::from_bytes(&sealed.exchange_id).ok_or(NoEntry)?;
    let key = Key { exchange, phase: sealed.phase(), part: sealed.part };
    match key.phase {
        Phase::Unspecified => Err(NoEntry),
        Phase::Opening | Phase::Part | Phase::Final | Phase::Abandoned | Phase::Attempts | Phase::Act => {
            let signed = counting.is_some_and(|counting| lgsp_bus::entry::is_signed(counting, &bytes));
            Ok(Read { key, sealed, bytes, signed, erasable: None })
        }
    }
}

/// Whether entries of this phase tell how an exchange ended.
pub(crate) fn ends(phase: Phase) -> bool {
    match phase {
        Phase::Final | Phase::Abandoned => true,
        Phase::Unspecified | Phase::Opening | Phase::Part | Phase::Attempts | Phase::Act => false,
    }
}

/// Tells an exchange as its sealed part has it, but for the MAC, which is for the ledger.
pub(crate) fn exchange(mut sealed: Sealed) -> Exchange {
    sealed.mac.clear();
    let id = ExchangeId::from_bytes(&sealed.exchange_id).map(|id| id.to_string());
    let took = sealed.entered_us.saturating_sub(sealed.admitted_us);
    Exchange {
        exchange_id: id.unwrap_or_default(),
        admitted: Some(timestamp(sealed.admitted_us)),
        application: sealed.application.clone(),
        agency_code: sealed.agency_code.clone(),
        service: sealed.service.clone(),
        method: sealed.method.clone(),
        purpose: sealed.purpose.clone(),
        outcome: sealed.outcome,
        code: sealed.code,
        reason: sealed.reason.clone(),
        failed_hop: sealed.failed_hop,
        record_count: sealed.record_count,
        duration_us: u64::try_from(took).unwrap_or(0),
        agreement: sealed.agreement.clone(),
        platform: sealed.platform,
        sealed: Some(sealed),
    }
}
