//! How the source asks: what it tells, and what it keeps to itself.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use lgsp_adapter::config::SecretFile;
use lgsp_adapter::health::Probe;
use lgsp_adapter::page;
use lgsp_adapter_health::Source;
use lgsp_adapter_health::fhir::{Fhir, Options};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::fake::{Asked, Fake};
use crate::persons::{AN, batch_response, dose, patient, searchset, with_next};
use crate::{EVERYTHING, card, holder, open, options, person, soon};

async fn whatever() -> Fake {
    Fake::start(|_, asked| match &*asked.line {
        line if line.contains("/Patient/_search") => searchset([patient("1", AN)]).into(),
        line if line.contains("/metadata") => {
            json!({ "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1" }).into()
        }
        line if line.ends_with("/fhir") => batch_response((0..8).map(|_| searchset([]))).into(),
        _ => searchset([]).into(),
    })
    .await
}

#[tokio::test]
async fn no_number_of_a_person_is_in_a_url() {
    let server = whatever().await;
    let source = open(&server.url());
    source.cards(&holder(AN), soon()).await.unwrap();
    source.cards(&card("HS4010123456789"), soon()).await.unwrap();
    source.summary(&holder(AN), EVERYTHING, soon()).await.unwrap();
    source.immunizations(&person(AN), page::START, 10, soon()).await.unwrap();
    source.probe(soon()).await.unwrap();
    let asked = server.asked();
    assert!(asked.iter().any(|asked| asked.body.contains(AN)) && asked.len() >= 6);
    for Asked { line, headers, .. } in asked {
        let head = format!("{line} {headers:?}");
        assert!(!head.contains(AN) && !head.contains("0123456789"), "{line}");
    }
}

#[tokio::test]
async fn a_next_page_whose_url_repeats_what_was_asked_for_is_refused_and_never_asked_for() {
    const CARD: &str = "HS4010123456789";
    for (by, url) in [
        (holder(AN), format!("Patient?identifier=http%3A%2F%2Ffhir.example%7C{AN}&page=2")),
        (holder(AN), format!("?_getpages=2&q={AN}")),
        (holder(AN), format!("pages/{AN}/2")),
        (holder(AN), "?_getpages=2&q=%30%39%32%30%35%38%30%30%30%30%31%37".to_owned()),
        (holder(AN), "Patient?identifier:of-type=x".to_owned()),
        (card(CARD), "Coverage?q=hs4010123456789".to_owned()),
        (card(CARD), "Coverage?q=x%2C0123456789%2Cy".to_owned()),
        (card("0123456789"), "Coverage?q=x|0123456789".to_owned()),
    ] {
        let next = url.clone();
        let server = Fake::start(move |_, _| with_next(searchset([]), &next).into()).await;
        let refusal = open(&server.url()).cards(&by, soon()).await.unwrap_err();
        assert_eq!(format!("{refusal:?}"), "Unexpected(RevealingLink)", "{url}");
        assert_eq!(server.asked().len(), 1, "{url}");
    }
}

#[tokio::test]
async fn a_next_page_of_immunizations_does_not_name_the_patient() {
    for (url, pages) in [("?_getpages=1&_getpagesoffset=1", 2), ("Immunization?patient=1&page=2", 1)] {
        let server = Fake::start(move |before, asked| {
            let page = searchset([dose("a", "1", "2020")]);
            match before {
                0 => searchset([patient("1", AN)]).into(),
                _ if asked.line.starts_with("GET") => page.into(),
                _ => with_next(page, url).into(),
            }
        })
        .await;
        let source = open(&server.url());
        let answer = source.immunizations(&person(AN), page::START, 10, soon()).await;
        assert_eq!((answer.is_ok(), server.asked().len()), (pages == 2, 1 + pages), "{url}");
    }
}

#[tokio::test]
async fn a_question_takes_one_or_two_round_trips() {
    let server = whatever().await;
    let source = open(&server.url());
    source.cards(&holder(AN), soon()).await.unwrap();
    assert_eq!(server.asked().len(), 1);
    source.summary(&holder(AN), EVERYTHING, soon()).await.unwrap();
    assert_eq!(server.asked().len(), 3);
    let kinds = server.asked().into_iter().map(|asked| asked.line).collect::<Vec<_>>();
    assert_eq!(kinds, ["POST /fhir/Patient/_search", "POST /fhir/Patient/_search", "POST /fhir"]);
}

#[tokio::test]
async fn an_unknown_parameter_is_to_be_refused_and_not_ignored() {
    let server = whatever().await;
    open(&server.url()).cards(&holder(AN), soon()).await.unwrap();
    let asked = server.asked().remove(0);
    assert_eq!(asked.headers["prefer"], "handling=strict");
    assert_eq!(
        asked.body,
        format!(
            "identifier=http://fhir.ehealth.gov.vn/core/sid/national_id|{AN}&_revinclude=Coverage:beneficiary&_count=10"
        )
    );
}

fn secret(path: &Path, text: &str) -> SecretFile {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    SecretFile::new(path)
}

#[tokio::test]
async fn a_renewed_token_is_used_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let server = whatever().await;
    let token_file = Some(secret(&file, "first-token\n"));
    let source = Fhir::open(&Options { token_file, ..options(&server.url()) }).unwrap();
    let last = || server.asked().pop().unwrap().headers["authorization"].clone();

    source.cards(&holder(AN), soon()).await.unwrap();
    assert_eq!(last(), "Bearer first-token");
    secret(&file, "second-token\n");
    source.probe(soon()).await.unwrap();
    source.cards(&holder(AN), soon()).await.unwrap();
    assert_eq!(last(), "Bearer second-token");
    std::fs::remove_file(&file).unwrap();
    source.probe(soon()).await.unwrap();
    assert_eq!(last(), "Bearer second-token", "until there is another");
}

#[tokio::test]
async fn a_user_is_told_with_the_password_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let password_file = Some(secret(&folder.path().join("password"), "opensesame"));
    let server = whatever().await;
    let user = Some("lgsp".to_owned());
    let source = Fhir::open(&Options { user, password_file, ..options(&server.url()) }).unwrap();
    source.cards(&holder(AN), soon()).await.unwrap();
    assert_eq!(server.asked()[0].headers["authorization"], "Basic bGdzcDpvcGVuc2VzYW1l");
}

#[test]
fn a_source_that_cannot_be_opened_says_which_option_is_wrong() {
    let refusal = |options: Options| Fhir::open(&options).unwrap_err().to_string();
    let missing = || Some(SecretFile::new("/nowhere/token"));
    assert!(refusal(options("http://fhir.example/r4")).contains("url: "));
    assert!(
        refusal(Options { token_file: missing(), ..options("http://127.0.0.1:1/fhir") })
            .contains("token-file: ")
    );
    let root_certificates = Some("/nowhere/ca.pem".into());
    let refused = refusal(Options { root_certificates, ..options("https://127.0.0.1:1/fhir") });
    assert!(refused.contains("root-certificates: "), "{refused}");
}

#[tokio::test]
async fn a_connection_that_ends_just_when_it_is_used_again_is_no_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/fhir", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        answer_one(&mut first).await;
        // The next question is on its way already when the connection ends.
        let _ = first.read(&mut [0; 4096]).await.unwrap();
        drop(first);
        let (mut second, _) = listener.accept().await.unwrap();
        answer_one(&mut second).await;
    });
    let source = open(&url);
    for _ in 0..2 {
        assert!(source.cards(&holder(AN), soon()).await.unwrap().is_empty());
    }
    serving.await.unwrap();
}

async fn answer_one(stream: &mut TcpStream) {
    let _ = stream.read(&mut [0; 4096]).await.unwrap();
    let body = searchset([]).to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/fhir+json\r\n";
    let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).await.unwrap();
}
