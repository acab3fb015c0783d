use std::time::Duration;

use lgsp_core::{Fault, Reason};
use tokio::time::Instant;
use tonic::metadata::MetadataMap;

use crate::SourceError;

/// gRPC's own header: at most eight digits and a unit.
const GRPC_TIMEOUT: &str = "grpc-timeout";
/// Bounds the work of a call that brings no deadline. The bus always brings one.
const WITHOUT_A_DEADLINE: Duration = Duration::from_secs(30);

/// Until when a request may be worked on, and how long one query of it may take.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    request: Instant,
    query_timeout: Duration,
}

impl Deadline {
    /// Reads the deadline that came with a request: its `grpc-timeout`, counted from now.
    pub fn of<T>(request: &tonic::Request<T>, query_timeout: Duration) -> Self {
        let left = grpc_timeout(request.metadata()).unwrap_or(WITHOUT_A_DEADLINE);
        Self { request: Instant::now() + left, query_timeout }
    }

    /// Until when a query that begins now may run.
    pub fn of_query(&self) -> Instant {
        self.request.min(Instant::now() + self.query_timeout)
    }

    /// The record that the source found.
    ///
    /// # Errors
    /// The source found none, or did not answer.
    pub fn found<T>(&self, answer: Result<Option<T>, SourceError>) -> Result<T, Fault> {
        answer.map_err(|error| self.fault(error))?.ok_or_else(|| Fault::new(Reason::NotFound))
    }

    /// What a failure of the source means to the caller: past the request's deadline it is that, and before it the
    /// source's.
    pub fn fault(&self, error: SourceError) -> Fault {
        tracing::debug!(cause = error.cause(), "source failed");
        let reason = match error {
            SourceError::TimedOut if Instant::now() >= self.request => Reason::DeadlineExceeded,
            SourceError::TimedOut | SourceError::Unavailable(_) => Reason::SourceUnavailable,
            SourceError::Unexpected(_) | SourceError::Contradictory => Reason::AdapterFailed,
        };
        Fault::new(reason).because(error)
    }
}

/// Reads the header as the gRPC specification writes it: `5S`, `250m`. What is not so written does not count.
fn grpc_timeout(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeout_of(text: &'static str) -> Option<Duration> {
        let mut metadata = MetadataMap::new();
        metadata.insert(GRPC_TIMEOUT, tonic::metadata::MetadataValue::from_static(text));
        grpc_timeout(&metadata)
    }

    #[test]
    fn a_timeout_is_read_as_the_specification_writes_it() {
        assert_eq!(timeout_of("5S"), Some(Duration::from_secs(5)));
        assert_eq!(timeout_of("250m"), Some(Duration::from_millis(250)));
        assert_eq!(timeout_of("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        for text in ["", "S", "5", "5s", "-5S", "123456789S"] {
            assert_eq!(timeout_of(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn a_query_ends_with_its_request_or_its_own_bound_whichever_is_first() {
        let mut request = tonic::Request::new(());
        request.set_timeout(Duration::from_millis(100));
        let bound = |query| Deadline::of(&request, query).of_query().duration_since(Instant::now());
        assert!(bound(Duration::from_secs(4)) <= Duration::from_millis(100));
        assert!(bound(Duration::from_millis(10)) <= Duration::from_millis(10));
    }

    #[test]
    fn a_slow_source_and_a_late_request_are_told_apart() {
        let now = Instant::now();
        let late = Deadline { request: now, query_timeout: Duration::ZERO };
        assert_eq!(late.fault(SourceError::TimedOut).reason(), Reason::DeadlineExceeded);
        let early = Deadline { request: now + Duration::from_secs(60), query_timeout: Duration::ZERO };
        assert_eq!(early.fault(SourceError::TimedOut).reason(), Reason::SourceUnavailable);
    }
}
