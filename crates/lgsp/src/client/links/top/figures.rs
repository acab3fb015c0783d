//! Rates, times and the like, from what processes tell at `/metrics`. Pure.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lgsp_runtime::metrics::samples::Sample;

/// Over how long rates are told.
const WINDOW: Duration = Duration::from_secs(15);
/// Most readings of a port that are kept.
const MOST_READINGS: usize = 32;

/// What passes, by whom and how fast.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rate {
    /// Exchanges per second that ended.
    pub per_second: f64,
    /// The share of them that failed or timed out.
    pub failed: f64,
    /// Seconds within which half of them were answered; `None`: nobody measures it of this.
    pub p50: Option<f64>,
    /// Seconds within which 99 of 100 were.
    pub p99: Option<f64>,
}

/// The numbers of a hub.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Of everything; `None` until two readings are there.
    pub whole: Option<Rate>,
    /// By application.
    pub applications: BTreeMap<String, Rate>,
    /// By domain.
    pub domains: BTreeMap<String, Rate>,
    /// Exchanges in flight: interactive, and bulk.
    pub in_flight: Option<(u64, u64)>,
    /// Entries that are filed and not sealed.
    pub unsealed: Option<i64>,
    /// Requests on Kafka that nobody has answered, by domain.
    pub lags: BTreeMap<String, i64>,
    /// Admin ports that answer…
    pub answering: usize,
    /// …of those that are known.
    pub asked: usize,
}

/// The readings of every port, the newest last.
#[derive(Debug, Default)]
pub(super) struct Readings {
    ports: BTreeMap<SocketAddr, VecDeque<(Instant, Reading)>>,
}

/// What one port tells, as far as it is needed.
#[derive(Clone, Debug, Default)]
struct Reading {
    /// Exchanges that ended, and those that failed, by domain and application.
    ended: BTreeMap<(String, String), (f64, f64)>,
    /// Exchanges by domain that took no longer than the key: cumulative, in order.
    took: BTreeMap<String, Vec<(f64, f64)>>,
    in_flight: Option<(u64, u64)>,
    unsealed: Option<i64>,
    lags: BTreeMap<String, i64>,
}

impl Readings {
    /// Takes what a port tells.
    pub(super) fn take(&mut self, port: SocketAddr, samples: &[Sample], now: Instant) {
        let readings = self.ports.entry(port).or_default();
        // The one at the beginning of the window stays.
        while readings.get(1).is_some_and(|(at, _)| now.saturating_duration_since(*at) >= WINDOW)
            || readings.len() >= MOST_READINGS
        {
            readings.pop_front();
        }
        readings.push_back((now, Reading::of(samples)));
    }

    /// A port that does not answer says nothing, and begins anew.
    pub(super) fn lose(&mut self, port: SocketAddr) {
        self.ports.remove(&port);
    }

    pub(super) fn figures(&self, asked: usize) -> Figures {
        let mut figures = Figures { asked, answering: self.ports.len(), ..Figures::default() };
        let (mut whole, mut applications, mut domains) =
            (Gained::default(), BTreeMap::<_, Gained>::new(), BTreeMap::<_, Gained>::new());
        let mut is_measured = false;
        for readings in self.ports.values() {
            let Some((until, last)) = readings.back() else { continue };
            figures.add_now(last);
            let Some((since, first)) = readings.front().filter(|(since, _)| since < until) else { continue };
            is_measured = true;
            let seconds = until.duration_since(*since).as_secs_f64();
            for ((domain, application), (ended, failed)) in &last.ended {
                let before = first.ended.get(&(domain.clone(), application.clone()));
                let (ended_before, failed_before) = before.copied().unwrap_or_default();
                let gained = [(*ended, ended_before), (*failed, failed_before)].map(gain);
                for sum in [
                    &mut whole,
                    applications.entry(application.clone()).or_default(),
                    domains.entry(domain.clone()).or_default(),
                ] {
                    sum.add(gained, seconds);
                }
            }
            for (domain, took) in &last.took {
                let before = first.took.get(domain).map(Vec::as_slice).unwrap_or_default();
                whole.add_times(took, before);
                domains.entry(domain.clone()).or_default().add_times(took, before);
            }
        }
        figures.whole = is_measured.then(|| whole.rate());
        figures.applications = applications.into_iter().map(|(name, sum)| (name, sum.rate())).collect();
        figures.domains = domains.into_iter().map(|(name, sum)| (name, sum.rate())).collect();
        figures
    }
}

impl Figures {
    fn add_now(&mut self, reading: &Reading) {
        if let Some((interactive, bulk)) = reading.in_flight {
            let (known, known_bulk) = self.in_flight.unwrap_or_default();
            self.in_flight = Some((known + interactive, known_bulk + bulk));
        }
        if let Some(unsealed) = reading.unsealed {
            self.unsealed = Some(self.unsealed.unwrap_or(0).max(unsealed));
        }
        for (domain, lag) in &reading.lags {
            *self.lags.entry(domain.clone()).or_default() += lag;
        }
    }
}

impl Reading {
    fn of(samples: &[Sample]) -> Self {
        let mut reading = Self::default();
        let mut facts = BTreeMap::new();
        for sample in samples {
            let domain = || domain_of(sample.label("rpc_method"));
            match sample.name.as_str() {
                "lgsp_exchange_ended_total" => {
                    let application = sample.label("lgsp_application_id").to_owned();
                    let ended = reading.ended.entry((domain(), application)).or_default();
                    ended.0 += sample.value;
                    if ["FAILED", "TIMED_OUT"].contains(&sample.label("lgsp_exchange_outcome")) {
                        ended.1 += sample.value;
                    }
                }
                // A stream lasts as long as somebody listens, which says nothing of the hub.
                "rpc_server_call_duration_seconds_bucket"
                    if sample.label("rpc_method").contains("/Follow") => {}
                "rpc_server_call_duration_seconds_bucket" => {
                    let Ok(bound) = sample.label("le").parse() else { continue };
                    add_bucket(reading.took.entry(domain()).or_default(), bound, sample.value);
                }
                "lgsp_exchange_in_flight" => {
                    let in_flight = reading.in_flight.get_or_insert_default();
                    let part = match sample.label("lgsp_priority") {
                        "bulk" => &mut in_flight.1,
                        _ => &mut in_flight.0,
                    };
                    *part += sample.value.max(0.0) as u64;
                }
                "lgsp_fact_value" if sample.label("lgsp_role") == "ledger" => {
                    facts.insert(sample.label("lgsp_fact"), sample.value as i64);
                }
                "lgsp_consumer_lag" if sample.label("messaging_destination_name").contains(".request.") => {
                    *reading.lags.entry(sample.label("lgsp_domain").to_owned()).or_default() +=
                        sample.value as i64;
                }
                _ => {}
            }
        }
        if let (Some(leaves), Some(sealed)) = (facts.get("leaves"), facts.get("sealed")) {
            reading.unsealed = Some((leaves - sealed).max(0));
        }
        reading
    }
}

fn add_bucket(took: &mut Vec<(f64, f64)>, bound: f64, count: f64) {
    match took.iter_mut().find(|(known, _)| *known == bound) {
        Some((_, sum)) => *sum += count,
        None => {
            let at = took.partition_point(|(known, _)| *known < bound);
            took.insert(at, (bound, count));
        }
    }
}

/// The domain of a method, by its contract or else by its name: `…/GetCitizen` of `lgsp.population.v1.PopulationService`.
fn domain_of(method: &str) -> String {
    let (service, _) = method.split_once('/').unwrap_or((method, ""));
    let contract = lgsp_proto::pool().get_service_by_name(service);
    let declared = contract.map(|service| lgsp_proto::options::service(&service).domain);
    declared.filter(|domain| !domain.is_empty()).unwrap_or_else(|| service.to_owned())
}

/// What a counter has gained. One that is smaller than before has begun anew.
fn gain((now, before): (f64, f64)) -> f64 {
    if now < before { now } else { now - before }
}

#[derive(Default)]
struct Gained {
    per_second: f64,
    ended: f64,
    failed: f64,
    took: Vec<(f64, f64)>,
}

impl Gained {
    fn add(&mut self, [ended, failed]: [f64; 2], seconds: f64) {
        self.per_second += ended / seconds;
        self.ended += ended;
        self.failed += failed;
    }

    fn add_times(&mut self, took: &[(f64, f64)], before: &[(f64, f64)]) {
        for (bound, count) in took {
            let known = before.iter().find(|(known, _)| known == bound).map_or(0.0, |(_, count)| *count);
            add_bucket(&mut self.took, *bound, gain((*count, known)));
        }
    }

    fn rate(&self) -> Rate {
        Rate {
            per_second: self.per_second,
            failed: if self.ended > 0.0 { self.failed / self.ended } else { 0.0 },
            p50: quantile(&self.took, 0.5),
            p99: quantile(&self.took, 0.99),
        }
    }
}

/// The quantile of a cumulative histogram, evenly within its bucket, as Prometheus has it.
fn quantile(took: &[(f64, f64)], part: f64) -> Option<f64> {
    let (_, all) = took.last().filter(|(_, all)| *all > 0.0)?;
    let wanted = part * all;
    let at = took.iter().position(|(_, count)| *count >= wanted)?;
    let (lower, below) = if at == 0 { (0.0, 0.0) } else { took[at - 1] };
    let (upper, count) = took[at];
    if upper.is_infinite() {
        // Of what is beyond the last bound no more is known.
        return Some(lower);
    }
    Some(lower + (upper - lower) * if count > below { (wanted - below) / (count - below) } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use lgsp_runtime::metrics::samples::read;

    use super::*;

    const METHOD: &str = "lgsp.population.v1.PopulationService/GetCitizen";

    fn page(served: u32, failed: u32) -> String {
        let all = served + failed;
        format!(
            "lgsp_exchange_ended_total{{rpc_method=\"{METHOD}\",lgsp_application_id=\"tthc\",lgsp_exchange_outcome=\"SERVED\"}} {served}\n\
             lgsp_exchange_ended_total{{rpc_method=\"{METHOD}\",lgsp_application_id=\"tthc\",lgsp_exchange_outcome=\"FAILED\"}} {failed}\n\
             rpc_server_call_duration_seconds_bucket{{rpc_method=\"{METHOD}\",lgsp_exchange_outcome=\"SERVED\",le=\"0.01\"}} {served}\n\
             rpc_server_call_duration_seconds_bucket{{rpc_method=\"{METHOD}\",lgsp_exchange_outcome=\"SERVED\",le=\"0.1\"}} {all}\n\
             rpc_server_call_duration_seconds_bucket{{rpc_method=\"{METHOD}\",lgsp_exchange_outcome=\"SERVED\",le=\"+Inf\"}} {all}\n\
             lgsp_exchange_in_flight{{lgsp_priority=\"interactive\"}} 3\n\
             lgsp_exchange_in_flight{{lgsp_priority=\"bulk\"}} 1\n\
             lgsp_fact_value{{lgsp_role=\"ledger\",lgsp_fact=\"leaves\"}} 70\n\
             lgsp_fact_value{{lgsp_role=\"ledger\",lgsp_fact=\"sealed\"}} 60\n\
             lgsp_consumer_lag{{lgsp_domain=\"population\",messaging_destination_name=\"lgsp.request.population\"}} 4\n\
             lgsp_consumer_lag{{lgsp_domain=\"ledger\",messaging_destination_name=\"lgsp.exchange\"}} 9\n"
        )
    }

    fn port(number: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], number))
    }

    #[test]
    fn rates_are_what_was_gained_since_the_reading_before_of_the_same_port() {
        let (mut readings, began) = (Readings::default(), Instant::now());
        readings.take(port(1), &read(&page(100, 0)), began);
        assert_eq!(readings.figures(2).whole, None, "one reading is no rate");
        readings.take(port(1), &read(&page(180, 20)), began + Duration::from_secs(10));
        // What another has counted since its start did not happen just now.
        readings.take(port(2), &read(&page(5_000, 0)), began + Duration::from_secs(10));
        let figures = readings.figures(2);
        let rate = figures.whole.expect("two readings");
        assert_eq!((rate.per_second, rate.failed), (10.0, 0.2));
        assert_eq!(rate.p50.map(|it| (it * 1_000.0).round()), Some(6.0), "evenly within 10 ms");
        assert_eq!(figures.domains["population"], rate);
        let application = figures.applications["tthc"];
        assert_eq!((application.per_second, application.p99), (10.0, None), "nobody measures that");
        assert_eq!((figures.in_flight, figures.unsealed), (Some((6, 2)), Some(10)));
        assert_eq!(figures.lags, [("population".to_owned(), 8)].into());
        assert_eq!((figures.answering, figures.asked), (2, 2));
    }

    #[test]
    fn a_process_that_starts_anew_gains_what_it_has_counted_since() {
        let (mut readings, began) = (Readings::default(), Instant::now());
        readings.take(port(1), &read(&page(100, 0)), began);
        readings.take(port(1), &read(&page(20, 0)), began + Duration::from_secs(2));
        assert_eq!(readings.figures(1).whole.map(|rate| rate.per_second), Some(10.0));
        readings.lose(port(1));
        assert_eq!(readings.figures(1), Figures { asked: 1, ..Figures::default() });
    }

    #[test]
    fn how_long_somebody_listened_is_no_time_of_an_answer() {
        let (mut readings, began) = (Readings::default(), Instant::now());
        let followed = page(0, 7).replace("PopulationService/GetCitizen", "PopulationService/FollowCitizens");
        for (second, pages) in [(0, page(0, 0)), (10, format!("{}{followed}", page(100, 0)))] {
            readings.take(port(1), &read(&pages), began + Duration::from_secs(second));
        }
        let slowest = readings.figures(1).whole.and_then(|rate| rate.p99).expect("timed");
        assert!(slowest <= 0.01, "{slowest}");
    }

    #[test]
    fn only_the_window_counts() {
        let (mut readings, began) = (Readings::default(), Instant::now());
        for second in 0..60_u32 {
            let served = if second < 30 { 1_000 * second } else { 30_000 };
            readings.take(port(1), &read(&page(served, 0)), began + Duration::from_secs(second.into()));
        }
        assert_eq!(readings.figures(1).whole.map(|rate| rate.per_second), Some(0.0));
        assert!(readings.ports[&port(1)].len() <= MOST_READINGS);
    }

    #[test]
    fn what_is_beyond_the_last_bound_is_told_as_that_bound() {
        assert_eq!(quantile(&[(0.1, 0.0), (10.0, 1.0), (f64::INFINITY, 100.0)], 0.99), Some(10.0));
        assert_eq!(quantile(&[(0.1, 0.0)], 0.5), None);
    }
}
