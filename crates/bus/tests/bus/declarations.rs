//! Topics as an operator finds and changes them. On Kafka only: the embedded broker has no configuration.

use lgsp_bus::topics::{self, Change, Problem};
use lgsp_bus::{Bus, Error, Options};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;

use crate::hub::*;

const SEVEN_DAYS: &str = "604800000";
const THIRTY_DAYS: &str = "2592000000";

/// A bus with topics of its own on the Kafka that the tests are given, if they are given one.
async fn own_topics(namespace: &str) -> Option<Bus> {
    let brokers = std::env::var("LGSP_TEST_KAFKA").ok()?;
    let bus = Bus::open(Options {
        brokers: Some(brokers),
        namespace: namespace.to_owned(),
        domains: vec!["declared".to_owned()],
        request_partitions: 1,
        reply_partitions: 1,
        exchange_partitions: 1,
        ..Options::default()
    });
    let bus = bus.unwrap();
    topics::apply(&bus).await.unwrap();
    Some(bus)
}

/// Sets the whole configuration of a topic, as an operator's tool does.
async fn set_by_hand(bus: &Bus, topic: &str, settings: &[(&str, &str)]) {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", bus.bootstrap()).create().unwrap();
    let alter = AlterConfig::new(ResourceSpecifier::Topic(topic));
    let alter = settings.iter().fold(alter, |alter, (key, value)| alter.set(key, value));
    let altered = within("the change", admin.alter_configs([&alter], &AdminOptions::new())).await;
    assert!(altered.unwrap().iter().all(Result::is_ok));
}

async fn change_of(bus: &Bus, name: &str) -> Change {
    let applied = topics::apply(bus).await.unwrap();
    applied.into_iter().find(|applied| applied.topic == name).unwrap().change
}

async fn problems_of(bus: &Bus, name: &str) -> Vec<String> {
    let problems = topics::check(bus).await.unwrap();
    let ours = problems.into_iter().filter(|Problem { topic, .. }| topic == name);
    ours.map(|Problem { problem, .. }| problem).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_kept_for_longer_are_left_alone_and_for_less_are_named_and_restored() {
    let Some(bus) = own_topics("lgsp-bus-declared").await else {
        eprintln!("skipped: the embedded broker has no configuration");
        return;
    };
    let entries = "lgsp-bus-declared.exchange";
    let kept_for = |period: &'static str| [("retention.ms", period), ("flush.messages", "1")];

    set_by_hand(&bus, entries, &kept_for(THIRTY_DAYS)).await;
    assert_eq!(problems_of(&bus, entries).await, [""; 0]);
    assert_eq!(change_of(&bus, entries).await, Change::Unchanged);

    // A change of another key must not take the longer period away either.
    set_by_hand(&bus, entries, &[("retention.ms", THIRTY_DAYS)]).await;
    assert_eq!(change_of(&bus, entries).await, Change::Configured(vec!["flush.messages".to_owned()]));
    set_by_hand(&bus, entries, &kept_for("3600000")).await;
    let named = format!("retention.ms is 3600000 instead of at least {SEVEN_DAYS}");
    assert_eq!(problems_of(&bus, entries).await, [named]);
    assert_eq!(change_of(&bus, entries).await, Change::Configured(vec!["retention.ms".to_owned()]));
    assert_eq!(problems_of(&bus, entries).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_keeps_no_acls_says_so_and_gives_no_rights() {
    let Some(bus) = own_topics("lgsp-bus-unkept").await else {
        eprintln!("skipped: the embedded broker has no configuration");
        return;
    };
    assert!(!topics::keeps_acls(&bus).await.unwrap());
    let refused = topics::grant(&bus).await.unwrap_err();
    assert!(matches!(refused, Error::NoAuthorizer) && refused.to_string().contains("SECURITY_DISABLED"));
}
