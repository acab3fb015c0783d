//! Quotas hold over all gateways, and over their restarts.

use std::time::{Duration, Instant, SystemTime};

use lgsp_bus::MacKey;
use lgsp_core::time::{day, unix_micros};
use lgsp_core::{ExchangeId, Reason};
use lgsp_proto::ledger::v1::{Entry, GatewayUsage, Phase, Sealed, Usage};
use lgsp_proto::registry::v1::{Quota, Snapshot};
use lgsp_tests::echo::v1::EchoRequest;
use prost::Message;

use crate::caller::{refusal, refused};
use crate::fixture::{EchoHub, Load, PATIENCE, within};

/// The agreement of a story: what was called before, to see that a hub is up, counts under another one.
const AGREEMENT: &str = "tt-quota";

fn quota(per_second: u32, per_day: u64) -> impl FnOnce(&mut Snapshot) {
    move |snapshot| {
        snapshot.agreements[0].id = AGREEMENT.to_owned();
        snapshot.agreements[0].quota = Some(Quota { per_second, per_day });
    }
}

/// Calls as fast as it is answered, until `done` says so of the last refusal; returns how many were served.
async fn pour(load: Load, mut done: impl FnMut(Option<Duration>) -> bool) -> u64 {
    let mut served = 0;
    loop {
        let retry = match load.echo(EchoRequest::default()).await {
            Ok(_) => {
                served += 1;
                None
            }
            Err(status) => {
                let refusal = refusal(&status);
                assert_eq!(refusal.reason, Some(Reason::QuotaExceeded), "{status:?}");
                refusal.retry
            }
        };
        if done(retry) {
            return served;
        }
    }
}

#[tokio::test]
async fn two_gateways_together_grant_a_quota_of_a_second_and_not_twice_of_it() {
    const QUOTA: u32 = 20;
    let hub = EchoHub::start().await;
    hub.publish_changed(quota(QUOTA, 0)).await;
    let second = hub.start_another_gateway().await;
    within("the second has the rules", || async { second.revision() == hub.revision() }).await;
    within("each knows of the other", || async { hub.gateways() == 2 && second.gateways() == 2 }).await;

    let began = Instant::now();
    let over = |_: Option<Duration>| began.elapsed() > Duration::from_secs(7);
    let (of_one, of_other) = tokio::join!(pour(hub.load(), over), pour(second.load(), over));
    let seconds = began.elapsed().as_secs() + 2;
    let together = of_one + of_other;
    assert!(together <= u64::from(QUOTA) * (seconds + 1), "{of_one} and {of_other} in {seconds} s");
    assert!(of_one > 0 && of_other > 0, "{of_one} and {of_other}");
    assert!(together > u64::from(QUOTA) * 2, "{of_one} and {of_other}");
}

#[tokio::test]
async fn a_gateway_alone_at_work_grants_more_than_its_even_part() {
    const QUOTA: u32 = 20;
    let hub = EchoHub::start().await;
    hub.publish_changed(quota(QUOTA, 0)).await;
    let second = hub.start_another_gateway().await;
    within("each knows of the other", || async { hub.gateways() == 2 && second.gateways() == 2 }).await;
    let follows = async {
        let (mut second, mut served) = (0, 0);
        while served <= QUOTA / 2 + 5 {
            let now = unix_micros(SystemTime::now()) / 1_000_000;
            if now != second {
                (second, served) = (now, 0);
            }
            served += u32::from(hub.echo(EchoRequest::default()).await.is_ok());
        }
    };
    tokio::time::timeout(PATIENCE, follows).await.expect("its share follows what it is asked for");
}

#[tokio::test]
async fn a_gateway_that_is_started_anew_continues_the_count_of_the_day() {
    let hub = EchoHub::start().await;
    hub.publish_changed(quota(0, 5)).await;
    for _ in 0..3 {
        hub.echo(EchoRequest::default()).await.expect("within the quota");
    }
    hub.until_used(AGREEMENT, 3).await;
    hub.kill_gateway();

    let second = hub.start_another_gateway().await;
    for _ in 0..2 {
        second.echo(EchoRequest::default()).await.expect("what the day has left");
    }
    let refusal = refused(second.echo(EchoRequest::default()).await, Reason::QuotaExceeded);
    assert!(refusal.retry > Some(Duration::from_secs(1)), "tomorrow: {:?}", refusal.retry);
}

#[tokio::test]
async fn two_gateways_exceed_a_quota_of_a_day_by_a_second_of_each_at_most() {
    const PER_SECOND: u32 = 10;
    const PER_DAY: u64 = 40;
    let hub = EchoHub::start().await;
    hub.publish_changed(quota(PER_SECOND, PER_DAY)).await;
    let second = hub.start_another_gateway().await;
    within("the second has the rules", || async { second.revision() == hub.revision() }).await;
    within("each knows of the other", || async { hub.gateways() == 2 && second.gateways() == 2 }).await;
    let tomorrow = |retry: Option<Duration>| retry > Some(Duration::from_secs(1));
    let (of_one, of_other) = tokio::join!(pour(hub.load(), tomorrow), pour(second.load(), tomorrow));
    let together = of_one + of_other;
    assert!((PER_DAY..=PER_DAY + 2 * u64::from(PER_SECOND)).contains(&together), "{of_one} and {of_other}");
}

/// The sealed part of an exchange that never was.
fn forged(exchange: ExchangeId) -> Vec<u8> {
    let now = unix_micros(SystemTime::now());
    let sealed = Sealed {
        exchange_id: exchange.as_bytes().to_vec().into(),
        phase: Phase::Final.into(),
        gateway: "gateway-x".to_owned(),
        agreement: AGREEMENT.to_owned(),
        admitted_us: now,
        sent_us: now,
        entered_us: now,
        ..Sealed::default()
    };
    sealed.encode_to_vec()
}

#[tokio::test]
async fn a_stranger_on_kafka_takes_no_quota_away() {
    let hub = EchoHub::start().await;
    hub.publish_changed(quota(0, 5)).await;
    for key in [None, Some(MacKey::new([7; 32]))] {
        for _ in 0..5 {
            let exchange = ExchangeId::new();
            let sealed = forged(exchange);
            let sealed =
                key.as_ref().map_or_else(|| sealed.clone(), |key| lgsp_bus::entry::sign(key, &sealed));
            let entry = Entry { sealed: sealed.into(), erasable: None };
            let (topic, value) = (lgsp_bus::topics::EXCHANGE, entry.encode_to_vec());
            hub.bus().publish(topic, None, exchange.as_bytes(), &value, &[]).await.expect("anybody may");
            let kept = hub.final_entry(Some(exchange)).await;
            assert_eq!(kept.agreement, AGREEMENT, "it is kept as all that comes");
        }
    }
    hub.echo(EchoRequest::default()).await.expect("within the quota");
    hub.until_used(AGREEMENT, 1).await;
    let usage = Usage {
        agreement: AGREEMENT.to_owned(),
        day: day(unix_micros(SystemTime::now())),
        used: 1_000,
        gateways: vec![GatewayUsage { gateway: "gateway-x".to_owned(), used: 1_000 }],
    };
    let mac = hex::encode([7; 32]);
    for headers in [&[][..], &[("lgsp-mac", mac.as_bytes())]] {
        let (topic, value) = (lgsp_bus::topics::USAGE, usage.encode_to_vec());
        hub.bus().publish(topic, Some(0), AGREEMENT.as_bytes(), &value, headers).await.expect("anybody may");
    }
    // It takes in all that is there before it serves.
    let second = hub.start_another_gateway().await;
    for _ in 0..4 {
        second.echo(EchoRequest::default()).await.expect("within the quota");
    }
    refused(second.echo(EchoRequest::default()).await, Reason::QuotaExceeded);
}

#[tokio::test]
async fn an_exchange_that_could_not_be_sent_takes_nothing_of_a_quota() {
    let hub = EchoHub::start_without_adapter().await;
    hub.until_listened_for_providers().await;
    hub.publish_changed(quota(0, 2)).await;
    for _ in 0..5 {
        refused(hub.echo(EchoRequest::default()).await, Reason::NoProvider);
    }
    hub.add_adapter().await;
    within("it is known", || async { hub.echo(EchoRequest::default()).await.is_ok() }).await;
    hub.echo(EchoRequest::default()).await.expect("within the quota");
    refused(hub.echo(EchoRequest::default()).await, Reason::QuotaExceeded);
}
