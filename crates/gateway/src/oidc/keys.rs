//! The issuer's public keys, from its JWK set (RFC 7517).

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::fetch::Error;

/// Most keys of a set, usable or not.
const MOST_KEYS: usize = 64;
/// Longest `kid`, in bytes.
const LONGEST_ID: usize = 255;
/// Sizes of an RSA modulus, in bytes: from 2048 bits (RFC 7518, 3.3) to what a forged token may cost us.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=512;
/// Longest public exponent, in bytes; the usual 65537 has three.
const LONGEST_EXPONENT: usize = 4;
/// Bytes of a coordinate of P-256, and of an Ed25519 key.
const COORDINATE: usize = 32;

/// A key that tokens may be signed with.
pub(crate) struct Key {
    /// What it may be used with. The key says so, never the token.
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) public: DecodingKey,
    /// SHA-256 of what it is (RFC 7638), as entries name it.
    pub(super) thumbprint: [u8; 32],
}

/// The usable keys of a set by their `kid`.
pub(super) struct Keys(HashMap<String, Arc<Key>>);

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl Keys {
    /// Reads a set. Keys that cannot sign our tokens are left out: other types, other curves, too small, for encryption,
    /// without a `kid`, or published with their private half.
    ///
    /// # Errors
    /// It is no set, has too many keys, or two of one `kid`.
    pub(super) fn read(document: &[u8]) -> Result<Self, Error> {
        let set: Set = serde_json::from_slice(document).map_err(Error::NotUnderstood)?;
        if set.keys.len() > MOST_KEYS {
            return Err(Error::TooManyKeys);
        }
        let mut keys = HashMap::new();
        for (id, key) in set.keys.into_iter().filter_map(usable) {
            if keys.insert(id, Arc::new(key)).is_some() {
                return Err(Error::KeyTwice);
            }
        }
        Ok(Self(keys))
    }

    pub(super) fn get(&self, kid: &str) -> Option<&Arc<Key>> {
        self.0.get(kid)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

fn usable(value: Value) -> Option<(String, Key)> {
    if value.get("d").is_some() {
        return None;
    }
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let id = jwk.common.key_id.clone().filter(|id| (1..=LONGEST_ID).contains(&id.len()))?;
    let is_for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let allowed = is_for_signatures.then(|| allowed(&jwk.algorithm)).flatten()?;
    let algorithms: Vec<Algorithm> = match jwk.common.key_algorithm {
        Some(named) => allowed.iter().copied().filter(|algorithm| named == (*algorithm).into()).collect(),
        None => allowed.to_vec(),
    };
    if algorithms.is_empty() {
        return None;
    }
    let thumbprint = URL_SAFE_NO_PAD.decode(jwk.thumbprint(ThumbprintHash::SHA256).ok()?).ok()?;
    let public = DecodingKey::from_jwk(&jwk).ok()?;
    Some((id, Key { algorithms, public, thumbprint: thumbprint.try_into().ok()? }))
}

/// What a key may be used with by its type, if it is sound; `None` for all other types.
///
/// Sizes are looked at here: the library takes them for granted.
fn allowed(key: &AlgorithmParameters) -> Option<&'static [Algorithm]> {
    match key {
        AlgorithmParameters::RSA(rsa) => {
            let (modulus, exponent) = (bytes(&rsa.n)?, bytes(&rsa.e)?);
            let is_sound = MODULUS.contains(&modulus.len()) && modulus[0] != 0;
            let is_usual = (1..=LONGEST_EXPONENT).contains(&exponent.len()) && exponent != [1];
            (is_sound && is_usual).then_some(&[Algorithm::RS256, Algorithm::PS256])
        }
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
            let is_sound = [&ec.x, &ec.y].map(|part| bytes(part).map(|part| part.len()));
            (is_sound == [Some(COORDINATE); 2]).then_some(&[Algorithm::ES256])
        }
        AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => {
            (bytes(&okp.x)?.len() == COORDINATE).then_some(&[Algorithm::EdDSA])
        }
        _ => None,
    }
}

/// The bytes of a member, which is written in one way alone.
fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
