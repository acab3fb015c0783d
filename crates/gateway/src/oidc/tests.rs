//! What the issuer's tokens may say, and what is made of them. The RSA key beside this file was made for it and is trusted by
//! nobody.

mod documents;

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{EncodePrivateKey, KeypairBytes};
use futures::FutureExt;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use lgsp_core::time::timestamp;
use lgsp_core::{Caller, Fault, Reason, Rules};
use lgsp_proto::registry::v1::{Application, ApplicationState, Credential, Person, SignIn, Snapshot};
use rcgen::KeyPair;
use serde_json::{Value, json};

use super::Issuer;
use super::keys::Keys;
use crate::caller::{ClientCertificate, Tokens};
use crate::fixture::{self, NOW};
use crate::options::Oidc;

const ISSUER: &str = "https://sso.example.vn/realms/can-tho";
const SUBJECT: &str = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
const SECOND: i64 = 1_000_000;

/// A key of the issuer's.
struct Signer {
    kid: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    fn rsa(algorithm: Algorithm) -> Self {
        let key = EncodingKey::from_rsa_pem(include_bytes!("tests/rsa.pem")).unwrap();
        Self { kid: "rsa-1", algorithm, key }
    }

    fn ec() -> Self {
        let key = EncodingKey::from_ec_der(KeyPair::generate().unwrap().serialized_der());
        Self { kid: "ec-1", algorithm: Algorithm::ES256, key }
    }

    fn ed() -> Self {
        Self::of("ed-1", &SigningKey::from_bytes(&[41; 32]))
    }

    fn of(kid: &'static str, key: &SigningKey) -> Self {
        // Without the public half, which the library does not expect.
        let pair = KeypairBytes { secret_key: key.to_bytes(), public_key: None };
        let der = pair.to_pkcs8_der().unwrap();
        Self { kid, algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(der.as_bytes()) }
    }

    /// The public half, as a set has it.
    fn jwk(&self) -> Value {
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }

    fn header(&self) -> Header {
        Header { kid: Some(self.kid.to_owned()), ..Header::new(self.algorithm) }
    }

    fn sign(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&self.header(), claims, &self.key).unwrap()
    }

    fn sign_under(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }
}

fn set(keys: &[Value]) -> Keys {
    Keys::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// An issuer whose keys were just read.
fn issuer_with(keys: &[Value], change: impl FnOnce(&mut Oidc)) -> Arc<Issuer> {
    let mut options = Oidc::of(ISSUER, "lgsp");
    change(&mut options);
    let issuer = Issuer::open(&options).unwrap();
    issuer.take(set(keys), Instant::now());
    Arc::new(issuer)
}

fn ago(duration: Duration) -> Instant {
    Instant::now().checked_sub(duration).expect("the machine runs for longer")
}

fn tokens(signer: &Signer) -> Tokens {
    Tokens::new("lgsp", 100).trusting(Some(issuer_with(&[signer.jwk()], |_| ())))
}

fn snapshot() -> Snapshot {
    let mut snapshot = fixture::snapshot();
    snapshot.applications.push(Application {
        id: "dieu-hanh".to_owned(),
        state: ApplicationState::Connected.into(),
        platform: true,
        ..Application::default()
    });
    snapshot.persons.push(Person {
        id: "an.tuphap".to_owned(),
        agency_code: "H13.03".to_owned(),
        roles: vec!["operator".to_owned()],
        sign_ins: vec![SignIn { issuer: ISSUER.to_owned(), subject: SUBJECT.to_owned() }],
        ..Person::default()
    });
    snapshot
}

fn rules() -> Rules {
    Rules::compile(&snapshot(), &fixture::descriptors()).unwrap()
}

fn claims() -> Value {
    let now = NOW / SECOND;
    json!({ "iss": ISSUER, "sub": SUBJECT, "aud": "lgsp", "iat": now, "exp": now + 600 })
}

fn claims_with(change: &[(&str, Value)]) -> Value {
    let mut claims = claims();
    for (name, value) in change {
        claims[name] = value.clone();
    }
    claims
}

fn call(tokens: &Tokens, rules: &Rules, token: &str, now: i64) -> Result<Caller, Fault> {
    tokens.caller(rules, Some(format!("Bearer {token}").as_bytes()), None, now)
}

/// The reason of a refusal.
fn refusal(tokens: &Tokens, token: &str) -> Reason {
    call(tokens, &rules(), token, NOW).unwrap_err().reason()
}

#[test]
fn who_has_signed_in_calls_through_the_hubs_tool_in_the_name_of_their_agency() {
    for signer in [Signer::rsa(Algorithm::RS256), Signer::rsa(Algorithm::PS256), Signer::ec(), Signer::ed()] {
        let mut jwk = signer.jwk();
        let thumbprint: Jwk = serde_json::from_value(jwk.clone()).unwrap();
        let thumbprint = thumbprint.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap();
        // A set need not say what a key is used with.
        jwk.as_object_mut().unwrap().remove("alg");
        let tokens = Tokens::new("lgsp", 100).trusting(Some(issuer_with(&[jwk], |_| ())));
        // The second time, the token is remembered.
        for _ in 0..2 {
            let caller = call(&tokens, &rules(), &signer.sign(&claims()), NOW).unwrap();
            assert_eq!(caller.application.id.as_str(), "dieu-hanh");
            assert_eq!(&*caller.application.agency, "H13.03");
            assert_eq!(caller.person.unwrap().as_str(), "an.tuphap");
            assert_eq!(URL_SAFE_NO_PAD.encode(caller.credential_sha256), thumbprint);
        }
    }
}

#[test]
fn access_tokens_and_id_tokens_are_accepted_and_no_other_kind() {
    let signer = Signer::ed();
    let tokens = tokens(&signer);
    let typed = |typ: Option<&str>| Header { typ: typ.map(str::to_owned), ..signer.header() };
    for typ in [None, Some("JWT"), Some("at+jwt"), Some("application/at+jwt"), Some("AT+JWT")] {
        assert!(call(&tokens, &rules(), &signer.sign_under(&typed(typ), &claims()), NOW).is_ok(), "{typ:?}");
    }
    for typ in ["logout+jwt", "secevent+jwt", "dpop+jwt", ""] {
        let token = signer.sign_under(&typed(Some(typ)), &claims());
        assert_eq!(refusal(&tokens, &token), Reason::TokenInvalid, "{typ}");
    }
    let logout =
        claims_with(&[("events", json!({"http://schemas.openid.net/event/backchannel-logout": {}}))]);
    assert_eq!(refusal(&tokens, &signer.sign(&logout)), Reason::TokenInvalid);
}

#[test]
fn no_key_is_used_with_an_algorithm_that_is_not_its_own() {
    let (rsa, ec) = (Signer::rsa(Algorithm::RS256), Signer::ec());
    let tokens = Tokens::new("lgsp", 100).trusting(Some(issuer_with(&[rsa.jwk(), ec.jwk()], |_| ())));
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());

    let none = format!("{}.{}.", part(&json!({"alg": "none", "kid": "rsa-1"})), part(&claims()));
    assert_eq!(refusal(&tokens, &none), Reason::TokenInvalid);

    // The public key is known to everybody, as its bytes and as its text.
    let modulus = rsa.jwk()["n"].as_str().unwrap().to_owned();
    let bytes = URL_SAFE_NO_PAD.decode(&modulus).unwrap();
    for secret in [bytes.as_slice(), modulus.as_bytes(), rsa.jwk().to_string().as_bytes()] {
        let hmac = Header { kid: Some("rsa-1".to_owned()), ..Header::new(Algorithm::HS256) };
        let token = jsonwebtoken::encode(&hmac, &claims(), &EncodingKey::from_secret(secret)).unwrap();
        assert_eq!(refusal(&tokens, &token), Reason::TokenInvalid);
    }

    let as_ec = Header { kid: Some("rsa-1".to_owned()), ..Header::new(Algorithm::ES256) };
    assert_eq!(refusal(&tokens, &ec.sign_under(&as_ec, &claims())), Reason::TokenInvalid);
    let as_rsa = Header { kid: Some("ec-1".to_owned()), ..Header::new(Algorithm::RS256) };
    assert_eq!(refusal(&tokens, &rsa.sign_under(&as_rsa, &claims())), Reason::TokenInvalid);
    // Its `alg` in the set is RS256.
    assert_eq!(refusal(&tokens, &Signer::rsa(Algorithm::PS256).sign(&claims())), Reason::TokenInvalid);
    // SHA-512 would be of the same key.
    assert_eq!(refusal(&tokens, &Signer::rsa(Algorithm::RS512).sign(&claims())), Reason::TokenInvalid);
}

#[test]
fn a_token_is_good_under_the_issuers_key_alone_and_brings_none_along() {
    let (signer, stranger) = (Signer::ed(), SigningKey::from_bytes(&[42; 32]));
    let tokens = tokens(&signer);
    assert_eq!(refusal(&tokens, &Signer::of("ed-1", &stranger).sign(&claims())), Reason::TokenInvalid);
    let strangers = Signer::of("ed-1", &stranger);
    let own: Jwk = serde_json::from_value(strangers.jwk()).unwrap();
    let embedded = Header {
        jwk: Some(own),
        jku: Some("https://stranger.example/keys".to_owned()),
        ..strangers.header()
    };
    assert_eq!(refusal(&tokens, &strangers.sign_under(&embedded, &claims())), Reason::TokenInvalid);
    let without = Header { kid: None, ..signer.header() };
    assert_eq!(refusal(&tokens, &signer.sign_under(&without, &claims())), Reason::TokenInvalid);
    let critical = Header { crit: Some(vec!["exp".to_owned()]), ..signer.header() };
    assert_eq!(refusal(&tokens, &signer.sign_under(&critical, &claims())), Reason::TokenInvalid);
    let mut forged = signer.sign(&claims());
    forged.replace_range(forged.rfind('.').unwrap().., ".AAAA");
    assert_eq!(refusal(&tokens, &forged), Reason::TokenInvalid);
}

#[test]
fn each_claim_that_can_be_wrong_has_its_reason() {
    let (signer, now) = (Signer::ed(), NOW / SECOND);
    let tokens = tokens(&signer);
    let refusal_with = |change: &[(&str, Value)]| refusal(&tokens, &signer.sign(&claims_with(change)));
    for another in ["https://sso.example.vn/realms/can-tho/", "https://stranger.example", "an.tuphap", ""] {
        assert_eq!(refusal_with(&[("iss", json!(another))]), Reason::TokenInvalid, "{another}");
    }
    assert_eq!(refusal_with(&[("aud", json!("another"))]), Reason::TokenAudience);
    assert_eq!(refusal_with(&[("aud", json!(["another", "third"]))]), Reason::TokenAudience);
    assert_eq!(refusal_with(&[("aud", json!([]))]), Reason::TokenAudience);
    assert_eq!(refusal_with(&[("exp", json!(now + 3_601))]), Reason::TokenTooLong);
    assert_eq!(refusal_with(&[("exp", json!(i64::MAX)), ("iat", json!(i64::MIN))]), Reason::TokenInvalid);
    assert_eq!(refusal_with(&[("exp", json!(now - 1))]), Reason::TokenInvalid, "it ends before it begins");
    for missing in ["sub", "aud", "exp", "iat"] {
        assert_eq!(refusal_with(&[(missing, Value::Null)]), Reason::TokenInvalid, "{missing}");
    }
    assert_eq!(refusal_with(&[("sub", json!(""))]), Reason::TokenInvalid);
    assert_eq!(refusal_with(&[("sub", json!("x".repeat(256)))]), Reason::TokenInvalid);
    assert_eq!(refusal_with(&[("filler", json!("x".repeat(8_192)))]), Reason::TokenInvalid);
    for cnf in [json!(null), json!({}), json!({ "jkt": "x" })] {
        assert_eq!(refusal_with(&[("cnf", cnf)]), Reason::TokenInvalid);
    }
}

#[test]
fn a_token_for_several_tells_the_client_that_got_it_and_it_is_one_of_ours() {
    let signer = Signer::ed();
    let ours = issuer_with(&[signer.jwk()], |oidc| oidc.clients = vec!["lgsp-cli".to_owned()]);
    let tokens = Tokens::new("lgsp", 100).trusting(Some(ours));
    let outcome = |change: &[(&str, Value)]| {
        let called = call(&tokens, &rules(), &signer.sign(&claims_with(change)), NOW);
        called.map(|_| ()).map_err(|fault| fault.reason())
    };
    let both = ("aud", json!(["account", "lgsp"]));
    assert_eq!(outcome(&[both.clone(), ("azp", json!("lgsp-cli"))]), Ok(()));
    assert_eq!(outcome(&[both.clone(), ("client_id", json!("lgsp-cli"))]), Ok(()));
    assert_eq!(outcome(&[("azp", json!("lgsp"))]), Ok(()));
    assert_eq!(outcome(std::slice::from_ref(&both)), Err(Reason::TokenAudience));
    assert_eq!(outcome(&[both, ("azp", json!("portal"))]), Err(Reason::TokenAudience));
    assert_eq!(outcome(&[("azp", json!("portal"))]), Err(Reason::TokenAudience));
    let contradictory = [("azp", json!("lgsp-cli")), ("client_id", json!("portal"))];
    assert_eq!(outcome(&contradictory), Err(Reason::TokenAudience));
}

#[test]
fn times_are_judged_with_what_clocks_may_differ_remembered_or_not() {
    let (signer, now) = (Signer::ed(), NOW / SECOND);
    let (tokens, rules) = (tokens(&signer), rules());
    let token = signer.sign(&claims());
    let at = |now| call(&tokens, &rules, &token, now).map(|_| ()).map_err(|fault| fault.reason());
    assert_eq!(at(NOW - 5 * SECOND), Ok(()));
    assert_eq!(at(NOW - 5 * SECOND - 1), Err(Reason::TokenNotYetValid));
    let expires = NOW + 600 * SECOND;
    assert_eq!(at(expires + 5 * SECOND - 1), Ok(()));
    assert_eq!(at(expires + 5 * SECOND), Err(Reason::TokenExpired));

    let later = signer.sign(&claims_with(&[("nbf", json!(now + 60))]));
    assert_eq!(refusal(&tokens, &later), Reason::TokenNotYetValid);
    let over = signer.sign(&claims_with(&[("iat", json!(now - 99)), ("exp", json!(now - 9))]));
    assert_eq!(refusal(&tokens, &over), Reason::TokenExpired);
}

#[test]
fn a_subject_of_no_person_is_refused_without_a_word_about_it() {
    let signer = Signer::ed();
    let (tokens, token) = (tokens(&signer), signer.sign(&claims()));
    let stranger = signer.sign(&claims_with(&[("sub", json!("somebody-else"))]));
    let refused = call(&tokens, &rules(), &stranger, NOW).unwrap_err();
    assert_eq!(refused.reason(), Reason::PersonUnknown);
    assert!(!format!("{refused} {:?}", refused.to_rpc(None)).contains("somebody-else"));

    // Who has left is as unknown as who never was, at once.
    let called = call(&tokens, &rules(), &token, NOW).unwrap();
    let mut snapshot = snapshot();
    snapshot.persons.clear();
    let without = Rules::compile(&snapshot, &fixture::descriptors()).unwrap();
    let left = call(&tokens, &without, &token, NOW).unwrap_err();
    assert_eq!((left.reason(), left.message()), (refused.reason(), refused.message()));
    let value = format!("Bearer {token}");
    let still = |rules: &Rules| {
        let still = tokens.still(rules, (Some(value.as_bytes()), None), &called, (NOW, NOW + 3_600 * SECOND));
        still.map(drop).map_err(|fault| fault.reason())
    };
    assert_eq!(still(&self::rules()), Ok(()), "the token grew old, and the call goes on");
    assert_eq!(still(&without), Err(Reason::PersonUnknown));
}

#[test]
fn a_key_that_left_the_set_makes_remembered_tokens_invalid_and_one_that_appears_is_asked_for() {
    let (old, new) = (Signer::ed(), Signer::of("ed-2", &SigningKey::from_bytes(&[43; 32])));
    let issuer = issuer_with(&[old.jwk()], |_| ());
    let tokens = Tokens::new("lgsp", 100).trusting(Some(issuer.clone()));
    let of = |signer: &Signer| {
        let called = call(&tokens, &rules(), &signer.sign(&claims()), NOW);
        called.map(|_| ()).map_err(|fault| fault.reason())
    };
    assert_eq!(of(&old), Ok(()));
    assert_eq!(of(&new), Err(Reason::TokenInvalid), "the issuer has just been asked");
    issuer.take(set(&[old.jwk()]), ago(Duration::from_secs(11)));
    assert_eq!(of(&new), Err(Reason::IssuerKeyUnknown));

    issuer.take(set(&[old.jwk(), new.jwk()]), Instant::now());
    assert_eq!((of(&old), of(&new)), (Ok(()), Ok(())), "an overlap");
    issuer.take(set(&[new.jwk()]), Instant::now());
    assert_eq!((of(&old), of(&new)), (Err(Reason::TokenInvalid), Ok(())));

    // Another key of the old id is not the key that signed.
    let other = Signer::of("ed-1", &SigningKey::from_bytes(&[44; 32]));
    issuer.take(set(&[other.jwk()]), Instant::now());
    assert_eq!(of(&old), Err(Reason::TokenInvalid));
}

#[test]
fn keys_that_could_not_be_read_again_hold_for_a_time_and_are_asked_for_when_it_is_over() {
    let signer = Signer::ed();
    let keep = Duration::from_secs(300);
    let issuer = issuer_with(&[signer.jwk()], |oidc| oidc.keep = keep);
    let tokens = Tokens::new("lgsp", 100).trusting(Some(issuer.clone()));
    let read = |ago_by: Duration| {
        issuer.take(set(&[signer.jwk()]), ago(ago_by));
        call(&tokens, &rules(), &signer.sign(&claims()), NOW).map(|_| ()).map_err(|fault| fault.reason())
    };
    let is_asked = || issuer.asked.notified().now_or_never().is_some();
    assert_eq!(read(keep - Duration::from_secs(60)), Ok(()));
    assert!(!is_asked());
    assert_eq!(read(keep), Err(Reason::IssuerUnavailable));
    assert!(is_asked(), "whoever reads the keys is told that they are wanted");
    assert_eq!(read(Duration::ZERO), Ok(()));

    let unread = Arc::new(Issuer::open(&Oidc::of(ISSUER, "lgsp")).unwrap());
    let tokens = Tokens::new("lgsp", 100).trusting(Some(unread));
    assert_eq!(refusal(&tokens, &signer.sign(&claims())), Reason::IssuerUnavailable);
}

#[test]
fn a_bound_token_is_good_on_its_certificates_connections_alone() {
    let signer = Signer::ed();
    let (tokens, rules) = (tokens(&signer), rules());
    let bound = claims_with(&[("cnf", json!({ "x5t#S256": URL_SAFE_NO_PAD.encode([1; 32]) }))]);
    let bearer = format!("Bearer {}", signer.sign(&bound));
    let with = |shown: Option<u8>| {
        let shown = shown.map(|digit| ClientCertificate { sha256: [digit; 32], names: Vec::new() });
        let called = tokens.caller(&rules, Some(bearer.as_bytes()), shown.as_ref(), NOW);
        called.map(|_| ()).map_err(|fault| fault.reason())
    };
    for _ in 0..2 {
        assert_eq!(with(None), Err(Reason::CertificateMismatch));
        assert_eq!(with(Some(2)), Err(Reason::CertificateMismatch));
        assert_eq!(with(Some(1)), Ok(()));
    }
}

#[test]
fn an_issuer_speaks_for_nobody_who_signs_with_a_key_of_the_rules() {
    let signer = Signer::ed();
    let mut snapshot = snapshot();
    let own = SigningKey::from_bytes(&[45; 32]);
    snapshot.persons[0].credentials.push(Credential {
        key_id: "ed-1".to_owned(),
        ed25519_public_key: own.verifying_key().as_bytes().to_vec().into(),
        not_after: Some(timestamp(i64::MAX / 2)),
        ..Credential::default()
    });
    let rules = Rules::compile(&snapshot, &fixture::descriptors()).unwrap();
    let tokens = tokens(&signer);
    let reason = |token: &str| call(&tokens, &rules, token, NOW).map(|_| ()).map_err(|fault| fault.reason());
    let (now, person) = (NOW / SECOND, "an.tuphap");
    let as_person = json!({"iss": person, "sub": person, "aud": "lgsp", "iat": now, "exp": now + 60});
    assert_eq!(reason(&signer.sign(&as_person)), Err(Reason::TokenInvalid));
    assert_eq!(reason(&Signer::of("ed-1", &own).sign(&as_person)), Ok(()));
    assert_eq!(reason(&Signer::of("ed-1", &own).sign(&claims())), Err(Reason::TokenInvalid));
    assert_eq!(reason(&signer.sign(&claims())), Ok(()));

    // Without the issuer its tokens are nobody's.
    let alone = Tokens::new("lgsp", 100);
    assert_eq!(refusal(&alone, &signer.sign(&claims())), Reason::TokenInvalid);
}
