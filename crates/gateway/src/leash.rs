//! Ends a call of HTTP/2 at its deadline, even when its caller reads nothing.
//!
//! hyper waits for the caller's window before it looks at a body again, so that no body can end itself. But hyper has
//! every call run by an executor of ours, and dropping what it runs resets the call.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::rt::Executor;
use lgsp_runtime::shutdown::Group;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::stats::Stats;

/// How long a call may take to say who calls and how long it may last.
const UNKNOWN_CALL: Duration = Duration::from_secs(10);
/// Time for the answer of a deadline to be read. Together with it, a call ends well before 250 ms have passed.
const GRACE: Duration = Duration::from_millis(150);

tokio::task_local! {
    static LEASH: Leash;
}

/// How long a call may last. A cheap handle.
#[derive(Clone)]
pub(crate) struct Leash(Arc<watch::Sender<Length>>);

/// When a call ends at the latest.
#[derive(Clone)]
struct Length {
    end: Instant,
    /// What ends it before that, as soon as it can be told.
    leaving: Option<CancellationToken>,
}

impl Leash {
    /// The leash of the call that this task runs; one that holds nothing on HTTP/1.
    pub(crate) fn of_this_call() -> Self {
        LEASH.try_with(Clone::clone).unwrap_or_else(|_| Self::new().0)
    }

    /// Lets the call last until its deadline, and the time that it takes to be told.
    pub(crate) fn until(&self, deadline: Instant) {
        self.0.send_replace(Length { end: deadline + GRACE, leaving: None });
    }

    /// The same, but no longer than until the gateway leaves.
    pub(crate) fn until_leaving(&self, deadline: Instant, leaving: CancellationToken) {
        self.0.send_replace(Length { end: deadline + GRACE, leaving: Some(leaving) });
    }

    fn new() -> (Self, watch::Receiver<Length>) {
        let length = Length { end: Instant::now() + UNKNOWN_CALL, leaving: None };
        let (sender, receiver) = watch::channel(length);
        (Self(Arc::new(sender)), receiver)
    }
}

/// Runs the calls of connections, each on its leash.
#[derive(Clone)]
pub(crate) struct Leashed {
    pub(crate) calls: Group,
    pub(crate) stats: Arc<Stats>,
}

impl<F> Executor<F> for Leashed
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, call: F) {
        let stats = self.stats.clone();
        let (leash, until) = Leash::new();
        // On the heap, because the layers around it would copy it.
        let call = Box::pin(LEASH.scope(leash, call));
        // Its end is awaited by the group.
        drop(self.calls.spawn(async move {
            tokio::select! {
                biased;
                () = call => {}
                () = passed(until) => Stats::count(&stats.resets),
            }
        }));
    }
}

impl Length {
    async fn passed(self) {
        let Some(leaving) = self.leaving else { return sleep_until(self.end).await };
        tokio::select! {
            () = sleep_until(self.end) => {}
            () = leaving.cancelled() => sleep(GRACE).await,
        }
    }
}

async fn passed(mut until: watch::Receiver<Length>) {
    loop {
        let length = until.borrow_and_update().clone();
        let mut passed = pin!(length.passed());
        tokio::select! {
            () = passed.as_mut() => return,
            changed = until.changed() => {
                if changed.is_err() {
                    // Nobody can lengthen it any more.
                    return passed.await;
                }
            }
        }
    }
}
