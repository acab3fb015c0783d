use std::fmt;
use std::num::NonZeroU8;
use std::str::FromStr;

use crate::code::{is_digits, prepare};
use crate::{Error, Format};

/// A date of which the day, or month and day, may be unknown: `1958`, `1958-07`, `1958-07-21`. Many older people have
/// only a year of birth on record; a day is never invented.
///
/// The order is by calendar; an unknown part sorts before any known one.
///
/// ```
/// use lgsp_identifiers::PartialDate;
///
/// let born: PartialDate = "1958".parse()?;
/// assert_eq!((born.year(), born.month()), (1958, None));
/// assert!(born.agrees_with(PartialDate::parse("1958-07-21")?));
/// assert!(PartialDate::parse("2023-02-29").is_err());
/// # Ok::<(), lgsp_identifiers::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartialDate {
    year: u16,
    month: Option<NonZeroU8>,
    day: Option<NonZeroU8>,
}

const YEARS: std::ops::RangeInclusive<u16> = 1800..=2200;

impl PartialDate {
    /// A year alone; `None` outside 1800 to 2200.
    pub fn year_only(year: u16) -> Option<Self> {
        YEARS.contains(&year).then_some(Self { year, month: None, day: None })
    }

    /// A year and a month; `None` if there is no such month.
    pub fn year_month(year: u16, month: u8) -> Option<Self> {
        let month = NonZeroU8::new(month).filter(|month| month.get() <= 12)?;
        Some(Self { month: Some(month), ..Self::year_only(year)? })
    }

    /// A full date; `None` if the calendar has no such day.
    pub fn full(year: u16, month: u8, day: u8) -> Option<Self> {
        let date = Self::year_month(year, month)?;
        let day = NonZeroU8::new(day).filter(|day| day.get() <= days_in(year, month))?;
        Some(Self { day: Some(day), ..date })
    }

    /// Parses `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_as(text, Format::PartialDate)
    }

    /// Parses `YYYY-MM-DD` only.
    pub fn parse_full(text: &str) -> Result<Self, Error> {
        let date = Self::parse_as(text, Format::Date)?;
        if date.is_full() { Ok(date) } else { Err(Error::Shape(Format::Date)) }
    }

    fn parse_as(text: &str, format: Format) -> Result<Self, Error> {
        let text = prepare(text, format)?;
        let parts: Vec<&str> = text.splitn(4, '-').collect();
        let widths_fit =
            parts.iter().zip([4, 2, 2]).all(|(part, width)| part.len() == width && is_digits(part));
        if parts.len() > 3 || !widths_fit {
            return Err(Error::Shape(format));
        }
        let number = |part: &str| part.bytes().fold(0, |sum, byte| sum * 10 + u16::from(byte - b'0'));
        // At most two digits, so it fits.
        let small = |part: &str| number(part) as u8;
        let date = match parts[..] {
            [year, month, day] => Self::full(number(year), small(month), small(day)),
            [year, month] => Self::year_month(number(year), small(month)),
            [year] => Self::year_only(number(year)),
            _ => return Err(Error::Shape(format)),
        };
        date.ok_or(Error::NoSuchDate(format))
    }

    /// The year.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12, if known.
    pub fn month(self) -> Option<u8> {
        self.month.map(NonZeroU8::get)
    }

    /// The day of the month, if known.
    pub fn day(self) -> Option<u8> {
        self.day.map(NonZeroU8::get)
    }

    /// Whether the day is known.
    pub fn is_full(self) -> bool {
        self.day.is_some()
    }

    /// Whether nothing that both dates know differs: `1958` agrees with `1958-07-21`, and not with `1959`.
    pub fn agrees_with(self, other: Self) -> bool {
        let month_agrees = self.month.is_none() || other.month.is_none() || self.month == other.month;
        let day_agrees = self.day.is_none() || other.day.is_none() || self.day == other.day;
        self.year == other.year && month_agrees && day_agrees
    }
}

fn days_in(year: u16, month: u8) -> u8 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl FromStr for PartialDate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for PartialDate {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        self.month.map_or(Ok(()), |month| write!(f, "-{month:02}"))?;
        self.day.map_or(Ok(()), |day| write!(f, "-{day:02}"))
    }
}

impl fmt::Debug for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_precisions_are_read_and_written() {
        for text in ["1958", "1958-07", "1958-07-21", "2024-02-29", "2000-02-29"] {
            assert_eq!(PartialDate::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in
            ["2023-02-29", "1900-02-29", "2024-13", "2024-00", "2024-04-31", "2024-01-00", "1799", "2201"]
        {
            assert_eq!(PartialDate::parse(text), Err(Error::NoSuchDate(Format::PartialDate)), "{text}");
        }
        for text in ["58", "1958-7", "1958-07-21-1", "1958/07/21", "1958-", "-1958", "1958-07-2x"] {
            assert_eq!(PartialDate::parse(text), Err(Error::Shape(Format::PartialDate)), "{text}");
        }
        assert_eq!(PartialDate::parse_full("1958-07"), Err(Error::Shape(Format::Date)));
    }

    #[test]
    fn dates_agree_as_far_as_both_are_known() {
        let date = |text| PartialDate::parse(text).unwrap();
        assert!(date("1958").agrees_with(date("1958-07-21")));
        assert!(date("1958-07-21").agrees_with(date("1958-07")));
        assert!(!date("1958-08").agrees_with(date("1958-07-21")));
        assert!(!date("1958").agrees_with(date("1959")));
    }
}
