//! What the source makes of records that contradict, lack or exaggerate.

use lgsp_adapter::health::Probe;
use lgsp_adapter::page;
use lgsp_adapter_health::{Card, Source, Suspension};
use lgsp_proto::record::v1::PartialDate;
use serde_json::{Value, json};

use crate::fake::Fake;
use crate::persons::{AN, coverage, dose, patient, searchset};
use crate::{EVERYTHING, card, holder, open, person, soon};

async fn answering(bundle: Value) -> Fake {
    Fake::start(move |_, _| bundle.clone().into()).await
}

async fn cards(resources: impl IntoIterator<Item = Value>) -> Vec<Card> {
    let server = answering(searchset(resources)).await;
    open(&server.url()).cards(&holder(AN), soon()).await.unwrap()
}

#[tokio::test]
async fn of_two_patients_with_one_number_nothing_is_told() {
    let server = answering(searchset([patient("1", AN), patient("2", AN)])).await;
    let source = open(&server.url());
    let error = source.summary(&holder(AN), EVERYTHING, soon()).await.unwrap_err();
    assert_eq!(error.cause(), "contradictory");
    let error = source.immunizations(&person(AN), page::START, 10, soon()).await.unwrap_err();
    assert_eq!(error.cause(), "contradictory");
}

#[tokio::test]
async fn a_patient_merged_into_another_is_not_there() {
    let mut merged = patient("2", AN);
    merged["link"] = json!([{ "other": { "reference": "Patient/1" }, "type": "replaced-by" }]);
    let mut off = patient("3", AN);
    off["active"] = json!(false);
    let doses = [dose("a", "1", "2020-01-01")];
    let server = Fake::start(move |_, asked| {
        if asked.line.contains("/Patient/") {
            searchset([merged.clone(), patient("1", AN), off.clone()]).into()
        } else {
            searchset(doses.clone()).into()
        }
    })
    .await;
    let doses = open(&server.url()).immunizations(&person(AN), page::START, 10, soon()).await.unwrap();
    assert_eq!(doses.len(), 1);

    let source = open(&server.url());
    assert!(source.not_understood().is_empty());
}

#[tokio::test]
async fn the_card_of_a_patient_who_was_merged_or_switched_off_is_not_told_by_either_key() {
    const CARD: &str = "HS4010123456789";
    let mut merged = patient("1", AN);
    merged["link"] = json!([{ "other": { "reference": "Patient/2" }, "type": "replaced-by" }]);
    let mut off = patient("1", AN);
    off["active"] = json!(false);
    for (holder_is, count) in [(merged, 0), (off, 0), (patient("1", AN), 1)] {
        let of_card = coverage("a", "1", CARD, "active", ("2025", "2026"));
        let server = answering(searchset([of_card, holder_is])).await;
        let source = open(&server.url());
        for key in [card(CARD), holder(AN)] {
            assert_eq!(source.cards(&key, soon()).await.unwrap().len(), count);
        }
    }
}

#[tokio::test]
async fn the_cards_of_two_patients_with_one_number_are_told_together() {
    let of = |id: &str, patient: &str, from: &str| {
        coverage(id, patient, "HS4010123456789", "active", (from, "2026"))
    };
    let found = cards([patient("1", AN), patient("2", AN), of("a", "1", "2025"), of("b", "2", "2026")]).await;
    let years: Vec<i32> = found.iter().map(|card| card.record.valid_from.unwrap().year).collect();
    assert_eq!(years, [2026, 2025], "the latest first");
}

#[tokio::test]
async fn what_a_coverage_says_is_told_and_no_more() {
    let of = |id: &str, status: &str, period| coverage(id, "1", "HS4010123456789", status, period);
    let commercial = {
        let mut other = of("f", "active", ("2025", "2026"));
        other["identifier"] = json!([{ "system": "urn:other", "value": "X-1" }]);
        other
    };
    let server = answering(searchset([
        patient("1", AN),
        of("a", "active", ("2026-03", "2026")),
        of("b", "cancelled", ("2025-01-01", "2025-12-31")),
        of("c", "who-knows", ("2024-01-01", "2024-12-31")),
        of("d", "draft", ("2027-01-01", "2027-12-31")),
        of("e", "entered-in-error", ("2023-01-01", "2023-12-31")),
        commercial,
    ]))
    .await;
    let source = open(&server.url());
    let found = source.cards(&holder(AN), soon()).await.unwrap();
    let told: Vec<_> = found.iter().map(|card| (card.record.valid_from, card.suspension)).collect();
    let date = |year, month, day| Some(PartialDate { year, month, day });
    assert_eq!(
        told,
        [(date(2026, 3, 0), None), (date(2025, 1, 1), Some(Suspension::Undated)), (None, None)],
        "of the last nobody can tell whether it is valid"
    );
    let counted: Vec<_> =
        source.not_understood().iter().map(|one| (one.relation, one.column, one.count)).collect();
    assert_eq!(counted, [("Coverage", "status", 1)]);
    let card = &found[0].record;
    assert_eq!((&*card.card_number, &*card.personal_number), ("HS4010123456789", AN));
    assert_eq!((&*card.benefit_code, &*card.facility_code), ("4", "92001"));
    assert_eq!(card.full_name, "Nguyễn Văn An");
    assert_eq!((card.date_of_birth, card.five_years_from), (date(1958, 7, 0), date(2025, 3, 1)));
    let provenance = found[0].provenance.as_ref().unwrap();
    assert!(provenance.synthetic, "the tag says so");
    assert_eq!((&*provenance.source, &*provenance.agency_code), ("fhir-test", "H13.05"));
    assert_eq!(provenance.as_of.as_ref().unwrap().seconds, 1_780_277_400);
}

#[tokio::test]
async fn what_is_not_understood_is_counted_and_left_out() {
    let mut odd = patient("1", AN);
    odd["gender"] = json!("nam");
    odd["birthDate"] = json!("21/07/1958");
    odd["telecom"] = json!([{ "system": "phone", "value": "hỏi hàng xóm" }]);
    let server = Fake::start(move |before, _| match before {
        0 => searchset([odd.clone()]).into(),
        _ => crate::persons::batch_response((0..8).map(|_| searchset([]))).into(),
    })
    .await;
    let source = open(&server.url());
    let summary = source.summary(&holder(AN), EVERYTHING, soon()).await.unwrap().unwrap();
    assert_eq!((summary.sex, summary.date_of_birth, &*summary.phone_number), (0, None, ""));
    let counted: Vec<_> = source.not_understood().iter().map(|one| one.column).collect();
    assert_eq!(counted, ["birthDate", "gender", "telecom"]);
}

#[tokio::test]
async fn immunizations_are_newest_first_once_each_and_only_those_given() {
    let of = |id: &str, day: &str| dose(id, "1", day);
    let mut planned = of("x", "2026-01-01");
    planned["status"] = json!("not-done");
    let doses = [
        of("b", "2020-05-01"),
        of("a", "2024"),
        of("c", "2020-05-01"),
        planned,
        of("b", "2020-05-01"),
        of("d", "2024-02"),
    ];
    let server = Fake::start(move |_, asked| {
        if asked.line.contains("/Patient/") {
            searchset([patient("1", AN)]).into()
        } else {
            searchset(doses.clone()).into()
        }
    })
    .await;
    let source = open(&server.url());
    let page = async |after, limit| {
        let found = source.immunizations(&person(AN), after, limit, soon()).await.unwrap();
        let ids: Vec<String> = found.iter().map(|(_, dose)| dose.immunization_id.clone()).collect();
        (ids, found.last().map(|(number, _)| *number))
    };
    let (ids, last) = page(page::START, 3).await;
    assert_eq!(ids, ["d", "a", "b"]);
    let (ids, _) = page(last.unwrap(), 3).await;
    assert_eq!(ids, ["c"]);
    assert!(page(4711, 3).await.0.is_empty(), "no such dose any more");
}
