//! What one receiver is told, and when: what happens together is one message. Pure.
//!
//! As with Alertmanager, the first message of a group waits for `wait`, what is new in it for `interval` after the last one, and what
//! still fires is told again after `repeat`. What was told is remembered, so that whoever was told of an alert is told of its end.

use std::collections::BTreeMap;

use lgsp_proto::monitor::v1::AlertState;
use uuid::Uuid;

use super::alert::Alert;
use super::roll::View;
use super::rule::{Rule, Severity};

/// What a receiver wants to hear, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wants {
    pub wait_us: i64,
    pub interval_us: i64,
    pub repeat_us: i64,
    pub severity: Severity,
    /// Empty: everybody's.
    pub owners: Vec<String>,
    /// It groups and repeats itself: it gets all in one, and what is acknowledged, too.
    pub groups_itself: bool,
}

/// A group of alerts: those of one rule; `None`: all.
pub(crate) type Group = Option<Rule>;

/// What a receiver was told of an alert.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    /// As it was told.
    pub alert: Alert,
    pub at_us: i64,
}

/// The groups of one receiver.
#[derive(Debug)]
pub(crate) struct Grouping {
    wants: Wants,
    told: BTreeMap<Uuid, Told>,
    /// When each group was told something last, and since when it has something to tell; 0: never, or nothing.
    groups: BTreeMap<Group, Times>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Times {
    told_us: i64,
    since_us: i64,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub group: Group,
    /// What fires, the new ones first.
    pub firing: Vec<View>,
    /// So many of them are new.
    pub new: usize,
    pub resolved: Vec<View>,
}

impl Grouping {
    /// `told` is what the receiver was told before a restart.
    pub fn new(wants: Wants, told: Vec<Told>) -> Self {
        let told: BTreeMap<Uuid, Told> = told.into_iter().map(|told| (told.alert.id, told)).collect();
        let mut groups: BTreeMap<Group, Times> = BTreeMap::new();
        for told in told.values() {
            let group = groups.entry(wants.group(&told.alert)).or_default();
            group.told_us = group.told_us.max(told.at_us);
        }
        Self { wants, told, groups }
    }

    /// The next message that is due, if one is. It is due again until it is [`Self::sent`].
    pub fn due(&mut self, views: &[View], now_us: i64) -> Option<Message> {
        let mut messages = self.messages(views);
        let Self { wants, groups, .. } = self;
        // Whoever was told of something just now is not told of the next at once.
        groups.retain(|group, times| {
            messages.contains_key(group) || now_us - times.told_us < wants.interval_us
        });
        let due = messages.iter().find(|(group, message)| {
            let times = groups.entry(**group).or_default();
            let has_news = message.new > 0 || !message.resolved.is_empty();
            if !has_news {
                times.since_us = 0;
                let is_old = now_us - times.told_us >= wants.repeat_us;
                return is_old && message.firing.iter().any(|view| wants.repeats(view));
            }
            if times.since_us == 0 {
                times.since_us = now_us;
            }
            now_us - times.since_us >= wants.wait_us && now_us - times.told_us >= wants.interval_us
        });
        let group = due.map(|(group, _)| *group)?;
        messages.remove(&group)
    }

    /// Notes that a message has arrived, and returns what the receiver was told first or anew, and what it need not be told any more.
    pub fn sent(&mut self, message: &Message, now_us: i64) -> (Vec<Told>, Vec<Uuid>) {
        self.groups.insert(message.group, Times { told_us: now_us, since_us: 0 });
        let firing = message.firing.iter().map(|view| Told { alert: view.alert.clone(), at_us: now_us });
        let told: Vec<Told> = firing.collect();
        self.told.extend(told.iter().map(|told| (told.alert.id, told.clone())));
        let over: Vec<Uuid> = message.resolved.iter().map(|view| view.alert.id).collect();
        over.iter().for_each(|id| drop(self.told.remove(id)));
        (told, over)
    }

    /// What each group could tell.
    fn messages(&self, views: &[View]) -> BTreeMap<Group, Message> {
        let mut messages: BTreeMap<Group, Message> = BTreeMap::new();
        let empty = |group| Message { group, firing: Vec::new(), new: 0, resolved: Vec::new() };
        let mut open: BTreeMap<Uuid, &View> = BTreeMap::new();
        for view in views {
            if view.alert.fires() {
                open.insert(view.alert.id, view);
            }
            let group = self.wants.group(&view.alert);
            let told = self.told.get(&view.alert.id);
            let is_new = match told {
                None => view.state == AlertState::Firing && view.alert.is_bad() && self.wants.wants(view),
                Some(told) => {
                    view.state == AlertState::Firing
                        && view.alert.finding.severity > told.alert.finding.severity
                }
            };
            let stands =
                told.is_some() && matches!(view.state, AlertState::Firing | AlertState::Acknowledged);
            if is_new {
                let message = messages.entry(group).or_insert_with(|| empty(group));
                message.firing.insert(message.new, view.clone());
                message.new += 1;
            } else if stands {
                messages.entry(group).or_insert_with(|| empty(group)).firing.push(view.clone());
            }
        }
        // Also of one that is not at hand any more its end is told: as it was told last.
        for (id, told) in self.told.iter().filter(|(id, _)| !open.contains_key(*id)) {
            let group = self.wants.group(&told.alert);
            let view = views.iter().find(|view| view.alert.id == *id).cloned();
            let view = view.unwrap_or_else(|| View {
                alert: told.alert.clone(),
                state: AlertState::Resolved,
                silenced_by: String::new(),
            });
            messages.entry(group).or_insert_with(|| empty(group)).resolved.push(view);
        }
        messages
    }
}

impl Wants {
    fn group(&self, alert: &Alert) -> Group {
        (!self.groups_itself).then_some(alert.key.rule)
    }

    fn wants(&self, view: &View) -> bool {
        let finding = &view.alert.finding;
        finding.severity >= self.severity && (self.owners.is_empty() || self.owners.contains(&finding.owner))
    }

    fn repeats(&self, view: &View) -> bool {
        view.state == AlertState::Firing || self.groups_itself
    }
}

#[cfg(test)]
mod tests {
    use super::super::alert::tests::alert;
    use super::*;

    fn wants() -> Wants {
        Wants {
            wait_us: 10,
            interval_us: 100,
            repeat_us: 1_000,
            severity: Severity::Warning,
            owners: Vec::new(),
            groups_itself: false,
        }
    }

    fn firing(rule: Rule, subject: &str) -> View {
        let mut alert = alert(rule, subject, 0);
        alert.fired_us = 1;
        View { alert, state: AlertState::Firing, silenced_by: String::new() }
    }

    fn resolved(view: &View) -> View {
        let alert = Alert { resolved_us: 9, ..view.alert.clone() };
        View { alert, state: AlertState::Resolved, silenced_by: String::new() }
    }

    fn of(view: &View, state: AlertState) -> View {
        View { state, ..view.clone() }
    }

    /// How many new, standing and resolved the next message has; and it is sent.
    fn next(grouping: &mut Grouping, views: &[&View], now_us: i64) -> Option<(usize, usize, usize)> {
        let views: Vec<View> = views.iter().map(|view| (*view).clone()).collect();
        let message = grouping.due(&views, now_us)?;
        grouping.sent(&message, now_us);
        Some((message.new, message.firing.len() - message.new, message.resolved.len()))
    }

    #[test]
    fn what_happens_together_is_one_message_and_what_comes_later_waits_for_the_interval() {
        let mut grouping = Grouping::new(wants(), Vec::new());
        let [a, b, c] = ["a", "b", "c"].map(|name| firing(Rule::LinkDown, name));
        assert_eq!(next(&mut grouping, &[&a], 1_000_000), None, "it waits for others");
        assert_eq!(next(&mut grouping, &[&a, &b], 1_000_009), None);
        assert_eq!(next(&mut grouping, &[&a, &b], 1_000_010), Some((2, 0, 0)));
        assert_eq!(next(&mut grouping, &[&a, &b, &c], 1_000_050), None);
        assert_eq!(next(&mut grouping, &[&a, &b, &c], 1_000_110), Some((1, 2, 0)));
    }

    #[test]
    fn a_storm_of_a_thousand_is_one_message_and_another_rule_is_another() {
        let mut grouping = Grouping::new(wants(), Vec::new());
        let mut storm: Vec<View> =
            (0..1_000).map(|number| firing(Rule::LinkDown, &number.to_string())).collect();
        storm.push(firing(Rule::Disk, "disk/hub-1/data"));
        let storm: Vec<&View> = storm.iter().collect();
        assert_eq!(next(&mut grouping, &storm, 1_000_000), None);
        assert_eq!(next(&mut grouping, &storm, 1_000_010), Some((1_000, 0, 0)));
        assert_eq!(next(&mut grouping, &storm, 1_000_010), Some((1, 0, 0)));
        assert_eq!(next(&mut grouping, &storm, 1_000_500), None);
    }

    #[test]
    fn what_still_fires_is_told_again_unless_somebody_looks_after_it() {
        let mut grouping = Grouping::new(Wants { wait_us: 0, ..wants() }, Vec::new());
        let a = firing(Rule::LinkDown, "a");
        assert_eq!(next(&mut grouping, &[&a], 1_000_000), Some((1, 0, 0)));
        assert_eq!(next(&mut grouping, &[&a], 1_000_999), None);
        assert_eq!(next(&mut grouping, &[&a], 1_001_000), Some((0, 1, 0)));
        let acknowledged = of(&a, AlertState::Acknowledged);
        assert_eq!(next(&mut grouping, &[&acknowledged], 1_009_000), None);
        assert_eq!(next(&mut grouping, &[&resolved(&a)], 1_009_000), Some((0, 0, 1)));
        assert_eq!(next(&mut grouping, &[&resolved(&a)], 1_019_000), None, "once");
    }

    #[test]
    fn who_was_not_told_of_an_alert_is_not_told_of_its_end_and_nobody_of_what_is_silenced() {
        let mut grouping = Grouping::new(Wants { wait_us: 0, ..wants() }, Vec::new());
        let a = firing(Rule::LinkDown, "a");
        assert_eq!(next(&mut grouping, &[&of(&a, AlertState::Silenced)], 1_000_000), None);
        assert_eq!(next(&mut grouping, &[&resolved(&a)], 1_001_000), None);
        assert_eq!(next(&mut grouping, &[&of(&a, AlertState::Pending)], 1_002_000), None);
        assert_eq!(next(&mut grouping, &[&a], 1_003_000), Some((1, 0, 0)), "the silence is over");
        let silenced = of(&a, AlertState::Silenced);
        assert_eq!(next(&mut grouping, &[&silenced], 1_009_000), None);
        assert_eq!(next(&mut grouping, &[], 1_010_000), Some((0, 0, 1)), "not at hand any more");
    }

    #[test]
    fn what_is_about_to_be_resolved_is_not_told_first() {
        let mut grouping = Grouping::new(Wants { wait_us: 0, ..wants() }, Vec::new());
        let mut a = firing(Rule::LinkDown, "a");
        a.alert.good_us = 7;
        assert_eq!(next(&mut grouping, &[&a], 1_000_000), None);
    }

    #[test]
    fn after_a_restart_there_is_no_second_first_message_and_repeats_go_on() {
        let a = firing(Rule::LinkDown, "a");
        let told = Told { alert: a.alert.clone(), at_us: 1_000_000 };
        let mut grouping = Grouping::new(wants(), vec![told.clone()]);
        assert_eq!(next(&mut grouping, &[&a], 1_000_500), None);
        assert_eq!(next(&mut grouping, &[&a], 1_001_000), Some((0, 1, 0)));
        let mut grouping = Grouping::new(Wants { wait_us: 0, ..wants() }, vec![told]);
        assert_eq!(next(&mut grouping, &[], 1_000_500), Some((0, 0, 1)), "its end was not told before");
    }

    #[test]
    fn a_worse_severity_is_news_and_a_better_one_is_not() {
        let mut grouping = Grouping::new(Wants { wait_us: 0, ..wants() }, Vec::new());
        let mut a = firing(Rule::Disk, "a");
        a.alert.finding.severity = Severity::Warning;
        assert_eq!(next(&mut grouping, &[&a], 1_000_000), Some((1, 0, 0)));
        a.alert.finding.severity = Severity::Critical;
        assert_eq!(next(&mut grouping, &[&a], 1_000_200), Some((1, 0, 0)));
        a.alert.finding.severity = Severity::Warning;
        assert_eq!(next(&mut grouping, &[&a], 1_000_400), None);
    }

    #[test]
    fn a_receiver_hears_of_its_owners_and_from_its_severity_on() {
        let mine =
            Wants { owners: vec!["so-y-te".to_owned()], severity: Severity::Critical, wait_us: 0, ..wants() };
        let mut grouping = Grouping::new(mine, Vec::new());
        let mut a = firing(Rule::LinkDown, "a");
        assert_eq!(next(&mut grouping, &[&a], 1_000_000), None);
        a.alert.finding.owner = "so-y-te".to_owned();
        a.alert.finding.severity = Severity::Warning;
        assert_eq!(next(&mut grouping, &[&a], 1_000_000), None);
        a.alert.finding.severity = Severity::Critical;
        assert_eq!(next(&mut grouping, &[&a], 1_000_000), Some((1, 0, 0)));
    }

    #[test]
    fn a_receiver_that_groups_itself_gets_all_in_one_and_again_and_again() {
        let itself = Wants { groups_itself: true, wait_us: 0, interval_us: 0, repeat_us: 60, ..wants() };
        let mut grouping = Grouping::new(itself, Vec::new());
        let (a, b) = (firing(Rule::LinkDown, "a"), firing(Rule::Disk, "b"));
        assert_eq!(next(&mut grouping, &[&a, &b], 1_000_000), Some((2, 0, 0)));
        let acknowledged = of(&a, AlertState::Acknowledged);
        assert_eq!(next(&mut grouping, &[&acknowledged, &b], 1_000_060), Some((0, 2, 0)));
        assert_eq!(next(&mut grouping, &[&acknowledged, &resolved(&b)], 1_000_061), Some((0, 1, 1)));
    }
}
