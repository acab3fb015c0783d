//! The health domain as FHIR has it: references that lead somewhere, and what a server that was loaded answers.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use lgsp_sample::persons::{ALL_FIELDS, MASKED, NOT_FOUND, REFUSED_PURPOSE};
use lgsp_sample::{City, Config, Home, fhir, load_fhir, write_fhir};
use serde_json::{Value, json};

const CONFIG: Config = Config { seed: 92, citizens: 400 };

fn homes() -> Vec<Home> {
    City::new(CONFIG).unwrap().collect()
}

fn bundles(homes: &[Home]) -> Vec<Value> {
    let mut all = vec![fhir::catalogue()];
    all.extend(fhir::transactions(homes));
    all
}

fn resources(bundles: &[Value]) -> impl Iterator<Item = &Value> {
    let entries = bundles.iter().flat_map(|bundle| bundle["entry"].as_array().unwrap());
    entries.map(|entry| &entry["resource"])
}

fn of_kind<'a>(bundles: &'a [Value], kind: &str) -> Vec<&'a Value> {
    resources(bundles).filter(|resource| resource["resourceType"] == kind).collect()
}

/// All references in a value, those into the resource itself excepted.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_str().filter(|text| name == "reference" && !text.starts_with('#')) {
                    Some(reference) => found.push(reference.to_owned()),
                    None => references(field, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_resource_is_put_under_its_own_id_marked_as_made_up_and_refers_to_what_is_there() {
    let bundles = bundles(&homes());
    let mut there = HashSet::new();
    for bundle in &bundles {
        assert_eq!((&bundle["resourceType"], &bundle["type"]), (&json!("Bundle"), &json!("transaction")));
        let mut wanted = Vec::new();
        for entry in bundle["entry"].as_array().unwrap() {
            let resource = &entry["resource"];
            let url = entry["request"]["url"].as_str().unwrap();
            assert_eq!(entry["request"]["method"], "PUT");
            assert!(there.insert(url.to_owned()), "{url} is there twice");
            let (kind, id) = url.split_once('/').unwrap();
            assert_eq!((&resource["resourceType"], &resource["id"]), (&json!(kind), &json!(id)));
            let is_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
            assert!((1..=64).contains(&id.len()) && id.bytes().all(is_id), "{id}");
            assert_eq!(resource["meta"]["tag"][0]["code"], "HTEST");
            references(resource, &mut wanted);
        }
        for reference in wanted {
            assert!(there.contains(&reference), "{reference}");
        }
    }
}

#[test]
fn everybody_who_holds_a_card_is_a_patient_and_nothing_is_lost() {
    let homes = homes();
    let bundles = bundles(&homes);
    let count = |kind| of_kind(&bundles, kind).len();
    let patients = || homes.iter().flat_map(|home| &home.patients);
    let cards: usize = homes.iter().map(|home| home.cards.len()).sum();
    assert_eq!(count("Coverage"), cards);
    assert!(count("Patient") >= patients().count());
    assert_eq!(count("Immunization"), patients().map(|patient| patient.immunizations.len()).sum::<usize>());
    assert_eq!(count("AllergyIntolerance"), patients().map(|patient| patient.allergies.len()).sum::<usize>());
    assert_eq!(count("Condition"), patients().map(|patient| patient.conditions.len()).sum::<usize>());
    assert_eq!(
        count("MedicationStatement"),
        patients().map(|patient| patient.medications.len()).sum::<usize>()
    );
    assert_eq!(count("Encounter"), patients().map(|patient| patient.encounters.len()).sum::<usize>());
    assert_eq!(count("Organization"), 114);
    let suspended = of_kind(&bundles, "Coverage").iter().filter(|one| one["status"] == "cancelled").count();
    let withdrawn = homes.iter().flat_map(|home| &home.cards).filter(|card| card.suspended_from.is_some());
    assert_eq!(suspended, withdrawn.count());
}

#[test]
fn the_person_with_all_fields_has_them_as_fhir_has_them() {
    let bundles = bundles(&homes());
    let patient = of_kind(&bundles, "Patient")[0];
    let identifiers: Vec<&str> = patient["identifier"]
        .as_array()
        .unwrap()
        .iter()
        .map(|identifier| identifier["value"].as_str().unwrap())
        .collect();
    let record = ALL_FIELDS.record.unwrap();
    let expected =
        [record.personal_number, record.old_identity_number, record.card_number, &record.card_number[5..]];
    assert_eq!(identifiers, expected);
    assert_eq!(patient["birthDate"], record.date_of_birth);
    assert_eq!(patient["contact"][0]["relationship"][0]["coding"][0]["code"], "C");
    assert!(patient["address"][0]["extension"][0]["valueCode"].is_string());
    let of_patient = |kind| {
        let subject = json!(format!("Patient/{}", patient["id"].as_str().unwrap()));
        let of_kind = of_kind(&bundles, kind);
        of_kind.into_iter().filter(|one| one["subject"]["reference"] == subject).collect::<Vec<_>>()
    };
    let observed: Vec<&Value> =
        of_patient("Observation").iter().map(|one| &one["code"]["coding"][0]["code"]).collect();
    assert_eq!(observed, ["882-1", "8302-2", "29463-7"]);
    let over = of_patient("Condition").into_iter().find(|one| one["abatementDateTime"].is_string()).unwrap();
    assert_eq!(over["clinicalStatus"]["coding"][0]["code"], "resolved");
    assert!(of_patient("MedicationStatement")[0]["contained"][0]["ingredient"].is_array());
}

#[tokio::test]
async fn a_file_has_one_transaction_a_line_and_no_draft_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("health.ndjson");
    let summary = write_fhir(&path, CONFIG, |_| ()).await.unwrap();
    assert_eq!(summary.config, CONFIG);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(resources(&lines).count(), resources(&bundles(&homes())).count());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let missing = dir.path().join("none").join("health.ndjson");
    assert!(write_fhir(&missing, CONFIG, |_| ()).await.is_err());
}

#[tokio::test]
async fn a_base_url_that_cannot_be_used_is_refused() {
    for base in ["https://fhir.example/r4", "fhir.example", "http://", "http://127.0.0.1:1/fhir"] {
        assert!(load_fhir(base, CONFIG, |_| ()).await.is_err(), "{base}");
    }
}

/// The server, if there is one.
fn server() -> Option<String> {
    let server = std::env::var("LGSP_TEST_FHIR").ok().filter(|server| !server.is_empty());
    if server.is_none() {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        let is_required = std::env::var("LGSP_REQUIRE_SERVERS").as_deref() == Ok("1");
        assert!(!is_required, "{test} needs LGSP_TEST_FHIR");
        eprintln!("skipped: {test} needs LGSP_TEST_FHIR");
    }
    server
}

/// The answer to a search.
async fn search(server: &str, search: &str) -> Value {
    let http = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let answer = http.get(format!("{server}/{search}").parse().unwrap()).await.unwrap();
    assert!(answer.status().is_success(), "{search}: {}", answer.status());
    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

async fn total(server: &str, of: &str) -> u64 {
    search(server, &format!("{of}&_summary=count")).await["total"].as_u64().unwrap()
}

#[tokio::test]
async fn a_real_server_takes_the_city_twice_and_finds_the_named_persons() {
    let Some(server) = server() else { return };
    let small = Config { seed: 92, citizens: 100 };
    let mut last = 0;
    for _ in 0..2 {
        load_fhir(&server, small, |progress| last = progress.citizens).await.unwrap();
    }
    assert_eq!(last, 100);

    let by_number = |number: &str| {
        format!("Patient?identifier=http://fhir.ehealth.gov.vn/core/sid/national_id%7C{number}")
    };
    for person in [ALL_FIELDS, MASKED, REFUSED_PURPOSE] {
        assert_eq!(total(&server, &by_number(person.personal_number)).await, 1);
    }
    assert_eq!(total(&server, &by_number(NOT_FOUND.personal_number)).await, 0);
    let homes: Vec<Home> = City::new(small).unwrap().collect();
    let doses = homes[0].patients[0].immunizations.len() as u64;
    assert_eq!(total(&server, "Immunization?patient=Patient/lgsp-1").await, doses);
    assert_eq!(total(&server, "Coverage?beneficiary=Patient/lgsp-1").await, 3);
    assert_eq!(total(&server, "Encounter?patient=Patient/lgsp-1&status=finished").await, 3);

    let another = load_fhir(&server, Config { seed: 93, ..small }, |_| ()).await;
    assert!(another.unwrap_err().to_string().contains("another synthetic city"));
}
