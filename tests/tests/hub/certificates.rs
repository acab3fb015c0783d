//! Applications that prove themselves by a client certificate, alone or together with a token.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lgsp_core::Reason;
use lgsp_gateway::ClientCertificates;
use lgsp_runtime::state::Condition;
use lgsp_tests::echo::v1::echo_service_client::EchoServiceClient;
use lgsp_tests::echo::v1::{EchoRequest, EchoResponse};
use serde_json::json;
use tonic::{Request, Response, Status};

use crate::caller::{App, exchange_of, refusal, refused};
use crate::fixture::{Authority, DNS_NAME, Identity, OPERATOR_URI, SecureHub, URI, within};

/// Calls with a token.
async fn call(app: &App, token: &str) -> Result<Response<EchoResponse>, Status> {
    send(app, app.request_with_token(EchoRequest::default(), token)).await
}

/// Calls without one.
async fn call_by_certificate(app: &App) -> Result<Response<EchoResponse>, Status> {
    let mut request = app.request(EchoRequest::default());
    request.metadata_mut().remove("authorization");
    send(app, request).await
}

async fn send(app: &App, request: Request<EchoRequest>) -> Result<Response<EchoResponse>, Status> {
    EchoServiceClient::new(app.channel.clone()).echo(request).await
}

/// A token that is good on connections with one certificate alone.
fn token_bound_to(app: &App, certificate: [u8; 32]) -> String {
    let mut claims = app.claims();
    claims["cnf"] = json!({ "x5t#S256": BASE64_URL_SAFE_NO_PAD.encode(certificate) });
    app.token_of(&claims)
}

/// Whether a call failed because there was no connection, and not by a refusal of the gateway.
fn found_no_connection(called: &Result<Response<EchoResponse>, Status>) -> bool {
    called
        .as_ref()
        .is_err_and(|status| status.details().is_empty() && exchange_of(status.metadata()).is_none())
}

/// A certificate that gets no connection, whatever is sent over it, and is counted.
async fn refused_at_the_door(secure: &SecureHub, client: &Identity) {
    let (app, before) = (secure.with(client), secure.certificates_refused());
    let called = call(&app, &app.token()).await;
    assert!(found_no_connection(&called), "{called:?}");
    within("it is counted", || async { secure.certificates_refused() > before }).await;
}

#[tokio::test]
async fn a_certificate_bound_by_its_fingerprint_speaks_for_its_application_and_its_entry_names_it() {
    let secure = SecureHub::shared().await;
    let answer = call_by_certificate(&secure.with(&secure.tthc)).await.expect("it is served");
    let entry = secure.final_entry(exchange_of(answer.metadata())).await;
    let sealed = entry.sealed.expect("the sealed part is shown");
    assert_eq!(
        (entry.application.as_str(), &sealed.credential_sha256[..]),
        ("tthc", &secure.tthc.sha256()[..])
    );
}

#[tokio::test]
async fn a_certificate_bound_by_a_name_speaks_for_its_application() {
    let secure = SecureHub::shared().await;
    for names in [&["other.example", &DNS_NAME.to_uppercase()][..], &[URI]] {
        let renewed = secure.authority.issue(names);
        call_by_certificate(&secure.with(&renewed)).await.expect("it is served");
    }
    for names in [
        &["danang.example"][..],
        &["*.danang.example"],
        &["urn:lgsp:application:TTHC"],
        &["x.tthc.danang.example"],
    ] {
        let other = secure.authority.issue(names);
        refused(call_by_certificate(&secure.with(&other)).await, Reason::TokenMissing);
    }
}

#[tokio::test]
async fn a_certificate_bound_to_nobody_is_no_credential_and_a_token_over_it_is_one() {
    let secure = SecureHub::shared().await;
    let app = secure.with(&secure.authority.issue(&["nobody.example"]));
    refused(call_by_certificate(&app).await, Reason::TokenMissing);
    refused(call_by_certificate(&secure.without()).await, Reason::TokenMissing);
    call(&app, &app.token()).await.expect("the token says who calls");
    call(&secure.without(), &app.token()).await.expect("none is required");
}

#[tokio::test]
async fn a_token_and_a_certificate_of_one_application_are_good_together() {
    let secure = SecureHub::shared().await;
    let app = secure.with(&secure.tthc);
    let answer = call(&app, &app.token()).await.expect("it is served");
    let entry = secure.final_entry(exchange_of(answer.metadata())).await;
    let key = lgsp_core::entry::sha256(app.key.verifying_key().as_bytes());
    assert_eq!(entry.sealed.expect("shown").credential_sha256[..], key, "the token's key signed for it");
}

#[tokio::test]
async fn a_token_over_another_applications_certificate_is_refused() {
    let secure = SecureHub::shared().await;
    let app = secure.with(&secure.operator);
    refused(call(&app, &app.token()).await, Reason::CertificateMismatch);
    refused(call(&app, &token_bound_to(&app, secure.operator.sha256())).await, Reason::CertificateMismatch);
}

#[tokio::test]
async fn a_certificate_with_the_names_of_two_applications_speaks_for_neither() {
    let secure = SecureHub::shared().await;
    let app = secure.with(&secure.authority.issue(&[DNS_NAME, OPERATOR_URI]));
    refused(call_by_certificate(&app).await, Reason::CertificateInvalid);
    refused(call(&app, &app.token()).await, Reason::CertificateMismatch);
}

#[tokio::test]
async fn a_token_bound_to_a_certificate_is_good_on_its_connections_alone() {
    let secure = SecureHub::shared().await;
    let app = secure.with(&secure.tthc);
    let token = token_bound_to(&app, secure.tthc.sha256());
    for _ in 0..2 {
        call(&app, &token).await.expect("it is served");
    }
    // It is remembered as good by now.
    let renewed = secure.with(&secure.authority.issue(&[DNS_NAME]));
    refused(call(&renewed, &token).await, Reason::CertificateMismatch);
    refused(call(&secure.without(), &token).await, Reason::CertificateMismatch);
    call(&secure.with(&secure.tthc), &token).await.expect("any connection with the certificate will do");

    let wrong = token_bound_to(&app, [7; 32]);
    refused(call(&app, &wrong).await, Reason::CertificateMismatch);
    let mut claims = app.claims();
    for cnf in [json!({}), json!(null), json!({ "jkt": "x" }), json!({ "x5t#S256": "x" })] {
        claims["cnf"] = cnf;
        refused(call(&app, &app.token_of(&claims)).await, Reason::TokenInvalid);
    }
}

#[tokio::test]
async fn an_expired_certificate_gets_no_connection() {
    let secure = SecureHub::shared().await;
    refused_at_the_door(secure, &secure.expired).await;
}

#[tokio::test]
async fn a_certificate_that_is_not_valid_yet_gets_no_connection() {
    let secure = SecureHub::shared().await;
    refused_at_the_door(secure, &secure.early).await;
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_gets_no_connection_whatever_its_name() {
    let secure = SecureHub::shared().await;
    refused_at_the_door(secure, &Authority::new("another city").issue(&[DNS_NAME])).await;
    refused_at_the_door(secure, &Authority::new("the city").issue(&[DNS_NAME])).await;
}

#[tokio::test]
async fn a_revoked_certificate_gets_no_connection() {
    let secure = SecureHub::shared().await;
    refused_at_the_door(secure, &secure.revoked).await;
}

#[tokio::test]
async fn a_revocation_holds_within_moments_on_connections_that_are_there_too() {
    let secure = SecureHub::start(ClientCertificates::Optional).await;
    let (bound, other) = (secure.with(&secure.tthc), secure.with(&secure.authority.issue(&[DNS_NAME])));
    call_by_certificate(&bound).await.expect("it is served");
    call_by_certificate(&other).await.expect("it is served");

    secure.damage_revocations();
    within("the operator is told", || async { secure.certificates_condition() == Some(Condition::Degraded) })
        .await;
    call_by_certificate(&bound).await.expect("what was read before holds");
    refused_at_the_door(&secure, &secure.revoked).await;

    secure.revoke(&[&secure.tthc]);
    within("the connection that is there is worth nothing", || async {
        let called = call_by_certificate(&bound).await;
        called.is_err_and(|status| refusal(&status).reason == Some(Reason::CertificateInvalid))
    })
    .await;
    refused(call(&bound, &bound.token()).await, Reason::CertificateInvalid);
    refused_at_the_door(&secure, &secure.tthc).await;
    call_by_certificate(&other).await.expect("the others go on");
    within("all is well", || async { secure.certificates_condition() == Some(Condition::Ready) }).await;
}

#[tokio::test]
async fn a_certificate_that_leaves_the_rules_speaks_for_nobody_at_once() {
    let secure = SecureHub::start(ClientCertificates::Optional).await;
    let app = secure.with(&secure.tthc);
    call_by_certificate(&app).await.expect("it is served");
    let mut snapshot = secure.snapshot();
    snapshot.applications[0].certificates.clear();
    secure.publish(snapshot).await;
    within("the rules are in force", || async { secure.hub.revision() == 2 }).await;
    refused(call_by_certificate(&app).await, Reason::TokenMissing);
}

#[tokio::test]
async fn where_certificates_are_required_nobody_comes_in_without_one() {
    let secure = SecureHub::start(ClientCertificates::Required).await;
    call_by_certificate(&secure.with(&secure.tthc)).await.expect("it is served");
    let (app, before) = (secure.without(), secure.certificates_refused());
    let called = call(&app, &app.token()).await;
    assert!(found_no_connection(&called), "{called:?}");
    within("it is counted", || async { secure.certificates_refused() > before }).await;
}
