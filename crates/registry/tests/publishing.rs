//! The registry on the embedded broker: what gateways find on the topic.

#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use ed25519_dalek::pkcs8::{EncodePrivateKey, EncodePublicKey};
use ed25519_dalek::{Signature, SigningKey};
use lgsp_bus::{Bus, Inbound, RequestHead, Start, Tail, Tailed, topics};
use lgsp_core::time::unix_micros;
use lgsp_core::{ApplicationId, ExchangeId, PersonId, Rules};
use lgsp_proto::registry::v1::decision_service_client::DecisionServiceClient;
use lgsp_proto::registry::v1::{
    ConfirmPersonRequest, Person, PutPersonRequest, PutPersonResponse, SignedSnapshot, Snapshot,
};
use lgsp_registry::{Options, Registry, shipped};
use lgsp_runtime::config::SecretFile;
use lgsp_runtime::shutdown;
use lgsp_runtime::state::Condition;
use lgsp_runtime::{Instance, Shutdown, State};
use prost::Message;
use tonic::service::Routes;
use tonic::{Code, Response, Status};

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

/// The key that takes its place.
fn next_signing_key() -> SigningKey {
    SigningKey::from_bytes(&[8; 32])
}

impl Site {
    fn new() -> Self {
        let site = Self { dir: tempfile::tempdir().unwrap() };
        std::fs::create_dir(site.rules()).unwrap();
        site.sign_with(&signing_key());
        for (name, text) in shipped() {
            std::fs::write(site.rules().join(name), text).unwrap();
        }
        site
    }

    fn sign_with(&self, key: &SigningKey) {
        std::fs::write(self.key(), key.to_pkcs8_pem(Default::default()).unwrap()).unwrap();
        std::fs::set_permissions(self.key(), std::fs::Permissions::from_mode(0o600)).unwrap();
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

    /// The same with a store of decisions, and a folder of its own for the first administrators.
    fn options_with(&self, store: &str) -> Options {
        let url = format!("sqlite:{}", self.path().join(format!("{store}.db")).display());
        Options { store: url, administrators: self.path().join(store), ..self.options() }
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

impl Running {
    /// Has two administrators make somebody known. Returns the revision of the rules.
    async fn put_person(&self, id: &str) -> u64 {
        let etag = self.propose_person(id).await;
        self.confirm_person(id, etag, ExchangeId::new()).await
    }

    /// Returns the etag of the proposal.
    async fn propose_person(&self, id: &str) -> u64 {
        let person = Person { id: id.to_owned(), agency_code: "H13.03".to_owned(), ..Default::default() };
        let put = self.put("admin-1", person).await.unwrap();
        put.proposal.unwrap().etag
    }

    async fn put(&self, by: &str, person: Person) -> Result<PutPersonResponse, Status> {
        let request = PutPersonRequest { person: Some(person), reason: "takes up office".to_owned() };
        let request = called(by, "PutPerson", ExchangeId::new(), request);
        self.decisions().put_person(request).await.map(Response::into_inner)
    }

    async fn confirm_person(&self, id: &str, etag: u64, exchange: ExchangeId) -> u64 {
        let request = ConfirmPersonRequest { id: id.to_owned(), etag, reason: "as seen".to_owned() };
        let request = called("admin-2", "ConfirmPerson", exchange, request);
        self.decisions().confirm_person(request).await.unwrap().into_inner().revision
    }

    fn decisions(&self) -> DecisionServiceClient<Routes> {
        DecisionServiceClient::new(self.registry.routes())
    }
}

/// A call of a person, as the bus brings it.
fn called<T>(by: &str, method: &str, exchange: ExchangeId, message: T) -> tonic::Request<T> {
    let now = unix_micros(std::time::SystemTime::now());
    let head = RequestHead {
        exchange,
        method: format!("/lgsp.registry.v1.DecisionService/{method}").into(),
        domain: "registry".into(),
        server_streaming: false,
        deadline_us: now + 10_000_000,
        application: ApplicationId::parse("dieu-hanh").unwrap(),
        person: PersonId::parse(by),
        purpose: None,
        officer: None,
        unit: None,
        procedure: None,
        dossier: None,
        request_id: None,
        fields: [].into(),
        traceparent: None,
    };
    let mut request = tonic::Request::new(message);
    request.extensions_mut().insert(Inbound { head });
    request
}

fn persons(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.persons.iter().map(|person| person.id.as_str()).collect()
}

fn bus() -> Bus {
    Bus::open(lgsp_bus::Options::default()).unwrap()
}

/// Reads the topic as a gateway does, until a snapshot of the revision is there.
async fn read_until(tail: &mut Tail, revision: u64) -> (Snapshot, std::collections::BTreeMap<String, Bytes>) {
    read_signed_until(tail, &signing_key(), revision).await
}

async fn read_signed_until(
    tail: &mut Tail,
    signed_by: &SigningKey,
    revision: u64,
) -> (Snapshot, std::collections::BTreeMap<String, Bytes>) {
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
            if signed_by.verifying_key().verify_strict(&said, &signature).is_err() {
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
async fn a_second_hub_on_one_topic_yields_to_the_first_and_says_what_it_needs() {
    let (first, second, bus) = (Site::new(), Site::new(), bus());
    let running = first.start(&bus).await;
    running.until("it has published", |running| running.registry.revision() == 1).await;
    second.sign_with(&next_signing_key());
    let strange = second.start(&bus).await;
    strange.until("it yields", |strange| strange.state.condition("topic") == Some(Condition::Failed)).await;
    // A change of its rules is no reason to publish them either.
    second.edit("agreements.toml", "state = \"active\"", "state = \"revoked\"");
    first.edit("agreements.toml", "state = \"active\"", "state = \"revoked\"");
    running.until("the first goes on", |running| running.registry.revision() == 2).await;
    assert_eq!(strange.registry.revision(), 0);
    assert!(running.state.is_ready());
    strange.shutdown.run().await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_store_begins_with_the_files_and_two_administrators_and_a_full_one_without() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start_with(site.options_with("store"), &bus).await;
    let mut tail = bus.tail(topics::REGISTRY, Start::Beginning).unwrap();
    let (snapshot, descriptors) = read_until(&mut tail, 1).await;
    assert_eq!(persons(&snapshot), ["admin-1", "admin-2"]);
    assert!(Rules::compile(&snapshot, &descriptors).unwrap().credential("admin-1-1").is_some());
    let key = std::fs::metadata(site.path().join("store/admin-1.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    running.put_person("an.tuphap").await;
    running.shutdown.run().await;

    std::fs::remove_dir_all(site.rules()).unwrap();
    let again = site.start_with(site.options_with("store"), &bus).await;
    again.until("it goes on where it was", |running| running.registry.revision() == 2).await;
    again.shutdown.run().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_registries_over_one_store_publish_one_history_in_its_order() {
    let (site, bus) = (Site::new(), bus());
    let one = site.start_with(site.options_with("store"), &bus).await;
    let two = site.start_with(site.options_with("store"), &bus).await;
    let mut tail = bus.tail(topics::REGISTRY, Start::Beginning).unwrap();
    for round in 0..5 {
        let (first, second) = (format!("a{round}.tuphap"), format!("b{round}.tuphap"));
        let (first, second) = tokio::join!(one.put_person(&first), two.put_person(&second));
        assert_ne!(first, second, "each decision is a revision of its own");
        assert_eq!(first.max(second), 3 + round * 2);
    }
    let (snapshot, _) = read_until(&mut tail, 11).await;
    assert_eq!(persons(&snapshot).len(), 12, "nothing that either decided was lost");
    for running in [&one, &two] {
        running.until("both stand at the same rules", |running| running.registry.revision() == 11).await;
    }
    one.shutdown.run().await;
    two.shutdown.run().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_who_has_left_says_nothing_to_a_registry_that_is_behind() {
    let (site, bus) = (Site::new(), bus());
    let rarely = || Options { look_every: Duration::from_secs(3_600), ..site.options_with("store") };
    let one = site.start_with(rarely(), &bus).await;
    let two = site.start_with(rarely(), &bus).await;
    let mut tail = bus.tail(topics::REGISTRY, Start::Beginning).unwrap();
    let (snapshot, _) = read_until(&mut tail, 1).await;
    let first = snapshot.persons.into_iter().find(|person| person.id == "admin-1").unwrap();
    one.put("admin-2", Person { left: true, ..first }).await.unwrap();
    let someone =
        Person { id: "an.tuphap".to_owned(), agency_code: "H13.03".to_owned(), ..Default::default() };
    let refused = two.put("admin-1", someone.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    two.put("admin-2", someone).await.unwrap();
    one.shutdown.run().await;
    two.shutdown.run().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_comes_twice_is_decided_once() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start_with(site.options_with("store"), &bus).await;
    let once = running.put_person("an.tuphap").await;
    let (etag, exchange) = (running.propose_person("ba.tuphap").await, ExchangeId::new());
    for _ in 0..2 {
        assert_eq!(running.confirm_person("ba.tuphap", etag, exchange).await, once + 1);
    }
    running.shutdown.run().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_another_gives_its_rules_a_later_revision() {
    let (site, bus) = (Site::new(), bus());
    let first = site.start_with(site.options_with("first"), &bus).await;
    for id in ["an.tuphap", "ba.tuphap"] {
        first.put_person(id).await;
    }
    first.until("it is published", |running| running.registry.revision() == 3).await;
    first.shutdown.run().await;
    // The file of what was published last is lost with the store.
    let options = Options { last_published: site.path().join("lost"), ..site.options_with("second") };
    let second = site.start_with(options, &bus).await;
    let mut tail = bus.tail(topics::REGISTRY, Start::End).unwrap();
    let (snapshot, _) = read_until(&mut tail, 4).await;
    assert_eq!(persons(&snapshot), ["admin-1", "admin-2"]);
    second.until("it stands", |running| running.registry.revision() == 4).await;
    second.shutdown.run().await;
}

/// As `lgsp up` after its registry.db was restored: the broker in memory has forgotten, and gateways elsewhere have not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_restored_from_a_backup_over_an_empty_topic_goes_on_after_what_was_published() {
    let site = Site::new();
    let running = site.start_with(site.options_with("store"), &bus()).await;
    running.until("it is published", |running| running.registry.revision() == 1).await;
    for suffix in ["", "-wal"] {
        let [now, backup] = ["store", "backup"].map(|name| site.path().join(format!("{name}.db{suffix}")));
        if now.exists() {
            std::fs::copy(now, backup).unwrap();
        }
    }
    for id in ["an.tuphap", "ba.tuphap"] {
        running.put_person(id).await;
    }
    running.until("it is published", |running| running.registry.revision() == 3).await;
    running.shutdown.run().await;

    let (empty, options) = (bus(), site.options_with("backup"));
    let restored = site.start_with(options, &empty).await;
    let mut tail = empty.tail(topics::REGISTRY, Start::Beginning).unwrap();
    let (snapshot, _) = read_until(&mut tail, 1).await;
    assert_eq!((snapshot.revision, persons(&snapshot)), (4, vec!["admin-1", "admin-2"]));
    restored.until("it stands", |running| running.registry.revision() == 4).await;
    restored.shutdown.run().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revision_brings_the_contracts_that_the_topic_lacks_and_no_other() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let mut tail = bus.tail(topics::REGISTRY, Start::Beginning).unwrap();
    let (_, all) = read_until(&mut tail, 1).await;
    site.edit("purposes.toml", "title-en = \"Enrol a pupil\"", "title-en = \"Enrol pupils\"");
    let (_, again) = read_until(&mut tail, 2).await;
    assert_eq!(again.len(), 0, "they were there");
    let key = all.keys().next().unwrap();
    bus.publish(topics::REGISTRY, Some(0), key.as_bytes(), b"evil", &[]).await.unwrap();
    let repaired = async {
        loop {
            let Tailed::Record(record) = tail.next().await.unwrap() else { continue };
            if record.value.as_ref() == all.get(key) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, repaired).await.expect("the contract is there again");
    running.shutdown.run().await;
}

/// A gateway that knows the new key alone finds the rules that the old one had signed, and those that had them go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_signing_key_signs_what_the_old_one_had_published_under_a_later_revision() {
    for with_store in [false, true] {
        let (site, bus) = (Site::new(), bus());
        let options = || if with_store { site.options_with("one") } else { site.options() };
        let running = site.start_with(options(), &bus).await;
        running.until("it is published", |running| running.registry.revision() > 0).await;
        let before = running.registry.revision();
        running.shutdown.run().await;

        site.sign_with(&next_signing_key());
        let former_keys = site.path().join("former.pem");
        let former = signing_key().verifying_key().to_public_key_pem(Default::default()).unwrap();
        std::fs::write(&former_keys, former).unwrap();
        let mut tail = bus.tail(topics::REGISTRY, Start::Beginning).unwrap();
        let running = site.start_with(Options { former_keys, ..options() }, &bus).await;
        let (snapshot, descriptors) = read_signed_until(&mut tail, &next_signing_key(), before + 1).await;
        assert_eq!(snapshot.revision, before + 1, "store: {with_store}");
        Rules::compile(&snapshot, &descriptors).unwrap();
        running.shutdown.run().await;

        // The old one is forgotten: nothing is signed once more.
        let running = site.start_with(options(), &bus).await;
        running.until("it stands", |running| running.registry.revision() == before + 1).await;
        running.shutdown.run().await;
    }
}
