//! Until when an exchange may last, by this process's own monotonic clock.

use std::time::{Duration, SystemTime};

use lgsp_core::time::unix_micros;
use lgsp_core::{Fault, Hop, Reason};
use tokio::time::Instant;

/// The gateway answers this much before its caller gives up, so that the caller gets our answer and not its own.
const LARGEST_MARGIN: Duration = Duration::from_millis(50);

/// The end of an exchange, on two clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    /// For the provider and the entry.
    pub(crate) unix_us: i64,
}

/// When a call arrived, on two clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    pub(crate) unix_us: i64,
}

impl Arrival {
    pub(crate) fn now() -> Self {
        Self { at: Instant::now(), unix_us: unix_micros(SystemTime::now()) }
    }
}

impl Deadline {
    /// The caller's own time-out less a margin, and the method's bound: whichever ends first.
    pub(crate) fn of(arrival: Arrival, timeout: Option<Duration>, bound: Duration) -> Result<Self, Fault> {
        let own = match timeout {
            Some(Duration::ZERO) => return Err(Reason::DeadlinePast.into()),
            Some(timeout) => timeout - (timeout / 10).min(LARGEST_MARGIN),
            None => bound,
        };
        Ok(Self::after(arrival, own.min(bound)))
    }

    pub(crate) fn after(arrival: Arrival, left: Duration) -> Self {
        let micros = i64::try_from(left.as_micros()).unwrap_or(i64::MAX);
        Self { at: arrival.at + left, unix_us: arrival.unix_us.saturating_add(micros) }
    }
}

/// Nothing is released after the deadline, even if its entry came.
pub(crate) fn still_in_time(deadline: Instant) -> Result<(), Fault> {
    let late = || Fault::new(Reason::DeadlineExceeded).at(Hop::Broker);
    if Instant::now() >= deadline { Err(late()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(timeout_ms: Option<u64>, bound_ms: u64) -> Duration {
        let arrival = Arrival::now();
        let timeout = timeout_ms.map(Duration::from_millis);
        Deadline::of(arrival, timeout, Duration::from_millis(bound_ms)).unwrap().at - arrival.at
    }

    #[test]
    fn the_gateway_answers_before_its_caller_gives_up() {
        assert_eq!(left(Some(2_000), 5_000), Duration::from_millis(1_950));
        assert_eq!(
            left(Some(10), 5_000),
            Duration::from_millis(9),
            "a short time-out keeps most of its time"
        );
    }

    #[test]
    fn a_method_bounds_every_deadline() {
        assert_eq!(left(None, 5_000), Duration::from_secs(5));
        assert_eq!(left(Some(60_000), 5_000), Duration::from_secs(5));
    }

    #[test]
    fn a_time_out_of_nothing_is_past() {
        let past = Deadline::of(Arrival::now(), Some(Duration::ZERO), Duration::from_secs(5));
        assert_eq!(past.unwrap_err().reason(), Reason::DeadlinePast);
    }

    #[test]
    fn an_entry_that_came_at_the_deadline_or_after_it_releases_nothing() {
        assert!(still_in_time(Instant::now() + Duration::from_secs(60)).is_ok());
        let late = still_in_time(Instant::now()).unwrap_err();
        assert_eq!((late.reason(), late.hop()), (Reason::DeadlineExceeded, Hop::Broker));
    }
}
