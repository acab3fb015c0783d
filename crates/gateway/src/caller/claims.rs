//! What tokens of either kind say.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};

/// Who a token is made for.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    pub(crate) fn has(&self, audience: &str) -> bool {
        self.all().iter().any(|one| one == audience)
    }

    pub(crate) fn all(&self) -> &[String] {
        match self {
            Self::One(audience) => std::slice::from_ref(audience),
            Self::Many(audiences) => audiences,
        }
    }
}

/// How a token is bound to whoever may send it (RFC 7800). A kind that we could not confirm is no token of ours.
#[derive(Deserialize)]
pub(crate) struct Confirmation {
    /// SHA-256 of the certificate whose connections it is good on.
    #[serde(rename = "x5t#S256", deserialize_with = "thumbprint")]
    pub(crate) certificate: [u8; 32],
}

/// A `null` binds to nothing, and must not pass for a token that was never bound.
pub(crate) fn there<'de, D: Deserializer<'de>>(of: D) -> Result<Option<Confirmation>, D::Error> {
    Confirmation::deserialize(of).map(Some)
}

fn thumbprint<'de, D: Deserializer<'de>>(of: D) -> Result<[u8; 32], D::Error> {
    let text = String::deserialize(of)?;
    let digest = URL_SAFE_NO_PAD.decode(text).map_err(serde::de::Error::custom)?;
    digest.try_into().map_err(|_| serde::de::Error::custom("no SHA-256"))
}
