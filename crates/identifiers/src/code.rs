use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use crate::{Error, Format};

/// Longest input that is looked at, in bytes. Every accepted written form is far shorter.
const MAX_INPUT: usize = 64;

/// What tells one identifier from another.
pub trait Kind {
    /// The format, for errors.
    const FORMAT: Format;

    /// The canonical form of a text that is already trimmed, in upper case and not empty.
    fn canonical(text: &str) -> Result<String, Error>;

    /// Whether a canonical form identifies a natural person and is shown masked.
    fn is_personal(canonical: &str) -> bool;
}

/// An identifier in its canonical form, of the kind `K`. `Display` and `Debug` mask the personal ones.
///
/// ```
/// use lgsp_identifiers::{Code, Kind, PersonalNumber, mask};
///
/// fn for_the_log<K: Kind>(code: &Code<K>) -> String {
///     code.to_string()
/// }
///
/// let number = PersonalNumber::parse("092099000034")?;
/// assert_eq!(for_the_log(&number), mask(number.as_str()));
/// # Ok::<(), lgsp_identifiers::Error>(())
/// ```
pub struct Code<K> {
    text: Box<str>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Code<K> {
    /// Parses any accepted written form.
    ///
    /// # Errors
    /// The text is none; the error says what is accepted, and never repeats the text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = K::canonical(&prepare(text, K::FORMAT)?)?;
        Ok(Self { text: text.into_boxed_str(), kind: PhantomData })
    }

    /// The canonical form, in full.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Trims, upper-cases and bounds an input.
pub(crate) fn prepare(text: &str, format: Format) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::Empty(format));
    }
    if text.len() > MAX_INPUT || !text.is_ascii() {
        return Err(Error::Shape(format));
    }
    Ok(text.to_ascii_uppercase())
}

/// Whether the text is digits only, at least one.
pub(crate) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Hides all but the ends: `092*******34`. A text shorter than 12 characters shows one at its start instead of three, and
/// one shorter than 6 nothing.
///
/// ```
/// assert_eq!(lgsp_identifiers::mask("092099000034"), "092*******34");
/// ```
pub fn mask(text: &str) -> String {
    let length = text.chars().count();
    let (head, tail) = match length {
        0..6 => (0, 0),
        6..12 => (1, 2),
        12.. => (3, 2),
    };
    let hide = |(index, letter)| if index < head || index >= length - tail { letter } else { '*' };
    text.chars().enumerate().map(hide).collect()
}

impl<K: Kind> FromStr for Code<K> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl<K: Kind> TryFrom<&str> for Code<K> {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl<K: Kind> fmt::Display for Code<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if K::is_personal(&self.text) { f.pad(&mask(&self.text)) } else { f.pad(&self.text) }
    }
}

impl<K: Kind> fmt::Debug for Code<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// Derives would ask the same of `K`, which holds no value.

impl<K> Clone for Code<K> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), kind: PhantomData }
    }
}

impl<K> PartialEq for Code<K> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<K> Eq for Code<K> {}

impl<K> PartialOrd for Code<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Code<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl<K> Hash for Code<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn a_mask_keeps_the_ends_of_long_texts_and_nothing_of_short_ones() {
        assert_eq!(mask("092099000034"), "092*******34");
        assert_eq!(mask("361234567"), "3******67");
        assert_eq!(mask("12345"), "*****");
        assert_eq!(mask(""), "");
    }
}
