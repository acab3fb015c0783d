use std::fmt;

use lgsp_identifiers::PartialDate;

/// A school year, written `2025-2026`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchoolYear(u16);

/// The month in which a school year begins: schools open on 5 September.
const FIRST_MONTH: u8 = 9;

impl SchoolYear {
    /// Parses two years, one after the other.
    pub fn parse(text: &str) -> Option<Self> {
        let (first, second) = text.trim().split_once('-')?;
        let year = |text| PartialDate::parse(text).ok().filter(|_| text.len() == 4).map(PartialDate::year);
        let (first, second) = (year(first)?, year(second)?);
        (first.checked_add(1) == Some(second)).then_some(Self(first))
    }

    /// The last one that has begun on a day.
    pub fn begun(on: PartialDate) -> Self {
        let has_begun = on.month().is_some_and(|month| month >= FIRST_MONTH);
        Self(if has_begun { on.year() } else { on.year() - 1 })
    }

    /// The one before.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0 - 1)
    }
}

impl fmt::Display for SchoolYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:04}", self.0, self.0 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_school_year_is_two_years_one_after_the_other() {
        assert_eq!(SchoolYear::parse(" 2025-2026 ").unwrap().to_string(), "2025-2026");
        for text in [
            "",
            "2025",
            "2025-2027",
            "2026-2025",
            "2025-26",
            "2025/2026",
            "2025-2026-2027",
            "x-y",
            "2200-2201",
        ] {
            assert_eq!(SchoolYear::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_school_year_begins_in_september() {
        let on = |text| SchoolYear::begun(PartialDate::parse(text).unwrap()).to_string();
        assert_eq!(on("2026-08-31"), "2025-2026");
        assert_eq!(on("2026-09-01"), "2026-2027");
        assert_eq!(on("2027-01-01"), "2026-2027");
    }
}
