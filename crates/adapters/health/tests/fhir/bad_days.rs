//! A server that fails, dawdles, floods, or answers what nobody asked.

use std::time::Duration;

use lgsp_adapter::health::Probe;
use lgsp_adapter::{SourceError, page};
use lgsp_adapter_health::Source;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::fake::{Answer, Fake};
use crate::persons::{AN, allergy, batch_response, coverage, dose, outcome, patient, searchset, with_next};
use crate::{EVERYTHING, PATIENCE, card, holder, open, options, person, soon};

const CARD: &str = "HS4010123456789";

/// How a source fails whose server answers every search so.
async fn failure(answer: impl Fn() -> Answer + Send + Sync + 'static) -> SourceError {
    let server = Fake::start(move |_, _| answer()).await;
    open(&server.url()).cards(&holder(AN), soon()).await.expect_err("the server has a bad day")
}

#[tokio::test]
async fn a_failing_server_is_unavailable_and_its_text_goes_nowhere() {
    for status in [500, 502, 503, 429, 408, 401, 403] {
        let error = failure(move || Answer::Fhir(status, outcome("exception", AN))).await;
        assert_eq!(error.cause(), "unavailable", "{status}");
        assert!(!format!("{error:?} {error:#?}").contains(AN));
    }
    let page = || Answer::Other(502, "text/html", b"<h1>092058000017</h1>".to_vec());
    assert_eq!(failure(page).await.cause(), "unavailable");
}

#[tokio::test]
async fn a_server_that_does_not_understand_the_question_is_unexpected() {
    for status in [400, 404, 406, 302] {
        let error = failure(move || Answer::Fhir(status, outcome("not-supported", AN))).await;
        assert_eq!(error.cause(), "unexpected", "{status}");
        assert!(!format!("{error:?}").contains(AN));
    }
}

#[tokio::test]
async fn what_is_no_fhir_is_unexpected_and_not_repeated() {
    let cut = r#"{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"id":"092058000017"#;
    let wrong = json!({ "resourceType": "Bundle", "type": "searchset", "entry": [
        { "resource": { "resourceType": "Patient", "id": "1", "birthDate": { "092058000017": 1 } } }
    ] });
    let answers: [(&str, Vec<u8>); 5] = [
        ("application/fhir+json", cut.into()),
        ("application/fhir+json", wrong.to_string().into()),
        ("application/fhir+json", b"\xff\xfe{}".to_vec()),
        ("application/fhir+json", Vec::new()),
        ("text/html", b"<h1>092058000017</h1>".to_vec()),
    ];
    for (kind, body) in answers {
        let error = failure(move || Answer::Other(200, kind, body.clone())).await;
        assert_eq!(error.cause(), "unexpected", "{kind}");
        assert!(!format!("{error:?}").contains(AN));
    }
    for resource in [patient("1", AN), batch_response([]), outcome("processing", AN)] {
        assert_eq!(failure(move || resource.clone().into()).await.cause(), "unexpected");
    }
}

#[tokio::test]
async fn a_slow_server_is_left_at_the_deadline_and_its_work_with_it() {
    let server = Fake::start(|_, _| Answer::Never).await;
    let source = open(&server.url());
    let began = Instant::now();
    let error = source.cards(&holder(AN), began + Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(error.cause(), "timed-out");
    assert!(began.elapsed() < PATIENCE / 2);
    timeout(PATIENCE, server.idle()).await.expect("the connection is ended, so that the server can stop");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/fhir", listener.local_addr().unwrap());
    drop(listener);
    let source = open(&url);
    assert_eq!(source.cards(&holder(AN), soon()).await.unwrap_err().cause(), "unavailable");
    assert_eq!(source.probe(soon()).await.unwrap_err().cause(), "unavailable");
}

#[tokio::test]
async fn an_answer_is_read_no_further_than_its_bound() {
    let server = Fake::start(|_, _| searchset([patient(&"x".repeat(200_000), AN)]).into()).await;
    let small = lgsp_adapter_health::fhir::Options { largest_answer: 100_000, ..options(&server.url()) };
    let source = lgsp_adapter_health::fhir::Fhir::open(&small).unwrap();
    assert_eq!(source.cards(&holder(AN), soon()).await.unwrap_err().cause(), "unexpected");
}

#[tokio::test]
async fn more_questions_than_allowed_wait_and_the_deadline_holds_while_they_do() {
    let server =
        Fake::start_with(Duration::from_millis(300), |_, _| searchset([patient("1", AN)]).into()).await;
    let two = lgsp_adapter_health::fhir::Options { max_connections: 2, ..options(&server.url()) };
    let source = lgsp_adapter_health::fhir::Fhir::open(&two).unwrap();
    let person = holder(AN);
    let in_time = || source.cards(&person, soon());
    let (first, second, third) = tokio::join!(in_time(), in_time(), in_time());
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    assert_eq!(server.idle().await, 2);

    let late = source.cards(&person, Instant::now() + Duration::from_millis(50));
    let (_, _, late) = tokio::join!(in_time(), in_time(), late);
    assert_eq!(late.unwrap_err().cause(), "timed-out");
}

/// A server with one patient, whose immunizations are answered so.
async fn with_immunizations(answer: impl Fn(usize) -> Value + Send + Sync + 'static) -> Fake {
    Fake::start(move |before, asked| {
        if asked.line.contains("/Patient/_search") {
            searchset([patient("1", AN)]).into()
        } else {
            answer(before).into()
        }
    })
    .await
}

#[tokio::test]
async fn a_page_on_another_server_is_refused_and_never_asked_for() {
    let elsewhere = Fake::start(|_, _| searchset([]).into()).await;
    for foreign in [
        format!("{}?_getpages=1", elsewhere.url()),
        "http://127.0.0.1.example/fhir?_getpages=1".to_owned(),
        "//elsewhere.example/fhir".replace("//", "https://"),
        "../admin".to_owned(),
    ] {
        let server =
            with_immunizations(move |_| with_next(searchset([dose("a", "1", "2020")]), &foreign)).await;
        let source = open(&server.url());
        let error = source.immunizations(&person(AN), page::START, 10, soon()).await.unwrap_err();
        assert_eq!(error.cause(), "unexpected");
        assert_eq!(server.asked().len(), 2, "the patient and the first page");
    }
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn pages_without_end_are_an_error_and_not_a_part_of_the_list() {
    let server = with_immunizations(|number| {
        with_next(searchset([dose(&format!("d{number}"), "1", "2020")]), "?_getpages=again")
    })
    .await;
    let source = open(&server.url());
    let error = source.immunizations(&person(AN), page::START, 10, soon()).await.unwrap_err();
    assert_eq!(error.cause(), "unexpected");
    assert_eq!(server.asked().len(), 1 + 10, "the patient and as many pages as are allowed");
}

#[tokio::test]
async fn a_page_that_is_missing_fails_the_list() {
    let server = Fake::start(|before, _| match before {
        0 => searchset([patient("1", AN)]).into(),
        1 => with_next(searchset([dose("a", "1", "2020")]), "?_getpages=2").into(),
        _ => Answer::Fhir(410, outcome("not-found", "the search is forgotten")),
    })
    .await;
    let source = open(&server.url());
    let error = source.immunizations(&person(AN), page::START, 10, soon()).await.unwrap_err();
    assert_eq!(error.cause(), "unexpected");
}

/// The first page of whatever cards are searched by, and that more follow.
fn first_page_of_cards() -> Value {
    let over = coverage("c1", "1", CARD, "active", ("2020", "2020"));
    with_next(searchset([patient("1", AN), over]), "?_getpages=2")
}

#[tokio::test]
async fn cards_on_later_pages_are_told_too() {
    for by in [holder(AN), card(CARD)] {
        let server = Fake::start(|before, _| match before {
            0 => first_page_of_cards().into(),
            _ => searchset([coverage("c2", "1", CARD, "active", ("2026", "2026"))]).into(),
        })
        .await;
        let cards = open(&server.url()).cards(&by, soon()).await.unwrap();
        let years: Vec<_> = cards.iter().map(|card| card.record.valid_from.unwrap().year).collect();
        assert_eq!(years, [2026, 2020], "a part of them would tell of a card that is over, or of none");
        assert!(cards.iter().all(|card| card.record.personal_number == AN));
    }
}

#[tokio::test]
async fn a_page_of_cards_that_is_missing_or_one_of_too_many_fails_them_all() {
    for by in [holder(AN), card(CARD)] {
        let missing = Fake::start(|before, _| match before {
            0 => first_page_of_cards().into(),
            _ => Answer::Fhir(410, outcome("not-found", "the search is forgotten")),
        })
        .await;
        assert_eq!(open(&missing.url()).cards(&by, soon()).await.unwrap_err().cause(), "unexpected");

        let endless = Fake::start(|_, _| first_page_of_cards().into()).await;
        assert_eq!(open(&endless.url()).cards(&by, soon()).await.unwrap_err().cause(), "unexpected");
        assert_eq!(endless.asked().len(), 10, "as many pages as are allowed");
    }
}

#[tokio::test]
async fn records_of_others_are_never_told() {
    let other = "092058000018";
    let error = failure(move || searchset([patient("1", other)]).into()).await;
    assert_eq!(error.cause(), "unexpected", "a server that ignores the parameter answers with everybody");

    let server = with_immunizations(|_| searchset([dose("a", "2", "2020")])).await;
    let source = open(&server.url());
    let error = source.immunizations(&person(AN), page::START, 10, soon()).await.unwrap_err();
    assert_eq!(error.cause(), "unexpected");

    let error =
        summary(
            |part| if part == "AllergyIntolerance" { searchset([allergy("a", "2")]) } else { searchset([]) },
        );
    assert_eq!(error.await.unwrap_err().cause(), "unexpected");
}

/// A summary whose parts are answered so, by their resource type.
async fn summary(
    part: impl Fn(&str) -> Value + Send + Sync + 'static,
) -> Result<Option<lgsp_proto::health::v1::PatientSummary>, SourceError> {
    let server = Fake::start(move |_, asked| {
        if asked.line.contains("/Patient/_search") {
            return searchset([patient("1", AN)]).into();
        }
        let batch: Value = serde_json::from_str(&asked.body).unwrap();
        let kinds = batch["entry"].as_array().unwrap().iter();
        let kinds = kinds
            .map(|entry| entry["request"]["url"].as_str().unwrap().split_once('?').unwrap().0.to_owned());
        batch_response(kinds.map(|kind| part(&kind))).into()
    })
    .await;
    open(&server.url()).summary(&holder(AN), EVERYTHING, soon()).await
}

#[tokio::test]
async fn a_summary_is_whole_or_not_at_all() {
    assert!(summary(|_| searchset([])).await.unwrap().is_some());
    for part in ["AllergyIntolerance", "MedicationStatement"] {
        let more =
            move |kind: &str| if kind == part { with_next(searchset([]), "?more") } else { searchset([]) };
        assert_eq!(summary(more).await.unwrap_err().cause(), "unexpected", "more {part} than are told");
    }

    let server = Fake::start(|before, _| {
        let mut answer = batch_response((0..8).map(|_| searchset([])));
        answer["entry"][0] =
            json!({ "response": { "status": "503 busy", "outcome": outcome("transient", AN) } });
        if before == 0 { searchset([patient("1", AN)]).into() } else { answer.into() }
    })
    .await;
    let error = open(&server.url()).summary(&holder(AN), EVERYTHING, soon()).await.unwrap_err();
    assert_eq!(error.cause(), "unavailable");
    assert!(!format!("{error:?}").contains(AN));

    let fewer = Fake::start(|before, _| {
        if before == 0 {
            searchset([patient("1", AN)]).into()
        } else {
            batch_response([searchset([])]).into()
        }
    });
    let error = open(&fewer.await.url()).summary(&holder(AN), EVERYTHING, soon()).await.unwrap_err();
    assert_eq!(error.cause(), "unexpected");
}

#[tokio::test]
async fn a_server_of_another_version_is_unhealthy() {
    let version = |version: &'static str| {
        Fake::start(move |_, asked| {
            if asked.line.contains("/metadata") {
                json!({ "resourceType": "CapabilityStatement", "fhirVersion": version }).into()
            } else {
                searchset([]).into()
            }
        })
    };
    let r5 = version("5.0.0").await;
    assert_eq!(open(&r5.url()).probe(soon()).await.unwrap_err().cause(), "unexpected");

    let r4 = version("4.0.1").await;
    let source = open(&r4.url());
    for _ in 0..2 {
        source.probe(soon()).await.unwrap();
    }
    let asked: Vec<String> = r4.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(asked.iter().filter(|line| line.contains("/metadata")).count(), 1, "once is enough");
    assert_eq!(asked.len(), 3);
}
