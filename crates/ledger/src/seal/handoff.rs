//! From the filing to the sealer. Neither waits for the other: of a sealer that is behind only the way to its leaves is kept, and it reads
//! them in the log.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::runs::Runs;
use crate::files::log::{End, Place};

/// Batches whose leaves are kept for the sealer.
const MOST_BATCHES: usize = 16;

/// What was consumed: partition, offset, and when it was entered (Unix µs), if that is believed.
pub(crate) type Arrived = (i32, i64, Option<i64>);

/// What the filing has appended.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The number of the first leaf.
    pub first: u64,
    /// The sealed parts, where they stand in the log, in its order.
    pub leaves: Vec<(Bytes, Place)>,
    /// Where the log goes on after them.
    pub end: End,
    /// What was consumed for them.
    pub arrived: Vec<Arrived>,
}

/// What was appended while the sealer was behind.
#[derive(Debug, Default)]
pub(crate) struct Behind {
    /// Up to where the log is to be read.
    pub end: End,
    /// What was consumed for it.
    pub arrived: Runs,
}

/// What is to be sealed next.
#[derive(Debug)]
pub(crate) enum Work {
    Batch(Batch),
    Behind(Behind),
}

/// Where the filing hands its leaves on.
#[derive(Debug)]
pub(crate) struct HandOn {
    batches: mpsc::Sender<Batch>,
    behind: Arc<Mutex<Option<Behind>>>,
}

/// Where the sealer takes them.
#[derive(Debug)]
pub(crate) struct Handed {
    batches: mpsc::Receiver<Batch>,
    behind: Arc<Mutex<Option<Behind>>>,
}

pub(crate) fn hand_off() -> (HandOn, Handed) {
    let (sender, receiver) = mpsc::channel(MOST_BATCHES);
    let behind = Arc::default();
    (HandOn { batches: sender, behind: Arc::clone(&behind) }, Handed { batches: receiver, behind })
}

impl HandOn {
    /// Whether nobody seals any more.
    pub fn is_closed(&self) -> bool {
        self.batches.is_closed()
    }

    /// Hands a batch on, at once.
    pub fn hand_on(&self, batch: Batch) {
        let mut behind = self.behind.lock();
        // What comes after others that are read in the log is read there, too.
        let left = match &*behind {
            Some(_) => batch,
            None => match self.batches.try_send(batch) {
                Err(TrySendError::Full(batch)) => batch,
                // Without a sealer another ledger has taken over, which the filing looks for itself.
                Ok(()) | Err(TrySendError::Closed(_)) => return,
            },
        };
        let behind = behind.get_or_insert_default();
        behind.end = left.end;
        for (partition, offset, entered_us) in left.arrived {
            behind.arrived.take_in(partition, offset, entered_us);
        }
    }
}

impl Handed {
    /// What is next, in the order of the log; `None` if the filing has ended. Nothing is lost if the caller stops waiting.
    pub async fn next(&mut self) -> Option<Work> {
        if let Some(work) = self.at_once() {
            return Some(work);
        }
        // There are batches before anything is behind.
        let batch = self.batches.recv().await;
        batch.map(Work::Batch).or_else(|| self.behind.lock().take().map(Work::Behind))
    }

    fn at_once(&mut self) -> Option<Work> {
        let mut behind = self.behind.lock();
        let batch = self.batches.try_recv().ok();
        batch.map(Work::Batch).or_else(|| behind.take().map(Work::Behind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(number: u64) -> Batch {
        let place = Place { segment: 1, byte: number };
        let end = End { place, leaves: number + 1 };
        Batch {
            first: number,
            leaves: vec![(Bytes::new(), place)],
            end,
            arrived: vec![(0, number.cast_signed(), Some(1))],
        }
    }

    #[tokio::test]
    async fn a_sealer_that_is_behind_holds_nothing_up_and_hears_of_everything_in_order() {
        let (hand_on, mut handed) = hand_off();
        (0..5_000).for_each(|number| hand_on.hand_on(batch(number)));
        for number in 0..MOST_BATCHES as u64 {
            assert!(matches!(handed.next().await, Some(Work::Batch(batch)) if batch.first == number));
        }
        let Some(Work::Behind(behind)) = handed.next().await else { panic!("the rest is read in the log") };
        assert_eq!((behind.end.leaves, behind.arrived.next()), (5_000, [(0, 5_000)].into()));
        hand_on.hand_on(batch(5_000));
        assert!(matches!(handed.next().await, Some(Work::Batch(batch)) if batch.first == 5_000));
        drop(hand_on);
        assert!(handed.next().await.is_none());
    }
}
