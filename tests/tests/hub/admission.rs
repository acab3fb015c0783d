//! Who may come in: tokens, metadata, purposes, agreements.

use std::time::Duration;

use ed25519_dalek::SigningKey;
use lgsp_core::{Outcome, Reason};
use lgsp_proto::ledger::v1::{ListExchangesRequest, Phase};
use lgsp_proto::population::v1::GetCitizenRequest;
use lgsp_tests::echo::v1::{Behaviour, EchoRequest};
use serde_json::json;

use crate::caller::{App, now_seconds, refused, sign};
use crate::fixture::{EchoHub, PERSON, hub};

async fn call_with_token(
    app: &App,
    token: &str,
) -> Result<tonic::Response<impl std::fmt::Debug + use<>>, tonic::Status> {
    let request = GetCitizenRequest { personal_number: PERSON.to_owned() };
    app.population().get_citizen(app.request_with_token(request, token)).await
}

#[tokio::test]
async fn a_missing_token_is_refused_and_counted() {
    let hub =
        EchoHub::start_with(|config| config.gateway.entries.attempts = Duration::from_millis(100)).await;
    for _ in 0..3 {
        refused(hub.client().echo(tonic::Request::new(EchoRequest::default())).await, Reason::TokenMissing);
    }
    let counts = hub.attempts(Reason::TokenMissing, 3).await;
    assert_eq!(counts.iter().map(|count| count.count).sum::<u64>(), 3);
    assert!(counts.iter().all(|count| count.method == "lgsp.echo.v1.EchoService/Echo"), "{counts:?}");
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let app = hub().await.tthc();
    let now = now_seconds();
    let claims = json!({"iss": app.id, "sub": app.id, "aud": "lgsp", "iat": now - 120, "exp": now - 60});
    refused(call_with_token(&app, &app.token_of(&claims)).await, Reason::TokenExpired);
}

#[tokio::test]
async fn a_token_from_the_future_is_refused() {
    let app = hub().await.tthc();
    let now = now_seconds();
    let claims = json!({"iss": app.id, "sub": app.id, "aud": "lgsp", "iat": now + 60, "exp": now + 120});
    refused(call_with_token(&app, &app.token_of(&claims)).await, Reason::TokenNotYetValid);
}

#[tokio::test]
async fn an_over_long_lived_token_is_refused() {
    let app = hub().await.tthc();
    let now = now_seconds();
    let claims = json!({"iss": app.id, "sub": app.id, "aud": "lgsp", "iat": now, "exp": now + 301});
    refused(call_with_token(&app, &app.token_of(&claims)).await, Reason::TokenTooLong);
}

#[tokio::test]
async fn a_token_for_somebody_else_is_refused() {
    let app = hub().await.tthc();
    let mut claims = app.claims();
    claims["aud"] = json!("another-hub");
    refused(call_with_token(&app, &app.token_of(&claims)).await, Reason::TokenAudience);
}

#[tokio::test]
async fn a_forged_token_is_refused() {
    let app = hub().await.tthc();
    let stranger = SigningKey::from_bytes(&[9; 32]);
    let forged = sign(&stranger, "tthc-1", &app.claims());
    refused(call_with_token(&app, &forged).await, Reason::TokenInvalid);
    let unknown_key = sign(&stranger, "nobody-1", &app.claims());
    refused(call_with_token(&app, &unknown_key).await, Reason::TokenInvalid);
}

#[tokio::test]
async fn alg_none_is_refused() {
    use base64::Engine;
    let app = hub().await.tthc();
    let part = |value: serde_json::Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "none", "kid": "tthc-1", "typ": "JWT"});
    let token = format!("{}.{}.", part(header), part(app.claims()));
    refused(call_with_token(&app, &token).await, Reason::TokenInvalid);
}

#[tokio::test]
async fn a_token_with_an_unknown_crit_is_refused() {
    use base64::Engine;
    use ed25519_dalek::Signer;
    let app = hub().await.tthc();
    let part = |value: serde_json::Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "EdDSA", "kid": "tthc-1", "typ": "JWT", "crit": ["exp2"], "exp2": 1});
    let signed = format!("{}.{}", part(header), part(app.claims()));
    let signature =
        base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(app.key.sign(signed.as_bytes()).to_bytes());
    refused(call_with_token(&app, &format!("{signed}.{signature}")).await, Reason::TokenInvalid);
}

#[tokio::test]
async fn a_token_of_one_application_does_not_speak_for_another() {
    let hub = hub().await;
    let app = hub.tthc();
    let mut claims = app.claims();
    claims["sub"] = json!("yte");
    claims["iss"] = json!("yte");
    refused(call_with_token(&app, &app.token_of(&claims)).await, Reason::TokenInvalid);
}

#[tokio::test]
async fn a_missing_purpose_is_refused_and_entered() {
    let hub = hub().await;
    let refusal =
        refused(hub.tthc().without("lgsp-purpose").get_citizen(PERSON).await, Reason::PurposeMissing);
    let exchange = hub.final_entry(refusal.exchange).await;
    assert_eq!(exchange.outcome(), Outcome::Invalid);
    assert_eq!(exchange.reason, "PURPOSE_MISSING");
}

#[tokio::test]
async fn an_unknown_purpose_is_refused() {
    let hub = hub().await;
    refused(hub.tthc().purpose("curiosity").get_citizen(PERSON).await, Reason::PurposeUnknown);
}

#[tokio::test]
async fn a_denied_purpose_is_entered_and_never_reaches_the_adapter() {
    let hub = hub().await;
    let refusal =
        refused(hub.tthc().purpose("statistics").get_citizen(PERSON).await, Reason::PurposeNotAgreed);
    assert_eq!(refusal.hop, "gateway");
    let exchange = hub.final_entry(refusal.exchange).await;
    let sealed = exchange.sealed.clone().expect("the sealed part is shown");
    assert_eq!(exchange.outcome(), Outcome::Denied);
    assert_eq!((sealed.sent_us, sealed.taken_up_us), (0, 0), "the request never left the gateway");
    assert_eq!(sealed.phase(), Phase::Final);
}

#[tokio::test]
async fn without_an_agreement_nothing_is_served() {
    let hub = hub().await;
    let app = hub.app("qlvb").purpose("prefill");
    let refusal = refused(app.get_citizen(PERSON).await, Reason::AgreementMissing);
    assert_eq!(hub.final_entry(refusal.exchange).await.outcome(), Outcome::Denied);
}

#[tokio::test]
async fn an_expired_agreement_says_so() {
    let hub = hub().await;
    let app = hub.app("ketqua").purpose("prefill");
    refused(app.get_citizen(PERSON).await, Reason::AgreementExpired);
}

#[tokio::test]
async fn a_platform_method_is_opened_by_role_alone() {
    let hub = hub().await;
    let app = hub.tthc();
    refused(
        app.ledger().list_exchanges(app.request(ListExchangesRequest::default())).await,
        Reason::RoleMissing,
    );
}

#[tokio::test]
async fn client_metadata_named_like_ours_is_refused() {
    let hub = hub().await;
    for name in ["lgsp-reply-to", "lgsp-exchange-id", "lgsp-application", "lgsp-mac", "lgsp-anything"] {
        refused(hub.tthc().with(name, "0").get_citizen(PERSON).await, Reason::InvalidMetadata);
    }
    refused(
        hub.tthc().with("lgsp-dossier", "not a dossier code").get_citizen(PERSON).await,
        Reason::InvalidMetadata,
    );
    refused(
        hub.tthc().with("lgsp-officer", &"x".repeat(129)).get_citizen(PERSON).await,
        Reason::InvalidMetadata,
    );
}

#[tokio::test]
async fn a_deadline_already_past_answers_deadline_exceeded() {
    let hub = hub().await;
    let status = hub.raw_get_citizen(&hub.tthc(), &[("grpc-timeout", "0n")]).await;
    refused::<()>(Err(status), Reason::DeadlinePast);
}

#[tokio::test]
async fn a_tiny_deadline_answers_deadline_exceeded_and_not_cancelled() {
    let hub = hub().await;
    for timeout in ["1n", "200u", "1m"] {
        let status = hub.raw_get_citizen(&hub.tthc(), &[("grpc-timeout", timeout)]).await;
        assert_eq!(status.code(), tonic::Code::DeadlineExceeded, "{timeout}: {status:?}");
    }
}

#[tokio::test]
async fn an_exchange_under_anothers_id_cannot_be_made() {
    let hub = hub().await;
    let answered = hub.tthc().get_citizen(PERSON).await.expect("served");
    let id = crate::caller::exchange_of(answered.metadata()).expect("every response names its exchange");
    let again = hub.tthc().with("lgsp-exchange-id", &id.to_string()).get_citizen(PERSON).await;
    let refusal = refused(again, Reason::InvalidMetadata);
    assert_ne!(refusal.exchange, Some(id), "the gateway makes its own id");
}

#[tokio::test]
async fn more_in_flight_than_allowed_is_refused_at_once() {
    let hub = EchoHub::start_with(|config| config.gateway.exchanges.in_flight_per_application = 4).await;
    let load = hub.load();
    let slow = EchoRequest { behaviour: Behaviour::Hang.into(), ..Default::default() };
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let (load, slow) = (load.clone(), slow.clone());
            tokio::spawn(async move { load.echo_within(slow, Duration::from_secs(4)).await })
        })
        .collect();
    hub.until_in_flight(4).await;
    refused(hub.echo(EchoRequest::default()).await, Reason::TooManyInFlight);
    waiting.iter().for_each(|call| call.abort());
}
