//! How long what can be erased of exchanges is kept, by class.

use lgsp_core::time::months_before;
use lgsp_proto::ledger::v1::RetentionClass;
use lgsp_runtime::config::{self, Problems, Row, row, section, units};
use serde::{Deserialize, Serialize};

/// How long each class of exchanges is kept. What is held stays, however old it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Retention {
    /// Exchanges of data, whatever came of them: what was refused is kept as long as what was served.
    pub data: Term,
    /// What was done at the hub itself: decisions, lists, the looks of auditors.
    pub platform: Term,
}

/// How long one class is kept. After both, what can be erased is erased; the sealed part of an entry stays for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Term {
    /// Months in the online log.
    #[serde(with = "units::months")]
    pub online: u32,
    /// Months in the archive, after that.
    #[serde(with = "units::months")]
    pub archived: u32,
}

impl Default for Term {
    fn default() -> Self {
        Self { online: 24, archived: 60 }
    }
}

/// TCVN 11930:2017 has logs of systems of level 3 kept for three months.
const LEAST_ONLINE: u32 = 3;
/// A hundred years.
const MOST: u32 = 1_200;

impl Retention {
    /// Each class with its term.
    pub(crate) fn terms(&self) -> [(RetentionClass, &Term); 2] {
        [(RetentionClass::Data, &self.data), (RetentionClass::Platform, &self.platform)]
    }
}

impl Term {
    /// What was admitted before this moment has expired (Unix µs): the beginning of a day, so that a rule is the same all day.
    pub(crate) fn expired_before(&self, now_us: i64) -> i64 {
        months_before(now_us, self.online.saturating_add(self.archived))
    }
}

impl config::Options for Retention {
    fn reference() -> Vec<Row> {
        [section::<Term>("data"), section::<Term>("platform")].concat()
    }

    fn check(&self, problems: &mut Problems) {
        problems.section("data", &self.data);
        problems.section("platform", &self.platform);
    }
}

impl config::Options for Term {
    fn reference() -> Vec<Row> {
        vec![
            row(
                "online",
                units::months::ACCEPTS,
                "How long exchanges of this class stay in the online log. At least 3 months (TCVN 11930:2017).",
            ),
            row(
                "archived",
                units::months::ACCEPTS,
                "How long they stay in the archive after that. Then what can be erased of them is erased, unless they are held.",
            ),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        problems.range("online", self.online, LEAST_ONLINE..=MOST);
        problems.range("archived", self.archived, 0..=MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_both_terms_has_expired() {
        // 2026-11-28T10:30:00+07:00, and 2019-11-28T00:00:00+07:00.
        let now = 1_795_836_600_000_000;
        assert_eq!(Term::default().expired_before(now), 1_574_874_000_000_000);
        let terms: Retention =
            serde_json::from_str(r#"{ "platform": { "online": "3 months", "archived": "0 months" } }"#)
                .unwrap();
        assert_eq!(terms.platform, Term { online: 3, archived: 0 });
        assert_eq!(terms.data, Term::default());
    }
}
