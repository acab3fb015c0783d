//! What a gateway counts and measures of exchanges, and of itself.
//!
//! A method of the rules and an application have their handles, resolved when they meet first: an exchange looks them up once
//! and records at its end.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lgsp_bus::Provider;
use lgsp_core::time::unix_micros;
use lgsp_core::{ApplicationId, Caller, Fault, Outcome, Reason, Rules, code_name};
use lgsp_runtime::metrics::{
    Counter, Counters, Histogram, Histograms, Kind, Metric, Metrics, Resolved, Unit, is_paused,
};
use lgsp_runtime::telemetry::{self, Trace};
use tokio::time::Instant;
use tracing::Span;

use crate::call::Call;
use crate::entry::Account;
use crate::hub::Hub;
use crate::spans::{self, OTHER};

/// How long exchanges took.
pub const CALL_DURATION: Metric = Metric {
    name: "rpc.server.call.duration",
    kind: Kind::Histogram,
    unit: Unit::Seconds,
    labels: &["rpc.system.name", "rpc.method", "rpc.response.status_code", "lgsp.exchange.outcome"],
    help: "From the arrival of a call until its answer is released or refused",
};
/// How exchanges ended.
pub const EXCHANGES_ENDED: Metric = Metric {
    name: "lgsp.exchange.ended",
    kind: Kind::Counter,
    unit: Unit::Of("{exchange}"),
    labels: &["rpc.method", "lgsp.application.id", "lgsp.exchange.outcome"],
    help: "Exchanges that ended, by who called what and how they ended",
};
/// Why exchanges were not served.
pub const EXCHANGES_NOT_SERVED: Metric = Metric {
    name: "lgsp.exchange.not_served",
    kind: Kind::Counter,
    unit: Unit::Of("{exchange}"),
    labels: &["rpc.method", "error.type"],
    help: "Exchanges that were not served, by the reason as docs/errors.md has it",
};
/// How long each part of the way took.
pub const HOP_DURATION: Metric = Metric {
    name: "lgsp.exchange.hop.duration",
    kind: Kind::Histogram,
    unit: Unit::Seconds,
    labels: &["rpc.method", "lgsp.hop"],
    help: "Parts of the way of an exchange: admission, request (to the adapter), provider (adapter and source), reply, entry (until it is durable)",
};
/// Hops that ended before they began.
pub const CLOCKS_DISAGREE: Metric = Metric {
    name: "lgsp.exchange.clock_disagreements",
    kind: Kind::Counter,
    unit: Unit::Of("{exchange}"),
    labels: &["lgsp.domain"],
    help: "Exchanges whose request or reply arrived before it was sent: the clocks of gateway and adapter differ by more than the way takes",
};
/// Calls whose caller is not known.
pub const ATTEMPTS: Metric = Metric {
    name: "lgsp.attempt.refused",
    kind: Kind::Counter,
    unit: Unit::Of("{attempt}"),
    labels: &["error.type"],
    help: "Calls without a good credential, by the reason as docs/errors.md has it",
};
/// Exchanges in flight.
pub const IN_FLIGHT: Metric = Metric {
    name: "lgsp.exchange.in_flight",
    kind: Kind::Gauge,
    unit: Unit::Of("{exchange}"),
    labels: &["lgsp.priority"],
    help: "Exchanges in flight, interactive and bulk",
};
/// Live providers.
pub const PROVIDERS: Metric = Metric {
    name: "lgsp.provider.count",
    kind: Kind::Gauge,
    unit: Unit::Of("{provider}"),
    labels: &["lgsp.domain"],
    help: "Providers of a domain whose heartbeats are heard and believed",
};
/// How long the gateway's certificate is good.
pub const CERTIFICATE_REMAINING: Metric = Metric {
    name: "lgsp.certificate.remaining",
    kind: Kind::Gauge,
    unit: Unit::Days,
    labels: &[],
    help: "Days until the certificate of the gateway ends; negative when it has",
};

/// The metrics of this crate.
pub const ALL: &[&Metric] = &[
    &CALL_DURATION,
    &EXCHANGES_ENDED,
    &EXCHANGES_NOT_SERVED,
    &HOP_DURATION,
    &CLOCKS_DISAGREE,
    &ATTEMPTS,
    &IN_FLIGHT,
    &PROVIDERS,
    &CERTIFICATE_REMAINING,
];

/// The names of the hops, in the order of the way.
const HOPS: [&str; 5] = ["admission", "request", "provider", "reply", "entry"];
const GRPC: &str = "grpc";

/// What all exchanges are counted and measured in.
#[derive(Debug)]
pub(crate) struct Meters {
    durations: Histograms,
    ended: Counters,
    not_served: Counters,
    hops: Histograms,
    clocks: Counters,
    refused: Counters,
    methods: Resolved<Arc<str>, ByMethod>,
    attempts: Resolved<&'static str, Counter>,
}

/// The handles of one method.
#[derive(Debug)]
struct ByMethod {
    name: Box<str>,
    hops: [Histogram; 5],
    clocks: Counter,
    durations: Resolved<(i32, Outcome), Histogram>,
    not_served: Resolved<&'static str, Counter>,
    applications: Resolved<ApplicationId, Resolved<Outcome, Counter>>,
}

impl Meters {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let meters = Self {
            durations: Histograms::new(&CALL_DURATION),
            ended: Counters::new(&EXCHANGES_ENDED),
            not_served: Counters::new(&EXCHANGES_NOT_SERVED),
            hops: Histograms::new(&HOP_DURATION),
            clocks: Counters::new(&CLOCKS_DISAGREE),
            refused: Counters::new(&ATTEMPTS),
            methods: Resolved::default(),
            attempts: Resolved::default(),
        };
        metrics.show(&meters.durations);
        metrics.show(&meters.hops);
        for counters in [&meters.ended, &meters.not_served, &meters.clocks, &meters.refused] {
            metrics.show(counters);
        }
        meters
    }

    /// The meter of an exchange that has arrived.
    pub(crate) fn exchange(&self, call: &Call, rules: &Rules, caller: &Caller) -> Meter {
        let method = rules.method(call.head.uri.path());
        let path = method.map_or(OTHER, |method| &*method.path);
        let of_method = self.methods.get(path, || {
            let domain = method.map_or(OTHER, |method| &*method.domain);
            (path.into(), self.resolve(path.trim_start_matches('/'), domain))
        });
        let application = &caller.application.id;
        let of_application =
            of_method.applications.get(application, || (application.clone(), Resolved::default()));
        Meter { of_method, of_application, application: application.clone(), begun: call.arrival.at }
    }

    fn resolve(&self, name: &str, domain: &str) -> ByMethod {
        ByMethod {
            name: name.into(),
            hops: HOPS.map(|hop| self.hops.of(&[name, hop])),
            clocks: self.clocks.of(&[domain]),
            durations: Resolved::default(),
            not_served: Resolved::default(),
            applications: Resolved::default(),
        }
    }

    pub(crate) fn attempt(&self, reason: Reason) {
        let name = reason.name();
        self.attempts.get(name, || (name, self.refused.of(&[name]))).add();
    }

    /// Takes in that an exchange was served.
    pub(crate) fn served(&self, meter: &Meter, account: &Account, span: &Span) {
        self.ended(meter, account, 0, Outcome::Served, telemetry::trace(span));
    }

    /// Takes in that an exchange was not served, and why.
    pub(crate) fn not_served(&self, meter: &Meter, account: &Account, fault: &Fault, span: &Span) {
        let (of, reason) = (&meter.of_method, fault.reason().name());
        of.not_served.get(&reason, || (reason, self.not_served.of(&[&of.name, reason]))).add();
        self.ended(meter, account, fault.code() as i32, fault.outcome(), telemetry::trace(span));
    }

    fn ended(&self, meter: &Meter, account: &Account, code: i32, outcome: Outcome, trace: Option<Trace>) {
        if is_paused() {
            return;
        }
        let of = &meter.of_method;
        let (name, told) = (&*of.name, spans::name(outcome));
        let duration = of.durations.get(&(code, outcome), || {
            ((code, outcome), self.durations.of(&[GRPC, name, code_name(code), told]))
        });
        duration.record_of(meter.begun.elapsed(), trace.clone());
        let application = meter.application.as_str();
        let ended = || (outcome, self.ended.of(&[name, application, told]));
        meter.of_application.get(&outcome, ended).add();

        let times = account.times();
        for (hop, took) in of.hops.iter().zip(times.hops()) {
            if let Some(took) = took {
                hop.record_of(took, trace.clone());
            }
        }
        if times.clocks_disagree() {
            of.clocks.add();
        }
    }
}

/// What one exchange is recorded with, at its end.
pub(crate) struct Meter {
    of_method: Arc<ByMethod>,
    of_application: Arc<Resolved<Outcome, Counter>>,
    application: ApplicationId,
    begun: Instant,
}

/// When an exchange was where, in Unix µs by the clock of whoever was there; 0: it was not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    pub(crate) admitted_us: i64,
    pub(crate) sent_us: i64,
    pub(crate) taken_up_us: i64,
    pub(crate) answered_us: i64,
    pub(crate) heard_us: i64,
    pub(crate) entered: Option<Duration>,
}

impl Times {
    /// The reply is here.
    pub(crate) fn heard(&mut self) {
        self.heard_us = unix_micros(SystemTime::now());
    }

    /// How long each hop took that has ended, in the order of [`HOPS`].
    fn hops(&self) -> [Option<Duration>; 5] {
        let way = [self.admitted_us, self.sent_us, self.taken_up_us, self.answered_us, self.heard_us];
        let [admission, request, provider, reply] =
            [0, 1, 2, 3].map(|from| between(way[from], way[from + 1]));
        [admission, request, provider, reply, self.entered]
    }

    fn clocks_disagree(&self) -> bool {
        let before = |one: i64, other: i64| one != 0 && other != 0 && other < one;
        before(self.sent_us, self.taken_up_us) || before(self.answered_us, self.heard_us)
    }
}

fn between(from: i64, until: i64) -> Option<Duration> {
    let took = u64::try_from(until.saturating_sub(from)).unwrap_or(0);
    (from != 0 && until != 0).then(|| Duration::from_micros(took))
}

/// Shows what a gateway knows anyhow.
pub(crate) fn observe(metrics: &Metrics, hub: &Arc<Hub>, domains: Vec<String>) {
    let of = Arc::downgrade(hub);
    metrics.observe(&IN_FLIGHT, move |told| {
        let Some(hub) = of.upgrade() else { return };
        let bulk = hub.in_flight.bulk();
        told.tell(&["bulk"], bulk as f64);
        told.tell(&["interactive"], hub.in_flight.exchanges().saturating_sub(bulk) as f64);
    });
    let of = Arc::downgrade(hub);
    metrics.observe(&PROVIDERS, move |told| {
        let Some(hub) = of.upgrade() else { return };
        let providers = hub.bus.providers();
        for domain in &domains {
            let serves = |one: &&Provider| *one.domain == **domain && one.live && !one.leaving;
            told.tell(&[domain], providers.iter().filter(serves).count() as f64);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hop_that_has_not_ended_is_not_told_and_clocks_that_disagree_are() {
        let times = Times { admitted_us: 1_000, sent_us: 3_000, ..Times::default() };
        let none = None;
        assert_eq!(times.hops(), [Some(Duration::from_millis(2)), none, none, none, none]);
        assert!(!times.clocks_disagree());

        let times = Times { taken_up_us: 2_000, answered_us: 5_000, heard_us: 6_000, ..times };
        assert_eq!(
            times.hops()[1..4],
            [Some(Duration::ZERO), Some(Duration::from_millis(3)), Some(Duration::from_millis(1))]
        );
        assert!(times.clocks_disagree(), "it was taken up before it was sent");
    }
}
