//! One alert: from findings to a state. Pure.
//!
//! ```text
//!  bad ──► pending ──(for)──► firing ──(good for resolve-after)──► resolved
//!             │ good             ▲ acknowledged, silenced: told to nobody, and firing all the same
//!             └──► gone
//! ```

use uuid::Uuid;

use super::assess::{Finding, Key};

/// A measure of which nothing was told for so long is taken for gone: whoever told it has ended.
pub(crate) const LOST_US: i64 = 10 * 60 * 1_000_000;

/// An alert.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alert {
    pub id: Uuid,
    pub key: Key,
    /// As it is now, and of one that is good or resolved, as it was last.
    pub finding: Finding,
    /// Since when it is bad.
    pub since_us: i64,
    /// Since when it fires; 0: it does not yet.
    pub fired_us: i64,
    /// 0: it is not.
    pub resolved_us: i64,
    /// Since when it is good, and not for long enough; 0: it is not.
    pub good_us: i64,
    /// Since when nothing is known of it; 0: something is.
    pub unknown_us: i64,
    pub acknowledged: Option<Acknowledged>,
}

/// Who looks after an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub at_us: i64,
    pub by: String,
    pub note: String,
}

/// What is known of an alert's subject now.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict<'a> {
    Bad(&'a Finding),
    Good,
    /// Nothing tells of a link that is known: as it is, it stays.
    Stays,
    /// Nothing tells of it.
    Unknown,
}

/// What has become of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is as it was, but for what was measured.
    Same,
    /// It fires now.
    Fired,
    /// It fires, and another way: more or less urgent, or for another cause.
    Changed,
    /// It is resolved.
    Resolved,
    /// It was never more than pending, and is good.
    Gone,
}

impl Alert {
    pub fn new(key: Key, finding: Finding, now_us: i64) -> Self {
        Self {
            id: Uuid::now_v7(),
            key,
            finding,
            since_us: now_us,
            fired_us: 0,
            resolved_us: 0,
            good_us: 0,
            unknown_us: 0,
            acknowledged: None,
        }
    }

    /// Whether it fires: it has held for long enough, and is not resolved.
    pub fn fires(&self) -> bool {
        self.fired_us != 0 && self.resolved_us == 0
    }

    /// Whether it fires and is not about to be resolved.
    pub fn is_bad(&self) -> bool {
        self.fires() && self.good_us == 0
    }

    /// Takes in what is known now. It fires once it was bad for `hold_us`, and is resolved once it was good for `resolve_us`.
    pub fn take(&mut self, verdict: Verdict<'_>, (hold_us, resolve_us): (i64, i64), now_us: i64) -> Step {
        match verdict {
            Verdict::Bad(finding) => self.take_bad(finding, hold_us, now_us),
            Verdict::Good => {
                self.unknown_us = 0;
                if self.good_us == 0 {
                    self.good_us = now_us;
                }
                if self.fired_us == 0 {
                    return Step::Gone;
                }
                self.resolve(now_us - self.good_us >= resolve_us, now_us)
            }
            Verdict::Stays | Verdict::Unknown => {
                if self.unknown_us == 0 {
                    self.unknown_us = now_us;
                }
                let is_lost = matches!(verdict, Verdict::Unknown) && now_us - self.unknown_us >= LOST_US;
                if is_lost && self.fired_us == 0 {
                    return Step::Gone;
                }
                self.resolve(is_lost, now_us)
            }
        }
    }

    fn take_bad(&mut self, finding: &Finding, hold_us: i64, now_us: i64) -> Step {
        (self.good_us, self.unknown_us) = (0, 0);
        let says = |finding: &Finding| (finding.severity, finding.cause);
        let is_other = says(finding) != says(&self.finding);
        self.finding = finding.clone();
        if self.fired_us == 0 && now_us - self.since_us >= hold_us {
            self.fired_us = now_us;
            return Step::Fired;
        }
        if is_other && self.fires() { Step::Changed } else { Step::Same }
    }

    fn resolve(&mut self, is_over: bool, now_us: i64) -> Step {
        if !is_over {
            return Step::Same;
        }
        self.resolved_us = now_us;
        Step::Resolved
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::rule::{Rule, Severity};
    use super::*;
    use crate::link::{Cause, Evidence};

    pub(crate) fn finding(severity: Severity) -> Finding {
        Finding {
            severity,
            owner: String::new(),
            cause: Some(Cause::InstanceNotHeard),
            evidence: Evidence::default(),
            value: 0.0,
            limit: 0.0,
            maintained: false,
        }
    }

    pub(crate) fn alert(rule: Rule, subject: &str, now_us: i64) -> Alert {
        Alert::new(Key::new(rule, subject), finding(Severity::Critical), now_us)
    }

    #[derive(Clone, Copy)]
    enum Say {
        Bad,
        Good,
        Stays,
        Unknown,
    }

    /// What comes of verdicts at moments, of an alert that is bad from 0 on, must be so for 10 and good for 5.
    fn check(verdicts: &[(i64, Say)], expected: &[(i64, Step)]) {
        let mut alert = alert(Rule::LinkDown, "provider/land", 0);
        let bad = finding(Severity::Critical);
        let mut steps = Vec::new();
        for (at, say) in verdicts {
            let verdict = match say {
                Say::Bad => Verdict::Bad(&bad),
                Say::Good => Verdict::Good,
                Say::Stays => Verdict::Stays,
                Say::Unknown => Verdict::Unknown,
            };
            let step = alert.take(verdict, (10, 5), *at);
            if step != Step::Same {
                steps.push((*at, step));
            }
        }
        assert_eq!(steps, expected);
    }

    #[test]
    fn it_fires_once_it_was_bad_for_long_enough_and_goes_if_it_was_not() {
        use Say::{Bad, Good};
        check(&[(0, Bad), (9, Bad)], &[]);
        check(&[(0, Bad), (10, Bad), (11, Bad)], &[(10, Step::Fired)]);
        check(&[(0, Bad), (9, Good)], &[(9, Step::Gone)]);
    }

    #[test]
    fn it_is_resolved_once_it_was_good_for_long_enough_in_a_row() {
        use Say::{Bad, Good};
        check(&[(10, Bad), (20, Good), (24, Good)], &[(10, Step::Fired)]);
        check(&[(10, Bad), (20, Good), (25, Good)], &[(10, Step::Fired), (25, Step::Resolved)]);
        check(&[(10, Bad), (20, Good), (24, Bad), (28, Good), (32, Good)], &[(10, Step::Fired)]);
    }

    #[test]
    fn what_nobody_tells_of_stays_for_ten_minutes_and_a_known_link_for_ever() {
        use Say::{Bad, Stays, Unknown};
        let fired = (10, Step::Fired);
        check(&[(10, Bad), (20, Unknown), (20 + LOST_US - 1, Unknown)], &[fired]);
        check(&[(10, Bad), (20, Unknown), (20 + LOST_US, Unknown)], &[fired, (20 + LOST_US, Step::Resolved)]);
        check(&[(10, Bad), (20, Stays), (20 + 9 * LOST_US, Stays)], &[fired]);
        check(&[(5, Unknown), (5 + LOST_US, Unknown)], &[(5 + LOST_US, Step::Gone)]);
    }

    #[test]
    fn a_worse_one_is_another_and_a_measured_value_is_not() {
        let mut alert = alert(Rule::Disk, "disk/hub-1/data", 0);
        let measured = |severity, value| Finding { value, ..finding(severity) };
        let mut take = |finding: Finding, at| alert.take(Verdict::Bad(&finding), (0, 5), at);
        assert_eq!(take(measured(Severity::Warning, 0.1), 1), Step::Fired);
        assert_eq!(take(measured(Severity::Warning, 0.09), 2), Step::Same);
        assert_eq!(take(measured(Severity::Critical, 0.05), 3), Step::Changed);
    }
}
