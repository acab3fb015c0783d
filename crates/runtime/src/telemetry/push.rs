//! Sends the metrics of a process to a collector, every few seconds and once more at its end.

use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};
use tracing::{debug, info, warn};

use crate::State;
use crate::metrics::otlp::{self, Span};

/// How often they are sent.
const EVERY: Duration = Duration::from_secs(10);
/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The task that sends them.
#[derive(Debug)]
pub(super) struct Push {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Push {
    pub(super) fn start(endpoint: Endpoint, state: State) -> Self {
        let stop = CancellationToken::new();
        let client = MetricsServiceClient::new(endpoint.connect_lazy());
        let task = tokio::spawn(run(client, state, stop.clone()));
        Self { stop, task }
    }

    /// Sends them once more.
    pub(super) async fn finish(self, bound: Duration) {
        self.stop.cancel();
        if timeout(bound, self.task).await.is_err() {
            warn!("last metrics not exported");
        }
    }
}

async fn run(mut client: MetricsServiceClient<Channel>, state: State, stop: CancellationToken) {
    let started = unix_nanos();
    let mut every = interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reached = true;
    loop {
        let goes_on = stop.run_until_cancelled(every.tick()).await.is_some();
        let span = Span { started, now: unix_nanos() };
        let request = otlp::request(state.metrics(), state.instance(), span);
        let sent = matches!(timeout(PATIENCE, client.export(request)).await, Ok(Ok(_)));
        match (reached, sent) {
            (true, false) => warn!("collector does not take metrics"),
            (false, true) => info!("collector takes metrics"),
            (false, false) => debug!("collector still does not take metrics"),
            (true, true) => {}
        }
        reached = sent;
        if !goes_on {
            return;
        }
    }
}

fn unix_nanos() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
