//! Asks one question after the other, and keeps the time of each.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::case::Case;

/// Until statements are prepared and planned, and what is always read is in memory.
const WARM_UP: Duration = Duration::from_millis(500);
/// PostgreSQL plans a prepared statement anew for its first five calls, if the URL lets it.
const WARM_UP_CALLS: usize = 20;
const WARM_UP_LISTS: usize = 1;
/// Longer than a call may take.
const LONGEST_NS: u64 = 120_000_000_000;

/// What one case took at one size.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Calls; of a stream, whole lists.
    pub calls: u64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub max_us: f64,
    /// Records that came in a second, of a stream.
    pub records_per_second: f64,
}

/// Measures a case for so many seconds, after a warm-up.
///
/// # Errors
/// A question was not answered as expected.
pub async fn measure(case: &Case, seconds: f64) -> Result<Figures> {
    let least = if case.is_stream { WARM_UP_LISTS } else { WARM_UP_CALLS };
    let warmed_up = asked(case, 0, WARM_UP, least).await?;
    let first = usize::try_from(warmed_up.calls)?;
    asked(case, first, Duration::from_secs_f64(seconds), 1).await
}

/// Asks from a question on, for so long and at least so often.
async fn asked(case: &Case, first: usize, length: Duration, least: usize) -> Result<Figures> {
    let mut latencies = Histogram::<u64>::new_with_bounds(1, LONGEST_NS, 3)?;
    let (mut busy, mut records) = (Duration::ZERO, 0);
    let began = Instant::now();
    for call in 0.. {
        if call >= least && began.elapsed() >= length {
            break;
        }
        let answer = case.ask(first + call);
        let asked = Instant::now();
        let answered = answer.await;
        let took = asked.elapsed();
        records += answered.with_context(|| case.name())?;
        busy += took;
        latencies.saturating_record(u64::try_from(took.as_nanos())?);
    }
    let us = |ns: u64| ns as f64 / 1e3;
    Ok(Figures {
        calls: latencies.len(),
        p50_us: us(latencies.value_at_quantile(0.50)),
        p99_us: us(latencies.value_at_quantile(0.99)),
        max_us: us(latencies.max()),
        records_per_second: records as f64 / busy.as_secs_f64(),
    })
}
