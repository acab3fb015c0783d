//! Which alert is the cause of another. Pure.

use std::collections::BTreeMap;

use super::assess::Key;
use super::rule::Rule;
use crate::link::{Id, Kind};

/// The alerts that may be the cause of others, which then need no message of their own: the broker's, those of providers and those of
/// sources, by their domain.
#[derive(Debug, Default)]
pub(crate) struct Roots<'a> {
    broker: Option<&'a Key>,
    providers: BTreeMap<String, &'a Key>,
    sources: BTreeMap<String, &'a Key>,
}

impl<'a> Roots<'a> {
    pub fn among(keys: impl Iterator<Item = &'a Key>) -> Self {
        let mut roots = Self::default();
        for key in keys.filter(|key| key.rule == Rule::LinkDown) {
            let Some(id) = Id::parse(&key.subject) else { continue };
            let domain = id.domain().unwrap_or_default().to_owned();
            match id.kind {
                Kind::Broker => roots.broker = Some(key),
                Kind::Provider => drop(roots.providers.insert(domain, key)),
                Kind::Source => drop(roots.sources.entry(domain).or_insert(key)),
                Kind::Application | Kind::Witness => {}
            }
        }
        roots
    }

    /// The alert that is the cause of another.
    pub fn cause_of(&self, other: &Key) -> Option<&'a Key> {
        let is_behind_kafka = match other.rule {
            // Witnesses are asked without Kafka.
            Rule::LinkDown | Rule::LinkDegraded => !other.subject.starts_with("witness/"),
            Rule::ErrorRatio | Rule::Slow | Rule::SealingLag | Rule::ConsumerLag => true,
            Rule::Certificate | Rule::Quota | Rule::Disk | Rule::Clock => false,
        };
        let broker = self.broker.filter(|_| is_behind_kafka);
        let domain = domain_of(other);
        let of =
            |roots: &BTreeMap<String, &'a Key>| domain.as_ref().and_then(|domain| roots.get(domain)).copied();
        // What fails behind the adapter is seen at the provider, too.
        let is_symptom = matches!(other.rule, Rule::LinkDegraded | Rule::ErrorRatio | Rule::Slow)
            && other.subject.starts_with("provider/");
        let source = || of(&self.sources).filter(|_| is_symptom);
        let root = broker.or_else(|| of(&self.providers)).filter(|root| *root != other);
        root.or_else(source)
    }
}

/// The domain that an alert is about.
pub(crate) fn domain_of(key: &Key) -> Option<String> {
    match key.rule {
        Rule::LinkDown | Rule::LinkDegraded | Rule::ErrorRatio | Rule::Slow => {
            Id::parse(&key.subject)?.domain().map(str::to_owned)
        }
        Rule::SealingLag => Some("ledger".to_owned()),
        Rule::ConsumerLag => key.subject.strip_prefix("consumer/").map(str::to_owned),
        Rule::Certificate | Rule::Quota | Rule::Disk | Rule::Clock => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_broker_or_a_dead_provider_is_the_cause_of_what_stands_behind_it() {
        let key = |text: &str| {
            let (rule, subject) = text.split_once(' ').unwrap();
            Key::new(Rule::from_name(rule).unwrap(), subject)
        };
        for (root, other, expected) in [
            ("link-down broker/kafka", "link-down provider/land", true),
            ("link-down broker/kafka", "sealing-lag ledger", true),
            ("link-down broker/kafka", "link-down witness/a.vn/w", false),
            ("link-down broker/kafka", "disk disk/hub-1/data", false),
            ("link-down broker/kafka", "link-down broker/kafka", false),
            ("link-down provider/land", "link-down source/land/office", true),
            ("link-down provider/land", "slow provider/land", true),
            ("link-down provider/land", "consumer-lag consumer/land", true),
            ("link-down provider/land", "link-down provider/health", false),
            ("link-down source/land/office", "error-ratio provider/land", true),
            ("link-down source/land/office", "link-down provider/land", false),
            ("link-down source/land/office", "link-degraded provider/health", false),
            ("link-degraded provider/land", "slow provider/land", false),
        ] {
            let (root, other) = (key(root), key(other));
            let found = Roots::among([&root].into_iter()).cause_of(&other);
            assert_eq!(found, expected.then_some(&root), "{root:?} {other:?}");
        }
    }
}
