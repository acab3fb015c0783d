use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Error;

/// The secret of one domain, under which requests, replies and the heartbeats of who serves it carry their MAC. Cheap to
/// clone.
///
/// While a key is replaced by another there are two: the first signs, and what either has signed is good.
#[derive(Clone)]
pub struct MacKey {
    signs: Hmac<Sha256>,
    /// The key that it replaces, or that will replace it; of decisions, all that signed before.
    also: Vec<Hmac<Sha256>>,
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(..)")
    }
}

impl MacKey {
    /// A key of 32 bytes.
    pub fn new(key: [u8; 32]) -> Self {
        Self { signs: hmac(key), also: Vec::new() }
    }

    /// Reads a key as it stands in its file: 64 hexadecimal digits, perhaps with white space around them; and after it the
    /// one that it replaces, or that will replace it.
    ///
    /// # Errors
    /// The text is anything else.
    pub fn from_hex(text: &str) -> Result<Self, Error> {
        Self::from_hex_up_to(2, text)
    }

    /// Reads a key of what is kept for ever: after it may stand all that signed before, each of which is still good.
    ///
    /// # Errors
    /// The text is anything else.
    pub fn from_hex_with_former(text: &str) -> Result<Self, Error> {
        Self::from_hex_up_to(MOST_FORMER, text)
    }

    fn from_hex_up_to(most: usize, text: &str) -> Result<Self, Error> {
        let read = |word: &str| {
            let mut key = [0; 32];
            hex::decode_to_slice(word, &mut key).map_err(|_| Error::KeyMalformed)?;
            Ok(hmac(key))
        };
        let mut words = text.split_whitespace();
        let signs = read(words.next().unwrap_or_default())?;
        let also = words.map(read).collect::<Result<Vec<_>, _>>()?;
        if also.len() < most { Ok(Self { signs, also }) } else { Err(Error::KeyMalformed) }
    }

    /// Begins a MAC of a record of this kind. Kinds are apart, so that a request can't be sent back as a reply.
    pub(crate) fn begin(&self, kind: Kind) -> Tag {
        let mut tag = Tag { signs: self.signs.clone(), also: self.also.clone() };
        tag.field(kind.label());
        tag
    }
}

/// Most keys of one file of what is kept for ever.
const MOST_FORMER: usize = 100;

fn hmac(key: [u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(&key).expect("HMAC takes a key of any length")
}

/// What kind of record a MAC is for.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Request,
    Reply,
    DeadLetter,
    Heartbeat,
    GatewayHeartbeat,
    Usage,
    Entry,
    Decision,
}

impl Kind {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Request => b"lgsp 1 request",
            Self::Reply => b"lgsp 1 reply",
            Self::DeadLetter => b"lgsp 1 dead letter",
            Self::Heartbeat => b"lgsp 1 heartbeat",
            Self::GatewayHeartbeat => b"lgsp 1 gateway heartbeat",
            Self::Usage => b"lgsp 1 usage",
            Self::Entry => b"lgsp 1 entry",
            Self::Decision => b"lgsp 1 decision",
        }
    }
}

/// A MAC that is being computed, over fields that each come with their length, so that no two records read alike.
pub(crate) struct Tag {
    signs: Hmac<Sha256>,
    also: Vec<Hmac<Sha256>>,
}

impl Tag {
    pub(crate) fn field(&mut self, bytes: &[u8]) {
        for mac in std::iter::once(&mut self.signs).chain(&mut self.also) {
            mac.update(&(bytes.len() as u64).to_be_bytes());
            mac.update(bytes);
        }
    }

    /// Under the key that signs.
    pub(crate) fn to_hex(&self) -> String {
        hex::encode(self.signs.clone().finalize().into_bytes())
    }

    /// Compares in constant time.
    pub(crate) fn is(self, claimed: &[u8]) -> bool {
        let mut bytes = [0; 32];
        hex::decode_to_slice(claimed, &mut bytes).is_ok()
            && std::iter::once(self.signs).chain(self.also).any(|mac| mac.verify_slice(&bytes).is_ok())
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

    /// The key of those who count quotas. It is that of the domain `ledger`: gateways and the ledger hold it, and no adapter
    /// does.
    pub fn counting(&self) -> Option<&MacKey> {
        self.key("ledger")
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

    /// The steps of a rotation: the new key is known everywhere, then signs everywhere, then the old one goes.
    #[test]
    fn while_a_key_is_replaced_both_are_good_and_the_first_signs() {
        let file = |keys: &[&str]| MacKey::from_hex(&keys.join("\n")).unwrap();
        let (old, new) = ("0f".repeat(32), "f0".repeat(32));
        let steps = [file(&[&old]), file(&[&old, &new]), file(&[&new, &old]), file(&[&new])];
        let signed = |by: &MacKey| by.begin(Kind::Request).to_hex();
        for (earlier, later) in steps.iter().zip(&steps[1..]) {
            assert!(later.begin(Kind::Request).is(signed(earlier).as_bytes()), "who is a step ahead");
            assert!(earlier.begin(Kind::Request).is(signed(later).as_bytes()), "who is a step behind");
        }
        assert!(!steps[3].begin(Kind::Request).is(signed(&steps[0]).as_bytes()), "what has gone is gone");
    }

    #[test]
    fn a_key_file_holds_64_hexadecimal_digits_once_or_twice() {
        let key = "0f".repeat(32);
        assert!(MacKey::from_hex(&format!("{key}\n")).is_ok());
        for bad in ["", "0f", &[key.as_str(); 3].join("\n")] {
            assert!(MacKey::from_hex(bad).is_err(), "{bad}");
        }
        assert!(!format!("{:?}", MacKey::new([7; 32])).contains('7'));
    }
}
