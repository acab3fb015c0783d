use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lgsp_proto::ledger::v1::Position;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout_at};

use crate::producer::{Outgoing, Place, Producer};
use crate::{Bus, Error, clients, topics};

/// Per partition of `lgsp.exchange`, the next offset that the ledger has *not* yet fsynced.
///
/// The appender waits for it only on the embedded broker; the ledger's watch over abandoned exchanges reads it on Kafka too.
pub type Fsynced = watch::Receiver<Vec<i64>>;

/// Longest that anybody waits for an entry, whatever was asked for. The ledger counts on it: an offset whose entry the embedded
/// broker has dropped is passed over only when nobody can take a later one for it any more.
pub const LONGEST_APPEND: Duration = Duration::from_secs(60);

/// How long librdkafka itself keeps trying; a caller's own limit is usually shorter.
const GIVE_UP: Duration = Duration::from_secs(5);

/// Appends entries to the exchange log. A cheap handle.
#[derive(Clone)]
pub struct Appender {
    inner: Arc<Inner>,
}

struct Inner {
    producer: Producer,
    /// Kafka's cost is per batch, and a batch is of one partition. `None` on the embedded broker, which keeps only 5 MiB of
    /// each: there all are used.
    partition: Option<i32>,
    fsynced: Option<Fsynced>,
    bus: Bus,
}

impl fmt::Debug for Appender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appender")
            .field("waits_for_fsync", &self.inner.fsynced.is_some())
            .finish_non_exhaustive()
    }
}

impl Appender {
    /// Makes the appender of an instance, whose entries share a partition on Kafka. The embedded broker forgets: with it,
    /// `fsynced` tells how far the ledger has the entries on disk.
    ///
    /// # Errors
    /// The producer could not be built.
    pub fn new(bus: &Bus, instance: &str, fsynced: Option<Fsynced>) -> Result<Self, Error> {
        let config = clients::producer(bus.cluster(), GIVE_UP);
        let producer = Producer::new("entries", bus.cluster(), config)?;
        let own = topics::partition_of(instance, bus.options().exchange_partitions);
        let partition = (!bus.is_embedded()).then_some(own);
        Ok(Self { inner: Arc::new(Inner { producer, partition, fsynced, bus: bus.clone() }) })
    }

    /// Appends an entry and waits until it is durable: all in-sync replicas have it, and, embedded, the ledger has fsynced
    /// it. Only then may data leave. Nobody waits longer than [`LONGEST_APPEND`].
    ///
    /// # Errors
    /// It is not known to be durable at `until`. It may still become so.
    pub async fn append_durably(&self, key: &[u8], value: Bytes, until: Instant) -> Result<Position, Error> {
        let counters = self.inner.bus.counters();
        let until = until.min(Instant::now() + LONGEST_APPEND);
        let appended = match self.append(key, value, until).await {
            Ok(place) => self.fsynced(place, until).await.map(|()| place),
            Err(error) => Err(error),
        };
        match appended {
            Ok(place) => {
                counters.entries.add();
                Ok(Position {
                    topic: topics::EXCHANGE.to_owned(),
                    partition: place.partition,
                    offset: place.offset,
                })
            }
            Err(error) => {
                counters.entries_failed.add();
                Err(error)
            }
        }
    }

    async fn append(&self, key: &[u8], value: Bytes, until: Instant) -> Result<Place, Error> {
        let (report, reported) = oneshot::channel();
        let record = Outgoing {
            topic: topics::EXCHANGE,
            partition: self.inner.partition,
            key: Some(key),
            value: Some(&value),
            headers: None,
        };
        self.inner.producer.send(record, Box::new(move |delivery| drop(report.send(delivery))))?;
        let what = "make the entry durable";
        let delivery = timeout_at(until, reported).await.map_err(|_| Error::TimedOut { what })?;
        delivery.map_err(|_| Error::Closed)?.map_err(|source| Error::Kafka { what, source })
    }

    async fn fsynced(&self, place: Place, until: Instant) -> Result<(), Error> {
        let Some(fsynced) = &self.inner.fsynced else { return Ok(()) };
        if place.offset < 0 {
            // Kafka has it and does not say where, after a retry: then nobody can tell whether it is on disk.
            return Err(Error::PlaceUnknown);
        }
        let partition = usize::try_from(place.partition).unwrap_or(usize::MAX);
        let mut fsynced = fsynced.clone();
        let on_disk = fsynced.wait_for(|next| next.get(partition).is_some_and(|next| *next > place.offset));
        match timeout_at(until, on_disk).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Error::Closed),
            Err(_) => Err(Error::TimedOut { what: "make the entry durable" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    #[tokio::test]
    async fn an_entry_whose_place_is_not_known_is_not_durable() {
        let bus = Bus::open(Options::default()).unwrap();
        let (_on_disk, fsynced) = watch::channel(vec![1]);
        let appender = Appender::new(&bus, "gateway-0", Some(fsynced)).unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        assert!(appender.fsynced(Place { partition: 0, offset: 0 }, until).await.is_ok());
        let unknown = appender.fsynced(Place { partition: 0, offset: -1001 }, until).await;
        assert!(matches!(unknown, Err(Error::PlaceUnknown)));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_for_an_entry_than_the_ledger_waits_with_a_gap() {
        let bus = Bus::open(Options::default()).unwrap();
        let (_on_disk, fsynced) = watch::channel(vec![0; 8]);
        let appender = Appender::new(&bus, "gateway-0", Some(fsynced)).unwrap();
        let begun = Instant::now();
        let asked = begun + 2 * LONGEST_APPEND;
        let appended = appender.append_durably(b"key", Bytes::from_static(b"entry"), asked).await;
        assert!(matches!(appended, Err(Error::TimedOut { .. })), "{appended:?}");
        assert!(begun.elapsed() < LONGEST_APPEND + Duration::from_secs(1), "{:?}", begun.elapsed());
    }
}
