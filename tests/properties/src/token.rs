use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, SigningKey};
use lgsp_core::{Caller, CertificateName, Fault, Rules};
use lgsp_gateway::Oidc;
use lgsp_gateway::caller::ClientCertificate;
use lgsp_gateway::fuzzing::tokens;
use lgsp_proto::registry::v1::Snapshot;
use serde_json::{Value, json};

use crate::fixture::{self, NOW};
use crate::rules::{CERTIFICATES, ISSUER, RULES, SNAPSHOT, SUBJECT};
use crate::{assert_names_nobody, choice};

/// The rules without any key and any person.
static WITHOUT_KEYS: LazyLock<Rules> = LazyLock::new(|| {
    let mut snapshot: Snapshot = SNAPSHOT.clone();
    snapshot.applications.iter_mut().for_each(|application| application.credentials.clear());
    snapshot.persons.clear();
    Rules::compile(&snapshot, &fixture::descriptors()).expect("good rules")
});

/// Who calls is told exactly if a good signature of theirs says so, for us, now, and on this connection; remembered or not.
///
/// The first byte chooses who signs and whose certificate is shown, the second the moment. The rest is a line with a token's
/// header and its claims; or, if nobody signs, the value of `authorization` itself; or the keys of the issuer.
pub fn token(data: &[u8]) {
    let (chosen, rest) = choice(data);
    if chosen & 0x20 != 0 {
        return keys(rest);
    }
    let (moment, rest) = choice(rest);
    let now = NOW + (moment as i64 - 128) * 3_000_000;
    let certificate = certificate(chosen >> 2);
    let signing_key = if chosen & 0x10 == 0 { signing_key(chosen) } else { Some(issuers_key()) };
    let authorization = match signing_key {
        Some(key) => signed(rest, &key),
        None => rest.to_vec(),
    };
    let tokens = tokens(&Oidc::of(ISSUER, "lgsp"), ISSUERS_KEYS.as_bytes()).expect("a set of keys");
    let judge =
        |rules: &Rules, now: i64| tokens.caller(rules, Some(&authorization), certificate.as_ref(), now);

    let told = judge(&RULES, now);
    let expected = expected(&authorization, certificate.as_ref(), now);
    match (&told, &expected) {
        (Ok(caller), Some(expected)) => {
            assert_eq!(*caller.application.id.as_str(), *expected.application);
            assert_eq!(caller.person.is_some(), expected.application == "dieu-hanh");
        }
        (Ok(caller), None) => panic!("{:?} is believed", caller.application.id),
        (Err(fault), Some(expected)) => assert!(!expected.is_plain, "refused: {:?}", fault.reason()),
        (Err(_), None) => {}
    }
    if let Err(fault) = &told {
        assert_names_nobody(fault);
    }
    let told = name(told);
    assert_eq!(told, name(judge(&RULES, now)), "who is remembered is judged alike");
    assert!(judge(&WITHOUT_KEYS, now).is_err(), "a key that left the rules is no key");
    assert!(judge(&RULES, now + 10_000_000_000).is_err(), "no token lives so long");
    let without =
        tokens.caller(&RULES, None, certificate.as_ref(), now).map(|caller| caller.application.id.clone());
    assert_eq!(
        without.ok(),
        certificate.and_then(|shown| owner(&shown)).map(|id| lgsp_core::ApplicationId::parse(id).unwrap())
    );
}

fn name(told: Result<Caller, Fault>) -> Result<String, lgsp_core::Reason> {
    told.map(|caller| caller.application.id.to_string()).map_err(|fault| fault.reason())
}

/// Only a key that stands in the issuer's set signs persons in.
fn keys(document: &[u8]) {
    let Some(tokens) = tokens(&Oidc::of(ISSUER, "lgsp"), document) else { return };
    let seconds = NOW / 1_000_000;
    let claims = json!({ "iss": ISSUER, "sub": SUBJECT, "aud": "lgsp", "iat": seconds, "exp": seconds + 60 });
    let token = signed(format!("{}\n{claims}", r#"{"alg":"EdDSA","kid":"ed-1"}"#).as_bytes(), &issuers_key());
    if tokens.caller(&RULES, Some(&token), None, NOW).is_ok() {
        let set: Value = serde_json::from_slice(document).expect("a set of keys");
        let mut keys = set["keys"].as_array().expect("a set of keys").iter();
        assert!(keys.any(|key| key["x"] == *issuers_x() && key["kid"] == "ed-1" && key["d"].is_null()));
    }
}

fn issuers_key() -> SigningKey {
    SigningKey::from_bytes(&[41; 32])
}

fn issuers_x() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(issuers_key().verifying_key().as_bytes())
}

static ISSUERS_KEYS: LazyLock<String> = LazyLock::new(|| {
    json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "ed-1", "x": issuers_x() }] }).to_string()
});

fn signing_key(chosen: usize) -> Option<SigningKey> {
    [None, Some([1; 32]), Some([2; 32]), Some([9; 32])][chosen & 3]
        .map(|bytes| SigningKey::from_bytes(&bytes))
}

fn certificate(chosen: usize) -> Option<ClientCertificate> {
    let sha256 = [None, Some(CERTIFICATES[0]), Some(CERTIFICATES[1]), Some([7; 32])][chosen & 3]?;
    Some(ClientCertificate { sha256, names: vec![CertificateName::Sha256(sha256)] })
}

/// The application that a certificate is bound to.
fn owner(certificate: &ClientCertificate) -> Option<&'static str> {
    let index = CERTIFICATES.iter().position(|known| *known == certificate.sha256)?;
    Some(["tthc", "khac"][index])
}

fn signed(text: &[u8], key: &SigningKey) -> Vec<u8> {
    let mut lines = text.splitn(2, |byte| *byte == b'\n');
    let mut part = || BASE64_URL_SAFE_NO_PAD.encode(lines.next().unwrap_or_default());
    let signed = format!("{}.{}", part(), part());
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).to_bytes());
    format!("Bearer {signed}.{signature}").into_bytes()
}

/// Whom a token speaks for.
struct Expected {
    application: &'static str,
    /// Nothing is unusual about how it is written, so that there is no reason to refuse it.
    is_plain: bool,
}

fn expected(authorization: &[u8], certificate: Option<&ClientCertificate>, now: i64) -> Option<Expected> {
    let (scheme, token) = authorization.split_at_checked(7)?;
    let token = std::str::from_utf8(token.trim_ascii()).ok()?;
    if !scheme.eq_ignore_ascii_case(b"bearer ") || token.len() > 8_192 {
        return None;
    }
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { return None };
    let (header, header_is_plain) = part(header, &["alg", "kid", "typ"])?;
    let (claims, claims_are_plain) = part(claims, &["aud", "exp", "iat", "iss", "nbf", "sub"])?;
    let (application, key) = if claims["iss"] == ISSUER {
        ("dieu-hanh", (header["kid"] == "ed-1").then(issuers_key)?)
    } else {
        let known = ["tthc-1", "khac-1"].iter().position(|id| header["kid"] == **id)?;
        (["tthc", "khac"][known], signing_key(known + 1)?)
    };
    let signature = Signature::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    let signed = &token[..token.rfind('.')?];
    key.verifying_key().verify_strict(signed.as_bytes(), &signature).ok()?;

    let good = header["alg"] == "EdDSA"
        && header["crit"].is_null()
        && is_for_us(&claims["aud"])
        && is_bound_to(&claims, certificate)
        && certificate.and_then(owner).is_none_or(|owner| owner == application);
    let named = if application == "dieu-hanh" {
        names_a_person(&header, &claims) && is_now(&claims, i128::from(now), 3_600, 5_000_000)?
    } else {
        claims["iss"] == application
            && claims["sub"] == application
            && is_now(&claims, i128::from(now), 300, 250_000)?
    };
    let is_plain = header_is_plain && claims_are_plain && (header["typ"].is_null() || header["typ"] == "JWT");
    (good && named).then_some(Expected { application, is_plain })
}

/// What more the issuer's tokens must say: that they are tokens for access, given to the hub's own client.
fn names_a_person(header: &Value, claims: &Value) -> bool {
    let types = ["jwt", "at+jwt", "application/at+jwt"].map(str::to_owned);
    let parties = ["azp", "client_id"].map(|name| &claims[name]);
    let several = claims["aud"].as_array().map_or(1, Vec::len) != 1;
    claims["sub"] == SUBJECT
        && (header["typ"].is_null()
            || header["typ"].as_str().is_some_and(|typ| types.contains(&typ.to_ascii_lowercase())))
        && claims["events"].is_null()
        && parties.iter().all(|party| party.is_null() || **party == "lgsp")
        && (!several || parties.iter().any(|party| !party.is_null()))
}

/// A part of a token, and whether it is written as a JSON library would write it with these keys.
fn part(text: &str, keys: &[&str]) -> Option<(Value, bool)> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    let object = value.as_object()?;
    let is_plain = object.iter().all(|(key, value)| keys.contains(&key.as_str()) && !value.is_null())
        && value.to_string().len() == bytes.len();
    Some((value, is_plain))
}

fn is_for_us(audience: &Value) -> bool {
    match audience {
        Value::Array(several) => several.iter().any(|one| one == "lgsp"),
        one => one == "lgsp",
    }
}

fn is_now(claims: &Value, now: i128, longest_life: i128, tolerance: i128) -> Option<bool> {
    let seconds = |name: &str| claims[name].as_i64().map(i128::from);
    let (issued, expires) = (seconds("iat")?, seconds("exp")?);
    let begins = if claims["nbf"].is_null() { issued } else { seconds("nbf")?.max(issued) };
    let lives = (0..=longest_life).contains(&(expires - issued));
    Some(lives && begins * 1_000_000 <= now + tolerance && now - tolerance < expires * 1_000_000)
}

fn is_bound_to(claims: &Value, certificate: Option<&ClientCertificate>) -> bool {
    let Some(bound) = claims.get("cnf") else { return true };
    let shown = certificate.map(|shown| BASE64_URL_SAFE_NO_PAD.encode(shown.sha256));
    shown.is_some_and(|shown| bound["x5t#S256"] == *shown)
}
