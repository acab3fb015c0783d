//! What auditors find, count, follow, export and report.

#![allow(clippy::unwrap_used)]

mod auditor;
mod site;

use std::fs;
use std::time::SystemTime;

use auditor::*;
use lgsp_bus::{Bus, MacKey};
use lgsp_core::entry::salted;
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_core::{ExchangeId, Reason};
use lgsp_ledger::{Abandon, Options};
use lgsp_proto::ledger::v1::{
    AuditFilter, Awaited, CheckCompletenessRequest, CheckCompletenessResponse, CountExchangesRequest,
    ExportExchangesRequest, ExportedExchange, FollowAuditRequest, GetCheckpointRequest, GetExchangeRequest,
    Outcome, Phase, ReportExposureRequest, ReportSubjectRequest, SearchExchangesRequest,
};
use lgsp_tlog::{Policy, Proof, leaf_hash};
use site::{PATIENCE, Running, Site, bus};
use tokio::time::timeout;

fn filter() -> AuditFilter {
    AuditFilter::default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_found_in_every_month_that_has_its_key_and_the_others_are_told() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let june = Entered::at(JUNE).asked(ANN);
    let july = Entered::at(JULY).told(ANN).asked(BINH);
    let other = Entered::at(JULY + 1).asked(BINH);
    let platform = Entered::at(JULY + 2).asked(ANN).with(|sealed| sealed.platform = true);
    for entered in [&june, &july, &other, &platform] {
        entered.enter(&running).await;
    }
    assert_eq!(found(&running, of(ANN)).await, ids(&[&july, &june]));
    assert_eq!(found(&running, of(BINH)).await, ids(&[&other, &july]));
    let with_looks = AuditFilter { include_platform: true, ..of(ANN) };
    assert_eq!(found(&running, with_looks).await, ids(&[&platform, &july, &june]));
    let until_july = AuditFilter { until: Some(timestamp(JULY)), ..of(ANN) };
    assert_eq!(found(&running, until_july).await, ids(&[&june]));

    let long = AuditFilter {
        since: Some(timestamp(JUNE - 31 * DAY)),
        until: Some(timestamp(JULY + 31 * DAY)),
        ..of(ANN)
    };
    assert_eq!(page(&running, long.clone(), 10, "").await.unlinked_months, ["2026-05", "2026-08"]);
    let request = CountExchangesRequest { filter: Some(long) };
    let counted = audit(&running).count_exchanges(by_auditor(request)).await.unwrap().into_inner();
    assert_eq!((counted.total, counted.unlinked_months.len()), (2, 2));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_finds_what_its_filter_asks_for_and_counts_the_same() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let plain = Entered::at(JUNE).officer("officer-17").dossier("H13.05-260601-0001");
    let other = Entered::at(JUNE + 1).officer("officer-18").dossier("H13.05-260601-0001").with(|sealed| {
        sealed.application = "hotich".to_owned();
        sealed.agency_code = "H13.03".to_owned();
        sealed.service = "lgsp.land.v1.LandService".to_owned();
        sealed.method = "GetParcel".to_owned();
        sealed.purpose = "verify".to_owned();
        sealed.agreement = "hotich-datdai".to_owned();
        sealed.procedure = "1.004227".to_owned();
        sealed.outcome = Outcome::Denied.into();
        sealed.credential_sha256 = vec![2; 32].into();
    });
    let mut third = Entered::at(JUNE + 2).officer("officer-17");
    third.erasable.request_id = salted("r-1");
    for entered in [&plain, &other, &third] {
        entered.enter(&running).await;
    }
    let check = async |filter: AuditFilter, expect: &[&Entered]| {
        assert_eq!(found(&running, filter.clone()).await, ids(expect), "{filter:?}");
        let request = CountExchangesRequest { filter: Some(filter.clone()) };
        let counted = audit(&running).count_exchanges(by_auditor(request)).await.unwrap().into_inner();
        assert_eq!(counted.total, expect.len() as u64, "{filter:?}");
    };
    check(filter(), &[&third, &other, &plain]).await;
    check(AuditFilter { application: "hotich".into(), ..filter() }, &[&other]).await;
    check(AuditFilter { agency_code: "H13.03".into(), ..filter() }, &[&other]).await;
    check(AuditFilter { service: "lgsp.land.v1.LandService".into(), ..filter() }, &[&other]).await;
    check(AuditFilter { method: "GetCitizen".into(), ..filter() }, &[&third, &plain]).await;
    check(AuditFilter { purpose: "verify".into(), ..filter() }, &[&other]).await;
    check(AuditFilter { agreement: "hotich-datdai".into(), ..filter() }, &[&other]).await;
    check(AuditFilter { procedure: "1.004227".into(), ..filter() }, &[&other]).await;
    check(AuditFilter { outcome: Outcome::Denied.into(), ..filter() }, &[&other]).await;
    check(AuditFilter { outcome: Outcome::Served.into(), ..filter() }, &[&third, &plain]).await;
    check(AuditFilter { credential: vec![2; 32].into(), ..filter() }, &[&other]).await;
    check(AuditFilter { officer: "officer-17".into(), ..filter() }, &[&third, &plain]).await;
    check(AuditFilter { dossier: "H13.05-260601-0001".into(), ..filter() }, &[&other, &plain]).await;
    check(AuditFilter { dossier: "000.00.05.H13-260601-0001".into(), ..filter() }, &[&other, &plain]).await;
    check(AuditFilter { request_id: "r-1".into(), ..filter() }, &[&third]).await;
    let both = AuditFilter { officer: "officer-17".into(), dossier: "H13.05-260601-0001".into(), ..filter() };
    check(both, &[&plain]).await;
    let none = AuditFilter { officer: "officer-17".into(), application: "hotich".into(), ..filter() };
    check(none, &[]).await;
    let since = AuditFilter { officer: "officer-17".into(), since: Some(timestamp(JUNE + 1)), ..filter() };
    check(since, &[&third]).await;

    let refused = |filter: AuditFilter| {
        let request = SearchExchangesRequest { filter: Some(filter), ..SearchExchangesRequest::default() };
        let mut client = audit(&running);
        async move { client.search_exchanges(by_auditor(request)).await }
    };
    violated(refused(AuditFilter { dossier: "1".into(), ..filter() }).await, "filter.dossier");
    violated(refused(AuditFilter { credential: vec![2; 16].into(), ..filter() }).await, "filter.credential");
    violated(refused(of("12")).await, "filter.subject");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_found_once_whichever_of_its_entries_names_the_subject() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let last = Entered::at(JUNE).officer("officer-17");
    last.also(Phase::Opening, 0).officer("officer-17").enter(&running).await;
    last.also(Phase::Part, 1).told(ANN).enter(&running).await;
    last.also(Phase::Part, 2).told(ANN).told(BINH).enter(&running).await;
    for about in [of(ANN), of(BINH), AuditFilter { officer: "officer-17".into(), ..filter() }, filter()] {
        let under_way = search(&running, about).await;
        assert_eq!(under_way.len(), 1);
        assert_eq!(under_way[0].outcome(), Outcome::Unspecified, "it has no end yet");
    }
    let abandoned = last.also(Phase::Abandoned, 0).officer("officer-17").with(|sealed| {
        sealed.outcome = Outcome::Abandoned.into();
        // The ledger knows it by the id alone.
        sealed.admitted_us -= 417;
    });
    for (entered, outcome) in [(&abandoned, Outcome::Abandoned), (&last, Outcome::Served)] {
        entered.enter(&running).await;
        for about in [of(ANN), of(BINH), AuditFilter { officer: "officer-17".into(), ..filter() }, filter()] {
            let ended = search(&running, about.clone()).await;
            assert_eq!(ended.len(), 1, "{about:?}");
            assert_eq!(ended[0].outcome(), outcome);
        }
    }
    let phases: Vec<Phase> = get(&running, last.exchange)
        .await
        .entries
        .into_iter()
        .map(|entry| {
            <lgsp_proto::ledger::v1::Sealed as prost::Message>::decode(entry.sealed).unwrap().phase()
        })
        .collect();
    assert_eq!(phases, [Phase::Opening, Phase::Part, Phase::Part, Phase::Abandoned, Phase::Final]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_hold_every_exchange_once_while_new_ones_arrive_and_belong_to_their_query() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let mut entered = Vec::new();
    for number in 0..13_i64 {
        let admitted = if number % 2 == 0 { JUNE } else { JULY };
        let exchange = Entered::at(admitted + number).asked(ANN);
        exchange.enter(&running).await;
        entered.push(exchange);
    }
    entered.sort_by_key(|entered| std::cmp::Reverse(entered.sealed.admitted_us));
    for about in [of(ANN), filter()] {
        let (mut paged, mut token) = (Vec::new(), String::new());
        loop {
            let page = page(&running, about.clone(), 4, &token).await;
            paged.extend(page.exchanges.into_iter().map(|exchange| exchange.exchange_id));
            if page.next_page_token.is_empty() {
                break;
            }
            token = page.next_page_token;
            Entered::at(JULY + DAY + paged.len() as i64).asked(BINH).told(ANN).enter(&running).await;
        }
        let of_before: Vec<String> = entered.iter().map(|entered| entered.exchange.to_string()).collect();
        paged.retain(|id| of_before.contains(id));
        assert_eq!(paged, of_before);
        let request = SearchExchangesRequest { filter: Some(of(BINH)), page_size: 4, page_token: token };
        violated(audit(&running).search_exchanges(by_auditor(request)).await, "page_token");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_exchange_is_told_byte_for_byte_with_a_proof() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let before = Entered::at(JUNE);
    before.enter(&running).await;
    let entered = Entered::at(JUNE).officer("officer-17").asked(ANN);
    let entry = entered.entry();
    put(&running, entered.exchange, entry.clone()).await;
    let request =
        GetExchangeRequest { exchange_id: entered.exchange.to_string(), prove: true, ..Default::default() };
    let told = audit(&running).get_exchange(by_auditor(request)).await.unwrap().into_inner();
    let [told] = &told.entries[..] else { panic!("one entry") };
    assert_eq!((told.leaf, &told.sealed, told.erased), (1, &entry.sealed, false));
    assert_eq!(told.erasable, entry.erasable);
    let policy =
        Policy::new(&Options::default().origin, vec![site::log_key().verifier().clone()], vec![], 0).unwrap();
    let proof = Proof::parse(told.proof.as_bytes()).unwrap();
    assert!(proof.verify(&told.sealed, &policy).unwrap().checkpoint.size() >= 2);

    let request = GetCheckpointRequest { since_size: 1 };
    let checkpoint = audit(&running).get_checkpoint(by_auditor(request)).await.unwrap().into_inner();
    assert_eq!(checkpoint.consistency.len(), 1);
    assert!(checkpoint.checkpoint.starts_with(&Options::default().origin));

    let request = GetExchangeRequest { exchange_id: ExchangeId::new().to_string(), ..Default::default() };
    let unknown = audit(&running).get_exchange(by_auditor(request)).await;
    assert_eq!(reason(unknown).reason(), Reason::NotFound);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_of_many_entries_is_told_in_pieces() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let last = Entered::at(JUNE).with(|sealed| sealed.fields_released = vec!["f".repeat(50_000)]);
    for part in 1..=20 {
        last.also(Phase::Part, part).enter(&running).await;
    }
    last.enter(&running).await;
    let (mut leaves, mut from_leaf) = (Vec::new(), 0);
    loop {
        let request = GetExchangeRequest { exchange_id: last.exchange.to_string(), prove: false, from_leaf };
        let told = audit(&running).get_exchange(by_auditor(request)).await.unwrap().into_inner();
        assert!(prost::Message::encoded_len(&told) < 1 << 20);
        leaves.extend(told.entries.iter().map(|entry| entry.leaf));
        from_leaf = told.next_leaf;
        if from_leaf == 0 {
            break;
        }
    }
    assert_eq!(leaves, (0..21).collect::<Vec<u64>>());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_hears_of_the_person_that_it_follows_alone() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let request = FollowAuditRequest { filter: Some(of(ANN)) };
    let mut stream = audit(&running).follow_audit(by_auditor(request)).await.unwrap().into_inner();
    let wanted = [Entered::at(JUNE).told(ANN), Entered::at(JULY).asked(ANN)];
    Entered::at(JUNE).asked(BINH).enter(&running).await;
    for entered in &wanted {
        entered.enter(&running).await;
        let heard = timeout(PATIENCE, stream.message()).await.unwrap().unwrap().unwrap();
        assert_eq!(heard.exchange_id, entered.exchange.to_string());
    }
    running.stop().await;
}

async fn export(running: &Running, filter: AuditFilter, after: &str) -> Vec<ExportedExchange> {
    let request = ExportExchangesRequest { filter: Some(filter), after: after.to_owned() };
    all(audit(running).export_exchanges(by_auditor(request)).await.unwrap().into_inner()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_goes_on_after_the_last_exchange_that_was_taken() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let mut entered = Vec::new();
    // More than are read at once.
    for number in 0..230_i64 {
        let exchange = Entered::at(JUNE + number).officer("officer-17").dossier("H13.05-260601-0001");
        exchange.enter(&running).await;
        entered.push(exchange);
    }
    let exported = export(&running, filter(), "").await;
    assert_eq!(exported.len(), 230);
    for (number, (exported, entered)) in exported.iter().zip(&entered).enumerate() {
        assert_eq!(exported.exchange.as_ref().unwrap().exchange_id, entered.exchange.to_string());
        assert_eq!((exported.leaf, exported.officer.as_str()), (number as u64, "officer-17"));
        assert_eq!(exported.dossier, "H13.05-260601-0001");
        let told = &get(&running, entered.exchange).await.entries[0].sealed;
        assert_eq!(exported.leaf_hash, leaf_hash(told).0.to_vec());
        if number == 3 {
            break;
        }
    }
    let rest = export(&running, filter(), &exported[149].cursor).await;
    assert_eq!(rest, exported[150..]);
    assert_eq!(export(&running, filter(), &exported[229].cursor).await, []);
    let request = ExportExchangesRequest { filter: Some(of(ANN)), after: exported[0].cursor.clone() };
    violated(audit(&running).export_exchanges(by_auditor(request)).await.map(|_| ()), "after");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_exports_than_there_is_room_for_are_refused_until_a_reader_leaves() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let entered = Entered::at(JUNE).asked(ANN);
    entered.enter(&running).await;
    let mut unread = Vec::new();
    let refused = loop {
        match audit(&running).export_exchanges(by_auditor(ExportExchangesRequest::default())).await {
            Ok(stream) => unread.push(stream),
            Err(refused) => break Err::<(), _>(refused),
        }
        assert!(unread.len() < 100, "whoever reads nothing takes no end of places");
    };
    assert_eq!(reason(refused).reason(), Reason::AdapterOverloaded);
    assert_eq!(found(&running, of(ANN)).await, ids(&[&entered]), "searches go on");
    let last = unread.pop().unwrap().into_inner();
    assert_eq!(all(last).await.len(), 1);
    assert_eq!(export(&running, filter(), "").await.len(), 1, "there is room again");
    drop(unread);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_tells_who_asked_about_a_person_and_who_was_told_along_the_way() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let asked = Entered::at(JUNE).asked(ANN).told(BINH);
    let told = Entered::at(JULY).asked(BINH).told(ANN);
    let looked = Entered::at(JULY + 1).asked(ANN).with(|sealed| sealed.platform = true);
    for entered in [&told, &asked, &looked, &Entered::at(JULY).asked(BINH)] {
        entered.enter(&running).await;
    }
    let request = ReportSubjectRequest {
        subject: person(ANN),
        since: Some(timestamp(JUNE - 31 * DAY)),
        until: Some(timestamp(JULY + DAY)),
        include_withheld: false,
    };
    let report = audit(&running).report_subject(by_auditor(request)).await.unwrap().into_inner();
    let report = all(report).await;
    assert_eq!(report[0].unlinked_months, ["2026-05"]);
    assert_eq!(report[0].exchange, None);
    let told_of: Vec<(String, bool)> = report[1..]
        .iter()
        .map(|told| (told.exchange.as_ref().unwrap().exchange_id.clone(), told.asked))
        .collect();
    assert_eq!(told_of, [(asked.exchange.to_string(), true), (told.exchange.to_string(), false)]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exposure_is_what_left_and_names_each_part_of_a_stream() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let served = Entered::at(JUNE).officer("officer-17").asked(ANN);
    let denied = Entered::at(JUNE + 1).officer("officer-17").asked(BINH).with(|sealed| {
        sealed.outcome = Outcome::Denied.into();
        sealed.record_count = 0;
    });
    let stream = Entered::at(JUNE + 2).officer("officer-17");
    let of_another = Entered::at(JUNE + 3).officer("officer-18").asked(BINH).with(|sealed| {
        sealed.application = "hotich".to_owned();
        sealed.credential_sha256 = vec![2; 32].into();
    });
    served.enter(&running).await;
    denied.enter(&running).await;
    stream.also(Phase::Opening, 0).officer("officer-17").enter(&running).await;
    stream.also(Phase::Part, 1).told(ANN).enter(&running).await;
    stream.also(Phase::Part, 2).told(BINH).enter(&running).await;
    stream.enter(&running).await;
    of_another.enter(&running).await;
    let nobody = ReportExposureRequest {
        since: Some(timestamp(JUNE)),
        until: Some(timestamp(JUNE + DAY)),
        ..ReportExposureRequest::default()
    };
    let officer = ReportExposureRequest { officer: "officer-17".to_owned(), ..nobody.clone() };
    let application = ReportExposureRequest { application: "tthc".to_owned(), ..nobody.clone() };
    let credential = ReportExposureRequest { credential: vec![1; 32].into(), ..nobody.clone() };
    for request in [officer, application, credential] {
        let exposed = audit(&running).report_exposure(by_auditor(request)).await.unwrap().into_inner();
        let exposed = all(exposed).await;
        let subjects: Vec<usize> = exposed.iter().map(|exposed| exposed.subjects.len()).collect();
        assert_eq!(subjects, [1, 1, 1, 0], "the exchange, two parts, and the end of the stream");
        assert_eq!(exposed[0].subjects[0].hash, exposed[1].subjects[0].hash, "the same person");
        assert!(exposed.iter().all(|exposed| exposed.fields == ["citizen.full_name"]));
        assert!(exposed[0].subjects[0].salt.is_empty());
    }
    violated(audit(&running).report_exposure(by_auditor(nobody)).await.map(|_| ()), "application");
    running.stop().await;
}

async fn completeness(running: &Running, since: i64, until: i64) -> CheckCompletenessResponse {
    let request = CheckCompletenessRequest { since: Some(timestamp(since)), until: Some(timestamp(until)) };
    audit(running).check_completeness(by_auditor(request)).await.unwrap().into_inner()
}

async fn watching(site: &Site, bus: &Bus) -> Running {
    Running::start(Options { abandon: Abandon::Always, ..site.options() }, bus).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_period_is_complete_when_nothing_of_it_can_come_and_nothing_is_missing() {
    let (site, bus) = (Site::new(), bus());
    let running = watching(&site, &bus).await;
    let numbered = |sequence| {
        Entered::at(JUNE).with(|sealed| {
            sealed.gateway = "gateway-1".to_owned();
            sealed.sequence = sequence;
        })
    };
    for sequence in [1, 2, 4] {
        numbered(sequence).enter(&running).await;
    }
    running.until("everything was read", |running| running.state.is_ready()).await;
    let told = completeness(&running, JUNE - DAY, JUNE + DAY).await;
    assert_eq!((told.complete, told.settled, told.exchanges), (false, true, 3), "{told:?}");
    assert_eq!((told.gateways[0].gaps[0].first, told.gateways[0].gaps[0].last), (3, 3));
    numbered(3).enter(&running).await;
    let told = completeness(&running, JUNE - DAY, JUNE + DAY).await;
    assert_eq!((told.complete, told.exchanges, told.abandoned), (true, 4, 0), "{told:?}");
    assert_eq!(completeness(&running, JUNE + DAY, JULY).await.exchanges, 0);

    let later = |gateway: &str, sequence| {
        Entered::at(JULY).with(|sealed| {
            sealed.gateway = gateway.to_owned();
            sealed.sequence = sequence;
        })
    };
    later("gateway-2", 1).enter(&running).await;
    later("gateway-3", 2).enter(&running).await;
    let gateways = async |since, until| {
        let told = completeness(&running, since, until).await;
        let names: Vec<String> = told.gateways.into_iter().map(|it| it.gateway).collect();
        (names, told.missing_numbers)
    };
    let (names, missing) = gateways(JUNE - DAY, JUNE + DAY).await;
    assert_eq!((&*names.join(" "), missing), ("gateway-3 gateway-1", 1), "its first one may be of June");
    later("gateway-3", 1).enter(&running).await;
    assert_eq!(gateways(JUNE - DAY, JUNE + DAY).await, (vec!["gateway-1".to_owned()], 0));
    assert_eq!(gateways(JULY - DAY, JULY + DAY).await.0.len(), 2, "each in its month");

    let now = unix_micros(SystemTime::now());
    let told = completeness(&running, JUNE, now).await;
    assert!(!told.settled, "what was admitted just now may still come");
    assert_eq!((told.awaited(), told.awaited_until), (Awaited::Time, Some(timestamp(now + 120_000_000))));
    let an_hour_ago = now - 3_600 * 1_000_000;
    let stream = Entered::at(an_hour_ago);
    stream.also(Phase::Opening, 0).enter(&running).await;
    let told = completeness(&running, JUNE, an_hour_ago + 1).await;
    assert_eq!((told.settled, told.awaited()), (false, Awaited::Ends), "a stream has no end yet");
    stream.enter(&running).await;
    assert!(completeness(&running, JUNE, an_hour_ago + 1).await.settled);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_period_is_not_complete_while_an_entry_of_it_cannot_be_read() {
    let (site, bus) = (Site::in_files(), bus());
    let running = watching(&site, &bus).await;
    for sequence in 1..=5 {
        let numbered = Entered::at(JUNE).with(|sealed| {
            sealed.gateway = "gateway-1".to_owned();
            sealed.sequence = sequence;
        });
        numbered.enter(&running).await;
    }
    running.stop().await;
    let path = site.path("log/000000000001.segment");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();

    let running = watching(&site, &bus).await;
    running.until("it is named", |running| !running.ledger.damage().is_empty()).await;
    let settles = async || completeness(&running, JUNE - DAY, JUNE + DAY).await.settled;
    let began = std::time::Instant::now();
    while !settles().await {
        assert!(began.elapsed() < PATIENCE, "everything was read");
    }
    let told = completeness(&running, JUNE - DAY, JUNE + DAY).await;
    assert_eq!((told.complete, told.settled, told.unreadable), (false, true, 1), "{told:?}");
    let leaves: Vec<(u64, u64)> = told.unreadable_leaves.iter().map(|run| (run.first, run.last)).collect();
    assert!(matches!(&*leaves, [(first, last)] if first == last && *first < 5), "{leaves:?}");
    let another = completeness(&running, JUNE + 10 * DAY, JULY).await;
    assert_eq!((another.complete, another.unreadable), (true, 0), "{another:?}");
    running.stop().await;
}

#[test]
fn the_key_of_the_fixture_is_that_of_the_ledger() {
    let entry = Entered::at(JUNE).entry();
    assert!(lgsp_bus::entry::is_signed(&MacKey::new(site::MAC_KEY), &entry.sealed));
}
