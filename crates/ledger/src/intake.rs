//! The intake: everything that arrives on `lgsp.exchange` goes into the journal, one fsync for all that arrived while the
//! last one ran, and then the watch tells how far.
//!
//! An exchange waits for this. So it has a thread of its own, decodes nothing, and knows neither stores nor services.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use lgsp_bus::{Bus, LONGEST_APPEND, Record, Start, Tail, Tailed, topics};
use lgsp_runtime::Component;
use lgsp_runtime::state::Fact;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::error::cause_of;
use crate::files::group::Group;
use crate::files::journal::{self, Incarnation, Journal, Place};
use crate::files::segment;

/// Most entries of one group, and most bytes.
const MOST_ENTRIES: usize = 1_024;
const MOST_BYTES: usize = 4 << 20;
/// How long to wait before the disk, or the bus, is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(250);
/// At the end: how long no entry may come before none is expected any more, and how long that may take.
const QUIET: Duration = Duration::from_millis(100);
const LONGEST_END: Duration = Duration::from_secs(2);

/// How far the journal is durable, for whoever files it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Durable {
    pub place: Place,
    /// Whether everything that was on the topic at the start has been read.
    pub caught_up: bool,
}

/// The intake, before it runs.
pub(crate) struct Intake {
    pub bus: Bus,
    pub journal: Journal,
    pub offsets: Offsets,
    pub fsynced: watch::Sender<Vec<i64>>,
    pub durable: watch::Sender<Durable>,
    /// Asks for a new segment, so that the current one can be filed and deleted as a whole.
    pub roll: Arc<Notify>,
    pub limits: Limits,
    pub component: Component,
    pub taken_in: Fact,
    pub stop: CancellationToken,
    /// The role ends as by a kill: what is left on the topic stays there.
    pub abandoned: CancellationToken,
}

/// How much of the journal may wait to be filed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub journal_size: u64,
    pub most_unfiled: u64,
}

/// Why a group did not become durable.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Disk(#[from] io::Error),
    #[error("too much of the journal waits to be filed")]
    Behind,
}

impl Trouble {
    fn cause(&self) -> &'static str {
        match self {
            Self::Disk(error) => cause_of(error),
            Self::Behind => "too much of the journal waits to be filed",
        }
    }
}

impl Intake {
    /// Takes entries in until `stop`, and then whatever still comes.
    pub async fn run(mut self, mut tail: Tail) {
        let mut group = Group::new();
        let mut caught_up = false;
        // What a ledger before this one made durable.
        self.publish();
        loop {
            tokio::select! {
                biased;
                // First, or a backlog on Kafka would hide it; the last step takes in what waits.
                () = self.stop.cancelled() => break,
                tailed = tail.next() => match tailed {
                    Ok(tailed) => caught_up |= self.take_in(tailed, &mut group),
                    Err(error) => tail = self.tail_again(&error, tail).await,
                },
                () = at(self.offsets.held_until()) => self.publish(),
                () = self.roll.notified() => {
                    let place = self.journal.roll();
                    self.durable.send_modify(|durable| durable.place = place);
                    continue;
                }
            }
            caught_up |= self.take_in_what_waits(&mut tail, &mut group);
            self.make_durable(&mut group, caught_up).await;
        }
        if !self.abandoned.is_cancelled() {
            self.take_in_the_last(tail, group, caught_up).await;
        }
    }

    /// Adds to the group. Returns whether everything that was there at the start has been read.
    fn take_in(&mut self, tailed: Tailed, group: &mut Group) -> bool {
        match tailed {
            Tailed::CaughtUp => true,
            Tailed::Record(record) => {
                self.offsets.take_in(&record);
                let value = record.value.unwrap_or_default();
                journal::push(group, record.partition, record.offset, &value);
                false
            }
        }
    }

    /// Everything that arrived while the last group was written is the next one.
    fn take_in_what_waits(&mut self, tail: &mut Tail, group: &mut Group) -> bool {
        let mut caught_up = false;
        while group.count() < MOST_ENTRIES && group.len() < MOST_BYTES {
            // An error comes again with the next call.
            let Some(Ok(tailed)) = tail.next().now_or_never() else { break };
            caught_up |= self.take_in(tailed, group);
        }
        caught_up
    }

    /// Writes the group, however long that takes, and tells how far the entries are durable. Nothing is taken in meanwhile.
    async fn make_durable(&mut self, group: &mut Group, caught_up: bool) {
        let count = group.count();
        while !group.is_empty() {
            match self.append(group) {
                Ok(place) => {
                    group.clear();
                    self.offsets.written();
                    // First, so that a list which begins after an exchange's end waits for its entry.
                    self.durable.send_replace(Durable { place, caught_up });
                    self.publish();
                }
                Err(trouble) => {
                    error!(error = %trouble, "entries cannot be made durable");
                    self.component.failed(trouble.cause());
                    if timeout(TRY_AGAIN, self.stop.cancelled()).await.is_ok() {
                        return;
                    }
                }
            }
        }
        self.taken_in.add(i64::try_from(count).unwrap_or(i64::MAX));
        self.tell(caught_up);
    }

    fn append(&mut self, group: &mut Group) -> Result<Place, Trouble> {
        if self.journal.segments() * self.limits.journal_size > self.limits.most_unfiled {
            self.journal.forget_deleted()?;
            if self.journal.segments() * self.limits.journal_size > self.limits.most_unfiled {
                return Err(Trouble::Behind);
            }
        }
        Ok(self.journal.append(group)?)
    }

    fn publish(&mut self) {
        let Self { fsynced, offsets, .. } = self;
        fsynced.send_modify(|next| offsets.publish(next));
    }

    fn tell(&self, caught_up: bool) {
        if caught_up && !self.durable.borrow().caught_up {
            self.durable.send_modify(|durable| durable.caught_up = true);
            info!("the exchange log has caught up with its topic");
        }
        if self.offsets.held_until().is_some() {
            self.component.failed("the embedded broker dropped entries before they were read");
        } else if caught_up {
            self.component.ready();
        } else {
            self.component.starting("reading the topic of the entries");
        }
    }

    async fn tail_again(&mut self, error: &lgsp_bus::Error, tail: Tail) -> Tail {
        warn!(%error, "reading the topic of the entries has ended; beginning again");
        self.component.failed("the topic of the entries cannot be read");
        // Waiting is all that can be done; the end of the process ends it.
        let _ = timeout(TRY_AGAIN, self.stop.cancelled()).await;
        self.bus.tail_of("ledger", topics::EXCHANGE, self.offsets.start()).unwrap_or(tail)
    }

    /// Gateways have ended by now: what they left on the topic is short.
    async fn take_in_the_last(mut self, mut tail: Tail, mut group: Group, caught_up: bool) {
        let end = Instant::now() + LONGEST_END;
        while Instant::now() < end {
            let Ok(Ok(tailed)) = timeout(QUIET, tail.next()).await else { break };
            self.take_in(tailed, &mut group);
            self.take_in_what_waits(&mut tail, &mut group);
            self.make_durable(&mut group, caught_up).await;
        }
        self.make_durable(&mut group, caught_up).await;
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// How far each partition of `lgsp.exchange` was read, and how far what was read is durable.
#[derive(Debug)]
pub(crate) struct Offsets {
    /// The embedded broker drops its oldest records silently; on Kafka a missing offset is nothing special.
    drops: bool,
    read: Vec<i64>,
    durable: Vec<i64>,
    held: BTreeMap<usize, Held>,
}

/// A partition whose watch stands still.
#[derive(Clone, Copy, Debug)]
struct Held {
    next: i64,
    until: Instant,
}

impl Offsets {
    /// Begins at stored offsets; at the beginning of partitions that have none.
    pub fn on_kafka(stored: &BTreeMap<i32, i64>) -> Self {
        let mut offsets = Self { drops: false, ..Self::embedded() };
        for (partition, next) in stored {
            if let Some(place) = offsets.of(*partition) {
                offsets.read[place] = *next;
            }
        }
        offsets.written();
        offsets
    }

    /// Begins where the embedded broker does.
    pub fn embedded() -> Self {
        Self { drops: true, read: Vec::new(), durable: Vec::new(), held: BTreeMap::new() }
    }

    /// Where a tail has to begin.
    pub fn start(&self) -> Start {
        let known = self.read.iter().zip(0..).filter(|(next, _)| **next > 0);
        Start::At(known.map(|(next, partition)| (partition, *next)).collect())
    }

    fn take_in(&mut self, record: &Record) {
        let Some(place) = self.of(record.partition) else { return };
        if self.drops && record.offset > self.read[place] {
            error!(
                partition = record.partition,
                from = self.read[place],
                to = record.offset,
                "entries were dropped"
            );
            let next = self.held.get(&place).map_or(self.read[place], |held| held.next);
            // They were never durable. Whoever waits for one must not take a later offset for it, so the watch of that partition
            // stands still for as long as anybody can still be waiting.
            self.held.insert(place, Held { next, until: Instant::now() + LONGEST_APPEND });
        }
        self.read[place] = record.offset + 1;
    }

    /// Notes that all that was read is durable.
    fn written(&mut self) {
        self.durable.clone_from(&self.read);
    }

    /// When the next partition's watch goes on.
    fn held_until(&self) -> Option<Instant> {
        self.held.values().map(|held| held.until).min()
    }

    /// Tells the next offset of each partition that is not durable yet.
    fn publish(&mut self, next: &mut Vec<i64>) {
        let now = Instant::now();
        self.held.retain(|_, held| held.until > now);
        if next.len() < self.durable.len() {
            next.resize(self.durable.len(), 0);
        }
        for (place, durable) in self.durable.iter().enumerate() {
            // What was read before the gap may not be written yet.
            next[place] = self.held.get(&place).map_or(*durable, |held| held.next.min(*durable));
        }
    }

    fn of(&mut self, partition: i32) -> Option<usize> {
        let place = usize::try_from(partition).ok()?;
        if place >= self.read.len() {
            self.read.resize(place + 1, 0);
        }
        Some(place)
    }
}

/// The offsets that follow from what is in the journal, beyond those that are stored.
///
/// What stands behind damage is not counted: the topic may still have what was lost.
pub(crate) fn offsets_in_journal(
    folder: &Path,
    incarnation: Incarnation,
    stored: &mut BTreeMap<i32, i64>,
) -> io::Result<()> {
    let numbers = segment::numbers(folder)?;
    let Some((first, last)) = numbers.first().zip(numbers.last()) else { return Ok(()) };
    let (mut from, end) = (journal::beginning(*first), journal::beginning(last + 1));
    while from < end {
        let batch = journal::read(folder, from, end, MOST_ENTRIES)?;
        for kept in
            batch.records.iter().filter(|_| batch.incarnation == incarnation && batch.damage.is_empty())
        {
            let next = stored.entry(kept.partition).or_default();
            *next = (*next).max(kept.offset + 1);
        }
        if !batch.damage.is_empty() {
            return Ok(());
        }
        from = batch.next;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(partition: i32, offset: i64) -> Record {
        Record {
            topic: topics::EXCHANGE.into(),
            partition,
            offset,
            timestamp_us: 0,
            key: None,
            headers: Vec::new(),
            value: None,
        }
    }

    fn published(offsets: &mut Offsets) -> Vec<i64> {
        let mut next = vec![0; 2];
        offsets.written();
        offsets.publish(&mut next);
        next
    }

    #[test]
    fn the_watch_tells_the_next_offset_of_each_partition() {
        let mut offsets = Offsets::embedded();
        (0..3).for_each(|offset| offsets.take_in(&record(1, offset)));
        assert_eq!(published(&mut offsets), [0, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_offset_is_called_durable_in_the_place_of_an_entry_that_was_dropped() {
        let mut offsets = Offsets::embedded();
        offsets.take_in(&record(0, 0));
        offsets.take_in(&record(0, 5));
        offsets.take_in(&record(1, 0));
        assert_eq!(
            published(&mut offsets),
            [1, 1],
            "1 to 4 were dropped; whoever waits for one must not see 6"
        );
        tokio::time::advance(LONGEST_APPEND).await;
        assert_eq!(published(&mut offsets), [6, 1], "nobody can be waiting any more");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_called_durable_before_it_is_written() {
        let mut offsets = Offsets::embedded();
        (0..3).for_each(|offset| offsets.take_in(&record(0, offset)));
        offsets.take_in(&record(0, 9));
        let mut next = vec![0; 2];
        offsets.publish(&mut next);
        assert_eq!(next, [0, 0], "the partition is held at 3, and nothing was written");
        assert_eq!(published(&mut offsets), [3, 0]);
    }

    #[test]
    fn on_kafka_a_missing_offset_is_nothing_special() {
        let mut offsets = Offsets::on_kafka(&[(1, 7)].into());
        assert_eq!(offsets.start(), Start::At([(1, 7)].into()));
        offsets.take_in(&record(1, 9));
        assert_eq!(published(&mut offsets), [0, 10]);
    }
}
