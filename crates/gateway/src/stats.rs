//! Counts of what the gateway did since it started.

use std::sync::atomic::{AtomicU64, Ordering};

use lgsp_core::Outcome;

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Stats {
    /// Exchanges that were served.
    pub served: AtomicU64,
    /// Exchanges that found no record.
    pub not_found: AtomicU64,
    /// Exchanges that were refused by a rule.
    pub denied: AtomicU64,
    /// Exchanges that were refused for what they asked.
    pub invalid: AtomicU64,
    /// Exchanges that failed.
    pub failed: AtomicU64,
    /// Exchanges that ran out of time.
    pub timed_out: AtomicU64,
    /// Exchanges whose caller left.
    pub cancelled: AtomicU64,
    /// Attempts without a valid credential.
    pub attempts: AtomicU64,
    /// Connections that were accepted.
    pub connections: AtomicU64,
    /// Connections that were refused or ended for their behaviour.
    pub connections_refused: AtomicU64,
    /// Connections that were refused for the caller's certificate, or for want of one. They count as refused, too.
    pub certificates_refused: AtomicU64,
    /// Calls that were reset because their caller did not read until the deadline.
    pub resets: AtomicU64,
    /// Entries that did not become durable in time, so that nothing was released.
    pub entries_not_durable: AtomicU64,
    /// Entries that went to the spool.
    pub entries_spooled: AtomicU64,
    /// Entries that found room nowhere.
    pub entries_lost: AtomicU64,
    /// Snapshots that were refused.
    pub snapshots_refused: AtomicU64,
}

impl Stats {
    pub(crate) fn count(counter: &AtomicU64) {
        Self::add(counter, 1);
    }

    pub(crate) fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Ordering::Relaxed);
    }

    /// Counts an exchange by its outcome.
    pub(crate) fn outcome(&self, outcome: Outcome) {
        Self::count(match outcome {
            Outcome::Served => &self.served,
            Outcome::NotFound => &self.not_found,
            Outcome::Denied => &self.denied,
            Outcome::Invalid => &self.invalid,
            Outcome::TimedOut => &self.timed_out,
            Outcome::Cancelled => &self.cancelled,
            Outcome::Failed | Outcome::Abandoned | Outcome::Unspecified => &self.failed,
        });
    }
}
