use std::fmt;

use crate::Format;

/// Why a text is not the identifier that it should be. No variant carries the text: it may be personal.
///
/// ```
/// use lgsp_identifiers::{EnterpriseCode, Error, Format};
///
/// let error = EnterpriseCode::parse("0100109107").unwrap_err();
/// assert_eq!(error, Error::CheckDigit(Format::EnterpriseCode));
/// assert!(error.to_string().starts_with("the check digit is wrong; expected an enterprise code"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// Nothing but white space.
    Empty(Format),
    /// The wrong length or characters.
    Shape(Format),
    /// The check digit does not follow from the others.
    CheckDigit(Format),
    /// A day that the calendar does not have, or a year outside the accepted range.
    NoSuchDate(Format),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wrong = match self {
            Self::Empty(_) => "empty",
            Self::Shape(_) => "malformed",
            Self::CheckDigit(_) => "the check digit is wrong",
            Self::NoSuchDate(_) => "the date does not exist",
        };
        write!(f, "{wrong}; expected {}", self.format().expected())
    }
}

impl std::error::Error for Error {}

impl Error {
    /// The format that was expected.
    pub fn format(&self) -> Format {
        match self {
            Self::Empty(format)
            | Self::Shape(format)
            | Self::CheckDigit(format)
            | Self::NoSuchDate(format) => *format,
        }
    }
}
