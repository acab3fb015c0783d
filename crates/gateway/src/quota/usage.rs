//! Follows what the ledger counts of the day. Without a ledger, or without its counts, a gateway goes on with its own.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lgsp_bus::{Bus, MacKey, Start, Tail, Tailed, topics, usage};
use lgsp_core::time::unix_micros;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::warn;

use super::Quotas;

/// How long to wait before the counts are read again when reading them has ended.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// How long a gateway that starts waits for the counts of the day before it begins with its own.
const PATIENCE: Duration = Duration::from_secs(3);

/// Counts of the day that were published before.
pub(crate) struct Earlier {
    caught_up: watch::Receiver<bool>,
    until: Instant,
}

impl Earlier {
    /// Waits until all of them are taken in, but not for long: a broker that is away brings none.
    pub(crate) async fn taken_in(mut self) {
        if timeout_at(self.until, self.caught_up.wait_for(|caught_up| *caught_up)).await.is_err() {
            warn!("the counts of the day are not there yet; counting begins without them");
        }
    }
}

/// Takes in what is counted, for ever.
pub(crate) fn follow(
    bus: &Bus,
    key: MacKey,
    quotas: Arc<Quotas>,
) -> Result<(Earlier, impl Future<Output = ()> + Send + use<>), lgsp_bus::Error> {
    let mut tail = bus.tail(topics::USAGE, Start::Beginning)?;
    let (caught_up, earlier) = watch::channel(false);
    let bus = bus.clone();
    let followed = async move {
        loop {
            match tail.next().await {
                Ok(Tailed::Record(record)) => {
                    // What is not signed is a stranger's, and takes no quota away.
                    if let Some(usage) = usage::read(&record, &key) {
                        quotas.hear(&usage, unix_micros(SystemTime::now()));
                    }
                }
                Ok(Tailed::CaughtUp) => drop(caught_up.send_replace(true)),
                Err(error) => {
                    warn!(%error, "the counts of the day are read no more, and are read anew");
                    tail = reopened(&bus).await;
                }
            }
        }
    };
    Ok((Earlier { caught_up: earlier, until: Instant::now() + PATIENCE }, followed))
}

async fn reopened(bus: &Bus) -> Tail {
    loop {
        sleep(READ_AGAIN).await;
        match bus.tail(topics::USAGE, Start::Beginning) {
            Ok(tail) => return tail,
            Err(error) => warn!(%error, "the counts of the day cannot be read"),
        }
    }
}
