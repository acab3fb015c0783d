//! What is told of the bus itself: how far readers are behind, what Kafka has, and dead letters.

use lgsp_bus::metrics::CONSUMER_LAG;
use lgsp_bus::topics::{self, DEAD_LETTER, Lag, request};
use lgsp_bus::{Bus, Options, ServeOptions};
use lgsp_runtime::metrics::Metrics;
use std::time::Duration;

use crate::hub::*;

/// What a domain is behind on its requests, as `/metrics` has it.
fn lag(metrics: &Metrics, domain: &str) -> Option<i64> {
    let series = format!("{}{{lgsp_domain=\"{domain}\"", CONSUMER_LAG.prometheus_name());
    let page = metrics.prometheus();
    let line = page.lines().find(|line| line.starts_with(&series))?;
    Some(line.rsplit(' ').next()?.parse::<f64>().unwrap() as i64)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_without_an_answer_are_the_lag_of_their_domain() {
    let (bus, metrics, provider) = (bus(), Metrics::default(), Provider::default());
    bus.show(&metrics);
    let (serving, shutdown) = serving(&bus, "lag", provider.clone(), ServeOptions::default()).await;
    within("partitions", serving.until_ready()).await;
    until("no lag", || lag(&metrics, "lag") == Some(0)).await;
    let caller = caller(&bus, "lag").await;
    let patient =
        || lgsp_bus::RequestHead { deadline_us: from_now(Duration::from_secs(60)), ..head("lag", LIST) };
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(caller.call(patient(), list("wait")).await.unwrap());
    }
    until("three that wait", || lag(&metrics, "lag") == Some(3)).await;
    assert_eq!(bus.lags().by_domain().get("lag"), Some(&3), "alerts are made of the same");
    until("all at work", || provider.calls() == 3).await;
    provider.go.notify_waiters();
    for reply in &mut held {
        assert!(answer(reply).await.is_ok());
    }
    until("no lag again", || lag(&metrics, "lag") == Some(0)).await;
    drop(serving);
    shutdown.run().await;
    until("nobody to tell", || lag(&metrics, "lag").is_none()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_survey_tells_partitions_and_what_a_group_has_not_answered() {
    let Ok(brokers) = std::env::var("LGSP_TEST_KAFKA") else {
        eprintln!("skipped: nobody outside its process can ask the embedded broker");
        return;
    };
    let bus = Bus::open(Options {
        brokers: Some(brokers),
        namespace: format!("lgsp-bus-survey-{:08x}", rand::random::<u32>()),
        domains: vec!["surveyed".to_owned()],
        request_partitions: 2,
        reply_partitions: 1,
        exchange_partitions: 1,
        ..Options::default()
    });
    let bus = bus.unwrap();
    topics::apply(&bus).await.unwrap();
    for _ in 0..5 {
        within("published", bus.publish(&request("surveyed"), Some(1), b"k", b"v", &[])).await.unwrap();
    }
    let survey = topics::survey(&bus).await.unwrap();
    assert_eq!(survey.brokers.len(), 1);
    let partitions: Vec<usize> = survey.topics.iter().map(|topic| topic.partitions).collect();
    assert_eq!(partitions, [2, 1, 1, 1, 1, 1, 1], "{:?}", survey.topics);
    assert!(survey.topics.iter().all(|it| it.replicas == 1 && it.lacking_leader.is_empty()));
    assert_eq!(survey.topics[0].records, Some(5));
    let group = &survey.groups[0];
    assert_eq!(group.lag, Some(Lag { records: 5, partition: 1, most: 5 }));
    assert_eq!(group.members.as_ref().map(|(_, members)| *members), Some(0), "{group:?}");

    let (serving, _shutdown) = serving(&bus, "surveyed", Provider::default(), ServeOptions::default()).await;
    within("partitions", serving.until_ready()).await;
    let served = async {
        loop {
            let group = topics::survey(&bus).await.unwrap().groups.remove(0);
            // Strangers' requests are refused, and with that done with.
            if group.lag.is_some_and(|lag| lag.records == 0) {
                return group;
            }
        }
    };
    let group = within("all five to be done with", served).await;
    assert_eq!(group.members, Some(("Stable".to_owned(), 1)));
    let (letters, all) = topics::dead_letters(&bus, 3).await.unwrap();
    assert_eq!((letters.len(), all), (3, 5));
    assert!(letters.iter().all(|letter| letter.partition == "1" && !letter.cause.is_empty()), "{letters:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_read_by_their_headers_the_newest_first() {
    let bus = Bus::open(Options { domains: vec!["letters".to_owned()], ..Options::default() }).unwrap();
    assert_eq!(topics::dead_letters(&bus, 9).await.unwrap(), (Vec::new(), 0));
    for (offset, application) in [("1", "tthc"), ("2", "079190000001"), ("3", "spp")] {
        let headers: [(&str, &[u8]); 3] = [
            ("lgsp-cause", b"the service panicked"),
            ("lgsp-offset", offset.as_bytes()),
            ("lgsp-application", application.as_bytes()),
        ];
        within("published", bus.publish(DEAD_LETTER, Some(0), b"", b"x", &headers)).await.unwrap();
    }
    let (letters, all) = topics::dead_letters(&bus, 2).await.unwrap();
    let read: Vec<(&str, &str)> =
        letters.iter().map(|letter| (letter.offset.as_str(), letter.application.as_str())).collect();
    assert_eq!((read, all), (vec![("3", "spp"), ("2", "")], 3));
}
