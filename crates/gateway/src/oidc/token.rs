//! Judges a token of the issuer: an access token (RFC 9068) or an ID token.

use jsonwebtoken::{Algorithm, Header, Validation};
use lgsp_core::{Fault, Reason, Rules, SignedIn};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Issuer, micros};
use crate::caller::claims::{Audience, Confirmation, there};

/// Longest subject, in bytes (OpenID Connect Core, 2).
const LONGEST_SUBJECT: usize = 255;
/// What `typ` calls the tokens that are accepted; anything else, such as a logout token, is another thing.
const TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];

/// What a token of the issuer proved: whom it names, and by which key.
pub(crate) struct Proved {
    subject: String,
    kid: String,
    pub(crate) thumbprint: [u8; 32],
    /// The certificate whose connections it is good on; `None`: on any.
    pub(crate) certificate: Option<[u8; 32]>,
    /// Good from, and until just before, with what clocks may differ (Unix µs).
    pub(crate) not_before: i64,
    pub(crate) expires: i64,
}

#[derive(Deserialize)]
struct Named {
    iss: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    azp: Option<String>,
    client_id: Option<String>,
    #[serde(default, deserialize_with = "there")]
    cnf: Option<Confirmation>,
    /// Of a logout token and other events, which say nothing of who calls.
    events: Option<IgnoredAny>,
}

impl Issuer {
    /// Whether a token says that it is this issuer's. Nothing of it is proved yet; an application's token names the application.
    pub(crate) fn is_named_by(&self, token: &[u8]) -> bool {
        let named = jsonwebtoken::dangerous::insecure_decode_claims::<Named>(token);
        named.is_ok_and(|named| named.iss == self.options.issuer)
    }

    /// Proves a token of this issuer. Expiry and revocation are for [`Issuer::signed_in`].
    pub(crate) fn prove(&self, token: &[u8]) -> Result<Proved, Fault> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Reason::TokenInvalid)?;
        if header.crit.is_some() || !is_accepted_type(&header) {
            return Err(Reason::TokenInvalid.into());
        }
        let kid = header.kid.ok_or(Reason::TokenInvalid)?;
        let key = self.key(&kid)?;
        if !key.algorithms.contains(&header.alg) {
            return Err(Reason::TokenInvalid.into());
        }
        let token = jsonwebtoken::decode::<Claims>(token, &key.public, &signature_alone(header.alg));
        let claims = token.map_err(|_| Reason::TokenInvalid)?.claims;
        self.accept(claims, kid, key.thumbprint)
    }

    /// Holds the claims of a token whose signature is good against what is expected.
    fn accept(&self, claims: Claims, kid: String, thumbprint: [u8; 32]) -> Result<Proved, Fault> {
        let is_named = claims.iss == self.options.issuer && (1..=LONGEST_SUBJECT).contains(&claims.sub.len());
        if !is_named || claims.events.is_some() {
            return Err(Reason::TokenInvalid.into());
        }
        self.accept_audience(&claims)?;
        // A life that overflows or ends before it begins is no life.
        match claims.exp.checked_sub(claims.iat).and_then(|life| life.checked_mul(1_000_000)) {
            Some(life) if life > micros(self.options.longest_life) => return Err(Reason::TokenTooLong.into()),
            Some(life) if life >= 0 => {}
            Some(_) | None => return Err(Reason::TokenInvalid.into()),
        }
        let not_before = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
        let tolerance = micros(self.options.clock_tolerance);
        Ok(Proved {
            subject: claims.sub,
            kid,
            thumbprint,
            certificate: claims.cnf.map(|bound| bound.certificate),
            not_before: not_before.saturating_mul(1_000_000).saturating_sub(tolerance),
            expires: claims.exp.saturating_mul(1_000_000).saturating_add(tolerance),
        })
    }

    /// It must be made for us, and for a client of ours. Who got a token for several must be told.
    fn accept_audience(&self, claims: &Claims) -> Result<(), Fault> {
        if !claims.aud.has(&self.options.audience) {
            return Err(Reason::TokenAudience.into());
        }
        let is_ours = |client: &String| {
            *client == self.options.audience || self.options.clients.iter().any(|known| known == client)
        };
        let mut parties = claims.azp.iter().chain(&claims.client_id).peekable();
        let is_told = parties.peek().is_some() || claims.aud.all().len() == 1;
        if is_told && parties.all(is_ours) {
            return Ok(());
        }
        Err(Fault::new(Reason::TokenAudience).saying("its client is not one of the hub's"))
    }

    /// Whom a token that was proved names now: its key must still be the issuer's, and its subject a person of the rules.
    pub(crate) fn signed_in<'a>(&self, rules: &'a Rules, proved: &Proved) -> Result<&'a SignedIn, Fault> {
        if self.key(&proved.kid)?.thumbprint != proved.thumbprint {
            return Err(Reason::TokenInvalid.into());
        }
        let signed_in = rules.sign_in(&self.options.issuer, &proved.subject);
        signed_in.ok_or_else(|| Reason::PersonUnknown.into())
    }
}

/// `typ` is optional, and has no case (RFC 7515, 4.1.9).
fn is_accepted_type(header: &Header) -> bool {
    header.typ.as_ref().is_none_or(|typ| TYPES.iter().any(|known| typ.eq_ignore_ascii_case(known)))
}

/// Times, audience and issuer are checked here, each with its own reason.
fn signature_alone(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}
