use crate::Format;

/// Why a text is not the identifier that it should be. No variant carries the text: it may be personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing but white space.
    #[error("empty; expected {}", .0.expected())]
    Empty(Format),
    /// The wrong length or characters.
    #[error("malformed; expected {}", .0.expected())]
    Shape(Format),
    /// The check digit does not follow from the others.
    #[error("the check digit is wrong; expected {}", .0.expected())]
    CheckDigit(Format),
    /// A day that the calendar does not have, or a year outside the accepted range.
    #[error("the date does not exist; expected {}", .0.expected())]
    NoSuchDate(Format),
}

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
