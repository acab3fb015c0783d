//! What a monitor measures: how the links are, and whether it can write that down.

use std::sync::Weak;

use lgsp_runtime::metrics::{Counter, Counters, Kind, MOST_SERIES, Metric, Metrics, Unit};

use crate::alerts::metrics as alerts;
use crate::board::{Change, state_name};
use crate::monitor::Shared;

/// How the links are.
pub const LINK_STATE: Metric = Metric {
    name: "lgsp.link.state",
    kind: Kind::Gauge,
    unit: Unit::One,
    labels: &["lgsp.link.id", "lgsp.link.kind", "lgsp.link.state", "lgsp.link.cause"],
    help: "1 for the state that a link is in and its cause; there is no series of any other",
};
/// Changes of links.
pub const LINK_CHANGES: Metric = Metric {
    name: "lgsp.link.changes",
    kind: Kind::Counter,
    unit: Unit::Of("{change}"),
    labels: &["lgsp.link.id", "lgsp.link.state"],
    help: "Changes of a link, by the state that it has changed to",
};
/// Failures to write the history down.
pub const HISTORY_FAILURES: Metric = Metric {
    name: "lgsp.link.history_failures",
    kind: Kind::Counter,
    unit: Unit::Of("{write}"),
    labels: &[],
    help: "Times that changes of links could not be written down; they wait, and are written later",
};

/// The metrics of this crate.
pub const ALL: &[&Metric] =
    &[&LINK_STATE, &LINK_CHANGES, &HISTORY_FAILURES, &alerts::FIRING, &alerts::MESSAGES];

/// What a monitor counts.
#[derive(Debug)]
pub(crate) struct Meters {
    changes: Counters,
    history_failures: Counter,
}

impl Meters {
    /// Shows what is counted from now on, and the links of a monitor as long as it runs.
    pub(crate) fn show(metrics: &Metrics, shared: Weak<Shared>) -> Self {
        let (changes, failures) = (Counters::new(&LINK_CHANGES), Counters::new(&HISTORY_FAILURES));
        metrics.show(&changes);
        metrics.show(&failures);
        metrics.observe(&LINK_STATE, move |told| {
            let Some(shared) = shared.upgrade() else { return };
            for link in shared.board.lock().states().take(MOST_SERIES) {
                let id = link.id.to_string();
                told.tell(&[&id, link.id.kind.name(), state_name(link.shown), link.cause], 1.0);
            }
        });
        Self { changes, history_failures: failures.of(&[]) }
    }

    pub(crate) fn changed(&self, change: &Change) {
        self.changes.of(&[&change.link.to_string(), state_name(change.to)]).add();
    }

    pub(crate) fn history_failed(&self) {
        self.history_failures.add();
    }
}
