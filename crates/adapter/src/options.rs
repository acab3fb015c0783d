use std::path::{Path, PathBuf};
use std::time::Duration;

use lgsp_identifiers::AgencyCode;
use lgsp_runtime::config::{self, Problems, Row, row, units};
use serde::{Deserialize, Serialize};

use crate::{Mapping, Origin, Relation};

/// How an adapter reaches its source, and how it understands it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// The source.
    pub source: SourceOptions,
    /// What stands for the adapter's relations, when the source has other tables.
    pub mapping: Mapping,
    /// Longest time of one query. The deadline of the request ends it earlier.
    #[serde(with = "units::duration")]
    pub query_timeout: Duration,
    /// Time between two looks at the source's health.
    #[serde(with = "units::duration")]
    pub probe_interval: Duration,
}

/// Where a source is, and who answers for it.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SourceOptions {
    /// As [`lgsp_store::Options`] says.
    pub url: String,
    /// A file with the password.
    pub password_file: Option<PathBuf>,
    /// A file with the authorities that may vouch for the server.
    pub root_certificates: Option<PathBuf>,
    /// Most connections at once.
    pub max_connections: u32,
    /// The source as its owner names it; for a mapped source, which has no table that says so.
    pub name: Option<String>,
    /// The agency that answers for it; for a mapped source.
    pub agency_code: Option<String>,
    /// Whether all its records are made up; for a mapped source.
    pub synthetic: bool,
}

impl Options {
    /// Options for a source, all else by default.
    pub fn of(url: impl Into<String>) -> Self {
        Self { source: SourceOptions { url: url.into(), ..SourceOptions::default() }, ..Self::default() }
    }

    /// Makes relative paths relative to the data directory.
    pub fn resolve(&mut self, data: &Path) {
        if let Some(path) = self.source.url.strip_prefix("sqlite:") {
            self.source.url = format!("sqlite:{}", data.join(path).display());
        }
        for file in [&mut self.source.password_file, &mut self.source.root_certificates].into_iter().flatten()
        {
            *file = data.join(&*file);
        }
    }

    /// Notes what is wrong with the mapping for an adapter that reads these relations.
    pub fn check_mapping(&self, relations: &[Relation], problems: &mut Problems) {
        for problem in self.mapping.problems(relations) {
            problems.add(&format!("mapping.{}", problem.key), problem.found);
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            source: SourceOptions::default(),
            mapping: Mapping::default(),
            query_timeout: Duration::from_secs(4),
            probe_interval: Duration::from_secs(3),
        }
    }
}

impl SourceOptions {
    /// How the source's store is opened.
    pub fn store(&self) -> lgsp_store::Options {
        lgsp_store::Options {
            url: self.url.clone(),
            password_file: self.password_file.clone(),
            root_certificates: self.root_certificates.clone(),
            max_connections: self.max_connections,
        }
    }

    /// Who answers for a mapped source.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            source: self.name.clone().unwrap_or_default(),
            agency_code: self.agency_code.clone().unwrap_or_default(),
            synthetic: self.synthetic,
        }
    }

    fn check(&self, problems: &mut Problems, is_mapped: bool) {
        // An empty URL is no problem of a role that does not open this adapter.
        if !self.url.is_empty()
            && let Err(lgsp_store::Error::Options { key, reason }) = self.store().check()
        {
            problems.add(&format!("source.{key}"), reason);
        }
        problems.range(
            "source.max-connections",
            self.max_connections,
            1..=lgsp_store::Options::MOST_CONNECTIONS,
        );
        if let Some(Err(error)) = self.agency_code.as_deref().map(AgencyCode::parse) {
            problems.add("source.agency-code", error.to_string());
        }
        let given =
            [("source.name", self.name.is_some()), ("source.agency-code", self.agency_code.is_some())];
        for (key, is_given) in given {
            match (is_mapped, is_given) {
                (true, false) => {
                    problems.add(key, "is required with a mapping: no table of the source says it")
                }
                (false, true) => {
                    problems.add(key, "is for a mapping; otherwise the source's own table says it")
                }
                (true, true) | (false, false) => {}
            }
        }
    }
}

impl Default for SourceOptions {
    fn default() -> Self {
        let store = lgsp_store::Options::default();
        Self {
            url: store.url,
            password_file: None,
            root_certificates: None,
            max_connections: store.max_connections,
            name: None,
            agency_code: None,
            synthetic: false,
        }
    }
}

/// The URL may hold a password that will be refused.
impl std::fmt::Debug for SourceOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut f = f.debug_struct("SourceOptions");
        f.field("name", &self.name).field("agency_code", &self.agency_code).finish_non_exhaustive()
    }
}

impl config::Options for Options {
    fn reference() -> Vec<Row> {
        vec![
            row(
                "source.url",
                "sqlite:<path> or postgres://<user>@<host>:<port>/<database>, without a password",
                "The database of the source. The adapter only reads it.",
            ),
            row(
                "source.password-file",
                "a file",
                "The password for PostgreSQL and nothing else; not needed without one.",
            ),
            row(
                "source.root-certificates",
                "a file",
                "The certificates in PEM of the authorities that may vouch for a PostgreSQL server.",
            ),
            row("source.max-connections", "1 to 64", "Most queries at once; more wait until their deadline."),
            row("source.name", "a text", "The source as its owner names it in answers. Only with a mapping."),
            row(
                "source.agency-code",
                "an agency code such as G01.92",
                "The agency that answers for the source. Only with a mapping.",
            ),
            row("source.synthetic", "true or false", "Whether all records are made up. Only with a mapping."),
            row(
                "mapping",
                "a table per relation: table or query, and columns",
                "What stands for the adapter's relations when the source has tables of its own; see docs/mapping.md.",
            ),
            row(
                "query-timeout",
                units::duration::ACCEPTS,
                "Longest time of one query. The deadline of the request ends it earlier.",
            ),
            row("probe-interval", units::duration::ACCEPTS, "Time between two looks at the source's health."),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        self.source.check(problems, !self.mapping.is_empty());
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
