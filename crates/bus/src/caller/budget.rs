//! What all answers together may cost while they wait for their readers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that all answers share: each alone is bounded, but as many as may wait are together more than a process has.
pub(super) struct Budget {
    most: usize,
    spent: AtomicUsize,
}

impl Budget {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, spent: AtomicUsize::new(0) })
    }

    #[cfg(test)]
    pub(super) fn spent(&self) -> usize {
        self.spent.load(Ordering::Relaxed)
    }
}

/// What one answer has of the budget. Dropping it gives everything back.
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Share {
    pub(super) fn of(budget: &Arc<Budget>) -> Self {
        Self { budget: budget.clone(), bytes: 0 }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes more, or nothing if all answers together would then cost too much.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let before = self.budget.spent.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= self.budget.most;
        // For this moment another may be refused that would have fitted just so: near the end of the budget either is right.
        if fits {
            self.bytes += bytes;
        } else {
            self.budget.spent.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }

    pub(super) fn give_back(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.budget.spent.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back(self.bytes);
    }
}
