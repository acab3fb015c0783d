//! All alerts with their states, and why nobody is told of some. Bounded, and without I/O.

use std::collections::{BTreeMap, BTreeSet};

use lgsp_core::time::timestamp;
use lgsp_proto::monitor::v1::{self as contract, AlertSeverity, AlertState};
use uuid::Uuid;

use super::alert::{Acknowledged, Alert, Step, Verdict};
use super::assess::{Key, Verdicts};
use super::options::{Options, micros};
use super::roots::Roots;
use super::rule::{Rule, Severity};
use super::silence::Silence;
use crate::board;
use crate::link::Cause;

/// Most alerts that are pending or fire.
pub(crate) const MOST: usize = 4_096;
/// How long, and how many, that are resolved are kept at hand for those who are not told yet.
const RESOLVED_US: i64 = 60 * 60 * 1_000_000;
const MOST_RESOLVED: usize = 1_024;
/// What a silence by maintenance is told as.
const MAINTENANCE: &str = "maintenance";

/// The alerts.
#[derive(Debug, Default)]
pub(crate) struct Roll {
    open: BTreeMap<Key, Alert>,
    /// The oldest first.
    resolved: Vec<Alert>,
    pub silences: Vec<Silence>,
    /// Those that find no room now.
    pub refused: usize,
}

/// An alert with its state, as everybody is told it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    pub alert: Alert,
    pub state: AlertState,
    /// Why nobody is told.
    pub silenced_by: String,
}

impl Roll {
    /// An alert that fired when a monitor last wrote it down. Nothing is known of it until a signal tells more.
    pub fn remember(&mut self, alert: Alert, now_us: i64) {
        self.open.insert(alert.key.clone(), Alert { unknown_us: now_us, ..alert });
    }

    /// Takes in what is known now, and returns the alerts that have changed: fired, changed or resolved.
    pub fn take(&mut self, options: &Options, verdicts: &Verdicts, now_us: i64) -> Vec<(Step, Alert)> {
        self.refused = 0;
        for (key, finding) in &verdicts.bad {
            if self.open.contains_key(key) {
                continue;
            }
            if self.open.len() < MOST {
                self.open.insert(key.clone(), Alert::new(key.clone(), finding.clone(), now_us));
            } else {
                self.refused += 1;
            }
        }
        let resolve_us = micros(options.resolve_after);
        let (mut changed, mut over) = (Vec::new(), BTreeSet::new());
        for (key, alert) in &mut self.open {
            let step = alert.take(verdicts.on(key), (options.hold_us(key.rule), resolve_us), now_us);
            if matches!(step, Step::Gone | Step::Resolved) {
                over.insert(key.clone());
            }
            if matches!(step, Step::Fired | Step::Changed | Step::Resolved) {
                changed.push((step, alert.clone()));
            }
        }
        self.open.retain(|key, _| !over.contains(key));
        let resolved = changed.iter().filter(|(step, _)| *step == Step::Resolved);
        self.resolved.extend(resolved.map(|(_, alert)| alert.clone()));
        self.resolved.retain(|alert| now_us - alert.resolved_us < RESOLVED_US);
        let overflow = self.resolved.len().saturating_sub(MOST_RESOLVED);
        self.resolved.drain(..overflow);
        changed
    }

    /// Says that somebody looks after an alert. `None` if none of this id fires.
    pub fn acknowledge(&mut self, id: Uuid, acknowledged: Acknowledged) -> Option<&Alert> {
        let alert = self.open.values_mut().find(|alert| alert.id == id && alert.fires())?;
        alert.acknowledged = Some(acknowledged);
        Some(alert)
    }

    pub fn firing(&self, id: Uuid) -> Option<&Alert> {
        self.open.values().find(|alert| alert.id == id && alert.fires())
    }

    /// All that is at hand, each with its state.
    pub fn views(&self, now_us: i64) -> Vec<View> {
        let held: Vec<&Silence> = self.silences.iter().filter(|silence| silence.holds(now_us)).collect();
        let roots = Roots::among(self.open.keys());
        let open = self.open.values().map(|alert| view(alert, &held, &roots));
        let resolved = self.resolved.iter().map(|alert| View {
            alert: alert.clone(),
            state: AlertState::Resolved,
            silenced_by: String::new(),
        });
        open.chain(resolved).collect()
    }

    /// How many that fire a silence is about.
    pub fn silenced_by(&self, silence: &Silence) -> usize {
        self.open.values().filter(|alert| alert.fires() && silence.matcher.matches(alert)).count()
    }

    /// How many fire, by rule and severity; those that nobody is told of are among them.
    pub fn counts(&self) -> BTreeMap<(Rule, Severity), usize> {
        let mut counts = BTreeMap::new();
        for alert in self.open.values().filter(|alert| alert.fires()) {
            *counts.entry((alert.key.rule, alert.finding.severity)).or_default() += 1;
        }
        counts
    }
}

fn view(alert: &Alert, silences: &[&Silence], roots: &Roots<'_>) -> View {
    let silence = silences.iter().find(|silence| silence.matcher.matches(alert));
    let root = roots.cause_of(&alert.key);
    let silenced_by = match (silence, root) {
        (Some(silence), _) => silence.id.clone(),
        (None, _) if alert.finding.maintained => MAINTENANCE.to_owned(),
        (None, Some(root)) => format!("{} {}", root.rule.name(), root.subject),
        (None, None) => String::new(),
    };
    let state = match (alert.fires(), alert.acknowledged.is_some()) {
        (false, _) => AlertState::Pending,
        (true, _) if !silenced_by.is_empty() => AlertState::Silenced,
        (true, true) => AlertState::Acknowledged,
        (true, false) => AlertState::Firing,
    };
    View { alert: alert.clone(), state, silenced_by }
}

impl Verdicts {
    fn on(&self, key: &Key) -> Verdict<'_> {
        match self.bad.get(key) {
            Some(finding) => Verdict::Bad(finding),
            None if self.good.contains(key) => Verdict::Good,
            None if self.stays.contains(key) => Verdict::Stays,
            None => Verdict::Unknown,
        }
    }
}

impl View {
    /// One that is not at hand any more, as it was written down.
    pub fn of_the_past(alert: Alert) -> Self {
        let state = if alert.resolved_us == 0 { AlertState::Firing } else { AlertState::Resolved };
        Self { alert, state, silenced_by: String::new() }
    }

    pub fn told(&self) -> contract::Alert {
        let moment = |us: i64| (us != 0).then(|| timestamp(us));
        let Alert { id, key, finding, .. } = &self.alert;
        let acknowledged = self.alert.acknowledged.as_ref();
        contract::Alert {
            id: id.to_string(),
            rule: key.rule.name().to_owned(),
            subject: key.subject.clone(),
            severity: severity(finding.severity).into(),
            owner: finding.owner.clone(),
            state: self.state.into(),
            cause: finding.cause.map(Cause::name).unwrap_or_default().to_owned(),
            evidence: Some(board::evidence(&finding.evidence)),
            value: finding.value,
            limit: finding.limit,
            unit: key.rule.unit().to_owned(),
            since: moment(self.alert.since_us),
            fired: moment(self.alert.fired_us),
            resolved: moment(self.alert.resolved_us),
            acknowledged: acknowledged.map(|it| timestamp(it.at_us)),
            acknowledged_by: acknowledged.map(|it| it.by.clone()).unwrap_or_default(),
            note: acknowledged.map(|it| it.note.clone()).unwrap_or_default(),
            silenced_by: self.silenced_by.clone(),
            unknown_since: moment(self.alert.unknown_us),
        }
    }
}

fn severity(severity: Severity) -> AlertSeverity {
    match severity {
        Severity::Warning => AlertSeverity::Warning,
        Severity::Critical => AlertSeverity::Critical,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::alert::tests::finding;
    use super::super::silence::tests::silence;
    use super::*;

    fn options() -> Options {
        let mut options = Options { resolve_after: Duration::from_micros(5), ..Options::default() };
        options.rules.link_down.r#for = Duration::ZERO;
        options
    }

    fn down(subjects: &[&str]) -> Verdicts {
        let key = |subject: &&str| Key::new(Rule::LinkDown, *subject);
        let mut verdicts = Verdicts::default();
        verdicts.bad.extend(subjects.iter().map(|subject| (key(subject), finding(Severity::Critical))));
        verdicts
    }

    fn good(subject: &str) -> Verdicts {
        Verdicts { good: [Key::new(Rule::LinkDown, subject)].into(), ..Verdicts::default() }
    }

    fn states(roll: &Roll, now_us: i64) -> Vec<(String, AlertState, String)> {
        let told = |view: View| (view.alert.key.subject, view.state, view.silenced_by);
        roll.views(now_us).into_iter().map(told).collect()
    }

    #[test]
    fn a_lost_broker_silences_what_stands_behind_it_and_nothing_else() {
        let mut roll = Roll::default();
        let changed = roll.take(&options(), &down(&["broker/kafka", "provider/land", "witness/w"]), 1);
        assert_eq!(changed.iter().filter(|(step, _)| *step == Step::Fired).count(), 3);
        let expected = [
            ("broker/kafka", AlertState::Firing, ""),
            ("provider/land", AlertState::Silenced, "link-down broker/kafka"),
            ("witness/w", AlertState::Firing, ""),
        ];
        let told = states(&roll, 1);
        let told: Vec<_> =
            told.iter().map(|(subject, state, by)| (subject.as_str(), *state, by.as_str())).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn an_alert_is_acknowledged_silenced_and_resolved() {
        let mut roll = Roll::default();
        roll.take(&options(), &down(&["provider/land"]), 10);
        let id = roll.views(10)[0].alert.id;
        let by =
            |at_us| Acknowledged { at_us, by: "dieu-hanh".to_owned(), note: "đang xử lý".to_owned() };
        assert!(roll.acknowledge(Uuid::nil(), by(11)).is_none());
        assert!(roll.acknowledge(id, by(11)).is_some());
        assert_eq!(roll.views(11)[0].state, AlertState::Acknowledged);
        roll.silences = vec![silence("provider/*", 20)];
        assert_eq!(roll.views(12)[0].silenced_by, "s-1");
        assert_eq!(roll.silenced_by(&roll.silences[0]), 1);
        assert_eq!(roll.views(20)[0].state, AlertState::Acknowledged, "the silence is over");
        roll.take(&options(), &good("provider/land"), 30);
        let changed = roll.take(&options(), &good("provider/land"), 35);
        assert_eq!(changed.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [Step::Resolved]);
        assert_eq!(roll.views(35)[0].state, AlertState::Resolved);
        assert!(roll.acknowledge(id, by(36)).is_none(), "it is over");
        roll.take(&options(), &Verdicts::default(), 35 + RESOLVED_US);
        assert_eq!(roll.views(35 + RESOLVED_US), []);
    }

    #[test]
    fn under_maintenance_an_alert_fires_and_nobody_is_told() {
        let mut roll = Roll::default();
        let mut verdicts = down(&["provider/land"]);
        verdicts.bad.values_mut().for_each(|finding| finding.maintained = true);
        roll.take(&options(), &verdicts, 1);
        let maintained = ("provider/land".to_owned(), AlertState::Silenced, MAINTENANCE.to_owned());
        assert_eq!(states(&roll, 1), [maintained]);
        roll.take(&options(), &down(&["provider/land"]), 2);
        assert_eq!(roll.views(2)[0].state, AlertState::Firing, "it is over");
    }

    #[test]
    fn alerts_are_bounded_and_what_finds_no_room_is_counted() {
        let mut roll = Roll::default();
        let subjects: Vec<String> = (0..MOST + 7).map(|number| format!("application/{number}")).collect();
        let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
        for at_us in [1, 2] {
            roll.take(&options(), &down(&subjects), at_us);
            assert_eq!((roll.views(at_us).len(), roll.refused), (MOST, 7));
        }
        roll.take(&options(), &down(&subjects[..9]), 3);
        assert_eq!(roll.refused, 0);
    }

    #[test]
    fn a_remembered_alert_goes_on_under_its_id_and_is_not_fired_again() {
        let mut roll = Roll::default();
        let mut known = Alert::new(Key::new(Rule::LinkDown, "provider/land"), finding(Severity::Critical), 3);
        known.fired_us = 4;
        let id = known.id;
        roll.remember(known, 100);
        assert_eq!(roll.take(&options(), &Verdicts::default(), 101), [], "no signal yet");
        assert_eq!(roll.take(&options(), &down(&["provider/land"]), 102), []);
        let view = &roll.views(102)[0];
        assert_eq!((view.alert.id, view.alert.since_us, view.state), (id, 3, AlertState::Firing));
    }
}
