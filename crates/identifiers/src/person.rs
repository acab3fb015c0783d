use std::fmt;
use std::str::FromStr;

use crate::code::{Code, Kind, is_digits, prepare};
use crate::{Error, Format};

/// Personal number (số định danh cá nhân): 12 digits, being 3 of the province where the birth was registered, 1 of
/// century and sex, 2 of the year of birth, 6 serial. It has no check digit, and any province is a valid one.
///
/// ```
/// use lgsp_identifiers::{PersonalNumber, Sex};
///
/// let number: PersonalNumber = "094305123456".parse()?;
/// assert_eq!((number.province(), number.sex(), number.birth_year()), ("094", Sex::Female, 2005));
/// assert_eq!(format!("{number} {number:?}"), "094*******56 094*******56");
/// # Ok::<(), lgsp_identifiers::Error>(())
/// ```
pub type PersonalNumber = Code<Personal>;

/// Number of an old identity card (CMND): 9 digits.
///
/// ```
/// use lgsp_identifiers::OldIdentityCard;
///
/// assert_eq!(OldIdentityCard::parse("361234567")?.to_string(), "3******67");
/// # Ok::<(), lgsp_identifiers::Error>(())
/// ```
pub type OldIdentityCard = Code<OldCard>;

/// The kind of a [`PersonalNumber`].
pub enum Personal {}

/// The kind of an [`OldIdentityCard`].
pub enum OldCard {}

impl Kind for Personal {
    const FORMAT: Format = Format::PersonalNumber;

    fn canonical(text: &str) -> Result<String, Error> {
        digits(text, 12, Self::FORMAT)
    }

    fn is_personal(_: &str) -> bool {
        true
    }
}

impl Kind for OldCard {
    const FORMAT: Format = Format::OldIdentityCard;

    fn canonical(text: &str) -> Result<String, Error> {
        digits(text, 9, Self::FORMAT)
    }

    fn is_personal(_: &str) -> bool {
        true
    }
}

fn digits(text: &str, length: usize, format: Format) -> Result<String, Error> {
    if text.len() != length || !is_digits(text) {
        return Err(Error::Shape(format));
    }
    Ok(text.to_owned())
}

/// Sex, with the codes of QCVN 109:2017.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sex {
    /// Code 0.
    Unknown,
    /// Code 1.
    Male,
    /// Code 2.
    Female,
}

impl Sex {
    /// The code of QCVN 109:2017.
    pub fn code(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Male => 1,
            Self::Female => 2,
        }
    }
}

impl PersonalNumber {
    /// The three digits of the province where the birth was registered.
    pub fn province(&self) -> &str {
        &self.as_str()[..3]
    }

    /// The sex registered at birth: the parity of the fourth digit.
    pub fn sex(&self) -> Sex {
        if self.digit(3).is_multiple_of(2) { Sex::Male } else { Sex::Female }
    }

    /// The year of birth: the century by the fourth digit (0 and 1 are the 1900s), then two digits.
    pub fn birth_year(&self) -> u16 {
        1900 + self.digit(3) / 2 * 100 + self.digit(4) * 10 + self.digit(5)
    }

    /// The six digits that tell apart persons of one province, sex and year.
    pub fn serial(&self) -> &str {
        &self.as_str()[6..]
    }

    fn digit(&self, index: usize) -> u16 {
        u16::from(self.as_str().as_bytes()[index] - b'0')
    }
}

/// What a person may be asked for by: the personal number, or the number of the old identity card.
///
/// ```
/// use lgsp_identifiers::PersonKey;
///
/// assert!(matches!("092099000034".parse()?, PersonKey::Number(_)));
/// assert!(matches!("361234567".parse()?, PersonKey::OldCard(_)));
/// # Ok::<(), lgsp_identifiers::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonKey {
    /// A personal number.
    Number(PersonalNumber),
    /// An old identity card.
    OldCard(OldIdentityCard),
}

impl PersonKey {
    /// Parses 12 digits as a personal number and 9 as an old identity card.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = prepare(text, Format::PersonKey)?;
        let shape = |_| Error::Shape(Format::PersonKey);
        match text.len() {
            9 => OldIdentityCard::parse(&text).map(Self::OldCard).map_err(shape),
            _ => PersonalNumber::parse(&text).map(Self::Number).map_err(shape),
        }
    }

    /// The digits, in full.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Number(number) => number.as_str(),
            Self::OldCard(card) => card.as_str(),
        }
    }
}

impl FromStr for PersonKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for PersonKey {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => fmt::Display::fmt(number, f),
            Self::OldCard(card) => fmt::Display::fmt(card, f),
        }
    }
}

impl fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_personal_number_tells_province_sex_year_and_serial() {
        let number = PersonalNumber::parse(" 092099000034\n").unwrap();
        assert_eq!((number.province(), number.sex(), number.birth_year()), ("092", Sex::Male, 1999));
        assert_eq!(number.serial(), "000034");
        let number = PersonalNumber::parse("094305123456").unwrap();
        assert_eq!((number.sex(), number.birth_year()), (Sex::Female, 2005));
        assert_eq!(PersonalNumber::parse("001510000001").unwrap().birth_year(), 2110);
    }

    #[test]
    fn any_province_is_accepted() {
        for text in ["000000000000", "999199000001", "500199000001"] {
            assert!(PersonalNumber::parse(text).is_ok());
        }
    }

    #[test]
    fn other_lengths_and_letters_are_refused_without_repeating_them() {
        for text in ["09209900003", "0920990000345", "09209900003O", "٠٩٢٠٩٩٠٠٠٠٣٤", "092 099000034"]
        {
            let error = PersonalNumber::parse(text).unwrap_err();
            assert_eq!(error, Error::Shape(Format::PersonalNumber));
            assert!(!error.to_string().contains(text) && !format!("{error:?}").contains(text));
        }
        assert_eq!(PersonalNumber::parse("  "), Err(Error::Empty(Format::PersonalNumber)));
    }

    #[test]
    fn display_and_debug_mask() {
        let key = PersonKey::parse("092099000034").unwrap();
        assert_eq!(format!("{key} {key:?}"), "092*******34 092*******34");
        let card = OldIdentityCard::parse("361234567").unwrap();
        assert_eq!(format!("{card} {:?}", PersonKey::OldCard(card.clone())), "3******67 3******67");
    }

    #[test]
    fn a_person_key_is_told_by_its_length() {
        assert!(matches!(PersonKey::parse("361234567"), Ok(PersonKey::OldCard(_))));
        assert!(matches!(PersonKey::parse("092099000034"), Ok(PersonKey::Number(_))));
        assert_eq!(PersonKey::parse("3612345678"), Err(Error::Shape(Format::PersonKey)));
        assert_eq!(PersonKey::parse("36123456X"), Err(Error::Shape(Format::PersonKey)));
    }
}
