//! The registry on the embedded broker: what gateways find on the topic.

#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use ed25519_dalek::{Signature, SigningKey};
use lgsp_bus::{Bus, Start, Tail, Tailed, topics};
use lgsp_core::Rules;
use lgsp_proto::registry::v1::{SignedSnapshot, Snapshot};
use lgsp_registry::{Options, Registry, shipped};
use lgsp_runtime::config::SecretFile;
use lgsp_runtime::shutdown;
use lgsp_runtime::state::Condition;
use lgsp_runtime::{Instance, Shutdown, State};
use prost::Message;

const PATIENCE: Duration = Duration::from_secs(20);

/// A data directory with the shipped rules.
struct Site {
    dir: tempfile::TempDir,
}

/// A registry that runs on it.
struct Running {
    registry: Registry,
    state: State,
    shutdown: Shutdown,
}

fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

impl Site {
    fn new() -> Self {
        let site = Self { dir: tempfile::tempdir().unwrap() };
        std::fs::create_dir(site.rules()).unwrap();
        let pem = signing_key().to_pkcs8_pem(Default::default()).unwrap();
        std::fs::write(site.key(), pem).unwrap();
        std::fs::set_permissions(site.key(), std::fs::Permissions::from_mode(0o600)).unwrap();
        for (name, text) in shipped() {
            std::fs::write(site.rules().join(name), text).unwrap();
        }
        site
    }

    fn rules(&self) -> PathBuf {
        self.dir.path().join("registry")
    }

    fn key(&self) -> PathBuf {
        self.dir.path().join("snapshot.pem")
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.rules().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} does not contain {from}");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    fn options(&self) -> Options {
        Options {
            rules: self.rules(),
            signing_key: SecretFile::new(self.key()),
            last_published: self.path().join("last-published"),
            settle: Duration::from_millis(20),
            look_every: Duration::from_millis(100),
            ..Default::default()
        }
    }

    async fn start(&self, bus: &Bus) -> Running {
        self.start_with(self.options(), bus).await
    }

    async fn start_with(&self, options: Options, bus: &Bus) -> Running {
        let state = State::new(Instance::new("registry", "0.0.0"));
        let shutdown = Shutdown::new(state.clone(), shutdown::Options::default());
        let registry = lgsp_registry::start(options, bus, &state, &shutdown).await.unwrap();
        Running { registry, state, shutdown }
    }
}

impl Running {
    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !holds(self) {
                tokio::task::yield_now().await;
            }
        });
        assert!(waited.await.is_ok(), "waited in vain: {what}");
    }
}

fn bus() -> Bus {
    Bus::open(lgsp_bus::Options::default()).unwrap()
}

/// Reads the topic as a gateway does, until a snapshot of the revision is there.
async fn read_until(tail: &mut Tail, revision: u64) -> (Snapshot, std::collections::BTreeMap<String, Bytes>) {
    let mut descriptors = std::collections::BTreeMap::new();
    let read = async {
        loop {
            let Tailed::Record(record) = tail.next().await.unwrap() else { continue };
            let (key, value) = (record.key.unwrap(), record.value.unwrap());
            if key != "snapshot" {
                descriptors.insert(String::from_utf8(key.to_vec()).unwrap(), value);
                continue;
            }
            let signed = SignedSnapshot::decode(value).unwrap();
            let said = [b"lgsp-snapshot-v1\n".as_slice(), &signed.snapshot].concat();
            let signature = Signature::from_slice(&signed.signature).unwrap();
            if signing_key().verifying_key().verify_strict(&said, &signature).is_err() {
                continue;
            }
            let snapshot = Snapshot::decode(signed.snapshot).unwrap();
            if snapshot.revision >= revision {
                return snapshot;
            }
        }
    };
    let snapshot = tokio::time::timeout(PATIENCE, read).await.expect("the snapshot comes");
    (snapshot, descriptors)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_finds_the_contracts_before_the_snapshot_and_can_compile_it() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let mut tail = bus.tail(topics::REGISTRY, Start::Beginning).unwrap();
    let (snapshot, descriptors) = read_until(&mut tail, 1).await;
    let rules = Rules::compile(&snapshot, &descriptors).unwrap();
    assert_eq!(rules.revision(), 1);
    assert_eq!(&**rules.environment(), "sandbox");
    running
        .until("it is ready", |running| running.state.is_ready() && running.registry.revision() == 1)
        .await;
    running.shutdown.run().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_file_is_the_next_revision_and_a_comment_is_none() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let mut tail = bus.tail(topics::REGISTRY, Start::Beginning).unwrap();
    read_until(&mut tail, 1).await;
    site.edit("agreements.toml", "# Granted", "# Still granted");
    site.edit("agreements.toml", "state = \"active\"", "state = \"revoked\"");
    let (snapshot, _) = read_until(&mut tail, 2).await;
    assert_eq!(snapshot.revision, 2);
    running.until("it says so", |running| running.registry.revision() == 2).await;
    running.shutdown.run().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_hangup_publishes_what_the_file_system_did_not_tell_of() {
    let (site, changed, bus) = (Site::new(), Site::new(), bus());
    // The folder that is watched stays as it is; what the link leads to does not.
    let link = site.path().join("linked");
    std::os::unix::fs::symlink(site.rules(), &link).unwrap();
    let seldom = Duration::from_secs(24 * 60 * 60);
    let options = Options { rules: link.clone(), look_every: seldom, ..site.options() };
    let running = site.start_with(options, &bus).await;
    let mut tail = bus.tail(topics::REGISTRY, Start::Beginning).unwrap();
    read_until(&mut tail, 1).await;
    changed.edit("agreements.toml", "state = \"active\"", "state = \"revoked\"");
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(changed.rules(), &link).unwrap();
    let own = std::process::id().to_string();
    assert!(std::process::Command::new("kill").args(["-HUP", &own]).status().unwrap().success());
    let (snapshot, _) = read_until(&mut tail, 2).await;
    assert_eq!(snapshot.revision, 2);
    running.shutdown.run().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_change_is_kept_out_and_told_and_a_repaired_one_comes_in() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let mut tail = bus.tail(topics::REGISTRY, Start::Beginning).unwrap();
    read_until(&mut tail, 1).await;
    site.edit("agreements.toml", "\"citizen\"", "\"citizens\"");
    let refused = |running: &Running| running.state.condition("rules") == Some(Condition::Degraded);
    running.until("the change is refused", refused).await;
    assert_eq!(running.registry.revision(), 1);
    site.edit("agreements.toml", "\"citizens\"", "\"citizen.full_name\"");
    let (snapshot, _) = read_until(&mut tail, 2).await;
    assert_eq!(snapshot.revision, 2, "the bad rules got no revision");
    running
        .until("all is well again", |running| running.state.condition("rules") == Some(Condition::Ready))
        .await;
    running.shutdown.run().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revisions_never_go_back_when_the_broker_forgets() {
    let site = Site::new();
    for (restart, expect) in [(0, 1), (1, 1), (2, 2)] {
        if restart == 2 {
            site.edit("purposes.toml", "title-en = \"Enrol a pupil\"", "title-en = \"Enrol pupils\"");
        }
        let bus = bus();
        let running = site.start(&bus).await;
        let mut tail = bus.tail(topics::REGISTRY, Start::Beginning).unwrap();
        let (snapshot, _) = read_until(&mut tail, 1).await;
        assert_eq!(snapshot.revision, expect, "start {restart}");
        running.shutdown.run().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_with_a_bad_signature_is_written_over_and_not_believed() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let mut tail = bus.tail(topics::REGISTRY, Start::Beginning).unwrap();
    let (first, _) = read_until(&mut tail, 1).await;
    let evil = Snapshot { revision: 99, ..Default::default() }.encode_to_vec();
    let evil = SignedSnapshot { snapshot: evil.into(), signature: vec![0; 64].into(), ..Default::default() };
    bus.publish(topics::REGISTRY, Some(0), b"snapshot", &evil.encode_to_vec(), &[]).await.unwrap();
    let (again, _) = read_until(&mut tail, 1).await;
    assert_eq!(again, first);
    running.shutdown.run().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_rules_at_the_start_are_an_error_that_names_every_problem() {
    let (site, bus) = (Site::new(), bus());
    site.edit("applications.toml", "\"H13.01\"", "\"H13.99\"");
    site.edit("agreements.toml", "\"citizen\"", "\"citizens\"");
    let state = State::new(Instance::new("registry", "0.0.0"));
    let shutdown = Shutdown::new(state.clone(), shutdown::Options::default());
    let options =
        Options { rules: site.rules(), signing_key: SecretFile::new(site.key()), ..Default::default() };
    let error = lgsp_registry::start(options, &bus, &state, &shutdown).await.err().unwrap().to_string();
    assert!(error.contains("H13.99") && error.contains("citizens"), "{error}");
}
