use std::time::Duration;

use lgsp_runtime::config::{self, Problems, Row, row, units};
use serde::{Deserialize, Serialize};

/// How an adapter reaches its source.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// The source.
    pub source: lgsp_store::Options,
    /// Longest time of one query. The deadline of the request ends it earlier.
    #[serde(with = "units::duration")]
    pub query_timeout: Duration,
    /// Time between two looks at the source's health.
    #[serde(with = "units::duration")]
    pub probe_interval: Duration,
}

impl Options {
    /// Options for a source, all else by default.
    pub fn of(url: impl Into<String>) -> Self {
        Self { source: lgsp_store::Options::of(url), ..Self::default() }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            source: lgsp_store::Options::default(),
            query_timeout: Duration::from_secs(4),
            probe_interval: Duration::from_secs(5),
        }
    }
}

impl config::Options for Options {
    fn reference() -> Vec<Row> {
        vec![
            row("source.url", "sqlite:<path>", "The database of the source. The adapter only reads it."),
            row("source.max-connections", "1 to 64", "Most queries at once; more wait until their deadline."),
            row(
                "query-timeout",
                units::duration::ACCEPTS,
                "Longest time of one query. The deadline of the request ends it earlier.",
            ),
            row("probe-interval", units::duration::ACCEPTS, "Time between two looks at the source's health."),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        // An empty URL is no problem of a role that does not open this adapter.
        if !self.source.url.is_empty() && !self.source.url.starts_with("sqlite:") {
            problems.add("source.url", "the url does not begin with sqlite:");
        }
        problems.range(
            "source.max-connections",
            self.source.max_connections,
            1..=lgsp_store::Options::MOST_CONNECTIONS,
        );
        if self.query_timeout.is_zero() {
            problems.add("query-timeout", "no query could be answered in no time");
        }
        if self.probe_interval < Duration::from_millis(100) {
            problems.add("probe-interval", "is shorter than 100ms");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_describes_every_option() {
        assert_eq!(config::drift::<Options>(), Vec::<String>::new());
    }
}
