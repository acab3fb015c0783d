//! Who calls, proved by a token that the application signed itself, by its client certificate, or by both; or by a token of
//! the issuer that signs persons in.
//!
//! A token of one's own is a JWT: EdDSA, `kid` of a credential in the rules, `iss` and `sub` the application, `aud` the hub, and a
//! life of five minutes at most. Verified tokens are remembered by their hash; a hit still checks everything that time
//! or a new snapshot can change, so that a key that left the rules is refused at once. Failures are not remembered.
//!
//! A certificate speaks for the application that the rules bind it to. With a token, both must name the same one, and a
//! token that is itself bound to a certificate (`cnf` with `x5t#S256`, RFC 8705) is good on that certificate's connections
//! alone, remembered or not.
//!
//! A token that names the issuer is for `oidc`. The two are told apart by `iss`, which the signature then proves: an
//! issuer is a URL, and no application or person is.

mod certificate;
pub(crate) mod claims;

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use lgsp_core::entry::sha256;
use lgsp_core::{Bound, Caller, Credential, Fault, PersonId, Reason, Rules};
use moka::sync::Cache;
use serde::Deserialize;

use crate::oidc::{Issuer, Proved};
use claims::{Audience, Confirmation, there};

pub use certificate::ClientCertificate;

/// Longest life of a token, in seconds.
const LONGEST_LIFE: i64 = 300;
/// How far clocks may differ, in µs.
const TOLERANCE: i64 = 250_000;
/// Longest token, in bytes. Ours have about 300.
const LONGEST_TOKEN: usize = 2_048;
/// The same where an issuer's are accepted, who tells much of a person that is not read here.
const LONGEST_OF_ISSUER: usize = 8_192;

/// Checks tokens, and remembers the good ones.
pub struct Tokens {
    audience: String,
    validation: Validation,
    verified: Cache<[u8; 32], Arc<Verified>>,
    issuer: Option<Arc<Issuer>>,
}

/// When a call is looked at (Unix µs). A token that was good when the call arrived need not outlive it; what the rules say
/// must hold now.
#[derive(Clone, Copy)]
struct Looked {
    arrival: i64,
    now: i64,
}

/// What a token proved once.
enum Verified {
    /// Its signer holds a key of the rules.
    OwnKey(OwnKey),
    /// The issuer vouches for a person.
    SignIn(Proved),
}

struct OwnKey {
    key_id: Arc<str>,
    public_key: [u8; 32],
    /// The certificate whose connections it is good on; `None`: on any.
    certificate: Option<[u8; 32]>,
    /// Good from, and until just before, with what clocks may differ (Unix µs).
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
    #[serde(default, deserialize_with = "there")]
    cnf: Option<Confirmation>,
}

impl Tokens {
    /// Accepts tokens for `audience` and remembers at most `capacity` of them.
    pub fn new(audience: &str, capacity: u64) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        // Times, audience and subject are checked here, each with its own reason.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        Self { audience: audience.to_owned(), validation, verified: Cache::new(capacity), issuer: None }
    }

    /// The same, accepting tokens of an issuer, if there is one.
    #[must_use]
    pub(crate) fn trusting(self, issuer: Option<Arc<Issuer>>) -> Self {
        Self { issuer, ..self }
    }

    /// Finds out who calls, from the value of `authorization` and the certificate of the connection, at a moment (Unix µs).
    ///
    /// # Errors
    /// A fault with the reason of the first thing that is wrong. It says nothing of the token's or the certificate's content.
    pub fn caller(
        &self,
        rules: &Rules,
        authorization: Option<&[u8]>,
        certificate: Option<&ClientCertificate>,
        now: i64,
    ) -> Result<Caller, Fault> {
        self.look(rules, authorization, certificate, Looked { arrival: now, now })
    }

    /// Finds out whether who called at a moment still may by other rules now (both Unix µs).
    ///
    /// # Errors
    /// The fault that a new call would get, but for the age of its token; or what the call proved is now another's.
    pub(crate) fn still(
        &self,
        rules: &Rules,
        (authorization, certificate): (Option<&[u8]>, Option<&ClientCertificate>),
        called: &Caller,
        (arrival, now): (i64, i64),
    ) -> Result<Caller, Fault> {
        let caller = self.look(rules, authorization, certificate, Looked { arrival, now })?;
        if caller.application.id != called.application.id || caller.person != called.person {
            return Err(Reason::TokenInvalid.into());
        }
        Ok(caller)
    }

    fn look(
        &self,
        rules: &Rules,
        authorization: Option<&[u8]>,
        certificate: Option<&ClientCertificate>,
        looked: Looked,
    ) -> Result<Caller, Fault> {
        let bound = certificate.map_or(Bound::ToNobody, |shown| rules.certificate(&shown.names, looked.now));
        let Some(authorization) = authorization else {
            return certificate.ok_or(Reason::TokenMissing)?.caller(bound, looked.now);
        };
        let caller = self.caller_by_token(rules, self.bearer(authorization)?, certificate, looked)?;
        certificate::refuse_anothers(&caller, bound)?;
        Ok(caller)
    }

    fn caller_by_token(
        &self,
        rules: &Rules,
        token: &[u8],
        certificate: Option<&ClientCertificate>,
        looked: Looked,
    ) -> Result<Caller, Fault> {
        let digest = sha256(token);
        if let Some(verified) = self.verified.get(&digest) {
            return self.caller_of(&verified, rules, certificate, looked);
        }
        let verified = match self.issuer.as_ref().filter(|issuer| issuer.is_named_by(token)) {
            Some(issuer) => Verified::SignIn(issuer.prove(token)?),
            None => Verified::OwnKey(self.verify(rules, token)?),
        };
        let caller = self.caller_of(&verified, rules, certificate, looked)?;
        self.verified.insert(digest, Arc::new(verified));
        Ok(caller)
    }

    /// What the connection, time, the current rules and the issuer's current keys say of a token.
    fn caller_of(
        &self,
        verified: &Verified,
        rules: &Rules,
        certificate: Option<&ClientCertificate>,
        looked: Looked,
    ) -> Result<Caller, Fault> {
        let proved = match verified {
            Verified::OwnKey(own) => return own.caller(rules, certificate, looked),
            Verified::SignIn(proved) => proved,
        };
        let issuer = self.issuer.as_ref().ok_or(Reason::TokenInvalid)?;
        let signed_in = issuer.signed_in(rules, proved)?;
        let life = (proved.not_before, proved.expires);
        refuse_untimely(proved.certificate, certificate, life, looked.arrival)?;
        Ok(Caller {
            application: signed_in.application.clone(),
            credential_sha256: proved.thumbprint,
            person: Some(signed_in.person.clone()),
        })
    }

    fn verify(&self, rules: &Rules, token: &[u8]) -> Result<OwnKey, Fault> {
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
    fn accept(&self, credential: &Credential, claims: Claims) -> Result<OwnKey, Fault> {
        let holder = credential.person.as_ref().map_or(credential.application.id.as_str(), PersonId::as_str);
        if claims.iss != holder || claims.sub != holder {
            return Err(Reason::TokenInvalid.into());
        }
        if !claims.aud.has(&self.audience) {
            return Err(Reason::TokenAudience.into());
        }
        let not_before = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
        // A life that overflows or ends before it begins is no life.
        match claims.exp.checked_sub(claims.iat) {
            Some(life) if life > LONGEST_LIFE => return Err(Reason::TokenTooLong.into()),
            Some(life) if life >= 0 => {}
            Some(_) | None => return Err(Reason::TokenInvalid.into()),
        }
        Ok(OwnKey {
            key_id: credential.key_id.clone(),
            public_key: credential.public_key,
            certificate: claims.cnf.map(|bound| bound.certificate),
            not_before: not_before.saturating_mul(1_000_000).saturating_sub(TOLERANCE),
            expires: claims.exp.saturating_mul(1_000_000).saturating_add(TOLERANCE),
        })
    }

    /// The token of `Bearer <token>`; the scheme's case does not matter.
    fn bearer<'a>(&self, authorization: &'a [u8]) -> Result<&'a [u8], Fault> {
        let (scheme, token) = authorization.split_at_checked(7).ok_or(Reason::TokenInvalid)?;
        let token = token.trim_ascii();
        let longest = if self.issuer.is_some() { LONGEST_OF_ISSUER } else { LONGEST_TOKEN };
        if !scheme.eq_ignore_ascii_case(b"bearer ") || token.is_empty() || token.len() > longest {
            return Err(Reason::TokenInvalid.into());
        }
        Ok(token)
    }
}

impl OwnKey {
    /// What the connection, time and the current rules say of the token.
    fn caller(
        &self,
        rules: &Rules,
        certificate: Option<&ClientCertificate>,
        Looked { arrival, now }: Looked,
    ) -> Result<Caller, Fault> {
        let credential = rules.credential(&self.key_id).filter(|known| known.public_key == self.public_key);
        let credential = credential.ok_or(Reason::TokenInvalid)?;
        refuse_untimely(self.certificate, certificate, (self.not_before, self.expires), arrival)?;
        if now < credential.not_before || now >= credential.not_after {
            return Err(Fault::new(Reason::TokenInvalid).saying("its key is not valid now"));
        }
        Ok(Caller {
            application: credential.application.clone(),
            credential_sha256: credential.fingerprint,
            person: credential.person.clone(),
        })
    }
}

/// Refuses a token on a connection that it is not bound to, and one whose time has not come or is over.
fn refuse_untimely(
    bound_to: Option<[u8; 32]>,
    certificate: Option<&ClientCertificate>,
    (not_before, expires): (i64, i64),
    now: i64,
) -> Result<(), Fault> {
    if bound_to.is_some() && bound_to != certificate.map(|shown| shown.sha256) {
        return Err(Reason::CertificateMismatch.into());
    }
    if now < not_before {
        return Err(Reason::TokenNotYetValid.into());
    }
    if now >= expires {
        return Err(Reason::TokenExpired.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
