use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Error;

/// The secret of one domain, under which requests, replies and the heartbeats of who serves it carry their MAC. Cheap to
/// clone.
#[derive(Clone)]
pub struct MacKey(Hmac<Sha256>);

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(..)")
    }
}

impl MacKey {
    /// A key of 32 bytes.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Hmac::new_from_slice(&key).expect("HMAC takes a key of any length"))
    }

    /// Reads a key as it stands in its file: 64 hexadecimal digits, perhaps with white space around them.
    ///
    /// # Errors
    /// The text is anything else.
    pub fn from_hex(text: &str) -> Result<Self, Error> {
        let mut key = [0; 32];
        hex::decode_to_slice(text.trim(), &mut key).map_err(|_| Error::KeyMalformed)?;
        Ok(Self::new(key))
    }

    /// Begins a MAC of a record of this kind. Kinds are apart, so that a request can't be sent back as a reply.
    pub(crate) fn begin(&self, kind: Kind) -> Tag {
        let mut tag = Tag(self.0.clone());
        tag.field(kind.label());
        tag
    }
}

/// What kind of record a MAC is for.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Request,
    Reply,
    DeadLetter,
    Heartbeat,
}

impl Kind {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Request => b"lgsp 1 request",
            Self::Reply => b"lgsp 1 reply",
            Self::DeadLetter => b"lgsp 1 dead letter",
            Self::Heartbeat => b"lgsp 1 heartbeat",
        }
    }
}

/// A MAC that is being computed, over fields that each come with their length, so that no two records read alike.
pub(crate) struct Tag(Hmac<Sha256>);

impl Tag {
    pub(crate) fn field(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    pub(crate) fn to_hex(&self) -> String {
        hex::encode(self.0.clone().finalize().into_bytes())
    }

    /// Compares in constant time.
    pub(crate) fn is(self, claimed: &[u8]) -> bool {
        let mut bytes = [0; 32];
        hex::decode_to_slice(claimed, &mut bytes).is_ok() && self.0.verify_slice(&bytes).is_ok()
    }
}

/// The MAC keys of the domains that a gateway calls.
#[derive(Clone, Debug, Default)]
pub struct MacKeys(BTreeMap<String, MacKey>);

impl MacKeys {
    /// Keys by domain.
    pub fn new(keys: BTreeMap<String, MacKey>) -> Self {
        Self(keys)
    }

    /// The key of a domain.
    pub fn key(&self, domain: &str) -> Option<&MacKey> {
        self.0.get(domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: u8, kind: Kind, fields: &[&[u8]]) -> Tag {
        let mut tag = MacKey::new([key; 32]).begin(kind);
        fields.iter().for_each(|field| tag.field(field));
        tag
    }

    #[test]
    fn a_mac_holds_for_its_key_kind_and_fields_only() {
        let hex = tag(1, Kind::Request, &[b"ab", b"c"]).to_hex();
        assert!(tag(1, Kind::Request, &[b"ab", b"c"]).is(hex.as_bytes()));
        assert!(!tag(2, Kind::Request, &[b"ab", b"c"]).is(hex.as_bytes()), "another key");
        assert!(!tag(1, Kind::Reply, &[b"ab", b"c"]).is(hex.as_bytes()), "another kind");
        assert!(!tag(1, Kind::Request, &[b"a", b"bc"]).is(hex.as_bytes()), "other borders");
        assert!(!tag(1, Kind::Request, &[b"ab", b"c"]).is(b"00"), "too short");
    }

    #[test]
    fn a_key_file_holds_64_hexadecimal_digits() {
        assert!(MacKey::from_hex(&format!("{}\n", "0f".repeat(32))).is_ok());
        assert!(MacKey::from_hex("0f").is_err());
        assert!(!format!("{:?}", MacKey::new([7; 32])).contains('7'));
    }
}
