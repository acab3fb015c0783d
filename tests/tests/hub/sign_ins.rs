//! Persons whom an OpenID Connect issuer signs in.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use lgsp_core::time::{timestamp, unix_micros};
use lgsp_core::{ExchangeId, Reason};
use lgsp_proto::registry::v1::{
    Agreement, AgreementStage, DecideAgreementRequest, Grant, ListChangesRequest, Person,
    ProposeAgreementRequest,
};
use lgsp_runtime::state::Condition;
use serde_json::json;

use crate::caller::{App, exchange_of, refusal, refused};
use crate::fixture::{Hub, Issuer, IssuerKey, SignInHub, make_known, within};

const SUBJECT: &str = "2f7c9d1e-8a54-4f0b-9b1c-6a2f5f3f7d10";
const DAY_US: i64 = 86_400_000_000;

fn terms() -> Agreement {
    let now = unix_micros(SystemTime::now());
    Agreement {
        id: "tt-hotich-xacminh".to_owned(),
        application: "hotich".to_owned(),
        service: "lgsp.population.v1.PopulationService".to_owned(),
        grants: vec![Grant { method: "GetCitizen".to_owned(), fields: vec!["citizen.full_name".to_owned()] }],
        purposes: vec!["verify".to_owned()],
        valid_from: Some(timestamp(now - DAY_US)),
        valid_to: Some(timestamp(now + DAY_US)),
        legal_basis: "Luật Hộ tịch (giả định)".to_owned(),
        ..Agreement::default()
    }
}

#[tokio::test]
async fn persons_sign_in_propose_and_approve_and_the_log_names_them() {
    let key = IssuerKey::new("1");
    let issuer = Issuer::start(&[&key]).await;
    let oidc = issuer.options();
    let sample = lgsp_sample::Config { citizens: 100, seed: 1 };
    let hub = Hub::start_with(sample, |config| {
        config.registry.store = "sqlite:registry.db".to_owned();
        config.gateway.oidc = Some(Box::new(oidc));
    });
    let hub = Box::pin(hub).await;
    let administrator = hub.administrator("admin-1");
    let put = async |id: &str, agency: &str, role: &str, subject: &str| {
        let person = Person {
            id: id.to_owned(),
            agency_code: agency.to_owned(),
            roles: vec![role.to_owned()],
            sign_ins: vec![issuer.account(subject)],
            ..Person::default()
        };
        make_known(&hub, person).await
    };
    put("an.tuphap", "H13.03", "developer", "an").await.expect("put");
    put("chi.congan", "G01.30.92", "approver", SUBJECT).await.expect("put");
    let twice = refused(put("ba.congan", "G01.30.92", "approver", SUBJECT).await, Reason::InvalidField);
    assert_eq!(twice.violations[0].0, "person.sign_ins");
    let number =
        refused(put("ba.congan", "G01.30.92", "approver", "092085000001").await, Reason::InvalidField);
    assert_eq!(number.violations[0].0, "person.sign_ins");
    assert!(!number.violations[0].1.contains("092085000001"));

    // No key of theirs is used: only the token of the issuer.
    let tool: &App = &administrator;
    let (an, chi) = (key.sign(&issuer.claims("an")), key.sign(&issuer.claims(SUBJECT)));
    let request = ProposeAgreementRequest { agreement: Some(terms()), reason: "births".to_owned() };
    let proposed = tool.decisions().propose_agreement(tool.request_with_token(request, &an)).await;
    let proposed = proposed.expect("proposed").into_inner().agreement.unwrap();
    let decision = DecideAgreementRequest {
        id: "tt-hotich-xacminh".to_owned(),
        version: 1,
        etag: proposed.etag,
        reason: "as asked".to_owned(),
        legal_basis: "Nghị định 278/2025".to_owned(),
    };
    let wrong = tool.request_with_token(decision.clone(), &an);
    refused(tool.decisions().approve_agreement(wrong).await, Reason::RoleMissing);
    let approved = tool.decisions().approve_agreement(tool.request_with_token(decision, &chi)).await;
    let approved = approved.expect("approved");
    let exchange: Option<ExchangeId> = exchange_of(approved.metadata());
    assert_eq!(approved.into_inner().agreement.unwrap().stage(), AgreementStage::Approved);

    let entry = hub.final_entry(exchange).await;
    let sealed = entry.sealed.as_ref().unwrap();
    assert_eq!((sealed.application.as_str(), sealed.agency_code.as_str()), ("dieu-hanh", "G01.30.92"));
    assert_eq!(sealed.credential_sha256, key.thumbprint());
    let request = ListChangesRequest { kind: "agreement".to_owned(), ..Default::default() };
    let changes = tool.decisions().list_changes(tool.request(request)).await;
    let changes = changes.expect("told").into_inner().changes;
    let by: Vec<&str> =
        changes.iter().filter_map(|change| Some(change.by.as_ref()?.person.as_str())).take(2).collect();
    assert_eq!(by, ["chi.congan", "an.tuphap"], "newest first");
}

#[tokio::test]
async fn a_person_signs_in_by_the_device_flow_and_calls_with_the_token() {
    use lgsp::cli::sign_in::SignIn;
    use lgsp::client::{Command, Lang, run};

    let key = IssuerKey::new("1");
    let issuer = Issuer::start(&[&key]).await;
    let hub = SignInHub::start(&issuer, SUBJECT, |_| ()).await;
    issuer.give(&key.sign(&issuer.claims(SUBJECT)));
    let folder = tempfile::tempdir().unwrap();
    let sign_in = |url: String, client_id: &str| SignIn {
        issuer: url,
        client_id: client_id.to_owned(),
        ca: None,
        scope: "openid".to_owned(),
        id_token: false,
        token_file: folder.path().join("token"),
    };
    let ended = run(Command::SignIn(sign_in(format!("{}/", issuer.url()), "lgsp-test")), Lang::En).await;
    assert_eq!(ended, ExitCode::from(6), "its document names another issuer");
    let ended = run(Command::SignIn(sign_in(issuer.url(), "another")), Lang::En).await;
    assert_eq!(ended, ExitCode::from(6), "it does not know the client");
    let ended = run(Command::SignIn(sign_in(issuer.url(), "lgsp-test")), Lang::En).await;
    assert_eq!(ended, ExitCode::SUCCESS);
    let token = std::fs::read_to_string(folder.path().join("token")).unwrap();
    within("the gateway has the keys", || async { hub.list(&token).await.is_ok() }).await;
}

#[tokio::test]
async fn keys_change_with_an_overlap_or_without_and_nobody_restarts() {
    let (old, new, last) = (IssuerKey::new("1"), IssuerKey::new("2"), IssuerKey::new("3"));
    let issuer = Issuer::start(&[&old]).await;
    // Read again by chance not before the test is over.
    let rarely = Duration::from_secs(3_600);
    let hub = SignInHub::start(&issuer, SUBJECT, |oidc| oidc.refresh = rarely).await;
    let by = |key: &IssuerKey| key.sign(&issuer.claims(SUBJECT));
    within("the issuer's keys are read", || async { hub.list(&by(&old)).await.is_ok() }).await;

    issuer.publish(&[&old, &new]);
    within("the new key is asked for", || async { hub.list(&by(&new)).await.is_ok() }).await;
    hub.list(&by(&old)).await.expect("the old key is there still");

    let remembered = by(&old);
    hub.list(&remembered).await.expect("it is good");
    issuer.publish(&[&last]);
    within("the last key is asked for", || async { hub.list(&by(&last)).await.is_ok() }).await;
    for token in [&remembered, &by(&new)] {
        let reason = refusal(&hub.list(token).await.expect_err("its key has gone")).reason;
        assert!(matches!(reason, Some(Reason::TokenInvalid | Reason::IssuerKeyUnknown)), "{reason:?}");
    }
}

#[tokio::test]
async fn an_issuer_that_is_away_changes_nothing_until_its_keys_are_too_old() {
    let key = IssuerKey::new("1");
    let issuer = Issuer::start(&[&key]).await;
    let patient = SignInHub::start(&issuer, SUBJECT, |_| ()).await;
    let strict = SignInHub::start(&issuer, SUBJECT, |oidc| oidc.keep = Duration::from_millis(500)).await;
    let token = key.sign(&issuer.claims(SUBJECT));
    within("both have the keys", || async {
        patient.list(&token).await.is_ok() && strict.list(&token).await.is_ok()
    })
    .await;

    issuer.go_away();
    let degraded = |cause: &str| (Some(Condition::Degraded), cause.to_owned());
    within("it is missed", || async { patient.condition() == degraded("issuer-unreachable") }).await;
    patient.list(&token).await.expect("the keys of before hold");
    within("its keys are too old", || async { strict.condition() == degraded("issuer-keys-too-old") }).await;
    let told = refused(strict.list(&token).await, Reason::IssuerUnavailable);
    assert!(told.retry.is_some());
    assert!(strict.hub.is_ready(), "who signs with keys of their own calls as before");
    strict.list(&strict.own_token()).await.expect("as before");

    issuer.come_back();
    within("it is there again", || async {
        strict.list(&token).await.is_ok() && strict.condition().0 == Some(Condition::Ready)
    })
    .await;
}

#[tokio::test]
async fn a_gateway_starts_without_its_issuer_and_finds_it_later() {
    let key = IssuerKey::new("1");
    let issuer = Issuer::start(&[&key]).await;
    issuer.go_away();
    let hub = SignInHub::start(&issuer, SUBJECT, |_| ()).await;
    let token = key.sign(&issuer.claims(SUBJECT));
    refused(hub.list(&token).await, Reason::IssuerUnavailable);
    issuer.come_back();
    within("somebody can sign in", || async { hub.list(&token).await.is_ok() }).await;
}

#[tokio::test]
async fn a_token_that_is_not_quite_right_is_refused_with_what_an_honest_caller_can_mend() {
    let (key, strangers) = (IssuerKey::new("1"), IssuerKey::new("1"));
    let issuer = Issuer::start(&[&key]).await;
    let hub = SignInHub::start(&issuer, SUBJECT, |_| ()).await;
    let good = issuer.claims(SUBJECT);
    within("the issuer's keys are read", || async { hub.list(&key.sign(&good)).await.is_ok() }).await;

    let issued = good["iat"].as_u64().unwrap();
    let changed = [
        ("aud", json!("another"), Reason::TokenAudience),
        ("client_id", json!("another"), Reason::TokenAudience),
        ("iss", json!("https://stranger.example"), Reason::TokenInvalid),
        ("exp", json!(issued + 86_400), Reason::TokenTooLong),
        ("nbf", json!(issued + 600), Reason::TokenNotYetValid),
        ("sub", json!("somebody-else"), Reason::PersonUnknown),
    ];
    for (claim, value, reason) in changed {
        let mut claims = good.clone();
        claims[claim] = value;
        let told = hub.list(&key.sign(&claims)).await;
        assert!(!format!("{told:?}").contains("somebody-else"));
        refused(told, reason);
    }
    let mut expired = good.clone();
    (expired["iat"], expired["exp"]) = (json!(issued - 600), json!(issued - 300));
    refused(hub.list(&key.sign(&expired)).await, Reason::TokenExpired);
    refused(hub.list(&strangers.sign(&good)).await, Reason::TokenInvalid);
    hub.list(&key.sign(&good)).await.expect("the good one is good still");
}
