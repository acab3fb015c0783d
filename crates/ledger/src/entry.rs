//! What the ledger reads out of an entry.

use bytes::Bytes;
use lgsp_bus::MacKey;
use lgsp_core::ExchangeId;
use lgsp_core::time::timestamp;
use lgsp_proto::ledger::v1::{self, Entry, Erasable, ErasableDigests, Exchange, Phase, Sealed};
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
    pub signed: Signed,
    /// The erasable part's own bytes; none if there is none.
    pub erasable: Option<Bytes>,
}

/// Whether an entry is signed. Whoever may write the topic may write anything: only what is signed counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Signed {
    No = 0,
    /// There is no key here: nothing can be called unsigned, and nothing counts under a quota or is a decision.
    Unknown = 1,
    Yes = 2,
}

impl Signed {
    /// Whether its number and its moment are believed.
    pub fn counts(self) -> bool {
        match self {
            Self::No => false,
            Self::Unknown | Self::Yes => true,
        }
    }

    /// Whether it takes the place of an entry of the same key.
    pub fn displaces(self, other: Self) -> bool {
        self.counts() && !other.counts()
    }

    /// Reads the column of the index.
    pub fn of_number(number: i32) -> Self {
        match number {
            0 => Self::No,
            2 => Self::Yes,
            _ => Self::Unknown,
        }
    }

    pub fn to_message(self) -> i32 {
        let told = match self {
            Self::No => v1::Signed::No,
            Self::Unknown => v1::Signed::Unspecified,
            Self::Yes => v1::Signed::Yes,
        };
        told.into()
    }
}

/// The keys by which a ledger tells what is signed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signers {
    /// Under which gateways sign entries now, and the ledger those of abandoned exchanges.
    pub entries: Option<MacKey>,
    /// Under which they did before: what stands in the log may be signed with them, and nothing that arrives is.
    pub former_entries: Option<MacKey>,
    /// Under which ledgers sign decisions, now and before. No gateway holds it.
    pub decisions: Option<MacKey>,
}

impl Signers {
    fn of_record(&self, phase: Phase, sealed: &[u8]) -> Signed {
        match phase {
            Phase::Act => signed(&self.decisions, |key| lgsp_bus::entry::is_decision(key, sealed)),
            Phase::Unspecified
            | Phase::Opening
            | Phase::Part
            | Phase::Final
            | Phase::Abandoned
            | Phase::Attempts => signed(&self.entries, |key| lgsp_bus::entry::is_signed(key, sealed)),
        }
    }

    fn of_leaf(&self, phase: Phase, sealed: &[u8]) -> Signed {
        let now = self.of_record(phase, sealed);
        let before = self.former_entries.as_ref().filter(|_| now == Signed::No && phase != Phase::Act);
        if before.is_some_and(|key| lgsp_bus::entry::is_signed(key, sealed)) { Signed::Yes } else { now }
    }
}

fn signed(key: &Option<MacKey>, is_signed: impl FnOnce(&MacKey) -> bool) -> Signed {
    match key {
        None => Signed::Unknown,
        Some(key) if is_signed(key) => Signed::Yes,
        Some(_) => Signed::No,
    }
}

/// The record is no entry.
#[derive(Debug, thiserror::Error)]
#[error("not an entry")]
pub(crate) struct NoEntry;

/// A record of `lgsp.exchange` that was read.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub read: Read,
    /// Its erasable part was not what the sealed one has the digests of, and is left out.
    pub is_bereft: bool,
}

/// Reads a record of `lgsp.exchange`.
pub(crate) fn read(value: Bytes, signers: &Signers) -> Result<Arrived, NoEntry> {
    let entry = Entry::decode(value).map_err(|_| NoEntry)?;
    // The log tells the length of a leaf in two bytes. Gateways stay below it.
    if entry.sealed.len() > lgsp_tlog::bundle::MAX_LEAF {
        return Err(NoEntry);
    }
    let mut read = of_sealed(entry.sealed)?;
    read.signed = signers.of_record(read.key.phase, &read.bytes);
    let came = entry.erasable;
    read.erasable =
        came.as_ref().filter(|part| belongs(part, &read.sealed)).map(|part| part.encode_to_vec().into());
    Ok(Arrived { is_bereft: came.is_some() && read.erasable.is_none(), read })
}

/// Reads a sealed part as it stands in the log.
pub(crate) fn read_sealed(bytes: Bytes, signers: &Signers) -> Result<Read, NoEntry> {
    let mut read = of_sealed(bytes)?;
    read.signed = signers.of_leaf(read.key.phase, &read.bytes);
    Ok(read)
}

fn of_sealed(bytes: Bytes) -> Result<Read, NoEntry> {
    let sealed = Sealed::decode(bytes.clone()).map_err(|_| NoEntry)?;
    let exchange = ExchangeId::from_bytes(&sealed.exchange_id).ok_or(NoEntry)?;
    let key = Key { exchange, phase: sealed.phase(), part: sealed.part };
    match key.phase {
        Phase::Unspecified => Err(NoEntry),
        Phase::Opening | Phase::Part | Phase::Final | Phase::Abandoned | Phase::Attempts | Phase::Act => {
            Ok(Read { key, sealed, bytes, signed: Signed::Unknown, erasable: None })
        }
    }
}

/// Whether an erasable part is the one whose digests a sealed part has.
fn belongs(part: &Erasable, sealed: &Sealed) -> bool {
    let digests = lgsp_core::entry::digests(part);
    sealed
        .erasable_digests
        .as_ref()
        .map_or(digests == ErasableDigests::default(), |sealed| *sealed == digests)
}

/// Whether an erasable part, as it is kept, is the one whose digests a sealed part has.
pub(crate) fn is_part_of(part: &[u8], sealed: &Sealed) -> bool {
    Erasable::decode(part).is_ok_and(|part| belongs(&part, sealed))
}

/// Whether entries of this phase tell how an exchange ended.
pub(crate) fn ends(phase: Phase) -> bool {
    match phase {
        Phase::Final | Phase::Abandoned => true,
        Phase::Unspecified | Phase::Opening | Phase::Part | Phase::Attempts | Phase::Act => false,
    }
}

/// Tells an exchange as its sealed part has it, but for the MAC, which is for the ledger.
pub(crate) fn exchange(mut sealed: Sealed, signed: Signed) -> Exchange {
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
        signed: signed.to_message(),
    }
}
