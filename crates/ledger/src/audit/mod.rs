//! The log for auditors: found, proven, told, and what the law lets be forgotten or withheld.
//!
//! What is asked comes in clear and is hashed here before anything is looked for ([`filter`], [`subject`]). Answers are read from the
//! index, the log and the erasable parts, piece by piece: a stream holds nothing that its reader has not taken ([`walk`]). What is decided
//! becomes an entry first, and is carried out where it is filed ([`decide`]).

mod anomalies;
mod completeness;
mod decide;
mod decided;
mod destroy;
mod erase;
mod exchange;
mod export;
mod exposure;
mod filter;
mod report;
mod search;
mod service;
mod subject;
mod unreadable;
mod walk;

use std::error::Error;
use std::future::Future;
use std::sync::Arc;

use lgsp_core::{Fault, Reason};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

pub(crate) use anomalies::Anomalies;
pub(crate) use decide::Desk;
pub(crate) use filter::search_of;
pub(crate) use subject::{Subjects, is_month};

use crate::erasable::Erasables;
use crate::seal::Prover;
use crate::service::{Service, unanswered};

/// Most exports and reports at once.
const MOST_STREAMS: usize = 8;

/// The service of auditors. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    /// What it shares with the service of operators.
    pub log: Service,
    pub erasables: Erasables,
    pub subjects: Subjects,
    pub desk: Desk,
    /// Proves entries; none if the log is not sealed.
    pub prover: Option<Prover>,
    /// For exports and reports.
    pub streams: Arc<Semaphore>,
    pub leaving: CancellationToken,
}

impl Audit {
    pub fn new(
        log: Service,
        erasables: Erasables,
        prover: Option<Prover>,
        desk: Desk,
        subjects: Subjects,
        leaving: CancellationToken,
    ) -> Self {
        let streams = Arc::new(Semaphore::new(MOST_STREAMS));
        Self { log, erasables, subjects, desk, prover, streams, leaving }
    }

    fn prover(&self) -> Result<&Prover, Fault> {
        self.prover.as_ref().ok_or_else(|| Reason::NotSealed.into())
    }
}

/// Waits for a store until the deadline.
async fn in_time<T, E: Error + Send + Sync + 'static>(
    deadline: Instant,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, Fault> {
    timeout_at(deadline, asked).await.map_err(unanswered)?.map_err(unanswered)
}
