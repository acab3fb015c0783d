use std::path::PathBuf;
use std::time::Duration;

use lgsp_runtime::config::{self, Problems, Row, row, units};
use serde::{Deserialize, Serialize};

/// The options of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// The folder of the ledger.
    pub dir: PathBuf,
    /// Where exchanges without an end are entered as abandoned.
    pub abandon: Abandon,
    /// How long after its deadline an exchange without an end is entered as abandoned.
    #[serde(with = "units::duration")]
    pub abandon_after: Duration,
    /// Most requests that are watched for their end.
    pub most_open: usize,
    /// Size of a segment of the log.
    #[serde(with = "units::size")]
    pub segment_size: usize,
    /// Size of a segment of the journal.
    #[serde(with = "units::size")]
    pub journal_size: usize,
    /// How long filed entries may stay in the journal, where their erasable parts are too.
    #[serde(with = "units::duration")]
    pub journal_for: Duration,
    /// Most bytes of the journal that wait to be filed.
    #[serde(with = "units::size")]
    pub most_unfiled: usize,
    /// Exchanges that wait for one slow follower.
    pub follow_buffer: usize,
    /// Most followers at once.
    pub most_followers: usize,
    /// How long one follower's stream lasts.
    #[serde(with = "units::duration")]
    pub follow_for: Duration,
}

/// Where exchanges without an end are entered as abandoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Abandon {
    /// Only on Kafka: the embedded broker does not outlive its gateways.
    OnKafka,
    /// On the embedded broker too.
    Always,
    /// Nowhere.
    Never,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dir: "ledger".into(),
            abandon: Abandon::OnKafka,
            abandon_after: Duration::from_secs(60),
            most_open: 100_000,
            segment_size: 16 << 20,
            journal_size: 8 << 20,
            journal_for: Duration::from_secs(60),
            most_unfiled: 1 << 30,
            follow_buffer: 4_096,
            most_followers: 64,
            follow_for: Duration::from_secs(15 * 60),
        }
    }
}

impl Options {
    /// Smallest segment that makes sense: a record of Kafka fits.
    pub const SMALLEST_SEGMENT: usize = 4 << 10;
}

impl config::Options for Options {
    fn reference() -> Vec<Row> {
        let (size, duration) = (units::size::ACCEPTS, units::duration::ACCEPTS);
        vec![
            row(
                "dir",
                "a folder",
                "Where the ledger keeps its files: journal, log, index and erasable parts.",
            ),
            row(
                "abandon",
                "on-kafka, always or never",
                "Where exchanges without an end are entered as abandoned. The embedded broker does not outlive its gateways.",
            ),
            row(
                "abandon-after",
                duration,
                "How long after its deadline an exchange without an end is entered as abandoned.",
            ),
            row(
                "most-open",
                "1 to 10000000",
                "Most requests that are watched for their end. The oldest go first.",
            ),
            row("segment-size", size, "Size of a segment of the log. At least 4KiB."),
            row("journal-size", size, "Size of a segment of the journal. At least 4KiB."),
            row(
                "journal-for",
                duration,
                "How long filed entries may stay in the journal, where their erasable parts are too.",
            ),
            row(
                "most-unfiled",
                size,
                "Most bytes of the journal that wait to be filed. With more, nothing further is taken in.",
            ),
            row(
                "follow-buffer",
                "1 to 1000000",
                "Exchanges that wait for one slow follower before its stream is ended with an error.",
            ),
            row("most-followers", "1 to 10000", "Most followers at once; of one application 8, the newest."),
            row("follow-for", duration, "How long one follower's stream lasts; it can be opened again."),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        problems.range("most-open", self.most_open, 1..=10_000_000);
        problems.range("follow-buffer", self.follow_buffer, 1..=1_000_000);
        problems.range("most-followers", self.most_followers, 1..=10_000);
        for (key, size) in [("segment-size", self.segment_size), ("journal-size", self.journal_size)] {
            problems.range(key, size, Self::SMALLEST_SEGMENT..=1 << 30);
        }
        if self.most_unfiled < self.journal_size.saturating_mul(2) {
            problems.add("most-unfiled", "holds less than two segments of the journal");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_in_the_reference_and_the_defaults_have_no_problem() {
        assert_eq!(config::drift::<Options>(), Vec::<String>::new());
        let mut problems = Problems::default();
        config::Options::check(&Options::default(), &mut problems);
        assert!(format!("{problems:?}").contains("found: []"));
    }
}
