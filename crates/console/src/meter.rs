//! Rates and latencies of the last hour, from what roles tell at `/metrics` of their admin ports. Bounded, and without I/O.
//!
//! Counters only grow, and begin anew with a process: what is kept is by how much each has grown from one reading to the next, summed up
//! over all ports.

use std::collections::{HashMap, VecDeque};

use lgsp_runtime::metrics::samples;

/// The upper bounds of durations, in seconds, as every role has them; what took longer is in one more bucket.
pub(crate) use lgsp_runtime::metrics::DURATIONS as BOUNDS;
const BUCKETS: usize = BOUNDS.len() + 1;
/// How long readings are kept.
pub(crate) const KEPT_US: i64 = 3_600_000_000;
/// Most readings.
const MOST_TICKS: usize = 720;
/// Most links that are measured.
const MOST_LINKS: usize = 512;

/// What came of exchanges, as screens have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    Served,
    NotFound,
    Refused,
    Failed,
}

impl Came {
    pub(crate) const ALL: [Self; 4] = [Self::Served, Self::NotFound, Self::Refused, Self::Failed];

    fn of(outcome: &str) -> Self {
        match outcome {
            "SERVED" => Self::Served,
            "NOT_FOUND" => Self::NotFound,
            "DENIED" | "INVALID" => Self::Refused,
            // Cancelled ones too: nobody was served.
            _ => Self::Failed,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::NotFound => "not-found",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// Counts, in total or of a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// By [`Came`].
    pub(crate) came: [u64; 4],
    /// How many took no longer than each bound, and how many there are.
    at_most: [u64; BUCKETS],
}

impl Counts {
    pub(crate) fn all(&self) -> u64 {
        self.came.iter().sum()
    }

    pub(crate) fn failed(&self) -> u64 {
        self.came[Came::Failed as usize]
    }

    /// How many were timed.
    pub(crate) fn timed(&self) -> u64 {
        self.at_most[BUCKETS - 1]
    }

    /// How many fell into each bucket.
    pub(crate) fn buckets(&self) -> [u64; BUCKETS] {
        let mut below = 0;
        self.at_most.map(|at_most| {
            let own = at_most.saturating_sub(below);
            below = at_most;
            own
        })
    }

    /// The time in seconds that a part of them did not exceed, as near as the buckets tell it; `None` of nothing.
    pub(crate) fn quantile(&self, part: f64) -> Option<f64> {
        let rank = self.timed() as f64 * part;
        if self.timed() == 0 {
            return None;
        }
        let place = self.at_most.iter().position(|at_most| *at_most as f64 >= rank)?;
        let upper = *BOUNDS.get(place).unwrap_or(&BOUNDS[BOUNDS.len() - 1]);
        let (lower, below) = match place.checked_sub(1) {
            Some(before) => (BOUNDS[before], self.at_most[before]),
            None => (0.0, 0),
        };
        let own = self.at_most[place].saturating_sub(below).max(1) as f64;
        Some(lower + (upper - lower).max(0.0) * ((rank - below as f64) / own).clamp(0.0, 1.0))
    }

    fn add(&mut self, other: &Self) {
        self.came.iter_mut().zip(other.came).for_each(|(own, other)| *own += other);
        self.at_most.iter_mut().zip(other.at_most).for_each(|(own, other)| *own += other);
    }

    /// By how much it has grown. A counter that shrank began anew.
    fn since(&self, before: &Self) -> Self {
        let grown = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now);
        let mut grew = *self;
        grew.came.iter_mut().zip(before.came).for_each(|(now, before)| *now = grown(*now, before));
        grew.at_most.iter_mut().zip(before.at_most).for_each(|(now, before)| *now = grown(*now, before));
        grew
    }
}

/// All counts of one port, by what they are about: `application/tthc`, `provider/land`, `source/land`, `broker/kafka`, `gateway`.
pub(crate) type Reading = HashMap<String, Counts>;

/// Whose counts those of all gateways together are.
pub(crate) const GATEWAY: &str = "gateway";
pub(crate) const BROKER: &str = "broker/kafka";
const SOURCE: &str = "source/";

/// Under which name a link is measured.
pub(crate) fn name_of(link: &str) -> &str {
    // All sources of a domain are measured as one.
    match link.strip_prefix(SOURCE).and_then(|rest| rest.find('/')) {
        Some(end) => &link[..SOURCE.len() + end],
        None => link,
    }
}

/// The readings of the last hour.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    last: HashMap<String, Reading>,
    ticks: VecDeque<Tick>,
}

#[derive(Debug)]
struct Tick {
    at_us: i64,
    took_us: i64,
    grew: Reading,
}

impl Meter {
    /// Takes what all ports told at one moment.
    pub(crate) fn take(&mut self, readings: Vec<(String, Reading)>, at_us: i64) {
        let took_us = at_us - self.ticks.back().map_or(at_us, |tick| tick.at_us);
        let mut grew = Reading::new();
        for (port, reading) in readings {
            if let Some(before) = self.last.get(&port) {
                for (name, counts) in &reading {
                    let nothing = Counts::default();
                    let counts = counts.since(before.get(name).unwrap_or(&nothing));
                    if grew.len() < MOST_LINKS || grew.contains_key(name) {
                        grew.entry(name.clone()).or_default().add(&counts);
                    }
                }
            }
            self.last.insert(port, reading);
        }
        self.ticks.push_back(Tick { at_us, took_us, grew });
        while self.ticks.len() > MOST_TICKS
            || self.ticks.front().is_some_and(|tick| tick.at_us < at_us - KEPT_US)
        {
            self.ticks.pop_front();
        }
    }

    /// What was counted in the last so many microseconds, and how long that is.
    pub(crate) fn last(&self, name: &str, us: i64) -> (Counts, i64) {
        let newest = self.ticks.back().map_or(0, |tick| tick.at_us);
        let (mut counts, mut took_us) = (Counts::default(), 0);
        for tick in self.ticks.iter().rev().take_while(|tick| tick.at_us > newest - us) {
            took_us += tick.took_us;
            if let Some(grew) = tick.grew.get(name) {
                counts.add(grew);
            }
        }
        (counts, took_us)
    }

    /// How many a minute there were in the last minute; `None` before the second reading.
    pub(crate) fn per_minute(&self, name: &str) -> Option<f64> {
        let (counts, took_us) = self.last(name, 60_000_000);
        (took_us > 0).then(|| counts.all() as f64 * 60_000_000.0 / took_us as f64)
    }

    /// The kept while in so many equal parts, oldest first.
    pub(crate) fn parts(&self, name: &str, parts: usize) -> Vec<Counts> {
        let newest = self.ticks.back().map_or(0, |tick| tick.at_us);
        let mut counts = vec![Counts::default(); parts];
        for tick in &self.ticks {
            let ago = (newest - tick.at_us).max(0) as usize * parts / KEPT_US as usize;
            if let (Some(grew), Some(part)) = (tick.grew.get(name), parts.checked_sub(ago + 1)) {
                counts[part].add(grew);
            }
        }
        counts
    }

    /// When it was read last.
    pub(crate) fn newest_us(&self) -> i64 {
        self.ticks.back().map_or(0, |tick| tick.at_us)
    }
}

/// Reads what a port shows. What is not understood counts nothing.
pub(crate) fn read(page: &str, domain_of: impl Fn(&str) -> String) -> Reading {
    let mut reading = Reading::new();
    for sample in samples::read(page) {
        if !sample.value.is_finite() || sample.value < 0.0 {
            continue;
        }
        let (value, label) = (sample.value as u64, |name: &str| sample.label(name));
        let come = |reading: &mut Reading, name: String, came: Came| {
            reading.entry(name).or_default().came[came as usize] += value;
        };
        let take = |reading: &mut Reading, name: String| {
            let bound = label("le").parse::<f64>().ok();
            let place = bound.and_then(|bound| BOUNDS.iter().position(|known| (known - bound).abs() < 1e-9));
            let place = if label("le") == "+Inf" { Some(BUCKETS - 1) } else { place };
            if let Some(place) = place {
                reading.entry(name).or_default().at_most[place] += value;
            }
        };
        match sample.name.as_str() {
            // A stream lasts as long as somebody listens, which says nothing of the hub.
            "rpc_server_call_duration_seconds_bucket" if label("rpc_method").contains("/Follow") => {}
            "rpc_server_call_duration_seconds_bucket" => {
                take(&mut reading, format!("provider/{}", domain_of(label("rpc_method"))));
                take(&mut reading, GATEWAY.to_owned());
            }
            "rpc_server_call_duration_seconds_count" => {
                let came = Came::of(label("lgsp_exchange_outcome"));
                come(&mut reading, format!("provider/{}", domain_of(label("rpc_method"))), came);
                come(&mut reading, GATEWAY.to_owned(), came);
            }
            "lgsp_exchange_ended_total" => {
                let came = Came::of(label("lgsp_exchange_outcome"));
                come(&mut reading, format!("application/{}", label("lgsp_application_id")), came);
            }
            "db_client_operation_duration_seconds_bucket" => {
                take(&mut reading, format!("source/{}", label("lgsp_domain")));
            }
            "db_client_operation_duration_seconds_count" => {
                come(&mut reading, format!("source/{}", label("lgsp_domain")), of_error(label("error_type")));
            }
            "messaging_client_operation_duration_seconds_bucket"
                if label("messaging_operation_name") == "send" =>
            {
                take(&mut reading, BROKER.to_owned());
            }
            "messaging_client_operation_duration_seconds_count"
                if label("messaging_operation_name") == "send" =>
            {
                come(&mut reading, BROKER.to_owned(), of_error(label("error_type")));
            }
            _ => {}
        }
    }
    reading
}

fn of_error(error: &str) -> Came {
    if error.is_empty() { Came::Served } else { Came::Failed }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: i64 = 1_000_000;

    /// So many calls of 40 ms at most, and so many of 80 ms.
    fn page(served: u64, slow: u64) -> String {
        let labels = r#"rpc_method="lgsp.land.v1.LandService/GetParcel",lgsp_exchange_outcome="SERVED""#;
        let all = served + slow;
        let mut page = format!(
            "# TYPE rpc_server_call_duration_seconds histogram\n\
             rpc_server_call_duration_seconds_count{{{labels}}} {all}\n\
             lgsp_exchange_ended_total{{lgsp_application_id=\"a\\\"b\",lgsp_exchange_outcome=\"FAILED\"}} {slow}\n\
             broken{{x=\"\n"
        );
        let at_most = |bound: f64| match bound {
            bound if bound < 0.04 => 0,
            bound if bound < 0.08 => served,
            _ => all,
        };
        for bound in BOUNDS {
            let line = format!("{{{labels},le=\"{bound:?}\"}} {}\n", at_most(bound));
            page.push_str(&format!("rpc_server_call_duration_seconds_bucket{line}"));
        }
        page.push_str(&format!("rpc_server_call_duration_seconds_bucket{{{labels},le=\"+Inf\"}} {all}\n"));
        page
    }

    fn reading(served: u64, slow: u64) -> Vec<(String, Reading)> {
        vec![("hub".to_owned(), read(&page(served, slow), |_| "land".to_owned()))]
    }

    #[test]
    fn growth_is_measured_and_a_process_that_begins_anew_takes_nothing_away() {
        let mut meter = Meter::default();
        meter.take(reading(1_000, 0), 0);
        assert_eq!(
            meter.per_minute("provider/land"),
            None,
            "what was before it looked is not of this minute"
        );
        meter.take(reading(1_030, 10), 20 * SECOND_US);
        assert_eq!(meter.per_minute("provider/land"), Some(120.0));
        meter.take(reading(5, 0), 40 * SECOND_US);
        let (counts, took_us) = meter.last("provider/land", KEPT_US);
        assert_eq!((counts.all(), took_us), (45, 40 * SECOND_US));
        let (failed, _) = meter.last("application/a\"b", KEPT_US);
        assert_eq!(failed.failed(), 10);
        meter.take(Vec::new(), 60 * SECOND_US);
        meter.take(reading(6, 0), 80 * SECOND_US);
        assert_eq!(meter.last("provider/land", KEPT_US).0.all(), 46, "a port that did not answer once");
    }

    #[test]
    fn a_quantile_is_read_within_its_bucket() {
        let mut meter = Meter::default();
        meter.take(reading(0, 0), 0);
        meter.take(reading(90, 10), SECOND_US);
        let counts = meter.last("provider/land", KEPT_US).0;
        assert_eq!(counts.quantile(0.95), Some(0.0875));
        assert!(counts.quantile(0.5).is_some_and(|it| (0.025..=0.05).contains(&it)));
        assert_eq!(Counts::default().quantile(0.5), None);
        assert_eq!(counts.buckets().iter().sum::<u64>(), 100);
    }

    #[test]
    fn readings_are_bounded_and_the_hour_is_told_in_parts() {
        let mut meter = Meter::default();
        for tick in 0..2_000 {
            meter.take(reading(tick, 0), tick as i64 * 5 * SECOND_US);
        }
        assert!(meter.ticks.len() <= MOST_TICKS);
        let parts = meter.parts("provider/land", 60);
        assert!(
            parts[1..].iter().all(|part| part.all() == 12),
            "{:?}",
            parts.iter().map(Counts::all).collect::<Vec<_>>()
        );
    }

    #[test]
    fn the_sources_of_a_domain_are_measured_as_one() {
        assert_eq!(name_of("source/land/land-office"), "source/land");
        assert_eq!(name_of("provider/land"), "provider/land");
        assert_eq!(name_of("source/land"), "source/land");
    }
}
