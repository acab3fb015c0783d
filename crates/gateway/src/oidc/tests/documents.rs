//! What the issuer's documents may be. It listens on a loopback address.

use std::collections::HashMap;
use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::super::fetch;
use super::*;

const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Serves these documents by their path for as long as the test lasts, and says by which address. `{}` is that address.
async fn serve(documents: &[(&str, String)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let documents: HashMap<String, String> =
        documents.iter().map(|(path, text)| ((*path).to_owned(), text.replace("{}", &address))).collect();
    let documents = Arc::new(documents);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let documents = documents.clone();
            let answer = service_fn(move |request: Request<Incoming>| {
                let answer = answer(documents.get(request.uri().path()));
                async { Ok::<_, Infallible>(answer) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    address
}

fn answer(document: Option<&String>) -> Response<Full<Bytes>> {
    let Some(text) = document else {
        return Response::builder().status(StatusCode::NOT_FOUND).body(Full::default()).unwrap();
    };
    match text.strip_prefix("-> ") {
        Some(there) => Response::builder().status(StatusCode::FOUND).header(header::LOCATION, there),
        None => Response::builder(),
    }
    .body(text.clone().into())
    .unwrap()
}

fn discovery(issuer: &str, keys: &str) -> String {
    json!({ "issuer": issuer, "jwks_uri": keys }).to_string()
}

fn one_key() -> String {
    json!({ "keys": [Signer::ed().jwk()] }).to_string()
}

/// What is told of keys that cannot be read: the issuer listens at the root of its address.
async fn refused(documents: &[(&str, String)]) -> String {
    let address = serve(documents).await;
    fetch::keys(&Oidc::of(address, "lgsp")).await.err().unwrap().to_string()
}

#[tokio::test]
async fn keys_are_read_where_the_discovery_document_says() {
    let below = format!("/realms/can-tho{WELL_KNOWN}");
    let documents = [(below.as_str(), discovery("{}/realms/can-tho", "{}/keys")), ("/keys", one_key())];
    let address = serve(&documents).await;
    let keys = fetch::keys(&Oidc::of(format!("{address}/realms/can-tho"), "lgsp")).await.unwrap();
    assert!(keys.get("ed-1").is_some());
}

#[tokio::test]
async fn another_issuers_document_is_not_believed() {
    for another in ["{}/", "https://stranger.example", ""] {
        let told = refused(&[(WELL_KNOWN, discovery(another, "{}/keys")), ("/keys", one_key())]).await;
        assert!(told.contains("another issuer's"), "{another}: {told}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed_and_keys_are_not_read_in_the_clear_elsewhere() {
    let told =
        refused(&[(WELL_KNOWN, "-> {}/other".to_owned()), ("/other", discovery("{}", "{}/keys"))]).await;
    assert!(told.contains("302"), "{told}");
    let told =
        refused(&[(WELL_KNOWN, discovery("{}", "{}/keys")), ("/keys", "-> {}/other".to_owned())]).await;
    assert!(told.contains("302"), "{told}");
    for elsewhere in ["http://keys.example/", "file:///etc/passwd", "keys", ""] {
        let told = refused(&[(WELL_KNOWN, discovery("{}", elsewhere))]).await;
        assert!(told.contains("in the clear, or nowhere"), "{elsewhere}: {told}");
    }
}

#[tokio::test]
async fn documents_are_bounded_and_of_their_form() {
    let large = format!("{}{}", one_key(), " ".repeat(256 << 10));
    let told = refused(&[(WELL_KNOWN, discovery("{}", "{}/keys")), ("/keys", large.clone())]).await;
    assert!(told.contains("larger"), "{told}");
    assert!(refused(&[(WELL_KNOWN, large)]).await.contains("larger"));
    assert!(refused(&[(WELL_KNOWN, "<html>".to_owned())]).await.contains("not understood"));
    let told = refused(&[(WELL_KNOWN, discovery("{}", "{}/keys")), ("/keys", "[]".to_owned())]).await;
    assert!(told.contains("not understood"), "{told}");
    let told = refused(&[(WELL_KNOWN, discovery("{}", "{}/keys"))]).await;
    assert!(told.contains("404"), "{told}");
}

#[tokio::test]
async fn an_issuer_that_is_away_or_that_nobody_vouches_for_is_not_reached() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let away = fetch::keys(&Oidc::of(format!("http://{free}"), "lgsp")).await.err().unwrap();
    assert_eq!(away.cause(), "issuer-unreachable");
    let plain = serve(&[(WELL_KNOWN, discovery("{}", "{}/keys"))]).await.replace("http://", "https://");
    let no_tls = fetch::keys(&Oidc::of(plain, "lgsp")).await.err().unwrap();
    assert_eq!(no_tls.cause(), "issuer-unreachable");
}

#[test]
fn a_set_of_too_many_keys_or_of_two_by_one_id_is_refused_as_a_whole() {
    let read = |keys: Vec<Value>| Keys::read(json!({ "keys": keys }).to_string().as_bytes());
    let told = |keys| read(keys).err().unwrap().to_string();
    let ed = Signer::ed().jwk();
    assert!(told(vec![ed.clone(), ed.clone()]).contains("two keys"));
    assert!(told(vec![json!({"kty": "oct"}); 65]).contains("too many"));
    assert_eq!(read(vec![ed, json!({"kty": "oct"})]).unwrap().len(), 1);
    assert_eq!(read(Vec::new()).unwrap().len(), 0, "an issuer may withdraw all");
}

#[test]
fn keys_that_cannot_sign_our_tokens_are_left_out() {
    let with = |signer: &Signer, name: &str, value: Value| {
        let mut jwk = signer.jwk();
        jwk[name] = value;
        jwk
    };
    let (rsa, ec, ed) = (Signer::rsa(Algorithm::RS256), Signer::ec(), Signer::ed());
    let short = URL_SAFE_NO_PAD.encode([7; 31]);
    let weak = URL_SAFE_NO_PAD.encode([0xff; 128]);
    let huge = URL_SAFE_NO_PAD.encode([0xff; 1_024]);
    let unusable = [
        json!(17),
        json!({}),
        json!({"kty": "oct", "kid": "x", "k": "c2VjcmV0"}),
        json!({"kty": "oct", "kid": "x", "k": "c2VjcmV0", "alg": "HS256"}),
        with(&ed, "kid", Value::Null),
        with(&ed, "kid", json!("x".repeat(256))),
        with(&ed, "use", json!("enc")),
        with(&ed, "alg", json!("HS256")),
        with(&ed, "alg", json!("ES256")),
        with(&ed, "crv", json!("Ed448")),
        with(&ed, "x", json!(short)),
        with(&ed, "x", json!("")),
        with(&ed, "d", json!(short)),
        with(&ec, "y", json!(short)),
        with(&ec, "crv", json!("P-384")),
        with(&ec, "crv", json!("secp256k1")),
        with(&rsa, "n", json!(weak)),
        with(&rsa, "n", json!(huge)),
        with(&rsa, "e", json!("AQ")),
        with(&rsa, "alg", json!("RS512")),
        with(&rsa, "alg", json!("RSA-OAEP")),
    ];
    for jwk in unusable {
        assert_eq!(set(std::slice::from_ref(&jwk)).len(), 0, "{jwk}");
    }
}
