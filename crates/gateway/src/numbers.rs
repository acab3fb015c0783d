use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lgsp_runtime::State;
use tokio::time::interval;

use crate::hub::Hub;

/// How often the numbers of the status are brought up to date.
const TELL: Duration = Duration::from_secs(1);

/// Brings the numbers of `/status` up to date, for ever.
pub(crate) async fn tell(hub: Arc<Hub>, state: State) {
    let stats = &hub.stats;
    let in_flight = state.fact("in-flight");
    let revision = state.fact("registry-revision");
    let counts = [
        (state.fact("exchanges-served"), &stats.served),
        (state.fact("exchanges-not-found"), &stats.not_found),
        (state.fact("exchanges-denied"), &stats.denied),
        (state.fact("exchanges-invalid"), &stats.invalid),
        (state.fact("exchanges-failed"), &stats.failed),
        (state.fact("exchanges-timed-out"), &stats.timed_out),
        (state.fact("exchanges-cancelled"), &stats.cancelled),
        (state.fact("attempts"), &stats.attempts),
        (state.fact("connections-accepted"), &stats.connections),
        (state.fact("connections-refused"), &stats.connections_refused),
        (state.fact("calls-reset"), &stats.resets),
        (state.fact("entries-not-durable"), &stats.entries_not_durable),
        (state.fact("entries-spooled"), &stats.entries_spooled),
        (state.fact("entries-lost"), &stats.entries_lost),
        (state.fact("snapshots-refused"), &stats.snapshots_refused),
    ];
    let mut every = interval(TELL);
    loop {
        every.tick().await;
        in_flight.set(hub.in_flight.exchanges() as i64);
        revision.set(hub.rules.load().as_ref().map_or(0, |rules| rules.revision()) as i64);
        for (fact, count) in &counts {
            fact.set(count.load(Ordering::Relaxed) as i64);
        }
    }
}
