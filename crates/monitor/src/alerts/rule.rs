//! The rules: a closed set, told in docs/operations.md.

use serde::{Deserialize, Serialize};

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A link does not work.
    LinkDown,
    /// A link works, and somebody should look at it.
    LinkDegraded,
    /// Too many exchanges of a domain fail at the provider or behind it.
    ErrorRatio,
    /// The slowest hundredth of a domain's exchanges takes too long.
    Slow,
    /// Too many entries are filed and not sealed.
    SealingLag,
    /// A consumer is too far behind.
    ConsumerLag,
    /// A certificate or a key ends soon.
    Certificate,
    /// A quota of the day is used up, or nearly.
    Quota,
    /// A file system is full, or nearly.
    Disk,
    /// A clock differs from the others.
    Clock,
}

/// How urgent an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Somebody should look at it today.
    Warning,
    /// Somebody must act now.
    Critical,
}

/// In which direction a measure becomes bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// When it is so much or more.
    Above,
    /// When it is so much or less.
    Below,
}

impl Rule {
    /// All rules.
    pub const ALL: [Self; 10] = [
        Self::LinkDown,
        Self::LinkDegraded,
        Self::ErrorRatio,
        Self::Slow,
        Self::SealingLag,
        Self::ConsumerLag,
        Self::Certificate,
        Self::Quota,
        Self::Disk,
        Self::Clock,
    ];

    /// Its name, in the configuration and everywhere else.
    pub fn name(self) -> &'static str {
        match self {
            Self::LinkDown => "link-down",
            Self::LinkDegraded => "link-degraded",
            Self::ErrorRatio => "error-ratio",
            Self::Slow => "slow",
            Self::SealingLag => "sealing-lag",
            Self::ConsumerLag => "consumer-lag",
            Self::Certificate => "certificate",
            Self::Quota => "quota",
            Self::Disk => "disk",
            Self::Clock => "clock",
        }
    }

    /// The rule of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }

    /// What its measure is counted in; empty for a rule of links.
    pub fn unit(self) -> &'static str {
        match self {
            Self::LinkDown | Self::LinkDegraded => "",
            Self::ErrorRatio | Self::Quota | Self::Disk => "1",
            Self::Slow | Self::Clock => "s",
            Self::SealingLag => "{entry}",
            Self::ConsumerLag => "{record}",
            Self::Certificate => "d",
        }
    }

    /// When its measure is bad.
    pub fn bad(self) -> Bad {
        match self {
            Self::Certificate | Self::Disk => Bad::Below,
            Self::LinkDown
            | Self::LinkDegraded
            | Self::ErrorRatio
            | Self::Slow
            | Self::SealingLag
            | Self::ConsumerLag
            | Self::Quota
            | Self::Clock => Bad::Above,
        }
    }
}

impl Severity {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// The severity of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Warning, Self::Critical].into_iter().find(|severity| severity.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_severities_are_read_as_they_are_written_and_every_rule_is_explained_to_operators() {
        const OPERATIONS: &str = include_str!("../../../../docs/operations.md");
        for rule in Rule::ALL {
            assert_eq!(Rule::from_name(rule.name()), Some(rule));
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.name());
            assert!(OPERATIONS.contains(&format!("| `{}` |", rule.name())), "{rule:?}");
        }
        for severity in [Severity::Warning, Severity::Critical] {
            assert_eq!(Severity::from_name(severity.name()), Some(severity));
        }
        assert_eq!((Rule::from_name(""), Severity::from_name("info")), (None, None));
    }
}
