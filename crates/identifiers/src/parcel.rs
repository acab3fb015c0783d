use std::fmt;
use std::str::FromStr;

use crate::code::{is_digits, prepare};
use crate::{Error, Format, WardCode};

/// Key of a land parcel: ward code (`maXa`), map sheet (`soHieuToBanDo`) and parcel number (`soThuTuThua`), written
/// `31135/12/345`. Ward codes changed on 1 July 2025, so a parcel may have had other keys before.
///
/// ```
/// use lgsp_identifiers::ParcelKey;
///
/// let key: ParcelKey = " 31135 / 012 / 345 ".parse()?;
/// assert_eq!((key.as_str(), key.sheet(), key.number()), ("31135/12/345", 12, 345));
/// # Ok::<(), lgsp_identifiers::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParcelKey {
    ward: WardCode,
    sheet: u32,
    number: u32,
    text: Box<str>,
}

/// Largest map sheet and parcel number that are accepted.
const MAX_NUMBER: u32 = 99_999;

impl ParcelKey {
    /// The key of its three parts; `None` unless both numbers are in `1..=99999`.
    pub fn new(ward: WardCode, sheet: u32, number: u32) -> Option<Self> {
        let accepted = 1..=MAX_NUMBER;
        let is_valid = accepted.contains(&sheet) && accepted.contains(&number);
        is_valid.then(|| Self {
            ward,
            sheet,
            number,
            text: format!("{ward}/{sheet}/{number}").into_boxed_str(),
        })
    }

    /// Parses `ward/sheet/number`; blanks around the parts and leading zeros of the numbers are dropped.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let shape = Error::Shape(Format::ParcelKey);
        let text = prepare(text, Format::ParcelKey)?;
        let parts: Vec<&str> = text.splitn(4, '/').map(str::trim).collect();
        let [ward, sheet, number] = parts[..] else { return Err(shape) };
        let ward = WardCode::parse(ward).map_err(|_| shape)?;
        Self::new(ward, positive(sheet).ok_or(shape)?, positive(number).ok_or(shape)?).ok_or(shape)
    }

    /// The ward code as written, which may be a former one.
    pub fn ward(&self) -> WardCode {
        self.ward
    }

    /// The map sheet.
    pub fn sheet(&self) -> u32 {
        self.sheet
    }

    /// The number of the parcel on its sheet.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The canonical form.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn positive(text: &str) -> Option<u32> {
    // `parse` alone would accept a sign.
    if is_digits(text) { text.parse().ok() } else { None }
}

impl FromStr for ParcelKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for ParcelKey {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for ParcelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for ParcelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parcel_key_is_ward_sheet_and_number() {
        let key = ParcelKey::parse(" 31135 / 012/0345").unwrap();
        assert_eq!((key.ward().as_str(), key.sheet(), key.number()), ("31135", 12, 345));
        assert_eq!(key.as_str(), "31135/12/345");
        assert_eq!(key.as_str().parse(), Ok(key));
    }

    #[test]
    fn keys_sort_by_number_and_not_by_text() {
        assert!(ParcelKey::parse("31135/2/1").unwrap() < ParcelKey::parse("31135/12/1").unwrap());
    }

    #[test]
    fn other_texts_are_no_parcel_keys() {
        for text in
            ["31135/12", "31135/12/345/1", "3113/12/345", "31135/0/1", "31135/+1/1", "31135/1/100000", "//"]
        {
            assert_eq!(ParcelKey::parse(text), Err(Error::Shape(Format::ParcelKey)), "{text}");
        }
    }
}
