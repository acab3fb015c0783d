//! Heartbeats for whoever watches all of them.

use lgsp_proto::monitor::v1::Heartbeat;
use prost::Message as _;

use crate::caller::{Doubt, believe};
use crate::mac::Kind;
use crate::{MacKeys, Record};

pub use crate::heartbeat::{CLOCKS, LIVES};

/// What a record of the topic tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// A heartbeat that whoever it speaks for has signed just now. One that was heard before is a repeat: its `sent_us` is no later
    /// than that of the one before of its instance.
    Believed(Heartbeat),
    /// One that is signed, and whose time is too far from ours: a clock is wrong, or somebody repeats an old one. Nobody acts upon
    /// what it says.
    OfAnotherTime(Heartbeat),
}

/// What a record tells; `None` unless whoever it speaks for has signed it.
pub fn read(record: &Record, keys: &MacKeys, now_us: i64) -> Option<Heard> {
    let heartbeat = Heartbeat::decode(record.value.as_deref()?).ok()?;
    let (key, kind) = match heartbeat.domain.as_str() {
        "" => (keys.counting()?, Kind::GatewayHeartbeat),
        domain => (keys.key(domain)?, Kind::Heartbeat),
    };
    match believe((key, kind), record, &heartbeat, now_us) {
        Ok(()) => Some(Heard::Believed(heartbeat)),
        Err(Doubt::OfAnotherTime) => Some(Heard::OfAnotherTime(heartbeat)),
        Err(Doubt::Unsigned) => None,
    }
}
