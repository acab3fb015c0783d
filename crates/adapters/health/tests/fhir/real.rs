//! The same questions to a real server, loaded with made-up persons of this test run.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use lgsp_adapter::health::Probe;
use lgsp_adapter::page;
use lgsp_adapter_health::{Parts, Source, Suspension};
use lgsp_proto::record::v1::PartialDate;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::persons::{allergy, coverage, dose, facility, patient, patient_in_full, tagged};
use crate::{EVERYTHING, card, holder, open, person, soon};

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

/// Six digits that no other test of this run or of one shortly before has.
fn serial() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let own = (now / 100 % 10_000) as u32 * 100 + NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{own:06}")
}

/// Writes records in one transaction.
async fn load(server: &str, resources: impl IntoIterator<Item = Value>) {
    let entry = |resource: Value| {
        let url =
            format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        json!({ "resource": resource, "request": { "method": "PUT", "url": url } })
    };
    let entries: Vec<Value> = resources.into_iter().map(entry).collect();
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
    let request = http::Request::post(server).header("content-type", "application/fhir+json");
    let request = request.body(Full::new(Bytes::from(bundle.to_string()))).unwrap();
    let http = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let answer = http.request(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
}

fn date(year: i32, month: i32, day: i32) -> Option<PartialDate> {
    Some(PartialDate { year, month, day })
}

#[tokio::test]
async fn a_real_server_is_healthy_and_knows_nobody_who_was_not_loaded() {
    let Some(server) = server() else { return };
    let source = open(&server);
    source.probe(soon()).await.unwrap();
    let nobody = "092000999999";
    assert_eq!(source.summary(&holder(nobody), EVERYTHING, soon()).await.unwrap(), None);
    assert!(source.cards(&holder(nobody), soon()).await.unwrap().is_empty());
    assert!(source.cards(&card("9999999999"), soon()).await.unwrap().is_empty());
    assert!(source.immunizations(&person(nobody), page::START, 10, soon()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_cards_of_a_holder_are_found_by_person_and_by_card() {
    let Some(server) = server() else { return };
    let serial = serial();
    let (id, number, old_card) = (format!("c{serial}"), format!("092058{serial}"), format!("361{serial}"));
    let (now, before) = (format!("HS4017920{serial}"), format!("GD4927920{serial}"));
    load(
        &server,
        [
            facility("92001"),
            patient_in_full(&id, &number, &old_card, &now, "92001"),
            coverage(&format!("{id}-1"), &id, &now, "active", ("2026-01-01", "2026-12-31")),
            coverage(&format!("{id}-2"), &id, &before, "cancelled", ("2025-01-01", "2025-12-31")),
        ],
    )
    .await;

    let source = open(&server);
    let social_insurance = &now[5..];
    for key in [holder(&number), holder(&old_card), card(&now), card(&before), card(social_insurance)] {
        let cards = source.cards(&key, soon()).await.unwrap();
        let told: Vec<_> = cards.iter().map(|card| (&*card.record.card_number, card.suspension)).collect();
        assert_eq!(told, [(&*now, None), (&*before, Some(Suspension::Undated))]);
        let card = &cards[0].record;
        assert_eq!((&*card.personal_number, &*card.full_name), (&*number, "Nguyễn Văn An"));
        assert_eq!((card.date_of_birth, card.valid_to), (date(1958, 7, 0), date(2026, 12, 31)));
        assert_eq!((&*card.facility_code, &*card.facility_name), ("92001", "Trạm y tế Cái Khế"));
        assert_eq!((&*card.benefit_code, card.five_years_from), ("4", date(2025, 3, 1)));
        let provenance = cards[0].provenance.as_ref().unwrap();
        assert!(provenance.synthetic && provenance.as_of.is_some());
    }
    assert!(source.not_understood().is_empty());
}

fn reference(kind: &str, id: &str) -> Value {
    json!({ "reference": format!("{kind}/{id}") })
}

fn icd10(code: &str, text: &str) -> Value {
    json!({ "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10", "code": code }], "text": text })
}

fn condition(id: &str, patient: &str, concept: Value, status: &str) -> Value {
    let clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical";
    tagged(json!({
        "resourceType": "Condition",
        "id": id,
        "clinicalStatus": { "coding": [{ "system": clinical, "code": status }] },
        "category": [{ "coding": [{ "system": "urn:lgsp:condition-category", "code": "chronic" }] }],
        "code": concept,
        "subject": reference("Patient", patient),
        "onsetDateTime": "2015",
        "recordedDate": "2015-03-02",
    }))
}

fn medication(id: &str, patient: &str) -> Value {
    tagged(json!({
        "resourceType": "MedicationStatement",
        "id": id,
        "status": "active",
        "contained": [{
            "resourceType": "Medication",
            "id": "m",
            "code": { "text": "Glucophage 500 mg" },
            "ingredient": [{ "itemCodeableConcept": { "text": "Metformin" } }],
        }],
        "medicationReference": { "reference": "#m" },
        "subject": reference("Patient", patient),
        "effectivePeriod": { "start": "2016-04" },
        "dosage": [{ "text": "1 viên, ngày 2 lần sau ăn" }],
    }))
}

fn encounter(id: &str, patient: &str, day: &str, class: &str, diagnosis: Option<&str>) -> Value {
    let mut encounter = json!({
        "resourceType": "Encounter",
        "id": id,
        "status": "finished",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": class },
        "subject": reference("Patient", patient),
        "period": { "start": day },
        "serviceProvider": reference("Organization", "92001"),
    });
    match diagnosis {
        Some(condition) => {
            encounter["diagnosis"] = json!([{ "condition": reference("Condition", condition) }])
        }
        None => encounter["reasonCode"] = json!([icd10("J06.9", "Nhiễm trùng hô hấp trên")]),
    }
    tagged(encounter)
}

fn observation(id: &str, patient: &str, code: &str, day: &str, value: (&str, Value)) -> Value {
    let mut observation = json!({
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
        "subject": reference("Patient", patient),
        "effectiveDateTime": day,
    });
    observation[value.0] = value.1;
    tagged(observation)
}

fn kilograms(value: f64) -> (&'static str, Value) {
    (
        "valueQuantity",
        json!({ "value": value, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg" }),
    )
}

#[tokio::test]
async fn a_summary_has_all_that_hangs_on_the_patient() {
    let Some(server) = server() else { return };
    let serial = serial();
    let (id, number) = (format!("s{serial}"), format!("092058{serial}"));
    let (old_card, insurance) = (format!("361{serial}"), format!("HS4017920{serial}"));
    let of = |part: &str| format!("{id}-{part}");
    load(
        &server,
        [
            facility("92001"),
            patient_in_full(&id, &number, &old_card, &insurance, "92001"),
            allergy(&of("a"), &id),
            condition(&of("c1"), &id, icd10("E11", "Đái tháo đường típ 2"), "active"),
            condition(&of("c2"), &id, icd10("J18.9", "Viêm phổi"), "resolved"),
            medication(&of("m"), &id),
            encounter(&of("e1"), &id, "2026-05-02T20:30:00Z", "IMP", Some(&of("c1"))),
            encounter(&of("e2"), &id, "2026-05-20", "AMB", None),
            observation(
                &of("o1"),
                &id,
                "882-1",
                "2010-01-01",
                ("valueCodeableConcept", json!({ "text": "AB+" })),
            ),
            observation(&of("o2"), &id, "29463-7", "2020-01-01", kilograms(70.0)),
            observation(&of("o3"), &id, "29463-7", "2026-01-01", kilograms(64.5)),
        ],
    )
    .await;

    let source = open(&server);
    for key in [holder(&number), holder(&old_card), card(&insurance), card(&insurance[5..])] {
        let summary = source.summary(&key, EVERYTHING, soon()).await.unwrap().expect("was loaded");
        assert_eq!((&*summary.patient_id, &*summary.personal_number), (&*id, &*number));
        assert_eq!(summary.insurance_card_number, insurance);
        assert_eq!((summary.date_of_birth, summary.sex), (date(1958, 7, 0), 1));
        let ward = summary.address.as_ref().unwrap().ward.as_ref().unwrap();
        assert_eq!((&*ward.code, &*ward.former_code), ("31120", "31117"));
        assert_eq!(summary.phone_number, "+84912345678");
        let contact = summary.emergency_contact.as_ref().unwrap();
        assert_eq!((&*contact.full_name, &*contact.relation), ("Trần Thị Bình", "vợ"));
        assert_eq!((&*summary.disability, summary.pregnant), ("vận động, mức độ nhẹ", false));
        assert_eq!((&*summary.blood_type, summary.height_cm, summary.weight_kg), ("AB+", 0.0, 64.5));
        assert_eq!((&*summary.facility_code, &*summary.facility_name), ("92001", "Trạm y tế Cái Khế"));
        assert!(summary.updated.is_some() && summary.provenance.as_ref().unwrap().synthetic);

        let [allergy] = &summary.allergies[..] else { panic!("one allergy: {:?}", summary.allergies) };
        assert_eq!((&*allergy.substance, allergy.severity), ("Penicillin", 3), "the gravest");
        assert_eq!((&*allergy.reaction, allergy.recorded_on), ("nổi mề đay, khó thở", date(2019, 5, 0)));
        let [condition] = &summary.conditions[..] else { panic!("what is over without an end is left out") };
        assert_eq!((&*condition.icd10_code, condition.chronic), ("E11", true));
        assert_eq!((condition.since, condition.until), (date(2015, 0, 0), None));
        let [medicine] = &summary.medications[..] else { panic!("one medicine") };
        assert_eq!((&*medicine.name, &*medicine.active_ingredient), ("Glucophage 500 mg", "Metformin"));
        let [last, before] = &summary.encounters[..] else { panic!("two encounters") };
        assert_eq!((last.on_date, &*last.icd10_code, last.inpatient), (date(2026, 5, 20), "J06.9", false));
        assert_eq!((before.on_date, &*before.icd10_code, before.inpatient), (date(2026, 5, 3), "E11", true));
        assert_eq!(&*before.facility_name, "Trạm y tế Cái Khế");
    }
    assert!(source.not_understood().is_empty(), "{:?}", source.not_understood());

    let nothing = Parts { allergies: false, conditions: false, medications: false, encounters: false };
    let summary = source.summary(&holder(&number), nothing, soon()).await.unwrap().unwrap();
    assert!(summary.allergies.is_empty() && summary.encounters.is_empty());
    assert_eq!(summary.blood_type, "AB+");
}

#[tokio::test]
async fn immunizations_are_read_over_the_servers_pages_newest_first() {
    let Some(server) = server() else { return };
    let serial = serial();
    let (id, number) = (format!("i{serial}"), format!("092058{serial}"));
    let day = |count: u32| format!("20{:02}-{:02}-{:02}", count / 28 % 25, count % 12 + 1, count % 28 + 1);
    let doses = (0..230).map(|count| dose(&format!("{id}-{count}"), &id, &day(count)));
    load(&server, [patient(&id, &number)].into_iter().chain(doses)).await;

    let source = open(&server);
    let (mut all, mut after) = (Vec::new(), page::START);
    loop {
        let page = source.immunizations(&person(&number), after, 100, soon()).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = *last;
        all.extend(page.into_iter().map(|(_, dose)| dose));
    }
    assert_eq!(all.len(), 230, "two pages of the server, three of the list");
    let days: Vec<_> =
        all.iter().map(|dose| dose.on_date.map(|date| (date.year, date.month, date.day))).collect();
    assert!(days.is_sorted_by(|newer, older| newer >= older));

    let newest = &all[0];
    assert_eq!((&*newest.personal_number, &*newest.vaccine_code), (&*number, "VX07"));
    assert_eq!((newest.dose_number, newest.series_doses), (2, 3));
    assert_eq!((&*newest.manufacturer, &*newest.lot_number), ("Berna Biotech", "L-1"));
    assert_eq!((&newest.target_diseases[..], &*newest.route), (&["Bạch hầu".to_owned()][..], "tiêm bắp"));
    assert_eq!((&*newest.facility_code, &*newest.adverse_reaction), ("92001", "sốt nhẹ"));
    assert_eq!(newest.next_due_on, date(2027, 1, 15));
}

#[tokio::test]
async fn two_patients_with_one_number_contradict_each_other_until_one_is_merged() {
    let Some(server) = server() else { return };
    let serial = serial();
    let (id, number) = (format!("t{serial}"), format!("092058{serial}"));
    let other = format!("{id}-2");
    load(&server, [patient(&id, &number), patient(&other, &number)]).await;
    let source = open(&server);
    let error = source.summary(&holder(&number), EVERYTHING, soon()).await.unwrap_err();
    assert_eq!(error.cause(), "contradictory");

    let mut merged = patient(&other, &number);
    merged["active"] = json!(false);
    merged["link"] = json!([{ "other": reference("Patient", &id), "type": "replaced-by" }]);
    load(&server, [merged]).await;
    let summary = source.summary(&holder(&number), EVERYTHING, soon()).await.unwrap().unwrap();
    assert_eq!(summary.patient_id, id);
}

#[tokio::test]
async fn a_deadline_holds_against_a_real_server() {
    let Some(server) = server() else { return };
    let source = open(&server);
    let at_once = Instant::now() + Duration::from_micros(50);
    let error = source.summary(&holder("092058000017"), EVERYTHING, at_once).await.unwrap_err();
    assert_eq!(error.cause(), "timed-out");
}
