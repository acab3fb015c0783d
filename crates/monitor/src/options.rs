use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lgsp_runtime::config::{self, Problems, Row, row, section, units};
use serde::{Deserialize, Serialize};

use crate::alerts;

/// Most admin ports that are read.
const MOST_PORTS: usize = 64;

/// The options of the monitor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// Where the history is kept: a URL as [`lgsp_store::Options`] has it.
    pub store: String,
    /// A file with the password of a store on PostgreSQL; empty: it wants none.
    pub store_password_file: PathBuf,
    /// A file with the authorities that may vouch for a store on PostgreSQL; empty: those that are public.
    pub store_root_certificates: PathBuf,
    /// The admin ports of other processes, whose `/links` are read.
    pub admin_ports: Vec<SocketAddr>,
    /// An application without traffic for so long is silent.
    #[serde(with = "units::duration")]
    pub silent_after: Duration,
    /// How long the history is kept.
    #[serde(with = "units::duration")]
    pub keep: Duration,
    /// What somebody is told of.
    pub alerts: Box<alerts::Options>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            store: "sqlite:monitor.db".to_owned(),
            store_password_file: PathBuf::new(),
            store_root_certificates: PathBuf::new(),
            admin_ports: Vec::new(),
            silent_after: Duration::from_secs(15 * 60),
            keep: Duration::from_secs(730 * 24 * 3_600),
            alerts: Box::default(),
        }
    }
}

impl Options {
    /// Makes relative paths relative to the data directory.
    pub fn resolve(&mut self, data: &Path) {
        if let Some(path) = self.store.strip_prefix("sqlite:") {
            self.store = format!("sqlite:{}", data.join(path).display());
        }
        let files = [&mut self.store_password_file, &mut self.store_root_certificates];
        for file in files.into_iter().filter(|file| !file.as_os_str().is_empty()) {
            *file = data.join(&*file);
        }
        self.alerts.resolve(data);
    }

    pub(crate) fn store(&self) -> lgsp_store::Options {
        let file = |path: &Path| (!path.as_os_str().is_empty()).then(|| path.to_owned());
        lgsp_store::Options {
            password_file: file(&self.store_password_file),
            root_certificates: file(&self.store_root_certificates),
            ..lgsp_store::Options::of(self.store.clone())
        }
    }
}

impl config::Options for Options {
    fn reference() -> Vec<Row> {
        let mut rows = vec![
            row(
                "store",
                "sqlite:<file> or postgres://<user>@<host>/<database>",
                "Where the monitor keeps the changes of links and announced maintenance. On PostgreSQL, in the schema lgsp_monitor.",
            ),
            row(
                "store-password-file",
                "a file, or empty",
                "Holds the password of the store on PostgreSQL, and nothing else.",
            ),
            row(
                "store-root-certificates",
                "a file of certificates in PEM, or empty",
                "The authorities that may vouch for the store on PostgreSQL.",
            ),
            row(
                "admin-ports",
                "a list of address:port",
                "Admin ports of the other roles (admin.listen of each): what their /links tell is known also while Kafka is away.\n`lgsp status` reads them where nobody else answers. In one process they are not needed.",
            ),
            row(
                "silent-after",
                units::duration::ACCEPTS,
                "An application without any exchange for so long is silent.",
            ),
            row(
                "keep",
                units::duration::ACCEPTS,
                "How long changes of links, and alerts, are kept; the last state of each link for ever. At least 1d.",
            ),
        ];
        rows.extend(section::<alerts::Options>("alerts"));
        rows
    }

    fn check(&self, problems: &mut Problems) {
        if let Err(lgsp_store::Error::Options { key, reason }) = self.store().check() {
            match key {
                "password-file" => problems.add("store-password-file", reason),
                "root-certificates" => problems.add("store-root-certificates", reason),
                _ => problems.add("store", reason),
            }
        }
        if self.admin_ports.len() > MOST_PORTS {
            problems.add("admin-ports", format!("are more than {MOST_PORTS}"));
        }
        if self.silent_after < Duration::from_secs(1) {
            problems.add("silent-after", "is shorter than 1s");
        }
        if self.keep < Duration::from_secs(24 * 3_600) {
            problems.add("keep", "is shorter than 1d");
        }
        problems.section("alerts", &*self.alerts);
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
        assert!(format!("{problems:?}").contains("found: []"), "{problems:?}");
    }
}
