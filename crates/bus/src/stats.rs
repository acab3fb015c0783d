use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// What has happened on the bus since it was opened, counted where it happens.
        #[derive(Debug, Default)]
        pub struct Counters { $(pub(crate) $name: Counter,)+ }

        /// The counters at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub struct Stats { $($(#[doc = $doc])+ pub $name: u64,)+ }

        impl Counters {
            /// Reads all counters.
            pub fn read(&self) -> Stats {
                Stats { $($name: self.$name.get(),)+ }
            }
        }

        impl Stats {
            /// Each counter with its name.
            pub(crate) fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)+].into_iter()
            }
        }
    };
}

counters! {
    /// Requests produced.
    requests,
    /// Requests that Kafka did not take.
    requests_undelivered,
    /// Reply records that reached their waiter.
    replies,
    /// Reply records for an exchange that nobody waits for any more.
    replies_late,
    /// Reply records that repeat one, or belong to a second answer.
    replies_duplicate,
    /// Reply records of another epoch: of another gateway on the partition, or of a former start.
    replies_foreign,
    /// Reply records without a valid MAC.
    replies_forged,
    /// Reply records that could not be read.
    replies_malformed,
    /// Answers with a gap in their sequence.
    replies_gapped,
    /// Requests taken up and handed to a service.
    served,
    /// Requests dropped unread because their deadline was past.
    expired,
    /// Requests refused because of a missing or wrong MAC, or because they could not be read.
    refused,
    /// Requests refused because there was too much work.
    overloaded,
    /// Services that panicked.
    panicked,
    /// Replies that Kafka did not take.
    replies_undelivered,
    /// Dead letters written.
    dead_letters,
    /// Dead letters not written, because there were too many or Kafka did not take them.
    dead_letters_lost,
    /// Entries made durable.
    entries,
    /// Entries that did not become durable in time.
    entries_failed,
    /// Heartbeats sent.
    heartbeats_sent,
    /// Heartbeats heard.
    heartbeats_heard,
    /// Heartbeats not believed: without a valid MAC of the domain that they claim, too old, or a repeat.
    heartbeats_refused,
}

/// One counter.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
