//! From what is known now to what is bad and what is good. Pure; of what is in neither, nothing is known.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::options::{Options, Threshold};
use super::pattern;
use super::roots::domain_of;
use super::rule::{Bad, Rule, Severity};
use crate::board::Seen;
use crate::link::{Cause, Evidence, Kind, Level};
use crate::tell::{Fact, Measure};

/// From so few exchanges nothing follows.
const FEW: u32 = 20;
/// Longest subject and owner that a process may tell.
const LONGEST: usize = 200;

/// Names what an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Key {
    pub rule: Rule,
    /// The id of a link, or a name.
    pub subject: String,
}

impl Key {
    pub fn new(rule: Rule, subject: impl Into<String>) -> Self {
        Self { rule, subject: subject.into() }
    }
}

/// Why something is bad.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Finding {
    pub severity: Severity,
    pub owner: String,
    /// Of a link.
    pub cause: Option<Cause>,
    pub evidence: Evidence,
    /// What was measured, and from where on it is bad.
    pub value: f64,
    pub limit: f64,
    /// Announced maintenance runs.
    pub maintained: bool,
}

/// What is known of everything that alerts can be about.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    pub bad: BTreeMap<Key, Finding>,
    pub good: BTreeSet<Key>,
    /// The links of which no signal tells anything: as they are, they stay.
    pub stays: BTreeSet<Key>,
}

/// What there is to look at besides the links.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// With the process that told it.
    pub facts: Vec<(String, Fact)>,
    /// How far the clock of each is from the others, in seconds.
    pub clocks: Vec<(String, f64)>,
}

impl Verdicts {
    pub fn of<'a>(options: &Options, links: impl Iterator<Item = Seen<'a>>, known: &Known) -> Self {
        let (mut verdicts, mut maintained) = (Self::default(), BTreeSet::new());
        for seen in links {
            verdicts.link(options, &seen);
            if seen.is_maintained && seen.id.kind == Kind::Provider {
                maintained.insert(seen.id.name.clone());
            }
        }
        verdicts.facts(options, &known.facts);
        for (instance, seconds) in &known.clocks {
            let (value, instances) = (seconds.abs(), vec![instance.as_str()]);
            let measured = Measured { value, instances, ..Measured::default() };
            verdicts.measure(options, Rule::Clock, format!("clock/{instance}"), measured);
        }
        // What is measured of a domain under maintenance is no news either.
        for (key, finding) in &mut verdicts.bad {
            finding.maintained |= domain_of(key).is_some_and(|domain| maintained.contains(&domain));
        }
        // Two may tell of one thing: who says that it is bad is believed.
        let Self { bad, good, .. } = &mut verdicts;
        good.retain(|key| !bad.contains_key(key));
        verdicts
    }

    fn link(&mut self, options: &Options, seen: &Seen<'_>) {
        let subject = seen.id.to_string();
        for rule in [Rule::LinkDown, Rule::LinkDegraded, Rule::ErrorRatio] {
            let key = Key::new(rule, subject.clone());
            if seen.is_unknown {
                self.stays.insert(key);
                continue;
            }
            let Some(severity) = options.severity_of(rule) else { continue };
            let is_bad = match rule {
                Rule::LinkDown => seen.level == Level::Down,
                _ => rule == Rule::LinkDegraded && seen.level == Level::Degraded,
            };
            if !is_bad {
                self.good.insert(key);
                continue;
            }
            let finding = Finding {
                severity,
                owner: owner(options, &subject, ""),
                cause: seen.cause,
                evidence: seen.evidence.clone(),
                value: 0.0,
                limit: 0.0,
                maintained: seen.is_maintained,
            };
            self.bad.insert(key, finding);
        }
        let Evidence { failed, of, .. } = *seen.evidence;
        // Of a domain that is down nothing else is worth saying.
        let counts = seen.id.kind == Kind::Provider && !seen.is_unknown && seen.level != Level::Down;
        if counts && of >= FEW {
            let value = f64::from(failed) / f64::from(of);
            let evidence = Some(seen.evidence);
            let measured = Measured { value, evidence, ..Measured::default() };
            self.measure(options, Rule::ErrorRatio, subject, measured);
        } else if counts {
            self.good.insert(Key::new(Rule::ErrorRatio, subject));
        }
    }

    fn facts(&mut self, options: &Options, facts: &[(String, Fact)]) {
        let mut lags: BTreeMap<&str, Measured<'_>> = BTreeMap::new();
        for (instance, fact) in facts.iter().filter(|(_, fact)| is_sound(fact)) {
            let rule = match fact.measure {
                Measure::DiskFree => Rule::Disk,
                Measure::SealingLag => Rule::SealingLag,
                Measure::CertificateDays => Rule::Certificate,
                Measure::QuotaUsed => Rule::Quota,
                Measure::Slowest => Rule::Slow,
                // Each process tells of the partitions that it reads: the consumer is all of them.
                Measure::ConsumerLag => {
                    let lag = lags.entry(&fact.subject).or_default();
                    lag.value += fact.value;
                    lag.instances.push(instance);
                    continue;
                }
                Measure::Other => continue,
            };
            let (value, instances) = (fact.value, vec![instance.as_str()]);
            let measured = Measured { value, instances, owner: &fact.owner, ..Measured::default() };
            self.measure(options, rule, fact.subject.clone(), measured);
        }
        for (subject, lag) in lags {
            self.measure(options, Rule::ConsumerLag, subject.to_owned(), lag);
        }
    }

    fn measure(&mut self, options: &Options, rule: Rule, subject: String, measured: Measured<'_>) {
        let Some(threshold) = options.threshold_of(rule) else { return };
        let key = Key::new(rule, subject);
        let Some((severity, limit)) = passed(rule.bad(), threshold, measured.value) else {
            self.good.insert(key);
            return;
        };
        let evidence = measured.evidence.cloned().unwrap_or_default();
        let finding = Finding {
            severity,
            owner: owner(options, &key.subject, measured.owner),
            cause: None,
            evidence: evidence.of(measured.instances),
            value: measured.value,
            limit,
            maintained: false,
        };
        let is_worse = |known: &Finding| match rule.bad() {
            Bad::Above => finding.value > known.value,
            Bad::Below => finding.value < known.value,
        };
        if self.bad.get(&key).is_none_or(is_worse) {
            self.bad.insert(key, finding);
        }
    }
}

/// What a process tells is a number, of something that has a name.
fn is_sound(fact: &Fact) -> bool {
    let is_name = |text: &str| text.len() <= LONGEST && !text.chars().any(char::is_control);
    !fact.subject.is_empty() && is_name(&fact.subject) && is_name(&fact.owner) && fact.value.is_finite()
}

/// One measured value, and what is known beside it.
#[derive(Default)]
struct Measured<'a> {
    value: f64,
    /// Who told it.
    instances: Vec<&'a str>,
    owner: &'a str,
    evidence: Option<&'a Evidence>,
}

/// The severity whose limit is passed, and that limit.
fn passed(bad: Bad, threshold: &Threshold, value: f64) -> Option<(Severity, f64)> {
    let is_passed = |limit: f64| match bad {
        Bad::Above => value >= limit,
        Bad::Below => value <= limit,
    };
    let limits = [(Severity::Critical, threshold.critical), (Severity::Warning, threshold.warning)];
    limits.into_iter().find(|(_, limit)| is_passed(*limit))
}

/// Whose something is: as the configuration says, else as the registry does. The longest pattern that matches is the closest.
fn owner(options: &Options, subject: &str, told: &str) -> String {
    let matching = options.owners.iter().filter(|(pattern, _)| pattern::matches(pattern, subject));
    let closest = matching.max_by_key(|(pattern, _)| pattern.len()).map(|(_, owner)| owner.as_str());
    closest.unwrap_or(told).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Id;

    fn seen<'a>(id: &'a Id, level: Level, evidence: &'a Evidence) -> Seen<'a> {
        let cause = (level == Level::Down).then_some(Cause::InstanceNotHeard);
        Seen { id, level, cause, evidence, is_maintained: false, is_unknown: false }
    }

    fn of_link(level: Level, failed: u32, of: u32) -> Verdicts {
        let (id, evidence) =
            (Id::new(Kind::Provider, "land"), Evidence { failed, of, ..Evidence::default() });
        Verdicts::of(&Options::default(), [seen(&id, level, &evidence)].into_iter(), &Known::default())
    }

    fn of_fact(measure: Measure, value: f64) -> Option<(Severity, f64)> {
        let known =
            Known { facts: vec![("hub-1".to_owned(), Fact::new(measure, "x", value))], clocks: Vec::new() };
        let verdicts = Verdicts::of(&Options::default(), [].into_iter(), &known);
        assert_eq!(verdicts.bad.len() + verdicts.good.len(), 1);
        let finding = verdicts.bad.into_values().next()?;
        assert_eq!(finding.evidence.instances, ["hub-1"], "who told it");
        Some((finding.severity, finding.limit))
    }

    #[test]
    fn a_link_that_is_down_is_bad_and_not_degraded_beside() {
        let rules = |verdicts: &Verdicts| verdicts.bad.keys().map(|key| key.rule).collect::<Vec<_>>();
        assert_eq!(rules(&of_link(Level::Down, 20, 20)), [Rule::LinkDown]);
        assert_eq!(rules(&of_link(Level::Degraded, 0, 0)), [Rule::LinkDegraded]);
        assert_eq!(rules(&of_link(Level::Working, 0, 0)), []);
        assert_eq!(of_link(Level::Working, 0, 0).good.len(), 3);
    }

    #[test]
    fn the_ratio_of_errors_counts_from_twenty_exchanges_on() {
        let severity = |failed, of| {
            let verdicts = of_link(Level::Working, failed, of);
            verdicts.bad.into_values().next().map(|finding| finding.severity)
        };
        assert_eq!(severity(19, 19), None);
        assert_eq!(severity(0, 20), None);
        assert_eq!(severity(1, 20), Some(Severity::Warning));
        assert_eq!(severity(5, 20), Some(Severity::Critical));
    }

    #[test]
    fn of_a_link_without_signals_nothing_is_claimed() {
        let (id, evidence) = (Id::new(Kind::Provider, "land"), Evidence::default());
        let silent = Seen { is_unknown: true, ..seen(&id, Level::Down, &evidence) };
        let verdicts = Verdicts::of(&Options::default(), [silent].into_iter(), &Known::default());
        assert_eq!((verdicts.bad.len(), verdicts.good.len(), verdicts.stays.len()), (0, 0, 3));
    }

    #[test]
    fn what_is_measured_of_a_domain_under_maintenance_is_maintained_too() {
        let (id, evidence) = (Id::new(Kind::Provider, "land"), Evidence::default());
        let maintained = Seen { is_maintained: true, ..seen(&id, Level::Working, &evidence) };
        let slow = |domain: &str| {
            let subject = format!("provider/{domain}");
            ("gateway-1".to_owned(), Fact::new(Measure::Slowest, subject, 9.0))
        };
        let known = Known { facts: vec![slow("land"), slow("health")], clocks: Vec::new() };
        let verdicts = Verdicts::of(&Options::default(), [maintained].into_iter(), &known);
        let told = verdicts.bad.iter().map(|(key, finding)| (key.subject.as_str(), finding.maintained));
        assert_eq!(told.collect::<Vec<_>>(), [("provider/health", false), ("provider/land", true)]);
    }

    #[test]
    fn facts_are_bad_beyond_their_limits_in_the_direction_of_their_rule() {
        use Severity::{Critical, Warning};
        for (measure, value, expected) in [
            (Measure::DiskFree, 0.11, None),
            (Measure::DiskFree, 0.10, Some((Warning, 0.10))),
            (Measure::DiskFree, 0.01, Some((Critical, 0.05))),
            (Measure::CertificateDays, 31.0, None),
            (Measure::CertificateDays, 29.5, Some((Warning, 30.0))),
            (Measure::CertificateDays, -1.0, Some((Critical, 7.0))),
            (Measure::QuotaUsed, 0.89, None),
            (Measure::QuotaUsed, 0.9, Some((Warning, 0.9))),
            (Measure::QuotaUsed, 1.0, Some((Critical, 1.0))),
            (Measure::SealingLag, 9_999.0, None),
            (Measure::SealingLag, 10_000.0, Some((Warning, 10_000.0))),
            (Measure::ConsumerLag, 1_000.0, Some((Warning, 1_000.0))),
            (Measure::Slowest, 1.9, None),
            (Measure::Slowest, 2.0, Some((Warning, 2.0))),
        ] {
            assert_eq!(of_fact(measure, value), expected, "{measure:?} {value}");
        }
    }

    #[test]
    fn a_domain_is_as_far_behind_as_all_who_read_for_it() {
        let told = |instance: &str, value| {
            (instance.to_owned(), Fact::new(Measure::ConsumerLag, "consumer/land", value))
        };
        let of = |facts| {
            let known = Known { facts, clocks: Vec::new() };
            Verdicts::of(&Options::default(), [].into_iter(), &known)
        };
        let behind = of(vec![told("land-1", 600.0), told("land-2", 400.0)]).bad;
        let [(key, finding)] = behind.iter().collect::<Vec<_>>()[..] else { panic!("{behind:?}") };
        assert_eq!((key.rule, key.subject.as_str()), (Rule::ConsumerLag, "consumer/land"));
        assert_eq!((finding.value, finding.severity), (1_000.0, Severity::Warning));
        assert_eq!(finding.evidence.instances, ["land-1", "land-2"]);
        let on_time = of(vec![told("land-1", 600.0), told("land-2", 399.0)]);
        assert_eq!((on_time.bad.len(), on_time.good.len()), (0, 1));
    }

    #[test]
    fn what_is_no_number_or_no_name_says_nothing_and_the_worst_of_two_counts() {
        let fact = |subject: &str, value| ("hub-1".to_owned(), Fact::new(Measure::DiskFree, subject, value));
        let of = |facts| {
            let known = Known { facts, clocks: Vec::new() };
            Verdicts::of(&Options::default(), [].into_iter(), &known)
        };
        let senseless =
            of(vec![fact("", 0.0), fact("a\nb", 0.0), fact("x", f64::NAN), fact(&"x".repeat(201), 0.0)]);
        assert_eq!((senseless.bad.len(), senseless.good.len()), (0, 0));
        let two = of(vec![fact("x", 0.5), fact("x", 0.04), fact("x", 0.09)]);
        assert_eq!(two.bad.values().map(|finding| finding.value).collect::<Vec<_>>(), [0.04]);
        assert!(two.good.is_empty());
    }

    #[test]
    fn the_closest_pattern_names_the_owner_and_without_one_the_registry_does() {
        let owners = [("source/*", "a"), ("source/land/*", "b")];
        let owners = owners.map(|(pattern, owner)| (pattern.to_owned(), owner.to_owned())).into();
        let options = Options { owners, ..Options::default() };
        assert_eq!(owner(&options, "source/land/office", "H13.05"), "b");
        assert_eq!(owner(&options, "source/health/office", "H13.05"), "a");
        assert_eq!(owner(&options, "provider/land", "H13.05"), "H13.05");
    }
}
