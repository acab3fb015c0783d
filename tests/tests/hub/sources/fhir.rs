//! The city's health records on a FHIR server, and all else on PostgreSQL: nothing is lost on the way through FHIR.

use lgsp_core::Reason;
use lgsp_store::testing::REQUIRE_SERVERS;
use serde_json::Value;

use super::{
    ANOTHER_CITY, Answer, Answers, CITY, answers_of, answers_on_sqlite, assert_alike, city_on_postgresql,
    homes, read_as_reader,
};
use crate::fixture::Hub;

/// Names the server that `deploy/fhir` starts.
const SERVER: &str = "LGSP_TEST_FHIR";
/// The homes of the named persons, and some more.
const HOMES: usize = 12;
/// A FHIR server for tests takes its time, and other tests take its processor.
const AT_ONCE: usize = 2;
const HEALTH: &str = "lgsp.health.v1.HealthService/";
/// Fields that a FHIR server has of its own.
const ITS_OWN: [&str; 5] = ["asOf", "immunizationId", "nextPageToken", "patientId", "updated"];
/// Lists whose order the contract leaves open, or open among those of one day.
const UNORDERED: [&str; 5] = ["allergies", "conditions", "encounters", "immunizations", "medications"];
/// What a summary has only of a patient, and not of whoever merely holds a card.
const CLINICAL: [&str; 5] = ["allergies", "bloodType", "conditions", "encounters", "medications"];

#[tokio::test]
async fn health_answers_alike_on_a_fhir_server_and_all_else_on_postgresql() {
    let Some(server) = city_on_fhir().await else { return };
    let Some(database) = city_on_postgresql().await else { return };
    let hub = Hub::start_with(ANOTHER_CITY, |config| {
        read_as_reader(config, &database);
        config.fhir.url = server;
        // As the database names itself.
        config.fhir.name = "csdl-yte-cantho".to_owned();
        config.fhir.agency_code = "H13.06".to_owned();
    });
    let told = Box::pin(answers_of(hub.await, &homes()[..HOMES], AT_ONCE)).await;
    let is_health = |(method, _): &(&str, String)| method.starts_with(HEALTH);
    let (health, told): (Answers, Answers) = told.into_iter().partition(|(asked, _)| is_health(asked));
    let expected = answers_on_sqlite().await;
    assert_alike(expected, &told);
    for (asked, answer) in &health {
        assert_health_alike(asked, &expected[asked], answer);
    }
}

/// The URL of the FHIR server for tests, with the health records of the city.
async fn city_on_fhir() -> Option<String> {
    let server = std::env::var(SERVER).ok().filter(|server| !server.is_empty());
    let Some(server) = server else {
        assert!(std::env::var(REQUIRE_SERVERS).as_deref() != Ok("1"), "health on FHIR needs {SERVER}");
        eprintln!("skipped: health on FHIR through the hub: needs {SERVER}");
        return None;
    };
    lgsp_sample::load_fhir(&server, CITY, |_| ()).await.expect("the city is loaded");
    Some(server)
}

/// Holds an answer that comes from FHIR against the database's. Where they differ, FHIR knows more: a card's holder is a patient there, with
/// the personal number that an old card lacks, even if nobody ever treated them.
fn assert_health_alike(asked: &(&str, String), expected: &Answer, told: &Answer) {
    match (expected, told) {
        (Ok(expected), Ok(told)) => {
            let (expected, mut told) = (comparable(expected), comparable(told));
            if let (true, Some(card)) = (expected["card"]["personalNumber"].is_null(), told.get_mut("card")) {
                card.as_object_mut().expect("a card").remove("personalNumber");
            }
            assert_eq!(told, expected, "{asked:?}");
        }
        (Err(Some(Reason::NotFound)), Ok(messages)) if asked.0.ends_with("GetPatientSummary") => {
            let summary = messages[0]["summary"].as_object().expect("a summary");
            assert!(CLINICAL.iter().all(|field| !summary.contains_key(*field)), "{asked:?}: {summary:?}");
        }
        (Err(_), _) | (Ok(_), Err(_)) => assert_eq!(told, expected, "{asked:?}"),
    }
}

/// All pages of an answer as one message, without what a FHIR server has of its own, its lists in one order.
fn comparable(messages: &[Value]) -> Value {
    let mut pages = messages.iter().cloned();
    let mut all = pages.next().expect("an answer has a message");
    for mut page in pages {
        let (Some(list), Some(more)) =
            (all["immunizations"].as_array_mut(), page["immunizations"].as_array_mut())
        else {
            panic!("no list has pages but that of immunizations: {page}");
        };
        list.append(more);
    }
    put_in_order(&mut all);
    all
}

fn put_in_order(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !ITS_OWN.contains(&name.as_str()));
            for (name, field) in fields {
                put_in_order(field);
                if let (true, Some(items)) = (UNORDERED.contains(&name.as_str()), field.as_array_mut()) {
                    items.sort_by_key(ToString::to_string);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(put_in_order),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
