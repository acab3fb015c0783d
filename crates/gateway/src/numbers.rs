use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use lgsp_bus::Bus;
use lgsp_core::time::unix_micros;
use lgsp_runtime::{Component, State};
use tokio::time::interval;

use crate::entry::Book;
use crate::health::Health;
use crate::hub::Hub;

/// How often the numbers of the status are brought up to date.
const TELL: Duration = Duration::from_secs(1);
/// How early a subject key that is not there yet is missed, in µs: a week.
const EARLY: i64 = 7 * 24 * 3_600 * 1_000_000;

/// Brings the numbers of `/status` up to date, for ever. The gateway is not ready before `keys` were told.
pub(crate) async fn tell(hub: Arc<Hub>, bus: Bus, state: State, keys: Component) {
    let stats = &hub.stats;
    let in_flight = state.fact("in-flight");
    let bulk = state.fact("bulk-in-flight");
    let gateways = state.fact("gateways");
    let quotas = state.fact("day-quotas-near-their-end");
    let revision = state.fact("registry-revision");
    let heartbeats_refused = state.fact("heartbeats-refused");
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
        (state.fact("certificates-refused"), &stats.certificates_refused),
        (state.fact("calls-reset"), &stats.resets),
        (state.fact("entries-not-durable"), &stats.entries_not_durable),
        (state.fact("entries-spooled"), &stats.entries_spooled),
        (state.fact("entries-lost"), &stats.entries_lost),
        (state.fact("snapshots-refused"), &stats.snapshots_refused),
    ];
    let mut every = interval(TELL);
    loop {
        every.tick().await;
        tell_keys(&hub.book, &hub.surface.health, &keys, unix_micros(SystemTime::now())).await;
        in_flight.set(hub.in_flight.exchanges() as i64);
        bulk.set(hub.in_flight.bulk() as i64);
        gateways.set(hub.bus.gateways() as i64);
        quotas.set(hub.quotas.near_their_end(unix_micros(SystemTime::now())) as i64);
        revision.set(hub.rules.load().as_ref().map_or(0, |rules| rules.revision()) as i64);
        heartbeats_refused.set(bus.stats().heartbeats_refused as i64);
        for (fact, count) in &counts {
            fact.set(count.load(Ordering::Relaxed) as i64);
        }
    }
}

/// Without the key of its month nothing is served: tells it while there is time.
async fn tell_keys(book: &Book, health: &Health, keys: &Component, now: i64) {
    if book.covers(now) {
        health.find_key().await;
    } else {
        health.lose_key().await;
    }
    match (book.covers(now), book.covers(now.saturating_add(EARLY))) {
        (true, true) => keys.ready(),
        (true, false) => keys.degraded("no subject key for the next month: add it"),
        (false, _) => keys.failed("no subject key for this month: nothing is served"),
    }
}

#[cfg(test)]
mod tests {
    use lgsp_core::entry::SubjectKeys;
    use lgsp_runtime::Instance;
    use lgsp_runtime::state::Condition;
    use tonic_health::pb::health_check_response::ServingStatus;
    use tonic_health::server::HealthReporter;

    use super::*;
    use crate::health::tests as services;

    #[tokio::test]
    async fn a_missing_subject_key_is_told_a_week_before_nothing_is_served() {
        let state = State::new(Instance::new("gateway", "1"));
        let book = Book::new("gateway-1", SubjectKeys::new([("2026-06".to_owned(), [7; 32])].into()));
        let noon_of_june_1 = 1_780_290_000_000_000;
        let keys = state.component("subject-keys");
        let health = Health::new(HealthReporter::new()).await;
        health.find_broker().await;
        services::open(&health, &[services::LAND]).await;
        let told = async |days: i64| {
            tell_keys(&book, &health, &keys, noon_of_june_1 + days * 24 * 3_600 * 1_000_000).await;
            let condition = state.condition("subject-keys").unwrap();
            let serves = services::told(&health, services::LAND).await == ServingStatus::Serving;
            assert_eq!(serves, condition != Condition::Failed, "gRPC health says the same");
            condition
        };
        assert_eq!(told(0).await, Condition::Ready);
        assert_eq!(told(22).await, Condition::Ready);
        assert_eq!(told(23).await, Condition::Degraded);
        assert_eq!(told(30).await, Condition::Failed);

        let keys = |months: &[&str]| {
            SubjectKeys::new(months.iter().map(|month| ((*month).to_owned(), [7; 32])).collect())
        };
        assert!(!book.replace_subject_keys(keys(&["2026-07"]), noon_of_june_1), "June is in use");
        assert!(book.replace_subject_keys(keys(&["2026-06", "2026-07"]), noon_of_june_1));
        assert_eq!(told(23).await, Condition::Ready);
        assert_eq!(told(30).await, Condition::Ready);
    }
}
