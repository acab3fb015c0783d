//! Who calls, proved by a token that the application signed itself.
//!
//! A token is a JWT: EdDSA, `kid` of a credential in the rules, `iss` and `sub` the application, `aud` the hub, and a
//! life of five minutes at most. Verified tokens are remembered by their hash; a hit still checks everything that time
//! or a new snapshot can change, so that a key that left the rules is refused at once. Failures are not remembered.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use lgsp_core::entry::sha256;
use lgsp_core::{Caller, Credential, Fault, Reason, Rules};
use moka::sync::Cache;
use serde::Deserialize;

/// Longest life of a token, in seconds.
const LONGEST_LIFE: i64 = 300;
/// How far clocks may differ, in µs.
const TOLERANCE: i64 = 250_000;
/// Longest token, in bytes. Ours have about 300.
const LONGEST_TOKEN: usize = 2_048;

/// Checks tokens, and remembers the good ones.
pub struct Tokens {
    audience: String,
    validation: Validation,
    verified: Cache<[u8; 32], Arc<Verified>>,
}

/// What a token proved once.
struct Verified {
    key_id: Arc<str>,
    public_key: [u8; 32],
    not_before: i64,
    expires: i64,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Tokens {
    /// Accepts tokens for `audience` and remembers at most `capacity` of them.
    pub fn new(audience: &str, capacity: u64) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        // Times, audience and subject are checked here, each with its own reason.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        Self { audience: audience.to_owned(), validation, verified: Cache::new(capacity) }
    }

    /// Finds out who calls, from the value of `authorization`, at a moment (Unix µs).
    ///
    /// # Errors
    /// A fault with the reason of the first thing that is wrong. It says nothing of the token's content.
    pub fn caller(&self, rules: &Rules, authorization: Option<&[u8]>, now: i64) -> Result<Caller, Fault> {
        let token = bearer(authorization.ok_or(Reason::TokenMissing)?)?;
        let digest = sha256(token);
        if let Some(verified) = self.verified.get(&digest) {
            return verified.caller(rules, now);
        }
        let verified = self.verify(rules, token)?;
        let caller = verified.caller(rules, now)?;
        self.verified.insert(digest, Arc::new(verified));
        Ok(caller)
    }

    fn verify(&self, rules: &Rules, token: &[u8]) -> Result<Verified, Fault> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Reason::TokenInvalid)?;
        // The library would accept an extension that it does not understand.
        if header.alg != Algorithm::EdDSA || header.crit.is_some() {
            return Err(Reason::TokenInvalid.into());
        }
        let key_id = header.kid.ok_or(Reason::TokenInvalid)?;
        let credential = rules.credential(&key_id).ok_or(Reason::TokenInvalid)?;
        let key = DecodingKey::from_ed_der(&credential.public_key);
        let token = jsonwebtoken::decode::<Claims>(token, &key, &self.validation);
        self.accept(credential, token.map_err(|_| Reason::TokenInvalid)?.claims)
    }

    /// Holds the claims of a token whose signature is good against its credential.
    fn accept(&self, credential: &Credential, claims: Claims) -> Result<Verified, Fault> {
        let application = credential.application.id.as_str();
        if claims.iss != application || claims.sub != application {
            return Err(Reason::TokenInvalid.into());
        }
        let for_us = match &claims.aud {
            Audience::One(audience) => *audience == self.audience,
            Audience::Many(audiences) => audiences.contains(&self.audience),
        };
        if !for_us {
            return Err(Reason::TokenAudience.into());
        }
        let not_before = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
        // A life that overflows or ends before it begins is no life.
        match claims.exp.checked_sub(claims.iat) {
            Some(life) if life > LONGEST_LIFE => return Err(Reason::TokenTooLong.into()),
            Some(life) if life >= 0 => {}
            Some(_) | None => return Err(Reason::TokenInvalid.into()),
        }
        Ok(Verified {
            key_id: credential.key_id.clone(),
            public_key: credential.public_key,
            not_before: not_before.saturating_mul(1_000_000),
            expires: claims.exp.saturating_mul(1_000_000),
        })
    }
}

impl Verified {
    /// What time and the current rules say of the token.
    fn caller(&self, rules: &Rules, now: i64) -> Result<Caller, Fault> {
        let credential = rules.credential(&self.key_id).filter(|known| known.public_key == self.public_key);
        let credential = credential.ok_or(Reason::TokenInvalid)?;
        if now.saturating_add(TOLERANCE) < self.not_before {
            return Err(Reason::TokenNotYetValid.into());
        }
        if now.saturating_sub(TOLERANCE) >= self.expires {
            return Err(Reason::TokenExpired.into());
        }
        if now < credential.not_before || now >= credential.not_after {
            return Err(Fault::new(Reason::TokenInvalid).saying("its key is not valid now"));
        }
        Ok(Caller { application: credential.application.clone(), credential_sha256: credential.fingerprint })
    }
}

/// The token of `Bearer <token>`; the scheme's case does not matter.
fn bearer(authorization: &[u8]) -> Result<&[u8], Fault> {
    let (scheme, token) = authorization.split_at_checked(7).ok_or(Reason::TokenInvalid)?;
    let token = token.trim_ascii();
    if !scheme.eq_ignore_ascii_case(b"bearer ") || token.is_empty() || token.len() > LONGEST_TOKEN {
        return Err(Reason::TokenInvalid.into());
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ed25519_dalek::SigningKey;
    use jsonwebtoken::{EncodingKey, Header};
    use lgsp_proto::registry::v1::Snapshot;
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture::{self, NOW, authorization, claims, header, key, signed};

    fn tokens() -> Tokens {
        Tokens::new("lgsp", 100)
    }

    fn refusal(authorization: &str) -> Reason {
        tokens().caller(&fixture::rules(), Some(authorization.as_bytes()), NOW).unwrap_err().reason()
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
            let caller = tokens.caller(&rules, Some(value.as_bytes()), NOW).unwrap();
            assert_eq!(caller.application.id.as_str(), "tthc");
            assert_eq!(caller.credential_sha256, sha256(key().verifying_key().as_bytes()));
        }
        let lower = value.replace("Bearer", "bearer");
        assert!(tokens.caller(&rules, Some(lower.as_bytes()), NOW).is_ok());
    }

    #[test]
    fn each_thing_that_can_be_wrong_has_its_reason() {
        let seconds = NOW / 1_000_000;
        assert_eq!(tokens().caller(&fixture::rules(), None, NOW).unwrap_err().reason(), Reason::TokenMissing);
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
        let at = |now| tokens.caller(&rules, Some(value.as_bytes()), now).map_err(|fault| fault.reason());
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
        assert_eq!(
            refusal(&format!("Bearer {}", signed(&header(), &claims(NOW), &other))),
            Reason::TokenInvalid
        );
        let unknown = Header { kid: Some("nobody".to_owned()), ..header() };
        assert_eq!(
            refusal(&format!("Bearer {}", signed(&unknown, &claims(NOW), &key()))),
            Reason::TokenInvalid
        );
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
        assert_eq!(
            refusal(&format!("Bearer {}", signed(&critical, &claims(NOW), &key()))),
            Reason::TokenInvalid
        );
    }

    #[test]
    fn a_key_that_left_the_rules_is_refused_at_once() {
        let (tokens, value) = (tokens(), authorization(NOW));
        assert!(tokens.caller(&fixture::rules(), Some(value.as_bytes()), NOW).is_ok());
        let mut snapshot: Snapshot = fixture::snapshot();
        snapshot.applications[0].credentials.clear();
        let revoked = Rules::compile(&snapshot, &fixture::descriptors()).unwrap();
        assert_eq!(
            tokens.caller(&revoked, Some(value.as_bytes()), NOW).unwrap_err().reason(),
            Reason::TokenInvalid
        );

        snapshot.applications[0] =
            fixture::application("tthc", fixture::KEY_ID, &SigningKey::from_bytes(&[9; 32]));
        let replaced = Rules::compile(&snapshot, &fixture::descriptors()).unwrap();
        assert_eq!(
            tokens.caller(&replaced, Some(value.as_bytes()), NOW).unwrap_err().reason(),
            Reason::TokenInvalid
        );
    }
}
