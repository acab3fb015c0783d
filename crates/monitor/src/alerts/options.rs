//! `[monitor.alerts]`: rules, whose is what, and who is told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lgsp_runtime::config::{self, Problems, Row, units};
use serde::{Deserialize, Serialize};

use super::receivers::{Alertmanager, Mail, Webhook};
use super::reference;
use super::rule::{Bad, Rule, Severity};

/// Most receivers of one kind.
const MOST_RECEIVERS: usize = 16;
/// Most patterns of owners.
const MOST_OWNERS: usize = 256;
/// Longest name of an owner.
const LONGEST_OWNER: usize = 100;

/// The options of alerts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// How long the first message of a group waits for others.
    #[serde(with = "units::duration")]
    pub group_wait: Duration,
    /// How long a group waits before it tells what is new in it.
    #[serde(with = "units::duration")]
    pub group_interval: Duration,
    /// How long until what still fires is told again.
    #[serde(with = "units::duration")]
    pub repeat_interval: Duration,
    /// How long something is good before its alert is resolved.
    #[serde(with = "units::duration")]
    pub resolve_after: Duration,
    /// The language of messages.
    pub language: Language,
    /// Where people read of an alert: the beginning of a link.
    pub help_url: String,
    /// Whose is what, by patterns of subjects.
    pub owners: BTreeMap<String, String>,
    /// The rules.
    pub rules: Rules,
    /// Programs that are told over HTTP.
    pub webhooks: Vec<Webhook>,
    /// Who is told by mail.
    pub mail: Vec<Mail>,
    /// Alertmanagers that are told.
    pub alertmanagers: Vec<Alertmanager>,
}

/// What messages are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// Vietnamese.
    Vi,
    /// English.
    En,
    /// Vietnamese, and then English.
    #[default]
    Both,
}

/// The rules, each with when it is believed and how urgent it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rules {
    /// A link does not work.
    pub link_down: OfLinks,
    /// A link works, and somebody should look at it.
    pub link_degraded: OfLinks,
    /// The part of exchanges that fail.
    pub error_ratio: Threshold,
    /// What the slowest hundredth takes, in seconds.
    pub slow: Threshold,
    /// Entries that are not sealed.
    pub sealing_lag: Threshold,
    /// Records that are not done with.
    pub consumer_lag: Threshold,
    /// Days that are left.
    pub certificate: Threshold,
    /// The part of a quota that is used.
    pub quota: Threshold,
    /// The part of a file system that is free.
    pub disk: Threshold,
    /// How far a clock is from the others, in seconds.
    pub clock: Threshold,
}

/// A rule about links.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct OfLinks {
    /// Whether it holds at all.
    pub enabled: bool,
    /// For how long it must be so.
    #[serde(with = "units::duration")]
    pub r#for: Duration,
    /// How urgent that is.
    pub severity: Severity,
}

/// A rule about a measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Threshold {
    /// Whether it holds at all.
    pub enabled: bool,
    /// For how long it must be so.
    #[serde(with = "units::duration")]
    pub r#for: Duration,
    /// From where on somebody should look at it today.
    pub warning: f64,
    /// From where on somebody must act now.
    pub critical: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            group_wait: Duration::from_secs(30),
            group_interval: Duration::from_secs(5 * 60),
            repeat_interval: Duration::from_secs(4 * 3_600),
            resolve_after: Duration::from_secs(30),
            language: Language::default(),
            help_url: String::new(),
            owners: BTreeMap::new(),
            rules: Rules::default(),
            webhooks: Vec::new(),
            mail: Vec::new(),
            alertmanagers: Vec::new(),
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        let links = |seconds, severity| OfLinks { severity, ..OfLinks::after(seconds) };
        let above = |seconds, warning, critical| Threshold { warning, critical, ..Threshold::after(seconds) };
        Self {
            link_down: links(30, Severity::Critical),
            link_degraded: links(5 * 60, Severity::Warning),
            error_ratio: above(2 * 60, 0.05, 0.25),
            slow: above(5 * 60, 2.0, 10.0),
            sealing_lag: above(10 * 60, 10_000.0, 100_000.0),
            consumer_lag: above(5 * 60, 1_000.0, 10_000.0),
            certificate: above(0, 30.0, 7.0),
            quota: above(0, 0.9, 1.0),
            disk: above(2 * 60, 0.1, 0.05),
            clock: above(60, 0.25, 2.0),
        }
    }
}

impl OfLinks {
    fn after(seconds: u64) -> Self {
        Self { enabled: true, r#for: Duration::from_secs(seconds), severity: Severity::Critical }
    }
}

impl Threshold {
    fn after(seconds: u64) -> Self {
        Self { enabled: true, r#for: Duration::from_secs(seconds), warning: 0.0, critical: 0.0 }
    }
}

// What a file leaves out of one rule is that rule's own default: figment merges into the defaults of the whole.
impl Default for OfLinks {
    fn default() -> Self {
        Self::after(0)
    }
}

impl Default for Threshold {
    fn default() -> Self {
        Self::after(0)
    }
}

impl Options {
    /// Makes relative paths relative to the data directory.
    pub fn resolve(&mut self, data: &Path) {
        let files = self.webhooks.iter_mut().flat_map(Webhook::files);
        let files = files.chain(self.mail.iter_mut().flat_map(Mail::files));
        let files: Vec<&mut PathBuf> =
            files.chain(self.alertmanagers.iter_mut().flat_map(Alertmanager::files)).collect();
        for file in files {
            *file = data.join(&*file);
        }
    }

    /// How urgent a rule about links is; `None` if it does not hold.
    pub(crate) fn severity_of(&self, rule: Rule) -> Option<Severity> {
        let rules = &self.rules;
        match rule {
            Rule::LinkDown => rules.link_down.enabled.then_some(rules.link_down.severity),
            Rule::LinkDegraded => rules.link_degraded.enabled.then_some(rules.link_degraded.severity),
            _ => None,
        }
    }

    /// Where a measure becomes bad; `None` if its rule does not hold.
    pub(crate) fn threshold_of(&self, rule: Rule) -> Option<&Threshold> {
        self.thresholds().into_iter().find(|(of, _)| *of == rule).map(|(_, it)| it).filter(|it| it.enabled)
    }

    /// For how long a rule must hold, in µs.
    pub(crate) fn hold_us(&self, rule: Rule) -> i64 {
        let hold = match rule {
            Rule::LinkDown => self.rules.link_down.r#for,
            Rule::LinkDegraded => self.rules.link_degraded.r#for,
            _ => self.threshold_of(rule).map(|it| it.r#for).unwrap_or_default(),
        };
        micros(hold)
    }

    /// The names of all receivers.
    pub(crate) fn receivers(&self) -> Vec<&str> {
        let webhooks = self.webhooks.iter().map(|it| it.name.as_str());
        let mail = self.mail.iter().map(|it| it.name.as_str());
        webhooks.chain(mail).chain(self.alertmanagers.iter().map(|it| it.name.as_str())).collect()
    }

    fn thresholds(&self) -> [(Rule, &Threshold); 8] {
        let rules = &self.rules;
        [
            (Rule::ErrorRatio, &rules.error_ratio),
            (Rule::Slow, &rules.slow),
            (Rule::SealingLag, &rules.sealing_lag),
            (Rule::ConsumerLag, &rules.consumer_lag),
            (Rule::Certificate, &rules.certificate),
            (Rule::Quota, &rules.quota),
            (Rule::Disk, &rules.disk),
            (Rule::Clock, &rules.clock),
        ]
    }
}

/// A duration in µs.
pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl config::Options for Options {
    fn reference() -> Vec<Row> {
        reference::of_alerts()
    }

    fn check(&self, problems: &mut Problems) {
        let limits = [
            ("group-wait", self.group_wait, Duration::ZERO),
            ("group-interval", self.group_interval, Duration::ZERO),
            ("repeat-interval", self.repeat_interval, Duration::from_secs(60)),
            ("resolve-after", self.resolve_after, Duration::ZERO),
        ];
        for (key, duration, least) in limits {
            if duration < least || duration > Duration::from_secs(7 * 24 * 3_600) {
                problems.add(key, format!("is not between {}s and 7d", least.as_secs()));
            }
        }
        if self.group_interval > self.repeat_interval {
            problems.add("group-interval", "is longer than repeat-interval");
        }
        if !self.help_url.is_empty() && self.help_url.parse::<http::Uri>().is_err() {
            problems.add("help-url", "is no URL");
        }
        if self.owners.len() > MOST_OWNERS {
            problems.add("owners", format!("are more than {MOST_OWNERS}"));
        }
        for (pattern, owner) in &self.owners {
            let is_sound = |text: &str| (1..=LONGEST_OWNER).contains(&text.chars().count());
            if !is_sound(pattern) || !is_sound(owner) || owner.chars().any(char::is_control) {
                problems.add("owners", format!("\"{pattern}\" or its owner is empty or too long"));
            }
        }
        problems.section("rules", &self.rules);
        self.check_receivers(problems);
    }
}

impl Options {
    fn check_receivers(&self, problems: &mut Problems) {
        let lengths = [
            ("webhooks", self.webhooks.len()),
            ("mail", self.mail.len()),
            ("alertmanagers", self.alertmanagers.len()),
        ];
        for (key, _) in lengths.into_iter().filter(|(_, length)| *length > MOST_RECEIVERS) {
            problems.add(key, format!("are more than {MOST_RECEIVERS}"));
        }
        self.webhooks.iter().for_each(|it| it.check(problems));
        self.mail.iter().for_each(|it| it.check(problems));
        self.alertmanagers.iter().for_each(|it| it.check(problems));
        let mut names = BTreeSet::new();
        for name in self.receivers() {
            if !names.insert(name) {
                problems.add("webhooks", format!("two receivers are named {name}"));
            }
        }
    }
}

impl config::Options for Rules {
    fn reference() -> Vec<Row> {
        reference::of_rules()
    }

    fn check(&self, problems: &mut Problems) {
        let options = Options { rules: self.clone(), ..Options::default() };
        for (rule, Threshold { r#for, warning, critical, .. }) in options.thresholds() {
            let is_ordered = match rule.bad() {
                Bad::Above => warning <= critical,
                Bad::Below => warning >= critical,
            };
            problems.within(rule.name(), |problems| {
                if !warning.is_finite() || !critical.is_finite() {
                    problems.add("warning", "is no number");
                } else if !is_ordered {
                    problems.add("critical", "comes before warning does");
                }
                check_for(*r#for, problems);
            });
        }
        for (rule, of) in [(Rule::LinkDown, &self.link_down), (Rule::LinkDegraded, &self.link_degraded)] {
            problems.within(rule.name(), |problems| check_for(of.r#for, problems));
        }
    }
}

fn check_for(hold: Duration, problems: &mut Problems) {
    if hold > Duration::from_secs(24 * 3_600) {
        problems.add("for", "is longer than 1d");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(options: &Options) -> String {
        let mut problems = Problems::default();
        config::Options::check(options, &mut problems);
        format!("{problems:?}")
    }

    #[test]
    fn every_option_is_in_the_reference_and_the_defaults_have_no_problem() {
        assert_eq!(config::drift::<Options>(), Vec::<String>::new());
        assert!(problems(&Options::default()).contains("found: []"));
    }

    #[test]
    fn limits_that_contradict_each_other_and_names_that_are_there_twice_are_refused() {
        let mut options = Options::default();
        options.rules.disk.critical = 0.5;
        options.rules.slow.critical = 1.0;
        options.group_interval = Duration::from_secs(5 * 3_600);
        let hook =
            Webhook { name: "duty".to_owned(), url: "http://127.0.0.1:1/".to_owned(), ..Webhook::default() };
        options.webhooks = vec![hook.clone(), hook];
        let found = problems(&options);
        for key in ["rules.disk.critical", "rules.slow.critical", "group-interval", "two receivers"] {
            assert!(found.contains(key), "{key}: {found}");
        }
    }

    #[test]
    fn a_file_that_names_one_limit_leaves_the_others_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("alerts.toml");
        std::fs::write(&file, "[rules.disk]\nwarning = 0.3\n[owners]\n\"source/*\" = \"a\"\n").unwrap();
        let read: Options = config::load(&config::Sources::default().file(Some(&file))).unwrap();
        let expected = Threshold { warning: 0.3, ..Rules::default().disk };
        assert_eq!((read.rules.disk, read.rules.slow), (expected, Rules::default().slow));
        assert_eq!(read.owners.len(), 1);
    }
}
