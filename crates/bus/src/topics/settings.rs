//! What a topic's configuration must be, and where that of a topic that exists differs from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What one key of a topic's configuration must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// These words, in any order.
    Words(&'static str),
    /// This number: what is kept for longer, or written more slowly, breaks a promise.
    Exactly(i64),
    /// At least so many milliseconds. An operator may keep records for longer, or for ever.
    AtLeastMillis(i64),
    /// At least so many replicas. An operator may demand more; Kafka 4 never waits for more than there are.
    AtLeastReplicas(i32),
}

/// How Kafka writes that there is no limit.
const NO_LIMIT: i64 = -1;

impl Setting {
    /// The value that it is given when it does not hold.
    pub(super) fn value(&self) -> String {
        match self {
            Self::Words(words) => (*words).to_owned(),
            Self::Exactly(number) | Self::AtLeastMillis(number) => number.to_string(),
            Self::AtLeastReplicas(number) => number.to_string(),
        }
    }

    fn holds(&self, found: &str) -> bool {
        let words = |text: &str| text.split(',').map(str::to_owned).collect::<BTreeSet<_>>();
        let number = || found.parse::<i64>().ok();
        match self {
            Self::Words(wanted) => words(found) == words(wanted),
            Self::Exactly(wanted) => number() == Some(*wanted),
            Self::AtLeastMillis(least) => number().is_some_and(|found| found == NO_LIMIT || found >= *least),
            Self::AtLeastReplicas(least) => number().is_some_and(|found| found >= i64::from(*least)),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(_) | Self::Exactly(_) => f.write_str(&self.value()),
            Self::AtLeastMillis(least) => write!(f, "at least {least}"),
            Self::AtLeastReplicas(least) => write!(f, "at least {least}"),
        }
    }
}

/// A key of a topic's configuration that is not as the hub needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) key: &'static str,
    pub(super) found: String,
    pub(super) wanted: Setting,
}

/// Where the configuration that was found differs from the one that is needed.
pub(super) fn differences(
    needed: Vec<(&'static str, Setting)>,
    found: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let found = |key: &str| found.get(key).cloned().unwrap_or_default();
    let compared = needed.into_iter().map(|(key, wanted)| Difference { key, found: found(key), wanted });
    compared.filter(|compared| !compared.wanted.holds(&compared.found)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{EXCHANGE, REPLY, Topic, declared};
    use super::*;
    use crate::Options;

    const SEVEN_DAYS: &str = "604800000";
    const THIRTY_DAYS: &str = "2592000000";

    fn topic(name: &str) -> Topic {
        declared(&Options::default()).into_iter().find(|topic| topic.name == name).unwrap()
    }

    /// The keys that differ on a topic that was made with so many copies and then changed by hand.
    fn differing(name: &str, copies: i32, by_hand: &[(&str, &str)]) -> Vec<&'static str> {
        let topic = topic(name);
        let made = topic.settings(copies).into_iter().map(|(key, setting)| (key.to_owned(), setting.value()));
        let by_hand = by_hand.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let found = made.chain(by_hand).collect();
        differences(topic.settings(copies), &found).into_iter().map(|difference| difference.key).collect()
    }

    #[test]
    fn a_topic_as_it_was_made_has_no_difference() {
        for topic in declared(&Options::default()) {
            for copies in 1..=3 {
                assert_eq!(differing(&topic.name, copies, &[]), [""; 0], "{} x{copies}", topic.name);
            }
        }
    }

    #[test]
    fn an_operator_may_keep_entries_for_longer_and_not_for_less() {
        for longer in [SEVEN_DAYS, THIRTY_DAYS, "-1"] {
            assert_eq!(differing(EXCHANGE, 3, &[("retention.ms", longer)]), [""; 0], "{longer}");
        }
        for shorter in ["604799999", "0", "-2", ""] {
            assert_eq!(differing(EXCHANGE, 3, &[("retention.ms", shorter)]), ["retention.ms"], "{shorter}");
        }
    }

    #[test]
    fn nobody_may_keep_requests_and_replies_for_longer() {
        assert_eq!(differing(REPLY, 3, &[("retention.ms", THIRTY_DAYS)]), ["retention.ms"]);
    }

    #[test]
    fn of_three_copies_two_at_least_are_in_sync() {
        let differing_at = |found| differing(EXCHANGE, 3, &[("min.insync.replicas", found)]);
        assert_eq!(differing_at("1"), ["min.insync.replicas"]);
        assert_eq!(differing_at("2"), [""; 0]);
        assert_eq!(differing_at("3"), [""; 0]);
    }

    #[test]
    fn a_topic_of_three_copies_is_not_weakened_while_one_broker_is_down() {
        // The copies are those of the topic, whoever of their brokers is there.
        let needed: BTreeMap<_, _> = topic(EXCHANGE).settings(3).into_iter().collect();
        assert_eq!(needed["min.insync.replicas"], Setting::AtLeastReplicas(2));
        assert!(!needed.contains_key("flush.messages"));
        // A cluster of many brokers does not make one copy into three.
        let needed: BTreeMap<_, _> = topic(EXCHANGE).settings(1).into_iter().collect();
        assert_eq!(needed["min.insync.replicas"], Setting::AtLeastReplicas(1));
        assert_eq!(needed["flush.messages"], Setting::Exactly(1));
    }

    #[test]
    fn policies_are_a_set() {
        assert_eq!(
            differing(super::super::HEARTBEAT, 1, &[("cleanup.policy", "delete,compact")]),
            [""; 0],
            "in any order"
        );
        assert_eq!(differing(EXCHANGE, 1, &[("cleanup.policy", "compact")]), ["cleanup.policy"]);
    }
}
