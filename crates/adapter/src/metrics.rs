//! How long the queries of a source take, and their spans. No statement and no value of one is told.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use lgsp_runtime::metrics::{Histogram, Histograms, Kind, Metric, Metrics, Resolved, Unit};
use lgsp_runtime::telemetry;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, debug_span};

use crate::SourceError;

/// How long a query of a source took.
pub const QUERY_DURATION: Metric = Metric {
    name: "db.client.operation.duration",
    kind: Kind::Histogram,
    unit: Unit::Seconds,
    labels: &["db.system.name", "db.operation.name", "lgsp.domain", "error.type"],
    help: "Queries of a source, from asking until all of the answer is read",
};

/// The metrics of this crate.
pub const ALL: &[&Metric] = &[&QUERY_DURATION];

const KIND: &str = "otel.kind";
const STATUS: &str = "otel.status_code";
const SYSTEM: &str = "db.system.name";
const OPERATION: &str = "db.operation.name";
const BATCH: &str = "db.operation.batch.size";
const ERROR: &str = "error.type";
/// The error of a query that has none.
const NONE: &str = "";

/// Measures the queries of one source. A cheap handle.
#[derive(Clone, Debug)]
pub struct Queries {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    system: &'static str,
    operation: &'static str,
    durations: Histograms,
    /// The domain, once it is known whose source it is.
    shown: OnceLock<Shown>,
}

#[derive(Debug)]
struct Shown {
    domain: &'static str,
    answered: Histogram,
    failed: Resolved<&'static str, Histogram>,
}

impl Queries {
    /// Of a kind of database, whose queries are all one operation, such as `SELECT`.
    pub fn of(system: &'static str, operation: &'static str) -> Self {
        let durations = Histograms::new(&QUERY_DURATION);
        let shared = Shared { system, operation, durations, shown: OnceLock::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Shows what is measured from now on, as of a domain.
    pub fn show(&self, metrics: &Metrics, domain: &'static str) {
        self.shared.shown.get_or_init(|| {
            metrics.show(&self.shared.durations);
            Shown { domain, answered: self.shared.of(domain, NONE), failed: Resolved::default() }
        });
    }

    /// Measures one round of so many queries, in a span of its own.
    ///
    /// # Errors
    /// What the round fails with.
    pub async fn measure<T, E>(
        &self,
        batch: usize,
        round: impl Future<Output = Result<T, E>>,
        cause: impl FnOnce(&E) -> &'static str,
    ) -> Result<T, E> {
        let (span, begun) = (self.span(batch), Instant::now());
        let answer = round.instrument(span.clone()).await;
        let failed = answer.as_ref().err().map(cause);
        if let Some(cause) = failed {
            span.record(ERROR, cause).record(STATUS, "error");
        }
        self.shared.record(begun, failed, &span);
        answer
    }

    fn span(&self, batch: usize) -> Span {
        let span = debug_span!(
            "query",
            { KIND } = "client",
            { STATUS } = Empty,
            { SYSTEM } = self.shared.system,
            { OPERATION } = self.shared.operation,
            { BATCH } = Empty,
            { ERROR } = Empty,
        );
        // The conventions have it for two and more.
        if batch > 1 {
            span.record(BATCH, batch);
        }
        span
    }
}

impl Shared {
    fn of(&self, domain: &str, cause: &str) -> Histogram {
        self.durations.of(&[self.system, self.operation, domain, cause])
    }

    fn record(&self, begun: Instant, failed: Option<&'static str>, span: &Span) {
        let Some(shown) = self.shown.get() else { return };
        let (took, trace) = (begun.elapsed(), telemetry::trace(span));
        match failed {
            None => shown.answered.record_of(took, trace),
            Some(cause) => {
                shown.failed.get(cause, || (cause, self.of(shown.domain, cause))).record_of(took, trace);
            }
        }
    }
}

/// The cause of a database's error, as [`SourceError`] has it.
pub(crate) fn cause(error: &lgsp_store::Error) -> &'static str {
    use lgsp_store::Error as Store;
    match error {
        Store::TimedOut => SourceError::TimedOut.cause(),
        Store::Unreachable { .. }
        | Store::Denied { .. }
        | Store::Busy { .. }
        | Store::Damaged { .. }
        | Store::Failed { .. } => "unavailable",
        Store::Options { .. } | Store::Schema { .. } | Store::Value { .. } | Store::Newer { .. } => {
            "unexpected"
        }
    }
}
