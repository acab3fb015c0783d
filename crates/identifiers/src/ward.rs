use std::fmt;
use std::str::FromStr;

use crate::code::{is_digits, prepare};
use crate::{Error, Format, units};

/// Code of a ward or commune: 5 digits. Any is accepted, because people come from everywhere; whether the city has or
/// had such a ward is asked of [`units`].
///
/// ```
/// use lgsp_identifiers::WardCode;
///
/// let code: WardCode = "31117".parse()?;
/// assert_eq!((code.is_current(), code.is_former()), (false, true));
/// # Ok::<(), lgsp_identifiers::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WardCode([u8; 5]);

/// Code of a province: 2 digits.
///
/// ```
/// use lgsp_identifiers::ProvinceCode;
///
/// assert_eq!(ProvinceCode::parse("92")?.as_str(), "92");
/// # Ok::<(), lgsp_identifiers::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProvinceCode([u8; 2]);

impl WardCode {
    /// Parses 5 digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        fixed_digits(text, Format::WardCode).map(Self)
    }

    /// The 5 digits.
    pub fn as_str(&self) -> &str {
        text_of(&self.0)
    }

    /// Whether a ward of the city has this code now.
    pub fn is_current(self) -> bool {
        units::current(self).is_some()
    }

    /// Whether a ward of the former provinces had this code before 1 July 2025. Both may hold.
    pub fn is_former(self) -> bool {
        units::former(self).is_some()
    }
}

impl ProvinceCode {
    /// Parses 2 digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        fixed_digits(text, Format::ProvinceCode).map(Self)
    }

    /// The 2 digits.
    pub fn as_str(&self) -> &str {
        text_of(&self.0)
    }
}

fn fixed_digits<const N: usize>(text: &str, format: Format) -> Result<[u8; N], Error> {
    let text = prepare(text, format)?;
    let digits = text.as_bytes().try_into().map_err(|_| Error::Shape(format))?;
    if is_digits(&text) { Ok(digits) } else { Err(Error::Shape(format)) }
}

fn text_of(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).expect("only ASCII digits are stored")
}

impl FromStr for WardCode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for WardCode {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for WardCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for WardCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ProvinceCode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for ProvinceCode {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for ProvinceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for ProvinceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ward_code_knows_whether_it_is_in_use_and_whether_it_was() {
        let kinds = |text| {
            let code = WardCode::parse(text).unwrap();
            (code.is_current(), code.is_former())
        };
        assert_eq!(kinds("31120"), (true, true));
        assert_eq!(kinds("31117"), (false, true));
        assert_eq!(kinds("00001"), (false, false));
    }

    #[test]
    fn other_lengths_and_letters_are_refused() {
        for text in ["3112", "311200", "3112A"] {
            assert_eq!(WardCode::parse(text), Err(Error::Shape(Format::WardCode)));
        }
        assert_eq!(ProvinceCode::parse(" 92 ").unwrap().as_str(), "92");
        assert_eq!(ProvinceCode::parse("092"), Err(Error::Shape(Format::ProvinceCode)));
    }
}
