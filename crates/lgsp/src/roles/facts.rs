//! What each process tells of itself besides its links: alerts are made of it. It is on the page `/links` of its admin port.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use lgsp_core::time::unix_micros;
use lgsp_gateway::Gateway;
use lgsp_monitor::tell::{Fact, Measure};
use lgsp_registry::Registry;
use lgsp_runtime::{Shutdown, Stage, State};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::Host;

/// How often file systems are looked at.
const LOOK: Duration = Duration::from_secs(15);
/// Most agreements, and most credentials, that are told of.
const MOST_QUOTAS: usize = 256;
const MOST_CREDENTIALS: usize = 256;

/// Tells how much is free where the process keeps its files.
pub fn of_process(host: &Host) {
    let config = &host.config;
    let folders = [("data", &config.data), ("ledger", &config.ledger.dir)];
    let folders: Arc<[(&str, PathBuf)]> =
        folders.into_iter().map(|(name, folder)| (name, folder.clone())).collect();
    let machine: Arc<str> = rustix::system::uname().nodename().to_string_lossy().into();
    let looked = Arc::new(Mutex::new(Looked::default()));
    host.links.add_facts(move || {
        let mut last = looked.lock();
        // A file system that hangs delays nobody who asks, and is asked by nobody else meanwhile.
        let is_due = !last.is_looking && last.at.is_none_or(|at| at.elapsed() >= LOOK);
        if let Some(runtime) = Handle::try_current().ok().filter(|_| is_due) {
            last.is_looking = true;
            let (folders, machine, looked) = (folders.clone(), machine.clone(), looked.clone());
            runtime.spawn_blocking(move || {
                let free = folders.iter().filter_map(|(name, folder)| {
                    Some(Fact::new(Measure::DiskFree, format!("disk/{machine}/{name}"), free(folder)?))
                });
                let facts = free.collect();
                *looked.lock() = Looked { at: Some(Instant::now()), is_looking: false, facts };
            });
        }
        last.facts.clone()
    });
}

/// What was found at the last look.
#[derive(Default)]
struct Looked {
    at: Option<Instant>,
    is_looking: bool,
    facts: Vec<Fact>,
}

/// What part of the file system of a folder is free for whoever is not root; `None` if there is no such folder. Blocking.
fn free(folder: &Path) -> Option<f64> {
    space(folder).ok()?.part()
}

/// Bytes of a file system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Space {
    pub(crate) free: u64,
    pub(crate) all: u64,
}

impl Space {
    /// What part is free.
    pub(crate) fn part(self) -> Option<f64> {
        (self.all > 0).then(|| self.free as f64 / self.all as f64)
    }
}

/// The space of the file system of a folder. What only root may use is neither used nor free. Blocking.
pub(crate) fn space(folder: &Path) -> io::Result<Space> {
    let told = rustix::fs::statvfs(folder)?;
    let used = told.f_blocks.saturating_sub(told.f_bfree);
    let bytes = |blocks: u64| blocks.saturating_mul(told.f_frsize);
    Ok(Space { free: bytes(told.f_bavail), all: bytes(used.saturating_add(told.f_bavail)) })
}

/// Tells how far the domains that the process serves are behind: on their requests, and the ledger on the exchange log.
pub fn of_consumers(host: &Host) {
    let lags = host.bus.lags();
    host.links.add_facts(move || {
        let fact = |(domain, lag)| Fact::new(Measure::ConsumerLag, format!("consumer/{domain}"), lag as f64);
        lags.by_domain().into_iter().map(fact).collect()
    });
}

/// Tells of a gateway: how slow domains are, what quotas have left, and how long its certificate is good.
pub fn of_gateway(host: &Host, gateway: Gateway, shutdown: &Shutdown) {
    let leaving = shutdown.begins(Stage::NotServing);
    host.links.add_facts(move || {
        if leaving.is_cancelled() {
            return Vec::new();
        }
        let days = gateway.certificate_days();
        let certificate = days.map(|days| Fact::new(Measure::CertificateDays, "certificate/gateway", days));
        let slowest = gateway.slowest().into_iter().map(|(domain, slowest)| {
            Fact::new(Measure::Slowest, format!("provider/{domain}"), slowest.seconds)
        });
        let quotas = gateway.fullest_quotas(MOST_QUOTAS).into_iter();
        let quotas = quotas
            .map(|(agreement, used)| Fact::new(Measure::QuotaUsed, format!("agreement/{agreement}"), used));
        certificate.into_iter().chain(slowest).chain(quotas).collect()
    });
}

/// Tells of a registry: how long the last credential of each application is good.
pub fn of_registry(host: &Host, registry: Registry, shutdown: &Shutdown) {
    let leaving = shutdown.begins(Stage::NotServing);
    host.links.add_facts(move || {
        if leaving.is_cancelled() {
            return Vec::new();
        }
        let ending = registry.credentials_ending(unix_micros(SystemTime::now()), MOST_CREDENTIALS);
        let fact = |ending: lgsp_registry::Ending| {
            let subject = format!("credential/{}", ending.application);
            Fact::new(Measure::CertificateDays, subject, ending.days).of(ending.agency)
        };
        ending.into_iter().map(fact).collect()
    });
}

/// Tells of a ledger: how many entries are filed and not sealed, by its own state.
pub fn of_ledger(host: &Host, state: State, shutdown: &Shutdown) {
    let leaving = shutdown.begins(Stage::NotServing);
    let (filed, sealed) = (state.fact("leaves"), state.fact("sealed"));
    host.links.add_facts(move || {
        if leaving.is_cancelled() {
            return Vec::new();
        }
        let lag = filed.get().saturating_sub(sealed.get()).max(0);
        vec![Fact::new(Measure::SealingLag, "ledger", lag as f64)]
    });
}

#[cfg(test)]
mod tests {
    use lgsp_bus::{Health, MacKey, ServeOptions};
    use lgsp_runtime::{Instance, shutdown};

    use super::*;
    use crate::config::Config;
    use crate::roles::VERSION;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_process_tells_how_far_a_domain_is_behind_as_long_as_it_serves_it() {
        let host = Host::open(Config::default(), State::new(Instance::new("hub", VERSION))).unwrap();
        let behind = Fact::new(Measure::ConsumerLag, "consumer/land", 0.0);
        let until = async |expected| {
            let told = async {
                while host.links.ask().facts.contains(&behind) != expected {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            let patience = Duration::from_secs(30);
            tokio::time::timeout(patience, told).await.expect("it is told while somebody knows it");
        };
        let shutdown = Shutdown::new(host.state.clone(), shutdown::Options::default());
        let (options, key) = (ServeOptions::default(), MacKey::new([7; 32]));
        let routes = Default::default();
        let serving =
            lgsp_bus::serve(&host.bus, options, "land", "land-1", key, routes, Health::new(), &shutdown);
        let serving = serving.await.unwrap();
        until(true).await;
        drop(serving);
        shutdown.run().await;
        until(false).await;
    }

    #[test]
    fn a_folder_that_is_there_has_a_part_of_its_file_system_free() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(free(dir.path()).is_some_and(|part| (0.0..=1.0).contains(&part)));
        assert_eq!(free(&dir.path().join("missing")), None);
    }
}
