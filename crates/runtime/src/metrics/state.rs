//! The state of a process as metrics: every component and every number of the status.

use std::time::Instant;

use super::{BUILD_INFO, COMPONENT_CONDITION, FACT, LABELS_REFUSED, Metrics, process};
use crate::Instance;
use crate::state::Condition;

/// A component and its condition, by its scoped name.
pub(crate) type Told = (String, Condition);
/// A number of the status, by its scoped name.
pub(crate) type Fact = (String, i64);

const CONDITIONS: [Condition; 5] =
    [Condition::Starting, Condition::Ready, Condition::Degraded, Condition::Failed, Condition::Leaving];

/// Shows what every process has.
pub(crate) fn observe(
    metrics: &Metrics,
    instance: &Instance,
    started: Instant,
    components: impl Fn() -> Vec<Told> + Send + Sync + 'static,
    facts: impl Fn() -> Vec<Fact> + Send + Sync + 'static,
) {
    process::observe(metrics, started);
    let (version, role) = (instance.version(), instance.role().to_owned());
    metrics.observe(&BUILD_INFO, move |told| told.tell(&[version, &role], 1.0));
    let role = instance.role().to_owned();
    metrics.observe(&COMPONENT_CONDITION, move |told| {
        for (name, now) in components() {
            let (role, name) = split(&name, &role);
            for condition in CONDITIONS {
                told.tell(&[role, name, condition.text()], f64::from(u8::from(condition == now)));
            }
        }
    });
    let role = instance.role().to_owned();
    metrics.observe(&FACT, move |told| {
        for (name, value) in facts() {
            let (role, name) = split(&name, &role);
            told.tell(&[role, name], value as f64);
        }
    });
    let all = std::sync::Arc::downgrade(&metrics.shared);
    metrics.observe(&LABELS_REFUSED, move |told| {
        let Some(shared) = all.upgrade() else { return };
        for (name, refused) in (Metrics { shared }).refused() {
            if refused > 0 {
                told.tell(&[name], refused as f64);
            }
        }
    });
}

/// `gateway/in-flight` is the gateway's `in-flight`; what has no role is the process's own.
fn split<'a>(name: &'a str, process: &'a str) -> (&'a str, &'a str) {
    name.split_once('/').unwrap_or((process, name))
}
