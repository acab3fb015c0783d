//! Heartbeats for whoever watches all of them.

use lgsp_proto::monitor::v1::Heartbeat;
use prost::Message as _;

use crate::caller::believe;
use crate::mac::Kind;
use crate::{MacKeys, Record};

/// The heartbeat that a record holds; `None` unless whoever it speaks for has signed it just now. One that was heard before is a
/// repeat: its `sent_us` is no later than that of the one before of its instance.
pub fn read(record: &Record, keys: &MacKeys, now_us: i64) -> Option<Heartbeat> {
    let heartbeat = Heartbeat::decode(record.value.as_deref()?).ok()?;
    let (key, kind) = match heartbeat.domain.as_str() {
        "" => (keys.counting()?, Kind::GatewayHeartbeat),
        domain => (keys.key(domain)?, Kind::Heartbeat),
    };
    believe((key, kind), record, &heartbeat, now_us).ok().map(|()| heartbeat)
}
