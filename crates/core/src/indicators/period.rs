//! Periods of reports: a day, a month, a quarter, a half-year, a year, in Asia/Ho_Chi_Minh. The beginning belongs to it, its end to the next.

use std::fmt;
use std::str::FromStr;

use time::macros::format_description;
use time::{Date, Duration, Month};

/// Asia/Ho_Chi_Minh is so far ahead of UTC, in µs.
const AHEAD_US: i64 = 7 * 3_600 * 1_000_000;
const DAY_US: i64 = 24 * 3_600 * 1_000_000;
const EPOCH: i32 = 2_440_588;
/// Years that are written with four digits, and have all their moments in Unix µs.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9998;

/// A period, as it is written: `2026`, `2026-H1`, `2026-Q3`, `2026-11` or `2026-11-28`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    name: String,
    first: Date,
    next: Date,
}

/// What is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no period such as 2026, 2026-H1, 2026-Q3, 2026-11 or 2026-11-28")]
pub struct NoPeriod;

impl FromStr for Period {
    type Err = NoPeriod;

    fn from_str(name: &str) -> Result<Self, NoPeriod> {
        let (year, part) = name.split_once('-').unwrap_or((name, ""));
        let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
        let year: i32 = year.parse().ok().filter(|year| is_year && YEARS.contains(year)).ok_or(NoPeriod)?;
        let (first, next) = match part {
            "" if name.len() == 4 => months(year, 1, 12),
            "H1" => months(year, 1, 6),
            "H2" => months(year, 7, 6),
            "Q1" => months(year, 1, 3),
            "Q2" => months(year, 4, 3),
            "Q3" => months(year, 7, 3),
            "Q4" => months(year, 10, 3),
            month if month.len() == 2 => month.parse().ok().and_then(|month| months(year, month, 1)),
            _ => day(name),
        }
        .ok_or(NoPeriod)?;
        Ok(Self { name: name.to_owned(), first, next })
    }
}

/// So many months of a year.
fn months(year: i32, first: u8, count: u8) -> Option<(Date, Date)> {
    let of = |year, month| Date::from_calendar_date(year, Month::try_from(month).ok()?, 1).ok();
    let next = if first + count > 12 { of(year + 1, first + count - 12) } else { of(year, first + count) };
    of(year, first).zip(next)
}

fn day(name: &str) -> Option<(Date, Date)> {
    let first = Date::parse(name, format_description!("[year]-[month]-[day]")).ok()?;
    first.next_day().map(|next| (first, next))
}

impl Period {
    /// When it begins, Unix µs.
    pub fn since_us(&self) -> i64 {
        begin_us(self.first)
    }

    /// When it is over, Unix µs: the moment itself is not of it.
    pub fn until_us(&self) -> i64 {
        begin_us(self.next)
    }

    /// Its first day.
    pub fn first(&self) -> String {
        written(self.first)
    }

    /// Its last day.
    pub fn last(&self) -> String {
        written(self.next - Duration::DAY)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn begin_us(date: Date) -> i64 {
    day_begin_us(i64::from(date.to_julian_day() - EPOCH))
}

fn written(date: Date) -> String {
    date.format(format_description!("[year]-[month]-[day]")).unwrap_or_default()
}

/// The day of a moment (Unix µs), counted from 1970-01-01 as 0. What was before is of day 0, or of one before it.
pub fn day_number(us: i64) -> i64 {
    us.saturating_add(AHEAD_US) / DAY_US
}

/// When a day begins, by its number: Unix µs.
pub fn day_begin_us(number: i64) -> i64 {
    number.saturating_mul(DAY_US).saturating_sub(AHEAD_US)
}

/// The first midnight in Asia/Ho_Chi_Minh that is not before a moment, both in Unix µs.
pub fn midnight_after(us: i64) -> i64 {
    let since = us.saturating_add(AHEAD_US).rem_euclid(DAY_US);
    if since == 0 { us } else { us.saturating_add(DAY_US - since) }
}

/// The month of a moment (Unix µs) in Asia/Ho_Chi_Minh, counted from that of the year 0 as 0; -1 of a moment that has no date.
pub fn month_number(us: i64) -> i64 {
    let day = i32::try_from(us.saturating_add(AHEAD_US).div_euclid(DAY_US)).ok();
    let date = day.and_then(|day| Date::from_julian_day(day.checked_add(EPOCH)?).ok());
    date.map_or(-1, |date| i64::from(date.year()) * 12 + i64::from(u8::from(date.month())) - 1)
}

/// When a month begins, by its number: Unix µs; `None` if it has no date.
pub fn month_begin_us(number: i64) -> Option<i64> {
    let month = u8::try_from(number.rem_euclid(12) + 1).ok().and_then(|month| Month::try_from(month).ok())?;
    let year = i32::try_from(number.div_euclid(12)).ok()?;
    Date::from_calendar_date(year, month, 1).ok().map(begin_us)
}

/// A day by its number, as `YYYY-MM-DD`; empty if it has no date.
pub fn day_of(number: i64) -> String {
    let date = i32::try_from(number).ok().and_then(|number| number.checked_add(EPOCH));
    date.and_then(|day| Date::from_julian_day(day).ok()).map(written).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, first: &str, last: &str) {
        let period: Period = name.parse().unwrap();
        assert_eq!((period.first().as_str(), period.last().as_str()), (first, last), "{name}");
        assert_eq!(crate::time::day(period.since_us()), first);
        assert_eq!(crate::time::day(period.until_us() - 1), last);
        assert_ne!(crate::time::day(period.until_us()), last);
        assert_eq!(day_of(day_number(period.since_us())), first);
        assert_eq!(day_begin_us(day_number(period.since_us())), period.since_us());
        assert_eq!(day_of(day_number(period.until_us() - 1)), last);
        assert_eq!(period.to_string(), name);
        let month = month_number(period.since_us());
        let begin = month_begin_us(month).unwrap();
        assert!(begin <= period.since_us() && month_begin_us(month + 1).unwrap() > period.since_us());
        assert_eq!(month_number(begin - 1), month - 1);
        for at in [period.since_us() - 1, period.since_us()] {
            assert_eq!(midnight_after(at), period.since_us());
        }
    }

    #[test]
    fn a_period_is_cut_at_midnight_in_ho_chi_minh_city_and_its_end_is_of_the_next() {
        check("2026", "2026-01-01", "2026-12-31");
        check("2026-H1", "2026-01-01", "2026-06-30");
        check("2026-H2", "2026-07-01", "2026-12-31");
        check("2026-Q3", "2026-07-01", "2026-09-30");
        check("2026-Q4", "2026-10-01", "2026-12-31");
        check("2026-11", "2026-11-01", "2026-11-30");
        check("2026-12", "2026-12-01", "2026-12-31");
        check("2024-02", "2024-02-01", "2024-02-29");
        check("2026-11-28", "2026-11-28", "2026-11-28");
    }

    #[test]
    fn what_is_no_period_is_none() {
        for name in [
            "",
            "26",
            "2026-",
            "2026-H3",
            "2026-Q0",
            "2026-13",
            "2026-00",
            "2026-1",
            "2026-02-30",
            "+026",
            "1969",
            "9999",
        ] {
            assert_eq!(name.parse::<Period>(), Err(NoPeriod), "{name}");
        }
    }
}
