//! Silences: of what matches one, nobody is told. Pure.

use lgsp_core::time::timestamp;
use lgsp_proto::monitor::v1 as contract;

use super::alert::Alert;
use super::pattern;
use super::rule::Rule;

/// The longest silence that can be made.
pub(crate) const LONGEST_US: i64 = 30 * 24 * 3_600 * 1_000_000;
/// Most that hold at once.
pub(crate) const MOST: usize = 200;

/// A silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Silence {
    pub id: String,
    pub matcher: Matcher,
    pub from_us: i64,
    /// Exclusive.
    pub until_us: i64,
    pub reason: String,
    pub made_by: String,
    /// 0: it was not.
    pub ended_us: i64,
    pub ended_by: String,
}

/// What a silence is about: all that is named must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Matcher {
    pub rule: Option<Rule>,
    /// A pattern; empty: any.
    pub subject: String,
    /// Empty: anybody's.
    pub owner: String,
}

impl Matcher {
    pub fn matches(&self, alert: &Alert) -> bool {
        let is_rule = self.rule.is_none_or(|rule| rule == alert.key.rule);
        let is_subject = self.subject.is_empty() || pattern::matches(&self.subject, &alert.key.subject);
        is_rule && is_subject && (self.owner.is_empty() || self.owner == alert.finding.owner)
    }

    pub fn names_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Silence {
    /// When it is over: one that was ended no later than that.
    pub fn end_us(&self) -> i64 {
        if self.ended_us == 0 { self.until_us } else { self.until_us.min(self.ended_us) }
    }

    pub fn holds(&self, now_us: i64) -> bool {
        (self.from_us..self.end_us()).contains(&now_us)
    }

    pub fn told(&self, alerts: usize) -> contract::Silence {
        let moment = |us: i64| (us != 0).then(|| timestamp(us));
        contract::Silence {
            id: self.id.clone(),
            matcher: Some(contract::AlertMatcher {
                rule: self.matcher.rule.map(Rule::name).unwrap_or_default().to_owned(),
                subject: self.matcher.subject.clone(),
                owner: self.matcher.owner.clone(),
            }),
            from: moment(self.from_us),
            until: moment(self.end_us()),
            reason: self.reason.clone(),
            made_by: self.made_by.clone(),
            ended: moment(self.ended_us),
            ended_by: self.ended_by.clone(),
            alerts: u32::try_from(alerts).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::alert::tests::alert;
    use super::*;

    pub(crate) fn silence(subject: &str, until_us: i64) -> Silence {
        Silence {
            id: "s-1".to_owned(),
            matcher: Matcher { subject: subject.to_owned(), ..Matcher::default() },
            from_us: 10,
            until_us,
            reason: "thay đĩa".to_owned(),
            made_by: "dieu-hanh".to_owned(),
            ended_us: 0,
            ended_by: String::new(),
        }
    }

    #[test]
    fn all_that_is_named_must_match() {
        let mut land = alert(Rule::LinkDown, "source/land/office", 0);
        land.finding.owner = "so-nnmt".to_owned();
        let check = |rule, subject: &str, owner: &str, expected| {
            let matcher = Matcher { rule, subject: subject.to_owned(), owner: owner.to_owned() };
            assert_eq!(matcher.matches(&land), expected, "{matcher:?}");
        };
        check(Some(Rule::LinkDown), "", "", true);
        check(Some(Rule::Disk), "", "", false);
        check(None, "source/land/*", "so-nnmt", true);
        check(None, "source/land/*", "so-y-te", false);
        check(Some(Rule::LinkDown), "provider/*", "", false);
        assert!(Matcher::default().names_nothing());
    }

    #[test]
    fn a_silence_holds_until_its_end_or_until_it_was_ended() {
        let holds = |silence: &Silence| (0..30).filter(|now| silence.holds(*now)).collect::<Vec<_>>();
        let until = silence("*", 20);
        assert_eq!(holds(&until), (10..20).collect::<Vec<_>>());
        assert_eq!(holds(&Silence { ended_us: 15, ..until }), (10..15).collect::<Vec<_>>());
    }
}
