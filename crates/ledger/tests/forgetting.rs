//! What can be forgotten is forgotten: in every file, by rule, and with the key of a month; and all proofs still hold.

#![allow(clippy::unwrap_used)]

mod auditor;
mod site;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use auditor::*;
use lgsp_core::Reason;
use lgsp_core::time::{month, unix_micros};
use lgsp_ledger::{Options, Retention, Term};
use lgsp_proto::ledger::v1::{
    Act, ActKind, AuditFilter, DestroySubjectKeyRequest, DestroySubjectKeyResponse, GetExchangeRequest,
    GetExchangeResponse, Mark, Phase, RetentionClass, Sealed,
};
use prost::Message;
use site::{PATIENCE, Running, Site, bus, log_key};
use tokio::time::Instant;

const DOSSIER: &str = "H13.05-260601-0417";

fn now() -> i64 {
    unix_micros(SystemTime::now())
}

/// All files of a folder and below, with what is in them.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if let Ok(bytes) = fs::read(&path) {
            // One that is gone meanwhile is empty.
            files.push((path, bytes));
        }
    }
    files
}

/// So much of the end of a value is looked for.
const TELLING: usize = 12;

/// The files in which any of these stand.
fn holding(site: &Site, values: &[Vec<u8>]) -> Vec<PathBuf> {
    let ends: HashSet<&[u8]> =
        values.iter().map(|value| &value[value.len().saturating_sub(TELLING)..]).collect();
    let holds = |bytes: &[u8]| {
        ends.iter().any(|end| end.len() < TELLING && bytes.windows(end.len()).any(|window| window == *end))
            || bytes.windows(TELLING).any(|window| ends.contains(window))
    };
    let files = files(&site.path("")).into_iter();
    files.filter(|(_, bytes)| holds(bytes)).map(|(path, _)| path).collect()
}

/// What must not be left of an exchange.
fn secrets(entered: &Entered) -> Vec<Vec<u8>> {
    let erasable = &entered.erasable;
    let salted = [&erasable.officer, &erasable.dossier].into_iter().flatten();
    let texts = salted.flat_map(|salted| [salted.value.as_bytes().to_vec(), salted.salt.to_vec()]);
    texts.chain(erasable.subjects.iter().map(|subject| subject.hash.to_vec())).collect()
}

/// The rule that a month breaks.
fn rule(refused: Result<DestroySubjectKeyResponse, tonic::Status>) -> String {
    let fault = reason(refused);
    assert_eq!((fault.reason(), fault.violations().len()), (Reason::NotFound, 1));
    fault.violations()[0].rule.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_erased_stands_in_no_file_any_more() {
    let (site, bus) = (Site::in_files(), bus());
    let options =
        Options { journal_for: Duration::from_millis(200), journal_size: 64 << 10, ..site.options() };
    let running = Running::start(options, &bus).await;
    let kept = Entered::at(JUNE).officer("officer-kept").dossier(DOSSIER).asked(BINH);
    let mut gone = Vec::new();
    for number in 0..40 {
        let entered = Entered::at(JUNE + number)
            .officer(&format!("officer-gone-{number:02}"))
            .dossier(&format!("H13.05-260601-1{number:03}"))
            .asked(ANN);
        entered.enter(&running).await;
        gone.push(entered);
        if number == 20 {
            kept.enter(&running).await;
        }
    }
    let secrets_of_gone: Vec<Vec<u8>> = gone.iter().flat_map(secrets).collect();
    assert_eq!(found(&running, of(ANN)).await.len(), 40);
    assert!(!holding(&site, &secrets_of_gone).is_empty(), "they are there until they are erased");
    erase(&running, &gone.iter().collect::<Vec<_>>()).await.unwrap();
    assert_eq!(found(&running, of(ANN)).await, Vec::<String>::new());

    // The journal's segment goes by its own time, and the write-ahead logs are emptied behind the decision.
    let begun = Instant::now();
    loop {
        let left = holding(&site, &secrets_of_gone);
        if left.is_empty() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "still in {left:?}");
        tokio::task::yield_now().await;
    }
    assert!(!holding(&site, &secrets(&kept)).is_empty(), "what is not erased is there");
    assert_eq!(found(&running, of(BINH)).await, ids(&[&kept]));
    running.stop().await;
    assert_eq!(holding(&site, &secrets_of_gone), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_index_tells_nobody_who_has_it_alone_which_officer_asked() {
    let (site, bus) = (Site::in_files(), bus());
    let running = site.start(&bus).await;
    let entered = Entered::at(JUNE).officer("officer-17").dossier(DOSSIER);
    entered.enter(&running).await;
    let by_officer = AuditFilter { officer: "officer-17".into(), ..AuditFilter::default() };
    assert_eq!(found(&running, by_officer.clone()).await, ids(&[&entered]));
    running.stop().await;
    let guessed: Vec<Vec<u8>> = ["officer-17", DOSSIER]
        .iter()
        .map(|text| lgsp_core::entry::sha256(text.as_bytes())[..16].to_vec())
        .collect();
    assert_eq!(holding(&site, &guessed), Vec::<PathBuf>::new());

    // With the store of erasable parts goes the key, and the index is built again under another one.
    for file in ["erasable.db", "erasable.db-wal", "erasable.db-shm"] {
        let _ = fs::remove_file(site.path(file));
    }
    let running = site.start(&bus).await;
    assert_eq!(found(&running, by_officer).await, Vec::<String>::new(), "its part is lost");
    assert_eq!(found(&running, AuditFilter::default()).await, ids(&[&entered]));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_is_told_what_there_is_to_erase_and_what_is_held() {
    let (site, bus) = (Site::in_files(), bus());
    let running = site.start(&bus).await;
    let [two, held, none] = [(); 3].map(|()| Entered::at(JUNE));
    let two = two.officer("officer-17");
    two.also(Phase::Opening, 0).officer("officer-17").enter(&running).await;
    let held = held.officer("officer-18");
    for entered in [&two, &held, &none] {
        entered.enter(&running).await;
    }
    mark(&running, Mark::Hold, &[&held], None).await.unwrap();
    let leaves = running.leaves();
    let unknown = Entered::at(JUNE);
    let told = preview(&running, &[&two, &held, &none, &unknown]).await;
    let erasure = |of: &Entered| {
        let of = of.exchange.to_string();
        told.erasures.iter().find(|erasure| erasure.exchange_id == of).map(|told| (told.parts, told.held))
    };
    assert_eq!(erasure(&two), Some((2, false)));
    assert_eq!(erasure(&held), Some((1, true)));
    // An entry without anything to erase has an empty part all the same.
    assert_eq!(erasure(&none).map(|(_, held)| held), Some(false));
    assert_eq!((erasure(&unknown), told.unknown.clone()), (None, ids(&[&unknown])));
    assert_eq!((running.leaves(), told.act_id.as_str()), (leaves, ""), "nothing is decided");

    let erased = erase(&running, &[&two]).await.unwrap();
    assert_eq!(erased.erasures.iter().map(|erasure| erasure.parts).collect::<Vec<_>>(), [2]);
    assert_eq!(preview(&running, &[&two]).await.erasures[0].parts, 0);
    running.stop().await;
}

fn assert_sealed(site: &Site) {
    let keys = [log_key().verifier().clone()];
    let checked = lgsp_ledger::check(&site.path(""), &keys, |_, _| ()).unwrap();
    assert!(checked.problems.is_empty(), "{:?}", checked.problems);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_whose_key_is_destroyed_is_found_by_nobody_and_all_proofs_hold() {
    let (site, bus) = (Site::in_files(), bus());
    let running = site.start(&bus).await;
    let (june, july) = (Entered::at(JUNE).asked(ANN), Entered::at(JULY).asked(ANN));
    let from_gateway = |entered: &Entered, sequence| {
        entered.clone().with(|sealed| {
            sealed.gateway = format!("gateway-{}", month(sealed.admitted_us));
            sealed.sequence = sequence;
        })
    };
    let (june, july) = (from_gateway(&june, 1), from_gateway(&july, 1));
    for entered in [&june, &july] {
        entered.enter(&running).await;
    }
    assert_eq!(found(&running, of(ANN)).await, ids(&[&july, &june]));
    let before = fs::read(site.path("erasable.db")).unwrap();

    let leaves = running.leaves();
    for other in [&*month(now()), "2099-01", "2026-13", "2026-6", "June"] {
        violated(destroy(&running, other).await, "month");
    }
    assert_eq!(rule(destroy(&running, "2026-05").await), "has no key here: there is none to destroy");
    let bare = DestroySubjectKeyRequest {
        month: "2026-06".to_owned(),
        legal_basis: "Luật 91/2025/QH15".to_owned(),
        reason: String::new(),
        ..Default::default()
    };
    violated(audit(&running).destroy_subject_key(by_auditor(bare)).await, "reason");
    assert_eq!(running.leaves(), leaves, "nothing was decided");

    let preview = DestroySubjectKeyRequest {
        month: "2026-06".to_owned(),
        legal_basis: "Luật 91/2025/QH15".to_owned(),
        reason: "hết thời hạn tra cứu".to_owned(),
        preview: true,
    };
    let asked =
        |month: &str| by_auditor(DestroySubjectKeyRequest { month: month.to_owned(), ..preview.clone() });
    let shown = audit(&running).destroy_subject_key(asked("2026-06")).await.unwrap().into_inner();
    assert_eq!((shown.gateways.len(), shown.act_id.as_str()), (2, ""));
    let none = audit(&running).destroy_subject_key(asked("2026-05")).await.map(tonic::Response::into_inner);
    assert_eq!(rule(none), "has no key here: there is none to destroy", "as of the decision");
    assert_eq!(running.leaves(), leaves, "a preview decides nothing");
    let destroyed = destroy(&running, "2026-06").await.unwrap();
    assert_eq!(destroyed.gateways, ["gateway-2026-07", "gateway-2026-06"]);
    assert!(running.ledger.destroyed_subject_keys().borrow().contains("2026-06"));
    let assert_unlinked = async |running: &Running| {
        let told = page(running, of(ANN), 10, "").await;
        let found: Vec<String> = told.exchanges.into_iter().map(|it| it.exchange_id).collect();
        assert_eq!(found, ids(&[&july]), "though the key is given to the ledger again and again");
        assert!(told.unlinked_months.contains(&"2026-06".to_owned()));
    };
    assert_unlinked(&running).await;
    assert!(rule(destroy(&running, "2026-06").await).starts_with("has no key any more: "));
    let shown = audit(&running).destroy_subject_key(asked("2026-06")).await.unwrap().into_inner();
    assert_eq!(
        (shown.act_id, shown.leaf, shown.entered),
        (destroyed.act_id.clone(), destroyed.leaf, destroyed.entered),
        "a preview tells which decision it was"
    );
    let act = get(&running, lgsp_core::ExchangeId::parse(&destroyed.act_id).unwrap()).await.entries.remove(0);
    let act = Sealed::decode(act.sealed).unwrap().act.unwrap();
    assert_eq!(
        (act.kind(), act.month.as_str(), act.by.as_str()),
        (ActKind::DestroyKey, "2026-06", "giam.sat")
    );
    assert!(act.legal_basis.contains("91/2025") && !act.reason.is_empty() && !act.asked_in.is_empty());
    let request = GetExchangeRequest {
        exchange_id: june.exchange.to_string(),
        prove: true,
        ..GetExchangeRequest::default()
    };
    let proven = audit(&running).get_exchange(by_auditor(request)).await.unwrap().into_inner();
    assert!(proven.entries[0].proof.starts_with("c2sp.org/tlog-proof"), "{}", proven.entries[0].proof);
    running.stop().await;
    assert_sealed(&site);

    // A store from before learns of it from the log.
    for file in ["erasable.db-wal", "erasable.db-shm"] {
        let _ = fs::remove_file(site.path(file));
    }
    for restored in [false, true] {
        if restored {
            fs::write(site.path("erasable.db"), &before).unwrap();
        }
        let running = site.start(&bus).await;
        assert_unlinked(&running).await;
        running.stop().await;
    }
}

/// What three months online and none in the archive leave.
fn short(site: &Site) -> Options {
    let retention =
        Retention { data: Term { online: 3, archived: 0 }, platform: Term { online: 24, archived: 60 } };
    Options { retention, ..site.options() }
}

/// One that tells the ledger how late it is.
fn newest() -> Entered {
    Entered::at(now()).officer("officer-new").with(|sealed| {
        sealed.gateway = "gateway-1".to_owned();
        sealed.sequence = 1;
    })
}

async fn is_erased(running: &Running, entered: &Entered) -> bool {
    get(running, entered.exchange).await.entries[0].erased
}

async fn until_erased(running: &Running, entered: &Entered) {
    let begun = Instant::now();
    while !is_erased(running, entered).await {
        assert!(begun.elapsed() < PATIENCE, "it never expires");
        tokio::task::yield_now().await;
    }
}

/// The rules that were entered, from the log itself.
async fn rules(running: &Running, site: &Site) -> Vec<Act> {
    let pool =
        sqlx::SqlitePool::connect(&format!("sqlite:{}", site.path("index.db").display())).await.unwrap();
    let acts: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT exchange_id FROM entry WHERE phase = 6 ORDER BY leaf")
            .fetch_all(&pool)
            .await
            .unwrap();
    pool.close().await;
    let mut rules = Vec::new();
    for id in acts {
        let told = get(running, lgsp_core::ExchangeId::from_bytes(&id).unwrap()).await;
        let act = Sealed::decode(told.entries[0].sealed.clone()).unwrap().act.unwrap();
        rules.extend((act.kind() == ActKind::Expire).then_some(act));
    }
    rules
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_older_than_its_class_is_kept_expires_by_an_entry_and_what_is_held_does_not() {
    let (site, bus) = (Site::in_files(), bus());
    let old = || Entered::at(now() - 200 * DAY).officer("officer-17").dossier(DOSSIER);
    let (gone, held) = (old(), old());
    let of_platform = old().with(|sealed| sealed.platform = true);
    let fresh = newest();
    let leaf = gone.entry();
    let running = site.start(&bus).await;
    put(&running, gone.exchange, leaf.clone()).await;
    for entered in [&held, &of_platform, &fresh] {
        entered.enter(&running).await;
    }
    mark(&running, Mark::Hold, &[&held], None).await.unwrap();
    assert!(!is_erased(&running, &gone).await, "by default it is kept for seven years");
    running.stop().await;

    let running = Running::start(short(&site), &bus).await;
    until_erased(&running, &gone).await;
    for kept in [&held, &of_platform, &fresh] {
        assert!(!is_erased(&running, kept).await);
    }
    assert_eq!(&get(&running, gone.exchange).await.entries[0].sealed, &leaf.sealed, "the leaf stays");
    let by_officer = AuditFilter { officer: "officer-17".into(), ..AuditFilter::default() };
    assert_eq!(found(&running, by_officer.clone()).await, ids(&[&held]));
    let entered = rules(&running, &site).await;
    let [rule] = &entered[..] else { panic!("one rule: {entered:?}") };
    let acts = |told: GetExchangeResponse| -> Vec<Act> {
        told.decisions.into_iter().map(|it| Sealed::decode(it.sealed).unwrap().act.unwrap()).collect()
    };
    assert_eq!(&acts(get(&running, gone.exchange).await), std::slice::from_ref(rule), "by which it expired");
    for kept in [&of_platform, &fresh] {
        assert_eq!(acts(get(&running, kept.exchange).await), [], "it has not expired");
    }
    assert_eq!((rule.by.as_str(), rule.retention_class()), ("retention", RetentionClass::Data));
    assert_eq!(rule.legal_basis, "ledger.retention.data: 3 months online, 0 archived");
    assert!(rule.before_us > gone.sealed.admitted_us && rule.before_us < now() - 80 * DAY);
    mark(&running, Mark::Release, &[&held], None).await.unwrap();
    running.stop().await;
    assert_sealed(&site);

    // At the next run what was let go expires by the same rule.
    let running = Running::start(short(&site), &bus).await;
    until_erased(&running, &held).await;
    assert_eq!(found(&running, by_officer).await, Vec::<String>::new());
    assert_eq!(rules(&running, &site).await.len(), 1, "no second rule of the same day");
    assert!(!is_erased(&running, &of_platform).await && !is_erased(&running, &fresh).await);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_expires_by_a_clock_that_is_ahead_of_all_entries() {
    let (site, bus) = (Site::in_files(), bus());
    // Everything is as old as this: the newest entry is from then.
    let then = now() - 400 * DAY;
    let entered = Entered::at(then).officer("officer-17").with(|sealed| {
        sealed.gateway = "gateway-1".to_owned();
        sealed.sequence = 1;
    });
    let running = site.start(&bus).await;
    entered.enter(&running).await;
    running.stop().await;
    let running = Running::start(short(&site), &bus).await;
    // Something of a later day is what ends the wait below.
    running.until("it has been asked", |running| running.cause("retention").is_empty()).await;
    assert!(!is_erased(&running, &entered).await);
    let later = newest();
    later.enter(&running).await;
    found(&running, AuditFilter::default()).await;
    running.stop().await;
    let running = Running::start(short(&site), &bus).await;
    until_erased(&running, &entered).await;
    assert_eq!(rules(&running, &site).await.len(), 1, "none before");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_expired_is_found_by_no_index_and_in_no_store_from_before() {
    let (site, bus) = (Site::in_files(), bus());
    let gone = Entered::at(now() - 200 * DAY).officer("officer-17").dossier(DOSSIER);
    let running = site.start(&bus).await;
    gone.enter(&running).await;
    newest().enter(&running).await;
    found(&running, AuditFilter::default()).await;
    running.stop().await;
    let stores = ["erasable.db", "index.db"].map(|file| (file, fs::read(site.path(file)).unwrap()));
    let running = Running::start(short(&site), &bus).await;
    until_erased(&running, &gone).await;
    running.stop().await;
    for restored in [&stores[..1], &stores[..], &stores[1..]] {
        for (file, bytes) in restored {
            for extension in ["-wal", "-shm"] {
                let _ = fs::remove_file(site.path(&format!("{file}{extension}")));
            }
            fs::write(site.path(file), bytes).unwrap();
        }
        // Under the long terms: it is the decision that erases again, and no new one.
        let running = site.start(&bus).await;
        until_erased(&running, &gone).await;
        let by_officer = AuditFilter { officer: "officer-17".into(), ..AuditFilter::default() };
        assert_eq!(found(&running, by_officer).await, Vec::<String>::new());
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_outlive_the_index_and_the_store_of_erasable_parts() {
    let (site, bus) = (Site::in_files(), bus());
    let running = site.start(&bus).await;
    let [held, withheld] = [(); 2].map(|()| Entered::at(JUNE).officer("officer-17"));
    for entered in [&held, &withheld] {
        entered.enter(&running).await;
    }
    let until = now() + DAY;
    mark(&running, Mark::Hold, &[&held], None).await.unwrap();
    mark(&running, Mark::Withhold, &[&withheld], Some(until)).await.unwrap();
    running.stop().await;
    for lost in [&["index.db"][..], &["erasable.db"], &["index.db", "erasable.db"]] {
        for file in lost {
            for extension in ["", "-wal", "-shm"] {
                let _ = fs::remove_file(site.path(&format!("{file}{extension}")));
            }
        }
        let running = site.start(&bus).await;
        assert_eq!(reason(erase(&running, &[&held]).await).reason(), Reason::Held, "without {lost:?}");
        running.stop().await;
        let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}", site.path("erasable.db").display()))
            .await
            .unwrap();
        let marks: Vec<(Vec<u8>, i32, i64)> =
            sqlx::query_as("SELECT exchange_id, kind, until_us FROM mark ORDER BY kind")
                .fetch_all(&pool)
                .await
                .unwrap();
        pool.close().await;
        let id = |entered: &Entered| entered.exchange.as_bytes().to_vec();
        assert_eq!(marks, [(id(&held), 2, 0), (id(&withheld), 3, until)], "without {lost:?}");
    }
}
