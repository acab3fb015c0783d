//! The sample traffic of a city: who takes part, how it ends, what it leaves in the log, and that it never keeps the hub.

use std::collections::HashSet;
use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::{Duration, Instant};

use lgsp::traffic::{ENVIRONMENT, Hours, Options, REQUEST_IDS};
use lgsp_core::{Outcome, Reason};
use lgsp_proto::ledger::v1::{Exchange, ExchangeFilter, ListExchangesRequest};
use lgsp_proto::registry::v1::{ListApplicationsRequest, ListServicesRequest};
use lgsp_sample::City;

use crate::caller::App;
use crate::fixture::{Hub, ended, within};

const CITIZENS: u32 = 300;
/// As fast as the hub answers.
const BUSIEST: Options = Options { per_minute: NonZeroU32::new(60_000).unwrap(), hours: Hours::Always };
/// How long the end of a hub may take, whatever is in flight.
const PROMPT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_citys_traffic_has_every_application_service_and_outcome_and_leaves_no_number_in_the_log() {
    let (hub, _dir) = Hub::start_with_traffic(CITIZENS, BUSIEST).await;
    let operator = hub.app("dieu-hanh");
    for application in city_applications(&operator).await {
        let filter = ExchangeFilter { application: application.clone(), ..Default::default() };
        within(&format!("{application} takes part"), || has_some(&operator, &filter)).await;
    }
    for service in data_services(&operator).await {
        let filter = ExchangeFilter { service: service.clone(), ..Default::default() };
        within(&format!("{service} is asked"), || has_some(&operator, &filter)).await;
    }
    for outcome in [Outcome::Served, Outcome::NotFound, Outcome::Denied, Outcome::Invalid] {
        let filter = ExchangeFilter { outcome: outcome.into(), ..Default::default() };
        within(&format!("some end as {outcome:?}"), || has_some(&operator, &filter)).await;
    }
    for exchange in list(&operator, &ExchangeFilter::default(), 1_000).await {
        let sealed = exchange.sealed.expect("shown");
        assert_eq!(sealed.environment, ENVIRONMENT, "it never counts as production");
    }

    let unexpected = hub.fact("sample-traffic", "unexpected");
    within("what ended unexpectedly, ended at a quota", || async {
        // At this rate an agreement's quota may be used up, which is no step of any scenario.
        refusals_at_a_quota(&operator).await >= unexpected
    })
    .await;

    let log = hub.data().join("ledger");
    let began = Instant::now();
    let failed = ["failed", "timed-out"].map(|name| hub.fact("sample-traffic", name));
    hub.stop().await;
    assert!(began.elapsed() < PROMPT, "it ended after {:?}", began.elapsed());
    assert_eq!(failed, [0, 0], "failed and timed out");

    let written = files_of(&log);
    let is_marked =
        |file: &Vec<u8>| file.windows(REQUEST_IDS.len()).any(|text| text == REQUEST_IDS.as_bytes());
    assert!(written.iter().any(is_marked), "sample traffic is recognisable in the log");
    let numbers = numbers_of_the_city();
    for number in written.iter().flat_map(|file| digits(file)) {
        let of_a_person = |length| number.as_bytes().windows(length).any(|part| numbers.contains(part));
        assert!(!of_a_person(12) && !of_a_person(9), "a personal number is in the log");
    }
}

#[tokio::test]
async fn a_hub_with_traffic_in_flight_ends_promptly_and_in_order() {
    let (hub, _dir) = Hub::start_with_traffic(100, BUSIEST).await;
    within("exchanges are made", || async { hub.fact("sample-traffic", "served") > 20 }).await;
    let (began, broker) = (Instant::now(), hub.broker());
    hub.stop().await;
    assert!(began.elapsed() < PROMPT, "it ended after {:?}", began.elapsed());
    ended(broker).await;
}

async fn city_applications(operator: &App) -> Vec<String> {
    let request = operator.request(ListApplicationsRequest::default());
    let listed = operator.registry().list_applications(request).await.expect("served").into_inner();
    let of_city = listed.applications.into_iter().filter(|application| !application.platform);
    let ids: Vec<String> = of_city.map(|application| application.id).collect();
    assert_eq!(ids.len(), 11);
    ids
}

async fn data_services(operator: &App) -> Vec<String> {
    let request = operator.request(ListServicesRequest::default());
    let listed = operator.registry().list_services(request).await.expect("served").into_inner();
    let offered = listed.services.into_iter().filter(|service| !service.platform);
    offered.map(|service| service.name).collect()
}

async fn has_some(operator: &App, filter: &ExchangeFilter) -> bool {
    !list(operator, filter, 1).await.is_empty()
}

async fn list(operator: &App, filter: &ExchangeFilter, page_size: i32) -> Vec<Exchange> {
    let request = ListExchangesRequest { filter: Some(filter.clone()), page_size, ..Default::default() };
    let listed = operator.ledger().list_exchanges(operator.request(request)).await;
    listed.map(|listed| listed.into_inner().exchanges).unwrap_or_default()
}

async fn refusals_at_a_quota(operator: &App) -> i64 {
    let filter = ExchangeFilter { outcome: Outcome::Denied.into(), ..Default::default() };
    let mut request = ListExchangesRequest { filter: Some(filter), page_size: 1_000, ..Default::default() };
    let mut count = 0;
    loop {
        let page = operator.ledger().list_exchanges(operator.request(request.clone())).await;
        let page = page.expect("served").into_inner();
        let at_a_quota = |exchange: &&Exchange| exchange.reason == Reason::QuotaExceeded.name();
        count += page.exchanges.iter().filter(at_a_quota).count() as i64;
        if page.next_page_token.is_empty() {
            return count;
        }
        request.page_token = page.next_page_token;
    }
}

fn numbers_of_the_city() -> HashSet<Vec<u8>> {
    let city = City::new(lgsp_sample::Config { citizens: CITIZENS, seed: 1 }).expect("a city");
    let mut numbers = HashSet::new();
    for citizen in city.flat_map(|home| home.citizens) {
        numbers.insert(citizen.personal_number.as_str().as_bytes().to_vec());
        numbers.extend(citizen.old_identity.map(|old| old.as_str().as_bytes().to_vec()));
    }
    numbers
}

/// What is written below a folder.
fn files_of(dir: &Path) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(files_of(&path))
        } else {
            files.push(fs::read(path).expect("a file"))
        }
    }
    files
}

/// The runs of digits that are long enough for the number of a person.
fn digits(file: &[u8]) -> impl Iterator<Item = String> {
    let runs = file.split(|byte| !byte.is_ascii_digit()).filter(|run| run.len() >= 9);
    runs.map(|run| String::from_utf8_lossy(run).into_owned())
}
