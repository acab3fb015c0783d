//! Counts of the day on their topic: signed, because whoever writes them takes quotas away or gives them.

use lgsp_proto::ledger::v1::Usage;
use prost::Message;

use crate::headers::{self, Incoming};
use crate::mac::Kind;
use crate::{Bus, Error, MacKey, Record, topics};

/// Publishes the count of an agreement in place of the former one.
///
/// # Errors
/// Kafka did not take the record within five seconds.
pub async fn publish(bus: &Bus, key: &MacKey, usage: &Usage) -> Result<(), Error> {
    let value = usage.encode_to_vec();
    let mut tag = key.begin(Kind::Usage);
    tag.field(&value);
    let mac = tag.to_hex();
    let headers = [(headers::MAC, mac.as_bytes())];
    bus.publish(topics::USAGE, Some(0), usage.agreement.as_bytes(), &value, &headers).await.map(drop)
}

/// The count that a record holds; `None` unless a holder of the key has signed it.
pub fn read(record: &Record, key: &MacKey) -> Option<Usage> {
    let value = record.value.as_deref()?;
    let is_signed = Incoming::kept(&record.headers).is_signed(key, Kind::Usage, value);
    is_signed.then(|| Usage::decode(value).ok()).flatten()
}
