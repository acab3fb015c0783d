//! Ends a call of HTTP/2 at its deadline, even when its caller reads nothing.
//!
//! hyper waits for the caller's window before it looks at a body again, so that no body can end itself. But hyper has
//! every call run by an executor of ours, and dropping what it runs resets the call.

use std::sync::Arc;
use std::time::Duration;

use hyper::rt::Executor;
use lgsp_runtime::shutdown::Group;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

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
pub(crate) struct Leash(Arc<watch::Sender<Instant>>);

impl Leash {
    /// The leash of the call that this task runs; one that holds nothing on HTTP/1.
    pub(crate) fn of_this_call() -> Self {
        LEASH.try_with(Clone::clone).unwrap_or_else(|_| Self::new().0)
    }

    /// Lets the call last until its deadline, and the time that it takes to be told.
    pub(crate) fn until(&self, deadline: Instant) {
        self.0.send_replace(deadline + GRACE);
    }

    fn new() -> (Self, watch::Receiver<Instant>) {
        let (sender, receiver) = watch::channel(Instant::now() + UNKNOWN_CALL);
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
        // Its end is awaited by the group.
        drop(self.calls.spawn(async move {
            let (leash, until) = Leash::new();
            tokio::select! {
                biased;
                () = LEASH.scope(leash, call) => {}
                () = passed(until) => Stats::count(&stats.resets),
            }
        }));
    }
}

async fn passed(mut until: watch::Receiver<Instant>) {
    loop {
        let end = *until.borrow_and_update();
        tokio::select! {
            () = sleep_until(end) => return,
            changed = until.changed() => {
                if changed.is_err() {
                    // Nobody can lengthen it any more.
                    return sleep_until(end).await;
                }
            }
        }
    }
}
