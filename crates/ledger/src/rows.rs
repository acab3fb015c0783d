//! What the rows of the index and of the erasable parts have in common.

use std::time::Duration;

use lgsp_core::ExchangeId;
use lgsp_proto::ledger::v1::Phase;
use lgsp_store::{Error, Kind, Row, Value};
use tokio::time::Instant;

use crate::entry::Key;

/// Rows of one statement: SQLite binds at most 32,766 values.
pub(crate) const ROWS: usize = 500;
/// The columns of a key.
pub(crate) const KEY: [Kind; 3] = [Kind::Bytes, Kind::Integer, Kind::Integer];
/// How long the filing waits for a store, before it says so and tries again.
const PATIENCE: Duration = Duration::from_secs(30);

/// Until when whatever no caller waits for may take.
pub(crate) fn soon() -> Instant {
    Instant::now() + PATIENCE
}

/// A key as a row.
pub(crate) fn key_values(key: &Key) -> [Value<'_>; 3] {
    [key.exchange.as_bytes().into(), (key.phase as i32).into(), i64::from(key.part).into()]
}

/// The key in a row; `None` if it is none.
pub(crate) fn key_of(row: &Row) -> Result<Option<Key>, Error> {
    let exchange = ExchangeId::from_bytes(row.bytes("exchange_id")?);
    let phase = i32::try_from(row.integer("phase")?).ok().and_then(|phase| Phase::try_from(phase).ok());
    let part = u32::try_from(row.integer("part")?).ok();
    Ok(exchange.zip(phase).zip(part).map(|((exchange, phase), part)| Key { exchange, phase, part }))
}
