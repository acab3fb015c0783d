//! Whoever may write the topic may write anything: only what is signed counts.

#![allow(clippy::unwrap_used)]

mod auditor;
mod site;

use std::fs;

use auditor::*;
use lgsp_bus::{MacKey, MacKeys};
use lgsp_core::entry::{salted, seal};
use lgsp_core::time::timestamp;
use lgsp_ledger::{Abandon, Keys, Options};
use lgsp_proto::ledger::v1::{
    AuditFilter, CheckCompletenessRequest, CheckCompletenessResponse, Entry, Erasable, Phase, Signed,
};
use site::{Running, Site, bus};

fn by_officer(officer: &str) -> AuditFilter {
    AuditFilter { officer: officer.to_owned(), include_platform: true, ..AuditFilter::default() }
}

/// What somebody without a key writes under the key of an entry.
fn forged(entered: &Entered) -> Entry {
    let forged = entered.clone().with(|sealed| {
        sealed.application = "forger".to_owned();
        sealed.procedure = "9.999999".to_owned();
        sealed.gateway = "gateway-1".to_owned();
        sealed.sequence = 1_000;
        sealed.agreement = String::new();
    });
    let erasable = Erasable { officer: salted("forger-1"), ..Erasable::default() };
    seal(forged.sealed, erasable)
}

async fn assert_stands(running: &Running, entered: &Entered, entry: &Entry) {
    let told = get(running, entered.exchange).await;
    let [only] = &told.entries[..] else { panic!("one entry stands: {told:?}") };
    assert_eq!((only.signed(), &only.sealed), (Signed::Yes, &entry.sealed));
    assert_eq!(only.erasable, entry.erasable, "and the part that is kept is its own");
    assert_eq!(found(running, by_officer("officer-17")).await, ids(&[entered]));
    assert_eq!(found(running, by_officer("forger-1")).await, Vec::<String>::new());
    let by_procedure = AuditFilter { procedure: "9.999999".to_owned(), ..AuditFilter::default() };
    assert_eq!(found(running, by_procedure).await, Vec::<String>::new());
    let shown = search(running, AuditFilter::default()).await;
    let shown: Vec<_> = shown.iter().map(|shown| (&*shown.application, shown.signed())).collect();
    assert_eq!(shown, [("tthc", Signed::Yes)]);
}

fn remove_index(site: &Site) {
    for file in ["index.db", "index.db-wal", "index.db-shm"] {
        let _ = fs::remove_file(site.path(file));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unsigned_entry_gives_way_to_the_gateways_own_and_never_takes_its_place() {
    for looks_between in [true, false] {
        let (site, bus) = (Site::new(), bus());
        let running = site.start(&bus).await;
        let entered = Entered::at(JUNE).officer("officer-17");
        let entry = entered.entry();
        put(&running, entered.exchange, forged(&entered)).await;
        if looks_between {
            // Filed on its own, it is shown for what it is.
            assert_eq!(found(&running, by_officer("forger-1")).await, ids(&[&entered]));
            let shown = search(&running, AuditFilter::default()).await;
            assert_eq!(shown[0].signed(), Signed::No);
            assert_eq!(get(&running, entered.exchange).await.entries[0].signed(), Signed::No);
        }
        put(&running, entered.exchange, entry.clone()).await;
        assert_stands(&running, &entered, &entry).await;
        put(&running, entered.exchange, forged(&entered)).await;
        put(&running, entered.exchange, entry.clone()).await;
        assert_stands(&running, &entered, &entry).await;
        assert_eq!(running.leaves(), 2, "both are leaves, and repeats are none");
        running.stop().await;

        remove_index(&site);
        let running = site.start(&bus).await;
        assert_stands(&running, &entered, &entry).await;
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_erased_stays_erased_when_the_signed_entry_comes() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let entered = Entered::at(JUNE).officer("officer-17");
    put(&running, entered.exchange, forged(&entered)).await;
    erase(&running, &[&entered]).await.unwrap();
    put(&running, entered.exchange, entered.entry()).await;
    let told = get(&running, entered.exchange).await;
    assert_eq!((told.entries[0].signed(), &told.entries[0].erasable), (Signed::Yes, &None));
    for officer in ["officer-17", "forger-1"] {
        assert_eq!(found(&running, by_officer(officer)).await, Vec::<String>::new());
    }
    running.stop().await;
}

async fn complete(running: &Running) -> CheckCompletenessResponse {
    let request =
        CheckCompletenessRequest { since: Some(timestamp(JUNE - DAY)), until: Some(timestamp(JULY + DAY)) };
    audit(running).check_completeness(by_auditor(request)).await.unwrap().into_inner()
}

async fn watching(site: &Site, bus: &lgsp_bus::Bus) -> Running {
    Running::start(Options { abandon: Abandon::Always, ..site.options() }, bus).await
}

fn numbered(gateway: &str, sequence: u64) -> Entered {
    Entered::at(JUNE).with(|sealed| {
        sealed.gateway = gateway.to_owned();
        sealed.sequence = sequence;
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_signed_counts_in_no_sequence_and_ends_no_stream() {
    let (site, bus) = (Site::new(), bus());
    let running = watching(&site, &bus).await;
    numbered("gateway-1", 1).enter(&running).await;
    let other = numbered("gateway-1", 1);
    put(&running, other.exchange, forged(&other)).await;
    let stream = numbered("gateway-1", 2);
    stream.also(Phase::Opening, 0).enter(&running).await;
    put(&running, stream.exchange, forged(&stream)).await;
    running.until("everything was read", |running| running.state.is_ready()).await;
    let told = complete(&running).await;
    assert_eq!((told.complete, told.missing_numbers), (true, 0), "{told:?}");
    assert_eq!((told.gateways.len(), told.gateways[0].last), (1, 2));
    let shown = search(&running, AuditFilter::default()).await;
    let shown = shown.iter().find(|shown| shown.exchange_id == stream.exchange.to_string()).unwrap();
    assert_eq!((shown.signed(), shown.sealed.as_ref().unwrap().phase()), (Signed::Yes, Phase::Opening));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasable_part_that_is_not_what_is_sealed_is_not_kept_and_told() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let entered = Entered::at(JUNE).officer("officer-17");
    let own = entered.entry();
    let others = Erasable { officer: salted("forger-1"), ..Erasable::default() };
    put(&running, entered.exchange, Entry { erasable: Some(others), ..own.clone() }).await;
    assert_eq!(found(&running, by_officer("forger-1")).await, Vec::<String>::new());
    assert_eq!(get(&running, entered.exchange).await.entries[0].erasable, None);
    assert_eq!(running.state.fact("bereft").get(), 1);
    // Its own may still come.
    put(&running, entered.exchange, own.clone()).await;
    assert_eq!(found(&running, by_officer("officer-17")).await, ids(&[&entered]));
    assert_eq!(get(&running, entered.exchange).await.entries[0].erasable, own.erasable);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_without_a_key_calls_nothing_unsigned() {
    let (site, bus) = (Site::new(), bus());
    let keys = Keys { macs: MacKeys::default(), decisions: None, ..site::keys(&bus) };
    let running = Running::start_keyed(site.options(), keys, &bus).await;
    let entered = numbered("gateway-1", 1).officer("officer-17");
    put(&running, entered.exchange, seal(entered.sealed.clone(), entered.erasable.clone())).await;
    put(&running, entered.exchange, entered.entry()).await;
    let told = get(&running, entered.exchange).await;
    assert_eq!((told.entries.len(), told.entries[0].signed()), (1, Signed::Unspecified));
    assert_eq!(complete(&running).await.gateways[0].received, 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_signed_under_a_former_key_is_signed_in_an_index_that_is_built_again() {
    let (site, bus) = (Site::in_files(), bus());
    let running = site.start(&bus).await;
    let entered = numbered("gateway-1", 1);
    entered.enter(&running).await;
    found(&running, AuditFilter::default()).await;
    running.stop().await;
    for (former_entries, expected) in [(Some(MacKey::new(site::MAC_KEY)), Signed::Yes), (None, Signed::No)] {
        remove_index(&site);
        let macs = MacKeys::new([("ledger".to_owned(), MacKey::new([4; 32]))].into());
        let keys = Keys { macs, former_entries, ..site::keys(&bus) };
        let running = Running::start_keyed(site.options(), keys, &bus).await;
        assert_eq!(get(&running, entered.exchange).await.entries[0].signed(), expected);
        assert_eq!(complete(&running).await.gateways.len(), usize::from(expected == Signed::Yes));
        let late = numbered("gateway-1", 2);
        late.enter(&running).await;
        assert_eq!(get(&running, late.exchange).await.entries[0].signed(), Signed::No, "nothing new of it");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_gateway_of_a_period_is_looked_at_and_every_missing_number_counted() {
    let (site, bus) = (Site::new(), bus());
    let running = watching(&site, &bus).await;
    // The gap is the oldest of more gateways than one answer tells of.
    numbered("gateway-with-a-gap", 2).enter(&running).await;
    for gateway in 0..210 {
        let at = |sealed: &mut lgsp_proto::ledger::v1::Sealed| sealed.entered_us += DAY;
        numbered(&format!("gateway-{gateway}"), 1).with(at).enter(&running).await;
    }
    running.until("everything was read", |running| running.state.is_ready()).await;
    let told = complete(&running).await;
    assert_eq!((told.complete, told.settled, told.missing_numbers), (false, true, 1), "{told:?}");
    assert_eq!((told.gateways.len(), told.untold_gateways), (200, 11));
    assert_eq!(told.gateways[0].gateway, "gateway-with-a-gap");

    numbered("gateway-with-a-gap", 1).enter(&running).await;
    assert!(complete(&running).await.complete);
    // More gaps than are told apart.
    for number in 1..1_010 {
        numbered("gateway-0", number * 2).enter(&running).await;
    }
    let told = complete(&running).await;
    let wild = &told.gateways[0];
    assert_eq!((wild.gateway.as_str(), wild.gaps.len(), wild.untold), ("gateway-0", 1_000, 8), "{wild:?}");
    assert_eq!((told.complete, told.missing_numbers), (false, 1_008));
    running.stop().await;
}
