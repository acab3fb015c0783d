//! Keys by name: how [signed-note](https://c2sp.org/signed-note), section "Signatures", identifies them, and the texts in
//! which Go's `golang.org/x/mod/sumdb/note` and everything that speaks with it keeps them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature as Ed25519, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::encoding;

/// What a key signs. The two are told apart by the key's id, so that one key pair could serve for both without confusion;
/// but nobody needs that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A note's text as it is: signed-note, type `0x01`, as logs sign checkpoints.
    Log,
    /// A checkpoint with the time at which it was the greatest one that was seen: tlog-cosignature, type `0x04`.
    Witness,
}

impl Kind {
    fn type_byte(self) -> u8 {
        match self {
            Self::Log => 0x01,
            Self::Witness => 0x04,
        }
    }

    fn of_type(byte: u8) -> Option<Self> {
        [Self::Log, Self::Witness].into_iter().find(|kind| kind.type_byte() == byte)
    }
}

/// Why a text is no key. It is never repeated: it may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A name stands between a space and another in a note, and between pluses in a key's text.
    #[error("a key's name is not empty and has no white space, plus or control characters")]
    Name,
    /// The text has other parts.
    #[error("a key is written NAME+ID+BASE64, and a private one PRIVATE+KEY+NAME+ID+BASE64")]
    Form,
    /// The key is of a type that is not known here.
    #[error("the key is neither of Ed25519 nor of cosignature/v1")]
    Type,
    /// The bytes are no key of Ed25519, or one under which anything could be verified.
    #[error("the key is no good public key of Ed25519")]
    Weak,
    /// The id is not that of name, type and key.
    #[error("the key's id does not follow from its name and key")]
    Id,
}

/// The public half of a key. Its text is the `vkey` of signed-note: `NAME+ID+BASE64`.
///
/// ```
/// use lgsp_tlog::{Kind, VerifierKey};
///
/// let key: VerifierKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse()?;
/// assert_eq!((key.name(), key.id(), key.kind()), ("PeterNeumann", 0xc74f20a3, Kind::Log));
/// # Ok::<(), lgsp_tlog::key::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    kind: Kind,
    key: VerifyingKey,
}

impl VerifierKey {
    /// The key of 32 bytes under a name.
    ///
    /// # Errors
    /// The name cannot be one, or the bytes are no good key.
    pub fn from_bytes(name: &str, kind: Kind, key: &[u8; 32]) -> Result<Self, Error> {
        let key = VerifyingKey::from_bytes(key).map_err(|_| Error::Weak)?;
        if key.is_weak() {
            return Err(Error::Weak);
        }
        Self::new(name, kind, key)
    }

    fn new(name: &str, kind: Kind, key: VerifyingKey) -> Result<Self, Error> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), id: key_id(name, kind, &key), kind, key })
    }

    /// Reads a `vkey`.
    ///
    /// # Errors
    /// The text is anything else, or its id is not that of name and key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let parts = Parts::of(text)?;
        let key = Self::from_bytes(parts.name, parts.kind, &parts.key)?;
        if key.id == parts.id { Ok(key) } else { Err(Error::Id) }
    }

    /// Whose key it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of `SHA-256(name || 0x0A || type || key)`: with the name it tells which key a signature is of.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What it signs.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether the key made these 64 bytes for a message. Stricter than RFC 8032 asks for: no keys or points of small order.
    pub(crate) fn made(&self, signature: &[u8; 64], message: &[u8]) -> bool {
        self.key.verify_strict(message, &Ed25519::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.kind.type_byte()];
        key.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.id, encoding::base64(&key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VerifierKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// A key that signs. Its text, for a file that nobody else may read, is that of Go's notes: `PRIVATE+KEY+NAME+ID+BASE64`.
///
/// The secret is wiped from memory when the key is dropped, and never printed.
///
/// ```
/// use lgsp_tlog::{Kind, SignerKey};
///
/// let key = SignerKey::from_seed("example.com/log", Kind::Log, &[7; 32])?;
/// let text = key.text();
/// assert!(text.starts_with("PRIVATE+KEY+example.com/log+"));
/// assert_eq!(SignerKey::parse(&text)?.verifier(), key.verifier());
/// assert!(!format!("{key:?}").contains("PRIVATE"));
/// # Ok::<(), lgsp_tlog::key::Error>(())
/// ```
pub struct SignerKey {
    key: SigningKey,
    verifier: VerifierKey,
}

const PRIVATE: &str = "PRIVATE+KEY+";

impl SignerKey {
    /// The key of a seed, which the caller draws at random.
    ///
    /// # Errors
    /// The name cannot be one.
    pub fn from_seed(name: &str, kind: Kind, seed: &[u8; 32]) -> Result<Self, Error> {
        let key = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name, kind, key.verifying_key())?;
        Ok(Self { key, verifier })
    }

    /// Reads a key's [text](Self::text); there may be white space around it, as at the end of a file.
    ///
    /// # Errors
    /// The text is anything else, or its id is not that of name and key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let parts = Parts::of(text.trim().strip_prefix(PRIVATE).ok_or(Error::Form)?)?;
        let key = Self::from_seed(parts.name, parts.kind, &parts.key)?;
        if key.id() == parts.id { Ok(key) } else { Err(Error::Id) }
    }

    /// The text for the key's file, with the secret in it.
    pub fn text(&self) -> Zeroizing<String> {
        let mut key = Zeroizing::new([0; 33]);
        key[0] = self.kind().type_byte();
        key[1..].copy_from_slice(self.key.as_bytes());
        let mut base64 = Zeroizing::new([0; 44]);
        let length = STANDARD.encode_slice(*key, &mut *base64).expect("33 bytes are 44 characters");
        let base64 = str::from_utf8(&base64[..length]).expect("base64 is ASCII");

        let head = format!("{PRIVATE}{}+{:08x}+", self.name(), self.id());
        let mut text = Zeroizing::new(String::with_capacity(head.len() + base64.len()));
        text.push_str(&head);
        text.push_str(base64);
        text
    }

    /// Whose key it is.
    pub fn name(&self) -> &str {
        self.verifier.name()
    }

    /// As that of its [public half](VerifierKey::id).
    pub fn id(&self) -> u32 {
        self.verifier.id()
    }

    /// What it signs.
    pub fn kind(&self) -> Kind {
        self.verifier.kind()
    }

    /// The public half, for those who verify.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs a message: RFC 8032.
    pub(crate) fn signature(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignerKey").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

/// What both texts end with: `NAME+ID+BASE64`.
struct Parts<'t> {
    name: &'t str,
    id: u32,
    kind: Kind,
    key: Zeroizing<[u8; 32]>,
}

impl<'t> Parts<'t> {
    fn of(text: &'t str) -> Result<Self, Error> {
        // Base64 may have pluses, a name and an id cannot.
        let mut parts = text.splitn(3, '+');
        let mut part = || parts.next().ok_or(Error::Form);
        let (name, id, key) = (part()?, part()?, part()?);
        let mut bytes = [0; 4];
        hex::decode_to_slice(id, &mut bytes).map_err(|_| Error::Form)?;
        let typed = Zeroizing::new(encoding::from_base64(key).ok_or(Error::Form)?);
        let (kind, key) = typed.split_first().ok_or(Error::Form)?;
        let kind = Kind::of_type(*kind).ok_or(Error::Type)?;
        let key = Zeroizing::new(<[u8; 32]>::try_from(key).map_err(|_| Error::Form)?);
        Ok(Self { name, id: u32::from_be_bytes(bytes), kind, key })
    }
}

/// signed-note, section "Format": not empty, and neither white space nor plus.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let is_out_of_place = |c: char| c.is_whitespace() || c == '+' || c.is_control();
    if name.is_empty() || name.contains(is_out_of_place) { Err(Error::Name) } else { Ok(()) }
}

fn key_id(name: &str, kind: Kind, key: &VerifyingKey) -> u32 {
    let digest = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', kind.type_byte()])
        .chain_update(key.as_bytes())
        .finalize();
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of the tests of Go's notes.
    const PRIVATE_TEXT: &str =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const PUBLIC_TEXT: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn the_keys_of_gos_notes_are_read_and_written() {
        let key = SignerKey::parse(PRIVATE_TEXT).expect("the private key");
        assert_eq!(*key.text(), PRIVATE_TEXT);
        assert_eq!(key.verifier().to_string(), PUBLIC_TEXT);
        assert_eq!(VerifierKey::parse(PUBLIC_TEXT).as_ref(), Ok(key.verifier()));
        assert!(SignerKey::parse(&format!("{PRIVATE_TEXT}\n")).is_ok());
    }

    #[test]
    fn a_witness_s_key_is_another_than_a_log_s_of_the_same_seed() {
        let log = SignerKey::from_seed("example.com", Kind::Log, &[1; 32]).expect("a key");
        let witness = SignerKey::from_seed("example.com", Kind::Witness, &[1; 32]).expect("a key");
        assert_ne!(log.id(), witness.id());
        assert_eq!(SignerKey::parse(&witness.text()).expect("its text").kind(), Kind::Witness);
        let read = VerifierKey::parse(&witness.verifier().to_string()).expect("its text");
        assert_eq!(&read, witness.verifier());
    }

    #[test]
    fn a_text_that_is_no_key_is_refused_and_not_repeated() {
        let cases = [
            ("", Error::Form),
            ("PeterNeumann", Error::Form),
            ("PeterNeumann+c74f20a3", Error::Form),
            ("PeterNeumann+c74f20a+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", Error::Form),
            ("PeterNeumann++c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", Error::Form),
            ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T", Error::Form),
            ("PeterNeumann+c74f20a3+", Error::Form),
            ("PeterNeumann+c74f20a3+AQ==", Error::Form),
            ("PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", Error::Type),
            ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", Error::Id),
            ("Peter+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", Error::Id),
            ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", Error::Name),
            ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", Error::Name),
            // The neutral point: everything verifies under it.
            ("a+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", Error::Weak),
        ];
        for (text, error) in cases {
            assert_eq!(VerifierKey::parse(text), Err(error), "{text}");
        }
        for text in [PUBLIC_TEXT, &PRIVATE_TEXT[8..], &PRIVATE_TEXT.replace("c74f", "c74e")] {
            let error = SignerKey::parse(text).expect_err("no private key");
            assert!(!error.to_string().contains("AYEKFALVFGyNhPJEMzD1QIDr"));
        }
    }

    #[test]
    fn debug_never_tells_the_secret() {
        let key = SignerKey::parse(PRIVATE_TEXT).expect("the private key");
        let text = format!("{key:?} {key:#?}");
        assert!(text.contains("PeterNeumann+c74f20a3"));
        let secret = hex::encode(key.key.as_bytes());
        for part in ["AYEKFALVFGyNhPJEMzD1QIDr", &secret[..8], "129, 10, 20"] {
            assert!(!text.contains(part), "{text}");
        }
    }

    #[test]
    fn names_have_neither_white_space_nor_plus() {
        for wrong in ["", " ", "a b", "a+b", "a\u{a0}b", "a\u{2003}", "a\n", "a\u{7f}"] {
            assert_eq!(
                SignerKey::from_seed(wrong, Kind::Log, &[1; 32]).err(),
                Some(Error::Name),
                "{wrong:?}"
            );
        }
        assert!(SignerKey::from_seed("sổ-cái.example/nhật-ký", Kind::Log, &[1; 32]).is_ok());
    }
}
