//! Notes: texts with signatures under them, as [signed-note](https://c2sp.org/signed-note), section "Format", writes them.

use std::fmt;

use crate::cosignature;
use crate::encoding;
use crate::key::{Kind, SignerKey, VerifierKey, check_name};

/// The longest note that is read. Sixteen signatures of the longest kind that anybody makes fit in twice.
pub const MAX_LEN: usize = 256 * 1024;

/// The most signatures of a note. The specification asks for sixteen at least.
pub const MAX_SIGNATURES: usize = 64;

/// How a line with a signature begins: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// A text and who signed it. Nothing of it is to be believed before it is [verified](Self::verify).
///
/// ```
/// use lgsp_tlog::{Kind, Note, SignerKey};
///
/// let old = SignerKey::from_seed("example.com/log", Kind::Log, &[1; 32])?;
/// let new = SignerKey::from_seed("example.com/log", Kind::Log, &[2; 32])?;
///
/// // While a key takes another's place, both sign; whoever knows either accepts the note.
/// let note = Note::sign("text\n", &[&old, &new])?;
/// let read = Note::parse(note.to_string().as_bytes())?;
/// assert!(read.verify(&[old.verifier().clone()]).is_ok());
/// assert!(read.verify(&[new.verifier().clone()]).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// A signature as it stands in a note, verified or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: String,
    id: u32,
    bytes: Vec<u8>,
}

/// A signature that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<'k> {
    /// The key that made it.
    pub key: &'k VerifierKey,
    /// The POSIX time that a witness's signature tells; a log's tells none.
    pub time: Option<u64>,
}

/// Why bytes are no note, or a note is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nobody makes such long ones.
    #[error("a note has at most 262144 bytes, and 64 signatures")]
    TooLong,
    /// It is no text that could be signed.
    #[error("a note's text is UTF-8 without control characters, and its last line has its end")]
    Text,
    /// There are no signatures below an empty line.
    #[error("a note has its signatures below an empty line")]
    NoSignatures,
    /// A line below the text is no signature.
    #[error("a signature is a line of an em dash, the key's name and the base64 of its id and the signature")]
    SignatureForm,
    /// Nobody who is known signed it.
    #[error("no key that is known has signed")]
    Unknown,
    /// A signature is not what it says it is.
    #[error("the signature of {0} does not hold")]
    Wrong(String),
    /// A witness's key signs checkpoints with their time, and a log's key what it is given.
    #[error("the key of {0} is of the other kind")]
    Kind(String),
}

impl Note {
    /// Signs a text with keys of logs.
    ///
    /// # Errors
    /// The text could not be read again, there is no key or more than 64, or one is a witness's.
    pub fn sign(text: &str, keys: &[&SignerKey]) -> Result<Self, Error> {
        check_text(text)?;
        if keys.is_empty() {
            return Err(Error::NoSignatures);
        }
        let mut note = Self { text: text.to_owned(), signatures: Vec::new() };
        for key in keys {
            match key.kind() {
                Kind::Log => note.add(Signature::new(key, key.signature(text.as_bytes()).to_vec()))?,
                Kind::Witness => return Err(Error::Kind(key.name().to_owned())),
            }
        }
        Ok(note)
    }

    /// Reads a note. It is not verified by that.
    ///
    /// # Errors
    /// It is longer than [`MAX_LEN`], has more than [`MAX_SIGNATURES`], or is malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_LEN {
            return Err(Error::TooLong);
        }
        let note = str::from_utf8(bytes).map_err(|_| Error::Text)?;
        // The text may have empty lines of its own: the last one parts it from the signatures.
        let middle = note.rfind("\n\n").ok_or(Error::NoSignatures)? + 1;
        let (text, signatures) = (&note[..middle], &note[middle + 1..]);
        check_text(text)?;
        Ok(Self { text: text.to_owned(), signatures: parse_signatures(signatures)? })
    }

    /// What is signed, with the end of its last line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures in their order, verified or not.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature that somebody else made; one of the same key goes. It is not verified by that.
    ///
    /// # Errors
    /// There are [`MAX_SIGNATURES`] already.
    pub fn add(&mut self, signature: Signature) -> Result<(), Error> {
        let is_same = |other: &Signature| (&other.name, other.id) == (&signature.name, signature.id);
        if let Some(there) = self.signatures.iter_mut().find(|other| is_same(other)) {
            *there = signature;
            return Ok(());
        }
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(Error::TooLong);
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// Verifies the signatures of known keys, and tells which hold: each key once. Those of others are passed over.
    ///
    /// # Errors
    /// None of the keys signed, or a signature that should be of one of them is not: then nothing of the note is believed.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<Verified<'k>>, Error> {
        let verified = self.verify_any(keys)?;
        if verified.is_empty() { Err(Error::Unknown) } else { Ok(verified) }
    }

    /// As [`Self::verify`], but it may be that none of the keys signed.
    pub(crate) fn verify_any<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<Verified<'k>>, Error> {
        let mut verified: Vec<Verified<'k>> = Vec::new();
        for signature in &self.signatures {
            if verified.iter().any(|known| signature.is_of(known.key)) {
                continue;
            }
            // Two keys may have one name and id by accident or intent: either may have made it.
            let mut known = keys.iter().filter(|key| signature.is_of(key)).peekable();
            if known.peek().is_none() {
                continue;
            }
            let found = known.find_map(|key| signature.verify(&self.text, key));
            verified.push(found.ok_or_else(|| Error::Wrong(signature.name.clone()))?);
        }
        Ok(verified)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| write!(f, "{signature}"))
    }
}

impl Signature {
    pub(crate) fn new(key: &SignerKey, bytes: Vec<u8>) -> Self {
        Self { name: key.name().to_owned(), id: key.id(), bytes }
    }

    /// Reads a signature's line, with its end.
    ///
    /// # Errors
    /// It is anything else.
    pub fn parse(line: &str) -> Result<Self, Error> {
        Self::of_line(line).ok_or(Error::SignatureForm)
    }

    fn of_line(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_suffix('\n')?.strip_prefix(DASH)?.split_once(' ')?;
        check_name(name).ok()?;
        let bytes = encoding::from_base64(base64)?;
        let (id, bytes) = bytes.split_first_chunk().filter(|(_, bytes)| !bytes.is_empty())?;
        Some(Self { name: name.to_owned(), id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
    }

    /// The name of the key that is said to have made it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of that key.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The bytes after the id.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it says that this key made it.
    pub(crate) fn is_of(&self, key: &VerifierKey) -> bool {
        (self.name.as_str(), self.id) == (key.name(), key.id())
    }

    fn verify<'k>(&self, text: &str, key: &'k VerifierKey) -> Option<Verified<'k>> {
        match key.kind() {
            Kind::Log => {
                let signature = self.bytes.as_slice().try_into().ok()?;
                key.made(signature, text.as_bytes()).then_some(Verified { key, time: None })
            }
            Kind::Witness => {
                let time = cosignature::verify(text, key, &self.bytes)?;
                Some(Verified { key, time: Some(time) })
            }
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id.to_be_bytes(), self.bytes.as_slice()].concat();
        writeln!(f, "{DASH}{} {}", self.name, encoding::base64(&bytes))
    }
}

/// Reads one signature or more, each a line.
pub(crate) fn parse_signatures(lines: &str) -> Result<Vec<Signature>, Error> {
    if lines.is_empty() {
        return Err(Error::NoSignatures);
    }
    let signatures = lines.split_inclusive('\n').take(MAX_SIGNATURES + 1).map(Signature::parse);
    let signatures = signatures.collect::<Result<Vec<_>, _>>()?;
    if signatures.len() > MAX_SIGNATURES { Err(Error::TooLong) } else { Ok(signatures) }
}

/// What notes must not have: the ASCII control characters.
pub(crate) fn is_control(c: char) -> bool {
    c < ' '
}

fn check_text(text: &str) -> Result<(), Error> {
    let is_text = text.ends_with('\n') && !text.contains(|c| is_control(c) && c != '\n');
    if is_text { Ok(()) } else { Err(Error::Text) }
}

#[cfg(test)]
mod tests;
