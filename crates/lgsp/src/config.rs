//! One configuration for every role: what each crate's options are called, and where their files lie.

use std::path::PathBuf;

use lgsp_runtime::config::{self, Problems, Row, row, section};
use lgsp_runtime::{admin, shutdown, telemetry};
use serde::{Deserialize, Serialize};

use crate::cli::server::Domain;
use crate::roles;

/// All keys of the hub. A role reads its own sections and accepts all of them, so that one file serves every role.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// The data directory; relative paths below are relative to it.
    pub data: PathBuf,
    /// The admin port.
    pub admin: admin::Options,
    /// Log and traces.
    pub telemetry: telemetry::Options,
    /// Bounds of a role's end.
    pub shutdown: shutdown::Options,
    /// The bus.
    pub kafka: lgsp_bus::Options,
    /// Where the keys lie.
    pub keys: Keys,
    /// The gateway.
    pub gateway: lgsp_gateway::Options,
    /// The serving side of every provider.
    pub serve: lgsp_bus::ServeOptions,
    /// The registry.
    pub registry: lgsp_registry::Options,
    /// The ledger.
    pub ledger: lgsp_ledger::Options,
    /// The monitor.
    pub monitor: lgsp_monitor::Options,
    /// The console.
    pub console: lgsp_console::Options,
    /// The witness of logs that others run.
    pub witness: lgsp_witness::Options,
    /// The adapter of the population domain.
    pub population: lgsp_adapter::Options,
    /// The adapter of the land domain.
    pub land: lgsp_adapter::Options,
    /// The adapter of the health domain.
    pub health: lgsp_adapter::Options,
    /// The FHIR server that the health adapter reads instead of a database.
    pub fhir: lgsp_adapter_health::fhir::Options,
    /// The adapter of the education domain.
    pub education: lgsp_adapter::Options,
    /// The adapter of the business domain.
    pub business: lgsp_adapter::Options,
}

/// Where the keys of more than one role lie.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Keys {
    /// The folder of the MAC keys, `<domain>.key` each. A gateway and the ledger need all; another provider its own.
    pub mac: PathBuf,
    /// The folder of the subject keys, `YYYY-MM.key` each.
    pub subjects: PathBuf,
    /// The public half of the key that signs snapshots.
    pub snapshot_public: PathBuf,
    /// The key with which the ledger signs the log's checkpoints.
    pub log: PathBuf,
    /// The one that it takes the place of, and that signs beside it meanwhile.
    pub log_former: Option<PathBuf>,
    /// The key with which ledgers sign decisions about the log, and those that it took the place of. Ledgers alone hold it.
    pub decisions: PathBuf,
    /// The keys under which gateways signed entries before.
    pub entries_former: Option<PathBuf>,
}

/// What the reference configuration begins with.
const REFERENCE_HEADER: &str = "\
# Every key of the hub's configuration with its default, as `lgsp config reference` prints it. Each process reads its own
# sections and accepts all. A file needs only what differs; `lgsp config check --config FILE` names every problem in it.
# The environment overrides the file (gateway.exchanges.in-flight is LGSP__GATEWAY__EXCHANGES__IN_FLIGHT), and the command
# line overrides both (--set gateway.exchanges.in-flight=64).

";

/// The commented reference configuration: a valid file that says the same as no file at all.
pub fn reference() -> String {
    format!("{REFERENCE_HEADER}{}", config::render::<Config>())
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("lgsp-data"),
            admin: admin::Options::default(),
            telemetry: telemetry::Options::default(),
            shutdown: shutdown::Options::default(),
            kafka: lgsp_bus::Options::default(),
            keys: Keys::default(),
            gateway: lgsp_gateway::Options::default(),
            serve: lgsp_bus::ServeOptions::default(),
            registry: lgsp_registry::Options::default(),
            ledger: lgsp_ledger::Options::default(),
            monitor: lgsp_monitor::Options::default(),
            console: lgsp_console::Options::default(),
            witness: lgsp_witness::Options::default(),
            population: lgsp_adapter::Options::of("sqlite:sources/population.db"),
            land: lgsp_adapter::Options::of("sqlite:sources/land.db"),
            health: lgsp_adapter::Options::of("sqlite:sources/health.db"),
            fhir: lgsp_adapter_health::fhir::Options::default(),
            education: lgsp_adapter::Options::of("sqlite:sources/education.db"),
            business: lgsp_adapter::Options::of("sqlite:sources/business.db"),
        }
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            mac: PathBuf::from("keys/mac"),
            subjects: PathBuf::from("keys/subjects"),
            snapshot_public: PathBuf::from("keys/snapshot.pub.pem"),
            log: PathBuf::from("keys/log.pem"),
            log_former: None,
            decisions: PathBuf::from("keys/decisions.key"),
            entries_former: None,
        }
    }
}

impl Config {
    /// The adapter of a domain.
    pub fn adapter(&self, domain: Domain) -> &lgsp_adapter::Options {
        match domain {
            Domain::Population => &self.population,
            Domain::Land => &self.land,
            Domain::Health => &self.health,
            Domain::Education => &self.education,
            Domain::Business => &self.business,
        }
    }

    /// The same with every relative path made relative to the data directory.
    #[must_use]
    pub fn resolved(mut self) -> Self {
        let data = self.data.clone();
        let paths = [
            &mut self.keys.mac,
            &mut self.keys.subjects,
            &mut self.keys.snapshot_public,
            &mut self.keys.log,
            &mut self.keys.decisions,
            &mut self.gateway.entries.spool,
        ];
        for path in paths {
            *path = data.join(&path);
        }
        for former in [&mut self.keys.log_former, &mut self.keys.entries_former].into_iter().flatten() {
            *former = data.join(&former);
        }
        self.kafka.resolve(&data);
        self.registry.resolve(&data);
        self.ledger.resolve(&data);
        self.monitor.resolve(&data);
        self.console.resolve(&data);
        self.witness.resolve(&data);
        for adapter in
            [&mut self.population, &mut self.land, &mut self.health, &mut self.education, &mut self.business]
        {
            adapter.resolve(&data);
        }
        self.fhir.resolve(&data);
        if let Some(tls) = &mut self.gateway.tls {
            tls.resolve(&data);
        }
        if let Some(oidc) = &mut self.gateway.oidc {
            oidc.resolve(&data);
        }
        self
    }
}

impl config::Options for Config {
    fn reference() -> Vec<Row> {
        let mut rows = vec![row(
            "data",
            "a folder",
            "The data directory. Relative paths anywhere in this configuration are relative to it.",
        )];
        rows.extend(section::<admin::Options>("admin"));
        rows.extend(section::<telemetry::Options>("telemetry"));
        rows.extend(section::<shutdown::Options>("shutdown"));
        rows.extend(section::<lgsp_bus::Options>("kafka"));
        rows.extend(section::<Keys>("keys"));
        rows.extend(section::<lgsp_gateway::Options>("gateway"));
        rows.extend(section::<lgsp_bus::ServeOptions>("serve"));
        rows.extend(section::<lgsp_registry::Options>("registry"));
        rows.extend(section::<lgsp_ledger::Options>("ledger"));
        rows.extend(section::<lgsp_monitor::Options>("monitor"));
        rows.extend(section::<lgsp_console::Options>("console"));
        rows.extend(section::<lgsp_witness::Options>("witness"));
        rows.extend(section::<lgsp_adapter::Options>("population"));
        rows.extend(section::<lgsp_adapter::Options>("land"));
        rows.extend(section::<lgsp_adapter::Options>("health"));
        rows.extend(section::<lgsp_adapter_health::fhir::Options>("fhir"));
        rows.extend(section::<lgsp_adapter::Options>("education"));
        rows.extend(section::<lgsp_adapter::Options>("business"));
        rows
    }

    fn check(&self, problems: &mut Problems) {
        problems.section("admin", &self.admin);
        problems.section("telemetry", &self.telemetry);
        problems.section("shutdown", &self.shutdown);
        problems.section("kafka", &self.kafka);
        problems.section("keys", &self.keys);
        problems.section("gateway", &self.gateway);
        problems.section("serve", &self.serve);
        problems.section("registry", &self.registry);
        problems.section("ledger", &self.ledger);
        problems.section("monitor", &self.monitor);
        problems.section("console", &self.console);
        problems.section("witness", &self.witness);
        for domain in Domain::ALL {
            problems.section(domain.name(), self.adapter(domain));
        }
        problems.section("fhir", &self.fhir);
        // Mappings are held against what their adapters read.
        for domain in Domain::ALL {
            let (options, relations) = (self.adapter(domain), roles::adapter::relations(domain));
            problems.within(domain.name(), |problems| options.check_mapping(relations, problems));
        }
    }
}

impl config::Options for Keys {
    fn reference() -> Vec<Row> {
        vec![
            row(
                "mac",
                "a folder",
                "The MAC keys, <domain>.key each: 64 hexadecimal digits. A gateway and the ledger need those of all domains, another provider its own.",
            ),
            row(
                "subjects",
                "a folder",
                "The keys under which subjects are hashed, YYYY-MM.key each: 64 hexadecimal digits. Gateways need the current month's.",
            ),
            row(
                "snapshot-public",
                "a file",
                "The Ed25519 public key in PEM of the registry. Gateways accept no other's rules. While the registry's key is replaced,\nthe file holds both, one after the other.",
            ),
            row(
                "log",
                "a file",
                "The Ed25519 private key in PEM with which the ledger signs the log's checkpoints. Without the file none are signed.",
            ),
            row(
                "log-former",
                "a file",
                "The key that `log` takes the place of, while not everybody who verifies knows the new one: it signs beside it.",
            ),
            row(
                "decisions",
                "a file",
                "The key with which ledgers sign decisions about the log: 64 hexadecimal digits. After it stand those that it took the place of,\none a line: their decisions still hold. Ledgers alone have it. Without the file nothing can be decided.",
            ),
            row(
                "entries-former",
                "a file",
                "Keys under which gateways signed entries before `ledger.key` was replaced, one a line, for ledgers: an index that is built\nagain tells by them what of the log is signed. Nothing that arrives is taken from them.",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_key_is_in_the_reference_configuration() {
        assert_eq!(config::drift::<Config>(), Vec::<String>::new());
    }

    const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/config/reference.toml");

    #[test]
    fn the_reference_file_is_what_the_program_prints() {
        let written = std::fs::read_to_string(REFERENCE).unwrap_or_default();
        assert!(
            written == reference(),
            "deploy/config/reference.toml is not what the program prints; renew it:\n  \
             cargo run -p lgsp -- config reference > deploy/config/reference.toml"
        );
    }

    #[test]
    fn the_reference_file_says_the_same_as_no_file() {
        let none: Config = config::load(&config::Sources::default()).expect("the defaults are good");
        let sources = config::Sources::default().file(Some(Path::new(REFERENCE)));
        let read: Config = config::load(&sources).expect("the reference file is good");
        let value = |config: &Config| serde_json::to_value(config).expect("plain values");
        assert_eq!(value(&read), value(&none));
    }

    #[test]
    fn relative_paths_are_relative_to_the_data_directory() {
        let mut config = Config { data: PathBuf::from("/srv/lgsp"), ..Config::default() };
        config.ledger.dir = PathBuf::from("/mnt/ledger");
        let config = config.resolved();
        assert_eq!(config.keys.mac, Path::new("/srv/lgsp/keys/mac"));
        assert_eq!(config.ledger.dir, Path::new("/mnt/ledger"));
        assert_eq!(config.land.source.url, "sqlite:/srv/lgsp/sources/land.db");
    }
}
