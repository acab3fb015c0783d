//! What is counted of alerts.

use std::sync::{Arc, Weak};

use lgsp_runtime::metrics::{Counters, Kind, Metric, Metrics, Unit};
use parking_lot::Mutex;

use super::roll::Roll;

/// Alerts that fire.
pub const FIRING: Metric = Metric {
    name: "lgsp.alert.firing",
    kind: Kind::Gauge,
    unit: Unit::Of("{alert}"),
    labels: &["lgsp.alert.rule", "lgsp.alert.severity"],
    help: "Alerts that fire, those that are acknowledged or silenced among them",
};
/// Messages to receivers.
pub const MESSAGES: Metric = Metric {
    name: "lgsp.alert.messages",
    kind: Kind::Counter,
    unit: Unit::Of("{message}"),
    labels: &["lgsp.alert.receiver", "lgsp.alert.outcome"],
    help: "Attempts to tell a receiver of alerts: told, or untold",
};

const TOLD: &str = "told";
const UNTOLD: &str = "untold";

/// What is counted. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Meters {
    messages: Counters,
}

impl Meters {
    /// Shows what is counted from now on, and the alerts as long as there are any.
    pub fn show(metrics: &Metrics, roll: &Arc<Mutex<Roll>>) -> Self {
        let messages = Counters::new(&MESSAGES);
        metrics.show(&messages);
        let roll: Weak<Mutex<Roll>> = Arc::downgrade(roll);
        metrics.observe(&FIRING, move |told| {
            let Some(roll) = roll.upgrade() else { return };
            for ((rule, severity), count) in roll.lock().counts() {
                told.tell(&[rule.name(), severity.name()], count as f64);
            }
        });
        Self { messages }
    }

    pub fn told(&self, receiver: &str, is_told: bool) {
        self.messages.of(&[receiver, if is_told { TOLD } else { UNTOLD }]).add();
    }
}
