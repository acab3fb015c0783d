//! Ends a call at its deadline, even when its caller reads nothing: of HTTP/2 the call, of HTTP/1 its connection.
//!
//! hyper waits for the caller's window before it looks at a body again, so that no body can end itself. But hyper has
//! every call run by an executor of ours, and dropping what it runs resets the call.

use std::future::pending;
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
    /// `None`: nothing has begun that could last too long.
    end: Option<Instant>,
    /// What ends it before that, as soon as it can be told.
    leaving: Option<CancellationToken>,
}

impl Leash {
    /// The leash of the call that this task runs.
    pub(crate) fn of_this_call() -> Self {
        LEASH.try_with(Clone::clone).unwrap_or_else(|_| Self::new(None).0)
    }

    /// Lets the call last until its deadline, and the time that it takes to be told.
    pub(crate) fn until(&self, deadline: Instant) {
        self.0.send_replace(Length { end: Some(deadline + GRACE), leaving: None });
    }

    /// The same, but no longer than until the gateway leaves.
    pub(crate) fn until_leaving(&self, deadline: Instant, leaving: CancellationToken) {
        self.0.send_replace(Length { end: Some(deadline + GRACE), leaving: Some(leaving) });
    }

    /// Runs a call of HTTP/1 on the leash of its connection, which begins anew with it.
    pub(crate) async fn hold<C: Future>(self, call: C) -> C::Output {
        self.until(Instant::now() + UNKNOWN_CALL);
        LEASH.scope(self, call).await
    }

    fn new(end: Option<Instant>) -> (Self, watch::Receiver<Length>) {
        let (sender, receiver) = watch::channel(Length { end, leaving: None });
        (Self(Arc::new(sender)), receiver)
    }
}

/// The leash of a connection of HTTP/1, whose calls come one after the other.
pub(crate) struct Tether {
    leash: Leash,
    until: watch::Receiver<Length>,
}

impl Tether {
    /// Slack until a call of HTTP/1 begins: those of HTTP/2 have leashes of their own.
    pub(crate) fn new() -> Self {
        let (leash, until) = Leash::new(None);
        Self { leash, until }
    }

    /// What the calls of the connection begin with.
    pub(crate) fn leash(&self) -> Leash {
        self.leash.clone()
    }

    /// Waits until a call has lasted too long.
    pub(crate) async fn passed(&mut self, is_calling: impl Fn() -> bool) {
        loop {
            let length = self.until.borrow_and_update().clone();
            tokio::select! {
                () = length.passed() => if is_calling() { return },
                _ = self.until.changed() => continue,
            }
            // Nobody calls now, and who calls next begins anew.
            let _ = self.until.changed().await;
        }
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
        let (leash, until) = Leash::new(Some(Instant::now() + UNKNOWN_CALL));
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
        let Some(end) = self.end else { return pending().await };
        let Some(leaving) = self.leaving else { return sleep_until(end).await };
        tokio::select! {
            () = sleep_until(end) => {}
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

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    #[tokio::test(start_paused = true)]
    async fn a_connection_whose_calls_have_leashes_of_their_own_lasts() {
        let mut tether = Tether::new();
        assert!(timeout(LONG, tether.passed(|| true)).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_of_http1_ends_with_a_call_that_lasts_too_long_and_with_no_other() {
        let mut tether = Tether::new();
        let deadline = Instant::now() + Duration::from_secs(1);
        tether.leash().until(deadline);
        assert!(timeout(LONG, tether.passed(|| false)).await.is_err(), "nobody calls any more");
        let deadline = Instant::now() + Duration::from_secs(1);
        tether.leash().until(deadline);
        timeout(LONG, tether.passed(|| true)).await.expect("it has lasted too long");
        assert_eq!(Instant::now(), deadline + GRACE);
    }
}
