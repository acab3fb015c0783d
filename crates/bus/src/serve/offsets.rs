//! Which offsets may be committed: all below the first request that has no reply yet.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::intake::Member;

/// The requests of each owned partition that have no reply yet.
pub(super) struct Offsets {
    topic: String,
    /// Weak, because delivery reports hold this, and the last to drop a consumer blocks.
    consumer: Weak<BaseConsumer<Member>>,
    /// What a kill cuts short has no reply, and comes again.
    abandoned: OnceLock<CancellationToken>,
    owned: Mutex<Owned>,
}

#[derive(Default)]
struct Owned {
    partitions: HashMap<i32, Progress>,
    /// How often a partition was begun with.
    terms: u64,
}

/// The outstanding offsets are bounded by the requests in flight.
struct Progress {
    /// Which time it is that the partition is owned. What was taken up in an earlier one comes again, and only then counts.
    term: u64,
    outstanding: BTreeSet<i64>,
    highest: i64,
}

impl Progress {
    fn new(term: u64) -> Self {
        Self { term, outstanding: BTreeSet::new(), highest: 0 }
    }

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
        let consumer = Arc::downgrade(consumer);
        Self { topic, consumer, abandoned: OnceLock::new(), owned: Mutex::default() }
    }

    /// From `abandoned` on, nothing counts as done.
    pub(super) fn store_until(&self, abandoned: CancellationToken) {
        // There is one end to a membership.
        let _ = self.abandoned.set(abandoned);
    }

    /// Takes up a request. It counts as outstanding until the returned value is dropped.
    pub(super) fn begin(self: &Arc<Self>, partition: i32, offset: i64) -> Outstanding {
        let term = self.owned.lock().begin(partition, offset);
        Outstanding { offsets: self.clone(), partition, offset, term }
    }

    /// The requests of a partition that have no reply yet.
    #[cfg(test)]
    pub(super) fn outstanding(&self, partition: i32) -> Vec<i64> {
        let owned = self.owned.lock();
        owned
            .partitions
            .get(&partition)
            .into_iter()
            .flat_map(|progress| progress.outstanding.clone())
            .collect()
    }

    /// Forgets partitions that another instance owns now.
    pub(super) fn forget(&self, partitions: &[i32]) {
        self.owned.lock().forget(partitions);
    }

    fn done(&self, partition: i32, offset: i64, term: u64) {
        let mut owned = self.owned.lock();
        if self.abandoned.get().is_some_and(CancellationToken::is_cancelled) {
            return;
        }
        let Some(storable) = owned.done(partition, offset, term) else { return };
        let Some(consumer) = self.consumer.upgrade() else { return };
        // Under the lock, so that a lower offset is never stored after a higher one.
        if let Err(error) = consumer.store_offset(&self.topic, partition, storable) {
            debug!(%error, partition, "offset was not stored");
        }
    }
}

impl Owned {
    /// Returns the term that the request is taken up in.
    fn begin(&mut self, partition: i32, offset: i64) -> u64 {
        let terms = &mut self.terms;
        let progress = self.partitions.entry(partition).or_insert_with(|| {
            *terms += 1;
            Progress::new(*terms)
        });
        progress.begin(offset);
        progress.term
    }

    fn forget(&mut self, partitions: &[i32]) {
        self.partitions.retain(|partition, _| !partitions.contains(partition));
    }

    /// Returns the offset that may be stored now.
    fn done(&mut self, partition: i32, offset: i64, term: u64) -> Option<i64> {
        let progress = self.partitions.get_mut(&partition).filter(|progress| progress.term == term)?;
        progress.done(offset)
    }
}

/// A request without a reply yet.
pub(super) struct Outstanding {
    offsets: Arc<Offsets>,
    partition: i32,
    offset: i64,
    term: u64,
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        self.offsets.done(self.partition, self.offset, self.term);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_committed_only_when_all_before_it_are_done() {
        let mut progress = Progress::new(1);
        for offset in [10, 11, 12, 14] {
            progress.begin(offset);
        }
        assert_eq!(progress.done(11), None);
        assert_eq!(progress.done(10), Some(11));
        assert_eq!(progress.done(14), None);
        assert_eq!(progress.done(12), Some(14));
        assert_eq!(progress.done(12), None, "done twice");
    }

    #[test]
    fn a_request_of_an_earlier_assignment_does_not_finish_its_second_delivery() {
        let mut owned = Owned::default();
        let earlier = owned.begin(3, 10);
        owned.forget(&[3]);
        assert_eq!(owned.done(3, 10, earlier), None, "another instance owns the partition");
        let again = owned.begin(3, 10);
        assert_eq!(owned.done(3, 10, earlier), None, "the second delivery has no reply yet");
        assert_eq!(owned.done(3, 10, again), Some(10));
    }
}
