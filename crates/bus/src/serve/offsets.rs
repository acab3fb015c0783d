//! Which offsets may be committed: all below the first request that has no reply yet.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tracing::debug;

use super::intake::Member;

/// The requests of each owned partition that have no reply yet.
pub(super) struct Offsets {
    topic: String,
    /// Weak, because delivery reports hold this, and the last to drop a consumer blocks.
    consumer: Weak<BaseConsumer<Member>>,
    partitions: Mutex<HashMap<i32, Progress>>,
}

/// The outstanding offsets are bounded by the requests in flight.
#[derive(Default)]
struct Progress {
    outstanding: BTreeSet<i64>,
    highest: i64,
}

impl Progress {
    fn begin(&mut self, offset: i64) {
        self.outstanding.insert(offset);
        self.highest = self.highest.max(offset);
    }

    /// Returns the last offset that is done together with all before it.
    fn done(&mut self, offset: i64) -> Option<i64> {
        if !self.outstanding.remove(&offset) {
            return None;
        }
        match self.outstanding.first() {
            Some(first) if *first < offset => None,
            Some(first) => Some(first - 1),
            None => Some(self.highest),
        }
    }
}

impl Offsets {
    pub(super) fn new(topic: String, consumer: &Arc<BaseConsumer<Member>>) -> Self {
        Self { topic, consumer: Arc::downgrade(consumer), partitions: Mutex::default() }
    }

    /// Takes up a request. It counts as outstanding until the returned value is dropped.
    pub(super) fn begin(self: &Arc<Self>, partition: i32, offset: i64) -> Outstanding {
        self.partitions.lock().entry(partition).or_default().begin(offset);
        Outstanding { offsets: self.clone(), partition, offset }
    }

    /// The requests of a partition that have no reply yet.
    #[cfg(test)]
    pub(super) fn outstanding(&self, partition: i32) -> Vec<i64> {
        let partitions = self.partitions.lock();
        partitions.get(&partition).into_iter().flat_map(|progress| progress.outstanding.clone()).collect()
    }

    /// Forgets partitions that another instance owns now.
    pub(super) fn forget(&self, partitions: &[i32]) {
        self.partitions.lock().retain(|partition, _| !partitions.contains(partition));
    }

    fn done(&self, partition: i32, offset: i64) {
        let mut partitions = self.partitions.lock();
        let Some(storable) = partitions.get_mut(&partition).and_then(|progress| progress.done(offset)) else {
            return;
        };
        let Some(consumer) = self.consumer.upgrade() else { return };
        // Under the lock, so that a lower offset is never stored after a higher one.
        if let Err(error) = consumer.store_offset(&self.topic, partition, storable) {
            debug!(%error, partition, "offset was not stored");
        }
    }
}

/// A request without a reply yet.
pub(super) struct Outstanding {
    offsets: Arc<Offsets>,
    partition: i32,
    offset: i64,
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        self.offsets.done(self.partition, self.offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_committed_only_when_all_before_it_are_done() {
        let mut progress = Progress::default();
        for offset in [10, 11, 12, 14] {
            progress.begin(offset);
        }
        assert_eq!(progress.done(11), None);
        assert_eq!(progress.done(10), Some(11));
        assert_eq!(progress.done(14), None);
        assert_eq!(progress.done(12), Some(14));
        assert_eq!(progress.done(12), None, "done twice");
    }
}
