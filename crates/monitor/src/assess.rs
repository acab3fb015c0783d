//! From the signals of one moment to a reading of one link. Pure; `None` where the signals say nothing.

use lgsp_core::traffic::Count;

use crate::link::{Cause, Evidence, Level, Reading};

const SECOND_US: i64 = 1_000_000;
/// An instance that was not heard for so long is dead; gateways route around it then.
pub(crate) const LIVES_US: i64 = 2_500_000;
/// Only who has listened for so long knows that somebody is not heard.
const LISTENED_US: i64 = 3 * SECOND_US;
/// Our own heartbeats come back every second: who hears nothing for so long has lost the broker.
pub(crate) const LOST_US: i64 = 4 * SECOND_US;
/// From so few exchanges nothing follows.
const FEW: u32 = 10;

/// Since when heartbeats are listened to without a gap, and when the last one came, Unix µs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hearing {
    pub since_us: i64,
    pub last_us: i64,
}

impl Hearing {
    pub fn hears(self, now_us: i64) -> bool {
        now_us - self.last_us < LOST_US
    }

    /// Whether it hears so well that a silence is that of whoever is silent.
    pub fn hears_well(self, now_us: i64) -> bool {
        now_us - self.last_us < LIVES_US
    }

    fn has_listened(self, now_us: i64) -> bool {
        self.hears_well(now_us) && now_us - self.since_us >= LISTENED_US
    }
}

/// An instance of a provider, or a gateway, as its last heartbeat told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instance<'a> {
    pub name: &'a str,
    pub heard_us: i64,
    pub owns: bool,
    pub leaving: bool,
}

impl Instance<'_> {
    /// Whether it was heard of late, reckoned from when anybody was: if all fall silent at once, the broker is lost and nobody dead.
    pub fn is_live(&self, hearing: Hearing) -> bool {
        hearing.last_us - self.heard_us < LIVES_US && !self.leaving
    }
}

/// An instance whose heartbeats are signed, and of another time: gateways do not believe them, and so it serves nobody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OffClock<'a> {
    pub name: &'a str,
    pub heard_us: i64,
    /// Negative: behind.
    pub ahead_us: i64,
}

/// What is told of instances whose clocks are off, of those that are heard still. The one that is furthest off comes first.
fn off_clock(off: &[OffClock<'_>], hearing: Hearing) -> Option<Evidence> {
    let mut heard: Vec<&OffClock<'_>> =
        off.iter().filter(|it| hearing.last_us - it.heard_us < LIVES_US).collect();
    heard.sort_by_key(|it| std::cmp::Reverse(it.ahead_us.unsigned_abs()));
    let furthest = heard.first()?;
    let evidence =
        Evidence { last_sign_us: furthest.heard_us, clock_us: furthest.ahead_us, ..Evidence::default() };
    Some(evidence.of(heard.iter().map(|it| it.name)))
}

/// A domain with those who serve it.
pub(crate) fn provider(
    instances: &[Instance<'_>],
    off: &[OffClock<'_>],
    traffic: &Count,
    hearing: Option<Hearing>,
    now_us: i64,
) -> Option<Reading> {
    let hearing = hearing.filter(|hearing| hearing.hears_well(now_us))?;
    let live = || instances.iter().filter(|instance| instance.is_live(hearing));
    let evidence = Evidence {
        last_sign_us: instances.iter().map(|instance| instance.heard_us).max().unwrap_or(0),
        ..Evidence::counted(traffic)
    };
    if live().any(|instance| instance.owns) {
        let evidence = evidence.of(live().map(|instance| instance.name));
        if mostly_failed(traffic) {
            return Some(Reading::of(Level::Degraded, Cause::ExchangesFail, evidence));
        }
        // Others serve; these would, too.
        return Some(match off_clock(off, hearing) {
            Some(skewed) => Reading::of(Level::Degraded, Cause::ClockSkew, skewed),
            None => Reading::working(evidence),
        });
    }
    if live().next().is_some() {
        let evidence = evidence.of(live().map(|instance| instance.name));
        return Some(Reading::of(Level::Down, Cause::NoPartition, evidence));
    }
    let have_left = !instances.is_empty() && instances.iter().all(|instance| instance.leaving);
    if !have_left && !hearing.has_listened(now_us) {
        return None;
    }
    if let Some(skewed) = off_clock(off, hearing) {
        return Some(Reading::of(Level::Down, Cause::ClockSkew, skewed));
    }
    let cause = if have_left { Cause::InstancesLeft } else { Cause::InstanceNotHeard };
    let evidence = evidence.of(instances.iter().map(|instance| instance.name));
    Some(Reading::of(Level::Down, cause, evidence))
}

fn mostly_failed(count: &Count) -> bool {
    count.of >= FEW && count.failed.saturating_mul(2) >= count.of
}

/// What one adapter says of a source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourceSays<'a> {
    pub instance: &'a str,
    /// Why it does not answer.
    pub failed: Option<Cause>,
    /// When it was said, Unix µs.
    pub at_us: i64,
}

/// An adapter with its source, as the live instances say.
pub(crate) fn source(says: &[SourceSays<'_>]) -> Option<Reading> {
    let failed = || says.iter().filter(|says| says.failed.is_some());
    let well = says.iter().filter(|says| says.failed.is_none()).map(|says| says.at_us).max();
    let evidence = Evidence { last_sign_us: well.unwrap_or(0), ..Evidence::default() };
    let Some(cause) = failed().filter_map(|says| says.failed).max() else {
        let instances = says.iter().map(|says| says.instance);
        return well.map(|_| Reading::working(evidence.of(instances)));
    };
    let level = if well.is_some() { Level::Degraded } else { Level::Down };
    Some(Reading::of(level, cause, evidence.of(failed().map(|says| says.instance))))
}

/// What one gateway says of Kafka.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BrokerSays<'a> {
    pub instance: &'a str,
    pub is_heard: bool,
    /// Since when it is so, Unix µs.
    pub since_us: i64,
}

/// The gateways with Kafka: as they say on their admin ports, and, without any such word, as heartbeats say. `hearing` is that of
/// whoever asks; `None`: it does not listen at all.
pub(crate) fn broker(
    says: &[BrokerSays<'_>],
    (gateways, off): (&[Instance<'_>], &[OffClock<'_>]),
    hearing: Option<Hearing>,
    now_us: i64,
) -> Option<Reading> {
    let lost = || says.iter().filter(|says| !says.is_heard);
    if let Some(since_us) = lost().map(|says| says.since_us).min() {
        let level = if lost().count() == says.len() { Level::Down } else { Level::Degraded };
        let evidence = Evidence { last_sign_us: since_us, ..Evidence::default() };
        let evidence = evidence.of(lost().map(|says| says.instance));
        return Some(Reading::of(level, Cause::BrokerNotHeard, evidence));
    }
    let Some(hearing) = hearing else {
        let evidence = || Evidence::default().of(says.iter().map(|says| says.instance));
        return (!says.is_empty()).then(|| Reading::working(evidence()));
    };
    let evidence = Evidence { last_sign_us: hearing.last_us, ..Evidence::default() };
    if !hearing.hears(now_us) {
        // Gateways that hear it are believed; that the monitor does not is worth a look.
        let level = if says.is_empty() { Level::Down } else { Level::Degraded };
        return Some(Reading::of(level, Cause::BrokerNotHeard, evidence.of(["monitor"])));
    }
    let live = gateways.iter().filter(|gateway| gateway.is_live(hearing)).map(|gateway| gateway.name);
    let named = evidence.of(live.chain(says.iter().map(|says| says.instance)));
    if !named.instances.is_empty() {
        return Some(Reading::working(named));
    }
    if !hearing.has_listened(now_us) {
        return None;
    }
    if let Some(skewed) = off_clock(off, hearing) {
        return Some(Reading::of(Level::Down, Cause::ClockSkew, skewed));
    }
    let last = gateways.iter().map(|gateway| gateway.heard_us).max().unwrap_or(0);
    let evidence = Evidence { last_sign_us: last, ..Evidence::default() };
    let evidence = evidence.of(gateways.iter().map(|gateway| gateway.name));
    Some(Reading::of(Level::Down, Cause::GatewayNotHeard, evidence))
}

/// An application with the gateways, by its traffic: no traffic is silence, and not health.
pub(crate) fn application(traffic: &Evidence, silent_after_us: i64, now_us: i64) -> Reading {
    let evidence = traffic.clone();
    if now_us - traffic.last_sign_us >= silent_after_us {
        return Reading::of(Level::Silent, Cause::NoTraffic, evidence);
    }
    let refused = traffic.of >= FEW && traffic.failed.saturating_mul(2) >= traffic.of;
    match refused {
        true => Reading::of(Level::Degraded, Cause::CallsRefused, evidence),
        false => Reading::working(evidence),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000_000;
    const HEARS: Option<Hearing> = Some(Hearing { since_us: NOW - 60 * SECOND_US, last_us: NOW });
    const DEAF: Option<Hearing> = Some(Hearing { since_us: NOW - 60 * SECOND_US, last_us: NOW - LOST_US });

    fn says(reading: Option<Reading>) -> Option<(Level, Option<Cause>)> {
        reading.map(|reading| (reading.level, reading.cause))
    }

    fn heard(millis_ago: i64, owns: bool, leaving: bool) -> Instance<'static> {
        Instance { name: "land-1", heard_us: NOW - millis_ago * 1_000, owns, leaving }
    }

    fn count(failed: u32, of: u32) -> Count {
        Count { failed, of, last_us: NOW, failure: None }
    }

    #[test]
    fn a_provider_works_by_a_live_owner_and_by_nobody_else() {
        let check = |instances: &[Instance<'_>], hearing, expected| {
            let reading = provider(instances, &[], &Count::default(), hearing, NOW);
            assert_eq!(says(reading), expected, "{instances:?}");
        };
        let (down, live) = (|cause| Some((Level::Down, Some(cause))), heard(900, true, false));
        check(&[live], HEARS, Some((Level::Working, None)));
        check(&[heard(2_500, true, false), live], HEARS, Some((Level::Working, None)));
        check(&[heard(2_500, true, false)], HEARS, down(Cause::InstanceNotHeard));
        check(&[heard(100, false, false)], HEARS, down(Cause::NoPartition));
        check(&[heard(100, true, true)], HEARS, down(Cause::InstancesLeft));
        check(&[heard(100, true, true), heard(9_000, true, false)], HEARS, down(Cause::InstanceNotHeard));
        check(&[], HEARS, down(Cause::InstanceNotHeard));
        check(&[heard(4_000, true, false)], DEAF, None);
        check(&[], None, None);
        let silent_for_two_seconds =
            Some(Hearing { since_us: NOW - 60 * SECOND_US, last_us: NOW - 2 * SECOND_US });
        check(&[heard(2_900, true, false)], silent_for_two_seconds, Some((Level::Working, None)));
        let just_begun = Some(Hearing { since_us: NOW - SECOND_US, last_us: NOW });
        check(&[], just_begun, None);
    }

    #[test]
    fn a_provider_whose_exchanges_mostly_fail_is_degraded() {
        let check = |failed, of, expected| {
            let reading = provider(&[heard(0, true, false)], &[], &count(failed, of), HEARS, NOW);
            assert_eq!(reading.map(|reading| reading.level), Some(expected), "{failed} of {of}");
        };
        check(9, 9, Level::Working);
        check(4, 10, Level::Working);
        check(5, 10, Level::Degraded);
    }

    #[test]
    fn a_clock_that_is_off_is_told_as_that_and_degrades_a_provider_that_others_serve() {
        let off = |name, millis_ago: i64, seconds_ahead: i64| OffClock {
            name,
            heard_us: NOW - millis_ago * 1_000,
            ahead_us: seconds_ahead * SECOND_US,
        };
        let of = |instances: &[Instance<'_>], off: &[OffClock<'_>], hearing| {
            provider(instances, off, &Count::default(), hearing, NOW)
        };
        let (dead, live) = (heard(9_000, true, false), heard(0, true, false));
        let skewed = Some(Cause::ClockSkew);
        let told = of(&[dead], &[off("land-2", 0, -11), off("land-3", 0, 3_600)], HEARS).unwrap();
        assert_eq!((told.level, told.cause), (Level::Down, skewed));
        assert_eq!(
            (told.evidence.clock_us, told.evidence.instances),
            (3_600 * SECOND_US, vec!["land-3".to_owned(), "land-2".to_owned()])
        );
        let behind = [off("land-2", 900, -11)];
        assert_eq!(says(of(&[], &behind, HEARS)), Some((Level::Down, skewed)));
        assert_eq!(says(of(&[live], &behind, HEARS)), Some((Level::Degraded, skewed)));
        let just_begun = Some(Hearing { since_us: NOW - SECOND_US, last_us: NOW });
        assert_eq!(says(of(&[], &behind, just_begun)), None, "a good one may be heard yet");
        let silent = [off("land-2", 2_500, -11)];
        assert_eq!(says(of(&[dead], &silent, HEARS)), Some((Level::Down, Some(Cause::InstanceNotHeard))));
        assert_eq!(says(of(&[live], &silent, HEARS)), Some((Level::Working, None)));
        let gateway = broker(&[], (&[dead], &behind), HEARS, NOW);
        assert_eq!(says(gateway), Some((Level::Down, skewed)));
        assert_eq!(says(broker(&[], (&[live], &behind), HEARS, NOW)), Some((Level::Working, None)));
    }

    #[test]
    fn a_source_is_down_when_every_live_adapter_says_so() {
        let one = |failed| SourceSays { instance: "land-1", failed, at_us: NOW };
        let (well, ill) = (one(None), one(Some(Cause::SourceTimedOut)));
        assert_eq!(says(source(&[])), None);
        assert_eq!(says(source(&[well, well])), Some((Level::Working, None)));
        assert_eq!(says(source(&[well, ill])), Some((Level::Degraded, Some(Cause::SourceTimedOut))));
        assert_eq!(says(source(&[ill])), Some((Level::Down, Some(Cause::SourceTimedOut))));
    }

    #[test]
    fn the_broker_is_down_when_gateways_say_so_or_the_monitor_alone_can_tell() {
        let one = |is_heard| BrokerSays { instance: "gateway-1", is_heard, since_us: NOW };
        let check = |told: &[BrokerSays<'_>], gateways: &[Instance<'_>], hearing, expected| {
            let reading = broker(told, (gateways, &[]), hearing, NOW);
            assert_eq!(says(reading), expected, "{told:?} {gateways:?}");
        };
        let not_heard = Some(Cause::BrokerNotHeard);
        check(&[one(true)], &[], HEARS, Some((Level::Working, None)));
        check(&[one(false)], &[], HEARS, Some((Level::Down, not_heard)));
        check(&[one(false), one(true)], &[], HEARS, Some((Level::Degraded, not_heard)));
        check(&[one(true)], &[], DEAF, Some((Level::Degraded, not_heard)));
        check(&[], &[heard(0, false, false)], DEAF, Some((Level::Down, not_heard)));
        check(&[], &[heard(0, false, false)], HEARS, Some((Level::Working, None)));
        check(&[], &[heard(9_000, false, false)], HEARS, Some((Level::Down, Some(Cause::GatewayNotHeard))));
        check(&[], &[], None, None);
        check(&[one(true)], &[], None, Some((Level::Working, None)));
    }

    #[test]
    fn an_application_without_traffic_is_silent_and_not_healthy() {
        let silent_after = 900 * SECOND_US;
        let check = |traffic: Count, expected| {
            let reading = application(&Evidence::counted(&traffic), silent_after, NOW);
            assert_eq!((reading.level, reading.cause), expected, "{traffic:?}");
        };
        let at = |seconds_ago| Count { last_us: NOW - seconds_ago * SECOND_US, ..count(0, 1) };
        check(Count::default(), (Level::Silent, Some(Cause::NoTraffic)));
        check(at(900), (Level::Silent, Some(Cause::NoTraffic)));
        check(at(899), (Level::Working, None));
        check(count(9, 9), (Level::Working, None));
        check(count(10, 20), (Level::Degraded, Some(Cause::CallsRefused)));
    }
}
