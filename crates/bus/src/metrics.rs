//! What is measured on the bus. Names are those of OpenTelemetry where it has one.

use std::sync::Arc;
use std::time::Instant;

use lgsp_runtime::metrics::{
    Counter, Counters, Histogram, Histograms, Kind, Metric, Metrics, Resolved, Unit,
};

use crate::{Bus, topics};

/// How long Kafka took to acknowledge a record.
pub const OPERATION_DURATION: Metric = Metric {
    name: "messaging.client.operation.duration",
    kind: Kind::Histogram,
    unit: Unit::Seconds,
    labels: &["messaging.system", "messaging.operation.name", "messaging.destination.name", "error.type"],
    help: "From handing a record to Kafka until it is acknowledged or given up",
};
/// Records that were handed to Kafka.
pub const SENT_MESSAGES: Metric = Metric {
    name: "messaging.client.sent.messages",
    kind: Kind::Counter,
    unit: Unit::Of("{message}"),
    labels: &["messaging.system", "messaging.operation.name", "messaging.destination.name", "error.type"],
    help: "Records that were to be sent to Kafka, and why some were not",
};
/// How long a provider worked on a request.
pub const PROCESS_DURATION: Metric = Metric {
    name: "messaging.process.duration",
    kind: Kind::Histogram,
    unit: Unit::Seconds,
    labels: &["messaging.system", "messaging.operation.name", "messaging.destination.name", "error.type"],
    help: "From beginning to work on a request until its answer is handed to Kafka, or fails",
};
/// What has happened on the bus, by the name that the counters have.
pub const EVENTS: Metric = Metric {
    name: "lgsp.bus.events",
    kind: Kind::Counter,
    unit: Unit::Of("{event}"),
    labels: &["lgsp.bus.event"],
    help: "What has happened on the bus: requests, replies, entries and heartbeats, and what became of them",
};

/// How far those are behind who read requests, and a ledger behind the exchange log.
pub const CONSUMER_LAG: Metric = Metric {
    name: "lgsp.consumer.lag",
    kind: Kind::Gauge,
    unit: Unit::Of("{message}"),
    labels: &["lgsp.domain", "messaging.destination.name"],
    help: "Records on the partitions that a process reads and has not done with; told while a broker is there",
};
/// Partitions that are not as safe as they should be, or cannot be used.
pub const PARTITIONS_LACKING: Metric = Metric {
    name: "lgsp.partition.lacking",
    kind: Kind::Gauge,
    unit: Unit::Of("{partition}"),
    labels: &["messaging.destination.name", "lgsp.lacks"],
    help: "Partitions of a topic that lack a replica in sync, or a leader, as a gateway sees them on Kafka",
};

/// The metrics of this crate.
pub const ALL: &[&Metric] =
    &[&OPERATION_DURATION, &SENT_MESSAGES, &PROCESS_DURATION, &EVENTS, &CONSUMER_LAG, &PARTITIONS_LACKING];

const KAFKA: &str = "kafka";
/// The error of what has none.
const NONE: &str = "";

/// Measures what is sent and worked on by all clients of a process.
#[derive(Debug)]
pub(crate) struct Meters {
    durations: Histograms,
    sent: Counters,
    processed: Histograms,
    topics: Resolved<Box<str>, Topic>,
    domains: Resolved<Box<str>, Work>,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            durations: Histograms::new(&OPERATION_DURATION),
            sent: Counters::new(&SENT_MESSAGES),
            processed: Histograms::new(&PROCESS_DURATION),
            topics: Resolved::default(),
            domains: Resolved::default(),
        }
    }
}

impl Meters {
    /// The meter of what is sent to a topic.
    pub(crate) fn of_topic(&self, topic: &str) -> Arc<Topic> {
        self.topics.get(topic, || {
            let of = |error| [KAFKA, "send", topic, error];
            let failed = |error| (self.durations.of(&of(error)), self.sent.of(&of(error)));
            let made = Topic {
                sent: failed(NONE),
                undelivered: failed("undelivered"),
                refused: failed("refused").1,
            };
            (topic.into(), made)
        })
    }

    /// The meter of the work on the requests of a domain.
    pub(crate) fn of_domain(&self, domain: &str) -> Arc<Work> {
        self.domains.get(domain, || {
            let topic = topics::request(domain);
            let of = |error: &str| self.processed.of(&[KAFKA, "process", &topic, error]);
            (domain.into(), Work { answered: of(NONE), failed: of("failed"), late: of("deadline_exceeded") })
        })
    }
}

/// What is sent to one topic.
#[derive(Debug)]
pub(crate) struct Topic {
    sent: (Histogram, Counter),
    undelivered: (Histogram, Counter),
    refused: Counter,
}

impl Topic {
    pub(crate) fn delivered(&self, sent: Instant, is_delivered: bool) {
        let (duration, count) = if is_delivered { &self.sent } else { &self.undelivered };
        duration.record(sent.elapsed());
        count.add();
    }

    /// The client took it not even to its queue.
    pub(crate) fn refused(&self) {
        self.refused.add();
    }
}

/// The work on the requests of one domain.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) answered: Histogram,
    pub(crate) failed: Histogram,
    pub(crate) late: Histogram,
}

impl Bus {
    /// Shows what is measured on this bus.
    pub fn show(&self, metrics: &Metrics) {
        let meters = &self.cluster().meters;
        metrics.show(&meters.durations);
        metrics.show(&meters.sent);
        metrics.show(&meters.processed);
        let counters = Arc::clone(self.counters());
        metrics.observe(&EVENTS, move |told| {
            for (name, count) in counters.read().each() {
                told.tell(&[name], count as f64);
            }
        });
        let lags = self.lags();
        metrics.observe(&CONSUMER_LAG, move |told| {
            for ((domain, topic), lag) in lags.read() {
                told.tell(&[&domain, &topic], lag as f64);
            }
        });
        let lacking = Arc::clone(&self.cluster().lacking);
        metrics.observe(&PARTITIONS_LACKING, move |told| {
            for (topic, lacks) in lacking.lock().iter().flatten() {
                told.tell(&[topic, "replica"], lacks.replica as f64);
                told.tell(&[topic, "leader"], lacks.leader as f64);
            }
        });
    }
}
