//! A ward of 100,000 residents, on every database at hand: page by page to the end, and a stream of it through the hub.

use std::collections::HashSet;

use futures::TryStreamExt as _;
use lgsp_adapter::Options;
use lgsp_adapter::testing::{Database, native};
use lgsp_core::Outcome;
use lgsp_proto::options::MethodRules;
use lgsp_proto::population::v1::population_service_client::PopulationServiceClient;
use lgsp_proto::population::v1::{ListResidentsRequest, ListResidentsResponse};
use prost::Message as _;

use super::ANOTHER_CITY;
use crate::caller::exchange_of;
use crate::dynamic::method;
use crate::fixture::Hub;

const SCHEMA: &str = include_str!("../../../../crates/sample/schema/population.sql");
const RESIDENTS: usize = 100_000;
/// From this one on an address is so long that bytes end a stream, and not the number of its messages.
const FIRST_LONG: usize = 50_001;
const WARD: &str = "31321";
const LARGEST_PAGE: i32 = 5_000;

#[tokio::test]
async fn a_ward_of_100_000_is_paged_without_a_gap_in_streams_within_their_limits() {
    let limits = limits();
    for database in crowded().await {
        let adapter = lgsp_adapter_population::open(&Options::of(database.url())).await.expect("opened");
        let mut client = PopulationServiceClient::new(adapter.routes.clone());
        let (mut numbers, mut lengths, mut page_token) = (Vec::new(), HashSet::new(), String::new());
        loop {
            let answer = client.list_residents(asked(page_token)).await.expect("begun").into_inner();
            let page: Vec<ListResidentsResponse> = answer.try_collect().await.expect("streamed");
            let bytes: usize = page.iter().map(|message| message.encoded_len()).sum();
            assert!(page.len() <= limits.max_stream_messages as usize, "{} messages", page.len());
            assert!(bytes as u64 <= limits.max_stream_bytes, "{bytes} bytes");
            page_token = page.last().expect("no page is empty").next_page_token.clone();
            lengths.insert(page.len());
            numbers.extend(page.into_iter().map(|message| message.resident.expect("one").personal_number));
            if page_token.is_empty() {
                break;
            }
        }
        // In the order of their addresses, so that one missing, twice or out of order shows.
        let expected: Vec<String> = (1..=RESIDENTS).map(number).collect();
        assert!(numbers == expected, "{} residents on {database:?}", numbers.len());
        assert!(
            lengths.contains(&(LARGEST_PAGE as usize)),
            "some streams end by their messages: {lengths:?}"
        );
        assert!(lengths.len() > 1, "and some by their bytes: {lengths:?}");
    }
}

#[tokio::test]
async fn the_largest_stream_passes_the_hub_whole() {
    for database in crowded().await {
        let url = database.url().to_owned();
        let hub = Hub::start_with(ANOTHER_CITY, |config| config.population.source.url = url).await;
        let app = hub.tthc().purpose("statistics");
        let answer = app.population().list_residents(app.request(asked(String::new()))).await.expect("begun");
        let id = exchange_of(answer.metadata());
        let page: Vec<ListResidentsResponse> = answer.into_inner().try_collect().await.expect("streamed");
        let numbers: Vec<String> =
            page.iter().map(|message| message.resident.clone().expect("one").personal_number).collect();
        assert!(numbers.iter().eq((1..=LARGEST_PAGE as usize).map(number).collect::<Vec<_>>().iter()));
        assert!(!page.last().expect("not empty").next_page_token.is_empty(), "more follow");
        let entry = hub.final_entry(id).await;
        assert_eq!((entry.outcome(), entry.record_count), (Outcome::Served, LARGEST_PAGE as u32));
        hub.stop().await;
    }
}

fn limits() -> MethodRules {
    lgsp_proto::options::method(&method("lgsp.population.v1.PopulationService/ListResidents"))
}

fn asked(page_token: String) -> ListResidentsRequest {
    ListResidentsRequest {
        ward_code: WARD.to_owned(),
        page_size: LARGEST_PAGE,
        page_token,
        ..Default::default()
    }
}

/// The personal number of a resident, by the place in the ward's order.
fn number(place: usize) -> String {
    format!("092190{place:06}")
}

/// Databases with nobody but the residents of one ward.
async fn crowded() -> Vec<Database> {
    let databases = Database::each().await;
    for database in &databases {
        let schema = native(database.dialect(), SCHEMA);
        database.filled(&format!("{schema}\n{}", residents())).await.close().await;
    }
    databases
}

/// Made by the database itself. Their records have ids in another order than their addresses.
fn residents() -> String {
    let places = format!(
        "WITH RECURSIVE place(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM place WHERE n < {RESIDENTS})"
    );
    let long = "Đường Nguyễn Văn Cừ nối dài, ".repeat(20);
    format!(
        "INSERT INTO source VALUES (1, 'csdl-dancu-test', 'G01.92', 1, 1);
         INSERT INTO citizen (citizen_id, personal_number, full_name, date_of_birth, sex, updated_us, as_of_us)
             {places}
             SELECT {RESIDENTS} + 1 - n, '092190' || substr(CAST(1000000 + n AS TEXT), 2), 'Nguyễn Thị Đông',
                    '1990', 2, 1770000000000000, 1780000000000000 FROM place;
         INSERT INTO address (address_id, citizen_id, kind, line, ward_code)
             {places}
             SELECT n, {RESIDENTS} + 1 - n, 1, CASE WHEN n < {FIRST_LONG} THEN 'Số 1' ELSE '{long}' END, '{WARD}'
             FROM place;
         ANALYZE;"
    )
}
