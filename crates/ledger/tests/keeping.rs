//! The files of a ledger that is stopped: built again, archived, brought back, copied; and a kill between any two steps.

#![allow(clippy::unwrap_used)]

mod auditor;
mod site;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use auditor::*;
use lgsp_core::Reason;
use lgsp_core::entry::{salted, seal};
use lgsp_ledger::keep::{self, Error, Manifest, Online, Step};
use lgsp_ledger::{Keys, Options, Retention, Term, check};
use lgsp_proto::ledger::v1::{
    Act, ActKind, AuditFilter, Entry, Erasable, Mark, ReportSubjectRequest, Signed,
};
use lgsp_tlog::{Policy, Proof};
use site::{Running, Site, bus, keys, log_key};
use sqlx::Executor as _;

fn small(site: &Site) -> Options {
    small_in(&site.path(""))
}

/// Every group of entries begins a segment.
fn small_in(dir: &Path) -> Options {
    Options {
        dir: dir.to_owned(),
        segment_size: 1,
        abandon: lgsp_ledger::Abandon::Never,
        ..Default::default()
    }
}

fn about(at: i64, number: u64, person: &str) -> Entered {
    Entered::at(at).officer("officer-17").asked(person).with(|sealed| {
        sealed.gateway = "gateway-1".to_owned();
        sealed.sequence = number;
    })
}

/// What was entered in June, in July and today.
struct Year {
    june: Vec<Entered>,
    july: Vec<Entered>,
    today: Entered,
}

impl Year {
    fn all(&self) -> Vec<&Entered> {
        self.june.iter().chain(&self.july).chain([&self.today]).collect()
    }

    fn online(&self) -> Vec<String> {
        let mut online = ids(&self.july.iter().chain([&self.today]).collect::<Vec<_>>());
        online.reverse();
        online
    }
}

/// Takes a year in, each entry in a segment of its own.
async fn year(running: &Running) -> Year {
    let now = lgsp_core::time::unix_micros(std::time::SystemTime::now());
    let june: Vec<Entered> = (1..=4).map(|number| about(JUNE + number as i64, number, ANN)).collect();
    let july: Vec<Entered> = (5..=6).map(|number| about(JULY + number as i64, number, BINH)).collect();
    let year = Year { june, july, today: about(JULY + 7, 7, ANN).with(|sealed| sealed.entered_us = now) };
    for entered in year.all() {
        entered.enter(running).await;
        // A search waits until what is durable is filed.
        found(running, AuditFilter::default()).await;
    }
    year
}

/// The first moment of July 2026 in Viet Nam.
const BEFORE_JULY: i64 = 1_782_838_800_000_000;

async fn archive(site: &Site, to: &Path) -> keep::Archived {
    keep::archive(&small(site), &keys(&bus()), BEFORE_JULY, to, &mut |_| ()).await.unwrap()
}

async fn restore(site: &Site, archive: &Path) -> keep::Restored {
    let log_keys = [log_key().verifier().clone()];
    keep::restore(&small(site), &keys(&bus()), archive, &log_keys, &mut |_| ()).await.unwrap()
}

/// The whole log holds, and so does the index.
async fn assert_whole(site: &Site, archived: u64) {
    let checked = check(&site.path(""), &[log_key().verifier().clone()], |_, _| ()).unwrap();
    assert_eq!((checked.problems, checked.archived), (vec![], archived));
    let compared = keep::compare(&small(site), &keys(&bus()), &mut |_| ()).await.unwrap();
    assert_eq!((compared.differences, compared.unreadable), (vec![], None));
}

async fn proof(running: &Running, entered: &Entered) -> String {
    let request = lgsp_proto::ledger::v1::GetExchangeRequest {
        exchange_id: entered.exchange.to_string(),
        prove: true,
        ..Default::default()
    };
    let told = audit(running).get_exchange(by_auditor(request)).await.unwrap().into_inner();
    told.entries[0].proof.clone()
}

fn assert_proves(proof: &str) {
    let origin = Options::default().origin;
    let policy = Policy::new(&origin, vec![log_key().verifier().clone()], vec![], 0).unwrap();
    let proof = Proof::parse(proof.as_bytes()).unwrap();
    proof.verify(&proof.extra.clone().unwrap(), &policy).unwrap();
}

/// A stopped ledger with a year in it, and a proof of its first entry.
async fn stopped(site: &Site) -> (Year, String) {
    let bus = bus();
    let running = Running::start(small(site), &bus).await;
    let year = year(&running).await;
    let proof = proof(&running, &year.june[0]).await;
    running.stop().await;
    (year, proof)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archived_month_is_gone_online_and_comes_back_byte_for_byte() {
    let (site, to, bus) = (Site::in_files(), tempfile::tempdir().unwrap(), bus());
    let (year, old_proof) = stopped(&site).await;
    let archived = archive(&site, to.path()).await;
    let manifest = &archived.archives[0];
    assert_eq!((archived.archives.len(), manifest.leaves(), manifest.values), (1, 4, 4));
    assert!(manifest.name.starts_with("2026-06."), "{}", manifest.name);
    let dir = to.path().join(&manifest.name);
    assert_eq!(&keep::verify(&dir, &[log_key().verifier().clone()]).unwrap(), manifest);
    assert_whole(&site, 4).await;
    assert!(!site.segment("log", 1).exists() && site.segment("log", 5).exists());

    let running = Running::start(small(&site), &bus).await;
    assert_eq!(found(&running, AuditFilter::default()).await, year.online());
    assert_eq!(found(&running, of(ANN)).await, ids(&[&year.today]));
    let told = page(&running, AuditFilter::default(), 10, "").await.archived;
    assert_eq!((told.len(), told[0].entries, &told[0].digest), (1, 4, &manifest.digest()));
    let july = AuditFilter { since: Some(lgsp_core::time::timestamp(JULY)), ..AuditFilter::default() };
    assert!(page(&running, july, 10, "").await.archived.is_empty(), "nothing of that time is archived");
    let report = ReportSubjectRequest { subject: of(ANN).subject, ..Default::default() };
    let report = audit(&running).report_subject(by_auditor(report)).await.unwrap().into_inner();
    let first = all(report).await.remove(0);
    assert_eq!((first.exchange, &first.archived[0].name), (None, &manifest.name), "a report says so first");
    let gateways = running.completeness().await.gateways;
    assert_eq!((gateways[0].first, gateways[0].last, gateways[0].gaps.len()), (1, 7, 0));
    let request = lgsp_proto::ledger::v1::GetExchangeRequest {
        exchange_id: year.june[0].exchange.to_string(),
        ..Default::default()
    };
    let refused = audit(&running).get_exchange(by_auditor(request)).await;
    let fault = reason(refused);
    assert_eq!(fault.reason(), Reason::NotFound);
    assert!(fault.violations()[0].rule.starts_with("is archived: "), "{fault:?}");
    assert_proves(&old_proof);
    assert_proves(&proof(&running, &year.july[0]).await);
    let page = |path: &str| running.state.page(path).unwrap();
    assert!(page("/tile/entries/000.p/7").is_none(), "a bundle with archived entries is pruned");
    assert!(page("/tile/0/000.p/7").is_some(), "its hashes are not");
    running.stop().await;

    restore(&site, &dir).await;
    assert_whole(&site, 0).await;
    let running = Running::start(small(&site), &bus).await;
    assert_eq!(found(&running, AuditFilter::default()).await.len(), 7);
    assert_eq!(found(&running, of(ANN)).await.len(), 5);
    assert_proves(&proof(&running, &year.june[0]).await);
    let told = get(&running, year.june[3].exchange).await;
    assert!(told.entries[0].erasable.is_some());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_erased_after_it_was_archived_is_gone_from_the_archive_and_from_what_comes_back() {
    let (site, to, bus) = (Site::in_files(), tempfile::tempdir().unwrap(), bus());
    let (year, _) = stopped(&site).await;
    let dir = to.path().join(&archive(&site, to.path()).await.archives[0].name);
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&dir, copy.path());

    let running = Running::start(small(&site), &bus).await;
    let told = preview(&running, &[&year.june[0]]).await;
    assert_eq!((told.unknown.len(), told.erasures[0].parts), (0, 0), "it is known, and has nothing online");
    erase(&running, &[&year.june[0]]).await.unwrap();
    let erased = keep::erase(&small(&site), &dir, &mut |_| ()).await.unwrap();
    assert_eq!((erased.erased, erased.left), (1, 3), "the ledger may run");
    let again = keep::erase(&small(&site), &dir, &mut |_| ()).await.unwrap();
    assert_eq!((again.erased, again.left), (0, 3));
    running.stop().await;
    keep::verify(&dir, &[]).unwrap();
    let parts = fs::read_dir(&dir)
        .unwrap()
        .filter(|it| it.as_ref().unwrap().file_name().to_string_lossy().starts_with("erasable."));
    assert_eq!(parts.count(), 1, "the old parts are gone");

    // A copy that did not forget changes nothing.
    let restored = restore(&site, copy.path()).await;
    assert_eq!(restored.erased, 1);
    assert_whole(&site, 0).await;
    let running = Running::start(small(&site), &bus).await;
    let told = &get(&running, year.june[0].exchange).await.entries[0];
    assert_eq!((told.erased, &told.erasable), (true, &None));
    assert_eq!(found(&running, of(ANN)).await.len(), 4);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_stays_online_until_it_is_released() {
    let (site, to, bus) = (Site::in_files(), tempfile::tempdir().unwrap(), bus());
    let running = Running::start(small(&site), &bus).await;
    let year = year(&running).await;
    mark(&running, Mark::Hold, &[&year.june[1]], None).await.unwrap();
    running.stop().await;
    let archived = archive(&site, to.path()).await;
    let leaves: u64 = archived.archives.iter().map(Manifest::leaves).sum();
    assert_eq!((leaves, archived.kept.len()), (3, 1));
    assert_eq!(archived.kept[0].why, Online::Held(1));
    assert_whole(&site, 3).await;
    let running = Running::start(small(&site), &site::bus()).await;
    assert!(found(&running, of(ANN)).await.contains(&year.june[1].exchange.to_string()));
    mark(&running, Mark::Release, &[&year.june[1]], None).await.unwrap();
    running.stop().await;
    let archived = archive(&site, to.path()).await;
    assert_eq!((archived.archives[0].leaves(), archived.kept.len()), (1, 0));
    assert_whole(&site, 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_says_something_else_is_told_and_replaced() {
    let site = Site::in_files();
    let (year, _) = stopped(&site).await;
    assert_whole(&site, 0).await;
    let url = format!("sqlite:{}", site.path("index.db").display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    pool.execute("UPDATE entry SET application = 'other' WHERE leaf = 2").await.unwrap();
    pool.execute("DELETE FROM entry WHERE leaf = 5").await.unwrap();
    pool.close().await;
    let found_of = |reindexed: keep::Reindexed| {
        let of = |it: keep::Difference| (it.table, it.month, it.rows, it.named);
        reindexed.differences.into_iter().map(of).collect::<Vec<_>>()
    };
    let days = ["day 020619", "day 020649"].map(str::to_owned).to_vec();
    let months = ["month 024317", "month 024318"].map(str::to_owned).to_vec();
    let expected = [
        ("daily".to_owned(), String::new(), (4, 3), days),
        ("entry".to_owned(), "2026-06".to_owned(), (4, 4), vec!["leaf 000000000002".to_owned()]),
        ("entry".to_owned(), "2026-07".to_owned(), (2, 3), vec!["leaf 000000000005".to_owned()]),
        ("monthly".to_owned(), String::new(), (4, 3), months),
    ];
    let compared = keep::compare(&small(&site), &keys(&bus()), &mut |_| ()).await.unwrap();
    assert_eq!(found_of(compared), expected);
    let reindexed = keep::reindex(&small(&site), &keys(&bus()), &mut |_| ()).await.unwrap();
    assert_eq!(found_of(reindexed), expected, "to compare changes nothing");
    assert_whole(&site, 0).await;
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    pool.execute("UPDATE daily SET exchanges = exchanges + 3 WHERE day = 20619").await.unwrap();
    pool.close().await;
    let compared = keep::compare(&small(&site), &keys(&bus()), &mut |_| ()).await.unwrap();
    let [day] = &*compared.miscounted else { panic!("{compared:?}") };
    assert_eq!((day.day.as_str(), day.exchanges.0 > day.exchanges.1), ("2026-06-15", true));
    keep::reindex(&small(&site), &keys(&bus()), &mut |_| ()).await.unwrap();
    let compared = keep::compare(&small(&site), &keys(&bus()), &mut |_| ()).await.unwrap();
    assert_eq!(compared.miscounted, []);
    fs::write(site.path("index.db"), vec![b'x'; 8_192]).unwrap();
    let reindexed = keep::reindex(&small(&site), &keys(&bus()), &mut |_| ()).await.unwrap();
    assert!(reindexed.unreadable.is_some());
    assert_whole(&site, 0).await;
    let bus = bus();
    let running = Running::start(small(&site), &bus).await;
    assert_eq!(found(&running, of(BINH)).await.len(), year.july.len());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_done_beside_a_running_ledger_or_to_what_is_none_of_its_own() {
    let (site, to, bus) = (Site::in_files(), tempfile::tempdir().unwrap(), bus());
    let running = Running::start(small(&site), &bus).await;
    let year = year(&running).await;
    let keys = keys(&bus);
    let refused = keep::reindex(&small(&site), &keys, &mut |_| ()).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Running { .. }) && refused.to_string().contains("stop it"),
        "{refused}"
    );
    running.stop().await;
    let now = year.today.sealed.entered_us;
    let refused = keep::archive(&small(&site), &keys, now, to.path(), &mut |_| ()).await.unwrap_err();
    assert!(refused.to_string().contains("31 days"), "{refused}");
    let nowhere = small_in(&site.path("nowhere"));
    let refused = keep::compare(&nowhere, &keys, &mut |_| ()).await.unwrap_err();
    assert!(matches!(refused, Error::NoLedger { .. }), "{refused}");

    let dir = to.path().join(&archive(&site, to.path()).await.archives[0].name);
    let segment = dir.join("log").join("000000000002.segment");
    let whole = fs::read(&segment).unwrap();
    let mut flipped = whole.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    fs::write(&segment, &flipped).unwrap();
    let refused = keep::restore(&small(&site), &keys, &dir, &[], &mut |_| ()).await.unwrap_err();
    assert!(refused.to_string().contains("is not what the manifest says"), "{refused}");
    assert_whole(&site, 4).await;
    fs::write(&segment, &whole).unwrap();
    restore(&site, &dir).await;
    let refused = keep::restore(&small(&site), &keys, &dir, &[], &mut |_| ()).await.unwrap_err();
    assert!(refused.to_string().contains("is not archived"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_that_is_lost_is_named_and_one_that_is_archived_is_not() {
    let (site, to) = (Site::in_files(), tempfile::tempdir().unwrap());
    stopped(&site).await;
    archive(&site, to.path()).await;
    assert_whole(&site, 4).await;
    fs::remove_file(site.segment("log", 5)).unwrap();
    let checked = check(&site.path(""), &[], |_, _| ()).unwrap();
    assert!(checked.problems.iter().any(|problem| problem.what.contains("missing")), "{checked:?}");
}

/// What somebody without a key writes under the key of an entry: it claims to be of next year.
fn forged(entered: &Entered) -> Entry {
    let forged = entered.clone().with(|sealed| {
        sealed.entered_us += 365 * DAY;
        sealed.gateway = String::new();
    });
    seal(forged.sealed, Erasable { officer: salted("forger-1"), ..Erasable::default() })
}

fn by_officer(officer: &str) -> AuditFilter {
    AuditFilter { officer: officer.to_owned(), ..AuditFilter::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forged_stops_no_archiving_and_neither_takes_nor_keeps_the_place_of_what_is_signed() {
    let (site, to, bus) = (Site::in_files(), tempfile::tempdir().unwrap(), bus());
    let running = Running::start(small(&site), &bus).await;
    let soon = about(JULY, 8, BINH);
    put(&running, soon.exchange, forged(&soon)).await;
    found(&running, AuditFilter::default()).await;
    let year = year(&running).await;
    soon.enter(&running).await;
    found(&running, AuditFilter::default()).await;
    running.stop().await;
    let archived = archive(&site, to.path()).await;
    let manifest = &archived.archives[0];
    assert_eq!((manifest.leaves(), manifest.values), (5, 4), "the part of the signed entry is none of it");
    assert_whole(&site, 5).await;

    let running = Running::start(small(&site), &site::bus()).await;
    assert!(get(&running, soon.exchange).await.entries[0].erasable.is_some());
    let first = &year.june[0];
    put(&running, first.exchange, forged(first)).await;
    assert_eq!(found(&running, by_officer("forger-1")).await, ids(&[first]), "its own is archived");
    running.stop().await;
    let (wal, mut is_on_disk) = (site.path("index.db-wal"), false);
    let mut tell = |step| {
        if matches!(step, Step::IndexDone { .. }) {
            is_on_disk = fs::metadata(&wal).map_or(0, |wal| wal.len()) == 0;
        }
    };
    let dir = to.path().join(&manifest.name);
    keep::restore(&small(&site), &keys(&bus), &dir, &[], &mut tell).await.unwrap();
    assert!(is_on_disk, "before the ledger takes nothing away again, its index is on disk");
    assert_whole(&site, 0).await;
    let running = Running::start(small(&site), &site::bus()).await;
    assert_eq!(found(&running, by_officer("forger-1")).await, Vec::<String>::new());
    let told = get(&running, first.exchange).await;
    assert_eq!((told.entries.len(), told.entries[0].signed()), (1, Signed::Yes));
    assert_eq!(told.entries[0].erasable.as_ref().unwrap(), &first.erasable);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_forgets_what_has_expired_though_nothing_that_is_online_has() {
    let (site, to, bus) = (Site::in_files(), tempfile::tempdir().unwrap(), bus());
    let running = Running::start(small(&site), &bus).await;
    let now = lgsp_core::time::unix_micros(std::time::SystemTime::now());
    let spooled = about(JUNE, 1, ANN).with(|sealed| sealed.admitted_us = JUNE - 20 * DAY);
    let today = about(JULY, 2, ANN).with(|sealed| (sealed.admitted_us, sealed.entered_us) = (now, now));
    for entered in [&spooled, &today] {
        entered.enter(&running).await;
        found(&running, AuditFilter::default()).await;
    }
    running.stop().await;
    let dir = to.path().join(&archive(&site, to.path()).await.archives[0].name);

    let data = Term { online: 3, archived: 0 };
    let short = Options { retention: Retention { data, ..Retention::default() }, ..small(&site) };
    let running = Running::start(short.clone(), &site::bus()).await;
    let before_june =
        AuditFilter { until: Some(lgsp_core::time::timestamp(JUNE - 10 * DAY)), ..AuditFilter::default() };
    assert_eq!(page(&running, before_june, 10, "").await.archived.len(), 1, "it was admitted before");
    running.until("a rule is entered", |running| running.leaves() == 3).await;
    running.stop().await;
    let erased = keep::erase(&short, &dir, &mut |_| ()).await.unwrap();
    assert_eq!((erased.erased, erased.left), (1, 0));
    assert_whole(&site, 1).await;
}

/// A decision as a ledger signs it, entered at a moment.
async fn decide(running: &Running, kind: ActKind, about: &Entered, entered_us: i64) {
    let act = Act {
        kind: kind.into(),
        exchange_ids: vec![about.sealed.exchange_id.clone()],
        disclose_after_us: JULY,
        ..Act::default()
    };
    enter_decision(running, act, entered_us).await;
    found(running, AuditFilter::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_whose_decision_is_archived_outlasts_a_store_that_was_restored_from_before() {
    let (site, to) = (Site::in_files(), tempfile::tempdir().unwrap());
    let (year, _) = stopped(&site).await;
    let before = to.path().join("erasable.db");
    let url = format!("sqlite:{}", site.path("erasable.db").display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    sqlx::query("VACUUM INTO ?").bind(before.to_str().unwrap()).execute(&pool).await.unwrap();
    pool.close().await;
    let running = Running::start(small(&site), &site::bus()).await;
    let held = &year.july[0];
    decide(&running, ActKind::Withhold, held, year.today.sealed.entered_us).await;
    decide(&running, ActKind::Hold, held, JUNE).await;
    // The last segment of a log is never archived.
    about(JULY + 9, 8, BINH).enter(&running).await;
    assert!(preview(&running, &[held]).await.erasures[0].held);
    running.stop().await;
    let archived = archive(&site, &to.path().join("archives")).await;
    let leaves: u64 = archived.archives.iter().map(Manifest::leaves).sum();
    assert_eq!(leaves, 5, "the hold, and not what was decided before it");

    for file in ["erasable.db", "erasable.db-wal", "erasable.db-shm"] {
        let _ = fs::remove_file(site.path(file));
    }
    fs::copy(&before, site.path("erasable.db")).unwrap();
    for _ in 0..2 {
        let running = Running::start(small(&site), &site::bus()).await;
        assert!(preview(&running, &[held]).await.erasures[0].held);
        running.stop().await;
    }
    // Without its key, a decision would be none.
    let without = || Keys { decisions: None, ..keys(&bus()) };
    let dir = to.path().join("archives").join(&archived.archives[0].name);
    for refused in [
        keep::compare(&small(&site), &without(), &mut |_| ()).await.map(drop),
        keep::reindex(&small(&site), &without(), &mut |_| ()).await.map(drop),
        keep::archive(&small(&site), &without(), BEFORE_JULY, to.path(), &mut |_| ()).await.map(drop),
        keep::restore(&small(&site), &without(), &dir, &[], &mut |_| ()).await.map(drop),
    ] {
        assert!(refused.unwrap_err().to_string().contains("keys.decisions"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_archiving_was_ended_before_is_done_by_no_comparing_and_despite_a_damaged_segment() {
    let (site, to) = (Site::in_files(), tempfile::tempdir().unwrap());
    let (year, _) = stopped(&site).await;
    // Written, read back, named, on the shelf.
    assert!(dies("archive", &site.path(""), to.path(), 3));
    assert!(site.segment("log", 2).exists() && fs::read_dir(site.path("archived")).unwrap().count() > 0);
    keep::compare(&small(&site), &keys(&bus()), &mut |_| ()).await.unwrap();
    assert!(site.segment("log", 2).exists(), "to compare changes nothing");
    assert_eq!(site::erasable_parts(&site).await, 7);
    let mut bytes = fs::read(site.segment("log", 2)).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(site.segment("log", 2), bytes).unwrap();
    // Stopped before the rebuilt index is in its place, the old one has nothing of what is gone.
    assert!(dies("reindex", &site.path(""), to.path(), 3));
    assert!(!site.segment("log", 2).exists());
    assert_eq!(site::erasable_parts(&site).await, 3);
    assert_whole(&site, 4).await;
    let bus = bus();
    let running = Running::start(small(&site), &bus).await;
    assert_eq!(found(&running, AuditFilter::default()).await, year.online());
    running.stop().await;
}

/// Names to a child what it does and where it is to die.
const CHILD: [&str; 4] = ["LGSP_KEEP_DOES", "LGSP_KEEP_DIR", "LGSP_KEEP_ARCHIVE", "LGSP_KEEP_STEP"];

/// Runs a child that dies after so many steps. Returns whether it died.
fn dies(does: &str, dir: &Path, archive: &Path, step: usize) -> bool {
    let values =
        [does.to_owned(), dir.display().to_string(), archive.display().to_string(), step.to_string()];
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "a_child_that_dies_at_a_step"]).envs(CHILD.into_iter().zip(values));
    let output = child.output().unwrap();
    !output.status.success()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_step_leaves_the_old_state_or_the_new_one_and_can_be_gone_on_from() {
    for does in ["archive", "restore", "reindex"] {
        let mut died = 0;
        for step in 0.. {
            let (site, to) = (Site::in_files(), tempfile::tempdir().unwrap());
            let (year, old_proof) = stopped(&site).await;
            let mut place = to.path().to_owned();
            if does == "restore" {
                place.push(&archive(&site, to.path()).await.archives[0].name);
            }
            let is_dead = dies(does, &site.path(""), &place, step);
            died += usize::from(is_dead);
            // A ledger that starts in between finds one state or the other.
            let bus = bus();
            let running = Running::start(small(&site), &bus).await;
            let there = found(&running, AuditFilter::default()).await;
            assert!(there.len() == 7 || there == year.online(), "{does} {step}: {there:?}");
            running.stop().await;
            assert_whole(&site, if there.len() == 7 { 0 } else { 4 }).await;
            match does {
                "archive" => drop(archive(&site, to.path()).await),
                "restore" if there.len() < 7 => drop(restore(&site, &place).await),
                _ => {}
            }
            let archived = if does == "archive" { 4 } else { 0 };
            assert_whole(&site, archived).await;
            let running = Running::start(small(&site), &bus).await;
            assert_eq!(found(&running, AuditFilter::default()).await.len() as u64, 7 - archived);
            running.stop().await;
            assert_proves(&old_proof);
            if !is_dead {
                break;
            }
        }
        assert!(died >= 2, "{does} died {died} times");
    }
}

/// Does nothing unless a test starts it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_dies_at_a_step() {
    let Some(does) = std::env::var_os(CHILD[0]) else { return };
    let of = |name: &str| std::env::var_os(name).unwrap();
    let (options, archive) = (small_in(Path::new(&of(CHILD[1]))), PathBuf::from(of(CHILD[2])));
    let mut left: usize = of(CHILD[3]).to_str().unwrap().parse().unwrap();
    let mut tell = move |step: Step| {
        if matches!(step, Step::Reading { .. }) {
            return;
        }
        if left == 0 {
            std::process::abort();
        }
        left -= 1;
    };
    let keys = keys(&bus());
    match does.to_str().unwrap() {
        "archive" => drop(keep::archive(&options, &keys, BEFORE_JULY, &archive, &mut tell).await.unwrap()),
        "restore" => drop(keep::restore(&options, &keys, &archive, &[], &mut tell).await.unwrap()),
        _ => drop(keep::reindex(&options, &keys, &mut tell).await.unwrap()),
    }
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir_all(&to).unwrap();
            copy_folder(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_a_running_ledger_is_a_ledger_up_to_its_head() {
    let (site, to, bus) = (Site::in_files(), tempfile::tempdir().unwrap(), bus());
    let running = Running::start(small(&site), &bus).await;
    let year = year(&running).await;
    erase(&running, &[&year.june[0]]).await.unwrap();
    let old_proof = proof(&running, &year.june[1]).await;
    running.until("all is sealed", |running| running.state.fact("sealed").get() == 8).await;
    let copy = to.path().join("ledger");
    let copied = keep::copy(&site.path(""), &copy).await.unwrap();
    assert_eq!(copied.sealed, 8);
    keep::verify_copy(&copy, &[log_key().verifier().clone()], |_, _| ()).unwrap();
    running.stop().await;
    drop(site);
    let other = lgsp_bus::Bus::open(lgsp_bus::Options::default()).unwrap();
    let running = Running::start(small_in(&copy), &other).await;
    assert_eq!(found(&running, AuditFilter::default()).await.len(), 7);
    assert!(get(&running, year.june[0].exchange).await.entries[0].erased);
    assert_proves(&old_proof);
    assert_proves(&proof(&running, &year.june[1]).await);
    running.stop().await;
}
