//! What a report is made of is what the log says, whenever its index was built: in files, and on PostgreSQL where there is a server.

#![allow(clippy::unwrap_used)]

mod auditor;
mod site;

use auditor::*;
use lgsp_core::indicators::Period;
use lgsp_core::time::timestamp;
use lgsp_ledger::keep;
use lgsp_proto::ledger::v1::{CountTrafficRequest, Outcome, Phase, TrafficCounts};
use lgsp_store::{Query, Store};
use prost::Message as _;
use site::{Running, Site, bus, keys};
use tokio::time::Instant;

/// All that a report of a month asks, as it came.
async fn told(running: &Running) -> (Vec<u8>, TrafficCounts) {
    let period: Period = "2026-06".parse().unwrap();
    let (mut bytes, mut whole) = (Vec::new(), TrafficCounts::default());
    for by_day in [true, false] {
        let request = CountTrafficRequest {
            since: Some(timestamp(period.since_us())),
            until: Some(timestamp(period.until_us())),
            by_day,
            dossiers: true,
            forms: true,
        };
        whole = TrafficCounts::default();
        let stream = running.client().count_traffic(by_auditor(request)).await.unwrap().into_inner();
        for message in all(stream).await {
            bytes.extend(message.encode_to_vec());
            whole.counts.extend(message.counts);
            whole.forms.extend(message.forms);
            whole.filled.extend(message.filled);
        }
    }
    (bytes, whole)
}

/// Exchanges of some days with all that counts in another way: the abandoned that end after all, the unsigned, those of the hub, and
/// those after midnight.
async fn enter(running: &Running, june: i64) {
    for number in 0..60_i64 {
        let outcome =
            [Outcome::Served, Outcome::Served, Outcome::NotFound, Outcome::Denied][number as usize % 4];
        let it = Entered::at(june + number * DAY / 7).dossier(&format!("H13.01-260601-{:04}", number / 3));
        let it = it.with(|sealed| {
            sealed.outcome = outcome.into();
            sealed.environment = ["production", "sandbox"][number as usize % 5 / 4].to_owned();
            sealed.entered_us += number * number * 1_000;
            sealed.platform = number % 13 == 0;
            if outcome != Outcome::Served {
                sealed.fields_released.clear();
            }
        });
        if number % 6 == 0 {
            let early =
                it.also(Phase::Abandoned, 0).with(|sealed| sealed.outcome = Outcome::Abandoned.into());
            early.enter(running).await;
        }
        it.enter(running).await;
    }
    let forged = Entered::at(june).with(|sealed| sealed.outcome = Outcome::Failed.into());
    let entry = lgsp_core::entry::seal(forged.sealed.clone(), forged.erasable.clone());
    put(running, forged.exchange, entry).await;
}

/// Has the index built anew: by the command where it can, and by the ledger itself where it finds none.
async fn build_anew(site: &Site, options: &lgsp_ledger::Options, keys: &lgsp_ledger::Keys) {
    let Some(database) = site.database().filter(|_| !options.store.is_empty()) else {
        let before = keep::compare(options, keys, &mut |_| ()).await.unwrap();
        assert_eq!((before.differences, before.miscounted), (vec![], vec![]));
        keep::reindex(options, keys, &mut |_| ()).await.unwrap();
        return;
    };
    let store = Store::open_in("public", &database.options(), &[]).await.unwrap();
    let mut writer = store.writer(lgsp_store::Care::Durable, Instant::now() + site::PATIENCE).await.unwrap();
    writer.run(Query::new("DROP SCHEMA lgsp_ledger_index CASCADE")).await.unwrap();
    writer.commit().await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_report_is_made_of_is_the_same_byte_for_byte_after_the_index_was_built_anew() {
    let june = "2026-06".parse::<Period>().unwrap().since_us();
    let mut sites = vec![Site::in_files()];
    if std::env::var_os(lgsp_store::testing::SERVER).is_some() {
        sites.push(Site::new());
    }
    for site in sites {
        let bus = bus();
        let running = site.start(&bus).await;
        enter(&running, june).await;
        let (before, counts) = told(&running).await;
        let of = |outcome: Outcome| -> u64 {
            counts.counts.iter().filter(|it| it.outcome() == outcome).map(|it| it.exchanges).sum()
        };
        let ended =
            [Outcome::Served, Outcome::NotFound, Outcome::Denied, Outcome::Failed, Outcome::Abandoned];
        assert_eq!(ended.map(of), [30, 15, 15, 0, 0]);
        assert!(counts.forms.iter().any(|it| it.opened > it.filled && it.filled > 0), "{:?}", counts.forms);
        assert!(counts.filled.iter().all(|it| it.fields == it.exchanges), "one field each");
        running.stop().await;
        build_anew(&site, &site.options(), &keys(&bus)).await;
        let again = site.start(&bus).await;
        let (after, _) = told(&again).await;
        assert!(before == after, "{} and {} bytes", before.len(), after.len());
        again.stop().await;
    }
}
