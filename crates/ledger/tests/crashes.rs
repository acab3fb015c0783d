//! What a crash, a full disk or a flipped byte leaves behind.

#![allow(clippy::unwrap_used)]

mod site;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use lgsp_runtime::state::Condition;
use site::{Numbered, PATIENCE, Running, Site, bus, erasable_parts, everything, ids};
use sqlx::Executor;

/// Appends entries, waits until they are filed too, and ends as by a kill: the journal still holds them all.
async fn killed(site: &Site, sequences: std::ops::RangeInclusive<u64>) -> Vec<Numbered> {
    let bus = bus();
    let running = site.start(&bus).await;
    let entries: Vec<Numbered> = sequences.map(Numbered::new).collect();
    for entry in &entries {
        running.append(entry).await;
    }
    assert!(!running.list(everything()).await.is_empty());
    running.kill();
    entries
}

/// Starts on a broker that has forgotten everything.
async fn restarted(site: &Site) -> (Running, lgsp_bus::Bus) {
    let bus = bus();
    (site.start(&bus).await, bus)
}

async fn assert_listed(running: &Running, entries: &[Numbered]) {
    let expected: Vec<String> = entries.iter().rev().map(|entry| entry.exchange.to_string()).collect();
    assert_eq!(ids(&running.list(everything()).await), expected);
}

fn remove_store(site: &Site, name: &str) {
    for extension in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(site.path(&format!("{name}{extension}")));
    }
}

fn flip(path: &Path, byte: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[byte] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_any_two_steps_loses_nothing_and_repeats_nothing() {
    // What the crash came before, from the last step to the first.
    const UNDONE: &[&str] = &["index.db", "erasable.db", "head", "checkpoint", "tree", "log"];
    for undone in [0, 1, 2, 4, 5, 6].map(|steps| &UNDONE[..steps]) {
        let site = Site::in_files();
        let entries = killed(&site, 1..=7).await;
        // Before anything else is filed: a journal goes only after all that it holds is in its place.
        wait_until_let_go(&site).await;
        for name in undone {
            remove_store(&site, name);
            let _ = fs::remove_dir_all(site.path(name));
        }
        // Two more crashes, wherever they find the filing.
        for _ in 0..2 {
            let (running, _bus) = restarted(&site).await;
            running.kill();
        }
        let (running, _bus) = restarted(&site).await;
        assert_listed(&running, &entries).await;
        assert_eq!((running.leaves(), running.ledger.damage()), (7, vec![]), "{undone:?}");
        let told = running.completeness().await.gateways.remove(0);
        assert_eq!((told.first, told.last, told.received, told.gaps.len()), (1, 7, 7, 0));
        // A filing that was slow is still at it.
        let refilled = async {
            while erasable_parts(&site).await != 7 {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, refilled).await.is_ok(), "{undone:?}");
        running.stop().await;
    }
}

/// Waits until no ledger holds the folder, nor SQLite a file of it: its last connection removes the files beside a store by
/// their names, also those of a new store in the old one's place. What really is killed does not.
async fn wait_until_let_go(site: &Site) {
    let lock = fs::File::open(site.path("lock")).unwrap();
    let free = tokio::time::timeout(PATIENCE, async {
        while lock.try_lock().is_err() || open_stores(site) > 0 {
            tokio::task::yield_now().await;
        }
    });
    free.await.unwrap();
}

/// How many files of stores this process has open.
fn open_stores(site: &Site) -> usize {
    let files = fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
    let folder = site.path("");
    files.filter(|file| file.starts_with(&folder) && file.to_string_lossy().contains(".db")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn torn_writes_are_left_out_and_the_ledger_goes_on() {
    let site = Site::in_files();
    let mut entries = killed(&site, 1..=3).await;
    wait_until_let_go(&site).await;
    for folder in ["log", "intake"] {
        let path = site.segment(folder, 1);
        let bytes = fs::read(&path).unwrap();
        let group = &bytes[64..100];
        // The journal is filled with zeros ahead of its end.
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        let torn = [&bytes[..end], group].concat();
        fs::write(&path, torn).unwrap();
    }
    let (running, _bus) = restarted(&site).await;
    assert_listed(&running, &entries).await;
    let next = Numbered::new(4);
    running.append(&next).await;
    entries.push(next);
    assert_listed(&running, &entries).await;
    running.stop().await;
    let (running, _bus) = restarted(&site).await;
    assert_listed(&running, &entries).await;
    assert_eq!(running.ledger.damage(), []);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_byte_in_the_log_is_named_and_everything_else_is_told() {
    let site = Site::in_files();
    let entries = killed(&site, 1..=5).await;
    let (running, _bus) = restarted(&site).await;
    running.stop().await;
    let path = site.segment("log", 1);
    let middle = fs::metadata(&path).unwrap().len() as usize / 2;
    flip(&path, middle);

    let (running, _bus) = restarted(&site).await;
    running.until("it is named", |running| !running.ledger.damage().is_empty()).await;
    let damage = running.ledger.damage().remove(0);
    assert_eq!(damage.file, path);
    assert!(damage.byte <= middle as u64 && damage.byte + 600 > middle as u64, "{damage}");
    assert_eq!(running.state.condition("files"), Some(Condition::Degraded));
    // The index still knows the exchange whose sealed part is gone.
    assert_listed(&running, &entries).await;
    running.append(&Numbered::new(6)).await;
    running.stop().await;

    // Even an index that is built again finds what stands behind the damage.
    remove_store(&site, "index.db");
    let (running, _bus) = restarted(&site).await;
    assert_eq!(running.list(everything()).await.len(), 5, "all but the damaged one");
    assert_eq!(running.leaves(), 6);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_byte_in_the_journal_is_named() {
    let site = Site::in_files();
    let entries = killed(&site, 1..=3).await;
    wait_until_let_go(&site).await;
    // As if nothing had been filed.
    for name in ["index.db", "erasable.db"] {
        remove_store(&site, name);
    }
    fs::remove_dir_all(site.path("log")).unwrap();
    let path = site.segment("intake", 1);
    flip(&path, 100);
    let (running, _bus) = restarted(&site).await;
    running.until("it is named", |running| !running.ledger.damage().is_empty()).await;
    assert_eq!(running.ledger.damage()[0].file, path);
    assert_listed(&running, &entries[1..]).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_cannot_be_read_is_built_again() {
    let site = Site::in_files();
    let entries = killed(&site, 1..=3).await;
    wait_until_let_go(&site).await;
    remove_store(&site, "index.db");
    fs::write(site.path("index.db"), vec![b'x'; 8_192]).unwrap();
    let (running, _bus) = restarted(&site).await;
    assert_listed(&running, &entries).await;
    running.stop().await;
    let damaged: Vec<_> =
        fs::read_dir(site.path("")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(
        !damaged.iter().any(|name| name.to_string_lossy().contains("damaged")),
        "nothing of it is kept: {damaged:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_are_read_again_fold() {
    let (site, bus) = (Site::in_files(), bus());
    let mut entries: Vec<Numbered> = (1..=10).map(Numbered::new).collect();
    let running = site.start(&bus).await;
    for entry in &entries {
        running.append(entry).await;
    }
    running.stop().await;
    // The broker is the same, and everything on it is read from the beginning.
    let running = site.start(&bus).await;
    running.until("it has caught up", |running| running.state.is_ready()).await;
    assert_eq!(running.state.fact("taken-in").get(), 10);
    let next = Numbered::new(11);
    running.append(&next).await;
    entries.push(next);
    assert_listed(&running, &entries).await;
    assert_eq!(running.leaves(), 11);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_disk_fails_nothing_is_durable_and_afterwards_nothing_is_lost() {
    let (site, bus) = (Site::in_files(), bus());
    // Every entry needs a segment of its own.
    let options = lgsp_ledger::Options { journal_size: 1, ..site.options() };
    let running = Running::start(options, &bus).await;
    let mut entries = vec![Numbered::new(1)];
    running.append(&entries[0]).await;
    running.list(everything()).await;

    let (intake, away) = (site.path("intake"), site.path("away"));
    fs::rename(&intake, &away).unwrap();
    let lost = Numbered::new(2);
    assert!(running.try_append(&lost, Duration::from_millis(600)).await.is_err());
    running.until("it says so", |running| running.cause("intake") == "the ledger's folder is gone").await;
    assert_eq!(running.state.condition("intake"), Some(Condition::Failed));
    assert!(!running.state.is_ready());

    fs::rename(&away, &intake).unwrap();
    running.until("it recovers", |running| running.state.condition("intake") == Some(Condition::Ready)).await;
    let next = Numbered::new(3);
    running.append(&next).await;
    entries.extend([lost, next]);
    assert_listed(&running, &entries).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exchanges_go_on_while_the_index_fails_and_it_catches_up() {
    let (site, bus) = (Site::in_files(), bus());
    let running = site.start(&bus).await;
    running.append(&Numbered::new(1)).await;
    running.list(everything()).await;
    let url = format!("sqlite:{}", site.path("index.db").display());
    let intruder = sqlx::SqlitePool::connect(&url).await.unwrap();
    intruder
        .execute("CREATE TRIGGER refused BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'no'); END")
        .await
        .unwrap();
    for sequence in 2..=5 {
        running.append(&Numbered::new(sequence)).await;
    }
    running.until("it says so", |running| running.cause("filing") == "the index cannot be written").await;
    assert_eq!(running.state.condition("intake"), Some(Condition::Ready));
    assert_eq!(running.list(everything()).await.len(), 1, "a list tells what is filed");
    intruder.execute("DROP TRIGGER refused").await.unwrap();
    intruder.close().await;
    running.until("it recovers", |running| running.state.condition("filing") == Some(Condition::Ready)).await;
    assert_eq!((running.list(everything()).await.len(), running.leaves()), (5, 5));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_filed_ends_the_taking_in_before_it_fills_the_disk() {
    let (site, bus) = (Site::in_files(), bus());
    // Every entry needs a segment of its own, and few of them may wait.
    let options = lgsp_ledger::Options { journal_size: 1, most_unfiled: 4, ..site.options() };
    let running = Running::start(options, &bus).await;
    running.append(&Numbered::new(1)).await;
    running.list(everything()).await;
    let url = format!("sqlite:{}", site.path("index.db").display());
    let intruder = sqlx::SqlitePool::connect(&url).await.unwrap();
    let refusal = "CREATE TRIGGER refused BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'no'); END";
    intruder.execute(refusal).await.unwrap();

    let mut sequence = 1;
    let full = "too much of the journal waits to be filed";
    while running.cause("intake") != full {
        sequence += 1;
        assert!(sequence < 20, "nothing ends the taking in; {}", running.state.status());
        let _ = running.try_append(&Numbered::new(sequence), Duration::from_millis(500)).await;
    }
    assert!(!running.state.is_ready());

    intruder.execute("DROP TRIGGER refused").await.unwrap();
    intruder.close().await;
    running.until("it recovers", |running| running.state.is_ready()).await;
    running.append(&Numbered::new(sequence + 1)).await;
    let listed = running.list(everything()).await.len();
    assert_eq!(u64::try_from(listed).unwrap(), sequence + 1, "what was refused waited on the topic");
    running.stop().await;
}

/// Names the folder to a child process.
const CHILD: &str = "LGSP_LEDGER_CHILD";
const ROUNDS: u64 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_durable_before_a_kill_is_there_after_it() {
    let site = Site::in_files();
    let mut durable: Vec<String> = Vec::new();
    for round in 1..=ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_child_that_is_killed", "--nocapture"])
            .env(CHILD, site.path(""))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let enough = round as usize * 40;
        durable.extend(
            lines.by_ref().filter_map(|line| Some(line.strip_prefix("durable ")?.to_owned())).take(enough),
        );
        child.kill().unwrap();
        child.wait().unwrap();
        durable.extend(lines.filter_map(|line| Some(line.strip_prefix("durable ")?.to_owned())));
    }
    let (running, _bus) = restarted(&site).await;
    let told = ids(&running.list(everything()).await);
    let missing = durable.iter().filter(|id| !told.contains(id)).count();
    assert_eq!((missing, durable.len() >= 600), (0, true), "{} were durable", durable.len());
    assert!(running.ledger.damage().is_empty());
    running.stop().await;
    assert!(erasable_parts(&site).await >= durable.len() as i64);
}

/// Appends until it is killed, and says so of every entry that is durable. Does nothing unless a test starts it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_is_killed() {
    let Some(dir) = std::env::var_os(CHILD) else { return };
    let bus = bus();
    let options = lgsp_ledger::Options {
        dir: dir.into(),
        journal_size: 20_000,
        segment_size: 10_000,
        ..Default::default()
    };
    let running = Running::start(options, &bus).await;
    for sequence in 1.. {
        let entry = Numbered::new(sequence);
        running.append(&entry).await;
        writeln!(std::io::stdout(), "durable {}", entry.exchange).unwrap();
    }
}
