//! Heartbeats as whoever looks at a hub from outside hears them for a moment.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use lgsp_bus::heartbeats::{self, Heard};
use lgsp_bus::{Bus, MacKeys, Start, Tailed, topics};
use lgsp_core::time::unix_micros;
use lgsp_proto::monitor::v1::Heartbeat;
use tokio::time::{Instant, timeout_at};

use crate::layout::read_mac_keys;

/// How long to listen: everybody sends one a second.
const LISTEN: Duration = Duration::from_millis(3_500);

/// One heartbeat of an instance: the last one that was heard.
#[derive(Clone, Debug)]
pub(crate) struct Overheard {
    pub(crate) heartbeat: Heartbeat,
    /// How far its clock is ahead of ours, µs; negative: behind, or as long as it was on its way.
    pub(crate) ahead_us: i64,
    /// Whether the roles believe it. A clock that is too far off says why not.
    pub(crate) is_believed: bool,
}

/// What was heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listened {
    /// By instance; those alone that are signed under a key that we hold.
    pub(crate) instances: BTreeMap<String, Overheard>,
    /// Heartbeats that are signed under no key that we hold.
    pub(crate) unsigned: usize,
}

/// The MAC keys that this machine holds; none if it holds none.
pub(crate) fn keys(folder: &Path) -> MacKeys {
    MacKeys::new(read_mac_keys(folder).unwrap_or_default())
}

/// Listens for a moment.
///
/// # Errors
/// Kafka cannot be read.
pub(crate) async fn listen(bus: &Bus, keys: &MacKeys) -> Result<Listened, lgsp_bus::Error> {
    let mut tail = bus.tail(topics::HEARTBEAT, Start::End)?;
    let (mut listened, until) = (Listened::default(), Instant::now() + LISTEN);
    while let Ok(next) = timeout_at(until, tail.next()).await {
        let Tailed::Record(record) = next? else { continue };
        let now_us = unix_micros(SystemTime::now());
        let (heartbeat, is_believed) = match heartbeats::read(&record, keys, now_us) {
            Some(Heard::Believed(heartbeat)) => (heartbeat, true),
            Some(Heard::OfAnotherTime(heartbeat)) => (heartbeat, false),
            None => {
                listened.unsigned += 1;
                continue;
            }
        };
        let ahead_us = heartbeat.sent_us.saturating_sub(now_us);
        let heard = Overheard { ahead_us, is_believed, heartbeat };
        listened.instances.insert(heard.heartbeat.instance.clone(), heard);
    }
    Ok(listened)
}
