//! What each role tells of its own links: on the page `/links` of its admin port, and to a monitor in the same process.

use std::time::{Duration, SystemTime};

use lgsp_bus::heartbeats::LIVES;
use lgsp_bus::{Health, Provider};
use lgsp_core::time::unix_micros;
use lgsp_gateway::Gateway;
use lgsp_ledger::Options as LedgerOptions;
use lgsp_monitor::link::{Cause, Evidence, Kind, Level};
use lgsp_monitor::picture::source_cause;
use lgsp_monitor::tell::Told;
use lgsp_runtime::{Shutdown, Stage, State};
use tokio::time::{MissedTickBehavior, interval};

use super::Host;

/// Kafka that gave no sign of life for so long is lost: four of the gateway's own heartbeats are missing.
const LOST: Duration = Duration::from_secs(4);

fn now_us() -> i64 {
    unix_micros(SystemTime::now())
}

/// Tells of a gateway's links: Kafka, the applications by their traffic, and the providers as it hears them.
pub fn of_gateway(host: &Host, gateway: Gateway, instance: String, shutdown: &Shutdown) {
    let leaving = shutdown.begins(Stage::NotServing);
    host.links.add(move || {
        if leaving.is_cancelled() {
            return Vec::new();
        }
        let told = |kind, name: &str, state, cause, evidence: Evidence| Told {
            kind,
            name: name.to_owned(),
            instance: instance.clone(),
            state,
            cause,
            since_us: evidence.last_sign_us,
            evidence,
        };
        let mut links = Vec::new();
        if let Some(silence) = gateway.broker_silence() {
            let silent_us = i64::try_from(silence.as_micros()).unwrap_or(i64::MAX);
            let evidence = Evidence { last_sign_us: now_us() - silent_us, ..Evidence::default() };
            let (state, cause) = match silence < LOST {
                true => (Level::Working, None),
                false => (Level::Down, Some(Cause::BrokerNotHeard)),
            };
            links.push(told(Kind::Broker, "kafka", state, cause, evidence));
        }
        let (applications, domains) = gateway.traffic();
        for (id, count) in applications {
            let (state, cause) = match count.of {
                0 => (Level::Silent, Some(Cause::NoTraffic)),
                _ => (Level::Working, None),
            };
            links.push(told(Kind::Application, &id, state, cause, Evidence::counted(&count)));
        }
        // Whoever hears nothing of anybody tells of no provider that it is dead.
        let Some(silence) = gateway.broker_silence().filter(|silence| *silence < LIVES) else { return links };
        let providers = gateway.providers();
        for (domain, count) in domains {
            let ours = providers.iter().filter(|provider| provider.domain == domain);
            let live = ours.filter(|provider| serves(provider, silence));
            let instances: Vec<String> = live.map(|provider| provider.instance.clone()).take(8).collect();
            let (state, cause) = match instances.is_empty() {
                false => (Level::Working, None),
                true => (Level::Down, Some(Cause::InstanceNotHeard)),
            };
            let evidence = Evidence { instances, ..Evidence::counted(&count) };
            links.push(told(Kind::Provider, &domain, state, cause, evidence));
        }
        links
    });
}

/// Whether a provider took requests when Kafka was heard last: if all fall silent at once, the broker is lost and nobody dead.
fn serves(provider: &Provider, silence: Duration) -> bool {
    let before_that = Duration::from_millis(provider.silent_ms).saturating_sub(silence);
    before_that < LIVES && !provider.leaving && !provider.partitions.is_empty()
}

/// Tells of an adapter's links with its sources, as it found them last.
pub fn of_adapter(host: &Host, domain: &'static str, sources: Health, instance: String, shutdown: &Shutdown) {
    let leaving = shutdown.begins(Stage::NotServing);
    host.links.add(move || {
        if leaving.is_cancelled() {
            return Vec::new();
        }
        let told = |source: lgsp_proto::monitor::v1::SourceHealth| {
            let cause = if source.healthy { None } else { Some(source_cause(&source.cause)?) };
            Some(Told {
                kind: Kind::Source,
                name: format!("{domain}/{}", source.name),
                instance: instance.clone(),
                state: if source.healthy { Level::Working } else { Level::Down },
                cause,
                since_us: 0,
                evidence: Evidence::default(),
            })
        };
        sources.sources().into_iter().filter_map(told).collect()
    });
}

/// How the link of one of the hub's own services with its store is named.
const STORE: &str = "store";
/// How often a store is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Tells how one of the hub's own services is with its store, as its state has it: in its heartbeats, and as an adapter tells of its
/// source. `trouble` names a cause of a source, or none.
pub fn of_store(
    host: &Host,
    (domain, instance): (&'static str, &str),
    heartbeats: Health,
    trouble: impl Fn() -> Option<&'static str> + Send + 'static,
    shutdown: &Shutdown,
) {
    of_adapter(host, domain, heartbeats.clone(), instance.to_owned(), shutdown);
    let leaving = shutdown.begins(Stage::NotServing);
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    shutdown.spawn(Stage::NotServing, "state of the store", async move {
        while leaving.run_until_cancelled(ticks.tick()).await.is_some() {
            match trouble() {
                None => heartbeats.healthy(STORE),
                Some(cause) => heartbeats.failed(STORE, cause),
            }
        }
    });
}

/// Tells of a ledger's links with its witnesses, as its own state names those that do not cosign.
pub fn of_ledger(host: &Host, options: &LedgerOptions, state: State, instance: String, shutdown: &Shutdown) {
    let leaving = shutdown.begins(Stage::NotServing);
    let witnesses: Vec<String> =
        options.witnesses.iter().map(|witness| witness.vkey.name().to_string()).collect();
    let scope = state.clone();
    host.links.add(move || {
        if leaving.is_cancelled() || witnesses.is_empty() {
            return Vec::new();
        }
        let status = scope.status();
        let component = &status["components"]["ledger/witnesses"];
        let condition = component["condition"].as_str().unwrap_or_default();
        let named: Vec<&str> =
            component["names"].as_array().into_iter().flatten().filter_map(|name| name.as_str()).collect();
        let told = |witness: &String| {
            let is_named = named.iter().any(|name| name.starts_with(&format!("{witness}: ")));
            let (state, cause) = match (condition, is_named) {
                ("failed", true) => (Level::Down, Some(Cause::WitnessSawAnotherLog)),
                ("degraded", true) => (Level::Down, Some(Cause::WitnessSilent)),
                ("ready" | "failed" | "degraded", _) => (Level::Working, None),
                _ => return None,
            };
            Some(Told {
                kind: Kind::Witness,
                name: witness.clone(),
                instance: instance.clone(),
                state,
                cause,
                since_us: 0,
                evidence: Evidence::default(),
            })
        };
        witnesses.iter().filter_map(told).collect()
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_that_fell_silent_with_kafka_is_not_told_to_be_dead() {
        let provider = |silent_ms, leaving, partitions: &[i32]| Provider {
            domain: "land".to_owned(),
            instance: "land-1".to_owned(),
            version: String::new(),
            partitions: partitions.to_vec(),
            capacity: 0,
            live: silent_ms < 2_500,
            leaving,
            silent_ms,
        };
        let check = |provider: Provider, silent_ms, expected| {
            assert_eq!(
                serves(&provider, Duration::from_millis(silent_ms)),
                expected,
                "{provider:?} {silent_ms}"
            );
        };
        check(provider(900, false, &[0]), 100, true);
        check(provider(2_600, false, &[0]), 100, false);
        check(provider(3_200, false, &[0]), 2_400, true);
        check(provider(5_000, false, &[0]), 2_400, false);
        check(provider(100, true, &[0]), 100, false);
        check(provider(100, false, &[]), 100, false);
    }
}
