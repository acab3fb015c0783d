//! What is appended is durable, listed, followed and counted.

#![allow(clippy::unwrap_used)]

mod site;

use std::time::Duration;

use lgsp_core::time::timestamp;
use lgsp_proto::ledger::v1::{ExchangeFilter, ListExchangesRequest, Outcome, Phase, SequenceGap};
use prost::Message;
use site::{Numbered, PATIENCE, Site, bus, erasable_parts, everything, ids};
use tokio::time::timeout;
use tonic::Code;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_is_durable_is_in_the_next_list() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let mut expected = Vec::new();
    for sequence in 1..=20 {
        let entry = Numbered::new(sequence);
        running.append(&entry).await;
        expected.insert(0, entry.exchange.to_string());
        assert_eq!(ids(&running.list(ExchangeFilter::default()).await), expected);
    }
    running.until("it is ready", |running| running.state.is_ready()).await;
    let first = &running.list(ExchangeFilter::default()).await[0];
    assert_eq!(
        (first.application.as_str(), first.duration_us, first.outcome()),
        ("tthc", 1_500, Outcome::Served)
    );
    running.stop().await;
    assert_eq!(erasable_parts(&site).await, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_of_a_key_is_the_same_entry() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let entry = Numbered::new(1);
    for _ in 0..3 {
        running.append(&entry).await;
    }
    assert_eq!(running.list(everything()).await.len(), 1);
    running.append(&entry).await;
    assert_eq!(running.list(everything()).await.len(), 1);
    assert_eq!(running.leaves(), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_tells_what_its_filter_asks_for_and_platform_exchanges_only_when_asked() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let plain = Numbered::new(1);
    let other = Numbered::new(2).with(|sealed| sealed.application = "khac".to_owned());
    let denied = Numbered::new(3).with(|sealed| sealed.outcome = Outcome::Denied.into());
    let platform = Numbered::new(4).with(|sealed| sealed.platform = true);
    let land = Numbered::new(5).with(|sealed| {
        sealed.service = "lgsp.land.v1.LandService".to_owned();
        sealed.method = "GetParcel".to_owned();
    });
    let old = Numbered::new(6).with(|sealed| sealed.admitted_us = 1_000_000);
    let all = [&plain, &other, &denied, &platform, &land, &old];
    for entry in all {
        running.append(entry).await;
    }
    let check = async |filter: ExchangeFilter, expect: &[&Numbered]| {
        let listed = ids(&running.list(filter.clone()).await);
        let expect: Vec<String> = expect.iter().map(|entry| entry.exchange.to_string()).collect();
        assert_eq!(listed, expect, "{filter:?}");
    };
    let default = ExchangeFilter::default;
    check(default(), &[&land, &denied, &other, &plain, &old]).await;
    check(everything(), &[&land, &platform, &denied, &other, &plain, &old]).await;
    check(ExchangeFilter { application: "khac".to_owned(), ..default() }, &[&other]).await;
    check(ExchangeFilter { service: "lgsp.land.v1.LandService".to_owned(), ..default() }, &[&land]).await;
    check(ExchangeFilter { method: "GetParcel".to_owned(), ..default() }, &[&land]).await;
    check(ExchangeFilter { outcome: Outcome::Denied.into(), ..default() }, &[&denied]).await;
    check(ExchangeFilter { outcome: Outcome::Served.into(), ..default() }, &[&land, &other, &plain, &old])
        .await;
    check(
        ExchangeFilter { since: Some(timestamp(2_000_000)), ..default() },
        &[&land, &denied, &other, &plain],
    )
    .await;
    check(ExchangeFilter { until: Some(timestamp(2_000_000)), ..default() }, &[&old]).await;
    check(ExchangeFilter { exchange_id: platform.exchange.to_string(), ..default() }, &[&platform]).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_hold_every_exchange_once_while_new_ones_arrive() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let entries: Vec<Numbered> = (1..=23).map(Numbered::new).collect();
    for entry in &entries {
        running.append(entry).await;
    }
    let (mut paged, mut token) = (Vec::new(), String::new());
    loop {
        let page = running.page(ExchangeFilter::default(), 5, &token).await;
        paged.extend(ids(&page.exchanges));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        running.append(&Numbered::new(100 + paged.len() as u64)).await;
    }
    let expected: Vec<String> = entries.iter().rev().map(|entry| entry.exchange.to_string()).collect();
    assert_eq!(paged, expected);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_ends_before_it_is_too_large_to_be_carried() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    for sequence in 1..=20 {
        let large = Numbered::new(sequence).with(|sealed| sealed.fields_released = vec!["f".repeat(50_000)]);
        running.append(&large).await;
    }
    let (mut count, mut token) = (0, String::new());
    loop {
        let page = running.page(everything(), 1_000, &token).await;
        assert!(page.encoded_len() < 1 << 20);
        count += page.exchanges.len();
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(count, 20);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_list_cannot_be_asked_is_named() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let filter = ExchangeFilter { exchange_id: "no-uuid".to_owned(), ..Default::default() };
    let bad = [
        ListExchangesRequest { page_size: 1_001, ..Default::default() },
        ListExchangesRequest { page_size: -1, ..Default::default() },
        ListExchangesRequest { page_token: "x".to_owned(), ..Default::default() },
        ListExchangesRequest { filter: Some(filter), ..Default::default() },
    ];
    for request in bad {
        let status = running.client().list_exchanges(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_sees_exchanges_end_and_the_parts_of_a_stream_are_one_exchange() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let mut stream = running.follow(ExchangeFilter::default()).await;
    let last = Numbered::new(3);
    let opening = last.clone().with(|sealed| (sealed.phase, sealed.sequence) = (Phase::Opening.into(), 1));
    let part = last.clone().with(|sealed| {
        (sealed.phase, sealed.part, sealed.sequence) = (Phase::Part.into(), 1, 2);
    });
    for entry in [&opening, &part] {
        running.append(entry).await;
    }
    assert_eq!(running.list(ExchangeFilter::default()).await.len(), 0, "it has not ended");
    running.append(&last).await;
    let seen = timeout(PATIENCE, stream.message()).await.unwrap().unwrap().unwrap();
    assert_eq!(seen.exchange_id, last.exchange.to_string());
    assert_eq!(running.list(ExchangeFilter::default()).await.len(), 1);
    assert_eq!(running.phases(last.exchange).await, [Phase::Final, Phase::Part, Phase::Opening]);
    running.stop().await;
    assert!(
        timeout(PATIENCE, stream.message()).await.unwrap().unwrap().is_none(),
        "the stream ends with the ledger"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_in_a_gateways_sequence_is_told_until_it_is_filled() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    for sequence in [1, 2, 5, 9] {
        running.append(&Numbered::new(sequence)).await;
    }
    let foreign = Numbered::new(1).with(|sealed| sealed.gateway = "gateway-2".to_owned());
    running.append(&foreign).await;
    let told = running.completeness().await;
    let gateway = told.gateways.iter().find(|gateway| gateway.gateway == "gateway-1").unwrap();
    assert_eq!((gateway.first, gateway.last, gateway.received), (1, 9, 4));
    assert_eq!(gateway.gaps, [SequenceGap { first: 3, last: 4 }, SequenceGap { first: 6, last: 8 }]);
    for sequence in [3, 4, 6, 7, 8] {
        running.append(&Numbered::new(sequence)).await;
    }
    running.stop().await;

    let running = site.start(&bus).await;
    let told = running.completeness().await;
    assert_eq!(told.gateways.len(), 2);
    assert!(told.gateways.iter().all(|gateway| gateway.gaps.is_empty()), "{told:?}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_no_entry_is_left_out_and_counted() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    bus.publish(lgsp_bus::topics::EXCHANGE, None, b"x", b"\xff\xff", &[]).await.unwrap();
    running.append(&Numbered::new(1)).await;
    assert_eq!(running.list(everything()).await.len(), 1);
    running.until("it is counted", |running| running.state.fact("unreadable").get() == 1).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_ledger_on_the_same_folder_is_refused() {
    let (site, bus) = (Site::new(), bus());
    let running = site.start(&bus).await;
    let refused = site::Running::try_start(site.options(), &bus).await.err().unwrap();
    assert!(matches!(refused, lgsp_ledger::Error::InUse { .. }), "{refused}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filed_entries_leave_the_journal_so_that_what_is_erased_is_gone() {
    let (site, bus) = (Site::new(), bus());
    let options = lgsp_ledger::Options { journal_for: Duration::from_millis(100), ..site.options() };
    let running = site::Running::start(options, &bus).await;
    running.append(&Numbered::new(1)).await;
    running.until("it is deleted", |_| !site.segment("intake", 1).exists()).await;
    assert_eq!(running.list(everything()).await.len(), 1);
    running.append(&Numbered::new(2)).await;
    assert_eq!(running.list(everything()).await.len(), 2);
    running.stop().await;
    assert!(!site.segment("intake", 2).exists(), "a good end leaves nothing in the journal");
    assert_eq!(erasable_parts(&site).await, 2);
}
