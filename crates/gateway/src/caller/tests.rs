use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use jsonwebtoken::{EncodingKey, Header};
use lgsp_core::CertificateName;
use lgsp_core::time::timestamp;
use lgsp_proto::registry::v1::certificate::KnownBy;
use lgsp_proto::registry::v1::{Certificate, Snapshot};
use rcgen::{CertificateParams, KeyPair, SanType};
use rustls_pki_types::CertificateDer;
use serde_json::{Value, json};

use super::*;
use crate::fixture::{self, NOW, authorization, claims, header, key, signed};

fn tokens() -> Tokens {
    Tokens::new("lgsp", 100)
}

fn refusal(authorization: &str) -> Reason {
    tokens().caller(&fixture::rules(), Some(authorization.as_bytes()), None, NOW).unwrap_err().reason()
}

/// The refusal of a token that is well signed and has other claims.
fn refusal_with(change: &[(&str, Value)]) -> Reason {
    let mut claims = claims(NOW);
    for (name, value) in change {
        claims[name] = value.clone();
    }
    refusal(&format!("Bearer {}", signed(&header(), &claims, &key())))
}

#[test]
fn a_good_token_proves_its_application() {
    let (tokens, rules, value) = (tokens(), fixture::rules(), authorization(NOW));
    for _ in 0..2 {
        let caller = tokens.caller(&rules, Some(value.as_bytes()), None, NOW).unwrap();
        assert_eq!(caller.application.id.as_str(), "tthc");
        assert_eq!(caller.credential_sha256, sha256(key().verifying_key().as_bytes()));
    }
    let lower = value.replace("Bearer", "bearer");
    assert!(tokens.caller(&rules, Some(lower.as_bytes()), None, NOW).is_ok());
}

#[test]
fn each_thing_that_can_be_wrong_has_its_reason() {
    let seconds = NOW / 1_000_000;
    assert_eq!(
        tokens().caller(&fixture::rules(), None, None, NOW).unwrap_err().reason(),
        Reason::TokenMissing
    );
    for junk in ["", "Bearer ", "Basic eDp5", "Bearer x", "Bearer a.b.c", &"x".repeat(5_000)] {
        assert_eq!(refusal(junk), Reason::TokenInvalid);
    }
    assert_eq!(
        refusal_with(&[("iat", json!(seconds - 99)), ("exp", json!(seconds - 1))]),
        Reason::TokenExpired
    );
    assert_eq!(refusal_with(&[("iat", json!(seconds + 9))]), Reason::TokenNotYetValid);
    assert_eq!(refusal_with(&[("nbf", json!(seconds + 9))]), Reason::TokenNotYetValid);
    assert_eq!(refusal_with(&[("exp", json!(seconds + 301))]), Reason::TokenTooLong);
    assert_eq!(refusal_with(&[("exp", json!(i64::MAX)), ("iat", json!(i64::MIN))]), Reason::TokenInvalid);
    assert_eq!(refusal_with(&[("aud", json!("somebody-else"))]), Reason::TokenAudience);
    assert_eq!(refusal_with(&[("sub", json!("khac"))]), Reason::TokenInvalid);
    assert_eq!(refusal_with(&[("iss", json!("khac"))]), Reason::TokenInvalid);
    assert_eq!(refusal_with(&[("exp", json!("soon"))]), Reason::TokenInvalid);
}

#[test]
fn clocks_may_differ_by_a_quarter_of_a_second() {
    let (tokens, rules) = (tokens(), fixture::rules());
    let value = authorization(NOW);
    let at = |now| tokens.caller(&rules, Some(value.as_bytes()), None, now).map_err(|fault| fault.reason());
    assert!(at(NOW - 250_000).is_ok());
    assert_eq!(at(NOW - 250_001).unwrap_err(), Reason::TokenNotYetValid);
    let expires = NOW + 60_000_000;
    assert!(at(expires + 249_999).is_ok());
    assert_eq!(
        at(expires + 250_000).unwrap_err(),
        Reason::TokenExpired,
        "also of a token that was verified before"
    );
}

#[test]
fn a_token_signed_by_another_key_or_for_another_kid_is_refused() {
    let other = SigningKey::from_bytes(&[2; 32]);
    assert_eq!(refusal(&format!("Bearer {}", signed(&header(), &claims(NOW), &other))), Reason::TokenInvalid);
    let unknown = Header { kid: Some("nobody".to_owned()), ..header() };
    assert_eq!(refusal(&format!("Bearer {}", signed(&unknown, &claims(NOW), &key()))), Reason::TokenInvalid);
    let none = Header { kid: None, ..header() };
    assert_eq!(refusal(&format!("Bearer {}", signed(&none, &claims(NOW), &key()))), Reason::TokenInvalid);
}

#[test]
fn no_other_algorithm_is_accepted_nor_an_unknown_extension() {
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let none = part(json!({ "alg": "none", "kid": fixture::KEY_ID }));
    assert_eq!(refusal(&format!("Bearer {none}.{}.", part(claims(NOW)))), Reason::TokenInvalid);

    let hmac = Header { kid: Some(fixture::KEY_ID.to_owned()), ..Header::new(Algorithm::HS256) };
    let secret = EncodingKey::from_secret(key().verifying_key().as_bytes());
    let token = jsonwebtoken::encode(&hmac, &claims(NOW), &secret).unwrap();
    assert_eq!(refusal(&format!("Bearer {token}")), Reason::TokenInvalid);

    let critical = Header { crit: Some(vec!["exp".to_owned()]), ..header() };
    assert_eq!(refusal(&format!("Bearer {}", signed(&critical, &claims(NOW), &key()))), Reason::TokenInvalid);
}

#[test]
fn a_key_that_left_the_rules_is_refused_at_once() {
    let (tokens, value) = (tokens(), authorization(NOW));
    assert!(tokens.caller(&fixture::rules(), Some(value.as_bytes()), None, NOW).is_ok());
    let mut snapshot: Snapshot = fixture::snapshot();
    snapshot.applications[0].credentials.clear();
    let revoked = Rules::compile(&snapshot, &fixture::descriptors()).unwrap();
    assert_eq!(
        tokens.caller(&revoked, Some(value.as_bytes()), None, NOW).unwrap_err().reason(),
        Reason::TokenInvalid
    );

    snapshot.applications[0] =
        fixture::application("tthc", fixture::KEY_ID, &SigningKey::from_bytes(&[9; 32]));
    let replaced = Rules::compile(&snapshot, &fixture::descriptors()).unwrap();
    assert_eq!(
        tokens.caller(&replaced, Some(value.as_bytes()), None, NOW).unwrap_err().reason(),
        Reason::TokenInvalid
    );
}

#[test]
fn who_has_called_stays_the_caller_while_the_rules_know_what_they_proved_though_their_token_grew_old() {
    let (tokens, value) = (tokens(), authorization(NOW));
    let called = tokens.caller(&fixture::rules(), Some(value.as_bytes()), None, NOW).unwrap();
    let still = |rules: &Rules, now| {
        let still = tokens.still(rules, (Some(value.as_bytes()), None), &called, (NOW, now));
        still.map(drop).map_err(|fault| fault.reason())
    };
    let later = NOW + 3_600_000_000;
    assert_eq!(still(&fixture::rules(), later), Ok(()));

    let mut snapshot = fixture::snapshot();
    let compiled = |snapshot: &Snapshot| Rules::compile(snapshot, &fixture::descriptors()).unwrap();
    snapshot.applications[0].credentials[0].not_after = Some(timestamp(later));
    assert_eq!(still(&compiled(&snapshot), later - 1), Ok(()));
    assert_eq!(still(&compiled(&snapshot), later), Err(Reason::TokenInvalid), "its key has ended meanwhile");
    let moved = std::mem::take(&mut snapshot.applications[0].credentials);
    assert_eq!(still(&compiled(&snapshot), NOW), Err(Reason::TokenInvalid), "it was revoked");
    snapshot.applications[1].credentials = moved;
    assert_eq!(still(&compiled(&snapshot), NOW), Err(Reason::TokenInvalid), "it is another's now");
}

#[test]
fn who_has_called_by_certificate_stays_the_caller_while_it_is_bound_to_them() {
    let (tokens, rules, shown) = (tokens(), rules_with_certificates(), certificate(1));
    let called = tokens.caller(&rules, None, Some(&shown), NOW).unwrap();
    let still = |rules: &Rules| tokens.still(rules, (None, Some(&shown)), &called, (NOW, NOW)).is_ok();
    assert!(still(&rules));
    assert!(!still(&fixture::rules()));
}

/// Rules in which `tthc` has one certificate by its fingerprint and one by its name, and `khac` another.
fn rules_with_certificates() -> Rules {
    let bound = |known_by| Certificate { known_by: Some(known_by), ..Certificate::default() };
    let mut snapshot = fixture::snapshot();
    snapshot.applications[0].certificates =
        vec![bound(KnownBy::Sha256(vec![1; 32].into())), bound(KnownBy::DnsName("tthc.vn".to_owned()))];
    snapshot.applications[1].certificates = vec![
        bound(KnownBy::Sha256(vec![2; 32].into())),
        Certificate { not_after: Some(timestamp(NOW)), ..bound(KnownBy::Sha256(vec![3; 32].into())) },
    ];
    Rules::compile(&snapshot, &fixture::descriptors()).unwrap()
}

fn certificate(digit: u8) -> ClientCertificate {
    let sha256 = [digit; 32];
    ClientCertificate { sha256, names: vec![CertificateName::Sha256(sha256)] }
}

fn bound_token(digest: [u8; 32]) -> String {
    let mut claims = claims(NOW);
    claims["cnf"] = json!({ "x5t#S256": URL_SAFE_NO_PAD.encode(digest) });
    format!("Bearer {}", signed(&header(), &claims, &key()))
}

#[test]
fn a_certificate_alone_speaks_for_its_application_while_it_is_bound_to_it() {
    let (tokens, rules) = (tokens(), rules_with_certificates());
    let by = |shown: &ClientCertificate, now| tokens.caller(&rules, None, Some(shown), now);
    let caller = by(&certificate(1), NOW).unwrap();
    assert_eq!((caller.application.id.as_str(), caller.credential_sha256), ("tthc", [1; 32]));
    let named = ClientCertificate { names: vec![CertificateName::dns("tthc.vn").unwrap()], ..certificate(9) };
    let caller = by(&named, NOW).unwrap();
    assert_eq!((caller.application.id.as_str(), caller.credential_sha256), ("tthc", [9; 32]));

    assert!(by(&certificate(3), NOW - 1).is_ok());
    assert_eq!(by(&certificate(3), NOW).unwrap_err().reason(), Reason::CertificateInvalid);
    let nobodys = by(&certificate(9), NOW).unwrap_err();
    assert_eq!(nobodys.reason(), Reason::TokenMissing);
    assert!(nobodys.message().contains("bound to no application"), "{}", nobodys.message());
}

#[test]
fn a_token_and_a_certificate_must_name_one_application() {
    let (tokens, rules, value) = (tokens(), rules_with_certificates(), authorization(NOW));
    // The second time, the token is remembered.
    for _ in 0..2 {
        let with = |shown| tokens.caller(&rules, Some(value.as_bytes()), Some(&certificate(shown)), NOW);
        let caller = with(1).unwrap();
        assert_eq!(caller.credential_sha256, sha256(key().verifying_key().as_bytes()));
        assert!(with(9).is_ok(), "a certificate of nobody says nothing");
        for anothers in [2, 3] {
            assert_eq!(with(anothers).unwrap_err().reason(), Reason::CertificateMismatch);
        }
    }
}

#[test]
fn a_bound_token_is_good_with_its_certificate_alone_remembered_or_not() {
    let (tokens, rules) = (tokens(), rules_with_certificates());
    let with = |value: &str, shown: Option<u8>| {
        let shown = shown.map(certificate);
        let caller = tokens.caller(&rules, Some(value.as_bytes()), shown.as_ref(), NOW);
        caller.map(|caller| caller.application.id.as_str().to_owned()).map_err(|fault| fault.reason())
    };
    let (bound, nobodys, anothers) = (bound_token([1; 32]), bound_token([9; 32]), bound_token([2; 32]));
    for _ in 0..2 {
        assert_eq!(with(&bound, None), Err(Reason::CertificateMismatch));
        assert_eq!(with(&bound, Some(9)), Err(Reason::CertificateMismatch));
        assert_eq!(with(&bound, Some(1)), Ok("tthc".to_owned()));
        assert_eq!(with(&nobodys, Some(9)), Ok("tthc".to_owned()), "the token binds it");
        assert_eq!(with(&anothers, Some(2)), Err(Reason::CertificateMismatch), "it is bound to another");
    }
}

#[test]
fn a_binding_that_cannot_be_confirmed_is_no_token_of_ours() {
    let padded = format!("{}=", URL_SAFE_NO_PAD.encode([1; 32]));
    for cnf in [json!(null), json!({}), json!("x"), json!({ "jkt": "x" }), json!({ "x5t#S256": "AA" })] {
        assert_eq!(refusal_with(&[("cnf", cnf)]), Reason::TokenInvalid);
    }
    assert_eq!(refusal_with(&[("cnf", json!({ "x5t#S256": padded }))]), Reason::TokenInvalid);
}

/// A certificate with these subject alternative names.
fn issued(names: Vec<SanType>) -> CertificateDer<'static> {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names;
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
}

#[test]
fn a_certificate_is_known_by_its_fingerprint_and_its_names_but_no_wildcard() {
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let der = issued(vec![
        dns("TTHC.example.vn"),
        dns("*.example.vn"),
        SanType::URI("urn:lgsp:tthc".try_into().unwrap()),
        SanType::Rfc822Name("officer@example.vn".try_into().unwrap()),
    ]);
    let read = ClientCertificate::read(&der);
    assert_eq!(read.sha256, sha256(&der));
    let expected = [
        CertificateName::Sha256(read.sha256),
        CertificateName::dns("tthc.example.vn").unwrap(),
        CertificateName::uri("urn:lgsp:tthc").unwrap(),
    ];
    assert_eq!(read.names, expected);

    let crowd = issued((0..65).map(|number| dns(&format!("n{number}.example.vn"))).collect());
    assert_eq!(ClientCertificate::read(&crowd).names.len(), 1, "its fingerprint alone");
    let garbage = CertificateDer::from(vec![1, 2, 3]);
    assert_eq!(ClientCertificate::read(&garbage).names.len(), 1);
}
