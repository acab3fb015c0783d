//! The seal of the log, as people outside read it, and who tries to go around it.

#![allow(clippy::unwrap_used, reason = "a test")]

mod site;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use lgsp_runtime::State;
use lgsp_tlog::{Bundle, Checkpoint, Hash, Note, Tile, Tiles, bundle, leaf_hash, merkle};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use site::{Numbered, PATIENCE, Running, Site, bus};

/// What a log shows on its admin port.
struct Shown(State);

impl Shown {
    fn get(&self, path: &str) -> Option<Vec<u8>> {
        self.0.page(&format!("/{path}")).unwrap().map(|page| page.body.to_vec())
    }

    fn checkpoint(&self) -> Option<Checkpoint> {
        let note = Note::parse(&self.get("checkpoint")?).unwrap();
        note.verify(&[site::log_key().verifier().clone()]).unwrap();
        Some(Checkpoint::parse(note.text()).unwrap())
    }

    /// Waits for a checkpoint of so many leaves.
    async fn sealed(&self, size: u64) -> Checkpoint {
        let begun = Instant::now();
        loop {
            if let Some(checkpoint) = self.checkpoint().filter(|checkpoint| checkpoint.size() >= size) {
                return checkpoint;
            }
            assert!(begun.elapsed() < PATIENCE, "{} leaves are not sealed: {:?}", size, self.checkpoint());
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn leaves(&self, size: u64) -> Vec<Vec<u8>> {
        let bundles = Bundle::of_tree(size);
        let leaves = bundles.flat_map(|of| {
            let bytes = self.get(&of.path()).unwrap();
            bundle::decode(&bytes, of.width()).unwrap().into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>()
        });
        leaves.collect()
    }
}

impl Tiles for Shown {
    fn tile(&self, tile: Tile) -> io::Result<Vec<u8>> {
        self.get(&tile.path()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

async fn append(running: &Running, count: u64) {
    for number in 1..=count {
        running.append(&Numbered::new(number)).await;
    }
}

/// Everything that a monitor would check without trusting us.
fn check(shown: &Shown, checkpoint: &Checkpoint) {
    let (size, root) = (checkpoint.size(), checkpoint.root());
    assert_eq!(merkle::root(shown, size).unwrap(), root);
    let leaves = shown.leaves(size);
    assert_eq!(leaves.len() as u64, size);
    for (index, leaf) in (0..).zip(&leaves) {
        let proof = merkle::prove_inclusion(shown, index, size).unwrap();
        merkle::verify_inclusion(&proof, index, &leaf_hash(leaf), size, &root).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_sealed_shown_and_goes_on_over_restarts() {
    let (site, bus) = (Site::new(), bus());
    let mut old = Checkpoint::new("none", 0, Hash::EMPTY_TREE).unwrap();
    for count in [3, 300, 1] {
        let running = site.start(&bus).await;
        let shown = Shown(running.state.clone());
        append(&running, count).await;
        let checkpoint = shown.sealed(old.size() + count).await;
        check(&shown, &checkpoint);
        let proof = merkle::prove_consistency(&shown, old.size(), checkpoint.size()).unwrap();
        merkle::verify_consistency(&proof, old.size(), &old.root(), checkpoint.size(), &checkpoint.root())
            .unwrap();
        assert!(shown.get("tile/0/009").is_none() && shown.get("tile/entries/009").is_none());
        running.stop().await;
        old = checkpoint;
    }
    assert_eq!(old.size(), 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_moment_takes_nothing_out_of_the_seal() {
    let (site, bus) = (Site::new(), bus());
    let mut last = None;
    for _ in 0..6 {
        let running = site.start(&bus).await;
        let shown = Shown(running.state.clone());
        append(&running, 20).await;
        let checkpoint = shown.sealed(1).await;
        running.kill();
        if let Some(last) = last.replace(checkpoint.clone()) {
            let last: Checkpoint = last;
            let proof = merkle::prove_consistency(&shown, last.size(), checkpoint.size()).unwrap();
            merkle::verify_consistency(
                &proof,
                last.size(),
                &last.root(),
                checkpoint.size(),
                &checkpoint.root(),
            )
            .unwrap();
        }
    }
    let running = site.start(&bus).await;
    let shown = Shown(running.state.clone());
    let checkpoint = shown.sealed(120).await;
    assert_eq!(checkpoint.size(), 120, "each once");
    check(&shown, &checkpoint);
    running.stop().await;
}

/// Waits until the sealing tells this cause.
async fn cause(running: &Running, expect: &str) {
    running.until(expect, |running| running.cause("sealing").contains(expect)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_was_paused_beside_another_forks_nothing() {
    let (site, bus) = (Site::new(), bus());
    let paused = site.start(&bus).await;
    append(&paused, 5).await;
    Shown(paused.state.clone()).sealed(5).await;
    // An operator who believes it dead takes its lock away.
    fs::remove_file(site.path("lock")).unwrap();
    let second = site.start(&bus).await;
    let shown = Shown(second.state.clone());
    append(&second, 20).await;
    // Both read the topic; only one may seal.
    cause(&paused, "another ledger has taken the log over").await;
    let checkpoint = shown.sealed(25).await;
    append(&second, 5).await;
    let later = shown.sealed(checkpoint.size() + 5).await;
    check(&shown, &later);
    paused.kill();
    second.stop().await;
    let again = site.start(&bus).await;
    let shown = Shown(again.state.clone());
    check(&shown, &shown.sealed(later.size()).await);
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_edited_is_noticed_and_nothing_more_is_signed() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    append(&running, 10).await;
    Shown(running.state.clone()).sealed(10).await;
    running.kill();
    // With its checksums, as somebody does who knows the format.
    let path = site.segment("log", 1);
    let mut bytes = fs::read(&path).unwrap();
    edit_first_record(&mut bytes);
    fs::write(&path, bytes).unwrap();
    // All hashes are made again, as after the loss of the folder.
    fs::remove_dir_all(site.path("tree")).unwrap();
    let running = site.start(&bus).await;
    cause(&running, "the log is not the one that was sealed").await;
    // Traffic goes on; the seal does not.
    append(&running, 1).await;
    assert!(Shown(running.state.clone()).checkpoint().is_none());
    running.stop().await;
}

/// Changes a letter of the first sealed part, and mends the checksum of its record.
fn edit_first_record(bytes: &mut [u8]) {
    const FIRST: usize = 64 + 24;
    let length = u32::from_le_bytes(bytes[FIRST..FIRST + 4].try_into().unwrap()) as usize;
    let content = FIRST + 8..FIRST + 8 + length;
    let service = content.start + bytes[content.clone()].windows(4).position(|text| text == b"lgsp").unwrap();
    bytes[service] = b'L';
    let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[FIRST..FIRST + 4]), &bytes[content]);
    bytes[FIRST + 4..FIRST + 8].copy_from_slice(&crc.to_le_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_put_back_signs_nothing_and_an_old_checkpoint_shows_it() {
    let (site, bus) = (Site::in_files(), bus());
    let running = site.start(&bus).await;
    append(&running, 10).await;
    Shown(running.state.clone()).sealed(10).await;
    running.stop().await;
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&site.path(""), copy.path());
    let running = site.start(&bus).await;
    append(&running, 10).await;
    let seen = Shown(running.state.clone()).sealed(20).await;
    running.stop().await;

    // The folder is put back, and its last checkpoint left: the ledger itself notices.
    let checkpoint = fs::read(site.path("checkpoint")).unwrap();
    fs::remove_dir_all(site.path("")).unwrap();
    copy_folder(copy.path(), &site.path(""));
    let put_back = fs::read(site.path("checkpoint")).unwrap();
    fs::write(site.path("checkpoint"), checkpoint).unwrap();
    let running = site.start(&bus).await;
    cause(&running, "the log was put back behind what it has signed").await;
    running.stop().await;

    // The checkpoint too: only who has seen the later one can notice.
    fs::write(site.path("checkpoint"), put_back).unwrap();
    let running = site.start(&bus).await;
    append(&running, 30).await;
    let shown = Shown(running.state.clone());
    let forked = shown.sealed(30).await;
    let proof = merkle::prove_consistency(&shown, seen.size(), forked.size()).unwrap();
    let held = merkle::verify_consistency(&proof, seen.size(), &seen.root(), forked.size(), &forked.root());
    assert!(held.is_err(), "the fork passes for a continuation");
    running.stop().await;
}

/// The folder of the verifiers, if they were made.
fn verifiers() -> Option<PathBuf> {
    let folder = std::env::var("LGSP_TEST_TLOG").ok().filter(|folder| !folder.is_empty());
    if folder.is_none() {
        let is_required = std::env::var("LGSP_REQUIRE_SERVERS").as_deref() == Ok("1");
        assert!(!is_required, "the verifiers need LGSP_TEST_TLOG");
        eprintln!("skipped: other people's verifiers need LGSP_TEST_TLOG");
    }
    folder.map(PathBuf::from)
}

async fn verify(program: PathBuf, args: &[&str]) {
    let mut command = Command::new(program);
    command.args(args);
    let output = spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.starts_with("ok: 602 entries"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_peoples_verifiers_accept_the_log_that_a_ledger_shows() {
    let Some(verifiers) = verifiers() else { return };
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let shown = Shown(running.state.clone());
    append(&running, 300).await;
    shown.sealed(300).await;
    let old = site.path("old");
    fs::write(&old, shown.get("checkpoint").unwrap()).unwrap();
    append(&running, 302).await;
    shown.sealed(602).await;

    let admin = lgsp_runtime::admin::bind(&lgsp_runtime::admin::Options::default()).await.unwrap();
    let (url, stop) = (format!("http://{}", admin.address()), CancellationToken::new());
    let serving = tokio::spawn(admin.serve(running.state.clone(), stop.clone()));
    let (key, old) = (site::log_key().verifier().to_string(), old.display().to_string());
    verify(verifiers.join("tlog-go"), &["-old", &old, &url, &key]).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/tlog-python/verify.py");
    verify(verifiers.join("python/bin/python"), &[script, "--old", &old, &url, &key]).await;
    stop.cancel();
    serving.await.unwrap();
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_the_folder_names_the_file_of_a_flipped_or_missing_byte() {
    let (site, bus) = (Site::in_files(), bus());
    let running = site.start(&bus).await;
    append(&running, 600).await;
    Shown(running.state.clone()).sealed(600).await;
    running.stop().await;
    let dir = site.path("");
    let keys = [site::log_key().verifier().clone()];
    let check = || lgsp_ledger::check(&dir, &keys, |_, _| ()).unwrap();
    let checked = check();
    assert_eq!((checked.good, checked.sealed, checked.problems), (600, 600, vec![]));
    let status = lgsp_ledger::status(&dir).unwrap();
    assert_eq!((status.sealed, status.checkpoint.unwrap().size(), status.missing), (600, 600, vec![]));

    let files = ["log/000000000001.segment", "tree/0", "tree/1", "checkpoint"];
    for file in files {
        let path = site.path(file);
        let whole = fs::read(&path).unwrap();
        for at in [whole.len() / 3, whole.len() - 20] {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            let cut = whole[..at].to_vec();
            for damaged in [flipped, cut] {
                fs::write(&path, damaged).unwrap();
                let problems = check().problems;
                let named = problems.iter().any(|problem| problem.file == path);
                assert!(named, "{file}, byte {at} of {}: {problems:?}", whole.len());
            }
        }
        fs::write(&path, &whole).unwrap();
    }
    let path = site.path("head");
    let mut head = fs::read(&path).unwrap();
    head[20] ^= 1;
    fs::write(&path, head).unwrap();
    assert!(lgsp_ledger::check(&dir, &keys, |_, _| ()).unwrap_err().to_string().contains("head is damaged"));
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else if let Err(error) = fs::copy(entry.path(), to) {
            // SQLite's own files go with its last connection.
            assert_eq!(error.kind(), io::ErrorKind::NotFound, "{:?}", entry.path());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_counts_and_names_the_leaf_of_a_flipped_byte() {
    let (site, bus) = (Site::in_files(), bus());
    let running = site.start(&bus).await;
    append(&running, 60).await;
    Shown(running.state.clone()).sealed(60).await;
    running.stop().await;
    let path = site.path("log/000000000001.segment");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let checked = lgsp_ledger::check(&site.path(""), &[], |_, _| ()).unwrap();
    let [(first, last)] = checked.bad[..] else { panic!("{checked:?}") };
    assert!(first == last && first < 60, "{checked:?}");
    assert_eq!((checked.good, checked.sealed), (59, 60));
    let [damage] = &checked.problems[..] else { panic!("{checked:?}") };
    assert!(damage.file == path && damage.what.starts_with("the record that begins at byte "), "{damage:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_head_is_brought_up_to_the_log_and_a_damaged_checkpoint_is_no_beginning() {
    let (site, bus) = (Site::in_files(), bus());
    let running = site.start(&bus).await;
    append(&running, 10).await;
    Shown(running.state.clone()).sealed(10).await;
    running.stop().await;
    let head = fs::read(site.path("head")).unwrap();
    let running = site.start(&bus).await;
    append(&running, 10).await;
    let signed = Shown(running.state.clone()).sealed(20).await;
    running.stop().await;

    fs::write(site.path("head"), head).unwrap();
    let running = site.start(&bus).await;
    let again = Shown(running.state.clone()).sealed(20).await;
    assert_eq!((again.size(), again.root()), (signed.size(), signed.root()));
    running.stop().await;

    let mut checkpoint = fs::read(site.path("checkpoint")).unwrap();
    checkpoint.truncate(20);
    fs::write(site.path("checkpoint"), checkpoint).unwrap();
    let running = site.start(&bus).await;
    cause(&running, "the checkpoint is damaged").await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_the_log_is_sealed_and_nothing_is_signed() {
    let (site, bus) = (Site::new(), bus());
    let running = Running::start_unsigned(site.options(), &bus).await;
    append(&running, 3).await;
    cause(&running, "checkpoints are not signed").await;
    assert!(Shown(running.state.clone()).checkpoint().is_none());
    running.stop().await;
    let running = site.start(&bus).await;
    assert_eq!(Shown(running.state.clone()).sealed(3).await.size(), 3);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_is_gone_is_no_beginning_unless_the_operator_says_so() {
    let (site, bus) = (Site::in_files(), bus());
    let running = site.start(&bus).await;
    append(&running, 3).await;
    Shown(running.state.clone()).sealed(3).await;
    running.stop().await;
    fs::remove_file(site.path("checkpoint")).unwrap();
    let problems = lgsp_ledger::check(&site.path(""), &[], |_, _| ()).unwrap().problems;
    assert!(problems.iter().any(|problem| problem.file == site.path("checkpoint")), "{problems:?}");

    let running = site.start(&bus).await;
    append(&running, 2).await;
    running.until("sealed", |running| running.state.fact("sealed").get() == 5).await;
    cause(&running, "the checkpoint is missing").await;
    assert!(Shown(running.state.clone()).checkpoint().is_none() && !site.path("checkpoint").exists());
    running.stop().await;

    fs::write(site.path("checkpoint.begin-anew"), "").unwrap();
    let running = site.start(&bus).await;
    append(&running, 1).await;
    Shown(running.state.clone()).sealed(6).await;
    cause(&running, "the checkpoint was missing and is signed anew").await;
    let told = running.state.status()["components"]["sealing"]["names"].to_string();
    assert!(told.contains("from 5 leaves on"), "{told}");
    running.stop().await;
    assert!(!site.path("checkpoint.begin-anew").exists(), "it counts once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_full_tile_is_made_again_at_the_next_start() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    append(&running, 300).await;
    Shown(running.state.clone()).sealed(300).await;
    running.stop().await;
    let whole = fs::read(site.path("tree/0")).unwrap();
    let mut damaged = whole.clone();
    damaged[100] ^= 1;
    fs::write(site.path("tree/0"), damaged).unwrap();
    let running = site.start(&bus).await;
    running.until("mended", |_| fs::read(site.path("tree/0")).unwrap() == whole).await;
    let shown = Shown(running.state.clone());
    check(&shown, &shown.sealed(300).await);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_head_cannot_be_written_the_filing_goes_on_and_the_seal_catches_up() {
    let (site, bus) = (Site::in_files(), bus());
    let running = site.start(&bus).await;
    append(&running, 1).await;
    Shown(running.state.clone()).sealed(1).await;
    // In the place of the file that is written first.
    fs::create_dir(site.path("head.new")).unwrap();
    for number in 2..=30 {
        running.append(&Numbered::new(number)).await;
        running.until("filed", |running| running.leaves() == number.cast_signed()).await;
    }
    assert_ne!(running.cause("sealing"), "");
    assert_eq!((running.cause("filing"), running.state.fact("sealed").get()), (String::new(), 1));
    fs::remove_dir(site.path("head.new")).unwrap();
    let shown = Shown(running.state.clone());
    check(&shown, &shown.sealed(30).await);
    running.until("ready", |running| running.cause("sealing").is_empty()).await;
    running.stop().await;
    assert_eq!(lgsp_ledger::status(&site.path("")).unwrap().missing, []);
}
