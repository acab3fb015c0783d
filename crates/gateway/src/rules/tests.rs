use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use ed25519_dalek::{Signer, SigningKey};
use futures::stream;
use lgsp_runtime::{Instance, State};

use super::*;
use crate::fixture;

/// How long a test waits for what should come soon.
const PATIENCE: Duration = Duration::from_secs(20);

struct Bench {
    follower: Follower,
    state: State,
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self::restarted(tempfile::tempdir().unwrap())
    }

    fn restarted(dir: tempfile::TempDir) -> Self {
        let state = State::new(Instance::new("gateway", "1.2.3"));
        let floor = Floor::open(dir.path()).unwrap();
        let keys = [registry_key().verifying_key()];
        let component = state.component("rules");
        let mut follower = Follower::new(&keys, "sandbox", floor, Arc::default(), component, Arc::default());
        follower.begun = true;
        Self { follower, state, dir }
    }

    fn take(&mut self, key: &str, value: Bytes) -> Option<u64> {
        let new = self.follower.take(record(key, value))?;
        // Once its services are shown.
        self.follower.tell();
        Some(new.rules.revision())
    }

    fn take_descriptors(&mut self) -> Option<u64> {
        let mut revision = None;
        for (key, set) in fixture::descriptors() {
            revision = self.take(&key, set).or(revision);
        }
        revision
    }

    fn snapshot(&mut self, revision: u64, key: &SigningKey) -> Option<u64> {
        self.take("snapshot", signed(revision, key))
    }

    fn cause(&self) -> String {
        cause(&self.state)
    }
}

fn cause(state: &State) -> String {
    state.status()["components"]["rules"]["cause"].as_str().unwrap_or_default().to_owned()
}

fn record(key: &str, value: Bytes) -> Record {
    let key = Some(Bytes::copy_from_slice(key.as_bytes()));
    let (topic, value) = ("lgsp.registry".into(), Some(value));
    Record { topic, partition: 0, offset: 0, timestamp_us: 0, key, headers: Vec::new(), value }
}

fn registry_key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

fn signed(revision: u64, key: &SigningKey) -> Bytes {
    let snapshot = Bytes::from(Snapshot { revision, ..fixture::snapshot() }.encode_to_vec());
    let signature = key.sign(&signed_bytes(&snapshot)).to_bytes().to_vec();
    SignedSnapshot { snapshot, key_id: key_id(key.verifying_key().as_bytes()), signature: signature.into() }
        .encode_to_vec()
        .into()
}

#[test]
fn a_gateway_is_ready_with_its_first_snapshot_and_follows_the_next() {
    let mut bench = Bench::new();
    bench.take_descriptors();
    assert!(!bench.state.is_ready());
    assert_eq!(bench.snapshot(1, &registry_key()), Some(1));
    assert!(bench.state.is_ready());
    assert_eq!(bench.snapshot(2, &registry_key()), Some(2));
}

#[test]
fn a_gateway_never_goes_back() {
    let mut bench = Bench::new();
    bench.take_descriptors();
    bench.snapshot(7, &registry_key());
    assert_eq!(bench.snapshot(6, &registry_key()), None);
    assert_eq!(bench.follower.revision(), 7);
    assert!(bench.state.is_ready());
}

#[test]
fn the_history_of_the_topic_is_no_attempt_to_go_back() {
    let mut bench = Bench::new();
    bench.take_descriptors();
    bench.snapshot(7, &registry_key());
    let mut bench = Bench::restarted(bench.dir);
    bench.take_descriptors();
    assert_eq!(bench.snapshot(6, &registry_key()), None);
    assert_eq!(bench.cause(), "no-rules");
    assert_eq!(bench.snapshot(7, &registry_key()), Some(7));
    bench.follower.catch_up();
    assert_eq!(bench.cause(), "");
    assert_eq!(bench.snapshot(6, &registry_key()), None);
    assert_eq!(bench.cause(), "snapshot-rolled-back", "from now on it is one");
}

#[test]
fn a_restarted_gateway_does_not_go_back_either() {
    let mut bench = Bench::new();
    bench.take_descriptors();
    bench.snapshot(7, &registry_key());
    let mut bench = Bench::restarted(bench.dir);
    bench.take_descriptors();
    assert_eq!(bench.snapshot(6, &registry_key()), None);
    bench.follower.catch_up();
    assert_eq!(bench.cause(), "snapshot-rolled-back");
    assert_eq!(bench.snapshot(7, &registry_key()), Some(7));
}

#[test]
fn a_snapshot_with_a_bad_signature_is_kept_out_with_an_alarm() {
    let mut bench = Bench::new();
    bench.take_descriptors();
    bench.snapshot(1, &registry_key());
    assert_eq!(bench.snapshot(2, &SigningKey::from_bytes(&[4; 32])), None);
    assert_eq!(bench.cause(), "snapshot-key-unknown");

    let mut forged = SignedSnapshot::decode(signed(2, &SigningKey::from_bytes(&[4; 32]))).unwrap();
    forged.key_id = key_id(registry_key().verifying_key().as_bytes());
    assert_eq!(bench.take("snapshot", forged.encode_to_vec().into()), None);
    assert_eq!(bench.cause(), "snapshot-signature-bad");
    assert_eq!(bench.take("snapshot", Bytes::from_static(b"\xff")), None);
    assert_eq!(bench.follower.revision(), 1);
    assert!(bench.state.is_ready(), "the rules in force stay");

    assert_eq!(bench.snapshot(2, &registry_key()), Some(2));
    assert_eq!(bench.cause(), "", "a good snapshot ends the alarm");
}

#[test]
fn a_snapshot_waits_for_its_descriptor_sets() {
    let mut bench = Bench::new();
    assert_eq!(bench.snapshot(1, &registry_key()), None);
    assert!(!bench.state.is_ready());
    assert_eq!(bench.cause(), "snapshot-waits-for-descriptors");
    assert_eq!(bench.take_descriptors(), Some(1));
    assert_eq!(bench.cause(), "");
}

#[test]
fn old_rules_that_hold_for_want_of_a_descriptor_set_are_told() {
    let mut bench = Bench::new();
    bench.take_descriptors();
    bench.snapshot(1, &registry_key());
    let (_, set) = fixture::descriptors().into_iter().next().unwrap();
    let missing = descriptor_key(&sha256(&set));
    bench.follower.descriptors.remove(&missing);

    assert_eq!(bench.snapshot(2, &registry_key()), None);
    assert_eq!(bench.cause(), "snapshot-waits-for-descriptors");
    assert!(bench.state.is_ready(), "the rules in force stay");
    assert_eq!(bench.take(&missing, set), Some(2));
    assert_eq!(bench.cause(), "", "the rules that came end the alarm");
}

#[test]
fn a_descriptor_set_under_a_false_name_is_refused() {
    let mut bench = Bench::new();
    let name = descriptor_key(&[0; 32]);
    assert_eq!(bench.take(&name, Bytes::from_static(b"something else")), None);
    assert_eq!(bench.cause(), "snapshot-malformed");
}

/// Everything on the topic, with the rules of this revision.
fn reading(revision: u64) -> Vec<Tailed> {
    let sets = fixture::descriptors();
    let sets = sets.iter().map(|(key, set)| Tailed::Record(record(key, set.clone())));
    let snapshot = Tailed::Record(record("snapshot", signed(revision, &registry_key())));
    sets.chain([snapshot, Tailed::CaughtUp]).collect()
}

#[tokio::test]
async fn a_topic_whose_reading_ends_is_read_again_and_the_loss_is_told_meanwhile() {
    let Bench { follower, state, dir: _dir } = Bench::new();
    let (current, told) = (follower.current.clone(), state.clone());
    let stop = CancellationToken::new();
    let (opened, stopped) = (AtomicUsize::new(0), stop.clone());
    let again = move || {
        assert_eq!((told.is_ready(), cause(&told).as_str()), (true, TOPIC_LOST), "the old rules hold");
        match opened.fetch_add(1, Ordering::Relaxed) {
            0 => Err(lgsp_bus::Error::Closed),
            1 => Ok(stream::iter(reading(2)).chain(stream::pending()).boxed()),
            _ => panic!("it goes on"),
        }
    };
    let tell = move |rules: &Rules| {
        if rules.revision() == 2 {
            stopped.cancel();
        }
    };
    let surface = Arc::new(Surface::new(1).await);
    follower.run(stream::iter(reading(1)).boxed(), again, stop, surface, tell).await;
    assert_eq!(current.load().as_ref().map(|rules| rules.revision()), Some(2));
}

#[test]
fn a_topic_that_was_read_again_is_no_longer_told_as_lost() {
    let mut bench = Bench::new();
    bench.take_descriptors();
    bench.snapshot(7, &registry_key());
    bench.follower.lose_topic();
    assert_eq!((bench.state.is_ready(), bench.cause().as_str()), (true, TOPIC_LOST));
    bench.snapshot(6, &registry_key());
    bench.snapshot(7, &registry_key());
    bench.follower.catch_up();
    assert_eq!(bench.cause(), "", "what is older is its history");

    bench.follower.lose_topic();
    bench.snapshot(6, &registry_key());
    bench.follower.catch_up();
    assert_eq!(bench.cause(), "snapshot-rolled-back", "the newer rules were taken away meanwhile");
}

#[tokio::test]
async fn a_gateway_that_starts_holds_nothing_but_the_newest_of_the_rules_on_the_topic() {
    let Bench { mut follower, state, dir: _dir } = Bench::new();
    follower.begun = false;
    let (current, stop, told) = (follower.current.clone(), CancellationToken::new(), AtomicUsize::new(0));
    let mut read = reading(1);
    read.pop();
    let first = stream::iter(read.into_iter().chain(reading(2))).chain(stream::pending()).boxed();
    let surface = Arc::new(Surface::new(1).await);
    let stopped = stop.clone();
    let seen = move |rules: &Rules| {
        assert_eq!((rules.revision(), told.fetch_add(1, Ordering::Relaxed)), (2, 0));
        stopped.cancel();
    };
    let again = || panic!("once is enough");
    let followed = follower.run(first, again, stop, surface, seen);
    tokio::time::timeout(PATIENCE, followed).await.expect("rules in force");
    assert_eq!(current.load().as_ref().map(|rules| rules.revision()), Some(2));
    assert!(state.is_ready());
}

#[test]
fn a_descriptor_set_that_no_registry_publishes_is_not_kept() {
    let mut bench = Bench::new();
    let mut take = |size| {
        let set = Bytes::from(vec![7; size]);
        bench.take(&descriptor_key(&sha256(&set)), set);
        bench.follower.descriptors.len()
    };
    assert_eq!(take(contract::LARGEST), 1);
    assert_eq!(take(LARGEST_DESCRIPTOR + 1), 1);
    assert_eq!(bench.cause(), "snapshot-malformed");
}

/// The same, with more sets of former times than are kept.
fn long_reading(revision: u64) -> Vec<Tailed> {
    let former = (0..=MOST_DESCRIPTORS).map(|number| {
        let set = Bytes::from(number.to_string());
        Tailed::Record(record(&descriptor_key(&sha256(&set)), set))
    });
    let mut reading = reading(revision);
    let sets = reading.len() - 2;
    reading.splice(sets..sets, former);
    reading
}

#[tokio::test]
async fn sets_that_went_for_others_before_anybody_knew_that_they_are_needed_are_read_again() {
    let Bench { follower, state, dir: _dir } = Bench::new();
    let (current, stop, opened) = (follower.current.clone(), CancellationToken::new(), AtomicUsize::new(0));
    let again = || match opened.fetch_add(1, Ordering::Relaxed) {
        0 => Ok(stream::iter(long_reading(1)).chain(stream::pending()).boxed()),
        _ => panic!("once is enough"),
    };
    let surface = Arc::new(Surface::new(1).await);
    let first = stream::iter(long_reading(1)).chain(stream::pending()).boxed();
    let followed = stop.run_until_cancelled(follower.run(first, again, stop.clone(), surface, |_| ()));
    let ready = async {
        state.until_ready().await;
        stop.cancel();
    };
    let both = async { tokio::join!(followed, ready) };
    tokio::time::timeout(PATIENCE, both).await.expect("rules in force");
    assert_eq!(current.load().as_ref().map(|rules| rules.revision()), Some(1));
    assert!(state.is_ready());
}

#[test]
fn the_topic_is_read_again_once_for_each_snapshot_that_waits() {
    let mut bench = Bench::new();
    bench.snapshot(1, &registry_key());
    assert!(!bench.follower.shall_read_again(), "the sets may be further on");
    bench.follower.catch_up();
    assert!(bench.follower.shall_read_again());
    bench.follower.catch_up();
    assert!(!bench.follower.shall_read_again(), "they are not there");
    bench.snapshot(2, &registry_key());
    assert!(bench.follower.shall_read_again());
}

/// The only worker of the runtime would serve exchanges.
#[test]
fn rules_are_taken_where_no_exchange_waits_for_them() {
    let mut bench = Bench::new();
    bench.take_descriptors();
    let Bench { follower, state: _state, dir } = bench;
    // What is written there is not written before it is read.
    let floor = dir.path().join("last-revision.part");
    assert!(Command::new("mkfifo").arg(&floor).status().unwrap().success());
    let (current, stop) = (follower.current.clone(), CancellationToken::new());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let surface = Arc::new(runtime.block_on(Surface::new(1)));
    let snapshot = Tailed::Record(record("snapshot", signed(1, &registry_key())));
    let records = stream::iter([snapshot]).chain(stream::pending()).boxed();
    let again = || Err(lgsp_bus::Error::Closed);
    runtime.spawn(follower.run(records, again, stop.clone(), surface, |_| ()));
    let (serves, served) = mpsc::sync_channel(1);
    runtime.spawn(async move { serves.send(()) });
    let is_served = served.recv_timeout(PATIENCE).is_ok();

    assert!(current.load().is_none(), "they wait for their floor");
    std::fs::read(&floor).unwrap();
    let begun = Instant::now();
    while current.load().is_none() && begun.elapsed() < PATIENCE {
        std::thread::yield_now();
    }
    assert_eq!(current.load().as_ref().map(|rules| rules.revision()), Some(1));
    stop.cancel();
    assert!(is_served, "the worker was held up");
}
