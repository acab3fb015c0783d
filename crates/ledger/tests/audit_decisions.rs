//! What auditors and operators decide about the log: each decision is an entry, and holds over restarts, repeats and restored stores.

#![allow(clippy::unwrap_used)]

mod auditor;
mod site;

use std::collections::BTreeMap;
use std::fs;
use std::time::SystemTime;

use auditor::*;
use lgsp_bus::MacKey;
use lgsp_core::entry::SCHEMA;
use lgsp_core::time::unix_micros;
use lgsp_core::{ExchangeId, Reason};
use lgsp_proto::ledger::v1::{
    Act, ActKind, AuditFilter, Disclosure, Entry, EraseExchangesRequest, ExportExchangesRequest,
    ExportedExchange, Mark, MarkExchangesRequest, Phase, ReportSubjectRequest, Sealed,
};
use prost::Message;
use site::{PATIENCE, Running, Site, bus};
use sqlx::{Row, SqlitePool};
use tokio::time::Instant;

const DOSSIER: &str = "H13.05-260601-0001";

fn about_ann() -> Entered {
    Entered::at(JUNE).officer("officer-17").dossier(DOSSIER).asked(ANN)
}

fn by_everything() -> [AuditFilter; 3] {
    let default = AuditFilter::default;
    [
        of(ANN),
        AuditFilter { officer: "officer-17".into(), ..default() },
        AuditFilter { dossier: DOSSIER.into(), ..default() },
    ]
}

/// What is erased of an exchange, and whether its leaf is what it was.
async fn assert_erased(running: &Running, erased: &Entered, leaf: &[u8]) {
    for filter in by_everything() {
        assert!(!found(running, filter.clone()).await.contains(&erased.exchange.to_string()), "{filter:?}");
    }
    let told = &get(running, erased.exchange).await.entries[0];
    assert_eq!((told.erased, &told.erasable, &*told.sealed), (true, &None, leaf));
}

fn decided(entry: &lgsp_proto::ledger::v1::AuditedEntry) -> Act {
    Sealed::decode(entry.sealed.clone()).unwrap().act.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_erased_is_found_by_nothing_and_its_leaf_stays() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let (gone, kept) = (about_ann(), about_ann());
    let leaf = gone.entry();
    for (entered, entry) in [(&gone, leaf.clone()), (&kept, kept.entry())] {
        put(&running, entered.exchange, entry).await;
    }
    assert_eq!(found(&running, of(ANN)).await.len(), 2);
    let decision = erase(&running, &[&gone]).await.unwrap();
    assert_eq!((decision.leaf, decision.unknown.len()), (2, 0));
    assert_erased(&running, &gone, &leaf.sealed).await;
    for filter in by_everything() {
        assert_eq!(found(&running, filter).await, ids(&[&kept]));
    }
    assert_eq!(
        found(&running, AuditFilter::default()).await.len(),
        2,
        "the exchange itself is not forgotten"
    );
    let exported = {
        let request = ExportExchangesRequest { filter: Some(AuditFilter::default()), ..Default::default() };
        all(audit(&running).export_exchanges(by_auditor(request)).await.unwrap().into_inner()).await
    };
    let values = |exported: &ExportedExchange| (exported.officer.clone(), exported.erased);
    assert_eq!(
        exported.iter().map(values).collect::<Vec<_>>(),
        [(String::new(), true), ("officer-17".to_owned(), false)]
    );

    let told = get(&running, gone.exchange).await;
    let [act] = &told.decisions[..] else { panic!("one decision") };
    assert_eq!(act.leaf, decision.leaf);
    let act = decided(act);
    assert_eq!((act.kind(), act.by.as_str()), (ActKind::Erase, "giam.sat"));
    assert!(act.legal_basis.contains("91/2025"));
    let mut call = Entered::at(JULY);
    call.exchange = ExchangeId::from_bytes(&act.asked_in).unwrap();
    call.sealed.exchange_id = act.asked_in;
    call.enter(&running).await;
    let by_the_call = get(&running, call.exchange).await.decisions;
    assert_eq!(by_the_call.iter().map(|act| act.leaf).collect::<Vec<_>>(), [decision.leaf]);
    assert_eq!(get(&running, ExchangeId::parse(&decision.act_id).unwrap()).await.entries.len(), 1);

    // Neither a repeat of the entry nor a later one brings anything back.
    put(&running, gone.exchange, leaf.clone()).await;
    gone.also(Phase::Part, 1).officer("officer-17").told(ANN).enter(&running).await;
    assert_erased(&running, &gone, &leaf.sealed).await;
    erase(&running, &[&gone, &kept]).await.unwrap();
    assert_eq!(found(&running, of(ANN)).await, Vec::<String>::new());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_is_not_erased_until_it_is_let_go() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let (held, free) = (about_ann(), about_ann());
    for entered in [&held, &free] {
        entered.enter(&running).await;
    }
    mark(&running, Mark::Hold, &[&held], None).await.unwrap();
    assert_eq!(reason(erase(&running, &[&free, &held]).await).reason(), Reason::Held);
    assert_eq!(found(&running, of(ANN)).await.len(), 2, "none of them is erased");

    // Whoever gets a signed erasure past the service erases nothing that is held.
    let forced = act_of(ActKind::Erase, &[&free, &held]);
    let id = ExchangeId::from_bytes(&Sealed::decode(forced.sealed.clone()).unwrap().exchange_id).unwrap();
    put(&running, id, forced).await;
    assert_eq!(found(&running, of(ANN)).await, ids(&[&held]));

    mark(&running, Mark::Release, &[&held], None).await.unwrap();
    let leaf = held.entry();
    erase(&running, &[&held]).await.unwrap();
    assert_eq!(found(&running, of(ANN)).await, Vec::<String>::new());
    assert_eq!(get(&running, held.exchange).await.entries[0].sealed.len(), leaf.sealed.len());
    let kinds: Vec<ActKind> =
        get(&running, held.exchange).await.decisions.iter().map(|act| decided(act).kind()).collect();
    assert_eq!(kinds, [ActKind::Hold, ActKind::Erase, ActKind::Release, ActKind::Erase]);
    running.stop().await;
}

/// A decision as a ledger signs it.
fn act_of(kind: ActKind, about: &[&Entered]) -> Entry {
    let bare = bare_act_of(kind, about);
    Entry {
        sealed: lgsp_bus::entry::sign_decision(&MacKey::new(site::DECISIONS_KEY), &bare.sealed).into(),
        erasable: None,
    }
}

fn bare_act_of(kind: ActKind, about: &[&Entered]) -> Entry {
    let now = unix_micros(SystemTime::now());
    let act = Act {
        kind: kind.into(),
        exchange_ids: about.iter().map(|entered| entered.sealed.exchange_id.clone()).collect(),
        ..Act::default()
    };
    let sealed = Sealed {
        schema: SCHEMA,
        exchange_id: ExchangeId::new().as_bytes().to_vec().into(),
        phase: Phase::Act.into(),
        admitted_us: now,
        entered_us: now,
        act: Some(act),
        ..Sealed::default()
    };
    Entry { sealed: sealed.encode_to_vec().into(), erasable: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_ledger_signed_decides_nothing() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let entered = about_ann();
    entered.enter(&running).await;
    let bare = || bare_act_of(ActKind::Erase, &[&entered]).sealed;
    let other = lgsp_bus::entry::sign_decision(&MacKey::new([0; 32]), &bare());
    // All that a gateway holds.
    let gateways = MacKey::new(site::MAC_KEY);
    let as_entry = lgsp_bus::entry::sign(&gateways, &bare());
    let as_decision = lgsp_bus::entry::sign_decision(&gateways, &bare());
    let as_entry_of_ledgers = lgsp_bus::entry::sign(&MacKey::new(site::DECISIONS_KEY), &bare());
    for forged in [
        bare_act_of(ActKind::Erase, &[&entered]),
        bare_act_of(ActKind::Hold, &[&entered]),
        Entry { sealed: other.into(), erasable: None },
        Entry { sealed: as_entry.into(), erasable: None },
        Entry { sealed: as_decision.into(), erasable: None },
        Entry { sealed: as_entry_of_ledgers.into(), erasable: None },
    ] {
        let id = ExchangeId::from_bytes(&Sealed::decode(forged.sealed.clone()).unwrap().exchange_id).unwrap();
        put(&running, id, forged).await;
    }
    assert_eq!(found(&running, of(ANN)).await, ids(&[&entered]));
    assert_eq!(get(&running, entered.exchange).await.decisions, []);
    running.stop().await;
    let running = site.start(&bus).await;
    assert_eq!(found(&running, of(ANN)).await, ids(&[&entered]));
    erase(&running, &[&entered]).await.expect("it is not held");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_that_is_durable_is_carried_out_by_whoever_comes_after_a_kill() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let entered = about_ann();
    let leaf = entered.entry();
    put(&running, entered.exchange, leaf.clone()).await;
    let act = act_of(ActKind::Erase, &[&entered]);
    let id = ExchangeId::from_bytes(&Sealed::decode(act.sealed.clone()).unwrap().exchange_id).unwrap();
    put(&running, id, act).await;
    running.kill();
    let running = site.start(&bus).await;
    running.until("it is filed", |running| running.leaves() == 2).await;
    assert_erased(&running, &entered, &leaf.sealed).await;
    running.stop().await;
}

async fn report(running: &Running, include_withheld: bool) -> Vec<Disclosure> {
    let request = ReportSubjectRequest { subject: person(ANN), include_withheld, ..Default::default() };
    let report = all(audit(running).report_subject(by_auditor(request)).await.unwrap().into_inner()).await;
    report.into_iter().filter(|told| told.exchange.is_some()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_withheld_is_reported_only_from_its_moment_on() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let (investigated, plain) = (about_ann(), Entered::at(JULY).told(ANN));
    for entered in [&investigated, &plain] {
        entered.enter(&running).await;
    }
    let now = unix_micros(SystemTime::now());
    mark(&running, Mark::Withhold, &[&investigated], Some(now + DAY)).await.unwrap();
    let exchange = |told: &Disclosure| told.exchange.clone().unwrap().exchange_id;
    assert_eq!(report(&running, false).await.iter().map(exchange).collect::<Vec<_>>(), ids(&[&plain]));
    let all = report(&running, true).await;
    assert_eq!(all.iter().map(exchange).collect::<Vec<_>>(), ids(&[&investigated, &plain]));
    assert_eq!(all[0].disclose_after, Some(lgsp_core::time::timestamp(now + DAY)));
    assert_eq!(all[1].disclose_after, None);

    // The moment is brought forward, and comes.
    mark(&running, Mark::Withhold, &[&investigated], Some(now + 2_000_000)).await.unwrap();
    running.until("its moment has come", |_| unix_micros(SystemTime::now()) > now + 2_000_000).await;
    assert_eq!(report(&running, false).await.len(), 2);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_without_its_basis_or_about_nothing_is_refused_and_unknown_exchanges_are_told() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let (entered, unknown) = (about_ann(), about_ann());
    entered.enter(&running).await;
    let decision = erase(&running, &[&unknown, &entered]).await.unwrap();
    assert_eq!(decision.unknown, ids(&[&unknown]));
    assert_eq!(reason(erase(&running, &[&unknown]).await).reason(), Reason::NotFound);

    let basis = |legal_basis: &str| {
        let (exchange_ids, legal_basis) = (ids(&[&entered]), legal_basis.to_owned());
        let request = EraseExchangesRequest { exchange_ids, legal_basis, preview: false };
        let mut client = audit(&running);
        async move { client.erase_exchanges(by_auditor(request)).await }
    };
    violated(basis("   ").await, "legal_basis");
    violated(basis(&format!("asked for by {ANN}")).await, "legal_basis");
    let request =
        EraseExchangesRequest { legal_basis: "Luật 91/2025/QH15".to_owned(), ..Default::default() };
    violated(audit(&running).erase_exchanges(by_auditor(request)).await, "exchange_ids");
    violated(mark(&running, Mark::Unspecified, &[&entered], None).await, "mark");
    violated(mark(&running, Mark::Withhold, &[&entered], None).await, "disclose_after");
    violated(mark(&running, Mark::Withhold, &[&entered], Some(JUNE)).await, "disclose_after");
    violated(mark(&running, Mark::Hold, &[&entered], Some(JUNE)).await, "disclose_after");
    let request = MarkExchangesRequest { mark: Mark::Hold.into(), ..Default::default() };
    violated(audit(&running).mark_exchanges(by_auditor(request)).await, "legal_basis");
    let leaves = running.leaves();
    assert_eq!(leaves, 2, "an entry, and the one decision");
    running.stop().await;
}

/// All rows of the tables that follow from the log and the erasable parts.
async fn tables(site: &Site) -> BTreeMap<&'static str, Vec<String>> {
    let pool = SqlitePool::connect(&format!("sqlite:{}", site.path("index.db").display())).await.unwrap();
    let mut tables = BTreeMap::new();
    for (table, order) in [
        ("entry", "leaf"),
        ("sought", "kind, value, admitted_us, exchange_id, leaf"),
        ("gateway", "instance"),
        ("usage", "day, agreement, gateway"),
    ] {
        let columns = sqlx::query("SELECT name FROM pragma_table_info(?)").bind(table);
        let columns: Vec<String> =
            columns.fetch_all(&pool).await.unwrap().iter().map(|row| row.get("name")).collect();
        let quoted: Vec<String> = columns.iter().map(|column| format!("quote({column})")).collect();
        let sql = format!("SELECT {} AS row FROM {table} ORDER BY {order}", quoted.join(" || ' ' || "));
        let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&pool).await.unwrap();
        tables.insert(table, rows);
    }
    pool.close().await;
    tables
}

/// Waits until nobody has the stores open: all that was written is in their files then.
async fn closed(site: &Site) {
    let begun = Instant::now();
    for file in ["index.db", "erasable.db"] {
        let log = site.path(&format!("{file}-wal"));
        while log.exists() {
            assert!(begun.elapsed() < PATIENCE, "{file} is still open");
            // Of two that close a store at once neither is the last; this one is, once they have.
            let pool = SqlitePool::connect(&format!("sqlite:{}", site.path(file).display())).await.unwrap();
            sqlx::query("SELECT count(*) FROM lgsp_migration").execute(&pool).await.unwrap();
            pool.close().await;
        }
    }
}

fn remove_index(site: &Site) {
    for file in ["index.db", "index.db-wal", "index.db-shm"] {
        let _ = fs::remove_file(site.path(file));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuilt_index_is_the_one_that_grew() {
    let (site, bus) = (Site::in_files(), bus());
    let running = site.start(&bus).await;
    let now = unix_micros(SystemTime::now());
    let numbered = |entered: Entered, sequence| {
        entered.with(|sealed| {
            sealed.gateway = "gateway-1".to_owned();
            sealed.sequence = sequence;
            sealed.sent_us = sealed.admitted_us + 1;
        })
    };
    let (gone, held) = (numbered(about_ann(), 1), numbered(about_ann(), 2));
    for entered in [&gone, &held, &numbered(Entered::at(now).officer("officer-18"), 4)] {
        entered.enter(&running).await;
    }
    let stream = Entered::at(JULY).officer("officer-17");
    stream.also(Phase::Opening, 0).officer("officer-17").enter(&running).await;
    stream.also(Phase::Part, 1).told(BINH).enter(&running).await;
    let abandoned = stream.also(Phase::Abandoned, 0).with(|sealed| sealed.admitted_us -= 417);
    abandoned.officer("officer-17").enter(&running).await;
    let late = Entered::at(JULY + 1);
    late.also(Phase::Abandoned, 0).with(|sealed| sealed.admitted_us -= 417).enter(&running).await;
    late.also(Phase::Opening, 0).officer("officer-17").told(ANN).enter(&running).await;
    mark(&running, Mark::Hold, &[&held], None).await.unwrap();
    erase(&running, &[&gone]).await.unwrap();
    stream.enter(&running).await;
    gone.enter(&running).await;
    gone.also(Phase::Part, 1).told(BINH).enter(&running).await;
    assert_eq!(found(&running, of(ANN)).await.len(), 2, "the held one, and the late one");
    running.stop().await;
    let grown = tables(&site).await;
    assert!(grown.values().all(|rows| !rows.is_empty()), "{grown:?}");

    closed(&site).await;
    remove_index(&site);
    let running = site.start(&bus).await;
    assert_eq!(found(&running, of(ANN)).await.len(), 2);
    running.stop().await;
    let rebuilt = tables(&site).await;
    for (table, rows) in grown {
        assert_eq!(rebuilt[table], rows, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_erasable_parts_from_before_forgets_again() {
    let (site, bus) = (Site::in_files(), bus());
    let running = site.start(&bus).await;
    let (gone, held) = (about_ann(), about_ann());
    let leaf = gone.entry();
    put(&running, gone.exchange, leaf.clone()).await;
    held.enter(&running).await;
    found(&running, of(ANN)).await;
    running.stop().await;
    closed(&site).await;
    let before = [
        ("erasable.db", fs::read(site.path("erasable.db")).unwrap()),
        ("index.db", fs::read(site.path("index.db")).unwrap()),
    ];

    let running = site.start(&bus).await;
    erase(&running, &[&gone]).await.unwrap();
    mark(&running, Mark::Hold, &[&held], None).await.unwrap();
    running.stop().await;
    let put_back = |files: &[(&str, Vec<u8>)]| {
        for (file, bytes) in files {
            for extension in ["-wal", "-shm"] {
                let _ = fs::remove_file(site.path(&format!("{file}{extension}")));
            }
            fs::write(site.path(file), bytes).unwrap();
        }
    };
    // The erasable parts, both, and the index alone.
    for files in [&before[..1], &before[..], &before[1..]] {
        closed(&site).await;
        put_back(files);
        let running = site.start(&bus).await;
        assert_erased(&running, &gone, &leaf.sealed).await;
        assert_eq!(found(&running, of(ANN)).await, ids(&[&held]));
        assert_eq!(reason(erase(&running, &[&held]).await).reason(), Reason::Held);
        running.stop().await;
        let erased = gone.exchange.as_bytes();
        let pool = SqlitePool::connect(&format!("sqlite:{}", site.path("index.db").display())).await.unwrap();
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM sought WHERE kind <> 5 AND exchange_id = ?")
            .bind(erased.as_slice())
            .fetch_one(&pool)
            .await
            .unwrap();
        pool.close().await;
        assert_eq!(left, 0, "nothing is left of what it was found by");
    }
}

/// The key file of ledgers: the key that signs, and those that did before.
fn decisions_key(keys: &[[u8; 32]]) -> Option<MacKey> {
    let lines: Vec<String> = keys.iter().map(hex::encode).collect();
    MacKey::from_hex_with_former(&lines.join("\n")).ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_former_key_has_decided_is_carried_out_anew_over_stores_from_before() {
    let (site, bus) = (Site::in_files(), bus());
    let under = async |keys: &[[u8; 32]]| {
        let keys = lgsp_ledger::Keys { decisions: decisions_key(keys), ..site::keys(&bus) };
        Running::start_keyed(site.options(), keys, &bus).await
    };
    let running = under(&[[1; 32]]).await;
    let (gone, kept) = (about_ann(), about_ann());
    let leaf = gone.entry();
    put(&running, gone.exchange, leaf.clone()).await;
    kept.enter(&running).await;
    found(&running, of(ANN)).await;
    running.stop().await;
    closed(&site).await;
    let before = fs::read(site.path("erasable.db")).unwrap();
    let running = under(&[[1; 32]]).await;
    erase(&running, &[&gone]).await.unwrap();
    running.stop().await;

    closed(&site).await;
    fs::write(site.path("erasable.db"), &before).unwrap();
    remove_index(&site);
    let running = under(&[[3; 32], [2; 32], [1; 32]]).await;
    assert_erased(&running, &gone, &leaf.sealed).await;
    erase(&running, &[&kept]).await.expect("the new key decides");
    running.stop().await;

    // A key that was taken away decides nothing any more, until it is there again.
    closed(&site).await;
    fs::write(site.path("erasable.db"), &before).unwrap();
    remove_index(&site);
    let running = under(&[[3; 32]]).await;
    assert_eq!(found(&running, of(ANN)).await, ids(&[&gone]));
    running.stop().await;
    closed(&site).await;
    remove_index(&site);
    let running = under(&[[3; 32], [1; 32]]).await;
    assert_erased(&running, &gone, &leaf.sealed).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_in_a_damaged_log_is_told_and_carried_out_when_the_log_is_repaired() {
    let (site, bus) = (Site::in_files(), bus());
    let running = site.start(&bus).await;
    let (gone, held, let_go) = (about_ann(), about_ann(), about_ann());
    let leaf = gone.entry();
    put(&running, gone.exchange, leaf.clone()).await;
    for entered in [&held, &let_go] {
        entered.enter(&running).await;
    }
    found(&running, of(ANN)).await;
    running.stop().await;
    closed(&site).await;
    let before = fs::read(site.path("erasable.db")).unwrap();

    let running = site.start(&bus).await;
    let decided = ExchangeId::parse(&erase(&running, &[&gone]).await.unwrap().act_id).unwrap();
    mark(&running, Mark::Hold, &[&held], None).await.unwrap();
    mark(&running, Mark::Hold, &[&let_go], None).await.unwrap();
    mark(&running, Mark::Release, &[&let_go], None).await.unwrap();
    running.stop().await;

    // Each start begins a segment.
    let segment = site.segment("log", 2);
    let whole = fs::read(&segment).unwrap();
    let mut damaged = whole.clone();
    let at = whole.windows(16).position(|bytes| bytes == decided.as_bytes()).unwrap();
    damaged[at] ^= 1;
    // With the index that knows where the decision stands, and with one that is built from what can be read.
    for is_rebuilt in [false, true] {
        closed(&site).await;
        fs::write(site.path("erasable.db"), &before).unwrap();
        fs::write(&segment, &damaged).unwrap();
        if is_rebuilt {
            remove_index(&site);
        }
        let running = site.start(&bus).await;
        assert_eq!(running.state.fact("unread-decisions").get(), i64::from(!is_rebuilt));
        let told = &get(&running, gone.exchange).await.entries[0];
        assert!(!told.erased && told.erasable.is_some(), "it is not carried out; rebuilt: {is_rebuilt}");
        assert_eq!(reason(erase(&running, &[&held]).await).reason(), Reason::Held, "later ones hold");
        running.stop().await;

        closed(&site).await;
        fs::write(&segment, &whole).unwrap();
        if is_rebuilt {
            remove_index(&site);
        }
        let running = site.start(&bus).await;
        assert_eq!(running.state.fact("unread-decisions").get(), 0);
        assert_erased(&running, &gone, &leaf.sealed).await;
        assert_eq!(reason(erase(&running, &[&held]).await).reason(), Reason::Held);
        running.stop().await;
    }
    let running = site.start(&bus).await;
    erase(&running, &[&let_go]).await.expect("it was let go");
    running.stop().await;
}
