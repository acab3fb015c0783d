//! What became of the sample traffic, as `/status` tells it.

use lgsp_core::Outcome;
use lgsp_runtime::State;
use lgsp_runtime::state::Fact;

/// Counts exchanges by their outcome. A cheap handle.
#[derive(Clone, Debug)]
pub struct Tally {
    served: Fact,
    not_found: Fact,
    denied: Fact,
    invalid: Fact,
    failed: Fact,
    timed_out: Fact,
    /// Ended otherwise than the table expects.
    unexpected: Fact,
    /// Not made: the service is not offered, the application has no key here, or the case lacks whom it asks for.
    skipped: Fact,
}

impl Tally {
    /// Counts into the state of a role.
    pub fn new(state: &State) -> Self {
        Self {
            served: state.fact("served"),
            not_found: state.fact("not-found"),
            denied: state.fact("denied"),
            invalid: state.fact("invalid"),
            failed: state.fact("failed"),
            timed_out: state.fact("timed-out"),
            unexpected: state.fact("unexpected"),
            skipped: state.fact("skipped"),
        }
    }

    /// An exchange has ended.
    pub fn ended(&self, outcome: Outcome, as_expected: bool) {
        let counted = match outcome {
            Outcome::Served => &self.served,
            Outcome::NotFound => &self.not_found,
            Outcome::Denied => &self.denied,
            Outcome::Invalid => &self.invalid,
            Outcome::TimedOut => &self.timed_out,
            Outcome::Failed | Outcome::Cancelled | Outcome::Abandoned | Outcome::Unspecified => &self.failed,
        };
        counted.add(1);
        if !as_expected {
            self.unexpected.add(1);
        }
    }

    /// So many steps were not made.
    pub fn skipped(&self, steps: usize) {
        self.skipped.add(i64::try_from(steps).unwrap_or(i64::MAX));
    }
}
