//! A log and its witness, which somebody else runs: what the two of them prove, and what an operator of the log cannot do any more.

#![allow(clippy::unwrap_used, reason = "a test")]

mod site;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use lgsp_bus::Bus;
use lgsp_ledger::{Options, Witness};
use lgsp_runtime::{Instance, Shutdown, State, shutdown};
use lgsp_tlog::{Checkpoint, Kind, Note, Policy, SignerKey, VerifierKey};
use lgsp_witness::Watched;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, timeout};

use site::{Numbered, Running, Site, bus, log_key};

/// A witness is asked every few seconds, and one that was away after some more.
const PATIENCE: Duration = Duration::from_secs(60);

fn witness_key() -> SignerKey {
    SignerKey::from_seed("witness.example/w1", Kind::Witness, &[9; 32]).unwrap()
}

/// A witness's folder, and where it listens; it need not run.
struct Office {
    dir: tempfile::TempDir,
    address: SocketAddr,
}

struct Open {
    state: State,
    shutdown: Shutdown,
}

impl Office {
    /// One that is closed, at an address that is free.
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { dir: tempfile::tempdir().unwrap(), address: listener.local_addr().unwrap() }
    }

    /// Opens it for the log under these keys.
    async fn open(&self, vkeys: Vec<VerifierKey>) -> Open {
        let watched = Watched { origin: Options::default().origin, vkeys };
        let options = lgsp_witness::Options {
            listen: self.address,
            dir: self.dir.path().to_owned(),
            logs: vec![watched],
            ..lgsp_witness::Options::default()
        };
        let state = State::new(Instance::new("witness", "0.0.0"));
        let shutdown = Shutdown::new(state.clone(), shutdown::Options::default());
        let listener = lgsp_witness::bind(&options).await.unwrap();
        lgsp_witness::start(options, witness_key(), listener, &state, &shutdown).await.unwrap();
        Open { state, shutdown }
    }

    /// The options of a ledger that asks it.
    fn asked_by(&self, site: &Site) -> Options {
        let url = format!("http://{}", self.address);
        let witness = Witness { url, vkey: witness_key().verifier().clone(), ca: None };
        Options { witnesses: vec![witness], ..site.options() }
    }

    /// The size that it cosigned last.
    fn seen(&self) -> u64 {
        let seen = lgsp_witness::status(self.dir.path()).unwrap().seen;
        seen.first().map_or(0, |seen| seen.checkpoint.size())
    }
}

impl Open {
    async fn close(self) {
        assert_eq!(self.shutdown.run().await, []);
    }

    fn told(&self, what: &str) -> String {
        self.state.status()["components"]["witness"][what].as_str().unwrap_or_default().to_owned()
    }
}

fn policy(key: &SignerKey, needed: usize) -> Policy {
    let witnesses = vec![witness_key().verifier().clone()];
    Policy::new(&Options::default().origin, vec![key.verifier().clone()], witnesses, needed).unwrap()
}

fn shown(running: &Running) -> Option<Note> {
    let page = running.state.page("/checkpoint").unwrap()?;
    Some(Note::parse(&page.body).unwrap())
}

/// Waits until a checkpoint of so many leaves is shown that is enough for a policy.
async fn holds(running: &Running, policy: &Policy, size: u64) -> Checkpoint {
    let begun = Instant::now();
    loop {
        let found = shown(running).and_then(|note| policy.verify(&note).ok());
        if let Some(holds) = found.filter(|holds| holds.checkpoint.size() >= size) {
            return holds.checkpoint;
        }
        assert!(begun.elapsed() < PATIENCE, "no such checkpoint: {:#}", running.state.status());
        sleep(Duration::from_millis(20)).await;
    }
}

async fn append(running: &Running, count: u64) {
    for number in 1..=count {
        running.append(&Numbered::new(number)).await;
    }
}

fn witnesses(running: &Running, what: &str) -> String {
    running.state.status()["components"]["witnesses"][what].to_string()
}

async fn told(running: &Running, expect: &str) {
    let begun = Instant::now();
    while !witnesses(running, "cause").contains(expect) {
        assert!(begun.elapsed() < PATIENCE, "not told: {expect}; {:#}", running.state.status());
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_a_witness_cosigned_holds_for_whoever_needs_one() {
    let (site, bus, office) = (Site::new(), bus(), Office::new().await);
    let open = office.open(vec![log_key().verifier().clone()]).await;
    let running = Running::start(office.asked_by(&site), &bus).await;
    append(&running, 3).await;
    let first = holds(&running, &policy(&log_key(), 1), 3).await;
    append(&running, 300).await;
    let second = holds(&running, &policy(&log_key(), 1), 303).await;
    assert!(second.size() > first.size());
    assert_eq!(office.seen(), 303);
    assert_eq!(witnesses(&running, "condition"), "\"ready\"");
    // In the file, too, beside the signature of the log.
    let file = Note::parse(&fs::read(site.path("checkpoint")).unwrap()).unwrap();
    assert_eq!(policy(&log_key(), 1).verify(&file).unwrap().cosigned.len(), 1);
    running.stop().await;

    // A ledger that starts again does not know what the witness saw, and is told.
    let running = Running::start(office.asked_by(&site), &bus).await;
    append(&running, 1).await;
    holds(&running, &policy(&log_key(), 1), 304).await;
    running.stop().await;
    assert_eq!(open.told("condition"), "ready");
    open.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_is_away_delays_nothing_and_cosigns_when_it_is_back() {
    let (site, bus, office) = (Site::new(), bus(), Office::new().await);
    let running = Running::start(office.asked_by(&site), &bus).await;
    append(&running, 5).await;
    holds(&running, &policy(&log_key(), 0), 5).await;
    told(&running, "checkpoints lack cosignatures").await;
    assert!(witnesses(&running, "names").contains("witness.example/w1: it cannot be reached"));
    assert_eq!(witnesses(&running, "condition"), "\"degraded\"");
    assert_eq!(running.cause("sealing"), "");

    let open = office.open(vec![log_key().verifier().clone()]).await;
    holds(&running, &policy(&log_key(), 1), 5).await;
    running.until("ready", |running| witnesses(running, "condition") == "\"ready\"").await;
    open.close().await;
    append(&running, 5).await;
    // What it cosigned is shown for a while, and then what is newer, which it has not.
    holds(&running, &policy(&log_key(), 0), 10).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_does_not_know_the_log_or_its_key_is_named() {
    let (site, bus, office) = (Site::new(), bus(), Office::new().await);
    let stranger = SignerKey::from_seed(&Options::default().origin, Kind::Log, &[77; 32]).unwrap();
    let open = office.open(vec![stranger.verifier().clone()]).await;
    let running = Running::start(office.asked_by(&site), &bus).await;
    append(&running, 1).await;
    told(&running, "checkpoints lack cosignatures").await;
    assert!(witnesses(&running, "names").contains("it does not know the key of this log"));
    open.close().await;
    // It learns the key, beside the one that it knew.
    let open = office.open(vec![stranger.verifier().clone(), log_key().verifier().clone()]).await;
    holds(&running, &policy(&log_key(), 1), 1).await;
    running.stop().await;
    open.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_logs_key_is_replaced_the_witness_cosigns_under_either() {
    let (site, bus, office) = (Site::new(), bus(), Office::new().await);
    let new = || SignerKey::from_seed(&Options::default().origin, Kind::Log, &[6; 32]).unwrap();
    let open = office.open(vec![log_key().verifier().clone(), new().verifier().clone()]).await;
    let running = Running::start(office.asked_by(&site), &bus).await;
    append(&running, 2).await;
    holds(&running, &policy(&log_key(), 1), 2).await;
    running.stop().await;
    // Both sign, for those who do not know the new one yet.
    let running = Running::start_signed(office.asked_by(&site), &bus, vec![new(), log_key()]).await;
    append(&running, 2).await;
    let checkpoint = holds(&running, &policy(&new(), 1), 4).await;
    assert_eq!(holds(&running, &policy(&log_key(), 1), 4).await, checkpoint);
    let told = fs::read_to_string(site.path("checkpoint.vkey")).unwrap();
    assert_eq!(told.trim(), new().verifier().to_string());
    running.stop().await;
    open.close().await;
    let open = office.open(vec![new().verifier().clone()]).await;
    let running = Running::start_signed(office.asked_by(&site), &bus, vec![new()]).await;
    append(&running, 2).await;
    assert_eq!(holds(&running, &policy(&new(), 1), 6).await.size(), 6, "the log is the same one");
    assert!(policy(&log_key(), 0).verify(&shown(&running).unwrap()).is_err());
    running.stop().await;
    open.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_who_puts_the_log_back_is_found_out_by_the_witness() {
    let (site, bus, office) = (Site::in_files(), bus(), Office::new().await);
    let open = office.open(vec![log_key().verifier().clone()]).await;
    let running = Running::start(office.asked_by(&site), &bus).await;
    append(&running, 10).await;
    holds(&running, &policy(&log_key(), 1), 10).await;
    running.stop().await;
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&site.path(""), copy.path());
    let running = Running::start(office.asked_by(&site), &bus).await;
    append(&running, 10).await;
    let seen = holds(&running, &policy(&log_key(), 1), 20).await;
    running.stop().await;

    // All of the folder, with its checkpoint; the topic has forgotten, too, so that the ledger itself cannot notice.
    fs::remove_dir_all(site.path("")).unwrap();
    copy_folder(copy.path(), &site.path(""));
    let forgetful: Bus = site::bus();
    let running = Running::start(office.asked_by(&site), &forgetful).await;
    told(&running, "the witness has seen another log").await;
    assert!(witnesses(&running, "names").contains("it has cosigned 20 leaves, and the log has 10"));

    // It goes on with other entries, over the size that the witness saw: they are taken in and sealed, and nobody is signed another log.
    append(&running, 30).await;
    running.until("sealed", |running| running.state.fact("sealed").get() == 40).await;
    running.until("told", |running| running.cause("sealing") == "a witness has seen another log").await;
    // A witness that cannot be asked any more has taken nothing back.
    open.close().await;
    let deaf = TcpListener::bind(office.address).await.unwrap();
    for _ in 0..2 {
        drop(timeout(PATIENCE, deaf.accept()).await.expect("it is asked again").unwrap());
    }
    drop(deaf);
    append(&running, 5).await;
    running.until("sealed", |running| running.state.fact("sealed").get() == 45).await;
    running.until("told", |running| running.cause("sealing") == "a witness has seen another log").await;
    assert!(witnesses(&running, "names").contains("it has cosigned 20 leaves, and the log has "));
    let note = shown(&running).unwrap();
    assert_eq!(Checkpoint::parse(note.text()).unwrap().size(), 10, "nothing is signed that was not before");
    assert_eq!(fs::read(site.path("checkpoint")).unwrap(), fs::read(copy.path().join("checkpoint")).unwrap());
    running.stop().await;
    let status = lgsp_witness::status(office.dir.path()).unwrap();
    assert_eq!((&status.seen[0].checkpoint, status.forks.len()), (&seen, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_whose_checkpoint_is_gone_is_signed_once_the_witness_says_that_it_goes_on() {
    let (site, bus, office) = (Site::in_files(), bus(), Office::new().await);
    let open = office.open(vec![log_key().verifier().clone()]).await;
    let running = Running::start(office.asked_by(&site), &bus).await;
    append(&running, 10).await;
    holds(&running, &policy(&log_key(), 1), 10).await;
    running.stop().await;
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&site.path(""), copy.path());
    open.close().await;

    // As long as it is away nothing is signed, and traffic goes on.
    fs::remove_file(site.path("checkpoint")).unwrap();
    let running = Running::start(office.asked_by(&site), &bus).await;
    append(&running, 5).await;
    running.until("told", |running| running.cause("sealing") == "the checkpoint is missing").await;
    assert!(shown(&running).is_none());
    let open = office.open(vec![log_key().verifier().clone()]).await;
    holds(&running, &policy(&log_key(), 1), 15).await;
    running.until("ready", |running| running.cause("sealing").is_empty()).await;
    running.stop().await;

    // Put back, without the checkpoint that would tell: the witness does.
    fs::remove_dir_all(site.path("")).unwrap();
    copy_folder(copy.path(), &site.path(""));
    fs::remove_file(site.path("checkpoint")).unwrap();
    let forgetful: Bus = site::bus();
    let running = Running::start(office.asked_by(&site), &forgetful).await;
    running.until("told", |running| running.cause("sealing") == "a witness has seen another log").await;
    assert!(witnesses(&running, "names").contains("it has cosigned 15 leaves, and the log has 10"));
    assert!(shown(&running).is_none() && !site.path("checkpoint").exists(), "nothing was signed");
    running.stop().await;
    open.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_idle_shows_the_cosignature_that_confirmed_it() {
    let (site, bus, office) = (Site::new(), bus(), Office::new().await);
    let open = office.open(vec![log_key().verifier().clone()]).await;
    let running = Running::start(office.asked_by(&site), &bus).await;
    append(&running, 3).await;
    holds(&running, &policy(&log_key(), 1), 3).await;
    running.stop().await;
    fs::remove_file(site.path("checkpoint")).unwrap();
    fs::remove_file(site.path("checkpoint.cosigned")).unwrap();
    let running = Running::start(office.asked_by(&site), &bus).await;
    assert_eq!(holds(&running, &policy(&log_key(), 1), 3).await.size(), 3, "nothing was entered since");
    running.stop().await;
    open.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cosigned_is_shown_again_after_a_restart_without_the_witness() {
    let (site, bus, office) = (Site::new(), bus(), Office::new().await);
    let open = office.open(vec![log_key().verifier().clone()]).await;
    let running = Running::start(office.asked_by(&site), &bus).await;
    append(&running, 3).await;
    holds(&running, &policy(&log_key(), 1), 3).await;
    running.stop().await;
    open.close().await;
    let running = Running::start(office.asked_by(&site), &bus).await;
    assert_eq!(policy(&log_key(), 1).verify(&shown(&running).unwrap()).unwrap().checkpoint.size(), 3);
    running.stop().await;
    let file = Note::parse(&fs::read(site.path("checkpoint")).unwrap()).unwrap();
    assert_eq!(policy(&log_key(), 1).verify(&file).unwrap().cosigned.len(), 1);
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else if let Err(error) = fs::copy(entry.path(), to) {
            // SQLite's own files go with its last connection.
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{:?}", entry.path());
        }
    }
}
