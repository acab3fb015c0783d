//! Goes through what a search finds, the oldest first, as fast as its reader takes it.

use lgsp_core::{Fault, Reason};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::Audit;
use crate::index::{Found, Order, Search};
use crate::service::unanswered;

/// Exchanges that are read at once.
const AT_ONCE: usize = 100;

/// A walk over exchanges. It holds a place until it is dropped, which it is when its reader leaves.
pub(super) struct Walk {
    audit: Audit,
    search: Search,
    deadline: Instant,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

impl Audit {
    /// Begins a walk, after `search.after`.
    ///
    /// # Errors
    /// Too many walk already.
    pub(super) fn walk(&self, search: Search, deadline: Instant) -> Result<Walk, Fault> {
        let place = self.streams.clone().try_acquire_owned();
        let place = place.map_err(|_| {
            Fault::new(Reason::AdapterOverloaded).saying("too many exports and reports already")
        })?;
        let search = Search { order: Order::OldestFirst, limit: AT_ONCE, ..search };
        Ok(Walk { audit: self.clone(), search, deadline, is_over: false, _place: place })
    }
}

impl Walk {
    /// The next few exchanges; none at the end.
    pub async fn next(&mut self) -> Result<Vec<Found>, Fault> {
        if self.is_over {
            return Ok(Vec::new());
        }
        if self.audit.leaving.is_cancelled() {
            return Err(Fault::new(Reason::AdapterOverloaded).saying("the ledger is stopping"));
        }
        let found = self.audit.log.index.search(&self.search, self.deadline).await.map_err(unanswered)?;
        self.is_over = found.len() < AT_ONCE;
        if let Some(last) = found.last() {
            self.search.after = Some(last.at);
        }
        Ok(found)
    }
}
