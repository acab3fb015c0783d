//! The fixed present of the synthetic city, and dates around it.

use lgsp_identifiers::PartialDate;

use crate::dice::Dice;

/// The year that ages count from.
pub(crate) const THIS_YEAR: u16 = 2026;

/// The last day that anything is recorded on: 2026-05-31.
pub(crate) const TODAY: (u16, u8, u8) = (THIS_YEAR, 5, 31);

const DAY_US: i64 = 86_400_000_000;

/// A full date. Callers give only days that exist.
pub(crate) fn date(year: u16, month: u8, day: u8) -> PartialDate {
    PartialDate::full(year, month, day).expect("the generator uses days of the calendar")
}

/// A year alone.
pub(crate) fn year(year: u16) -> PartialDate {
    PartialDate::year_only(year).expect("the generator uses years of two centuries")
}

/// Any day of a year, up to the 28th of its months; of this year only days up to today.
pub(crate) fn day_in(dice: &mut Dice, year: u16) -> PartialDate {
    let last_month = if year >= THIS_YEAR { u32::from(TODAY.1) } else { 12 };
    date(year.min(THIS_YEAR), dice.within(1..=last_month) as u8, dice.within(1..=28) as u8)
}

/// The date without the parts that a register often lacks.
pub(crate) fn blur(dice: &mut Dice, full: PartialDate, year_only: u32, no_day: u32) -> PartialDate {
    if dice.chance(year_only) {
        return year(full.year());
    }
    let month = full.month().filter(|_| dice.chance(no_day));
    month.and_then(|month| PartialDate::year_month(full.year(), month)).unwrap_or(full)
}

/// The start of a day in UTC, as Unix microseconds. Unknown parts count as their first.
pub(crate) fn unix_us(date: PartialDate) -> i64 {
    let (month, day) = (i64::from(date.month().unwrap_or(1)), i64::from(date.day().unwrap_or(1)));
    // Days since 1970 by counting from March, so that the leap day comes last.
    let year = i64::from(date.year()) - i64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
    days * DAY_US
}

/// The present day.
pub(crate) fn today() -> PartialDate {
    let (year, month, day) = TODAY;
    date(year, month, day)
}

/// The date so many days after the first day that a date may mean.
pub(crate) fn plus_days(date: PartialDate, days: u32) -> PartialDate {
    from_days(unix_us(date) / DAY_US + i64::from(days))
}

/// The date of a day counted from 1970, which is in a year of the calendar here.
fn from_days(days: i64) -> PartialDate {
    // Again from March, in cycles of 400 years.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    // Each is in the range of its type: the generator counts days of three centuries.
    date(year as u16, month as u8, day as u8)
}

/// When a record was last changed and last confirmed: changed in the past years, confirmed in the past month.
pub(crate) fn stamps(dice: &mut Dice) -> (i64, i64) {
    let today = unix_us(today());
    let second = |dice: &mut Dice| i64::from(dice.below(86_400)) * 1_000_000;
    let updated = today - i64::from(dice.within(31..=1800)) * DAY_US + second(dice);
    let confirmed = today - i64::from(dice.within(1..=30)) * DAY_US + second(dice);
    (updated, confirmed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_moments() {
        assert_eq!(unix_us(date(1970, 1, 1)), 0);
        assert_eq!(unix_us(date(1969, 12, 31)), -DAY_US);
        assert_eq!(unix_us(date(2024, 2, 29)), 1_709_164_800_000_000);
        assert_eq!(unix_us(date(2026, 5, 31)), 1_780_185_600_000_000);
    }
    #[test]
    fn days_are_counted_over_the_ends_of_months_and_years() {
        assert_eq!(plus_days(date(2024, 2, 28), 1), date(2024, 2, 29));
        assert_eq!(plus_days(date(2023, 12, 31), 1), date(2024, 1, 1));
        assert_eq!(plus_days(date(1999, 3, 1), 0), date(1999, 3, 1));
        assert_eq!(plus_days(date(2020, 1, 1), 2342), date(2026, 5, 31));
        for days in (0..40_000).step_by(7) {
            let later = plus_days(date(1931, 1, 1), days);
            assert_eq!(unix_us(later), unix_us(date(1931, 1, 1)) + i64::from(days) * DAY_US);
        }
    }
}
